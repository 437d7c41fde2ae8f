"""A payout is a plan; the bank's statements say what became of it; nobody is paid twice, and nothing is lost."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import paying
import story
from paying import GIVEN, PAID, SILENT, Bank, in_order, owed, tell
from support import JOURNAL, edit, rebuilt_rows, state_rows
from usufruct.core.base.faults import BadInput, NodeFault
from usufruct.core.base.instants import later
from usufruct.core.base.refusals import Refusal
from usufruct.core.income import payout as rules
from usufruct.core.income.bank_statement import BankStatement, Detail
from usufruct.core.income.ledger import Account
from usufruct.core.income.payout import PARTY, Lines, Owed
from usufruct.core.income.payout_state import Instruction, Payout, SeenLine
from usufruct.core.registry.rights import Limits
from usufruct.core.registry.rules import id_of
from usufruct.core.registry.state import Right
from usufruct.main import open_node
from usufruct.node import erase, followers, payout, rights, statement
from usufruct.node.node import Node
from usufruct.node.recompute import recompute
from usufruct.ports import Snapshot
from usufruct.store import reckoning
from usufruct.store.audit import verify
from usufruct.store.memory import MemoryState


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory, founded: Path, table: Path) -> Path:
    directory = Path(shutil.copytree(founded, tmp_path_factory.mktemp("ready") / "node"))
    paying.prepare(directory, table)
    return directory


@pytest.fixture
def place(ready: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(ready, tmp_path / "node"))


@pytest.fixture
def node(place: Path) -> Iterator[Node]:
    with open_node(place) as opened:
        yield opened
    sound(place)


def sound(place: Path) -> None:
    """The audit finds nothing, and the state is what the facts come to."""
    before = state_rows(place / JOURNAL)
    assert verify(place).findings == () and rebuilt_rows(place / JOURNAL) == before


def balances(node: Node) -> dict[str, tuple[int, int]]:
    with node.store.read() as state:
        return {a.id: (a.balance, a.reserved_out) for a in state.list(Account) if a.balance or a.reserved_out}


def code_of(answer: object) -> str:
    assert isinstance(answer, Refusal), answer
    return answer.code


# ---- the plan


def test_a_payout_pays_who_said_where_and_gives_what_is_given(node: Node) -> None:
    before = balances(node)
    proposed = story.done(payout.propose(node))
    assert (proposed.payments, proposed.donations) == (7, 2)
    assert {s.account: (s.paid, s.given) for s in proposed.sources} == {
        "party:wage-commons": (12_000, 0), "asset:pay:members": (6 * 3500, 2 * 3500),
    }  # fmt: skip
    assert balances(node) == before, "a plan moves nothing"
    story.done(payout.approve(node, proposed.payout, story.OPERATOR))
    after = balances(node)
    assert after["asset:pay:members"] == (42_000 - 7_000, 21_000)
    assert after["fund:solidarity"] == (before["fund:solidarity"][0] + 7_000, 0)
    assert [owed(node, member) for member in (PAID[0], GIVEN[0], SILENT[0])] == [0, 0, 3500]
    page = payout.payments_page(node)
    assert (page.next.payments, page.next.donations, page.next.silent) == (0, 0, 4)


def test_of_two_plans_side_by_side_one_is_carried_out(node: Node) -> None:
    first, second = (story.done(payout.propose(node)).payout for _ in range(2))
    story.done(payout.approve(node, second, story.OPERATOR))
    assert code_of(payout.approve(node, first, story.OPERATOR)) == "payout.stale"
    assert code_of(payout.approve(node, second, story.OPERATOR)) == "payout.state"
    assert code_of(payout.refuse_payout(node, second, "too late", story.OPERATOR)) == "payout.state"
    assert code_of(payout.approve(node, "payout-1", story.OPERATOR)) == "registry.unknown"
    assert code_of(payout.propose(node)) == "payout.nothing"


def test_a_refused_plan_pays_nobody_and_the_next_does(node: Node) -> None:
    name = story.done(payout.propose(node)).payout
    story.done(payout.refuse_payout(node, name, "wait for the others", story.OPERATOR))
    assert code_of(payout.approve(node, name, story.OPERATOR)) == "payout.state"
    assert payout.follow(node) == "" and not node.payer.kept()
    paying.approved(node)


def test_a_node_without_an_account_pays_nobody(place: Path) -> None:
    settings = place / "node.toml"
    settings.write_text(settings.read_text().replace(paying.PAY_FROM, ""))
    with open_node(place) as node:
        name = story.done(payout.propose(node)).payout
        assert code_of(payout.approve(node, name, story.OPERATOR)) == "payout.account"


def test_a_node_opens_with_no_account_that_is_none(place: Path) -> None:
    settings = place / "node.toml"
    settings.write_text(settings.read_text().replace(paying.PAY_FROM, "DE88370400440532013000"))
    with pytest.raises(BadInput, match="IBAN"), open_node(place):
        pass


SAID = [("bank", "", "NL91ABNA0417164300"), ("bank", "Ana", ""), ("bank", "Анна", "NL91ABNA0417164300"), ("gold", "", ""),
        ("purse", "", "NL91ABNA0417164300"), ("keep", "Ana", "")]  # fmt: skip


@pytest.mark.parametrize(("how", "holder", "iban"), SAID)
def test_what_cannot_be_said_of_where_to_pay(how: str, holder: str, iban: str, node: Node) -> None:
    with pytest.raises(BadInput):
        payout.instruct(node, PAID[0], how, holder, iban)
    assert code_of(payout.instruct(node, "nobody", "purse")) == "registry.unknown"


def test_who_has_her_right_to_benefit_when_a_period_closes_is_paid_its_line(node: Node) -> None:
    """What was closed before stays hers; the next line is the pledgee's; and when the right came back, it is hers again."""
    with node.store.read() as state:
        seller, pledgee = id_of(state, PAID[0]), id_of(state, SILENT[0])
    story.done(payout.instruct(node, pledgee, "bank", "The pledgee", paying.ACCOUNTS[5]))
    drawn = story.done(rights.draw(node, story.ASSET, seller))
    story.done(rights.pledge(node, drawn.id, seller, pledgee, "pilot", Limits(until=later(node.clock.now(), days=400))))
    paying.earn(node, "summer")
    assert (owed(node, seller), owed(node, pledgee)) == (3500, 3 * 3500), (
        "hers of spring; its own of both, and hers of summer"
    )
    told = story.done(statement.statement(node, "summer", pledgee))
    assert [(one.asset, one.persons, one.amount) for one in told.passed] == [(story.ASSET, 1, 3500)]
    giver = story.done(statement.statement(node, "summer", seller))
    assert not giver.passed and giver.lines[0].amounts.paid == told.passed[0].amount
    assert not story.done(statement.statement(node, "spring", pledgee)).passed, "it was not pledged yet"
    name = paying.approved(node)
    payout.follow(node)
    assert sum(amount for _, amount, _ in in_order(node, name)) == sum(
        s.paid for s in paying.row(node, name).proposed.sources
    )
    assert (owed(node, seller), owed(node, pledgee)) == (0, 0)
    with node.store.read() as state:
        lent = next(row.id for row in state.list(Right, asset=story.ASSET) if row.pilot)
    story.done(rights.release(node, lent, pledgee))
    paying.earn(node, "autumn")
    assert (owed(node, seller), owed(node, pledgee)) == (3500, 3500)
    assert not story.done(statement.statement(node, "autumn", pledgee)).passed
    buyer = (
        story.STRANGER
    )  # nothing is about it, and it has no share: it has a statement for what was given to it alone
    assert isinstance(statement.statement(node, "autumn", buyer), Refusal)
    story.done(rights.transfer(node, drawn.id, seller, buyer, keeps=True))
    paying.earn(node, "winter")
    bought = story.done(statement.statement(node, "winter", buyer))
    assert not bought.lines and [one.amount for one in bought.passed] == [owed(node, buyer)] == [3500]
    again = story.done(recompute(node, "winter", MemoryState()))
    assert not again.different and again.statements == story.PERSONS + 2, "twelve members, the operator and the buyer"


