import io

import pytest
from rich.console import Console

from calisota.errors import IndexUnusable, InputError
from calisota.models import Hit, HitSet
from calisota.search_cli import SHOWN_LINES, find, read_query, show
from calisota.settings import Settings


def hit(text, **fields):
    return Hit.model_validate(
        {
            "chunk_id": "c",
            "path": "json/decoder.py",
            "start_line": 7,
            "end_line": 9,
            "score": 0.51234,
            "language": "python",
            "text": text,
        }
        | fields
    )


def shown(hits, query="merge", **console):
    out = io.StringIO()
    show(HitSet(index="v1", hits=hits), query, Console(file=out, width=100, **console))
    return out.getvalue()


def asked(text="x", **fields):
    return read_query(text, **{"k": 5, "language": None, "path": None, "labels": None} | fields)


def test_a_hit_is_shown_with_place_score_and_version():
    text = shown([hit("def merge(): ...")])
    assert "json/decoder.py:7-9" in text
    assert "0.512" in text
    assert "def merge(): ..." in text
    assert "index v1" in text


def test_the_words_of_the_query_are_marked_whatever_their_case():
    text = shown([hit("x = Merge(a)")], force_terminal=True, color_system="standard")
    before, _, _ = text.partition("Merge")
    codes = before.rpartition("\x1b[")[2].removesuffix("m").split(";")
    assert {"1", "7"} <= set(codes), "bold and reverse"


def test_of_a_long_passage_the_lines_around_the_words_are_shown():
    lines = [f"line_{number}" for number in range(100)]
    lines[60] = "here we merge"
    text = shown([hit("\n".join(lines))])
    assert "here we merge" in text
    assert text.count("line_") < SHOWN_LINES
    assert "line_0\n" not in text


@pytest.mark.parametrize("query", ["", "a b", "( [ * \\"])
def test_a_query_without_words_marks_nothing_and_breaks_nothing(query):
    assert "def merge" in shown([hit("def merge(): ...")], query)


def test_what_could_steer_the_terminal_is_escaped():
    text = shown([hit("\x1b[2Jmerge \u202e", path="a\x1b[2J.py", language="no such language")])
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_no_hit_says_what_to_widen():
    assert "widen --language, --path or --label" in shown([])


@pytest.mark.parametrize(
    ("fields", "names"), [({"text": ""}, "text"), ({"k": 0}, "k"), ({"k": 101}, "k")]
)
def test_a_value_that_does_not_fit_is_named(fields, names):
    with pytest.raises(InputError, match=f"{names}: "):
        asked(**fields)


def test_an_argument_that_is_no_unicode_is_searched_for_all_the_same():
    assert asked("merge \udcff").text == "merge ?"


def test_labels_are_none_unless_given():
    assert asked().labels is None
    assert asked(labels=["a", "b"]).labels == ("a", "b")


def test_without_an_index_the_error_says_how_to_get_one(tmp_path):
    with pytest.raises(IndexUnusable, match="calisota index build"):
        find(asked(), Settings(home=tmp_path))
