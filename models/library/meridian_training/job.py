"""The contract between a training program and SageMaker (script mode): channels, hyperparameters, failure file.

Every path derives from SAGEMAKER_BASE_DIR (default /opt/ml) unless the toolkit's SM_* variable names it.
"""

import argparse
import dataclasses
import json
import os
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

Settings = TypeVar("Settings")


class JobError(Exception):
    """What is wrong with the job's input: what was found and what was expected, for the person who reads it."""


@dataclasses.dataclass(frozen=True)
class Job:
    base_dir: Path
    model_dir: Path
    cpus: int
    arguments: Sequence[str]
    environment: dict[str, str]

    @classmethod
    def from_environment(cls) -> "Job":
        environment = dict(os.environ)
        base_dir = Path(environment.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
        model_dir = Path(environment.get("SM_MODEL_DIR", base_dir / "model"))
        cpus = int(environment.get("SM_NUM_CPUS", os.cpu_count() or 1))
        return cls(base_dir, model_dir, cpus, sys.argv[1:], environment)

    def channel(self, name: str) -> Path:
        """The folder of an input channel."""
        default = self.base_dir / "input" / "data" / name
        folder = Path(self.environment.get(f"SM_CHANNEL_{name.upper()}", default))
        if not folder.is_dir():
            raise JobError(f"Channel {name}: found no folder {folder}, expected the job to have this input channel.")
        return folder

    def hyperparameters(self, settings: type[Settings]) -> Settings:
        """Reads the fields of the dataclass `settings` from the command line (`--name value`), else from SM_HPS."""
        arguments = list(self.arguments) or _as_arguments(json.loads(self.environment.get("SM_HPS", "{}")))
        parser = _Parser(allow_abbrev=False, add_help=False)
        for field in dataclasses.fields(settings):  # type: ignore[arg-type]
            parser.add_argument(f"--{field.name}", type=field.type, default=field.default)
        return settings(**vars(parser.parse_args(arguments)))

    @property
    def failure_file(self) -> Path:
        return self.base_dir / "output" / "failure"


def check_bounds(settings: Any, bounds: Mapping[str, tuple[float, float]]) -> None:
    """Raises JobError naming the first hyperparameter of the dataclass that is below its least or above its most."""
    for name, (least, most) in bounds.items():
        value = getattr(settings, name)
        if not least <= value <= most:
            raise JobError(f"Hyperparameters: {name} is {value:g}, expected {least:g} to {most:g}.")


def run(train: Callable[[Job], None]) -> None:
    """Runs the program; whatever it raises becomes the job's failure file and a non-zero exit."""
    job = Job.from_environment()
    try:
        job.model_dir.mkdir(parents=True, exist_ok=True)
        train(job)
    except Exception as error:
        job.failure_file.parent.mkdir(parents=True, exist_ok=True)
        # SageMaker shows the first 1,024 characters: what happened comes before where.
        job.failure_file.write_text(_failure_text(error))
        traceback.print_exc()
        sys.exit(1)


def _failure_text(error: Exception) -> str:
    if isinstance(error, JobError):
        return str(error)
    place = traceback.extract_tb(error.__traceback__)[-1]
    return (
        f"{type(error).__name__}: {error}\n"
        f"at {Path(place.filename).name}:{place.lineno} in {place.name}\n\n{traceback.format_exc()}"
    )


def _as_arguments(values: dict[str, Any]) -> list[str]:
    return [text for name, value in values.items() for text in (f"--{name}", str(value))]


class _Parser(argparse.ArgumentParser):
    """Raises where argparse would print and exit, so that the message reaches the failure file."""

    def error(self, message: str) -> NoReturn:
        known = ", ".join(action.dest for action in self._actions)
        raise JobError(f"Hyperparameters: {message}. The program's hyperparameters are {known}.")
