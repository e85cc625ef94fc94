import pytest

from calisota.models import Language
from calisota.sandbox.weak_types import read_as


@pytest.mark.parametrize(
    ("expected", "got", "read"),
    [
        (5, "5", 5),
        (5, 5.0, 5),
        (5, "5x", "5x"),
        (2.5, "2.5", 2.5),
        (2.0, 2, 2.0),
        ("5", 5, "5"),
        (True, 1, True),
        (False, "", False),
        (False, "0", False),
        (True, "no", True),
        (None, 0, 0),
        ([1, ["2"]], ["1", [2]], [1, ["2"]]),
        ([1], ["1", "2"], ["1", "2"]),
        ({"a": 1}, {"a": "1", "b": "x"}, {"a": 1, "b": "x"}),
        (5, [5], [5]),
    ],
)
def test_a_perl_scalar_is_read_as_what_is_expected(expected, got, read):
    value = read_as(expected, got, Language.PERL)
    assert value == read
    assert type(value) is type(read)


def test_c_has_no_boolean_but_no_other_number_is_one():
    assert read_as(True, 1, Language.C) is True
    assert read_as(False, 0, Language.C) is False
    assert read_as(True, 2, Language.C) == 2
    assert read_as(1, True, Language.C) is True


def test_other_languages_mean_what_they_say():
    assert read_as(True, 1, Language.PYTHON) == 1
    assert type(read_as(5, 5.0, Language.GO)) is float
