import pytest

from calisota.models import Outcome

pytestmark = pytest.mark.docker

ADD = "def add(a, b):\n    print('noise')\n    return a + b\n"
CALL = {"call": {"args": [1, 2]}, "returns": 3}


def outcomes(matrix):
    return [test.outcome.value for test in matrix.tests]


def test_a_right_function_is_accepted_and_its_output_is_kept_apart_from_its_value(execute):
    matrix = execute(ADD, CALL, {"call": {"args": ["a", "b"]}, "returns": "ab"}, entry_point="add")
    assert (matrix.outcome, matrix.passed()) == (Outcome.ACCEPTED, 2)
    assert matrix.tests[0].stdout == "noise\n"
    assert matrix.tests[0].cpu_s > 0
    assert matrix.tests[0].memory_bytes > 2**20


def test_each_fault_of_a_function_is_the_programs_own(execute):
    source = (
        "import os, sys\n"
        "def f(kind):\n"
        "    if kind == 'raise': raise ValueError('here')\n"
        "    if kind == 'exit': sys.exit(0)\n"
        "    if kind == '_exit': os._exit(0)\n"
        "    return {'set': {1}, 'nan': float('nan'), 'big': 10**5000, 'keys': {1: 2},\n"
        "            'tuple': (1, 2), 'bool': True, 'cycle': None}[kind]\n"
    )
    kinds = "raise exit _exit set nan big keys tuple bool".split()
    tests = [{"call": {"args": [kind]}, "returns": [1, 2]} for kind in kinds]
    matrix = execute(source, *tests, entry_point="f")
    assert outcomes(matrix) == ["runtime_error"] * 3 + ["wrong_answer"] * 4 + [
        "accepted",
        "wrong_answer",
    ]
    assert "ValueError: here" in matrix.tests[0].detail
    assert "driver.py" not in matrix.tests[0].stderr


def test_a_code_test_must_run_to_its_end(execute):
    tests = [
        {"code": "assert add(1, 1) == 2"},
        {"code": "assert add(1, 1) == 3"},
        {"code": "import os\nos._exit(0)"},
        {"code": "raise SystemExit(0)"},
    ]
    matrix = execute(ADD, *tests, entry_point="add")
    assert outcomes(matrix) == ["accepted"] + ["runtime_error"] * 3
    assert all(test.cooperative for test in matrix.tests)


def test_a_whole_program_reads_stdin_arguments_and_files(execute):
    source = (
        "import sys, util\n"
        "print(input(), sys.argv[1:], open('data/in.txt').read(), util.X, sep='|')\n"
    )
    matrix = execute(
        source,
        {"stdin": "7\n", "argv": ["-a", "b c"], "stdout": "7|['-a', 'b c']|text|1\n"},
        files={"data/in.txt": "text", "util.py": "X = 1"},
    )
    assert matrix.outcome is Outcome.ACCEPTED


def test_a_program_that_does_not_parse_is_a_compile_error_with_the_reason(execute):
    matrix = execute("def add(a, b)\n    return a + b\n", CALL, entry_point="add")
    assert (matrix.outcome, outcomes(matrix)) == (Outcome.COMPILE_ERROR, ["compile_error"])
    assert "expected ':'" in matrix.build_stderr


def test_without_tests_the_candidate_must_import_and_have_its_entry_point(execute):
    assert execute(ADD, entry_point="add").outcome is Outcome.ACCEPTED
    missing = execute(ADD, entry_point="sub")
    assert (missing.outcome, missing.tests) == (Outcome.RUNTIME_ERROR, [])
    assert "no function sub" in missing.build_stderr
    assert execute("print(input())").outcome is Outcome.ACCEPTED


def test_an_answer_without_a_program_starts_no_container(execute):
    assert execute(None, CALL, entry_point="add").outcome is Outcome.COMPILE_ERROR


def test_a_long_argument_and_a_large_input_arrive_whole(execute):
    argument, text = "x" * 4096, "é" * 900_000
    matrix = execute(
        "import sys\nprint(sum(map(len, sys.argv[1:])), len(sys.stdin.read()))",
        {"argv": [argument] * 60, "stdin": text, "stdout": "245760 900000"},
    )
    assert matrix.outcome is Outcome.ACCEPTED


def test_nul_and_bad_utf8_are_compared_as_bytes_and_shown_escaped(execute):
    matrix = execute(
        "import sys\nsys.stdout.buffer.write(bytes([0, 255]) + b'\\x1b[31m')",
        {"stdout": "x"},
    )
    assert matrix.outcome is Outcome.WRONG_ANSWER
    assert matrix.tests[0].stdout == "\\x00\\xff\\x1b[31m"


def test_input_that_nobody_reads_does_no_harm(execute):
    assert execute("print(1)", {"stdin": "x" * 1_000_000, "stdout": "1"}).passed() == 1


def test_a_hundred_tests_run_in_one_container(execute):
    tests = [{"call": {"args": [n, 1]}, "returns": n + 1} for n in range(100)]
    assert execute(ADD, *tests, entry_point="add").passed() == 100
