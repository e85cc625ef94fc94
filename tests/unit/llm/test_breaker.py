"""The breaker as a value, and as a file that processes share."""

import multiprocessing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calisota.llm.breaker import FAILURES, MAX_OPEN_S, OPEN_S, PROBE_WAIT_S, Breaker
from calisota.llm.breaker_file import BreakerFile

times = st.floats(min_value=0, max_value=4e9)
breakers = st.builds(
    Breaker,
    failures=st.integers(0, 1000),
    open_until=st.none() | times,
    probing_until=st.none() | times,
)
waits = st.none() | st.floats(allow_nan=False)


def after_failures(count: int, now: float, retry_after_s: float | None = None) -> Breaker:
    breaker = Breaker()
    for _ in range(count):
        breaker = breaker.failed(now, retry_after_s=retry_after_s)
    return breaker


def test_a_few_failures_do_not_open_it_and_enough_do():
    assert after_failures(FAILURES - 1, 100).decide(100).kind == "call"
    assert after_failures(FAILURES, 100).decide(100).kind == "wait"
    assert after_failures(FAILURES, 100).decide(100).wait_s == OPEN_S


def test_an_answer_ends_the_row_of_failures():
    breaker = after_failures(FAILURES - 1, 100).answered(100)
    assert breaker == Breaker()
    assert breaker.failed(100).decide(100).kind == "call"


def test_half_open_lets_one_call_through_and_its_end_decides():
    opened = after_failures(FAILURES, 100)
    later = 100 + OPEN_S
    assert opened.decide(later).kind == "probe"
    probing = opened.probing(later, longest_s=180)
    assert probing.decide(later + 1).kind == "wait"
    assert probing.decide(later + 1).wait_s == PROBE_WAIT_S
    assert probing.decide(later + 181).kind == "probe"
    assert probing.given_up().decide(later + 1).kind == "probe"
    assert probing.answered(later + 1).decide(later + 1).kind == "call"
    assert probing.failed(later + 1).decide(later + 1).wait_s == 2 * OPEN_S


def test_an_endpoint_that_asks_to_wait_is_not_asked_before_and_then_by_all():
    breaker = Breaker().failed(100, retry_after_s=30)
    assert breaker.decide(129).wait_s == 1
    assert breaker.decide(130).kind == "call"
    assert breaker.answered(110).decide(129).kind == "wait"
    assert breaker.failed(110, retry_after_s=1).decide(129).kind == "wait"


@given(breakers, times)
def test_no_wait_is_longer_than_the_longest(breaker: Breaker, now: float):
    admission = breaker.decide(now)
    assert 0 <= admission.wait_s <= MAX_OPEN_S
    assert (admission.kind == "wait") == (admission.wait_s > 0)


@given(breakers, times)
def test_whoever_waits_as_told_is_let_through_or_told_again_only_for_a_probe(
    breaker: Breaker, now: float
):
    admission = breaker.decide(now)
    after = breaker.decide(now + admission.wait_s + 0.001)
    probe_out = breaker.probing_until is not None and breaker.probing_until > now
    assert after.kind != "wait" or probe_out


@given(breakers, times, waits)
def test_a_failure_never_shortens_a_wait_and_an_answer_never_lengthens_one(
    breaker: Breaker, now: float, asked: float | None
):
    before = breaker.given_up().decide(now).wait_s
    assert breaker.failed(now, retry_after_s=asked).decide(now).wait_s >= before
    assert breaker.answered(now).decide(now).wait_s <= before


@given(breakers, times, st.floats(min_value=0, max_value=3600))
def test_only_one_probe_is_out_at_a_time(breaker: Breaker, now: float, longest_s: float):
    if breaker.decide(now).kind == "probe":
        taken = breaker.probing(now, longest_s=longest_s + 1)
        assert taken.decide(now).kind == "wait"


@given(breakers, times, waits)
def test_what_was_asked_is_honoured(breaker: Breaker, now: float, asked: float | None):
    wait = breaker.failed(now, retry_after_s=asked).decide(now).wait_s
    if asked is not None:
        assert wait >= min(asked, MAX_OPEN_S) - 1e-3


def test_breakers_are_kept_by_name_and_closed_ones_are_forgotten(tmp_path: Path):
    file = BreakerFile(tmp_path / "run" / "breakers.json")
    assert file.get("a") == Breaker()
    assert file.change("a", lambda breaker: breaker.failed(100)) == Breaker()
    file.change("b", lambda breaker: breaker.failed(100, retry_after_s=9))
    other = BreakerFile(tmp_path / "run" / "breakers.json")
    assert (other.get("a").failures, other.get("b").open_until) == (1, 109)
    other.change("a", lambda breaker: breaker.answered(101))
    assert '"a"' not in (tmp_path / "run" / "breakers.json").read_text()


@pytest.mark.parametrize(
    "content", [b"", b"[1]", b"\xff", b'{"a": {"failures": -1}}', b"x" * 10**6]
)
def test_a_damaged_file_is_an_empty_one(content: bytes, tmp_path: Path):
    path = tmp_path / "breakers.json"
    path.write_bytes(content)
    file = BreakerFile(path)
    assert file.get("a") == Breaker()
    file.change("a", lambda breaker: breaker.failed(100))
    assert file.get("a").failures == 1


def test_a_home_that_cannot_be_written_stops_no_call(tmp_path: Path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    file = BreakerFile(blocked / "breakers.json")
    assert file.change("a", lambda breaker: breaker.failed(100)) == Breaker()
    assert file.get("a") == Breaker()


def fail_often(path: Path) -> None:
    file = BreakerFile(path)
    for _ in range(50):
        file.change("a", lambda breaker: Breaker(failures=breaker.failures + 1))


def test_processes_lose_none_of_each_others_changes(tmp_path: Path):
    path = tmp_path / "breakers.json"
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=fail_often, args=(path,)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert BreakerFile(path).get("a").failures == 100
    assert sorted(found.name for found in tmp_path.iterdir()) == ["breakers.json", "breakers.lock"]


@pytest.mark.parametrize(
    ("breaker", "told"),
    [
        (Breaker(), None),
        (Breaker(failures=1), "a call failed"),
        (Breaker(failures=2), "its last 2 calls failed"),
        (Breaker(failures=1, open_until=130), "it asked to wait, and is asked again in 30 s"),
        (after_failures(FAILURES, 100), "its last 5 calls failed, and it is asked again in 30 s"),
        (Breaker(failures=7, open_until=90), "its last 7 calls failed, and the next one tries it"),
        (
            Breaker(failures=7, open_until=90, probing_until=110),
            "its last 7 calls failed, and one tries it now",
        ),
    ],
)
def test_what_is_known_of_an_endpoint_in_words(breaker: Breaker, told: str | None):
    assert breaker.told(100) == told


@given(breakers, times)
def test_whatever_holds_calls_back_is_told(breaker: Breaker, now: float):
    assert breaker.told(now) is not None or breaker.decide(now).kind == "call"
