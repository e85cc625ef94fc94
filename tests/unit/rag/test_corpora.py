import json
import os
import subprocess
from datetime import UTC, datetime

import pytest

from calisota.errors import InputError, PermanentError
from calisota.rag.corpora import digest_of, discover, load_corpora
from calisota.settings import Settings


@pytest.fixture
def told():
    return []


@pytest.fixture
def corpus(tmp_path, told):
    """Discovers the corpus that a mapping describes, relative to tmp_path."""

    def read(as_of=None, **fields):
        file = tmp_path / "corpora.yaml"
        file.write_text(json.dumps({"c": fields}))
        found = load_corpora(Settings(home=tmp_path, corpora=file))["c"]
        return discover(found, progress=told.append, as_of=as_of)

    return read


def put(root, **files):
    root.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_py", ".py").replace("_txt", ".txt")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return root


def paths(found):
    return [document.path for document in found.documents]


def test_a_folder_is_read_in_order_without_what_git_ignores(corpus, tmp_path):
    root = put(tmp_path / "f", b_py="x = 1", a__c_py="y = 1", a__d_py="z = 1", e_py="w = 1")
    (root / ".gitignore").write_text("e.py\n")
    (root / "a" / ".gitignore").write_text("d.py\n!keep.py\n")
    put(root, **{".git__config_py": "no = 1"})
    assert paths(corpus(kind="folder", path="f")) == ["a/c.py", "b.py"]


def test_links_and_special_files_are_not_opened(corpus, tmp_path):
    root = put(tmp_path / "f", a_py="x = 1")
    put(tmp_path / "outside", hidden_py="s = 1")
    (root / "link.py").symlink_to(tmp_path / "outside" / "hidden.py")
    (root / "folder").symlink_to(tmp_path / "outside")
    (root / "loop").symlink_to(root)
    os.mkfifo(root / "fifo.py")
    assert paths(corpus(kind="folder", path="f")) == ["a.py"]


def test_what_cannot_be_indexed_is_counted_by_reason(corpus, tmp_path, told):
    root = put(
        tmp_path / "f",
        a_py="x = 1",
        nul_py=b"x\0y",
        latin_py="été".encode("latin-1"),
        declared_py="# coding: latin-1\nx = 'été'".encode("latin-1"),
        empty_py="  \n",
        minified_py="a=1;" * 500,
        wrong_py="# coding: nonsense\n",
    )
    (root / "image.png").write_bytes(b"x")
    with (root / "huge.py").open("wb") as huge:
        huge.truncate(100 * 2**20)
    found = corpus(kind="folder", path="f")
    assert paths(found) == ["a.py", "declared.py"]
    assert {reason: sorted(names) for reason, names in found.skipped.items()} == {
        "binary": ["nul.py"],
        "its encoding": ["latin.py", "wrong.py"],
        "empty": ["empty.py"],
        "generated": ["minified.py"],
        "not a known language": ["image.png"],
        "too large": ["huge.py"],
    }
    assert "Left out, too large: 1 (huge.py)." in told


@pytest.mark.parametrize(
    ("secret", "kind"),
    [
        ("AKIA" + "IOSFODNN7EXAMPLF", "AWS Access Key"),
        ("-----BEGIN RSA PRIVATE " + "KEY-----", "Private Key"),
        ("ghp_" + "a1B2" * 9, "GitHub Token"),
    ],
)
def test_a_document_with_a_secret_is_left_out_and_the_secret_is_not_told(
    corpus, tmp_path, told, secret, kind
):
    put(tmp_path / "f", a_py="x = 1", b_py=f"x = 1\nkey = '{secret}'")
    found = corpus(kind="folder", path="f")
    assert paths(found) == ["a.py"]
    assert found.skipped == {f"a secret in it ({kind}, line 2)": ["b.py"]}
    assert not any(secret in line for line in told)


