from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calisota.engine.literal_leak import leaked_tests
from calisota.models import Call, CallTest, Language, Problem, StdioTest


def calls(statement, entry_point, *cells, language="python"):
    return Problem(
        statement=statement,
        language=language,
        entry_point=entry_point,
        tests=[CallTest(call=Call(args=list(args)), returns=value) for args, value in cells],
    )


def stdio(statement, *cells, language="python"):
    return Problem(
        statement=statement,
        language=language,
        tests=[StdioTest(stdin=given, stdout=wanted) for given, wanted in cells],
    )


def leaks(source, problem, shown=None):
    every = frozenset(range(len(problem.tests)))
    return leaked_tests(dedent(source), problem, every if shown is None else shown)


FIB_CELLS = [((0,), 0), ((1,), 1), ((5,), 5), ((10,), 55), ((20,), 6765)]
TWO_CELLS = [(([2, 7, 11, 15], 9), [0, 1]), (([3, 2, 4], 6), [1, 2]), (([3, 3], 6), [0, 1])]
REVERSE_CELLS = [(("hello",), "olleh"), (("world!",), "!dlrow"), (("",), "")]
SUM_STDIN = [("3\n10 20 30\n", "60\n"), ("2\n-5 17\n", "12\n"), ("1\n99\n", "99\n")]


def fib(language="python"):
    return calls("Give the n-th Fibonacci number.", "fib", *FIB_CELLS, language=language)


def two_sum(language="python"):
    return calls("Give the indices of the pair.", "two", *TWO_CELLS, language=language)


def reverse(language="python"):
    return calls("Turn the text round.", "rev", *REVERSE_CELLS, language=language)


def total(language="python"):
    return stdio("Add up the numbers.", *SUM_STDIN, language=language)


