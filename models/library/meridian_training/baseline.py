"""baseline.json: how each feature and the prediction were distributed on the training rows, the reference of drift."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .spacing import evenly_spaced

DECILES = np.arange(1, 10) / 10
SAMPLE_SIZE = 1000


def describe_rows(signature: dict[str, Any], table: pa.Table, predictions: np.ndarray) -> dict[str, Any]:
    return {
        "formatVersion": 1,
        "rows": table.num_rows,
        "features": {
            entry["name"]: _describe(entry["type"], table[entry["name"]]) for entry in signature["inputs"]
        },
        "prediction": _describe("number", pa.chunked_array([pa.array(predictions.astype(np.float64))])),
    }


def _describe(kind: str, column: pa.ChunkedArray) -> dict[str, Any]:
    present = column.drop_null()
    described = {"type": kind, "count": len(present), "nulls": column.null_count}
    if kind == "number":
        return described | (describe_numbers(np.sort(present.to_numpy())) if len(present) > 0 else {})
    counts = {
        ("true" if entry["values"] else "false") if kind == "boolean" else entry["values"]: entry["counts"]
        for entry in pc.value_counts(present).to_pylist()
    }
    return described | {"categories": dict(sorted(counts.items()))}


def numbers_column(values: np.ndarray) -> dict[str, Any]:
    """A column of numbers without nulls."""
    return {"type": "number", "count": len(values), "nulls": 0, **describe_numbers(np.sort(values))}


def describe_numbers(ordered: np.ndarray) -> dict[str, Any]:
    """`variance` is the population's; quantiles interpolate linearly (Hyndman and Fan's type 7)."""
    return {
        "deciles": np.quantile(ordered, DECILES).tolist(),
        "mean": float(ordered.mean()),
        "variance": float(ordered.var()),
        "sample": ordered[evenly_spaced(len(ordered), SAMPLE_SIZE)].tolist(),
    }
