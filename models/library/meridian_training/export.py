"""The ONNX graph of boosted trees."""

from pathlib import Path

from onnxmltools import convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType
from xgboost import Booster

from .signature import INPUT

# The newest that every runtime of ours reads.
OPSET = 15


def export_onnx(booster: Booster, width: int, file: Path) -> None:
    """Writes the graph: one float32 input [rows, width]; output probabilities [rows, 2], or of a regressor [rows, 1]."""
    graph = convert_xgboost(
        booster,
        # Without a name the converter invents one, and the same training would no longer give the same bytes.
        name="classifier",
        initial_types=[(INPUT, FloatTensorType([None, width]))],
        target_opset=OPSET,
    )
    file.write_bytes(graph.SerializeToString())
