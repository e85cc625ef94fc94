"""The examples of a statement, as tests."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calisota.engine.examples import examples_of
from calisota.models import Problem


def found(statement: str, entry: str = "f") -> list[tuple[list[object], object]]:
    problem = Problem(statement=statement, language="python", entry_point=entry)
    return [(test.call.args, test.returns) for test in examples_of(problem)]


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (">>> f(1, 2)\n3", [([1, 2], 3)]),
        ("    >>> f('a b')\n    'b a'\n", [(["a b"], "b a")]),
        ("f([1, 2]) == [2, 1]", [([[1, 2]], [2, 1])]),
        ("f(2) -> True and f(3) ➞ False", [([2], True), ([3], False)]),
        ("For f(5) the result: f(5) => 120.", [([5], 120)]),
        ('f(15)   # returns "db1111db"', [([15], "db1111db")]),
        ("f(-3) should return None", [([-3], None)]),
        ("f((1, 2.5), {'a': 'x)'}) = (1,)", [([[1, 2.5], {"a": "x)"}], [1])]),
        ("f(true) returns false", [([True], False)]),
        ("f(1) == 2\nf(1) == 2", [([1], 2)]),
        ("f(1) == 2\nf(1) == 3", []),
        ("f(1) returns 1. f(2) returns 4. f(3) returns 9.", [([1], 1), ([2], 4), ([3], 9)]),
        ("f(3) = 1 + 2", []),
        ("f(3) = [1].pop()", []),
        ("f(3) = [1] .pop() and f(4) = 1 .. 5 and f(5) = 'a' .upper()", []),
        ("f(n) = n / 2", []),
        ("f(x) returns the sum", []),
        ("self.f(1) == 2; half_f(1) == 2", []),
        ("f(1)", []),
        ("f(lambda: 1) == 2", []),
        ("f('unclosed == 2", []),
    ],
)
def test_only_what_is_plainly_an_example_is_one(statement: str, expected: list[object]):
    assert found(statement) == expected


def test_a_program_without_an_entry_point_has_none():
    assert examples_of(Problem(statement="f(1) == 2", language="python")) == []


@given(st.text(max_size=200))
def test_any_statement_is_read_without_a_fault(text: str):
    for call, value in found(f"x {text} f(1, {text}) == {text}"):
        json.dumps([call, value], allow_nan=False)
