"""How the tests are shared out to the processes of `make test`."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings

# On a busy machine an example that takes 5 ms may take 500.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """A file goes to one process, and so do all that start whole systems: two of these starve.

    Not xdist's `loadgroup`: with pytest 9.2, xdist 3.8 does not see the groups.
    """
    from xdist.scheduler import LoadFileScheduling  # noqa: PLC0415  # only where there is xdist

    class OneSystemAtATime(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return "tests/e2e" if file.startswith("tests/e2e/") else file

    return OneSystemAtATime(config, log)
