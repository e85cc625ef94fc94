"""Reading Python that others wrote."""

import ast
import gc
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from calisota.models.python_source import parse_expression, parse_python


@pytest.mark.parametrize(
    "source",
    ["def f(:", "x = '\0'", "(" * 500, "-" * 100_000 + "1", "+".join(["x"] * 200_000)],
    ids=["syntax", "a NUL", "unclosed", "deep", "long"],
)
def test_what_does_not_parse_is_a_syntax_error_whatever_it_is(source: str):
    for parse in (parse_python, parse_expression):
        with pytest.raises(SyntaxError):
            parse(source)


@pytest.mark.filterwarnings("error")
def test_an_odd_escape_is_no_error():
    assert isinstance(parse_python("x = '\\d'").body[0], ast.Assign)
    assert isinstance(parse_expression("'\\d'"), ast.Constant)


class Slow:
    """Something whose collection lets other threads in."""

    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        for _ in range(200):
            pass


@pytest.fixture
def much_garbage() -> Iterator[None]:
    """Collections often, each of which lets other threads in."""
    threshold, interval = gc.get_threshold(), sys.getswitchinterval()
    gc.set_threshold(20)
    sys.setswitchinterval(1e-6)
    yield
    gc.set_threshold(*threshold)
    sys.setswitchinterval(interval)


def test_threads_that_parse_at_once_do_not_disturb_each_other(much_garbage: None):
    del much_garbage
    source = "x = " + "(" * 40 + "1" + ")" * 40 + "\ny = [" + "[1, [2, [3]]], " * 50 + "]\n"

    def parse(_number: int) -> bool:
        _ = [Slow() for _ in range(10)]
        return len(parse_python(source).body) == 2

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(parse, range(400)))
