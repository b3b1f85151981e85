"""A snapshot's splits, read from the job's channels and checked before anything is fitted."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from .job import JobError

LABEL = "label"


@dataclass(frozen=True)
class Split:
    name: str
    # One column an input, named by it: float64, bool or string, null where there is no value.
    table: pa.Table
    # float32: 1 for the positive class, 0 for the negative; of a regressor float64, the values.
    labels: np.ndarray


def read_declaration(channel: Path) -> dict[str, Any]:
    """The model's declaration: the one JSON file in its channel."""
    files = sorted(channel.rglob("*.json"))
    if len(files) != 1:
        raise JobError(f"Channel declaration: found {len(files)} JSON files, expected exactly one.")
    declaration = json.loads(files[0].read_text())
    if not declaration.get("inputs") and not declaration.get("series"):
        raise JobError(f"{files[0].name}: found no inputs, expected at least one (or series, of a model of metrics).")
    return declaration


def read_split(name: str, channel: Path, inputs: list[dict[str, str]], kind: str | None = None) -> Split:
    table = read_table(name, channel, [*(one["name"] for one in inputs), LABEL])
    columns = {one["name"]: _column(name, one, table[one["name"]]) for one in inputs}
    labels = _values if kind == "tabular-regressor" else _labels
    return Split(name, pa.table(columns), labels(name, table[LABEL]))


def read_table(split: str, channel: Path, columns: list[str]) -> pa.Table:
    """Every row of a split, which has at least these columns: one for each input, and the label."""
    files = sorted(channel.rglob("*.parquet"))
    if not files:
        raise JobError(f"Split {split}: found no Parquet file in its channel, expected at least one.")
    table = pa.concat_tables([_read_file(split, file) for file in files], promote_options="permissive")
    if table.num_rows == 0:
        raise JobError(f"Split {split}: found no rows, expected at least one of each class.")
    missing = [column for column in columns if column not in table.column_names]
    if missing:
        raise JobError(
            f"Split {split}: found no column {', '.join(missing)}, "
            f"expected one for each input and {LABEL}; its columns are {', '.join(table.column_names)}."
        )
    return table


def _read_file(split: str, file: Path) -> pa.Table:
    try:
        return pq.read_table(file, partitioning=None)
    except pa.ArrowInvalid as error:
        raise JobError(f"Split {split}, file {file.name}: expected Parquet, found {error}") from error


def _column(split: str, declared: dict[str, str], column: pa.ChunkedArray) -> pa.ChunkedArray:
    found = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_null(found) or not _FITS[declared["type"]](found):
        raise JobError(
            f"Split {split}, input {declared['name']}: found a column of type {column.type}, "
            f"expected {declared['type']}."
        )
    values = column.cast(_STORED[declared["type"]])
    if declared["type"] != "number":
        return values
    values = pc.if_else(pc.is_nan(values), None, values)
    largest = pc.max(pc.abs(values)).as_py()
    if largest is not None and largest > np.finfo(np.float32).max:
        raise JobError(
            f"Split {split}, input {declared['name']}: found the value ±{largest}, "
            "expected finite numbers within ±3.4e38."
        )
    return values


def _labels(split: str, column: pa.ChunkedArray) -> np.ndarray:
    found = set(pc.unique(column).to_pylist())
    if not found <= {0, 1}:
        examples = ", ".join(str(value) for value in sorted(found - {0, 1}, key=str)[:5])
        raise JobError(f"Split {split}, column {LABEL}: found {examples}, expected 0 and 1 only.")
    if len(found) == 1:
        raise JobError(
            f"Split {split}, column {LABEL}: found one class only ({found.pop()}) in {len(column)} rows, "
            "expected both 0 and 1."
        )
    return column.cast(pa.int8()).to_numpy().astype(np.float32)


def _values(split: str, column: pa.ChunkedArray) -> np.ndarray:
    if not _FITS["number"](column.type):
        raise JobError(f"Split {split}, column {LABEL}: found a column of type {column.type}, expected numbers.")
    values = column.cast(pa.float64()).to_numpy()
    # The graph answers in single precision.
    bad = np.flatnonzero(~(np.abs(values) <= np.finfo(np.float32).max))
    if len(bad) > 0:
        raise JobError(
            f"Split {split}, column {LABEL}: found {values[bad[0]]} in row {bad[0]}, "
            "expected finite numbers within ±3.4e38 in every row."
        )
    return values


_FITS = {
    "number": lambda kind: pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind),
    "boolean": pa.types.is_boolean,
    "category": lambda kind: pa.types.is_string(kind) or pa.types.is_large_string(kind),
}
_STORED = {"number": pa.float64(), "boolean": pa.bool_(), "category": pa.string()}
