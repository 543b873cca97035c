"""The ONNX project's own checker and reader, as the peer of our codec.

Input: { "folder": where the models are, "feeds": { model name: { input: { type, shape, data } } } }; null in data is NaN.
Checks every FOLDER/NAME.onnx strictly, runs it on its feeds with the Python ONNX Runtime, and writes a model of its own to
FOLDER/theirs. Output: { "models": { NAME: what it reads in the model, and its answers } }.
"""

import json
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

ARRAYS = {"FLOAT": np.float32, "DOUBLE": np.float64, "INT64": np.int64, "BOOL": np.bool_, "STRING": object}


def describe(model):
    graph = model.graph
    return {
        "inputs": {value.name: shape_of(value) for value in graph.input},
        "outputs": {value.name: shape_of(value) for value in graph.output},
        "nodes": [node.op_type for node in graph.node],
        "opsets": {opset.domain: opset.version for opset in model.opset_import},
        "metadata": {entry.key: entry.value for entry in model.metadata_props},
        "attributes": {
            f"{node.name}.{attribute.name}": plain(helper.get_attribute_value(attribute))
            for node in graph.node
            for attribute in node.attribute
        },
        "constants": {tensor.name: plain(numpy_helper.to_array(tensor)) for tensor in graph.initializer},
    }


def shape_of(value):
    tensor = value.type.tensor_type
    axes = [axis.dim_param or axis.dim_value for axis in tensor.shape.dim]
    return [TensorProto.DataType.Name(tensor.elem_type), axes]


def plain(value):
    if isinstance(value, TensorProto):
        value = numpy_helper.to_array(value)
    if isinstance(value, np.ndarray):
        value = value.ravel().tolist()
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, bytes):
        return value.decode()
    return value


def run(path, feeds):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    arrays = {name: np.array(feed["data"], dtype=ARRAYS[feed["type"]]).reshape(feed["shape"]) for name, feed in feeds.items()}
    return dict(zip([output.name for output in session.get_outputs()], map(plain, session.run(None, arrays))))


def theirs(folder):
    """A model in the ways of writing that ours does not use: unpacked attributes, typed fields instead of raw bytes, a subgraph."""
    folder.mkdir()
    branch = helper.make_graph(
        [helper.make_node("Constant", [], ["inner"], name="inner_constant", value=helper.make_tensor("t", TensorProto.FLOAT, [1], [0.1]))],
        "branch",
        [],
        [helper.make_tensor_value_info("inner", TensorProto.FLOAT, [1])],
    )
    constants = [
        helper.make_tensor("floats", TensorProto.FLOAT, [2], [0.1, -2]),
        helper.make_tensor("doubles", TensorProto.DOUBLE, [2], [0.1, 1e300]),
        helper.make_tensor("longs", TensorProto.INT64, [2], [-(2**63), 2**63 - 1]),
        helper.make_tensor("bools", TensorProto.BOOL, [3], [True, False, True]),
        helper.make_tensor("bytes", TensorProto.INT8, [2], [-128, 127]),
        helper.make_tensor("halves", TensorProto.FLOAT16, [2], [1.5, -0.1]),
        helper.make_tensor("unsigned", TensorProto.UINT64, [1], [2**64 - 1]),
        helper.make_tensor("strings", TensorProto.STRING, [2], [b"", "ä".encode()]),
        numpy_helper.from_array(np.array([[1, 2], [3, 4]], dtype=np.int32), "raw"),
    ]
    nodes = [
        helper.make_node("If", ["condition"], ["y"], name="choice", then_branch=branch, else_branch=branch),
        helper.make_node("Anything", ["floats"], ["z"], name="odd", domain="test", axes=[-1, 0, 300], scales=[0.5, 0.25], words=["a", "b"]),
    ]
    graph = helper.make_graph(
        nodes,
        "theirs",
        [helper.make_tensor_value_info("condition", TensorProto.BOOL, [])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("test", 1)], ir_version=8)
    helper.set_model_props(model, {"key": "value"})
    onnx.save(model, str(folder / "typed-fields.onnx"))


def main():
    job = json.load(sys.stdin)
    folder = pathlib.Path(job["folder"])
    models = {}
    for name, feeds in job["feeds"].items():
        path = folder / f"{name}.onnx"
        model = onnx.load(str(path))
        onnx.checker.check_model(model, full_check=True)
        models[name] = {**describe(model), "answers": run(path, feeds)}
    theirs(folder / "theirs")
    json.dump({"models": models}, sys.stdout)


main()
