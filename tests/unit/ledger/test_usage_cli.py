"""`calisota usage` as a person reads it."""

import pytest

from calisota.ledger import Amount, Cap
from calisota.ledger.ledger import open_ledger
from calisota.settings import Settings
from calisota.usage_cli import print_usage


def test_no_id_and_no_number_is_cut_however_narrow_the_terminal(
    tmp_path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("COLUMNS", "40")
    settings = Settings(home=tmp_path)
    name = "solve_" + "0123456789abcdef" * 2
    with open_ledger(settings.ledger) as ledger:
        ledger.open_account(name, Cap())
        entry = ledger.reserve(name, Amount(tokens=1, calls=1), route="fast", model="m")
        ledger.settle(entry, Amount(tokens=1234567, calls=1, usd=0.5))
    print_usage(settings, "solve", as_json=False)
    printed = capsys.readouterr().out
    assert name in printed
    assert "1,234,567" in printed
    assert "…" not in printed
