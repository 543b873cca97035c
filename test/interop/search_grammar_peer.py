"""The filters and orders that MLflow's server accepts, read by its own parser and turned into SQL by its own stores.

Input: { "filters": [[kind, text], ...], "orders": [[kind, [item, ...]], ...] }, the kinds being run, experiment, registered_model,
model_version and logged_model (whose order items are objects).
Output: { "filters": [answer, ...], "orders": [answer, ...] }, an answer being { "ok": [...] } or { "error": message, "crash": bool }.
"""

import json
import sys

import sqlalchemy
from mlflow.exceptions import MlflowException
from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore as Registry
from mlflow.store.tracking import sqlalchemy_store as tracking
from mlflow.store.tracking.dbmodels.models import SqlLoggedModel
from mlflow.utils.search_logged_model_utils import EntityType, parse_filter_string
from mlflow.utils.search_utils import SearchExperimentsUtils, SearchModelUtils, SearchModelVersionUtils, SearchUtils
from sqlalchemy.orm import Session

session = Session(sqlalchemy.create_engine("sqlite://"))
registry = Registry.__new__(Registry)
registry._get_workspace_clauses = lambda *_: []
store = tracking.SqlAlchemyStore.__new__(tracking.SqlAlchemyStore)
store._get_dialect = lambda: "sqlite"

entities = {
    EntityType.ATTRIBUTE: "attribute",
    EntityType.METRIC: "metric",
    EntityType.PARAM: "parameter",
    EntityType.TAG: "tag",
}
logged_names = {"creation_timestamp_ms": "creation_timestamp", "last_updated_timestamp_ms": "last_updated_timestamp"}


def plain(value):
    if isinstance(value, (tuple, list)):
        return [plain(each) for each in value]
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return str(value)
    return value


def logged_name(name):
    return logged_names.get(SqlLoggedModel.ALIASES.get(name, name), name)


def column(name):
    """Only columns can be compared; the model class has more attributes than those."""
    return SqlLoggedModel.__table__.columns[SqlLoggedModel.ALIASES.get(name, name)]


def conditions(kind, text):
    if kind == "logged_model":
        parsed = parse_filter_string(text)
        store._apply_filter_string_datasets_search_logged_models(session.query(SqlLoggedModel), session, ["0"], text, None)
        for each in parsed:
            if each.entity.type is EntityType.ATTRIBUTE:
                column(each.entity.key)
        return [
            (
                entities[each.entity.type],
                logged_name(each.entity.key) if each.entity.type is EntityType.ATTRIBUTE else each.entity.key,
                each.op,
                plain(each.value),
            )
            for each in parsed
        ]
    if kind == "run":
        parsed = SearchUtils.parse_search_filter(text)
        tracking._get_sqlalchemy_filter_clauses(parsed, session, "sqlite")
    elif kind == "experiment":
        parsed = SearchExperimentsUtils.parse_search_filter(text)
        tracking._get_search_experiments_filter_clauses(parsed, "sqlite")
    elif kind == "registered_model":
        parsed = SearchModelUtils.parse_search_filter(text)
        registry._get_search_registered_model_filter_query(session, parsed, "sqlite")
    else:
        parsed = SearchModelVersionUtils.parse_search_filter(text)
        registry._get_search_model_versions_filter_clauses(parsed, "sqlite")
    return [condition(kind, each) for each in parsed]


def condition(kind, each):
    key, value = each["key"], each["value"]
    if each["type"] == "attribute":
        key = SearchUtils.translate_key_alias(key)
    if each["type"] == "metric":
        value = float(value)
    if kind == "experiment" and (each["type"], key) == ("attribute", "experiment_id"):
        value = [str(int(one)) for one in value] if isinstance(value, tuple) else str(int(value))
    if key == "version_number" and each["type"] == "attribute":
        value = int(value)
    return (each["type"], key, each["comparator"].upper(), plain(value))


def orders(kind, items):
    if kind == "run":
        tracking._get_orderby_clauses(items, session)
        parsed = [SearchUtils.parse_order_by_for_search_runs(item) for item in items]
        return [
            (entity, SearchUtils.translate_key_alias(key) if entity == "attribute" else key, ascending) for entity, key, ascending in parsed
        ]
    if kind == "experiment":
        tracking._get_search_experiments_order_by_clauses(items)
        return [SearchExperimentsUtils.parse_order_by_for_search_experiments(item) for item in items]
    if kind == "registered_model":
        Registry._parse_search_registered_models_order_by(items)
        parsed = [SearchUtils.parse_order_by_for_search_registered_models(item) for item in items]
        return [("attribute", "last_updated_timestamp" if key == "timestamp" else key, ascending) for key, ascending in parsed]
    if kind == "model_version":
        Registry._parse_search_model_versions_order_by(items)
        return [SearchModelVersionUtils.parse_order_by_for_search_model_versions(item) for item in items]
    store._apply_order_by_search_logged_models(session.query(SqlLoggedModel), session, items)
    return [logged_order(item) for item in items]


def logged_order(item):
    name, ascending = item["field_name"], item.get("ascending", True)
    if "." in name:
        return ("metric", name.split(".", 1)[1], ascending, item.get("dataset_name") or None, item.get("dataset_digest") or None)
    column(name)
    return ("attribute", logged_name(name), ascending, None, None)


def answer(read, *given):
    try:
        return {"ok": read(*given)}
    except MlflowException as error:
        return {"error": str(error), "crash": False}
    except Exception as error:
        return {"error": repr(error), "crash": True}


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    json.dump(
        {
            "filters": [answer(conditions, kind, text) for kind, text in asked["filters"]],
            "orders": [answer(orders, kind, items) for kind, items in asked["orders"]],
        },
        sys.stdout,
    )
