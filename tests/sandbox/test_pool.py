import os
import threading
import time

import pytest

from calisota.models import Language, Outcome, Problem
from calisota.sandbox.container import POOL_LABEL
from calisota.sandbox.engine import DockerSandbox
from calisota.sandbox.pool import WarmPool

from .conftest import SOLVE_ID, candidate, gone

pytestmark = pytest.mark.docker

HELLO = Problem(statement="x", language="python", tests=[{"stdout": "x"}])


@pytest.fixture
def pool(client, sandbox):
    settings = sandbox._settings.model_copy(update={"sandbox_pool": 1})  # noqa: SLF001
    with WarmPool(client, settings) as pool:
        yield pool


@pytest.fixture
def pooled(client, sandbox, pool):
    return DockerSandbox(client, sandbox._settings, pool)  # noqa: SLF001


def waiting(sandbox, count=1, within_s=20):
    """The ids of the containers that wait, once they are `count` and no other is there."""
    until = time.monotonic() + within_s
    while True:
        queues = list(sandbox._pool._waiting.values())  # noqa: SLF001
        ids = {one.container.id for queue in queues for one in queue}
        if len(ids) == count and ids == {one["Id"] for one in sandbox.list_ours(POOL_LABEL)}:
            return ids
        assert time.monotonic() < until, ids
        time.sleep(0.05)


def run(sandbox, source="print('x')", problem=HELLO):
    return sandbox.run_candidate(problem, candidate(source), solve_id=SOLVE_ID)


def test_the_second_candidate_finds_a_container_that_waits_and_is_alone_in_it(pooled):
    assert run(pooled).outcome is Outcome.ACCEPTED
    first = waiting(pooled)
    began = time.monotonic()
    assert run(pooled, "import os\nopen('left', 'w')\nprint('x')").outcome is Outcome.ACCEPTED
    assert time.monotonic() - began < 5
    second = waiting(pooled)
    assert first != second


def test_nothing_is_carried_from_one_candidate_to_the_next(pooled):
    source = (
        "import os, pathlib\n"
        "print('x' if sorted(os.listdir('.')) == ['solution.py'] else 'y')\n"
        "pathlib.Path('left').touch()\n"
    )
    for _ in range(3):
        assert run(pooled, source).outcome is Outcome.ACCEPTED
        waiting(pooled)


def test_a_container_that_died_while_it_waited_is_not_noticed(client, pooled):
    run(pooled)
    (dead,) = waiting(pooled)
    client.kill(dead)
    assert run(pooled).outcome is Outcome.ACCEPTED


def test_a_container_that_dies_as_it_is_taken_is_not_noticed(client, pooled, pool):
    run(pooled)
    waiting(pooled)
    take = pool.take

    def take_dead(*args, **fields):
        container = take(*args, **fields)
        client.kill(container.id)
        return container

    pool.take = take_dead
    assert run(pooled).outcome is Outcome.ACCEPTED


def test_another_memory_limit_is_set_on_the_container_that_waits(pooled):
    run(pooled)
    for memory_mb, outcome in (
        (600, Outcome.ACCEPTED),
        (128, Outcome.MEMORY_LIMIT),
        (300, Outcome.ACCEPTED),
    ):
        waiting(pooled)
        problem = HELLO.model_copy(
            update={"limits": HELLO.limits.model_copy(update={"memory_mb": memory_mb})}
        )
        source = f"x = bytearray(b'x') * ({memory_mb} << 19)\nprint('x')"
        if outcome is Outcome.MEMORY_LIMIT:
            source = f"x = bytearray(b'x') * ({memory_mb} << 21)\nprint('x')"
        assert run(pooled, source, problem).outcome is outcome


def test_an_image_has_no_more_than_its_number_whatever_the_limits(pooled):
    small = HELLO.model_copy(update={"limits": HELLO.limits.model_copy(update={"memory_mb": 64})})
    for problem in (HELLO, small, HELLO):
        assert run(pooled, problem=problem).outcome is Outcome.ACCEPTED
        time.sleep(0.3)
    waiting(pooled)


def test_each_language_has_its_own(pooled):
    in_c = HELLO.model_copy(update={"language": Language.C})
    source = '#include <stdio.h>\nint main(void) { puts("x"); }\n'
    for _ in range(2):
        assert run(pooled).outcome is Outcome.ACCEPTED
        assert run(pooled, source, in_c).outcome is Outcome.ACCEPTED
        waiting(pooled, 2)


def test_a_container_nobody_came_for_is_let_go(client, sandbox):
    settings = sandbox._settings.model_copy(update={"sandbox_pool_idle_s": 3})  # noqa: SLF001
    with WarmPool(client, settings) as pool:
        pooled = DockerSandbox(client, settings, pool)
        run(pooled)
        waiting(pooled)
        assert gone(sandbox)


def test_a_waiting_container_ends_by_itself_and_is_found_by_the_reaper(pooled):
    run(pooled)
    waiting(pooled)
    assert pooled.reap(time.time()) == 0
    assert pooled.reap(time.time() + 10_000) == 1
    assert run(pooled).outcome is Outcome.ACCEPTED


def test_a_size_of_zero_is_no_pool(client, sandbox):
    settings = sandbox._settings.model_copy(update={"sandbox_pool": 0})  # noqa: SLF001
    with WarmPool(client, settings) as pool:
        pooled = DockerSandbox(client, settings, pool)
        assert run(pooled).outcome is Outcome.ACCEPTED
        assert gone(sandbox)


def test_a_closed_pool_gives_nothing_and_leaves_nothing(pooled, pool):
    run(pooled)
    waiting(pooled)
    pool.close()
    pool.close()
    assert gone(pooled)
    assert run(pooled).outcome is Outcome.ACCEPTED


def test_a_forked_child_gets_no_container(pooled, pool):
    run(pooled)
    ids = waiting(pooled)
    owner = pool._pid  # noqa: SLF001
    pool._pid = os.getpid() + 1  # noqa: SLF001  # as a child sees it
    assert run(pooled).outcome is Outcome.ACCEPTED
    pool.close()
    assert waiting(pooled) == ids
    pool._pid = owner  # noqa: SLF001


def test_many_threads_share_it(pooled):
    outcomes = []
    threads = [
        threading.Thread(target=lambda: outcomes.extend(run(pooled).outcome for _ in range(3)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == [Outcome.ACCEPTED] * 12


def test_what_runs_in_a_waiting_container_is_removed_by_its_own_labels(pooled):
    run(pooled)
    waiting(pooled)
    thread = threading.Thread(target=run, args=(pooled, "import time\ntime.sleep(9)"))
    thread.start()
    time.sleep(1)
    assert pooled.remove("another") == 0
    assert pooled.remove(SOLVE_ID) == 1
    thread.join(5)
    assert not thread.is_alive()
