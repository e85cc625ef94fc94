import pytest
from hypothesis import given
from hypothesis import strategies as st

from calisota.agents.answers import extract_program, parse_json
from calisota.agents.planner import PlanDraft
from calisota.models import Language

GOOD = "def add(a, b):\n    return a + b\n"


@pytest.mark.parametrize(
    "answer",
    [
        f"```python\n{GOOD}```",
        f"Here it is:\n\n```py\n{GOOD}```\nIt adds.",
        f"```\n{GOOD}```",
        f"```python\n{GOOD}",
        GOOD,
        f"First a test:\n```python\nassert True\n```\nthen\n```python\n{GOOD}```",
        f"```bash\npip install add\n```\n```python\n{GOOD}```",
        f"```\n\n```python\n{GOOD}```\n",
        f"```\n```python\n{GOOD}",
        f"```python\n```python\n{GOOD}```\n```",
    ],
)
def test_the_program_is_found_however_it_is_wrapped(answer: str):
    assert extract_program(answer, Language.PYTHON, "add") == GOOD


@pytest.mark.parametrize(
    "answer", ["", "I cannot help with that.", "```rust\nfn main() {}\n```", "```python\n\n```"]
)
def test_an_answer_without_a_program_is_none(answer: str):
    assert extract_program(answer, Language.PYTHON, "add") is None


def test_a_megabyte_or_a_nul_is_no_program():
    assert extract_program(f"```python\n{'x' * 300_000}\n```", Language.PYTHON, None) is None
    assert extract_program("```python\nx = '\0'\n```", Language.PYTHON, None) is None


def test_json_is_found_inside_prose_and_fences():
    text = 'Sure!\n```json\n{"contract": "c", "approaches": ["a"], "corner_cases": []}\n```'
    draft = parse_json(text, PlanDraft)
    assert draft is not None
    assert draft.approaches == ["a"]


@pytest.mark.parametrize("text", ["", "{", "}{", '{"contract": 1}', "[1]", '{"contract": "c"'])
def test_json_of_another_shape_is_none(text: str):
    assert parse_json(text, PlanDraft) is None


@given(st.text(max_size=2000))
def test_no_answer_breaks_the_readers(text: str):
    extract_program(text, Language.PYTHON, "f")
    extract_program(text, Language.C, None)
    parse_json(text, PlanDraft)
