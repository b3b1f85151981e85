"""XGBoost's own contributions of rows that come as JSON on stdin, `null` for a missing value: `contributions.py MODEL`."""

import json
import sys

import numpy
import xgboost

rows = numpy.array(json.load(sys.stdin), dtype=float)
booster = xgboost.Booster(model_file=sys.argv[1])
json.dump(booster.predict(xgboost.DMatrix(rows), pred_contribs=True).tolist(), sys.stdout)
