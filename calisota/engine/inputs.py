"""Inputs on which candidates can be compared, made from the inputs that are known. Pure.

Small changes of known inputs stay near what the statement allows: no negative numbers where none
was seen, no number far beyond the largest, no letters but those seen. Right programs differ on
inputs that nobody promised, and such a difference says nothing.
Source: inputs matter more than the rule that counts the votes (SemanticVote, arXiv 2605.08680).
"""

from __future__ import annotations

import itertools
import json
import random
import re
from typing import TYPE_CHECKING

from calisota.models import Call, CallTest, Probe, StdioTest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pydantic import JsonValue

    from calisota.models import Problem

_WHOLE = re.compile(r"-?[0-9]{1,17}")
"""A number of 64 bits, as a line of a test may hold it."""
MAX_INPUTS = 40
MAX_TEXT = 200
CHANGES_PER_VALUE = 24
EDGED_CALLS, MAX_EDGES = 2, 12
"""Known calls of which the edges are tried, and how many: more would leave no place for others."""
HALF = 0.5
SMALL = 6
"""Numbers up to twice this are tried wherever a number is known."""


def inputs_for(
    problem: Problem, examples: Sequence[CallTest | StdioTest], planned: Iterable[Probe] = ()
) -> list[Probe]:
    """At most 40 different inputs: the planner's, then known ones changed; none of them a test.

    The same Problem gives the same inputs. Without any known input there are only the planner's.
    """
    known: list[CallTest | StdioTest] = [
        test for test in (*problem.tests, *examples) if isinstance(test, CallTest | StdioTest)
    ]
    calls = [test.call for test in known if isinstance(test, CallTest)]
    texts = [test for test in known if isinstance(test, StdioTest)]
    taken = {_key(test.call if isinstance(test, CallTest) else test) for test in known}
    chosen: list[Probe] = []
    for probe in itertools.chain(planned, _changed_calls(calls), _changed_texts(texts)):
        key = _key(probe.call if probe.call is not None else probe)
        if key not in taken and sendable(problem, probe, calls):
            taken.add(key)
            chosen.append(probe)
        if len(chosen) == MAX_INPUTS:
            break
    return chosen


def _key(value: Call | StdioTest | Probe) -> str:
    if isinstance(value, Call):
        return json.dumps(value.model_dump(), sort_keys=True)
    return json.dumps([value.stdin, value.argv])


def sendable(problem: Problem, probe: Probe, calls: list[Call]) -> bool:
    """Whether it can be sent: of the Problem's kind, with as many arguments as the known calls."""
    if (problem.entry_point is None) != (probe.call is None):
        return False
    if probe.call is None or not calls:
        return True
    return any(
        len(probe.call.args) == len(call.args) and probe.call.kwargs.keys() == call.kwargs.keys()
        for call in calls
    )


def _changed_calls(calls: list[Call]) -> Iterator[Probe]:
    """First the edges of each place.

    Then in turn: one argument changed, another of the same place taken, all changed at once.
    """
    if not calls:
        return
    edges = _in_turn([_edges_of(call, calls) for call in calls[:EDGED_CALLS]])
    for call in itertools.islice(edges, MAX_EDGES):
        yield Probe(origin="changed", call=call)
    # Seeded: a step that runs again must make the same inputs.
    dice = random.Random(json.dumps([call.model_dump() for call in calls], sort_keys=True))  # noqa: S311
    streams = [_changes_of(call, calls, dice) for call in calls]
    for call in _in_turn(streams):
        yield Probe(origin="changed", call=call)


def _in_turn(streams: list[Iterator[Call]]) -> Iterator[Call]:
    while streams:
        for stream in list(streams):
            made = next(stream, None)
            if made is None:
                streams.remove(stream)
            else:
                yield made


def _edges_of(call: Call, calls: list[Call]) -> Iterator[Call]:
    """The call with the least numbers, and what holds a single item, in one place at a time.

    Chance seldom finds them, and there programs that are nearly right err.
    """
    values = [*call.args, *call.kwargs.values()]
    seen = _seen_like(call, calls)
    edges = [_edges(value, column) for value, column in zip(values, seen, strict=True)]
    for turn in range(max(map(len, edges), default=0)):
        for place, found in enumerate(edges):
            if turn < len(found):
                changed = [*values[:place], found[turn], *values[place + 1 :]]
                yield _call_of(changed, len(call.args), list(call.kwargs))


def _edges(value: JsonValue, seen: Sequence[JsonValue]) -> list[JsonValue]:
    match value:
        case bool():
            return []
        case int():
            low, high = _range([v for v in seen if type(v) is int])
            return [number for number in (1, 0, 2, -1) if low <= number <= high]
        case str() | list():
            return [value[:1]] if len(value) > 1 else []
        case _:
            return []


def _seen_like(call: Call, calls: list[Call]) -> list[list[JsonValue]]:
    """What stands in each place of the calls that have the same arguments."""
    names = list(call.kwargs)
    alike = [
        [*one.args, *one.kwargs.values()]
        for one in calls
        if len(one.args) == len(call.args) and list(one.kwargs) == names
    ]
    return [list(column) for column in zip(*alike, strict=True)]


