"""`calisota evaluate`: parts of CALISOTA against data whose truth is known."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from calisota import evaluate_solve_cli
from calisota.errors import InputError, PermanentError
from calisota.text import printable

if TYPE_CHECKING:
    from calisota.evaluation.retrieval import RetrievalReport
    from calisota.evaluation.retrieval_sets import RetrievalSet
    from calisota.evaluation.sandbox import SetResult

console = Console(stderr=True)
app = typer.Typer(no_args_is_help=True, help="Measure a part against data whose truth is known.")
app.command()(evaluate_solve_cli.solve)
app.command("list")(evaluate_solve_cli.list_all)
app.command()(evaluate_solve_cli.show)

MAX_DETAIL = 300


@app.command()
def sandbox(
    data: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the data sets lie.")],
    *,
    only: Annotated[
        list[str] | None, typer.Option("--only", help="Sets whose name holds this; repeatable.")
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="First cases of each set; 0: all.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON only.")] = False,
) -> None:
    """Judge reference and buggy programs of public sets; each must get what it deserves.

    Example: calisota evaluate sandbox data --only go --only "buggy"

    The exit code is 1 when a program was judged wrongly for a reason that is not noted.
    """
    from calisota.evaluation.sandbox import chosen, judge_set  # noqa: PLC0415  # heavy
    from calisota.sandbox.engine import DockerSandbox, connect  # noqa: PLC0415
    from calisota.settings import settings  # noqa: PLC0415

    sets = chosen(data, only or [])
    engine = DockerSandbox(connect(settings()), settings())
    results: list[tuple[SetResult, float]] = []
    for name, cases in sets.items():
        wanted = cases[:limit] if limit else cases
        began = time.monotonic()
        with console.status(name) as status:
            done: list[bool] = []

            def on_case(
                judged: object, done: list[bool] = done, name: str = name, of: int = len(wanted)
            ) -> None:
                done.append(bool(judged))
                status.update(f"{name}: {len(done)} of {of}")

            result = judge_set(engine, name, wanted, on_case=on_case)
        results.append((result, time.monotonic() - began))
        console.print(f"[dim]{name}: {result.right}/{len(result.cases)}[/]", highlight=False)
    if as_json:
        rows = [
            {
                "set": result.name,
                "right": result.right,
                "of": len(result.cases),
                "seconds": round(seconds, 1),
                "outcomes": result.outcomes(),
                "misses": [miss.model_dump(mode="json") for miss in result.misses()],
            }
            for result, seconds in results
        ]
        sys.stdout.write(json.dumps(rows, indent=1) + "\n")
    else:
        _show(results)
    unexplained = any(not miss.note for result, _ in results for miss in result.misses())
    raise typer.Exit(1 if unexplained else 0)


def _show(results: list[tuple[SetResult, float]]) -> None:
    out = Console()
    table = Table(title="programs judged as they should be", title_justify="left")
    for column in ("set", "right", "of", "seconds", "outcomes"):
        table.add_column(
            column, justify="right" if column in {"right", "of", "seconds"} else "left"
        )
    for result, seconds in results:
        outcomes = ", ".join(f"{count} {name}" for name, count in result.outcomes().items())
        table.add_row(
            result.name, str(result.right), str(len(result.cases)), f"{seconds:.0f}", outcomes
        )
    out.print(table)
    for result, _ in results:
        for miss in result.misses():
            why = miss.note or printable(miss.detail or "")[:MAX_DETAIL].strip()
            out.print(f"{miss.name} {miss.outcome}: {why}", markup=False, highlight=False)


@app.command()
def retrieval(
    *,
    which: Annotated[
        str,
        typer.Option("--set", metavar="known-item|names|cosqa|FILE", help="What to measure on."),
    ] = "known-item",
    data: Annotated[
        Path | None,
        typer.Option(help="cosqa: the folder of its files; FILE: the JSON lines to search."),
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="So many queries, drawn; 0: all.")] = 0,
    as_json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the figures here too.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw them here: .png, .svg or .pdf.")
    ] = None,
) -> None:
    """Measure words, vectors and both fused on queries whose answers are known.

    known-item takes functions of the standard library's modules that are indexed, and finds each by
    the first line of its docstring; names, by its name. A FILE has lines of
    {"query": ..., "relevant": ids}, and the one of --data lines of {"id": ..., "text": ...}.

    Example: calisota evaluate retrieval --set cosqa --data data/cosqa --plot cosqa.svg
    """
    try:
        from calisota.evaluation import plots, retrieval_plot  # noqa: PLC0415  # heavy
        from calisota.evaluation.retrieval import evaluate  # noqa: PLC0415
        from calisota.rag import layout  # noqa: PLC0415
        from calisota.rag.versions import IndexVersions  # noqa: PLC0415
        from calisota.settings import settings  # noqa: PLC0415

        figure = plots.blank() if plot else None
        for file in (as_json, plot):
            if file and not file.parent.is_dir():
                raise InputError(f"There is no folder {file.parent}.", remedy="make it first.")
        chosen = _retrieval_set(which, data)
        folder, manifest = IndexVersions(settings().indexes / settings().index_corpus).usable()
        embedder = layout.open_embedder(folder, max_tokens=manifest.max_tokens)
    except ImportError as error:
        raise PermanentError(
            f"Retrieval cannot be measured: {error}.", remedy="pip install 'calisota[cpu]'"
        ) from error
    with console.status(chosen.name) as status:
        report = evaluate(chosen, embedder, limit=limit or None, progress=status.update)
    _show_retrieval(report)
    if as_json:
        as_json.write_text(report.model_dump_json(indent=1) + "\n", encoding="utf-8")
    if plot and figure:
        retrieval_plot.draw(figure, report, plot)


def _retrieval_set(which: str, data: Path | None) -> RetrievalSet:
    from calisota.evaluation import retrieval_sets  # noqa: PLC0415  # heavy
    from calisota.rag.corpora import discover, load_corpora  # noqa: PLC0415
    from calisota.settings import settings  # noqa: PLC0415

    if which in {"known-item", "names"}:
        make = retrieval_sets.known_item if which == "known-item" else retrieval_sets.names
        corpus = load_corpora(settings().model_copy(update={"corpora": None}))["stdlib"]
        return make(discover(corpus, progress=console.print).documents)
    if data is None:
        raise InputError(
            f"The set {which!r} needs its data.",
            remedy="name it with --data: for cosqa the folder of its two files, for a file of "
            "queries the JSON lines that are searched.",
        )
    if which == "cosqa":
        return retrieval_sets.cosqa(data)
    return retrieval_sets.from_files(Path(which), data)


def _show_retrieval(report: RetrievalReport) -> None:
    table = Table(
        title=f"{report.name}: {report.queries} queries, {report.passages} passages; "
        "95 % intervals",
        title_justify="left",
    )
    table.add_column("system")
    for column in ("R@1", "R@5", "R@10", "MRR@10", "nDCG@10", "nDCG@10 against dense"):
        table.add_column(column, justify="right")
    for system in report.systems:
        of = system.metrics
        low, high = (f"{edge:+.3f}" for edge in system.against_dense["ndcg@10"][1:])
        table.add_row(
            f"{system.name}, headers" if system.headers else system.name,
            *(f"{of[f'recall@{k}'].mean:.3f}" for k in (1, 5, 10)),
            *(
                f"{of[name].mean:.3f} {of[name].low:.3f} to {of[name].high:.3f}"
                for name in ("mrr@10", "ndcg@10")
            ),
            f"{system.against_dense['ndcg@10'].mean:+.3f} {low} to {high}",
        )
    Console().print(table)
