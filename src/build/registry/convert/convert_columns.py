"""Graphs behind named columns: each number a double of its own, as tables hold them, and the outputs by the names that serving knows."""

import numpy as np
import onnx
import pandas as pd
from onnx import TensorProto, helper

SIDE_BY_SIDE = "gyre_columns"


def table(spec):
    """The rows as the model itself takes them."""
    made = {}
    for column in spec["columns"]:
        values = [row[column["name"]] for row in spec["rows"]]
        if column["type"] == "string":
            made[column["name"]] = np.array(["" if value is None else str(value) for value in values], dtype=object)
        else:
            kind = {"integer": "int32", "long": "int64", "boolean": "bool"}.get(column["type"], "float64")
            numbers = pd.Series([np.nan if value is None else float(value) for value in values])
            made[column["name"]] = numbers if numbers.isna().any() else numbers.astype(kind)
    return pd.DataFrame(made)


def require_numbers(columns):
    texts = [column["name"] for column in columns if column["type"] == "string"]
    if texts:
        raise SystemExit(f"the model takes all columns side by side, but {', '.join(texts)} hold texts: put a ColumnTransformer before it")


def taken_as_columns(graph, columns, named):
    """@return the inputs, and the nodes that make of them what the graph takes: each column by its name, or all in one tensor"""
    inputs, before, parts = [], [], []
    for column in columns:
        name = column["name"]
        if column["type"] == "string":
            inputs.append(helper.make_tensor_value_info(name, TensorProto.STRING, ["N", 1]))
            continue
        inputs.append(helper.make_tensor_value_info(name, TensorProto.DOUBLE, ["N", 1]))
        inside = f"gyre_float_{len(parts)}"
        if named:
            renamed(graph, name, inside)
        before.append(helper.make_node("Cast", [name], [inside], to=TensorProto.FLOAT))
        parts.append(inside)
    if not named:
        before.append(helper.make_node("Concat", parts, [SIDE_BY_SIDE], axis=1))
    return inputs, before


def classifier_outputs(width):
    return [
        helper.make_tensor_value_info("label", TensorProto.STRING, ["N"]),
        helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", width]),
    ]


def renamed(graph, old, new):
    for node in graph.node:
        node.input[:] = [new if name == old else name for name in node.input]
        node.output[:] = [new if name == old else name for name in node.output]


def rebuilt(made, before, after, inputs, outputs, constants=()):
    nodes = list(before) + list(made.graph.node) + list(after)
    whole = helper.make_graph(nodes, made.graph.name, inputs, outputs, list(made.graph.initializer) + list(constants))
    result = helper.make_model(whole, opset_imports=list(made.opset_import), functions=list(made.functions), ir_version=made.ir_version)
    onnx.checker.check_model(result)
    return result
