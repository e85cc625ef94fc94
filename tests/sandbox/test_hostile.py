import gc
import threading
import time

import pytest

from calisota.errors import EngineUnavailable, ImageMissing
from calisota.models import Language, Limits, Outcome, Problem
from calisota.sandbox import images
from calisota.sandbox.container import Container, ContainerLimits
from calisota.sandbox.engine import DockerSandbox, connect
from calisota.sandbox.images import _tag, image_tag
from calisota.sandbox.selftest import ATTACKS, attack, self_test
from calisota.settings import Settings

from .conftest import SOLVE_ID, candidate, gone

pytestmark = pytest.mark.docker

ANY = {"stdout": "x"}
SHORT = {"wall_s": 2, "cpu_s": 2}


def words(matrix):
    return [test.stdout.strip() for test in matrix.tests]


@pytest.fixture(scope="module")
def attacked(sandbox):
    limits = Limits(wall_s=2, cpu_s=1, memory_mb=96, output_kb=4)
    matrix = attack(sandbox, list(ATTACKS), limits)
    return {test.name: test for test in matrix.tests}


@pytest.mark.parametrize("name", ATTACKS)
def test_the_sandbox_holds_against(name, attacked):
    wanted = ATTACKS[name][1]
    test = attacked[name]
    if isinstance(wanted, Outcome):
        assert test.outcome is wanted
    else:
        assert test.stdout == wanted


def test_the_self_test_finds_every_limit_held(sandbox):
    checks = self_test(sandbox)
    assert len(checks) == len(ATTACKS)
    assert [check for check in checks if not check.held] == []


def test_a_fork_bomb_ends_and_the_next_test_runs(execute):
    bomb = (
        "import os, sys\n"
        "while sys.argv[1] == 'bomb':\n"
        "    try:\n        os.fork()\n"
        "    except OSError:\n        pass\n"
        "print('alive')\n"
    )
    matrix = execute(
        bomb, {"argv": ["bomb"], **ANY}, {"argv": ["no"], "stdout": "alive"}, limits=SHORT
    )
    assert [test.outcome for test in matrix.tests] == [Outcome.TIME_LIMIT, Outcome.ACCEPTED]


def test_killing_every_process_kills_only_the_candidates(execute):
    source = (
        "import os\n"
        "if os.fork() == 0:\n    while True: pass\n"
        "os.kill(-1, 9)\n"
        "try:\n    os.kill(1, 9)\nexcept PermissionError:\n    print('x')\n"
    )
    matrix = execute(source, ANY, ANY)
    assert [test.outcome for test in matrix.tests] == [Outcome.ACCEPTED] * 2


def test_a_daemon_that_left_its_session_does_not_outlive_its_test(execute):
    source = (
        "import os, sys, time, glob\n"
        "if sys.argv[1] == 'leave':\n"
        "    if os.fork() == 0:\n"
        "        os.setsid()\n"
        "        time.sleep(60)\n"
        "else:\n"
        "    print(sum(p.split('/')[2].isdigit() for p in glob.glob('/proc/[0-9]*')))\n"
    )
    matrix = execute(source, {"argv": ["leave"], "stdout": ""}, {"argv": ["count"], "stdout": "2"})
    assert matrix.passed() == 2
    assert matrix.wall_s < 10


def test_no_state_is_carried_from_one_test_to_the_next(execute):
    source = (
        "import os, pathlib\n"
        "seen = sorted(os.listdir('.')) + sorted(os.listdir('/tmp'))\n"
        "pathlib.Path('left').write_text('x')\n"
        "here = pathlib.Path('.')\n"
        "for _ in range(300):\n"
        "    os.mkdir('d'); os.chdir('d')\n"
        "    pathlib.Path('f').touch(); os.chmod('f', 0); os.chmod('.', 0o300)\n"
        "print(*seen)\n"
    )
    expected = {"stdout": "solution.py solution.py"}
    assert execute(source, expected, expected, expected).passed() == 3


def test_the_source_and_the_next_tests_files_cannot_be_changed(execute):
    source = (
        "import os\n"
        "for path in ('/work/src/solution.py', '/work/src/data', 'data', 'solution.py'):\n"
        "    for act in (lambda p: open(p, 'w'), os.unlink, lambda p: os.rename(p, 'y'),\n"
        "                lambda p: os.chmod(p, 0o777)):\n"
        "        try:\n            act(path)\n            print('changed', path)\n"
        "        except OSError:\n            pass\n"
        "try:\n    os.rename('/work/cell', '/work/other')\n    print('moved')\n"
        "except OSError:\n    pass\n"
        "print(open('data').read())\n"
    )
    matrix = execute(source, {"stdout": "text"}, {"stdout": "text"}, files={"data": "text"})
    assert words(matrix) == ["text", "text"]


