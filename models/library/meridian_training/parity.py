"""The proof that an ONNX graph of one float32 input answers as the native model does."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from .job import JobError

# Of the largest prediction, for numbers; probabilities are at most 1.
RELATIVE_TOLERANCE = 1e-5


def tolerance_of(predictions: np.ndarray) -> float:
    """How far apart two answers may be: single precision holds some seven digits of the largest."""
    return RELATIVE_TOLERANCE * max(1.0, float(np.abs(predictions).max()))


def prove_parity(
    file: Path, signature: dict[str, Any], rows: np.ndarray, native: Callable[[np.ndarray], np.ndarray]
) -> dict[str, float]:
    """Compares the graph with the native model on every row; raises where any differs by the tolerance or more."""
    graph = signature["graph"]
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    exported = session.run([graph["output"]], {graph["input"]: rows})[0][:, graph["positiveColumn"]]
    expected = native(rows).astype(np.float64)
    tolerance = tolerance_of(expected)
    differences = np.abs(exported.astype(np.float64) - expected)
    worst = int(differences.argmax())
    if not differences[worst] < tolerance:
        raise JobError(
            f"The exported graph does not answer as the trained model does: found a difference of "
            f"{differences[worst]:.3g} on held-out row {worst}, expected less than {tolerance:g} on every one of "
            f"{len(rows)} rows."
        )
    return {"rows": len(rows), "maxDifference": float(differences[worst])}
