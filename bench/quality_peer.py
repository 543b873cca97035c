"""The peers of bench/quality.ts: makes the table, and runs the same 28 checks with Great Expectations and with pandera.

Commands, one JSON value a line on standard input, one on standard output: {"make": path, "rows": n}, {"run": name, "path": path}.
A run answers with the checks that fail and how many rows fail each, named as bench/quality.ts names them.
"""

import json
import logging
import os
import resource
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
    """Writes the table, a million rows at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    draw = np.random.default_rng(7)
    writer = None
    for first in range(0, rows, 1_000_000):
        table = pa.Table.from_pandas(part(draw, first, min(1_000_000, rows - first), rows), preserve_index=False)
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table)
    writer.close()


def part(draw: np.random.Generator, first: int, rows: int, all_rows: int) -> pd.DataFrame:
    index = np.arange(first, first + rows)
    age = draw.integers(18, 88, rows).astype(float)
    age[draw.random(rows) < 0.01] = np.nan
    age[np.isin(index, [10, 20, all_rows - 1])] = -1
    amount = draw.random(rows) * 1000
    amount[draw.random(rows) < 0.02] = np.nan
    grade = draw.choice(["a", "b", "c"], rows).astype(object)
    grade[draw.random(rows) < 0.05] = None
    colour = draw.choice(SETS["colour"], rows).astype(object)
    colour[np.isin(index, [5, 6])] = "grey"
    frame = pd.DataFrame({
        "id": index, "code": np.char.add("C", np.char.zfill(index.astype(str), 9)), "store": index % 97, "age": age,
        "price": draw.random(rows) * 100, "amount": amount, "r1": draw.random(rows), "r2": draw.random(rows) - 0.5,
        "r3": draw.random(rows) * 10, "r4": draw.random(rows) * 1e6, "k1": draw.integers(0, 5, rows), "k2": draw.integers(0, 1000, rows),
        "colour": colour, "country": draw.choice(SETS["country"], rows), "grade": grade,
        "zip": draw.integers(10000, 100000, rows).astype(str), "active": draw.random(rows) < 0.3,
        "ts": pd.Timestamp("2026-01-01") + pd.to_timedelta(index, unit="s"), "low": draw.random(rows) * 50, "high": 50 + draw.random(rows) * 50,
    })
    frame["ts"] = frame["ts"].astype("datetime64[ms]")
    frame.loc[np.isin(index, [7, 8]), "high"] = -1
    return frame


def great_expectations(path: str) -> dict:
    import great_expectations as gx
    import great_expectations.expectations as e

    expected = [e.ExpectColumnValuesToNotBeNull(column=c) for c in ["id", "code", "store", "price", "ts", "active"]]
    expected += [e.ExpectColumnValuesToNotBeNull(column=c, mostly=0.95) for c in ["age", "amount"]]
    expected += [e.ExpectColumnValuesToBeUnique(column=c) for c in ["id", "code"]]
    expected += [e.ExpectColumnValuesToBeBetween(column=c, min_value=a, max_value=b) for c, (a, b) in RANGES.items()]
    expected += [e.ExpectColumnValuesToBeInSet(column=c, value_set=s) for c, s in SETS.items()]
    expected += [e.ExpectColumnValuesToMatchRegex(column="code", regex="^C[0-9]{9}$"), e.ExpectColumnValuesToMatchRegex(column="zip", regex="^[1-9][0-9]{4}$")]
    expected += [e.ExpectColumnValueLengthsToEqual(column="zip", value=5), e.ExpectColumnValuesToBeIncreasing(column="ts", strictly=True)]
    expected += [e.ExpectColumnPairValuesAToBeGreaterThanB(column_A="high", column_B="low", or_equal=True)]
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas(f"s{time.time_ns()}").add_dataframe_asset("a")
    batch = asset.add_batch_definition_whole_dataframe("b")
    suite = gx.ExpectationSuite(name="s", expectations=expected)
    started = time.perf_counter()
    found = batch.get_batch({"dataframe": pd.read_parquet(path)}).validate(suite, result_format="BASIC")
    seconds = time.perf_counter() - started
    broken = [r.exception_info for r in found.results if "unexpected_count" not in r.result]
    assert not broken, broken
    kinds = {"expect_column_values_to_be_between": "range", "expect_column_values_to_be_in_set": "categories"}
    failed = {}
    for result in found.results:
        if result.success:
            continue
        config = result.expectation_config
        assert result.result["partial_unexpected_list"], "no failing example"
        name = f"{kinds[config.type]}: {config.kwargs['column']}" if config.type in kinds else "rule: high >= low"
        failed[name] = result.result["unexpected_count"]
    return {"seconds": seconds, "checks": len(found.results), "failed": failed, "version": gx.__version__}


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
    failed = {}
    try:
        schema.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as error:
        cases = error.failure_cases
    else:
        cases = pd.DataFrame(columns=["column", "check", "index"])
    seconds = time.perf_counter() - started
    # a check on the whole frame gives a case for each column
    for check, own in cases.groupby("check"):
        kind = "range" if check.startswith("in_range") else "categories" if check.startswith("isin") else "rule"
        name = f"rule: {check}" if kind == "rule" else f"{kind}: {own['column'].iloc[0]}"
        failed[name] = int(own["index"].nunique())
    return {"seconds": seconds, "checks": 28, "failed": failed, "version": __import__("pandera").__version__}


for line in sys.stdin:
    asked = json.loads(line)
    if "make" in asked:
        make(asked["make"], asked["rows"])
        answer = {}
    else:
        answer = {"great_expectations": great_expectations, "pandera": pandera}[asked["run"]](asked["path"])
        answer["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print("\n" + json.dumps(answer), flush=True)
