"""golden.json: rows, as requests bring them, with the native model's answers: every loader must reproduce them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .signature import encode
from .spacing import evenly_spaced

LEAST_ROWS = 64
MOST_COVERING_ROWS = 192


def golden_rows(
    signature: dict[str, Any], held_out: pa.Table, native: Callable[[np.ndarray], np.ndarray], tolerance: float
) -> dict[str, Any]:
    """Held-out rows that cover each category and each null, others evenly spaced, and a row without any value."""
    spread = evenly_spaced(held_out.num_rows, LEAST_ROWS)
    chosen = sorted({*_covering_rows(signature, held_out), *spread.tolist()})
    empty = pa.table({field.name: pa.nulls(1, field.type) for field in held_out.schema})
    rows = pa.concat_tables([held_out.take(chosen), empty])
    expected = native(encode(signature, rows))
    return {
        "formatVersion": 1,
        "tolerance": tolerance,
        "rows": [
            {"features": features, "expected": float(answer)}
            for features, answer in zip(rows.to_pylist(), expected, strict=True)
        ],
    }


def _covering_rows(signature: dict[str, Any], table: pa.Table) -> list[int]:
    """The first row of each value of each category and boolean, and of each input's null."""
    found: list[int] = []
    for entry in signature["inputs"]:
        column = table[entry["name"]]
        values = [None] if entry["type"] == "number" else [None, *pc.unique(column).drop_null().to_pylist()]
        for value in values:
            mask = pc.is_null(column) if value is None else pc.equal(column, value)
            row = pc.index(mask, True).as_py()
            if row >= 0:
                found.append(row)
    return found[:MOST_COVERING_ROWS]
