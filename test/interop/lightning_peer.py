"""Trains with PyTorch Lightning under MLflow's autolog, and loads what was logged."""

import json
import logging
import os
import sys
import warnings

os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"
warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)

import lightning  # noqa: E402
import mlflow  # noqa: E402
import torch  # noqa: E402

given = json.load(sys.stdin)
torch.manual_seed(0)
torch.set_num_threads(1)
mlflow.set_tracking_uri(given["address"])
mlflow.set_experiment("lightning")


class Line(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.line = torch.nn.Linear(2, 1)

    def forward(self, x):
        return self.line(x)

    def training_step(self, batch, _):
        x, y = batch
        return torch.nn.functional.mse_loss(self(x), y)

    def validation_step(self, batch, _):
        x, y = batch
        self.log("val_loss", torch.nn.functional.mse_loss(self(x), y))

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.05)


x = torch.randn(256, 2)
rows = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, x @ torch.tensor([[1.0], [2.0]])), batch_size=32)
mlflow.pytorch.autolog(log_models=True, checkpoint=False)
with mlflow.start_run() as active:
    options = {"enable_progress_bar": False, "enable_checkpointing": False, "logger": False, "accelerator": "cpu"}
    lightning.Trainer(max_epochs=5, **options).fit(Line(), rows, rows)

client = mlflow.MlflowClient()
run = client.get_run(active.info.run_id)
history = client.get_metric_history(active.info.run_id, "val_loss")
loaded = mlflow.pytorch.load_model(f"models:/{run.outputs.model_outputs[0].model_id}")
json.dump(
    {
        "status": run.info.status,
        "lr": run.data.params["lr"],
        "steps": [point.step for point in history],
        "falls": all(later.value < earlier.value for earlier, later in zip(history, history[1:])),
        "files": [file.path for file in client.list_artifacts(active.info.run_id)],
        "answer": loaded(torch.tensor([[1.0, 1.0]])).item(),
    },
    sys.stdout,
)