def test_who_bought_a_right_is_paid_though_its_giver_never_said_where(node: Node) -> None:
    with node.store.read() as state:
        giver = id_of(state, SILENT[0])
    story.done(payout.instruct(node, story.STRANGER, "bank", "The insurer", paying.ACCOUNTS[5]))
    drawn = story.done(rights.draw(node, story.ASSET, giver))
    story.done(rights.transfer(node, drawn.id, giver, story.STRANGER, keeps=True))
    paying.earn(node, "summer")
    name = paying.approved(node)
    payout.follow(node)
    assert not paying.row(node, name).left_out
    assert (3500, paying.ACCOUNTS[5]) in {(amount, iban) for _, amount, iban in in_order(node, name)}
    assert (owed(node, giver), owed(node, story.STRANGER)) == (3500, 0), "what came before it was given stays hers"


def test_who_pays_beforehand_is_not_paid_back_by_it(node: Node) -> None:
    from usufruct.core.base.money import Money
    from usufruct.node import ledger

    story.done(payout.instruct(node, story.STRANGER, "bank", "The insurer", paying.ACCOUNTS[1]))
    story.done(ledger.limit_credit(node, story.STRANGER, Money(0, "EUR"), story.OPERATOR))
    story.done(ledger.pay_in(node, story.STRANGER, Money(50_000, "EUR"), "", story.OPERATOR))
    assert "party:insurer" not in {s.account for s in story.done(payout.propose(node)).sources}


