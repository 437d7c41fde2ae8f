"""A total that is told under noise, attacked by whoever wants the true one: over every address, with everything that can be
taken away.

What is left of the members' share is the true total in disguise: told less left over. So is what all are paid together, and
the noise. None of these numbers may stand anywhere where a member, a data user or a stranger can read it.
"""

from __future__ import annotations

import re
import zlib
from base64 import a85decode, b64decode
from binascii import Error
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

import story
import telling
from support import SetClock
from usufruct.core.contract.state import Agreement, Offer
from usufruct.core.income.facts import PeriodPlanned, SettlementSummed
from usufruct.core.income.lineproof import LineProof
from usufruct.core.income.measure import MICRO
from usufruct.core.income.settlement import Lines
from usufruct.core.income.state import PeriodPlan
from usufruct.core.privacy.state import Use
from usufruct.core.privacy.totals import DrawnTotal
from usufruct.core.rulebook.parameters import Rulebook, shipped
from usufruct.main import open_node
from usufruct.node import lines, login, statement, views
from usufruct.node.node import Node
from usufruct.web.app import make_app

SHE = "member-3"
PRICE = 73_127  # of such a number no other comes by chance
BASE64 = re.compile(rb"[A-Za-z0-9+/]{40,}={0,2}")


@pytest.fixture
def told(founded: Path, table: Path, new_directory: Path, clock: SetClock) -> Iterator[Node]:
    """A node with two closed periods whose totals are told."""
    with open_node(new_directory, clock) as node:
        story.bring_to_agreement(node, table, PRICE)
        telling.two_periods(node)
        yield node


def secrets(node: Node) -> dict[str, int]:
    """What gives a true total away, in minor units."""
    found = {}
    with node.store.read() as state:
        sums = {e.fact.lines: e.fact for e in state.entries(0, state.size()) if isinstance(e.fact, SettlementSummed)}
        for plan in state.list(PeriodPlan):
            (said,) = plan.planned.statements
            row, summed = state.get(DrawnTotal, said.draw), sums[said.lines]
            assert row is not None
            due = sum(Lines(said, state.evidence).columns()[0])
            true = said.told - row.fact.shift - row.fact.drawn
            found |= {
                f"{plan.period}: true total": true, f"{plan.period}: left of it": said.told - true,
                f"{plan.period}: fund": summed.fund, f"{plan.period}: all are paid": summed.paid_out,
                f"{plan.period}: all are due": due, f"{plan.period}: noise": abs(row.fact.drawn),
                f"{plan.period}: members' share less fund": said.members - summed.fund,
                f"{plan.period}: fund of all periods": sum(one.fund for one in sums.values()),
            }  # fmt: skip
            assert true % PRICE == 0 and due < said.members * MICRO
    return {name: number for name, number in found.items() if number >= 1_000}


def written(number: int) -> Iterator[bytes]:
    """A number as pages, files and programs write it: plain, as money, with thousands apart."""
    for text in (f"{number}", f"{number:,}", f"{number / 100:.2f}", f"{number / 100:,.2f}", f"{number / 10**8:.8f}"):
        yield text.encode()
        yield text.replace(",", "\u202f").encode()


def opened(body: bytes) -> bytes:
    """Whatever is in it, with what is packed in it: streams of a PDF, base64, and base64 in base64."""
    found = body
    for stream in re.findall(rb"(?<!end)stream\r?\n(.*?)~>", body, re.DOTALL):
        found += b"\n" + zlib.decompress(a85decode(stream))
    for _ in range(3):
        more = b""
        for packed in BASE64.findall(found.replace(b"\\n", b" ")):
            try:
                more += b"\n" + b64decode(packed + b"=" * (-len(packed) % 4))
            except Error:
                continue
        if more in found:
            break
        found += more
    return found


def addresses(app: Litestar, node: Node) -> Iterator[str]:
    """Everything that can be read, with every name that fits."""
    with node.store.read() as state:
        size = state.size()
        rows = [row for kind in (Use, PeriodPlan, Agreement, Offer) for row in state.list(kind)]
    named = (story.ASSET, *telling.PERIODS, *(row.id for row in rows))
    names = {
        "period": telling.PERIODS, "party": (SHE, story.OPERATOR), "asset": (story.ASSET,), "year": ("2026",),
        "seq": tuple(map(str, range(size))),
    }  # fmt: skip
    for route in app.routes:
        if not any("GET" in getattr(handler, "http_methods", ()) for handler in getattr(route, "route_handlers", ())):
            continue
        paths = [route.path]
        for gap in re.findall(r"\{(\w+):\w+\}", route.path):
            fitting = names.get(gap) or named
            paths = [re.sub(rf"\{{{gap}:\w+\}}", one, path) for path in paths for one in fitting]
        yield from paths


