"""A training program that does what its hyperparameters say: every way in which a job can end."""

import argparse
import json
import os
import pathlib
import signal
import sys
import time

parser = argparse.ArgumentParser()
parser.add_argument("--mode", default="succeed")
parser.add_argument("--rate", type=float, default=0.0)
parser.add_argument("--text", default="")
arguments = parser.parse_args()

model = pathlib.Path(os.environ["SM_MODEL_DIR"])
output = pathlib.Path(os.environ["SM_OUTPUT_DATA_DIR"])
base = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"])
checkpoints = base / "checkpoints"


def wait_for_release() -> None:
    """Tells that it runs, by a line in a file, and goes on when the test says so, by another file."""
    with open(os.environ["STARTED_FILE"], "a") as started:
        started.write(f"{os.getpid()}\n")
    while not os.path.exists(os.environ["RELEASE_FILE"]):
        time.sleep(0.02)


print("epoch 1 auc=0.5")
if arguments.mode == "raise":
    raise ValueError("the column tenure holds text")
if arguments.mode == "failure-file":
    (base / "output" / "failure").write_text("no positives in the training split")
    sys.exit(3)
if arguments.mode == "empty":
    sys.exit(0)
if arguments.mode == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if arguments.mode == "endless":
    signal.pause()
if arguments.mode in ("wait", "stubborn"):
    (model / "partial.txt").write_text("partial")
    wait_for_release()
if arguments.mode == "checkpoint":
    saved = checkpoints / "state.txt"
    if saved.exists():
        (model / "resumed-from.txt").write_text(saved.read_text())
    else:
        saved.write_text("epoch 1")
        (model / "partial.txt").write_text("lost with the instance")
        wait_for_release()

report = {
    "arguments": vars(arguments),
    "environment": {k: v for k, v in os.environ.items() if k.startswith(("SM_", "TRAINING_", "AWS_"))},
    "config": {
        path.name: json.loads(path.read_text()) for path in sorted((base / "input" / "config").glob("*.json"))
    },
    "data": {
        str(path.relative_to(base / "input" / "data")): path.read_text()
        for path in sorted((base / "input" / "data").rglob("*.csv"))
    },
}
(model / "report.json").write_text(json.dumps(report))
(output / "notes.txt").write_text("notes")
print("epoch 2 auc=0.75", file=sys.stderr)
