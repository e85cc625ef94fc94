"""The ledger against the truth, with processes that are really killed."""

from pathlib import Path

import pytest

from bench.ledger_simulation import simulate


@pytest.mark.timeout(240)
def test_crashes_never_lead_above_a_cap_nor_to_paying_twice(tmp_path: Path, url: str):
    found = simulate(tmp_path, url, solves=200, processes=2, client_cap=1500)
    assert found.crashes > 0
    assert found.calls > 300
    assert found.replayed > 0
    assert (found.over_solve_cap, found.over_client_cap, found.paid_twice) == (0, 0, 0)
