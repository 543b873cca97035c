"""The real MLflow client stores and reads artifacts on a server: what it sees is written to the output."""

import hashlib
import json
import os
import pathlib
import sys

task = json.load(sys.stdin)
folder = pathlib.Path(task["folder"])
os.environ["MLFLOW_TRACKING_URI"] = task["server"]
os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"
os.environ.update(task.get("environment", {}))

from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository  # noqa: E402


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def walk(repository, path=None):
    for info in repository.list_artifacts(path):
        yield [info.path, info.is_dir, info.file_size]
        if info.is_dir:
            yield from walk(repository, info.path)


def files_below(root):
    root = pathlib.Path(root)
    return {str(path.relative_to(root)): digest(path) for path in sorted(root.rglob("*")) if path.is_file()}


def tree():
    source = folder / "source"
    names = ["model/MLmodel", "model/weights ½ größe.bin", "plots/deep/er/a+b (1).txt", "empty", "report.html"]
    for name in names:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(b"" if name == "empty" else name.encode() * 1000)
    repository = get_artifact_repository(f"mlflow-artifacts:/{task['root']}")
    repository.log_artifacts(str(source))
    repository.log_artifact(str(source / "report.html"), "again")
    listed = sorted(walk(repository))
    for name in ["down", "one"]:
        (folder / name).mkdir()
    down = repository.download_artifacts("", dst_path=str(folder / "down"))
    one = repository.download_artifacts("plots/deep/er/a+b (1).txt", dst_path=str(folder / "one"))
    repository.delete_artifacts("plots/deep")
    repository.delete_artifacts("empty")
    return {
        "listed": listed,
        "logged": files_below(source),
        "downloaded": files_below(down),
        "one": digest(one),
        "left": sorted(path for path, is_dir, _ in walk(repository) if not is_dir),
    }


def large():
    size = task["size"]
    source = folder / "large.bin"
    block = os.urandom(1 << 20)
    with open(source, "wb") as file:
        for at in range(size >> 20):
            file.write(at.to_bytes(8, "big") + block[8:])
    repository = get_artifact_repository(f"mlflow-artifacts:/{task['root']}")
    repository.log_artifact(str(source), "large")
    (folder / "down").mkdir()
    down = repository.download_artifacts("large/large.bin", dst_path=str(folder / "down"))
    return {"logged": digest(source), "downloaded": digest(down), "size": os.path.getsize(down), "inParts": repository._should_multipart_upload(str(source))}


def command_line():
    # In this process: a start of the command line takes fifteen seconds.
    from click.testing import CliRunner
    from mlflow.cli import cli

    def mlflow(*words):
        done = CliRunner().invoke(cli, ["artifacts", *words])
        assert done.exit_code == 0, f"{words}: {done.output} {done.exception!r}"
        return done.stdout

    (folder / "cli.txt").write_text("by the command line")
    (folder / "cli").mkdir()
    (folder / "cli" / "b.txt").write_text("of a folder")
    run = ["--run-id", task["run"]]
    mlflow("log-artifact", "--local-file", str(folder / "cli.txt"), *run)
    mlflow("log-artifacts", "--local-dir", str(folder / "cli"), "--artifact-path", "folder", *run)
    listed = json.loads(mlflow("list", *run))
    down = mlflow("download", *run, "--dst-path", str(folder)).strip().splitlines()[-1]
    return {"listed": listed, "downloaded": sorted(files_below(down))}


def fluent():
    import mlflow
    from PIL import Image

    mlflow.set_experiment("artifacts")
    with mlflow.start_run() as run:
        mlflow.log_text("some text", "texts/a.txt")
        mlflow.log_dict({"a": [1, 2]}, "dicts/a.json")
        mlflow.log_dict({"a": [1, 2]}, "dicts/a.yaml")
        mlflow.log_image(Image.new("RGB", (4, 4), (255, 0, 0)), "images/red.png")
        mlflow.log_image(Image.new("RGB", (4, 4)), key="dog", step=3, timestamp=100, synchronous=True)
        mlflow.log_table({"q": ["a", "b"], "n": [1, 2]}, "tables/t.json")
        mlflow.log_table({"q": ["c"], "n": [3]}, "tables/t.json")
        import matplotlib

        matplotlib.use("Agg")
        import matplotlib.pyplot as plt

        figure, axes = plt.subplots()
        axes.plot([1, 2, 3])
        mlflow.log_figure(figure, "plots/line.png")
        root = mlflow.get_artifact_uri()
    client = mlflow.MlflowClient()
    run_id = run.info.run_id
    return {
        "run": run_id,
        "experiment": run.info.experiment_id,
        "root": root,
        "listed": sorted(info.path for info in client.list_artifacts(run_id)),
        "text": mlflow.artifacts.load_text(f"{root}/texts/a.txt"),
        "dict": mlflow.artifacts.load_dict(f"{root}/dicts/a.json"),
        "red": mlflow.artifacts.load_image(f"{root}/images/red.png").getpixel((0, 0)),
        "dog": len(client.list_artifacts(run_id, "images")),
        "table": mlflow.load_table("tables/t.json", run_ids=[run_id])["n"].tolist(),
        "figure": pathlib.Path(mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path="plots/line.png")).read_bytes()[1:4].decode(),
        "byRunsUri": sorted(files_below(mlflow.artifacts.download_artifacts(f"runs:/{run_id}/dicts"))),
    }


json.dump({"tree": tree, "large": large, "command_line": command_line, "fluent": fluent}[task["do"]](), sys.stdout)
