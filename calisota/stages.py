"""The steps of a Solve, wired: the one place where models, retrieval and sandbox meet.

Each step reads what earlier steps stored, writes its own result under a fixed name, and may run
again at any time: a cleared Airflow task simply overwrites. The DAG and `--local` call the same.
A step that killed its process three times is not run again (`calisota.attempts`).
"""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import cached_property, partial
from typing import TYPE_CHECKING, Protocol, TypeVar

from pydantic import BaseModel, ValidationError

from calisota import agents, engine
from calisota.agents.prompts import fit_passages
from calisota.artifacts import ArtifactStore
from calisota.attempts import Attempts
from calisota.conditions import conditions_of, models_of
from calisota.deliberation import Deliberation
from calisota.errors import (
    ArtifactDamaged,
    BudgetExhausted,
    IndexUnusable,
    InputError,
    ModelRejected,
    ModelUnavailable,
    PermanentError,
)
from calisota.ledger import Amount, Cap
from calisota.ledger.ledger import Ledger
from calisota.ledger.prices import Prices
from calisota.memory.memories import (
    MAX_PROGRAM_CHARS,
    MAX_STATEMENT_CHARS,
    REMEMBERED,
    Memory,
    digest_of,
)
from calisota.memory.store import MemoryStore, MemoryUnavailable
from calisota.models import (
    Action,
    Admitted,
    ArtifactRef,
    Candidate,
    CandidateSet,
    ExecutionMatrix,
    HitSet,
    Options,
    Outcome,
    Planned,
    Problem,
    Question,
    RoundResult,
    Route,
    SolveReport,
    StepTiming,
    TestResult,
    TestStrength,
    Trials,
    Usage,
    readable_faults,
)
from calisota.paid_chat import PaidChat
from calisota.paths import include
from calisota.rag.client import open_retriever
from calisota.sandbox.cells import BUILD_CPU_S, OPTIONAL_WALL_S
from calisota.sandbox.maxima import within_maxima

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager, AbstractContextManager

    from calisota.engine import SolveRecord
    from calisota.llm import ChatModel
    from calisota.models import Brief, Critique, Hit, Observation
    from calisota.settings import Settings

M = TypeVar("M", bound=BaseModel)

PASSAGES_ASKED = 8
PASSAGE_TOKENS = 1500
MUTANTS_S = 240.0
"""After so long no further mutant is begun: the step must end within its task's time limit."""
MUTANT_S = 120
"""Of one mutant; tests that it did not reach by then did not notice it."""
CHARS_PER_TOKEN = 3  # of code, on average; passages are cut to it, not billed by it


class Searches(Protocol):
    """What retrieves: `calisota.rag.client.EitherRetriever`."""

    def search(
        self, query: str, *, k: int, language: str | None = None, with_vector: bool = False
    ) -> HitSet:
        """The `k` nearest chunks, and the query's embedding where it is wanted."""
        ...


