"""Counts steps, keeps its count in checkpoints, and notes every step that it does: what a training is, without the model."""

import argparse
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "library"))

from meridian_training.checkpoints import Checkpoints
from meridian_training.job import Job

parser = argparse.ArgumentParser()
parser.add_argument("--steps", type=int, default=40)
# Every so many steps a checkpoint may be saved.
parser.add_argument("--interval", type=int, default=5)
parser.add_argument("--notes", required=True)
# Before this step it waits until the file is there.
parser.add_argument("--hold_at", type=int, default=-1)
parser.add_argument("--hold_file", default="")
arguments = parser.parse_args()

job = Job.from_environment()
checkpoints = Checkpoints.of(job)
resumed = checkpoints.resume()
count = int((resumed.folder / "count.txt").read_text()) if resumed else 0

for step in range(count, arguments.steps):
    while step == arguments.hold_at and not pathlib.Path(arguments.hold_file).exists():
        time.sleep(0.02)
    count += 1
    with open(arguments.notes, "a") as notes:
        notes.write(f"{step}\n")
    if count % arguments.interval == 0 and checkpoints.due():
        with checkpoints.saving(count) as folder:
            (folder / "count.txt").write_text(str(count))

print(f"count={count}", flush=True)
(job.model_dir / "count.txt").write_text(str(count))
