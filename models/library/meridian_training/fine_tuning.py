"""Fine-tuning of a text classifier, step by step; one that is interrupted goes on from a checkpoint to the same weights.

Whatever is drawn at random is drawn by the seed and the step alone: an epoch's order, and what dropout leaves out. So a
checkpoint needs no generator's state, and resuming gives the weights of a training without a break, bit by bit on a CPU.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from .checkpoints import Checkpoints
from .job import JobError, check_bounds
from .metrics_log import MetricsLog
from .report import class_metrics
from .text_graph import native_probabilities
from .text_model import TextClassifier, freeze
from .text_tokens import Ids, pad
from .torch_checkpoints import learned_weights, load_state, restore_weights, save_state
from .torch_hosts import Hosts

METRICS_FILE = "metrics.jsonl"
GRADIENT_NORM = 1.0
# Batches that are sorted by length together: of more, an epoch would no longer be in random order.
SORTED_BATCHES = 8


@dataclass(frozen=True)
class Settings:
    epochs: int = 3
    learning_rate: float = 1e-4
    # Of the new layer, which begins at random.
    head_learning_rate: float = 1e-3
    # Of one host.
    batch_size: int = 16
    # Encoder layers, from the first on, that stay as they are, and the embeddings with them.
    frozen_layers: int = 0
    # Share of all steps in which the learning rate rises; then it falls to 0.
    warm_up: float = 0.1
    weight_decay: float = 0.01
    label_smoothing: float = 0.0
    dropout: float = 0.1
    log_every: int = 5
    seed: int = 7


@dataclass(frozen=True)
class Texts:
    rows: list[Ids]
    # int64 [rows]: the class's index.
    labels: np.ndarray


@dataclass(frozen=True)
class Fitted:
    classifier: TextClassifier
    # The one whose weights were kept: the best macro-F1 on the validation rows, counted from 0.
    epoch: int
    steps: int


def check_settings(settings: Settings, layers: int) -> None:
    """Raises JobError naming the first hyperparameter that is out of bounds; `layers` are the encoder's."""
    check_bounds(
        settings,
        {
            "epochs": (1, 1000),
            "learning_rate": (0, 1),
            "head_learning_rate": (0, 1),
            "batch_size": (1, 65_536),
            "frozen_layers": (0, layers),
            "warm_up": (0, 1),
            "weight_decay": (0, 1),
            "label_smoothing": (0, 0.99),
            "dropout": (0, 0.99),
            "log_every": (1, 1_000_000),
            "seed": (0, 2**32 - 1),
        },
    )


def fine_tune(
    settings: Settings,
    classifier: TextClassifier,
    training: Texts,
    validation: Texts,
    pad_id: int,
    hosts: Hosts,
    checkpoints: Checkpoints,
    metrics_file: Path,
) -> Fitted:
    """Trains for all epochs; the classifier given back has the weights of the best one."""
    freeze(classifier.encoder, settings.frozen_layers)
    classifier.to(hosts.device)
    optimizer = _optimizer(settings, classifier)
    resumed = checkpoints.resume()
    progress = load_state(resumed.folder, classifier, optimizer) if resumed else {"loss": 0.0, "losses": 0, "best": None}
    log = MetricsLog(metrics_file, (resumed.folder / METRICS_FILE).read_text() if resumed else "") if hosts.is_first else None
    begin = resumed.step if resumed else 0
    hosts.agree("The step that training goes on from", begin)
    model = hosts.together(classifier)

    epoch_steps = math.ceil(len(training.rows) / (settings.batch_size * hosts.count))
    steps = settings.epochs * epoch_steps
    plan: list[np.ndarray] = []
    for step in range(begin, steps):
        epoch, place = divmod(step, epoch_steps)
        if place == 0 or not plan:
            plan = epoch_plan(settings, training.rows, epoch_steps, hosts.count, epoch)
        _set_learning_rate(optimizer, learning_rate_share(step, steps, settings.warm_up))
        torch.manual_seed(_seed(settings.seed, step, hosts.rank))
        loss = _step(settings, model, optimizer, training, plan[place][hosts.rank :: hosts.count], pad_id, hosts)
        if not math.isfinite(loss):
            raise JobError(f"Step {step}: the loss became {loss}. Lower learning_rate, which is {settings.learning_rate:g}.")
        progress["loss"] += loss
        progress["losses"] += 1
        done = step + 1
        if log is None:
            continue
        if done % settings.log_every == 0 or done == steps:
            log.step(done, {"train-loss": progress["loss"] / progress["losses"]})
            progress |= {"loss": 0.0, "losses": 0}
        if place == epoch_steps - 1:
            progress["best"] = _better(progress["best"], epoch, classifier, validation, pad_id, hosts, log, done)
        if checkpoints.due():
            with checkpoints.saving(done) as folder:
                save_state(folder, classifier, optimizer, progress)
                (folder / METRICS_FILE).write_text(log.text)
    if log is None:
        return Fitted(classifier, settings.epochs - 1, steps)
    restore_weights(classifier, progress["best"]["weights"])
    log.kept((progress["best"]["epoch"] + 1) * epoch_steps)
    return Fitted(classifier, progress["best"]["epoch"], steps)


