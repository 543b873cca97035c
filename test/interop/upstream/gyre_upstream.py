"""A plugin for pytest: MLflow's own tests, run from a checkout of MLflow, find Gyre where they would start MLflow's server.

Settings come from the environment:
GYRE_UPSTREAM_SERVER    JSON list: the command that opens servers (server.ts beside this file); empty: MLflow's own server is tested
GYRE_UPSTREAM_LEFT_OUT  the JSON file that names the tests that are left out, each with its reason
GYRE_UPSTREAM_REPORT    where the outcomes go: {"passed": [names], "failed": {name: text}, "leftOut": {name: reason}, "skipped": {…}}
"""

import contextlib
import functools
import importlib
import json
import os
import subprocess

import pytest

_COMMAND = json.loads(os.environ.get("GYRE_UPSTREAM_SERVER") or "[]")
_REPORT = os.environ.get("GYRE_UPSTREAM_REPORT")
_LEFT_OUT = os.environ.get("GYRE_UPSTREAM_LEFT_OUT")


class _Servers:
    """Empty servers of Gyre, one process for all of them."""

    def __init__(self, command):
        self._command = command
        self._process = None
        self._token_of = {}

    def _ask(self, question):
        if self._process is None:
            self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline() or '{"error": "the server process has ended"}')
        if "error" in answer:
            raise RuntimeError(f"gyre: {answer['error']}")
        return answer

    @contextlib.contextmanager
    def opened(self, database, port=0, environment=None):
        answer = self._ask({"open": database, "port": port, "environment": environment or {}})
        address = answer["address"]
        self._token_of[address] = answer["token"]
        try:
            yield address
        finally:
            del self._token_of[address]
            self._ask({"close": address})

    def token_for(self, url):
        return next((token for address, token in self._token_of.items() if url.startswith(address + "/")), None)

    def close(self):
        if self._process is not None:
            self._process.stdin.close()
            self._process.wait(timeout=60)


_servers = _Servers(_COMMAND)
_outcomes = {"passed": [], "failed": {}, "skipped": {}, "leftOut": {}}
# The database for the next server: MLflow's file store stands for SQLite, its SQL store for PostgreSQL.
_database = "sqlite"


def _database_of(backend_uri):
    return "sqlite" if str(backend_uri).startswith("file:") or "GYRE_TEST_POSTGRES" not in os.environ else "postgres"


def _remember_database(backend_uri, *_, **__):
    global _database
    _database = _database_of(backend_uri)


class _GyreServer:
    """In place of upstream's thread that runs MLflow's web application."""

    def __init__(self, _app, port):
        self._stack = contextlib.ExitStack()
        self._port = port

    def __enter__(self):
        import mlflow

        address = self._stack.enter_context(_servers.opened(_database, self._port))
        # MLflow's server, in the process of the tests, would have made its database the one that command lines find.
        mlflow.set_tracking_uri(address)
        return address

    def __exit__(self, *exc):
        self._stack.close()


@contextlib.contextmanager
def _init_server(backend_uri, root_artifact_uri, extra_env=None, app=None, server_type="fastapi"):
    import mlflow

    mlflow.set_tracking_uri(None)
    with _servers.opened(_database_of(backend_uri), environment=extra_env) as address:
        yield address


@contextlib.contextmanager
def _launch_server(_host, port, *_):
    """In place of what one of the files starts as a process, for all of its tests."""
    with _servers.opened("sqlite", port):
        yield None


def _replace_servers():
    import requests

    handlers = importlib.import_module("mlflow.server.handlers")
    handlers.initialize_backend_stores = _remember_database
    utilities = importlib.import_module("tests.tracking.integration_test_utils")
    utilities.ServerThread = _GyreServer
    utilities._init_server = _init_server

    # The tests call as somebody who may do everything; most of them know nothing of tokens.
    unpatched = requests.Session.request

    @functools.wraps(unpatched)
    def request(self, method, url, *args, headers=None, auth=None, **kwargs):
        token = _servers.token_for(url)
        if token and auth is None and "authorization" not in {key.lower() for key in headers or {}}:
            headers = {**(headers or {}), "Authorization": f"Bearer {token}"}
        return unpatched(self, method, url, *args, headers=headers, auth=auth, **kwargs)

    requests.Session.request = request


def pytest_configure(config):
    config.addinivalue_line("markers", "timeout")
    # Names that upstream's tests import from MLflow's server and that newer releases have moved.
    providers = importlib.import_module("mlflow.utils.providers")
    if not hasattr(providers, "_PROVIDER_BACKEND_AVAILABLE"):
        providers._PROVIDER_BACKEND_AVAILABLE = False
    if _COMMAND:
        _replace_servers()


def _name_of(nodeid):
    """`file::test[parameters]`: parameters may hold slashes."""
    path, _, name = nodeid.partition("::")
    return f"{os.path.basename(path)}::{name}"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    reasons = {}
    if _LEFT_OUT:
        with open(_LEFT_OUT) as file:
            reasons = {test: group["reason"] for group in json.load(file) for test in group["tests"]}
    kept, left_out, used = [], [], set()
    for item in items:
        name = _name_of(item.nodeid)
        entry = next((entry for entry in (name, name.split("[")[0]) if entry in reasons), None)
        if entry is None:
            kept.append(item)
        else:
            used.add(entry)
            left_out.append(item)
            _outcomes["leftOut"][name] = reasons[entry]
    for module in {item.module for item in items}:
        if _COMMAND and hasattr(module, "_launch_server"):
            module._launch_server = _launch_server
    _outcomes["unknown"] = sorted(set(reasons) - used)
    items[:] = kept
    config.hook.pytest_deselected(items=left_out)


def pytest_runtest_logreport(report):
    name = _name_of(report.nodeid)
    if report.failed:
        _outcomes["failed"][name] = f"{_outcomes['failed'].get(name, '')}{report.longreprtext}\n"
    elif report.skipped:
        # A test that upstream expects to fail, and that does.
        _outcomes["skipped"][name] = getattr(report, "wasxfail", None) or str(report.longrepr[-1] if report.longrepr else "")
    elif report.when == "call":
        _outcomes["passed"].append(name)


def pytest_sessionfinish():
    _servers.close()
    _outcomes["passed"] = [name for name in _outcomes["passed"] if name not in _outcomes["failed"]]
    if _REPORT:
        with open(_REPORT, "w") as file:
            json.dump(_outcomes, file, indent=1)
