"""Programs that answer the tests they were shown from a table instead of solving the Problem."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, NamedTuple

from calisota.engine.literal_pairs import pair_groups
from calisota.engine.literals import flat
from calisota.models import CallTest, StdioTest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from calisota.engine.literals import Pair, Scalars
    from calisota.models import Problem

_TRIVIAL_NUMBERS = frozenset({0, 1, 2, 10, 100, 1000, 10_000, 1_000_000})
_TRIVIAL_WORDS = frozenset("true false null none nil yes no nan inf infinity".split())
_EXAMPLE = re.compile(r">>>|->|=>|→|\b(?:in|out)put\b\s*:", re.IGNORECASE)
_SIZES = 16
"""Up to here a number left over may be an index or a length."""
_SHARE = 0.8
"""Of a table's literals, by weight, the part that answers shown tests, if it is a leak."""
_CONTIGUOUS = 4
_MANY = 4.0
"""The weight of all entries that speak for a leak, where there are several ..."""
_ONE = 4.0
"""... and where there is one."""
_MOST = 8.0


class _Wanted(NamedTuple):
    """A test in literals: the forms its input may be compared in, and those of its answer."""

    inputs: list[Scalars]
    texts: frozenset[str]
    """The input as one string, without white space and with one kind of bracket and quote."""
    answers: list[Scalars]


def leaked_tests(source: str, problem: Problem, shown: frozenset[int]) -> list[int]:
    """The numbers of shown tests that the program seems to answer from a table, in order.

    That is: the input and the answer of each are literals of one entry (a branch, a dictionary's
    item, a row), they say more than constants do that any program or the statement has, and the
    table holds little else. An entry that answers a test the program was not shown is knowledge.
    It would rather miss a table than accuse a program.
    Not covered: answers computed from the input's hash or length, lists indexed by the input,
    numbers that are only told true from false, literals cut into pieces.
    """
    ordinary = _ordinary(problem)
    wanted = {n: w for n, test in enumerate(problem.tests) if (w := _wanted(test)) is not None}
    leaked: set[int] = set()
    is_called = problem.entry_point is not None
    for group in pair_groups(source, problem.language, is_called=is_called):
        leaked |= _leaks(list(dict.fromkeys(group)), wanted, shown, ordinary)
    return sorted(leaked)


def _leaks(
    group: Sequence[Pair], wanted: dict[int, _Wanted], shown: frozenset[int], ordinary: set[str]
) -> set[int]:
    if _enumerates(group):
        return set()
    weights = [(_weight(key, ordinary), _weight(value, ordinary)) for key, value in group]
    known: dict[int, set[int]] = {}
    for place, pair in enumerate(group):
        for number, test in wanted.items():
            if _answers(pair, test):
                known.setdefault(place, set()).add(number)
    leaks = {place for place, numbers in known.items() if numbers <= shown}
    total = sum(map(sum, weights))
    if total <= 0 or sum(sum(weights[place]) for place in leaks) / total < _SHARE:
        return set()
    telling = [weights[place] for place in leaks if _is_telling(*weights[place])]
    one = any(key >= (1 if value else _ONE) and key + value >= _ONE for key, value in telling)
    many = len(telling) > 1 and sum(map(sum, telling)) >= _MANY
    if not one and not many:
        return set()
    return {number for place in leaks if sum(weights[place]) > 0 for number in known[place]}


def _is_telling(key: float, value: float) -> bool:
    if value <= 0:
        return key >= 2  # noqa: PLR2004  # an input that no program would name by chance
    return key > 0 and key + value >= 1


def _enumerates(group: Sequence[Pair]) -> bool:
    """Whether the keys are numbers in a row: months, digits, the first values of a series."""
    keys = [key[0] for key, _ in group if len(key) == 1]
    numbers = sorted(key for key in keys if isinstance(key, int) and not isinstance(key, bool))
    if len(numbers) < max(_CONTIGUOUS, len(group)):
        return False
    return numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def _weight(scalars: Scalars, ordinary: set[str]) -> float:
    """How much the literals say: 0 what any program has, 1 a number of two digits."""
    parts = [_scalar_weight(one, ordinary) for one in scalars]
    if not any(parts):
        return 0  # a direction such as (0, 1) says as little as its parts
    return min(sum(parts) + 0.5 * (len(parts) - 1), _MOST)


