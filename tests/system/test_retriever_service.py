"""`calisota retriever` as a process of its own, on a data home without an index."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import httpx
import pytest

from calisota.settings import Settings
from calisota.system.supervisor import components


@pytest.fixture
def settings():
    home = Path(tempfile.mkdtemp(prefix="cali-"))  # a socket's path is short
    yield Settings(home=home)
    shutil.rmtree(home)


@pytest.fixture
def start(settings):
    started = []

    def run():
        process = subprocess.Popen(
            [sys.executable, "-m", "calisota.cli", "retriever"],
            env=os.environ | {"CALISOTA_HOME": str(settings.home)},
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.wait()
        process.stderr.close()


def health(settings):
    transport = httpx.HTTPTransport(uds=str(settings.retriever_socket))
    with httpx.Client(transport=transport, base_url="http://retriever", timeout=30) as http:
        return http.get("/health").json()


def test_it_serves_without_an_index_and_says_so_until_it_is_told_to_end(settings, start):
    process = start()
    assert "listens on" in process.stderr.readline()
    answer = health(settings)
    assert answer["version"] is None
    assert "There is no retrieval index yet" in answer["fault"]
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    assert not settings.retriever_socket.exists()


def test_a_second_one_waits_and_takes_over_when_the_first_is_killed(settings, start):
    first = start()
    assert "listens on" in first.stderr.readline()
    second = start()
    assert "waiting for its end" in second.stderr.readline()
    assert health(settings)["queries"] == 0
    first.kill()
    assert "listens on" in second.stderr.readline()
    assert health(settings)["queries"] == 0
    third = start()
    assert "waiting for its end" in third.stderr.readline()
    third.send_signal(signal.SIGTERM)
    assert third.wait(20) == 0
    assert settings.retriever_socket.exists(), "who never served leaves the socket alone"


def test_up_starts_it_unless_no_socket_can_be_made(settings, tmp_path, monkeypatch):
    monkeypatch.setattr("calisota.system.supervisor.airflow_env", lambda *_: {})
    assert "retriever" in [one.name for one in components(settings, "unix:///x")]
    deep = Settings(home=tmp_path / ("h" * 100))
    assert "retriever" not in [one.name for one in components(deep, "unix:///x")]