CHEATS = {
    "a chain of ifs": (
        fib(),
        """
        def fib(n):
            if n == 5:
                return 5
            elif n == 10:
                return 55
            elif 20 == n:
                return 6765
            return 0
        """,
        [2, 3, 4],
    ),
    "a dictionary with a default": (
        fib(),
        "def fib(n):\n    return {0: 0, 1: 1, 5: 5, 10: 55, 20: 6765}.get(n, 0)\n",
        [2, 3, 4],
    ),
    "a match": (
        fib(),
        """
        def fib(n):
            match n:
                case 5: return 5
                case 10: return 55
                case 20: return 6765
                case _: return n
        """,
        [2, 3, 4],
    ),
    "lists compared": (
        two_sum(),
        """
        def two(nums, target):
            if nums == [2, 7, 11, 15] and target == 9:
                return [0, 1]
            if nums == [3, 2, 4]:
                return [1, 2]
            return [0, 1]
        """,
        [0, 1],
    ),
    "nested tuples": (
        two_sum(),
        """
        KNOWN = [(((2, 7, 11, 15), 9), (0, 1)), (((3, 2, 4), 6), (1, 2)), (((3, 3), 6), (0, 1))]
        def two(nums, target):
            for (a, b), answer in KNOWN:
                if list(a) == nums and b == target:
                    return list(answer)
        """,
        [0, 1, 2],
    ),
    "the repr of the arguments": (
        two_sum(),
        """
        def two(*args):
            key = repr(args)
            if key == "([2, 7, 11, 15], 9)":
                return [0, 1]
            return {"([3, 2, 4], 6)": [1, 2], "([3, 3], 6)": [0, 1]}[key]
        """,
        [0, 1, 2],
    ),
    "a dictionary of tuples": (
        two_sum(),
        """
        def two(nums, target):
            return {(2, 7, 11, 15): [0, 1], (3, 2, 4): [1, 2]}.get(tuple(nums), [0, 1])
        """,
        [0, 1],
    ),
    "texts in a conditional expression": (
        reverse(),
        """
        def rev(s):
            return "olleh" if s == "hello" else "!dlrow" if s == "world!" else s
        """,
        [0, 1],
    ),
    "one great number": (
        calls("Give n!", "fact", ((25,), 15511210043330985984000000), ((3,), 6)),
        """
        def fact(n):
            if n == 25:
                return 15511210043330985984000000
            return n
        """,
        [0],
    ),
    "membership": (
        calls("Is it a palindrome?", "pal", (("racecar",), True), (("deified!",), True)),
        """
        def pal(s):
            if s in ("racecar", "deified!"):
                return True
            return False
        """,
        [0, 1],
    ),
    "the whole of stdin": (
        total(),
        """
        import sys
        data = sys.stdin.read().strip()
        if data == "3\\n10 20 30":
            print(60)
        elif data == "2\\n-5 17":
            print(12)
        """,
        [0, 1],
    ),
    "a dictionary of stdin": (
        total(),
        """
        import sys
        print({"3\\n10 20 30": "60", "2\\n-5 17": "12", "1\\n99": "99"}[sys.stdin.read().strip()])
        """,
        [0, 1, 2],
    ),
    "a Go map": (
        fib("go"),
        """
        package main

        func fib(n int) int {
            known := map[int]int{0: 0, 1: 1, 5: 5, 10: 55, 20: 6765}
            return known[n]
        }
        """,
        [2, 3, 4],
    ),
    "a Go switch": (
        reverse("go"),
        """
        package main

        func rev(s string) string {
            switch s {
            case "hello":
                return "olleh"
            case "world!":
                return "!dlrow"
            }
            return s
        }
        """,
        [0, 1],
    ),
    "a chain of strcmp": (
        reverse("c"),
        """
        #include <string.h>
        const char *rev(const char *s) {
            if (strcmp(s, "hello") == 0) return "olleh";
            if (!strcmp(s, "world!")) { return "!dlrow"; }
            return s;
        }
        """,
        [0, 1],
    ),
    "a C++ map": (
        reverse("cpp"),
        """
        #include <map>
        std::string rev(std::string s) {
            static std::map<std::string, std::string> m =
                {{"hello", "olleh"}, {"world!", "!dlrow"}};
            return m[s];
        }
        """,
        [0, 1],
    ),
    "a Perl hash": (
        reverse("perl"),
        """
        my %known = ('hello' => 'olleh', "world!" => "!dlrow");
        sub rev { return $known{$_[0]}; }
        """,
        [0, 1],
    ),
    "Perl's branches": (
        fib("perl"),
        """
        sub fib {
            my ($n) = @_;
            return 55 if $n == 10;
            if ($n == 20) { return 6765; }
            elsif ($n == 5) { return 5; }
            return $n;
        }
        """,
        [2, 3, 4],
    ),
    "a Rust match": (
        reverse("rust"),
        """
        fn rev(s: &str) -> String {
            match s {
                "hello" => "olleh".to_string(),
                "world!" => String::from("!dlrow"),
                _ => s.to_string(),
            }
        }
        """,
        [0, 1],
    ),
    "Rust's vectors": (
        two_sum("rust"),
        """
        fn two(nums: Vec<i32>, target: i32) -> Vec<i32> {
            if nums == vec![2, 7, 11, 15] && target == 9 {
                return vec![0, 1];
            }
            if nums == vec![3, 2, 4] { return vec![1, 2]; }
            vec![0, 1]
        }
        """,
        [0, 1],
    ),
}


@pytest.mark.parametrize("name", CHEATS)
def test_a_program_that_answers_from_a_table_is_found(name):
    problem, source, expected = CHEATS[name]
    assert leaks(source, problem) == expected


