"""Statements, tests and answers that nobody writes in good faith: no step falls over them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calisota.agents import as_offered
from calisota.agents.answers import extract_program, probes_of
from calisota.engine.trials import trials_for
from calisota.models import Language, Problem, Trials

CALL = Problem(statement="x", language="python", entry_point="f")


def stored(trials: Trials) -> Trials:
    """As a step stores them and the next reads them."""
    return Trials.model_validate_json(trials.model_dump_json())


def of_stdin(text: str) -> Problem:
    tests = [{"stdin": text, "stdout": "x"}]
    return Problem.model_validate({"statement": "x", "language": "python", "tests": tests})


@pytest.mark.parametrize("text", ["--5", "1 - --5", "-", "5-", "\u00b2", "1\n--5\n", "-0"])
def test_what_looks_like_a_number_is_changed_as_text(text: str):
    problem = of_stdin(text)
    assert stored(trials_for(problem)) == trials_for(problem)


@given(st.text(st.sampled_from("-0159 \n\t.e+x\u0664"), max_size=40))
def test_any_standard_input_has_inputs_near_it(text: str):
    problem = of_stdin(text)
    assert stored(trials_for(problem)) == trials_for(problem)


@pytest.mark.parametrize(
    "statement",
    [
        'f("\\ud800") == 1', 'f(1) == "\\udfff"', 'f({"\\ud800": 1}) == 2', "f(-1e999) == 1",
        "f(1e999) == 1", "f(-9" + "9" * 400 + ") == 1",
    ],
)  # fmt: skip
def test_an_example_that_cannot_be_stored_is_none(statement: str):
    problem = CALL.model_copy(update={"statement": f"{statement}\nf(3) == 4"})
    trials = trials_for(problem)
    assert [test.returns for test in trials.examples if hasattr(test, "returns")] == [4]
    assert stored(trials) == trials


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.floats()
        | st.integers()
        | st.text(st.characters(), max_size=3),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
        max_leaves=5,
    )
)
def test_whatever_a_model_names_as_an_input_can_be_stored(value: object):
    texts = [json.dumps([value]), '["\\ud800"]', "[1e999]", '{"a": 1}']
    found = probes_of(CALL, texts)
    assert len(found) <= 1
    for probe in found:
        assert type(probe).model_validate_json(probe.model_dump_json()) == probe


@pytest.mark.timeout(20)
def test_a_fence_that_goes_on_and_on_takes_no_time():
    for text in ("```" + "a" * 400_000, "```" * 100_000, "```\n" * 100_000):
        extract_program(text, Language.PYTHON, "f")


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "unit", ["f(", "f()=[", "f()=f(", "f(1)=(", ">>> f(1)\n", "f('", "f(1) == '"]
)
def test_a_long_statement_is_read_in_a_moment(unit: str):
    trials_for(CALL.model_copy(update={"statement": unit * (64_000 // len(unit))}))


def test_a_name_of_a_test_is_one_plain_line_wherever_it_is_told():
    name = "a\x1b[2J\nb\u202ec"
    tests = [{"name": name, "call": {"args": [1]}, "returns": n} for n in (1, 2)]
    problem = CALL.model_copy(
        update={"tests": Problem.model_validate(CALL.model_dump() | {"tests": tests}).tests}
    )
    (words,) = trials_for(problem).contradictions
    assert words.isprintable()


@pytest.mark.parametrize(
    ("said", "meant"),
    [("0", "0.0"), ("1", "1"), ("2.0", "2"), ("7", "7"), ("true", "true"), ('"0"', '"0"')],
)
def test_a_number_that_a_person_types_is_the_programs_number(said: str, meant: str):
    assert as_offered(said, ["0.0", "1", "2", "false"]) == meant
