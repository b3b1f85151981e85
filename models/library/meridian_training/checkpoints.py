"""Checkpoints that survive what becomes of a job: saved on a clock, whole or not at all, resumed from the newest whole one.

SageMaker keeps /opt/ml/checkpoints in S3 while the program runs, file by file, and brings it back when a spot instance
is replaced or another job goes on from it. A folder may therefore come back with the newest checkpoint half written: each
has a manifest of its files' hashes, and one that does not agree with its manifest is named and left aside.

    checkpoints = Checkpoints.of(job)
    resumed = checkpoints.resume()
    if resumed:
        model.load_state_dict(torch.load(resumed.folder / "state.pt"))
    for step in range(resumed.step if resumed else 0, steps):
        ...
        if checkpoints.due():
            with checkpoints.saving(step + 1) as folder:
                torch.save(model.state_dict(), folder / "state.pt")

Where several hosts train together they share one folder: only the first of them saves.
"""

import hashlib
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .job import Job

MANIFEST = "manifest.json"
PARTIAL = ".partial"
# Of which the newest may be cut off.
KEPT = 2
DEFAULT_SECONDS = 60.0
# What a shell reports of a process that SIGTERM ended.
STOPPED = 128 + signal.SIGTERM


@dataclass(frozen=True)
class Checkpoint:
    # Steps done when it was saved: training goes on with this one, counted from 0.
    step: int
    folder: Path


class Checkpoints:
    """The checkpoints of one job. Where the job has no folder for them (`folder` is None) none is ever due or found."""

    def __init__(self, folder: Path | None, every_seconds: float = DEFAULT_SECONDS) -> None:
        self._folder = folder
        self._every_seconds = every_seconds
        self._saved_at = time.monotonic()
        self._told_to_stop = False
        self._not_whole: set[Path] = set()

    @classmethod
    def of(cls, job: Job) -> "Checkpoints":
        """As the job's CheckpointConfig says; MERIDIAN_CHECKPOINT_SECONDS is the least time between two."""
        seconds = job.environment.get("MERIDIAN_CHECKPOINT_SECONDS")
        config = job.base_dir / "input" / "config" / "checkpointconfig.json"
        if config.exists():
            local_path = json.loads(config.read_text()).get("LocalPath")
            folder = Path(local_path) if local_path else job.base_dir / "checkpoints"
        else:
            folder = job.base_dir / "checkpoints" if seconds else None
        checkpoints = cls(folder, float(seconds) if seconds else DEFAULT_SECONDS)
        if folder:
            signal.signal(signal.SIGTERM, lambda *_: checkpoints.stop())
        return checkpoints

    def resume(self) -> Checkpoint | None:
        """The newest whole checkpoint, and a line that says so; None where there is none to go on from."""
        if not self._folder or not self._folder.is_dir():
            return None
        for checkpoint in self._newest_first():
            wrong = _what_is_wrong(checkpoint.folder)
            if wrong is None:
                print(f"resumed from step {checkpoint.step}", flush=True)
                return checkpoint
            self._not_whole.add(checkpoint.folder)
            print(f"checkpoint {checkpoint.folder.name} is not whole and is left aside: {wrong}", flush=True)
        print("resumed from step 0: no whole checkpoint", flush=True)
        return None

    def due(self) -> bool:
        """Whether the time has come to save: by the clock, or because the job is being stopped."""
        if not self._folder:
            return False
        return self._told_to_stop or time.monotonic() - self._saved_at >= self._every_seconds

    @contextmanager
    def saving(self, step: int) -> Iterator[Path]:
        """Gives a folder to write the state after `step` steps into; it becomes a checkpoint when the block ends well.

        Ends the program where it has been told to stop: SageMaker gives it two minutes, and what is saved now is kept.
        """
        if not self._folder:
            raise RuntimeError("This job keeps no checkpoints: ask due() before saving.")
        folder = self._folder / f"step-{step:012d}"
        # Beside the folder, not in it: what is not yet whole need not go to S3.
        partial = self._folder.with_name(f"{self._folder.name}{PARTIAL}")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        yield partial
        _seal(partial)
        shutil.rmtree(folder, ignore_errors=True)
        self._folder.mkdir(parents=True, exist_ok=True)
        # Renames, or copies where the folder is a disk of its own; one that is cut off does not agree with its manifest.
        shutil.move(partial, folder)
        self._saved_at = time.monotonic()
        self._not_whole.discard(folder)
        self._tidy()
        print(f"checkpoint at step {step}", flush=True)
        if self._told_to_stop:
            sys.exit(STOPPED)

    def stop(self) -> None:
        """Makes a checkpoint due at once, and the program end with it."""
        self._told_to_stop = True

    def _tidy(self) -> None:
        """Removes what nobody goes on from. Only who saves does, so that hosts that share a folder in S3 never race."""
        whole = [one.folder for one in self._newest_first() if one.folder not in self._not_whole]
        for folder in [*whole[KEPT:], *self._not_whole]:
            shutil.rmtree(folder)
        self._not_whole.clear()

    def _newest_first(self) -> list[Checkpoint]:
        folders = [folder for folder in self._folder.glob("step-*") if folder.name.removeprefix("step-").isdigit()]
        found = [Checkpoint(int(folder.name.removeprefix("step-")), folder) for folder in folders]
        return sorted(found, key=lambda checkpoint: checkpoint.step, reverse=True)


def _seal(folder: Path) -> None:
    """Writes the manifest: each file's sha256. What it names is on the disk before it."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    for file in files:
        with file.open("rb+") as opened:
            os.fsync(opened.fileno())
    manifest = {str(file.relative_to(folder)): _sha256(file) for file in files}
    (folder / MANIFEST).write_text(json.dumps(manifest))


def _what_is_wrong(folder: Path) -> str | None:
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
    except FileNotFoundError:
        return f"found no {MANIFEST}"
    except ValueError:
        return f"found a {MANIFEST} that is cut off"
    if not isinstance(manifest, dict):
        return f"found a {MANIFEST} that names no files"
    for name, expected in manifest.items():
        file = folder / name
        if not file.is_file():
            return f"found no {name}"
        if _sha256(file) != expected:
            return f"found {name} with another content than was saved ({file.stat().st_size} bytes)"
    return None


def _sha256(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as opened:
        while block := opened.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
