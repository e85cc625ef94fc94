"""What a candidate is run on beside the client's tests."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from calisota.models.base import Frozen
from calisota.models.problem import Call, CallTest, StdioTest


class Probe(Frozen):
    """A generated input: no answer is certainly right, but programs can be compared on it."""

    origin: Literal["tests", "planner", "changed"]
    """Of a test, of the planner, or one of these with a small change."""
    call: Call | None = None
    """None: the whole program runs on `stdin`."""
    stdin: str = Field(default="", max_length=1_000_000)
    argv: list[Annotated[str, Field(max_length=4096)]] = Field(default_factory=list, max_length=64)
    quote: str | None = Field(default=None, max_length=300)
    """The words of the statement that imply `expects`; None: nothing is expected."""
    expects: str | None = Field(default=None, max_length=1000)
    """What the planner, who saw no program, reads there, as `TestResult.answer`. It may err: of
    such answers about 85 % are right (arXiv 2501.12793)."""

    def as_test(self) -> CallTest | StdioTest:
        """The test that observes it; what it expects means nothing."""
        if self.call is not None:
            return CallTest(call=self.call, returns=None)
        return StdioTest(stdin=self.stdin, argv=self.argv, stdout="")


class Trials(Frozen):
    """All that candidates are run on beside the client's tests, the same for each of them."""

    examples: list[CallTest | StdioTest] = Field(default_factory=list)
    """Found in the statement, or answered by a person: binding."""
    inputs: list[Probe] = Field(default_factory=list)
    contradictions: list[str] = Field(default_factory=list)
    """Tests that ask for different answers to one input, in words."""
    doubts: list[str] = Field(default_factory=list)
    """What the statement and the tests do not agree on, in words; the tests were followed."""
