"""Predictions through the task queue `scoring`, with Temporal's Python SDK (temporalio 1.35)."""

import asyncio
import hashlib
import json
from datetime import timedelta

from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

SHARDS = 4  # as many as every other caller of the model counts
# The scorer goes; the next one will answer.
ENDING = {"Overloaded", "AcceptedUpdateCompletedWorkflow", "UnprocessedUpdate"}


def shard_of(request_id: str) -> int:
    return int.from_bytes(hashlib.sha256(request_id.encode()).digest()[:4], "big") % SHARDS


async def predict(client: Client, model: str, request_id: str, *, timeout: float = 10, **asked) -> dict:
    """One outcome: predict(client, "churn", "order-1", entity={"customer_id": "C000001"})."""
    row = {"requestId": request_id, **asked}
    # NaN is no JSON: refused here with a ValueError, for the scorer could not read it.
    update_id = hashlib.sha256(json.dumps(row, allow_nan=False).encode()).hexdigest()[:32]
    async with asyncio.timeout(timeout):
        while True:
            try:
                answer = await update_scorer(client, model, row, update_id)
                return answer["outcomes"][0]
            except WorkflowUpdateFailedError as error:
                if not (isinstance(error.cause, ApplicationError) and error.cause.type in ENDING):
                    raise
            except (RPCError, WorkflowUpdateRPCTimeoutOrCancelledError):
                pass
            await asyncio.sleep(0.1)


async def update_scorer(client: Client, model: str, row: dict, update_id: str) -> dict:
    shard = shard_of(row["requestId"])
    scorer = WithStartWorkflowOperation(
        "scorer",
        {"model": model, "shard": shard},
        id=f"scorer/{model}/{shard}",
        task_queue="scoring",
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        task_timeout=timedelta(seconds=1),
    )
    return await client.execute_update_with_start_workflow(
        "predict",
        {"rows": [row]},
        start_workflow_operation=scorer,
        id=update_id,
        result_type=dict,
        rpc_timeout=timedelta(seconds=3),
    )
