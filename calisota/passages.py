"""What a Solve is shown beside its Problem: passages of the index, one Problem solved before."""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from calisota.agents.prompts import fit_passages
from calisota.errors import IndexUnusable, PermanentError
from calisota.memory.memories import (
    MAX_PROGRAM_CHARS,
    MAX_STATEMENT_CHARS,
    REMEMBERED,
    Memory,
    digest_of,
)
from calisota.memory.store import MemoryStore, MemoryUnavailable
from calisota.models import HitSet

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from calisota.engine import SolveRecord
    from calisota.models import Admitted, Hit, SolveReport
    from calisota.settings import Settings

PASSAGES_ASKED = 8
PASSAGE_TOKENS = 1500
CHARS_PER_TOKEN = 3  # of code, on average; passages are cut to it, not billed by it


class Searches(Protocol):
    """What retrieves: `calisota.rag.client.EitherRetriever`."""

    def search(
        self, query: str, *, k: int, language: str | None = None, with_vector: bool = False
    ) -> HitSet:
        """The `k` nearest chunks, and the query's embedding where it is wanted."""
        ...


class Passages:
    """Where they are found, and where a solved Problem is kept for the next one."""

    def __init__(
        self, settings: Settings, open_retriever: Callable[[], AbstractContextManager[Searches]]
    ) -> None:
        self._settings = settings
        self._open_retriever = open_retriever

    def for_problem(self, admitted: Admitted) -> HitSet:
        """What is like this Problem, within the size of the prompt.

        A missing or damaged index is no reason not to solve: the note of the result says so.
        """
        problem = admitted.problem
        query = f"{problem.signature or problem.entry_point or ''} {problem.statement}"[:2000]
        return self._recalled(self._found(query, with_vector=self._settings.memory), admitted)

    def more(self, hits: HitSet, query: str) -> HitSet:
        """What the planner asked for, before what was found without it."""
        found = self._found(query)
        known = {hit.chunk_id for hit in found.hits}
        rest = [hit for hit in hits.hits if hit.chunk_id not in known]
        if found.index is None or found.index != hits.index:
            return hits
        return hits.model_copy(update={"hits": self._fitting([*found.hits, *rest])})

    def remember(self, record: SolveRecord, report: SolveReport, client: str | None) -> None:
        """Keep what was solved, where the words of its claim are true."""
        hits, program = record.hits, report.code
        known = report.verdict in REMEMBERED and program is not None
        if not self._settings.memory or not known or hits.vector is None or hits.encoder is None:
            return
        if program is None or len(program) > MAX_PROGRAM_CHARS:
            return
        memory = Memory(
            solve_id=report.solve_id,
            owner=client or "",
            language=record.problem.language,
            digest=digest_of(record.problem),
            statement=record.problem.statement[:MAX_STATEMENT_CHARS],
            program=program,
            verdict=report.verdict,
        )
        with suppress(MemoryUnavailable, PermanentError):  # what was solved is solved
            self._memory.remember(memory, encoder=hits.encoder, vector=hits.vector)

    def _recalled(self, hits: HitSet, admitted: Admitted) -> HitSet:
        """`hits` after at most one Problem that this client's Solves solved before."""
        if not self._settings.memory or hits.vector is None or hits.encoder is None:
            return hits
        try:
            recalled = self._memory.recall(
                owner=admitted.client or "",
                language=admitted.problem.language,
                encoder=hits.encoder,
                vector=hits.vector,
                least=self._settings.memory_min_similarity,
            )
        except (MemoryUnavailable, PermanentError):
            return hits  # an example less is no reason not to solve
        if recalled is None:
            return hits
        return hits.model_copy(update={"hits": self._fitting([recalled.as_hit(), *hits.hits])})

    @cached_property
    def _memory(self) -> MemoryStore:
        return MemoryStore(self._settings.ledger)

    def _found(self, query: str, *, with_vector: bool = False) -> HitSet:
        if "retrieval" in self._settings.without:
            return HitSet(index=None, hits=[], note="CALISOTA_WITHOUT names retrieval.")
        try:
            with self._open_retriever() as retriever:
                found = retriever.search(query, k=PASSAGES_ASKED, with_vector=with_vector)
        except IndexUnusable as error:
            return HitSet(index=None, hits=[], note=str(error))
        least = self._settings.retrieval_min_score
        good = [hit for hit in found.hits if (hit.similarity or hit.score) >= least]
        return found.model_copy(update={"hits": self._fitting(good)})

    def _fitting(self, hits: list[Hit]) -> list[Hit]:
        # A small context is that of a small model: passages cost it seconds and attention.
        tokens = min(PASSAGE_TOKENS, self._settings.context_tokens // 8)
        return fit_passages(hits, tokens * CHARS_PER_TOKEN)
