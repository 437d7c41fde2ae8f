"""Facts are for ever: each has exactly one record, and the same facts always come to the same state."""

from __future__ import annotations

import dataclasses
import types
import typing
import unicodedata
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from worlds import World, pay

from usufruct.core import facts
from usufruct.core.access.consent_rules import Speaker, say
from usufruct.core.access.facts import ConsentsRecorded
from usufruct.core.base import canonical, instants
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Entry, Fact, Row, plain, rebuild
from usufruct.core.base.refusals import Refusal
from usufruct.core.contract import rules as contract
from usufruct.core.contract.facts import Terms
from usufruct.core.contract.negotiation import MESSAGES
from usufruct.core.contract.state import Agreement, Negotiation, Offer
from usufruct.core.income import rules as income
from usufruct.core.income.earned import Earned
from usufruct.core.income.ledger import Account, Transfer
from usufruct.core.income.measure import EarningUse
from usufruct.core.income.settlement import settle
from usufruct.core.privacy.facts import QueryAbandoned, QueryAdmitted, QueryAnswered, QueryRefused
from usufruct.core.privacy.state import Budget, Use
from usufruct.core.registry import conveyance
from usufruct.core.registry.rights import Limits, grant
from usufruct.core.registry.state import Right
from usufruct.core.rulebook.parameters import shipped
from usufruct.store.memory import MemoryState

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8).map(lambda t: unicodedata.normalize("NFC", t))
integers = st.integers(-(2**63), 2**63 - 1)


@cache
def of(kind: Any) -> st.SearchStrategy[Any]:
    """Everything that a field of this type can hold, from its type alone."""
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if kind is Instant:
        return st.datetimes(timezones=st.just(instants.UTC)).map(instants.instant)
    if origin in (typing.Union, types.UnionType):
        return st.one_of(*(st.none() if arg is type(None) else of(arg) for arg in args))
    if origin is tuple:
        if args[1:] == (Ellipsis,):
            scalars = args[0] in (str, int, bool, Instant)
            return st.lists(of(args[0]), max_size=3 if scalars else 1).map(
                tuple
            )  # for some records hold their own kind
        return st.tuples(*map(of, args))
    if dataclasses.is_dataclass(kind):
        return st.deferred(lambda: _built(kind))
    return {str: text, int: integers, bool: st.booleans()}[kind]


def _built(kind: Any) -> st.SearchStrategy[Any]:
    hints = typing.get_type_hints(kind)
    fields = {
        f.name: of(hints[f.name])
        if f.default is dataclasses.MISSING
        else st.one_of(st.just(f.default), of(hints[f.name]))
        for f in dataclasses.fields(kind)
    }
    return st.builds(kind, **fields)


@pytest.mark.parametrize("kind", facts.FACTS, ids=lambda kind: kind.KIND)
@settings(max_examples=20)
@given(data=st.data())
def test_a_fact_comes_back_from_its_record(kind: type[Fact], data: st.DataObject) -> None:
    entry = Entry(data.draw(st.integers(0, 2**63 - 1)), data.draw(of(Instant)), data.draw(of(kind)))
    record = facts.encode(entry)
    back = facts.decode(record)
    assert back == entry and type(back.fact) is kind
    assert facts.encode(back) == record
    assert all(isinstance(party, str) for party in entry.fact.about())


@pytest.mark.parametrize("kind", facts.ROWS, ids=lambda kind: kind.__name__)
@settings(max_examples=10)
@given(data=st.data())
def test_a_row_comes_back_from_its_value(kind: type[Row], data: st.DataObject) -> None:
    row = data.draw(of(kind))
    assert rebuild(kind, canonical.decode(canonical.encode(plain(row)))) == row


@pytest.mark.parametrize("kind", facts.FACTS, ids=lambda kind: kind.KIND)
@settings(max_examples=6)
@given(data=st.data())
def test_no_record_of_another_shape_is_read(kind: type[Fact], data: st.DataObject) -> None:
    """A field left out, added, of another type, or spelt out although it holds its default."""
    fact = data.draw(of(kind))
    value = typing.cast(dict[str, Any], plain(fact))
    whole = {"seq": 0, "at": "2026-03-01T00:00:00.000Z", "kind": kind.KIND, "fact": value}
    assert facts.decode(canonical.encode(whole)).fact == fact
    fields = dataclasses.fields(fact)
    changed = [{**value, "another": 1}, [], None, "x"]
    changed += [{k: v for k, v in value.items() if k != f.name} for f in fields if f.default is dataclasses.MISSING]
    changed += [{**value, f.name: plain(f.default)} for f in fields if f.default is not dataclasses.MISSING]
    changed += [{**value, f.name: wrong} for f in fields for wrong in ({}, [[[[1]]]])]
    for other in changed:
        with pytest.raises(ValueError, match=r"."):
            facts.decode(canonical.encode({**whole, "fact": other}))


