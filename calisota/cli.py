"""The command line: `calisota --help`. Every command imports what it needs, when it runs."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer
from rich.console import Console

from calisota import evaluate_cli, index_cli, memory_cli
from calisota.errors import BudgetExhausted, CalisotaError, InputError

BAD_INPUT = 2
INFRASTRUCTURE = 3

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="An AI coding engine on Apache Airflow: models propose, execution decides.",
    epilog="Exit codes: 0 fine, 1 not solved, 2 bad input, 3 infrastructure.",
)

# What happens goes to stderr, so that stdout is the answer alone.
console = Console(stderr=True)
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


app.add_typer(evaluate_cli.app, name="evaluate")
app.add_typer(index_cli.app, name="index")
app.add_typer(memory_cli.app, name="memory")


@app.command()
def up(
    *,
    detach: Annotated[bool, typer.Option("--detach", help="Return when ready.")] = False,
) -> None:
    """Start Airflow, the API and the embedded model on this machine.

    Runs until Ctrl-C or `calisota down`. What a start needs and is missing (Docker Engine, sandbox
    images, index, database, credentials) is made first.
    """
    from calisota.settings import settings  # noqa: PLC0415
    from calisota.system import updown  # noqa: PLC0415
    from calisota.system.progress import Progress  # noqa: PLC0415

    start = updown.up_detached if detach else updown.up
    start(settings(), Progress(console), console)


@app.command()
def down() -> None:
    """Stop everything that `calisota up` started; no process and no container stays."""
    from calisota.settings import settings  # noqa: PLC0415
    from calisota.system import updown  # noqa: PLC0415
    from calisota.system.progress import Progress  # noqa: PLC0415

    updown.down(settings(), Progress(console), console)


@app.command()
def setup() -> None:
    """Make what a start needs, and start nothing but a Docker Engine: quick when all is there."""
    from calisota.settings import settings  # noqa: PLC0415
    from calisota.system.progress import Progress  # noqa: PLC0415
    from calisota.system.setup import run_setup  # noqa: PLC0415

    run_setup(settings(), Progress(console))


@app.command()
def solve(
    source: Annotated[
        str, typer.Argument(metavar="FILE", help="A Problem in YAML or JSON; - reads stdin.")
    ],
    *,
    as_json: Json = False,
    local: Annotated[
        bool, typer.Option("--local", help="Run the steps in this process, without Airflow.")
    ] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Print every step as it happens.")] = False,
) -> None:
    """Solve a Problem and print verdict, program, tests and cost.

    A Problem names a statement, a language and tests; examples/ has some. The exit code is 0
    for `verified`, `verified_weak_tests` and `consistent` (the last without any test), 3 when a
    fault of ours ended the Solve, else 1.
    """
    from calisota.render import render_ending, render_report  # noqa: PLC0415
    from calisota.settings import settings  # noqa: PLC0415
    from calisota.solve_cli import (  # noqa: PLC0415
        exit_code_of,
        read_problem,
        report_of,
        solve_local,
        solve_remote,
    )

    problem = read_problem(source)
    run = solve_local if local else solve_remote
    text = run(problem, settings(), console, watch=watch)
    report = report_of(text)
    if as_json:
        sys.stdout.write(text + "\n")
    elif report is not None:
        Console().print(render_report(report))
    else:
        Console().print(render_ending(text))
    raise typer.Exit(exit_code_of(text))


@app.command(
    epilog="""
Examples:

\b
  calisota answer solve_0f5c1d 42
  calisota answer solve_0f5c1d '"a text"'
  calisota answer solve_0f5c1d
""",
)
def answer(
    solve_id: Annotated[str, typer.Argument(metavar="SOLVE_ID", help="The Solve that asks.")],
    value: Annotated[
        str | None, typer.Argument(metavar="JSON", help="What is right; absent: the likeliest.")
    ] = None,
) -> None:
    """Answer what a Solve asks; without an answer, say what it asks and go on with the likeliest.

    A Solve asks only where its Problem says `on_ambiguous: ask`.
    """
    from calisota.settings import settings  # noqa: PLC0415
    from calisota.solve_cli import answer_remote  # noqa: PLC0415

    answer_remote(solve_id, value, settings(), console)


@app.command()
def usage(
    *,
    by: Annotated[
        str, typer.Option(metavar="day|client|solve|route|model", help="One line for each.")
    ] = "day",
    as_json: Json = False,
) -> None:
    """Print what was spent and is reserved: tokens, calls, money, executions.

    It reads the ledger of this installation, so it needs nothing that runs.
    """
    from calisota.settings import settings  # noqa: PLC0415
    from calisota.usage_cli import print_usage  # noqa: PLC0415

    print_usage(settings(), by, as_json=as_json)


@app.command(
    "exec",
    epilog="""
