"""A model behind FastAPI and ONNX Runtime as people write it by hand. MODEL names the file, THREADS the threads of one run (0: as ONNX
Runtime chooses)."""

import os

import numpy as np
import onnxruntime
from fastapi import FastAPI, Request, Response
from pydantic import BaseModel

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = int(os.environ["THREADS"])
session = onnxruntime.InferenceSession(os.environ["MODEL"], options, providers=["CPUExecutionProvider"])
model_input = session.get_inputs()[0]
shape = [-1, *model_input.shape[1:]]
app = FastAPI()


class Table(BaseModel):
    rows: list[list[float]]


class Images(BaseModel):
    images: list[list[list[list[float]]]]


@app.get("/health")
async def health():
    return {"status": "ok"}


@app.post("/predict")
async def predict(table: Table):
    features = np.asarray(table.rows, dtype=np.float32)
    label, probabilities = session.run(["label", "probabilities"], {model_input.name: features})
    return {"labels": label.tolist(), "probabilities": probabilities.tolist()}


@app.post("/classify")
async def classify(request: Images):
    (scores,) = session.run(["scores"], {model_input.name: np.asarray(request.images, dtype=np.float32)})
    return {"scores": scores.tolist()}


@app.post("/classify-bytes")
async def classify_bytes(request: Request):
    images = np.frombuffer(await request.body(), dtype=np.float32).reshape(shape)
    (scores,) = session.run(["scores"], {model_input.name: images})
    return Response(scores.tobytes(), media_type="application/octet-stream")
