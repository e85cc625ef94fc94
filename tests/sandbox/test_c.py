import pytest

from calisota.models import Outcome
from calisota.sandbox import cells

pytestmark = pytest.mark.docker

SQUARE = (
    "#include <math.h>\n#include <stdio.h>\n"
    'int main(void) { double n; if (scanf("%lf", &n) != 1) return 1;\n'
    '  printf("%.0f\\n", pow(n, 2)); return 0; }\n'
)
TEST = {"stdin": "3\n", "stdout": "9\n"}


def test_a_program_is_built_once_and_passes_its_tests(execute):
    matrix = execute(SQUARE, TEST, {"stdin": "-4", "stdout": "16"}, language="c")
    assert (matrix.outcome, matrix.passed()) == (Outcome.ACCEPTED, 2)


def test_a_build_has_more_memory_than_a_problem_with_little(execute):
    hog = (
        "#include <stdlib.h>\n#include <string.h>\n"
        "int main(void) { for (;;) { char *p = malloc(1 << 20); memset(p, 1, 1 << 20); } }\n"
    )
    limits = {"memory_mb": 16}
    assert execute(SQUARE, TEST, language="c", limits=limits).outcome is Outcome.ACCEPTED
    hungry = execute(hog, TEST, language="c", limits=limits)
    assert hungry.outcome is Outcome.MEMORY_LIMIT


def test_the_compilers_words_are_kept(execute):
    matrix = execute("int main(void) { return x; }", TEST, language="c")
    assert matrix.outcome is Outcome.COMPILE_ERROR
    assert "undeclared" in matrix.build_stderr
    assert execute("int main(void) { return x; }", language="c").tests == []


def test_a_crash_names_its_signal(execute):
    source = "#include <stdlib.h>\nint main(void) { abort(); }"
    matrix = execute(source, TEST, language="c")
    assert (matrix.outcome, matrix.tests[0].detail) == (
        Outcome.RUNTIME_ERROR,
        "killed by SIGABRT",
    )


def test_a_build_that_never_ends_is_a_compile_error(execute, monkeypatch):
    monkeypatch.setattr(cells, "BUILD_WALL_S", 1)
    again = "#include __FILE__\n"
    main = "#if __INCLUDE_LEVEL__ == 0\nint main(void) { return 0; }\n#endif\n"
    source = f"#if __INCLUDE_LEVEL__ < 100\n{again}{again}#endif\n{main}"
    matrix = execute(source, TEST, language="c")
    assert matrix.outcome is Outcome.COMPILE_ERROR
    assert matrix.build_stderr.startswith("the build took too long")


def test_a_build_cannot_read_what_is_not_for_it(execute):
    for path in ("/proc/1/environ", "/proc/1/mem", "/etc/shadow"):
        matrix = execute(f'#include "{path}"\nint main(void) {{ }}', TEST, language="c")
        assert matrix.outcome is Outcome.COMPILE_ERROR
        assert f"fatal error: {path}" in matrix.build_stderr


def test_a_build_that_includes_an_endless_file_is_stopped(execute):
    matrix = execute('#include "/dev/zero"\nint main(void) { }', TEST, language="c")
    assert matrix.outcome is Outcome.COMPILE_ERROR


def test_without_tests_a_program_must_build(execute):
    assert execute(SQUARE, language="c").outcome is Outcome.ACCEPTED
