"""Models of Python flavours, as somebody saves or logs them.

Reads {"act": "save" | "log" | "convertible", ...}.
save: {"folder"} writes model folders there: `pickle` and `spin` (scikit-learn's flavour; the second never ends when it is told to) and `odd` (a pyfunc
that does what its input says); writes
{"rows", "expected"}: rows of the columns a and b, and P(yes) of each by scikit-learn.
log: {"address", "token", "csv"} logs and registers by MLflow's client `pickles` 1 (scikit-learn, by cloudpickle) and `customs` 1 (a pyfunc
that gives the probabilities as a table); writes {"rows", "expected"}: P(yes) of each.
convertible: {"folder"} writes model folders of scikit-learn's flavour there, to be converted; writes {"rows"} to compare on.
"""

import json
import os
import sys
import warnings
from importlib.metadata import version
from pathlib import Path

given = json.load(sys.stdin)
warnings.filterwarnings("ignore")
os.environ.update(
    MLFLOW_DISABLE_TELEMETRY="true",
    MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT="true",
    MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR="false",
    GIT_PYTHON_REFRESH="quiet",
)

import mlflow
import mlflow.pyfunc
import mlflow.sklearn
import numpy as np
import pandas as pd
from mlflow.models import infer_signature
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

# Said, so that MLflow does not find it out by loading the model once more.
lock = [f"{name}=={version(name)}" for name in ("scikit-learn", "mlflow", "pandas")]


class Odd(mlflow.pyfunc.PythonModel):
    """Doubles `a`, and does other things when it is told to."""

    def load_context(self, context):
        print("loading, says the model on standard output")

    def predict(self, context, model_input, params=None):
        print("predicting", len(model_input), "rows")
        import os
        import time

        os.write(1, b"straight to file descriptor 1\n")
        if (model_input["a"] < 0).any():
            raise ValueError("a must not be negative")
        if (model_input["a"] == 666).any():
            os._exit(3)
        if (model_input["a"] == 999).any():
            time.sleep(600)
        if (model_input["a"] == 777).any():
            bytearray(8 * 2**30)
        if (model_input["a"] == 555).any():
            kept = [open("/dev/null") for _ in range(4096)]
        about = json_of({"environment": sorted(os.environ), "folder": os.listdir("."), "files": os.popen("ls -l /proc/self/fd | wc -l").read()})
        return pd.DataFrame({"double": model_input["a"] * 2, "about": [about] * len(model_input)})


def json_of(value):
    import json

    return json.dumps(value)


class Spinner(BaseEstimator):
    def predict(self, table):
        while (table["a"] == 888).any():
            pass
        return table["a"].to_numpy()


class Custom(mlflow.pyfunc.PythonModel):
    def __init__(self, pipeline):
        self.pipeline = pipeline

    def predict(self, context, model_input, params=None):
        shares = self.pipeline.predict_proba(model_input)
        return pd.DataFrame(shares.astype("float64"), columns=list(self.pipeline.classes_))


def never_ending():
    import sys
    import time

    print("it will take a while, says the model", file=sys.stderr, flush=True)
    time.sleep(600)


class Slow:
    def __reduce__(self):
        return never_ending, ()


def save():
    folder = Path(given["folder"])
    random = np.random.default_rng(7)
    table = pd.DataFrame({"a": random.random(200), "b": random.random(200)})
    labels = np.where(table.a + table.b / 3 + random.normal(0, 0.1, 200) > 0.6, "yes", "no")
    pipeline = Pipeline([("scale", StandardScaler()), ("model", LogisticRegression())]).fit(table, labels)
    shares = pipeline.predict_proba(table)
    mlflow.sklearn.save_model(
        pipeline,
        folder / "pickle",
        signature=infer_signature(table, shares),
        input_example=table.head(2),
        serialization_format="cloudpickle",
        pip_requirements=lock,
        pyfunc_predict_fn="predict_proba",
    )
    mlflow.sklearn.save_model(
        Spinner(), folder / "spin", signature=infer_signature(table, table.a), serialization_format="cloudpickle", pip_requirements=lock
    )
    mlflow.pyfunc.save_model(
        folder / "odd",
        python_model=Odd(),
        signature=infer_signature(table, pd.DataFrame({"double": table.a, "about": ["x"] * 200})),
        pip_requirements=lock,
    )
    return {"rows": table.to_dict("records"), "expected": shares[:, 1].tolist()}


