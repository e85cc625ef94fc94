"""`calisota up`: all processes of one machine under one supervisor, and none without it."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import httpx

from calisota.errors import AirflowUnavailable, CalisotaError, InputError, PermanentError
from calisota.local import LOCAL_PREFIX
from calisota.sandbox.container import SOLVE_LABEL
from calisota.sandbox.engine import DockerSandbox, connect
from calisota.system.airflow_env import MARK, airflow_env, child_env
from calisota.system.docker_engine import is_ours, stop_engine
from calisota.system.health import ensure_pools, waiting_for
from calisota.system.processes import Component, become_subreaper, end_family, family, spawn
from calisota.system.setup import run_setup
from calisota.system.state import SystemState, only_supervisor, write_state

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Sequence
    from types import FrameType

    from calisota.settings import Settings
    from calisota.system.progress import Progress

END_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
READY_S = 240
PATIENCE_S = 15
QUICK_DEATHS = 4
"""A component that dies this often within `STEADY_S` is not going to recover by itself."""
STEADY_S = 60
CHECK_S = 0.5


def components(settings: Settings, engine_url: str) -> list[Component]:
    """What runs on one machine."""
    airflow = airflow_env(settings, engine_url)
    ours = child_env(settings, engine_url)
    python = sys.executable
    run = [python, "-m", "airflow"]
    found = [
        Component(
            "airflow-api-server",
            [python, "-m", "calisota_airflow.api_server", "api-server"],
            airflow,
        ),
        # Warm: tasks are forked from it. Logs are read from the disk, so no log server listens.
        Component(
            "airflow-scheduler",
            [python, "-m", "calisota_airflow.warm", "scheduler", "--skip-serve-logs"],
            airflow,
        ),
        Component("airflow-dag-processor", [*run, "dag-processor"], airflow),
        Component("airflow-triggerer", [*run, "triggerer", "--skip-serve-logs"], airflow),
        Component(
            "api",
            [
                *[python, "-m", "uvicorn", "--factory", "api.app:create_app"],
                *["--host", settings.host, "--port", str(settings.api_port), "--no-access-log"],
            ],
            ours,
        ),
    ]
    if settings.retriever_socket is not None:
        found.append(Component("retriever", [python, "-m", "calisota.cli", "retriever"], ours))
    if settings.llm_is_embedded:
        found.append(Component("model", [python, "-m", "calisota.llm.server"], ours))
    return found


class Supervisor:
    """Starts components, restarts those that die, ends them all; single-threaded.

    A signal that asks to end only raises a flag; the loop does the rest.
    """

    def __init__(self, settings: Settings, found: Sequence[Component]) -> None:
        self._settings = settings
        self._components = {component.name: component for component in found}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._deaths: dict[str, list[float]] = {name: [] for name in self._components}
        self._restart_at: dict[str, float] = {}
        self._ending = False

    def catch_signals(self) -> None:
        """From now on SIGINT, SIGTERM and SIGHUP end the loop, and with it everything."""
        for number in END_SIGNALS:
            signal.signal(number, self._end)

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        self._ending = True

    @property
    def ending(self) -> bool:
        """Whether somebody asked for the end."""
        return self._ending

    @property
    def pids(self) -> dict[str, int]:
        """Name -> pid of what runs."""
        return {name: process.pid for name, process in self._running.items()}

    def start(self) -> None:
        """Start every component."""
        become_subreaper()
        for component in self._components.values():
            self._running[component.name] = spawn(component, self._settings.logs)

    def tend(self) -> list[str]:
        """Reap what died and restart it after a pause; the names of those that died just now.

        Raises: PermanentError: a component dies again and again; its last words are in the message.
        """
        died = []
        now = time.monotonic()
        for name, process in list(self._running.items()):
            if process.poll() is not None:
                del self._running[name]
                died.append(name)
                # Its workers would go on beside those of its successor.
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                self._deaths[name] = [t for t in self._deaths[name] if now - t < STEADY_S] + [now]
                count = len(self._deaths[name])
                if count >= QUICK_DEATHS:
                    raise self._gave_up(name)
                self._restart_at[name] = now + 2 ** (count - 1)
        for name, due in list(self._restart_at.items()):
            if now >= due:
                del self._restart_at[name]
                self._running[name] = spawn(self._components[name], self._settings.logs)
        self._reap_adopted()
        return died

    def _reap_adopted(self) -> None:
        """Collect orphans that became our children; never one that Popen waits for."""
        known = {process.pid for process in self._running.values()}
        while True:
            try:
                found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if found is None or found.si_pid in known:
                return
            os.waitpid(found.si_pid, 0)

    def _gave_up(self, name: str) -> PermanentError:
        path = self._settings.logs / f"{name}.log"
        last = path.read_text(errors="replace").strip().splitlines()[-5:]
        return PermanentError(
            f"{name} ended {QUICK_DEATHS} times within {STEADY_S} s:\n  " + "\n  ".join(last),
            remedy=f"read {path}, mend the cause, and run `calisota up` again.",
        )


def run_system(settings: Settings, progress: Progress, *, on_ready: Callable[[], None]) -> None:
    """Set up, start, wait until ready, tend until asked to end; then nothing of ours is left.

    Raises: CalisotaError: what failed, after all that was started is ended.
    """
    with only_supervisor(settings) as alone:
        if not alone:
            raise InputError("It is already running.", remedy="`calisota down` stops it.")
        _write(settings, "starting", "setting up", {})
        try:
            _run(settings, progress, on_ready)
        except CalisotaError as error:
            _write(settings, "failed", str(error), {})
            raise


def _run(settings: Settings, progress: Progress, on_ready: Callable[[], None]) -> None:
    if family(settings.home):
        with progress.step("processes of an earlier run that was killed") as step:
            ended = end_family(settings.home, patience_s=PATIENCE_S, detail=step.detail)
            step.result = f"{ended} ended"
    check_ports(settings)
    engine_was_ours = is_ours(settings)
    configured = settings
    # In this process it only reaches what we start, as setup starts it: none of it is orphaned.
    os.environ[MARK] = str(settings.home)
    for number in END_SIGNALS:
        signal.signal(number, _stop_setting_up)
    try:
        engine_url = run_setup(settings, progress)
        configured = settings.model_copy(update={"docker_host": engine_url})
        remove_containers(configured)
        supervisor = Supervisor(settings, components(settings, engine_url))
        supervisor.catch_signals()
        supervisor.start()
        become_ready(settings, supervisor, progress)
        if not supervisor.ending:
            _write(settings, "ready", "ready", supervisor.pids)
            on_ready()
        while not supervisor.ending:
            if supervisor.tend():
                _write(settings, "ready", "restarted a part", supervisor.pids)
            time.sleep(CHECK_S)
        engine_was_ours = False  # what `up` uses, the end of `up` stops
    except _EndAsked:
        return
    finally:
        for number in END_SIGNALS:
            signal.signal(number, signal.SIG_IGN)  # the end is not to be ended halfway
        with progress.step("stopping") as step:
            end_family(settings.home, patience_s=PATIENCE_S, detail=step.detail)
            remove_containers(configured)
            if not engine_was_ours:
                stop_engine(settings)


class _EndAsked(BaseException):
    """Somebody asked for the end while setup was under way."""


def _stop_setting_up(_number: int, _frame: FrameType | None) -> None:
    raise _EndAsked


def become_ready(settings: Settings, supervisor: Supervisor, progress: Progress) -> None:
    """Wait for every part; make the pools as soon as Airflow answers.

    Raises: PermanentError: not ready in time, or a part keeps dying.
    """
    deadline = time.monotonic() + READY_S
    pools = False
    with progress.step("Airflow, API, model") as step, httpx.Client(timeout=5) as http:
        while not supervisor.ending:
            supervisor.tend()
            missing = waiting_for(settings, http)
            if not pools and "airflow api-server" not in missing:
                try:
                    ensure_pools(
                        settings,
                        http,
                        sandbox=settings.sandbox_concurrency or os.cpu_count() or 1,
                        llm=settings.llm_concurrency,
                    )
                    pools = True
                except AirflowUnavailable as error:  # as while a dozen processes start at once
                    missing.append(error.message.rstrip("."))
            if pools and not missing:
                return
            if time.monotonic() > deadline:
                raise PermanentError(
                    f"Not ready after {READY_S} s: {', '.join(missing)}.",
                    remedy=f"read the logs in {settings.logs}.",
                )
            step.detail("waiting for " + ", ".join(missing))
            time.sleep(CHECK_S)


def remove_containers(settings: Settings) -> None:
    """Remove the sandbox containers of Airflow's tasks, none of which runs now.

    Those of a `calisota solve --local` in another terminal stay until they expire.
    """
    try:
        client = connect(settings)
    except CalisotaError:
        return  # no Engine, no containers
    try:
        sandbox = DockerSandbox(client, settings)
        sandbox.reap(time.time())
        for solve_id in {one["Labels"].get(SOLVE_LABEL, "") for one in sandbox.list_ours()}:
            if not solve_id.startswith(LOCAL_PREFIX):
                sandbox.remove(solve_id)
    finally:
        client.close()


def check_ports(settings: Settings) -> None:
    """Nobody else listens where we are going to. Raises: InputError: a port is taken."""
    wanted = {"API_PORT": settings.api_port, "AIRFLOW_PORT": settings.airflow_port}
    if settings.llm_is_embedded:
        wanted["LLM_PORT"] = settings.llm_port
    for name, port in wanted.items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((settings.host, port))
            except OSError as error:
                raise InputError(
                    f"Port {port} on {settings.host} cannot be used: {error.strerror}.",
                    remedy=f"set CALISOTA_{name} to another one, or stop what uses it.",
                ) from None


def _write(settings: Settings, status: str, message: str, pids: dict[str, int]) -> None:
    values = {"pid": os.getpid(), "status": status, "message": message, "components": pids}
    write_state(settings, SystemState.model_validate(values))
