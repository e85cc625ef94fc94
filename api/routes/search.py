"""`/v1/search` and `/v1/indexes`: what retrieval finds, and in what."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Body, Path

from api.deps import ClientDep, ServicesDep
from api.openapi import SEARCH_EXAMPLES, search_errors
from api.problems import UnknownIndex
from api.schemas import IndexSummary, IndexVersions, SearchResult
from api.search import index_of, summaries
from calisota.rag.documents import Query

router = APIRouter(prefix="/v1", tags=["search"])


@router.post("/search", summary="Find passages", responses=search_errors(400, 413, 422))
async def search(
    body: Annotated[Query, Body(openapi_examples=SEARCH_EXAMPLES)],
    _client: ClientDep,
    services: ServicesDep,
) -> SearchResult:
    """The passages of the index that are nearest to `text`, best first.

    All of them come from one version of the index, whose name is in the answer.
    """
    return await services.searches.find(body)


@router.get("/indexes", summary="List the indexes", responses=search_errors())
async def indexes(_client: ClientDep, services: ServicesDep) -> list[IndexSummary]:
    """Each corpus that has an index, and which version of it answers."""
    return await asyncio.to_thread(summaries, services.settings.indexes)


@router.get("/indexes/{corpus}", summary="Show an index", responses=search_errors(404))
async def index(
    corpus: Annotated[str, Path(description="A name that GET /v1/indexes lists.")],
    _client: ClientDep,
    services: ServicesDep,
) -> IndexVersions:
    """The versions of an index, newest first, with the figures of their manifests."""
    found = await asyncio.to_thread(index_of, services.settings.indexes, corpus)
    if found is None:
        raise UnknownIndex("There is no index of this name.", remedy="see GET /v1/indexes.")
    return found
