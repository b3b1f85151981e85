"""Runs a training program once for each container folder, in one process: torch is loaded once, not for each case.

Arguments: the program, then JSON files `{"base": …, "arguments": […]}`. Every case leaves its own failure file.
"""

import json
import os
import runpy
import sys
from pathlib import Path

program, *cases = sys.argv[1:]
for case in cases:
    job = json.loads(Path(case).read_text())
    os.environ["SAGEMAKER_BASE_DIR"] = job["base"]
    sys.argv = [program, *job["arguments"]]
    try:
        runpy.run_path(program, run_name="__main__")
    except SystemExit:
        pass