def _changes_of(call: Call, calls: list[Call], dice: random.Random) -> Iterator[Call]:
    names = list(call.kwargs)
    values = [*call.args, *call.kwargs.values()]
    if not values:
        return
    seen = _seen_like(call, calls)
    for _ in range(CHANGES_PER_VALUE):
        for place in range(len(values)):
            changed = list(values)
            changed[place] = _change(values[place], seen[place], dice)
            yield _call_of(changed, len(call.args), names)
        mixed = [
            dice.choice(column)
            if dice.random() < HALF
            else _change(dice.choice(column), column, dice)
            for column in seen
        ]
        yield _call_of(mixed, len(call.args), names)


def _call_of(values: list[JsonValue], positional: int, names: list[str]) -> Call:
    return Call(args=values[:positional], kwargs=dict(zip(names, values[positional:], strict=True)))


def _change(  # noqa: PLR0911  # one for each type of JSON
    value: JsonValue, seen: Sequence[JsonValue], dice: random.Random
) -> JsonValue:
    """Another value of the same type, like those `seen` in its place."""
    match value:
        case bool():
            return not value
        case int():
            return _number(value, [v for v in seen if type(v) is int], dice)
        case float():
            return _real(value, [v for v in seen if isinstance(v, float)], dice)
        case str():
            return _text(value, [v for v in seen if isinstance(v, str)], dice)
        case list():
            return _items(value, seen, dice)
        case dict():
            return _fields(value, dice)
        case _:
            return value


def _fields(value: dict[str, JsonValue], dice: random.Random) -> dict[str, JsonValue]:
    if not value:
        return {}
    key = dice.choice(sorted(value))
    return value | {key: _change(value[key], list(value.values()), dice)}


def _real(value: float, seen: Sequence[float], dice: random.Random) -> float:
    zero = 0.0 if min(seen, default=0.0) <= 0 else value
    return dice.choice([zero, value / 2, value + 1, value * 1.5, value + 0.25])


def _number(value: int, seen: Sequence[int], dice: random.Random) -> int:
    known = seen or [value]
    least, most = min(known), max(known)
    low, high = _range(known)
    if dice.random() < HALF:
        return dice.randint(low, high)
    near = [value - 1, value + 1, value * 2, value // 2, least, most, most + 1, 0, 1, 2, 3]
    allowed = [number for number in near if low <= number <= high]
    return dice.choice(allowed or [value])


def _range(seen: Sequence[int]) -> tuple[int, int]:
    """The least and the greatest number to try where these, at least one, are known."""
    least, most = min(seen), max(seen)
    # Twice the largest that is known: what takes time may take it exponentially.
    low = 2 * least if least < 0 else min(least, 1)
    return low, 2 * max(abs(most), abs(least), SMALL)


def _text(value: str, seen: Sequence[str], dice: random.Random) -> str:
    letters = sorted({letter for text in seen for letter in text}) or ["a"]
    if not value:
        return "".join(dice.choice(letters) for _ in range(dice.randint(1, 6)))
    at = dice.randrange(len(value))
    choices = [
        value[::-1],
        value[:at] + value[at + 1 :],
        value[:at] + dice.choice(letters) + value[at + 1 :],
        value[:at] + dice.choice(letters) + value[at:],
        value + value[: MAX_TEXT - len(value)] if len(value) < MAX_TEXT else value,
        value[:at],
        value.swapcase() if any(text != text.lower() for text in seen) else value,
        "".join(dice.sample(value, len(value))) if len(value) <= MAX_TEXT else value,
    ]
    return dice.choice(choices)


def _items(
    value: list[JsonValue], seen: Sequence[JsonValue], dice: random.Random
) -> list[JsonValue]:
    pool = [item for one in seen if isinstance(one, list) for item in one]
    alike = [item for item in pool if not value or type(item) is type(value[0])]
    if not value:
        return [dice.choice(alike)] if alike else []
    at = dice.randrange(len(value))
    other = _change(value[at], alike, dice)
    choices: list[list[JsonValue]] = [
        value[::-1],
        value[:at] + value[at + 1 :],
        [*value[:at], other, *value[at + 1 :]],
        [*value[:at], other, *value[at:]],
        [*value[:at], value[at], *value[at:]],
        dice.sample(value, len(value)),
        value[: at + 1],
        [*value, dice.choice(alike)] if alike else value,
    ]
    return dice.choice(choices)


def _changed_texts(tests: list[StdioTest]) -> Iterator[Probe]:
    """Standard input with a number, a word or a line changed."""
    if not tests:
        return
    dice = random.Random(json.dumps([test.stdin for test in tests]))  # noqa: S311  # as above
    for _ in range(CHANGES_PER_VALUE):
        for test in tests:
            yield Probe(
                origin="changed", stdin=_changed_stdin(test.stdin, dice), argv=list(test.argv)
            )


def _changed_stdin(text: str, dice: random.Random) -> str:
    words = text.split(" ") if "\n" not in text.strip() else text.splitlines(keepends=True)
    places = [place for place, word in enumerate(words) if word.strip()]
    if not places:
        return text
    place = dice.choice(places)
    word = words[place]
    inner = word.strip()
    if _WHOLE.fullmatch(inner):
        number = int(inner)
        changed = str(_number(number, [number], dice))
    elif " " in inner:
        parts = inner.split(" ")
        at = dice.randrange(len(parts))
        part = parts[at]
        whole = _WHOLE.fullmatch(part)
        parts[at] = (
            str(_number(int(part), [int(part)], dice)) if whole else _text(part, [part], dice)
        )
        changed = " ".join(parts)
    else:
        changed = _text(inner, [inner], dice)
    words[place] = word.replace(inner, changed, 1)
    return ("" if "\n" in text.strip() else " ").join(words)
