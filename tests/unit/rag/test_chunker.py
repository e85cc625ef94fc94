import ast
import sysconfig
from pathlib import Path

import pytest

from calisota.models import Language
from calisota.rag.chunker import chunk_python
from calisota.rag.corpus import SourceFile

MAX_TOKENS = 64

SAMPLE = '''
import os

LIMIT = 3

@decorator
def first(a, *, b=None) -> int:
    """Return the first. And more."""
    return a

class Small:
    x = 1

    def get(self):
        return self.x

class Large(Base):
    """Holds many things."""

    size = 10

    def add(self, item):
        """Add one item."""
        for number in range(self.size):
            item = item + number * 2 - 1
        else:
            item = item * 3
        return item + self.size + 1 + 2 + 3 + 4 + 5 + 6 + 7 + 8 + 9

    class Inner:
        def deep(self): return 1

    async def fetch(self, url: str) -> bytes:
        return await self.session.get(url, timeout=1, retries=2, verify=True, stream=False)

if os.name == "nt":
    def branch(): return "windows"
else:
    def branch(): return "posix"

try:
    pass
except ImportError:
    def fallback(): ...
'''


def count(texts):
    return [len(text.replace("(", " ( ").replace(",", " , ").split()) for text in texts]


def chunks_of(text, path="pkg/sample.py", max_tokens=MAX_TOKENS):
    return chunk_python(SourceFile(path=path, text=text), count, max_tokens=max_tokens)


def stdlib(name):
    return (Path(sysconfig.get_path("stdlib")) / name).read_text()


@pytest.fixture(params=["heapq.py", "textwrap.py", "json/decoder.py", "argparse.py", "enum.py"])
def real(request):
    return SourceFile(path=request.param, text=stdlib(request.param))


def test_no_chunk_is_longer_than_the_encoder_reads(real):
    chunks = chunk_python(real, count, max_tokens=MAX_TOKENS)
    assert max(count([chunk.text for chunk in chunks])) <= MAX_TOKENS - 2


def test_every_chunk_names_lines_that_exist_and_that_hold_its_text(real):
    lines = real.text.split("\n")
    for chunk in chunk_python(real, count, max_tokens=MAX_TOKENS):
        assert 1 <= chunk.start_line <= chunk.end_line <= len(lines)
        there = {line.strip() for line in lines[chunk.start_line - 1 : chunk.end_line]}
        shown = [line.strip() for line in chunk.text.split("\n")[1:]]
        assert all(line in there or line.endswith(": ...") for line in shown)


def test_every_line_of_every_top_level_function_is_in_some_chunk(real):
    covered = {
        line.strip()
        for chunk in chunk_python(real, count, max_tokens=MAX_TOKENS)
        for line in chunk.text.split("\n")
    }
    lines = real.text.split("\n")
    for node in ast.parse(real.text).body:
        if isinstance(node, ast.FunctionDef):
            body = lines[node.lineno - 1 : node.end_lineno]
            assert {line.strip() for line in body if count([line])[0] < 20} - {""} <= covered


def test_every_definition_has_a_chunk_under_its_dotted_name():
    headers = [chunk.text.partition("\n")[0] for chunk in chunks_of(SAMPLE)]
    assert headers[0] == (
        "# def pkg.sample.first(a, *, b=None) -> int: Return the first. And more."
    )
    for name in ("class pkg.sample.Small", "class pkg.sample.Large(Base): Holds many things."):
        assert f"# {name}" in headers
    for name in ("Large.add", "Large.Inner", "Large.fetch", "branch", "fallback"):
        assert any(f"pkg.sample.{name}" in header for header in headers), name


def test_a_class_that_fits_is_one_chunk():
    (small,) = [chunk for chunk in chunks_of(SAMPLE) if "class pkg.sample.Small" in chunk.text]
    assert "return self.x" in small.text
    assert not any("sample.Small.get" in chunk.text for chunk in chunks_of(SAMPLE))


def test_a_longer_class_shows_its_methods_signatures_without_their_bodies():
    outline = next(chunk for chunk in chunks_of(SAMPLE) if "class pkg.sample.Large" in chunk.text)
    assert "size = 10" in outline.text
    assert "def add(self, item): ..." in outline.text
    assert "return item" not in outline.text


def test_a_decorator_belongs_to_its_function():
    assert "\n@decorator\ndef first" in chunks_of(SAMPLE)[0].text


def test_definitions_in_both_branches_are_found():
    texts = [chunk.text for chunk in chunks_of(SAMPLE) if ".branch()" in chunk.text]
    assert ["windows" in texts[0], "posix" in texts[1]] == [True, True]


def test_a_long_function_is_cut_between_statements():
    body = "".join(f"    value_{n} = call({n},\n        {n})\n" for n in range(20))
    parts = chunks_of(f"def long():\n{body}")
    assert len(parts) > 1
    for part in parts[1:]:
        assert part.text.split("\n")[1].startswith("value_")
    ends = [0, *(part.end_line for part in parts)]
    assert [part.start_line for part in parts] == [end + 1 for end in ends[:-1]]


def test_a_line_that_never_ends_is_clipped():
    (*_, chunk) = chunks_of("def data():\n    return [" + "1, " * 5000 + "]\n")
    assert count([chunk.text])[0] <= MAX_TOKENS - 2


def test_ids_stay_when_lines_move_and_differ_by_path():
    here = [chunk.id for chunk in chunks_of(SAMPLE)]
    assert [chunk.id for chunk in chunks_of("# new\n\n" + SAMPLE)] == here
    assert not set(here) & {chunk.id for chunk in chunks_of(SAMPLE, path="other.py")}


def test_ids_are_unique(real):
    ids = [chunk.id for chunk in chunk_python(real, count, max_tokens=MAX_TOKENS)]
    assert len(set(ids)) == len(ids)


def test_a_package_is_named_without_init():
    (chunk,) = chunks_of("def f(): ...", path="pkg/__init__.py")
    assert chunk.text.startswith("# def pkg.f()")
    assert chunk.language is Language.PYTHON


def test_a_form_feed_does_not_shift_the_lines():
    (chunk,) = chunks_of("x = 1\n\f\ndef f():\n    return 1\n")
    assert (chunk.start_line, chunk.end_line) == (3, 4)


def test_a_file_without_definitions_has_no_chunks():
    assert chunks_of("") == []
    assert chunks_of("X = 1\n") == []
