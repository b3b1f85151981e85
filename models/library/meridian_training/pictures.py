"""Pictures of a training, as PNG files below `pictures/` of the model folder; the registry shows them beside the run.

No training fails for want of a picture: one that cannot be drawn is named in the log and left out.
"""

import functools
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ParamSpec

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.metrics import auc, average_precision_score, confusion_matrix, precision_recall_curve, roc_curve

FOLDER = "pictures"
MOST_FEATURES = 25
# Above so many classes, curves of each one tell nobody anything: only their mean is drawn.
MOST_CURVES = 12


Given = ParamSpec("Given")


def _left_out_where_it_fails(draw: Callable[Given, None]) -> Callable[Given, None]:
    @functools.wraps(draw)
    def attempt(*args: Given.args, **kwargs: Given.kwargs) -> None:
        try:
            draw(*args, **kwargs)
        except Exception as error:
            print(f"picture left out: {draw.__name__}: {type(error).__name__}: {error}", flush=True)

    return attempt


@_left_out_where_it_fails
def draw_classifier(model_dir: Path, labels: np.ndarray, scores: np.ndarray, classes: Sequence[str]) -> None:
    """
    Confusion matrix, ROC and precision against recall, of held-out rows.
    labels: [rows], the class's index. scores: [rows, classes], or [rows] of the second of two classes.
    """
    labels = np.asarray(labels).astype(int)
    scores = np.asarray(scores, dtype=np.float64)
    if scores.ndim == 1:
        scores = np.column_stack([1 - scores, scores])
    draw_confusion_matrix(model_dir, labels, scores.argmax(axis=1), classes)
    draw_roc(model_dir, labels, scores, classes)
    draw_precision_recall(model_dir, labels, scores, classes)


@_left_out_where_it_fails
def draw_confusion_matrix(
    model_dir: Path, labels: np.ndarray, predicted: np.ndarray, classes: Sequence[str]
) -> None:
    counts = confusion_matrix(labels, predicted, labels=range(len(classes)))
    size = max(4.5, 0.55 * len(classes) + 2)
    figure, axes = _figure("Confusion matrix, held-out rows", size, size)
    # A row's share, so that a rare class is seen as well as a common one.
    axes.imshow(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1), cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(counts.shape):
        dark = counts[row, column] > 0.5 * max(counts[row].sum(), 1)
        axes.text(column, row, str(counts[row, column]), ha="center", va="center", color="white" if dark else "black")
    axes.set_xticks(range(len(classes)), classes, rotation=45, ha="right")
    axes.set_yticks(range(len(classes)), classes)
    axes.set_xlabel("predicted")
    axes.set_ylabel("actual")
    _save(figure, model_dir, "confusion_matrix")


@_left_out_where_it_fails
def draw_roc(model_dir: Path, labels: np.ndarray, scores: np.ndarray, classes: Sequence[str]) -> None:
    figure, axes = _figure("ROC, held-out rows")
    axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8, linestyle="--")
    for name, actual, score in _one_against_rest(labels, scores, classes):
        false_rate, true_rate, _ = roc_curve(actual, score)
        axes.plot(false_rate, true_rate, linewidth=1.2, label=f"{name} (AUC {auc(false_rate, true_rate):.4f})")
    axes.set_xlabel("false positive rate")
    axes.set_ylabel("true positive rate")
    _legend(axes)
    _save(figure, model_dir, "roc_curve")


@_left_out_where_it_fails
def draw_precision_recall(model_dir: Path, labels: np.ndarray, scores: np.ndarray, classes: Sequence[str]) -> None:
    figure, axes = _figure("Precision against recall, held-out rows")
    for name, actual, score in _one_against_rest(labels, scores, classes):
        precision, recall, _ = precision_recall_curve(actual, score)
        mean = average_precision_score(actual, score)
        axes.plot(recall, precision, linewidth=1.2, label=f"{name} (average precision {mean:.4f})")
    axes.set_xlabel("recall")
    axes.set_ylabel("precision")
    axes.set_ylim(0, 1.02)
    _legend(axes)
    _save(figure, model_dir, "precision_recall_curve")


