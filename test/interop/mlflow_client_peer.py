"""What people do with MLflow's Python client, against whatever server the input names.

Reads {"address", "token", "only": [scenarios] or absent}; writes {scenario: null, or the traceback of what went wrong}.
Each scenario has an experiment of its own and checks itself what it reads back.
"""

import contextlib
import json
import math
import os
import sys
import tempfile
import traceback
import warnings
from pathlib import Path

given = json.load(sys.stdin)
os.environ.update(
    MLFLOW_TRACKING_URI=given["address"],
    MLFLOW_HTTP_REQUEST_MAX_RETRIES="1",
    MLFLOW_HTTP_REQUEST_TIMEOUT="30",
    MLFLOW_DISABLE_TELEMETRY="true",
    MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT="true",
    MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR="false",
    MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL="0.2",
    MLFLOW_SYSTEM_METRICS_SAMPLES_BEFORE_LOGGING="1",
    GIT_PYTHON_REFRESH="quiet",
    MPLBACKEND="Agg",
)
if given.get("token"):
    os.environ["MLFLOW_TRACKING_TOKEN"] = given["token"]
warnings.filterwarnings("ignore")

import mlflow
import numpy as np
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag, ViewType
from mlflow.exceptions import MlflowException
from mlflow.models import infer_signature
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

client = MlflowClient()
scenarios = {}
# The id of the experiment of the scenario that runs.
current = {}


def scenario(function):
    scenarios[function.__name__] = function
    return function


@contextlib.contextmanager
def refused(code):
    """What runs inside must be refused with this code of MLflow's."""
    try:
        yield
    except MlflowException as error:
        assert error.error_code == code, f"refused with {error.error_code}, not {code}: {error}"
    else:
        raise AssertionError(f"was not refused with {code}")


def iris():
    return load_iris(as_frame=True, return_X_y=True)


def small_model():
    features, target = iris()
    return features, target, LogisticRegression(max_iter=500).fit(features, target)


@scenario
def fluent_logging(folder):
    with mlflow.start_run(run_name="first", description="what it is for", tags={"team": "a"}) as run:
        mlflow.log_param("depth", 3)
        mlflow.log_params({"rate": 0.1, "text": "x" * 6000})
        mlflow.log_metric("loss", 0.5)
        for step in range(20):
            mlflow.log_metrics({"loss": 1 / (step + 1), "accuracy": step / 20}, step=step)
        mlflow.set_tags({"stage": "draft", "note": "größer"})
        mlflow.log_text("hello", "notes/hello.txt")
        mlflow.log_dict({"a": [1, 2]}, "notes/values.json")
        (folder / "data").mkdir()
        (folder / "data" / "one.csv").write_text("a,b\n1,2\n")
        mlflow.log_artifacts(folder / "data", "data")
    run = mlflow.get_run(run.info.run_id)
    assert run.info.status == "FINISHED" and run.info.run_name == "first"
    assert run.info.end_time >= run.info.start_time
    assert run.data.params == {"depth": "3", "rate": "0.1", "text": "x" * 6000}
    assert run.data.metrics["loss"] == 1 / 20 and run.data.metrics["accuracy"] == 19 / 20
    assert run.data.tags["team"] == "a" and run.data.tags["note"] == "größer"
    assert run.data.tags["mlflow.note.content"] == "what it is for"
    history = client.get_metric_history(run.info.run_id, "accuracy")
    assert [(metric.step, metric.value) for metric in history] == [(step, step / 20) for step in range(20)]
    assert mlflow.artifacts.load_text(f"{run.info.artifact_uri}/notes/hello.txt") == "hello"
    assert mlflow.artifacts.load_dict(f"runs:/{run.info.run_id}/notes/values.json") == {"a": [1, 2]}
    listed = {item.path: item.is_dir for item in client.list_artifacts(run.info.run_id)}
    assert listed == {"data": True, "notes": True}, listed
    path = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="data", dst_path=str(folder / "down"))
    assert (Path(path) / "one.csv").read_text() == "a,b\n1,2\n"


