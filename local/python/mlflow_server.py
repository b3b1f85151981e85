"""MLflow's tracking server in one process.

`mlflow server` loads all of MLflow (some 5 s of processor time), and then starts a second process that does so again:
that alone was half of what a start of the platform takes. This serves the same application with the same settings. The
settings' names are internal to MLflow, hence the exact version in mlflow.txt; a version without them ends this at once.
"""

import argparse
import os

import uvicorn  # before MLflow, which looks for it to know that it is served
from mlflow.server.constants import (
    ARTIFACT_ROOT_ENV_VAR,
    ARTIFACTS_DESTINATION_ENV_VAR,
    BACKEND_STORE_URI_ENV_VAR,
    REGISTRY_STORE_URI_ENV_VAR,
    SERVE_ARTIFACTS_ENV_VAR,
)
from mlflow.server.fastapi_app import app
from mlflow.server.handlers import initialize_backend_stores

ARTIFACT_PROXY = "mlflow-artifacts:/"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--host", required=True)
    arguments.add_argument("--port", required=True, type=int)
    arguments.add_argument("--backend-store-uri", required=True)
    arguments.add_argument("--artifacts-destination", required=True)
    options = arguments.parse_args()

    os.environ[BACKEND_STORE_URI_ENV_VAR] = options.backend_store_uri
    os.environ[REGISTRY_STORE_URI_ENV_VAR] = options.backend_store_uri
    os.environ[ARTIFACT_ROOT_ENV_VAR] = ARTIFACT_PROXY
    os.environ[SERVE_ARTIFACTS_ENV_VAR] = "true"
    os.environ[ARTIFACTS_DESTINATION_ENV_VAR] = options.artifacts_destination
    initialize_backend_stores(options.backend_store_uri, options.backend_store_uri, ARTIFACT_PROXY)
    uvicorn.run(app, host=options.host, port=options.port, log_level="warning")


if __name__ == "__main__":
    main()