@_left_out_where_it_fails
def draw_loss_curves(model_dir: Path) -> None:
    """Every metric of metrics.jsonl by step: those of one name (`train-auc`, `validation-auc`) in one panel."""
    lines = [json.loads(line) for line in (model_dir / "metrics.jsonl").read_text().splitlines() if line]
    curves: dict[str, dict[int, float]] = {}
    for line in lines:
        for name, value in line["metrics"].items():
            # A step that was done again after an interruption counts once, with its last value.
            curves.setdefault(name, {})[line["step"]] = value
    panels: dict[str, list[str]] = {}
    for name in sorted(curves):
        panels.setdefault(name.split("-", 1)[-1], []).append(name)
    if not panels:
        return
    figure = Figure(figsize=(7, 3.2 * len(panels)), layout="constrained")
    for index, (title, names) in enumerate(panels.items(), start=1):
        axes = figure.add_subplot(len(panels), 1, index)
        axes.set_title(title)
        axes.set_xlabel("step")
        for name in names:
            steps = sorted(curves[name])
            axes.plot(steps, [curves[name][step] for step in steps], label=name, marker="." if len(steps) < 20 else None)
        _legend(axes)
    _save(figure, model_dir, "loss_curves")


@_left_out_where_it_fails
def draw_feature_importance(model_dir: Path, importance: dict[str, float]) -> None:
    """The most important inputs, the first on top."""
    ranked = sorted(importance.items(), key=lambda item: (-item[1], item[0]))[:MOST_FEATURES]
    figure, axes = _figure("Feature importance", 7, max(2.5, 0.3 * len(ranked) + 1))
    axes.barh([name for name, _ in ranked], [value for _, value in ranked])
    axes.invert_yaxis()
    _save(figure, model_dir, "feature_importance")


@_left_out_where_it_fails
def draw_regressor(model_dir: Path, actual: np.ndarray, predicted: np.ndarray) -> None:
    """Predicted against actual values of held-out rows, and how the errors are spread."""
    figure = Figure(figsize=(10, 4.5), layout="constrained")
    scatter, histogram = figure.subplots(1, 2)
    scatter.set_title("Predicted against actual, held-out rows")
    scatter.scatter(actual, predicted, s=6, alpha=0.5)
    ends = [min(np.min(actual), np.min(predicted)), max(np.max(actual), np.max(predicted))]
    scatter.plot(ends, ends, color="grey", linewidth=0.8, linestyle="--")
    scatter.set_xlabel("actual")
    scatter.set_ylabel("predicted")
    histogram.set_title("Errors (predicted less actual)")
    histogram.hist(np.asarray(predicted) - np.asarray(actual), bins=50)
    _save(figure, model_dir, "predictions")


@_left_out_where_it_fails
def draw_anomaly_scores(model_dir: Path, scores: np.ndarray, threshold: float = 1.0) -> None:
    """How the anomaly scores of held-out windows are spread, and where the threshold lies."""
    figure, axes = _figure("Anomaly scores, held-out windows")
    axes.hist(scores, bins=100, log=True)
    axes.axvline(threshold, color="red", linewidth=1, label=f"threshold {threshold:g}")
    axes.set_xlabel("score")
    axes.set_ylabel("windows")
    _legend(axes)
    _save(figure, model_dir, "anomaly_scores")


def _one_against_rest(
    labels: np.ndarray, scores: np.ndarray, classes: Sequence[str]
) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """A curve each: of two classes the second alone, of many classes all of them taken together."""
    present = [index for index in range(len(classes)) if 0 < int(np.sum(labels == index)) < len(labels)]
    if len(classes) == 2:
        present = [index for index in present if index == 1]
    if len(present) > MOST_CURVES:
        actual = (labels[:, None] == np.arange(len(classes))[None, :]).ravel()
        return [(f"all {len(classes)} classes", actual.astype(int), scores.ravel())]
    return [(classes[index], (labels == index).astype(int), scores[:, index]) for index in present]


def _figure(title: str, width: float = 6.5, height: float = 5) -> tuple[Figure, Axes]:
    # A Figure of its own, not pyplot's: no display is looked for, and nothing is kept between two pictures.
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title)
    return figure, axes


def _legend(axes: Axes) -> None:
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize="small")


def _save(figure: Figure, model_dir: Path, name: str) -> None:
    folder = model_dir / FOLDER
    folder.mkdir(exist_ok=True)
    drawn = io.BytesIO()
    # Without the name of the program that drew it: the same training gives the same bytes.
    figure.savefig(drawn, format="png", dpi=110, metadata={"Software": None})
    # Only whole: a picture that fails half-way leaves no file.
    (folder / f"{name}.png").write_bytes(drawn.getvalue())