class RunsCandidates(Protocol):
    """What executes: `calisota.sandbox.engine.DockerSandbox`."""

    def run_candidate(
        self,
        problem: Problem,
        candidate: Candidate,
        *,
        solve_id: str,
        optional: int = 0,
        while_like: Sequence[Observation] = (),
        on_line: Callable[[str], None] | None = None,
    ) -> ExecutionMatrix:
        """The candidate on every test, in one fresh container; the last few may be left out.

        With `while_like` all after the first that ends in another way may be left out too.
        """
        ...


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
        self._ledger = Ledger(settings.ledger)
        self._open_chat = open_chat
        self._open_retriever = open_retriever

    def retrieve(self, solve_id: str, conf: Mapping[str, object], *, generation: int = 0) -> HitSet:
        """Take in the Problem and find passages for it.

        `generation`: how often a person had the Solve start over; each time it has its budget anew.

        `conf` is the Problem's fields, or `problem_ref` where a large Problem lies.
        A missing or damaged index is no reason not to solve: the note of the result says so.
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
            self._open_account(solve_id, admitted, anew=generation > 0)
            hits = self._recalled(self._search(problem), admitted)
            self._store.put(solve_id, "hits", hits)
        return hits

    def _open_account(self, solve_id: str, admitted: Admitted, *, anew: bool) -> None:
        budget = admitted.problem.options.budget
        cap = Cap(tokens=budget.tokens, calls=budget.calls, usd=budget.usd, cpu_s=budget.cpu_s)
        spent = self._ledger.spent(solve_id) if anew else None
        self._ledger.open_account(
            solve_id,
            cap.above(spent) if spent else cap,
            client=admitted.client,
            client_cap=self._daily,
        )

    @property
    def _daily(self) -> Cap | None:
        """What one client may spend in a day; None: it has no quota."""
        config = self._settings
        daily = Cap(tokens=config.client_daily_tokens, usd=config.client_daily_usd)
        return None if daily == Cap() else daily

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

    def _more(self, hits: HitSet, query: str) -> HitSet:
        """What the planner asked for, before what was found without it."""
        found = self._found(query)
        known = {hit.chunk_id for hit in found.hits}
        rest = [hit for hit in hits.hits if hit.chunk_id not in known]
        if found.index is None or found.index != hits.index:
            return hits
        return hits.model_copy(update={"hits": self._fitting([*found.hits, *rest])})

    def _search(self, problem: Problem) -> HitSet:
        query = f"{problem.signature or problem.entry_point or ''} {problem.statement}"[:2000]
        return self._found(query, with_vector=self._settings.memory)

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

    def _remember(self, record: SolveRecord, report: SolveReport, client: str | None) -> None:
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
                async with self._paid(solve_id, admitted, generation) as chat:
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
                self._store.put(solve_id, "hits", self._more(hits, planned.search))
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
            async with self._paid(solve_id, admitted, generation) as chat:
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
            return self._charged(solve_id, admitted, run, tests=1)

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
            async with self._paid(solve_id, admitted, generation) as chat:
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
            cost_usd=self._cost(solve_id),
        )
        self._store.put(solve_id, "report", report)
        self._remember(record, report, self._load(solve_id, "problem", Admitted).client)
        return report

    def _cost(self, solve_id: str) -> float | None:
        """What the Solve cost in USD; None: the price of one of its models is not known."""
        spent = self._ledger.spent(solve_id)
        return None if spent is None or spent.unpriced else round(spent.usd, 6)

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
        return _load(self._store, solve_id, name, kind)

    @asynccontextmanager
    async def _paid(
        self, solve_id: str, admitted: Admitted, generation: int
    ) -> AsyncIterator[ChatModel]:
        config = self._settings
        async with self._open_chat() as chat:
            yield PaidChat(
                chat,
                self._ledger,
                self._prices,
                solve_id=solve_id,
                client=admitted.client,
                client_cap=self._daily,
                models=models_of(config),
                fallback=config.llm_fallback_model if config.llm_fallback_base_url else None,
                generation=generation,
            )

    @asynccontextmanager
    async def paid_chat(self, account: str, *, client: str | None) -> AsyncIterator[ChatModel]:
        """Models whose calls are counted in an account of their own: beside a Solve, not of it."""
        self._ledger.open_account(account, Cap(), client=client)
        async with self._open_chat() as chat:
            yield PaidChat(
                chat,
                self._ledger,
                self._prices,
                solve_id=account,
                client=client,
                models=models_of(self._settings),
            )

    @cached_property
    def _prices(self) -> Prices:
        return Prices.load(self._settings.prices or include("prices.yaml"))

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
            return self._charged(solve_id, admitted, run, tests=binding, more_s=OPTIONAL_WALL_S)
        except BudgetExhausted as error:
            return refused_matrix(problem, candidate, str(error))

    def _charged(
        self,
        solve_id: str,
        admitted: Admitted,
        run: Callable[[], ExecutionMatrix],
        *,
        tests: int,
        more_s: float = 0,
    ) -> ExecutionMatrix:
        """What `run` came to; the CPU time of its tests is reserved before and settled after.

        Raises: BudgetExhausted: it does not fit, and was not run.
        """
        problem = admitted.problem
        once_s = tests * problem.limits.cpu_s + BUILD_CPU_S
        checked_s = once_s if problem.checker is not None else 0
        entry = self._ledger.reserve(
            solve_id,
            Amount(executions=1, cpu_s=once_s + checked_s + more_s),
            route="sandbox",
            model="",
            client=admitted.client,
            client_cap=self._daily,
        )
        try:
            matrix = run()
        except BaseException:  # no result: it is not held against the Solve
            self._ledger.release(entry)
            raise
        used = matrix.cpu_s
        if used is None:
            used = sum(test.cpu_s or 0.0 for test in (*matrix.tests, *matrix.examples))
        self._ledger.settle(entry, Amount(executions=1, cpu_s=used))
        return matrix

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


def run_trials(
    sandbox: RunsCandidates,
    problem: Problem,
    trials: Trials,
    candidate: Candidate,
    solve_id: str,
    *,
    while_like: Sequence[Observation] = (),
    on_line: Callable[[str], None] | None = None,
) -> ExecutionMatrix:
    """The candidate on the client's tests, the examples and the generated inputs."""
    whole = engine.with_trials(problem, trials)
    if while_like:
        whole = whole.model_copy(update={"options": _briefly(problem)})
    matrix = sandbox.run_candidate(
        whole,
        candidate,
        solve_id=solve_id,
        optional=len(trials.inputs),
        while_like=while_like,
        on_line=on_line,
    )
    return engine.mark_held_out(problem, engine.sorted_out(problem, trials, matrix))


