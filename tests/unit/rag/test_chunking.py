import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calisota.rag.chunking import chunk_document
from calisota.rag.documents import Document
from calisota.rag.grammars import GRAMMARS, parser_of
from calisota.rag.languages import language_of

WORD = re.compile(r"\w+|[^\w\s]")


def count(texts):
    return [len(WORD.findall(text)) for text in texts]


def cut(text, path="d/a.py", max_tokens=200, **fields):
    language = language_of(path, text)
    document = Document(path=path, text=text, language=language, **fields)
    return chunk_document(document, count, max_tokens=max_tokens)


def headers(chunks):
    return [(chunk.symbol, chunk.text.partition("\n")[0]) for chunk in chunks]


SAMPLES = {
    "d/a.py": (
        (
            'import os\nLIMIT = 3\n\n@cached\ndef add(a: int,\n        b=1):\n    """Add two.\n\n'
            '    More."""\n    return a + b\n\nclass A(B):\n    """Doc."""\n'
            "    def m(self): return 1\n"
        ),
        [
            (None, "# d.a"),
            ("add", "# def d.a.add(a: int, b=1): Add two."),
            ("A", "# class d.a.A(B): Doc."),
        ],
    ),
    "a.rs": (
        (
            "use std::fmt;\n/// A point.\n#[derive(Debug)]\npub struct P { x: i32 }\n"
            "impl fmt::Display for P {\n    fn fmt(&self) -> i32 { 1 }\n}\n"
        ),
        [("P", "// a.rs pub struct P: A point."), ("P", "// a.rs impl fmt::Display for P")],
    ),
    "a.go": (
        (
            'package m\nimport "fmt"\n// Add adds.\nfunc Add(a, b int) int { return a }\n'
            "func (t *T) Get() int { return t.x }\n"
        ),
        [
            ("Add", "// a.go func Add(a, b int) int: Add adds."),
            ("Get", "// a.go func (t *T) Get() int"),
        ],
    ),
    "a.c": (
        (
            "#include <x.h>\n/* Adds. */\nint add(int a, int *b) { return a; }\n"
            "#ifdef X\nstatic char *in(void)\n{\n    return 0;\n}\n#endif\n"
        ),
        [("add", "// a.c int add(int a, int *b): Adds."), ("in", "// a.c static char *in(void)")],
    ),
    "a.cpp": (
        "// Doc.\ntemplate <class T>\nclass V : B {\n  T get() const { return t; }\n};\n",
        [("V", "// a.cpp class V : B: Doc.")],
    ),
    "a.pl": (
        "use strict;\n# Adds.\nsub add {\n  my ($a, $b) = @_;\n  return $a + $b;\n}\n",
        [("add", "# a.pl sub add: Adds.")],
    ),
    "a.js": (
        (
            'import x from "y";\n/** Adds. */\nexport function add(a, b) { return a + b }\n'
            "const f = (a) => a + 1;\nconst n = 1;\n"
        ),
        [
            ("add", "// a.js function add(a, b): Adds."),
            ("f", "// a.js const f = (a) => a + 1"),
            (None, "// a.js"),
        ],
    ),
    "a.ts": (
        "export interface I { a: number }\nexport class A<T> { private m(x: T) { return 1 } }\n",
        [("I", "// a.ts interface I"), ("A", "// a.ts class A<T>")],
    ),
    "A.java": (
        "package p;\n/** Doc. */\npublic class A {\n  int get() { return x; }\n}\n",
        [("A", "// A.java public class A: Doc.")],
    ),
    "a.md": ("# Top\nhello\n\n## Sub\nmore\n", [("Top", "# a.md Top")]),
    "a.txt": ("one\n\ntwo\n", [(None, "# a.txt")]),
}


@pytest.mark.parametrize("path", SAMPLES)
def test_definitions_become_chunks_under_a_header(path):
    text, expected = SAMPLES[path]
    found = headers(cut(text, path))
    assert [one for one in found if one in expected] == expected, found


def test_every_language_has_a_parser():
    assert all(parser_of(language) is not None for language in GRAMMARS)
    assert parser_of("text") is None


