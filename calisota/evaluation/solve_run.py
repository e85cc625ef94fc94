"""An evaluation of the engine that is stored as it goes: a killed one goes on where it was."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import math
import re
import secrets
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pydantic import Field

from calisota import agents, engine
from calisota.artifacts import ArtifactStore
from calisota.conditions import Conditions, conditions_of
from calisota.errors import ArtifactDamaged, InputError
from calisota.evaluation.solving import (
    BY_TEXT,
    Evaluated,
    RememberingSandbox,
    evaluate_case,
    is_right,
    voted,
)
from calisota.evaluation.solving_report import SolvingReport, summary
from calisota.evaluation.suites import HUMANEVAL, Pick, load_suite, picked
from calisota.models import Brief, Frozen, Options, Plan
from calisota.settings import Part  # noqa: TC001  # of a model's field
from calisota.stages import open_stages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from calisota.evaluation.solve_cases import SolveCase
    from calisota.executions import RunsCandidates
    from calisota.llm import ChatModel
    from calisota.models import ArtifactRef, Candidate
    from calisota.settings import Settings

MOST_SAMPLES = 40
"""Programs that best-of-N votes over, at most."""
_VERSION = re.compile(r"^[a-z0-9-]{1,200}-[0-9]{8}T[0-9]{6}-[0-9a-f]{4}$")
_BEARING = {
    "index_corpus",
    "llm_base_url",
    "llm_context_tokens",
    "llm_fallback_base_url",
    "llm_gguf",
    "llm_max_tokens",
    "llm_temperature",
    "memory_min_similarity",
    "retrieval_min_score",
    "without",
}
"""Settings that the conditions do not name."""
_LEVELLING = 9
"""Round number of the samples that only best-of-N gets; no Solve has so many rounds."""


class EvaluationPlan(Frozen):
    """What is evaluated. The same plan under the same conditions is the same evaluation."""

    suite: str = Field(default=HUMANEVAL, min_length=1)
    """`humaneval`, or the path of a file of JSON lines."""
    limit: int = Field(default=0, ge=0)
    """So many cases; 0: all."""
    pick: Pick = "spread"
    """Which ones: evenly spread, or those whose reference programs are shortest."""
    seeds: int = Field(default=1, ge=1, le=20)
    """Solves of each case."""
    client_tests: int = Field(default=0, ge=0, le=50)
    """HumanEval: asserts that the client gives; all are hidden tests."""
    candidates: int | None = Field(default=None, ge=1, le=8)
    rounds: int | None = Field(default=None, ge=1, le=3)
    without: tuple[Part, ...] = ()
    """Parts to do without, to see what they bring."""
    level: bool = False
    """Whether best-of-N gets further samples until it spent the engine's tokens."""
    memory: bool = False
    """Whether the Solves of one seed remember each other; no case meets itself."""

    def cases(self) -> list[SolveCase]:
        """Those of the suite that are evaluated, as they are posted. Raises: InputError."""
        named = {"candidates": self.candidates, "rounds": self.rounds}
        given = {name: value for name, value in named.items() if value is not None}
        found = []
        suite = load_suite(self.suite, client_tests=self.client_tests)
        for case in picked(suite, self.limit, self.pick):
            options = case.problem.options.model_dump() | given
            problem = case.problem.model_copy(update={"options": Options.model_validate(options)})
            found.append(case.model_copy(update={"problem": problem}))
        return found


class About(Frozen):
    """Of which evaluation the stored rows are."""

    plan: EvaluationPlan
    conditions: Conditions
    prompts: dict[str, str]
    """Name -> hash."""
    suite: str
    """Hash of its cases."""
    settings: str
    """Hash of all settings that bear on programs or verdicts; addresses are no more than that."""
    began: datetime


class Listed(Frozen):
    """An evaluation in the list of all."""

    version: str
    about: About
    report: SolvingReport | None
    """None: it is unfinished."""


