"""MLflow's side of bench/tracking: rows straight into its tables, and what its own client takes for a call.

Reads one JSON value: {"fill": database address, "experiment", "runs", "metrics"} or {"points": address, "run", "key", "count"} or
{"client": [{"address", "token", "experiment"}], "rounds"}; writes one.
"""

import json
import os
import statistics
import sys
import time
import uuid


def value_of(run, metric):
    """The same numbers as bench/tracking/data.ts makes."""
    return ((run * 7919 + metric * 104729) % 1000003) / 1000003


def fill(address, experiment, runs, metrics):
    from mlflow.store.tracking.dbmodels import models
    from sqlalchemy import create_engine

    chunk = 5000
    with create_engine(address).begin() as connection:
        for start in range(0, runs, chunk):
            rows = {models.SqlRun: [], models.SqlMetric: [], models.SqlLatestMetric: [], models.SqlParam: [], models.SqlTag: []}
            for run in range(start, min(runs, start + chunk)):
                run_id = uuid.uuid4().hex
                began = 1_700_000_000_000 + run * 1000
                rows[models.SqlRun].append(
                    {
                        "run_uuid": run_id,
                        "name": f"run-{run}",
                        "source_type": "UNKNOWN",
                        "source_name": "",
                        "entry_point_name": "",
                        "user_id": "bench",
                        "status": "RUNNING",
                        "start_time": began,
                        "source_version": "",
                        "lifecycle_stage": "active",
                        "artifact_uri": f"mlflow-artifacts:/{experiment}/{run_id}/artifacts",
                        "experiment_id": int(experiment),
                    }
                )
                for metric in range(metrics):
                    row = {
                        "key": f"m{metric}",
                        "value": value_of(run, metric),
                        "timestamp": began,
                        "run_uuid": run_id,
                        "step": 0,
                        "is_nan": False,
                    }
                    rows[models.SqlMetric].append(row)
                    rows[models.SqlLatestMetric].append(row)
                rows[models.SqlParam].extend({"key": f"p{index}", "value": str(run % (index + 7)), "run_uuid": run_id} for index in range(5))
                tags = {"mlflow.runName": f"run-{run}", "mlflow.user": "bench", "block": str(run % 10)}
                rows[models.SqlTag].extend({"key": key, "value": value, "run_uuid": run_id} for key, value in tags.items())
            for model, values in rows.items():
                connection.execute(model.__table__.insert(), values)
    return {"runs": runs}


def points(address, run, key, count):
    from mlflow.store.tracking.dbmodels.models import SqlLatestMetric, SqlMetric
    from sqlalchemy import create_engine

    rows = [
        {"key": key, "value": value_of(step, 0), "timestamp": 1_700_000_000_000 + step, "run_uuid": run, "step": step, "is_nan": False}
        for step in range(count)
    ]
    with create_engine(address).begin() as connection:
        connection.execute(SqlMetric.__table__.insert(), rows)
        connection.execute(SqlLatestMetric.__table__.insert(), rows[-1:])
    return {"points": count}


def client(servers, rounds):
    """Milliseconds for creating a run and logging one metric, by turns."""
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    from mlflow import MlflowClient

    times = [[] for _ in servers]
    clients = [MlflowClient(server["address"]) for server in servers]
    for turn in range(rounds + 5):
        for index, server in enumerate(servers):
            os.environ["MLFLOW_TRACKING_TOKEN"] = server["token"]
            started = time.perf_counter()
            run = clients[index].create_run(server["experiment"])
            clients[index].log_metric(run.info.run_id, "loss", 0.5)
            if turn >= 5:
                times[index].append((time.perf_counter() - started) * 1000)
    return {"p50Ms": [statistics.median(one) for one in times]}


asked = json.load(sys.stdin)
if "fill" in asked:
    answer = fill(asked["fill"], asked["experiment"], asked["runs"], asked["metrics"])
elif "points" in asked:
    answer = points(asked["points"], asked["run"], asked["key"], asked["count"])
else:
    answer = client(asked["client"], asked["rounds"])
json.dump(answer, sys.stdout)
