"""Models that somebody trains in Python and logs by MLflow's client, and what they say themselves.

Reads {"act": "log" | "load" | "infer", ...}.
log: {"address", "token", "csv"} trains, logs and registers `shop` 1 (ONNX flavour), 2 (scikit-learn flavour with an ONNX file beside it) and
`pickles` 1 (scikit-learn alone); writes {"rows", "expected"}: rows as JSON objects, and P(yes) of each by scikit-learn for both.
load: {"address", "token", "rows"} writes {"onnx", "sklearn"}: P(yes) of what `models:/shop/1` and `/2` load as.
infer: {"address", "model", "rows"} writes P(yes) by the Open Inference Protocol.
"""

import json
import os
import sys
import tempfile
import warnings
from pathlib import Path

given = json.load(sys.stdin)
warnings.filterwarnings("ignore")

import numpy as np
import pandas as pd

numbers = ["age", "income"]
texts = ["plan"]


def client():
    os.environ.update(
        MLFLOW_TRACKING_URI=given["address"],
        MLFLOW_TRACKING_TOKEN=given["token"],
        MLFLOW_HTTP_REQUEST_MAX_RETRIES="1",
        MLFLOW_DISABLE_TELEMETRY="true",
        MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT="true",
        MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR="false",
        GIT_PYTHON_REFRESH="quiet",
    )
    import mlflow
    import mlflow.onnx
    import mlflow.sklearn

    mlflow.set_experiment("elsewhere")
    return mlflow


def log():
    from lightgbm import LGBMClassifier
    from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm
    from skl2onnx import convert_sklearn, to_onnx, update_registered_converter
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType
    from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    mlflow = client()
    people = pd.read_csv(given["csv"])
    people["plan"] = people["plan"].fillna("")
    half = people.iloc[: len(people) // 2]

    # A pipeline over columns by name, whose converter makes an input of each.
    prepare = ColumnTransformer([("n", StandardScaler(), numbers), ("t", OneHotEncoder(handle_unknown="ignore"), texts)])
    pipeline = Pipeline([("prepare", prepare), ("model", LogisticRegression())]).fit(half[numbers + texts], half["cancelled"])
    inputs = [(name, FloatTensorType([None, 1])) for name in numbers] + [(name, StringTensorType([None, 1])) for name in texts]
    with mlflow.start_run():
        mlflow.onnx.log_model(convert_sklearn(pipeline, initial_types=inputs), name="model", registered_model_name="shop")

    # Boosted trees over one tensor; its converter keeps the classes as 0 and 1, and the columns stand in MLflow's signature.
    table = half[numbers].astype(np.float64)
    trees = LGBMClassifier(n_estimators=15, min_child_samples=5, verbose=-1).fit(table, half["cancelled"] == "yes")
    update_registered_converter(
        LGBMClassifier, "LightGBM", calculate_linear_classifier_output_shapes, convert_lightgbm, options={"zipmap": [True, False, "columns"], "nocl": [True, False]}
    )
    graph = to_onnx(trees, table.to_numpy(np.float32)[:1], target_opset={"": 15, "ai.onnx.ml": 3})
    with tempfile.TemporaryDirectory() as folder, mlflow.start_run() as run:
        place = Path(folder) / "model"
        signature = mlflow.models.infer_signature(table, trees.predict(table))
        mlflow.sklearn.save_model(trees, place, signature=signature, serialization_format="cloudpickle")
        (place / "trees.onnx").write_bytes(graph.SerializeToString())
        mlflow.log_artifacts(str(place), "model")
        mlflow.register_model(f"runs:/{run.info.run_id}/model", "shop")
        (place / "trees.onnx").unlink()
        mlflow.log_artifacts(str(place), "pickle")
        mlflow.register_model(f"runs:/{run.info.run_id}/pickle", "pickles")

    rows = people.iloc[len(people) // 2 :][numbers + texts].head(40)
    single = rows[numbers].astype(np.float32).astype(np.float64)
    return {
        "rows": rows.to_dict("records"),
        "expected": {
            "onnx": pipeline.predict_proba(rows)[:, 1].tolist(),
            "sklearn": trees.predict_proba(single)[:, 1].tolist(),
        },
    }


def load():
    mlflow = client()
    rows = pd.DataFrame(given["rows"])
    feeds = {name: rows[[name]].to_numpy(np.float32) for name in numbers} | {name: rows[[name]].to_numpy(object) for name in texts}
    import onnxruntime

    graph = mlflow.onnx.load_model("models:/shop/1")
    session = onnxruntime.InferenceSession(graph.SerializeToString())
    said = session.run(["output_probability"], feeds)[0]
    trees = mlflow.sklearn.load_model("models:/shop/2")
    table = rows[numbers].astype(np.float32).astype(np.float64)
    return {"onnx": [float(row["yes"]) for row in said], "sklearn": trees.predict_proba(table)[:, 1].tolist()}


def infer():
    import tritonclient.http as triton

    plane = triton.InferenceServerClient(url=given["address"].removeprefix("http://"))
    tensors = []
    for name in given["columns"]:
        values = [row[name] for row in given["rows"]]
        kind, array = ("BYTES", np.array(values, dtype=object)) if name in texts else ("FP64", np.array(values, dtype=np.float64))
        tensor = triton.InferInput(name, [len(values), 1], kind)
        tensor.set_data_from_numpy(array.reshape(-1, 1), binary_data=False)
        tensors.append(tensor)
    answer = plane.infer(given["model"], tensors, outputs=[triton.InferRequestedOutput("probabilities", binary_data=False)])
    return answer.as_numpy("probabilities")[:, 1].tolist()


json.dump({"log": log, "load": load, "infer": infer}[given["act"]](), sys.stdout)
