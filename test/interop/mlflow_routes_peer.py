"""Every route that the installed MLflow knows: its protobuf services, and what its server answers beside them.

Writes [[method, path, name, since], …], sorted by path: `since` is the protocol version that brought the route. A path under /api/
stands for its twin under /ajax-api/ too; one that exists only there is written out. Parameters are in {braces}; one that may hold
slashes ends in a star.
"""

import ast
import importlib
import importlib.util
import json
import re
import sys
from pathlib import Path

import mlflow
from mlflow.protos import databricks_pb2, mlflow_artifacts_pb2, model_registry_pb2, service_pb2, webhooks_pb2

SERVICES = [
    service_pb2.DESCRIPTOR.services_by_name["MlflowService"],
    model_registry_pb2.DESCRIPTOR.services_by_name["ModelRegistryService"],
    mlflow_artifacts_pb2.DESCRIPTOR.services_by_name["MlflowArtifactsService"],
    webhooks_pb2.DESCRIPTOR.services_by_name["WebhookService"],
]
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}
# The pages of MLflow's own web application, and what only they ask, are no part of the protocol.
PAGES = re.compile(
    r"/$|/(build|static|static-files|assistant|ui-telemetry|demo)(/|$)|^/(docs|redoc|openapi\.json|signup)|/users/create-ui$"
)


def path_of(pattern):
    pattern = re.sub(r"<path:(\w+)>|\{(\w+):path\}", lambda found: f"{{{found[1] or found[2]}*}}", pattern)
    # Where a protobuf path ends in a file's path, the server takes slashes in it.
    pattern = re.sub(r"(/mlflow-artifacts/.*)<(?:\w+:)?(\w+)>$", r"\1{\2*}", pattern)
    pattern = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", pattern)
    return re.sub(r"\{\w+\.(\w+)\}", r"{\1}", pattern)


def version_of(path):
    found = re.match(r"^/(?:ajax-)?api/(\d+\.\d+)/", path)
    return found[1] if found else ""


def of_services():
    for service in SERVICES:
        for method in service.methods:
            for endpoint in method.GetOptions().Extensions[databricks_pb2.rpc].endpoints:
                path = path_of(f"/api/{endpoint.since.major}.0{endpoint.path}")
                yield endpoint.method, path, method.name, f"{endpoint.since.major}.{endpoint.since.minor}"


def of_flask():
    for rule in importlib.import_module("mlflow.server").app.url_map.iter_rules():
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            path = path_of(rule.rule)
            yield method, path, rule.endpoint, version_of(path)


def of_fastapi(routes=None, prefix=""):
    if routes is None:
        routes = importlib.import_module("mlflow.server.fastapi_app").app.routes
    for route in routes:
        included = getattr(route, "original_router", None)
        if included is not None:
            yield from of_fastapi(included.routes, prefix + route.include_context.prefix)
        for method in (getattr(route, "methods", None) or set()) - {"HEAD"}:
            path = path_of(prefix + route.path)
            yield method, path, route.name, version_of(path)


def of_auth():
    """Users, roles and permissions. Their server asks for packages and a database of its own, so what it serves is read from its source."""
    folder = Path(mlflow.__file__).parent / "server" / "auth"
    spec = importlib.util.spec_from_file_location("mlflow_auth_routes", folder / "routes.py")
    routes = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(routes)

    def rules(node, names):
        for child in ast.iter_child_nodes(node):
            within = names
            if isinstance(child, ast.For) and isinstance(child.target, ast.Name) and isinstance(child.iter, (ast.Tuple, ast.List)):
                within = {**names, child.target.id: [item.id for item in child.iter.elts if isinstance(item, ast.Name)]}
            if isinstance(child, ast.Call) and getattr(child.func, "attr", "") == "add_url_rule":
                given = {keyword.arg: keyword.value for keyword in child.keywords}
                rule = getattr(given.get("rule"), "id", "")
                for method in strings(given.get("methods")):
                    for name in within.get(rule, [rule]):
                        yield method, name
            # A row of a table of routes: its function, its method, its paths.
            if isinstance(child, ast.Tuple):
                for method in strings(child):
                    for item in child.elts:
                        yield method, getattr(item, "id", "")
            yield from rules(child, within)

    def strings(node):
        return [item.value for item in getattr(node, "elts", []) if isinstance(item, ast.Constant) and item.value in METHODS]

    for method, name in rules(ast.parse((folder / "__init__.py").read_text()), {}):
        path = path_of(str(getattr(routes, name, "/")))
        yield method, path, re.sub(r"^ajax_", "", name.lower()), version_of(path)


def main():
    json.load(sys.stdin)
    routes = {}
    for method, path, name, since in [*of_services(), *of_flask(), *of_fastapi(), *of_auth()]:
        # One path of a service lacks its slash, and no client calls it so.
        if not PAGES.search(path) and not re.match(r"/(ajax-)?api/\d\.\d\w", path):
            routes.setdefault((method, path), (name.removeprefix("_").removeprefix("serve_"), since))
    # The same route under another spelling of its parameters, or the twin of one, is there already.
    found = {}
    for (method, path), rest in sorted(routes.items(), key=lambda item: (item[0][1].startswith("/ajax-api/"), item[0])):
        key = method, re.sub(r"\{\w+(\*?)\}", r"{\1}", path.replace("/ajax-api/", "/api/", 1))
        found.setdefault(key, [method, path, *rest])
    json.dump(sorted(found.values(), key=lambda route: (route[1], route[0])), sys.stdout)


main()
