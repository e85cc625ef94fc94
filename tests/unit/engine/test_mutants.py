import ast
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calisota.engine.mutants import mutants_of
from calisota.models import Language
from calisota.rag.grammars import parser_of

PYTHON = '''"""Counts 1 < 2."""
import math

LIMIT: int = 50
WORDS = ["none", "some"]


def clamp(value: int, low: int = 0) -> int:
    """Not below 0 and not above 50."""
    if value < low and not math.isnan(value):
        return low
    # never above 50
    return min(value, LIMIT)


def count(items, wanted):
    found = 0
    for index in range(len(items)):
        if items[index] == wanted or items[index:] is None:
            found += 1
            print("found", found)
    return clamp(found)


def unused():
    return 5


if __name__ == "__main__":
    print(count([1, 2], 2))
'''
RUST = """use std::collections::HashMap;

#[derive(Debug, Clone)]
struct Pair { left: [i32; 2] }

fn most(words: &[String]) -> usize {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut best = 0;
    for word in words {
        let count = seen.entry(word.clone()).or_insert(0);
        *count += 1;
        if *count > best && !word.is_empty() {
            best = *count;
        }
    }
    for i in 0..words.len() {
        println!("{} of 3", i);
    }
    match best {
        1 => return 1,
        _ => {}
    }
    best * 2
}
"""
GO = """package main

import "fmt"

type pair struct { left int `json:"left"` }

func split(text string, at int) (string, error) {
    if at < 0 || at > len(text) {
        return "", fmt.Errorf("bad place %d", at)
    }
    total := 0
    for i := 0; i < at; i++ {
        total += i * 2
    }
    fmt.Println(total)
    return text[at:], nil
}

func even(n int) bool {
    return n%2 == 0
}

func main() {
    split("abc", 1)
}
"""
C = """#include <stdio.h>
#define SIZE 10

static int table[SIZE] = {1, 2, 3};

int sum(const int *items, int n) {
    int total = 0;
    for (int i = 0; i < n; i++) {
        if (items[i] > 0 && items[i] != 7)
            total += items[i];
        else
            total--;
    }
    printf("%d\\n", total);
    return total / 2;
}

int main(void) {
    return sum(table, 3);
}
"""
CPP = """#include <iostream>
#include <vector>

template <int N> struct Box { int inner[3]; };

bool sorted(const std::vector<int>& items) {
    for (std::size_t i = 1; i < items.size(); ++i) {
        if (items[i - 1] > items[i]) return false;
    }
    return true;
}

std::string name(int n) {
    std::vector<std::string> words;
    words.push_back("zero");
    std::cout << "n is " << n << std::endl;
    while (n > 0 and !words.empty()) n -= 2;
    return words[0] + "!";
}
"""
PERL = """use strict;
use warnings;

my %known = (a => 1);

sub longest {
    my ($words, $limit) = @_;
    my $best = '';
    for my $i (0 .. $#$words) {
        my $word = $words->[$i];
        next unless $word =~ /^1+$/ or $known{$word};
        if (length($word) > length($best) && $word ne 'stop') {
            $best = $word;
        }
        $limit -= 1;
        push @$words, "more";
    }
    return "none" if $limit == 0;
    return $best;
}
"""
PROGRAMS = {
    Language.PYTHON: (PYTHON, "count"),
    Language.RUST: (RUST, "most"),
    Language.GO: (GO, "split"),
    Language.C: (C, "sum"),
    Language.CPP: (CPP, "name"),
    Language.PERL: (PERL, "longest"),
}
KNOWN = {
    Language.PYTHON: [
        ("value < low", "value <= low"),
        ("found += 1", "found -= 1"),
        ("found += 1", "pass"),
        ('print("found", found)', "pass"),
        ("clamp(found)", "None"),
        ("(len(items))", "(len(items) - 1)"),
        ("found = 0", "found = 1"),
        ("LIMIT: int = 50", "LIMIT: int = 51"),
        ('"none"', '""'),
        ("items[index] == wanted", "items[index] != wanted"),
    ],
    Language.RUST: [
        ("*count > best && !word.is_empty()", "*count > best || !word.is_empty()"),
        ("*count += 1;", "();"),
        ("0..words.len()", "0..=words.len()"),
        ("best * 2", "best / 2"),
        ("best * 2", "Default::default()"),
    ],
    Language.GO: [
        ("at < 0 || at > len(text)", "at < 0 && at > len(text)"),
        ("i < at", "i < at - 1"),
        ("total += i * 2", "{}"),
        ("text[at:]", "text[at + 1:]"),
        ("return text[at:], nil", 'return "", nil'),
    ],
    Language.C: [
        ("items[i] != 7", "items[i] == 7"),
        ("total--;", ";"),
        ("total / 2", "total * 2"),
        ("total / 2", "0"),
        ("i < n", "i < n + 1"),
    ],
    Language.CPP: [
        ("n > 0 and !words.empty()", "n > 0 or !words.empty()"),
        ('words.push_back("zero");', ";"),
        ('words[0] + "!"', "{}"),
        ('"zero"', '""'),
    ],
    Language.PERL: [
        ("$word ne 'stop'", "$word eq 'stop'"),
        ("$limit -= 1", "1"),
        ("$limit == 0", "$limit != 0"),
        ('"more"', '""'),
        ("0 .. $#$words", "0 .. ($#$words) - 1"),
    ],
}
languages = pytest.mark.parametrize("language", list(Language))