@pytest.mark.parametrize(("party", "role"), [(SHE, "member"), (story.USER, "user"), ("", "")])
def test_no_address_tells_what_gives_a_true_total_away(told: Node, party: str, role: str) -> None:
    app, read = make_app(told), set()
    every = {text: name for name, number in secrets(told).items() for text in written(number)}
    any_of_them = re.compile(rb"(?<![\d.])(" + b"|".join(map(re.escape, every)) + rb")(?!\d)")
    client = TestClient(app, raise_server_exceptions=False, base_url=told.about.url)
    headers = {}
    if party:
        token = login.issue_token(told, party, role, login.ROLES[role], 300, "")
        headers = {"Authorization": f"Bearer {token}"}
        link = login.issue_link(told, party, role)
        client.get("/enter")
        client.post("/enter", data={"code": link})
    for path in addresses(app, told):
        answer = client.get(path, headers=headers if path.startswith("/api/") else {}, follow_redirects=True)
        if answer.status_code == 200 and answer.url.path == path:
            read.add(path)
        found = any_of_them.search(opened(answer.content))
        assert not found, (path, every[found[1]])
    assert {"/income", "/api/v1/divisions"} <= read
    if role == "member":
        own = {f"/statements/q1/{SHE}", f"/api/v1/statements/q1/{SHE}/pdf", "/me", f"/api/v1/me/lines/q2/{story.ASSET}"}
        assert own <= read, "she reads her own, and so it was looked through"


def test_the_same_search_finds_them_where_they_may_be(told: Node) -> None:
    """Else it would prove nothing."""
    hidden, client = secrets(told), TestClient(make_app(told), raise_server_exceptions=False, base_url=told.about.url)
    token = login.issue_token(told, story.OPERATOR, "steward", login.ROLES["steward"], 300, "")
    body = opened(client.get("/api/v1/ledger", headers={"Authorization": f"Bearer {token}"}).content)
    assert any(text in body for text in written(hidden["q1: fund"]))
    with told.store.read() as state:
        page = views.plan_page(told, next(iter(state.list(PeriodPlan))).id)
    assert page is not None and page.sums[0].fund == hidden["q1: fund"] and page.sums[0].paid_out


def test_a_line_proof_holds_no_sums_over_others(told: Node) -> None:
    """It holds the whole record of the plan, which the node signed."""
    hidden = secrets(told)
    for period in telling.PERIODS:
        proof = lines.line_proof(told, SHE, period, story.ASSET)
        assert isinstance(proof, LineProof)
        body = opened(proof.text().encode())
        assert b"period.planned/1" in body, "it is opened here as everybody can open it"
        for name, number in hidden.items():
            assert not any(text in body for text in written(number)), (period, name)
    with told.store.read() as state:
        for plan in state.list(PeriodPlan):
            (said,) = plan.planned.statements
            assert (said.paid, said.paid_out, said.carried) == (0, 0, 0) and isinstance(plan.planned, PeriodPlanned)


def test_the_draw_and_the_sums_are_in_nobody_s_history(told: Node) -> None:
    """Nor is there a receipt of them, whoever asks."""
    with told.store.read() as state:
        size = state.size()
        kept = [
            e.seq for e in state.entries(0, size) if e.fact.KIND in ("total.drawn/1", "settlement.summed/1", "period.planned/1")
        ]  # fmt: skip
        assert len(kept) == 6
        for party in (*story.MEMBERS, story.USER, story.STRANGER, story.OPERATOR):
            assert not set(kept) & set(state.mentions(party))
    for seq in kept:
        for party in (SHE, story.USER, story.STRANGER):
            assert views.receipt_for(told, party, seq) is None


def test_whether_anybody_counted_at_all_is_not_told(told: Node) -> None:
    """Of a question that meets nobody the members' share is the members' all the same; nobody is due any of it."""
    story.answer(told, "SELECT COUNT(*) AS n FROM pay WHERE hourly_pay > 39 AND hours < 1", story.CHEAP)
    plan = story.close_period(told, "q3")
    with told.store.read() as state:
        row = state.get(PeriodPlan, plan)
        assert row is not None
        (said,) = row.planned.statements
        assert not any(Lines(said, state.evidence).columns()[0])
    assert abs(said.members - PRICE * 7 // 10) <= 1
    assert said.shares[0].amount == PRICE - said.members


def of_few(node: Node) -> Node:
    """The node with a rulebook by which a tenth of one person is enough to tell of."""
    few = {"income.spread-persons-min": 1}
    return replace(node, rulebook=Rulebook(replace(p, value=few.get(p.name, p.value)) for p in iter(shipped())))


def shares_of(node: Node) -> Any:
    """What a member's statement says of others."""
    (line,) = story.done(statement.statement(node, "q1", SHE)).lines
    return line.spread, [use.at_least for use in line.uses]


def test_a_statement_says_nothing_of_what_others_got(told: Node) -> None:
    spread, earned = shares_of(of_few(told))
    assert spread.why_not and not (spread.members or spread.middles or spread.gini or spread.mine)
    assert not any(earned), "no share of a use either, which would be by the rows of all"
