"""Money, tried as somebody would who wants more of it, or wants to know what others get.

Most of what stands against that is tried where it is built: `valuation`, `payouts`, `rules`. Here is what no such test would
miss, because another defence stands behind it, or because it takes a whole node.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import paying
import pooling
import story
from faults.test_recompute import RULE
from support import SetClock
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import parse as instant
from usufruct.core.base.money import Money
from usufruct.core.base.refusals import Refusal
from usufruct.core.contract.auction import commitment
from usufruct.core.contract.facts import Terms
from usufruct.core.income.neighbours import Measure
from usufruct.core.income.rules import Division
from usufruct.core.income.segment import SEED_SIZE, Index
from usufruct.core.income.settlement import Settlement
from usufruct.core.registry.pool import Membership
from usufruct.core.registry.state import Asset
from usufruct.core.rulebook.levy import Band, LevyRule
from usufruct.main import open_node
from usufruct.node import auction, division, ledger, levy, payout, period, query, train
from usufruct.node.node import Node
from usufruct.store.audit import verify
from usufruct.wire import camt
from usufruct.wire import division as wire

DAY = instant("2025-01-01")
ON_TOP = LevyRule("city", "buyer", "price", "use", (Band(0, 300),), "fund:city", "bylaw 12", "city council", DAY, DAY)


def test_names_are_cheap_in_a_pool_so_who_came_first_is_paid_for_copies(new_directory: Path, clock: SetClock) -> None:
    """Of a table its holder says whose row is whose; to a pool everybody brings her own, under a name of her choice. Who came
    first there is known from the journal."""
    valued: list[tuple[Measure, list[int]]] = []

    def value(plan: object, measure: Measure, population: bytes, persons: int, deposits: list[int]) -> bytes:
        valued.append((measure, list(deposits)))
        return bytes(8 * persons)

    with open_node(new_directory, clock) as node:
        pooling.begun(node)
        with node.store.read() as state:
            asset = state.get(Asset, pooling.POOL)
            joined = [row.seq for row in state.list(Membership, pool=pooling.POOL)]
        permit, plan = SimpleNamespace(asset=asset, persons=3), SimpleNamespace(validation=(1,), by_model=False)
        watched: Any = replace(node, trainer=SimpleNamespace(value=value))
        train._shares(watched, plan, permit, b"")  # type: ignore[arg-type]
    ((measure, deposits),) = valued
    assert measure.copies == "first"
    assert deposits == joined == sorted(set(joined))


def test_a_rule_that_comes_after_the_work_does_not_divide_it(node: Node) -> None:
    story.answer(node)
    before = story.done(period.plan_period(node, "q1")).statements[0]
    story.done(division.adopt(node, wire.read(RULE, "EUR"), story.ASSET, None, story.OPERATOR))
    after = story.done(period.plan_period(node, "q1")).statements[0]
    assert (after.shares, after.members, after.floor) == (before.shares, before.members, before.floor)
    assert not after.own, "and it says so"


def test_a_settlement_that_is_right_but_for_what_was_carried_is_found(
    directory: Path, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The node's own division of the second period, as if there had been no first: whoever was owed a part of a cent loses it."""

    def forgetful(node: Node, _: object, found: Division) -> tuple[str, Settlement]:
        return "", node.settler.settle(found.portions, (), found.persons, found.least, bytes(SEED_SIZE))

    with open_node(directory, clock) as node:
        story.answer(node, "SELECT COUNT(*) AS one FROM pay", story.CHEAP)
        story.close_period(node, "q1")
        story.answer(node, "SELECT COUNT(*) AS two FROM pay", story.CHEAP)
        monkeypatch.setattr(period, "_settle", forgetful)
        story.done(period.plan_period(node, "q2"))
    assert ["does not carry on" in finding.what for finding in verify(directory).findings] == [True]


