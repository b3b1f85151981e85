"""Reads features with the real Feast, as any client of it would.

usage: read_with_feast.py REPO, with {"service": name, "entities": [{join key: value}]} on standard input; prints Feast's
answer as {column: [value]}.
"""

import json
import sys
import warnings

warnings.filterwarnings("ignore")

from feast import FeatureStore  # noqa: E402

request = json.load(sys.stdin)
store = FeatureStore(repo_path=sys.argv[1])
answer = store.get_online_features(
    features=store.get_feature_service(request["service"]), entity_rows=request["entities"]
)
json.dump(answer.to_dict(), sys.stdout)
