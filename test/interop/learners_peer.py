"""The learners of scikit-learn, LightGBM and shap, as references for ours.

Input: { "churn": [ { "train": { x, y }, "test": { x, y } } ], null in x is NaN, "columns": n,
"logistic": [ { x, y, weights, l2 } ], "ridge": { x, y, l2 }, "trees": { x, y } }.
Output: ROC AUC of each peer per churn split; coefficients; a LightGBM model as JSON with its own and shap's contributions; PCA.
"""

import json
import sys

import lightgbm
import numpy as np
import shap
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import roc_auc_score


def matrix(values, columns):
    return np.array([np.nan if value is None else value for value in values], dtype=np.float32).reshape(-1, columns)


def churn(split, columns):
    (x, y), (tx, ty) = ((matrix(split[part]["x"], columns), split[part]["y"]) for part in ("train", "test"))
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
    return {name: roc_auc_score(ty, peer.fit(x, y).predict_proba(tx)[:, 1]) for name, peer in peers.items()}


def logistic(x, y, weights, l2, columns):
    # in float64: with float32 the solver ends where the kernels of this processor cannot go on, up to 3e-4 away
    fitted = LogisticRegression(C=1 / l2, max_iter=10_000, tol=1e-10).fit(matrix(x, columns).astype(np.float64), y, sample_weight=weights)
    return {"coefficients": fitted.coef_.tolist(), "intercepts": fitted.intercept_.tolist()}


def ridge(x, y, l2, columns):
    fitted = Ridge(alpha=l2).fit(matrix(x, columns).astype(np.float64), y)
    return {"coefficients": fitted.coef_.tolist(), "intercept": float(fitted.intercept_)}


def trees(x, y, columns):
    x = matrix(x, columns)
    options = {"objective": "binary", "num_leaves": 12, "min_data_in_leaf": 5, "learning_rate": 0.3, "verbose": -1, "num_threads": 1}
    model = lightgbm.train({**options, "deterministic": True, "boost_from_average": False}, lightgbm.Dataset(x, y), 10)
    explained = shap.TreeExplainer(model).shap_values(x)
    return {
        "model": model.dump_model()["tree_info"],
        "contributions": model.predict(x, pred_contrib=True).tolist(),
        "shap": np.asarray(explained).tolist(),
    }


def pca(x, columns):
    fitted = PCA(3).fit(matrix(x, columns).astype(np.float64))
    return {"components": fitted.components_.tolist(), "variance": fitted.explained_variance_.tolist()}


given = json.load(sys.stdin)
json.dump(
    {
        "churn": [churn(split, given["churn_columns"]) for split in given["churn"]],
        "logistic": [logistic(**case) for case in given["logistic"]],
        "ridge": ridge(**given["ridge"]),
        "trees": trees(**given["trees"]),
        "pca": pca(given["ridge"]["x"], given["ridge"]["columns"]),
    },
    sys.stdout,
)
