"""The ledger as a journal: three programs that know nothing of this node read it and come to the same balances."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import sys
from collections import Counter
from fractions import Fraction
from pathlib import Path

import pytest

from usufruct.core.base.instants import Instant, later
from usufruct.core.base.money import DECIMALS
from usufruct.core.income.ledger import Account, Transfer
from usufruct.wire import plaintext
from usufruct.wire.plaintext import name_of

START = Instant("2026-01-01T22:30:00.000Z")
ACCOUNTS = ("party:institute", "party:9-lives", "party:a-b", "asset:pay:income", "asset:pay:members", "fund:solidarity", "bank",
            "cash", "suspense", "exchange")  # fmt: skip
MEMOS = (
    "price of use-1",
    'she said "no"; then | yes',
    "über Straße: 25 % \\ of it",
    "2026-q4: settlement",
    "",
    "tab\tand\nline",
)
POSTINGS = 4_000


def made(count: int) -> tuple[list[Transfer], list[Account]]:
    """Transfers by lot in three currencies, some of which correct others, and the balances they come to."""
    chance = random.Random(20261123)
    transfers, balances = [], Counter[tuple[str, str]]()
    for seq in range(count):
        debit, credit = chance.sample(ACCOUNTS, 2)
        currency, amount = (
            chance.choice(("EUR", "EUR", "USD", "JPY")),
            chance.randrange(1, 10 ** chance.randrange(1, 12)),
        )
        at, corrects = later(START, hours=seq), f"{seq - 1}/0" if seq % 50 == 49 else ""
        transfers.append(Transfer(seq, 0, debit, credit, amount, currency, at, chance.choice(MEMOS), corrects))
        balances[debit, currency] -= amount
        balances[credit, currency] += amount
    return transfers, [Account(name, currency, balance) for (name, currency), balance in balances.items()]


@pytest.fixture(scope="module")
def books() -> tuple[list[Transfer], list[Account]]:
    return made(POSTINGS // 2)


def expected(accounts: list[Account]) -> dict[tuple[str, str], Fraction]:
    """Balances as those programs count them, by account and currency; nothing where they are zero."""
    return {
        (name_of(a.id), a.currency): Fraction(-a.balance, 10 ** DECIMALS[a.currency]) for a in accounts if a.balance
    }  # fmt: skip


def written(format: str, books: tuple[list[Transfer], list[Account]], folder: Path) -> Path:
    path = folder / f"books.{format}"
    path.write_text("".join(plaintext.FORMATS[format](*books, "Wage Commons; a node")), encoding="utf-8")
    return path


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, timeout=120)


def test_beancount_agrees(books: tuple[list[Transfer], list[Account]], tmp_path: Path) -> None:
    loader = pytest.importorskip("beancount.loader", reason="beancount is not installed")
    from beancount.core.data import Transaction

    path = written("beancount", books, tmp_path)
    entries, errors, _ = loader.load_file(str(path))
    assert errors == []
    sums: Counter[tuple[str, str]] = Counter()
    for entry in entries:
        for posting in entry.postings if isinstance(entry, Transaction) else ():
            sums[posting.account, posting.units.currency] += Fraction(posting.units.number)
    assert {key: value for key, value in sums.items() if value} == expected(books[1])
    check = Path(sys.executable).with_name("bean-check")
    if check.exists():
        assert run(check, path).returncode == 0


def test_hledger_agrees(books: tuple[list[Transfer], list[Account]], tmp_path: Path) -> None:
    if shutil.which("hledger") is None:
        pytest.skip("hledger is not installed")
    path = written("hledger", books, tmp_path)
    checked = run("hledger", "-f", path, "check")
    assert checked.returncode == 0, checked.stderr
    listed = run("hledger", "-f", path, "balance", "--flat", "--no-total", "-O", "csv", "--layout", "tidy")
    if listed.returncode:  # older ones know no layouts
        listed = run("hledger", "-f", path, "balance", "--flat", "--no-total", "-O", "csv")
    assert listed.returncode == 0, listed.stderr
    assert amounts(listed.stdout) == expected(books[1])


def test_ledger_agrees(books: tuple[list[Transfer], list[Account]], tmp_path: Path) -> None:
    if shutil.which("ledger") is None:
        pytest.skip("ledger is not installed")
    path = written("hledger", books, tmp_path)
    template = r"%(account),%(quantity(scrub(display_total)))\n"
    for currency in ("EUR", "USD", "JPY"):
        found = run(
            "ledger", "-f", path, "balance", "--flat", "--no-total", "--limit", f"commodity == '{currency}'",
            "--balance-format", template,
        )  # fmt: skip
        assert found.returncode == 0, found.stderr
        sums = dict(line.split(",") for line in found.stdout.splitlines())
        wanted = {name: value for (name, of), value in expected(books[1]).items() if of == currency}
        assert {name: Fraction(value) for name, value in sums.items()} == wanted


def amounts(text: str) -> dict[tuple[str, str], Fraction]:
    """Balances in a table of hledger's, either of its layouts."""
    found = {}
    for line in text.splitlines()[1:]:
        name = line.split(",")[0].strip('"')
        for value, currency in re.findall(r"(-?[\d.]+) (EUR|USD|JPY)", line):
            found[name, currency] = Fraction(value)
        tidy = re.search(r'"(EUR|USD|JPY)","(-?[\d.]+)"', line)
        if tidy:
            found[name, tidy[1]] = Fraction(tidy[2])
    return {key: value for key, value in found.items() if value}


@pytest.mark.parametrize("format", plaintext.FORMATS)
def test_they_would_notice(format: str, books: tuple[list[Transfer], list[Account]], tmp_path: Path) -> None:
    """One cent is missing somewhere: an assertion fails."""
    transfers, accounts = books
    first = transfers[0]
    path = written(format, ([Transfer(first.seq, 0, first.debit, first.credit, first.amount + 1, first.currency, first.at, ""),
                             *transfers[1:]], accounts), tmp_path)  # fmt: skip
    if format == "beancount":
        loader = pytest.importorskip("beancount.loader", reason="beancount is not installed")
        assert loader.load_file(str(path))[1]
    elif shutil.which("hledger"):
        assert run("hledger", "-f", path, "check").returncode != 0


def test_accounts_keep_their_names_apart_and_an_empty_ledger_is_a_journal_too() -> None:
    names = [name_of(account) for account in (*ACCOUNTS, "party:ab", "party:a", "asset:a:income", "asset:a-b:income")]
    assert len(set(names)) == len(names)
    for format in plaintext.FORMATS.values():
        assert "".join(format((), (), "Nothing yet"))