@pytest.mark.parametrize(
    "wrong",
    [
        {"seq": -1}, {"seq": True}, {"seq": "0"}, {"seq": None}, {"at": None}, {"at": 5}, {"kind": None}, {"kind": []},
        {"kind": "party.registered/2"}, {"kind": "consent.given/1"}, {"more": 1}, {"fact": {}},
    ],
)  # fmt: skip
def test_no_record_with_another_frame_is_read(wrong: dict[str, Any]) -> None:
    fact = {"party": "a", "kind": "person", "name": "A"}
    frame = {"seq": 0, "at": "2026-03-01T00:00:00.000Z", "kind": "party.registered/1", "fact": fact}
    assert facts.decode(canonical.encode(frame))
    for other in ({**frame, **wrong}, {k: v for k, v in frame.items() if k not in wrong}):
        if other != frame:
            with pytest.raises(ValueError, match=r"."):
                facts.decode(canonical.encode(other))
    for data in (b"[]", b"1", b"null", b"{}"):
        with pytest.raises(ValueError, match=r"."):
            facts.decode(data)


def test_the_list_of_facts_and_rows_is_whole() -> None:
    """What is not listed could not be read back, or not be looked up."""
    # By name, for a dataclass with slots is made twice.
    known = {kind.__name__ for kind in facts.FACTS} | {"Erased"}  # which stands for one that nobody can read
    assert known == {kind.__name__ for kind in Fact.__subclasses__()}
    assert {kind.__name__ for kind in facts.ROWS} == {kind.__name__ for kind in Row.__subclasses__()}
    for kind in facts.FACTS:
        name, _, version = kind.KIND.partition("/")
        assert name.count(".") == 1 and version.isdigit()
    for row in facts.ROWS:
        names = {f.name for f in dataclasses.fields(row)}
        assert set(row.KEY) | set(row.INDEXED) <= names


# --- random histories, in which every fact is one that the rules allowed

PARTIES = ("coop", "institute", "insurer", "clinic", *(f"member-{n}" for n in range(3)))
PURPOSES = ("Purpose", "ResearchAndDevelopment", "AcademicResearch", "CommercialResearch", "Marketing")
steps = st.lists(st.tuples(st.integers(0, 12), *[st.integers(0, 9)] * 3), max_size=40)