def epoch_plan(
    settings: Settings, rows: list[Ids], steps: int, hosts: int, epoch: int
) -> list[np.ndarray]:
    """The rows of each step of an epoch, for all hosts together: every row once, some again where the last batch has room.

    The order is random; of some batches that follow each other, rows of like length are put together.
    """
    random = np.random.default_rng([settings.seed, epoch])
    together = settings.batch_size * hosts
    order = np.resize(random.permutation(len(rows)), steps * together)
    lengths = np.array([len(ids) for ids in rows])
    batches: list[np.ndarray] = []
    for start in range(0, len(order), together * SORTED_BATCHES):
        group = order[start : start + together * SORTED_BATCHES]
        group = group[np.argsort(lengths[group], kind="stable")]
        batches += np.split(group, len(group) // together)
    return [batches[index] for index in random.permutation(len(batches))]


def learning_rate_share(step: int, steps: int, warm_up: float) -> float:
    """Rises in a line over the first share of the steps, then falls in a line to 0 (Devlin et al. 2019, A.2)."""
    rising = math.ceil(steps * warm_up)
    if step < rising:
        return (step + 1) / rising
    return (steps - step) / max(1, steps - rising)


def _optimizer(settings: Settings, classifier: TextClassifier) -> torch.optim.Optimizer:
    """AdamW; biases and normalisations do not decay."""
    groups = []
    for module, rate in ((classifier.encoder, settings.learning_rate), (classifier.head, settings.head_learning_rate)):
        learning = [parameter for parameter in module.parameters() if parameter.requires_grad]
        for decay, parameters in (
            (settings.weight_decay, [one for one in learning if one.ndim > 1]),
            (0.0, [one for one in learning if one.ndim <= 1]),
        ):
            if parameters:
                groups.append({"params": parameters, "lr": rate, "full_rate": rate, "weight_decay": decay})
    return torch.optim.AdamW(groups)


def _set_learning_rate(optimizer: torch.optim.Optimizer, share: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = group["full_rate"] * share


def _seed(seed: int, step: int, rank: int) -> int:
    return int(np.random.SeedSequence([seed, step, rank]).generate_state(1)[0])


def _step(
    settings: Settings,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    training: Texts,
    batch: np.ndarray,
    pad_id: int,
    hosts: Hosts,
) -> float:
    """One step on these rows; gives their mean loss."""
    model.train()
    ids, mask = (torch.from_numpy(one).to(hosts.device) for one in pad([training.rows[row] for row in batch], pad_id))
    labels = torch.from_numpy(training.labels[batch]).to(hosts.device)
    loss = cross_entropy(model(ids, mask), labels, label_smoothing=settings.label_smoothing)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), GRADIENT_NORM)
    optimizer.step()
    return loss.item()


def _better(
    best: dict[str, Any] | None,
    epoch: int,
    classifier: TextClassifier,
    validation: Texts,
    pad_id: int,
    hosts: Hosts,
    log: MetricsLog,
    step: int,
) -> dict[str, Any]:
    """This epoch's weights where they judge the validation rows better than the best before, else those."""
    probabilities = native_probabilities(classifier, validation.rows, pad_id, hosts.device)
    found = class_metrics(validation.labels, probabilities, [str(index) for index in range(probabilities.shape[1])])
    log.step(
        step,
        {
            "validation-loss": found["logLoss"],
            "validation-accuracy": found["accuracy"],
            "validation-macroF1": found["macroF1"],
        },
    )
    # Of equal classifications the surer.
    score = [found["macroF1"], -found["logLoss"]]
    if best and score <= best["score"]:
        return best
    return {"epoch": epoch, "score": score, "weights": learned_weights(classifier)}