def changed_lines(original, mutant):
    return [
        number
        for number, (a, b) in enumerate(
            zip(original.split("\n"), mutant.source.split("\n"), strict=True), start=1
        )
        if a != b
    ]


@languages
def test_a_program_has_mutants_with_one_fault_each(language):
    source, _ = PROGRAMS[language]
    mutants = mutants_of(source, language, limit=1000)
    assert len(mutants) >= 20
    assert [mutant.id for mutant in mutants] == [f"m{n}" for n in range(len(mutants))]
    assert len({mutant.source for mutant in mutants} | {source}) == len(mutants) + 1
    for mutant in mutants:
        assert changed_lines(source, mutant) == [mutant.line]
        assert mutant.before != mutant.after


@languages
def test_the_usual_faults_are_among_them(language):
    mutants = mutants_of(PROGRAMS[language][0], language, limit=1000)
    pairs = {(mutant.before, mutant.after) for mutant in mutants}
    assert [known for known in KNOWN[language] if known not in pairs] == []


@languages
def test_comments_imports_types_and_docstrings_stay(language):
    source, _ = PROGRAMS[language]
    quiet = (
        "#", "import", "use ", "struct", "type ", "template", '"""', "    #", '    """', "package"
    )  # fmt: skip
    lines = source.split("\n")
    for mutant in mutants_of(source, language, limit=1000):
        assert not lines[mutant.line - 1].startswith(quiet), mutant.before
        assert "println!(" not in lines[mutant.line - 1] or mutant.after == "();"


@languages
def test_every_mutant_parses(language):
    for mutant in mutants_of(PROGRAMS[language][0], language, limit=1000):
        assert not parser_of(language.value).parse(mutant.source.encode()).root_node.has_error
        if language is Language.PYTHON:
            ast.parse(mutant.source)


@languages
def test_the_same_ones_come_every_time_and_a_limit_holds(language):
    source, entry_point = PROGRAMS[language]
    for limit in (0, 1, 7, 15):
        first = mutants_of(source, language, limit=limit, entry_point=entry_point)
        assert first == mutants_of(source, language, limit=limit, entry_point=entry_point)
        assert len(first) == limit


@languages
def test_a_small_limit_is_spread_over_the_program(language):
    source, _ = PROGRAMS[language]
    every = {mutant.line for mutant in mutants_of(source, language, limit=1000)}
    few = Counter(mutant.line for mutant in mutants_of(source, language, limit=10))
    assert len(few) >= 5
    assert max(few) > max(every) / 2
    assert max(few.values()) <= 4


@pytest.mark.parametrize("language", [Language.PYTHON, Language.GO, Language.C])
def test_what_the_entry_point_does_not_reach_is_left_alone(language):
    source, entry_point = PROGRAMS[language]
    lines = source.split("\n")
    mutants = mutants_of(source, language, limit=1000, entry_point=entry_point)
    dead = ("unused", "__main__", "main(", "bool")
    start = next(
        number
        for number, line in enumerate(lines, start=1)
        if any(word in line for word in dead) and not line.startswith("#")
    )
    assert mutants
    assert all(mutant.line < start for mutant in mutants)


