"""The call driver: runs beside a Python candidate, in the candidate's own process.

    python3 driver.py call|code|load|suite  <order.json  3>value

It imports only what is in the interpreter already: `json`, `importlib` and `site` cost more than
Python's start.

It knows no expected value of a call; what it writes on descriptor 3 is data for the host's judge.
`call` writes `{"value": …}` or `{"unsupported": "<type>"}`, `code` and `load` write
`{"completed": true}` when they ran to their end, `suite` writes `{"cases": {name: passed}}`. An
exception ends with status 1.

Not covered: a candidate may write to descriptor 3 itself. For a call it gains nothing, since it
does not know the answer; for `code` and `suite` it can forge the record, so those are cooperative.
"""

from __future__ import annotations

import _json
import _sitebuiltins
import builtins
import sys
from posix import _exit, write

SOURCE = "/work/src"
VALUE_FD = 3
MAX_DEPTH = 200
NAN, INFINITY = float("nan"), float("inf")
LIBRARIES = "/usr/local/lib/python3.13/dist-packages", "/usr/lib/python3/dist-packages"


class _Reader:
    """What `json.JSONDecoder` sets up; that module itself costs 10 ms, most of it for `re`."""

    strict = True
    object_hook = object_pairs_hook = None
    parse_float, parse_int = float, int
    parse_constant = {"NaN": NAN, "Infinity": INFINITY, "-Infinity": -INFINITY}.__getitem__


_scan = _json.make_scanner(_Reader)
_chunks = _json.make_encoder(
    None, None, _json.encode_basestring_ascii, None, ": ", ", ", False, False, False
)


def dumps(record: dict) -> str:
    """JSON of plain data. Raises: ValueError: a number that has no JSON form."""
    return "".join(_chunks(record, 0))


def own_frame(name: str) -> bool:
    """Whether a traceback's frame is the driver's or the import system's."""
    return name.startswith((main.__code__.co_filename, "<frozen importlib"))


class Unsupported(Exception):
    """The value has no JSON form that keeps its type."""


def typed(value: object, depth: int = 0) -> object:
    """`value` as plain JSON data; exact built-in types only, a tuple counts as a list.

    Raises: Unsupported: a set, an object, a subclass of int, a key that is no string.
    """
    kind = type(value)
    if depth > MAX_DEPTH:
        raise Unsupported(f"nested deeper than {MAX_DEPTH}")
    if value is None or kind is bool or kind is int or kind is str:
        return value
    if kind is float:
        if value - value == 0:  # neither infinite nor NaN
            return value
        raise Unsupported(f"float {value}")
    if kind is list or kind is tuple:
        return [typed(item, depth + 1) for item in value]
    if kind is dict:
        for key in value:
            if type(key) is not str:
                raise Unsupported(f"dict with a key of type {type(key).__name__}")
        return {key: typed(item, depth + 1) for key, item in value.items()}
    raise Unsupported(kind.__name__)


def candidate(order: dict) -> object:
    """The candidate's module; importing it runs its top level."""
    return __import__(order["source"].rpartition("/")[2].removesuffix(".py"))


def call(order: dict) -> str:
    """The record of one call of the entry point."""
    value = getattr(candidate(order), order["entry_point"])(*order["args"], **order["kwargs"])
    try:
        return dumps({"value": typed(value)})
    except Unsupported as error:
        return dumps({"unsupported": str(error)})
    except ValueError:  # an int of more digits than Python turns into text
        return dumps({"unsupported": "int of more than 4300 digits"})


def code(order: dict) -> str:
    """The record of statements that ran in the candidate's namespace without an exception."""
    exec(compile(order["code"], "<test>", "exec"), vars(candidate(order)))  # noqa: S102  # what it is for
    return dumps({"completed": True})


def load(order: dict) -> str:
    """The record of a candidate that imports and has its entry point."""
    if not callable(getattr(candidate(order), order["entry_point"], None)):
        raise TypeError(f"there is no function {order['entry_point']}")
    return dumps({"completed": True})


