"""Dynamic int8 quantisation of a text classifier's graph: kept where it costs little, measured and reported either way."""

import logging
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from onnxruntime.quantization import QuantType, quantize_dynamic
from sklearn.metrics import f1_score

from .spacing import evenly_spaced
from .text_graph import TextGraph
from .text_tokens import Ids

# How much macro-F1 may drop on the validation rows.
DROP_LIMIT = 0.01
TIMED_TEXTS = 40


def quantize_text_graph(file: Path, quantized: Path) -> None:
    """Weights become int8, a scale a channel; activations uint8, by the range they have when the graph runs.

    Weights take 7 bits: with 8, processors without VNNI add two products beyond 16 bits, saturate, and answer otherwise
    than those with it.
    """
    # It recommends a preparation that a graph without convolutions gains nothing from.
    logging.getLogger().setLevel(logging.ERROR)
    quantize_dynamic(file, quantized, per_channel=True, reduce_range=True, weight_type=QuantType.QInt8)


def compare_quantized(
    files: dict[str, Path], rows: Sequence[Ids], labels: np.ndarray, pad_id: int
) -> dict[str, Any]:
    """Macro-F1 on these rows, size and latency of both graphs (`fp32`, `int8`), and whether int8 is accepted."""
    graphs = {name: TextGraph(file, pad_id, threads=1) for name, file in files.items()}
    latency = _latency_ms(graphs, rows)
    found = {
        name: {
            "macroF1": float(f1_score(labels, graph.probabilities(rows).argmax(axis=1), average="macro")),
            "bytes": files[name].stat().st_size,
            "latencyMs": latency[name],
        }
        for name, graph in graphs.items()
    }
    drop = found["fp32"]["macroF1"] - found["int8"]["macroF1"]
    return {"method": "dynamic int8", "accepted": drop < DROP_LIMIT, "drop": drop, "limit": DROP_LIMIT, "rows": len(rows), **found}


def _latency_ms(graphs: dict[str, TextGraph], rows: Sequence[Ids]) -> dict[str, float]:
    """Median of one text at a time on one thread, the graphs in turns."""
    chosen = [rows[row] for row in evenly_spaced(len(rows), TIMED_TEXTS)]
    times: dict[str, list[float]] = {name: [] for name in graphs}
    for text in chosen:
        for name, graph in graphs.items():
            began = time.perf_counter()
            graph.probabilities([text])
            times[name].append((time.perf_counter() - began) * 1000)
    return {name: median(values) for name, values in times.items()}
