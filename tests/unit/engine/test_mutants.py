"""Mutants of programs in six languages."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calisota.engine.mutants import mutants_of
from calisota.models import Language

PROGRAMS = {
    Language.PYTHON: '''
import math  # 1 + 1


def median(xs: list[int]) -> float:
    """Return 1 + 1, not really."""
    xs = sorted(xs)
    half = len(xs) // 2
    if len(xs) % 2 == 1 and not False:
        return xs[half]
    total = 0
    for x in xs[half - 1 : half + 1]:
        total += x
    return total / 2
''',
    Language.RUST: """
use std::cmp::max; // 1 + 1
fn longest(xs: &Vec<i64>) -> i64 {
    let mut best = 0;
    let mut run = 1;
    for i in 1..xs.len() {
        if xs[i] > xs[i - 1] && true { run += 1; } else { run = 1; }
        best = max(best, run);
    }
    return best * 2;
}
""",
    Language.GO: """
package main

import "fmt"

func count(xs []int, k int) int {
	n := 0
	for i := 0; i < len(xs); i++ {
		if xs[i] == k || !ok(xs[i]) {
			n += 1
		}
	}
	fmt.Println("1 + 1")
	return n - 1
}
""",
    Language.C: """
#include <stdio.h>
/* 1 + 1 */
int gcd(int a, int b)
{
    while (b != 0 && a > 0) {
        int t = a % b;
        a = b;
        b = t;
    }
    printf("1 + 1");
    return a + 0;
}
""",
    Language.CPP: """
#include <vector>
std::vector<int> twice(const std::vector<int> &xs)
{
    std::vector<int> out;
    for (size_t i = 0; i < xs.size(); ++i) {
        if (!(xs[i] <= 3)) out.push_back(xs[i] * 2);
    }
    return out;
}
""",
    Language.PERL: """
use strict;
# 1 + 1
sub is_prime {
    my ($n) = @_;
    return 0 if $n < 2;
    for (my $i = 2; $i * $i <= $n; $i++) {
        if ($n % $i == 0) { return 0; }
    }
    return 1;
}
""",
}

FIB = """
def fib(n):
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a
"""


@pytest.mark.parametrize("language", PROGRAMS)
def test_a_program_in_each_language_has_mutants_of_its_code_only(language: Language):
    source = PROGRAMS[language]
    found = mutants_of(source, language, limit=50)
    assert len(found) >= 6, [str(one) for one in found]
    assert len({one.source for one in found} | {source}) == len(found) + 1
    for one in found:
        if "1 + 1" not in one.before:  # the whole statement went
            assert source.count("1 + 1") == one.source.count("1 + 1"), one
        changed = source.splitlines()[one.line - 1]
        assert one.before in " ".join(changed.split()), one
        for fixed in ("import", "#include", "use ", "package", "vector<int>", "Vec<i64>"):
            assert source.count(fixed) == one.source.count(fixed), one


def test_few_mutants_are_of_many_kinds():
    found = mutants_of(PROGRAMS[Language.PYTHON], Language.PYTHON, limit=6)
    assert len({one.line for one in found}) >= 3, [str(one) for one in found]
    assert found == mutants_of(PROGRAMS[Language.PYTHON], Language.PYTHON, limit=6)


@pytest.mark.parametrize(
    ("source", "entry", "inputs"),
    [
        (
            FIB,
            "fib",
            [(n,) for n in range(12)],
        ),
        (PROGRAMS[Language.PYTHON], "median", [([3, 1, 2],), ([4, 1, 2, 9],), ([7],)]),
    ],
)
def test_most_mutants_of_a_right_program_behave_differently(source, entry, inputs):
    def behaviour(text: str) -> list[object]:
        scope: dict[str, object] = {}
        exec(text, scope)  # noqa: S102  # our own programs
        answers: list[object] = []
        for one in inputs:
            try:
                answers.append(scope[entry](*one))  # type: ignore[operator]
            except Exception as error:  # noqa: BLE001  # a mutant may raise anything
                answers.append(type(error))
        return answers

    right = behaviour(source)
    found = mutants_of(source, Language.PYTHON, limit=20)
    different = [one for one in found if behaviour(one.source) != right]
    assert len(different) >= 0.8 * len(found), [str(m) for m in found if m not in different]


@given(st.text(max_size=300), st.sampled_from(Language))
def test_any_text_has_mutants_or_none(text: str, language: Language):
    for one in mutants_of(text, language, limit=5):
        assert one.source != text
        if language is Language.PYTHON:
            ast.parse(one.source)
