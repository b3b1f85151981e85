"""baseline.json of a text classifier: how long the training texts were, and how often each class was labelled and answered."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from .baseline import numbers_column
from .text_tokens import Ids


def describe_texts(
    name: str, texts: Sequence[str], rows: Sequence[Ids], labels: np.ndarray, predicted: np.ndarray, classes: Sequence[str]
) -> dict[str, Any]:
    """texts, rows (of tokens, as they were cut), labels: of every training row; predicted: of as many as were answered."""
    return {
        "formatVersion": 1,
        "rows": len(texts),
        "features": {
            name: {
                "type": "text",
                "count": len(texts),
                "nulls": 0,
                "characters": _lengths(texts),
                "tokens": _lengths(rows),
            }
        },
        "label": _classes(labels, classes),
        "prediction": _classes(predicted, classes),
    }


def _lengths(entries: Sequence[str] | Sequence[Ids]) -> dict[str, Any]:
    return numbers_column(np.array([len(entry) for entry in entries], np.float64))


def _classes(indices: np.ndarray, classes: Sequence[str]) -> dict[str, Any]:
    counts = Counter(indices.tolist())
    categories = {name: counts[index] for index, name in enumerate(classes)}
    return {"type": "category", "count": len(indices), "nulls": 0, "categories": categories}
