"""What people do with the registry by MLflow's Python client, against the server that the input names.

Reads {"address", "token", "folder"}; writes {scenario: null, or the traceback of what went wrong}.
"""

import base64
import hashlib
import hmac
import http.server
import json
import os
import sys
import threading
import time
import traceback
import warnings
from pathlib import Path

given = json.load(sys.stdin)
os.environ.update(
    MLFLOW_TRACKING_URI=given["address"],
    MLFLOW_TRACKING_TOKEN=given["token"],
    MLFLOW_HTTP_REQUEST_MAX_RETRIES="1",
    MLFLOW_DISABLE_TELEMETRY="true",
    MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT="true",
    MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR="false",
    GIT_PYTHON_REFRESH="quiet",
)
warnings.filterwarnings("ignore")

import mlflow
import numpy as np
import onnx
from mlflow import MlflowClient
from mlflow.entities.webhook import WebhookEvent, WebhookStatus
from mlflow.exceptions import MlflowException
from onnx import TensorProto, helper
from sklearn.linear_model import LinearRegression

client = MlflowClient()
scenarios = {}
folder = Path(given["folder"])


def scenario(function):
    scenarios[function.__name__] = function
    return function


def refused(code, act, *words):
    try:
        act()
    except MlflowException as error:
        assert error.error_code == code, f"refused with {error.error_code}, not {code}: {error}"
        for word in words:
            assert word in str(error), str(error)
    else:
        raise AssertionError(f"was not refused with {code}")