Examples:

\b
  calisota exec main.py --stdin input.txt
  calisota exec prog.c --arg -n --arg 7 --file data/table.csv --limit wall_s=2
  calisota exec solution.py --problem examples/add.yaml --json
  echo 'print(6 * 7)' | calisota exec --language python -

Exit codes: 0 accepted, 1 not, 2 bad input, 3 infrastructure.
""",
)
def execute(
    source: Annotated[
        str, typer.Argument(metavar="FILE", help="The program, one file; - reads stdin.")
    ],
    *,
    language: Annotated[
        str | None, typer.Option("--language", "-l", help="Absent: the file's ending tells it.")
    ] = None,
    problem: Annotated[
        str | None, typer.Option(metavar="P.yaml", help="A Problem, for its tests, files, limits.")
    ] = None,
    stdin: Annotated[
        str | None,
        typer.Option(metavar="F", help="The program's input; - reads ours. Absent: none."),
    ] = None,
    arg: Annotated[
        list[str] | None, typer.Option(metavar="A", help="An argument of the program; repeatable.")
    ] = None,
    file: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[NAME=]PATH",
            help="A text file to lie beside it, as PATH (relative) or NAME; repeatable.",
        ),
    ] = None,
    limit: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="wall_s, cpu_s, memory_mb or output_kb, for each run; repeatable.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Run a program in the sandbox: no network, hard limits, a container of its own.

    Needs the Docker Engine and nothing else that `calisota up` starts. A single run prints what the
    program prints, then one line on what it used; tests of a Problem print a table.
    """
    from calisota import exec_cli  # noqa: PLC0415
    from calisota.settings import settings  # noqa: PLC0415

    request = exec_cli.read_request(
        source,
        language=language,
        problem=problem,
        stdin=stdin,
        argv=arg or [],
        files=file or [],
        limits=limit or [],
    )
    executed = exec_cli.execute(request, settings())
    if as_json:
        sys.stdout.write(executed.result.model_dump_json() + "\n")
    else:
        exec_cli.show(executed, console)
    raise typer.Exit(exec_cli.exit_code_of(executed.result))


@app.command(
    epilog="""
Examples:

\b
  calisota evidence solve_0f5c1d
  calisota evidence solve_0f5c1d -o proof.tar.gz
  calisota evidence --public-key > ours.pem

Exit codes: 0 written, 2 no such Solve, 3 infrastructure.
""",
)
def evidence(
    solve_id: Annotated[
        str | None, typer.Argument(metavar="SOLVE_ID", help="A Solve that has ended.")
    ] = None,
    *,
    output: Annotated[
        str | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Absent: SOLVE_ID.evidence.tar.gz; - is stdout."
        ),
    ] = None,
    public_key: Annotated[
        bool, typer.Option("--public-key", help="Print the key that others check it with.")
    ] = False,
) -> None:
    """Write all that a verdict rests on to one signed file, which `calisota replay` executes again.

    It holds the Problem, every program, result and decision, the prompts and the names of the
    models; never a key. The Solve's artifacts must lie on this machine, or where
    CALISOTA_ARTIFACTS_URI says.
    """
    from calisota import evidence_cli, signing  # noqa: PLC0415
    from calisota.settings import settings  # noqa: PLC0415

    if (solve_id is None) != public_key:
        raise InputError("This names no one thing.", remedy="give SOLVE_ID, or --public-key.")
    if solve_id is None:
        sys.stdout.write(signing.public_key(settings()).decode())
    else:
        written = evidence_cli.write(solve_id, output, settings())
        console.print(written, markup=False, highlight=False, soft_wrap=True)


@app.command(
    epilog="""
Examples:

\b
  calisota replay solve_0f5c1d.evidence.tar.gz
  calisota replay proof.tar.gz --public-key theirs.pem
  calisota replay proof.tar.gz --json

Exit codes: 0 the same decisions, verdict and claim, 1 not, 2 bad file, 3 infrastructure.
""",
)
def replay(
    source: Annotated[str, typer.Argument(metavar="FILE", help="The evidence; - reads stdin.")],
    *,
    as_json: Json = False,
    public_key: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Whose it must be, in PEM. Absent: it may be anyone's."),
    ] = None,
) -> None:
    """Execute a finished Solve again from its evidence, and say whether it comes out the same.

    Every program runs again in the sandbox, every decision is made again; no model is called and
    no network is needed. A file that was altered, or is not whole, is refused.
    """
    from calisota import evidence_cli  # noqa: PLC0415
    from calisota.settings import settings  # noqa: PLC0415

    opened = evidence_cli.read(source, public_key, settings())
    replayed = evidence_cli.execute(opened, settings(), console)
    if as_json:
        sys.stdout.write(replayed.model_dump_json() + "\n")
    else:
        evidence_cli.show(replayed, opened, Console())
    raise typer.Exit(0 if replayed.same else 1)