def test_the_main_guard_of_a_whole_program_is_no_condition():
    mutants = mutants_of(PYTHON, Language.PYTHON, limit=1000)
    last = [mutant for mutant in mutants if mutant.line >= len(PYTHON.split("\n")) - 2]
    assert last
    assert all("__name__" not in mutant.before for mutant in last)


def test_a_lone_return_a_fraction_and_an_octal_stay():
    source = "int f(int n) { if (n > 07) return 07; return 1.5e3; }"
    pairs = {(m.before, m.after) for m in mutants_of(source, Language.C, limit=99)}
    assert ("n > 07", "n >= 07") in pairs
    assert not any("08" in after or "2.5" in after for _, after in pairs)
    assert mutants_of("def f():\n    return\n", Language.PYTHON, limit=9) == []


def test_what_does_not_parse_has_no_mutants():
    assert mutants_of("def f(:\n  return 1", Language.PYTHON, limit=9) == []
    assert mutants_of("x = '\ud800' + 1", Language.PYTHON, limit=9) == []
    assert mutants_of("(" * 5000 + "1" + ")" * 5000, Language.PYTHON, limit=9) == []
    assert mutants_of("int f( { return 1; }", Language.C, limit=9) == []


FRAGMENTS = st.lists(
    st.sampled_from(
        "if else while for in range ( ) [ ] { } : ; , \n == < <= + += - * / % 0 1 -1 x f return "
        "def fn func sub int my $x ! not and && || .. ..= \"a\" 'b' # // True true None = => my "
        'break match case switch let mut ? & \t #if #endif <<EOF f"{ -> | :='.split(" ")
    ),
    max_size=40,
).map(" ".join)


@settings(max_examples=300, deadline=None)
@given(st.text() | FRAGMENTS, st.sampled_from(list(Language)), st.integers(-1, 9))
def test_any_text_is_answered(text, language, limit):
    mutants = mutants_of(text, language, limit=limit, entry_point="f")
    assert len(mutants) <= max(limit, 0)
    assert all(mutant.source != text for mutant in mutants)
    if language is Language.PYTHON:
        for mutant in mutants:
            ast.parse(mutant.source)


RIGHT = {
    "fib": (
        """
def fib(n):
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a
""",
        [(n,) for n in range(12)],
    ),
    "median": (
        """
def median(items):
    ordered = sorted(items)
    middle = len(ordered) // 2
    if len(ordered) % 2 == 1:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2
""",
        [([3],), ([1, 9],), ([5, 1, 3],), ([4, 4, 1, 8],), ([7, 1, 2, 9, 30],)],
    ),
    "is_prime": (
        """
def is_prime(n):
    if n < 2:
        return False
    divisor = 2
    while divisor * divisor <= n:
        if n % divisor == 0:
            return False
        divisor += 1
        if divisor > 1000:
            raise OverflowError("too far")
    return True
""",
        [(n,) for n in (-3, 0, 1, 2, 3, 4, 9, 15, 25, 29, 49, 97)],
    ),
}


def behaviour(source, name, calls):
    """The answers, with an endless loop broken by a bound on lines."""
    namespace = {}
    exec(compile(source, "<own>", "exec"), namespace)  # noqa: S102  # our own programs
    return [answer(namespace[name], call) for call in calls]


def answer(function, call):
    import sys  # noqa: PLC0415

    left = 5000

    def trace(_frame, _event, _arg):
        nonlocal left
        left -= 1
        if left < 0:
            raise TimeoutError
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        return repr(function(*call))
    except Exception as error:  # noqa: BLE001  # any exception is a behaviour
        return type(error).__name__
    finally:
        sys.settrace(before)


@pytest.mark.parametrize("name", RIGHT)
def test_most_mutants_of_a_right_function_behave_otherwise(name):
    source, calls = RIGHT[name]
    mutants = mutants_of(source, Language.PYTHON, limit=100, entry_point=name)
    right = behaviour(source, name, calls)
    killed = [mutant for mutant in mutants if behaviour(mutant.source, name, calls) != right]
    assert len(mutants) >= 8
    assert len(killed) / len(mutants) >= 0.7
