"""From a Problem to a Dag run: exactly one, however often the client sends it."""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
from typing import TYPE_CHECKING, Literal, NamedTuple

from api.airflow_client import FAST_PREFIX, AnswerLost
from api.problems import IdempotencyKeyReused
from calisota.errors import AirflowUnavailable, CalisotaError, InputError
from calisota.models import ArtifactRef, Problem

if TYPE_CHECKING:
    from pydantic import JsonValue

    from api.airflow_client import AirflowClient, DagRun
    from calisota.artifacts import ArtifactStore

INLINE_BYTES = 8 * 1024
"""A larger conf is stored aside: the scheduler holds the conf of every run in memory.

Source: apache/airflow#71267.
"""


class Order(NamedTuple):
    """A Dag run to be started."""

    solve_id: str
    conf: dict[str, JsonValue]
    upload: str | None
    """The folder of the artifact store that holds the Problem; None: `conf` does."""


class Started(NamedTuple):
    """The Dag run, and whether an earlier request started it."""

    run: DagRun
    replayed: bool


def solve_id_of(client: str, idempotency_key: str | None, mode: Literal["dag", "fast"]) -> str:
    """The id of the Solve; the same for the same client and key, else a new one.

    Its beginning names the DAG.
    """
    prefix = FAST_PREFIX if mode == "fast" else "solve_"
    if idempotency_key is None:
        return f"{prefix}{secrets.token_hex(16)}"
    digest = hashlib.sha256(f"{client}\0{idempotency_key}".encode()).hexdigest()
    return f"{prefix}{digest[:32]}"


async def submit(
    problem: Problem,
    *,
    client: str,
    idempotency_key: str | None,
    airflow: AirflowClient,
    store: ArtifactStore,
) -> Started:
    """The Dag run of this Problem; what is stored for it goes away when no run needs it.

    Raises: InputError: the Problem is no proper JSON. IdempotencyKeyReused: use another key.
    AirflowUnavailable: send it again.
    """
    mode = problem.options.mode
    solve_id = solve_id_of(client, idempotency_key, mode)
    if idempotency_key is not None:
        other = solve_id_of(client, idempotency_key, "dag" if mode == "fast" else "fast")
        if await airflow.dag_run(other) is not None:
            raise _reused()
    order = await asyncio.to_thread(_pack, problem, solve_id, client, store)
    try:
        run = await airflow.trigger(solve_id, order.conf)
    except CalisotaError as error:
        # An answer that was lost leaves open whether there is a run that needs the Problem.
        if not isinstance(error, AnswerLost):
            await _forget(order, store)
        raise
    if run is not None:
        return Started(run, replayed=False)
    await _forget(order, store)
    return Started(await _earlier_run(order, airflow), replayed=True)


def _pack(problem: Problem, solve_id: str, client: str, store: ArtifactStore) -> Order:
    conf: dict[str, JsonValue]
    try:
        conf = {**problem.model_dump(mode="json"), "client": client}
        text = json.dumps(conf, ensure_ascii=False, allow_nan=False)
        size = len(text.encode())
    except ValueError:
        raise InputError(
            "The Problem holds what JSON cannot say: NaN, Infinity or half a surrogate pair.",
            remedy="leave those values out.",
        ) from None
    # PostgreSQL stores no NUL in JSON.
    if size <= INLINE_BYTES and "\\u0000" not in text:
        return Order(solve_id, conf, upload=None)
    # A folder of its own: another request with this key may be writing, and the steps of the
    # Solve write theirs under the plain id.
    upload = f"{solve_id}~{secrets.token_hex(4)}"
    reference = store.put(upload, "problem", problem)
    conf = {"problem_ref": reference.model_dump(mode="json"), "client": client}
    return Order(solve_id, conf, upload)


async def _forget(order: Order, store: ArtifactStore) -> None:
    if order.upload is not None:
        await asyncio.to_thread(store.delete, order.upload)


async def _earlier_run(order: Order, airflow: AirflowClient) -> DagRun:
    run = await airflow.dag_run(order.solve_id)
    if run is None:
        raise AirflowUnavailable(
            "The Solve of this Idempotency-Key has just been deleted.", remedy="send it again."
        )
    if _identity(run.conf or {}) != _identity(order.conf):
        raise _reused()
    return run


def _reused() -> IdempotencyKeyReused:
    return IdempotencyKeyReused(
        "This Idempotency-Key was used for another Problem.",
        remedy="use a new key for a new Problem; send the same body to repeat a request.",
    )


def _identity(conf: dict[str, JsonValue]) -> str:
    """The same text for the same Problem; Python's `==` would take `1` for `true`."""
    reference = conf.get("problem_ref")
    if reference is not None:
        conf = {**conf, "problem_ref": ArtifactRef.model_validate(reference).sha256}
    return json.dumps(conf, sort_keys=True)
