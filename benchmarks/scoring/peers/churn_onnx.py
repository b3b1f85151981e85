"""FastAPI with onnxruntime: the same ONNX file that we serve."""

import os
from typing import Any

import numpy as np
import onnxruntime
from fastapi import FastAPI
from pydantic import BaseModel

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(os.environ["MODEL"], options, providers=["CPUExecutionProvider"])
INPUT = session.get_inputs()[0].name
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
    probabilities = session.run(["probabilities"], {INPUT: row})[0]
    return {"prediction": float(probabilities[0, 1]), "model_version": "churn-v1.0.0"}
