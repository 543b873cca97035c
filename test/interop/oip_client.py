"""Asks a data plane through NVIDIA's own clients of the Open Inference Protocol: both transports, tensors as JSON and as bytes."""

import json
import queue
import sys

import numpy as np
import tritonclient.grpc as over_grpc
import tritonclient.http as over_http
from tritonclient.utils import InferenceServerException

request = json.load(sys.stdin)
model = request["model"]
columns = {
    "tenure": ("FP64", np.array(request["tenure"], dtype=np.float64)),
    "charges": ("FP32", np.array(request["charges"], dtype=np.float32)),
    "senior": ("BOOL", np.array(request["senior"], dtype=bool)),
    "contract": ("BYTES", np.array(request["contract"], dtype=object)),
}
# One row of each type that the protocol has, as the model "echo" gives it back.
echoed = {
    "BOOL": ("BOOL", np.array([[True, False]])),
    "UINT8": ("UINT8", np.array([[0, 255]], dtype=np.uint8)),
    "UINT16": ("UINT16", np.array([[0, 65535]], dtype=np.uint16)),
    "UINT32": ("UINT32", np.array([[0, 2**32 - 1]], dtype=np.uint32)),
    "UINT64": ("UINT64", np.array([[0, 2**64 - 1]], dtype=np.uint64)),
    "INT8": ("INT8", np.array([[-128, 127]], dtype=np.int8)),
    "INT16": ("INT16", np.array([[-32768, 32767]], dtype=np.int16)),
    "INT32": ("INT32", np.array([[-(2**31), 2**31 - 1]], dtype=np.int32)),
    "INT64": ("INT64", np.array([[-(2**63), 2**63 - 1]], dtype=np.int64)),
    "FLOAT16": ("FP16", np.array([[0.5, -2]], dtype=np.float16)),
    "FLOAT": ("FP32", np.array([[1.5, np.nan]], dtype=np.float32)),
    "DOUBLE": ("FP64", np.array([[0.1, -np.inf]], dtype=np.float64)),
    "STRING": ("BYTES", np.array([["Köln \"quoted\"", ""]], dtype=object)),
}


def refusal(call):
    try:
        call()
    except InferenceServerException as error:
        return {"status": str(error.status()), "message": error.message()}
    return None


def texts(values):
    return [value.decode() if isinstance(value, bytes) else str(value) for value in np.ravel(values)]


def finite(values):
    """JSON has neither NaN nor infinities."""
    return np.where(np.isfinite(values), values, 7).astype(values.dtype) if values.dtype.kind == "f" else values


class Http:
    def __init__(self, binary):
        self.finite = not binary
        self.client = over_http.InferenceServerClient(url=request["address"].removeprefix("http://"))
        self.binary = binary

    def input(self, name, datatype, values):
        tensor = over_http.InferInput(name, list(values.shape), datatype)
        # FP16 has no values in JSON: this client sends them as bytes alone.
        tensor.set_data_from_numpy(values, binary_data=self.binary or datatype == "FP16")
        return tensor

    def output(self, name):
        return over_http.InferRequestedOutput(name, binary_data=self.binary)

    def parameters(self, answer):
        return answer.get_response()["parameters"]

    def id(self, answer):
        return answer.get_response()["id"]

    def names(self, answer):
        return [output["name"] for output in answer.get_response()["outputs"]]

    def counts(self, name):
        (found,) = self.client.get_inference_statistics(name)["model_stats"]
        return found["inference_count"], found["inference_stats"]["success"]["count"], found["inference_stats"]["fail"]["count"]

    def index(self):
        return [[entry["name"], entry["state"]] for entry in self.client.get_model_repository_index()]

    def metadata(self, name):
        return self.client.get_model_metadata(name)

    def server(self):
        return self.client.get_server_metadata()


class Grpc:
    finite = False

    def __init__(self):
        self.client = over_grpc.InferenceServerClient(url=request["grpcAddress"].removeprefix("grpc://"))

    def input(self, name, datatype, values):
        tensor = over_grpc.InferInput(name, list(values.shape), datatype)
        tensor.set_data_from_numpy(values)
        return tensor

    def output(self, name):
        return over_grpc.InferRequestedOutput(name)

    def parameters(self, answer):
        return {name: value.string_param for name, value in answer.get_response().parameters.items()}

    def id(self, answer):
        return answer.get_response().id

    def names(self, answer):
        return [output.name for output in answer.get_response().outputs]

    def counts(self, name):
        (found,) = self.client.get_inference_statistics(name, as_json=True)["model_stats"]
        stats = found["inference_stats"]
        return int(found["inference_count"]), int(stats["success"]["count"]), int(stats["fail"].get("count", 0))

    def index(self):
        return [[entry.name, entry.state] for entry in self.client.get_model_repository_index().models]

    def metadata(self, name):
        found = self.client.get_model_metadata(name, as_json=True)
        inputs = [{**one, "shape": [int(axis) for axis in one["shape"]]} for one in found["inputs"]]
        return {**found, "inputs": inputs}

    def server(self):
        return self.client.get_server_metadata(as_json=True)


