"""`calisota exec`: a program from a file into the sandbox, and what came of it to the terminal."""

from __future__ import annotations

import secrets
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError
from rich.console import Console
from rich.text import Text

from calisota.errors import CalisotaError, InputError
from calisota.local import LOCAL_PREFIX
from calisota.models import ExecutionRequest, Outcome, readable_faults
from calisota.models.executions import MAX_SOURCE_BYTES
from calisota.render import test_table
from calisota.sandbox.executions import admit, decoded, run_execution
from calisota.sandbox.languages import LANGUAGES
from calisota.solve_cli import MAX_FILE_BYTES, read_problem
from calisota.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO, TextIO

    from calisota.models import Execution, ExecutionResult
    from calisota.sandbox.executions import RunsPlans
    from calisota.settings import Settings

WALL_S = 900
"""All runs together; well beyond what one waits for at a terminal."""
POLL_S = 0.2

# Beside the ending that the language's own row gives its file.
_ALSO = {".cc": ".cpp", ".cxx": ".cpp", ".c++": ".cpp", ".pm": ".pl", ".py3": ".py"}


class Executed(NamedTuple):
    """The result, and of a single plain run the bytes as they came."""

    result: ExecutionResult
    single: bool
    raw: Execution | None
    """None: there are several, or it did not run."""


def read_request(
    source: str,
    *,
    language: str | None,
    problem: str | None,
    stdin: str | None,
    argv: list[str],
    files: list[str],
    limits: list[str],
) -> ExecutionRequest:
    """The request that the command line makes.

    Raises: InputError: a file cannot be read, options exclude each other, or a value does not fit.
    """
    if [source, stdin, problem].count("-") > 1:
        raise InputError("Only one of them can be read from stdin.", remedy="give a file instead.")
    fields: dict[str, Any] = {"files": dict(_named_file(one) for one in files), "limits": {}}
    if problem is not None:
        if stdin is not None or argv:
            raise InputError(
                "--problem brings its own stdin and arguments.",
                remedy="leave out --stdin and --arg, or --problem.",
            )
        _add_problem(fields, problem)
    else:
        text = _read(stdin, MAX_FILE_BYTES) if stdin is not None else ""
        fields["runs"] = [{"name": "run", "stdin": text, "argv": argv}]
    fields["limits"] |= dict(_limit(one) for one in limits)
    fields["language"] = _language(source, language, fields.get("language"))
    fields["source"] = _read(source, MAX_SOURCE_BYTES)
    try:
        return ExecutionRequest.model_validate(fields)
    except ValidationError as error:
        faults = "\n".join(f"  {fault}" for fault in readable_faults(error))
        raise InputError(
            f"This cannot be run:\n{faults}\n", remedy="correct that; see `calisota exec --help`."
        ) from None


def _add_problem(fields: dict[str, Any], path: str) -> None:
    problem = read_problem(path)
    if not problem.tests:
        raise InputError(f"{path} holds no tests.", remedy="add some, or leave out --problem.")
    given = problem.model_dump(
        include=ExecutionRequest.model_fields.keys() - {"files"}, exclude_unset=True
    )
    fields.update({"limits": {}, **given, "files": {**problem.files, **fields["files"]}})


def _language(source: str, said: str | None, of_problem: str | None) -> str:
    """What was said; else the Problem's; else what the file's ending says."""
    if said is not None and of_problem is not None and said != of_problem:
        raise InputError(
            f"--language says {said}, but the Problem is for {of_problem}.",
            remedy="leave out --language.",
        )
    known = {PurePosixPath(spec.source).suffix: str(spec.language) for spec in LANGUAGES.values()}
    ending = Path(source).suffix.lower()
    found = said or of_problem or known.get(_ALSO.get(ending, ending))
    if found is None:
        raise InputError(
            f"The name {source} does not tell the language.",
            remedy=f"give --language, one of: {', '.join(sorted(known.values()))}.",
        )
    return found


def _named_file(option: str) -> tuple[str, str]:
    """Where the program sees a file, and its text: `PATH`, or `NAME=PATH`."""
    name, equals, path = option.partition("=")
    return (
        (name, _read(path, MAX_FILE_BYTES)) if equals else (option, _read(option, MAX_FILE_BYTES))
    )


def _limit(option: str) -> tuple[str, str]:
    name, equals, value = option.partition("=")
    if not equals:
        raise InputError(
            f"--limit {option} has no value.",
            remedy="write NAME=VALUE; the names are wall_s, cpu_s, memory_mb and output_kb.",
        )
    return name, value


