import json

import pytest

from calisota.errors import InputError
from calisota.models import Language, Problem
from calisota.sandbox.cells import plan_candidate, tmpfs_bytes
from calisota.sandbox.languages import LANGUAGES


def problem(**fields):
    return Problem(**{"statement": "x", "language": "python", **fields})


def plan(one, source="pass"):
    return plan_candidate(one, source, tmpfs_mb=64)


def test_every_language_has_a_row():
    assert set(LANGUAGES) == set(Language)


def test_no_expected_answer_is_in_the_plan():
    call = problem(entry_point="f", tests=[{"call": {"args": [1]}, "returns": "SECRET"}])
    stdio = problem(tests=[{"stdin": "1", "stdout": "SECRET"}])
    for one in (call, stdio):
        assert "SECRET" not in repr(plan(one))


def test_a_call_goes_to_the_driver_as_json_on_stdin():
    one = problem(
        entry_point="f", tests=[{"call": {"args": [1], "kwargs": {"b": 2}}, "returns": 0}]
    )
    (cell,) = plan(one).cells
    assert cell.argv[-2:] == ("/opt/calisota/driver.pyc", "call")
    assert json.loads(cell.stdin) == {
        "source": "solution.py",
        "entry_point": "f",
        "args": [1],
        "kwargs": {"b": 2},
    }


def test_arguments_follow_the_program():
    one = problem(language="c", tests=[{"argv": ["-x", "y z"], "stdout": ""}])
    assert plan(one).cells[0].argv == ("/work/build/solution", "-x", "y z")


def test_without_tests_only_a_function_is_loaded():
    assert [cell.argv[-1] for cell in plan(problem(entry_point="f")).cells] == ["load"]
    assert plan(problem()).cells == []
    assert plan(problem(language="c")).cells == []


def test_the_candidate_wins_over_a_file_of_the_same_name():
    one = problem(files={"solution.py": "theirs", "data.txt": "d"})
    assert plan(one, "ours").files == {"data.txt": b"d", "solution.py": b"ours"}


def test_a_file_that_would_have_to_be_a_folder_is_refused():
    with pytest.raises(InputError, match="cannot both exist"):
        plan(problem(files={"solution.py/b": ""}))


def test_a_lone_surrogate_in_a_models_answer_is_escaped():
    assert plan(problem(), "x = '\ud800'").files["solution.py"] == b"x = '\\ud800'"


def test_files_take_at_most_half_of_the_memory():
    assert tmpfs_bytes(problem(limits={"memory_mb": 16}), 64) == 8 * 2**20
    assert tmpfs_bytes(problem(), 64) == 64 * 2**20
