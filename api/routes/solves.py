"""`/v1/solves`: start, watch, list and cancel Solves."""

import asyncio
import json
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Header, HTTPException, Query, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import JsonValue  # noqa: TC002  # FastAPI reads annotations

from api.deps import ClientDep, OwnRunDep, ServicesDep
from api.events import END, follow
from api.listing import list_solves
from api.openapi import EVENTS_EXAMPLE, PROBLEM_EXAMPLES, errors, evidence_errors
from api.problems import AlreadyFinished, NotFinished, NothingAsked, UnknownSolve
from api.schemas import Answer, FinishedSolve, SolveList, SolveProgress, Submitted
from api.submit import submit
from api.view import asking_round, links_of, report_of, state_of, view_of
from calisota.errors import InputError
from calisota.evidence import pack
from calisota.models import Problem
from calisota.sandbox.maxima import within_maxima

router = APIRouter(prefix="/v1/solves", tags=["solves"])

# The words of the task `clarify`, which the API does not import: calisota_airflow.clarify.
USE, LIKELIEST, FIELD = "Use my answer", "Go on with the likeliest", "answer"

EVIDENCE_TYPE = "application/gzip"

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[\x20-\x7e]{1,200}$",
        description="1 to 200 printable characters. A request that is sent again with the same "
        "key and body starts nothing new and gets the first one's Solve.",
    ),
]


@router.post(
    "",
    status_code=HTTPStatus.ACCEPTED,
    summary="Start a Solve",
    responses={
        202: {
            "description": "Taken in; it runs on its own.",
            "headers": {
                "Location": {"description": "The Solve.", "schema": {"type": "string"}},
                "Idempotent-Replayed": {
                    "description": "`true`: an earlier request with this key started it.",
                    "schema": {"type": "string"},
                },
            },
        },
        **errors(400, 401, 413, 422, 503),
    },
)
async def start_solve(
    problem: Annotated[Problem, Body(openapi_examples=PROBLEM_EXAMPLES)],
    client: ClientDep,
    services: ServicesDep,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> Submitted:
    """Start solving a Problem and return at once; follow the links to watch it.

    Without an `Idempotency-Key` every request starts a new Solve.
    """
    limits = within_maxima(problem.limits, services.settings)
    run, replayed = await submit(
        problem.model_copy(update={"limits": limits}),
        client=client,
        idempotency_key=idempotency_key,
        airflow=services.airflow,
        store=services.store,
    )
    links = links_of(run.dag_run_id, services.airflow)
    response.headers["Location"] = links.solve
    if replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return Submitted(solve_id=run.dag_run_id, state=state_of(run), links=links)


@router.get("", summary="List your Solves", responses=errors(401, 422, 503))
async def get_solves(
    client: ClientDep,
    services: ServicesDep,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(description="The `next` of the page before.")] = None,
) -> SolveList:
    """Your Solves and those that a person started in Airflow, newest first."""
    return await list_solves(client, limit=limit, cursor=cursor, airflow=services.airflow)


@router.get(
    "/{solve_id}",  # noqa: FAST003  # OwnRunDep reads it
    summary="Read a Solve",
    responses=errors(401, 404, 503),
)
async def get_solve(run: OwnRunDep, services: ServicesDep) -> FinishedSolve | SolveProgress:
    """The report of a Solve that ended, else how far it has come.

    `verdict` is null until it ended. `claim` says in words what was proven, and no more.
    """
    return await view_of(run, airflow=services.airflow, store=services.store)


def _resume_point(
    last_event_id: Annotated[
        str | None,
        Header(
            alias="Last-Event-ID",
            description="The id of the last event you have; the stream goes on after it.",
        ),
    ] = None,
) -> str | None:
    if last_event_id == END:
        raise HTTPException(HTTPStatus.NO_CONTENT)  # an EventSource stops asking at this
    return last_event_id