class Evaluations:
    """All evaluations of an artifact store, each a version of its own that never changes."""

    def __init__(self, base: str) -> None:
        self._store = ArtifactStore(base, kind="evaluations")

    def begin(self, about: About) -> str:
        """The version to add rows to: the newest of the same plan that is unfinished, or a new one.

        Prompts, models and settings must be the same too; half of each would be of neither.
        """
        for listed in self.all():
            if listed.report is None and _same(listed.about, about):
                return listed.version
        stem = re.sub(r"[^a-z0-9]+", "-", about.plan.suite.rsplit("/", 1)[-1].lower()).strip("-")
        version = f"{stem[:40] or 'suite'}-{about.began:%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"
        self._store.put(version, "about", about)
        return version

    def about(self, version: str) -> About:
        """Raises: InputError: there is no such version."""
        found = None
        if _VERSION.match(version):
            found = self._store.find(version, "about", About)
        if found is None:
            raise InputError(
                f"There is no evaluation {version!r}.",
                remedy="`calisota evaluate list` names them.",
            )
        return found

    def report(self, version: str) -> SolvingReport | None:
        """Its figures; None: it is unfinished. Raises: InputError: there is no such version."""
        self.about(version)
        return self._store.find(version, "report", SolvingReport)

    def all(self) -> Iterator[Listed]:
        """Newest first; what does not read is passed over."""
        found = []
        for folder in self._store.folders():
            with suppress(ArtifactDamaged, InputError):
                report = self.report(folder.name)
                found.append(
                    Listed(version=folder.name, about=self.about(folder.name), report=report)
                )
        yield from sorted(found, key=lambda listed: listed.about.began, reverse=True)

    def before(self, version: str) -> str | None:
        """The newest finished evaluation of the same plan and cases that began before this one."""
        about = self.about(version)
        for listed in self.all():
            older = listed.about.began < about.began
            same = (listed.about.plan, listed.about.suite) == (about.plan, about.suite)
            if listed.report is not None and older and same:
                return listed.version
        return None

    def add(self, version: str, row: Evaluated) -> None:
        """Keep one Solve's figures."""
        self._store.put(version, _row_name(row.name, row.seed), row)

    def row(self, version: str, case: str, seed: int) -> Evaluated | None:
        """The figures of one Solve, if it was made."""
        return self._store.find(version, _row_name(case, seed), Evaluated)

    def finish(self, version: str, rows: list[Evaluated]) -> SolvingReport:
        """Make and keep the figures of all rows. Raises: InputError: there is none."""
        if not rows:
            raise InputError(f"The evaluation {version} has no rows.", remedy="run it first.")
        report = summary(version, rows)
        self._store.put(version, "report", report)
        return report

    def put_page(self, version: str, page: str) -> ArtifactRef:
        """Keep the page for people beside the figures."""
        return self._store.put_file(version, "report.html", page.encode())


def _same(one: About, other: About) -> bool:
    return one.model_dump(exclude={"began"}) == other.model_dump(exclude={"began"})


def _row_name(case: str, seed: int) -> str:
    return f"rows/{_slug(case)}~{seed}"


def _slug(case: str) -> str:
    """A name for files and ids that no other case has."""
    plain = re.sub(r"[^A-Za-z0-9]+", "_", case)[:60]
    return f"{plain}-{hashlib.sha256(case.encode()).hexdigest()[:8]}"


def about_now(plan: EvaluationPlan, settings: Settings) -> About:
    """What an evaluation that begins now would be of. Raises: InputError: there is no suite."""
    cases = "".join(case.model_dump_json() for case in plan.cases())
    bearing = settings.model_dump_json(include=_BEARING)
    return About(
        plan=plan,
        conditions=conditions_of(settings),
        prompts=agents.prompt_hashes(),
        suite=_hash(cases),
        settings=_hash(bearing),
        began=datetime.now(UTC),
    )


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest()[:12]


@contextmanager
def alone_with(settings: Settings, version: str, *, shared: bool = False) -> Iterator[None]:
    """Nobody else on this machine makes the Solves of `version` meanwhile.

    `shared`: but those who share them out. Not covered: another machine with the same store.
    Raises: InputError: somebody does.
    """
    settings.run.mkdir(parents=True, exist_ok=True)
    with (settings.run / f"{version}.lock").open("a") as file:
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f"The evaluation {version} is being made by another process.",
                remedy="wait for it, or change the plan.",
            ) from None
        yield


