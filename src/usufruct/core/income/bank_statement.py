"""Bank statements: each line is found to be something, or it is listed until somebody says what it was.

A line is one of our payments if the bank gives back its name and its amount, to the cent, and it has not been paid before;
many payments that were booked as one are found by the name of their part and its sum. A payment that was booked can come
back, with a reason; then it is owed again. Nothing is found by names, texts or likeness. The same line in two statements is
one line: it is known by its account, day, amount and the bank's reference, and by how many like it stand before it.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.income.payout import PART, Line, Lines
from usufruct.core.income.payout_facts import BankLine, Move, StatementRead
from usufruct.core.income.payout_state import SENT, SETTLED, PaidTogether, Payment, Payout, SeenLine, Statement

LINES_MAX = 20_000  # new lines in one statement
_PAYMENT = re.compile(r"(payout-[0-9]{1,18})-([0-9]{1,9})")
_PART = re.compile(r"(payout-[0-9]{1,18})-part-([0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class Detail:
    """One payment within a booked entry: its `name` (end-to-end id), its amount if the bank tells it (above zero), and the
    `reason` for which it came back, or was `rejected`."""

    name: str
    amount: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class BookedEntry:
    """What the bank booked as one on a `day`: `amount` minor units that came in, negative if they went out, under its own
    `reference`; the `part` of an order that it is, if the bank says so, and its details."""

    day: str
    amount: int
    reference: str
    part: str = ""
    details: tuple[Detail, ...] = ()


@dataclass(frozen=True, slots=True)
class BankStatement:
    """A statement as it was read: of which account, in which currency, from which balance to which (minor units, positive
    for money that is there; None if it says none); `rejected` are payments that the bank says it never made. A report of those
    alone has no entries, and names no account."""

    id: str
    account: str
    currency: str
    opening: int | None
    closing: int | None
    entries: tuple[BookedEntry, ...]
    rejected: tuple[Detail, ...] = ()


@dataclass(slots=True)
class _Told:
    """What the bank said of payments, before this statement and in what was read of it."""

    read: Reader
    lines_of: Callable[[Payout], Lines]
    lines: dict[str, Lines] = field(default_factory=dict)
    together: dict[str, tuple[PaidTogether, ...]] = field(default_factory=dict)
    here: dict[tuple[str, int], str] = field(default_factory=dict)

    def payment(self, name: str) -> tuple[Payout, int, Line] | None:
        """Payout, number and line of one of our payments that is on its way, or was."""
        match = _PAYMENT.fullmatch(name)
        payout = self.read.get(Payout, match[1]) if match else None
        if match is None or payout is None or payout.state not in (SENT, SETTLED):
            return None
        n = int(match[2])
        if n >= payout.proposed.payments or n in payout.left_out:
            return None
        return payout, n, self._of(payout)[n]

    def _of(self, payout: Payout) -> Lines:
        if payout.id not in self.lines:
            self.lines[payout.id] = self.lines_of(payout)
        return self.lines[payout.id]

    def standing(self, payout: str, n: int) -> str:
        """`paid`, `returned`, `rejected`, or nothing while the bank said nothing."""
        if (payout, n) in self.here:
            return self.here[payout, n]
        row = self.read.get(Payment, payout, n)
        if row is not None:
            return row.found
        if payout not in self.together:
            self.together[payout] = tuple(self.read.list(PaidTogether, payout=payout))
        return "paid" if any(one.first <= n < one.first + PART for one in self.together[payout]) else ""

    def part(self, name: str) -> tuple[Payout, list[tuple[int, Line]]] | None:
        """Payout and payments of a part of one of our orders, if none of them was heard of."""
        match = _PART.fullmatch(name)
        payout = self.read.get(Payout, match[1]) if match else None
        if match is None or payout is None or payout.state != SENT:
            return None
        first, lines = int(match[2]) * PART, self._of(payout)
        numbers = range(first, min(first + PART, payout.proposed.payments))
        found = [(n, lines[n]) for n in numbers if n not in payout.left_out]
        return (payout, found) if found and not any(self.standing(payout.id, n) for n, _ in found) else None


def read_in(
    read: Reader, statement: BankStatement, file: str, account: str, currency: str, lines_of: Callable[[Payout], Lines], by: str,
) -> StatementRead | Refusal:  # fmt: skip
    """What a statement says, held against the payments that are on their way. `account` is the one we pay from, in
    `currency`; `lines_of` opens the lines of a payout."""
    not_done = "the statement was not read in"
    if statement.entries and statement.account != account:
        return refuse(
            "payout.statement", not_done, "it is of another account than the one that `pay_from` names",
            remedy="take the statement of that account",
        )  # fmt: skip
    if statement.entries and statement.currency != currency:
        return refuse(
            "payout.statement", not_done, f"it is in {statement.currency}, and the node pays in {currency}",
            remedy=f"take the statement of the account's {currency}",
        )  # fmt: skip
    told, seen = _Told(read, lines_of), Counter[str]()
    found: list[BankLine] = []
    for entry in statement.entries:
        key = f"{account}/{currency}/{entry.day}/{entry.amount}/{entry.reference}/{entry.part}/" + "/".join(
            detail.name for detail in entry.details
        )
        id = hashlib.sha256(f"{key}/{seen[key]}".encode()).hexdigest()[:16]
        seen[key] += 1
        if read.get(SeenLine, f"{id}-0") is None:
            found += _lines(told, id, entry)
    found += _rejected(told, statement.rejected)
    if len(found) > LINES_MAX:
        return refuse(
            "payout.statement", not_done, f"it has {len(found)} new lines, and at most {LINES_MAX} are read at once",
            remedy="take one statement for each day, or have the bank book each part of an order as one",
        )  # fmt: skip
    return StatementRead(
        statement.id, account, currency, file, statement.opening, statement.closing, tuple(found), by
    )  # fmt: skip


def _lines(told: _Told, id: str, entry: BookedEntry) -> list[BankLine]:
    """The lines that an entry comes to; together they are its amount."""
    details = entry.details
    if len(details) == 1 and details[0].amount is None:
        details = (Detail(details[0].name, abs(entry.amount), details[0].reason),)
    if details and sum(detail.amount or 0 for detail in details) == abs(entry.amount):
        lines = [_detail(told, f"{id}-{at}", entry, detail) for at, detail in enumerate(details)]
        if len(lines) == 1 or any(line.found != "unmatched" for line in lines):
            return lines if lines[0].found != "unmatched" or not entry.part else [_as_part(told, id, entry)]
    return [_as_part(told, id, entry)]


def _as_part(told: _Told, id: str, entry: BookedEntry) -> BankLine:
    """The entry as a part of an order that was booked as one, if it is one."""
    found = told.part(entry.part) if entry.part and entry.amount < 0 else None
    if found is not None and sum(line.amount for _, line in found[1]) == -entry.amount:
        payout, lines = found
        told.here.update({(payout.id, n): "paid" for n, _ in lines})
        return BankLine(
            f"{id}-0", entry.day, entry.amount, "part", entry.reference, entry.part, payout.id, lines[0][0] // PART * PART,
            len(lines), _moves(payout, (line for _, line in lines)),
        )  # fmt: skip
    name = entry.details[0].name if len(entry.details) == 1 else entry.part
    return BankLine(f"{id}-0", entry.day, entry.amount, "unmatched", entry.reference, name)


def _detail(told: _Told, id: str, entry: BookedEntry, detail: Detail) -> BankLine:
    amount = (detail.amount or 0) * (1 if entry.amount > 0 else -1)
    found = told.payment(detail.name)
    if found is not None and found[2].amount == detail.amount:
        payout, n, line = found
        standing = told.standing(payout.id, n)
        kind = "paid" if amount < 0 and not standing else ""
        if amount > 0 and standing == "paid" and detail.reason:
            kind = "returned"
        if kind:
            told.here[payout.id, n] = kind
            return BankLine(
                id, entry.day, amount, kind, entry.reference, detail.name, payout.id, n, 1, _moves(payout, (line,)),
                detail.reason,
            )  # fmt: skip
    return BankLine(id, entry.day, amount, "unmatched", entry.reference, detail.name)


def _rejected(told: _Told, details: Iterable[Detail]) -> Iterator[BankLine]:
    """Payments that were never made. One that was paid, or came back, is not touched by that."""
    for detail in details:
        found = told.payment(detail.name)
        if found is not None and not told.standing(found[0].id, found[1]):
            payout, n, line = found
            told.here[payout.id, n] = "rejected"
            yield BankLine(
                f"{detail.name}-rejected", "", 0, "rejected", "", detail.name, payout.id, n, 1, _moves(payout, (line,)),
                detail.reason,
            )  # fmt: skip


def _moves(payout: Payout, lines: Iterable[Line]) -> tuple[Move, ...]:
    sums: Counter[int] = Counter()
    for line in lines:
        sums[line.source] += line.amount
    sources = payout.proposed.sources
    return tuple(Move(sources[place].account, amount) for place, amount in sorted(sums.items()))


def gap(read: Reader, statement: BankStatement) -> int | None:
    """How far the statement's opening balance is from where the last one that was read closed; None if that is not known."""
    before = [one for one in read.list(Statement, account=statement.account) if one.closing is not None]
    if not before or statement.opening is None or before[-1].closing is None:
        return None
    return statement.opening - before[-1].closing