def seen_by(side):
    client = side.client

    def tensors(columns):
        return [side.input(name, datatype, values.reshape(-1, 1)) for name, (datatype, values) in columns.items()]

    # The statistics of the model are of what was asked so far, by any client.
    before = side.counts(model)
    chosen = [side.output(name) for name in ("probabilities", "label")]
    answer = client.infer(model, tensors(columns), outputs=chosen, request_id="from-triton")
    everything = client.infer(model, tensors(columns), model_version=request["version"])
    after = side.counts(model)
    broken = dict(columns, tenure=("INT64", np.array([2**60 + 1] * len(request["tenure"]), dtype=np.int64)))
    sent = {name: (datatype, finite(values) if side.finite else values) for name, (datatype, values) in echoed.items()}
    every_type = [side.input(name, datatype, values) for name, (datatype, values) in sent.items()]
    echo = client.infer("echo", every_type, outputs=[side.output(f"{name}_out") for name in echoed])
    client.unload_model("echo")
    unloaded = {"index": side.index(), "ready": client.is_model_ready("echo"), "refusal": refusal(lambda: client.infer("echo", every_type))}
    client.load_model("echo")
    return {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "modelReady": client.is_model_ready(model, request["version"]),
        "noSuchModelReady": client.is_model_ready("nothing"),
        "server": side.server(),
        "metadata": side.metadata(model),
        "id": side.id(answer),
        "parameters": side.parameters(answer),
        "label": texts(answer.as_numpy("label")),
        "probabilities": answer.as_numpy("probabilities").tolist(),
        "probabilitiesType": str(answer.as_numpy("probabilities").dtype),
        "everything": side.names(everything),
        "missing": refusal(lambda: client.infer(model, tensors({"tenure": columns["tenure"]}))),
        "unknownModel": refusal(lambda: client.infer("nothing", tensors(columns))),
        "inexact": refusal(lambda: client.infer(model, tensors(broken))),
        "differs": [
            name
            for name, (_, values) in sent.items()
            if (texts(echo.as_numpy(f"{name}_out")) != texts(values))
            or (name != "STRING" and echo.as_numpy(f"{name}_out").dtype != values.dtype)
        ],
        "counted": [now - then for now, then in zip(after, before)],
        "unloaded": unloaded,
        "index": side.index(),
    }


def packed():
    """A request and its answer, packed on the way."""
    side = Http(True)
    values = np.array([["x" * 1000, "y"]] * 40, dtype=object)
    rows = {name: (datatype, np.repeat(one, 40, axis=0)) for name, (datatype, one) in echoed.items()} | {"STRING": ("BYTES", values)}
    inputs = [side.input(name, datatype, one) for name, (datatype, one) in rows.items()]
    found = {}
    for way in ("gzip", "deflate"):
        answer = side.client.infer(
            "echo", inputs, outputs=[side.output("STRING_out")], request_compression_algorithm=way, response_compression_algorithm="gzip"
        )
        found[way] = texts(answer.as_numpy("STRING_out")) == texts(values)
    side = Grpc()
    inputs = [side.input(name, datatype, one) for name, (datatype, one) in rows.items()]
    answer = side.client.infer("echo", inputs, outputs=[side.output("STRING_out")], compression_algorithm="gzip")
    found["grpc"] = texts(answer.as_numpy("STRING_out")) == texts(values)
    return found


def streamed():
    """Many requests on one stream, one of them bad: answers in the order of the requests."""
    side = Grpc()
    answers = queue.Queue()
    side.client.start_stream(callback=lambda result, error: answers.put(error.message() if error else result.as_numpy("probabilities").shape[0]))
    sizes = [1, 3, 0, 2]
    for size in sizes:
        rows = {name: (datatype, values[:1].repeat(size)) for name, (datatype, values) in columns.items()}
        tensors = [side.input(name, datatype, values.reshape(-1, 1)) for name, (datatype, values) in rows.items()]
        side.client.async_stream_infer(model, tensors)
    found = [answers.get(timeout=30) for _ in sizes]
    side.client.stop_stream()
    return found


def late():
    """A microsecond to answer in."""
    found = []
    for side in (Http(True), Grpc()):
        rows = [side.input(name, datatype, values.reshape(-1, 1)) for name, (datatype, values) in columns.items()]
        found.append(refusal(lambda: side.client.infer(model, rows, timeout=1)))
    return found


json.dump(
    {
        "json": seen_by(Http(False)),
        "bytes": seen_by(Http(True)),
        "grpc": seen_by(Grpc()),
        "packed": packed(),
        "streamed": streamed(),
        "late": late(),
    },
    sys.stdout,
)
