"""Converts one model to an ONNX graph, by the public converters of the Python that runs this.

Reads from standard input, as JSON: {kind, path, flavors, columns: [{name, type}], rows, tensors: [{name, datatype, shape}], outputs, examples,
class, classPath, classes, logits, limits, graph, answers, values}. Loads the model at `path`, which executes code that came with it; writes
the graph to `graph`, and to `answers` what the model itself says.

With columns, the graph takes them as double or string tensors [N, 1] and gives `label` (text) and `probabilities`, or `prediction`; the answers
are {task, classes, labels, scores, width, versions}. With tensors, it takes and gives tensors as the model does; the answers are {inputs, outputs,
compared, versions}, whose tensors lie in the file `values`, little-endian and row-major.
"""

import ctypes
import json
import os
import signal
import sys

spec = json.load(sys.stdin)
# Whatever the model prints is no answer: answers are files.
os.dup2(2, 1)
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))


def confine(limits):
    """Limits that the model's code cannot raise again, set before any of it is imported; whoever asked takes it along when it ends."""
    import resource

    parent = os.getppid()
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
        if parent != os.getppid():
            raise SystemExit("whoever asked is gone")
    kinds = {
        "memoryBytes": resource.RLIMIT_DATA,
        "openFiles": resource.RLIMIT_NOFILE,
        "processes": getattr(resource, "RLIMIT_NPROC", None),
        "cpuSeconds": resource.RLIMIT_CPU,
    }
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for name, kind in kinds.items():
        value = limits.get(name)
        if value is None or kind is None:
            continue
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (value, value))


def versions():
    from importlib import metadata

    found = {"python": ".".join(str(part) for part in sys.version_info[:3])}
    names = {
        "estimator": ("scikit-learn", "skl2onnx", "onnx", "onnxmltools", "lightgbm", "xgboost", "xgboost-cpu"),
        "torch": ("torch", "onnxscript", "onnx"),
        "keras": ("keras", "tensorflow", "tensorflow-cpu", "torch", "jax", "tf2onnx", "onnxscript", "onnx"),
        "saved_model": ("tensorflow", "tensorflow-cpu", "tf2onnx", "onnx"),
    }
    for name in names["torch" if spec["kind"] in ("exported", "torchscript", "state_dict", "pytorch") else spec["kind"]]:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def main():
    kind = spec["kind"]
    if kind == "estimator":
        from convert_estimator import convert
    elif kind in ("keras", "saved_model"):
        from convert_keras import convert
    else:
        from convert_torch import convert
    graph, answers = convert(spec)
    with open(spec["graph"], "wb") as file:
        file.write(graph.SerializeToString())
    with open(spec["answers"], "w", encoding="utf-8") as file:
        json.dump({**answers, "versions": versions()}, file)


confine(spec.get("limits") or {})
try:
    main()
except ModuleNotFoundError as error:
    raise SystemExit(f"{sys.executable} has no module {error.name}, which this model or its converter needs")
except MemoryError:
    raise SystemExit("it needs more memory than it is allowed")
