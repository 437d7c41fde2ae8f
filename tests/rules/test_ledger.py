"""The ledger: two phases, one currency at a time, corrections beside what they correct; and nothing is ever made or lost."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant
from usufruct.core.base.money import DECIMALS, Money
from usufruct.core.base.records import Entry, Fact
from usufruct.core.base.refusals import Refusal
from usufruct.core.income import ledger, payout_state
from usufruct.core.income import posting_rules as rules
from usufruct.core.income.ledger import Account, Reservation, Transfer
from usufruct.core.income.payout_facts import BankLine, StatementRead
from usufruct.core.privacy.facts import QueryAbandoned, QueryAdmitted, QueryAnswered
from usufruct.core.privacy.state import Use
from usufruct.core.registry.state import Party
from usufruct.core.rulebook.levy import Surcharge
from usufruct.store import reckoning
from usufruct.store.memory import MemoryState

AT = Instant("2026-03-01T00:00:00.000Z")
PARTIES = ("coop", "institute", "insurer")
CURRENCIES = ("EUR", "USD", "JPY")


class Books:
    """Facts of the ledger alone, folded one after the other."""

    def __init__(self) -> None:
        self.state = MemoryState()
        self.seq = 0
        for party in PARTIES:
            self.state.put(Party(party, "organisation", party, None, AT))

    def happen(self, fact: Fact | Refusal) -> int:
        """The fact happens now; its number."""
        assert not isinstance(fact, Refusal), str(fact)
        entry = Entry(self.seq, AT, fact)
        for fold in (ledger.fold, payout_state.fold):
            for row in list(fold(self.state, entry)):
                self.state.put(row)
        self.seq += 1
        return entry.seq

    def admit(self, use: str, party: str, price: int, currency: str = "EUR") -> None:
        """A use at a price is admitted."""
        fact = QueryAdmitted(use, party, "a", "pay", "v", "P", "", "", 0, price, currency, "")
        self.happen(fact)
        self.state.put(Use(use, party, "pay", "P", "", "admitted", AT, self.seq, price=price, currency=currency))

    def end(self, use: str, answered: bool) -> None:
        """It is answered, or abandoned."""
        row = self.state.get(Use, use)
        assert row is not None
        self.happen(QueryAnswered(use, row.requester, "pay", "P", "", "", "") if answered else QueryAbandoned(use, "x"))
        self.state.put(replace(row, state="ended"))

    def account(self, name: str, currency: str = "EUR") -> Account:
        """An account as it stands."""
        return self.state.get(Account, name, currency) or Account(name, currency, 0)


@pytest.fixture
def books() -> Books:
    return Books()


def test_a_price_is_reserved_then_posted(books: Books) -> None:
    books.admit("use-1", "institute", 500)
    payer, earner = books.account("party:institute"), books.account("asset:pay:income")
    assert (payer.balance, payer.reserved_out, payer.free) == (0, 500, -500)
    assert (earner.balance, earner.reserved_in) == (0, 500)
    books.end("use-1", True)
    assert books.account("party:institute") == Account("party:institute", "EUR", -500)
    assert books.account("asset:pay:income") == Account("asset:pay:income", "EUR", 500)


def test_a_price_is_reserved_then_voided(books: Books) -> None:
    books.admit("use-1", "institute", 500)
    books.end("use-1", False)
    assert books.account("party:institute") == Account("party:institute", "EUR", 0)
    assert list(books.state.list(Transfer)) == []
    held = books.state.get(Reservation, "use-1", "party:institute")
    assert held is not None and (held.posted, held.voided, held.open) == (0, 500, 0)


def test_levies_on_top_of_a_price_are_reserved_with_it_and_go_the_same_way(books: Books) -> None:
    levies = (Surcharge("digital", 1, 30, "party:treasury"), Surcharge("nothing", 1, 0, "fund:training"))
    for use, answered in (("use-1", True), ("use-2", False)):
        books.happen(QueryAdmitted(use, "institute", "a", "pay", "v", "P", "", "", 0, 500, "EUR", "", levies=levies))
        books.state.put(
            Use(use, "institute", "pay", "P", "", "admitted", AT, 0, price=500, currency="EUR", levies=levies)
        )
        assert books.account("party:institute").reserved_out == 530
        books.end(use, answered)
        assert books.account("party:institute").reserved_out == 0
    assert books.account("party:institute").balance == -530 and books.account("party:treasury").balance == 30


def test_nothing_is_posted_twice_or_beyond_what_was_reserved(books: Books) -> None:
    books.admit("use-1", "institute", 500)
    books.end("use-1", True)
    with pytest.raises(AssertionError, match="no more is posted"):
        books.end("use-1", True)
    with pytest.raises(AssertionError):
        books.end("use-2", True)


LIMITS = [  # limit, paid in, under way, price: covered?
    (None, 0, 0, 10**9, True),
    (0, 0, 0, 1, False),
    (0, 100, 0, 100, True),
    (0, 100, 0, 101, False),
    (0, 100, 60, 41, False),
    (0, 100, 60, 40, True),
    (50, 0, 0, 50, True),
    (50, 0, 30, 21, False),
    (0, 0, 0, 0, True),
]


@pytest.mark.parametrize(("limit", "paid", "under_way", "price", "covered"), LIMITS)
def test_a_limit_holds_with_what_is_under_way(
    limit: int | None, paid: int, under_way: int, price: int, covered: bool, books: Books
) -> None:
    books.happen(rules.limit_credit(books.state, "institute", "EUR", limit, "coop"))
    if paid:
        books.happen(rules.pay_in(books.state, "institute", paid, "EUR", "", "coop"))
    if under_way:
        books.admit("use-1", "institute", under_way)
    answer = rules.covered(books.state, "institute", [(price, "EUR")])
    assert (answer is None) == covered
    if answer is not None:
        assert answer.code == "ledger.limit" and "pay in" in answer.remedy
    assert rules.covered(books.state, "institute", [(price, "USD")]) is None, "another currency has a limit of its own"


def test_a_use_of_two_assets_is_covered_by_their_sum(books: Books) -> None:
    books.happen(rules.limit_credit(books.state, "institute", "EUR", 100, "coop"))
    assert rules.covered(books.state, "institute", [(60, "EUR"), (40, "EUR")]) is None
    assert rules.covered(books.state, "institute", [(60, "EUR"), (41, "EUR")]) is not None


EXCHANGES = [  # given, into, rate, got
    (Money(10_000, "EUR"), "USD", "1.0842", 10_842),
    (Money(10_000, "EUR"), "JPY", "171.5", 17_150),
    (Money(17_150, "JPY"), "EUR", "0.00583", 9_998),
    (Money(1, "EUR"), "USD", "1.99", 1),
]


@pytest.mark.parametrize(("given", "into", "rate", "got"), EXCHANGES)
def test_an_exchange_is_two_transfers_at_a_stated_rate(
    given: Money, into: str, rate: str, got: int, books: Books
) -> None:
    books.happen(rules.pay_in(books.state, "institute", given.minor, given.currency, "", "coop"))
    seq = books.happen(rules.exchange(books.state, "institute", given, into, rate, "ECB, 20 November", "coop"))
    moved = [(t.debit, t.credit, t.amount, t.currency) for t in books.state.list(Transfer) if t.seq == seq]
    assert moved == [
        ("party:institute", "exchange", given.minor, given.currency), ("exchange", "party:institute", got, into)
    ]  # fmt: skip
    assert books.account("party:institute", into).balance == got
    assert books.account("exchange", given.currency).balance == given.minor


def test_what_cannot_be_exchanged(books: Books) -> None:
    books.happen(rules.pay_in(books.state, "institute", 100, "EUR", "", "coop"))

    def tried(given: Money, into: str = "USD", rate: str = "1.1", source: str = "ECB") -> object:
        return rules.exchange(books.state, "institute", given, into, rate, source, "coop")

    for answer in (tried(Money(101, "EUR")), tried(Money(1, "EUR"), "USD", "0.5")):
        assert isinstance(answer, Refusal) and answer.code == "ledger.exchange"
    for wrong in (
        {"rate": "0"}, {"rate": "-1"}, {"rate": "1e3"}, {"rate": "one"}, {"source": " "}, {"into": "XXX"}, {"into": "EUR"},
    ):  # fmt: skip
        with pytest.raises(BadInput):
            tried(Money(100, "EUR"), **wrong)
    with pytest.raises(BadInput):
        tried(Money(0, "EUR"))


def test_a_correction_is_a_transfer_of_its_own_that_names_the_other(books: Books) -> None:
    seq = books.happen(rules.pay_in(books.state, "institute", 1000, "EUR", "invoice 7", "coop"))
    books.happen(rules.correct(books.state, seq, 0, Money(300, "EUR"), "a typing error", "coop"))
    before, after = books.state.list(Transfer)
    assert (before.amount, before.corrects) == (1000, "")
    assert (after.debit, after.credit, after.amount, after.corrects) == ("party:institute", "cash", 300, f"{seq}/0")
    assert books.account("party:institute").balance == 700
    too_much = rules.correct(books.state, seq, 0, Money(701, "EUR"), "again", "coop")
    assert isinstance(too_much, Refusal) and too_much.code == "ledger.correction"
    books.happen(rules.correct(books.state, seq, 0, None, "all of it", "coop"))
    assert books.account("party:institute").balance == 0
    nothing_left = rules.correct(books.state, seq, 0, None, "once more", "coop")
    assert isinstance(nothing_left, Refusal)


def test_what_more_was_worked_out_from_is_not_corrected_here(books: Books) -> None:
    books.admit("use-1", "institute", 500)
    books.end("use-1", True)
    (transfer,) = books.state.list(Transfer)
    answer = rules.correct(books.state, transfer.seq, 0, None, "a mistake", "coop")
    assert isinstance(answer, Refusal) and answer.code == "ledger.correction"
    assert isinstance(rules.correct(books.state, 99, 0, None, "x", "coop"), Refusal)
    with pytest.raises(BadInput):
        rules.correct(books.state, transfer.seq, 0, None, " ", "coop")
    with pytest.raises(BadInput):
        rules.correct(books.state, transfer.seq, 0, Money(5, "USD"), "x", "coop")


def test_a_line_explained_wrongly_waits_again_once_that_is_corrected(books: Books) -> None:
    lines = (BankLine("0123456789abcdef-0", "2026-03-01", 3200, "unmatched"),
             BankLine("0123456789abcdee-0", "2026-03-01", -200, "unmatched"))  # fmt: skip
    books.happen(StatementRead("s", "DE", "EUR", "d", None, None, lines))
    assert books.account("bank").balance == -3000 and books.account("suspense").balance == 3000
    seq = books.happen(rules.explain_line(books.state, lines[0].id, "institute", "invoice 7", "coop"))
    books.happen(rules.explain_line(books.state, lines[1].id, "coop", "the bank's fee", "coop"))
    assert (books.account("party:institute").balance, books.account("party:coop").balance) == (3200, -200)
    assert isinstance(rules.explain_line(books.state, lines[0].id, "insurer", "", "coop"), Refusal)
    assert isinstance(rules.correct(books.state, seq, 0, Money(1, "EUR"), "a part", "coop"), Refusal)
    books.happen(rules.correct(books.state, seq, 0, None, "it was the insurer", "coop"))
    books.happen(rules.explain_line(books.state, lines[0].id, "insurer", "", "coop"))
    assert (books.account("party:institute").balance, books.account("party:insurer").balance) == (0, 3200)
    assert books.account("suspense").balance == 0


# ---- the same, against a model in two dictionaries


class Ledger(RuleBasedStateMachine):
    """Whatever happens in whatever order, the ledger is what a few lines with two counters say that it is."""

    @initialize()
    def begin(self) -> None:
        """Empty books."""
        self.books = Books()
        self.balance: Counter[tuple[str, str]] = Counter()
        self.out: Counter[tuple[str, str]] = Counter()
        self.uses: dict[str, tuple[str, int, str]] = {}
        self.left: dict[int, int] = {}
        self.ended: list[str] = []

    def _move(self, debit: str, credit: str, amount: int, currency: str) -> None:
        self.balance[debit, currency] -= amount
        self.balance[credit, currency] += amount

    @rule(party=st.sampled_from(PARTIES), price=st.integers(0, 10**6), currency=st.sampled_from(CURRENCIES))
    def admit(self, party: str, price: int, currency: str) -> None:
        """A use is admitted, if the limit allows it."""
        limit = self.books.state.get(ledger.CreditLimit, party, currency)
        free = self.balance[f"party:{party}", currency] - self.out[f"party:{party}", currency]
        refused = rules.covered(self.books.state, party, [(price, currency)])
        may = limit is None or limit.limit is None or price <= limit.limit + free or price == 0
        assert (refused is None) == may
        if may:
            use = f"use-{self.books.seq}"
            self.books.admit(use, party, price, currency)
            self.uses[use] = (party, price, currency)
            self.out[f"party:{party}", currency] += price

    @precondition(lambda self: self.uses)
    @rule(data=st.data(), answered=st.booleans())
    def end(self, data: st.DataObject, answered: bool) -> None:
        """A use under way ends."""
        use = data.draw(st.sampled_from(sorted(self.uses)))
        party, price, currency = self.uses.pop(use)
        self.books.end(use, answered)
        self.out[f"party:{party}", currency] -= price
        if answered:
            self._move(f"party:{party}", "asset:pay:income", price, currency)

    @rule(party=st.sampled_from(PARTIES), limit=st.none() | st.integers(0, 10**6), currency=st.sampled_from(CURRENCIES))
    def limit(self, party: str, limit: int | None, currency: str) -> None:
        """A limit is set, or lifted."""
        self.books.happen(rules.limit_credit(self.books.state, party, currency, limit, "coop"))

    @rule(party=st.sampled_from(PARTIES), amount=st.integers(1, 10**6), currency=st.sampled_from(CURRENCIES))
    def pay_in(self, party: str, amount: int, currency: str) -> None:
        """Somebody pays."""
        seq = self.books.happen(rules.pay_in(self.books.state, party, amount, currency, "", "coop"))
        self._move("cash", f"party:{party}", amount, currency)
        self.left[seq] = amount

    @precondition(lambda self: self.left)
    @rule(data=st.data(), amount=st.integers(1, 10**6))
    def correct(self, data: st.DataObject, amount: int) -> None:
        """A payment is taken back, or a part of it; never more than it was."""
        seq = data.draw(st.sampled_from(sorted(self.left)))
        transfer = self.books.state.get(Transfer, seq, 0)
        assert transfer is not None
        answer = rules.correct(self.books.state, seq, 0, Money(amount, transfer.currency), "wrong", "coop")
        assert isinstance(answer, Refusal) == (amount > self.left[seq])
        if not isinstance(answer, Refusal):
            self.books.happen(answer)
            self._move(transfer.credit, transfer.debit, amount, transfer.currency)
            self.left[seq] -= amount

    @rule(
        party=st.sampled_from(PARTIES), amount=st.integers(1, 10**6), pair=st.permutations(CURRENCIES),
        rate=st.decimals("0.01", "300", places=4),
    )  # fmt: skip
    def exchange(self, party: str, amount: int, pair: list[str], rate: object) -> None:
        """A party exchanges what it has; what it gets is never worth more at that rate."""
        given, into = pair[:2]
        answer = rules.exchange(self.books.state, party, Money(amount, given), into, str(rate), "made up", "coop")
        free = self.balance[f"party:{party}", given] - self.out[f"party:{party}", given]
        if isinstance(answer, Refusal):
            scale = 10 ** (DECIMALS[given] - DECIMALS[into]) if DECIMALS[given] > DECIMALS[into] else 1
            assert free < amount or amount * float(str(rate)) <= scale * 1.01
            return
        assert free >= amount
        self.books.happen(answer)
        self._move(f"party:{party}", "exchange", amount, given)
        self._move("exchange", f"party:{party}", answer.got, into)

    @invariant()
    def agrees(self) -> None:
        """Every balance is the model's; every currency sums to zero, posted and reserved; and the audit finds nothing."""
        if not hasattr(self, "books"):
            return
        accounts = {(a.id, a.currency): a for a in self.books.state.list(Account)}
        assert {k: a.balance for k, a in accounts.items() if a.balance} == {k: v for k, v in self.balance.items() if v}
        assert {k: a.reserved_out for k, a in accounts.items() if a.reserved_out} == +self.out
        for currency in CURRENCIES:
            mine = [a for (_, of), a in accounts.items() if of == currency]
            assert sum(a.balance for a in mine) == 0
            assert sum(a.reserved_out for a in mine) == sum(a.reserved_in for a in mine)
        assert list(reckoning.balances(self.books.state)) == []


TestLedger = Ledger.TestCase
TestLedger.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.sampled_from(PARTIES), st.integers(1, 10**6), st.booleans()), max_size=12), st.randoms())
def test_the_order_in_which_uses_end_makes_no_difference(uses: list[tuple[str, int, bool]], chance: object) -> None:
    ended = []
    for _ in range(2):
        books = Books()
        for number, (party, price, _) in enumerate(uses):
            books.admit(f"use-{number}", party, price)
        order = list(enumerate(uses))
        chance.shuffle(order)  # type: ignore[attr-defined]
        for number, (_, _, answered) in order:
            books.end(f"use-{number}", answered)
        ended.append(sorted((a.key, a.balance, a.reserved_out, a.reserved_in) for a in books.state.list(Account)))
    assert ended[0] == ended[1]
