"""Models of scikit-learn, LightGBM and XGBoost as ONNX graphs, for proving that they are computed without ONNX Runtime to the same bytes.

Input: { "folder": where they go }. Output: { "tables": names of graphs that take X [N, 8], "columns": of those that take p, q, r and t [N, 1] }.
"""

import json
import pathlib
import sys
import warnings

import numpy as np
import onnx
import pandas as pd
from lightgbm import LGBMClassifier, LGBMRegressor
from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm
from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost
from skl2onnx import convert_sklearn, to_onnx, update_registered_converter
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes, calculate_linear_regressor_output_shapes
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import ExtraTreesClassifier, GradientBoostingClassifier, GradientBoostingRegressor, RandomForestClassifier, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier
from xgboost import XGBClassifier, XGBRegressor

warnings.filterwarnings("ignore")
folder = pathlib.Path(json.load(sys.stdin)["folder"])
opsets = {"": 17, "ai.onnx.ml": 3}
options = {"zipmap": [True, False, "columns"], "nocl": [True, False], "raw_scores": [True, False]}
update_registered_converter(LGBMClassifier, "LightGBMClassifier", calculate_linear_classifier_output_shapes, convert_lightgbm, options=options)
update_registered_converter(LGBMRegressor, "LightGBMRegressor", calculate_linear_regressor_output_shapes, convert_lightgbm, options={"split": None})
update_registered_converter(XGBClassifier, "XGBClassifier", calculate_linear_classifier_output_shapes, convert_xgboost, options=options)
update_registered_converter(XGBRegressor, "XGBRegressor", calculate_linear_regressor_output_shapes, convert_xgboost)

random = np.random.default_rng(0)
full = random.normal(size=(800, 8)).astype(np.float32)
holed = np.where(random.random(full.shape) < 0.1, np.float32(np.nan), full)
margin = full[:, 0] + full[:, 1] * full[:, 2] + random.normal(size=800) * 0.5
two = (margin > 0).astype(int)
named = np.array(["no", "yes"])[two]
three = np.digitize(margin, [-0.5, 0.5])
written = []


def write(name, model, x, y):
    model.fit(x, y)
    last = model.steps[-1][1] if isinstance(model, Pipeline) else model
    graph = to_onnx(model, x[:1], target_opset=opsets, options={id(last): {"zipmap": False}} if hasattr(model, "predict_proba") else None)
    (folder / f"{name}.onnx").write_bytes(graph.SerializeToString())
    written.append(name)


for kind, y in (("two", two), ("named", named), ("three", three)):
    write(f"tree-{kind}", DecisionTreeClassifier(max_depth=6), full, y)
    write(f"forest-{kind}", RandomForestClassifier(30, max_depth=8), full, y)
    write(f"extra-trees-{kind}", ExtraTreesClassifier(30, max_depth=8), full, y)
    write(f"boosting-{kind}", GradientBoostingClassifier(n_estimators=30), full, y)
    write(f"lightgbm-{kind}", LGBMClassifier(n_estimators=30, verbose=-1), holed, y)
    write(f"logistic-{kind}", make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()), holed, y)
    if kind != "named":
        write(f"xgboost-{kind}", XGBClassifier(n_estimators=30, max_depth=5), holed, y)
write("forest", RandomForestRegressor(30, max_depth=8), full, margin)
write("forest-of-two", RandomForestRegressor(30, max_depth=8), full, np.stack([margin, -2 * margin], 1))
write("boosting", GradientBoostingRegressor(n_estimators=30), full, margin)
write("linear", make_pipeline(StandardScaler(), LinearRegression()), full, margin)
write("lightgbm", LGBMRegressor(n_estimators=30, verbose=-1), holed, margin)
write("xgboost", XGBRegressor(n_estimators=30, max_depth=5), holed, margin)

frame = pd.DataFrame(full[:, :3], columns=["p", "q", "r"])
frame["t"] = random.choice(["a", "b", "c"], size=len(frame))
columns = []
for name, model, y in (("columns-forest", RandomForestClassifier(30, max_depth=7), named), ("columns-logistic", LogisticRegression(), three)):
    numbers = Pipeline([("fill", SimpleImputer()), ("scale", StandardScaler())])
    prepare = ColumnTransformer([("n", numbers, ["p", "q", "r"]), ("t", OneHotEncoder(handle_unknown="ignore"), ["t"])])
    pipeline = Pipeline([("prepare", prepare), ("model", model)]).fit(frame, y)
    inputs = [(column, FloatTensorType([None, 1])) for column in "pqr"] + [("t", StringTensorType([None, 1]))]
    graph = convert_sklearn(pipeline, initial_types=inputs, target_opset=opsets, options={id(model): {"zipmap": False}})
    # As Gyre wires columns: all of them have the same rows.
    for given in graph.graph.input:
        given.type.tensor_type.shape.dim[0].dim_param = "N"
    onnx.save(graph, folder / f"{name}.onnx")
    columns.append(name)

json.dump({"tables": written, "columns": columns}, sys.stdout)
