"""The ONNX graph of a fitted scikit-learn model."""

from pathlib import Path
from typing import Any

import numpy as np
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.pipeline import Pipeline

from .signature import INPUT

# The newest that every runtime of ours reads, and of the trees' operators.
OPSET = {"": 15, "ai.onnx.ml": 3}


def export_onnx(model: Any, signature: dict[str, Any], file: Path) -> None:
    """Writes the graph: one float32 input [rows, inputs]; output probabilities [rows, 2], or of a regressor [rows, 1]."""
    last = model[-1] if isinstance(model, Pipeline) else model
    is_classifier = hasattr(last, "predict_proba")
    graph = to_onnx(
        model,
        # Without a name the converter invents one, and the same training would no longer give the same bytes.
        name="model",
        initial_types=[(INPUT, FloatTensorType([None, len(signature["inputs"])]))],
        target_opset=OPSET,
        # Probabilities as one tensor, not a map a row.
        options={id(last): {"zipmap": False}} if is_classifier else None,
        final_types=None,
    )
    file.write_bytes(graph.SerializeToString())


def round_thresholds(model: Any) -> None:
    """Takes the thresholds of trees down to single precision, in which rows come and the graph compares.

    Rows are single precision in training as well: `x <= t` holds for just the same of them, whereas a threshold rounded
    up would let some pass that the model sends the other way.
    """
    last = model[-1] if isinstance(model, Pipeline) else model
    for stage in getattr(last, "_predictors", []):
        for tree in stage:
            splits = tree.nodes["is_leaf"] == 0
            tree.nodes["num_threshold"][splits] = _down(tree.nodes["num_threshold"][splits])
    for estimator in getattr(last, "estimators_", []):
        threshold = estimator.tree_.threshold
        threshold[:] = _down(threshold)


def _down(values: np.ndarray) -> np.ndarray:
    """The largest single-precision numbers that are not above these."""
    rounded = values.astype(np.float32)
    above = rounded.astype(np.float64) > values
    rounded[above] = np.nextafter(rounded[above], np.float32(-np.inf))
    return rounded.astype(np.float64)