# ---- the order, and the bank's word


def test_what_the_bank_makes_is_found_on_its_statement(node: Node, place: Path) -> None:
    name, bank = paying.approved(node), Bank()
    assert "7 payments" in payout.follow(node)
    assert payout.follow(node) == "", "once is enough"
    order = in_order(node, name)
    assert [amount for _, amount, _ in order] == [12_000, *[3500] * 6]
    assert {iban for *_, iban in order} == set(paying.ACCOUNTS)
    path = node.payer.order(name)
    assert path is not None and path.stat().st_mode & 0o077 == 0, "nobody else may read it"
    bank.take(node)
    found = tell(node, bank.statement())
    assert found.fact is not None and [line.found for line in found.fact.lines] == ["paid"] * 7
    assert paying.row(node, name).state == "settled"
    assert balances(node)["asset:pay:members"] == (14_000, 0) and balances(node)["bank"] == (33_000, 0)
    assert "deleted" in payout.follow(node) and node.payer.order(name) is None
    page = story.done(payout.payee_page(node, PAID[0]))
    assert [(one.amount.minor, one.found) for one in page.payments] == [(3500, "paid")]
    assert [one.found for one in story.done(payout.payee_page(node, GIVEN[0])).payments] == ["given"]


def test_the_same_statement_twice_changes_nothing_and_neither_does_the_same_line_in_another(node: Node) -> None:
    name, bank = paying.approved(node), Bank()
    payout.follow(node)
    bank.take(node)
    bank.book(500)
    bank.book(500)  # two alike are two
    tell(node, bank.statement())
    with node.store.read() as state:
        size, lines = state.size(), len(list(state.list(SeenLine)))
    assert tell(node, bank.statement()).fact is None
    with node.store.read() as state:
        assert state.size() == size
    before = balances(node)
    again = tell(node, replace(bank.statement(), id="another file, the same days"))
    assert again.fact is not None and again.fact.lines == () and lines == 9
    assert balances(node) == before and paying.row(node, name).state == "settled"


