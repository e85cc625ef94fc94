import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calisota.engine.block_trace import MAX_LINE_CHARS, MAX_LINES, read_trace, traced_program

NONCE = "n0nce"


def run(tmp_path, source, expression, entry_point="f"):
    """What a program does, called from outside like a candidate: without and with the trace."""
    ended = []
    for name, text in (("plain", source), ("traced", traced_program(source, entry_point, NONCE))):
        folder = tmp_path / name
        folder.mkdir(parents=True)
        (folder / "solution.py").write_text(text)
        script = f"import sys; sys.path.insert(0, '.'); import solution as s\nprint({expression})"
        ended.append(
            subprocess.run(
                [sys.executable, "-S", "-c", script],
                cwd=folder,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
        )
    plain, traced = ended
    assert (plain.returncode, plain.stdout) == (traced.returncode, traced.stdout)
    return traced


def trace(tmp_path, source, expression, entry_point="f"):
    return read_trace(run(tmp_path, source, expression, entry_point).stderr, NONCE)


LOOP = """def f(items):
    total = 0
    for item in items:
        if item > 2:
            total += item
    return total
"""


def test_a_loop_is_told_block_by_block_with_what_changed(tmp_path):
    assert trace(tmp_path, LOOP, "s.f([1, 5])") == [
        "block 1, L2-4 of f, depth 0: items=[1, 5], total=0, item=1",
        "block 2, L3-5 of f, depth 0: total=5, item=5",
        "block 3, L3 of f, depth 0: no local changed",
        "block 4, L6 of f, depth 0: no local changed; returns 5",
    ]


def test_only_the_first_and_last_five_blocks_are_kept(tmp_path):
    lines = trace(tmp_path, LOOP, "s.f(list(range(100)))")
    numbers = [int(line.split(",")[0].removeprefix("block ")) for line in lines if line[0] == "b"]
    assert numbers == [1, 2, 3, 4, 5, 98, 99, 100, 101, 102]
    assert lines[5] == "... 92 blocks ..."


def test_an_exception_that_leaves_is_told(tmp_path):
    source = "def g(x):\n    return 1 // x\n\ndef f(x):\n    y = x - 1\n    return g(y)\n"
    lines = trace(tmp_path, source, "s.f(1)")
    assert lines == [
        "block 1, L2 of g, depth 1: x=0; raises ZeroDivisionError",
        "block 2, L5-6 of f, depth 0: x=1, y=0; raises ZeroDivisionError",
    ]


def test_an_exception_that_is_caught_is_no_end(tmp_path):
    source = (
        "def f(x):\n    try:\n        y = int(x)\n"
        "    except ValueError:\n        y = 0\n    return y\n"
    )
    assert trace(tmp_path, source, "s.f('a')")[-1].endswith("y=0; returns 0")


def test_sys_exit_leaves_a_trace(tmp_path):
    lines = trace(tmp_path, "import sys\ndef f():\n    x = 3\n    sys.exit(4)\n", "s.f()")
    assert lines == ["block 1, L3-4 of f, depth 0: x=3; raises SystemExit"]


def test_of_a_recursion_the_outermost_call_and_the_depth_are_told(tmp_path):
    source = "def f(n):\n    if n < 2:\n        return n\n    return f(n - 1) + f(n - 2)\n"
    assert trace(tmp_path, source, "s.f(7)") == [
        "block 1, L2 of f, depth 0: n=7",
        "block 2, L4 of f, depth 0: no local changed; returns 13",
        "recursion to depth 6",
    ]


def test_endless_recursion_fails_as_it_would_without(tmp_path):
    done = run(tmp_path, "def f(n):\n    return f(n + 1)\n", "s.f(0)")
    assert "RecursionError" in done.stderr
    source = (
        "def f(n):\n    try:\n        return g(n)\n    except RecursionError:\n        return -1\n"
        "def g(n):\n    return g(n + 1)\n"
    )
    lines = trace(tmp_path / "caught", source, "s.f(0)")
    assert "L2-3 of f, depth 0: n=0; not at its end" in lines[1]
    assert lines[-1].startswith("tracing stopped at depth 9")


def test_generators_inside_and_as_the_entry_point(tmp_path):
    source = (
        "def g(n):\n    for i in range(n):\n        yield i\n\ndef f(n):\n    return list(g(n))\n"
    )
    assert any(" of g, depth 1" in line for line in trace(tmp_path / "a", source, "s.f(2)"))
    lines = trace(tmp_path / "b", source, "list(s.g(2))", "g")
    assert "returns 0" in lines[0]
    assert lines[-1].endswith("returns None")


def test_a_decorated_entry_point_and_a_method_are_traced(tmp_path):
    source = "import functools\n@functools.lru_cache\ndef f(n):\n    m = n + 1\n    return m\n"
    assert trace(tmp_path / "a", source, "s.f(2), s.f(2)")[-1].endswith("m=3; returns 3")
    source = (
        "class A:\n    def __repr__(self):\n        1 / 0\n    def m(self):\n        return 2\n"
        "def f():\n    a = A()\n    return a.m()\n"
    )
    assert trace(tmp_path / "b", source, "s.f()") == [
        "block 1, L5 of m, depth 1: self=<A>; returns 2",
        "block 2, L7-8 of f, depth 0: a=<A>; returns 2",
    ]


def test_of_several_calls_the_last_is_read(tmp_path):
    assert trace(tmp_path, "def f(n):\n    return n\n", "s.f(1), s.f(2)") == [
        "block 1, L2 of f, depth 0: n=2; returns 2"
    ]


def test_many_calls_do_not_fill_stderr(tmp_path):
    done = run(tmp_path, LOOP, "sum(s.f([n]) for n in range(3000))")
    assert len(done.stderr) < 32_000


@pytest.mark.parametrize(
    "source",
    [
        "import sys\ndef f():\n    sys.settrace(None)\n    return 1\n",
        "import sys\ndef f():\n    sys.settrace(id)\n    return sys.gettrace() is id\n",
        "import sys\nsys.settrace(lambda *_: None)\ndef f():\n    return sys.gettrace() is None\n",
        "import os\ndef f():\n    os.close(2)\n    return 1\n",
        (
            "import os\ndef f():\n    os.close(2)\n    file = open('out', 'w+')\n"
            "    x = file.fileno()\n    return x, g(file)\n"
            "def g(file):\n    file.seek(0)\n    return file.read()\n"
        ),
        "class f:\n    pass\nf = str(f) and (lambda: 1)\nf = [f][0]\nf.__code__\nf = print\n",
        "def g():\n    return 1\nf = None\n",
    ],
)
def test_where_tracing_cannot_be_there_is_simply_no_trace(tmp_path, source):
    expression = "s.f()" if "def f" in source or "print" in source else "s.g()"
    assert trace(tmp_path, source, expression) == []


def test_a_program_that_uses_our_names_is_traced_all_the_same(tmp_path):
    source = "def compile(exec):\n    globals = exec\n    return globals\ninstall = CALL = 1\n"
    lines = trace(tmp_path, source, "s.compile(2)", "compile")
    assert lines == ["block 1, L2-3 of compile, depth 0: exec=2, globals=2; returns 2"]


def test_a_replaced_sys_stderr_gets_nothing(tmp_path):
    source = (
        "import io, sys\ndef f():\n    sys.stderr = io.StringIO()\n    return 1\n"
        "def text():\n    return sys.stderr.getvalue()\n"
    )
    done = run(tmp_path, source, "s.f(), s.text()")
    assert done.stdout == "1 \n"
    assert read_trace(done.stderr, NONCE) != []


def test_huge_values_are_cut(tmp_path):
    source = (
        "def f():\n    a = list(range(10**6))\n    b = 'x' * 10**7\n    c = 1 << 10**6\n"
        "    d = [[[[[1]]]]]\n    e = {i: 'line\\nline' for i in range(99)}\n    return c\n"
    )
    lines = trace(tmp_path, source, "s.f().bit_length()")
    assert len(lines) == 1
    assert len(lines[0]) < MAX_LINE_CHARS
    assert "c=<int of 1000001 bits>" in lines[0]
    assert "a=[0, 1, 2, 3, 4, 5, 6, 7, ... 1000000 in all]" in lines[0]


def test_after_too_many_events_the_trace_is_written_and_the_program_goes_on(tmp_path):
    lines = trace(tmp_path, LOOP, "s.f(range(300_000))")
    assert lines[-1] == "tracing stopped after 20000 events"
    assert len(lines) == 12


def test_the_program_keeps_its_line_numbers_and_future_imports(tmp_path):
    source = "from __future__ import annotations\ndef f(x: Nope):\n    raise KeyError(x)"
    done = run(tmp_path, source, "s.f(1)")
    assert 'solution.py", line 3, in f' in done.stderr


def test_a_program_that_does_not_parse_has_no_traced_form():
    assert traced_program("def f(:", "f", NONCE) is None
    assert traced_program("\0", "f", NONCE) is None
    assert traced_program("x = '\ud800'", "f", NONCE) is None


def section(*lines, nonce=NONCE):
    return "\n".join(["", f"--- trace {nonce} ---", *lines, f"--- end {nonce} ---", ""])


def test_a_trace_with_another_nonce_or_without_an_end_is_none():
    assert read_trace(section("a", nonce="other"), NONCE) == []
    assert read_trace(section("a").partition("--- end")[0], NONCE) == []
    assert read_trace(section("a") + section("b"), NONCE) == ["b"]


def test_a_forged_trace_is_cut_and_made_printable():
    lines = read_trace(section("\x1b[31mred", "x" * 10**5, *["y"] * 1000), NONCE)
    assert lines[0] == "\\x1b[31mred"
    assert len(lines) == MAX_LINES
    assert max(map(len, lines)) == MAX_LINE_CHARS


@given(st.text(), st.text(max_size=9))
def test_any_stderr_is_read(text, nonce):
    for stderr in (text, section(text, nonce=nonce)):
        for line in read_trace(stderr, nonce):
            assert not {unicodedata.category(character) for character in line} & {"Cc", "Cf"}


@given(st.text(), st.text(), st.text(max_size=9))
def test_any_text_is_traced_or_refused(source, entry_point, nonce):
    traced = traced_program(source, entry_point, nonce)
    assert traced is None or traced.startswith(source)
