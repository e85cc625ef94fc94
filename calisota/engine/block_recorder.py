"""Records the basic blocks a call runs through; its source is put behind a candidate's own.

It stands in the candidate's process, so it is small, imports nothing slow, calls none of the
candidate's methods, and gives up silently rather than disturb it.
Not covered: lambdas, comprehensions, other threads, entry points that are classes.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` itself would cost the candidate milliseconds
    from types import CodeType, FrameType
    from typing import Any

    from _typeshed import TraceFunction

MAX_EVENTS = 20_000
KEPT_BLOCKS = 5
"""Of the first and of the last ones, each."""
MAX_VALUE_CHARS = 60
MAX_LINE_CHARS = 360
MAX_VALUES = 6
MAX_LOCALS = 20
MAX_SECTIONS = 8
"""Traces of so many calls are written; more might fill what a program may write."""
_LONG_INT_BITS = 160
_ITEMS = 8
_NESTING = 3
_HOOK_FRAMES = 60
_PAUSES = 0x20 | 0x80 | 0x200  # code of generators and coroutines: it returns more than once


def show(value: object, depth: int = 0) -> str:
    """A short text of a value, from built-in types alone: a `__repr__` could do anything."""
    kind: Any = type(value)
    if value is None or kind is bool or kind is float:
        return repr(value)
    if kind is int:
        bits = value.bit_length()  # type: ignore[attr-defined]
        return repr(value) if bits <= _LONG_INT_BITS else f"<int of {bits} bits>"
    if kind is str or kind is bytes:
        size = len(value)  # type: ignore[arg-type]
        start = repr(value[:MAX_VALUE_CHARS])  # type: ignore[index]
        return start if size <= MAX_VALUE_CHARS else f"{start}... ({size} long)"
    if kind in (list, tuple, set, frozenset, dict):
        return _show_items(value, depth)
    return "<" + str(kind.__name__) + ">"


def _show_items(value: Any, depth: int) -> str:
    kind = type(value)
    brackets = "[]" if kind is list else "()" if kind is tuple else "{}"
    opening, closing = brackets[0], brackets[1]
    if depth >= _NESTING:
        return f"{opening}...{closing}"
    parts = []
    for number, item in enumerate(value):
        if number >= _ITEMS:
            parts.append(f"... {len(value)} in all")
            break
        text = show(item, depth + 1)
        parts.append(f"{text}: {show(value[item], depth + 1)}" if kind is dict else text)
    return opening + ", ".join(parts) + closing


class _Frame:
    """One call while it runs: where its block began, and the locals as they were then."""

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.start = 0
        self.last = 0
        self.known: dict[str, str] = {}
        self.raising = ""


class Recorder:
    """The trace function of one process."""

    def __init__(self, entry: CodeType, nonce: str) -> None:
        self._entry = entry
        self._nonce = nonce
        self._events = 0
        self._sections = 0
        self._stderr = _identity()
        self._next_lines: dict[CodeType, dict[int, int]] = {}
        self._reset()

    def _reset(self) -> None:
        self._running = 0
        self._active: dict[CodeType, int] = {}
        self._open: list[tuple[FrameType, _Frame]] = []
        self._room = 0
        self._first: list[str] = []
        self._last: list[str] = []
        self._total = 0
        self._deepest = 0

    def trace(self, frame: FrameType, event: str, _arg: object) -> TraceFunction | None:
        """Python's hook for a new frame: what traces it, or None."""
        try:
            return self._entered(frame) if event == "call" else None
        except (RecursionError, MemoryError):
            return None  # the candidate's own trouble, which it must meet itself
        except Exception:  # noqa: BLE001  # a fault of ours would end in the candidate's code
            self._stop()
            return None

    def _entered(self, frame: FrameType) -> TraceFunction | None:
        code = frame.f_code
        if self._count() or (not self._running and code is not self._entry):
            return None
        if code.co_filename != self._entry.co_filename or code.co_name.startswith("<"):
            return None
        if code is self._entry:
            self._running += 1
            self._room = self._room or _room_above(frame)
        depth = sum(self._active.values())
        if depth > self._room:
            # A hook that no longer fits on the stack would be taken away without a word.
            self._break_off(f"tracing stopped at depth {depth}")
            return None
        deeper = self._active.get(code, 0)
        self._active[code] = deeper + 1
        self._deepest = max(self._deepest, deeper)
        state = _Frame(depth)
        if deeper:
            frame.f_trace_lines = False  # of a recursion only the outermost call is told
        else:
            self._open.append((frame, state))

        def local(frame: FrameType, event: str, arg: object) -> TraceFunction | None:
            try:
                return local if self._inside(frame, event, arg, state, told=not deeper) else None
            except (RecursionError, MemoryError):
                return local
            except Exception:  # noqa: BLE001  # as above
                self._stop()
                return None

        return local

    def _inside(
        self, frame: FrameType, event: str, arg: object, state: _Frame, *, told: bool
    ) -> bool:
        """Whether the frame is to be traced further."""
        if sys.gettrace() != self.trace or self._count():
            return False
        if event == "line":
            line = frame.f_lineno
            follows = self._following(frame.f_code).get(state.last)
            # A line that follows itself is a comprehension (as of Python 3.12), or a short loop.
            if state.start and line not in (follows, state.last):
                self._close(frame, state)
                state.start = line
            state.start = state.start or line
            state.last = line
            state.raising = ""
        elif event == "exception" and isinstance(arg, tuple):
            state.raising = arg[0].__name__
        elif event == "return":
            if told:
                end = f"raises {state.raising}" if state.raising else f"returns {show(arg)}"
                self._close(frame, state, end)
                self._open = [one for one in self._open if one[1] is not state]
            self._left(frame.f_code)
        return True

    def _left(self, code: CodeType) -> None:
        self._active[code] = self._active.get(code, 1) - 1
        if code is not self._entry:
            return
        self._running -= 1
        if self._running <= 0:
            self._write()
            if not code.co_flags & _PAUSES:
                self._reset()

    def _following(self, code: CodeType) -> dict[int, int]:
        """For each line of the code, the next one in the file."""
        known = self._next_lines.get(code)
        if known is None:
            lines = sorted({line for _, _, line in code.co_lines() if line})
            known = self._next_lines[code] = dict(zip(lines, lines[1:], strict=False))  # noqa: RUF007  # no import
        return known

    def _close(self, frame: FrameType, state: _Frame, end: str = "") -> None:
        """Note the block that ends here, with the locals that changed in it."""
        values = {}
        for name, value in list(frame.f_locals.items())[:MAX_LOCALS]:
            kind = type(value).__name__
            if not name.startswith((".", "__")) and kind not in {"function", "module", "type"}:
                values[name] = show(value)[:MAX_VALUE_CHARS]
        changed = [f"{k}={v}" for k, v in values.items() if state.known.get(k) != v]
        state.known = values
        self._total += 1
        lines = f"L{state.start}" if state.start == state.last else f"L{state.start}-{state.last}"
        more = [f"... {len(changed) - MAX_VALUES} more"] if len(changed) > MAX_VALUES else []
        told = ", ".join(changed[:MAX_VALUES] + more) or "no local changed"
        text = f"block {self._total}, {lines} of {frame.f_code.co_name}, depth {state.depth}: "
        text = (text + told)[:MAX_LINE_CHARS] + (f"; {end[:MAX_VALUE_CHARS]}" if end else "")
        text = text.replace("\n", " ").replace("\r", " ")
        if len(self._first) < KEPT_BLOCKS:
            self._first.append(text)
        else:
            self._last.append(text)
            del self._last[:-KEPT_BLOCKS]

    def _count(self) -> bool:
        """Whether tracing has ended; after too many events it does."""
        self._events += 1
        if self._events <= MAX_EVENTS:
            return False
        if self._running:
            self._break_off(f"tracing stopped after {MAX_EVENTS} events")
        self._stop()
        return True

    def _break_off(self, note: str) -> None:
        """Write what is known, the blocks that are not at their end among it, and stop."""
        self._stop()
        for frame, state in reversed(self._open):
            if state.start:
                self._close(frame, state, "not at its end")
        self._open.clear()
        self._running = 0
        self._write(note)

    def _stop(self) -> None:
        if sys.gettrace() == self.trace:
            sys.settrace(None)

    def _write(self, note: str = "") -> None:
        left_out = self._total - len(self._first) - len(self._last)
        lines = list(self._first)
        if left_out:
            lines.append(f"... {left_out} blocks ...")
        lines += self._last
        if self._deepest:
            lines.append(f"recursion to depth {self._deepest}")
        lines += [note] if note else []
        begin, end = f"--- trace {self._nonce} ---", f"--- end {self._nonce} ---"
        text = "\n" + "\n".join([begin, *lines, end]) + "\n"
        self._sections += 1
        if self._sections >= MAX_SECTIONS:
            self._stop()
        # Whoever closed stderr may have another file there now.
        if self._stderr is not None and _identity() == self._stderr:
            try:
                os.write(2, text.encode("utf-8", "backslashreplace"))
            except OSError:
                self._stop()


def _identity() -> tuple[int, int] | None:
    try:
        found = os.fstat(2)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _room_above(frame: FrameType | None) -> int:
    """How many calls of the candidate's still fit on the stack with our hook on top."""
    used = 0
    while frame is not None:
        used, frame = used + 1, frame.f_back
    return sys.getrecursionlimit() - used - _HOOK_FRAMES


def install(module: dict[str, Any], entry_point: str, nonce: str) -> None:
    """Trace the calls of a module's entry point from now on, unless the module traces itself."""
    entry = module.get(entry_point)
    for _ in range(10):
        wrapped = getattr(entry, "__wrapped__", None)  # a cache, or another decorator
        if wrapped is None:
            break
        entry = wrapped
    if type(entry) is type(install) and sys.gettrace() is None:
        sys.settrace(Recorder(entry.__code__, nonce).trace)
