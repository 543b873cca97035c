"""scikit-learn's models and pipelines, by skl2onnx; LightGBM's and XGBoost's, alone or in a pipeline, by onnxmltools."""

import contextlib
import os
import pickle

import numpy as np
from convert_columns import SIDE_BY_SIDE, classifier_outputs, rebuilt, renamed, require_numbers, table, taken_as_columns
from onnx import TensorProto, helper
from skl2onnx import convert_sklearn, update_registered_converter
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes, calculate_linear_regressor_output_shapes

OPSETS = {"": 15, "ai.onnx.ml": 3}


def load(spec):
    from bare_boosters import as_estimator, load_file

    return as_estimator(load_file(spec["path"]) if os.path.isfile(spec["path"]) else load_folder(spec))


def load_folder(spec):
    flavors, folder = spec["flavors"], spec["path"]
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
    raise SystemExit(f"no converter is known for the flavours {', '.join(flavors)}")


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


def by_name(model):
    """Whether the model picks its columns by name; else it takes them side by side."""
    from sklearn.compose import ColumnTransformer

    first = model.steps[0][1] if hasattr(model, "steps") else model
    return isinstance(first, ColumnTransformer)


def graph_of(model, columns):
    options = {id(model): {"zipmap": False}} if hasattr(model, "classes_") else None
    named = by_name(model)
    if named:
        kinds = [(c["name"], (StringTensorType if c["type"] == "string" else FloatTensorType)([None, 1])) for c in columns]
    else:
        require_numbers(columns)
        kinds = [(SIDE_BY_SIDE, FloatTensorType([None, len(columns)]))]
    made = convert_sklearn(model, initial_types=kinds, options=options, target_opset=OPSETS)
    inputs, before = taken_as_columns(made.graph, columns, named)
    outputs, after = [], []
    given = list(made.graph.output)
    if len(given) == 1:
        renamed(made.graph, given[0].name, "prediction")
        outputs.append(helper.make_tensor_value_info("prediction", TensorProto.FLOAT, ["N", 1]))
    else:
        label, scores = given[0], given[1]
        if label.type.tensor_type.elem_type == TensorProto.STRING:
            renamed(made.graph, label.name, "label")
        else:
            renamed(made.graph, label.name, "gyre_label")
            after.append(helper.make_node("Cast", ["gyre_label"], ["label"], to=TensorProto.STRING))
        renamed(made.graph, scores.name, "probabilities")
        outputs += classifier_outputs(len(classes_of(model)))
    return rebuilt(made, before, after, inputs, outputs)


@contextlib.contextmanager
def numbered_features(model):
    """XGBoost's converter knows columns by their places alone: f0, f1, …"""
    steps = [step for _, step in model.steps] if hasattr(model, "steps") else [model]
    boosters = [step.get_booster() for step in steps if hasattr(step, "get_booster")]
    names = [booster.feature_names for booster in boosters]
    for booster in boosters:
        booster.feature_names = [f"f{at}" for at in range(booster.num_features())]
    try:
        yield
    finally:
        for booster, own in zip(boosters, names):
            booster.feature_names = own


def classes_of(model):
    return [value.item() if hasattr(value, "item") else value for value in model.classes_]


def convert(spec):
    model = load(spec)
    register_boosters()
    data = table(spec)
    with numbered_features(model):
        graph = graph_of(model, spec["columns"])
    if not hasattr(model, "classes_"):
        predicted = np.asarray(model.predict(data), dtype="float64").reshape(-1)
        return graph, {"task": "regression", "classes": [], "labels": [], "scores": predicted.tolist(), "width": 1}
    if not hasattr(model, "predict_proba"):
        raise SystemExit("the classifier gives no probabilities (predict_proba), which Gyre serves")
    shares = np.asarray(model.predict_proba(data), dtype="float64")
    return graph, {
        "task": "binary" if shares.shape[1] == 2 else "multiclass",
        "classes": [str(name) for name in classes_of(model)],
        "labels": [str(value) for value in model.predict(data).tolist()],
        "scores": shares.reshape(-1).tolist(),
        "width": shares.shape[1],
    }
