import pytest

from calisota.models import Execution, Language
from calisota.sandbox.suites import declared, reported


def ran(stdout: str = "", value: bytes | None = None) -> Execution:
    return Execution(
        exit_code=0,
        signal=None,
        cpu_s=0,
        wall_s=0,
        peak_bytes=0,
        stdout=stdout.encode(),
        stderr=b"",
        value=value,
    )


@pytest.mark.parametrize(
    ("language", "output"),
    [
        (
            Language.RUST,
            "\nrunning 3 tests\ntest a ... ok\ntest m::b ... FAILED\ntest c ... ignored\n",
        ),
        (
            Language.GO,
            (
                "=== RUN   a\n--- PASS: a (0.00s)\n    --- PASS: a/x (0.00s)\n"
                "--- FAIL: m::b (0.01s)\n--- SKIP: c (0.00s)\nFAIL\n"
            ),
        ),
        (Language.PERL, "ok 1 - a\nnot ok 2 - m::b\n    ok 1 - inner\nok 3 - c # SKIP no\n1..3\n"),
        (
            Language.C,
            "t.c:3:a:PASS\nt.c:4:m::b:FAIL: Expected 1 Was 2\n".replace("m::b", "mb")
            + "t.c:5:c:IGNORE\n",
        ),
        (
            Language.CPP,
            (
                '<testcase classname="x" name="a" time="0"/><testcase classname="x" '
                'name="m::b" time="0"><failure message="1"/></testcase><testcase name="c">'
                "<skipped/></testcase>"
            ),
        ),
    ],
)
def test_each_frameworks_report_is_read(language: Language, output: str):
    cases = {
        name.replace("mb", "m::b"): passed
        for name, passed in reported(language, ran(output)).items()
    }
    assert cases == {"a": True, "m::b": False}, "c was skipped: it did not run"


def test_pythons_report_is_the_drivers_record():
    assert reported(Language.PYTHON, ran(value=b'{"cases": {"a": true, "b": false}}')) == {
        "a": True,
        "b": False,
    }
    for forged in (
        b"",
        b"[]",
        b'{"cases": 3}',
        b'{"cases": {"a": 1}',
        b'{"cases": {}, "cases": {}}',
    ):
        assert reported(Language.PYTHON, ran(value=forged)) == {}
    assert reported(Language.PYTHON, ran(value=b'{"cases": {"a": 1}}')) == {"a": False}


def test_a_name_reported_twice_hides_nothing():
    assert reported(Language.RUST, ran("test a ... FAILED\ntest a ... ok\n")) == {
        "a": False,
        "a#2": True,
    }


def test_names_are_read_from_the_sources():
    assert declared(
        Language.RUST,
        {
            "t.rs": "#[cfg(test)]\nmod tests {\n    #[test]\n    #[ignore]\n"
            "    fn one() {}\n    fn helper() {}\n}\n#[test]\nfn two() {}\n"
            '#[cfg(feature = "x")]\n#[test]\nfn never() {}\n'
        },
    ) == ["tests::one", "two"]
    assert declared(
        Language.GO, {"t.go": "func TestA(t *testing.T) {\nfunc helper(t *testing.T) {\n"}
    ) == ["TestA"]
    assert declared(Language.C, {"t.c": "RUN_TEST(test_a);\nRUN_TEST( test_b );"}) == [
        "test_a",
        "test_b",
    ]
    assert declared(
        Language.CPP, {"t.cpp": 'TEST_CASE("a b", "[tag]") {}\nTEST_CASE(\n  "long "\n  "name") {}'}
    ) == [
        "a b",
        "long name",
    ]
    assert declared(
        Language.PYTHON, {"t.py": "class A:\n    def test_x(self): ...\ndef test_y(): ...\n"}
    ) == [
        "A.test_x",
        "test_y",
    ]
    assert declared(Language.PYTHON, {"t.py": "def broken(:"}) == []
    assert declared(Language.PERL, {"t.t": "ok 1, 'a';"}) == []


def test_what_is_commented_out_is_no_test():
    text = '// RUN_TEST(a);\n/* RUN_TEST(b);\n*/ RUN_TEST(c); f("// RUN_TEST(d)"); // RUN_TEST(e)\n'
    assert declared(Language.C, {"t.c": text}) == ["c", "d"]
    catch = 'TEST_CASE(\n    // off\n    "a // b",\n    "[tag]") {}'
    assert declared(Language.CPP, {"t.cpp": catch}) == ["a // b"]
