"""Reading what a model wrote: JSON of a known shape, or a program in a fence; never trusting it."""

from __future__ import annotations

import ast
import json
import re
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from calisota.models import Call, Language, Probe, Problem
from calisota.models.python_source import parse_python
from calisota.sandbox.answers import canonical_answer

M = TypeVar("M", bound=BaseModel)

AT_LENGTH_TOKENS = 1024
"""A model whose answers may be this long can write inputs, quote and compare."""

LEAST_QUOTED = 4
MAX_SOURCE_BYTES = 256 * 1024

FENCES: dict[Language, str] = {language: language.value for language in Language}
_ALIASES = {
    Language.PYTHON: {"python", "py", "python3", ""},
    Language.RUST: {"rust", "rs", ""},
    Language.GO: {"go", "golang", ""},
    Language.C: {"c", "h", ""},
    Language.CPP: {"cpp", "c++", "cc", "cxx", "hpp", ""},
    Language.PERL: {"perl", "pl", "perl5", "pm", ""},
}
_FENCE = re.compile(r"[ \t]*```([A-Za-z0-9+#]{0,20})")


def parse_json(text: str, kind: type[M]) -> M | None:
    """The JSON object in `text` as a `kind`; None when there is none that fits.

    Takes the text from the first `{` to the last `}`, so prose or a fence around it does no harm.
    """
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or end < start:
        return None
    try:
        return kind.model_validate_json(text[start : end + 1])
    except ValidationError:
        return None


def probes_of(problem: Problem, texts: list[str]) -> list[Probe]:
    """The inputs in a model's texts that can be sent; what is none is left out."""
    if problem.entry_point is None:
        return [Probe(origin="planner", stdin=text) for text in texts]
    return [probe for text in texts if (probe := _call_probe(text)) is not None]


def is_quoted(quote: str, problem: Problem) -> bool:
    """Whether these are whole words of the statement, spaces and line ends aside.

    A few letters are found in any.
    """
    words = " ".join(quote.split())
    if len(words) < LEAST_QUOTED:
        return False
    whole = rf"(?<!\w){re.escape(words)}(?!\w)"
    return re.search(whole, " ".join(problem.statement.split())) is not None


def answer_from_text(text: str, problem: Problem) -> str | None:
    """What a model or a person wrote as an answer, as `TestResult.answer`; None: it is none."""
    return canonical_answer(
        text, is_call=problem.entry_point is not None, language=problem.language
    )


def number_in(text: str) -> float | None:
    """The number that an answer is; None: it is none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return value if plain else None


def _call_probe(text: str) -> Probe | None:
    try:
        args = json.loads(text, parse_constant=_no_number)
        # A lone surrogate or 1e999 is JSON here, and can be written nowhere.
        json.dumps(args, ensure_ascii=False, allow_nan=False).encode()
        return Probe(origin="planner", call=Call(args=args))
    except (ValueError, RecursionError):  # pydantic's own error is a ValueError, too
        return None


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is no JSON")


def extract_program(text: str, language: Language, entry_point: str | None) -> str | None:
    """The program in a model's answer; None when it holds none.

    Of several blocks the one that defines the entry point wins, then the longest. A block that
    the answer never closes counts: weak models run out of tokens after the program is complete.
    An answer without any fence is a program only if it parses as one (Python).
    """
    blocks = [
        body for tag, body in _blocks(text) if tag.lower() in _ALIASES[language] and body.strip()
    ]
    if entry_point is not None:
        defining = [body for body in blocks if re.search(rf"\b{entry_point}\b", body)]
        blocks = defining or blocks
    if blocks:
        program = max(blocks, key=len)
    elif "```" not in text and language is Language.PYTHON and _is_program(text, entry_point):
        program = text
    else:
        return None
    if len(program.encode(errors="replace")) > MAX_SOURCE_BYTES or "\0" in program:
        return None
    return program.rstrip() + "\n"


def _blocks(text: str) -> list[tuple[str, str]]:
    """The fenced blocks, each with its tag. A fence with a tag always opens one.

    So the program is found after an empty block that was opened for nothing.
    """
    found: list[tuple[str, str]] = []
    tag, body = None, []
    for line in re.split(r"(?<=\n)", text):
        fence = _FENCE.match(line)
        if fence is None:
            body.append(line)
            continue
        if tag is not None:
            found.append((tag, "".join(body)))
        tag, body = (None if tag is not None and not fence[1] else fence[1]), []
    return found if tag is None else [*found, (tag, "".join(body))]


def parses(source: str, language: Language) -> bool:
    """Whether `source` could be a program: of Python its syntax, of others that it is not empty.

    Compilers find the rest, in the sandbox. A newer Python may know more syntax than ours: such a
    program is sampled once more for nothing, and kept.
    """
    if language is not Language.PYTHON:
        return bool(source.strip())
    try:
        parse_python(source)
    except SyntaxError:
        return False
    return True


def _is_program(text: str, entry_point: str | None) -> bool:
    try:
        tree = parse_python(text)
    except SyntaxError:
        return False
    names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    return bool(names) if entry_point is None else entry_point in names
