"""The peers of bench/quality.ts: makes the table, and runs the same 28 checks with Great Expectations and with pandera.

Commands, one JSON value a line on standard input, one on standard output: {"make": path, "rows": n}, {"run": name, "path": path}.
"""

import json
import logging
import os
import sys
import time
import warnings

warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)
os.environ["GX_ANALYTICS_ENABLED"] = "false"
os.environ["TQDM_DISABLE"] = "1"
os.environ["DISABLE_PANDERA_IMPORT_WARNING"] = "True"

import numpy as np
import pandas as pd

RANGES = {
    "store": (0, 96), "age": (18, 87), "price": (0, 100), "amount": (0, 1000), "r1": (0, 1), "r2": (-0.5, 0.5),
    "r3": (0, 10), "r4": (0, 1e6), "k1": (0, 4), "k2": (0, 999),
}
SETS = {"colour": ["red", "green", "blue", "black"], "country": ["DE", "FR", "IT", "ES", "PL", "NL"], "grade": ["a", "b", "c"]}


def make(path: str, rows: int) -> None:
    draw = np.random.default_rng(7)
    index = np.arange(rows)
    age = draw.integers(18, 88, rows).astype(float)
    age[draw.random(rows) < 0.01] = np.nan
    age[[10, 20, rows - 1]] = -1
    amount = draw.random(rows) * 1000
    amount[draw.random(rows) < 0.02] = np.nan
    grade = draw.choice(["a", "b", "c"], rows).astype(object)
    grade[draw.random(rows) < 0.05] = None
    colour = draw.choice(SETS["colour"], rows).astype(object)
    colour[[5, 6]] = "grey"
    frame = pd.DataFrame({
        "id": index, "code": np.char.add("C", np.char.zfill(index.astype(str), 9)), "store": index % 97, "age": age,
        "price": draw.random(rows) * 100, "amount": amount, "r1": draw.random(rows), "r2": draw.random(rows) - 0.5,
        "r3": draw.random(rows) * 10, "r4": draw.random(rows) * 1e6, "k1": draw.integers(0, 5, rows), "k2": draw.integers(0, 1000, rows),
        "colour": colour, "country": draw.choice(SETS["country"], rows), "grade": grade,
        "zip": draw.integers(10000, 100000, rows).astype(str), "active": draw.random(rows) < 0.3,
        "ts": pd.Timestamp("2026-01-01") + pd.to_timedelta(index, unit="s"), "low": draw.random(rows) * 50, "high": 50 + draw.random(rows) * 50,
    })
    frame["ts"] = frame["ts"].astype("datetime64[ms]")
    frame.loc[[7, 8], "high"] = -1
    frame.to_parquet(path, compression="zstd", index=False)


def great_expectations(path: str) -> dict:
    import great_expectations as gx
    import great_expectations.expectations as e

    expected = [e.ExpectColumnValuesToNotBeNull(column=c) for c in ["id", "code", "store", "price", "ts", "active"]]
    expected += [e.ExpectColumnValuesToNotBeNull(column=c, mostly=0.95) for c in ["age", "amount"]]
    expected += [e.ExpectColumnValuesToBeUnique(column=c) for c in ["id", "code"]]
    expected += [e.ExpectColumnValuesToBeBetween(column=c, min_value=a, max_value=b) for c, (a, b) in RANGES.items()]
    expected += [e.ExpectColumnValuesToBeInSet(column=c, value_set=s) for c, s in SETS.items()]
    expected += [e.ExpectColumnValuesToMatchRegex(column="code", regex="^C[0-9]{9}$"), e.ExpectColumnValuesToMatchRegex(column="zip", regex="^[1-9][0-9]{4}$")]
    expected += [e.ExpectColumnValueLengthsToEqual(column="zip", value=5), e.ExpectColumnValuesToBeIncreasing(column="ts")]
    expected += [e.ExpectColumnPairValuesAToBeGreaterThanB(column_A="high", column_B="low", or_equal=True)]
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas(f"s{time.time_ns()}").add_dataframe_asset("a")
    batch = asset.add_batch_definition_whole_dataframe("b")
    suite = gx.ExpectationSuite(name="s", expectations=expected)
    started = time.perf_counter()
    found = batch.get_batch({"dataframe": pd.read_parquet(path)}).validate(suite, result_format="SUMMARY")
    seconds = time.perf_counter() - started
    failed = [(r.expectation_config.kwargs.get("column"), r.result["unexpected_count"]) for r in found.results if not r.success]
    broken = [r.exception_info for r in found.results if "unexpected_count" not in r.result]
    assert not broken, broken
    return {"seconds": seconds, "checks": len(found.results), "failed": len(failed), "version": gx.__version__}


def pandera(path: str) -> dict:
    import pandera.pandas as pa

    checks = {c: [] for c in "id code store age price amount r1 r2 r3 r4 k1 k2 colour country grade zip active ts low high".split()}
    for c, (a, b) in RANGES.items():
        checks[c].append(pa.Check.in_range(a, b))
    for c, s in SETS.items():
        checks[c].append(pa.Check.isin(s))
    checks["code"].append(pa.Check.str_matches("^C[0-9]{9}$"))
    checks["zip"] += [pa.Check.str_matches("^[1-9][0-9]{4}$"), pa.Check.str_length(5, 5)]
    checks["ts"].append(pa.Check(lambda s: s.diff().iloc[1:] > pd.Timedelta(0), element_wise=False, name="increasing"))
    for c in ["age", "amount"]:
        checks[c].append(pa.Check(lambda s: s.isna().mean() <= 0.05, ignore_na=False, name="mostly"))
    required = {"id", "code", "store", "price", "ts", "active"}
    columns = {c: pa.Column(nullable=c not in required, unique=c in {"id", "code"}, checks=own) for c, own in checks.items()}
    schema = pa.DataFrameSchema(columns, checks=[pa.Check(lambda f: f["high"] >= f["low"], name="high >= low")])
    started = time.perf_counter()
    frame = pd.read_parquet(path)
    failed = 0
    try:
        schema.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as error:
        failed = error.failure_cases[["column", "check"]].drop_duplicates().shape[0]
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "checks": 28, "failed": failed, "version": pa.__version__ if hasattr(pa, "__version__") else __import__("pandera").__version__}


for line in sys.stdin:
    asked = json.loads(line)
    if "make" in asked:
        make(asked["make"], asked["rows"])
        answer = {}
    else:
        answer = {"great_expectations": great_expectations, "pandera": pandera}[asked["run"]](asked["path"])
    print("\n" + json.dumps(answer), flush=True)
