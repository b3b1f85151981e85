"""The real Feast's side of the feature store's benchmark: one task of work, timed after a small run has warmed it.

usage: feast_peer.py, with a request as JSON on standard input (see feast.ts). The last line printed is the answer:
{"seconds": [..], "peakBytes": ..}. Applying the repo is not timed.
"""

import json
import sys
import time
import warnings
from datetime import datetime, timedelta
from pathlib import Path

warnings.filterwarnings("ignore")

import pandas as pd  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402
from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType  # noqa: E402
from feast.data_format import ParquetFormat  # noqa: E402
from feast.types import Float64, String  # noqa: E402


def open_store(request):
    """Applies the views (name, ttl, folder of partitions) to a repo of this process alone."""
    config = RepoConfig(
        project=request["project"],
        provider="local",
        registry=str(Path(request["folder"], "registry.db")),
        repo_path=request["folder"],
        online_store={"type": "redis", "connection_string": request["redis"]},
        offline_store={"type": request["engine"]},
        materialization={"pull_latest_features": request["pullLatest"]},
        entity_key_serialization_version=3,
    )
    store = FeatureStore(config=config)
    key, features = request["joinKey"], request["features"]
    entity = Entity(name="customer", join_keys=[key], value_type=ValueType.STRING)
    views = [
        FeatureView(
            name=view["name"],
            entities=[entity],
            ttl=timedelta(seconds=view["ttlSeconds"]),
            schema=[Field(name=key, dtype=String)] + [Field(name=name, dtype=Float64) for name in features],
            source=FileSource(
                name=f"{view['name']}_source",
                path=view["folder"],
                file_format=ParquetFormat(),
                timestamp_field="event_timestamp",
                created_timestamp_column="created_timestamp",
            ),
        )
        for view in request["views"]
    ]
    services = [FeatureService(name=view.name, features=[view]) for view in views]
    store.apply([entity, *views, *services])
    return store


def timed(work):
    begin = time.perf_counter()
    result = work()
    return time.perf_counter() - begin, result


def materialize(store, request):
    """Loads the view into an empty online store."""
    start, end = (datetime.fromisoformat(request[name]) for name in ("from", "to"))
    store.materialize(start, end, feature_views=[request["warmUp"]])
    flush(request)
    seconds, _ = timed(lambda: store.materialize(start, end, feature_views=[request["view"]]))
    return [seconds]


def join(store, request):
    """Joins the frame with the view, and writes the answer; where asked, reading and writing files is timed as well."""

    def read_frame(rows=None):
        return pd.read_parquet(request["frame"])[:rows]

    def joined(view, frame):
        features = [f"{view}:{name}" for name in request["features"]]
        return store.get_historical_features(frame, features, full_feature_names=True).to_arrow()

    def write(answer):
        pq.write_table(answer, request["out"])

    joined(request["warmUp"], read_frame(100))
    if request["timeFiles"]:
        return [timed(lambda: write(joined(request["view"], read_frame())))[0]]
    frame = read_frame()
    seconds, answer = timed(lambda: joined(request["view"], frame))
    write(answer)
    return [seconds]


def read(store, request):
    """Reads groups of entities, one group after the other."""
    service = store.get_feature_service(request["view"])
    groups = [[{request["joinKey"]: value} for value in group] for group in request["groups"]]

    def work(rows):
        return timed(lambda: store.get_online_features(service, rows))[0]

    for rows in groups[: request["warmUpGroups"]]:
        work(rows)
    return [work(rows) for rows in groups[request["warmUpGroups"] :]]


def flush(request):
    import redis

    host, port = request["redis"].split(":")
    redis.Redis(host=host, port=int(port)).flushall()


def peak_bytes():
    """The largest resident memory this process ever had."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("/proc/self/status: expected a line VmHWM, found none")


TASKS = {"materialize": materialize, "join": join, "read": read}

request = json.load(sys.stdin)
seconds = TASKS[request["task"]](open_store(request), request)
print(json.dumps({"seconds": seconds, "peakBytes": peak_bytes()}))
