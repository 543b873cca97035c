"""Keras's models, by its own export, and TensorFlow's saved models, by tf2onnx."""

import importlib.util
import os
import sys

import onnx
from convert_network import DATATYPES, of_columns, of_tensors

OPSET = 18
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")


def backend():
    for name, module in (("tensorflow", "tensorflow"), ("torch", "torch"), ("jax", "jax")):
        if importlib.util.find_spec(module):
            return name
    raise SystemExit("Keras needs tensorflow, torch or jax to compute, and this Python has none of them")


def convert(spec):
    return from_saved(spec) if spec["kind"] == "saved_model" else from_keras(spec)


def from_keras(spec):
    os.environ.setdefault("KERAS_BACKEND", backend())
    import keras

    try:
        model = keras.saving.load_model(spec["path"], compile=False)
    except ValueError as error:
        raise SystemExit(f"Keras cannot load it: {str(error).strip().split(chr(10))[0][:300]}")
    if not model.inputs:
        raise SystemExit("the model does not say what it takes: it was never called, or built, before it was saved")
    tensors = [
        {"name": value.name, "datatype": DATATYPES[value.dtype], "shape": [-1 if size is None else size for size in value.shape]}
        for value in model.inputs
    ]

    def ask(arrays):
        given = model(arrays[0] if len(arrays) == 1 else arrays, training=False)
        return [keras.ops.convert_to_numpy(value) for value in keras.tree.flatten(given)]

    def export(arrays):
        model.export(spec["graph"], format="onnx", verbose=False, opset_version=OPSET)
        return onnx.load(spec["graph"])

    return behind(spec, tensors, ask, export)


def from_saved(spec):
    import tensorflow as tf
    import tf2onnx

    loaded = tf.saved_model.load(spec["path"])
    if "serving_default" not in loaded.signatures:
        raise SystemExit(f"the saved model has no signature serving_default; it has {', '.join(loaded.signatures) or 'none'}")
    function = loaded.signatures["serving_default"]
    _, named = function.structured_input_signature
    names = sorted(named)
    outputs = sorted(function.structured_outputs)
    tensors = [
        {
            "name": name,
            "datatype": DATATYPES.get(named[name].dtype.name, "BYTES"),
            "shape": [-1 if size is None else size for size in named[name].shape],
        }
        for name in names
    ]
    texts = [tensor["name"] for tensor in tensors if tensor["datatype"] == "BYTES"]
    if texts:
        raise SystemExit(f"{', '.join(texts)} of the saved model take texts, which are not converted")
    spec.setdefault("outputs", None)
    if not spec["outputs"]:
        spec["outputs"] = [{"name": name} for name in outputs]

    def ask(arrays):
        given = function(**{name: tf.constant(array) for name, array in zip(names, arrays)})
        return [given[name].numpy() for name in outputs]

    def export(arrays):
        taken = [tf.TensorSpec(named[name].shape, named[name].dtype, name=name) for name in names]
        whole = tf.function(lambda *values: [function(**dict(zip(names, values)))[name] for name in outputs], input_signature=taken)
        made, _ = tf2onnx.convert.from_function(whole, input_signature=taken, opset=OPSET)
        return made

    return behind(spec, tensors, ask, export)


def behind(spec, tensors, ask, export):
    if not spec.get("columns"):
        return of_tensors(spec, tensors, ask, export)
    shape = tensors[0]["shape"]
    if len(tensors) != 1 or shape != [-1, len(spec["columns"])]:
        print(f"takes {tensors}", file=sys.stderr)
        raise SystemExit(f"the model takes {len(tensors)} tensors of {shape}, and {len(spec['columns'])} columns are named")
    return of_columns(spec, ask, export)
