"""shap as the reference of our explanations, on models of scikit-learn and LightGBM that were exported as ONNX graphs.

Input: { "x": rows of numbers (null is NaN), "y": class of each row, "target": a number for each row, "z": rows of 14 columns, "explain": how many rows }.
Output: for each model its graph (base64) and what shap says of its first rows; base values by output.
"""

import base64
import json
import sys

import lightgbm
import numpy as np
import onnxruntime
import pandas as pd
import shap
from onnxmltools.convert import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType as LightGbmFloats
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler


def numbers(rows):
    return np.array([[np.nan if value is None else value for value in row] for row in rows], dtype=np.float32)


def encoded(model):
    return base64.b64encode(model.SerializeToString()).decode()


def answer(graph, base, values):
    return {"onnx": encoded(graph), "base": np.ravel(base).tolist(), "values": np.asarray(values, dtype=float).tolist()}


def of_lightgbm(x, y, first):
    model = lightgbm.LGBMClassifier(n_estimators=40, num_leaves=12, min_child_samples=10, random_state=0, n_jobs=1, verbose=-1).fit(x, y)
    graph = convert_lightgbm(model, initial_types=[("x", LightGbmFloats([None, x.shape[1]]))], zipmap=False, target_opset=15)
    contributions = model.booster_.predict(first, pred_contrib=True)
    return answer(graph, contributions[0, -1], contributions[:, :-1])


def of_forest(x, y, first):
    # without drawing rows, covers are those of the training rows
    model = RandomForestClassifier(n_estimators=20, max_depth=6, bootstrap=False, random_state=0).fit(x, y)
    explainer = shap.TreeExplainer(model, feature_perturbation="tree_path_dependent")
    return answer(to_onnx(model, x[:1], options={"zipmap": False}, target_opset=17), explainer.expected_value, explainer.shap_values(first))


def of_boosting(x, target, first):
    model = GradientBoostingRegressor(n_estimators=50, max_depth=4, random_state=0).fit(x, target)
    explainer = shap.TreeExplainer(model, feature_perturbation="tree_path_dependent")
    return answer(to_onnx(model, x[:1], target_opset=17), explainer.expected_value, explainer.shap_values(first))


def of_pipeline(x, y, count):
    """A linear model behind a scaler and an encoder: contributions of the encoder's columns belong to the column that they are made from."""
    frame = pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "kind": np.where(x[:, 2] > 0.5, "high", np.where(x[:, 2] < -0.5, "low", "middle"))})
    columns = ColumnTransformer([("numbers", StandardScaler(), ["a", "b"]), ("kinds", OneHotEncoder(), ["kind"])])
    model = Pipeline([("columns", columns), ("model", LogisticRegression(C=0.5))]).fit(frame, y)
    types = [("a", FloatTensorType([None, 1])), ("b", FloatTensorType([None, 1])), ("kind", StringTensorType([None, 1]))]
    graph = to_onnx(model, initial_types=types, options={"zipmap": False}, target_opset=17)
    features = columns.transform(frame)
    explainer = shap.LinearExplainer(model["model"], shap.maskers.Independent(features, max_samples=len(features)))
    values = explainer.shap_values(features[:count])
    folded = np.stack([values[:, 0], values[:, 1], values[:, 2:].sum(axis=1)], axis=1)
    return {**answer(graph, explainer.expected_value, folded), "kinds": frame["kind"].tolist()}


def of_network(x, y, background, rows, samples, hidden):
    """Any other model: the graph itself is asked, so that both explain the same float32 outputs."""
    model = MLPClassifier(hidden, max_iter=400, random_state=0).fit(x, y)
    graph = to_onnx(model, x[:1], options={"zipmap": False}, target_opset=17)
    session = onnxruntime.InferenceSession(graph.SerializeToString())
    name = session.get_inputs()[0].name
    explainer = shap.KernelExplainer(lambda some: session.run(["probabilities"], {name: some.astype(np.float32)})[0], background)
    values = explainer.shap_values(rows, nsamples=samples, l1_reg=False, silent=True)
    return answer(graph, explainer.expected_value, values)


def main():
    asked = json.load(sys.stdin)
    x, y, target, z = numbers(asked["x"]), np.array(asked["y"]), np.array(asked["target"]), numbers(asked["z"])
    first = x[: asked["explain"]]
    whole = np.nan_to_num(x)
    binary = (y > 0).astype(int)
    answers = {
        "lightgbm": of_lightgbm(x, binary, first),
        "forest": of_forest(whole, y, whole[: asked["explain"]]),
        "boosting": of_boosting(whole, target, whole[: asked["explain"]]),
        "pipeline": of_pipeline(whole, binary, asked["explain"]),
        "network": of_network(whole, y, whole[100:130], whole[:6], 2**6, (8,)),
        "wide": of_network(z, (z[:, 0] * z[:, 1] + z[:, 2] > 0).astype(int), z[100:110], z[:3], 2**14, (12,)),
    }
    json.dump(answers, sys.stdout)


main()