def doubling_graph():
    """x [N, 2] float → y = 2x + 1."""
    graph = helper.make_graph(
        [helper.make_node("Mul", ["x", "two"], ["twice"]), helper.make_node("Add", ["twice", "one"], ["y"])],
        "doubling",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 2])],
        [helper.make_tensor("two", TensorProto.FLOAT, [], [2.0]), helper.make_tensor("one", TensorProto.FLOAT, [], [1.0])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    return model


@scenario
def a_logged_sklearn_model_is_a_version_that_stays_as_it_was(_):
    features = np.arange(12, dtype=float).reshape(6, 2)
    model = LinearRegression().fit(features, features.sum(axis=1))
    with mlflow.start_run() as run:
        mlflow.sklearn.log_model(model, name="model", registered_model_name="prices", input_example=features[:2])
    version = client.get_model_version("prices", "1")
    stands = (version.run_id, version.status, version.current_stage)
    assert stands == (run.info.run_id, "READY", "None"), stands
    client.set_registered_model_alias("prices", "blue", 1)
    for address in ("models:/prices/1", "models:/prices@blue", "models:/prices/latest"):
        loaded = mlflow.pyfunc.load_model(address)
        assert np.allclose(loaded.predict(features), features.sum(axis=1)), address
    location = client.get_model_version_download_uri("prices", "1")
    assert location.startswith("mlflow-artifacts:/"), location
    # The version keeps its files when the logged model goes.
    client.delete_logged_model(version.model_id or mlflow.search_logged_models(output_format="list")[0].model_id)
    assert np.allclose(mlflow.sklearn.load_model("models:/prices/1").predict(features), features.sum(axis=1))


@scenario
def a_logged_onnx_model_loads_as_both_flavours(_):
    values = np.array([[1.0, 2.0], [3.0, -4.0]], dtype=np.float32)
    with mlflow.start_run():
        mlflow.onnx.log_model(doubling_graph(), name="graph", registered_model_name="doubling")
    loaded = mlflow.pyfunc.load_model("models:/doubling/1")
    assert np.allclose(loaded.predict({"x": values})["y"], values * 2 + 1)
    assert mlflow.onnx.load_model("models:/doubling/1").graph.name == "doubling"
    (folder / "doubling.onnx").write_bytes(doubling_graph().SerializeToString())


@scenario
def models_are_created_renamed_tagged_and_deleted(_):
    made = client.create_registered_model("first name", tags={"team": "a"}, description="what it is")
    assert made.name == "first name" and made.tags == {"team": "a"} and made.description == "what it is"
    refused("RESOURCE_ALREADY_EXISTS", lambda: client.create_registered_model("first name"))
    refused("INVALID_PARAMETER_VALUE", lambda: client.create_registered_model("a/b"), "Names cannot contain '/' or ':'")
    client.create_model_version("first name", "s3://bucket/model", tags={"x": "y"})
    client.set_registered_model_alias("first name", "blue", "1")
    client.rename_registered_model("first name", "größer @ 100% ?")
    renamed = client.get_registered_model("größer @ 100% ?")
    assert renamed.aliases == {"blue": "1"} and renamed.latest_versions[0].tags == {"x": "y"}
    refused("RESOURCE_DOES_NOT_EXIST", lambda: client.get_registered_model("first name"), "Registered Model with name=first name not found")
    client.update_registered_model("größer @ 100% ?", description="new")
    client.set_registered_model_tag("größer @ 100% ?", "n", "1")
    client.delete_registered_model_tag("größer @ 100% ?", "team")
    found = client.search_registered_models("name ILIKE 'GR%'")
    assert [(model.description, model.tags) for model in found] == [("new", {"n": "1"})], found
    client.delete_registered_model("größer @ 100% ?")
    assert client.search_registered_models("name LIKE 'gr%'") == []


@scenario
def versions_move_through_stages_are_copied_and_deleted(_):
    client.create_registered_model("staged")
    for number in ("1", "2", "3"):
        client.create_model_version("staged", f"s3://bucket/{number}", run_link="https://example.org/run")
    client.transition_model_version_stage("staged", "1", "Production")
    client.transition_model_version_stage("staged", "2", "Production", archive_existing_versions=True)
    latest = {version.current_stage: version.version for version in client.get_latest_versions("staged")}
    assert latest == {"Archived": "1", "Production": "2", "None": "3"}, latest
    refused("INVALID_PARAMETER_VALUE", lambda: client.transition_model_version_stage("staged", "1", "Nowhere"))
    client.update_model_version("staged", "3", "the third")
    client.set_model_version_tag("staged", "3", "k", "v")
    client.delete_model_version_tag("staged", "3", "k")
    copy = client.copy_model_version("models:/staged/3", "copied")
    assert copy.source == "models:/staged/3" and copy.version == "1"
    assert client.get_model_version_download_uri("copied", "1") == "s3://bucket/3"
    client.set_registered_model_alias("staged", "newest", "3")
    assert client.get_model_version_by_alias("staged", "newest").description == "the third"
    client.delete_model_version("staged", "3")
    refused("INVALID_PARAMETER_VALUE", lambda: client.get_model_version_by_alias("staged", "newest"), "not found")
    refused("RESOURCE_DOES_NOT_EXIST", lambda: client.get_model_version("staged", "3"), "Model Version (name=staged, version=3) not found")
    assert client.create_model_version("staged", "s3://bucket/4").version == "4"
    refused("INVALID_PARAMETER_VALUE", lambda: client.get_model_version("staged", "x"), "must be an integer")
    refused("INVALID_PARAMETER_VALUE", lambda: client.set_registered_model_alias("staged", "latest", "4"), "reserved")


@scenario
def sources_that_lead_to_local_files_are_refused(_):
    client.create_registered_model("sources")
    refusals = [
        "/etc/passwd",
        "file:///etc/passwd",
        "FILE:/etc/passwd",
        "C:\\secrets",
        "relative/path",
        "mlflow-artifacts:/a/../../b",
        "mlflow-artifacts:/a/%2e%2e/b",
        "mlflow-artifacts:/a/%252e%252e/b",
        "mlflow-artifacts:/a/..%2fb",
        "mlflow-artifacts:/a/..%5cb",
        "https://host/a/%2e%2e%2fb",
        "s3://bucket/a%00",
        "runs:/../model",
    ]
    for source in refusals:
        refused("INVALID_PARAMETER_VALUE", lambda: client.create_model_version("sources", source), "Invalid model version source")
    assert client.search_model_versions("name = 'sources'") == []


@scenario
def searches_page_and_order_as_mlflow_does(_):
    for number in range(7):
        client.create_registered_model(f"page {number}", tags={"group": "odd" if number % 2 else "even"})
        client.create_model_version(f"page {number}", f"s3://bucket/{number}")
    names, token = [], None
    while True:
        page = client.search_registered_models("name LIKE 'page %'", max_results=3, order_by=["name DESC"], page_token=token)
        names += [model.name for model in page]
        token = page.token
        if not token:
            break
    assert names == [f"page {number}" for number in reversed(range(7))], names
    odd = client.search_registered_models("tags.`group` = 'odd' AND name LIKE 'page %'")
    assert [model.name for model in odd] == ["page 1", "page 3", "page 5"]
    newest = client.search_model_versions("name LIKE 'page %'", max_results=2)
    assert [version.name for version in newest] == ["page 6", "page 5"]


@scenario
def webhooks_are_told_and_sign_what_they_say(_):
    heard = []

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            heard.append((dict(self.headers), body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    events = [WebhookEvent.from_str("registered_model.created"), WebhookEvent.from_str("model_version_alias.created")]
    address = f"http://127.0.0.1:{server.server_port}/hook"
    webhook = client.create_webhook("ci", address, events, secret="s3cret")
    assert webhook.secret is None and webhook.events == events
    result = client.test_webhook(webhook.webhook_id)
    assert result.success and result.response_status == 200, result.error_message
    client.create_registered_model("told", description="d")
    client.create_model_version("told", "s3://bucket/told")
    client.set_registered_model_alias("told", "blue", "1")
    deadline = time.time() + 30
    while len(heard) < 3 and time.time() < deadline:
        time.sleep(0.05)
    said = {json.loads(body)["entity"]: json.loads(body)["data"] for _, body in heard[1:]}
    assert said == {
        "registered_model": {"name": "told", "tags": {}, "description": "d"},
        "model_version_alias": {"name": "told", "alias": "blue", "version": "1"},
    }, said
    for headers, body in heard:
        headers = {name.lower(): value for name, value in headers.items()}
        signed = f"{headers['x-mlflow-delivery-id']}.{headers['x-mlflow-timestamp']}.{body}"
        wanted = base64.b64encode(hmac.new(b"s3cret", signed.encode(), hashlib.sha256).digest()).decode()
        assert headers["x-mlflow-signature"] == f"v1,{wanted}"
    client.update_webhook(webhook.webhook_id, status=WebhookStatus.DISABLED)
    assert client.get_webhook(webhook.webhook_id).status == WebhookStatus.DISABLED
    client.delete_webhook(webhook.webhook_id)
    refused("RESOURCE_DOES_NOT_EXIST", lambda: client.get_webhook(webhook.webhook_id))
    private = client.create_webhook("metadata", "http://169.254.169.254/latest", events)
    outcome = client.test_webhook(private.webhook_id)
    assert not outcome.success and "GYRE_WEBHOOK_HOSTS" in outcome.error_message, outcome.error_message


outcomes = {}
for name, play in scenarios.items():
    try:
        mlflow.set_experiment(name)
        play(None)
        outcomes[name] = None
    except BaseException:
        outcomes[name] = traceback.format_exc()
json.dump(outcomes, sys.stdout)
