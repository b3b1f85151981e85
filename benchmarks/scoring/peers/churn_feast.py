"""FastAPI with the features out of Feast's Redis, and onnxruntime: what is asked for is a customer."""

import os
import tempfile
import warnings
from datetime import timedelta
from typing import Any

warnings.filterwarnings("ignore")

import numpy as np  # noqa: E402
import onnxruntime  # noqa: E402
from fastapi import FastAPI  # noqa: E402
from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType  # noqa: E402
from feast.types import Float64, String  # noqa: E402
from pydantic import BaseModel  # noqa: E402

FEATURES = [f"f{index}" for index in range(30)]
VIEW = os.environ["VIEW"]


def open_store() -> FeatureStore:
    """Its registry is this process's own, read once."""
    folder = tempfile.mkdtemp()
    store = FeatureStore(
        config=RepoConfig(
            project=os.environ["PROJECT"],
            provider="local",
            registry={"path": f"{folder}/registry.db", "cache_ttl_seconds": 0},
            repo_path=folder,
            online_store={"type": "redis", "connection_string": os.environ["REDIS"]},
            entity_key_serialization_version=3,
        )
    )
    entity = Entity(name="customer", join_keys=["customer_id"], value_type=ValueType.STRING)
    view = FeatureView(
        name=VIEW,
        entities=[entity],
        ttl=timedelta(0),
        schema=[Field(name="customer_id", dtype=String)] + [Field(name=name, dtype=Float64) for name in FEATURES],
        source=FileSource(path=f"{folder}/none.parquet", timestamp_field="event_timestamp"),
    )
    store.apply([entity, view, FeatureService(name="churn", features=[view])], skip_feature_view_validation=True)
    return store


store = open_store()
service = store.get_feature_service("churn")
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(os.environ["MODEL"], options, providers=["CPUExecutionProvider"])
INPUT = session.get_inputs()[0].name
app = FastAPI()


class Request(BaseModel):
    entity: dict[str, str]


@app.get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@app.post("/v1/predict/churn")
async def predict(request: Request) -> dict[str, Any]:
    found = store.get_online_features(service, [request.entity]).to_dict()
    row = np.array([[found[name][0] for name in FEATURES]], dtype=np.float32)
    probabilities = session.run(["probabilities"], {INPUT: row})[0]
    return {"prediction": float(probabilities[0, 1]), "model_version": "churn-v1.0.0"}
