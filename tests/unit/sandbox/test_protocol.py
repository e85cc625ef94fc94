import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calisota.sandbox.protocol import (
    BrokenReply,
    Job,
    Replies,
    RunnerFault,
    file_record,
    quit_record,
    read_reply,
    run_record,
)

REPLY = struct.Struct(">BIQQQIII")


def docker_frame(stream, body):
    return struct.pack(">BxxxI", stream, len(body)) + body


def record(kind, payload):
    return kind + struct.pack(">I", len(payload)) + payload


def reply(flags=0, code=0, texts=(b"", b"", b"")):
    return REPLY.pack(flags, code, 1_500_000, 2_000_000, 4096, *map(len, texts)) + b"".join(texts)


@given(
    st.lists(st.tuples(st.sampled_from([b"R", b"E"]), st.binary(max_size=300)), max_size=5),
    st.lists(st.integers(1, 60), min_size=1),
)
def test_records_come_out_whole_however_the_stream_is_cut(records, cuts):
    stream = b"".join(record(*one) for one in records)
    framed = b"".join(
        docker_frame(1, stream[at : at + cuts[0]]) + docker_frame(2, b"noise")
        for at in range(0, len(stream), cuts[0])
    )
    replies, seen, at = Replies(), [], 0
    for number in range(len(framed)):
        step = cuts[number % len(cuts)]
        seen += replies.feed(framed[at : at + step])
        at += step
        if at >= len(framed):
            break
    assert seen == [(kind[0], payload) for kind, payload in records]


@given(st.binary(max_size=200))
def test_any_bytes_are_records_or_a_broken_reply(data):
    with contextlib.suppress(BrokenReply, RunnerFault):
        for kind, payload in Replies().feed(data):
            read_reply(kind, payload)


def test_a_record_that_claims_gigabytes_is_refused_before_they_come():
    with pytest.raises(BrokenReply):
        list(Replies().feed(docker_frame(1, b"R" + b"\xff\xff\xff\xff")))


def test_what_the_runner_says_on_stderr_is_kept_up_to_a_bound():
    replies = Replies()
    list(replies.feed(docker_frame(2, b"x" * 10_000)))
    assert replies.stderr == b"x" * 4096


def test_a_reply_becomes_an_execution():
    execution = read_reply(ord("R"), reply(code=3, texts=(b"out", b"err", b"[1]")))
    assert (execution.exit_code, execution.signal) == (3, None)
    assert (execution.stdout, execution.stderr, execution.value) == (b"out", b"err", b"[1]")
    assert (execution.cpu_s, execution.wall_s, execution.peak_bytes) == (1.5, 2.0, 4096)


@pytest.mark.parametrize(
    ("flags", "field"),
    [(2, "timed_out"), (16, "timed_out"), (4, "out_of_memory"), (8, "output_exceeded")],
)
def test_a_killed_process_has_a_signal_and_the_limit_it_broke(flags, field):
    execution = read_reply(ord("R"), reply(flags=1 | flags, code=9))
    assert (execution.exit_code, execution.signal) == (None, 9)
    assert getattr(execution, field)


def test_no_value_is_none_and_not_an_empty_text():
    assert read_reply(ord("R"), reply()).value is None


@pytest.mark.parametrize(
    "payload", [b"", reply()[:-1], reply() + b"x", reply(texts=(b"a", b"", b""))[:-1]]
)
def test_lengths_that_do_not_add_up_are_a_broken_reply(payload):
    with pytest.raises(BrokenReply):
        read_reply(ord("R"), payload)


def test_the_runners_own_error_is_told_apart():
    with pytest.raises(RunnerFault, match="wipe"):
        read_reply(ord("E"), b"wipe: Directory not empty")


def test_orders_are_length_prefixed_and_hold_no_separator_to_escape():
    job = Job(
        argv=("/bin/echo", "é\n"),
        stdin=b"\0in",
        wall_s=0.0001,
        cpu_s=5,
        output_bytes=10,
        value_bytes=20,
        file_bytes=30,
    )
    head = struct.pack(">BIIIIIH", 1, 1, 5000, 10, 20, 30, 2)
    argv = struct.pack(">I", 9) + b"/bin/echo" + struct.pack(">I", 3) + "é\n".encode()
    assert run_record(job) == record(b"X", head + argv + b"\0in")
    assert file_record("a/b", b"data") == record(b"F", b"\0\3a/bdata")
    assert quit_record() == b"Q\0\0\0\0"
