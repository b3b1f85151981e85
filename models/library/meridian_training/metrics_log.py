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

    def kept(self, step: int) -> None:
        """Prints the metrics of the step whose model is kept once more where later ones were printed since.

        SageMaker takes the last value printed for a training's, and so does a search for its objective.
        """
        lines = [json.loads(line) for line in self.text.splitlines()]
        of_step = [line["metrics"] for line in lines if line["step"] == step]
        if lines[-1]["step"] != step:
            print(f"kept [{step}] {as_text({name: value for metrics in of_step for name, value in metrics.items()})}", flush=True)

    def step(self, step: int, metrics: dict[str, float]) -> None:
        """Prints `[12] validation-auc=0.84` and appends the same to metrics.jsonl."""
        print(f"[{step}] {as_text(metrics)}", flush=True)
        line = {"step": step, "timestamp": int(time.time() * 1000), "metrics": metrics}
        with self._file.open("a") as file:
            file.write(json.dumps(line, allow_nan=False) + "\n")


def as_text(metrics: dict[str, float]) -> str:
    return " ".join(f"{name}={value:.6f}" for name, value in metrics.items())