def log():
    os.environ.update(MLFLOW_TRACKING_URI=given["address"], MLFLOW_TRACKING_TOKEN=given["token"], MLFLOW_HTTP_REQUEST_MAX_RETRIES="1")
    mlflow.set_experiment("elsewhere")
    people = pd.read_csv(given["csv"])
    people["plan"] = people["plan"].fillna("")
    half, rest = people.iloc[: len(people) // 2], people.iloc[len(people) // 2 :]
    columns = ["age", "income", "plan"]
    prepare = ColumnTransformer([("n", StandardScaler(), columns[:2]), ("t", OneHotEncoder(handle_unknown="ignore"), columns[2:])])
    pipeline = Pipeline([("prepare", prepare), ("model", LogisticRegression())]).fit(half[columns], half["cancelled"])
    with mlflow.start_run():
        mlflow.sklearn.log_model(
            pipeline,
            name="model",
            signature=infer_signature(half[columns], pipeline.predict(half[columns])),
            serialization_format="cloudpickle",
            pip_requirements=lock,
            registered_model_name="pickles",
        )
    with mlflow.start_run():
        mlflow.pyfunc.log_model(
            name="model",
            python_model=Custom(pipeline),
            pip_requirements=lock,
            signature=infer_signature(half[columns], pd.DataFrame({"no": [0.5], "yes": [0.5]})),
            registered_model_name="customs",
        )
    rows = rest[columns].head(30)
    return {"rows": rows.to_dict("records"), "expected": pipeline.predict_proba(rows)[:, 1].tolist()}


def convertible():
    """`mixed`: a pipeline by column names, texts among them; `trees`: LightGBM over three classes; `boosted`: XGBoost over two, logged by its
    own flavour; `plain`: a regression over two numbers. Beside them files by themselves: `mixed.pkl`, `plain.joblib`, `boosted.ubj` and `trees.txt` as the
    libraries' own training leaves them, `slow.pkl`, which says a line and never ends to load, and `rows.json` with the two numbers alone."""
    import cloudpickle
    import joblib
    import lightgbm
    import xgboost
    from lightgbm import LGBMClassifier
    import mlflow.xgboost
    from sklearn.linear_model import LinearRegression
    from xgboost import XGBClassifier

    folder = Path(given["folder"])
    random = np.random.default_rng(5)
    table = pd.DataFrame({"a": random.random(300), "b": random.random(300), "kind": random.choice(["x", "y", "z"], 300)})
    yes = np.where(table.a + (table.kind == "x") + random.normal(0, 0.3, 300) > 0.8, "yes", "no")
    prepare = ColumnTransformer([("n", StandardScaler(), ["a", "b"]), ("t", OneHotEncoder(handle_unknown="ignore"), ["kind"])])
    numbers = table[["a", "b"]]
    models = {
        "mixed": (Pipeline([("prepare", prepare), ("model", LogisticRegression())]).fit(table, yes), table),
        "trees": (LGBMClassifier(n_estimators=10, min_child_samples=5, verbose=-1).fit(numbers, (table.a * 3).astype(int)), numbers),
        "plain": (Pipeline([("scale", StandardScaler()), ("model", LinearRegression())]).fit(numbers, table.a * 2 - table.b / 3), numbers),
    }
    for name, (model, frame) in models.items():
        signature = infer_signature(frame, model.predict(frame))
        mlflow.sklearn.save_model(model, folder / name, signature=signature, serialization_format="cloudpickle", pip_requirements=lock)
    boosted = XGBClassifier(n_estimators=10, max_depth=3, n_jobs=1).fit(numbers, (yes == "yes").astype(int))
    mlflow.xgboost.save_model(boosted, folder / "boosted", signature=infer_signature(numbers, boosted.predict(numbers)), pip_requirements=lock)
    with open(folder / "mixed.pkl", "wb") as file:
        cloudpickle.dump(models["mixed"][0], file)
    joblib.dump(models["plain"][0], folder / "plain.joblib")
    xgboost.train({"objective": "binary:logistic", "max_depth": 3}, xgboost.DMatrix(numbers, (yes == "yes").astype(int)), 10).save_model(folder / "boosted.ubj")
    xgboost.train({"objective": "reg:squarederror"}, xgboost.DMatrix(numbers, table.a * 3), 10).save_model(folder / "boosted.json")
    parameters = {"objective": "multiclass", "num_class": 3, "min_child_samples": 5, "verbose": -1}
    lightgbm.train(parameters, lightgbm.Dataset(numbers, (table.a * 3).astype(int)), 10).save_model(folder / "trees.txt")
    with open(folder / "slow.pkl", "wb") as file:
        cloudpickle.dump(Slow(), file)
    # What float32 holds exactly: the graph is compared with the model, not with what rounding does to trees.
    rows = table.head(60).copy()
    rows[["a", "b"]] = rows[["a", "b"]].astype("float32").astype("float64")
    (folder / "rows.json").write_text(json.dumps(rows[["a", "b"]].to_dict("records")))
    return {"rows": rows.to_dict("records"), "expected": []}


json.dump({"save": save, "log": log, "convertible": convertible}[given["act"]](), sys.stdout)
