"""A step that kills its process may do so three times; nothing but a death counts as one."""

import asyncio
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from calisota.artifacts import ArtifactStore
from calisota.attempts import FOLDER, MOST_DEATHS, REMEMBERED_S, Attempt, Attempts, process_of
from calisota.errors import EngineUnavailable, ModelUnavailable, StepQuarantined
from calisota.llm import ChatRequest, ScriptedChat
from calisota.local import LocalSolve
from calisota.models import Route, StepTiming, Verdict
from tests.unit.test_stages import RIGHT, OracleSandbox, Rig, fenced, problem

SOLVE = "solve_x"
CONF = problem().model_dump(mode="json")
NEVER = 2**22 + 1
"""No process has this number: the kernel's highest is 2**22."""


def marks(store: ArtifactStore) -> list[str]:
    return store.below(SOLVE, FOLDER)


def died(store: ArtifactStore, step: str, *, generation: int = 0, ago_s: float = 9) -> None:
    """What a try of `step` that was killed leaves."""
    left = Attempt(
        step=step,
        generation=generation,
        began_at=time.time() - ago_s,
        host="worker",
        pid=NEVER,
        process="a process that was",
    )
    store.put(SOLVE, f"{FOLDER}/{step}~{len(marks(store))}", left)


@pytest.fixture(params=["folder", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ArtifactStore:
    folder = str(tmp_path) if request.param == "folder" else f"memory://{tmp_path}"
    return ArtifactStore(folder)


def run(store: ArtifactStore, step: str = "plan", generation: int = 0) -> None:
    with Attempts(store).under_way(SOLVE, step, generation=generation):
        assert any(name.startswith(f"{FOLDER}/{step}~") for name in marks(store))


def test_a_step_that_ends_leaves_no_mark(store: ArtifactStore):
    run(store)
    assert marks(store) == []


@pytest.mark.parametrize(
    "error", [ValueError, EngineUnavailable, KeyboardInterrupt, asyncio.CancelledError, SystemExit]
)
def test_no_exception_is_a_death(store: ArtifactStore, error: type[BaseException]):
    made = error("x", remedy="y") if error is EngineUnavailable else error("x")
    for _ in range(MOST_DEATHS + 1):
        with pytest.raises(error), Attempts(store).under_way(SOLVE, "plan", generation=0):
            raise made
    assert marks(store) == []


def test_a_step_that_died_too_often_is_not_run_and_says_what_to_do(store: ArtifactStore):
    for _ in range(MOST_DEATHS):
        with (
            pytest.raises(KeyError),
            Attempts(store).under_way(SOLVE, "round_1.code", generation=0),
        ):
            raise KeyError
        died(store, "round_1.code")
    with pytest.raises(StepQuarantined) as caught:
        run(store, "round_1.code")
    assert f"`round_1.code` was not run: it died {MOST_DEATHS} times" in caught.value.message
    assert "clear the task" in caught.value.remedy
    assert not caught.value.retryable
    assert Attempts(store).deaths(SOLVE, "round_1.code", generation=0) == MOST_DEATHS


def test_each_candidate_and_each_solve_dies_for_itself(store: ArtifactStore):
    for _ in range(MOST_DEATHS):
        died(store, "round_1.sandbox.r1c1")
    for other in ("round_1.sandbox.r1c10", "round_1.sandbox.r1c0", "round_1.sandbox", "plan"):
        run(store, other)
    with Attempts(store).under_way("solve_y", "round_1.sandbox.r1c1", generation=0):
        pass
    with pytest.raises(StepQuarantined):
        run(store, "round_1.sandbox.r1c1")


def test_a_person_who_clears_the_task_starts_afresh(store: ArtifactStore):
    for _ in range(MOST_DEATHS):
        died(store, "plan")
    run(store, generation=3)
    with pytest.raises(StepQuarantined):
        run(store)


def test_a_result_makes_the_deaths_before_it_forgotten_an_exception_does_not(
    store: ArtifactStore,
):
    died(store, "plan")
    with pytest.raises(OSError, match="x"), Attempts(store).under_way(SOLVE, "plan", generation=0):
        raise OSError("x")
    assert Attempts(store).deaths(SOLVE, "plan", generation=0) == 1
    run(store)
    assert marks(store) == []


def test_a_try_that_lives_is_no_death_and_keeps_its_mark(store: ArtifactStore):
    with (
        Attempts(store).under_way(SOLVE, "plan", generation=0),
        Attempts(store).under_way(SOLVE, "plan", generation=0),
    ):
        assert len(marks(store)) == 2
        run(store)
        assert len(marks(store)) == 2
    assert marks(store) == []


@pytest.mark.parametrize("ago_s", [REMEMBERED_S + 1, -REMEMBERED_S - 1])
def test_a_death_of_another_day_is_forgotten(store: ArtifactStore, ago_s: float):
    for _ in range(MOST_DEATHS):
        died(store, "plan", ago_s=ago_s)
    run(store)


def test_a_mark_that_was_half_written_stops_nothing(tmp_path: Path):
    store = ArtifactStore(str(tmp_path))
    for number in range(MOST_DEATHS):
        path = tmp_path / "solves" / SOLVE / FOLDER / f"plan~{number}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('{"step": "pl')
    run(store)


def test_a_process_that_was_told_to_end_died_of_nothing(store: ArtifactStore):
    died(store, "plan")
    with Attempts(store).under_way(SOLVE, "plan", generation=0):
        Attempts(store).excuse(SOLVE)
        assert len(marks(store)) == 1
    assert marks(store) == []


def test_a_number_that_comes_again_is_another_process(store: ArtifactStore):
    here = process_of(os.getpid())
    assert here == process_of(os.getpid()) is not None
    assert process_of(NEVER) is None
    died(store, "plan")
    (name,) = marks(store)
    before = store.find(SOLVE, name, Attempt)
    assert before is not None
    for process, deaths in ((f"{here}1", 1), (here, 0)):
        left = before.model_copy(update={"pid": os.getpid(), "process": process})
        store.put(SOLVE, name, left)
        assert Attempts(store).deaths(SOLVE, "plan", generation=0) == deaths


def test_what_is_below_a_group_is_named_and_can_be_removed(store: ArtifactStore):
    value = StepTiming(name="plan", round=None, seconds=1)
    assert store.below(SOLVE, "steps") == []
    for name in ("steps/b", "steps/a.c", "other"):
        store.put(SOLVE, name, value)
    assert store.below(SOLVE, "steps") == ["steps/a.c", "steps/b"]
    store.remove(SOLVE, "steps/b")
    store.remove(SOLVE, "steps/b")
    assert store.below(SOLVE, "steps") == ["steps/a.c"]


def kills(_request: object) -> str:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


class DeadlySandbox(OracleSandbox):
    def run_candidate(self, given, candidate, **kwargs):
        if candidate.id == "r1c1":
            kills(given)
        return super().run_candidate(given, candidate, **kwargs)


def a_plan_that_kills(home: Path, generation: int) -> None:
    rig = Rig(home, kills)
    rig.chat = ScriptedChat(kills)
    asyncio.run(rig.stages.plan(SOLVE, generation=generation))


def a_candidate_that_kills(home: Path, generation: int) -> None:
    rig = Rig(home, lambda _request: fenced(RIGHT))
    rig.stages.sandbox(SOLVE, "r1c1", DeadlySandbox(), generation=generation)


def a_review_that_kills(home: Path, generation: int) -> None:
    rig = Rig(home, kills)
    rig.chat = ScriptedChat(kills)
    asyncio.run(rig.stages.critic(SOLVE, 1, rig.sandbox, generation=generation))


def a_whole_solve_that_kills(home: Path, generation: int) -> None:
    """As the task of `solve_fast`, and `calisota solve --local`."""
    rig = Rig(home, kills)
    solve = LocalSolve(rig.stages, rig.sandbox, on_step=lambda _step: None, generation=generation)
    solve.run(CONF, SOLVE)


def ended_by(target: Callable[[Path, int], None], home: Path, generation: int = 0) -> int | None:
    """The exit code of a process of its own; 1: an exception."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])  # what they all import, once
    process = context.Process(target=target, args=(home, generation))
    process.start()
    process.join()
    return process.exitcode


@pytest.mark.parametrize(
    ("deadly", "step"),
    [
        (a_plan_that_kills, "plan"),
        (a_candidate_that_kills, "round_1.sandbox.r1c1"),
        (a_review_that_kills, "round_1.critic"),
        (a_whole_solve_that_kills, "round_1.code"),
    ],
)
def test_a_step_that_kills_its_process_takes_two_down_and_no_third(
    deadly: Callable[[Path, int], None], step: str, tmp_path: Path
):
    rig = Rig(tmp_path, lambda _request: fenced(RIGHT))
    rig.stages.retrieve(SOLVE, CONF)
    if deadly not in {a_plan_that_kills, a_whole_solve_that_kills}:
        asyncio.run(rig.stages.plan(SOLVE))
        asyncio.run(rig.stages.code(SOLVE, 1))
        for candidate in ("r1c0", "r1c1") if deadly is a_review_that_kills else ():
            rig.stages.sandbox(SOLVE, candidate, rig.sandbox)
    for _ in range(MOST_DEATHS):
        assert ended_by(deadly, tmp_path) == -signal.SIGKILL
    assert rig.stages.deaths(SOLVE, step, generation=0) == MOST_DEATHS
    with pytest.raises(StepQuarantined, match=f"`{step}`"):
        deadly(tmp_path, 0)  # in this process: it would not survive
    assert ended_by(deadly, tmp_path, generation=4) == -signal.SIGKILL, "cleared by hand"


def test_a_step_that_died_once_for_want_of_luck_goes_on(tmp_path: Path):
    rig = Rig(tmp_path, lambda _request: fenced(RIGHT))
    assert ended_by(a_whole_solve_that_kills, tmp_path) == -signal.SIGKILL
    solve = LocalSolve(rig.stages, rig.sandbox, on_step=lambda _step: None)
    assert solve.run(CONF, SOLVE).verdict is Verdict.VERIFIED
    assert marks(rig.store) == []


def test_a_model_that_is_down_often_is_no_reason_to_give_a_step_up(tmp_path: Path):
    def down(_request: ChatRequest) -> str:
        raise ModelUnavailable("down", remedy="start it")

    rig = Rig(tmp_path, down)
    rig.stages.retrieve(SOLVE, CONF)
    asyncio.run(rig.stages.plan(SOLVE))
    for _ in range(MOST_DEATHS + 1):
        with pytest.raises(ModelUnavailable):
            asyncio.run(rig.stages.code(SOLVE, 1))
    assert marks(rig.store) == []
    assert [r.route for r in rig.chat.seen].count(Route.SLOW) == 1