def suite(order: dict) -> str:
    """The record of all tests in the suite's files, by unittest or, where they need it, pytest."""
    texts = []
    for path in order["files"]:
        with open(f"{SOURCE}/{path}", encoding="utf-8") as file:
            texts.append(file.read())
    needs_pytest = any(
        "pytest" in text or text.startswith("def test") or "\ndef test" in text for text in texts
    )
    cases = (with_pytest if needs_pytest else with_unittest)(order["files"])
    return dumps({"cases": cases})


def with_unittest(files: list) -> dict:
    """`Class.test` -> whether it passed."""
    import unittest  # noqa: PLC0415  # only a suite pays for it

    cases = {}

    class Result(unittest.TextTestResult):
        def startTest(self, test):
            super().startTest(test)
            cases[name_of(test)] = True

        def addSubTest(self, test, subtest, err):
            super().addSubTest(test, subtest, err)
            if err is not None:
                cases[name_of(test)] = False

    def name_of(test):
        return ".".join(test.id().split(".")[-2:])

    loader = unittest.TestLoader()
    loaded = [loader.loadTestsFromModule(__import__(module(path))) for path in files]
    runner = unittest.TextTestRunner(resultclass=Result, verbosity=0)
    result = runner.run(unittest.TestSuite(loaded))
    failed = [test for test, _ in (*result.failures, *result.errors)]
    for test in (*failed, *result.unexpectedSuccesses):
        cases[name_of(test)] = False
    for test, _ in result.skipped:  # a test that did not run is not reported
        cases.pop(name_of(test), None)
    return cases


def module(path: str) -> str:
    """The name that imports a file of the suite, after its folder joined the path."""
    folder, _, name = path.rpartition("/")
    if folder and f"{SOURCE}/{folder}" not in sys.path:
        sys.path.insert(1, f"{SOURCE}/{folder}")
    return name.removesuffix(".py")


def with_pytest(files: list) -> dict:
    """`Class.test[parameters]` -> whether it passed."""
    import pytest  # noqa: PLC0415  # only a suite pays for it

    cases = {}

    class Collector:
        def pytest_runtest_logreport(self, report):
            name = report.nodeid.partition("::")[2].replace("::", ".")
            if not report.skipped:
                cases[name] = cases.get(name, True) and report.passed
            else:
                cases.pop(name, None)

    paths = [f"{SOURCE}/{path}" for path in files]
    options = ["-q", "--tb=short", "-p", "no:cacheprovider", f"--rootdir={SOURCE}"]
    pytest.main([*options, *paths], plugins=[Collector()])
    return cases


def report(error: Exception) -> None:
    """Write the traceback without the driver's and the import system's own frames."""
    import traceback  # noqa: PLC0415  # 5 ms that only a failure pays

    frames = error.__traceback__
    while frames and own_frame(frames.tb_frame.f_code.co_filename):
        frames = frames.tb_next
    traceback.print_exception(type(error), error, frames)


def main() -> None:
    """Carry out the order, write the record, and end without the candidate's exit handlers."""
    # Python runs with -S; what programs know of the module `site` is this.
    builtins.exit = builtins.quit = _sitebuiltins.Quitter("exit", "Ctrl-D (i.e. EOF)")
    builtins.help = _sitebuiltins._Helper()  # noqa: SLF001  # as `site` does it
    sys.path += LIBRARIES
    order, _ = _scan(sys.stdin.buffer.read().decode(), 0)
    mode = {"call": call, "code": code, "load": load, "suite": suite}[sys.argv[1]]
    sys.argv = [order["source"]]
    sys.path[0] = f"{SOURCE}/{order['source']}".rpartition("/")[0]
    if sys.path[0] != SOURCE:
        sys.path.insert(1, SOURCE)
    try:
        record = mode(order).encode()
        sys.stdout.flush()
        while record:
            record = record[write(VALUE_FD, record) :]
    except Exception as error:  # noqa: BLE001  # the outermost door
        report(error)
        sys.stderr.flush()
        _exit(1)
    _exit(0)


main()
