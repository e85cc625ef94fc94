import socket
import threading
import time
from contextlib import suppress

import pytest

from calisota.errors import EngineUnavailable
from calisota.models import Brief, Candidate, Problem, Usage
from calisota.sandbox.engine import DockerSandbox, connect
from calisota.sandbox.images import build_images
from calisota.settings import Settings

SOLVE_ID = "test-solve"


@pytest.fixture(scope="session")
def settings():
    return Settings()


@pytest.fixture(scope="session")
def client(settings):
    try:
        client = connect(settings)
    except EngineUnavailable as error:
        pytest.skip(f"no Docker Engine answers: {error.message}")
    build_images(client, settings, print)
    yield client
    client.close()


@pytest.fixture(scope="session")
def sandbox(client, settings, tmp_path_factory):
    # A home of its own, so that the containers of a running installation are not ours.
    home = tmp_path_factory.mktemp("home")
    return DockerSandbox(client, settings.model_copy(update={"home": home}))


@pytest.fixture(autouse=True)
def no_container_is_left(request):
    yield
    if "sandbox" in request.fixturenames:
        assert gone(request.getfixturevalue("sandbox"))


def gone(sandbox, within_s=10):
    """Whether no container is left; the Engine needs a moment to forget one."""
    until = time.monotonic() + within_s
    while sandbox.list_ours() and time.monotonic() < until:
        time.sleep(0.05)
    return not sandbox.list_ours()


def candidate(source):
    brief = Brief(number=0, approach=None, with_passages=False, temperature=0, prompt="p")
    return Candidate(id="r1c0", brief=brief, source=source, usage=Usage())


@pytest.fixture
def execute(sandbox):
    def run(source, *tests, language="python", **fields):
        problem = Problem(statement="x", language=language, tests=tests, **fields)
        return sandbox.run_candidate(problem, candidate(source), solve_id=SOLVE_ID)

    return run


class Wire:
    """A way to the Engine that can be cut; what a dying daemon looks like from here."""

    def __init__(self, engine, path):
        self.path = path
        self._engine = engine
        self._socks = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.socket(socket.AF_UNIX)
                far.connect(self._engine)
                self._socks += [near, far]
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._pump, args=(one, other), daemon=True).start()

    @staticmethod
    def _pump(one, other):
        with suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)

    def cut(self):
        self.path.unlink(missing_ok=True)
        for sock in [self._listener, *self._socks]:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()


@pytest.fixture
def wire(client, tmp_path):
    url = client.base_url
    if not url.startswith("http+docker"):
        pytest.skip("the Engine is not on a Unix socket")
    adapter = client.get_adapter(url)
    wire = Wire(adapter.socket_path, tmp_path / "wire.sock")
    yield wire
    wire.cut()
