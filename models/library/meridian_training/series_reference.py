"""baseline.json and golden.json of a model of series."""

from typing import Any

import numpy as np

from .baseline import numbers_column
from .series_dataset import Windows
from .series_graph import PARITY_LIMIT
from .spacing import evenly_spaced

# Of each series, evenly spaced; and as many of all series by rising score.
GOLDEN_A_SERIES = 4
GOLDEN_BY_SCORE = 32
MOST_GOLDEN = 192


def describe_series(names: list[str], training: Windows, scores: np.ndarray) -> dict[str, Any]:
    """How the values of each series, and the scores [windows] of all of them, were distributed on the training windows."""
    values = training.values[training.newest].astype(np.float64)
    return {
        "formatVersion": 1,
        "rows": len(training),
        "features": {name: numbers_column(values[training.series == index]) for index, name in enumerate(names)},
        "prediction": numbers_column(scores.astype(np.float64)),
    }


def series_golden_rows(names: list[str], held_out: Windows, scores: np.ndarray) -> dict[str, Any]:
    """Held-out windows of every series, and some of every score; scores: [windows], as the trained model gives them."""
    each = [_spread(np.flatnonzero(held_out.series == index), GOLDEN_A_SERIES) for index in range(len(names))]
    chosen = np.unique(np.concatenate([_spread(np.argsort(scores, kind="stable"), GOLDEN_BY_SCORE), *each]))[:MOST_GOLDEN]
    values, minutes, series = held_out.rows(chosen)
    return {
        "formatVersion": 1,
        "tolerance": PARITY_LIMIT * max(1.0, float(scores[chosen].max())),
        "rows": [
            {
                "series": names[series[row]],
                "minute": float(minutes[row]),
                "values": [float(value) for value in values[row]],
                "expected": float(scores[chosen[row]]),
            }
            for row in range(len(chosen))
        ],
    }


def _spread(places: np.ndarray, count: int) -> np.ndarray:
    return places[evenly_spaced(len(places), count)]
