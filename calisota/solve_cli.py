"""`calisota solve`: a Problem from a file to a verdict, over the API or in this process."""

from __future__ import annotations

import json
import secrets
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tenacity
import yaml
from pydantic import ValidationError

from calisota.errors import (
    AirflowUnavailable,
    CalisotaError,
    InputError,
    PermanentError,
    TransientError,
)
from calisota.models import Problem, SolveReport, Verdict, readable_faults
from calisota.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx
    from rich.console import Console

    from calisota.models import Question
    from calisota.settings import Settings

MAX_FILE_BYTES = 4 * 1024 * 1024
SERVER_ERROR = 500
RECONNECTS = 5
RECONNECT_S = 2.0


def read_problem(source: str) -> Problem:
    """The Problem in a YAML or JSON file; `-` reads standard input.

    Raises: InputError: no such file, not YAML, or not a Problem; each fault is named.
    """
    try:
        text = sys.stdin.read() if source == "-" else _read(Path(source))
        data = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"Cannot read {source}: {error}.", remedy="check the path.") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # a number, a nest without end
        raise InputError(
            f"{source} is neither YAML nor JSON: {error}.", remedy="correct the syntax there."
        ) from None
    if not isinstance(data, dict):
        raise InputError(
            f"{source} holds no mapping of fields.", remedy="start from a file in examples/."
        )
    try:
        return Problem.model_validate(data)
    except ValidationError as error:
        faults = "\n".join(f"  {fault}" for fault in readable_faults(error))
        raise InputError(
            f"{source} is no Problem:\n{faults}\n", remedy="correct these fields."
        ) from None


def _read(path: Path) -> str:
    if path.stat().st_size > MAX_FILE_BYTES:
        raise InputError(f"{path} is larger than 4 MiB.", remedy="shorten it.")
    return path.read_text()


def solve_local(problem: Problem, settings: Settings, console: Console, *, watch: bool) -> str:
    """The report as JSON, from the same steps run in this process."""
    from calisota.local import LocalSolve  # noqa: PLC0415  # heavy parts only when asked for
    from calisota.sandbox.engine import DockerSandbox, connect  # noqa: PLC0415
    from calisota.stages import open_stages  # noqa: PLC0415

    sandbox = DockerSandbox(connect(settings), settings)
    with console.status("starting") as status:

        def on_step(step: str) -> None:
            status.update(step)
            if watch:
                console.print(f"[dim]{step}[/dim]")

        def ask(question: Question) -> str | None:
            status.stop()
            answer = ask_person(question, console)
            status.start()
            return answer

        solve = LocalSolve(
            open_stages(settings),
            sandbox,
            on_step=on_step,
            ask=ask if sys.stdin.isatty() else None,
        )
        report = solve.run(problem.model_dump(mode="json"))
    return report.model_dump_json()


def ask_person(question: Question, console: Console) -> str | None:
    """What the person at the terminal answers, as JSON; None: nothing."""
    asked = printable(question.asked)
    if question.held:
        console.print(f"Programs and planner read the statement differently for {asked}:")
        console.print(f"  {printable(question.quote or '')}", highlight=False, markup=False)
    else:
        console.print(f"The statement does not say what is right for {asked}.")
    for number, option in enumerate(question.options, start=1):
        planner = question.held and number == len(question.options)
        who = "the planner reads" if planner else "some programs answer"
        console.print(f"  {who} {printable(option)}", highlight=False)
    while True:
        text = console.input("Your answer as JSON (empty: the likeliest): ").strip()
        if not text:
            return None
        try:
            json.loads(text)
        except ValueError:
            console.print("That is no JSON; a text needs quotes.")
        else:
            return text


def solve_remote(problem: Problem, settings: Settings, console: Console, *, watch: bool) -> str:
    """The report as JSON, from a Solve posted to the API and followed to its end.

    Raises: AirflowUnavailable: the API does not answer. InputError: it refused the Problem.
    """
    import httpx  # noqa: PLC0415  # not needed for --local

    headers = {"Authorization": f"Bearer {_api_key(settings)}"}
    timeout = httpx.Timeout(30, read=60)
    solve_id: str | None = None
    try:
        with httpx.Client(base_url=settings.api, headers=headers, timeout=timeout) as client:
            # What the file does not name, the API may set.
            body = problem.model_dump(mode="json", exclude_unset=True)
            once = {"Idempotency-Key": secrets.token_hex(16)}
            posted = _persistently(lambda: client.post("/v1/solves", json=body, headers=once))
            solve_id = posted["solve_id"]
            # Always: whoever loses the connection finds the Solve by it.
            console.print(f"[dim]{solve_id}[/]", highlight=False, soft_wrap=True)
            if watch:
                link = posted["links"]["airflow"]
                console.print(f"[dim]{link}[/]", highlight=False, soft_wrap=True)
            with console.status("queued") as status:
                for event, data in _events(client, solve_id):
                    if event == "step.started":
                        status.update(_label(data))
                        if str(data.get("task", "")).endswith(".clarify"):
                            _say_question(client, solve_id, console)
                    if watch:
                        console.print(f"[dim]{event} {_label(data)} {data.get('state', '')}[/dim]")
            return json.dumps(_persistently(lambda: client.get(f"/v1/solves/{solve_id}")))
    except KeyboardInterrupt:
        if solve_id is not None:
            link = f"{settings.api}/v1/solves/{solve_id}"
            words = f"It goes on: GET {link} tells its end, POST {link}:cancel ends it."
            console.print(words, highlight=False, soft_wrap=True)
        raise
    except httpx.TransportError as error:
        raise AirflowUnavailable(
            f"The API at {settings.api} does not answer ({type(error).__name__}).",
            remedy="run `calisota up`, or use --local.",
        ) from error


