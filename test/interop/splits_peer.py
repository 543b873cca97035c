"""scipy's tests of whether two parts of a table follow the same law, and of shares against declared ones, as references for ours.

Input: { "parts": { part: [row, ...] }, "columns": { column: "numbers" | "instants" | "names" }, "declared": { value: share }, "column": name }.
Output: { "comparisons": { part: { column: { "statistic", "p", "adjusted", "effect" } } }, "declared": { "statistic", "p", "distance" } }.
"""

import json
import sys

import numpy as np
import pandas as pd
from scipy import stats
from scipy.spatial.distance import jensenshannon


def table_of(left, right):
    """Counts by value on both sides; values that are rare together are one cell, so that the law of chi-squared holds."""
    both = pd.DataFrame({"left": left.value_counts(), "right": right.value_counts()}).fillna(0)
    least = 5 / min(both["left"].sum(), both["right"].sum())
    rare = (both.sum(axis=1) / both.to_numpy().sum()) < least
    cells = both[~rare].to_numpy().tolist()
    if rare.any():
        cells.append(both[rare].sum().tolist())
    return both, np.array(cells).T


def missing_test(left, right):
    gone = [left.isna().sum(), right.isna().sum()]
    sizes = [len(left), len(right)]
    share = sum(gone) / sum(sizes)
    if min(sizes) * min(share, 1 - share) < 5:
        return None
    counts = [[gone[0], sizes[0] - gone[0]], [gone[1], sizes[1] - gone[1]]]
    return stats.chi2_contingency(counts, correction=False).pvalue


def compare(left, right, kind):
    a, b = left.dropna(), right.dropna()
    if kind == "instants":
        a, b = (pd.to_datetime(each).astype("int64") for each in (a, b))
    if kind != "names":
        a, b = a.astype(float), b.astype(float)
        p = stats.ks_2samp(a, b).pvalue
        effect = stats.wasserstein_distance(a, b) / a.std(ddof=1)
    else:
        both, cells = table_of(a, b)
        p = stats.chi2_contingency(cells, correction=False).pvalue
        effect = jensenshannon(both["left"] / both["left"].sum(), both["right"] / both["right"].sum())
    found = [each for each in (p, missing_test(left, right)) if each is not None]
    return {"p": min(1, len(found) * min(found)), "effect": effect}


given = json.load(sys.stdin)
parts = {name: pd.DataFrame(rows) for name, rows in given["parts"].items()}
first, *others = parts
comparisons = {}
for name in others:
    tested = {
        column: compare(parts[first][column], parts[name][column], kind) for column, kind in given["columns"].items()
    }
    adjusted = stats.false_discovery_control([each["p"] for each in tested.values()])
    comparisons[name] = {column: {**each, "adjusted": value} for (column, each), value in zip(tested.items(), adjusted)}

declared = given["declared"]
counts = pd.concat(parts.values())[given["column"]].value_counts().reindex(list(declared)).fillna(0)
expected = np.array(list(declared.values())) * counts.sum()
test = stats.chisquare(counts, expected)
json.dump(
    {
        "comparisons": comparisons,
        "declared": {
            "statistic": test.statistic,
            "p": test.pvalue,
            "distance": np.abs(counts / counts.sum() - np.array(list(declared.values()))).sum() / 2,
        },
    },
    sys.stdout,
)
