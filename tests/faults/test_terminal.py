"""What stands on the terminal is what was meant: no name is taken for markup, or for a picture."""

from __future__ import annotations

import pytest

from usufruct.cli.app import out, table


def test_an_account_is_written_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    account = "party:label:vesting"
    table("balances", ["account"], [[account]])
    out.print(account, markup=False)
    assert capsys.readouterr().out.splitlines()[2:] == [account, account]


def test_brackets_are_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    table("", ["why"], [["[bold]storage[/bold]"]])
    assert "[bold]storage[/bold]" in capsys.readouterr().out