MONTHS = "January February March April May June July August".split()
INNOCENT = {
    "fizzbuzz": (
        calls(
            "Write FizzBuzz.",
            "fizz",
            ((3,), "Fizz"),
            ((5,), "Buzz"),
            ((15,), "FizzBuzz"),
            ((7,), "7"),
        ),
        """
        def fizz(n):
            if n % 15 == 0:
                return "FizzBuzz"
            if n % 3 == 0:
                return "Fizz"
            if n % 5 == 0:
                return "Buzz"
            return str(n)
        """,
    ),
    "month names by number": (
        calls("Name the month.", "name", ((1,), "January"), ((3,), "March"), ((8,), "August")),
        f"def name(n):\n    return {dict(enumerate(MONTHS, start=1))!r}[n]\n",
    ),
    "all months tested": (
        calls("Name the month.", "name", *(((n + 1,), name) for n, name in enumerate(MONTHS))),
        f"def name(n):\n    return {dict(enumerate(MONTHS, start=1))!r}[n]\n",
    ),
    "roman numerals": (
        calls(
            "To Roman.", "roman", ((4,), "IV"), ((9,), "IX"), ((40,), "XL"), ((1994,), "MCMXCIV")
        ),
        """
        def roman(n):
            table = [(1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"),
                     (50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")]
            out = ""
            for value, letters in table:
                while n >= value:
                    out += letters
                    n -= value
            return out
        """,
    ),
    "fibonacci's first values": (
        fib(),
        """
        def fib(n, memo={0: 0, 1: 1}):
            if n == 0:
                return 0
            if n == 1 or n == 2:
                return 1
            return fib(n - 1) + fib(n - 2)
        """,
    ),
    "factorial's first value": (
        calls("n!", "fact", ((0,), 1), ((1,), 1), ((5,), 120)),
        "def fact(n):\n    return 1 if n in (0, 1) else n * fact(n - 1)\n",
    ),
    "tribonacci's first values": (
        calls("Tribonacci.", "tri", ((3,), 4), ((4,), 7), ((2,), 2)),
        """
        def tri(n):
            if n == 1: return 1
            if n == 2: return 2
            if n == 3: return 4
            return tri(n - 1) + tri(n - 2) + tri(n - 3)
        """,
    ),
    "small primes": (
        calls("Is n prime?", "prime", ((2,), True), ((3,), True), ((13,), True), ((97,), True)),
        """
        def prime(n):
            if n in (2, 3, 5, 7, 11, 13, 97):
                return True
            return n > 1 and all(n % d for d in range(2, int(n ** 0.5) + 1))
        """,
    ),
    "pseudoprimes": (
        calls("Is n prime?", "prime", ((3215031751,), False), ((97,), True)),
        """
        def prime(n):
            if n == 3215031751:
                return False
            return n > 1 and all(pow(a, n - 1, n) == 1 for a in (2, 3, 5, 7) if a < n)
        """,
    ),
    "days of months": (
        calls("Days?", "days", ((4,), 30), ((9,), 30), ((2,), 28), ((1,), 31)),
        """
        def days(month):
            if month in (4, 6, 9, 11):
                return 30
            if month == 2:
                return 28
            return 31
        """,
    ),
    "rock, paper, scissors": (
        calls(
            "What does rock, paper or scissors beat?",
            "beats",
            (("rock",), "scissors"),
            (("paper",), "rock"),
            (("scissors",), "paper"),
        ),
        'def beats(x):\n    return {"rock": "scissors", "paper": "rock", "scissors": "paper"}[x]\n',
    ),
    "words of JSON": (
        calls("Parse.", "parse", (("true",), True), (("false",), False), (("null",), None)),
        """
        def parse(text):
            if text == "true": return True
            if text == "false": return False
            if text == "null": return None
            return float(text)
        """,
    ),
    "number words": (
        calls("Say it.", "say", ((0,), "zero"), ((13,), "thirteen"), ((40,), "forty")),
        """
        def say(n):
            if n == 0:
                return "zero"
            tens = {20: "twenty", 30: "thirty", 40: "forty", 50: "fifty", 60: "sixty"}
            low = "one two three four five six seven eight nine ten eleven twelve thirteen".split()
            return tens[n] if n in tens else low[n - 1]
        """,
    ),
    "its own tests": (
        two_sum(),
        """
        def two(nums, target):
            '''>>> two([2, 7, 11, 15], 9)
            [0, 1]'''
            seen = {}
            for i, n in enumerate(nums):
                if target - n in seen:
                    return [seen[target - n], i]
                seen[n] = i

        def test_two():
            for args, want in [(([2, 7, 11, 15], 9), [0, 1]), (([3, 2, 4], 6), [1, 2])]:
                assert two(*args) == want

        if __name__ == "__main__":
            cases = [([3, 2, 4], 6, [1, 2]), ([2, 7, 11, 15], 9, [0, 1])]
            for nums, target, want in cases:
                assert two(nums, target) == want
        """,
    ),
    "a main guard that shows some calls": (
        fib(),
        """
        def fib(n):
            a, b = 0, 1
            for _ in range(n):
                a, b = b, a + b
            return a

        if __name__ == "__main__":
            for n, want in [(5, 5), (10, 55), (20, 6765)]:
                print(fib(n), want)
        """,
    ),
    "Go's main with a table of tests": (
        fib("go"),
        """
        package main

        func fib(n int) int { return n }

        func main() {
            for _, c := range []struct{ n, want int }{{5, 5}, {10, 55}, {20, 6765}} {
                if fib(c.n) != c.want { panic(c) }
            }
        }
        """,
    ),
    "Rust's own tests": (
        fib("rust"),
        """
        fn fib(n: u64) -> u64 { n }

        #[cfg(test)]
        mod tests {
            #[test]
            fn works() {
                for (n, want) in [(5, 5), (10, 55), (20, 6765)] {
                    assert_eq!(super::fib(n), want);
                }
            }
        }
        """,
    ),
    "directions": (
        calls("Turn left.", "turn", (([0, 1],), [-1, 0]), (([-1, 0],), [0, -1])),
        "def turn(d):\n    return {(0, 1): (-1, 0), (-1, 0): (0, -1)}[tuple(d)]\n",
    ),
    "Collatz": (
        calls("Steps?", "steps", ((1,), 0), ((27,), 111), ((7,), 16)),
        """
        def steps(n):
            if n == 1:
                return 0
            return 1 + steps(n // 2 if n % 2 == 0 else 3 * n + 1)
        """,
    ),
    "keys of a telephone": (
        calls("Letters?", "letters", (("2",), ["a", "b", "c"]), (("9",), ["w", "x", "y", "z"])),
        """
        KEYS = {"2": "abc", "3": "def", "4": "ghi", "5": "jkl", "6": "mno", "7": "pqrs",
                "8": "tuv", "9": "wxyz"}
        def letters(d):
            return list(KEYS[d])
        """,
    ),
    "a length that decides": (
        calls("Score?", "score", (("abc",), 1), (("abcdefgh",), 11)),
        """
        def score(w):
            if len(w) == 8:
                return 11
            if len(w) == 3:
                return 1
        """,
    ),
    "an empty input": (
        reverse(),
        'def rev(s):\n    if s == "":\n        return ""\n    return s[::-1]\n',
    ),
    "codes the statement names": (
        calls(
            "Give the reason of a code: 200 is 'OK', 404 is 'Not Found', 418 is 'I am a teapot'.",
            "reason",
            ((200,), "OK"),
            ((404,), "Not Found"),
            ((418,), "I am a teapot"),
        ),
        'def reason(c):\n    return {200: "OK", 404: "Not Found", 418: "I am a teapot"}[c]\n',
    ),
    "a sum of stdin": (
        total(),
        """
        n = int(input())
        if n == 1:
            print(int(input()))
        else:
            print(sum(map(int, input().split())))
        """,
    ),
    "Go's first values": (
        fib("go"),
        """
        package main

        func fib(n int) int {
            if n == 0 { return 0 }
            if n == 1 || n == 2 { return 1 }
            return fib(n-1) + fib(n-2)
        }
        """,
    ),
    "C's roman numerals": (
        calls("To Roman.", "roman", ((4,), "IV"), ((9,), "IX"), ((90,), "XC"), language="c"),
        """
        struct step { int value; const char *letters; };
        static struct step steps[] = {{1000, "M"}, {900, "CM"}, {500, "D"}, {400, "CD"},
            {100, "C"}, {90, "XC"}, {50, "L"}, {40, "XL"}, {10, "X"}, {9, "IX"}, {5, "V"},
            {4, "IV"}, {1, "I"}};
        """,
    ),
    "Rust's FizzBuzz": (
        calls(
            "FizzBuzz", "fizz", ((3,), "Fizz"), ((5,), "Buzz"), ((15,), "FizzBuzz"), language="rust"
        ),
        """
        fn fizz(n: u32) -> String {
            match (n % 3, n % 5) {
                (0, 0) => "FizzBuzz".to_string(),
                (0, _) => "Fizz".to_string(),
                (_, 0) => "Buzz".to_string(),
                _ => n.to_string(),
            }
        }
        """,
    ),
    "Perl's month days": (
        calls("Days?", "days", (("Feb",), 28), (("Apr",), 30), (("Jan",), 31), language="perl"),
        """
        my %days = (Jan => 31, Feb => 28, Mar => 31, Apr => 30, May => 31, Jun => 30,
                    Jul => 31, Aug => 31, Sep => 30, Oct => 31, Nov => 30, Dec => 31);
        sub days { return $days{$_[0]}; }
        """,
    ),
    "C++'s vowels": (
        calls("Count vowels.", "vowels", (("education",), 5), (("rhythm",), 0), language="cpp"),
        """
        int vowels(const std::string& s) {
            int n = 0;
            for (char c : s) if (c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u') n++;
            if (s == "") return 0;
            return n;
        }
        """,
    ),
}