@scenario
def failed_and_killed_runs(folder):
    with contextlib.suppress(ValueError), mlflow.start_run() as run:
        raise ValueError("broken")
    assert client.get_run(run.info.run_id).info.status == "FAILED"
    run = mlflow.start_run()
    mlflow.end_run("KILLED")
    assert client.get_run(run.info.run_id).info.status == "KILLED"
    with mlflow.start_run(run_id=run.info.run_id):
        mlflow.log_metric("resumed", 1)
    run = client.get_run(run.info.run_id)
    assert run.info.status == "FINISHED" and run.data.metrics == {"resumed": 1}


@scenario
def nested_runs(folder):
    with mlflow.start_run(run_name="parent") as parent:
        for depth in (1, 2, 3):
            with mlflow.start_run(run_name=f"child {depth}", nested=True):
                mlflow.log_param("depth", depth)
                mlflow.log_metric("score", depth * 10)
    children = client.search_runs(
        [parent.info.experiment_id], f"tags.mlflow.parentRunId = '{parent.info.run_id}'", order_by=["metrics.score DESC"]
    )
    assert [run.data.params["depth"] for run in children] == ["3", "2", "1"]
    assert client.get_parent_run(children[0].info.run_id).info.run_id == parent.info.run_id


@scenario
def search_runs(folder):
    experiment = current["experiment"]
    for index in range(25):
        with mlflow.start_run(run_name=f"run {index:02}"):
            mlflow.log_metric("m", index)
            mlflow.log_metric("odd one/with space", index % 2)
            mlflow.log_param("kind", "even" if index % 2 == 0 else "odd")
            mlflow.set_tag("block", str(index // 10))
    names = lambda runs: [run.info.run_name for run in runs]
    find = lambda text, **more: names(client.search_runs([experiment], text, **more))
    assert find("metrics.m > 21 and params.kind = 'even'", order_by=["metrics.m ASC"]) == ["run 22", "run 24"]
    assert find("metrics.`odd one/with space` = 1 AND tags.block = '2'", order_by=["start_time ASC"]) == ["run 21", "run 23"]
    assert find("attributes.run_name LIKE 'run 0%' and params.kind != 'even'", order_by=["attribute.run_name DESC"])[0] == "run 09"
    assert find("attributes.status = 'FINISHED' and tags.block ILIKE '1'", max_results=3, order_by=["metrics.m"]) == ["run 10", "run 11", "run 12"]
    ids = ", ".join(f"'{run.info.run_id}'" for run in client.search_runs([experiment], "metrics.m < 2"))
    assert find(f"attributes.run_id IN ({ids})", order_by=["metrics.m"]) == ["run 00", "run 01"]
    pages, token = [], None
    while True:
        page = client.search_runs([experiment], "metrics.m >= 3", order_by=["metrics.m DESC"], max_results=10, page_token=token)
        pages.append(names(page))
        token = page.token
        if not token:
            break
    assert [len(page) for page in pages] == [10, 10, 2] and pages[0][0] == "run 24" and pages[2][-1] == "run 03", pages
    frame = mlflow.search_runs([experiment], "metrics.m < 5")
    assert sorted(frame["metrics.m"]) == [0, 1, 2, 3, 4] and set(frame["params.kind"]) == {"even", "odd"}
    with refused("INVALID_PARAMETER_VALUE"):
        client.search_runs([experiment], "metrics.m >")
    with refused("INVALID_PARAMETER_VALUE"):
        client.search_runs([experiment], "nonsense.m = 3")


@scenario
def lifecycle_and_refusals(folder):
    experiment = client.create_experiment("lifecycle", tags={"a": "b"})
    with refused("RESOURCE_ALREADY_EXISTS"):
        client.create_experiment("lifecycle")
    run = client.create_run(experiment, tags={"mlflow.runName": "named"})
    client.log_param(run.info.run_id, "p", "1")
    client.log_param(run.info.run_id, "p", "1")
    with refused("INVALID_PARAMETER_VALUE"):
        client.log_param(run.info.run_id, "p", "2")
    with refused("INVALID_PARAMETER_VALUE"):
        client.log_batch(run.info.run_id, params=[Param("p", "2")])
    with refused("RESOURCE_DOES_NOT_EXIST"):
        client.get_run("0" * 32)
    with refused("RESOURCE_DOES_NOT_EXIST"):
        client.get_experiment("987654321")
    assert mlflow.get_experiment_by_name("no such experiment") is None
    client.delete_run(run.info.run_id)
    with refused("INVALID_PARAMETER_VALUE"):
        client.log_metric(run.info.run_id, "m", 1)
    assert [found.info.lifecycle_stage for found in client.search_runs([experiment], run_view_type=ViewType.DELETED_ONLY)] == ["deleted"]
    assert list(client.search_runs([experiment])) == []
    client.restore_run(run.info.run_id)
    client.set_terminated(run.info.run_id)
    client.rename_experiment(experiment, "lifecycle 2")
    client.delete_experiment(experiment)
    assert "lifecycle 2" not in {found.name for found in client.search_experiments()}
    with refused("INVALID_PARAMETER_VALUE"):
        client.create_run(experiment)
    client.restore_experiment(experiment)
    assert client.get_experiment_by_name("lifecycle 2").lifecycle_stage == "active"
    client.set_experiment_tag(experiment, "team", "vision")
    found = client.search_experiments(filter_string="tags.team = 'vision' and name LIKE 'life%'")
    assert [one.experiment_id for one in found] == [experiment]


@scenario
def batches(folder):
    run = client.create_run(current["experiment"])
    metrics = [Metric(f"m{index % 7}", index / 3, 1_700_000_000_000 + index, index) for index in range(2500)]
    params = [Param(f"p{index}", str(index)) for index in range(150)]
    tags = [RunTag(f"t{index}", str(index)) for index in range(150)]
    mlflow.log_params({param.key: param.value for param in params}, run_id=run.info.run_id)
    for start in range(0, 2500, 1000):
        client.log_batch(run.info.run_id, metrics[start : start + 1000])
    client.log_batch(run.info.run_id, tags=tags[:100])
    client.log_batch(run.info.run_id, tags=tags[100:])
    with refused("INVALID_PARAMETER_VALUE"):
        client.log_batch(run.info.run_id, params=[Param("p0", "a"), Param("p0", "b")])
    found = client.get_run(run.info.run_id)
    assert found.data.params == {param.key: param.value for param in params}
    assert {key: value for key, value in found.data.tags.items() if key.startswith("t")} == {tag.key: tag.value for tag in tags}
    for index in range(7):
        expected = [metric for metric in metrics if metric.key == f"m{index}"]
        assert client.get_metric_history(run.info.run_id, f"m{index}") == expected
        assert found.data.metrics[f"m{index}"] == expected[-1].value
    for key, value in (("nan", math.nan), ("up", math.inf), ("down", -math.inf)):
        client.log_metric(run.info.run_id, key, value)
    found = client.get_run(run.info.run_id).data.metrics
    assert math.isnan(found["nan"]) and found["up"] > 1e300 and found["down"] < -1e300, found


@scenario
def latest_metric_by_step_then_time(folder):
    run = client.create_run(current["experiment"])
    for step, timestamp, value in ((5, 100, 1.0), (3, 900, 2.0), (5, 50, 3.0), (5, 100, 0.5)):
        client.log_metric(run.info.run_id, "m", value, timestamp=timestamp, step=step)
    assert client.get_run(run.info.run_id).data.metrics["m"] == 1.0
    client.log_metric(run.info.run_id, "m", -7.0, timestamp=101, step=5)
    assert client.get_run(run.info.run_id).data.metrics["m"] == -7.0


@scenario
def datasets(folder):
    features, target = iris()
    frame = features.assign(target=target)
    dataset = mlflow.data.from_pandas(frame, source="https://example.org/iris.csv", name="iris", targets="target")
    with mlflow.start_run() as run:
        mlflow.log_input(dataset, context="training", tags={"part": "all"})
    found = mlflow.get_run(run.info.run_id).inputs.dataset_inputs
    assert [(one.dataset.name, one.dataset.digest) for one in found] == [("iris", dataset.digest)]
    assert {tag.key: tag.value for tag in found[0].tags} == {"mlflow.data.context": "training", "part": "all"}
    source = mlflow.data.get_source(found[0])
    assert source.uri == "https://example.org/iris.csv" if hasattr(source, "uri") else True
    ids = lambda text: [one.info.run_id for one in client.search_runs([run.info.experiment_id], text)]
    assert ids(f"dataset.name = 'iris' and dataset.digest = '{dataset.digest}'") == [run.info.run_id]
    assert ids("dataset.context = 'training'") == [run.info.run_id] and ids("dataset.context = 'test'") == []
    more = DatasetInput(Dataset("other", "d1", "local", "{}"), [InputTag("mlflow.data.context", "test")])
    client.log_inputs(run.info.run_id, [more])
    assert len(client.get_run(run.info.run_id).inputs.dataset_inputs) == 2


@scenario
def autolog_of_scikit_learn(folder):
    features, target = iris()
    mlflow.sklearn.autolog(log_datasets=True)
    try:
        with mlflow.start_run() as run:
            model = LogisticRegression(max_iter=300, C=0.5).fit(features, target)
            model.score(features, target)
        with mlflow.start_run() as search:
            GridSearchCV(LogisticRegression(max_iter=300), {"C": [0.1, 1.0]}, cv=2).fit(features, target)
    finally:
        mlflow.sklearn.autolog(disable=True)
    found = mlflow.get_run(run.info.run_id)
    assert found.data.params["C"] == "0.5" and found.data.tags["estimator_name"] == "LogisticRegression"
    assert found.data.metrics["training_accuracy_score"] > 0.9
    assert found.inputs.dataset_inputs and found.outputs.model_outputs
    loaded = mlflow.sklearn.load_model(f"runs:/{run.info.run_id}/model")
    assert (loaded.predict(features) == model.predict(features)).all()
    children = client.search_runs([search.info.experiment_id], f"tags.mlflow.parentRunId = '{search.info.run_id}'")
    assert sorted(child.data.params["C"] for child in children) == ["0.1", "1.0"]
    assert mlflow.get_run(search.info.run_id).data.params["best_C"] in ("0.1", "1.0")


@scenario
def autolog_of_lightgbm(folder):
    import lightgbm

    features, target = iris()
    mlflow.lightgbm.autolog()
    try:
        with mlflow.start_run() as run:
            data = lightgbm.Dataset(features, target)
            lightgbm.train(
                {"objective": "multiclass", "num_class": 3, "verbose": -1, "num_threads": 1}, data, 10, valid_sets=[data], valid_names=["train"]
            )
    finally:
        mlflow.lightgbm.autolog(disable=True)
    history = client.get_metric_history(run.info.run_id, "train-multi_logloss")
    assert [metric.step for metric in history] == list(range(10)) and history[-1].value < history[0].value
    assert mlflow.get_run(run.info.run_id).data.params["num_class"] == "3"
    loaded = mlflow.pyfunc.load_model(f"runs:/{run.info.run_id}/model")
    assert loaded.predict(features).shape == (150, 3)


@scenario
def models_by_every_address(folder):
    features, target, model = small_model()
    expected = model.predict(features)
    with mlflow.start_run() as run:
        logged = mlflow.sklearn.log_model(
            model, name="classifier", signature=infer_signature(features, expected), input_example=features.head(2), registered_model_name="iris"
        )
    version = logged.registered_model_version
    client.set_registered_model_alias("iris", "champion", version)
    for uri in (f"runs:/{run.info.run_id}/classifier", logged.model_uri, f"models:/iris/{version}", "models:/iris@champion"):
        loaded = mlflow.pyfunc.load_model(uri)
        assert (loaded.predict(features) == expected).all(), uri
    assert loaded.metadata.signature == infer_signature(features, expected)
    found = mlflow.get_run(run.info.run_id)
    assert [output.model_id for output in found.outputs.model_outputs] == [logged.model_id]
    known = json.loads(mlflow.get_logged_model(logged.model_id).tags["mlflow.modelVersions"])
    # The newest client adds the version once more, as text.
    assert known[0] == {"name": "iris", "version": int(version)}, known
    info = mlflow.models.get_model_info("models:/iris@champion")
    assert info.flavors["sklearn"]["pickled_model"]
    assert client.get_model_version("iris", version).run_id == run.info.run_id


@scenario
def registry(folder):
    features, target, model = small_model()
    with mlflow.start_run() as run:
        info = mlflow.sklearn.log_model(model, name="model", input_example=features.head(2))
    first = mlflow.register_model(info.model_uri, "registry", tags={"a": "1"})
    second = mlflow.register_model(f"runs:/{run.info.run_id}/model", "registry")
    assert (first.version, second.version) in (("1", "2"), (1, 2)) and first.status == "READY"
    client.update_registered_model("registry", "what it decides")
    client.set_registered_model_tag("registry", "owner", "me")
    client.update_model_version("registry", "1", "the first")
    client.set_model_version_tag("registry", "1", "checked", "yes")
    client.set_registered_model_alias("registry", "best", "1")
    client.set_registered_model_alias("registry", "newest", "2")
    assert str(client.get_model_version_by_alias("registry", "newest").version) == "2"
    client.set_registered_model_alias("registry", "best", "2")
    client.delete_registered_model_alias("registry", "newest")
    found = client.get_registered_model("registry")
    assert found.description == "what it decides" and found.tags == {"owner": "me"} and {k: str(v) for k, v in found.aliases.items()} == {"best": "2"}
    client.transition_model_version_stage("registry", "1", "Staging")
    client.transition_model_version_stage("registry", "2", "Staging", archive_existing_versions=True)
    assert [str(one.version) for one in client.get_latest_versions("registry", ["Staging"])] == ["2"]
    assert client.get_model_version("registry", "1").current_stage == "Archived"
    versions = client.search_model_versions("name = 'registry'", order_by=["version_number DESC"])
    assert [str(one.version) for one in versions] == ["2", "1"]
    assert [str(one.version) for one in client.search_model_versions(f"run_id = '{run.info.run_id}' and tags.checked = 'yes'")] == ["1"]
    assert [one.name for one in client.search_registered_models("name ILIKE 'REG%' and tags.owner = 'me'")] == ["registry"]
    copied = client.copy_model_version("models:/registry@best", "registry copy")
    assert str(copied.version) == "1"
    assert (mlflow.pyfunc.load_model("models:/registry copy/1").predict(features) == model.predict(features)).all()
    path = mlflow.artifacts.download_artifacts("models:/registry/1", dst_path=str(folder / "model"))
    assert (Path(path) / "MLmodel").exists()
    client.rename_registered_model("registry copy", "registry moved")
    client.delete_model_version("registry moved", "1")
    client.delete_registered_model("registry moved")
    with refused("RESOURCE_DOES_NOT_EXIST"):
        client.get_registered_model("registry moved")
    with refused("RESOURCE_DOES_NOT_EXIST"):
        client.get_model_version("registry", "99")
    with refused("RESOURCE_ALREADY_EXISTS"):
        client.create_registered_model("registry")


@scenario
def logged_models(folder):
    experiment = current["experiment"]
    models = []
    with mlflow.start_run():
        for step in range(3):
            model = mlflow.create_external_model(name=f"checkpoint-{step}", model_type="agent", params={"step": str(step)}, tags={"kind": "x"})
            mlflow.log_metric("quality", step / 10, step=step, model_id=model.model_id)
            models.append(model)
    found = mlflow.search_logged_models(
        [experiment], "metrics.quality >= 0.1", order_by=[{"field_name": "metrics.quality", "ascending": False}], output_format="list"
    )
    assert [one.name for one in found] == ["checkpoint-2", "checkpoint-1"], found
    assert [one.name for one in mlflow.search_logged_models([experiment], "params.step = '0'", output_format="list")] == ["checkpoint-0"]
    got = mlflow.get_logged_model(models[1].model_id)
    assert got.params["step"] == "1" and got.model_type == "agent" and [metric.value for metric in got.metrics] == [0.1]
    mlflow.set_logged_model_tags(got.model_id, {"more": "y"})
    mlflow.delete_logged_model_tag(got.model_id, "kind")
    assert {key: value for key, value in mlflow.get_logged_model(got.model_id).tags.items() if not key.startswith("mlflow.")} == {"more": "y"}
    made = mlflow.initialize_logged_model(name="made", params={"a": "1"})
    assert str(made.status) == "PENDING"
    assert str(mlflow.finalize_logged_model(made.model_id, "READY").status) == "READY"
    client.delete_logged_model(made.model_id)
    with refused("RESOURCE_DOES_NOT_EXIST"):
        client.get_logged_model(made.model_id)


@scenario
def evaluation_of_a_model(folder):
    features, target, model = small_model()
    with mlflow.start_run() as run:
        info = mlflow.sklearn.log_model(model, name="model", input_example=features.head(2))
        result = mlflow.models.evaluate(
            info.model_uri,
            features.assign(target=target),
            targets="target",
            model_type="classifier",
            evaluators="default",
            evaluator_config={"log_explainer": False, "log_model_explainability": False},
        )
    assert result.metrics["accuracy_score"] > 0.9
    assert mlflow.get_run(run.info.run_id).data.metrics["accuracy_score"] == result.metrics["accuracy_score"]
    names = {item.path for item in client.list_artifacts(run.info.run_id)}
    assert "confusion_matrix.png" in names, names


@scenario
def command_line(folder):
    run = client.create_run(current["experiment"])
    (folder / "one.txt").write_text("one")
    (folder / "many").mkdir()
    (folder / "many" / "two.txt").write_text("two")

    # In this process: a start of the command line takes fifteen seconds.
    from click.testing import CliRunner
    from mlflow.cli import cli

    def call(*words):
        done = CliRunner().invoke(cli, words)
        assert done.exit_code == 0, f"{words}: {done.output} {done.exception!r}"
        return done.stdout

    call("artifacts", "log-artifact", "--local-file", str(folder / "one.txt"), "--run-id", run.info.run_id)
    call("artifacts", "log-artifacts", "--local-dir", str(folder / "many"), "--run-id", run.info.run_id, "--artifact-path", "deep/er")
    listed = json.loads(call("artifacts", "list", "--run-id", run.info.run_id))
    assert sorted((item["path"], item["is_dir"]) for item in listed) == [("deep", True), ("one.txt", False)], listed
    call("artifacts", "download", "--run-id", run.info.run_id, "--artifact-path", "deep", "--dst-path", str(folder / "down"))
    assert (folder / "down" / "deep" / "er" / "two.txt").read_text() == "two"
    call("experiments", "create", "--experiment-name", "by command")
    assert "by command" in call("experiments", "search")
    assert run.info.run_id in call("runs", "list", "--experiment-id", run.info.experiment_id)
    call("runs", "delete", "--run-id", run.info.run_id)
    assert client.get_run(run.info.run_id).info.lifecycle_stage == "deleted"


@scenario
def system_metrics(folder):
    import time

    with mlflow.start_run(log_system_metrics=True) as run:
        for _ in range(50):
            time.sleep(0.2)
            if "system/cpu_utilization_percentage" in client.get_run(run.info.run_id).data.metrics:
                break
    found = client.get_run(run.info.run_id).data.metrics
    assert found["system/system_memory_usage_megabytes"] > 0, found


@scenario
def asynchronous_logging(folder):
    with mlflow.start_run() as run:
        for step in range(300):
            mlflow.log_metric("loss", 1 / (step + 1), step=step, synchronous=False)
        mlflow.log_params({"a": 1, "b": 2}, synchronous=False)
        mlflow.set_tag("t", "v", synchronous=False)
        mlflow.flush_async_logging()
        assert len(client.get_metric_history(run.info.run_id, "loss")) == 300
    found = client.get_run(run.info.run_id).data
    assert found.params == {"a": "1", "b": "2"} and found.tags["t"] == "v"


@scenario
def project_run(folder):
    (folder / "MLproject").write_text(
        'name: small\nentry_points:\n  main:\n    parameters:\n      rate: {type: float, default: 0.1}\n    command: "python main.py {rate}"\n'
    )
    (folder / "main.py").write_text("import sys, mlflow\nmlflow.log_metric('rate', float(sys.argv[1]))\n")
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    os.environ["PATH"] = environment["PATH"]
    submitted = mlflow.projects.run(str(folder), parameters={"rate": 0.25}, env_manager="local", experiment_id=current["experiment"])
    assert submitted.wait()
    found = client.get_run(submitted.run_id)
    assert found.info.status == "FINISHED" and found.data.metrics == {"rate": 0.25} and found.data.params == {"rate": "0.25"}
    assert found.data.tags["mlflow.project.entryPoint"] == "main"


@scenario
def images_and_tables(folder):
    pixels = np.arange(300, dtype=np.uint8).reshape(10, 10, 3)
    with mlflow.start_run() as run:
        for step in range(2):
            mlflow.log_image(pixels, key="sample", step=step, synchronous=True)
        mlflow.log_table({"q": ["a", "b"], "n": [1, 2]}, "answers.json")
        mlflow.log_table({"q": ["c"], "n": [3]}, "answers.json")
    images = [item.path for item in client.list_artifacts(run.info.run_id, "images")]
    assert len([path for path in images if path.endswith(".png")]) == 2, images
    table = mlflow.load_table("answers.json", run_ids=[run.info.run_id])
    assert list(table["q"]) == ["a", "b", "c"] and list(table["n"]) == [1, 2, 3]


@scenario
def artifacts_of_some_size(folder):
    content = np.random.default_rng(3).integers(0, 256, 12_000_000, dtype=np.uint8).tobytes()
    (folder / "weights.bin").write_bytes(content)
    (folder / "empty").write_bytes(b"")
    awkward = "with space+plus & ümlaut.txt"
    (folder / awkward).write_text("awkward")
    with mlflow.start_run() as run:
        for name in ("weights.bin", "empty", awkward):
            mlflow.log_artifact(folder / name, "deep/folder")
    sizes = {item.path: item.file_size or 0 for item in client.list_artifacts(run.info.run_id, "deep/folder")}
    assert sizes == {f"deep/folder/{awkward}": 7, "deep/folder/empty": 0, "deep/folder/weights.bin": len(content)}, sizes
    down = Path(client.download_artifacts(run.info.run_id, "deep", str(folder)))
    assert (down / "folder" / "weights.bin").read_bytes() == content
    assert (down / "folder" / awkward).read_text() == "awkward" and (down / "folder" / "empty").read_bytes() == b""


@scenario
def artifacts_in_parts(folder):
    settings = {
        "MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD": "true",
        "MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE": str(5 * 1024**2),
        "MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE": str(5 * 1024**2),
    }
    content = np.random.default_rng(5).integers(0, 256, 12 * 1024**2 + 17, dtype=np.uint8).tobytes()
    (folder / "parts.bin").write_bytes(content)
    os.environ.update(settings)
    try:
        with mlflow.start_run() as run:
            mlflow.log_artifact(str(folder / "parts.bin"))
    finally:
        for name in settings:
            del os.environ[name]
    assert Path(client.download_artifacts(run.info.run_id, "parts.bin", str(folder / "."))).read_bytes() == content


@scenario
def webhooks(folder):
    from mlflow.entities.webhook import WebhookEvent, WebhookStatus

    hook = client.create_webhook("hook", "https://example.com/hook", [WebhookEvent("model_version", "created")], description="d", secret="s")
    assert client.get_webhook(hook.webhook_id).status == WebhookStatus.ACTIVE
    client.update_webhook(hook.webhook_id, name="renamed", status=WebhookStatus.DISABLED)
    assert [(one.name, one.status) for one in client.list_webhooks()] == [("renamed", WebhookStatus.DISABLED)]
    client.delete_webhook(hook.webhook_id)
    with refused("RESOURCE_DOES_NOT_EXIST"):
        client.get_webhook(hook.webhook_id)


@scenario
def an_address_with_a_slash_at_its_end(folder):
    import requests

    headers = {"Authorization": f"Bearer {given['token']}"} if given.get("token") else {}
    answer = requests.get(f"{given['address']}//api/2.0/mlflow/experiments/get?experiment_id={current['experiment']}", headers=headers, timeout=30)
    assert answer.json()["experiment"]["experiment_id"] == current["experiment"]


@scenario
def tracing_does_no_harm(folder):
    """Traces come later; code that makes them goes on."""

    @mlflow.trace
    def answer(question):
        return question.upper()

    with mlflow.start_run() as run:
        assert answer("why") == "WHY"
        mlflow.log_metric("m", 1)
    assert client.get_run(run.info.run_id).data.metrics == {"m": 1}


def main():
    results = {}
    for name, function in scenarios.items():
        if given.get("only") and name not in given["only"]:
            continue
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
            try:
                current["experiment"] = mlflow.set_experiment(name).experiment_id
                function(Path(folder))
                results[name] = None
            except Exception:
                results[name] = traceback.format_exc()
            finally:
                while mlflow.active_run():
                    mlflow.end_run()
    json.dump(results, sys.stdout)


main()
