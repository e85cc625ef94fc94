"""Prompts are files; a missing variable is an error, and every use is known by content hash."""

from __future__ import annotations

import hashlib
from functools import cache

import jinja2

from calisota.models import (
    Call,
    CallTest,
    CodeTest,
    Hit,
    Language,
    Probe,
    Problem,
    StdioTest,
    SuiteTest,
)
from calisota.paths import include

LANGUAGE_NAMES = {
    Language.PYTHON: "Python",
    Language.RUST: "Rust",
    Language.GO: "Go",
    Language.C: "C",
    Language.CPP: "C++",
    Language.PERL: "Perl",
}

MAX_EXAMPLES = 6
MAX_EXAMPLE_CHARS = 300
CUT = " ..."
"""The end of what is not shown whole."""


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(include("prompts")),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701  # plain text for a model, never HTML
        keep_trailing_newline=False,
    )


def render(name: str, **variables: object) -> str:
    """The text of prompt `name`.

    Raises: jinja2.UndefinedError: a variable is missing; pass it.
    """
    return _environment().get_template(f"{name}.md.j2").render(**variables)


@cache
def prompt_hashes() -> dict[str, str]:
    """Prompt name -> the first 12 hex digits of its content's sha256."""
    return {
        path.name.removesuffix(".md.j2"): hashlib.sha256(path.read_bytes()).hexdigest()[:12]
        for path in sorted(include("prompts").glob("*.md.j2"))
    }


def prompt_id(name: str) -> str:
    """`name@hash`: which prompt, in which version."""
    return f"{name}@{prompt_hashes()[name]}"


def example(problem: Problem, number: int) -> str:
    """Test `number` as a person would write it, cut to a sensible length."""
    match problem.tests[number]:
        case CallTest(call=call, returns=returns):
            text = f"{call_text(problem, call)} == {returns!r}"
        case StdioTest(stdin=stdin, argv=argv, stdout=stdout):
            text = f"{_input_text(stdin, argv)} gives output {stdout!r}"
        case CodeTest(code=code):
            text = " ; ".join(code.strip().splitlines())
        case SuiteTest(suite=suite):
            text = f"the tests {', '.join(suite.names)} pass"
    return text if len(text) <= MAX_EXAMPLE_CHARS else text[:MAX_EXAMPLE_CHARS] + CUT


def call_text(problem: Problem, call: Call) -> str:
    """A call of the entry point as a person writes it."""
    parts = [repr(arg) for arg in call.args]
    parts += [f"{name}={value!r}" for name, value in call.kwargs.items()]
    return f"{problem.entry_point}({', '.join(parts)})"


def _input_text(stdin: str, argv: list[str]) -> str:
    arguments = f"arguments {argv!r} and " if argv else ""
    return f"{arguments}input {stdin!r}"


def asked_text(problem: Problem, probe: Probe) -> str:
    """A generated input as a person writes it, cut to a sensible length."""
    text = (
        call_text(problem, probe.call)
        if probe.call is not None
        else _input_text(probe.stdin, probe.argv)
    )
    return text if len(text) <= MAX_EXAMPLE_CHARS else text[:MAX_EXAMPLE_CHARS] + CUT


def test_input(problem: Problem, number: int) -> str:
    """The input of test `number`, as a person writes it; its name where it has no input."""
    match problem.tests[number]:
        case CallTest(call=call):
            return asked_text(problem, Probe(origin="tests", call=call))
        case StdioTest(stdin=stdin, argv=argv):
            return asked_text(problem, Probe(origin="tests", stdin=stdin, argv=argv))
        case _:
            return problem.test_name(number)


def examples(problem: Problem, shown: frozenset[int]) -> list[str]:
    """The shown tests, the first few, as lines of a prompt."""
    return [example(problem, number) for number in sorted(shown)][:MAX_EXAMPLES]


def fit_passages(hits: list[Hit], budget_chars: int) -> list[Hit]:
    """The best hits whose texts fit together into `budget_chars`, at most four."""
    chosen: list[Hit] = []
    for hit in hits:
        if len(hit.text) <= budget_chars and len(chosen) < 4:  # noqa: PLR2004  # design: 4 passages
            chosen.append(hit)
            budget_chars -= len(hit.text)
    return chosen
