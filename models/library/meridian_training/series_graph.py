"""The ONNX graph of a model of series, and the proof that it answers as the trained model does."""

import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch

from .job import JobError
from .series_autoencoder import SeriesScores
from .series_dataset import Windows

VALUES, MINUTE, SERIES, OUTPUT = "values", "minute", "series", "score"
GRAPH = {"values": VALUES, "minute": MINUTE, "series": SERIES, "output": OUTPUT}
# The newest that every runtime of ours reads.
OPSET = 18
ROWS_A_RUN = 1024
# Of the larger of 1 and the score: an error of many thresholds is told as exactly as one is.
PARITY_LIMIT = 1e-4


def export_series_graph(scores: SeriesScores, steps: int, file: Path) -> None:
    """Writes the graph: values float32 [rows, steps], minute float32 [rows], series int64 [rows] give score float32 [rows]."""
    rows = {0: torch.export.Dim("rows")}
    given = (torch.zeros(2, steps), torch.zeros(2), torch.zeros(2, dtype=torch.int64))
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            scores.cpu().eval(),
            given,
            input_names=[VALUES, MINUTE, SERIES],
            output_names=[OUTPUT],
            dynamic_shapes={"values": rows, "minute": rows, "series": rows},
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    graph = program.model_proto
    # The exporter leaves shapes of what its optimiser has since turned around; shape inference refuses them.
    del graph.graph.value_info[:]
    # Which machine and which file a node was traced from is nothing that the graph needs.
    for node in graph.graph.node:
        node.ClearField("metadata_props")
        node.ClearField("doc_string")
    onnx.save(graph, file)


class SeriesGraph:
    """An exported model of series, run on the CPU."""

    def __init__(self, file: Path, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])

    def scores(self, windows: Windows, chosen: np.ndarray | None = None) -> np.ndarray:
        """float32 [windows], or of those chosen alone."""
        places = np.arange(len(windows)) if chosen is None else chosen
        answers = []
        for start in range(0, len(places), ROWS_A_RUN):
            values, minute, series = windows.rows(places[start : start + ROWS_A_RUN])
            answers.append(self._session.run([OUTPUT], {VALUES: values, MINUTE: minute, SERIES: series})[0])
        return np.concatenate(answers)


def prove_series_parity(exported: np.ndarray, native: np.ndarray) -> dict[str, Any]:
    """Compares scores [windows]; raises where any differs by PARITY_LIMIT of it (or of 1, if it is less) or more."""
    differences = np.abs(exported.astype(np.float64) - native) / np.maximum(1, native)
    worst = int(differences.argmax())
    if not differences[worst] < PARITY_LIMIT:
        raise JobError(
            f"The exported graph does not answer as the trained model does: found a difference of "
            f"{differences[worst]:.3g} on held-out window {worst}, expected less than {PARITY_LIMIT:g} on every one of "
            f"{len(native)} windows."
        )
    return {"rows": len(native), "maxDifference": float(differences[worst])}
