"""BentoML with XGBoost's own prediction in place."""

import os
from typing import Any

import bentoml
import numpy as np
import xgboost

FEATURES = [f"f{index}" for index in range(30)]


@bentoml.service(workers=int(os.environ["WORKERS"]))
class Churn:
    def __init__(self) -> None:
        self.booster = xgboost.Booster({"nthread": 1}, model_file=os.environ["MODEL"])

    @bentoml.api(route="/v1/predict/churn")
    async def predict(self, features: dict[str, float | None]) -> dict[str, Any]:
        row = np.array([[features[name] for name in FEATURES]], dtype=np.float32)
        return {"prediction": float(self.booster.inplace_predict(row)[0]), "model_version": "churn-v1.0.0"}
