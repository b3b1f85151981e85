"""Trains a tabular classifier or regressor with XGBoost, as its declaration describes it, in a SageMaker training job.

Channels: train, validation, test (Parquet: one column an input, and `label`: 0 and 1, or numbers) and declaration (one
JSON file).
Leaves in the model folder: model.onnx, model.ubj, trees.json, signature.json, baseline.json, golden.json, metrics.jsonl,
training.json, and below pictures/ what there is to look at.
"""

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

import xgboost

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "library"))

from meridian_training.checkpoints import Checkpoints
from meridian_training.export import export_onnx
from meridian_training.job import Job, run
from meridian_training.metrics_log import MetricsLog
from meridian_training.tabular import Fitted, leave_artifact, read_tables

# A booster draws rows and columns from a generator that no file keeps. One that is made anew from its bytes every so many
# rounds, with a seed of that round's own, comes out the same whether or not another process goes on from those bytes.
STRETCH_ROUNDS = 20


@dataclasses.dataclass(frozen=True)
class Objective:
    name: str
    eval_metric: list[str]
    # What ends the training early.
    loss: str


CLASSES = Objective("binary:logistic", ["logloss", "auc"], "validation-logloss")
VALUES = Objective("reg:squarederror", ["rmse", "mae"], "validation-rmse")

PACKAGES = ["xgboost-cpu", "onnx", "onnxmltools", "onnxruntime", "numpy", "pyarrow", "scikit-learn"]


@dataclasses.dataclass(frozen=True)
class Hyperparameters:
    """XGBoost's, by its own names. The defaults are cautious: many shallow trees, each on half of the columns."""

    max_depth: int = 4
    learning_rate: float = 0.03
    num_round: int = 1500
    early_stopping_rounds: int = 40
    subsample: float = 0.7
    colsample_bytree: float = 0.5
    min_child_weight: float = 10.0
    reg_lambda: float = 5.0
    gamma: float = 0.0
    seed: int = 7


def train(job: Job) -> None:
    settings = job.hyperparameters(Hyperparameters)
    tables = read_tables(job)
    booster = fit(
        settings,
        VALUES if tables.is_regression else CLASSES,
        job.cpus,
        *(xgboost.DMatrix(tables.matrices[name], tables.splits[name].labels) for name in ("train", "validation")),
        job.model_dir / "metrics.jsonl",
        Checkpoints.of(job),
    )
    booster.save_model(job.model_dir / "model.ubj")
    booster.save_model(job.model_dir / "trees.json")
    fitted = Fitted(
        framework=f"xgboost {xgboost.__version__}",
        predict=booster.inplace_predict,
        export=lambda file: export_onnx(booster, len(tables.signature["inputs"]), file),
        best_iteration=booster.num_boosted_rounds() - 1,
        feature_importance=feature_importance(booster, tables.signature),
    )
    leave_artifact(job, tables, fitted, settings, PACKAGES)


def fit(
    settings: Hyperparameters,
    objective: Objective,
    cpus: int,
    training: xgboost.DMatrix,
    validation: xgboost.DMatrix,
    metrics_file: Path,
    checkpoints: Checkpoints,
) -> xgboost.Booster:
    """Boosts until the validation loss no longer falls; the booster returned ends with its best round.

    Checkpoints lie between two stretches of rounds; going on from one gives the very booster of a run without a break.
    """
    parameters = dataclasses.asdict(settings)
    rounds = parameters.pop("num_round")
    patience = parameters.pop("early_stopping_rounds")
    parameters |= {"objective": objective.name, "eval_metric": objective.eval_metric, "nthread": cpus}

    resumed = checkpoints.resume()
    grown = bytearray((resumed.folder / "model.ubj").read_bytes()) if resumed else None
    log = MetricsLog(metrics_file, (resumed.folder / "metrics.jsonl").read_text() if resumed else "")
    losses = [json.loads(line)["metrics"][objective.loss] for line in log.text.splitlines()]
    while True:
        booster = xgboost.Booster({**parameters, "seed": settings.seed + len(losses)}, [training, validation])
        if grown:
            booster.load_model(grown)
        for step in range(len(losses), len(losses) + STRETCH_ROUNDS):
            booster.update(training, step)
            metrics = evaluate(booster, step, {"train": training, "validation": validation})
            log.step(step, metrics)
            losses.append(metrics[objective.loss])
            if len(losses) == rounds or step - best_round(losses) >= patience:
                log.kept(best_round(losses))
                return booster[: best_round(losses) + 1]
        grown = booster.save_raw("ubj")
        if checkpoints.due():
            with checkpoints.saving(len(losses)) as folder:
                (folder / "model.ubj").write_bytes(grown)
                (folder / "metrics.jsonl").write_text(log.text)


def best_round(losses: list[float]) -> int:
    return losses.index(min(losses))


def evaluate(booster: xgboost.Booster, step: int, data: dict[str, xgboost.DMatrix]) -> dict[str, float]:
    """Each evaluation metric on each matrix, out of XGBoost's own line: `[0] train-logloss:0.6 train-auc:0.7 …`."""
    text = booster.eval_set([(matrix, name) for name, matrix in data.items()], step)
    return {name: float(value) for name, _, value in (part.rpartition(":") for part in text.split()[1:])}


def feature_importance(booster: xgboost.Booster, signature: dict[str, Any]) -> dict[str, float]:
    """Mean gain of the splits on each input; 0 for an input that no tree uses."""
    gains = booster.get_score(importance_type="gain")
    return {entry["name"]: float(gains.get(f"f{column}", 0.0)) for column, entry in enumerate(signature["inputs"])}


if __name__ == "__main__":
    run(train)
