"""The same calls on logged models to MLflow's own database store and to a server, by the client's own store classes.

Input: { "address", "token", "seed" }.
Output: { "compared": count, "accepted": count of answers that are no errors, "differences": [ { "call", "theirs", "ours" } ] }.
"""

import json
import math
import os
import random
import sys
import tempfile

given = json.load(sys.stdin)
os.environ.update(MLFLOW_TRACKING_TOKEN=given["token"], MLFLOW_DISABLE_TELEMETRY="true", MLFLOW_HTTP_REQUEST_MAX_RETRIES="0")

from mlflow.entities import LoggedModelInput, LoggedModelOutput, LoggedModelParameter, LoggedModelStatus, LoggedModelTag, Metric
from mlflow.exceptions import MlflowException
from mlflow.store.tracking.rest_store import RestStore
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
from mlflow.utils.rest_utils import MlflowHostCreds

chance = random.Random(given["seed"])
differences = []
counts = {"compared": 0, "accepted": 0}


class Side:
    """One of the two stores, with what its ids are called by both."""

    def __init__(self, store):
        self.store = store
        self.names = {}

    def make(self):
        store = self.store
        self.experiments = [store.create_experiment(f"logged models {number}") for number in range(2)]
        self.names.update({each: f"experiment {number}" for number, each in enumerate(self.experiments)})
        self.runs = [store.create_run(experiment, "ada", 1, [], None).info.run_id for experiment in self.experiments for _ in range(2)]
        self.names.update({each: f"run {number}" for number, each in enumerate(self.runs)})
        self.models = []

    def said(self, value):
        """What an answer says, with names for ids and nothing that may differ."""
        if isinstance(value, (list, tuple)):
            return [self.said(each) for each in value]
        if value is None or isinstance(value, (bool, int, float)):
            return "NaN" if isinstance(value, float) and math.isnan(value) else value
        if isinstance(value, str):
            if value in self.names:
                return self.names[value]
            for own, name in self.names.items():
                value = value.replace(own, name) if len(own) > 30 else value
            return value
        if isinstance(value, Metric):
            return self.said([value.key, value.value, value.step, value.timestamp, value.run_id, value.dataset_name or "", value.dataset_digest or ""])
        if hasattr(value, "model_uri"):
            return {
                **{name: self.said(getattr(value, name) or "") for name in ("model_id", "experiment_id", "name", "model_type", "source_run_id", "status_message")},
                "status": str(value.status),
                "tags": sorted(value.tags.items()),
                "params": sorted(value.params.items()),
                "metrics": sorted((self.said(each) for each in value.metrics or []), key=json.dumps),
                "artifacts": self.said(value.artifact_location.split("/models/")[1]),
                "updated": value.last_updated_timestamp >= value.creation_timestamp,
            }
        if hasattr(value, "inputs"):
            return {
                "made": sorted([self.said(each.model_id), each.step] for each in value.outputs.model_outputs or []),
                "used": sorted({self.said(each.model_id) for each in value.inputs.model_inputs or []}),
            }
        return str(value)


def both(call, sides, action):
    """Does the same on both sides and notes where the answers differ."""
    answers = []
    for side in sides:
        try:
            answers.append({"answer": side.said(action(side))})
        except MlflowException as error:
            answers.append({"refused": error.error_code})
        except Exception as error:
            answers.append({"failed": repr(error)})
    theirs, ours = answers
    counts["compared"] += 1
    counts["accepted"] += "answer" in theirs
    if json.dumps(theirs, sort_keys=True) != json.dumps(ours, sort_keys=True):
        differences.append({"call": call, "theirs": theirs, "ours": ours})


def fill(sides):
    datasets = [(None, None), ("train", "1"), ("test", "1"), ("test", "2")]
    for number in range(24):
        at = chance.randrange(2)
        params = [LoggedModelParameter(key, chance.choice(["0.1", "0.2", "tree", "x'y"])) for key in ("lr", "kind") if chance.random() < 0.8]
        tags = [LoggedModelTag(key, chance.choice(["red", "Red", "blue", ""])) for key in ("team", "a b") if chance.random() < 0.7]
        name, kind = f"model-{number:02}", chance.choice([None, "tree", "linear"])

        def create(side, at=at, params=params, tags=tags, name=name, kind=kind):
            made = side.store.create_logged_model(side.experiments[at], name, side.runs[at * 2], tags, params, kind)
            side.names[made.model_id] = name
            side.models.append(made.model_id)
            return made

        both(f"create {name}", sides, create)
        if chance.random() < 0.6:
            status = chance.choice([LoggedModelStatus.READY, LoggedModelStatus.FAILED])
            both(f"finalize {name}", sides, lambda side, number=number, status=status: side.store.finalize_logged_model(side.models[number], status))
        run = chance.randrange(4)
        measured = [
            (key, chance.choice([0.1, 0.5, 0.9, 2.0]), chance.randrange(1000, 1_000_000), step, *chance.choice(datasets))
            for key in ("auc", "loss")
            for step in range(chance.randrange(4))
        ]

        def log(side, number=number, run=run, measured=measured):
            metrics = [
                Metric(key, value, timestamp, step, model_id=side.models[number], dataset_name=dataset, dataset_digest=digest, run_id=side.runs[run])
                for key, value, timestamp, step, dataset, digest in measured
            ]
            side.store.log_batch(side.runs[run], metrics, [], [])
            return side.store.get_logged_model(side.models[number])

        both(f"log to {name}", sides, log)
        both(
            f"outputs with {name}",
            sides,
            lambda side, number=number, run=run: side.store.log_outputs(side.runs[run], [LoggedModelOutput(side.models[number], step=number)]),
        )
    for number in (3, 7):
        both(f"delete {number}", sides, lambda side, number=number: side.store.delete_logged_model(side.models[number]))
        both(f"get deleted {number}", sides, lambda side, number=number: side.store.get_logged_model(side.models[number]))
        both(f"get deleted {number} all the same", sides, lambda side, number=number: side.store.get_logged_model(side.models[number], allow_deleted=True))