def answer_remote(solve_id: str, text: str | None, settings: Settings, console: Console) -> None:
    """Answer the question of a Solve over the API.

    Raises: InputError: it asks nothing, or the answer is no JSON.
    """
    import httpx  # noqa: PLC0415  # not needed for --local

    body: dict[str, Any] = {"likeliest": True}
    if text is not None:
        try:
            body = {"answer": json.loads(text)}
        except ValueError:
            raise InputError(
                f"{text[:100]!r} is no JSON.", remedy="put a text into quotes: '\"text\"'."
            ) from None
    headers = {"Authorization": f"Bearer {_api_key(settings)}"}
    path = f"/v1/solves/{solve_id}"
    try:
        with httpx.Client(base_url=settings.api, headers=headers, timeout=60) as client:
            question = _checked(client.get(path)).get("question")
            _checked(client.post(f"{path}/clarification", json=body))
    except httpx.TransportError as error:
        raise AirflowUnavailable(
            f"The API at {settings.api} does not answer ({type(error).__name__}).",
            remedy="run `calisota up`.",
        ) from error
    said = "the likeliest" if text is None else text
    asked = question["asked"] if question else "its question"
    console.print(f"{printable(asked)}: {said}", highlight=False, markup=False)


def _persistently(send: Callable[[], httpx.Response]) -> dict[str, Any]:
    """The JSON of a good answer; asks again where the fault may pass, as of a busy Airflow."""
    import httpx  # noqa: PLC0415  # not needed for --local

    def may_pass(error: BaseException) -> bool:
        # Where nothing listens, waiting does not help.
        refused = isinstance(error, httpx.ConnectError)
        return isinstance(error, TransientError | httpx.TransportError) and not refused

    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception(may_pass),
        stop=tenacity.stop_after_attempt(RECONNECTS),
        wait=tenacity.wait_fixed(RECONNECT_S),
        reraise=True,
    )
    return retrying(lambda: _checked(send()))


def _say_question(client: httpx.Client, solve_id: str, console: Console) -> None:
    """Tell the person at the terminal what the Solve waits for."""
    question = _persistently(lambda: client.get(f"/v1/solves/{solve_id}")).get("question") or {}
    asked = printable(str(question.get("asked", "see Airflow's UI")))
    options = " or ".join(printable(str(option)) for option in question.get("options", []))
    text = f"It asks what is right for {asked} ({options}): calisota answer {solve_id} JSON"
    console.print(text, highlight=False, markup=False, soft_wrap=True)


def _api_key(settings: Settings) -> str:
    try:
        return (settings.secrets / "api_key").read_text().strip()
    except FileNotFoundError:
        raise PermanentError(
            "There is no API key: CALISOTA was never started here.", remedy="run `calisota up`."
        ) from None


def _events(client: httpx.Client, solve_id: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The server-sent events of a Solve, until it ends; reconnects where the stream was cut."""
    import httpx  # noqa: PLC0415  # not needed for --local

    last_id: str | None = None
    failures = 0
    while True:
        headers = {"Last-Event-ID": last_id} if last_id else {}
        path = f"/v1/solves/{solve_id}/events"
        try:
            with client.stream("GET", path, headers=headers) as stream:
                if stream.is_error:
                    stream.read()
                    _checked(stream)
                for event, event_id, data in _parsed(stream.iter_lines()):
                    last_id, failures = event_id, 0
                    yield event, data
                    if event == "solve.finished":
                        return
        except (httpx.TransportError, TransientError):
            failures += 1
            if failures > RECONNECTS:
                raise
            time.sleep(RECONNECT_S)


def _parsed(lines: Iterator[str]) -> Iterator[tuple[str, str | None, dict[str, Any]]]:
    """Event, id and data of each server-sent event; its fields come in any order."""
    event, event_id, data = "", None, ""
    for line in lines:
        name, _, value = line.partition(": ")
        if name == "event":
            event = value
        elif name == "id":
            event_id = value
        elif name == "data":
            data = value
        elif not line and data:
            yield event, event_id, json.loads(data)
            event, event_id, data = "", None, ""


def _label(data: dict[str, Any]) -> str:
    task = str(data.get("task", data.get("verdict", "")))
    index = data.get("map_index")
    return f"{task}[{index}]" if isinstance(index, int) and index >= 0 else task


def _checked(response: httpx.Response) -> dict[str, Any]:
    """The JSON of a good answer; a problem document becomes the error it describes."""
    if not response.is_error:
        body: dict[str, Any] = response.json()
        return body
    if "json" not in response.headers.get("content-type", ""):
        raise AirflowUnavailable(
            f"The API answered {response.status_code}.", remedy="see the log of the API."
        )
    problem = response.json()
    kind: type[CalisotaError] = InputError
    if response.status_code >= SERVER_ERROR:
        kind = TransientError if problem.get("retryable") else PermanentError
    raise kind(
        str(problem.get("detail", problem.get("title", "refused"))),
        remedy=str(problem.get("remedy", "see the API's log.")),
    )


def report_of(text: str) -> SolveReport | None:
    """The report in the API's JSON, which carries more; None: the Solve ended without one."""
    data = json.loads(text)
    # Only a Solve without a report names the step that it is in, or ended in.
    if "step" in data:
        return None
    fields = SolveReport.model_fields
    return SolveReport.model_validate({k: v for k, v in data.items() if k in fields})


def exit_code_of(text: str) -> int:
    """0: a program was proven to some extent. 1: none, or cancelled. 3: a fault of ours."""
    verdict = Verdict(json.loads(text)["verdict"])
    if verdict is Verdict.INTERNAL_ERROR:
        return 3
    return 0 if verdict.solved else 1
