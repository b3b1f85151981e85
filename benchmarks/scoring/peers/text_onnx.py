"""FastAPI with onnxruntime and the tokenizer: the same ONNX file and tokenizer that we serve."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from fastapi import FastAPI
from pydantic import BaseModel
from tokenizers import Tokenizer

folder = Path(os.environ["MODEL"])
signature = json.loads((folder / "signature.json").read_text())
names = signature["graph"]
classes = signature["classes"]
tokenizer = Tokenizer.from_file(str(folder / signature["tokenizer"]["file"]))
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = int(os.environ["THREADS"])
session = onnxruntime.InferenceSession(folder / "model.onnx", options, providers=["CPUExecutionProvider"])
app = FastAPI()


class Features(BaseModel):
    text: str


class Request(BaseModel):
    features: Features


@app.get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


def answer(request: Request) -> dict[str, Any]:
    encoding = tokenizer.encode(request.features.text)
    feeds = {names["ids"]: [encoding.ids], names["mask"]: [encoding.attention_mask]}
    feeds = {name: np.array(values, dtype=np.int64) for name, values in feeds.items()}
    scores = session.run([names["output"]], feeds)[0][0]
    return {
        "prediction": {
            "label": classes[int(scores.argmax())],
            "scores": dict(zip(classes, scores.tolist(), strict=True)),
        },
        "model_version": "v1.0.0",
    }


async def answer_in_loop(request: Request) -> dict[str, Any]:
    return answer(request)


# A plain function runs in FastAPI's pool of threads: several texts at a time, one hop each.
app.post("/v1/predict/event-classifier")(answer if os.environ["POOL"] == "1" else answer_in_loop)