def test_what_comes_back_is_owed_again_and_paid_once_she_said_anew(node: Node) -> None:
    name, bank = paying.approved(node), Bank()
    payout.follow(node)
    bank.take(node)
    bank.book(3500, Detail(f"{name}-2", None, "AC04"))
    found = tell(node, bank.statement())
    assert found.fact is not None and found.fact.lines[-1].reason == "AC04"
    assert paying.row(node, name).returned == 1
    again = [member for member in PAID if owed(node, member)]
    assert len(again) == 1 and owed(node, again[0]) == 3500
    page = story.done(payout.payee_page(node, again[0]))
    assert [(one.found, one.reason) for one in page.payments] == [("returned", "AC04")]
    assert code_of(payout.propose(node)) == "payout.nothing", "the same account would send it back again"
    story.done(payout.instruct(node, again[0], "bank", "Another account", paying.ACCOUNTS[3]))
    second = paying.approved(node)
    payout.follow(node)
    assert [amount for _, amount, _ in in_order(node, second)] == [3500]
    bank.take(node)
    tell(node, bank.statement(len(bank.entries) - 1))
    assert owed(node, again[0]) == 0
    assert code_of(payout.propose(node)) == "payout.nothing"


def test_what_was_never_made_is_owed_again(node: Node) -> None:
    name = paying.approved(node)
    payout.follow(node)
    report = BankStatement("R1", "", "", None, None, (), (Detail(f"{name}-1", None, "AC01"), Detail("payout-1-1")))
    found = tell(node, report)
    assert found.fact is not None and [line.found for line in found.fact.lines] == ["rejected"]
    assert balances(node)["asset:pay:members"] == (35_000, 17_500) and "bank" not in balances(node)
    assert sum(owed(node, member) for member in PAID) == 3500
    assert tell(node, replace(report, id="R2")).fact.lines == ()  # type: ignore[union-attr]


def test_a_part_that_was_booked_as_one_is_found_by_its_name_and_sum(node: Node) -> None:
    name, bank = paying.approved(node), Bank()
    payout.follow(node)
    bank.book(-33_000, part=f"{name}-part-0")
    bank.book(-33_000, part=f"{name}-part-0")  # the bank's mistake
    found = tell(node, bank.statement())
    assert found.fact is not None and [line.found for line in found.fact.lines] == ["part", "unmatched"]
    assert paying.row(node, name).state == "settled"
    bank.book(3500, Detail(f"{name}-3", 3500, "AC06"))
    assert tell(node, bank.statement(2)).fact.lines[0].found == "returned"  # type: ignore[union-attr]
    assert balances(node)["suspense"] == (-33_000, 0)


ODD = [  # amount, name of the payment, its amount, reason: never taken for ours
    (-3501, "payout-{n}-1", None, ""),
    (-3499, "payout-{n}-1", None, ""),
    (3500, "payout-{n}-1", None, "AC04"),  # comes back before it went
    (3500, "payout-{n}-1", None, ""),
    (-3500, "payout-{n}-99", None, ""),
    (-3500, "payout-{n}-7", None, ""),  # a gift is no payment
    (-3500, "payout-1-1", None, ""),
    (-3500, "PAYOUT-{n}-1", None, ""),
    (-3500, " payout-{n}-1", None, ""),
    (-3500, "payout-{n}-٣", None, ""),
    (-3500, "", None, ""),
    (-7000, "payout-{n}-1", 3500, ""),
    (250_000, "NOTPROVIDED", None, ""),
]


@pytest.mark.parametrize(("amount", "name", "own", "reason"), ODD)
def test_what_is_not_ours_to_the_cent_waits_to_be_explained(
    amount: int, name: str, own: int | None, reason: str, node: Node
) -> None:
    payout_name, bank = paying.approved(node), Bank()
    payout.follow(node)
    detail = Detail(name.replace("{n}", payout_name.removeprefix("payout-")), own, reason)
    bank.book(amount, detail)
    found = tell(node, bank.statement())
    assert found.fact is not None and [line.found for line in found.fact.lines] == ["unmatched"]
    assert paying.row(node, payout_name).waiting == 7
    after = balances(node)
    assert after["suspense"] == (amount, 0) and after["bank"] == (-amount, 0)


