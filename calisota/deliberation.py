"""The end of a round: `decide`, and what its decisions ask for before the next round.

The decision is pure; here it is carried out. What spends no round happens at once: executing
again where the sandbox failed, and asking the slow and the frontier model, which see no program,
what is right on one input. After each of them `decide` looks again.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from calisota import agents, engine
from calisota.errors import BudgetExhausted, ModelRejected
from calisota.models import Action, Decision, Outcome, Question, Route, Usage

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from calisota.engine import SolveRecord
    from calisota.llm import ChatModel
    from calisota.models import Admitted, CandidateSet, Circumstances, ExecutionMatrix

    Execute = Callable[[str], Awaitable[ExecutionMatrix]]
    """Runs the candidate of this id again."""

MOST_STEPS = 12
"""Each step asks or executes something that is then not done again; this is a second lock."""
PREFERENCE_CALLS = 2
EXPLAINED = 2
"""Failing programs that a diagnosis looks at."""


class Deliberation:
    """One round's end; `run` gives the decision, the other fields are then what led to it."""

    def __init__(  # noqa: PLR0913  # a round's end looks at all of the round
        self,
        admitted: Admitted,
        record: SolveRecord,
        drawn: CandidateSet,
        matrices: list[ExecutionMatrix],
        *,
        chat: ChatModel,
        execute: Execute,
        max_tokens: int,
        can_ask: bool,
        can_repair: bool,
        can_prefer: bool,
        cancelled: bool,
    ) -> None:
        self._admitted = admitted
        self._record = record
        self._drawn = drawn
        self.matrices = list(matrices)
        self._chat = chat
        self._execute = execute
        self._max_tokens = max_tokens
        self._can_ask = can_ask
        self._can_repair = can_repair
        self._can_prefer = can_prefer
        self._preferred: str | None = None
        self._cancelled = cancelled
        self._retries = 0
        self._refused = False
        self.path: list[Decision] = []
        self.circumstances: list[Circumstances] = []
        self.questions: list[Question] = []
        self.diagnosis: str | None = None
        self.usage: dict[Route, Usage] = {}

    async def run(self, spent: Usage) -> Decision:
        """What happens next; `spent` is all that was spent before.

        Raises: ModelUnavailable, EngineUnavailable: try the step again.
        """
        for _ in range(MOST_STEPS):
            decision = self._decide(spent)
            if decision.action is Action.ACCEPT and await self._prefers_another():
                self.circumstances.pop()
                decision = self._decide(spent)
            if not await self._carried_out(decision):
                return decision
            self.path.append(decision)
        return self._decide(spent, settled=True)

    def _decide(self, spent: Usage, *, settled: bool = False) -> Decision:
        used = sum(self.usage.values(), spent)
        state = engine.state_after(
            self._admitted,
            self._record,
            self._drawn,
            self.matrices,
            usage=used,
            questions=self.questions,
            asked=bool(self.questions),
            settled=settled,
            infrastructure_retries=self._retries,
            can_ask=self._can_ask or self._frontier_is_left,
            can_repair=self._can_repair,
            preferred=self._preferred,
            cancelled=self._cancelled,
        )
        if self._refused:
            state = state.model_copy(update={"out_of_budget": True})
        self.circumstances.append(state.circumstances)
        self._state = state
        return engine.decide(state)

    @property
    def _frontier_is_left(self) -> bool:
        """Whether the frontier model can still be asked in this round; it needs no person."""
        asked = any(question.by == "frontier" for question in self.questions)
        return self._chat.has(Route.FRONTIER) and not asked

    async def _carried_out(self, decision: Decision) -> bool:
        """Whether something was done about it here, so that `decide` must look again."""
        match decision.action:
            case Action.RETRY_INFRASTRUCTURE:
                await self._execute_again()
                return True
            case Action.DISCRIMINATE if decision.question is not None:
                await self._ask(decision.question, Route.SLOW)
                return True
            case Action.CLARIFY if decision.question is not None:
                if not self._chat.has(Route.FRONTIER) or decision.question.by == "frontier":
                    return False
                await self._ask(decision.question, Route.FRONTIER)
                return True
            case Action.ESCALATE if self.diagnosis is None and not self._refused:
                await self._diagnose()
                return self._refused
            case _:
                return False

    async def _prefers_another(self) -> bool:
        """Whether the critic would rather hand out another program that does the same; once."""
        state = self._state
        calls_left = state.calls_budget - state.usage.calls
        in_time = state.elapsed_s < state.wall_budget_s
        if not (self._can_prefer and in_time and calls_left >= PREFERENCE_CALLS):
            return False
        self._can_prefer = False
        rivals = engine.rivals(state)
        if rivals is None:
            return False
        better, usage = await agents.prefers_second(
            self._chat,
            self._admitted.problem,
            *(self._source(one) for one in rivals),
            max_tokens=self._max_tokens,
        )
        self._spend(Route.CRITIC, usage)
        self._preferred = rivals[1] if better else None
        return better

    def _source(self, candidate_id: str) -> str:
        drawn = (one for one in self._drawn.candidates if one.id == candidate_id)
        candidate = next(drawn, None) or self._record.candidate(candidate_id)
        return (candidate.source if candidate else None) or ""

    async def _execute_again(self) -> None:
        self._retries += 1
        broken = [m for m in self.matrices if m.outcome is Outcome.INTERNAL_ERROR]
        again = await asyncio.gather(*(self._execute(m.candidate_id) for m in broken))
        by_id = {matrix.candidate_id: matrix for matrix in again}
        self.matrices = [by_id.get(m.candidate_id, m) for m in self.matrices]

    async def _ask(self, question: Question, route: Route) -> None:
        problem = self._admitted.problem
        try:
            expected = await agents.expected_answer(
                self._chat,
                problem,
                question.asked,
                route=route,
                shown=engine.shown_tests(problem),
                max_tokens=self._max_tokens,
            )
        except BudgetExhausted:
            self._refused = True
            return
        except ModelRejected:
            expected = agents.Expected(answer=None, readable=False, usage=Usage())
        self._spend(route, expected.usage)
        by = "slow" if route is Route.SLOW else "frontier"
        answered = question.model_copy(update={"by": by, "said": expected.answer})
        if route is Route.SLOW:
            answered = self._held(answered, readable=expected.readable)
        self.questions = [
            q for q in self.questions if (q.about, q.number) != (question.about, question.number)
        ] + [answered]

    def _held(self, question: Question, *, readable: bool) -> Question:
        """With whether the planner said again what it had quoted, where it had."""
        inputs = self._record.trials.inputs
        if question.about != "input" or question.number >= len(inputs):
            return question
        probe = inputs[question.number]
        if probe.expects is None:
            return question
        as_text = self._admitted.problem.entry_point is None
        again = engine.same_answer(question.said, probe.expects, as_text=as_text)
        held = again if readable else None
        return question.model_copy(update={"quote": probe.quote, "held": held})

    async def _diagnose(self) -> None:
        """Why the best programs fail, for the next round; a useless answer is no diagnosis."""
        failed = engine.failing(self._record, self._drawn, self.matrices)[:EXPLAINED]
        if not failed:
            return
        try:
            made = await agents.diagnose(
                self._chat, self._admitted.problem, failed, max_tokens=self._max_tokens
            )
        except BudgetExhausted:
            self._refused = True
            return
        except ModelRejected:
            return
        self._spend(Route.SLOW, made.usage)
        self.diagnosis = " ".join(part for part in (made.text, made.approach) if part) or None

    def _spend(self, route: Route, usage: Usage) -> None:
        self.usage[route] = self.usage.get(route, Usage()) + usage
