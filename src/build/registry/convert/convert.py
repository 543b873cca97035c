"""Converts one model of a Python flavour to an ONNX graph, by the public converters of the Python that runs this.

Reads {folder, flavors, columns: [{name, type}], rows, graph, answers} as JSON from standard input. Loads the model from `folder`, which executes
code that came with it; writes the graph to `graph`, and to `answers` what the model itself says of the rows: {task, classes, labels, scores,
width, versions}. The graph takes the columns as double or string tensors [N, 1] and gives `label` (text) and `probabilities` or `prediction`.
scikit-learn's models and pipelines are converted by skl2onnx, LightGBM's and XGBoost's, alone or in a pipeline, by onnxmltools.
"""

import json
import os
import pickle
import sys

spec = json.load(sys.stdin)
# Whatever the model prints is no answer: answers are files.
os.dup2(2, 1)

import numpy as np
import onnx
import pandas as pd
from onnx import TensorProto, helper
from skl2onnx import convert_sklearn, update_registered_converter
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes, calculate_linear_regressor_output_shapes

OPSETS = {"": 15, "ai.onnx.ml": 3}


def load():
    flavors, folder = spec["flavors"], spec["folder"]
    if "sklearn" in flavors:
        flavor = flavors["sklearn"]
        path = os.path.join(folder, flavor.get("pickled_model", "model.pkl"))
        form = flavor.get("serialization_format", "cloudpickle")
        if form == "skops":
            import skops.io

            return skops.io.load(path, trusted=flavor.get("skops_trusted_types") or [])
        if path.endswith(".joblib"):
            import joblib

            return joblib.load(path)
        with open(path, "rb") as file:
            return pickle.load(file)
    import importlib

    for name in ("lightgbm", "xgboost"):
        if name in flavors:
            return importlib.import_module(f"mlflow.{name}").load_model(folder)
    raise SystemExit(f"no converter is known for the flavours {', '.join(flavors)}: sklearn, lightgbm and xgboost are converted")


def register_boosters():
    both = {"nocl": [True, False], "zipmap": [True, False, "columns"]}
    try:
        from lightgbm import LGBMClassifier, LGBMRegressor
        from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm

        update_registered_converter(LGBMClassifier, "LightGbmLGBMClassifier", calculate_linear_classifier_output_shapes, convert_lightgbm, options=both)
        update_registered_converter(
            LGBMRegressor, "LightGbmLGBMRegressor", calculate_linear_regressor_output_shapes, convert_lightgbm, options={"split": None}
        )
    except ImportError:
        pass
    try:
        from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost
        from xgboost import XGBClassifier, XGBRegressor

        update_registered_converter(XGBClassifier, "XGBoostXGBClassifier", calculate_linear_classifier_output_shapes, convert_xgboost, options=both)
        update_registered_converter(XGBRegressor, "XGBoostXGBRegressor", calculate_linear_regressor_output_shapes, convert_xgboost)
    except ImportError:
        pass


def table():
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


def by_name(model):
    """Whether the model picks its columns by name; else it takes them side by side."""
    from sklearn.compose import ColumnTransformer

    first = model.steps[0][1] if hasattr(model, "steps") else model
    return isinstance(first, ColumnTransformer)


def convert(model):
    options = {id(model): {"zipmap": False}} if hasattr(model, "classes_") else None
    columns = spec["columns"]
    if by_name(model):
        kinds = [(c["name"], (StringTensorType if c["type"] == "string" else FloatTensorType)([None, 1])) for c in columns]
    else:
        texts = [c["name"] for c in columns if c["type"] == "string"]
        if texts:
            raise SystemExit(f"the model takes all columns side by side, but {', '.join(texts)} hold texts: put a ColumnTransformer before it")
        kinds = [("gyre_columns", FloatTensorType([None, len(columns)]))]
    made = convert_sklearn(model, initial_types=kinds, options=options, target_opset=OPSETS)
    return behind_columns(made, by_name(model))


def renamed(graph, old, new):
    for node in graph.node:
        node.input[:] = [new if name == old else name for name in node.input]
        node.output[:] = [new if name == old else name for name in node.output]


def behind_columns(made, named):
    """The graph with each number as a double of its own, as tables hold them, and its outputs by the names that serving knows."""
    graph = made.graph
    before, inputs, parts = [], [], []
    for column in spec["columns"]:
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
        before.append(helper.make_node("Concat", parts, ["gyre_columns"], axis=1))
    outputs, after = [], []
    given = list(graph.output)
    if len(given) == 1:
        renamed(graph, given[0].name, "prediction")
        outputs.append(helper.make_tensor_value_info("prediction", TensorProto.FLOAT, ["N", 1]))
    else:
        label, scores = given[0], given[1]
        width = len(classes_of(model))
        if label.type.tensor_type.elem_type == TensorProto.STRING:
            renamed(graph, label.name, "label")
        else:
            renamed(graph, label.name, "gyre_label")
            after.append(helper.make_node("Cast", ["gyre_label"], ["label"], to=TensorProto.STRING))
        renamed(graph, scores.name, "probabilities")
        outputs.append(helper.make_tensor_value_info("label", TensorProto.STRING, ["N"]))
        outputs.append(helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", width]))
    nodes = before + list(graph.node) + after
    whole = helper.make_graph(nodes, graph.name, inputs, outputs, list(graph.initializer))
    result = helper.make_model(whole, opset_imports=list(made.opset_import), ir_version=made.ir_version)
    onnx.checker.check_model(result)
    return result


def classes_of(model):
    return [value.item() if hasattr(value, "item") else value for value in model.classes_]


def versions():
    from importlib import metadata

    found = {"python": ".".join(str(part) for part in sys.version_info[:3])}
    for name in ("scikit-learn", "skl2onnx", "onnx", "onnxmltools", "lightgbm", "xgboost"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


model = load()
register_boosters()
data = table()
graph = convert(model)
with open(spec["graph"], "wb") as file:
    file.write(graph.SerializeToString())
answers = {"versions": versions()}
if hasattr(model, "classes_"):
    if not hasattr(model, "predict_proba"):
        raise SystemExit("the classifier gives no probabilities (predict_proba), which Gyre serves")
    shares = np.asarray(model.predict_proba(data), dtype="float64")
    answers.update(
        task="binary" if shares.shape[1] == 2 else "multiclass",
        classes=[str(name) for name in classes_of(model)],
        labels=[str(value) for value in model.predict(data).tolist()],
        scores=shares.reshape(-1).tolist(),
        width=shares.shape[1],
    )
else:
    predicted = np.asarray(model.predict(data), dtype="float64").reshape(-1)
    answers.update(task="regression", classes=[], labels=[], scores=predicted.tolist(), width=1)
with open(spec["answers"], "w", encoding="utf-8") as file:
    json.dump(answers, file)
