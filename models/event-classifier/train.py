"""Fine-tunes a BERT as a classifier of texts, as its declaration describes it. Runs in a SageMaker training job.

Channels: train, validation, test (Parquet: the event's join keys, the text, and `label`, a class's index), declaration (one
JSON file) and base-model (a BERT in Hugging Face's format). Several hosts, or GPUs by torchrun, train together.
Leaves in the model folder: model.onnx, tokenizer.json, tokenizer_config.json, signature.json, baseline.json, golden.json,
metrics.jsonl, training.json, pictures/.
"""

import dataclasses
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
import transformers
from tokenizers import Tokenizer

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "library"))

from meridian_training.base_model import TOKENIZER, TOKENIZER_CONFIG, BaseModel, open_base_model
from meridian_training.checkpoints import Checkpoints
from meridian_training.dataset import read_declaration
from meridian_training.fine_tuning import Fitted, Settings, Texts, check_settings, fine_tune
from meridian_training.job import Job, run
from meridian_training.metrics_log import as_text
from meridian_training.pictures import draw_classifier, draw_loss_curves
from meridian_training.provenance import environment
from meridian_training.quantize import compare_quantized, quantize_text_graph
from meridian_training.report import class_metrics, write_json
from meridian_training.spacing import evenly_spaced
from meridian_training.text_baseline import describe_texts
from meridian_training.text_dataset import TextSplit, declared_classes, read_text_splits, text_input
from meridian_training.text_golden import text_golden_rows
from meridian_training.text_graph import (
    GRAPH,
    TextGraph,
    export_text_graph,
    native_probabilities,
    prove_text_parity,
)
from meridian_training.text_model import TextClassifier
from meridian_training.text_tokens import encode, save_tokenizer, tokenizer_for
from meridian_training.torch_hosts import Hosts, joined_hosts

PACKAGES = ["torch", "transformers", "tokenizers", "onnx", "onnxruntime", "numpy", "pyarrow", "scikit-learn"]
# How many training rows the graph answers for the baseline: enough for the shares of its classes.
MOST_BASELINE_ANSWERS = 10_000


@dataclass(frozen=True)
class Hyperparameters(Settings):
    """Those of the fitting, and how many tokens of a text are read, special tokens included."""

    max_tokens: int = 64


@dataclass(frozen=True)
class Task:
    declaration: dict[str, Any]
    classes: list[str]
    splits: dict[str, TextSplit]
    tokens: dict[str, Texts]


def train(job: Job) -> None:
    settings = job.hyperparameters(Hyperparameters)
    base = open_base_model(job.channel("base-model"))
    check_settings(settings, int(base.config["num_hidden_layers"]))
    tokenizer = tokenizer_for(base, settings.max_tokens)
    task = read_task(job, tokenizer)
    with joined_hosts(job) as hosts:
        fitted = fine_tune(
            settings,
            new_classifier(settings, base, len(task.classes)),
            task.tokens["train"],
            task.tokens["validation"],
            base.pad_id,
            hosts,
            Checkpoints.of(job),
            job.model_dir / "metrics.jsonl",
        )
        if hosts.is_first:
            save_tokenizer(tokenizer, base, settings.max_tokens, job.model_dir)
            leave_artifact(job, settings, base, tokenizer, task, fitted, hosts)


def read_task(job: Job, tokenizer: Tokenizer) -> Task:
    declaration = read_declaration(job.channel("declaration"))
    splits = read_text_splits({name: job.channel(name) for name in ("train", "validation", "test")}, declaration)
    print(" ".join(f"{name}={len(split.texts)}" for name, split in splits.items()), "rows", flush=True)
    tokens = {name: Texts(encode(tokenizer, split.texts), split.labels) for name, split in splits.items()}
    return Task(declaration, declared_classes(declaration), splits, tokens)


def new_classifier(settings: Hyperparameters, base: BaseModel, classes: int) -> TextClassifier:
    torch.manual_seed(settings.seed)
    return TextClassifier(base.encoder(), classes, settings.dropout)


