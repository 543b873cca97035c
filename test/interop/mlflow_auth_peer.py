"""Users, passwords, tokens and permissions, as MLflow's own clients use them: what each of two people may do, and what they find."""

import json
import os
import sys
import warnings

warnings.filterwarnings("ignore")
os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"
os.environ["MLFLOW_ENABLE_ASYNC_LOGGING"] = "false"

import mlflow  # noqa: E402
from mlflow import MlflowClient  # noqa: E402
from mlflow.exceptions import MlflowException  # noqa: E402
from mlflow.server.auth.client import AuthServiceClient  # noqa: E402

given = json.load(sys.stdin)
uri = given["address"]
token = given["token"]
password = "correct horse battery"
mlflow.set_tracking_uri(uri)
mlflow.set_registry_uri(uri)


def become(username=None, secret=None, bearer=None):
    for name, value in {
        "MLFLOW_TRACKING_USERNAME": username,
        "MLFLOW_TRACKING_PASSWORD": secret,
        "MLFLOW_TRACKING_TOKEN": bearer,
    }.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value


def tried(action):
    """What came of it: the error's code, or "done"."""
    try:
        action()
        return "done"
    except MlflowException as error:
        return error.error_code


client = MlflowClient()
auth = AuthServiceClient(uri)
said = {}

# An admin makes two people.
become(bearer=token)
user = auth.create_user("ada", password)
auth.create_user("bea", password)
said["made"] = [user.username, user.is_admin, auth.get_user("ada").id == user.id]
said["again"] = tried(lambda: auth.create_user("ada", password))
said["short"] = tried(lambda: auth.create_user("cy", "short"))
said["unknown"] = tried(lambda: auth.get_user("nobody"))
auth.update_user_admin("bea", True)
said["promoted"] = auth.get_user("bea").is_admin
auth.update_user_admin("bea", False)

# Who may come in, and how.
become("ada", password)
said["by password"] = tried(lambda: client.search_experiments())
become("whoever", token)
said["token as password"] = tried(lambda: client.search_experiments())
become("ada", "wrong horse battery")
said["wrong password"] = tried(lambda: client.search_experiments())
become(bearer="gyre_" + "A" * 43)
said["wrong token"] = tried(lambda: client.search_experiments())
become()
said["nobody"] = tried(lambda: client.search_experiments())

# What is ada's, and what bea may of it.
become("ada", password)
experiment = client.create_experiment("private")
run = client.create_run(experiment).info.run_id
client.log_metric(run, "loss", 0.5)
client.create_registered_model("fraud")
for at in range(6):
    client.create_experiment(f"open-{at}")

become("bea", password)
said["open to roles"] = [tried(lambda: client.get_run(run)), tried(lambda: client.log_metric(run, "loss", 0.4))]
said["may not grant"] = tried(lambda: auth.grant_user_permission("bea", "experiment", experiment, "MANAGE"))

become("ada", password)
auth.grant_user_permission("bea", "experiment", experiment, "DENY")
auth.grant_user_permission("bea", "registered_model", "fraud", "DENY")
said["granted twice"] = tried(lambda: auth.grant_user_permission("bea", "experiment", experiment, "READ"))
said["own"] = auth.get_user_permission("ada", "experiment", experiment).permission
become(bearer=token)
said["bea’s"] = auth.get_user_permission("bea", "experiment", experiment).permission

