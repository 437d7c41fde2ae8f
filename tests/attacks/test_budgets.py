"""What was made of a table is about the same persons: whoever asks it spends of that table's budget too, or copies would be
as many budgets. What is about nobody was paid for when it was made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from attacks.workshop import CARDS, OTHER, PURPOSE, USER, Cells, Workshop, ask, budget, write
from support import rebuilt_rows, state_rows
from usufruct.core.base.refusals import Refusal
from usufruct.core.contract.facts import Terms
from usufruct.core.privacy.facts import QueryAbandoned, QueryAdmitted
from usufruct.core.registry.rules import Card
from usufruct.node import query, register, trade
from usufruct.node.node import Node

OPERATOR = "wage-commons"
ROWS: list[Cells] = [(f"p{p}", f"p{p}@example.org", "ns"[p % 2], 10 + p, p, 1) for p in range(40)]
ENOUGH = 300_000  # micro-rho of a budget


def add(node: Node, folder: Path, asset: Card, rows: list[Cells]) -> None:
    """Registers a table that was made of others, with consents and an agreement for everybody."""
    CARDS.setdefault(asset.asset, asset)
    done(register.add_asset(node, asset, write(folder / "made.csv", asset.asset, rows), OPERATOR))
    done(register.record_consents(node, asset.asset, PURPOSE, None, "forms"))
    terms = Terms("aggregates", (PURPOSE,), 500, "EUR", 1)
    done(trade.publish_offer(node, f"use-{asset.asset}", asset.asset, OPERATOR, terms, standing=True))
    for party in (USER, OTHER):
        moved = done(trade.request_offer(node, f"use-{asset.asset}", party))
        done(trade.move(node, moved.negotiation, "verify", party))


def done(result: Any) -> Any:
    assert not isinstance(result, Refusal), result
    return result


def made(name: str, *of: str) -> Card:
    return replace(CARDS["orders"], asset=name, derived_from=of)


@pytest.fixture
def shop(founded: Path, tmp_path: Path) -> Workshop:
    return Workshop(founded, tmp_path)


@pytest.fixture
def node(shop: Workshop) -> Iterator[Node]:
    """Orders, a copy of them, and a copy of that."""
    with shop.node({"orders": ROWS}, budget_micro_rho=ENOUGH) as found:
        add(found, shop.folder, made("copy", "orders"), ROWS[1:])
        add(found, shop.folder, made("copy-of-copy", "copy"), ROWS[2:])
        yield found


def spent(node: Node) -> list[int]:
    return [budget(node, name).spent for name in ("orders", "copy", "copy-of-copy")]


def count(name: str) -> str:
    return f'SELECT COUNT(*) AS n FROM "{name}"'


def test_what_a_copy_tells_is_paid_by_what_it_was_made_of(node: Node) -> None:
    charge = ask(node, count("copy-of-copy"), 100_000).charge
    assert spent(node) == [charge] * 3
    charge += ask(node, count("copy"), 100_000).charge
    assert spent(node)[:2] == [charge] * 2 and spent(node)[2] < charge


def test_no_number_of_copies_tells_more_than_the_budget(node: Node) -> None:
    """The attack: once the budget is spent, the same is asked of a copy, and of another."""
    told = 0
    for name in ("orders", "copy", "copy-of-copy"):
        for _ in range(4):
            reply = ask(node, count(name), 90_000, anew=True)
            told += reply.charge if isinstance(reply, query.Answered) else 0
    assert told <= ENOUGH == budget(node, "orders").total
    refused = ask(node, count("copy-of-copy"), 90_000, anew=True).refusal
    assert refused.code == "privacy.budget" and "what `copy-of-copy` was made of" in refused.reasons[0]
    assert "orders" not in repr(refused), "who asks a copy need not know what else there is"


def test_a_quota_is_kept_over_copies(shop: Workshop) -> None:
    with shop.node({"orders": ROWS}, budget_micro_rho=ENOUGH, quota_percent=50) as node:
        add(node, shop.folder, made("copy", "orders"), ROWS[1:])
        assert isinstance(ask(node, count("orders"), 100_000), query.Answered)
        assert ask(node, count("copy"), 100_000).refusal.code == "privacy.quota"
        assert isinstance(ask(node, count("copy"), 100_000, OTHER), query.Answered)


def test_of_what_is_joined_each_budget_pays_once(node: Node) -> None:
    text = 'SELECT COUNT(*) AS n FROM "copy" AS a JOIN orders AS b ON a.who = b.who JOIN "copy-of-copy" AS c ON a.who = c.who'
    charge = ask(node, text, 100_000).charge
    assert spent(node) == [charge] * 3


def test_what_fails_is_spent_of_each(node: Node) -> None:
    def stop(step: str) -> None:
        if step == "query before run":
            raise RuntimeError

    with pytest.raises(RuntimeError):
        ask(replace(node, reach=stop), count("copy-of-copy"), 100_000)
    with node.store.read() as state:
        admitted, abandoned = (state.entry(state.size() - n).fact for n in (2, 1))
    assert isinstance(admitted, QueryAdmitted) and isinstance(abandoned, QueryAbandoned)
    assert spent(node) == [admitted.charge] * 3
    assert [budget(node, name).reserved for name in ("orders", "copy")] == [0, 0]


def test_the_state_is_the_same_when_it_is_folded_again(shop: Workshop) -> None:
    with shop.node({"orders": ROWS}, budget_micro_rho=ENOUGH) as node:
        add(node, shop.folder, made("copy", "orders"), ROWS[1:])
        ask(node, 'SELECT who, COUNT(*) AS n FROM "copy" GROUP BY who', 100_000)
        ask(node, count("copy"), 100_000)
    journal = shop.folder / str(shop.made) / "journal.sqlite"
    before = state_rows(journal)
    assert before == rebuilt_rows(journal)


def test_one_data_user_has_one_part_of_delta(shop: Workshop) -> None:
    text = "SELECT email, COUNT(*) AS n FROM orders GROUP BY email"
    with shop.node({"orders": ROWS}, budget_nano_delta=40, quota_percent=50) as node:
        for _ in range(2):
            assert isinstance(ask(node, text, 1_000, anew=True), query.Answered)
        refused = ask(node, text, 1_000, anew=True).refusal
        assert refused.code == "privacy.quota" and "20 nano-delta" in refused.reasons[0]
        assert isinstance(ask(node, text, 1_000, OTHER, anew=True), query.Answered)
        assert isinstance(ask(node, count("orders"), 1_000), query.Answered), "what needs no delta is answered"
