"""The population stability index of one feature of two Parquet files, the plain way: numpy and pandas, row by row of the
textbook. Reads {"reference", "current", "feature", "categorical"} as JSON lines, writes one index a line."""

import json
import sys

import numpy as np
import pyarrow.parquet as pq


def bins(column, edges, categories):
    if categories is None:
        return ["null" if value is None else place(value, *edges) for value in column]
    return ["null" if v is None else v if v in categories else "other" for v in column]


def place(value, edges, shared):
    """The bin of a number: between which deciles it lies, and whether it is one that several share."""
    return int(np.searchsorted(edges, value, side="left")), value in shared


for line in sys.stdin:
    case = json.loads(line)
    name = case["feature"]
    reference, current = (pq.read_table(case[side])[name].to_pylist() for side in ("reference", "current"))
    known = [value for value in reference if value is not None]
    edges = categories = None
    if case["categorical"]:
        categories = set(known)
    elif known:
        values, times = np.unique(
            np.quantile(known, np.arange(1, 10) / 10, method="inverted_cdf"), return_counts=True
        )
        edges = values, set(values[times > 1].tolist())
    else:
        edges = np.array([]), set()
    p, q = (bins(side, edges, categories) for side in (reference, current))
    floor = 0.5 / min(len(p), len(q))
    index = 0.0
    for label in set(p) | set(q):
        a = max(p.count(label) / len(p), floor)
        b = max(q.count(label) / len(q), floor)
        index += (a - b) * np.log(a / b)
    print(index)
