"""The page of a title, and a member's own cell: what each sees, what she deposits, offers and takes back."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

import pytest

import story
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import later
from usufruct.core.base.money import Money
from usufruct.core.base.refusals import Refusal
from usufruct.core.contract.facts import Terms
from usufruct.core.privacy.state import Use
from usufruct.core.registry.rights import Limits
from usufruct.core.registry.rules import id_of
from usufruct.core.registry.state import Asset, Party, Right
from usufruct.node import consent, deposit, query, rights, trade
from usufruct.node.node import Node
from usufruct.wire import card, sql

TABLE = b"day,steps,mood\n2026-01-01,4000,good\n2026-01-02,9000,bad\n2026-01-03,7000,good\n"
COUNT = "SELECT COUNT(*) AS days FROM {}"


def member_id(node: Node, name: str = "member-3") -> str:
    with node.store.read() as state:
        return id_of(state, name)


def deposited(node: Node, title: str = "Steps") -> Asset:
    with node.store.read() as state:
        before = sum(1 for _ in state.list(Party))
    made = deposit.deposit(node, member_id(node), TABLE, title)
    assert isinstance(made, Asset)
    with node.store.read() as state:
        assert sum(1 for _ in state.list(Party)) == before, "a cell makes no new member"
    return made


def right_of(node: Node, asset: str, right: str) -> str:
    with node.store.read() as state:
        return next(row.id for row in state.list(Right, asset=asset) if row.right == right)


def test_the_drawing_and_the_table_say_the_same(stranger: Any, steward: Any, node: Node) -> None:
    use = right_of(node, "pay", "use")
    done = rights.grant(node, story.OPERATOR, story.USER, "pay", "use", Limits(may_grant=True))
    assert not isinstance(done, Refusal)
    lent = rights.pledge(node, done.id, story.USER, story.STRANGER, "quiet-nights",
                         Limits(later(node.clock.now(), days=9)), exclusive=True)  # fmt: skip
    assert not isinstance(lent, Refusal)
    page = stranger.get("/title/pay")
    assert page.status == 200 and page.title.startswith("Who holds which right on Pay of twelve people")
    drawn = page.source[page.source.index('<svg class="chart"') : page.source.rindex("</svg>")]
    rows = re.findall(r'<th scope="row">\w+<br><code>(right-\d+)</code>', page.source)
    assert rows == [right_of(node, "pay", "hold"), use, done.id, lent.id, right_of(node, "pay", "operate"),
                    right_of(node, "pay", "benefit")]  # fmt: skip
    assert drawn.count("</text>") == 2 * (len(rows) + 1) and len(re.findall(r'class="error"', drawn)) == len(rows)
    assert "pilot quiet-nights" in drawn and "Lent out" in page.text
    assert "is lent to the pilot quiet-nights until" in page.text
    assert not isinstance(rights.revoke(node, done.id, story.OPERATOR), Refusal)
    after = stranger.get("/title/pay").text
    assert "No longer good" in after and "was revoked on" in after
    assert 'href="/title/pay"' in stranger.get("/").source and 'href="/title/pay"' in steward.get("/steward").source


def test_a_member_sees_her_own_place(member: Any, stranger: Any) -> None:
    assert "you among them" in member.get("/title/pay").text
    assert "you among them" not in stranger.get("/title/pay").text
    assert 'href="/title/pay"' in member.get("/me").source


def test_what_is_not_offered_is_unknown_to_strangers(browse: Any, node: Node) -> None:
    cell = deposited(node)
    hers, others = browse("member-3", "member"), (browse(), browse("member-4", "member"), browse(story.USER, "user"))
    mine = hers.get(f"/title/{cell.id}")
    assert mine.status == 200 and "You" in mine.text
    for browser in others:
        unknown = [browser.get(f"/title/{name}") for name in (cell.id, "no-such-thing")]
        assert [page.status for page in unknown] == [404, 404]
        assert unknown[0].text.replace(cell.id, "") == unknown[1].text.replace("no-such-thing", "")
        assert cell.id not in browser.get("/").source
    assert browse(story.OPERATOR, "steward").get(f"/title/{cell.id}").status == 200


def test_a_cell_is_in_her_own_hands(node: Node) -> None:
    cell, her = deposited(node), member_id(node)
    assert re.fullmatch(r"cell-[0-9a-f]{16}", cell.id) and cell.source == her and cell.quality.persons == 1
    assert {column.name: column.grade for column in cell.columns if column.grade < 3} == {}
    with node.store.read() as state:
        holders = {row.right: row.grantee for row in state.list(Right, asset=cell.id)}
    assert holders == {"hold": story.OPERATOR, "use": her, "operate": her, "benefit": her}
    no = trade.publish_offer(node, "taken", cell.id, story.OPERATOR, Terms("aggregates", (story.PURPOSE,), 0, "EUR", 1))
    assert isinstance(no, Refusal) and no.code == "rights.not-held"


def test_nobody_learns_from_a_guess_whether_somebody_deposited_it(node: Node) -> None:
    first = deposited(node)
    other = deposit.deposit(node, member_id(node, "member-4"), TABLE, "Steps")
    assert isinstance(other, Asset) and other.version != first.version
    again = deposit.deposit(node, member_id(node), TABLE)
    assert isinstance(again, Refusal) and first.id in again.reasons[0], "her own is known again, for its budget is one"


def test_nothing_is_read_before_she_says_yes_and_nothing_after_she_withdraws(node: Node) -> None:
    cell, her = deposited(node), member_id(node)
    offered = deposit.offer(node, her, cell.id, ["ResearchAndDevelopment"], Money(100, "EUR"))
    assert isinstance(offered, str)
    moved = trade.request_offer(node, offered, story.USER)
    assert isinstance(moved, trade.Moved)
    agreed = trade.move(node, moved.negotiation, "verify", story.USER)
    assert isinstance(agreed, trade.Moved) and agreed.agreement is not None
    assert agreed.agreement.provider == story.OPERATOR, "whose it is, is in nothing that others get"
    text = COUNT.format(f'"{cell.id}"')

    def ask() -> query.Answered | query.Refused:
        return query.ask(node, query.Asked(story.USER, text, sql.parse(text), story.PURPOSE, anew=True))

    def looked_at() -> bytes:
        answer = ask()
        assert isinstance(answer, query.Answered)
        with node.store.read() as state:
            use = state.get(Use, answer.use)
            assert use is not None
            return state.evidence(use.population)

    assert looked_at() == b"\0", "she was not asked yet"
    said = consent.record_word(node, cell.id, her, story.PURPOSE, True)
    assert not isinstance(said, Refusal)
    assert looked_at() == b"\1"
    assert deposit.withdraw(node, her, cell.id) == 1
    refused = ask()
    assert isinstance(refused, query.Refused) and refused.refusal.code == "access.rights"
    assert isinstance(deposit.withdraw(node, her, cell.id), Refusal), "there is nothing left to withdraw"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no rows"), (b"a,b\n", "no rows"), (b"\xff\xfe\x00", "not CSV in UTF-8"), (b'a,b\n1,"2\n', "not CSV"),
        (b"Owner,b\n1,2\n", "`owner` is the column"), (b"x" * (deposit.CELL_LIMIT + 1), "more than 16 MiB"),
        (b"a,b\n1\n", "row"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_cell_is_refused_and_nothing_kept(node: Node, content: bytes, why: str) -> None:
    with node.store.read() as state:
        before = state.size()
    with pytest.raises(BadInput, match=re.escape(why)):
        deposit.deposit(node, member_id(node), content)
    with node.store.read() as state:
        assert state.size() == before


def test_a_cell_with_a_card_is_about_one_person(node: Node) -> None:
    described, her = card.read(story.CARD), member_id(node)
    rows = "nr,year,hourly_pay,hours,night_shifts\n7,2021,12.5,1500,true\n{},2022,13.5,1500,true\n"
    with pytest.raises(BadInput, match="more than one person"):
        deposit.deposit(node, her, rows.format(8).encode(), card=described)
    made = deposit.deposit(node, her, rows.format(7).encode(), card=described)
    assert isinstance(made, Asset) and made.person_column == "nr" and made.quality.rows == 2
    assert made.columns[0].type == "text" and made.title == described.title
    no = deposit.deposit(node, story.USER, TABLE)
    assert isinstance(no, Refusal) and no.code == "registry.unknown"


def test_an_offer_that_cannot_be_leaves_nothing_behind(node: Node) -> None:
    cell, her = deposited(node), member_id(node)
    with node.store.read() as state:
        before = state.size()
    for purposes, price in ((["Purpose"], Money(1, "USD")), (["Sunshine"], Money(1, "EUR")), ([], Money(1, "EUR"))):
        with suppress(BadInput):
            assert isinstance(deposit.offer(node, her, cell.id, purposes, price), Refusal)
    for years in (-10_000, 0, 10**9):
        with pytest.raises(BadInput, match="cannot last"):
            deposit.offer(node, her, cell.id, [story.PURPOSE], Money(1, "EUR"), years)
    no = deposit.offer(node, member_id(node, "member-4"), cell.id, [story.PURPOSE], Money(1, "EUR"))
    assert isinstance(no, Refusal) and no.code == "rights.not-held"
    with node.store.read() as state:
        assert state.size() == before


def test_she_does_it_all_on_her_page(member: Any, stranger: Any, node: Node) -> None:
    page = member.get("/member/cells")
    assert page.status == 200 and "You have not deposited anything yet." in page.text
    csrf = next(form.fields["csrf"] for form in page.forms if form.action == "/member/cells")
    answer = member.client.post("/member/cells", data={"csrf": csrf, "title": "My steps"},
                                files={"table": ("steps.csv", TABLE)}, follow_redirects=False)  # fmt: skip
    assert answer.status_code == 303, answer.text
    page = member.get("/member/cells?became=deposited")
    cell = re.search(r"cell-[0-9a-f]{16}", page.source)
    assert cell and "My steps" in page.text and "nobody else knows that it is there" in page.text
    page = member.press(page, f"/member/cells/{cell[0]}/offer", purpose="AcademicResearch", price="2.50")
    assert "2.50 EUR a question" in page.text
    assert cell[0] in stranger.get("/").source
    shown = stranger.get(f"/title/{cell[0]}")
    assert "a person" in shown.text.lower() and "Member 3" not in shown.text and member_id(node) not in shown.source
    assert member_id(node) not in stranger.get("/").source
    page = member.press(page, f"/member/cells/{cell[0]}/withdrawal")
    assert "every agreement on it has ended" in page.text
    assert cell[0] not in stranger.get("/").source
