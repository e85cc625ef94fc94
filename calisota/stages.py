"""The steps of a Solve, wired: the one place where models, passages and sandbox meet.

Each step reads what earlier steps stored, writes its own result under a fixed name, and may run
again at any time: a cleared Airflow task simply overwrites. The DAG and `--local` call the same.
A step that killed its process three times is not run again (`calisota.attempts`).
"""

from __future__ import annotations

import asyncio
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ValidationError

from calisota import agents, engine
from calisota.accounts import Accounts
from calisota.artifacts import ArtifactStore
from calisota.attempts import Attempts
from calisota.conditions import conditions_of
from calisota.deliberation import Deliberation
from calisota.errors import (
    ArtifactDamaged,
    BudgetExhausted,
    InputError,
    ModelRejected,
    ModelUnavailable,
)
from calisota.executions import proven, refused_matrix, run_trials, traced
from calisota.models import (
    Action,
    Admitted,
    ArtifactRef,
    Candidate,
    CandidateSet,
    ExecutionMatrix,
    HitSet,
    Planned,
    Problem,
    Question,
    RoundResult,
    Route,
    SolveReport,
    StepTiming,
    Trials,
    Usage,
    readable_faults,
)
from calisota.passages import Passages, Searches
from calisota.rag.client import open_retriever
from calisota.records import load, read_record
from calisota.sandbox.cells import OPTIONAL_WALL_S
from calisota.sandbox.maxima import within_maxima

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager, AbstractContextManager

    from calisota.engine import SolveRecord
    from calisota.executions import RunsCandidates
    from calisota.llm import ChatModel
    from calisota.models import Brief, Critique, Observation
    from calisota.settings import Settings

M = TypeVar("M", bound=BaseModel)


