"""XGBoost's own explanations of a model's golden rows, as the training encodes them: `golden_contributions.py FOLDER`.

Prints [{"features", "base_value", "contributions"}]. Run it with the Python of the xgboost runtime.
"""

import json
import sys
from pathlib import Path

import pyarrow
import xgboost

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "models" / "library"))

from meridian_training.signature import encode

folder = Path(sys.argv[1])
signature = json.loads((folder / "signature.json").read_text())
rows = [row["features"] for row in json.loads((folder / "golden.json").read_text())["rows"]]
booster = xgboost.Booster(model_file=folder / "model.ubj")
matrix = xgboost.DMatrix(encode(signature, pyarrow.Table.from_pylist(rows)))
names = [entry["name"] for entry in signature["inputs"]]
# The base comes last.
explained = [
    {"features": row, "base_value": base, "contributions": dict(zip(names, values, strict=True))}
    for row, (*values, base) in zip(rows, booster.predict(matrix, pred_contribs=True).tolist(), strict=True)
]
json.dump(explained, sys.stdout)