def test_a_long_line_is_scanned_soon_and_to_its_end(corpus, tmp_path):
    put(tmp_path / "f", a_py="x = 1", b_txt="a1/" * 150_000 + "ghp_" + "a1B2" * 9)
    assert paths(corpus(kind="folder", path="f")) == ["a.py"]


def test_globs_languages_labels_and_licences(corpus, tmp_path):
    put(
        tmp_path / "f",
        a_py="x = 1",
        b__a_py="y = 1",
        c_txt="words",
        gpl_py="# SPDX-License-Identifier: GPL-3.0-only\nx = 1",
        mit_py="# SPDX-License-Identifier: MIT\nx = 1",
    )
    fields = {"kind": "folder", "path": "f"}
    assert paths(corpus(**fields, include=["b/"])) == ["b/a.py"]
    assert "a.py" not in paths(corpus(**fields, exclude=["/a.py"]))
    assert "c.txt" not in paths(corpus(**fields, languages=["python"]))
    assert "gpl.py" not in paths(corpus(**fields, licences=["MIT"]))
    assert "mit.py" in paths(corpus(**fields, licences=["MIT"]))
    found = corpus(**fields, label="all", labels=[{"glob": "b/", "label": "team"}])
    assert {one.path: one.label for one in found.documents}["b/a.py"] == "team"
    assert {one.path: one.label for one in found.documents}["a.py"] == "all"


@pytest.mark.parametrize("kind", ["folder", "git", "jsonl"])
def test_a_source_that_is_gone_is_an_error(corpus, kind):
    with pytest.raises(PermanentError, match="There is no"):
        corpus(kind=kind, path="nowhere")


def test_an_empty_corpus_is_an_error(corpus, tmp_path):
    put(tmp_path / "f")
    with pytest.raises(PermanentError, match="holds no document"):
        corpus(kind="folder", path="f")


def git(root, *arguments, day=None):
    moment = {"GIT_AUTHOR_DATE": day, "GIT_COMMITTER_DATE": day} if day else {}
    name = ["-c", "user.name=a", "-c", "user.email=a@b"]
    env = os.environ | {"GIT_CONFIG_GLOBAL": os.devnull} | moment
    subprocess.run(["git", "-C", root, *name, *arguments], check=True, capture_output=True, env=env)


@pytest.fixture
def repository(tmp_path):
    root = put(tmp_path / "r", a_py="x = 1")
    git(root, "init", "--initial-branch=main")
    git(root, "add", ".")
    git(root, "commit", "-m", "one", day="2026-03-01T12:00:00Z")
    put(root, a_py="x = 2", sub__b_py="y = 1")
    (root / "link.py").symlink_to("/etc/passwd")
    git(root, "add", ".")
    git(root, "commit", "-m", "two", day="2026-03-02T12:00:00Z")
    put(root, a_py="not committed", c_py="not committed")
    return root


@pytest.mark.usefixtures("repository")
def test_a_repository_is_read_at_its_revision_without_the_checkout(corpus):
    found = corpus(kind="git", path="r", revision="main")
    assert {one.path: one.text for one in found.documents} == {"a.py": "x = 2", "sub/b.py": "y = 1"}
    assert [one.text for one in corpus(kind="git", path="r", revision="main~1").documents] == [
        "x = 1"
    ]


@pytest.mark.usefixtures("repository")
def test_a_repository_is_read_as_it_was_at_the_end_of_a_day(corpus):
    def at(day):
        return corpus(as_of=datetime(2026, 3, day, tzinfo=UTC), kind="git", path="r")

    assert [one.text for one in at(2).documents] == ["x = 1"]
    assert len(at(3).documents) == 2
    with pytest.raises(PermanentError, match="no commit of HEAD before 2026-03-01"):
        at(1)


