"""Leaves records behind by the tools themselves: MLflow into files or a database, and an event file of TensorBoard."""

import json
import logging
import os
import sys
import warnings

os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"
logging.disable(logging.WARNING)
warnings.simplefilter("ignore")

given = json.load(sys.stdin)
os.chdir(given["folder"])


def mlflow_records():
    import mlflow
    import pandas
    from mlflow import MlflowClient

    mlflow.set_tracking_uri(given["tracking"])
    client = MlflowClient()
    experiment = mlflow.create_experiment("brought/along", artifact_location=given["artifacts"], tags={"team": "risk"})
    mlflow.set_experiment(experiment_id=experiment)
    with mlflow.start_run(run_name="first") as run:
        mlflow.log_params({"depth": 3, "größe": "viel"})
        for step in range(50):
            mlflow.log_metric("loss/train", 1 / (step + 1), step=step)
        mlflow.log_metric("nan", float("nan"))
        mlflow.log_metric("inf", float("-inf"))
        mlflow.log_text("a curve", "plots/roc.txt")
        dataset = mlflow.data.from_pandas(pandas.DataFrame({"a": [1, 2]}), name="customers", source="http://x.test/c.csv")
        mlflow.log_input(dataset, context="training")
    with mlflow.start_run(run_name="gone") as gone:
        pass
    client.delete_run(gone.info.run_id)
    return {"experiment": experiment, "run": run.info.run_id, "gone": gone.info.run_id}


def read_files():
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=given["tracking"], registry_uri=given["tracking"])
    run = client.get_run(given["run"])
    gone = client.get_run(given["gone"])
    [dataset] = run.inputs.dataset_inputs
    local = client.download_artifacts(given["run"], "plots/roc.txt", given["folder"])
    with open(local) as file:
        text = file.read()
    return {
        "name": run.info.run_name,
        "status": run.info.status,
        "params": run.data.params,
        "metrics": {key: repr(value) for key, value in run.data.metrics.items()},
        "steps": [point.step for point in client.get_metric_history(given["run"], "loss/train")],
        "experiment": client.get_experiment(run.info.experiment_id).name,
        "tags": client.get_experiment(run.info.experiment_id).tags,
        "gone": gone.info.lifecycle_stage,
        "dataset": [dataset.dataset.name, {tag.key: tag.value for tag in dataset.tags}],
        "file": text,
    }


def board():
    from tensorboardX import SummaryWriter

    writer = SummaryWriter("board/one")
    for step in range(50):
        writer.add_scalar("loss", 1 / (step + 1), step)
    writer.add_text("note", "a **note**")
    writer.close()
    writer = SummaryWriter("board/two")
    writer.add_hparams({"lr": 0.5, "optimizer": "adam", "nesterov": True}, {"accuracy": 0.75}, name="trial")
    writer.close()
    return {}


works = {"board": board, "mlflow": mlflow_records, "read": read_files}
print(json.dumps(works[given["what"]]()))
