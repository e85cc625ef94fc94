"""The retriever service, seen from another process: the one module of it that needs httpx."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import httpx
from pydantic import TypeAdapter, ValidationError

from calisota.errors import CalisotaError, IndexUnusable, RetrieverBusy
from calisota.models import Frozen, HitSet
from calisota.rag.client import ServiceAbsent
from calisota.rag.documents import Query

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

CONNECT_S = 0.25
ANSWER_S = 10.0

QUERIES = TypeAdapter(list[Query])
ANSWERS = TypeAdapter(list[HitSet])


class _Refused(Frozen, extra="ignore"):
    """What the service says when it cannot answer: a problem document."""

    code: str
    detail: str
    remedy: str


class ServedRetriever:
    """The retriever service on its Unix domain socket; safe to share by threads."""

    def __init__(self, socket: Path, *, answer_s: float = ANSWER_S) -> None:
        self._http = httpx.Client(
            transport=httpx.HTTPTransport(uds=str(socket)),
            base_url="http://retriever",
            timeout=httpx.Timeout(answer_s, connect=CONNECT_S),
            trust_env=False,  # a proxy is not for it
        )

    def search_many(self, queries: Sequence[Query]) -> list[HitSet]:
        """The hits of each query, in order, all from one version.

        Raises: ServiceAbsent: none answers; search in process. RetrieverBusy. IndexUnusable.
        """
        try:
            answer = self._http.post(
                "/search",
                content=QUERIES.dump_json(list(queries)),
                headers={"Content-Type": "application/json"},
            )
            if answer.status_code == HTTPStatus.OK:
                return ANSWERS.validate_json(answer.content)
            raise _error(_Refused.model_validate_json(answer.content))
        except (httpx.TransportError, ValidationError) as error:
            raise _absent(type(error).__name__) from error

    def close(self) -> None:
        """Close its connections."""
        self._http.close()


def _absent(why: str) -> ServiceAbsent:
    return ServiceAbsent(
        f"No retriever service answers ({why}).", remedy="start it with `calisota up`."
    )


def _error(refused: _Refused) -> CalisotaError:
    for kind in (IndexUnusable, RetrieverBusy):
        if refused.code == kind.code:
            return kind(refused.detail, remedy=refused.remedy)
    return ServiceAbsent(refused.detail, remedy=refused.remedy)
