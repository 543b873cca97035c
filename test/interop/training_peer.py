"""scikit-learn's transforms and LightGBM on the same rows as ours, and our whole model run by Python's ONNX Runtime.

Input: { "train", "test": [row, ...] (named raw columns, null is missing), "target", "positive", "numeric": [...],
"categorical": [...], "onnx": path }.
Output: { "features": [[...]] of the test rows, "names": [...], "probabilities": [P(positive) ...], "labels": [...], "auc": { peer: AUC } }.
"""

import json
import sys

import lightgbm
import numpy as np
import onnxruntime
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

given = json.load(sys.stdin)
train, test = (pd.DataFrame(given[part]) for part in ("train", "test"))
numeric, categorical = given["numeric"], given["categorical"]

transform = ColumnTransformer(
    [
        ("numeric", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numeric),
        ("categorical", OneHotEncoder(handle_unknown="ignore", sparse_output=False), categorical),
    ]
)
train_x = transform.fit_transform(train[numeric + categorical])
test_x = transform.transform(test[numeric + categorical])
encoder = transform.named_transformers_["categorical"]
names = numeric + [f"{column}={value}" for column, values in zip(categorical, encoder.categories_) for value in values]

y = (train[given["target"]] == given["positive"]).to_numpy()
test_y = (test[given["target"]] == given["positive"]).to_numpy()
small = lightgbm.LGBMClassifier(
    n_estimators=200,
    learning_rate=0.03,
    num_leaves=7,
    min_child_samples=30,
    reg_lambda=5,
    subsample=0.8,
    subsample_freq=1,
    colsample_bytree=0.5,
    random_state=0,
    n_jobs=1,
    verbose=-1,
)
peers = {"HistGradientBoosting": HistGradientBoostingClassifier(random_state=0), "LightGBM": small}
auc = {name: roc_auc_score(test_y, peer.fit(train_x, y).predict_proba(test_x)[:, 1]) for name, peer in peers.items()}

session = onnxruntime.InferenceSession(given["onnx"], providers=["CPUExecutionProvider"])
feeds = {
    entry.name: test[[entry.name]].astype(np.float64).to_numpy()
    if entry.type == "tensor(double)"
    else test[[entry.name]].fillna("").to_numpy(dtype=object)
    for entry in session.get_inputs()
}
labels, probabilities = session.run(["label", "probabilities"], feeds)

json.dump(
    {
        "features": test_x.tolist(),
        "names": names,
        "probabilities": probabilities[:, 1].astype(float).tolist(),
        "labels": labels.tolist(),
        "auc": auc,
    },
    sys.stdout,
)
