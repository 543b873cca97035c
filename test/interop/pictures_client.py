"""Asks a data plane about pictures through NVIDIA's own clients: JPEG and PNG as BYTES, over HTTP and gRPC."""

import base64
import io
import json
import sys

import numpy as np
import tritonclient.grpc as over_grpc
import tritonclient.http as over_http
from PIL import Image
from tritonclient.utils import InferenceServerException

request = json.load(sys.stdin)
pngs = [base64.b64decode(text) for text in request["pictures"]]


def jpeg(png):
    out = io.BytesIO()
    Image.open(io.BytesIO(png)).save(out, "JPEG", quality=95)
    return out.getvalue()


jpegs = [jpeg(png) for png in pngs]


def asked(module, client, pictures, **options):
    tensor = module.InferInput("image", [len(pictures)], "BYTES")
    tensor.set_data_from_numpy(np.array(pictures, dtype=np.object_), **options)
    answer = client.infer(request["endpoint"], [tensor])
    response = answer.get_response()
    if module is over_grpc:
        ids = response.parameters["prediction_ids"].string_param
    else:
        ids = response["parameters"]["prediction_ids"]
    return {
        "label": [label.decode() for label in answer.as_numpy("label")],
        "probabilities": answer.as_numpy("probabilities").tolist(),
        "ids": ids.split(","),
    }


def refusal(module, client):
    try:
        asked(module, client, [pngs[0], b"this is no picture"])
    except InferenceServerException as error:
        return {"status": str(error.status()), "message": error.message()}
    return None


http = over_http.InferenceServerClient(url=request["address"].removeprefix("http://"))
grpc = over_grpc.InferenceServerClient(url=request["grpcAddress"].removeprefix("grpc://"))
json.dump(
    {
        "http png": asked(over_http, http, pngs, binary_data=True),
        "http jpeg": asked(over_http, http, jpegs, binary_data=True),
        "grpc png": asked(over_grpc, grpc, pngs),
        "grpc jpeg": asked(over_grpc, grpc, jpegs),
        "refused": [refusal(over_http, http), refusal(over_grpc, grpc)],
        "image": http.get_model_metadata(request["endpoint"])["inputs"][0]["parameters"]["image"],
    },
    sys.stdout,
)
