"""A training program for searches: a score out of its hyperparameters, told after every epoch."""

import argparse
import os
import sys
import time

parser = argparse.ArgumentParser()
parser.add_argument("-x", type=float, default=0.0)
parser.add_argument("-n", type=int, default=0)
parser.add_argument("--kind", default="none")
parser.add_argument("--epochs", type=int, default=1)
parser.add_argument("--pause", type=float, default=0.0)
parser.add_argument("--fail", default="")
arguments, _ = parser.parse_known_args()

with open(os.environ["STARTED_FILE"], "a") as started:
    started.write(f"{os.getpid()} {os.environ['TRAINING_JOB_NAME']}\n")
while os.environ.get("HOLD") and not os.path.exists(os.environ["RELEASE_FILE"]):
    time.sleep(0.02)
if arguments.fail and arguments.kind == arguments.fail:
    sys.exit(1)
best = 1 - (arguments.x - 0.3) ** 2 - (arguments.n - 5) ** 2 / 100
for epoch in range(1, arguments.epochs + 1):
    print(f"score={best * epoch / arguments.epochs}", flush=True)
    time.sleep(arguments.pause)
