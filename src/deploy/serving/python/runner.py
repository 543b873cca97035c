"""Runs one model of a Python flavour for the data plane that started this process. It executes the model's code: nothing else of Gyre does.

It needs Python 3.9 or newer with NumPy and what the model itself needs; pandas where the model takes columns; mlflow for any flavour but
scikit-learn's and PyTorch's own. Frames come and go on the socket that is file descriptor 3, never on standard output, so what the model
prints is a line of the log. A frame is two little-endian uint32 (the bytes of its JSON header, and of the tensors behind it), the header and
the tensors. Tensors are row-major and little-endian as in the Open Inference Protocol's binary tensor data extension; an element of BYTES
has its length in four bytes before it.

Requests: load {folder, mlmodel, columns | tensors, outputs, task, classes, limits}, infer {tensors}, ping, stop. Each has an `id`; answers
repeat it, and hold either `ok` or `error` {code, message}. A ping is answered while the model runs. When the socket closes, whoever asked is
gone, and the whole process group ends.
"""

import ctypes
import json
import os
import queue
import signal
import socket
import struct
import sys
import threading
import traceback

PREFIX = struct.Struct("<II")
LENGTH = struct.Struct("<I")
DTYPES = {
    "BOOL": "?",
    "UINT8": "u1",
    "UINT16": "<u2",
    "UINT32": "<u4",
    "UINT64": "<u8",
    "INT8": "i1",
    "INT16": "<i2",
    "INT32": "<i4",
    "INT64": "<i8",
    "FP16": "<f2",
    "FP32": "<f4",
    "FP64": "<f8",
}
# What says that the machine or the installation is at fault, and not the values that the model was given.
OWN_FAULTS = (ImportError, OSError, SystemError, NotImplementedError)


class Refused(Exception):
    """What whoever asked is told as it is, with the canonical code."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class Channel:
    """Frames over a socket; answers may be sent by any thread."""

    def __init__(self, connection):
        self.connection = connection
        self.lock = threading.Lock()

    def read(self):
        """The next frame as (header, tensors' bytes); None when the other side is gone."""
        prefix = self._exactly(PREFIX.size)
        if prefix is None:
            return None
        header_size, body_size = PREFIX.unpack(prefix)
        header = self._exactly(header_size)
        body = self._exactly(body_size)
        return None if header is None or body is None else (json.loads(bytes(header)), memoryview(body))

    def _exactly(self, size):
        data = bytearray(size)
        view = memoryview(data)
        at = 0
        while at < size:
            count = self.connection.recv_into(view[at:])
            if count == 0:
                return None
            at += count
        return data

    def write(self, header, parts=()):
        text = json.dumps(header).encode()
        with self.lock:
            self.connection.sendall(PREFIX.pack(len(text), sum(len(part) for part in parts)) + text)
            for part in parts:
                self.connection.sendall(part)


def resident_bytes():
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def read_requests(channel, requests):
    """Runs on a thread of its own: says that the process lives while the model runs, and ends it when nobody asks any more."""
    try:
        while True:
            frame = channel.read()
            if frame is None:
                break
            header, body = frame
            if header["op"] == "ping":
                channel.write({"id": header["id"], "ok": {"residentBytes": resident_bytes()}})
            elif header["op"] == "stop":
                requests.put(None)
            else:
                requests.put((header, body))
    except OSError:
        pass
    os.killpg(0, signal.SIGKILL)


def limit(limits):
    """Limits that the model's code cannot raise again: set before any of it is imported."""
    import resource

    wanted = {
        "memoryBytes": resource.RLIMIT_DATA,
        "openFiles": resource.RLIMIT_NOFILE,
        "processes": getattr(resource, "RLIMIT_NPROC", None),
        "cpuSeconds": resource.RLIMIT_CPU,
    }
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for name, kind in wanted.items():
        value = limits.get(name)
        if value is None or kind is None:
            continue
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (value, value))


