"""Asks a data plane through NVIDIA's own client of the Open Inference Protocol, tensors as JSON."""

import json
import sys

import numpy as np
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

request = json.load(sys.stdin)
client = triton.InferenceServerClient(url=request["address"].removeprefix("http://"))
model = request["model"]
columns = {
    "tenure": ("FP64", np.array(request["tenure"], dtype=np.float64)),
    "charges": ("FP32", np.array(request["charges"], dtype=np.float32)),
    "senior": ("BOOL", np.array(request["senior"], dtype=bool)),
    "contract": ("BYTES", np.array(request["contract"], dtype=object)),
}


def tensors(columns):
    made = []
    for name, (datatype, values) in columns.items():
        tensor = triton.InferInput(name, [len(values), 1], datatype)
        tensor.set_data_from_numpy(values.reshape(-1, 1), binary_data=False)
        made.append(tensor)
    return made


def refusal(call):
    try:
        call()
    except InferenceServerException as error:
        return {"status": error.status(), "message": error.message()}
    return None


chosen = [triton.InferRequestedOutput(name, binary_data=False) for name in ("probabilities", "label")]
answer = client.infer(model, tensors(columns), outputs=chosen, request_id="from-triton")
# Without a choice this client asks for all outputs as binary data; a server without that extension answers JSON.
everything = client.infer(model, tensors(columns), model_version=request["version"])
broken = dict(columns, tenure=("INT64", np.array([2**60 + 1] * len(request["tenure"]), dtype=np.int64)))
json.dump(
    {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "modelReady": client.is_model_ready(model, request["version"]),
        "noSuchModelReady": client.is_model_ready("nothing"),
        "server": client.get_server_metadata(),
        "metadata": client.get_model_metadata(model),
        "id": answer.get_response()["id"],
        "parameters": answer.get_response()["parameters"],
        "label": [str(label) for label in answer.as_numpy("label")],
        "probabilities": answer.as_numpy("probabilities").tolist(),
        "probabilitiesType": str(answer.as_numpy("probabilities").dtype),
        "everything": [output["name"] for output in everything.get_response()["outputs"]],
        "missing": refusal(lambda: client.infer(model, tensors({"tenure": columns["tenure"]}))),
        "unknownModel": refusal(lambda: client.infer("nothing", tensors(columns))),
        "inexact": refusal(lambda: client.infer(model, tensors(broken))),
    },
    sys.stdout,
)