def change(sides):
    first = lambda side: side.models[0]
    long = [LoggedModelParameter(f"p{number}", "v" * 300) for number in range(250)]
    both("many parameters", sides, lambda side: side.store.log_logged_model_params(first(side), long))
    both("set tags", sides, lambda side: side.store.set_logged_model_tags(first(side), [LoggedModelTag("team", "green"), LoggedModelTag("new", "1")]))
    both("delete a tag", sides, lambda side: side.store.delete_logged_model_tag(first(side), "new"))
    both("delete no tag", sides, lambda side: side.store.delete_logged_model_tag(first(side), "none"))
    both("get", sides, lambda side: side.store.get_logged_model(first(side)))
    both("used", sides, lambda side: side.store.log_inputs(side.runs[0], models=[LoggedModelInput(first(side))]))
    for run in range(4):
        both(f"run {run}", sides, lambda side, run=run: side.store.get_run(side.runs[run]))
    for call, action in {
        "get none": lambda side: side.store.get_logged_model("m-none"),
        "finalize none": lambda side: side.store.finalize_logged_model("m-none", LoggedModelStatus.READY),
        "delete none": lambda side: side.store.delete_logged_model("m-none"),
        "tag none": lambda side: side.store.set_logged_model_tags("m-none", [LoggedModelTag("a", "b")]),
        "parameters of none": lambda side: side.store.log_logged_model_params("m-none", [LoggedModelParameter("a", "b")]),
        "create nowhere": lambda side: side.store.create_logged_model("123456", "x"),
        "outputs of none": lambda side: side.store.log_outputs("0" * 32, [LoggedModelOutput(first(side), step=0)]),
        **{f"create {name!r}": lambda side, name=name: side.store.create_logged_model(side.experiments[0], name) for name in ("a/b", "a:b", "a.b", "a%b", 'a"b', "a'b")},
    }.items():
        both(call, sides, action)


def search(sides):
    filters = [
        *(f"{name} {comparator} '{value}'" for name in ("params.lr", "params.kind", "tags.team", "tags.`a b`", "name", "model_type") for comparator, value in (("=", "0.1"), ("!=", "tree"), ("LIKE", "%e%"), ("ILIKE", "R%"), ("=", "model-01"))),
        *(f"metrics.{key} {comparator} {value}" for key in ("auc", "loss", "none") for comparator in ("=", "!=", ">", ">=", "<", "<=") for value in (0.5, 1)),
        "name IN ('model-00', 'model-05')",
        "params.kind NOT IN ('tree')",
        "creation_timestamp > 0",
        "attributes.name = 'model-02'",
        "foo = 1",
        "metrics.auc LIKE 'x'",
    ]
    orders = ["name", "creation_time", "model_type", "metrics.auc", "metrics.loss", "metrics.none", "params.lr", "nothing"]
    datasets = [None, [{"dataset_name": "test", "dataset_digest": "1"}], [{"dataset_name": "train", "dataset_digest": "1"}, {"dataset_name": "test", "dataset_digest": "2"}], [{"dataset_name": "none", "dataset_digest": "1"}]]
    for number in range(250):
        chosen = [chance.choice(filters) for _ in range(chance.choice([0, 1, 1, 2, 3]))]
        order = [
            {"field_name": chance.choice(orders[: 6 if chance.random() < 0.9 else 8]), "ascending": chance.random() < 0.5, **chance.choice([{}, {"dataset_name": "test"}, {"dataset_name": "test", "dataset_digest": "2"}])}
            for _ in range(chance.randrange(3))
        ]
        on, size = chance.choice(datasets), chance.choice([None, 1, 3, 5])
        order.append({"field_name": "name", "ascending": True})

        def pages(side, text=" AND ".join(chosen) or None, order=order, on=on, size=size):
            found, token = [], None
            while True:
                page = side.store.search_logged_models(side.experiments, text, on, size, order, token)
                found += [side.names[each.model_id] for each in page]
                token = page.token
                if not token:
                    return found

        both(f"search {chosen} {order} {on} by {size}", sides, pages)
    both("search all", sides, lambda side: list(side.store.search_logged_models(side.experiments, order_by=[{"field_name": "name"}])))
    both("search nowhere", sides, lambda side: list(side.store.search_logged_models(["123456"])))
    both("search without a dataset's name", sides, lambda side: list(side.store.search_logged_models(side.experiments, datasets=[{"dataset_name": ""}])))


with tempfile.TemporaryDirectory() as folder:
    theirs = Side(SqlAlchemyStore(f"sqlite:///{folder}/mlflow.db", folder))
    ours = Side(RestStore(lambda: MlflowHostCreds(given["address"], token=given["token"])))
    for side in (theirs, ours):
        side.make()
    sides = (theirs, ours)
    fill(sides)
    change(sides)
    search(sides)
    theirs.store.engine.dispose()
json.dump({**counts, "differences": differences}, sys.stdout)
