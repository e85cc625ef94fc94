"""`calisota exec` as a person and a program use it, on the real Engine."""

import gc
import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from calisota.errors import EngineUnavailable
from calisota.models import ExecutionRequest
from calisota.sandbox.engine import DockerSandbox, connect
from calisota.sandbox.executions import run_execution

ROOT = Path(__file__).resolve().parents[2]
ADD = ROOT / "examples" / "add.yaml"

pytestmark = pytest.mark.docker


@pytest.fixture
def home(client, tmp_path):
    """The environment of a data home of its own, on the Engine that is there."""
    adapter = client.get_adapter(client.base_url)
    if not hasattr(adapter, "socket_path"):
        pytest.skip("the Engine is not on a Unix socket")
    return os.environ | {
        "CALISOTA_HOME": str(tmp_path / "home"),
        "CALISOTA_DOCKER_HOST": f"unix://{adapter.socket_path}",
        "PYTHONPATH": str(ROOT),
        "COLUMNS": "120",
    }


@pytest.fixture
def cli(home, tmp_path):
    def run(*args, stdin=b"", **env):
        return subprocess.run(
            command(*args), cwd=tmp_path, env=home | env, input=stdin, capture_output=True,
            timeout=120, check=False,
        )  # fmt: skip

    return run


def command(*args):
    return [sys.executable, "-m", "calisota.cli", "exec", *map(str, args)]