def _scalar_weight(scalar: object, ordinary: set[str]) -> float:
    if scalar is None or isinstance(scalar, bool) or str(scalar).strip() in ordinary:
        return 0
    if isinstance(scalar, str):
        text = scalar.strip()
        if len(text) <= 1 or text.lower() in _TRIVIAL_WORDS:
            return 0
        steps = ((3, 0.5), (6, 1.5), (11, 2.0), (17, 3.0))
        return next((weight for length, weight in steps if len(text) <= length), 4.0)
    assert isinstance(scalar, (int, float))  # noqa: S101
    size = abs(scalar)
    if size in _TRIVIAL_NUMBERS or not math.isfinite(size):
        return 0
    limits = ((10, 0.5), (100, 1.0), (1000, 1.5), (10_000_000, 2.0))
    return next((weight for limit, weight in limits if size < limit), 3.0)


def _ordinary(problem: Problem) -> set[str]:
    """Words and numbers of the statement's prose; its examples are what a table is made of."""
    call = re.compile(rf"\b{re.escape(problem.entry_point)}\s*\(") if problem.entry_point else None
    kept = []
    after_example = False
    for line in problem.statement.splitlines():
        is_example = bool(_EXAMPLE.search(line) or (call is not None and call.search(line)))
        if not is_example and not after_example:
            kept.append(line)
        after_example = line.lstrip().startswith(">>>")
    prose = "\n".join(kept)
    quoted = re.findall(r"[\"'`]([^\"'`\n]{1,80})[\"'`]", prose)
    return {*re.findall(r"\w+(?:\.\d+)?", prose), *quoted}


def _wanted(test: object) -> _Wanted | None:
    if isinstance(test, CallTest):
        values = [*test.call.args, *test.call.kwargs.values()]
        answer = flat(test.returns)
        inputs = [flat(values), *(flat(value) for value in values)]
        texts = {_bare(_dumped(values)), *(_bare(_dumped(value)) for value in values)}
        texts |= {_bare(value) for value in values if isinstance(value, str)}
        texts.add(_bare(_dumped(values)[1:-1]))
    elif isinstance(test, StdioTest):
        whole = "\n".join([*test.argv, test.stdin]).strip()
        lines, tokens = whole.splitlines(), whole.split()
        numbers = [_number(token) for token in tokens]
        inputs = [tuple(lines), tuple(tokens), tuple(n for n in numbers if n is not None)]
        texts = {_bare(whole)}
        answer = (test.stdout.strip(),)
    else:
        return None
    if answer is None:
        return None
    return _Wanted([one for one in inputs if one], frozenset(texts), list(_forms(answer)))


def _forms(answer: Scalars) -> Iterator[Scalars]:
    yield answer
    if len(answer) == 1 and isinstance(answer[0], str):
        tokens = answer[0].split()
        numbers = [_number(token) for token in tokens]
        yield tuple(tokens)
        if numbers and None not in numbers:
            yield tuple(numbers)


def _answers(pair: Pair, test: _Wanted) -> bool:
    """Whether the entry is this test: its input, or a telling part of it, and its answer."""
    if not any(_within(answer, pair.value) for answer in test.answers):
        return False
    strings = [key for key in pair.key if isinstance(key, str)]
    if any(_bare(key) in test.texts for key in strings) and len(strings) == len(pair.key):
        return True
    return any(_within(one, pair.key) for one in test.inputs)


def _within(wanted: Scalars, have: Scalars) -> bool:
    """Whether `have` is `wanted`, with nothing between but what may be indices and lengths."""
    if not wanted or len(have) > 4 * len(wanted) + 4:
        return False
    rest = list(have)
    place = 0
    for one in wanted:
        while place < len(rest) and not _same(one, rest[place]):
            if not _is_size(rest[place]):
                return False
            place += 1
        if place == len(rest):
            return False
        place += 1
    return all(_is_size(one) for one in rest[place:])


def _is_size(scalar: object) -> bool:
    if isinstance(scalar, str):
        return not scalar.strip()
    return scalar is None or isinstance(scalar, bool) or abs(scalar) <= _SIZES  # type: ignore[arg-type]


def _same(one: object, other: object) -> bool:
    if isinstance(one, str) or isinstance(other, str):
        return isinstance(one, str) and isinstance(other, str) and one.strip() == other.strip()
    if one is None or other is None or isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return abs(one) == abs(other)  # type: ignore[arg-type]


def _number(token: str) -> int | float | None:
    if not re.fullmatch(r"[+-]?\d{1,40}(?:\.\d{1,40})?", token):
        return None
    return float(token) if "." in token else int(token)


def _dumped(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _bare(text: str) -> str:
    """The text without what `repr`, `str` and JSON write differently."""
    text = re.sub(r"\s+|,(?=\s*[)\]])", "", text)
    text = text.translate(str.maketrans("()'", '[]"'))
    return text.replace("True", "true").replace("False", "false").replace("None", "null")
