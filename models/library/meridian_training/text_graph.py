"""The ONNX graph of a text classifier: how it is written, run as serving runs it, and proven against the native model."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .parity import refuse_beyond
from .text_model import Probabilities, TextClassifier
from .text_tokens import Ids, batches_by_length, pad
from .torch_graph import export_graph, open_graph

IDS, MASK, OUTPUT = "input_ids", "attention_mask", "probabilities"
GRAPH = {"ids": IDS, "mask": MASK, "output": OUTPUT}
BATCH_ROWS = 32
PARITY_LIMIT = 1e-4


def export_text_graph(classifier: TextClassifier, file: Path) -> None:
    """Writes the graph: ids and mask, int64 [rows, tokens], give probabilities, float32 [rows, classes]."""
    ids = torch.ones((2, 8), dtype=torch.int64)
    axes = {0: torch.export.Dim("rows"), 1: torch.export.Dim("tokens")}
    given = (ids, torch.ones_like(ids))
    export_graph(Probabilities(classifier), given, [IDS, MASK], OUTPUT, {"ids": axes, "mask": axes}, file)


class TextGraph:
    """An exported classifier, run on the CPU."""

    def __init__(self, file: Path, pad_id: int, threads: int) -> None:
        self._session = open_graph(file, threads)
        self._pad_id = pad_id

    def probabilities(self, rows: Sequence[Ids], batch_rows: int = BATCH_ROWS) -> np.ndarray:
        """float32 [rows, classes], in the order of the rows."""
        answers: dict[int, np.ndarray] = {}
        for batch in batches_by_length(rows, batch_rows):
            ids, mask = pad([rows[row] for row in batch], self._pad_id)
            answers |= zip(batch.tolist(), self._session.run([OUTPUT], {IDS: ids, MASK: mask})[0], strict=True)
        return np.stack([answers[row] for row in range(len(rows))])


def native_probabilities(
    classifier: TextClassifier, rows: Sequence[Ids], pad_id: int, device: torch.device
) -> np.ndarray:
    """float32 [rows, classes], as the trained model itself answers."""
    model = Probabilities(classifier).eval()
    answers: dict[int, np.ndarray] = {}
    with torch.no_grad():
        for batch in batches_by_length(rows, BATCH_ROWS):
            ids, mask = (torch.from_numpy(one).to(device) for one in pad([rows[row] for row in batch], pad_id))
            answers |= zip(batch.tolist(), model(ids, mask).cpu().numpy(), strict=True)
    return np.stack([answers[row] for row in range(len(rows))])


def prove_text_parity(exported: np.ndarray, native: np.ndarray) -> dict[str, Any]:
    """Compares probabilities [rows, classes]; raises where any differs by PARITY_LIMIT or more."""
    return refuse_beyond(PARITY_LIMIT, np.abs(exported.astype(np.float64) - native).max(axis=1), "row")
