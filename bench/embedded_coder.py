"""The engine against single-shot and best-of-N, with the embedded model, on HumanEval.

    python bench/embedded_coder.py DATA [--limit 40] [--seeds 3] [--candidates 4] [--rounds 2]

A fixed subset, evenly spread; the client gives the prompt and no tests. `direct` is the first,
greedy program. `best of N by text` votes over the engine's programs and as many further samples as
the engine's tokens pay for. Rows are appended to bench/out/embedded_coder.jsonl, so a run that was
killed goes on; needs a model that serves (`calisota up`). Prints a table, writes a JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from bench.rig import ROOT, write_result
from calisota import agents, engine
from calisota.artifacts import ArtifactStore
from calisota.engine.briefs import VARIED
from calisota.evaluation.solve_cases import humaneval
from calisota.evaluation.solving import (
    Evaluated,
    RememberingSandbox,
    evaluate_case,
    is_right,
    voted,
)
from calisota.evaluation.solving_report import SolvingReport, summary
from calisota.llm.openai_chat import open_chat
from calisota.models import Brief, Plan
from calisota.rag.client import open_retriever
from calisota.sandbox.engine import DockerSandbox, connect
from calisota.settings import Settings, settings
from calisota.stages import Stages

if TYPE_CHECKING:
    from calisota.evaluation.solve_cases import SolveCase

TEXT = "best of N by text"
MOST_SAMPLES = 40


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--limit", type=int, default=40)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--candidates", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=2)
    chosen = parser.parse_args()
    every = humaneval(chosen.data)
    cases = [every[at * len(every) // chosen.limit] for at in range(chosen.limit)]
    options = {"candidates": chosen.candidates, "rounds": chosen.rounds}
    out = Console(width=110)
    rows = _run(cases, chosen.seeds, options, settings(), out)
    report = summary("HumanEval, embedded model", rows)
    _show(out, report)
    write_result("embedded_coder", {"options": options, **report.model_dump(mode="json")})


def _run(
    cases: list[SolveCase], seeds: int, options: dict[str, int], config: Settings, out: Console
) -> list[Evaluated]:
    file = ROOT / "bench" / "out" / "embedded_coder.jsonl"
    file.parent.mkdir(exist_ok=True)
    rows = []
    if file.exists():
        rows = [Evaluated.model_validate_json(line) for line in file.read_text().splitlines()]
    done = {(row.name, row.seed) for row in rows}
    sandbox = RememberingSandbox(DockerSandbox(connect(config), config))
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(seeds):
            for case in cases:
                if (case.name, seed) in done:
                    continue
                began = time.monotonic()
                row = _evaluate(case, seed, options, config, sandbox, folder)
                rows.append(row)
                with file.open("a") as lines:
                    lines.write(row.model_dump_json() + "\n")
                words = f"{len(rows)} {case.name}: {row.verdict}, {json.dumps(row.modes)}"
                out.print(f"{words}, {time.monotonic() - began:.0f} s", highlight=False)
    wanted = {case.name for case in cases}
    return [row for row in rows if row.name in wanted and row.seed < seeds]


def _evaluate(
    case: SolveCase,
    seed: int,
    options: dict[str, int],
    config: Settings,
    sandbox: RememberingSandbox,
    folder: str,
) -> Evaluated:
    asked = case.problem.model_copy(
        update={"options": case.problem.options.model_copy(update=options)}
    )
    given = case.model_copy(update={"problem": asked})
    store = ArtifactStore(folder)
    stages = Stages(
        config,
        store,
        open_chat=lambda: open_chat(config),
        open_retriever=lambda: open_retriever(config),
    )
    written: list[str | None] = []
    row = evaluate_case(given, stages, sandbox, seed=seed, written=written)
    sources, spent = asyncio.run(
        _more(given, written, row.tokens[TEXT], row.tokens["full"], config)
    )
    right = is_right(sandbox, given, voted(sources))
    return row.model_copy(
        update={
            "modes": row.modes | {TEXT: right},
            "tokens": row.tokens | {TEXT: spent},
        }
    )


async def _more(
    case: SolveCase, written: list[str | None], spent: int, budget: int, config: Settings
) -> tuple[list[str | None], int]:
    """Further samples until the engine's tokens are spent, and what all of them cost."""
    sources = list(written)
    async with open_chat(config) as chat:
        while spent < budget and len(sources) < MOST_SAMPLES:
            brief = Brief(
                number=len(sources) % 90,
                approach=None,
                with_passages=False,
                temperature=VARIED,
                prompt="code",
            )
            candidate = await agents.write_candidate(
                chat,
                case.problem,
                brief,
                round_number=9,
                plan=Plan(contract="", approaches=[], corner_cases=[]),
                passages=[],
                shown=engine.shown_tests(case.problem),
                repair=None,
                hints=agents.Hints(),
                max_tokens=config.answer_tokens,
            )
            sources.append(candidate.source)
            spent += candidate.usage.tokens
    return sources, spent


def _show(out: Console, report: SolvingReport) -> None:
    table = Table(
        title=f"{report.name}: {report.cases} cases, {report.seeds} seeds", title_justify="left"
    )
    for column in ("", "right", "95 %", "over direct", "95 %", "tokens", "tokens per right"):
        table.add_column(column, justify="right" if column else "left")
    for mode in report.modes:
        per_right = "" if mode.tokens_per_right is None else f"{mode.tokens_per_right:,.0f}"
        table.add_row(
            mode.mode,
            f"{mode.right:.3f}",
            f"{mode.low:.3f}-{mode.high:.3f}",
            f"{mode.gain:+.3f}",
            f"{mode.gain_low:+.3f} {mode.gain_high:+.3f}",
            f"{mode.tokens:,.0f}",
            per_right,
        )
    out.print(table)
    for one in report.verdicts:
        out.print(f"{one.verdict}: {one.count}, {one.wrong} of them wrong", highlight=False)
    out.print(f"{report.seconds:.1f} s, {report.calls:.1f} calls", highlight=False)


if __name__ == "__main__":
    main()
