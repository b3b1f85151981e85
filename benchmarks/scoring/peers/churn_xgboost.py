"""FastAPI with XGBoost's own prediction in place: the churn model as most people would serve it."""

import os
from typing import Any

import numpy as np
import xgboost
from fastapi import FastAPI
from pydantic import BaseModel

booster = xgboost.Booster({"nthread": 1}, model_file=os.environ["MODEL"])
FEATURES = [f"f{index}" for index in range(30)]
app = FastAPI()


class Request(BaseModel):
    features: dict[str, float | None]


@app.get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@app.post("/v1/predict/churn")
async def predict(request: Request) -> dict[str, Any]:
    row = np.array([[request.features[name] for name in FEATURES]], dtype=np.float32)
    return {"prediction": float(booster.inplace_predict(row)[0]), "model_version": "churn-v1.0.0"}