def die_with_parent():
    """Even while code that holds the interpreter runs (Linux: PR_SET_PDEATHSIG)."""
    if not sys.platform.startswith("linux"):
        return
    parent = os.getppid()
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    if parent != os.getppid():
        os.killpg(0, signal.SIGKILL)


class Model:
    """The model, and how tensors become what it takes and what it gives becomes tensors."""

    def __init__(self, spec):
        self.columns = spec.get("columns")
        self.tensors = spec.get("tensors") or []
        self.outputs = spec.get("outputs") or []
        self.task = spec.get("task")
        self.classes = spec.get("classes") or []
        self.flavors = spec["mlmodel"]["flavors"]
        folder = spec["folder"]
        self.pyfunc = None
        self.raw = None
        self.method = None
        function = self.flavors.get("python_function", {})
        # Importing mlflow takes longer than all else: what it would only hand on is loaded without it.
        is_plain = function.get("loader_module", "mlflow.sklearn") == "mlflow.sklearn" and not function.get("code")
        if "sklearn" in self.flavors and is_plain:
            self.raw = load_sklearn(folder, self.flavors["sklearn"])
            self.method = function.get("predict_fn", "predict")
        elif "python_function" in self.flavors and self._has("mlflow"):
            import mlflow.pyfunc

            self.pyfunc = mlflow.pyfunc.load_model(folder)
            try:
                self.raw = self.pyfunc.get_raw_model()
            except Exception:  # Not every flavour has one.
                self.raw = None
        elif "pytorch" in self.flavors:
            self.raw = load_pytorch(folder, self.flavors["pytorch"])
        else:
            names = ", ".join(self.flavors)
            raise Refused("FAILED_PRECONDITION", f"a model of the flavours {names} is loaded by mlflow, which this Python does not have")
        known = getattr(self.raw, "classes_", None)
        self.known_classes = None if known is None or not hasattr(self.raw, "predict_proba") else [text_of(name) for name in known]

    @staticmethod
    def _has(name):
        import importlib.util

        return importlib.util.find_spec(name) is not None

    def facts(self):
        libraries = {}
        from importlib import metadata

        for name in ("mlflow", "scikit-learn", "torch", "xgboost", "lightgbm", "numpy", "pandas"):
            try:
                libraries[name] = metadata.version(name)
            except metadata.PackageNotFoundError:
                continue
        python = ".".join(str(part) for part in sys.version_info[:3])
        return {"python": python, "libraries": libraries, "classes": self.known_classes, "residentBytes": resident_bytes()}

    def infer(self, given):
        data = self.frame_of(given) if self.columns is not None else self.arrays_of(given)
        if self.task in ("binary", "multiclass"):
            return self.classified(data)
        answers = named_arrays(self.predict(data), [output["name"] for output in self.outputs])
        if self.task == "regression":
            import numpy

            if len(answers) != 1 or answers[0][1].dtype.kind not in "fiub":
                raise Refused("FAILED_PRECONDITION", "a regression gives one number a row; this model gives something else")
            return [("prediction", numpy.asarray(answers[0][1], dtype="<f4").reshape(-1, 1))]
        return answers

    def frame_of(self, given):
        import numpy
        import pandas

        made = {}
        for column in self.columns:
            name, kind = column["name"], column["type"]
            values = given[name].reshape(-1)
            if kind == "string":
                values = values if column["required"] else numpy.array([None if text == "" else text for text in values], dtype=object)
            elif kind in ("integer", "long", "boolean"):
                odd = numpy.flatnonzero(~numpy.isfinite(values) | (values != numpy.trunc(values)))
                if odd.size > 0:
                    what = "is missing" if numpy.isnan(values[odd[0]]) else f"is {values[odd[0]]}"
                    raise Refused("INVALID_ARGUMENT", f'row {odd[0]}: the column "{name}" takes {kind}s, and {what}')
                values = values.astype({"integer": "int32", "long": "int64", "boolean": "bool"}[kind])
            elif kind == "datetime":
                values = pandas.to_datetime(values, unit="ms")
            else:
                values = values.astype({"float": "float32"}.get(kind, "float64"))
            made[name] = values
        return pandas.DataFrame(made)

    def arrays_of(self, given):
        if len(self.tensors) == 1:
            return given[self.tensors[0]["name"]]
        return given

    def predict(self, data):
        if self.pyfunc is not None:
            return self.pyfunc.predict(data)
        if self.method is not None:
            return getattr(self.raw, self.method)(data)
        import torch

        with torch.no_grad():
            if isinstance(data, dict):
                return self.raw(*[torch.from_numpy(data[tensor["name"]].copy()) for tensor in self.tensors])
            array = data if self.columns is None else data.to_numpy(dtype="float32")
            return self.raw(torch.from_numpy(array.copy()))

    def classified(self, data):
        """`probabilities`, in the order of the classes that the signature names, and `label`."""
        import numpy

        if self.known_classes is not None:
            shares, given = numpy.asarray(self.raw.predict_proba(data)), self.known_classes
        else:
            answer = self.predict(data)
            given = [str(name) for name in answer.columns] if hasattr(answer, "columns") else self.classes
            shares = numpy.asarray(answer)
        if shares.ndim != 2 or shares.dtype.kind != "f" or shares.shape[1] != len(self.classes):
            raise Refused("FAILED_PRECONDITION", f"a classifier gives a probability for each of {', '.join(self.classes)}; this model gives something else")
        missing = [name for name in self.classes if name not in given]
        if missing:
            raise Refused("FAILED_PRECONDITION", f"the model's classes are {', '.join(given)}; it has no {', '.join(missing)}")
        shares = shares[:, [given.index(name) for name in self.classes]].astype("<f4")
        labels = numpy.array(self.classes, dtype=object)[shares.argmax(axis=1)]
        return [("label", labels), ("probabilities", shares)]


