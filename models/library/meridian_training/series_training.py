"""Training of the autoencoders of series, step by step; one that is interrupted goes on from a checkpoint to the same weights.

Which windows a step takes is drawn by the seed and the step alone, so that a checkpoint needs no generator's state.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .checkpoints import Checkpoints
from .job import JobError, check_bounds
from .metrics_log import MetricsLog
from .series_autoencoder import SeriesAutoencoder
from .series_dataset import Windows
from .torch_checkpoints import load_state, save_state
from .torch_hosts import Hosts

METRICS_FILE = "metrics.jsonl"
# Share of the steps in which the learning rate rises; then it falls to 0.
WARM_UP = 0.1
ROWS_A_RUN = 1024


@dataclass(frozen=True)
class Settings:
    epochs: int = 40
    # However long the series are: a short one needs as many as a long one.
    epoch_steps: int = 25
    # Windows of each series, of one host.
    batch_size: int = 128
    learning_rate: float = 0.01
    weight_decay: float = 1e-5
    hidden: int = 64
    # Numbers that a window is squeezed into.
    code: int = 4
    # Waves a day by which the time of day is told; more of them tell it more sharply: 48 of them, to a quarter of an hour.
    harmonics: int = 48
    # On what is seen in training, in deviations of the series.
    noise: float = 0.3
    seed: int = 7


def check_settings(settings: Settings) -> None:
    """Raises JobError naming the first hyperparameter that is out of bounds."""
    check_bounds(
        settings,
        {
            "epochs": (1, 100_000),
            "epoch_steps": (1, 1_000_000),
            "batch_size": (1, 1_000_000),
            "learning_rate": (1e-9, 10),
            "weight_decay": (0, 1),
            "hidden": (1, 65_536),
            "code": (1, 65_536),
            "harmonics": (1, 720),
            "noise": (0, 10),
            "seed": (0, 2**32 - 1),
        },
    )


def new_autoencoder(settings: Settings, training: Windows, names: list[str]) -> SeriesAutoencoder:
    """Normalised by mean and deviation of each series' training values; raises JobError naming a series without any."""
    values, _, series = training.rows()
    mean, deviation = np.zeros(len(names)), np.zeros(len(names))
    for index, name in enumerate(names):
        own = values[series == index, -1].astype(np.float64)
        mean[index], deviation[index] = own.mean(), own.std()
        if not deviation[index] > 0:
            raise JobError(f"Series {name}: found the same value {own[0]:g} in every window that trains, expected values that vary.")
    return SeriesAutoencoder(
        torch.from_numpy(mean.astype(np.float32)),
        torch.from_numpy(deviation.astype(np.float32)),
        training.steps,
        settings.hidden,
        settings.code,
        settings.harmonics,
        settings.seed,
    )


def fit(
    settings: Settings,
    autoencoder: SeriesAutoencoder,
    training: Windows,
    validation: Windows,
    hosts: Hosts,
    checkpoints: Checkpoints,
    metrics_file: Path,
) -> None:
    """Trains for all epochs: the weights of the last one are kept, at a learning rate that has fallen to nothing."""
    autoencoder.to(hosts.device)
    optimizer = torch.optim.AdamW(autoencoder.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    resumed = checkpoints.resume()
    progress = load_state(resumed.folder, autoencoder, optimizer) if resumed else {"loss": 0.0}
    log = MetricsLog(metrics_file, (resumed.folder / METRICS_FILE).read_text() if resumed else "") if hosts.is_first else None
    begin = resumed.step if resumed else 0
    hosts.agree("The step that training goes on from", begin)
    model = hosts.together(autoencoder)
    batches = Batches(settings, training, hosts)

    steps = settings.epochs * settings.epoch_steps
    for step in range(begin, steps):
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * learning_rate_share(step, steps)
        loss = model(*batches.of(step)).square().mean()
        optimizer.zero_grad(set_to_none=True)
        # Each series learns as fast as it would alone.
        (loss * batches.series).backward()
        optimizer.step()
        if not math.isfinite(loss.item()):
            raise JobError(f"Step {step}: the loss became {loss.item()}. Lower learning_rate, which is {settings.learning_rate:g}.")
        progress["loss"] += loss.item()
        done = step + 1
        if log is None:
            continue
        if done % settings.epoch_steps == 0:
            # The median: of anomalies among them, the mean would tell nothing else.
            measured = float(np.median(window_errors(autoencoder, validation, hosts.device)))
            epoch = done // settings.epoch_steps - 1
            log.step(epoch, {"train-loss": progress["loss"] / settings.epoch_steps, "validation-error": measured})
            progress["loss"] = 0.0
        if checkpoints.due():
            with checkpoints.saving(done) as folder:
                save_state(folder, autoencoder, optimizer, progress)
                (folder / METRICS_FILE).write_text(log.text)


def learning_rate_share(step: int, steps: int) -> float:
    """Rises in a line over the first tenth of the steps, then falls to 0 as a cosine does (Loshchilov and Hutter 2017)."""
    rising = math.ceil(steps * WARM_UP)
    if step < rising:
        return (step + 1) / rising
    return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))


def window_errors(autoencoder: SeriesAutoencoder, windows: Windows, device: torch.device) -> np.ndarray:
    """float32 [windows]: by how many deviations of its series the newest value of each window is off."""
    errors = []
    with torch.no_grad():
        for start in range(0, len(windows), ROWS_A_RUN):
            rows = windows.rows(slice(start, start + ROWS_A_RUN))
            errors.append(autoencoder.errors(*(torch.from_numpy(one).to(device) for one in rows)).cpu().numpy())
    return np.concatenate(errors)


class Batches:
    """The windows of each step, as many of every series, and the noise on them: drawn anew each time."""

    def __init__(self, settings: Settings, training: Windows, hosts: Hosts) -> None:
        self._settings = settings
        self._training = training
        self._hosts = hosts
        self._of = [np.flatnonzero(training.series == index) for index in range(int(training.series.max()) + 1)]

    @property
    def series(self) -> int:
        return len(self._of)

    def of(self, step: int) -> tuple[Tensor, Tensor, Tensor]:
        """values: [series, batch, steps], minute: [series, batch], noise: like values; this host's share of the draw."""
        random = np.random.default_rng([self._settings.seed, step])
        size = self._settings.batch_size * self._hosts.count
        drawn = np.stack([own[random.integers(0, len(own), size)] for own in self._of])
        noise = random.standard_normal((*drawn.shape, self._training.steps), np.float32) * np.float32(self._settings.noise)
        mine = np.s_[:, self._hosts.rank :: self._hosts.count]
        values, minutes, _ = self._training.rows(drawn[mine].ravel())
        shape = (len(self._of), self._settings.batch_size)
        rows = (values.reshape(*shape, -1), minutes.reshape(shape), np.ascontiguousarray(noise[mine]))
        values, minutes, noise = (torch.from_numpy(one).to(self._hosts.device) for one in rows)
        return values, minutes, noise