def wrote(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    return name


def test_a_single_run_behaves_as_the_program_itself(cli, tmp_path):
    name = wrote(
        tmp_path,
        "main.py",
        "import sys\n"
        "print(int(input()) * 2, sys.argv[1:], open('d/t.txt').read())\n"
        "sys.stdout.flush(); sys.stdout.buffer.write(b'\\xff')\n"
        "print('hm', file=sys.stderr)\n",
    )
    (tmp_path / "d").mkdir()
    wrote(tmp_path, "d/t.txt", "text")
    wrote(tmp_path, "in.txt", "21\n")
    done = cli(name, "--stdin", "in.txt", "--arg", "-x", "--arg", "y z", "--file", "d/t.txt")
    assert (done.returncode, done.stdout) == (0, b"42 ['-x', 'y z'] text\n\xff")
    said = done.stderr.decode().splitlines()
    assert said[0] == "hm"
    assert said[1].startswith("accepted, cpu 0.")
    assert "memory" in said[1]


def test_source_or_input_may_come_on_stdin(cli, tmp_path):
    done = cli("--language", "python", "-", stdin=b"print(6 * 7)")
    assert (done.returncode, done.stdout) == (0, b"42\n")
    done = cli(wrote(tmp_path, "cat.py", "print(input())"), "--stdin", "-", stdin="é\n".encode())
    assert done.stdout == "é\n".encode()
    assert cli("-", "--stdin", "-", "-l", "python").returncode == 2


def test_json_is_the_documented_result(cli, tmp_path):
    name = wrote(tmp_path, "main.c", '#include <stdio.h>\nint main(void) { puts("hi"); return 3; }')
    done = cli(name, "--json")
    body = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (1, b"")
    assert set(body) == {"outcome", "tests", "build_stderr", "image", "wall_s", "language"}
    (test,) = body["tests"]
    assert test | {"cpu_s": 0, "wall_s": 0, "memory_bytes": 0} == {
        "name": "run",
        "outcome": "runtime_error",
        "detail": "exit code 3",
        "cooperative": False,
        "cpu_s": 0,
        "wall_s": 0,
        "memory_bytes": 0,
        "exit_code": 3,
        "signal": None,
        "stdout": "hi\n",
        "stderr": "",
        "cases": None,
    }


def test_tests_of_a_problem_make_a_table(cli, tmp_path):
    done = cli(wrote(tmp_path, "a.py", "def add(a, b):\n    return a + b\n"), "--problem", ADD)
    assert done.returncode == 0
    assert done.stdout.decode().count("accepted") == 4
    assert "accepted 4/4" in done.stderr.decode()
    wrong = cli(wrote(tmp_path, "b.py", "def add(a, b):\n    return a - b\n"), "--problem", ADD)
    assert wrong.returncode == 1
    assert "wrong_answer" in wrong.stdout.decode()


def test_a_program_that_does_not_compile_shows_the_compilers_words(cli, tmp_path):
    done = cli(wrote(tmp_path, "main.c", "int main(void) { return x; }\n"))
    assert (done.returncode, done.stdout) == (1, b"")
    assert "x' undeclared" in done.stderr.decode().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    assert "compile_error" in done.stderr.decode()


def test_a_build_that_prints_without_end_or_never_ends_is_a_compile_error(cli, tmp_path):
    flood = "#include __FILE__\n" * 2 + "\n".join(f'#warning "{"x" * 200}"' for _ in range(900))
    done = cli(wrote(tmp_path, "flood.c", flood), "--json")
    body = json.loads(done.stdout)
    assert (done.returncode, body["outcome"]) == (1, "compile_error")
    assert len(body["build_stderr"]) <= 64 * 1024 * 4
    endless = '#include "/dev/zero"\nint main(void) { return 0; }\n'
    body = json.loads(cli(wrote(tmp_path, "endless.c", endless), "--json").stdout)
    assert body["outcome"] == "compile_error"
    assert body["tests"][0]["detail"]
    assert body["tests"][0]["exit_code"] is None


def test_each_limit_can_be_set_and_is_an_outcome(cli, tmp_path):
    loop = wrote(tmp_path, "loop.py", "while True: pass")
    flood = wrote(tmp_path, "flood.py", "while True: print('x' * 1000)")
    eat = wrote(tmp_path, "eat.py", "x = bytearray(200 << 20)")
    for name, limit, outcome in (
        (loop, "cpu_s=1", "time_limit"),
        (loop, "wall_s=0.5", "time_limit"),
        (flood, "output_kb=4", "output_limit"),
        (eat, "memory_mb=32", "memory_limit"),
    ):
        done = cli(name, "--limit", limit, "--json")
        assert (done.returncode, json.loads(done.stdout)["outcome"]) == (1, outcome)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["no.py"], "No such file"),
        (["a\0b.py"], None),
        (["main.txt"], "does not tell the language"),
        (["main.py", "-l", "Python"], "language: it must be"),
        (["main.py", "-l", "cobol"], "language: it must be"),
        (["main.py", "--limit", "wall_s=0"], "greater than 0"),
        (["main.py", "--limit", "wall_s=1e9"], "less than or equal to 60"),
        (["main.py", "--limit", "memory_mb=lots"], "limits.memory_mb"),
        (["main.py", "--limit", "colour=red"], "limits.colour: no such field"),
        (["main.py", "--limit", "wall_s"], "has no value"),
        (["main.py", "--file", "../main.py"], "Cannot read"),
        (["main.py", "--file", "../x=main.py"], "not a plain relative path"),
        (["main.py", "--file", "/etc/hostname"], "not a plain relative path"),
        (["main.py", "--file", "b.bin"], "not UTF-8"),
        (["large.py"], "larger than 512 kB"),
        (["empty.py"], "the source is empty"),
        (["main.py", "--problem", "main.txt"], "mapping of fields"),
        (["main.py", "--problem", str(ADD), "--stdin", "main.txt"], "brings its own stdin"),
        (["main.c", "--problem", str(ADD), "-l", "c"], "the Problem is for python"),
    ],
)
def test_bad_input_is_refused_in_words_before_anything_runs(cli, tmp_path, args, message):
    for name in ("main.py", "main.c", "main.txt"):
        wrote(tmp_path, name, "text")
    wrote(tmp_path, "large.py", "#" * 5_000_000)
    wrote(tmp_path, "empty.py", "")
    (tmp_path / "b.bin").write_bytes(b"\xff")
    if message is None:
        with pytest.raises(ValueError, match="null byte"):
            cli(*args)
        return
    done = cli(*args, CALISOTA_DOCKER_HOST="unix:///nowhere.sock")
    assert done.returncode == 2, done.stderr
    assert message in done.stderr.decode()
    assert "remedy:" in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()