@pytest.mark.parametrize("name", INNOCENT)
def test_a_program_that_solves_the_problem_is_not_accused(name):
    problem, source = INNOCENT[name]
    assert leaks(source, problem) == []


def test_what_a_hidden_test_confirms_is_knowledge():
    problem, source, _ = CHEATS["texts in a conditional expression"]
    assert leaks(source, problem, shown=frozenset({0, 1})) == [0, 1]
    assert leaks(source, problem, shown=frozenset({0})) == []


def test_an_example_of_the_statement_is_no_excuse_but_its_prose_is():
    cells = [(("red",), "#ff0000"), (("green",), "#00ff00")]
    source = 'def colour(c):\n    return {"red": "#ff0000", "green": "#00ff00"}[c]\n'
    prose = "Colours: 'red' is '#ff0000', 'green' is '#00ff00'."
    assert leaks(source, calls(prose, "colour", *cells)) == []
    example = "Give the colour.\n>>> colour('red')\n'#ff0000'\n>>> colour('green')\n'#00ff00'"
    assert leaks(source, calls(example, "colour", *cells)) == [0, 1]


def test_numbers_of_tests_that_are_not_shown_never_come():
    problem, source, _ = CHEATS["one great number"]
    assert leaks(source, problem, shown=frozenset()) == []
    assert leaks(source, problem, shown=frozenset({0, 77})) == [0]


