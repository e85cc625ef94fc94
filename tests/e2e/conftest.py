"""Two real systems, one after the other: with the embedded model, and with a scripted endpoint."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import docker
import psutil
import pytest

from bench.rig import System, running_system
from bench.scripted_model import answer
from calisota.llm.scripted_server import ScriptedServer
from calisota.sandbox.engine import DockerSandbox, connect
from calisota.settings import Settings


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/e2e/" in str(item.path):
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.timeout(600))


@dataclass
class Scripted:
    """A system whose model is scripted, and the model."""

    system: System
    model: ScriptedServer


@pytest.fixture(scope="session")
def sandbox_engine() -> Iterator[docker.APIClient]:
    client = connect(Settings())
    yield client
    client.close()


@pytest.fixture(scope="module")
def embedded(sandbox_engine: docker.APIClient) -> Iterator[System]:
    del sandbox_engine  # without an Engine nothing below can work: its error is the clearer one
    with running_system() as system:
        yield system
    nothing_left(system)


@pytest.fixture(scope="module")
def scripted(sandbox_engine: docker.APIClient) -> Iterator[Scripted]:
    del sandbox_engine
    models = {f"CALISOTA_LLM_MODEL_{route}": "scripted" for route in ("SLOW", "FAST", "CRITIC")}
    with (
        ScriptedServer(answer) as model,
        running_system(CALISOTA_LLM_BASE_URL=model.base_url, **models) as system,
    ):
        yield Scripted(system, model)
    nothing_left(system)


def nothing_left(system: System) -> None:
    """Assert that after `calisota down` no process and no container of the system is there."""
    left = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("CALISOTA_HOME") == str(system.home):
                left.append(process.cmdline())
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    assert left == []
    assert containers(system) == []


def containers(system: System) -> list[Any]:
    """The sandbox containers of the system."""
    client = connect(system.settings)
    try:
        return list(DockerSandbox(client, system.settings).list_ours())
    finally:
        client.close()
