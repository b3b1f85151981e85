"""Trains a tabular classifier or regressor with scikit-learn, as its declaration describes it, in a SageMaker training job.

Channels: train, validation, test (Parquet: one column an input, and `label`: 0 and 1, or numbers) and declaration (one
JSON file).
Leaves in the model folder: model.onnx, signature.json, baseline.json, golden.json, metrics.jsonl, training.json, and
below pictures/ what there is to look at.
"""

import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "library"))

from meridian_training.job import Job, JobError, run
from meridian_training.metrics_log import MetricsLog
from meridian_training.sklearn_graph import export_onnx, round_thresholds
from meridian_training.tabular import Fitted, Tables, leave_artifact, read_tables, regression_metrics

PACKAGES = ["scikit-learn", "skl2onnx", "onnx", "onnxruntime", "numpy", "pyarrow"]


@dataclasses.dataclass(frozen=True)
class Hyperparameters:
    """scikit-learn's, by its own names; those that the estimator does not have are not used.

    estimator: hist-gradient-boosting, random-forest or linear (logistic regression; of numbers, ridge regression).
    """

    estimator: str = "hist-gradient-boosting"
    learning_rate: float = 0.05
    max_iter: int = 500
    n_iter_no_change: int = 30
    max_leaf_nodes: int = 15
    min_samples_leaf: int = 20
    l2_regularization: float = 1.0
    n_estimators: int = 300
    max_features: float = 0.4
    # Of the linear estimators: the inverse of how strongly large weights are punished.
    C: float = 1.0
    seed: int = 7


def train(job: Job) -> None:
    settings = job.hyperparameters(Hyperparameters)
    if settings.estimator not in ESTIMATORS:
        raise JobError(
            f"Hyperparameters: found the estimator {settings.estimator}, expected one of {', '.join(ESTIMATORS)}."
        )
    tables = read_tables(job)
    log = MetricsLog(job.model_dir / "metrics.jsonl")
    model, best_iteration = ESTIMATORS[settings.estimator](settings, tables, job.cpus, log)
    # Before anything is predicted, so that it is this model that the graph is held against.
    round_thresholds(model)
    fitted = Fitted(
        framework=f"scikit-learn {sklearn.__version__}",
        predict=predictor(model, tables.is_regression),
        export=lambda file: export_onnx(model, tables.signature, file),
        best_iteration=best_iteration,
        feature_importance=feature_importance(model, tables),
    )
    leave_artifact(job, tables, fitted, settings, PACKAGES)


def fit_boosting(settings: Hyperparameters, tables: Tables, _cpus: int, log: MetricsLog) -> tuple[Any, int]:
    """Boosts until the validation loss no longer falls."""
    estimator = HistGradientBoostingRegressor if tables.is_regression else HistGradientBoostingClassifier
    model = estimator(
        learning_rate=settings.learning_rate,
        max_iter=settings.max_iter,
        max_leaf_nodes=settings.max_leaf_nodes,
        min_samples_leaf=settings.min_samples_leaf,
        l2_regularization=settings.l2_regularization,
        max_features=settings.max_features,
        early_stopping=True,
        scoring="loss",
        n_iter_no_change=settings.n_iter_no_change,
        random_state=settings.seed,
    )
    validation = {"X_val": tables.matrices["validation"], "y_val": tables.splits["validation"].labels}
    model.fit(tables.matrices["train"], tables.splits["train"].labels, **validation)
    # Scores are the negative of a loss, and that of numbers is half the squared error; the first is of no tree at all.
    name, measure = ("rmse", lambda loss: (2 * loss) ** 0.5) if tables.is_regression else ("logloss", float)
    scores = zip(model.train_score_[1:], model.validation_score_[1:], strict=True)
    for step, (of_train, of_validation) in enumerate(scores):
        log.step(step, {f"train-{name}": float(measure(-of_train)), f"validation-{name}": float(measure(-of_validation))})
    return model, model.n_iter_ - 1


def fit_forest(settings: Hyperparameters, tables: Tables, cpus: int, log: MetricsLog) -> tuple[Any, int]:
    estimator = RandomForestRegressor if tables.is_regression else RandomForestClassifier
    model = make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True),
        estimator(
            n_estimators=settings.n_estimators,
            max_features=settings.max_features,
            min_samples_leaf=settings.min_samples_leaf,
            n_jobs=cpus,
            random_state=settings.seed,
        ),
    )
    return fit_at_once(model, tables, log)


def fit_linear(settings: Hyperparameters, tables: Tables, _cpus: int, log: MetricsLog) -> tuple[Any, int]:
    """Numbers are scaled, and each category has a column of its own; so has its absence."""
    categories = [index for index, entry in enumerate(tables.signature["inputs"]) if entry["type"] == "category"]
    numbers = [index for index in range(len(tables.signature["inputs"])) if index not in categories]
    scaled = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler())
    each = make_pipeline(
        SimpleImputer(strategy="constant", fill_value=-1), OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    )
    columns = [("numbers", scaled, numbers), ("categories", each, categories)]
    linear = (
        Ridge(alpha=1 / settings.C)
        if tables.is_regression
        else LogisticRegression(C=settings.C, max_iter=5000, random_state=settings.seed)
    )
    model = make_pipeline(ColumnTransformer([column for column in columns if column[2]]), linear)
    return fit_at_once(model, tables, log)


def fit_at_once(model: Pipeline, tables: Tables, log: MetricsLog) -> tuple[Pipeline, int]:
    model.fit(tables.matrices["train"], tables.splits["train"].labels)
    predict = predictor(model, tables.is_regression)
    log.step(
        0,
        {
            f"{name}-{metric}": value
            for name in ("train", "validation")
            for metric, value in losses(tables, name, predict(tables.matrices[name])).items()
        },
    )
    return model, 0


ESTIMATORS: dict[str, Callable[[Hyperparameters, Tables, int, MetricsLog], tuple[Any, int]]] = {
    "hist-gradient-boosting": fit_boosting,
    "random-forest": fit_forest,
    "linear": fit_linear,
}


def losses(tables: Tables, split: str, predictions: np.ndarray) -> dict[str, float]:
    labels = tables.splits[split].labels
    if tables.is_regression:
        return {name: value for name, value in regression_metrics(labels, predictions).items() if name in ("rmse", "mae")}
    return {"logloss": float(log_loss(labels, predictions)), "auc": float(roc_auc_score(labels, predictions))}


def predictor(model: Any, is_regression: bool) -> Callable[[np.ndarray], np.ndarray]:
    return model.predict if is_regression else lambda rows: model.predict_proba(rows)[:, 1]


def feature_importance(model: Any, tables: Tables) -> dict[str, float]:
    """By input, of a forest: how much its splits reduce impurity. The other estimators do not tell."""
    last = model[-1] if isinstance(model, Pipeline) else model
    importances = getattr(last, "feature_importances_", None)
    if importances is None:
        return {}
    return {entry["name"]: float(importances[i]) for i, entry in enumerate(tables.signature["inputs"])}


if __name__ == "__main__":
    run(train)
