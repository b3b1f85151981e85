"""Trains autoencoders over windows of metrics, as their declaration describes them. Runs in a SageMaker training job.

Channels: train, validation, test (Parquet: series, time, value; each split later than the one before) and declaration (one
JSON file). Nobody labels anything. Several hosts, or GPUs by torchrun, train together.
Leaves in the model folder: model.onnx, signature.json, baseline.json, golden.json, metrics.jsonl, training.json, pictures/.
"""

import dataclasses
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "library"))

from meridian_training.checkpoints import Checkpoints
from meridian_training.dataset import read_declaration
from meridian_training.job import Job, run
from meridian_training.metrics_log import as_text
from meridian_training.pictures import draw_anomaly_scores, draw_loss_curves
from meridian_training.provenance import environment
from meridian_training.report import write_json
from meridian_training.series_autoencoder import SeriesAutoencoder, SeriesScores
from meridian_training.series_dataset import Windows, read_windows, series_names
from meridian_training.series_graph import GRAPH, SeriesGraph, export_series_graph, prove_series_parity
from meridian_training.series_reference import describe_series, series_golden_rows
from meridian_training.series_threshold import learn_threshold
from meridian_training.series_training import Settings, check_settings, fit, new_autoencoder, window_errors
from meridian_training.torch_hosts import Hosts, joined_hosts

PACKAGES = ["torch", "onnx", "onnxruntime", "numpy", "pyarrow", "scikit-learn"]
SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Task:
    # `series` of the declaration.
    declared: dict[str, Any]
    names: list[str]
    splits: dict[str, Windows]


def train(job: Job) -> None:
    settings = job.hyperparameters(Settings)
    check_settings(settings)
    task = read_task(job)
    with joined_hosts(job) as hosts:
        autoencoder = new_autoencoder(settings, task.splits["train"], task.names)
        metrics_file = job.model_dir / "metrics.jsonl"
        fit(settings, autoencoder, task.splits["train"], task.splits["validation"], hosts, Checkpoints.of(job), metrics_file)
        if hosts.is_first:
            leave_artifact(job, settings, task, autoencoder, hosts)


def read_task(job: Job) -> Task:
    declared = read_declaration(job.channel("declaration"))["series"]
    names = series_names(job.channel("train"))
    splits = {split: read_windows(split, job.channel(split), names, declared) for split in SPLITS}
    print(" ".join(f"{split}={len(windows)}" for split, windows in splits.items()), f"windows of {len(names)} series", flush=True)
    return Task(declared, names, splits)


def leave_artifact(job: Job, settings: Settings, task: Task, autoencoder: SeriesAutoencoder, hosts: Hosts) -> None:
    """The graph, with normalisation and thresholds inside, and the files that say what it is."""
    folder = job.model_dir
    errors = {split: window_errors(autoencoder, windows, hosts.device) for split, windows in task.splits.items()}
    thresholds = learn_thresholds(task, errors)
    scores = {split: errors[split] / thresholds[windows.series] for split, windows in task.splits.items()}
    export_series_graph(SeriesScores(autoencoder, torch.from_numpy(thresholds)), task.declared["windowSteps"], folder / "model.onnx")
    test = task.splits["test"]
    parity = prove_series_parity(SeriesGraph(folder / "model.onnx", job.cpus).scores(test), scores["test"])
    print(f"parity: largest difference {parity['maxDifference']:.3g} on {parity['rows']} held-out windows", flush=True)

    metrics = {"alertRate": float((scores["test"] > 1).mean()), "error": float(np.median(errors["test"]))}
    print("held-out", as_text({f"test-{name}": value for name, value in metrics.items()}), flush=True)
    write_json(folder / "signature.json", signature(task))
    write_json(folder / "baseline.json", describe_series(task.names, task.splits["train"], scores["train"]))
    write_json(folder / "golden.json", series_golden_rows(task.names, test, scores["test"]))
    draw_anomaly_scores(folder, scores["test"])
    draw_loss_curves(folder)
    write_json(
        folder / "training.json",
        {
            "formatVersion": 1,
            "framework": f"torch {torch.__version__}",
            "seed": settings.seed,
            "rows": {split: len(windows) for split, windows in task.splits.items()},
            "bestIteration": settings.epochs - 1,
            "hosts": hosts.count,
            "device": str(hosts.device),
            "metrics": metrics,
            "series": {name: describe_one(task, scores, thresholds, index) for index, name in enumerate(task.names)},
            "parity": parity,
            "hyperparameters": dataclasses.asdict(settings),
            "environment": environment(PACKAGES),
            "featureImportance": {},
        },
    )


def learn_thresholds(task: Task, errors: dict[str, np.ndarray]) -> np.ndarray:
    """float32 [series]: of each series its own, in deviations."""
    own = [{split: errors[split][windows.series == index] for split, windows in task.splits.items()} for index in range(len(task.names))]
    rate = task.declared["alertRate"]
    return np.array([learn_threshold(one["train"], one["validation"], rate) for one in own], dtype=np.float32)


def describe_one(task: Task, scores: dict[str, np.ndarray], thresholds: np.ndarray, index: int) -> dict[str, float]:
    """A series' threshold, and how often each split is above it."""
    above = {
        f"{split}AlertRate": float((scores[split][windows.series == index] > 1).mean())
        for split, windows in task.splits.items()
    }
    return {"threshold": float(thresholds[index]), **above}


def signature(task: Task) -> dict[str, Any]:
    return {
        "formatVersion": 1,
        "kind": "metric-anomaly",
        "everySeconds": task.declared["everySeconds"],
        "windowSteps": task.declared["windowSteps"],
        "series": task.names,
        "graph": GRAPH,
    }


if __name__ == "__main__":
    run(train)
