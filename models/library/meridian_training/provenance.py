"""What a training ran on: interpreter, packages and machine, as training.json reports them."""

import json
import os
import platform
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any


def environment(packages: list[str]) -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "packages": {name: version(name) for name in packages},
        "hardware": hardware(),
    }


def hardware() -> dict[str, Any]:
    """The machine of this process; null where it does not tell."""
    return {
        "instanceType": _instance_type(),
        "cpu": _cpu_model(),
        "cpus": int(os.environ.get("SM_NUM_CPUS") or os.cpu_count() or 1),
        "memoryBytes": _memory_bytes(),
        "gpus": _gpus(),
    }


def _instance_type() -> str | None:
    """As the training toolkit says, else as SageMaker's own file does."""
    named = os.environ.get("SM_CURRENT_INSTANCE_TYPE")
    if named:
        return named
    base = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
    try:
        return json.loads((base / "input/config/resourceconfig.json").read_text()).get("current_instance_type")
    except (OSError, ValueError):
        return None


def _cpu_model() -> str | None:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name") and ":" in line]
    return models[0] if models else platform.processor() or platform.machine() or None


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def _gpus() -> list[str]:
    """The driver's names of them: asked of its own tool, so that no framework has to be loaded."""
    tool = shutil.which("nvidia-smi")
    if not tool:
        return []
    try:
        told = subprocess.run([tool, "--query-gpu=name", "--format=csv,noheader"], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return [line.strip() for line in told.stdout.splitlines() if line.strip()] if told.returncode == 0 else []
