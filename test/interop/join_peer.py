"""Joins by key and time in pandas, as references for ours.

Input: { "base": [{id, at}], "events": [{key, time, amount, label}], "window_ms": n }, instants in milliseconds.
Output, a list for each row of the base: "latest" (merge_asof strictly before), "latest_at" (at the very instant as well), "latest_window"
(with a tolerance), and "figures" (count, sum, mean, std, median, min, max, distinct labels, last label) of the events within the window.
"""

import json
import sys

import pandas as pd


def plain(value):
    return None if pd.isna(value) else value


def latest(base, events, **options):
    # merge_asof wants both sides sorted by time; a stable sort keeps rows of one instant in the order of the file.
    left = base.reset_index().sort_values("at", kind="stable")
    right = events.sort_values("time", kind="stable")
    merged = pd.merge_asof(left, right, left_on="at", right_on="time", left_by="id", right_by="key", **options)
    merged = merged.sort_values("index")
    return [[plain(a), plain(b)] for a, b in zip(merged["amount"], merged["label"])]


def figures(base, events, window):
    found = []
    for _, row in base.iterrows():
        some = events[(events["key"] == row["id"]) & (events["time"] < row["at"]) & (events["time"] >= row["at"] - window)]
        some = some.sort_values("time", kind="stable")
        amounts = some["amount"]
        found.append(
            {
                "visits": int(len(some)),
                "paid": int(amounts.count()),
                "spend": float(amounts.sum()),
                "mean": plain(amounts.mean()),
                "std": plain(amounts.std()),
                "median": plain(amounts.median()),
                "least": plain(amounts.min()),
                "most": plain(amounts.max()),
                "labels": int(some["label"].nunique()),
                "last_label": None if some.empty else plain(some["label"].iloc[-1]),
            }
        )
    return found


def main():
    given = json.load(sys.stdin)
    base = pd.DataFrame(given["base"])
    events = pd.DataFrame(given["events"])
    base["at"] = pd.to_datetime(base["at"], unit="ms")
    events["time"] = pd.to_datetime(events["time"], unit="ms")
    window = pd.Timedelta(given["window_ms"], unit="ms")
    json.dump(
        {
            "latest": latest(base, events, allow_exact_matches=False),
            "latest_at": latest(base, events),
            "latest_window": latest(base, events, allow_exact_matches=False, tolerance=window),
            "figures": figures(base, events, window),
        },
        sys.stdout,
    )


main()
