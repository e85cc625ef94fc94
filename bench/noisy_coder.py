"""The engine's claims against the truth, with a coder whose errors are set.

    python bench/noisy_coder.py [--limit 164] [--rates 0.2 0.4 0.6] [--correlations 0 0.2 0.5]
                                [--client-tests 0] [--candidates 4] [--workers 2] [--seed 0]
                                [--styles 1] [--planner 0.85] [--plot FILE]
    python bench/noisy_coder.py --read bench/out/noisy_coder.json --plot FILE

Every HumanEval Problem, at each error rate and each correlation of the errors: the coder serves the
reference program or a mutant of it that fails the hidden tests. Real containers judge; the same
program on the same tests is run once, and remembered in bench/out. Prints a table, writes
bench/out/noisy_coder.json.
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from bench.rig import ROOT, write_result
from calisota.artifacts import ArtifactStore
from calisota.errors import IndexUnusable
from calisota.evaluation.noisy_coder import NoisyCoder, plain, wrong_programs
from calisota.evaluation.solving import Evaluated, RememberingSandbox, evaluate_case, is_right
from calisota.evaluation.solving_plot import draw_claims
from calisota.evaluation.solving_report import SolvingReport, summary
from calisota.evaluation.suites import HUMANEVAL, load_suite, spread
from calisota.models import Verdict
from calisota.sandbox.engine import DockerSandbox, connect
from calisota.sandbox.pool import WarmPool
from calisota.settings import Settings, settings
from calisota.stages import Stages

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from calisota.evaluation.solve_cases import SolveCase
    from calisota.passages import Searches


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int, default=164)
    parser.add_argument("--rates", type=float, nargs="+", default=[0.2, 0.4, 0.6])
    parser.add_argument("--correlations", type=float, nargs="+", default=[0.0, 0.2, 0.5])
    parser.add_argument("--client-tests", type=int, default=0)
    parser.add_argument("--candidates", type=int, default=4)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0, help="another one is another draw")
    parser.add_argument("--styles", type=int, default=1, help="ways in which programs are written")
    parser.add_argument(
        "--planner", type=float, help="chance that an answer which the planner quotes is right"
    )
    parser.add_argument("--name", default="noisy_coder")
    parser.add_argument("--plot", type=Path, help="draw coverage and false claims here")
    parser.add_argument("--read", type=Path, help="show what an earlier run wrote, and run nothing")
    chosen = parser.parse_args()
    if chosen.read:
        written = json.loads(chosen.read.read_text())
        every = [SolvingReport.model_validate(one) for one in written["reports"]]
        _show(Console(width=120), every, chosen.plot)
        return
    # Long answers are allowed, so the planner is asked for inputs.
    config = settings().model_copy(
        update={"llm_max_tokens": 4096, "sandbox_pool": 4, "sandbox_concurrency": chosen.workers}
    )
    cases = [
        _with_candidates(case, chosen.candidates)
        for case in spread(load_suite(HUMANEVAL, client_tests=chosen.client_tests), chosen.limit)
    ]
    out = Console(width=120)
    began = time.monotonic()
    client = connect(config)
    kept = ROOT / "bench" / "out" / "noisy_coder.executions"
    kept.parent.mkdir(exist_ok=True)
    with (
        WarmPool(client, config) as waiting,
        tempfile.TemporaryDirectory() as folder,
        ThreadPoolExecutor(chosen.workers) as pool,
    ):
        sandbox = RememberingSandbox(
            DockerSandbox(client, config, waiting), kept, plain=plain if chosen.styles > 1 else None
        )
        wrong = list(
            pool.map(lambda c: wrong_programs(c, lambda s: is_right(sandbox, c, s)), cases)
        )
        out.print(f"{len(cases)} cases, {sum(map(len, wrong))} wrong programs")
        reports = []
        for rate, correlation in itertools.product(chosen.rates, chosen.correlations):

            def run(
                pair: tuple[SolveCase, list[str]],
                rate: float = rate,
                correlation: float = correlation,
            ) -> Evaluated:
                case, mutants = pair
                coder = NoisyCoder(
                    case,
                    mutants,
                    known=case.known,
                    planner=chosen.planner,
                    error_rate=rate,
                    correlation=correlation,
                    seed=chosen.seed,
                    styles=chosen.styles,
                )
                return evaluate_case(
                    case, _stages(config, folder, coder), sandbox, seed=chosen.seed
                )

            rows = list(pool.map(run, zip(cases, wrong, strict=True)))
            report = summary(f"error rate {rate:g}, correlation {correlation:g}", rows)
            reports.append(report)
            out.print(_line(report), highlight=False)
    _show(out, reports, chosen.plot)
    write_result(
        chosen.name,
        {
            "client_tests": chosen.client_tests,
            "candidates": chosen.candidates,
            "seed": chosen.seed,
            "styles": chosen.styles,
            "planner": chosen.planner,
            "seconds": time.monotonic() - began,
            "reports": [report.model_dump(mode="json") for report in reports],
        },
    )


def _show(out: Console, reports: list[SolvingReport], plot: Path | None) -> None:
    _table(out, reports)
    if plot:
        groups: dict[str, list[SolvingReport]] = {}
        for report in reports:
            groups.setdefault(report.name.partition(", ")[0], []).append(report)
        draw_claims(groups, plot)


def _with_candidates(case: SolveCase, count: int) -> SolveCase:
    options = case.problem.options.model_copy(update={"candidates": count})
    return case.model_copy(update={"problem": case.problem.model_copy(update={"options": options})})


def _stages(config: Settings, folder: str, coder: NoisyCoder) -> Stages:
    @asynccontextmanager
    async def chat() -> AsyncIterator[NoisyCoder]:
        yield coder

    @contextmanager
    def nothing() -> Iterator[Searches]:
        raise IndexUnusable("No index is used here.", remedy="none is needed.")
        yield

    return Stages(config, ArtifactStore(folder), open_chat=chat, open_retriever=nothing)


def _line(report: SolvingReport) -> str:
    modes = ", ".join(f"{mode.mode} {mode.right:.3f}" for mode in report.modes)
    return f"{report.name}: {modes}; {report.calls:.1f} calls"


def _table(out: Console, reports: list[SolvingReport]) -> None:
    table = Table(title="what was claimed, and what of it is false", title_justify="left")
    for column in ("", "direct", "full", "95 %", "consistent", "false", "verified", "false"):
        table.add_column(column, justify="right" if column else "left")
    for report in reports:
        modes = {mode.mode: mode for mode in report.modes}
        found = {verdict.verdict: verdict for verdict in report.verdicts}
        cells = []
        for verdict in (Verdict.CONSISTENT, Verdict.VERIFIED):
            one = found.get(verdict)
            cells += [f"{one.share:.3f}", f"{one.false_rate:.3f}"] if one else ["0", ""]
        full = modes["full"]
        table.add_row(
            report.name,
            f"{modes['direct'].right:.3f}",
            f"{full.right:.3f}",
            f"{full.low:.3f}-{full.high:.3f}",
            *cells,
        )
    out.print(table)


if __name__ == "__main__":
    main()
