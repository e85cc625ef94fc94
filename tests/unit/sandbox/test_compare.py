import contextlib
import json
import math
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calisota.models import Compare
from calisota.sandbox.compare import (
    NotStrictJson,
    decode_strict,
    output_difference,
    same_output,
    same_value,
    value_difference,
)

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def one_printable_line(text):
    hidden = any(unicodedata.category(one) in {"Cc", "Cf", "Cs"} for one in text)
    return len(text.splitlines()) == 1 and not hidden


@given(values)
def test_a_value_that_went_through_json_is_the_same_however_compared(value):
    back = decode_strict(json.dumps(value).encode())
    assert all(same_value(value, back, how) for how in Compare)


@given(values, values, st.sampled_from(Compare))
def test_comparing_never_raises_and_is_symmetric(one, other, how):
    assert same_value(one, other, how) == same_value(other, one, how)
    assert one_printable_line(value_difference(one, other))


@given(st.binary())
def test_decoding_anything_gives_a_value_or_says_it_is_not_json(data):
    with contextlib.suppress(NotStrictJson):
        decode_strict(data)


@pytest.mark.parametrize(
    ("expected", "got"),
    [(1, True), (0, False), (1, 1.0), (None, False), ("1", 1), ([1], {"0": 1}), ([], {})],
)
def test_types_count_in_an_exact_comparison(expected, got):
    assert not same_value(expected, got, Compare.EXACT)
    assert not same_value([{"a": expected}], [{"a": got}], Compare.EXACT)


def test_floats_compare_within_a_millionth_in_any_depth():
    assert same_value({"a": [0.1 + 0.2, 1]}, {"a": [0.3, 1.0000001]}, Compare.FLOAT)
    assert not same_value([1.0], [1.1], Compare.FLOAT)
    assert not same_value(1.0, True, Compare.FLOAT)


def test_an_int_beyond_the_floats_is_compared_exactly():
    huge = 10**400
    assert same_value(huge, huge, Compare.FLOAT)
    assert not same_value(huge, huge + 1, Compare.FLOAT)
    assert not same_value(huge, 1.5, Compare.FLOAT)


def test_unordered_ignores_the_order_of_the_outermost_list_only():
    assert same_value([[1, 2], [3]], [[3], [1, 2]], Compare.UNORDERED)
    assert not same_value([[1, 2]], [[2, 1]], Compare.UNORDERED)
    assert not same_value([1, 1, 2], [1, 2, 2], Compare.UNORDERED)
    assert not same_value([1], [True], Compare.UNORDERED)


@pytest.mark.parametrize(
    "text",
    [
        "NaN",
        "-Infinity",
        "1e999",
        '{"a": 1, "a": 2}',
        "9" * 5000,
        "[" * 100_000,
        "[" * 100_000 + "]" * 100_000,
        '"\ud800"',
        "{} {}",
        "",
    ],
)
def test_what_json_does_not_promise_is_refused(text):
    with pytest.raises(NotStrictJson):
        decode_strict(text.encode("utf-8", "surrogatepass"))


def test_values_nested_deeper_than_python_recurses_differ_without_an_error():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    assert not same_value(deep, [], Compare.EXACT)
    for how in Compare:
        assert same_value(deep, deep, how) in {True, False}
    assert value_difference(deep, deep)
    while deep:  # taken apart from outside, since the interpreter would recurse
        deep = deep[0]


@given(st.binary(), st.binary(), st.sampled_from(Compare))
def test_comparing_outputs_never_raises_and_equal_ones_agree(one, other, how):
    assert same_output(one, one, how)
    assert same_output(one, other, how) == same_output(other, one, how)
    assert one_printable_line(output_difference(one, other, how))


def test_tokens_ignore_white_space_and_exact_does_not():
    assert same_output(b"1 2\n", b" 1\t2", Compare.TOKENS)
    assert not same_output(b"1 2\n", b"1 2", Compare.EXACT)


@pytest.mark.parametrize(("one", "other"), [("nan", "NAN"), ("1_0", "10"), ("1e999", "1e998")])
def test_words_that_only_python_calls_numbers_are_compared_as_words(one, other):
    assert not same_output(one.encode(), other.encode(), Compare.FLOAT)


@given(st.floats(min_value=-1e9, max_value=1e9))
def test_output_floats_agree_within_the_tolerance(number):
    near = number * (1 + 1e-8)
    assert same_output(f"{number!r}".encode(), f"{near!r}".encode(), Compare.FLOAT)
    far = number + max(1.0, abs(number))
    assert math.isclose(number, far, rel_tol=1e-6) or not same_output(
        f"{number!r}".encode(), f"{far!r}".encode(), Compare.FLOAT
    )


def test_unordered_lines_agree_in_any_order_but_not_in_number():
    assert same_output(b"a\nb\n", b"b \na", Compare.UNORDERED)
    assert not same_output(b"a\na\n", b"a\n", Compare.UNORDERED)


def test_the_difference_names_the_first_place_and_escapes_what_it_shows():
    assert output_difference(b"1 2 3", b"1 2 \x1b[31m4", Compare.TOKENS) == (
        'word 3: expected "3", got "\\u001b[31m4"'
    )
    assert output_difference(b"a\nb\n", b"a\n", Compare.EXACT) == 'line 2: expected "b", got ""'
    assert output_difference(b"1 2", b"1", Compare.TOKENS) == 'word 2: expected "2", got nothing'
    assert len(value_difference("x" * 10_000, ["y" * 10_000])) < 300
