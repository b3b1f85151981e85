"""training.json: what the program reports of itself; and the one way its JSON files are written."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    brier_score_loss,
    f1_score,
    log_loss,
    roc_auc_score,
)


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


def class_metrics(labels: np.ndarray, probabilities: np.ndarray, classes: list[str]) -> dict[str, float]:
    """labels: [rows], a class's index; probabilities: [rows, classes]. A class that is neither there nor answered has no F1."""
    predicted = probabilities.argmax(axis=1)
    present = sorted({*labels.tolist(), *predicted.tolist()})
    # A float32 row's sum is off by some 1e-7; what is exactly 0 has no logarithm.
    exact = np.clip(probabilities.astype(np.float64), 1e-15, None)
    exact /= exact.sum(axis=1, keepdims=True)
    each = f1_score(labels, predicted, labels=present, average=None, zero_division=0)
    return {
        "accuracy": float(accuracy_score(labels, predicted)),
        "macroF1": float(each.mean()),
        "weightedF1": float(f1_score(labels, predicted, average="weighted", zero_division=0)),
        "logLoss": float(-np.log(exact[np.arange(len(labels)), labels]).mean()),
        **{f"f1.{classes[index]}": float(value) for index, value in zip(present, each, strict=True)},
    }