class EvaluationRun:
    """The Solves of one version; several processes may share it, each with cases of its own."""

    def __init__(self, settings: Settings, version: str, sandbox: RunsCandidates) -> None:
        self._evaluations = Evaluations(settings.artifacts)
        self.version = version
        self.plan = self._evaluations.about(version).plan
        self.cases = self.plan.cases()
        self._settings = settings.model_copy(
            update={
                "without": tuple({*settings.without, *self.plan.without}),
                "memory": self.plan.memory,
            }
        )
        self._stages = open_stages(self._settings)
        self._sandbox = sandbox
        self._judge = RememberingSandbox(sandbox)

    def pending(self, *, share: int = 0, of: int = 1) -> list[tuple[SolveCase, int]]:
        """The Solves of this share that were not made yet, seed by seed."""
        every = [(case, seed) for seed in range(self.plan.seeds) for case in self.cases]
        return [
            (case, seed)
            for case, seed in every[share::of]
            if self._evaluations.row(self.version, case.name, seed) is None
        ]

    def solve(self, case: SolveCase, seed: int, *, generation: int = 0) -> Evaluated:
        """One Solve, kept; `generation`: how often a person had it start over.

        Raises: CalisotaError: what a Solve could not get over.
        """
        # A client of its own: the Solves of others are no examples here, nor are those of other
        # seeds, which had the same cases.
        row = evaluate_case(
            case,
            self._stages,
            self._sandbox,
            seed=seed,
            judge=self._judge,
            solve_id=self.solve_id(case, seed),
            client=self._client(seed),
            generation=generation,
        )
        if self.plan.level:
            row = self._levelled(case, row)
        self._evaluations.add(self.version, row)
        return row

    def solve_id(self, case: SolveCase, seed: int) -> str:
        """Of one Solve; the same each time, so that no answer is paid for twice."""
        return f"evaluation_{self.version}_{_slug(case.name)}_{seed}"

    def _client(self, seed: int) -> str:
        return f"evaluation:{self.version}:{seed}"

    def rows(self) -> list[Evaluated]:
        """All that are kept."""
        found = (
            self._evaluations.row(self.version, case.name, seed)
            for seed in range(self.plan.seeds)
            for case in self.cases
        )
        return [row for row in found if row is not None]

    def _levelled(self, case: SolveCase, row: Evaluated) -> Evaluated:
        """`row` with a best-of-N that spent what the engine did."""
        rounds = self._stages.record(row.solve_id or "").rounds
        written = [one for drawn, _ in rounds for one in drawn.candidates]
        written = asyncio.run(self._further(case, row, written))
        right = is_right(self._judge, case, voted([one.source for one in written]))
        return row.model_copy(
            update={
                "modes": row.modes | {BY_TEXT: right},
                "tokens": row.tokens | {BY_TEXT: _spent(written)},
            }
        )

    async def _further(
        self, case: SolveCase, row: Evaluated, written: list[Candidate]
    ) -> list[Candidate]:
        """`written` and further samples, until the engine's tokens are spent."""
        every, tokens = list(written), row.tokens["full"]
        account = f"{self.solve_id(case, row.seed)}_level"
        async with self._stages.accounts.paid_beside(
            account, client=self._client(row.seed)
        ) as chat:
            while (left := tokens - _spent(every)) > 0 and len(every) < MOST_SAMPLES:
                # As many at once as will be needed, so that an endpoint can answer them together.
                mean = _spent(every) / len(every) if every else tokens
                count = min(
                    math.ceil(left / max(mean, 1)),
                    MOST_SAMPLES - len(every),
                    self._settings.llm_concurrency,
                )
                numbers = range(len(every), len(every) + count)
                every += await asyncio.gather(*(self._sample(chat, case, n) for n in numbers))
        return every

    async def _sample(self, chat: ChatModel, case: SolveCase, number: int) -> Candidate:
        """A program as a plain coder writes it, without plan or passages."""
        brief = Brief(
            number=number,
            approach=None,
            with_passages=False,
            temperature=self._settings.varied_temperature,
            prompt="code",
        )
        return await agents.write_candidate(
            chat,
            case.problem,
            brief,
            round_number=_LEVELLING,
            plan=Plan(contract="", approaches=[], corner_cases=[]),
            passages=[],
            shown=engine.shown_tests(case.problem),
            repair=None,
            hints=agents.Hints(),
            max_tokens=self._settings.answer_tokens,
        )


def _spent(candidates: list[Candidate]) -> int:
    return sum(one.usage.tokens for one in candidates)