@app.command()
def search(
    query: Annotated[str, typer.Argument(help="What to look for, in words or in code.")],
    *,
    language: Annotated[
        str | None, typer.Option("--language", "-l", help="Only passages in it, as `python`.")
    ] = None,
    path: Annotated[
        str | None, typer.Option(help="Only documents whose path begins so, as `json/`.")
    ] = None,
    label: Annotated[
        list[str] | None, typer.Option(help="Only documents with this label; repeatable.")
    ] = None,
    k: Annotated[int, typer.Option("-k", help="At most so many passages, 1 to 100.")] = 5,
    as_json: Json = False,
) -> None:
    """Find passages in the retrieval index, nearest first, with their place and score.

    Example: calisota search "merge sorted inputs" --language python -k 3

    The retriever service answers where it runs; else the index is opened here.
    """
    from calisota import search_cli  # noqa: PLC0415
    from calisota.settings import settings  # noqa: PLC0415

    asked = search_cli.read_query(query, k=k, language=language, path=path, labels=label)
    found = search_cli.find(asked, settings())
    if as_json:
        sys.stdout.write(found.model_dump_json(exclude_none=True) + "\n")
    else:
        search_cli.show(found, query, Console())


@app.command()
def retriever() -> None:
    """Keep model and index in memory and answer searches, over a socket in the data home.

    `calisota up` starts and watches it. It is optional: without it each search opens the index
    itself. It follows every new version of the index by itself.
    """
    from calisota.settings import settings  # noqa: PLC0415
    from calisota.system.retriever_service import serve  # noqa: PLC0415

    serve(settings(), console.print)


@app.command(
    context_settings={
        "allow_extra_args": True,
        "ignore_unknown_options": True,
        "help_option_names": [],
    }
)
def airflow(arguments: typer.Context) -> None:
    """Run Airflow's own command line on this installation: `calisota airflow backfill --help`."""
    from calisota.settings import settings  # noqa: PLC0415
    from calisota.system.airflow_command import become_airflow  # noqa: PLC0415

    become_airflow(settings(), arguments.args)


@app.command()
def doctor(
    *,
    as_json: Json = False,
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="Only the sandbox; its limits are tried anew.")
    ] = False,
) -> None:
    """Check engine, images, enforced limits, index, model and system; name each remedy.

    Small hostile programs try each limit of the sandbox. While one does not hold, no program is
    run on this Docker Engine.
    """
    from calisota.settings import settings  # noqa: PLC0415
    from calisota.system.doctor import Check, as_table, examine, mark_of  # noqa: PLC0415

    def show(check: Check) -> None:
        if not as_json and not sandbox:
            sign, style = mark_of(check)
            console.print(f"[{style}]{sign}[/{style}] {check.name}: ", end="", highlight=False)
            console.print(check.detail, markup=False, highlight=False)
            if check.remedy:
                console.print(f"  remedy: {check.remedy}", markup=False, highlight=False)

    checks = examine(settings(), show, sandbox_only=sandbox)
    if as_json:
        body = ",\n".join(check.model_dump_json() for check in checks)
        sys.stdout.write(f"[{body}]\n")
    elif sandbox:
        Console().print(as_table(checks))
    well = all(check.ok or check.degraded for check in checks)
    raise typer.Exit(0 if well else INFRASTRUCTURE)


def loopback_needs_no_proxy() -> None:
    """Keep a proxy of the environment out of what our own parts say to each other."""
    for name in ("NO_PROXY", "no_proxy"):
        known = [os.environ[name]] if os.environ.get(name) else []
        os.environ[name] = ",".join([*known, "127.0.0.1", "localhost", "::1"])


def main() -> None:
    """Run a command; an error of ours ends it with a message, a remedy and an exit code."""
    loopback_needs_no_proxy()
    try:
        app()
    except CalisotaError as error:
        console.print("[red]error:[/red] ", end="")
        console.print(error.message, markup=False, highlight=False, soft_wrap=True)
        console.print(f"remedy: {error.remedy}", markup=False, highlight=False, soft_wrap=True)
        sys.exit(BAD_INPUT if isinstance(error, InputError | BudgetExhausted) else INFRASTRUCTURE)


if __name__ == "__main__":
    main()
