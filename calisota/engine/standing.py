"""How the candidates of a Solve stand: which pass what, and which behave alike. Pure."""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING

from calisota.engine.behaviour import clusters_of
from calisota.engine.quoted import admitted, gives
from calisota.models import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from calisota.engine.behaviour import Cluster
    from calisota.models import ExecutionMatrix, Question, SolveState, Tried


class Standing:
    """What `decide` reads from a state; each property is worked out once."""

    def __init__(self, state: SolveState) -> None:
        self.state = state
        self.by_id = {one.candidate_id: one for one in state.tried}

    @cached_property
    def this_round(self) -> list[Tried]:
        """The candidates of the round that has just ended."""
        return [one for one in self.state.tried if one.round == self.state.round]

    @cached_property
    def tested(self) -> bool:
        """Whether a client's test or a person's answer can prove anything; no model's word does."""
        answered = any(q.binding and q.by == "person" for q in self.state.questions)
        return self.state.client_tests > 0 or answered

    @cached_property
    def built(self) -> list[Tried]:
        """The candidates that ran."""
        broken = {Outcome.COMPILE_ERROR, Outcome.INTERNAL_ERROR}
        return [one for one in self.state.tried if one.matrix.outcome not in broken]

    @cached_property
    def clusters(self) -> list[Cluster]:
        """Of the candidates that pass the examples and the binding answers."""
        return clusters_of(in_line(self.built, self.state.questions))

    def share(self, one: Tried) -> float:
        """Of the cluster that a candidate is in; 0: in none."""
        return next((c.share for c in self.clusters if one.candidate_id in c.members), 0.0)

    def passes_examples(self, one: Tried) -> bool:
        """Whether it passes the statement's examples and what a person answered."""
        return bool(in_line([one], self.state.questions))

    def passes_visible(self, one: Tried) -> bool:
        """Whether it passes every test of the client's that a model may see; it has run."""
        return one in self.built and all(
            _accepted(test) for test in one.matrix.tests if not test.held_out
        )

    @staticmethod
    def passes_held_out(one: Tried) -> bool:
        """Whether it passes every test that no model saw."""
        return all(_accepted(test) for test in one.matrix.tests if test.held_out)

    @cached_property
    def looks(self) -> int:
        """How many candidates passed what they could see, and then failed what they could not."""
        return sum(self.passes_visible(o) and not self.passes_held_out(o) for o in self.built)

    @cached_property
    def best(self) -> Tried | None:
        """The candidate to show or to go on with; of equal ones the oldest."""
        return max(self.state.tried, key=self._rank, default=None)

    def _rank(self, one: Tried) -> tuple[object, ...]:
        return (
            self.passes_visible(one) and self.passes_held_out(one),
            one.matrix.outcome is Outcome.ACCEPTED and not one.leaked,
            self.passes_examples(one) and one in self.built,
            passed(one.matrix),
            not one.leaked,
            self.share(one) * (1 + gives(self, one, self._admitted)),
            one in self.built,
            # Where nothing can be executed to compare them, the commonest text is the likeliest.
            0 if one.matrix.observed else self._alike[one.likeness],
        )

    @cached_property
    def _admitted(self) -> set[int]:
        return admitted(self)

    @cached_property
    def _alike(self) -> Counter[str]:
        return Counter(one.likeness for one in self.built)


def in_line(tried: Iterable[Tried], questions: Sequence[Question]) -> list[Tried]:
    """Those that pass the statement's examples and give the answers that bind."""
    binding = [q for q in questions if q.binding and q.about == "input"]
    return [
        one
        for one in tried
        if all(_accepted(test) for test in one.matrix.examples)
        and all(_answers(one, question.number) == question.said for question in binding)
    ]


def _answers(one: Tried, number: int) -> str | None:
    observed = one.matrix.observed
    return observed[number].answer if number < len(observed) else None


def passed(matrix: ExecutionMatrix) -> int:
    """How many binding tests were passed: the client's, and the statement's examples."""
    return sum(_accepted(test) for test in (*matrix.tests, *matrix.examples))


def _accepted(test: object) -> bool:
    return getattr(test, "outcome", None) is Outcome.ACCEPTED