def leave_artifact(
    job: Job,
    settings: Hyperparameters,
    base: BaseModel,
    tokenizer: Tokenizer,
    task: Task,
    fitted: Fitted,
    hosts: Hosts,
) -> None:
    """The graph, int8 where that costs little, and the files that say what it is."""
    folder = job.model_dir
    test = task.tokens["test"]
    parity, quantisation = leave_graph(job, base, task, fitted, hosts)
    graph = TextGraph(folder / "model.onnx", base.pad_id, job.cpus)
    write_json(folder / "signature.json", signature(settings, base, task))
    write_json(folder / "golden.json", text_golden_rows(tokenizer, graph, task.splits["test"].texts, quantisation["accepted"]))
    write_json(folder / "baseline.json", baseline(graph, task))
    probabilities = graph.probabilities(test.rows)
    metrics = class_metrics(test.labels, probabilities, task.classes)
    print("held-out", as_text({f"test-{name}": value for name, value in metrics.items() if "." not in name}), flush=True)
    draw_classifier(folder, test.labels, probabilities, task.classes)
    draw_loss_curves(folder)
    write_json(
        folder / "training.json",
        {
            "formatVersion": 1,
            "framework": f"torch {torch.__version__}, transformers {transformers.__version__}",
            "seed": settings.seed,
            "rows": {name: len(split.texts) for name, split in task.splits.items()},
            "bestIteration": fitted.epoch,
            "steps": fitted.steps,
            "hosts": hosts.count,
            "device": str(hosts.device),
            "metrics": metrics,
            "parity": parity,
            "quantisation": quantisation,
            "hyperparameters": dataclasses.asdict(settings),
            "environment": environment(PACKAGES),
            "featureImportance": {},
        },
    )


def leave_graph(
    job: Job, base: BaseModel, task: Task, fitted: Fitted, hosts: Hosts
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Writes model.onnx; gives the parity of the graph as trained, and what quantising it came to."""
    test, validation = task.tokens["test"], task.tokens["validation"]
    native = native_probabilities(fitted.classifier, test.rows, base.pad_id, hosts.device)
    with TemporaryDirectory() as temporary:
        files = {name: Path(temporary) / f"{name}.onnx" for name in ("fp32", "int8")}
        export_text_graph(fitted.classifier, files["fp32"])
        parity = prove_text_parity(TextGraph(files["fp32"], base.pad_id, job.cpus).probabilities(test.rows), native)
        print(f"parity: largest difference {parity['maxDifference']:.3g} on {parity['rows']} held-out rows", flush=True)
        quantize_text_graph(files["fp32"], files["int8"])
        quantisation = compare_quantized(files, validation.rows, validation.labels, base.pad_id)
        accepted = quantisation["accepted"]
        shutil.copyfile(files["int8" if accepted else "fp32"], job.model_dir / "model.onnx")
    print(f"int8 {'accepted' if accepted else 'refused'}: macro-F1 drops by {quantisation['drop']:.4f}", flush=True)
    return parity, quantisation


def signature(settings: Hyperparameters, base: BaseModel, task: Task) -> dict[str, Any]:
    return {
        "formatVersion": 1,
        "kind": task.declaration["kind"],
        "inputs": [{"name": text_input(task.declaration)["name"], "type": "text"}],
        "tokenizer": {
            "file": TOKENIZER,
            "config": TOKENIZER_CONFIG,
            "maxTokens": settings.max_tokens,
            "padId": base.pad_id,
        },
        "graph": GRAPH,
        "classes": task.classes,
    }


def baseline(graph: TextGraph, task: Task) -> dict[str, Any]:
    split, tokens = task.splits["train"], task.tokens["train"]
    answered = evenly_spaced(len(tokens.rows), MOST_BASELINE_ANSWERS)
    predicted = graph.probabilities([tokens.rows[row] for row in answered]).argmax(axis=1)
    name = text_input(task.declaration)["name"]
    return describe_texts(name, split.texts, tokens.rows, split.labels, predicted, task.classes)


if __name__ == "__main__":
    run(train)
