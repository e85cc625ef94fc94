"""What is mended in a program before it is judged, and what is not."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calisota.agents.mending import mended

ADD = "def add(a, b):\n    return a + b\n"


@pytest.mark.parametrize(
    "end",
    ["def other(\n", "\n\nprint(add(1,\n", "def test_add():\n    assert add(1", "x = '''a\nb\n"],
)
def test_an_unfinished_end_after_the_entry_point_is_left_out(end: str):
    found = mended(ADD + end, "add")
    assert found.source == ADD
    assert found.note == "its unfinished end was left out"


@pytest.mark.parametrize(
    "source",
    ["def add(a, b):\n    return a +", "x = (\n" + ADD, "def other(): pass\ndef add(a, b:\n"],
)
def test_an_entry_point_that_is_not_whole_is_not_made_one(source: str):
    assert mended(source, "add").source == source
    assert mended(source, "add").note is None


def test_the_end_of_a_whole_program_is_never_cut():
    source = "n = int(input())\nprint(n\n"
    assert mended(source, None).source == source


def test_well_known_names_that_are_bound_nowhere_are_imported():
    source = "def f(a: List[int]) -> float:\n    return math.sqrt(Counter(a)[1])\n"
    found = mended(source, "f")
    lines = ["import math", "from collections import Counter", "from typing import List"]
    assert found.source == "\n".join(lines) + "\n" + source
    assert found.note == f"`{'; '.join(lines)}` was added"


def test_imports_stand_behind_what_must_be_first():
    source = '"""Words."""\nfrom __future__ import annotations\n\nx = math.pi\n'
    ast.parse(mended(source, None).source)
    assert mended(source, None).source.splitlines()[2] == "import math"


@pytest.mark.parametrize(
    "source",
    [
        ADD,
        "import math\nx = math.pi\n",
        "from typing import *\ndef f(a: List): pass\n",
        "def f(math): return math\n",
        "def f():\n    List = list\n    return List()\n",
        "import os.path as json\nx = json\n",
        "x = undefined\n",
        "def f(copy): pass\nx = datetime\n",
        "match x:\n    case [string, *copy]:\n        string.upper(); copy.pop()\n",
    ],
)
def test_what_lacks_nothing_or_what_nobody_knows_stays_as_it_is(source: str):
    assert mended(source, None).source == source


@pytest.mark.parametrize(
    "source",
    [
        "def f(x): return g(x)\ndef g(y): return h(y\n",
        "def f(d): return g(d) + 1\ndef g(d): return int(f'{d['k']}')\n",  # Python 3.12
        "def f(d) -> Row: return d\ntype Row = dict\n",
        "def f(x): return SIZE * x\nSIZE = (1,\n",
    ],
)
def test_an_end_that_the_program_needs_is_not_cut(source: str):
    assert mended(source, "f").source == source


def test_a_program_of_64_kilobytes_or_more_is_left_alone_in_no_time():
    source = "def f(x): return x\n" + "x = (\n" * 20_000
    assert mended(source, "f").source == source


@pytest.mark.parametrize("docstring", ['"""Doc.\x0c"""', '"""Doc\u2028more."""', '"""Doc.\r\n"""'])
def test_what_only_some_take_for_the_end_of_a_line_is_none(docstring: str):
    found = mended(f"{docstring}\nfrom __future__ import annotations\nx = math.pi\n", None)
    scope: dict[str, float] = {}
    exec(compile(found.source, "solution.py", "exec"), scope)  # noqa: S102  # our own
    assert scope["x"] > 3


@given(st.text(st.sampled_from("def f(x):\n \t'\"#return List math"), max_size=300))
def test_any_text_is_mended_to_what_it_was_or_to_a_program(text: str):
    found = mended(text, "f")
    if found.note is None:
        assert found.source == text
    else:
        ast.parse(found.source)
        assert mended(found.source, "f").note is None
