import pytest

from calisota.errors import PermanentError
from calisota.models import Outcome, Problem
from calisota.sandbox import container, selftest
from calisota.sandbox.engine import DockerSandbox
from calisota.sandbox.trust import last_trial, record_trial, require_trusted, subject

from .conftest import SOLVE_ID, candidate

pytestmark = pytest.mark.docker

HELLO = Problem(statement="x", language="python", tests=[{"stdout": "x"}])
QUICK = ["vsock", "io_uring", "ptrace", "pids", "read_only"]


@pytest.fixture
def own(settings, tmp_path):
    return settings.model_copy(update={"home": tmp_path})


@pytest.fixture
def few(monkeypatch):
    attacks = {name: selftest.ATTACKS[name] for name in QUICK}
    monkeypatch.setattr(selftest, "ATTACKS", attacks)


@pytest.fixture
def weak(monkeypatch):
    """An Engine that takes our limits and does not enforce three of them."""
    strong = container.host_config

    def weaker(client, limits):
        config = strong(client, limits)
        config["SecurityOpt"] = ["no-new-privileges:true", "seccomp=unconfined"]
        config["ReadonlyRootfs"] = False
        config["PidsLimit"] = 0
        return config

    monkeypatch.setattr(container, "host_config", weaker)


@pytest.mark.usefixtures("few", "weak")
def test_an_engine_that_does_not_enforce_a_limit_runs_nothing(client, own):
    failed = {check.name for check in selftest.try_engine(client, own) if not check.held}
    assert failed == {selftest.ATTACKS[name][0] for name in QUICK if name != "read_only"}
    with pytest.raises(PermanentError, match="vsock") as refused:
        DockerSandbox(client, own).run_candidate(HELLO, candidate("print('x')"), solve_id=SOLVE_ID)
    assert "calisota doctor --sandbox" in refused.value.remedy
    with pytest.raises(PermanentError, match="io_uring"):
        selftest.ensure_tried(client, own)


@pytest.mark.usefixtures("few")
def test_an_engine_that_was_mended_is_tried_again_and_runs(client, own):
    record_trial(own, subject(client, own), ["memory"])
    assert "limits hold" in selftest.ensure_tried(client, own)
    sandbox = DockerSandbox(client, own)
    matrix = sandbox.run_candidate(HELLO, candidate("print('x')"), solve_id=SOLVE_ID)
    assert matrix.outcome is Outcome.ACCEPTED


@pytest.mark.usefixtures("few")
def test_an_engine_is_tried_once_until_something_of_it_changes(client, own, monkeypatch):
    tried = []
    monkeypatch.setattr(
        selftest, "try_engine", lambda client, own: tried.append(record(client, own))
    )

    def record(client, settings):
        record_trial(settings, subject(client, settings), [])

    for _ in range(2):
        selftest.ensure_tried(client, own)
    assert len(tried) == 1
    info = client.info()
    monkeypatch.setattr(client, "info", lambda: info | {"KernelVersion": "another"})
    selftest.ensure_tried(client, own)
    assert len(tried) == 2


def test_a_record_nobody_can_read_is_none(own):
    assert last_trial(own) is None
    record_trial(own, "x", ["memory"])
    path = own.home / "run" / "self-test.json"
    path.write_text(path.read_text()[:-9])
    assert last_trial(own) is None
    require_trusted(own)


def test_a_runtime_the_engine_does_not_know_is_a_permanent_error(client, own):
    unknown = own.model_copy(update={"sandbox_runtime": "no-such-runtime"})
    sandbox = DockerSandbox(client, unknown)
    with pytest.raises(PermanentError, match="no-such-runtime"):
        sandbox.run_candidate(HELLO, candidate("print('x')"), solve_id=SOLVE_ID)
    assert sandbox.list_ours() == []