class Stages:
    """The steps of one installation; cheap to build, opens nothing until a step needs it."""

    def __init__(
        self,
        settings: Settings,
        store: ArtifactStore,
        *,
        open_chat: Callable[[], AbstractAsyncContextManager[ChatModel]],
        open_retriever: Callable[[], AbstractContextManager[Searches]],
    ) -> None:
        self._settings = settings
        self._store = store
        self._attempts = Attempts(store)
        self.accounts = Accounts(settings, open_chat)
        self._passages = Passages(settings, open_retriever)

    def retrieve(self, solve_id: str, conf: Mapping[str, object], *, generation: int = 0) -> HitSet:
        """Take in the Problem and find passages for it.

        `generation`: how often a person had the Solve start over; each time it has its budget anew.

        `conf` is the Problem's fields, or `problem_ref` where a large Problem lies.
        Raises: InputError: `conf` is no Problem; correct it.
        """
        with self._step(solve_id, "retrieve", generation):
            problem = self.problem_of(conf)
            client = conf.get("client")
            admitted = Admitted(
                problem=problem,
                started_at=time.time(),
                client=client if isinstance(client, str) else None,
            )
            self._store.put(solve_id, "problem", admitted)
            self.accounts.open(solve_id, admitted, anew=generation > 0)
            hits = self._passages.for_problem(admitted)
            self._store.put(solve_id, "hits", hits)
        return hits

    def problem_of(self, conf: Mapping[str, object]) -> Problem:
        """The Problem in a Dag run's conf, within the operator's limits. Raises: InputError."""
        problem = self._read_problem(conf)
        limits = within_maxima(problem.limits, self._settings)
        return problem.model_copy(update={"limits": limits})

    def _read_problem(self, conf: Mapping[str, object]) -> Problem:
        reference = conf.get("problem_ref")
        try:
            if reference is not None:
                return self._store.get(ArtifactRef.model_validate(reference), Problem)
            # A form leaves fields that were not filled in as null.
            fields = {
                name: conf[name] for name in Problem.model_fields if conf.get(name) is not None
            }
            return Problem.model_validate(fields)
        except ValidationError as error:
            faults = "; ".join(str(fault) for fault in readable_faults(error))
            raise InputError(
                f"This is no Problem: {faults}.", remedy="correct the fields named and start again."
            ) from None

    async def plan(self, solve_id: str, *, generation: int = 0) -> Planned:
        """The plan, by the slow model.

        `generation`, here and below: how often a person had the step run afresh; a step that merely
        runs again after a crash gets the answers that were paid for.
        """
        with self._step(solve_id, "plan", generation):
            admitted = self._load(solve_id, "problem", Admitted)
            hits = self._load(solve_id, "hits", HitSet)
            problem = admitted.problem
            try:
                async with self.accounts.paid(solve_id, admitted, generation) as chat:
                    planned = await agents.make_plan(
                        chat,
                        problem,
                        passages=hits.hits,
                        shown=engine.shown_tests(problem),
                        max_tokens=self._settings.answer_tokens,
                    )
            except BudgetExhausted as error:
                planned = agents.no_plan(problem, Usage(), note=str(error))
            if planned.search is not None:
                self._store.put(solve_id, "hits", self._passages.more(hits, planned.search))
            trials = engine.trials_for(problem, planned.inputs)
            planned = planned.model_copy(update={"trials": trials})
            self._store.put(solve_id, "plan", planned)
            self._store.put(solve_id, "conditions", conditions_of(self._settings))
        return planned

    async def code(self, solve_id: str, round_number: int, *, generation: int = 0) -> CandidateSet:
        """The candidates of this round, sampled concurrently by the fast model."""
        with self._step(solve_id, f"round_{round_number}.code", generation):
            admitted = self._load(solve_id, "problem", Admitted)
            record = self.record(solve_id, before_round=round_number)
            planned = self._load(solve_id, "plan", Planned)
            async with self.accounts.paid(solve_id, admitted, generation) as chat:
                briefs = engine.make_briefs(
                    round_number=round_number,
                    candidates=admitted.problem.options.candidates,
                    plan=planned.plan,
                    has_passages=bool(record.hits.hits),
                    last=record.last,
                    prompts=agents.prompt_hashes(),
                    varied=self._settings.varied_temperature,
                    has_frontier=chat.has(Route.FRONTIER),
                )
                drawn = await self._draw(chat, record, briefs, round_number)
            self._store.put(solve_id, f"round_{round_number}/candidates", drawn)
        return drawn

    async def _draw(
        self, chat: ChatModel, record: SolveRecord, briefs: list[Brief], round_number: int
    ) -> CandidateSet:
        """One candidate per brief; what was answered is kept even where a sibling call failed."""
        slots = asyncio.Semaphore(self._settings.llm_concurrency)
        plan = record.planned.plan if record.planned else None
        if plan is None:
            raise ArtifactDamaged("The plan is gone.", remedy="clear the task `plan`.")

        hints = agents.Hints(diagnosis=record.diagnosis, answers=record.answers)

        async def one(brief: Brief) -> Candidate:
            async with slots:
                return await agents.write_candidate(
                    chat,
                    record.problem,
                    brief,
                    round_number=round_number,
                    plan=plan,
                    passages=record.hits.hits,
                    shown=engine.shown_tests(record.problem),
                    repair=engine.repair_of(record, brief),
                    hints=hints,
                    max_tokens=self._settings.answer_tokens,
                )

        results = await asyncio.gather(*map(one, briefs), return_exceptions=True)
        candidates = [result for result in results if isinstance(result, Candidate)]
        failures = [result for result in results if isinstance(result, BaseException)]
        kept = (BudgetExhausted, ModelUnavailable, ModelRejected)
        tolerable = kept if candidates else BudgetExhausted
        for failure in failures:
            if not isinstance(failure, tolerable):
                raise failure
        out_of_budget = any(isinstance(failure, BudgetExhausted) for failure in failures)
        return CandidateSet(
            round=round_number, candidates=candidates, stopped="budget" if out_of_budget else None
        )

    def sandbox(
        self,
        solve_id: str,
        candidate_id: str,
        sandbox: RunsCandidates,
        on_line: Callable[[str], None] | None = None,
        *,
        generation: int = 0,
    ) -> ExecutionMatrix:
        """The candidate on every test and generated input, in its own container."""
        round_number = _round_of(candidate_id)
        with self._step(solve_id, f"round_{round_number}.sandbox.{candidate_id}", generation):
            return self._execute(solve_id, candidate_id, sandbox, on_line)

    def _execute(
        self,
        solve_id: str,
        candidate_id: str,
        sandbox: RunsCandidates,
        on_line: Callable[[str], None] | None = None,
    ) -> ExecutionMatrix:
        number = _round_of(candidate_id)
        admitted = self._load(solve_id, "problem", Admitted)
        drawn = self._load(solve_id, f"round_{number}/candidates", CandidateSet)
        candidate = next(c for c in drawn.candidates if c.id == candidate_id)
        trials = self._load(solve_id, "plan", Planned).trials
        matrix = self._run(solve_id, admitted, trials, candidate, sandbox, on_line)

        def once(alone: Problem, recorded: Candidate) -> ExecutionMatrix:
            run = partial(sandbox.run_candidate, alone, recorded, solve_id=solve_id)
            return self.accounts.charged(solve_id, admitted, run, tests=1)

        trace = traced(once, admitted.problem, trials, candidate, matrix)
        matrix = matrix.model_copy(update={"trace": trace})
        self._store.put(solve_id, f"round_{number}/matrix_{candidate_id}", matrix)
        return matrix

    async def critic(
        self,
        solve_id: str,
        round_number: int,
        sandbox: RunsCandidates,
        *,
        can_ask: bool = True,
        cancelled: bool = False,
        generation: int = 0,
    ) -> RoundResult:
        """The review of the round's best candidate, and the decision what happens next.

        `can_ask`: whether this host can put a question to a person.
        """
        with self._step(solve_id, f"round_{round_number}.critic", generation):
            admitted = self._load(solve_id, "problem", Admitted)
            record = self.record(solve_id, before_round=round_number)
            drawn = self._load(solve_id, f"round_{round_number}/candidates", CandidateSet)
            matrices = [
                self._load(solve_id, f"round_{round_number}/matrix_{candidate.id}", ExecutionMatrix)
                for candidate in drawn.candidates
            ]

            async def execute(candidate_id: str) -> ExecutionMatrix:
                return await asyncio.to_thread(self._execute, solve_id, candidate_id, sandbox)

            spent = record.usage + drawn.usage
            async with self.accounts.paid(solve_id, admitted, generation) as chat:
                deliberation = Deliberation(
                    admitted,
                    record,
                    drawn,
                    matrices,
                    chat=chat,
                    execute=execute,
                    max_tokens=self._settings.answer_tokens,
                    can_ask=can_ask,
                    can_repair="repair" not in self._settings.without,
                    can_prefer=self._can_prefer,
                    cancelled=cancelled,
                )
                critique, usage = await self._review(chat, admitted, drawn, matrices)
                decision = await deliberation.run(spent + usage)
            result = RoundResult(
                round=round_number,
                matrices=deliberation.matrices,
                critique=critique,
                decision=decision,
                path=deliberation.path,
                circumstances=deliberation.circumstances,
                decided_at=time.time(),
                questions=deliberation.questions,
                diagnosis=deliberation.diagnosis,
                usage=usage + deliberation.usage.get(Route.CRITIC, Usage()),
                slow_usage=deliberation.usage.get(Route.SLOW, Usage()),
                frontier_usage=deliberation.usage.get(Route.FRONTIER, Usage()),
            )
            self._store.put(solve_id, f"round_{round_number}/result", result)
        return result

    @property
    def _can_prefer(self) -> bool:
        """Whether the critic is asked for one of two equals; a small model has no view of that."""
        at_length = self._settings.answer_tokens >= agents.AT_LENGTH_TOKENS
        return at_length and "critic" not in self._settings.without

    async def _review(
        self,
        chat: ChatModel,
        admitted: Admitted,
        drawn: CandidateSet,
        matrices: list[ExecutionMatrix],
    ) -> tuple[Critique | None, Usage]:
        """The critic's view of the best candidate of this round; none when there is no program."""
        if "critic" in self._settings.without:
            return None, Usage()
        best = max(matrices, key=lambda m: (m.outcome == "accepted", m.passed()), default=None)
        candidate = next((c for c in drawn.candidates if best and c.id == best.candidate_id), None)
        if best is None or candidate is None or candidate.source is None:
            return None, Usage()
        try:
            return await agents.review(
                chat,
                admitted.problem,
                candidate,
                best,
                failures=engine.failures_for_model(best),
                max_tokens=self._settings.answer_tokens,
            )
        except (BudgetExhausted, ModelUnavailable, ModelRejected):
            # Advice only: a Solve that the tests decided does not fail for want of it.
            return None, Usage()

    def rounds(self, solve_id: str) -> int:
        """How many rounds this Solve may take."""
        return self._load(solve_id, "problem", Admitted).problem.options.rounds

    def planned(self, solve_id: str) -> Planned:
        """The plan that was made."""
        return self._load(solve_id, "plan", Planned)

    def drawn(self, solve_id: str, round_number: int) -> CandidateSet:
        """The candidates that were sampled in this round."""
        return self._load(solve_id, f"round_{round_number}/candidates", CandidateSet)

    def question(self, solve_id: str, round_number: int) -> Question:
        """What a person is to be asked after this round. Raises: ArtifactDamaged: nothing."""
        asked = self._load(solve_id, f"round_{round_number}/result", RoundResult).decision.question
        if asked is None:
            raise ArtifactDamaged(
                f"Round {round_number} of Solve {solve_id} asks nothing.",
                remedy=f"clear the task `round_{round_number}.critic`.",
            )
        return asked

    def answered(self, solve_id: str, round_number: int) -> RoundResult | None:
        """The round's result, if a person's answer is in it already: a try died after it."""
        result = self._load(solve_id, f"round_{round_number}/result", RoundResult)
        return result if any(question.by == "person" for question in result.questions) else None

    def answer(
        self, solve_id: str, round_number: int, text: str | None, *, generation: int = 0
    ) -> RoundResult:
        """The round's result after a person answered its question, or in time did not (None).

        Raises: InputError: the answer is no value; ask again. ArtifactDamaged: nothing was asked.
        """
        step = f"round_{round_number}.clarify"
        with self._attempts.under_way(solve_id, step, generation=generation):
            return self._answer(solve_id, round_number, text)

    def _answer(self, solve_id: str, round_number: int, text: str | None) -> RoundResult:
        admitted = self._load(solve_id, "problem", Admitted)
        result = self._load(solve_id, f"round_{round_number}/result", RoundResult)
        asked = result.decision.question
        if result.decision.action is not Action.CLARIFY or asked is None:
            return result
        said = None if text is None else agents.answer_from_text(text, admitted.problem)
        if text is not None and said is None:
            raise InputError(
                f"{text[:100]!r} is no JSON value.",
                remedy='answer as JSON, for instance 3, [1, 2], "abc", true or null.',
            )
        if said is not None:
            said = agents.as_offered(said, asked.options)
        known = asked.model_copy(update={"by": "person", "said": said})
        # The time that a person took is not the Solve's.
        waited = max(0.0, time.time() - result.decided_at)
        admitted = admitted.model_copy(update={"started_at": admitted.started_at + waited})
        self._store.put(solve_id, "problem", admitted)
        others = [q for q in result.questions if q.number != asked.number or q.about != asked.about]
        record = self.record(solve_id, before_round=round_number)
        drawn = self._load(solve_id, f"round_{round_number}/candidates", CandidateSet)
        state = engine.state_after(
            admitted,
            record,
            drawn,
            result.matrices,
            usage=sum(
                [drawn.usage, result.usage, result.slow_usage, result.frontier_usage], record.usage
            ),
            questions=[*others, known],
            asked=True,
            settled=True,
            can_repair="repair" not in self._settings.without,
        )
        decided = result.model_copy(
            update={
                "questions": [*others, known],
                "path": [*result.path, result.decision],
                "circumstances": [*result.circumstances, state.circumstances],
                "decision": engine.decide(state),
            }
        )
        self._store.put(solve_id, f"round_{round_number}/result", decided)
        return decided

    def report(self, solve_id: str, sandbox: RunsCandidates, *, generation: int = 0) -> SolveReport:
        """The report; an accepted program is first run once more, in a new container.

        Then small changes of it are run, to see whether the tests would have noticed.
        """
        with self._attempts.under_way(solve_id, "report", generation=generation):
            return self._report(solve_id, sandbox)

    def _report(self, solve_id: str, sandbox: RunsCandidates) -> SolveReport:
        began = time.monotonic()
        record = self.record(solve_id, before_round=None)
        decision = record.last
        second, strength = None, None
        if decision is not None and decision.action == "accept" and decision.candidate_id:
            winner = record.candidate(decision.candidate_id)
            if winner is not None:
                admitted = self._load(solve_id, "problem", Admitted)
                second, strength = proven(
                    record,
                    winner,
                    lambda trials, one, like: self._run(
                        solve_id, admitted, trials, one, sandbox, while_like=like
                    ),
                    mutants=self._settings.mutants,
                )
        own = StepTiming(name="report", round=None, seconds=round(time.monotonic() - began, 3))
        report = engine.make_report(
            solve_id,
            record,
            second=second,
            strength=strength,
            steps=[*self._steps(solve_id, record), own],
            prompts=agents.prompt_hashes(),
            cost_usd=self.accounts.cost(solve_id),
        )
        self._store.put(solve_id, "report", report)
        client = self._load(solve_id, "problem", Admitted).client
        self._passages.remember(record, report, client)
        return report

    def _steps(self, solve_id: str, record: SolveRecord) -> list[StepTiming]:
        names = ["retrieve", "plan"]
        for drawn, _ in record.rounds:
            names.append(f"round_{drawn.round}.code")
            names += [f"round_{drawn.round}.sandbox.{c.id}" for c in drawn.candidates]
            names.append(f"round_{drawn.round}.critic")
        found = (self._store.find(solve_id, f"steps/{name}", StepTiming) for name in names)
        return [step for step in found if step is not None]

    def record(self, solve_id: str, *, before_round: int | None = None) -> SolveRecord:
        """What was stored so far, following the decisions from the first round on."""
        return read_record(self._store, solve_id, before_round=before_round)

    def _load(self, solve_id: str, name: str, kind: type[M]) -> M:
        return load(self._store, solve_id, name, kind)

    def _run(
        self,
        solve_id: str,
        admitted: Admitted,
        trials: Trials,
        candidate: Candidate,
        sandbox: RunsCandidates,
        on_line: Callable[[str], None] | None = None,
        while_like: Sequence[Observation] = (),
    ) -> ExecutionMatrix:
        """The candidate on all trials; what the budget does not allow is not run."""
        problem = admitted.problem
        binding = len(problem.tests) + len(trials.examples)

        def run() -> ExecutionMatrix:
            return run_trials(
                sandbox,
                problem,
                trials,
                candidate,
                solve_id,
                on_line=on_line,
                while_like=while_like,
            )

        try:
            return self.accounts.charged(
                solve_id, admitted, run, tests=binding, more_s=OPTIONAL_WALL_S
            )
        except BudgetExhausted as error:
            return refused_matrix(problem, candidate, str(error))

    def deaths(self, solve_id: str, step: str, *, generation: int) -> int:
        """How often this step died with its process."""
        return self._attempts.deaths(solve_id, step, generation=generation)

    def excuse(self, solve_id: str) -> None:
        """This process was told to end: the death of what it runs of the Solve is no sign."""
        self._attempts.excuse(solve_id)

    @contextmanager
    def _step(self, solve_id: str, step: str, generation: int) -> Iterator[None]:
        """A step of the Solve. Raises: StepQuarantined: it killed its process too often."""
        with (
            self._attempts.under_way(solve_id, step, generation=generation),
            self._timed(solve_id, step),
        ):
            yield

    @contextmanager
    def _timed(self, solve_id: str, step: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        group = step.startswith("round_")
        timing = StepTiming(
            name=step.split(".", 1)[1] if group else step,
            round=int(step[len("round_") : step.index(".")]) if group else None,
            seconds=round(time.monotonic() - began, 3),
        )
        self._store.put(solve_id, f"steps/{step}", timing)


def _round_of(candidate_id: str) -> int:
    return int(candidate_id[1 : candidate_id.index("c")])


def open_stages(settings: Settings) -> Stages:
    """The steps with the real model endpoint, index and artifact store of `settings`."""

    def chat() -> AbstractAsyncContextManager[ChatModel]:
        from calisota.llm.openai_chat import open_chat  # noqa: PLC0415  # the SDK takes 0.5 s

        return open_chat(settings)

    return Stages(
        settings,
        ArtifactStore(settings.artifacts),
        open_chat=chat,
        open_retriever=lambda: open_retriever(settings),
    )
