"""What networks of PyTorch and of Keras have in common: their tensors, and how they stand behind named columns."""

import numpy as np
import onnx
from convert_columns import SIDE_BY_SIDE, classifier_outputs, rebuilt, renamed, require_numbers, table, taken_as_columns
from onnx import TensorProto, helper, numpy_helper

DTYPES = {
    "BOOL": "bool",
    "UINT8": "uint8",
    "UINT16": "uint16",
    "UINT32": "uint32",
    "UINT64": "uint64",
    "INT8": "int8",
    "INT16": "int16",
    "INT32": "int32",
    "INT64": "int64",
    "FP16": "float16",
    "FP32": "float32",
    "FP64": "float64",
}
DATATYPES = {name: datatype for datatype, name in DTYPES.items()}
# Rows that are made where nobody brought any, and how long an axis of any length is then.
MADE_ROWS = 4
MADE_LENGTH = 8
# How far from 1 the probabilities of a row may sum, in float32.
SUM_TOLERANCE = 1e-3


def examples_of(spec, tensors):
    """@return the tensors to compare on, in the order in which the model takes them, and where they come from"""
    if spec.get("examples"):
        loaded = np.load(spec["examples"], allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            if len(tensors) != 1:
                raise SystemExit(f"the model takes {len(tensors)} tensors: give an .npz file with {', '.join(one['name'] for one in tensors)}")
            loaded = {tensors[0]["name"]: loaded}
        missing = [one["name"] for one in tensors if one["name"] not in loaded]
        if missing:
            raise SystemExit(f"the examples have no {', '.join(missing)}; they have {', '.join(loaded)}")
        found = [fitting(loaded[one["name"]], one) for one in tensors]
        rows = {len(array) for array in found}
        if len(rows) != 1 or 0 in rows:
            raise SystemExit("the examples have not as many rows for each tensor, or none")
        return found, "examples"
    random = np.random.default_rng(spec.get("seed", 1))
    return [made_up(random, one) for one in tensors], "random"


def fitting(array, tensor):
    shape = tensor["shape"]
    if array.ndim != len(shape) or any(wanted >= 0 and wanted != size for wanted, size in zip(shape[1:], array.shape[1:])):
        raise SystemExit(f"the examples of {tensor['name']} have the shape {list(array.shape)}; {shape} is taken")
    return array.astype(DTYPES[tensor["datatype"]])


def made_up(random, tensor):
    shape = [MADE_ROWS] + [size if size >= 0 else MADE_LENGTH for size in tensor["shape"][1:]]
    kind = DTYPES[tensor["datatype"]]
    if kind.startswith("float"):
        return random.standard_normal(shape).astype(kind)
    return random.integers(0, 2, shape).astype(kind)


def described(path, inputs, outputs):
    """Writes tensors one after the other. @return what was written, as (name, array) pairs were given"""
    said = []
    with open(path, "wb") as file:
        for group in (inputs, outputs):
            part = []
            for name, array in group:
                array = np.ascontiguousarray(array)
                if array.dtype.name not in DATATYPES:
                    raise SystemExit(f'"{name}" of the model holds {array.dtype}, which is not compared')
                at = file.tell()
                file.write(array.astype(array.dtype.newbyteorder("<")).tobytes())
                part.append({"name": name, "datatype": DATATYPES[array.dtype.name], "shape": list(array.shape), "at": at, "bytes": array.nbytes})
            said.append(part)
    return {"inputs": said[0], "outputs": said[1]}


def plain_names(tensors, word):
    """Names as the signature has them, where it has them."""
    if all(tensor.get("name") and not tensor["name"].startswith("tensor ") for tensor in tensors):
        return [tensor["name"] for tensor in tensors]
    return [word] if len(tensors) == 1 else [f"{word}_{at + 1}" for at in range(len(tensors))]


def with_rows(graph_model, inputs, outputs):
    """The graph with its inputs and outputs by these names, and any number of rows. Who else takes rows must have kept that axis open."""
    graph = graph_model.graph
    constants = {one.name for one in graph.initializer}
    taken = [value for value in graph.input if value.name not in constants]
    if len(taken) != len(inputs) or len(graph.output) != len(outputs):
        raise SystemExit(f"the graph takes {len(taken)} tensors and gives {len(graph.output)}; the model takes {len(inputs)} and gives {len(outputs)}")
    for value in taken:
        axes = value.type.tensor_type.shape.dim
        if len(axes) == 0 or axes[0].HasField("dim_value"):
            raise SystemExit("the graph takes a fixed number of rows: export the model with a first axis of any length")
    for value, name in list(zip(taken, inputs)) + list(zip(graph.output, outputs)):
        if value.name != name:
            if any(name in node.output for node in graph.node) or name in constants:
                renamed(graph, name, f"gyre_inside_{name}")
            renamed(graph, value.name, name)
            value.name = name
        axes = value.type.tensor_type.shape.dim
        if len(axes) > 0 and not axes[0].HasField("dim_value"):
            axes[0].dim_param = "N"
    onnx.checker.check_model(graph_model)
    return graph_model


def of_tensors(spec, tensors, ask, export):
    """A network that takes tensors, as it is. @param ask arrays → arrays; @param export () → the graph"""
    arrays, compared = examples_of(spec, tensors)
    given = ask(arrays)
    inputs = plain_names(tensors, "input")
    declared = spec.get("outputs") or []
    outputs = plain_names(declared if len(declared) == len(given) else [{}] * len(given), "output")
    graph = with_rows(export(arrays), inputs, outputs)
    return graph, {"compared": compared, **described(spec["values"], list(zip(inputs, arrays)), list(zip(outputs, given)))}


def of_columns(spec, ask, export):
    """A network that takes all columns side by side as one tensor of float32 [N, columns]."""
    columns, classes = spec["columns"], spec.get("classes") or []
    require_numbers(columns)
    data = table(spec).to_numpy(dtype="float32")
    given = ask([data])
    if len(given) != 1 or given[0].ndim > 2 or (given[0].ndim == 2 and len(given[0]) != len(data)):
        raise SystemExit("a model of columns gives one tensor, with a row for each row")
    answer = np.asarray(given[0], dtype="float64").reshape(len(data), -1)
    width = answer.shape[1]
    made = with_rows(export([data]), [SIDE_BY_SIDE], ["gyre_given"])
    inputs, before = taken_as_columns(made.graph, columns, False)
    flat = helper.make_node("Reshape", ["gyre_given", "gyre_flat_shape"], ["gyre_flat"])
    flat_shape = numpy_helper.from_array(np.array([-1, width], dtype="int64"), "gyre_flat_shape")
    after, constants = [flat], [flat_shape]
    if given[0].dtype.name != "float32":
        after.append(helper.make_node("Cast", ["gyre_flat"], ["gyre_numbers"], to=TensorProto.FLOAT))
    numbers = after[-1].output[0]
    if not classes:
        if width != 1:
            raise SystemExit(f"the model gives {width} numbers a row: name the classes that they stand for, in their order (--classes)")
        after.append(helper.make_node("Identity", [numbers], ["prediction"]))
        outputs = [helper.make_tensor_value_info("prediction", TensorProto.FLOAT, ["N", 1])]
        said = {"task": "regression", "classes": [], "labels": [], "scores": answer.reshape(-1).tolist(), "width": 1}
        return rebuilt(made, before, after, inputs, outputs, constants), said
    if width not in (len(classes), 1) or (width == 1 and len(classes) != 2):
        raise SystemExit(f"the model gives {width} numbers a row, and {len(classes)} classes are named")
    shares = probabilities_of(answer, spec.get("logits"))
    probabilities(after, constants, numbers, width, spec.get("logits"))
    constants.append(numpy_helper.from_array(np.array(classes, dtype=object), "gyre_classes"))
    after.append(helper.make_node("ArgMax", ["probabilities"], ["gyre_most"], axis=1, keepdims=0))
    after.append(helper.make_node("Gather", ["gyre_classes", "gyre_most"], ["label"], axis=0))
    said = {
        "task": "binary" if len(classes) == 2 else "multiclass",
        "classes": classes,
        "labels": [classes[at] for at in shares.argmax(axis=1)],
        "scores": shares.reshape(-1).tolist(),
        "width": len(classes),
    }
    return rebuilt(made, before, after, inputs, classifier_outputs(len(classes)), constants), said


def probabilities_of(answer, logits):
    """What the model's numbers say, in float64. A single one is the probability (or logit) of the second class."""
    if answer.shape[1] == 1:
        second = 1 / (1 + np.exp(-answer)) if logits else answer
        shares = np.concatenate([1 - second, second], axis=1)
    elif logits:
        powers = np.exp(answer - answer.max(axis=1, keepdims=True))
        shares = powers / powers.sum(axis=1, keepdims=True)
    else:
        shares = answer
    if not logits and ((shares < -SUM_TOLERANCE).any() or (abs(shares.sum(axis=1) - 1) > SUM_TOLERANCE).any()):
        raise SystemExit("the model's numbers are no probabilities of the classes; where they are logits, say so (--logits)")
    return shares


def probabilities(after, constants, numbers, width, logits):
    if width > 1:
        after.append(helper.make_node("Softmax" if logits else "Identity", [numbers], ["probabilities"], **({"axis": 1} if logits else {})))
        return
    after.append(helper.make_node("Sigmoid" if logits else "Identity", [numbers], ["gyre_second"]))
    constants.append(numpy_helper.from_array(np.array([[1]], dtype="float32"), "gyre_one"))
    after.append(helper.make_node("Sub", ["gyre_one", "gyre_second"], ["gyre_first"]))
    after.append(helper.make_node("Concat", ["gyre_first", "gyre_second"], ["probabilities"], axis=1))