become("bea", password)
said["denied"] = {
    "get experiment": tried(lambda: client.get_experiment(experiment)),
    "get by name": tried(lambda: client.get_experiment_by_name("private")),
    "get run": tried(lambda: client.get_run(run)),
    "unknown run": tried(lambda: client.get_run("0" * 32)),
    "log metric": tried(lambda: client.log_metric(run, "loss", 0.3)),
    "log batch": tried(lambda: client.log_batch(run, tags=[mlflow.entities.RunTag("a", "b")])),
    "set tag": tried(lambda: client.set_tag(run, "a", "b")),
    "history": tried(lambda: client.get_metric_history(run, "loss")),
    "create run": tried(lambda: client.create_run(experiment)),
    "delete run": tried(lambda: client.delete_run(run)),
    "delete experiment": tried(lambda: client.delete_experiment(experiment)),
    "rename experiment": tried(lambda: client.rename_experiment(experiment, "mine")),
    "list artifacts": tried(lambda: client.list_artifacts(run)),
    "get model": tried(lambda: client.get_registered_model("fraud")),
    "update model": tried(lambda: client.update_registered_model("fraud", "mine")),
    "delete model": tried(lambda: client.delete_registered_model("fraud")),
    "new version": tried(lambda: client.create_model_version("fraud", f"runs:/{run}/model", run)),
}
pages, page_token = [], None
while True:
    page = client.search_experiments(max_results=3, order_by=["name ASC"], page_token=page_token)
    pages.append([found.name for found in page])
    page_token = page.token
    if not page_token:
        break
said["experiments"] = pages
said["runs"] = len(client.search_runs([experiment]))
said["models"] = [found.name for found in client.search_registered_models()]
said["versions"] = len(client.search_model_versions("name='fraud'"))

# Back to what roles say.
become("ada", password)
auth.revoke_user_permission("bea", "experiment", experiment)
become("bea", password)
said["revoked"] = tried(lambda: client.get_run(run))

# Roles: permissions that are given to people together.
become(bearer=token)
role = auth.create_role("default", "risk", "who scores")
granted = auth.add_role_permission(role.id, "experiment", experiment, "READ")
auth.add_role_permission(role.id, "registered_model", "*", "READ")
said["role"] = [role.name, role.workspace, role.description, [found.name for found in auth.list_roles("default")]]
said["role twice"] = tried(lambda: auth.create_role("default", "risk"))
said["role permission twice"] = tried(lambda: auth.add_role_permission(role.id, "experiment", experiment, "EDIT"))
said["unknown role"] = tried(lambda: auth.get_role(4711))
assigned = auth.assign_role("bea", role.id)
said["assigned"] = [assigned.user_id == auth.get_user("bea").id, assigned.role_id == role.id]
said["assigned twice"] = tried(lambda: auth.assign_role("bea", role.id))
auth.update_role_permission(granted.id, "DENY")
become("bea", password)
said["denied by role"] = tried(lambda: client.get_run(run))
said["own roles"] = [found.name for found in auth.list_user_roles("bea")]
said["may not make roles"] = tried(lambda: auth.create_role("default", "mine"))
become("ada", password)
said["roles of others"] = [tried(lambda: auth.list_user_roles("bea")), tried(lambda: auth.list_all_roles())]
become(bearer=token)
said["role's permissions"] = [[found.resource_type, found.resource_pattern, found.permission] for found in auth.list_role_permissions(role.id)]
said["role's users"] = [found.user_id == assigned.user_id for found in auth.list_role_users(role.id)]
said["renamed role"] = [auth.update_role(role.id, name="scoring").name, len(auth.get_role(role.id).permissions)]
auth.remove_role_permission(granted.id)
become("bea", password)
said["allowed again"] = tried(lambda: client.get_run(run))
become(bearer=token)
auth.unassign_role("bea", role.id)
said["no roles"] = auth.list_user_roles("bea")
auth.delete_role(role.id)
said["all roles"] = auth.list_all_roles()

# Passwords and leaving.
become("bea", password)
said["own password"] = [
    tried(lambda: auth.update_user_password("bea", "another horse battery")),
    tried(lambda: auth.update_user_password("bea", "another horse battery", current_password=password)),
]
said["old password"] = tried(lambda: client.search_experiments())
become("bea", "another horse battery")
said["new password"] = tried(lambda: client.search_experiments())
said["others’ user"] = tried(lambda: auth.get_user("ada"))
said["may not delete"] = tried(lambda: auth.delete_user("ada"))
become(bearer=token)
auth.delete_user("bea")
said["gone"] = tried(lambda: auth.get_user("bea"))
become("bea", "another horse battery")
said["locked out"] = tried(lambda: client.search_experiments())

json.dump(said, sys.stdout)
