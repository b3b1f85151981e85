"""The ONNX graph of a boosted-tree classifier, and the proof that it answers as the native model does."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from onnxmltools import convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType
from xgboost import Booster

from .job import JobError
from .signature import INPUT

# The newest that every runtime of ours reads.
OPSET = 15
PARITY_LIMIT = 1e-5


def export_onnx(booster: Booster, width: int, file: Path) -> None:
    """Writes the graph: one float32 input [rows, width], output probabilities [rows, 2]."""
    graph = convert_xgboost(
        booster,
        # Without a name the converter invents one, and the same training would no longer give the same bytes.
        name="classifier",
        initial_types=[(INPUT, FloatTensorType([None, width]))],
        target_opset=OPSET,
    )
    file.write_bytes(graph.SerializeToString())


def prove_parity(
    file: Path, signature: dict[str, Any], rows: np.ndarray, native: Callable[[np.ndarray], np.ndarray]
) -> dict[str, float]:
    """Compares the graph with the native model on every row; raises where any differs by PARITY_LIMIT or more."""
    graph = signature["graph"]
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    exported = session.run([graph["output"]], {graph["input"]: rows})[0][:, graph["positiveColumn"]]
    differences = np.abs(exported.astype(np.float64) - native(rows))
    worst = int(differences.argmax())
    if not differences[worst] < PARITY_LIMIT:
        raise JobError(
            f"The exported graph does not answer as the trained model does: found a difference of "
            f"{differences[worst]:.3g} on held-out row {worst}, expected less than {PARITY_LIMIT:g} on every one of "
            f"{len(rows)} rows."
        )
    return {"rows": len(rows), "maxDifference": float(differences[worst])}
