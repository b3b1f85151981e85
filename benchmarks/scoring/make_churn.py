"""Trains a churn model of thirty numbers with the platform's own training program, on rows of a fixed seed.

usage: make_churn.py <folder>, which then holds the artifact's files. Run it with the Python of the xgboost runtime.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

FEATURES = 30
ROWS = {"train": 8_000, "validation": 2_000, "test": 2_000}
# As many as the churn model of the sample keeps, more or less.
SIZE = ["--num_round", "200", "--max_depth", "4"]
FILES = ["model.onnx", "model.ubj", "signature.json", "baseline.json", "golden.json"]
PROGRAM = Path(__file__).resolve().parents[2] / "models" / "churn" / "train.py"


def rows(count: int, seed: int) -> pa.Table:
    random = np.random.default_rng(seed)
    values = random.normal(0, 50, (count, FEATURES)).round(3)
    weights = np.random.default_rng(0).normal(0, 0.02, FEATURES)
    odds = values @ weights + 0.0004 * values[:, 0] * values[:, 1] - 1
    label = random.random(count) < 1 / (1 + np.exp(-odds))
    missing = random.random((count, FEATURES)) < 0.02
    columns = {f"f{index}": pa.array(values[:, index], mask=missing[:, index]) for index in range(FEATURES)}
    return pa.table({**columns, "label": pa.array(label.astype(np.int32))})


def lay_channels(base: Path) -> None:
    for seed, (channel, count) in enumerate(ROWS.items(), start=1):
        folder = base / "input" / "data" / channel
        folder.mkdir(parents=True)
        pq.write_table(rows(count, seed), folder / "rows.parquet")
    declaration = {
        "name": "churn",
        "kind": "tabular-classifier",
        "inputs": [
            {"name": f"f{index}", "view": "customer_numbers", "feature": f"f{index}", "type": "number"}
            for index in range(FEATURES)
        ],
        "label": {"classes": ["stays", "leaves"]},
    }
    (base / "input" / "data" / "declaration").mkdir()
    (base / "input" / "data" / "declaration" / "declaration.json").write_text(json.dumps(declaration))


target = Path(sys.argv[1])
target.mkdir(parents=True, exist_ok=True)
with tempfile.TemporaryDirectory() as folder:
    lay_channels(Path(folder))
    subprocess.run(
        [sys.executable, PROGRAM, *SIZE],
        env={**os.environ, "SAGEMAKER_BASE_DIR": folder},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    for name in FILES:
        shutil.copy(Path(folder, "model", name), target / name)