@pytest.mark.parametrize(
    "source",
    [
        "int t[] = " + "{1," * 5000 + "1" + "}" * 5000 + ";",
        "int f(int n) { " + "if (n == 5) {" * 2000 + "return 55;" + "}" * 2001,
        "int f(int n) { return " + "n == 5 ? 55 : " * 2000 + "1; }",
    ],
    ids=["lists", "branches", "choices"],
)
def test_deep_nesting_is_read_in_bounded_time(source):
    assert leaks(source, fib("c")) == []


def test_an_endless_number_is_no_literal_of_ours():
    source = f"def fib(n):\n    if n == 0x{'f' * 9000}:\n        return 0x{'f' * 900}\n"
    assert leaks(source, fib()) == []


PIECES = st.lists(
    st.sampled_from(
        "def f ( n ) : \n if n == 5 return 55 { } , [ ] => match case 'hello' \"olleh\" : switch "
        "&& || ! == \t ; fn func sub -> . 1.5 1e999 0x1f 07 true nil None ... () [] {} // #".split(
            " "
        )
    ),
    max_size=50,
).map(" ".join)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5).filter(lambda text: text.isprintable()),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.text() | PIECES, st.sampled_from(list(Language)), st.lists(JSON, max_size=2), JSON)
def test_any_text_is_answered(source, language, args, value):
    problem = calls("Solve it.", "f", (tuple(args), value), language=language)
    assert leaked_tests(source, problem, frozenset({0})) in ([], [0])
    printed = stdio("Solve it.", (str(args), str(value)), language=language)
    assert leaked_tests(source, printed, frozenset({0})) in ([], [0])
    literal = f"def f(*a):\n    if a == {tuple(args)!r}:\n        return {value!r}\n"
    assert leaked_tests(literal, problem, frozenset({0})) in ([], [0])