def test_limits_beyond_the_operators_are_bad_input(cli, tmp_path):
    name = wrote(tmp_path, "main.py", "pass")
    done = cli(name, "--limit", "wall_s=5", CALISOTA_SANDBOX_MAX_WALL_S="2")
    assert done.returncode == 2
    assert "limits.wall_s: 5 is more than the 2 allowed here" in done.stderr.decode()


def test_without_an_engine_it_is_the_infrastructure(cli, tmp_path):
    done = cli(wrote(tmp_path, "main.py", "1"), CALISOTA_DOCKER_HOST="unix:///nowhere.sock")
    assert (done.returncode, done.stdout) == (3, b"")
    assert "remedy: run `calisota up`" in done.stderr.decode()


def test_help_teaches_by_examples(cli):
    text = cli("--help").stdout.decode()
    assert text.count("calisota exec ") >= 3
    assert "--stdin input.txt" in text


def test_a_terminal_is_not_steered(home, tmp_path):
    name = wrote(tmp_path, "steer.py", "print('\\x1b]0;owned\\x07', end='')")
    near, far = pty.openpty()
    process = subprocess.Popen(command(name), cwd=tmp_path, env=home, stdout=far, stderr=far)
    os.close(far)
    said = b""
    try:
        while piece := os.read(near, 4096):
            said += piece
    except OSError:  # a terminal that nobody holds any more
        os.close(near)
    assert process.wait() == 0
    assert b"\\x1b]0;owned\\x07" in said
    assert b"\x1b]0" not in said
    assert b"accepted, cpu" in said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_ends_it_leaves_no_container(home, tmp_path, settings, client, number):
    mine = DockerSandbox(client, settings.model_copy(update={"home": tmp_path / "home"}))
    name = wrote(tmp_path, "sleep.py", "import time; time.sleep(50)")
    process = subprocess.Popen(
        command(name, "--limit", "wall_s=60"),
        cwd=tmp_path,
        env=home,
        stderr=subprocess.DEVNULL,
        # What was started in the background ignores it, and so would all it starts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509  # no lock
    )
    within(20, lambda: len(mine.list_ours()) == 1)
    process.send_signal(number)
    assert process.wait(timeout=20) != 0
    within(10, lambda: not mine.list_ours())


# The SDK drops its own socket where nobody answers any more.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_engine_that_stops_mid_run_is_no_verdict(wire, settings, tmp_path):
    cut = settings.model_copy(
        update={"home": tmp_path / "home", "docker_host": f"unix://{wire.path}"}
    )
    client = connect(cut)
    request = ExecutionRequest(language="python", source="import time; time.sleep(5)")
    threading.Timer(1.5, wire.cut).start()
    with pytest.raises(EngineUnavailable):
        run_execution(
            request, DockerSandbox(client, cut), execution_id="exec_1", settings=cut, wall_s=60
        )
    client.close()
    gc.collect()
    whole = connect(settings)
    left = DockerSandbox(whole, cut)
    left.remove("exec_1")
    within(10, lambda: not left.list_ours())
    whole.close()


def test_a_run_that_the_whole_time_cuts_short_counts_as_not_run(sandbox, settings):
    request = ExecutionRequest.model_validate(
        {
            "language": "python",
            "source": "import time; time.sleep(float(input()))",
            "runs": [{"stdin": "0"}, {"stdin": "9"}, {"stdin": "0"}],
        }
    )
    began = time.monotonic()
    result = run_execution(request, sandbox, execution_id="exec_2", settings=settings, wall_s=3)
    assert [test.outcome.value for test in result.tests] == ["accepted", "not_run", "not_run"]
    assert time.monotonic() - began < 8


def within(seconds, condition):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.05)