def test_a_payment_that_the_bank_makes_twice_is_noticed(node: Node) -> None:
    name, bank = paying.approved(node), Bank()
    payout.follow(node)
    bank.take(node)
    bank.book(-3500, Detail(f"{name}-1"))
    found = tell(node, bank.statement())
    assert found.fact is not None and found.fact.lines[-1].found == "unmatched"


def test_statements_of_others_are_refused_and_a_missing_one_is_noticed(node: Node) -> None:
    bank = Bank()
    bank.book(100)
    mine = bank.statement()
    for wrong in (replace(mine, account=paying.ACCOUNTS[0]), replace(mine, currency="USD")):
        answer = payout.read_statement(node, wrong, "0" * 64, story.OPERATOR)
        assert code_of(answer) == "payout.statement"
    assert tell(node, mine).gap is None
    bank.book(50)
    assert tell(node, bank.statement(1)).gap == 0
    bank.book(7)
    bank.book(9)
    assert tell(node, bank.statement(3)).gap == 7


def test_an_order_that_the_bank_never_had_is_ended_and_owed_again(node: Node) -> None:
    name = paying.approved(node)
    payout.follow(node)
    story.done(payout.end(node, name, "the bank says it never had it", story.OPERATOR))
    payout.follow(node)
    assert node.payer.order(name) is None
    assert balances(node)["asset:pay:members"] == (35_000, 0), "what was given stays given"
    assert sum(owed(node, member) for member in PAID) == 21_000
    bank = Bank()
    bank.book(-3500, Detail(f"{name}-1"))
    assert tell(node, bank.statement()).fact.lines[0].found == "unmatched"  # type: ignore[union-attr]
    assert code_of(payout.end(node, name, "again", story.OPERATOR)) == "payout.state"
    with pytest.raises(BadInput):
        payout.end(node, paying.approved(node), "  ", story.OPERATOR)


# ---- persons


def test_an_account_is_sealed_with_her_key_and_goes_with_it(node: Node, place: Path) -> None:
    she = PAID[1]
    name = paying.approved(node)
    iban, holder = paying.ACCOUNTS[1], f"The owner of {she}"
    story.done(erase.erase(node, she, story.OPERATOR))
    payout.follow(node)
    found = paying.row(node, name)
    assert found.left_out == (2,) and found.waiting == 6, (
        "what nobody can pay any more is let go of, and the rest is paid"
    )
    assert all(account != iban for *_, account in in_order(node, name))
    with node.store.read() as state:
        assert iban not in {row.iban for row in state.list(Instruction)}
    bank = Bank()
    bank.take(node)
    tell(node, bank.statement())
    assert paying.row(node, name).state == "settled"
    payout.follow(node)
    with closing(sqlite3.connect(place / JOURNAL)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    held = b"".join(path.read_bytes() for path in place.rglob("*") if path.is_file())
    assert iban.encode() not in held and holder.encode() not in held


def test_an_account_stands_in_no_log_and_no_evidence(node: Node, place: Path) -> None:
    with closing(sqlite3.connect(f"file:{place / JOURNAL}?mode=ro", uri=True)) as connection:
        columns = {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in ("journal", "evidence")}
    for iban in paying.ACCOUNTS[1:]:
        for table, rows in columns.items():
            assert not any(iban.encode() in bytes(str(cell), "utf-8", "ignore") for row in rows for cell in row), table
            assert not any(iban.encode() in cell for row in rows for cell in row if isinstance(cell, bytes)), table


def test_an_order_that_is_lost_is_written_again_to_the_same_bytes_or_not_at_all(node: Node, place: Path) -> None:
    name = paying.approved(node)
    payout.follow(node)
    path = node.payer.order(name)
    assert path is not None
    written = path.read_bytes()
    path.unlink()
    assert "written again" in payout.follow(node)
    assert path.read_bytes() == written
    path.unlink()
    story.done(erase.erase(node, PAID[1], story.OPERATOR))
    with pytest.raises(NodeFault, match="cannot be made again"):
        payout.follow(node)
    assert node.payer.order(name) is None
    assert any(one.failed for one in followers.run_once(node) if one.follower == "payouts")


# ---- laws


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(1, 10**9), st.sampled_from(["bank", "purse", "keep", "", "back"])), max_size=40),
       st.integers(0, 10**6))  # fmt: skip