def load_sklearn(folder, flavor):
    path = os.path.join(folder, flavor.get("pickled_model", "model.pkl"))
    form = flavor.get("serialization_format", "cloudpickle")
    if form == "skops":
        import skops.io

        return skops.io.load(path, trusted=flavor.get("skops_trusted_types") or [])
    if path.endswith(".joblib"):
        import joblib

        return joblib.load(path)
    # What cloudpickle has written, pickle reads where cloudpickle can be imported.
    import pickle

    with open(path, "rb") as file:
        return pickle.load(file)


def load_pytorch(folder, flavor):
    import torch

    path = os.path.join(folder, flavor.get("model_data", "data"))
    if flavor.get("code"):
        sys.path.insert(0, os.path.join(folder, flavor["code"]))
    if os.path.isdir(path):
        program = os.path.join(path, "model.pt2")
        if os.path.exists(program):
            # A program of torch.export knows no eval(): it is as it was exported.
            return torch.export.load(program).module()
        path = os.path.join(path, "model.pth")
    try:
        model = torch.jit.load(path, map_location="cpu")
    except RuntimeError:
        model = torch.load(path, map_location="cpu", weights_only=False)
    return model.eval()


def text_of(value):
    """A class as tables of Gyre name it: 1.0 is 1, True is true."""
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def named_arrays(answer, declared):
    """What a model gave, as named arrays: a table's columns, a mapping's members, or one array by the name that the signature has for it."""
    if hasattr(answer, "columns"):
        pairs = [(str(name), answer[name].to_numpy()) for name in answer.columns]
    elif isinstance(answer, dict):
        pairs = [(str(name), array_of(value)) for name, value in answer.items()]
    elif isinstance(answer, tuple):
        pairs = [(f"output {at + 1}", array_of(value)) for at, value in enumerate(answer)]
    else:
        pairs = [("output", array_of(answer))]
    if len(declared) == len(pairs) and {name for name, _ in pairs} != set(declared):
        pairs = [(name, value) for name, (_, value) in zip(declared, pairs)]
    return pairs


def array_of(value):
    import numpy

    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    elif hasattr(value, "toarray"):
        value = value.toarray()
    return numpy.asarray(value)