def _briefly(problem: Problem) -> Options:
    """The Problem's options with a mutant's share of time."""
    budget = problem.options.budget
    short = budget.model_copy(update={"wall_s": min(budget.wall_s, MUTANT_S)})
    return problem.options.model_copy(update={"budget": short})


def traced(
    run: Callable[[Problem, Candidate], ExecutionMatrix],
    problem: Problem,
    trials: Trials,
    candidate: Candidate,
    matrix: ExecutionMatrix,
) -> list[str]:
    """What a Python function did on the smallest failure that a model may see, block by block.

    In a container of its own: the recorder is no part of the program that is judged. What the
    budget does not allow is not traced.
    """
    smallest = engine.smallest_failure(problem, trials, matrix)
    nonce = secrets.token_hex(8)
    source = engine.traced_program(candidate.source or "", problem.entry_point or "", nonce)
    if smallest is None or source is None:
        return []
    alone = problem.model_copy(update={"tests": [smallest]})
    recorded = candidate.model_copy(update={"source": source})
    try:
        again = run(alone, recorded)
    except BudgetExhausted:
        return []
    return engine.read_trace(again.tests[0].stderr, nonce)


def refused_matrix(problem: Problem, candidate: Candidate, why: str) -> ExecutionMatrix:
    """The matrix of a candidate that the budget does not allow to run."""
    tests = [
        TestResult(name=problem.test_name(number), outcome=Outcome.NOT_RUN, detail=why[:300])
        for number in range(len(problem.tests))
    ]
    return ExecutionMatrix(
        candidate_id=candidate.id,
        outcome=Outcome.NOT_RUN,
        tests=tests,
        image="none",
        wall_s=0,
        refused=True,
    )


def proven(
    record: SolveRecord,
    winner: Candidate,
    run: Callable[[Trials, Candidate, Sequence[Observation]], ExecutionMatrix],
    *,
    mutants: int,
) -> tuple[ExecutionMatrix, TestStrength | None]:
    """The winner's second clean run, and how well its tests tell it from its mutants.

    `run` executes a candidate on trials, while it does what is named; `mutants`: at most so many
    are run.
    """
    # What the critic suspects is run at the end, and told apart again by its place.
    asked = engine.with_objections(record, winner.id)
    second = run(asked, winner, ())
    passed = second.outcome is Outcome.ACCEPTED and winner.source is not None
    if not passed or not (second.tests or second.observed):
        return second, None
    changes = engine.mutants_of(
        winner.source or "",
        record.problem.language,
        limit=mutants,
        entry_point=record.problem.entry_point,
    )

    like = engine.behaviour_of(second)

    until = time.monotonic() + MUTANTS_S

    def changed(mutant: engine.Mutant) -> ExecutionMatrix:
        named = {"id": f"{winner.id}{mutant.id}", "source": mutant.source}
        one = winner.model_copy(update=named)
        if time.monotonic() > until:
            return refused_matrix(record.problem, one, "the time for mutants was over")
        return run(asked, one, like)

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        matrices = list(pool.map(changed, changes))
    expected = [probe.expects for probe in record.trials.inputs]
    pairs = zip(changes, matrices, strict=True)
    as_text = record.problem.entry_point is None
    return second, engine.strength_of(second, pairs, expected=expected, as_text=as_text)


def read_record(
    store: ArtifactStore, solve_id: str, *, before_round: int | None = None
) -> SolveRecord:
    """What was stored so far, following the decisions from the first round on.

    Raises: ArtifactDamaged: the first steps stored nothing.
    """
    rounds = []
    problem = _load(store, solve_id, "problem", Admitted).problem
    last = before_round if before_round is not None else problem.options.rounds + 1
    for number in range(1, last):
        drawn = store.find(solve_id, f"round_{number}/candidates", CandidateSet)
        result = store.find(solve_id, f"round_{number}/result", RoundResult)
        if drawn is None or result is None:
            break
        rounds.append((drawn, result))
        if result.decision.verdict is not None:
            break
    return engine.SolveRecord(
        problem=problem,
        hits=_load(store, solve_id, "hits", HitSet),
        planned=store.find(solve_id, "plan", Planned),
        rounds=rounds,
    )


def _load(store: ArtifactStore, solve_id: str, name: str, kind: type[M]) -> M:
    value = store.find(solve_id, name, kind)
    if value is None:
        raise ArtifactDamaged(
            f"Solve {solve_id} has no {name}.", remedy="clear the Dag run from `retrieve` on."
        )
    return value


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
