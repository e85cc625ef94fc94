"""Generated inputs: near the known ones, the same every time, never a test."""

import json

from hypothesis import given
from hypothesis import strategies as st

from calisota.engine.inputs import MAX_INPUTS, inputs_for
from calisota.models import Call, Probe, Problem

values = st.recursive(
    st.one_of(st.booleans(), st.integers(-50, 50), st.text("abc", max_size=5), st.floats(0, 9)),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=8,
)


def problem(*calls: list[object], **fields: object) -> Problem:
    tests = [{"call": {"args": args}, "returns": None} for args in calls]
    body = {"statement": "s", "language": "python", "entry_point": "f", "tests": tests}
    return Problem.model_validate(body | fields)


def test_small_changes_stay_within_what_was_seen():
    probes = inputs_for(problem([5, [3, 1]], [2, [4]]), [])
    assert len(probes) >= 20
    for probe in probes:
        number, items = probe.call.args
        assert number >= 1
        assert all(isinstance(item, int) and 0 <= item <= 30 for item in items)


def test_the_least_numbers_and_single_items_are_tried_in_each_place_first():
    probes = inputs_for(problem([7, 34, "abc"], [15, 8, "de"]), [])
    first = [probe.call.args for probe in probes[:8]]
    assert [1, 34, "abc"] in first
    assert [7, 1, "abc"] in first
    assert [7, 34, "a"] in first
    assert not [args for args in first if 0 in args or -1 in args]  # none of them was seen
    below = inputs_for(problem([0, -5]), [])
    assert {(0, 0), (0, -1), (1, -5), (2, -5)} <= {tuple(probe.call.args) for probe in below}


def test_edges_leave_a_place_for_other_inputs():
    probes = inputs_for(problem([-1, -2, -3, -4, -5], [-6, -7, -8, -9, -10]), [])
    edges = [p for p in probes if p.call and set(p.call.args) & {0, 1, 2}]
    assert len(probes) == MAX_INPUTS
    assert len(edges) < MAX_INPUTS / 2


def test_the_planners_inputs_come_first_and_only_those_that_can_be_sent():
    planned = [
        Probe(origin="planner", call=Call(args=[7])),
        Probe(origin="planner", call=Call(args=[7, 8])),
        Probe(origin="planner", stdin="7"),
        Probe(origin="planner", call=Call(args=[1])),
    ]
    probes = inputs_for(problem([1]), [], planned)
    assert probes[0].call.args == [7]
    assert all(len(probe.call.args) == 1 and probe.call.args != [1] for probe in probes)


def test_programs_get_changed_standard_input():
    given_tests = [{"stdin": "3\n1 2 3\n", "stdout": "6\n"}]
    whole = problem(entry_point=None, tests=given_tests)
    probes = inputs_for(whole, [])
    assert len(probes) >= 5
    assert all(probe.call is None and probe.stdin != "3\n1 2 3\n" for probe in probes)


def test_nothing_known_gives_nothing():
    assert inputs_for(problem(), []) == []


@given(st.lists(st.lists(values, min_size=2, max_size=2), min_size=1, max_size=3))
def test_any_known_calls_give_the_same_different_inputs_each_time(calls: list[list[object]]):
    given_problem = problem(*calls)
    probes = inputs_for(given_problem, [])
    assert probes == inputs_for(given_problem, [])
    keys = [probe.model_dump_json() for probe in probes]
    assert len(set(keys)) == len(keys) <= MAX_INPUTS
    known = [json.dumps(args) for args in calls]
    assert not [p for p in probes if p.call and json.dumps(p.call.args) in known]