def _read(path: str, most: int) -> str:
    """The text of a file, or of stdin for `-`; no more than `most` bytes are ever read."""
    try:
        if path == "-":
            data = sys.stdin.buffer.read(most + 1)
        else:
            with Path(path).open("rb") as file:
                data = file.read(most + 1)
        text = data.decode()
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8.", remedy="save it as UTF-8.") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise InputError(f"Cannot read {path}: {error}.", remedy="check the path.") from None
    if len(data) > most:
        raise InputError(f"{path} is larger than {most >> 10} kB.", remedy="shorten it.")
    return text


def execute(request: ExecutionRequest, settings: Settings) -> Executed:
    """What came of `request`, on the Docker Engine of this machine.

    Raises: InputError: beyond the operator's limits. EngineUnavailable. ImageMissing.
    """
    from calisota.sandbox.engine import DockerSandbox, connect  # noqa: PLC0415  # input comes first

    admitted = admit(request, settings)
    cells: list[Execution] = []
    client = connect(settings)
    try:
        sandbox = DockerSandbox(client, settings)
        result = _run(admitted, sandbox, settings, lambda _number, cell: cells.append(cell))
    finally:
        client.close()
    single = request.plain and len(result.tests) == 1
    return Executed(result, single, cells[0] if single and cells else None)


def _run(
    request: ExecutionRequest,
    sandbox: RunsPlans,
    settings: Settings,
    on_cell: Callable[[int, Execution], None],
) -> ExecutionResult:
    """The result, from a thread: a signal never cuts the talk with the Engine in two."""
    # `calisota down` leaves it alone, as it does those of `solve --local`.
    execution_id = f"{LOCAL_PREFIX}exec_{secrets.token_hex(8)}"
    unwanted = threading.Event()

    def still_wanted() -> None:
        if unwanted.is_set():
            raise SystemExit

    with ThreadPoolExecutor(1) as pool, _end_asked_is_an_exit():
        work = pool.submit(
            run_execution,
            request,
            sandbox,
            execution_id=execution_id,
            settings=settings,
            wall_s=WALL_S,
            on_cell=on_cell,
            while_waiting=still_wanted,
        )
        try:
            return work.result()
        except (KeyboardInterrupt, SystemExit):
            unwanted.set()
            # Again and again: the container may just be about to start.
            while not work.done():
                with suppress(CalisotaError):
                    sandbox.remove(execution_id)
                wait([work], timeout=POLL_S)
            raise


@contextmanager
def _end_asked_is_an_exit() -> Iterator[None]:
    """SIGTERM and SIGHUP unwind the stack as Ctrl-C does, so that the container is removed."""
    before = {number: signal.signal(number, _exit) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _exit(number: int, _frame: object) -> None:
    sys.exit(128 + number)


def show(executed: Executed, console: Console) -> None:
    """A single plain run speaks for itself; of several there is a table. `console`: stderr."""
    result, single, raw = executed
    if result.build_stderr:
        _write(result.build_stderr.encode(), sys.stderr)
    if not single:
        Console().print(test_table(result.tests))
    elif raw is not None:
        _write(raw.stdout, sys.stdout)
        _write(raw.stderr, sys.stderr)
    passed = sum(test.outcome is Outcome.ACCEPTED for test in result.tests)
    count = f" {passed}/{len(result.tests)}" if len(result.tests) > 1 else ""
    detail = result.tests[0].detail if len(result.tests) == 1 else None
    words = [f"{result.outcome}{count}" + (f" ({printable(detail)})" if detail else "")]
    console.print(
        Text(", ".join([*words, *_used(result)]), style="dim"), soft_wrap=True, highlight=False
    )


def _used(result: ExecutionResult) -> Iterator[str]:
    """What a single process used; of several, how long all took."""
    test = result.tests[0]
    if len(result.tests) > 1 or test.cpu_s is None or test.wall_s is None:
        yield f"wall {result.wall_s:.2f} s in all"
        return
    yield f"cpu {test.cpu_s:.3f} s"
    yield f"wall {test.wall_s:.3f} s"
    yield f"memory {(test.memory_bytes or 0) / 1e6:.1f} MB"


def _write(output: bytes, stream: TextIO) -> None:
    """The bytes as they are; at a terminal nothing that could steer it, and a line of its own."""
    if stream.isatty():
        text = printable(decoded(output))
        stream.write(text if not text or text.endswith("\n") else f"{text}\n")
    else:
        raw: BinaryIO = stream.buffer
        stream.flush()
        raw.write(output)
    stream.flush()


def exit_code_of(result: ExecutionResult) -> int:
    """0: accepted. 1: not. 3: the sandbox itself broke."""
    if result.outcome is Outcome.INTERNAL_ERROR:
        return 3
    return 0 if result.outcome is Outcome.ACCEPTED else 1