@router.get(
    "/{solve_id}/events",  # noqa: FAST003  # OwnRunDep reads it
    summary="Follow a Solve",
    response_class=EventSourceResponse,
    responses={
        200: {
            "description": "Events until the Solve has ended.",
            "content": {"text/event-stream": {"example": EVENTS_EXAMPLE}},
        },
        204: {"description": "You have all of it."},
        **errors(401, 404, 503),
    },
)
async def get_events(
    run: OwnRunDep,
    services: ServicesDep,
    after: Annotated[str | None, Depends(_resume_point)],
) -> AsyncIterator[ServerSentEvent]:
    """Server-sent events: `step.started`, `step.finished`, and at the end `solve.finished`.

    The data of each is JSON. A comment comes after 15 seconds of silence. Reconnect with
    `Last-Event-ID` to go on without loss or repetition.
    """
    async for event in follow(run, airflow=services.airflow, store=services.store, after=after):
        yield event


@router.get(
    "/{solve_id}/evidence",  # noqa: FAST003  # OwnRunDep reads it
    summary="Get a Solve's evidence",
    response_class=Response,
    responses={
        200: {
            "description": "A tar.gz, signed by this installation.",
            "content": {EVIDENCE_TYPE: {"schema": {"type": "string", "format": "binary"}}},
            "headers": {
                "Content-Disposition": {
                    "description": "A name for the file.",
                    "schema": {"type": "string"},
                },
            },
        },
        **evidence_errors(),
    },
)
async def get_evidence(run: OwnRunDep, services: ServicesDep) -> Response:
    """All that the verdict rests on, in one file: Problem, programs, results, decisions, prompts.

    `calisota replay FILE` executes it again, offline, and says whether the verdict comes out the
    same. No key is in it. The same Solve gives the same bytes.
    """
    if await report_of(run, services.store) is None:
        why = "was cancelled" if run.cancelled else "has no report"
        raise NotFinished(
            f"This Solve {why}, and so there is no evidence.",
            remedy="start it anew." if run.ended else "wait for its end; `events` tells it.",
        )
    data = await asyncio.to_thread(pack, run.dag_run_id, services.store, services.settings)
    name = f"{run.dag_run_id}.evidence.tar.gz"  # an id holds no character that needs quoting
    return Response(
        data,
        media_type=EVIDENCE_TYPE,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@router.post(
    "/{solve_id}:cancel",  # noqa: FAST003  # OwnRunDep reads it
    summary="Cancel a Solve",
    responses=errors(401, 404, 409, 503),
)
async def cancel_solve(run: OwnRunDep, services: ServicesDep) -> SolveProgress:
    """Stop a Solve and kill what runs for it; to cancel it again changes nothing."""
    # Not covered: a run that ends between our look at it and Airflow's change of it.
    if run.ended and not run.cancelled:
        raise AlreadyFinished(
            "This Solve has ended; there is nothing to cancel.", remedy="read its report."
        )
    cancelled = run if run.cancelled else await services.airflow.cancel(run.dag_run_id)
    if cancelled is None:
        raise UnknownSolve("This Solve has just been deleted.", remedy="nothing is left to do.")
    view = await view_of(cancelled, airflow=services.airflow, store=services.store)
    assert isinstance(view, SolveProgress)  # noqa: S101  # a cancelled Solve has no report
    return view


@router.post(
    "/{solve_id}/clarification",  # noqa: FAST003  # OwnRunDep reads it
    summary="Answer a Solve's question",
    responses=errors(401, 404, 409, 422, 503),
)
async def answer_question(run: OwnRunDep, services: ServicesDep, answer: Answer) -> SolveProgress:
    """Say what is right for the input that `question` of the Solve names; it then goes on.

    The answer binds: only programs that give it can be accepted.
    """
    instances = await services.airflow.task_instances(run.dag_run_id)
    number = asking_round(instances)
    if answer.likeliest == ("answer" in answer.model_fields_set):
        raise InputError("Say either.", remedy="send `answer`, or `likeliest` as true.")
    text = None if answer.likeliest else json.dumps(answer.answer)
    body: dict[str, JsonValue] = {
        "chosen_options": [LIKELIEST if text is None else USE],
        "params_input": {FIELD: text},
    }
    if number is None or not await services.airflow.respond(
        run.dag_run_id, f"round_{number}.clarify", body
    ):
        raise NothingAsked(
            "This Solve asks nothing now.", remedy="read it; `question` says what it waits for."
        )
    view = await view_of(run, airflow=services.airflow, store=services.store)
    assert isinstance(view, SolveProgress)  # noqa: S101  # it has not ended
    return view
