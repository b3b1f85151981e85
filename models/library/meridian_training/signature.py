"""signature.json: how feature values become the graph's input. The same file encodes at training and at serving."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

INPUT = "features"
OUTPUT = "probabilities"
# Of regressors, as the converters call it.
VALUE_OUTPUT = "variable"


def learn_signature(declaration: dict[str, Any], train: pa.Table) -> dict[str, Any]:
    """Fixes the inputs' order and each category's code, from the training rows."""
    inputs = []
    for declared in declaration["inputs"]:
        entry = {"name": declared["name"], "type": declared["type"]}
        if declared["type"] == "category":
            entry["categories"] = sorted(pc.unique(train[declared["name"]]).drop_null().to_pylist())
        inputs.append(entry)
    signature = {"formatVersion": 1, "kind": declaration["kind"], "inputs": inputs}
    if declaration["kind"] == "tabular-regressor":
        return signature | {"graph": {"input": INPUT, "output": VALUE_OUTPUT, "positiveColumn": 0}}
    return signature | {
        "graph": {"input": INPUT, "output": OUTPUT, "positiveColumn": 1},
        "classes": declaration["label"].get("classes") or ["0", "1"],
    }


def encode(signature: dict[str, Any], table: pa.Table) -> np.ndarray:
    """The rows as the graph takes them: float32 [rows, inputs], NaN for null and for categories not in the signature."""
    return np.column_stack([_encode_column(entry, table[entry["name"]]) for entry in signature["inputs"]])


def _encode_column(entry: dict[str, Any], column: pa.ChunkedArray) -> np.ndarray:
    if entry["type"] == "category":
        column = pc.index_in(column, value_set=pa.array(entry["categories"], pa.string()), skip_nulls=True)
    return column.cast(pa.float64()).to_numpy().astype(np.float32)
