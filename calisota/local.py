"""`calisota solve --local`: the same steps in this process, without Airflow."""

from __future__ import annotations

import asyncio
import os
import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from calisota.models import Action

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from calisota.executions import RunsCandidates
    from calisota.models import CandidateSet, Question, SolveReport
    from calisota.stages import Stages


LOCAL_PREFIX = "local_"
"""Of every solve id that is no Dag run."""


class LocalSolve:
    """One Solve, step after step; `on_step` is told each step's name as it begins.

    `ask` puts a question to a person and gives the answer as JSON; None from it: no answer. Without
    it there is nobody to ask. `generation`: how often a person had the Solve start over.
    """

    def __init__(
        self,
        stages: Stages,
        sandbox: RunsCandidates,
        *,
        on_step: Callable[[str], None],
        ask: Callable[[Question], str | None] | None = None,
        workers: int | None = None,
        generation: int = 0,
    ) -> None:
        self._stages = stages
        self._sandbox = sandbox
        self._on_step = on_step
        self._ask = ask
        self._workers = workers or os.cpu_count() or 1
        self._generation = generation

    def run(self, conf: Mapping[str, object], solve_id: str | None = None) -> SolveReport:
        """The report of the Problem in `conf`, as a Dag run's; absent an id, under a new one.

        Raises: CalisotaError: what a step could not get over; its remedy says what to do.
        """
        solve_id = solve_id or f"{LOCAL_PREFIX}{secrets.token_hex(16)}"
        self._on_step("retrieve")
        self._stages.retrieve(solve_id, conf, generation=self._generation)
        self._on_step("plan")
        asyncio.run(self._stages.plan(solve_id, generation=self._generation))
        for number in range(1, self._stages.rounds(solve_id) + 1):
            if self._round(solve_id, number):
                break
        self._on_step("report")
        return self._stages.report(solve_id, self._sandbox, generation=self._generation)

    def _round(self, solve_id: str, number: int) -> bool:
        """Whether the Solve ends with this round."""
        self._on_step(f"round_{number}.code")
        drawn = asyncio.run(self._stages.code(solve_id, number, generation=self._generation))
        self._on_step(f"round_{number}.sandbox")
        self._execute(solve_id, drawn)
        self._on_step(f"round_{number}.critic")
        result = asyncio.run(
            self._stages.critic(
                solve_id,
                number,
                self._sandbox,
                can_ask=self._ask is not None,
                generation=self._generation,
            )
        )
        if result.decision.action is Action.CLARIFY and self._ask and result.decision.question:
            said = self._ask(result.decision.question)
            result = self._stages.answer(solve_id, number, said, generation=self._generation)
        return result.decision.verdict is not None

    def _execute(self, solve_id: str, drawn: CandidateSet) -> None:
        def execute(candidate_id: str) -> None:
            self._stages.sandbox(solve_id, candidate_id, self._sandbox, generation=self._generation)

        with ThreadPoolExecutor(self._workers) as pool:
            list(pool.map(execute, [candidate.id for candidate in drawn.candidates]))
