"""Trains by the real MLflow client: logs as a training does, and says when a step is done."""

import json
import logging
import os
import sys
import time

os.environ["MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR"] = "1"
os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"
logging.disable(logging.WARNING)

import mlflow  # noqa: E402

given = json.load(sys.stdin)
mlflow.set_tracking_uri(given["address"])
mlflow.set_experiment(given["experiment"])
runs = []
for number in range(given["runs"]):
    with mlflow.start_run(run_name=f"run {number}") as run:
        runs.append(run.info.run_id)
        mlflow.log_params({"number": number, "kind": "relayed"})
        for step in range(given["steps"]):
            mlflow.log_metrics({"loss": 1 / (step + 1), "step": step}, step=step)
            if step % 10 == 0:
                with open(given["progress"], "w") as progress:
                    progress.write(f"{number} {step}")
            time.sleep(given["pause"])
        mlflow.set_tag("ended", "yes")
print(json.dumps({"runs": runs}))
