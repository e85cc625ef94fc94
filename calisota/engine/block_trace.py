"""A Python candidate that tells which basic blocks a failing call ran through.

Source: the first and the last five blocks, with the values that changed in them, are what a model
repairs best from (LDB, arXiv 2402.16906).
"""

from __future__ import annotations

import inspect
import re
from functools import cache

from calisota.engine import block_recorder
from calisota.models.python_source import parse_python
from calisota.text import printable

MAX_LINES = 2 * block_recorder.KEPT_BLOCKS + 3
MAX_LINE_CHARS = 500

# One statement behind the candidate's last line, so that its own lines keep their numbers. What it
# needs is reached through `builtins`, for the candidate may call its own function `compile`. A
# recorder that fails must not fail the candidate.
_TAIL = """
try:
    __import__("builtins").exec(
        __import__("builtins").compile({recorder!r}, "<trace>", "exec"),
        {{"__name__": "calisota_trace", "CALL": (
            __import__("builtins").globals(), {entry_point!r}, {nonce!r})}},
    )
except __import__("builtins").Exception:
    pass
"""


def traced_program(source: str, entry_point: str, nonce: str) -> str | None:
    """The program with a recorder behind it; None: it does not parse, so nothing would run.

    It behaves as before, but a call of the entry point leaves a trace on stderr when it ends, by
    an exception too. There is no trace of a program that never defines the entry point as a
    function, that traces itself, that closes stderr, or that is killed within its first
    20,000 events.
    Not covered: the program can read its own source, nonce included, and so forge a trace.
    """
    try:
        parse_python(source)
    except SyntaxError:
        return None
    recorder = _recorder() + "\ninstall(*CALL)\n"
    return source + _TAIL.format(recorder=recorder, entry_point=entry_point, nonce=_plain(nonce))


def read_trace(stderr: str, nonce: str) -> list[str]:
    """The lines of the last whole trace in `stderr`, cut and printable; none: there is none."""
    name = _plain(nonce)
    _, begun, rest = stderr.rpartition(f"\n--- trace {name} ---\n")
    inside, ended, _ = rest.partition(f"\n--- end {name} ---")
    if not begun or not ended:
        return []
    lines = [printable(line.replace("\t", " "))[:MAX_LINE_CHARS] for line in inside.split("\n")]
    return [line for line in lines if line.strip()][:MAX_LINES]


def _plain(nonce: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "_", nonce)


@cache
def _recorder() -> str:
    return inspect.getsource(block_recorder)