def test_who_owes_a_levy_on_top_must_be_good_for_that_too(node: Node) -> None:
    story.done(levy.adopt(node, ON_TOP, "", None, story.OPERATOR))
    story.done(ledger.limit_credit(node, story.USER, Money(story.PRICE, "EUR"), story.OPERATOR))
    no = story.ask(node)
    assert isinstance(no, query.Refused) and no.refusal.code == "ledger.limit"
    story.done(ledger.limit_credit(node, story.USER, Money(story.PRICE * 103 // 100, "EUR"), story.OPERATOR))
    assert isinstance(story.ask(node), query.Answered)


def test_a_payout_is_of_what_the_last_one_left_however_much_there_is(
    founded: Path, table: Path, tmp_path: Path
) -> None:
    """With money for both in the accounts, only the order of the plans says that both would pay the same."""
    place = Path(shutil.copytree(founded, tmp_path / "node"))
    paying.prepare(place, table)
    with open_node(place) as node:
        first, second = (story.done(payout.propose(node)).payout for _ in range(2))
        paying.earn(node, "autumn")
        story.done(payout.approve(node, second, story.OPERATOR))
        no = payout.approve(node, first, story.OPERATOR)
        assert isinstance(no, Refusal) and no.code == "payout.stale" and second in no.reasons[0]


STATEMENT = f"""<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt><Id>S</Id>
<Acct><Id><IBAN>{paying.PAY_FROM}</IBAN></Id><Ccy>EUR</Ccy></Acct><Ntry><Amt Ccy="EUR">7.00</Amt><CdtDbtInd>DBIT</CdtDbtInd>
<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-11-23</Dt></BookgDt><AcctSvcrRef>REFERENCE</AcctSvcrRef></Ntry></Stmt>
</BkToCstmrStmt></Document>"""
TYPES = {
    "an entity": '<!DOCTYPE Document [<!ENTITY e "B-1">]>',
    "entities that grow": '<!DOCTYPE Document [<!ENTITY a "BBBB"><!ENTITY b "&a;&a;&a;"><!ENTITY e "&b;&b;">]>',
    "a file": '<!DOCTYPE Document [<!ENTITY e SYSTEM "file:///etc/hostname">]>',
    "nothing": "<!DOCTYPE Document>",
}


@pytest.mark.parametrize("kind", TYPES)
def test_a_bank_statement_with_a_document_type_is_refused_whole(kind: str) -> None:
    """Each is a statement like any other but for that; so it is refused for that, and not for what it stands for."""
    assert camt.read(STATEMENT.encode()).entries[0].reference == "REFERENCE"
    told = STATEMENT.replace("REFERENCE", "B-1" if kind == "nothing" else "&e;")
    with pytest.raises(BadInput, match="document type"):
        camt.read(f"{TYPES[kind]}{told}".encode())


def test_who_did_not_commit_has_no_bid_and_nobody_sees_one_before_the_end(directory: Path, clock: SetClock) -> None:
    terms, nonce = Terms("aggregates", (story.PURPOSE,), 0, "EUR", 1), "a1" * 32
    with open_node(directory, clock) as node:
        reserve = Money(1_000, "EUR")
        story.done(auction.open_auction(node, "place", story.ASSET, story.OPERATOR, terms, reserve, 7, 3))
        story.done(auction.commit(node, "place", story.USER, commitment("place", story.USER, 4_000, nonce)))
        clock.move(days=8)
        story.done(auction.show_bid(node, "place", story.USER, Money(4_000, "EUR"), nonce))
        (seen,) = auction.listed(node, story.STRANGER)
        assert (seen.bids, seen.mine) == ((), None), (
            "who has not opened hers could leave it closed, knowing the others'"
        )
        late: Any = attempt(node, nonce)
        assert isinstance(late, Refusal) and late.code == "registry.unknown"


def attempt(node: Node, nonce: str) -> object:
    """Somebody opens a bid that she never committed to; whatever the node does then is told."""
    try:
        return auction.show_bid(node, "place", story.STRANGER, Money(9_000, "EUR"), nonce)
    except AssertionError as error:
        return error


def test_salts_of_lines_are_drawn_for_every_settlement(node: Node) -> None:
    """Whoever could guess them would read from the commitments in her own proof what the others are paid."""
    seeds = set()
    for name in ("q1", "q2"):
        story.answer(node, f"SELECT COUNT(*) AS {name} FROM pay", story.CHEAP)
        planned = story.done(period.plan_period(node, name))
        with node.store.read() as state:
            seeds.add(Index.decode(state.evidence(planned.statements[0].lines)).seed)
        story.done(period.close_period(node, name, planned.plan, story.OPERATOR))
    assert len(seeds) == 2 and bytes(SEED_SIZE) not in seeds
