"""The ONNX graph of a model of series, and the proof that it answers as the trained model does."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from .parity import refuse_beyond
from .series_autoencoder import SeriesScores
from .series_dataset import Windows
from .torch_graph import export_graph, open_graph

VALUES, MINUTE, SERIES, OUTPUT = "values", "minute", "series", "score"
GRAPH = {"values": VALUES, "minute": MINUTE, "series": SERIES, "output": OUTPUT}
ROWS_A_RUN = 1024
# Of the larger of 1 and the score: an error of many thresholds is told as exactly as one is.
PARITY_LIMIT = 1e-4


def export_series_graph(scores: SeriesScores, steps: int, file: Path) -> None:
    """Writes the graph: values float32 [rows, steps], minute float32 [rows], series int64 [rows] give score float32 [rows]."""
    rows = {0: torch.export.Dim("rows")}
    given = (torch.zeros(2, steps), torch.zeros(2), torch.zeros(2, dtype=torch.int64))
    shapes = {"values": rows, "minute": rows, "series": rows}
    export_graph(scores, given, [VALUES, MINUTE, SERIES], OUTPUT, shapes, file)


class SeriesGraph:
    """An exported model of series, run on the CPU."""

    def __init__(self, file: Path, threads: int) -> None:
        self._session = open_graph(file, threads)

    def scores(self, windows: Windows) -> np.ndarray:
        """float32 [windows]."""
        answers = []
        for start in range(0, len(windows), ROWS_A_RUN):
            values, minute, series = windows.rows(slice(start, start + ROWS_A_RUN))
            answers.append(self._session.run([OUTPUT], {VALUES: values, MINUTE: minute, SERIES: series})[0])
        return np.concatenate(answers)


def prove_series_parity(exported: np.ndarray, native: np.ndarray) -> dict[str, Any]:
    """Compares scores [windows]; raises where any differs by PARITY_LIMIT of it (or of 1, if it is less) or more."""
    return refuse_beyond(PARITY_LIMIT, np.abs(exported.astype(np.float64) - native) / np.maximum(1, native), "window")
