"""Trains a tabular classifier with XGBoost, as its declaration describes it. Runs in a SageMaker training job.

Channels: train, validation, test (Parquet: one column an input, and `label` of 0 and 1) and declaration (one JSON file).
Leaves in the model folder: model.onnx, model.ubj, signature.json, baseline.json, golden.json, metrics.jsonl,
training.json, and below pictures/ what there is to look at.
"""

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

import xgboost

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "library"))

from meridian_training.baseline import describe_rows
from meridian_training.checkpoints import Checkpoints
from meridian_training.dataset import read_declaration, read_split
from meridian_training.export import export_onnx, prove_parity
from meridian_training.golden import golden_rows
from meridian_training.job import Job, run
from meridian_training.metrics_log import MetricsLog, as_text
from meridian_training.pictures import draw_classifier, draw_feature_importance, draw_loss_curves
from meridian_training.provenance import environment
from meridian_training.report import held_out_metrics, write_json
from meridian_training.signature import encode, learn_signature

# A booster draws rows and columns from a generator that no file keeps. One that is made anew from its bytes every so many
# rounds, with a seed of that round's own, comes out the same whether or not another process goes on from those bytes.
STRETCH_ROUNDS = 20

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
        job.model_dir / "metrics.jsonl",
        Checkpoints.of(job),
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
    draw_classifier(
        job.model_dir, splits["test"].labels, predict(matrices["test"]), [str(name) for name in signature["classes"]]
    )
    draw_loss_curves(job.model_dir)
    draw_feature_importance(job.model_dir, feature_importance(booster, signature))


def fit(
    settings: Hyperparameters,
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
    parameters |= {"objective": "binary:logistic", "eval_metric": ["logloss", "auc"], "nthread": cpus}

    resumed = checkpoints.resume()
    grown = bytearray((resumed.folder / "model.ubj").read_bytes()) if resumed else None
    log = MetricsLog(metrics_file, (resumed.folder / "metrics.jsonl").read_text() if resumed else "")
    losses = [json.loads(line)["metrics"]["validation-logloss"] for line in log.text.splitlines()]
    while True:
        booster = xgboost.Booster({**parameters, "seed": settings.seed + len(losses)}, [training, validation])
        if grown:
            booster.load_model(grown)
        for step in range(len(losses), len(losses) + STRETCH_ROUNDS):
            booster.update(training, step)
            metrics = evaluate(booster, step, {"train": training, "validation": validation})
            log.step(step, metrics)
            losses.append(metrics["validation-logloss"])
            if len(losses) == rounds or step - best_round(losses) >= patience:
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
