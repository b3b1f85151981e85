"""Applies a repo with the real Feast and does what any client of it would.

usage: feast_client.py REPO, with a list of requests on standard input; prints the list of their answers. A request is one of
  {"do": "online", "features": [view:feature] or the name of a service, "entities": [{join key: value}]} -> {column: [value]}
  {"do": "historical", "features": …, "frame": Parquet, "out": Parquet} -> its columns
  {"do": "materialize", "views": [name], "from": ISO time, "to": ISO time} -> null
  {"do": "push", "source": name, "rows": [{column: value}]} (times as ISO 8601) -> null
Integers that a double does not hold are printed as "int:<digits>".
"""

import json
import sys
import warnings
from datetime import datetime
from pathlib import Path

warnings.filterwarnings("ignore")

import pandas as pd  # noqa: E402
from feast import FeatureStore  # noqa: E402
from feast.data_source import PushMode  # noqa: E402
from feast.repo_config import load_repo_config  # noqa: E402
from feast.repo_operations import apply_total  # noqa: E402

TIMES = ["event_timestamp", "created_timestamp"]


def features(store, request):
    asked = request["features"]
    return asked if isinstance(asked, list) else store.get_feature_service(asked)


def online(store, request):
    answer = store.get_online_features(
        features=features(store, request), entity_rows=request["entities"], full_feature_names=True
    )
    return answer.to_dict()


def historical(store, request):
    frame = pd.read_parquet(request["frame"])
    joined = store.get_historical_features(
        entity_df=frame, features=features(store, request), full_feature_names=True
    ).to_df()
    joined.to_parquet(request["out"])
    return list(joined.columns)


def materialize(store, request):
    times = [datetime.fromisoformat(request[name]) for name in ("from", "to")]
    store.materialize(*times, feature_views=request["views"])


def push(store, request):
    rows = pd.DataFrame(request["rows"])
    for column in TIMES:
        rows[column] = pd.to_datetime(rows[column], utc=True)
    store.push(request["source"], rows, to=PushMode.ONLINE)


def plain(value):
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, int) and abs(value) > 2**53 - 1:
        return f"int:{value}"
    return value


out = sys.stdout
sys.stdout = sys.stderr
repo = Path(sys.argv[1])
# What `feast apply` does, which finds the definitions through the path.
sys.path.insert(0, str(repo))
apply_total(load_repo_config(repo, repo / "feature_store.yaml"), repo, skip_source_validation=False)
store = FeatureStore(repo_path=str(repo))
requests = json.load(sys.stdin)
does = {"online": online, "historical": historical, "materialize": materialize, "push": push}
json.dump([plain(does[request["do"]](store, request)) for request in requests], out)
