"""The proof that an ONNX graph answers as the native model does."""

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


def prove_parity(file: Path, signature: dict[str, Any], rows: np.ndarray, expected: np.ndarray) -> dict[str, Any]:
    """Compares the graph of one float32 input with what the native model answers to the same rows: `expected` [rows].

    Raises where any answer differs by the tolerance or more.
    """
    graph = signature["graph"]
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    exported = session.run([graph["output"]], {graph["input"]: rows})[0][:, graph["positiveColumn"]]
    native = expected.astype(np.float64)
    return refuse_beyond(tolerance_of(native), np.abs(exported.astype(np.float64) - native), "row")


def refuse_beyond(limit: float, differences: np.ndarray, what: str) -> dict[str, Any]:
    """Of the differences [held-out rows] the count and the largest; raises JobError where that is not below the limit.

    what: what a row is called.
    """
    worst = int(differences.argmax())
    if not differences[worst] < limit:
        raise JobError(
            f"The exported graph does not answer as the trained model does: found a difference of "
            f"{differences[worst]:.3g} on held-out {what} {worst}, expected less than {limit:g} on every one of "
            f"{len(differences)} {what}s."
        )
    return {"rows": len(differences), "maxDifference": float(differences[worst])}
