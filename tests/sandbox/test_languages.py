"""Each language end to end: a program, a call, a code test, a suite, and what goes wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import pytest

from calisota.models import Language, Outcome

if TYPE_CHECKING:
    from calisota.models import ExecutionMatrix


class Run(Protocol):
    def __call__(self, source: str, **fields: Any) -> ExecutionMatrix: ...


@pytest.fixture
def run(execute: Any) -> Run:
    def one(source: str, **fields: Any) -> ExecutionMatrix:
        return execute(source, *fields.pop("tests", []), **fields)

    return one


HELLO: dict[Language, str] = {
    Language.PYTHON: "n = int(input())\nprint(n * 2)\n",
    Language.PERL: 'my $n = <STDIN>;\nprint $n * 2, "\\n";\n',
    Language.C: '#include <stdio.h>\nint main(void) { int n; scanf("%d", &n); '
    'printf("%d\\n", n * 2); }\n',
    Language.CPP: "#include <iostream>\nint main() { int n; std::cin >> n; "
    "std::cout << n * 2 << '\\n'; }\n",
    Language.GO: 'package main\n\nimport "fmt"\n\nfunc main() {\n\tvar n int\n\tfmt.Scan(&n)\n'
    "\tfmt.Println(n * 2)\n}\n",
    Language.RUST: "use std::io;\nfn main() { let mut s = String::new(); "
    "io::stdin().read_line(&mut s).unwrap(); let n: i64 = s.trim().parse().unwrap(); "
    'println!("{}", n * 2); }\n',
}
# A main of their own must not be in the driver's way.
JOIN: dict[Language, str] = {
    Language.PYTHON: "def join(words, times):\n    return [' '.join(words)] * times\n",
    Language.PERL: "sub join_all { my ($w, $n) = @_; return [(join ' ', @$w) x $n]; }\n1;\n",
    Language.CPP: "#include <string>\n#include <vector>\nusing namespace std;\n"
    "vector<string> join(const vector<string>& words, int times) { string s;\n"
    'for (auto& w : words) s += (s.empty() ? "" : " ") + w;\n'
    "return vector<string>(times, s); }\nint main() { return 3; }\n",
    Language.GO: 'package main\n\nimport "strings"\n\nfunc join(words []string, times int) '
    "[]string {\n\tall := []string{}\n\tfor range times {\n\t\tall = append(all, "
    'strings.Join(words, " "))\n\t}\n\treturn all\n}\n\nfunc main() {}\n',
    Language.RUST: "fn join(words: &[String], times: usize) -> Vec<String> "
    '{ vec![words.join(" "); times] }\nfn main() {}\n',
}
ADD: dict[Language, str] = {
    Language.PYTHON: "def add(a, b):\n    return a + b\n",
    Language.PERL: "use warnings FATAL => 'all';\nsub add { return $_[0] + $_[1] }\n1;\n",
    Language.C: "int add(int a, int b) { return a + b; }\nint main(void) { return 3; }\n",
    Language.CPP: "int add(int a, int b) { return a + b; }\nint main() { return 3; }\n",
    Language.GO: "package main\n\nfunc add(a, b int) int { return a + b }\n\nfunc main() {}\n",
    Language.RUST: "fn add(a: i32, b: i32) -> i32 { a + b }\nfn main() {}\n",
}
ASSERT_ADD: dict[Language, str] = {
    Language.PYTHON: "assert add(1, 2) == 3",
    Language.PERL: "die 'wrong' unless add(1, 2) == 3;",
    Language.C: "assert(add(1, 2) == 3);",
    Language.CPP: "assert(add(1, 2) == 3);",
    Language.GO: 'import "fmt"\nif add(1, 2) != 3 { panic(fmt.Sprint("wrong")) }',
    Language.RUST: "assert_eq!(add(1, 2), 3);",
}
BROKEN: dict[Language, str] = {
    Language.PYTHON: "def add(:\n",
    Language.PERL: "sub add { \n",
    Language.C: "int main(void) { return }\n",
    Language.CPP: "int main() { return }\n",
    Language.GO: "package main\nfunc main() { return 1 +\n",
    Language.RUST: "fn main() { let x: i32 = ; }\n",
}
ALL = pytest.mark.parametrize("language", list(Language))


@ALL
def test_a_program_reads_and_writes(run: Run, language: Language):
    matrix = run(
        HELLO[language],
        language=language,
        tests=[{"stdin": "21\n", "stdout": "42"}, {"stdin": "1\n", "stdout": "3"}],
    )
    outcomes = [test.outcome for test in matrix.tests]
    assert outcomes == [Outcome.ACCEPTED, Outcome.WRONG_ANSWER], matrix.build_stderr


@ALL
def test_a_program_that_does_not_compile_says_where(run: Run, language: Language):
    matrix = run(BROKEN[language], language=language, tests=[{"stdin": "", "stdout": ""}])
    assert matrix.outcome is Outcome.COMPILE_ERROR
    assert matrix.tests[0].detail
    assert "solution" in (matrix.build_stderr or "")


@ALL
def test_a_call_returns_a_typed_value(run: Run, language: Language):
    tests = [
        {"call": {"args": [2, 3]}, "returns": 5},
        {"call": {"args": [-2, 1]}, "returns": -1},
        {"call": {"args": [2, 2]}, "returns": 5},
        {"call": {"args": [2]}, "returns": 2},
    ]
    matrix = run(ADD[language], language=language, entry_point="add", tests=tests)
    outcomes = [test.outcome for test in matrix.tests]
    assert outcomes[:3] == [Outcome.ACCEPTED, Outcome.ACCEPTED, Outcome.WRONG_ANSWER], matrix
    assert outcomes[3] is not Outcome.ACCEPTED
    assert not matrix.tests[0].cooperative


@pytest.mark.parametrize("language", list(JOIN))
def test_lists_and_strings_go_in_and_out(run: Run, language: Language):
    entry = "join_all" if language is Language.PERL else "join"
    words = ["a", 'q"\\', "é😀\n"]
    joined = " ".join(words)
    tests = [
        {"call": {"args": [words, 2]}, "returns": [joined, joined]},
        {"call": {"args": [[], 1]}, "returns": [""]},
        {"call": {"args": [words, 1]}, "returns": ["another"]},
    ]
    matrix = run(JOIN[language], language=language, entry_point=entry, tests=tests)
    outcomes = [test.outcome for test in matrix.tests]
    assert outcomes == [Outcome.ACCEPTED, Outcome.ACCEPTED, Outcome.WRONG_ANSWER], matrix


@ALL
def test_code_tests_run_beside_the_candidate(run: Run, language: Language):
    wrong = ASSERT_ADD[language].replace("3", "4")
    tests = [{"code": ASSERT_ADD[language]}, {"code": wrong}]
    matrix = run(ADD[language], language=language, entry_point="add", tests=tests)
    assert matrix.tests[0].outcome is Outcome.ACCEPTED, matrix
    assert matrix.tests[1].outcome is Outcome.RUNTIME_ERROR
    assert matrix.tests[0].cooperative


@ALL
def test_a_function_without_tests_is_loaded(run: Run, language: Language):
    matrix = run(ADD[language], language=language, entry_point="add")
    assert matrix.outcome is Outcome.ACCEPTED, matrix
    matrix = run(ADD[language].replace("add", "other"), language=language, entry_point="add")
    assert matrix.outcome in {Outcome.COMPILE_ERROR, Outcome.RUNTIME_ERROR}, matrix


SUITES: dict[Language, tuple[dict[str, str], list[str]]] = {
    Language.PYTHON: (
        {
            "add_test.py": "import unittest\nfrom solution import add\n"
            "class AddTest(unittest.TestCase):\n"
            "    def test_one(self):\n        self.assertEqual(add(1, 2), 3)\n"
            "    def test_two(self):\n        self.assertEqual(add(2, 2), 4)\n"
        },
        ["AddTest.test_one", "AddTest.test_two"],
    ),
    Language.RUST: (
        {
            "tests.rs": "#[cfg(test)]\nmod tests {\n    use super::*;\n"
            "    #[test]\n    fn one() { assert_eq!(add(1, 2), 3); }\n"
            "    #[test]\n    fn two() { assert_eq!(add(2, 2), 4); }\n}\n"
        },
        ["tests::one", "tests::two"],
    ),
    Language.GO: (
        {
            "add_test.go": 'package main\n\nimport "testing"\n\n'
            "func TestOne(t *testing.T) {\n\tif add(1, 2) != 3 {\n\t\tt.Fatal()\n\t}\n}\n\n"
            "func TestTwo(t *testing.T) {\n\tif add(2, 2) != 4 {\n\t\tt.Fatal()\n\t}\n}\n"
        },
        ["TestOne", "TestTwo"],
    ),
    Language.PERL: (
        {
            "t/add.t": "use Test2::V0;\nrequire './solution.pl';\n"
            "is(add(1, 2), 3, 'one');\nis(add(2, 2), 4, 'two');\ndone_testing;\n"
        },
        ["one", "two"],
    ),
    Language.CPP: (
        {
            "add_test.cpp": "#include <catch2/catch.hpp>\nint add(int, int);\n"
            'TEST_CASE("one") { REQUIRE(add(1, 2) == 3); }\n'
            'TEST_CASE("two") { REQUIRE(add(2, 2) == 4); }\n'
        },
        ["one", "two"],
    ),
    Language.C: (
        {
            "test_add.c": "#include <stdio.h>\nint add(int, int);\n"
            '#define CHECK(name, holds) printf("test_add.c:%d:%s:%s\\n", __LINE__, name, '
            '(holds) ? "PASS" : "FAIL")\n'
            'int main(void) { CHECK("one", add(1, 2) == 3); CHECK("two", add(2, 2) == 4); }\n'
        },
        ["one", "two"],
    ),
}


@ALL
def test_a_suite_must_report_exactly_its_tests(run: Run, language: Language):
    files, names = SUITES[language]
    good = (
        ADD[language]
        .replace("int main(void) { return 3; }", "")
        .replace("int main() { return 3; }", "")
    )

    def suite(names: list[str]) -> dict[str, Any]:
        return {"suite": {"files": files, "names": names}}

    limits = {"wall_s": 20, "memory_mb": 512}
    accepted, missing, extra = (
        run(good, language=language, tests=[suite(some)], limits=limits).tests[0]
        for some in (names, [*names, "never"], names[:1])
    )
    assert accepted.outcome is Outcome.ACCEPTED, accepted
    assert accepted.cases == dict.fromkeys(names, True)
    assert accepted.cooperative
    assert missing.outcome is Outcome.WRONG_ANSWER
    assert "not reported: never" in (missing.detail or "")
    assert extra.outcome is Outcome.WRONG_ANSWER
    wrong = run(
        good.replace("a + b", "a * b + 1").replace("$_[0] + $_[1]", "$_[0] * $_[1] + 1"),
        language=language,
        tests=[suite(names)],
        limits=limits,
    ).tests[0]
    assert wrong.outcome is Outcome.WRONG_ANSWER
    assert "two" in (wrong.detail or "").lower()


def test_pytest_runs_where_a_suite_needs_it(run: Run):
    files = {
        "test_add.py": "import pytest\nfrom solution import add\n"
        "@pytest.mark.parametrize('a', [1, 2])\ndef test_add(a):\n    assert add(a, 1) == a + 1\n"
    }
    suite = {"suite": {"files": files, "names": ["test_add[1]", "test_add[2]"]}}
    matrix = run(ADD[Language.PYTHON], language="python", tests=[suite])
    assert matrix.outcome is Outcome.ACCEPTED, matrix.tests[0]


@pytest.mark.parametrize(
    ("source", "outcome"),
    [
        ("print(5, 1)", Outcome.ACCEPTED),
        ("print(3, 3)", Outcome.ACCEPTED),
        ("print(3, 4)", Outcome.WRONG_ANSWER),
        ("print('x')", Outcome.INTERNAL_ERROR),
        ("raise SystemExit(2)", Outcome.RUNTIME_ERROR),
    ],
)
def test_a_checker_decides_in_a_sandbox_of_its_own(run: Run, source: str, outcome: Outcome):
    checker = (
        "import json, sys\norder = json.load(sys.stdin)\n"
        "total = sum(map(int, order['stdout'].split()))\n"
        "right = total == int(order['stdin'])\n"
        "print(json.dumps({'accepted': right, 'detail': f'the sum is {total}'}))\n"
    )
    test = {"stdin": "6", "stdout": "", "compare": "checker"}
    matrix = run(source, checker={"source": checker}, tests=[test])
    assert matrix.tests[0].outcome is outcome
    if outcome is Outcome.WRONG_ANSWER:
        assert matrix.tests[0].detail == "the sum is 7"
