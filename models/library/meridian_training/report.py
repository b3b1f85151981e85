"""training.json: what the program reports of itself; and the one way its JSON files are written."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, average_precision_score, brier_score_loss, log_loss, roc_auc_score

from .provenance import environment as environment


def write_json(file: Path, content: Any) -> None:
    """Strict JSON: a NaN or an infinity raises instead of becoming a literal that other parsers refuse."""
    file.write_text(json.dumps(content, allow_nan=False, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def held_out_metrics(labels: np.ndarray, predictions: np.ndarray) -> dict[str, float]:
    return {
        "auc": float(roc_auc_score(labels, predictions)),
        "prAuc": float(average_precision_score(labels, predictions)),
        "logLoss": float(log_loss(labels, predictions.astype(np.float64))),
        "brier": float(brier_score_loss(labels, predictions)),
        "accuracy": float(accuracy_score(labels, predictions >= 0.5)),
    }
