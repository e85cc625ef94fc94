"""Reading Python that others wrote: one exception for all that can be wrong with it."""

from __future__ import annotations

import ast
import threading
import warnings

# CPython 3.11 counts the depth of a tree that it builds in one place for all threads, and a
# collection of garbage lets another thread in: both then fail with a SystemError though nothing
# is wrong with their source. Source: python/cpython#106905.
_ONE_AT_A_TIME = threading.Lock()
_TRIES = 3


def parse_python(source: str) -> ast.Module:
    """The tree of a program. Raises: SyntaxError: it is none, or nested too deeply to be read."""
    tree = _parsed(source, "exec")
    assert isinstance(tree, ast.Module)  # noqa: S101  # what the mode gives
    return tree


def parse_expression(text: str) -> ast.expr:
    """The tree of an expression. Raises: SyntaxError: as `parse_python`."""
    tree = _parsed(text, "eval")
    assert isinstance(tree, ast.Expression)  # noqa: S101  # what the mode gives
    return tree.body


def _parsed(source: str, mode: str) -> ast.AST:
    with _ONE_AT_A_TIME, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an odd escape in a string is no syntax error
        for left in reversed(range(_TRIES)):
            try:
                return ast.parse(source, mode=mode)
            except SystemError:  # a thread that does not come through here was in between
                if left == 0:
                    raise
            except (ValueError, RecursionError, MemoryError) as error:
                raise SyntaxError(str(error) or "it is nested too deeply") from error
    raise AssertionError  # the loop returns or raises
