from pathlib import Path

import pytest

from calisota.artifacts import ArtifactStore
from calisota.errors import ArtifactDamaged, InputError
from calisota.models import HitSet, StepTiming

STEP = StepTiming(name="plan", round=None, seconds=1.5)


def test_what_is_put_is_found_again(tmp_path: Path):
    store = ArtifactStore(str(tmp_path))
    ref = store.put("solve_1", "steps/plan", STEP)
    assert store.get(ref, StepTiming) == STEP
    assert store.find("solve_1", "steps/plan", StepTiming) == STEP
    assert store.find("solve_1", "other", StepTiming) is None


def test_a_changed_artifact_is_refused(tmp_path: Path):
    store = ArtifactStore(str(tmp_path))
    ref = store.put("solve_1", "plan", STEP)
    store.put("solve_1", "plan", STEP.model_copy(update={"seconds": 2}))
    with pytest.raises(ArtifactDamaged, match="not what was written"):
        store.get(ref, StepTiming)


def test_a_missing_or_unreadable_artifact_is_refused(tmp_path: Path):
    store = ArtifactStore(str(tmp_path))
    ref = store.put("solve_1", "plan", STEP)
    with pytest.raises(ArtifactDamaged, match="does not parse"):
        store.find("solve_1", "plan", HitSet)
    store.delete("solve_1")
    store.delete("solve_1")
    with pytest.raises(ArtifactDamaged, match="gone"):
        store.get(ref, StepTiming)


def test_no_partial_file_stays_behind(tmp_path: Path):
    ArtifactStore(str(tmp_path)).put("solve_1", "plan", STEP)
    assert [path.name for path in tmp_path.rglob("*.json")] == ["plan.json"]
    assert not [path for path in tmp_path.rglob("*") if path.name.startswith(".")]


@pytest.mark.parametrize("solve_id", ["..", "../x", "a/b", "", ".x", "a\0b", "x" * 251])
def test_an_id_that_could_leave_the_store_is_refused(tmp_path: Path, solve_id: str):
    with pytest.raises(InputError):
        ArtifactStore(str(tmp_path)).put(solve_id, "plan", STEP)


def test_an_id_that_airflow_makes_for_a_manual_run_is_fine(tmp_path: Path):
    store = ArtifactStore(str(tmp_path))
    store.put("manual__2026-11-23T00:00:00.123+00:00_AbC", "plan", STEP)


def test_the_store_can_be_any_fsspec_url():
    store = ArtifactStore("memory://artifacts")
    ref = store.put("solve_1", "plan", STEP)
    assert store.get(ref, StepTiming) == STEP
    store.delete("solve_1")
    assert store.find("solve_1", "plan", StepTiming) is None
