"""What programs that train on tables share: the splits as matrices, and the artifact that is left of a fitted model."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import (
    mean_absolute_error,
    mean_absolute_percentage_error,
    r2_score,
    root_mean_squared_error,
)

from .baseline import describe_rows
from .dataset import Split, read_declaration, read_split
from .golden import golden_rows
from .job import Job
from .metrics_log import as_text
from .parity import prove_parity, tolerance_of
from .pictures import draw_classifier, draw_feature_importance, draw_loss_curves, draw_regressor
from .provenance import environment
from .report import held_out_metrics, write_json
from .signature import encode, learn_signature


@dataclass(frozen=True)
class Tables:
    """The splits `train`, `validation` and `test`; `matrices` are float32 [rows, inputs], NaN where there is no value."""

    declaration: dict[str, Any]
    signature: dict[str, Any]
    splits: dict[str, Split]
    matrices: dict[str, np.ndarray]

    @property
    def is_regression(self) -> bool:
        return self.declaration["kind"] == "tabular-regressor"


@dataclass(frozen=True)
class Fitted:
    framework: str
    # Of a matrix, a number a row: the probability of the positive class, or the value.
    predict: Callable[[np.ndarray], np.ndarray]
    # Writes the ONNX graph.
    export: Callable[[Path], None]
    best_iteration: int
    # By input; not of all estimators.
    feature_importance: dict[str, float]


def read_tables(job: Job) -> Tables:
    declaration = read_declaration(job.channel("declaration"))
    splits = {
        name: read_split(name, job.channel(name), declaration["inputs"], declaration.get("kind"))
        for name in ("train", "validation", "test")
    }
    signature = learn_signature(declaration, splits["train"].table)
    matrices = {name: encode(signature, split.table) for name, split in splits.items()}
    print(" ".join(f"{name}={len(matrix)}" for name, matrix in matrices.items()), "rows", flush=True)
    return Tables(declaration, signature, splits, matrices)


def leave_artifact(job: Job, tables: Tables, fitted: Fitted, settings: Any, packages: list[str]) -> None:
    """Exports the model, proves on every held-out row that the graph answers as it does, and reports.

    settings: the dataclass of the program's hyperparameters, with a `seed`.
    """
    folder, signature, test = job.model_dir, tables.signature, tables.splits["test"]
    predicted = fitted.predict(tables.matrices["test"])
    write_json(folder / "signature.json", signature)
    fitted.export(folder / "model.onnx")
    parity = prove_parity(folder / "model.onnx", signature, tables.matrices["test"], predicted)
    print(f"parity: largest difference {parity['maxDifference']:.3g} on {parity['rows']} held-out rows", flush=True)

    train = tables.splits["train"].table
    write_json(folder / "baseline.json", describe_rows(signature, train, fitted.predict(tables.matrices["train"])))
    write_json(folder / "golden.json", golden_rows(signature, test.table, fitted.predict, tolerance_of(predicted)))
    metrics = (regression_metrics if tables.is_regression else held_out_metrics)(test.labels, predicted)
    print("held-out", as_text({f"test-{name}": value for name, value in metrics.items()}), flush=True)
    write_json(
        folder / "training.json",
        {
            "formatVersion": 1,
            "framework": fitted.framework,
            "seed": settings.seed,
            "rows": {name: len(matrix) for name, matrix in tables.matrices.items()},
            "bestIteration": fitted.best_iteration,
            "metrics": metrics,
            "parity": parity,
            "hyperparameters": dataclasses.asdict(settings),
            "environment": environment(packages),
            "featureImportance": fitted.feature_importance,
        },
    )
    if tables.is_regression:
        draw_regressor(folder, test.labels, predicted)
    else:
        draw_classifier(folder, test.labels, predicted, [str(name) for name in signature["classes"]])
    draw_loss_curves(folder)
    if fitted.feature_importance:
        draw_feature_importance(folder, fitted.feature_importance)


def regression_metrics(labels: np.ndarray, predictions: np.ndarray) -> dict[str, float]:
    """scikit-learn's; `mape` is a share, not per cent, and huge where a label is 0."""
    predictions = predictions.astype(np.float64)
    return {
        "rmse": float(root_mean_squared_error(labels, predictions)),
        "mae": float(mean_absolute_error(labels, predictions)),
        "mape": float(mean_absolute_percentage_error(labels, predictions)),
        "r2": float(r2_score(labels, predictions)),
    }
