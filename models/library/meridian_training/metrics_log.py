"""Metrics by step: a line for people and SageMaker's metric definitions, and metrics.jsonl for the registry."""

import json
import time
from pathlib import Path


class MetricsLog:
    def __init__(self, file: Path, resumed: str = "") -> None:
        """`resumed` is the text of the file as a checkpoint kept it: a job that goes on has the steps before, too."""
        self._file = file
        file.write_text(resumed)

    @property
    def text(self) -> str:
        """What has been logged so far, for a checkpoint to keep."""
        return self._file.read_text()

    def step(self, step: int, metrics: dict[str, float]) -> None:
        """Prints `[12] validation-auc=0.84` and appends the same to metrics.jsonl."""
        print(f"[{step}] {as_text(metrics)}", flush=True)
        line = {"step": step, "timestamp": int(time.time() * 1000), "metrics": metrics}
        with self._file.open("a") as file:
            file.write(json.dumps(line, allow_nan=False) + "\n")


def as_text(metrics: dict[str, float]) -> str:
    return " ".join(f"{name}={value:.6f}" for name, value in metrics.items())