def decoded(header, body):
    """The tensors of a request by name. Numbers show the frame's own bytes, which nobody else uses."""
    import numpy

    tensors = {}
    at = 0
    for tensor in header["tensors"]:
        part = body[at : at + tensor["bytes"]]
        at += tensor["bytes"]
        if tensor["datatype"] == "BYTES":
            array = numpy.empty(size_of(tensor["shape"]), dtype=object)
            place = 0
            for index in range(array.size):
                (size,) = LENGTH.unpack_from(part, place)
                array[index] = str(part[place + 4 : place + 4 + size], "utf-8")
                place += 4 + size
        else:
            array = numpy.frombuffer(part, dtype=DTYPES[tensor["datatype"]])
            array = array if array.flags.aligned else array.copy()
        tensors[tensor["name"]] = array.reshape(tensor["shape"])
    return tensors


def size_of(shape):
    size = 1
    for axis in shape:
        size *= axis
    return size


def encoded(answers):
    """Tensors as (descriptions, bytes)."""
    import numpy

    described, parts = [], []
    for name, array in answers:
        kind = array.dtype.kind
        if kind in "OUS":
            described_type, data = "BYTES", b"".join(element_of(value) for value in array.reshape(-1))
        elif kind == "M":
            described_type, data = "BYTES", b"".join(element_of(value) for value in numpy.datetime_as_string(array).reshape(-1))
        else:
            width = array.dtype.itemsize
            described_type = "BOOL" if kind == "b" else {"u": "UINT", "i": "INT", "f": "FP"}.get(kind, "") + str(8 * width)
            if described_type not in DTYPES:
                raise Refused("FAILED_PRECONDITION", f'the output "{name}" of the model holds {array.dtype}, which no tensor of the protocol does')
            data = memoryview(numpy.ascontiguousarray(array, dtype=DTYPES[described_type])).cast("B") if array.size > 0 else b""
        described.append({"name": name, "datatype": described_type, "shape": list(array.shape), "bytes": len(data)})
        parts.append(data)
    return described, parts


def element_of(value):
    if value is None or (isinstance(value, float) and value != value):
        text = b""
    elif isinstance(value, bytes):
        text = value
    elif isinstance(value, (dict, list, tuple)):
        text = json.dumps(value, default=str).encode()
    else:
        text = text_of(value).encode()
    return LENGTH.pack(len(text)) + text


def failure(error, loading):
    """What went wrong in the model's code, as (code, message). Values are at fault unless the error says that the machine is."""
    if isinstance(error, Refused):
        return error.code, str(error)
    traceback.print_exc()
    said = f"{type(error).__name__}: {error}"
    if loading:
        return "FAILED_PRECONDITION", f"the model cannot be loaded: {said}"
    if isinstance(error, MemoryError):
        # Of requests that shared a run, each is then asked alone: only the one that is too large fails.
        return "UNAVAILABLE", f"the model has not the memory for this request: {said}"
    return ("INTERNAL" if isinstance(error, OWN_FAULTS) else "INVALID_ARGUMENT"), f"the model's code failed: {said}"


def main():
    channel = Channel(socket.socket(fileno=3))
    channel.connection.set_inheritable(False)
    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)
    die_with_parent()
    requests = queue.Queue()
    threading.Thread(target=read_requests, args=(channel, requests), daemon=True).start()
    model = None
    while True:
        request = requests.get()
        if request is None:
            return
        header, body = request
        answer, parts = {"id": header["id"]}, []
        try:
            if header["op"] == "load":
                limit(header["limits"])
                model = Model(header)
                answer["ok"] = model.facts()
            else:
                described, parts = encoded(model.infer(decoded(header, body)))
                answer["ok"] = {"tensors": described}
        except Exception as error:
            code, message = failure(error, model is None)
            answer["error"] = {"code": code, "message": message}
        channel.write(answer, parts)


if __name__ == "__main__":
    main()
