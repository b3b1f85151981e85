"""Trains a tabular classifier with XGBoost, as its declaration describes it. Runs in a SageMaker training job.

Channels: train, validation, test (Parquet: one column an input, and `label` of 0 and 1) and declaration (one JSON file).
Leaves in the model folder: model.onnx, model.ubj, signature.json, baseline.json, golden.json, metrics.jsonl,
training.json.
"""

import dataclasses
import sys
from pathlib import Path
from typing import Any

import xgboost

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "library"))

from meridian_training.baseline import describe_rows
from meridian_training.dataset import read_declaration, read_split
from meridian_training.export import export_onnx, prove_parity
from meridian_training.golden import golden_rows
from meridian_training.job import Job, run
from meridian_training.metrics_log import MetricsLog, as_text
from meridian_training.report import environment, held_out_metrics, write_json
from meridian_training.signature import encode, learn_signature

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
    declaration = read_declaration(job.channel("declaration"))
    splits = {
        name: read_split(name, job.channel(name), declaration["inputs"]) for name in ("train", "validation", "test")
    }
    signature = learn_signature(declaration, splits["train"].table)
    matrices = {name: encode(signature, split.table) for name, split in splits.items()}
    print(" ".join(f"{name}={len(matrix)}" for name, matrix in matrices.items()), "rows", flush=True)

    booster = fit(
        settings,
        job.cpus,
        xgboost.DMatrix(matrices["train"], splits["train"].labels),
        xgboost.DMatrix(matrices["validation"], splits["validation"].labels),
        MetricsLog(job.model_dir / "metrics.jsonl"),
    )
    predict = booster.inplace_predict
    booster.save_model(job.model_dir / "model.ubj")
    write_json(job.model_dir / "signature.json", signature)
    export_onnx(booster, len(signature["inputs"]), job.model_dir / "model.onnx")
    parity = prove_parity(job.model_dir / "model.onnx", signature, matrices["test"], predict)
    print(f"parity: largest difference {parity['maxDifference']:.3g} on {parity['rows']} held-out rows", flush=True)

    write_json(
        job.model_dir / "baseline.json",
        describe_rows(signature, splits["train"].table, predict(matrices["train"])),
    )
    write_json(job.model_dir / "golden.json", golden_rows(signature, splits["test"].table, predict))
    metrics = held_out_metrics(splits["test"].labels, predict(matrices["test"]))
    print("held-out", as_text({f"test-{name}": value for name, value in metrics.items()}), flush=True)
    write_json(
        job.model_dir / "training.json",
        {
            "formatVersion": 1,
            "framework": f"xgboost {xgboost.__version__}",
            "seed": settings.seed,
            "rows": {name: len(matrix) for name, matrix in matrices.items()},
            "bestIteration": booster.num_boosted_rounds() - 1,
            "metrics": metrics,
            "parity": parity,
            "hyperparameters": dataclasses.asdict(settings),
            "environment": environment(PACKAGES),
            "featureImportance": feature_importance(booster, signature),
        },
    )


def fit(
    settings: Hyperparameters,
    cpus: int,
    training: xgboost.DMatrix,
    validation: xgboost.DMatrix,
    log: MetricsLog,
) -> xgboost.Booster:
    """Boosts until the validation loss no longer falls; the booster returned ends with its best round."""
    parameters = dataclasses.asdict(settings)
    rounds = parameters.pop("num_round")
    patience = parameters.pop("early_stopping_rounds")
    booster = xgboost.train(
        {**parameters, "objective": "binary:logistic", "eval_metric": ["logloss", "auc"], "nthread": cpus},
        training,
        num_boost_round=rounds,
        evals=[(training, "train"), (validation, "validation")],
        verbose_eval=False,
        callbacks=[
            LogEveryRound(log),
            xgboost.callback.EarlyStopping(rounds=patience, metric_name="logloss", data_name="validation"),
        ],
    )
    return booster[: booster.best_iteration + 1]


class LogEveryRound(xgboost.callback.TrainingCallback):
    def __init__(self, log: MetricsLog) -> None:
        super().__init__()
        self._log = log

    def after_iteration(self, model: Any, epoch: int, evals_log: dict[str, dict[str, list[float]]]) -> bool:
        self._log.step(
            epoch,
            {f"{data}-{metric}": values[-1] for data, metrics in evals_log.items() for metric, values in metrics.items()},
        )
        return False


def feature_importance(booster: xgboost.Booster, signature: dict[str, Any]) -> dict[str, float]:
    """Mean gain of the splits on each input; 0 for an input that no tree uses."""
    gains = booster.get_score(importance_type="gain")
    return {entry["name"]: float(gains.get(f"f{column}", 0.0)) for column, entry in enumerate(signature["inputs"])}


if __name__ == "__main__":
    run(train)
