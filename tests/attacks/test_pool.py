"""A data cooperative, attacked: rows without a grant, a charter nobody read, somebody else's cell, a machine that decides,
members who are counted or found out from outside, and a grade or a budget that is got rid of on the way.

Each attack is made on a whole node, and the victim is looked for in what a use really counted.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from litestar.testing import TestClient

import pooling
import story
from pooling import COOPERATIVE, INSTITUTE, POOL, RIDERS
from support import JOURNAL, SetClock, rebuilt_rows, state_rows
from usufruct.core.access.consent_conditions import ANY
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import later
from usufruct.core.base.money import Money
from usufruct.core.base.refusals import Refusal
from usufruct.core.contract.facts import Terms
from usufruct.core.privacy.facts import QueryAnswered
from usufruct.core.privacy.state import Budget
from usufruct.core.registry.pool import IN, Membership
from usufruct.core.registry.rights import Limits
from usufruct.core.registry.state import Asset, Right
from usufruct.core.terms.model import Action, Constraint, Rule, Ruleset, Value
from usufruct.main import open_node
from usufruct.node import (
    consent,
    deposit,
    epoch,
    erase,
    followers,
    period,
    pool,
    query,
    register,
    rights,
    trade,
    views,
)
from usufruct.node.node import Node
from usufruct.store.audit import verify
from usufruct.web.app import make_app
from usufruct.wire import charter, sql


@pytest.fixture(scope="module")
def pooled(tmp_path_factory: pytest.TempPathFactory, founded: Path) -> Path:
    """Three riders are in a pool, and an institute may ask."""
    directory = Path(shutil.copytree(founded, tmp_path_factory.mktemp("pooled") / "node"))
    with open_node(directory) as node:
        pooling.begun(node)
    return directory


@pytest.fixture
def directory(pooled: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(pooled, tmp_path / "node"))


@pytest.fixture
def node(directory: Path) -> Iterator[Node]:
    with open_node(directory, SetClock()) as opened:
        yield opened


def place(node: Node, rider: str) -> Membership:
    with node.store.read() as state:
        return next(state.list(Membership, party=rider))


def rows_of(directory: Path, number: int) -> int:
    """How many rows of a person's number lie in the pool's table."""
    (file,) = (directory / "data").glob(f"{POOL}-*.duckdb")
    with duckdb.connect(file, read_only=True) as connection:
        found = connection.execute("SELECT count(*) FROM asset WHERE _person = ?", [number]).fetchone()
    assert found is not None
    return int(found[0])


def refusal(found: Any, code: str) -> Refusal:
    assert isinstance(found, Refusal) and found.code == code, found
    return found


# ---- rows without a grant


def test_it_counts_those_who_are_in_and_each_for_her_own_rows(node: Node) -> None:
    assert pooling.counted(node) == [1, 2, 3]
    assert pooling.counted(node, "SELECT COUNT(*) AS weeks FROM riders WHERE earned > 250") == [0, 0, 1], "in the unit"


WAYS: dict[str, Callable[[Node], Any]] = {
    "she leaves": lambda node: pool.leave(node, "ben", POOL),
    "she takes the use back": lambda node: rights.revoke(node, place(node, "ben").use, "ben"),
    "she takes the operation back": lambda node: rights.revoke(node, place(node, "ben").operate, "ben"),
    "it is given back": lambda node: rights.release(node, place(node, "ben").use, COOPERATIVE),
    "she gives her own right up": lambda node: rights.transfer(
        node, own_right(node, place(node, "ben").cell, "use"), "ben", "cleo", keeps=False
    ),
    "she is erased": lambda node: erase.erase(node, "ben", story.OPERATOR),
}  # fmt: skip


def own_right(node: Node, cell: str, right: str) -> str:
    with node.store.read() as state:
        return next(row.id for row in state.list(Right, asset=cell) if row.right == right and row.rests_on is None)


@pytest.mark.parametrize("way", WAYS)
def test_no_row_without_a_grant_whichever_way_it_ended(way: str, node: Node, directory: Path) -> None:
    story.done(WAYS[way](node))
    assert pooling.counted(node) == [1, 0, 3]
    followers.run_once(node)
    assert [rows_of(directory, number) for number in range(3)] == [1, 0, 3]
    assert pooling.counted(node) == [1, 0, 3]
    assert pooling.left_behind(directory) == []
    node.store.close()
    assert verify(directory).findings == ()


STEPS = ("query after admitted", "query before answered")


@pytest.mark.parametrize("step", STEPS)
def test_a_grant_that_ends_while_a_question_is_under_way_is_in_no_answer(step: str, directory: Path) -> None:
    opened: list[Node] = []

    def reach(at: str) -> None:
        if at == step and opened:
            node = opened.pop()
            story.done(pool.leave(node, "ben", POOL))
            pooling.join(node, "dan")  # and somebody joins: she is not in it yet

    with open_node(directory, reach=reach) as node:
        opened.append(node)
        assert pooling.counted(node) == [1, 0, 3]
        assert pooling.counted(node) == [1, 0, 3, 1]


def test_a_member_who_refuses_is_out_and_in_the_pool_still(node: Node) -> None:
    story.done(consent.record_word(node, POOL, "cleo", "AcademicResearch", False))
    assert pooling.counted(node) == [1, 2, 0]
    assert place(node, "cleo").standing == IN


def test_consents_that_the_steward_takes_over_open_no_row(node: Node) -> None:
    story.done(pool.leave(node, "ben", POOL))
    story.done(register.record_consents(node, POOL, "AcademicResearch", None, "paper forms"))
    assert pooling.counted(node) == [1, 0, 3]


def test_when_the_charter_runs_out_nobody_can_ask_and_the_rows_go(new_directory: Path) -> None:
    clock = SetClock()
    with open_node(new_directory, clock) as node:
        until = later(clock.now(), days=30)
        pooling.found(node, pooling.CHARTER + f'until = "{until}"\n')
        pooling.join(node, "ana")
        pooling.agree(node)
        assert pooling.counted(node) == [1]
        clock.move(days=31)
        answered = pooling.ask(node)
        assert isinstance(answered, query.Refused)
        late = pooling.cell(node, "ben")
        refusal(pool.join(node, "ben", POOL, late.id, pooling.digest(node)), "pool.ended")
        followers.run_once(node)
        assert rows_of(new_directory, 0) == 0
        refusal(pool.leave(node, "ana", POOL), "registry.unknown")
    with open_node(new_directory, clock):
        pass
    assert verify(new_directory).findings == ()


def test_whoever_leaves_an_ended_pool_before_the_followers_come_has_left(new_directory: Path) -> None:
    clock = SetClock()
    with open_node(new_directory, clock) as node:
        pooling.found(node, pooling.CHARTER + f'until = "{later(clock.now(), days=30)}"\n')
        pooling.join(node, "ana")
        clock.move(days=31)
        assert not isinstance(pool.leave(node, "ana", POOL), Refusal)
        assert rows_of(new_directory, 0) == 0


# ---- what was not read, and what is not hers


def test_a_charter_that_she_did_not_read_is_not_agreed_to(node: Node, directory: Path) -> None:
    other = pooling.found(node, pooling.CHARTER.replace('"riders"', '"others"').replace("3.00", "0.01"))
    cell, facts = pooling.cell(node, "dan"), size(node)
    for shown in (other.digest, "", "0" * 64, pooling.digest(node).upper()):
        refusal(pool.join(node, "dan", POOL, cell.id, shown), "consent.notice")
    assert size(node) == facts and pooling.left_behind(directory) == [], "nothing happened, and nothing is left"


def size(node: Node) -> int:
    with node.store.read() as state:
        return state.size()


def test_somebody_elses_cell_is_told_like_one_that_is_not_there(node: Node) -> None:
    pooling.cell(node, "dan")
    hers, shown = place(node, "ana").cell, pooling.digest(node)
    told = {
        name: refusal(pool.join(node, "dan", POOL, name, shown), "registry.unknown") for name in (hers, "cell-0", POOL)
    }
    assert len({str(one).replace(name, "X") for name, one in told.items()}) == 1
    left = [refusal(pool.leave(node, "dan", name), "registry.unknown") for name in (POOL, "no-pool")]
    assert str(left[0]).replace(POOL, "X") == str(left[1]).replace("no-pool", "X")
    refusal(rights.revoke(node, place(node, "ana").use, "dan"), "registry.unknown")


def test_a_table_that_the_steward_registered_is_nobodys_cell(node: Node, table: Path) -> None:
    story.register_table(node, table)
    refusal(pool.join(node, "member-1", POOL, story.ASSET, pooling.digest(node)), "registry.unknown")
    refusal(pool.join(node, COOPERATIVE, POOL, POOL, pooling.digest(node)), "registry.unknown")


def test_no_machine_adopts_a_charter_or_joins(node: Node) -> None:
    register.add_party(node, "bot", "agent", "Bot", "ana")
    draft = charter.read(pooling.CHARTER.replace('"riders"', '"others"'))
    for by, actors in (("bot", ()), (story.OPERATOR, ("bot",))):
        refusal(pool.found(node, draft, COOPERATIVE, by, actors), "access.human-only")
    cell, shown = pooling.cell(node, "dan"), pooling.digest(node)
    refusal(pool.join(node, "dan", POOL, cell.id, shown, ("bot",)), "access.human-only")
    refusal(pool.join(node, "bot", POOL, cell.id, shown), "access.human-only")
    assert pooling.counted(node) == [1, 2, 3]


def test_a_ward_cannot_join_by_herself(node: Node) -> None:
    cell = pooling.cell(node, "dan")
    story.done(consent.appoint(node, "ana", "dan", later(node.clock.now(), days=900), "a court's letter"))
    facts = size(node)
    refusal(pool.join(node, "dan", POOL, cell.id, pooling.digest(node)), "consent.guardian")
    assert size(node) == facts, "her number and her grants came before it, and are taken back with it"
    assert pooling.counted(node) == [1, 2, 3]


# ---- what the cooperative could do with a cell


def test_the_cooperative_can_do_nothing_with_a_cell_itself(node: Node) -> None:
    cell = place(node, "ana").cell
    terms = Terms("aggregates", (pooling.PURPOSE,), 300, "EUR", 1)
    refusal(trade.publish_offer(node, "taken", cell, COOPERATIVE, terms), "rights.not-held")
    for right in ("use", "operate", "benefit", "hold"):
        refusal(rights.grant(node, COOPERATIVE, INSTITUTE, cell, right), "rights.not-held")
    held = place(node, "ana").use
    refusal(rights.transfer(node, held, COOPERATIVE, INSTITUTE, keeps=True), "rights.not-held")
    soon = Limits(later(node.clock.now(), days=3))
    refusal(rights.pledge(node, held, COOPERATIVE, INSTITUTE, "pilot", soon, exclusive=True), "rights.not-held")
    with node.store.read() as state:
        granted = state.get(Right, held)
    assert granted is not None
    assert (granted.purposes, granted.columns) == (("ResearchAndDevelopment",), ("city", "earned"))


def test_what_the_charter_does_not_name_never_comes_in(node: Node, directory: Path) -> None:
    (file,) = (directory / "data").glob(f"{POOL}-*.duckdb")
    assert b"marmalade" not in file.read_bytes()


def test_a_cell_that_is_lent_cannot_be_brought_and_one_that_is_brought_cannot_be_lent(node: Node) -> None:
    cell = pooling.cell(node, "dan")
    soon = Limits(later(node.clock.now(), days=30))
    own = own_right(node, cell.id, "use")
    lent = story.done(rights.pledge(node, own, "dan", INSTITUTE, "pilot", soon, exclusive=True))
    refusal(pool.join(node, "dan", POOL, cell.id, pooling.digest(node)), "rights.not-held")
    story.done(rights.release(node, lent.id, INSTITUTE))
    story.done(pool.join(node, "dan", POOL, cell.id, pooling.digest(node)))
    refusal(rights.pledge(node, own, "dan", INSTITUTE, "pilot", soon, exclusive=True), "rights.pledged")


def test_a_cell_can_be_offered_and_in_a_pool_and_withdrawing_it_leaves_her_in(node: Node) -> None:
    cell = place(node, "ana").cell
    story.done(deposit.offer(node, "ana", cell, ["AcademicResearch"], Money(10, "EUR")))
    assert pooling.counted(node) == [1, 2, 3]
    story.done(deposit.withdraw(node, "ana", cell))
    assert pooling.counted(node) == [1, 2, 3], "the operator's rights are not the cooperative's"


def test_where_the_operator_is_the_cooperative_withdrawing_a_cell_ends_it(new_directory: Path) -> None:
    with open_node(new_directory, SetClock()) as node:
        pooling.found(node, cooperative=story.OPERATOR)
        joined = pooling.join(node, "ana")
        pooling.agree(node, cooperative=story.OPERATOR)
        assert pooling.counted(node) == [1]
        story.done(deposit.withdraw(node, "ana", joined.cell))
        assert pooling.counted(node) == [0]


# ---- grades and budgets


def test_a_pool_is_no_way_down_for_a_grade(node: Node) -> None:
    graded = pooling.CHARTER.replace('"riders"', '"others"').replace('"sensitive"', '"personal"')
    pooling.found(node, graded)
    cell = pooling.cell(node, "dan")
    why = refusal(pool.join(node, "dan", "others", cell.id, pooling.digest(node, "others")), "pool.fit")
    assert why.reasons == ("`city` is of grade 3 in your cell, and of 2 by the charter",
                           "`earned` is of grade 3 in your cell, and of 2 by the charter")  # fmt: skip


def test_one_cell_is_in_one_pool_and_a_pool_has_one_budget_for_ever(node: Node) -> None:
    pooling.found(node, pooling.CHARTER.replace('"riders"', '"others"'))
    cell = place(node, "ana").cell
    refusal(pool.join(node, "ana", "others", cell, pooling.digest(node, "others")), "registry.exists")
    pooling.counted(node)
    with node.store.read() as state:
        asset = state.get(Asset, POOL)
        assert asset is not None
        before = [row for row in state.list(Budget) if row.asset == POOL]
    story.done(pool.leave(node, "ana", POOL))
    story.done(pool.join(node, "ana", POOL, cell, pooling.digest(node)))
    with node.store.read() as state:
        assert [row for row in state.list(Budget) if row.asset == POOL] == before
        assert state.get(Asset, POOL) == asset, "nothing of it changes when somebody comes or goes"
    assert pooling.counted(node) == [1, 2, 3]


def test_the_same_charter_is_not_adopted_twice(node: Node) -> None:
    refusal(pool.found(node, charter.read(pooling.CHARTER), COOPERATIVE, story.OPERATOR), "registry.exists")


BAD = (
    "", "[charter]\ntext = 1", "charter = 3", f"{pooling.CHARTER}more = 1", f"{pooling.CHARTER}until = 7",
    pooling.CHARTER.replace("3.00 EUR", "three"), pooling.CHARTER.replace('text = "We', 'words = "We'),
    pooling.CHARTER.replace("ResearchAndDevelopment", "Gossip").replace('"riders"', '"others"'),
)  # fmt: skip


def test_what_is_no_charter_is_told(node: Node, directory: Path) -> None:
    for bad in BAD:
        with pytest.raises(BadInput):
            pool.found(node, charter.read(bad), COOPERATIVE, story.OPERATOR)
    assert not list((directory / "data").glob("others*"))


# ---- who is told what


def test_nobody_outside_sees_anybody_come_or_go(node: Node) -> None:
    """What strangers, data users and the cooperative can read of a pool is the same before and after, to the letter."""
    with TestClient(make_app(node)) as client:

        def seen() -> list[str]:
            paths = ("/", f"/pools/{POOL}", f"/title/{POOL}", "/api/v1/catalogue", "/api/v1/pools", f"/api/v1/pools/{POOL}",
                     f"/api/v1/assets/{POOL}/title")  # fmt: skip
            texts = [client.get(path).text for path in paths]
            return [text for text in texts if "checkpoint" not in text] + [texts[0].split('id="journal"')[0]]

        before = seen()
        assert any("fewer than 5 members" in text.lower() for text in before)
        pooling.join(node, "dan")
        story.done(pool.leave(node, "ben", POOL))
        assert seen() == before
        pooling.join(node, "eve")
        pooling.join(node, "fay")
        assert seen() != before, "from five on that is told"
        everything = " ".join(seen())
        for rider in (*RIDERS, "dan", "eve", "fay"):
            assert place(node, rider).cell not in everything and f">{rider}<" not in everything


def test_rules_about_how_many_persons_tell_nothing_of_a_pool(node: Node) -> None:
    """Else an agreement could be made to answer from the hundredth member on, and so tell when she came."""
    for operator, number in (("gteq", "0"), ("lt", "1000000")):
        many = Constraint("usu:persons", operator, (Value(number, "xsd:integer"),))
        rules = Ruleset("rules", (Rule("permission", "may", Action("use"), constraints=(many,)),), "Offer", "prohibit")
        terms = Terms("aggregates", (pooling.PURPOSE,), 300, "EUR", 1, rules=rules)
        story.done(trade.publish_offer(node, f"many-{operator}", POOL, COOPERATIVE, terms, standing=True))
        register.add_party(node, f"lab-{operator}", "organisation", "Lab", evidence="seen")
        moved = story.done(trade.request_offer(node, f"many-{operator}", f"lab-{operator}"))
        story.done(trade.move(node, moved.negotiation, "verify", f"lab-{operator}"))
        asked = query.Asked(
            f"lab-{operator}",
            pooling.QUESTION,
            sql.parse(pooling.QUESTION),
            pooling.PURPOSE,
            story.CHEAP,
            anew=True,
        )
        answer = query.ask(node, asked)
        assert isinstance(answer, query.Refused) and answer.refusal.code == "access.terms"


def test_the_cooperative_cannot_try_out_who_is_a_member(node: Node) -> None:
    pooling.cell(node, "dan")
    told = [
        consent.ask(node, COOPERATIVE, POOL, pooling.PURPOSE, ANY, "Are you one?", 30, rider)
        for rider in ("ana", "dan")
    ]
    assert str(refusal(told[0], "registry.unknown")).replace("ana", "dan") == str(told[1])
    asked = story.done(consent.ask(node, COOPERATIVE, POOL, pooling.PURPOSE, ANY, "Do you ride at night?"))
    story.done(consent.answer(node, asked.request, "ana", "no"))
    assert [one.told for one in consent.sent(node, COOPERATIVE)] == ["fewer than 5 answered"]


def test_no_other_learns_why_a_cell_does_not_fit(node: Node) -> None:
    cell = pooling.cell(node, "dan", b"city,hours\nnorth,38\n")
    found = story.done(pool.place(node, "dan", POOL))
    assert [(one.cell.id, one.misfits) for one in found.choices] == [
        (cell.id, (f"`{cell.id}` has no column `earned`",))
    ]
    assert story.done(pool.place(node, "ana", POOL)).choices[0].cell.source == "ana"
    assert story.done(pool.place(node, COOPERATIVE, POOL)).choices == ()


# ---- at once, later, and again


def test_two_who_join_at_once_are_both_in_and_nobody_twice(node: Node) -> None:
    cells = {rider: pooling.cell(node, rider).id for rider in ("dan", "eve")}
    again = story.done(deposit.deposit(node, "dan", pooling.table("ana"))).id
    shown, results = pooling.digest(node), dict[str, Any]()
    wanted = [("dan", cells["dan"]), ("dan", again), ("eve", cells["eve"])]

    def go(rider: str, cell: str) -> None:
        results[cell] = pool.join(node, rider, POOL, cell, shown)

    threads = [threading.Thread(target=go, args=one) for one in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    dans = [results[cells["dan"]], results[again]]
    assert sorted(isinstance(one, Refusal) for one in dans) == [False, True]
    assert not isinstance(results[cells["eve"]], Refusal)
    assert pooling.counted(node) == [1, 2, 3, 1, 1]


def test_who_joins_after_a_use_sees_all_her_pages_and_is_paid_for_none_before(node: Node, directory: Path) -> None:
    pooling.counted(node)
    answered = pooling.ask(node)
    assert isinstance(answered, query.Answered)
    pooling.join(node, "dan")
    story.close_period(node, "first")
    page = views.member_page(node, "dan")
    assert page is not None
    (mine,) = (one for one in page.assets if one.asset.id == POOL)
    assert mine.seen == () and [paid.amount.minor for paid in mine.paid] == [0]
    assert views.answer_for(node, "dan", answered.use) is None
    assert views.receipt_for(node, "dan", answered.receipt.index) is None
    epoch.close_epoch(node)
    assert pooling.counted(node) == [1, 2, 3, 1]
    planned = story.done(period.plan_period(node, "second"))
    assert planned.statements[0].paid == 4
    with node.store.read() as state:
        ended = [entry.fact for entry in state.entries(0, state.size())]
    assert sum(isinstance(fact, QueryAnswered) for fact in ended) == 3


def test_a_member_reads_later_what_she_agreed_to(node: Node) -> None:
    words = [one for one in consent.words(node, "ana") if one.word.asset == POOL]
    assert [one.notice for one in words] == [story.done(pool.show(node, POOL)).charter.words]


def test_the_state_is_rebuilt_to_the_same_after_all_of_it(directory: Path) -> None:
    with open_node(directory, SetClock()) as node:
        pooling.counted(node)
        story.done(pool.leave(node, "ben", POOL))
        story.done(pool.join(node, "ben", POOL, place(node, "ben").cell, pooling.digest(node)))
        pooling.join(node, "dan")
        story.done(erase.erase(node, "cleo", story.OPERATOR))
        story.done(rights.revoke(node, place(node, "ana").operate, "ana"))
        assert pooling.counted(node) == [0, 2, 0, 1]
    before = state_rows(directory / JOURNAL)
    assert rebuilt_rows(directory / JOURNAL) == before