def test_a_forged_value_wins_nothing(execute):
    cheats = [
        "import os\ndef f(x):\n    os.write(3, b'{\"value\": true}'); os._exit(0)\n",
        "import os\ndef f(x):\n    os.write(3, b'{\"completed\": true}'); os._exit(0)\n",
        (
            "class A(int):\n    def __eq__(self, o): return True\n    __hash__ = int.__hash__\n"
            "def f(x):\n    return A(7)\n"
        ),
        "import json\njson.dumps = lambda *a, **k: '{\"passed\": 1}'\ndef f(x):\n    return 1\n",
        "import os\ndef f(x):\n    os.close(3)\n    return 1\n",
        (
            "import sys\ndef f(x):\n    frame = sys._getframe(1)\n"
            "    return frame.f_locals['order'].get('returns', frame.f_globals.get('returns'))\n"
        ),
        "print('PASS\\nOK')\nraise SystemExit(0)\n",
    ]
    for cheat in cheats:
        matrix = execute(cheat, {"call": {"args": [1]}, "returns": 42}, entry_point="f")
        assert matrix.outcome in {Outcome.WRONG_ANSWER, Outcome.RUNTIME_ERROR}, cheat


def test_a_value_without_end_is_an_output_limit(execute):
    source = "import os\ndef f():\n    while True:\n        os.write(3, b'x' * 65536)\n"
    matrix = execute(source, {"call": {}, "returns": 1}, entry_point="f")
    assert matrix.outcome is Outcome.OUTPUT_LIMIT


def test_memory_that_ran_out_in_a_child_is_not_the_programs_memory_limit(execute):
    source = (
        "import os\n"
        "if os.fork() == 0:\n"
        "    x = bytearray(b'x') * 2**30\n"
        "_, status = os.wait()\n"
        "print(os.WTERMSIG(status))\n"
    )
    matrix = execute(source, {"stdout": "9"}, limits={"memory_mb": 64})
    assert matrix.outcome is Outcome.ACCEPTED


def test_a_missing_image_is_said_with_its_remedy(execute, monkeypatch):
    monkeypatch.setattr(images, "SUITE", "nowhere")
    _tag.cache_clear()
    with pytest.raises(ImageMissing, match="calisota setup"):
        execute("pass", ANY)
    monkeypatch.undo()
    _tag.cache_clear()


def test_a_container_removed_under_a_test_is_an_internal_error(sandbox):
    problem = Problem(statement="x", language="python", tests=[ANY, ANY])
    killer = threading.Timer(1.5, sandbox.remove, [SOLVE_ID, "r1c0"])
    killer.start()
    matrix = sandbox.run_candidate(
        problem, candidate("import time\ntime.sleep(8)"), solve_id=SOLVE_ID
    )
    killer.join()
    assert [test.outcome for test in matrix.tests] == [Outcome.INTERNAL_ERROR, Outcome.NOT_RUN]
    assert sandbox.remove(SOLVE_ID) == 0


# The SDK drops its own socket where nobody answers any more.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_daemon_that_dies_is_no_wrong_answer_and_the_container_ends_by_itself(
    sandbox, wire, tmp_path
):
    client = connect(Settings(home=tmp_path, docker_host=f"unix://{wire.path}"))
    cut_off = DockerSandbox(client, sandbox._settings)  # noqa: SLF001  # the same home
    problem = Problem(statement="x", language="python", tests=[ANY])
    threading.Timer(1.5, wire.cut).start()
    with pytest.raises(EngineUnavailable):
        cut_off.run_candidate(problem, candidate("import time\ntime.sleep(9)"), solve_id=SOLVE_ID)
    client.close()
    gc.collect()
    assert gone(sandbox, within_s=5)


def test_containers_past_their_time_are_reaped_and_others_stay(sandbox, client, settings):
    limits = ContainerLimits(memory_bytes=2**26, tmpfs_bytes=2**23, exec_needed=False)
    labels = {
        "calisota.home": sandbox.list_ours.__self__._home,  # noqa: SLF001
        "calisota.expires": str(int(time.time()) + 100),
    }
    with Container(
        client, image=image_tag(Language.PYTHON, settings), limits=limits, labels=labels
    ):
        assert len(sandbox.list_ours()) == 1
        assert sandbox.reap(time.time()) == 0
        assert sandbox.reap(time.time() + 200) == 1
        assert gone(sandbox)
        assert sandbox.reap(time.time() + 200) == 0


def test_a_spent_wall_budget_leaves_the_rest_not_run(execute):
    matrix = execute(
        "import time\ntime.sleep(1.2)\nprint('x')", ANY, ANY, ANY, options={"budget": {"wall_s": 1}}
    )
    assert [test.outcome for test in matrix.tests] == [
        Outcome.ACCEPTED,
        Outcome.NOT_RUN,
        Outcome.NOT_RUN,
    ]
