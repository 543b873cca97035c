"""Opens a model package as MLflow does, runs its ONNX model on raw rows, and measures it with scikit-learn and SciPy."""

import json
import os
import sys

import mlflow.onnx
import mlflow.pyfunc
import numpy as np
import onnxruntime
import pandas as pd
from mlflow.models import Model
from scipy.stats import bootstrap
from sklearn.inspection import permutation_importance
from sklearn.metrics import accuracy_score, average_precision_score, f1_score, log_loss, roc_auc_score

request = json.load(sys.stdin)
folder = request["folder"]
with open(os.path.join(folder, "signature.json"), encoding="utf-8") as file:
    signature = json.load(file)


def feeds(frame: pd.DataFrame) -> dict:
    """Raw columns as the tensors [N, 1] that the signature names."""
    tensors = {}
    for column in signature["inputs"]:
        values = frame[column["name"]]
        if column["datatype"] == "FP64":
            tensors[column["name"]] = values.to_numpy(dtype=np.float64).reshape(-1, 1)
        else:
            tensors[column["name"]] = values.fillna("").to_numpy(dtype=object).reshape(-1, 1)
    return tensors


class Estimator:
    """A packaged model as scikit-learn's inspection takes it."""

    classes_ = np.array([0, 1])
    _estimator_type = "classifier"

    def __init__(self) -> None:
        self.session = onnxruntime.InferenceSession(os.path.join(folder, "model.onnx"))

    def fit(self, *_):
        return self

    def predict_proba(self, frame: pd.DataFrame) -> np.ndarray:
        return self.session.run(["probabilities"], feeds(frame))[0]


rows = pd.DataFrame(request["rows"])
truth = np.array(request["truth"])
estimator = Estimator()
scores = estimator.predict_proba(rows)[:, 1].astype(np.float64)
predicted = (scores >= signature["threshold"]).astype(int)

importance = permutation_importance(
    estimator,
    rows,
    truth,
    scoring=lambda model, frame, target: roc_auc_score(target, model.predict_proba(frame)[:, 1]),
    n_repeats=request["repeats"],
    random_state=0,
)
interval = bootstrap(
    (truth, scores),
    lambda target, probability: roc_auc_score(target, probability),
    paired=True,
    vectorized=False,
    n_resamples=1000,
    method="percentile",
    rng=np.random.default_rng(0),
).confidence_interval

model = Model.load(folder)
example = model.load_input_example(folder)
through_mlflow = mlflow.pyfunc.load_model(folder).predict(feeds(rows.head(50)))
json.dump(
    {
        "scores": scores.tolist(),
        "metrics": {
            "accuracy": accuracy_score(truth, predicted),
            "f1": f1_score(truth, predicted),
            "roc_auc": roc_auc_score(truth, scores),
            "pr_auc": average_precision_score(truth, scores),
            "log_loss": log_loss(truth, scores),
        },
        "interval": [interval.low, interval.high],
        "importance": {name: [mean, std] for name, mean, std in zip(rows.columns, importance.importances_mean, importance.importances_std)},
        "mlflow": {
            "nodes": len(mlflow.onnx.load_model(folder).graph.node),
            "run": model.run_id,
            "inputs": [spec.name for spec in model.signature.inputs.inputs],
            "example": list(example.columns),
            "probabilities": through_mlflow["probabilities"][:, 1].astype(float).tolist(),
        },
    },
    sys.stdout,
)
