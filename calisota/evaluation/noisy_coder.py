"""A model that errs at a set rate: the reference program, or a mutant of it that is wrong.

With it the engine's claims can be held against the truth over many Problems without a real model:
how often a program is right, and how far the errors of its samples go together, is known.
"""

from __future__ import annotations

import ast
import io
import json
import random
import re
import tokenize
from typing import TYPE_CHECKING

from calisota.engine.mutants import mutants_of
from calisota.llm import ChatResponse
from calisota.models import Route, Usage
from calisota.models.python_source import parse_python

if TYPE_CHECKING:
    from collections.abc import Callable

    from calisota.evaluation.solve_cases import SolveCase
    from calisota.llm import ChatRequest
    from calisota.models import CallTest

MUTANTS = 10
PLANNED_INPUTS = 8
_CRITIQUE = json.dumps({"score": 50, "findings": [], "suggestions": []})
_NOT_STATED = json.dumps({"quote": "", "stated": False, "answer": ""})


def wrong_programs(case: SolveCase, is_right: Callable[[str], bool]) -> list[str]:
    """Mutants of the case's reference that fail its hidden tests; at least one."""
    reference = case.reference or ""
    found = mutants_of(reference, case.problem.language, limit=MUTANTS)
    wrong = [mutant.source for mutant in found if not is_right(mutant.source)]
    return wrong or [f"{reference}\n\ndef {case.problem.entry_point}(*_):\n    return None\n"]


def rewritten(source: str, style: int) -> str:
    """The program with other names for its variables: the same but for its text.

    `plain` takes them back, so that what was executed of one style need not be of another.
    """
    names = {
        node.arg if isinstance(node, ast.arg) else node.id
        for node in ast.walk(parse_python(source))
        if isinstance(node, ast.arg)
        or (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
    }
    tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    lines = source.splitlines(keepends=True)
    for token in reversed(tokens):
        if token.type == tokenize.NAME and token.string in names:
            row, column = token.end
            line = lines[row - 1]
            lines[row - 1] = f"{line[:column]}__{style}{line[column:]}"
    return "".join(lines)


def plain(source: str) -> str:
    """What `rewritten` was given."""
    return re.sub(r"(?<=\w)__\d+\b", "", source)


class NoisyCoder:
    """Answers for one Solve of one case.

    `error_rate` is the chance that a sample is wrong. `correlation` is the chance that the whole
    Solve shares one draw, right or wrong: the correlation of the errors of any two samples.
    Each sample is written in one of so many `styles`; in one only, right programs have one text.
    `known` are calls that the statement allows, which its planner would try. With `planner` it also
    answers, each time right with this chance, else with the right answer of another call: such
    answers of real models are about 85 % right (arXiv 2501.12793). Without, it never says any.
    """

    def __init__(
        self,
        case: SolveCase,
        wrong: list[str],
        *,
        known: list[CallTest],
        error_rate: float,
        correlation: float,
        seed: int,
        styles: int = 1,
        planner: float | None = None,
    ) -> None:
        self._case = case
        self._wrong = wrong
        self._error_rate = error_rate
        self._styles = styles
        self._dice = random.Random(f"{seed} {case.name} {error_rate} {correlation}")  # noqa: S311
        self._shared = self._drawn() if self._dice.random() < correlation else None
        self._known = known
        self._planner = planner
        self._plan = json.dumps(
            {
                "contract": "as stated",
                "approaches": ["the first way", "the second way", "the third way"],
                "corner_cases": [],
                "inputs": [json.dumps(test.call.args) for test in known[:PLANNED_INPUTS]],
                "answers": [] if planner is None else self._answers(known[:PLANNED_INPUTS]),
            }
        )

    @property
    def shared(self) -> str | None:
        """The program of all samples, where the Solve's errors go together."""
        return self._shared

    def _answers(self, tests: list[CallTest]) -> list[dict[str, str]]:
        return [
            {"quote": self._quote, "input": json.dumps(test.call.args), "answer": self._said(test)}
            for test in tests
        ]

    @property
    def _quote(self) -> str:
        return " ".join(self._case.problem.statement.split())[:60]

    def _said(self, test: CallTest) -> str:
        """The right answer, or that of another call."""
        others = [one.returns for one in self._known if one.returns != test.returns]
        if others and self._dice.random() >= (self._planner or 0.0):
            return json.dumps(self._dice.choice(others))
        return json.dumps(test.returns)

    def _expected(self, prompt: str) -> str:
        """What the planner answers when it is asked about one call."""
        if self._planner is None:
            return _NOT_STATED
        name = self._case.problem.entry_point
        asked = (
            test
            for test in self._known
            if f"{name}({', '.join(map(repr, test.call.args))})" in prompt.rpartition("Question")[2]
        )
        test = next(asked, None)
        if test is None:
            return _NOT_STATED
        return json.dumps({"quote": self._quote, "stated": True, "answer": self._said(test)})

    def _drawn(self) -> str:
        if self._dice.random() < self._error_rate:
            return self._dice.choice(self._wrong)
        return self._case.reference or ""

    def has(self, route: Route) -> bool:
        """There is no frontier model."""
        return route is not Route.FRONTIER

    async def complete(self, request: ChatRequest) -> ChatResponse:
        """A plan, a critique, "it does not say", or a program; a token is four characters."""
        prompt = request.messages[0].content
        if request.answer_schema is None:
            program = self._shared or self._drawn()
            if self._styles > 1:
                program = rewritten(program, self._dice.randrange(self._styles))
            text = f"```{self._case.problem.language}\n{program}\n```"
        elif request.route is Route.CRITIC:
            text = _CRITIQUE
        else:
            text = self._plan if prompt.startswith("You plan") else self._expected(prompt)
        return ChatResponse(
            text=text,
            complete=True,
            usage=Usage(calls=1, prompt_tokens=len(prompt) // 4, completion_tokens=len(text) // 4),
        )
