import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from calisota.text import printable


def test_escape_sequences_and_overrides_are_shown_not_obeyed():
    assert printable("a\x1b[31mb\r\u202ec\x00") == "a\\x1b[31mb\\r\\u202ec\\x00"


def test_ordinary_text_is_untouched():
    assert printable("naïve 日本\n\tx") == "naïve 日本\n\tx"


@given(st.text())
def test_nothing_that_steers_a_terminal_remains(text: str):
    shown = printable(text)
    steering = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    assert not [c for c in shown if c not in "\n\t" and unicodedata.category(c) in steering]
    shown.encode()