def test_a_long_class_is_an_outline_and_its_methods():
    methods = "".join(
        f"    def m{n}(self):\n        '''Do {n}.'''\n" + "        x = 1\n" * 20 for n in range(3)
    )
    chunks = cut(f"class A:\n    '''Doc.'''\n    limit = 3\n{methods}", max_tokens=120)
    outline = chunks[0]
    assert outline.symbol == "A"
    assert "limit = 3" in outline.text
    assert "def m2(self) ..." in outline.text
    assert "x = 1" not in outline.text
    assert [chunk.symbol for chunk in chunks[1:]] == ["A.m0", "A.m1", "A.m2"]
    assert chunks[1].text.startswith("# def d.a.A.m0(self): Do 0.")


def test_a_long_function_is_cut_between_statements():
    body = "".join(f"    if x == {n}:\n        call({n})\n" for n in range(60))
    chunks = cut(f"def f(x):\n{body}", max_tokens=90)
    assert len(chunks) > 3
    assert {chunk.symbol for chunk in chunks} == {"f"}
    assert all(chunk.text.startswith("# def d.a.f(x)\n") for chunk in chunks)
    for chunk in chunks[1:]:
        assert chunk.text.splitlines()[1].startswith("if x ==")
    covered = [n for chunk in chunks for n in range(chunk.start_line, chunk.end_line + 1)]
    assert covered == list(range(1, 122))


def test_prose_is_cut_into_windows_that_overlap():
    lines = [f"word{n} and some more words" for n in range(100)]
    chunks = cut("\n".join(lines), "a.txt", max_tokens=80)
    assert len(chunks) > 3
    for one, other in pairwise(chunks):
        assert one.start_line < other.start_line <= one.end_line + 1
        assert other.start_line <= one.end_line


def test_what_does_not_parse_is_cut_all_the_same():
    chunks = cut("".join(f"%%% ((( nonsense {n} ]]] \n" for n in range(50)), "a.py", max_tokens=60)
    assert len(chunks) > 1
    assert all("nonsense" in chunk.text for chunk in chunks)


def test_imports_and_comments_alone_are_no_chunk():
    assert cut("# only\nimport os\nfrom a import b\n") == []
    assert cut("") == []


def test_ids_stay_when_lines_move_and_change_with_path_and_text():
    (one,) = cut("def f(): return 1\n")
    (moved,) = cut("\n\n\ndef f(): return 1\n")
    assert (moved.id, moved.start_line) == (one.id, 4)
    assert cut("def f(): return 1\n", "other.py")[0].id != one.id
    assert cut("def f(): return 2\n")[0].id != one.id


def test_label_and_language_go_with_the_chunks():
    (one,) = cut("def f(): return 1\n", label="team-a")
    assert (one.label, one.language) == ("team-a", "python")


def test_hostile_shapes_end_soon():
    assert cut("x = " + "(" * 5_000 + ")" * 5_000)
    assert cut("var a = [" + "1," * 200_000 + "]", "a.js", max_tokens=64)
    assert cut("\x00é\ud800 = 1\r\n" * 50)
    assert cut("if x:\n" + "".join(" " * n + "if x:\n" for n in range(1, 300)) + " " * 300 + "y()")


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(sorted(SAMPLES)),
    st.lists(st.sampled_from([text for text, _ in SAMPLES.values()]) | st.text(), max_size=4),
    st.integers(16, 80),
)
def test_no_chunk_is_longer_than_allowed(path, parts, max_tokens):
    for chunk in cut("\n".join(parts), path, max_tokens):
        assert count([chunk.text])[0] <= max_tokens - 2
        assert chunk.start_line <= chunk.end_line


@pytest.mark.parametrize(
    ("path", "text", "language"),
    [
        ("a/b.PY", "", "python"),
        ("x.h", "int f(void);", "c"),
        ("x.h", "namespace n {}", "cpp"),
        ("README.md", "", "markdown"),
        ("Makefile", "", None),
        ("x.tsx", "", "typescript"),
    ],
)
def test_the_language_follows_from_name_and_text(path, text, language):
    assert language_of(path, text) == language
