"""Networks of PyTorch or Keras as people leave them, fitted to scikit-learn's own real data (digits, breast cancer).

Reads {"act": "modules" | "torch" | "keras", "folder"}. modules: writes which of torch and keras there are. The others write models into the
folder, `digits.npy` with pictures to compare on, and `reference.json` with rows; they write {"accuracy"} of the networks on what they were
fitted to, so that nobody converts one that says nothing.
"""

import importlib.util
import json
import os
import sys
import warnings
from pathlib import Path

given = json.load(sys.stdin)
warnings.filterwarnings("ignore")
os.environ.update(MLFLOW_DISABLE_TELEMETRY="true", TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")

import numpy as np

NET = '''
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.last = nn.Linear(8 * 16, 10)

    def forward(self, image):
        hidden = torch.relu(self.norm(self.first(image)))
        return self.last(nn.functional.max_pool2d(hidden, 2).flatten(1))
'''


def data(folder, channels_last):
    from sklearn.datasets import load_breast_cancer, load_digits

    digits, cancer = load_digits(), load_breast_cancer()
    pictures = (digits.images / 16).astype("float32")
    pictures = pictures[..., None] if channels_last else pictures[:, None]
    np.save(folder / "digits.npy", pictures[:20])
    columns = [name.replace(" ", "_") for name in cancer.feature_names]
    table = ((cancer.data - cancer.data.mean(axis=0)) / cancer.data.std(axis=0)).astype("float32")
    rows = [dict(zip(columns, map(float, row))) for row in table[:40]]
    (folder / "reference.json").write_text(json.dumps(rows))
    return pictures, digits.target, table, cancer.target, columns


def torch_models(folder):
    import mlflow.pytorch
    import pandas as pd
    import torch
    from mlflow.models import infer_signature
    from torch import nn

    torch.manual_seed(1)
    torch.set_num_threads(1)
    pictures, digits, table, sick, columns = data(folder, False)

    def fit(net, values, labels, rounds):
        values, labels = torch.from_numpy(values), torch.from_numpy(labels.astype("int64"))
        steps = torch.optim.Adam(net.parameters(), 1e-2)
        for _ in range(rounds):
            steps.zero_grad()
            nn.functional.cross_entropy(net(values), labels).backward()
            steps.step()
        net.eval()
        return float((net(values).argmax(1) == labels).float().mean())

    layers = nn.Sequential(nn.Linear(len(columns), 16), nn.ReLU(), nn.Linear(16, 2))
    accuracy = {"columns": fit(layers, table, sick, 60)}
    frame = pd.DataFrame(table, columns=columns)
    answer = layers(torch.from_numpy(table[:5])).detach().numpy()
    signature = infer_signature(frame, answer)
    mlflow.pytorch.save_model(layers, folder / "columns", signature=signature, serialization_format="pickle", pip_requirements=["torch"])
    (folder / "pictures.py").write_text(NET)
    sys.path.insert(0, str(folder))
    from pictures import Net

    net = Net()
    accuracy["pictures"] = fit(net, pictures, digits, 40)
    some = torch.from_numpy(pictures[:2])
    free = ({0: torch.export.Dim("rows", min=1, max=4096)},)
    torch.export.save(torch.export.export(net, (some,), dynamic_shapes=free), folder / "program.pt2")
    torch.export.save(torch.export.export(net, (some,)), folder / "fixed.pt2")
    torch.jit.trace(net, some).save(folder / "script.pt")
    torch.save(net.state_dict(), folder / "state.pt")
    signature = infer_signature(pictures[:2], net(some).detach().numpy())
    # What MLflow does unless it is told otherwise: a program of torch.export.
    mlflow.pytorch.save_model(net, folder / "logged", signature=signature, input_example=pictures[:2], pip_requirements=["torch"])
    return accuracy


def keras_models(folder):
    import keras
    import mlflow.tensorflow
    from mlflow.models import infer_signature

    keras.utils.set_random_seed(1)
    pictures, digits, table, sick, columns = data(folder, True)
    layers = keras.Sequential([keras.Input((len(columns),), name="row"), keras.layers.Dense(16, "relu"), keras.layers.Dense(1, "sigmoid")])
    layers.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    fitted = layers.fit(table, sick, epochs=8, batch_size=32, verbose=0)
    accuracy = {"columns": fitted.history["accuracy"][-1]}
    signature = infer_signature(table[:5], layers(table[:5]).numpy())
    mlflow.tensorflow.save_model(layers, folder / "logged", signature=signature, pip_requirements=["tensorflow"])
    image = keras.Input((8, 8, 1), name="image")
    hidden = keras.layers.BatchNormalization()(keras.layers.Conv2D(8, 3, padding="same", activation="relu")(image))
    classes = keras.layers.Dense(10, "softmax")(keras.layers.Flatten()(keras.layers.MaxPooling2D()(hidden)))
    net = keras.Model(image, classes)
    net.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    accuracy["pictures"] = net.fit(pictures, digits, epochs=8, batch_size=64, verbose=0).history["accuracy"][-1]
    net.save(folder / "net.keras")
    net.export(folder / "saved", verbose=False)
    return accuracy


if given["act"] == "modules":
    said = {name: importlib.util.find_spec(name) is not None for name in ("torch", "onnxscript", "keras", "tensorflow", "tf2onnx")}
else:
    output = os.dup(1)
    os.dup2(2, 1)
    said = {"accuracy": {"torch": torch_models, "keras": keras_models}[given["act"]](Path(given["folder"]))}
    sys.stdout.flush()
    os.dup2(output, 1)
json.dump(said, sys.stdout)
