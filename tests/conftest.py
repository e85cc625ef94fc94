"""How the tests share two processes: files stay whole, and only one of them has whole systems."""

import pytest


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        group = "e2e" if "/e2e/" in str(item.path) else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))
