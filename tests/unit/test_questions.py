"""How a question is put to a person, in Airflow's form and at the terminal."""

import io
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from calisota.models import Question
from calisota.solve_cli import ask_person

ROOT = Path(__file__).resolve().parents[2]
HELD = Question(
    number=0,
    about="input",
    asked="f(30)",
    options=["900", "901"],
    by="slow",
    said="901",
    quote="above 20 `one` more",
    held=True,
)
OPEN = HELD.model_copy(update={"said": None, "quote": None, "held": None})


def shown(question: Question, monkeypatch: pytest.MonkeyPatch) -> str:
    console = Console(file=io.StringIO(), width=200)
    monkeypatch.setattr("builtins.input", lambda *_: "901")
    assert ask_person(question, console) == "901"
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_terminal_tells_who_answers_what(monkeypatch: pytest.MonkeyPatch):
    held = shown(HELD, monkeypatch)
    assert "Programs and planner read the statement differently for f(30):" in held
    assert "above 20 `one` more" in held
    assert "some programs answer 900" in held
    assert "the planner reads 901" in held
    left_open = shown(OPEN, monkeypatch)
    assert "The statement does not say what is right for f(30)." in left_open
    assert "some programs answer 901" in left_open


def test_the_form_in_airflow_shows_the_words_of_the_statement_as_code():
    # Airflow warns about itself at import, and our warnings are errors: a process of its own.
    script = (
        "import sys; from calisota.models import Question; "
        "from calisota_airflow.clarify import body_of; "
        "print(body_of(Question.model_validate_json(sys.argv[1])))"
    )

    def body(question: Question) -> str:
        done = subprocess.run(
            [sys.executable, "-c", script, question.model_dump_json()],
            env={"PYTHONPATH": f"{ROOT}:{ROOT / 'plugins'}", "AIRFLOW__CORE__LOAD_EXAMPLES": "no"},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    held = body(HELD)
    assert held.startswith("Programs and planner read the statement differently for this input:")
    assert "`above 20 'one' more`" in held
    assert "The programs answer, and the planner reads in it, the likeliest first:" in held
    left_open = body(OPEN)
    assert left_open.startswith("The statement does not say what is right for this input:")
    assert "planner" not in left_open
