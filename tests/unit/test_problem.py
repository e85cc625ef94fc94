import pytest
from pydantic import ValidationError

from calisota.models import CallTest, CodeTest, Language, Problem, StdioTest, readable_faults

FIB = {
    "statement": "Return the n-th Fibonacci number.",
    "language": "python",
    "entry_point": "fib",
    "tests": [{"call": {"args": [10]}, "returns": 55}],
}


def faults(**changes: object) -> str:
    with pytest.raises(ValidationError) as caught:
        Problem.model_validate(FIB | changes)
    return "; ".join(map(str, readable_faults(caught.value)))


def test_the_three_kinds_of_test_are_told_apart_by_their_fields():
    problem = Problem.model_validate(
        FIB | {"tests": [FIB["tests"][0], {"code": "assert fib(1) == 1"}]}
    )
    assert [type(test) for test in problem.tests] == [CallTest, CodeTest]
    program = Problem.model_validate(
        {"statement": "Echo.", "language": "c", "tests": [{"stdin": "a", "stdout": "a"}]}
    )
    assert [type(test) for test in program.tests] == [StdioTest]


def test_an_unknown_language_names_the_known_ones():
    text = faults(language="cobol")
    assert text.startswith("language: it must be")
    assert all(language.value in text for language in Language)


def test_an_empty_statement_is_refused():
    assert faults(statement=" \n") == (
        "statement: the statement is empty; say what the program must do"
    )


def test_a_test_that_is_none_says_what_a_test_is():
    assert "give `call` with `returns`" in faults(tests=[{"input": 1}])


def test_a_code_test_that_does_not_parse_is_named_by_its_number():
    text = faults(tests=[{"code": "assert True"}, {"code": "assert fib(1 == 1"}])
    assert "tests[1].code does not parse as Python" in text


def test_a_wrong_field_inside_a_test_is_located():
    assert faults(tests=[{"call": {"args": 3}, "returns": 1}]).startswith("tests[0].call.args: ")


def test_an_unknown_field_is_named():
    assert faults(tset=[]) == "tset: no such field; remove it or correct its name"


def test_a_call_without_an_entry_point_is_refused():
    assert "no entry_point names it" in faults(entry_point=None)


def test_arguments_by_name_are_for_python_only():
    text = faults(language="c", tests=[{"call": {"kwargs": {"n": 1}}, "returns": 1}])
    assert "tests[0].call.kwargs" in text
    assert "give args instead" in text


def test_a_checker_that_is_asked_for_must_be_there():
    changes = {"entry_point": None, "tests": [{"stdin": "", "stdout": "", "compare": "checker"}]}
    assert "there is none" in faults(**changes)


@pytest.mark.parametrize("name", ["../x.py", "a\0.py", "/x.py", ""])
def test_the_candidates_own_file_stays_inside(name: str):
    assert "not a plain relative path" in faults(source_name=name)


def test_two_suites_cannot_hold_different_files_of_one_name():
    suites = [{"suite": {"files": {"a_test.py": text}, "names": ["a"]}} for text in ("1", "2")]
    assert "tests[1].suite.files" in faults(tests=suites)
    assert Problem.model_validate(FIB | {"tests": [suites[0], suites[0]]})


def test_a_suite_names_its_tests():
    assert faults(tests=[{"suite": {"files": {"a_test.py": ""}, "names": []}}])
    assert "plain relative path" in faults(
        tests=[{"suite": {"files": {"../a_test.py": ""}, "names": ["a"]}}]
    )


@pytest.mark.parametrize(
    "name",
    ["../x.py", "/etc/passwd", "a/../b", "x\0y", "", ".hidden", "a b", "a//b", "./a", "a/", "x\n"],
)
def test_a_file_name_that_could_leave_the_folder_is_refused(name: str):
    assert "not a plain relative path" in faults(files={name: ""})


@pytest.mark.parametrize(
    "limits", [{"wall_s": 0}, {"memory_mb": 1}, {"output_kb": 0}, {"wall_s": 1e9}, {"cpu_s": -1}]
)
def test_limits_of_nothing_or_beyond_the_maximum_are_refused(limits: dict[str, float]):
    assert faults(limits=limits).startswith("limits.")


def test_an_argument_with_nul_is_refused():
    text = faults(entry_point=None, tests=[{"stdin": "", "argv": ["a\0b"], "stdout": ""}])
    assert "NUL" in text


def test_equal_problems_have_the_same_canonical_json():
    spelled_out = FIB | {"limits": {"wall_s": 10.0}, "files": {}}
    assert (
        Problem.model_validate(FIB).canonical_json()
        == Problem.model_validate(spelled_out).canonical_json()
    )


def test_what_json_cannot_carry_is_refused():
    for value in (float("nan"), float("inf")):
        assert "finite" in faults(tests=[{"call": {"args": [value]}, "returns": 1}])
    assert "unicode" in faults(statement="a \ud800")
    with pytest.raises(ValidationError):
        Problem.model_validate(FIB | {"tests": [{"call": {"args": ["\ud800"]}, "returns": 1}]})


def test_a_field_of_the_wrong_kind_is_explained_in_words():
    assert faults(limits=5) == "limits: it must be a mapping of fields"
    assert "not allowed" in faults(entry_point="a b")


def test_a_file_that_is_also_a_folder_is_refused():
    assert "a file and a folder" in faults(files={"a": "", "a/b": ""})


@pytest.mark.parametrize("code", ["-" * 60_000 + "1", "x" + ".a" * 30_000])
def test_code_that_breaks_the_parser_is_a_fault_of_the_input(code: str):
    assert "does not parse" in faults(tests=[{"code": code}])
