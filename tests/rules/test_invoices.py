"""Invoices, credit notes, refunds and disputes: what they post, what they hold out of a division, and who may."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import World, agreement, pay

import story
from usufruct.core.access.clauses import OfferScheduled, Schedule
from usufruct.core.access.pricing import EarningsReported, report
from usufruct.core.base.faults import BadInput
from usufruct.core.base.money import Money
from usufruct.core.base.refusals import Refusal
from usufruct.core.income import disputes, invoices, ledger
from usufruct.core.income.disputes import DisputeSettled
from usufruct.core.income.invoices import CreditNote, CreditNoteIssued, Invoice, InvoiceIssued, Numbering
from usufruct.core.income.ledger import Account, Transfer
from usufruct.core.privacy.facts import QueryAdmitted, QueryAnswered
from usufruct.core.privacy.state import Use
from usufruct.core.rulebook.parameters import shipped
from usufruct.main import open_node
from usufruct.node import invoicing, period, register, trade
from usufruct.node.node import Node

BOOK, D = shipped(), "ab" * 32
USER, COOP, ASSET = "institute", "coop", "pay"


def used(world: World, price: int, priced_by: str = "") -> str:
    use = f"use-{len(world.entries)}"
    world.add(
        QueryAdmitted(
            use, USER, "agreement-1", ASSET, "v1", "AcademicResearch", "", "a count", 0, price, "EUR", D, priced_by=priced_by
        ),
        QueryAnswered(use, USER, ASSET, "AcademicResearch", "a count", D, D),
    )  # fmt: skip
    return use


def issued(world: World, rate: int | None = None, reverse: bool = False) -> InvoiceIssued | Refusal:
    size = len(world.entries)
    found = invoices.issue(
        world.state, f"invoice-{size}", COOP, USER, "now", size - 1, rate, reverse, "EUR", BOOK, world.at
    )
    if isinstance(found, InvoiceIssued):
        world.add(found)
    return found


def credited(world: World, invoice: str, ref: str, amount: int) -> CreditNoteIssued | Refusal:
    row = world.state.get(Invoice, invoice)
    assert row is not None
    found = invoices.credit(world.state, f"note-{len(world.entries)}", row, {ref: amount}, "wrong", COOP)
    if isinstance(found, CreditNoteIssued):
        world.add(found)
    return found


def balance(world: World, account: str) -> int:
    row = world.state.get(Account, account, "EUR")
    return row.balance if row else 0


def settled(world: World) -> World:
    world.add(agreement("agreement-1"))
    return world


def test_an_invoice_says_what_was_posted_and_posts_the_tax_alone() -> None:
    world = settled(pay(World()))
    first, second, free = used(world, 500), used(world, 250), used(world, 0, "public-interest")
    used(world, 0)
    before = balance(world, ledger.of_party(USER))
    found = issued(world, 1900)
    assert isinstance(found, InvoiceIssued)
    assert [(line.ref, line.amount) for line in found.lines] == [(first, 500), (second, 250), (free, 0)]
    assert "free by the rule public-interest" in found.lines[2].text
    assert (found.net, found.tax, found.number) == (750, 143, 1), "142.5 is half a unit, which counts as one"
    assert before == -750 and balance(world, ledger.of_party(USER)) == -893
    assert balance(world, ledger.tax_of(COOP)) == 143
    again = issued(world)
    assert isinstance(again, Refusal) and again.code == "income.nothing-to-invoice"


def test_with_a_reverse_charge_there_is_no_tax_and_a_note() -> None:
    world = settled(pay(World()))
    used(world, 500)
    found = issued(world, None, True)
    assert isinstance(found, InvoiceIssued) and found.tax == 0 and "196" in found.note
    used(world, 500)
    with pytest.raises(BadInput):
        issued(world, 1900, True)
    with pytest.raises(BadInput):
        issued(world, 5_001)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("use"), st.integers(0, 900)), st.tuples(st.just("issue"), st.integers(0, 2_500)),
        st.tuples(st.just("credit"), st.integers(1, 900)), st.tuples(st.just("refund"), st.integers(1, 900)),
    ), max_size=25,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(steps)
def test_what_invoices_say_is_what_the_ledger_took(said: list[tuple[str, int]]) -> None:
    """Whatever happens in whatever order: lines not credited, tax and what is not invoiced come to what the payer owes; numbers
    have no gaps; no line is credited beyond itself; the books balance."""
    world = settled(pay(World()))
    for n, (what, amount) in enumerate(said):
        rows = list(world.state.list(Invoice, payer=USER))
        match what:
            case "use":
                used(world, amount)
            case "issue":
                issued(world, amount)
            case "credit" if rows:
                row = rows[n % len(rows)]
                credited(world, row.id, row.lines[n % len(row.lines)].ref, amount)
            case "refund":
                for note in list(world.state.list(CreditNote, payer=USER))[:1]:
                    found = invoices.refund(world.state, note.id, amount, "bank", COOP)
                    if not isinstance(found, Refusal):
                        world.add(found)
    rows, notes = list(world.state.list(Invoice)), list(world.state.list(CreditNote))
    waiting = sum(line.amount for line in invoices.open_lines(world.state, COOP, USER))
    owed = sum(row.total for row in rows) + waiting - sum(note.total for note in notes)
    refunds = sum(note.refunded for note in notes)
    assert balance(world, ledger.of_party(USER)) == -owed - refunds
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    assert [note.number for note in notes] == list(range(1, len(notes) + 1))
    assert balance(world, ledger.tax_of(COOP)) == sum(r.tax for r in rows) - sum(n.tax for n in notes) >= 0
    for row in rows:
        mine = [note for note in notes if note.invoice == row.id]
        assert sum(note.net for note in mine) <= row.net and sum(note.tax for note in mine) <= row.tax
        assert all(note.tax >= 0 and note.refunded <= note.total for note in mine)
        if sum(note.net for note in mine) == row.net:
            assert sum(note.tax for note in mine) == row.tax, "with the last line all of the tax comes off"
    accounts = {one for t in world.state.list(Transfer) for one in (t.debit, t.credit)}
    assert sum(balance(world, one) for one in accounts) == 0


@pytest.mark.parametrize(("ref", "amount"), [("mine", 501), ("use-none", 1), ("invoice", 1)])
def test_no_more_is_credited_than_there_is(ref: str, amount: int) -> None:
    world = settled(pay(World()))
    use = used(world, 500)
    invoice = issued(world)
    assert isinstance(invoice, InvoiceIssued)
    found = credited(world, invoice.invoice, use if ref == "mine" else ref, amount)
    assert isinstance(found, Refusal) and found.code == "income.credit-note"
    with pytest.raises(BadInput):
        credited(world, invoice.invoice, use, 0)


# ---- with a node


@pytest.fixture
def node(tmp_path: Path) -> Any:
    story.found(tmp_path / "node")
    with open_node(tmp_path / "node") as found:
        story.bring_to_agreement(found, story.write_table(tmp_path / "pay.csv"))
        yield found


def income(node: Node) -> int:
    with node.store.read() as state:
        row = state.get(Account, ledger.income_of(story.ASSET), "EUR")
    return row.balance if row else 0


def invoice_of(node: Node) -> InvoiceIssued:
    return story.done(invoicing.issue(node, story.OPERATOR, story.USER, "now"))


def test_what_is_disputed_is_held_out_until_a_person_has_decided(node: Node) -> None:
    first, second = (story.answer(node, micro_rho=story.CHEAP).use for _ in range(2))
    invoice = invoice_of(node)
    raised = story.done(invoicing.dispute(node, invoice.invoice, story.USER, "never asked", (first,)))
    plan = story.done(period.plan_period(node, "one"))
    assert plan.income == story.PRICE and plan.statements[0].uses == (second,)
    story.done(period.close_period(node, "one", plan.plan, story.OPERATOR))
    assert income(node) == story.PRICE, "what is held waits there"
    story.done(invoicing.settle(node, raised.dispute, story.OPERATOR, False, "you did ask"))
    later = story.done(period.plan_period(node, "two"))
    assert later.statements[0].uses == (first,) and later.income == story.PRICE
    story.done(period.close_period(node, "two", later.plan, story.OPERATOR))
    assert income(node) == 0
    none = period.plan_period(node, "three")
    assert isinstance(none, Refusal) and none.code == "income.nothing-to-divide", "it is divided once"


def test_upheld_it_is_credited_and_divided_never(node: Node) -> None:
    first, _ = (story.answer(node, micro_rho=story.CHEAP).use for _ in range(2))
    invoice = invoice_of(node)
    raised = story.done(invoicing.dispute(node, invoice.invoice, story.USER, "never asked", (first,)))
    story.close_period(node, "one")
    story.done(invoicing.settle(node, raised.dispute, story.OPERATOR, True, "indeed"))
    assert income(node) == 0
    none = period.plan_period(node, "two")
    assert isinstance(none, Refusal) and none.code == "income.nothing-to-divide"
    with node.store.read() as state:
        note = next(iter(state.list(CreditNote)))
        assert note.lines[0].undivided and note.total == story.PRICE


def test_what_was_divided_stays_divided_and_the_issuer_bears_the_credit(node: Node) -> None:
    use = story.answer(node).use
    invoice = invoice_of(node)
    story.close_period(node, "one")
    story.done(invoicing.credit(node, invoice.invoice, story.OPERATOR, {use: Money(200, "EUR")}, "too dear"))
    with node.store.read() as state:
        note = next(iter(state.list(CreditNote)))
        assert not note.lines[0].undivided
    assert income(node) == 0, "and not below, at the members' cost"


def test_a_plan_that_was_overtaken_by_a_dispute_is_not_carried_out(node: Node) -> None:
    use = story.answer(node).use
    invoice = invoice_of(node)
    plan = story.done(period.plan_period(node, "one"))
    story.done(invoicing.dispute(node, invoice.invoice, story.USER, "never asked", (use,)))
    refused = period.close_period(node, "one", plan.plan, story.OPERATOR)
    assert isinstance(refused, Refusal) and refused.code == "income.stale-plan" and use in refused.reasons[0]


def test_a_credit_before_the_division_lessens_it(node: Node) -> None:
    use = story.answer(node).use
    invoice = invoice_of(node)
    plan = story.done(period.plan_period(node, "one"))
    story.done(invoicing.credit(node, invoice.invoice, story.OPERATOR, {use: Money(200, "EUR")}, "too dear"))
    refused = period.close_period(node, "one", plan.plan, story.OPERATOR)
    assert isinstance(refused, Refusal) and refused.code == "income.stale-plan"
    assert story.done(period.plan_period(node, "one")).income == story.PRICE - 200 == income(node)


def test_who_may_dispute_and_who_decides(node: Node) -> None:
    story.answer(node)
    invoice = invoice_of(node)
    not_hers = invoicing.dispute(node, invoice.invoice, story.STRANGER, "x")
    none = invoicing.dispute(node, "invoice-9", story.STRANGER, "x")
    assert isinstance(not_hers, Refusal) and isinstance(none, Refusal)
    assert str(not_hers).replace(invoice.invoice, "X") == str(none).replace("invoice-9", "X")
    raised = story.done(invoicing.dispute(node, invoice.invoice, story.USER, "x"))
    assert isinstance(invoicing.dispute(node, invoice.invoice, story.USER, "x"), Refusal), "once"
    assert isinstance(invoicing.settle(node, raised.dispute, story.USER, True, "x"), Refusal), "not the payer herself"
    story.done(register.add_party(node, "robot", "agent", "Robot", story.OPERATOR))
    for by, actors in (("robot", ()), (story.OPERATOR, ("robot",))):
        machine = invoicing.settle(node, raised.dispute, by, True, "x", None, actors)
        assert isinstance(machine, Refusal) and machine.code == "access.human-only"
    assert isinstance(invoicing.settle(node, raised.dispute, story.OPERATOR, True, "x"), DisputeSettled)
    assert isinstance(invoicing.settle(node, raised.dispute, story.OPERATOR, False, "x"), Refusal)


def test_an_invoice_cannot_be_disputed_for_ever(node: Node) -> None:
    story.answer(node)
    invoice = invoice_of(node)
    clock = node.clock
    days = node.rulebook.value("dispute.raise-days", clock.now())

    class Then:
        def now(self) -> Any:
            from usufruct.core.base.instants import later

            return later(clock.now(), days=days)

    with node.store.read() as state:
        found = disputes.raise_one(
            state, "dispute-1", invoice.invoice, (), story.USER, "x", story.OPERATOR, node.rulebook, Then().now()
        )
    assert isinstance(found, Refusal) and "could be disputed until" in found.reasons[0]


def test_numbers_have_no_gaps_however_many_issue_at_once(node: Node) -> None:
    for _ in range(4):
        story.answer(node, micro_rho=story.CHEAP)
    users = [story.USER, *(f"user-{n}" for n in range(8))]
    for user in users[1:]:
        story.done(register.add_party(node, user, "organisation", user))
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda user: invoicing.issue(node, story.OPERATOR, user, "now"), users * 3))
    made = [one for one in found if isinstance(one, InvoiceIssued)]
    assert len(made) == 1, "what is owed is on one invoice, and refusals take no number"
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: (story.answer(node, micro_rho=story.CHEAP), invoicing.issue(
            node, story.OPERATOR, story.USER, "now")), range(8)))  # fmt: skip
    with node.store.read() as state:
        rows = list(state.list(Invoice))
        series = state.get(Numbering, story.OPERATOR, invoices.INVOICE)
        refs = [line.ref for row in rows for line in row.lines]
        priced = [use.id for use in state.list(Use, requester=story.USER) if use.price]
    assert (
        [row.number for row in rows] == list(range(1, len(rows) + 1))
        and series is not None
        and series.last == len(rows)
    )
    assert len(refs) == len(set(refs)) and set(refs) <= set(priced)


# ---- shares of earnings


def test_a_share_is_owed_on_a_report_and_more_if_a_dispute_says_so(node: Node) -> None:
    from usufruct.core.contract.facts import Terms

    terms = Terms("aggregates", (story.PURPOSE,), 0, "EUR", 1)
    schedule = Schedule(share=250)
    story.done(trade.publish_offer(node, "share", story.ASSET, story.OPERATOR, terms, None, True, schedule))
    moved = story.done(trade.request_offer(node, "share", story.STRANGER))
    agreed = story.done(trade.move(node, moved.negotiation, "verify", story.STRANGER)).agreement
    assert agreed is not None
    told = story.done(invoicing.report_earnings(node, agreed.id, story.STRANGER, "q4", Money(100_000, "EUR")))
    assert told.amount == 2_500 and income(node) == 2_500
    assert isinstance(invoicing.report_earnings(node, agreed.id, story.STRANGER, "q4", Money(1, "EUR")), Refusal)
    assert isinstance(invoicing.report_earnings(node, agreed.id, story.USER, "q1", Money(1, "EUR")), Refusal)
    assert isinstance(invoicing.report_earnings(node, agreed.id, story.STRANGER, "q1", Money(1, "USD")), Refusal)
    raised = story.done(invoicing.dispute(node, told.report, story.OPERATOR, "the press says more"))
    none = period.plan_period(node, "one")
    assert isinstance(none, Refusal) and none.code == "income.nothing-to-divide", "the report is held as a whole"
    less = invoicing.settle(node, raised.dispute, story.OPERATOR, True, "x", Money(90_000, "EUR"))
    assert isinstance(less, Refusal)
    story.done(invoicing.settle(node, raised.dispute, story.OPERATOR, True, "it was more", Money(120_000, "EUR")))
    assert income(node) == 3_000
    assert story.done(period.plan_period(node, "one")).income == 3_000
    lines = dict(invoicing.waiting(node, story.OPERATOR))
    assert [sum(line.amount for line in found) for found in lines.values()] == [3_000]


def test_reports_are_of_agreements_by_which_a_share_is_owed() -> None:
    world = settled(pay(World()))
    found = report(world.state, "report-1", "agreement-1", USER, "q4", Money(5, "EUR"))
    assert isinstance(found, Refusal) and found.code == "registry.unknown"
    world.add(OfferScheduled("o", COOP, Schedule(share=1)), replace(agreement("agreement-2")))
    found = report(world.state, "report-1", "agreement-2", USER, "q4", Money(5_000, "EUR"))
    assert isinstance(found, EarningsReported) and found.amount == 1
    with pytest.raises(BadInput):
        report(world.state, "report-1", "agreement-2", USER, "q4", Money(-1, "EUR"))