def test_the_lines_of_a_payout_sum_to_what_it_says(owes: list[tuple[int, str]], minimum: int) -> None:
    """Everybody is paid all or nothing, once, and whoever is not is counted."""
    state, due = MemoryState(), []
    for number, (amount, how) in enumerate(owes):
        account = f"party:p{number}" if number % 3 else "asset:pay:members"
        due.append(Owed(f"p{number}", account, PARTY if number % 3 else number, amount))
        if how:
            said = "bank" if how == "back" else how
            state.put(Instruction(f"p{number}", said, "x", "y", "", number, "2026-01-01T00:00:00.000Z"))  # type: ignore[arg-type]
    back = {number for number, (_, how) in enumerate(owes) if how == "back"}
    found = rules.work_out(state, due, minimum, back)
    lines = list(Lines(found.lines))
    assert len(lines) == found.payments + found.donations
    for place, source in enumerate(found.sources):
        mine = [(n, line) for n, line in enumerate(lines) if line.source == place]
        assert sum(line.amount for n, line in mine if n < found.payments) == source.paid
        assert sum(line.amount for n, line in mine if n >= found.payments) == source.given
    assert len(lines) + found.small + found.silent + found.back == len(owes)
    assert {line.stated for line in lines}.isdisjoint(back)
    wanted = sorted(a for a, how in owes if how == "purse" or (how == "bank" and a >= minimum))
    assert sorted(line.amount for line in lines) == wanted


@pytest.mark.parametrize("data", [b"x", b"x" * 23, b"x" * 25])
def test_bytes_that_are_no_lines_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="no lines"):
        Lines(data)


# ---- the audit


TAMPERED = {
    "a balance": "UPDATE state_account SET body = replace(body, '35000', '35001') WHERE key = 'asset:pay:members/EUR'",
    "a reservation": "UPDATE state_reservation SET body = replace(body, '21000', '21001')",
    "a payout": "UPDATE state_payout SET body = replace(body, '21000', '20000')",
}


@pytest.mark.parametrize("what", TAMPERED)
def test_the_audit_finds_what_was_changed(what: str, place: Path) -> None:
    with open_node(place) as node:
        paying.approved(node)
    edit(place / JOURNAL, TAMPERED[what])
    assert verify(place).findings


def test_the_audit_finds_lines_that_were_changed(place: Path) -> None:
    with open_node(place) as node:
        lines = story.done(payout.propose(node)).lines
    edit(place / JOURNAL, f"UPDATE evidence SET bytes = zeroblob(length(bytes)) WHERE seal = '{lines}'")
    assert any("evidence" in str(finding) for finding in verify(place).findings)


class Twice:
    """A state in which every payout was carried out a second time."""

    def __init__(self, state: Snapshot) -> None:
        self.state, self.get = state, state.get

    def list(self, kind: Any, /, **where: Any) -> Any:
        """The rows; payouts twice."""
        for row in self.state.list(kind, **where):
            yield row
            if kind is Payout:
                yield row


def test_the_audit_finds_whom_two_payouts_paid_the_same(place: Path) -> None:
    with open_node(place) as node:
        paying.approved(node)
        with node.store.read() as state:
            assert list(reckoning.payouts(state, state.evidence)) == []
            found = [what for _, what in reckoning.payouts(Twice(state), state.evidence)]
    assert len(found) == len(PAID) + len(GIVEN) and all("more than she is owed" in what for what in found)
