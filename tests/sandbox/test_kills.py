import pytest

from bench.kills import torment

pytestmark = pytest.mark.docker


@pytest.mark.usefixtures("client")  # and with it the images
def test_killed_workers_and_cut_connections_leave_no_container_and_no_wrong_answer():
    result = torment(executions=20, workers=3, seed=7)
    assert result["wrong ones"] == []
    assert result["left after the reaper"] == 0
    assert result["right"] > 0
    assert result["workers killed"] > 0
