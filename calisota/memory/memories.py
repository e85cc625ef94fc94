"""What is remembered of a Solve, and how it looks as an example."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from pydantic import Field

from calisota.models import Frozen, Hit, Language, Verdict

if TYPE_CHECKING:
    from calisota.models import Problem

MAX_STATEMENT_CHARS = 1000
MAX_PROGRAM_CHARS = 6000
REMEMBERED = (Verdict.VERIFIED, Verdict.CONSISTENT)
"""Verdicts whose programs are worth being shown, the best first."""


class Memory(Frozen):
    """One solved Problem."""

    solve_id: str
    owner: str
    """The client whose Solve it was; empty: of a person at the command line or in Airflow."""
    language: Language
    digest: str
    """The same for the same Problem."""
    statement: str = Field(max_length=MAX_STATEMENT_CHARS)
    program: str = Field(max_length=MAX_PROGRAM_CHARS)
    verdict: Verdict


class Recalled(Frozen):
    """A memory, and how near its statement is: the cosine of the embeddings."""

    memory: Memory
    similarity: float

    def as_hit(self) -> Hit:
        """As a passage: what was asked, and the program that answered it."""
        memory = self.memory
        text = f"Asked: {memory.statement}\n\nAnswered:\n{memory.program}"
        return Hit(
            chunk_id=f"memory:{memory.solve_id}",
            path=f"solved before, {memory.verdict.value}",
            start_line=1,
            end_line=text.count("\n") + 1,
            score=self.similarity,
            similarity=self.similarity,
            language=memory.language.value,
            text=text,
        )


def digest_of(problem: Problem) -> str:
    """The same for a Problem that is posted again, whatever its tests and options."""
    words = " ".join(problem.statement.split())
    text = f"{problem.language.value}\n{problem.entry_point or ''}\n{words}"
    return hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest()