class History(World):
    """Tries one step after another; what the rules refuse does not happen."""

    def attempt(self, answer: object) -> None:
        if isinstance(answer, Fact):
            self.add(answer)
        else:
            assert isinstance(answer, Refusal)

    def step(self, what: int, a: int, b: int, c: int) -> None:
        self.at = instants.later(self.at, hours=a)
        party, other, new = PARTIES[a % 7], PARTIES[b % 7], len(self.entries)
        purpose = PURPOSES[c % 5]
        match what:
            case 0:
                self.attempt(
                    grant(self.state, f"x-{new}", party, other, "pay", "use", self.at, Limits(may_grant=bool(c % 2)))
                )
            case 1:
                terms, until = Terms("aggregates", (purpose,), 100 * c, "EUR", 1 + c), instants.later(self.at, days=b)
                provider = "coop" if a else "institute"
                self.attempt(
                    contract.publish(self.state, f"x-{new}", "pay", provider, terms, until, False, self.at, "EUR")
                )
            case 2:
                self.attempt(contract.withdraw(self.state, self.one(Offer, b), "coop" if a < 2 else other))
            case 3:
                self.attempt(contract.request(self.state, f"x-{new}", self.one(Offer, b), other, self.at))
            case 4:
                self.negotiate(b, c)
            case 5:
                self.attempt(contract.end(self.state, self.one(Agreement, b), "coop" if a < 5 else other, self.at))
            case 6 | 7:
                self.attempt(say(self.state, "pay", Speaker(f"member-{a % 3}"), purpose, bool(b % 2), self.at))
            case 8:
                self.add(ConsentsRecorded("pay", purpose, tuple(sorted({a, b})), "forms"))
            case 9 | 10:
                self.ask(party, 50_000 * c, 10 * b, a)
            case 11:
                self.close(a)
            case 12:
                self.convey(party, other, b, c)

    def one(self, kind: type[Offer | Agreement | Negotiation], which: int) -> str:
        names = [row.key for row in self.state.list(kind)]
        return names[which % len(names)] if names else "none"

    def negotiate(self, first: int, which: int) -> None:
        """Several messages, one after another, each from whoever may send it."""
        name = self.one(Negotiation, which)
        for message in (MESSAGES[first % len(MESSAGES)], "agree", "verify", "finalize")[: first % 5]:
            for by in PARTIES[:4]:
                fact = contract.move(self.state, name, message, by)
                self.attempt(fact)
                if not isinstance(fact, Refusal) and fact.state == "FINALIZED":
                    self.attempt(contract.conclude(self.state, f"x-{len(self.entries)}", name, self.at))

    def ask(self, party: str, charge: int, price: int, end: int) -> None:
        use, budget = f"x-{len(self.entries)}", self.state.get(Budget, "pay", "v1")
        assert budget is not None
        if charge > budget.left:
            self.add(QueryRefused(use, party, "pay", "p", "q", "privacy.budget", ("spent",), "wait"))
            return
        self.add(QueryAdmitted(use, party, "a", "pay", "v1", "p", "q", "m", charge, price, "EUR", "sealed"))
        if end % 3 == 0:
            self.add(QueryAnswered(use, party, "pay", "p", "m", "sealed", "sealed"))
        elif end % 3 == 1:
            self.add(QueryAbandoned(use, "stopped"))

    def convey(self, by: str, to: str, which: int, how: int) -> None:
        """A right changes hands, is lent, or ends."""
        rows = list(self.state.list(Right))
        right, new = rows[which % len(rows)].id, f"x-{len(self.entries)}"
        if how < 4:
            self.attempt(conveyance.transfer(self.state, new, right, by, to, how % 2 == 0, self.at))
        elif how < 7:
            lent = Limits(instants.later(self.at, days=which + 1))
            self.attempt(conveyance.pledge(self.state, new, right, by, to, "pilot", lent, how % 2 == 0, self.at))
        else:
            self.attempt((conveyance.release if how == 7 else conveyance.revoke)(self.state, right, by, self.at))

    def close(self, which: int) -> None:
        first, last = income.first_fact(self.state), len(self.entries) - 1
        ended = [u for u in self.state.list(Use, state="answered") if first <= u.ended <= last and u.price]
        divisions = [
            income.divide_income(self.state, "q", self.asset, Earned(
                [EarningUse(u.id, u.price, [which] * 10) for u in ended], self.at, []
            ), shipped(), self.at)
        ] if ended else []  # fmt: skip
        period = f"x-{len(self.entries)}"
        found = [d for d in divisions if isinstance(d, income.Division)]
        settled = {
            d.statement.asset: income.Settled("sealed", "", settle(d.portions, (), d.persons, d.least, bytes(32)))
            for d in found
        }
        plan = income.plan(self.state, f"{period}-plan", period, last, "EUR", found, settled, self.at)
        self.attempt(plan)
        if not isinstance(plan, Refusal) and which % 4:
            self.attempt(income.close(self.state, period, plan.plan, "coop"))


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(steps)
def test_the_same_facts_come_to_the_same_state(tried: list[tuple[int, int, int, int]]) -> None:
    history = History()
    pay(history)
    for step in tried:
        history.step(*step)
    records = [facts.encode(entry) for entry in history.entries]
    once, again = (MemoryState(map(facts.decode, records)) for _ in range(2))
    for kind in facts.ROWS:
        assert once.rows[kind] == history.state.rows[kind] == again.rows[kind], kind
        assert list(once.rows[kind]) == list(again.rows[kind])
        for row in once.rows[kind].values():
            assert rebuild(kind, plain(row)) == row
    check(once)


def check(state: MemoryState) -> None:
    """What holds in every state, whatever happened."""
    assert sum(account.balance for account in state.list(Account)) == 0
    moved: dict[str, int] = {}
    for transfer in state.list(Transfer):
        assert transfer.amount > 0
        moved[transfer.debit] = moved.get(transfer.debit, 0) - transfer.amount
        moved[transfer.credit] = moved.get(transfer.credit, 0) + transfer.amount
    accounts = list(state.list(Account))
    assert {k: v for k, v in moved.items() if v} == {
        account.id: account.balance for account in accounts if account.balance
    }
    held = {use.requester: 0 for use in state.list(Use)}
    for use in state.list(Use, state="admitted"):
        held[use.requester] += use.owed
    assert {a.id: a.reserved_out for a in accounts if a.reserved_out} == {f"party:{p}": v for p, v in held.items() if v}
    assert sum(account.reserved_out - account.reserved_in for account in accounts) == 0
    assert moved.get("asset:pay:income", 0) >= 0
    for budget in state.list(Budget):
        spent = sum(use.charge for use in state.list(Use) if use.state in ("answered", "abandoned"))
        reserved = sum(use.charge for use in state.list(Use, state="admitted"))
        assert (budget.spent, budget.reserved) == (spent, reserved)
        assert 0 <= budget.left <= budget.total
