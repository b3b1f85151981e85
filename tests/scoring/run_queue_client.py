"""Carries out calls given as JSON on stdin: {"address", "calls": [{"model", "request_id", …}]}; prints their outcomes."""

import asyncio
import json
import os
import sys

from queue_client import predict
from temporalio.client import Client, WorkflowUpdateFailedError


async def outcome(client: Client, call: dict) -> dict:
    try:
        return await predict(client, call.pop("model"), call.pop("request_id"), timeout=60, **call)
    except WorkflowUpdateFailedError as error:
        return {"refused": error.cause.type}
    except ValueError as error:
        return {"refused": str(error)}


async def main() -> None:
    asked = json.load(sys.stdin)
    client = await Client.connect(asked["address"])
    print(json.dumps(await asyncio.gather(*(outcome(client, call) for call in asked["calls"]))))


asyncio.run(main())
# The SDK's native threads may still be at work while the interpreter is taken down, which Python ends by aborting.
sys.stdout.flush()
os._exit(0)
