"""Leaves records behind by the tools themselves: MLflow into files or a database, event files of TensorBoard, runs of wandb and DVCLive."""

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


def wandb_runs():
    os.environ.update({"WANDB_MODE": "offline", "WANDB_SILENT": "true", "WANDB_DATA_DIR": given["folder"] + "/wandb-data"})
    import numpy
    import wandb

    config = {"lr": 0.1, "nested": {"depth": 3, "widths": [1, 2]}, "größe": "viel", "none": None}
    run = wandb.init(project="churn", name="first", group="trees", job_type="train", tags=["a", "b"], notes="some notes", config=config)
    for step in range(50):
        run.log({"loss/train": 1 / (step + 1), "nan": float("nan"), "inf": float("-inf"), "ok": True, "deep": {"a": step}})
    run.log({"picture": wandb.Image(numpy.zeros((4, 4, 3), dtype=numpy.uint8)), "said": "hello"})
    run.config["late"] = 5
    run.summary["best"] = 0.25
    with open("note.txt", "w") as file:
        file.write("a note")
    run.save("note.txt")
    artifact = wandb.Artifact("data", "dataset")
    artifact.add_file("note.txt")
    run.log_artifact(artifact)
    run.finish()
    failed = wandb.init(project="churn", name="second", config={"lr": 0.2})
    failed.log({"loss/train": 1.5}, step=10)
    failed.finish(exit_code=1)
    return {}


def dvclive_run():
    import numpy
    from dvclive import Live

    with Live("dvclive", save_dvc_exp=False, dvcyaml=None, report=None) as live:
        live.log_params({"lr": 0.1, "nested": {"depth": 3}, "layers": [1, 2]})
        for step in range(50):
            live.log_metric("train/loss", 1 / (step + 1), timestamp=True)
            live.log_metric("acc", step / 50)
            live.next_step()
        live.log_metric("last", float("nan"), plot=False)
        live.log_image("zeros.png", numpy.zeros((4, 4, 3), dtype=numpy.uint8))
        live.log_sklearn_plot("confusion_matrix", [0, 1, 1], [0, 1, 0])
        live.summary["best"] = 0.25
    return {}


works = {"board": board, "dvclive": dvclive_run, "wandb": wandb_runs, "mlflow": mlflow_records, "read": read_files}
print(json.dumps(works[given["what"]]()))
