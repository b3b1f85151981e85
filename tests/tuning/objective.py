"""A training program for searches: tells a score out of its hyperparameters, and leaves a model that says what they were."""

import argparse
import json
import os
import pathlib
import sys
import time

parser = argparse.ArgumentParser()
parser.add_argument("-x", type=float)
parser.add_argument("-n", type=int)
parser.add_argument("--kind", default="plain")
parser.add_argument("--mute", default="")
parser.add_argument("--release", default="")
arguments, _ = parser.parse_known_args()

print(f"tries x={arguments.x} n={arguments.n} kind={arguments.kind}", flush=True)
while arguments.release and not os.path.exists(arguments.release):
    time.sleep(0.02)
if arguments.kind == "bad":
    base = pathlib.Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
    (base / "output" / "failure").write_text("ValueError: kind bad cannot be trained")
    sys.exit(1)
if not arguments.mute:
    print(f"score={1 - (arguments.x - 0.3) ** 2 - (arguments.n - 5) ** 2 / 100}", flush=True)
pathlib.Path(os.environ["SM_MODEL_DIR"], "tried.json").write_text(json.dumps({"x": arguments.x, "n": arguments.n}))