def test_a_repository_runs_nothing_of_its_own(corpus, repository, tmp_path):
    marker = tmp_path / "ran"
    git(repository, "config", "core.fsmonitor", f"touch {marker}")
    git(repository, "config", "core.pager", f"touch {marker}")
    (repository / ".git" / "info" / "attributes").write_text("*.py filter=evil diff=evil\n")
    git(repository, "config", "filter.evil.smudge", f"touch {marker}")
    assert corpus(kind="git", path="r").documents
    assert not marker.exists()


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize("revision", ["--upload-pack=x", "-x", "", "a b", "$(x)"])
def test_a_revision_cannot_be_an_option(corpus, revision):
    with pytest.raises(InputError, match="revision"):
        corpus(kind="git", path="r", revision=revision)


@pytest.mark.usefixtures("repository")
def test_an_unknown_revision_is_named(corpus):
    with pytest.raises(PermanentError, match=r"cannot read .* at nothing"):
        corpus(kind="git", path="r", revision="nothing")


def test_lines_of_json(corpus, tmp_path):
    lines = [
        {"id": "a", "text": "def f(): pass", "language": "python", "label": "x"},
        {"id": "b.md", "text": "# words", "date": "2026-03-02"},
    ]
    (tmp_path / "d.jsonl").write_text("\n".join(map(json.dumps, lines)))
    found = corpus(kind="jsonl", path="d.jsonl")
    assert [(one.path, one.language, one.label) for one in found.documents] == [
        ("a", "python", "x"), ("b.md", "markdown", "public"),
    ]  # fmt: skip
    before = corpus(as_of=datetime(2026, 3, 2, tzinfo=UTC), kind="jsonl", path="d.jsonl")
    assert paths(before) == ["a"]
    (tmp_path / "d.jsonl").write_text('{"id": "a"}\n')
    with pytest.raises(PermanentError, match="line 1 is no document"):
        corpus(kind="jsonl", path="d.jsonl")
    (tmp_path / "d.jsonl").write_text('{"id": "a", "text": "x", "lable": "team"}\n')
    with pytest.raises(PermanentError, match="unknown fields: lable"):
        corpus(kind="jsonl", path="d.jsonl")


def test_an_installed_distribution(corpus):
    found = corpus(kind="distribution", name="pathspec")
    assert "pathspec/__init__.py" in paths(found)
    with pytest.raises(PermanentError, match="not installed"):
        corpus(kind="distribution", name="no-such-distribution")


def test_modules_of_the_standard_library(corpus, told):
    found = corpus(kind="stdlib", modules=["heapq", "json", "math"])
    assert "heapq.py" in paths(found)
    assert "json/decoder.py" in paths(found)
    assert "Not indexed, they have no Python source: math." in told
    with pytest.raises(PermanentError, match="'nonsense' is no module"):
        corpus(kind="stdlib", modules=["nonsense"])


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("- a", "wrong"),
        ("Upper: {kind: stdlib}", "wrong"),
        ("c: {kind: other}", "kind"),
        ("c: {kind: folder}", "path"),
        ("c: {kind: folder, path: x, colour: red}", "colour"),
        ("c: {kind: folder, path: x, max_file_kb: 0}", "max_file_kb"),
        ("{", "cannot be read"),
    ],
)
def test_a_wrong_file_is_refused_with_the_field(tmp_path, text, fault):
    file = tmp_path / "corpora.yaml"
    file.write_text(text)
    with pytest.raises(InputError, match=fault):
        load_corpora(Settings(home=tmp_path, corpora=file))


def test_without_a_file_there_is_the_standard_library(tmp_path):
    found = load_corpora(Settings(home=tmp_path, index_modules=("heapq",)))
    assert found["stdlib"].modules == ("heapq",)


def test_the_digest_follows_each_part_of_a_document(corpus, tmp_path):
    put(tmp_path / "f", a_py="x = 1")
    fields = {"kind": "folder", "path": "f"}
    one = digest_of(corpus(**fields).documents)
    assert digest_of(corpus(**fields).documents) == one
    assert digest_of(corpus(**fields, label="other").documents) != one
    put(tmp_path / "f", a_py="x = 2")
    assert digest_of(corpus(**fields).documents) != one
