"""`/v1/executions`: the sandbox alone."""

from typing import Annotated

from fastapi import APIRouter, Body, Request
from pydantic import JsonValue, ValidationError

from api.deps import ClientDep, ServicesDep
from api.openapi import BATCH_EXAMPLES, EXECUTION_EXAMPLES, execution_errors
from api.problems import InvalidRequest, details_of
from api.schemas import ExecutionBatch, ExecutionBatchResult
from calisota.models import ExecutionRequest, ExecutionResult
from calisota.sandbox.executions import refuse_output

router = APIRouter(prefix="/v1/executions", tags=["executions"])


@router.post("", summary="Run a program", responses=execution_errors())
async def execute(
    body: Annotated[ExecutionRequest, Body(openapi_examples=EXECUTION_EXAMPLES)],
    _client: ClientDep,
    services: ServicesDep,
    request: Request,
) -> ExecutionResult:
    """Compile and run a program in a container of its own, and wait for what comes of it.

    A program that fails is a result too: look at `outcome`. Who hangs up ends it.
    """
    return await services.executions.run(body, gone=request.is_disconnected)


@router.post("/batch", summary="Run up to 100 programs", responses=execution_errors())
async def execute_batch(
    body: Annotated[ExecutionBatch, Body(openapi_examples=BATCH_EXAMPLES)],
    _client: ClientDep,
    services: ServicesDep,
    request: Request,
) -> ExecutionBatchResult:
    """Run each in a container of its own, and wait for all.

    The answers are in the order of the items. One that could not run has a problem document in its
    place. Who hangs up ends all that has not ended.
    """
    items = [_request_of(item) for item in body.items]
    refuse_output([item for item in items if isinstance(item, ExecutionRequest)])
    answers = await services.executions.run_batch(items, gone=request.is_disconnected)
    return ExecutionBatchResult(
        items=[
            answer
            if isinstance(answer, ExecutionResult)
            else details_of(answer, f"{request.url.path}#/items/{number}")
            for number, answer in enumerate(answers)
        ]
    )


def _request_of(item: JsonValue) -> ExecutionRequest | InvalidRequest:
    try:
        return ExecutionRequest.model_validate(item)
    except ValidationError as error:
        return InvalidRequest(error)
