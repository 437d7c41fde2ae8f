"""Payouts: who is paid what and where, as a plan that leaves no choice to whoever carries it out.

A payout takes what parties' accounts hold and what members' lines of closed periods come to, less what earlier payouts took
and the bank did not send back. Each line of it names the instruction that it follows, so that the order to the bank is the
same bytes however often it is written. It builds on the payout that was approved last: of two that were proposed side by
side only one can be approved, and nothing is paid by both.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.income import banking
from usufruct.core.income.ledger import Account
from usufruct.core.income.payout_facts import (
    BANK,
    KEEP,
    PURSE,
    PayoutApproved,
    PayoutEnded,
    PayoutInstructed,
    PayoutProposed,
    PayoutRefused,
    Source,
)
from usufruct.core.income.payout_state import APPROVED, PROPOSED, SENT, Instruction, LastPayout, Payout
from usufruct.core.registry.rules import find_party
from usufruct.core.registry.state import Person

MEDIA_TYPE = "application/vnd.usufruct.payout.v1"
PART = 10_000  # payments in one part of an order, the most that banks take as one
_LINE = struct.Struct("<IiQQ")
PARTY = -1  # in place of a person's number: the account is a party's own


@dataclass(frozen=True, slots=True)
class Owed:
    """What somebody is owed, in minor units: the `party`, the account that owes it, and her number there (`PARTY` if it is
    the party's own account)."""

    party: str
    account: str
    number: int
    amount: int


@dataclass(frozen=True, slots=True)
class Line:
    """One payment or gift: of which source of the payout, to whom, how much, following the instruction in fact `stated`."""

    source: int
    number: int
    amount: int
    stated: int


class Lines(Sequence[Line]):
    """The lines of a payout, read from their bytes where they are needed."""

    def __init__(self, data: bytes) -> None:
        if len(data) % _LINE.size:
            raise ValueError("these are no lines of a payout")
        self._data = data

    def __len__(self) -> int:
        return len(self._data) // _LINE.size

    def __getitem__(self, at: int) -> Line:  # type: ignore[override]
        if not 0 <= at < len(self):
            raise IndexError(at)
        return Line(*_LINE.unpack_from(self._data, at * _LINE.size))

    def __iter__(self) -> Iterator[Line]:
        return (Line(*fields) for fields in _LINE.iter_unpack(self._data))


@dataclass(frozen=True, slots=True)
class Proposal:
    """A payout as it was worked out, before it is recorded; and how many are owed something that it does not pay: `small`
    amounts, those who said nothing of where to (`silent`), and those whose last payment came back (`back`)."""

    payments: int
    donations: int
    sources: tuple[Source, ...]
    lines: bytes
    small: int
    silent: int
    back: int


@dataclass(frozen=True, slots=True)
class Order:
    """What all payments of an order have in common: the `payout` that they carry out, the account `iban` of `holder` (at `bic`,
    if that is known) that they are paid from, since when they are due, and how many they are and what they sum to."""

    payout: str
    holder: str
    iban: str
    bic: str
    currency: str
    at: Instant
    payments: int
    total: int


@dataclass(frozen=True, slots=True)
class Credit:
    """Payment `n`: `amount` minor units to the account `iban` of `holder`; `text` is what she reads."""

    n: int
    amount: int
    holder: str
    iban: str
    bic: str
    text: str


def instruct(
    read: Reader, party: str, how: str, holder: str, iban: str, bic: str, by: str
) -> PayoutInstructed | Refusal:
    """What is to become of what a party is owed, from now on.

    Raises:
        BadInput: the account cannot be, or it is said where nothing is to be paid.
    """
    found = find_party(read, party)
    if found is None:
        return refuse(
            "registry.unknown", "nothing was recorded", f"there is no party `{party}`", remedy="register it first"
        )
    person = found.key_slot is not None
    if how == BANK:
        return PayoutInstructed(
            found.id, how, banking.latin(holder), banking.iban(iban), banking.bic(bic), person, by
        )  # fmt: skip
    if how not in (PURSE, KEEP):
        raise BadInput("input.payout", f"`{how[:40]}` is not something that can become of money", "bank, purse or keep")
    if iban or bic or holder:
        raise BadInput("input.payout", "an account is named, and nothing is to be paid to it", "leave it out")
    return PayoutInstructed(found.id, how, person=person, by=by)


def work_out(read: Reader, owed: Iterable[Owed], minimum: int, back: Collection[int]) -> Proposal:
    """What a payout would be; `minimum` in minor units, `back` the instructions under which a payment came back."""
    paid, given = bytearray(), bytearray()
    sources: dict[str, Source] = {}
    places: dict[str, int] = {}
    small = silent = returned = 0
    for one in owed:
        said = read.get(Instruction, one.party)
        if said is None or said.how == KEEP:
            silent += 1
        elif said.how == BANK and one.amount < minimum:
            small += 1
        elif said.seq in back:
            returned += 1
        else:
            place = places.setdefault(one.account, len(places))
            source = sources.get(one.account) or Source(one.account, 0, 0)
            bank = said.how == BANK
            change = {"paid": source.paid + one.amount} if bank else {"given": source.given + one.amount}
            sources[one.account] = replace(source, **change)  # type: ignore[arg-type]
            (paid if bank else given).extend(_LINE.pack(place, one.number, one.amount, said.seq))
    size = _LINE.size
    return Proposal(
        len(paid) // size, len(given) // size, tuple(sources.values()), bytes(paid + given), small, silent, returned
    )


def propose(read: Reader, payout: str, currency: str, proposal: Proposal, lines: str) -> PayoutProposed | Refusal:
    """The plan; `lines` is the seal of its lines."""
    if not proposal.payments and not proposal.donations:
        why = [
            f"{count} {what}"
            for count, what in (
                (proposal.silent, "are owed something and did not say where to"),
                (proposal.small, "are owed less than is paid at once"),
                (proposal.back, "have to say anew where to, for the last payment came back"),
            )
            if count
        ]
        return refuse(
            "payout.nothing", "no payout was proposed", *(why or ["nobody is owed anything"]),
            remedy="close a period first" if not why else "have them say where to be paid, or wait until more is owed",
        )  # fmt: skip
    last = read.get(LastPayout)
    return PayoutProposed(
        payout, last.payout if last else None, currency, proposal.payments, proposal.donations, proposal.sources, lines
    )  # fmt: skip


def refuse_payout(read: Reader, payout: str, why: str, by: str) -> PayoutRefused | Refusal:
    """Says no to a payout that was proposed."""
    found = _in_state(read, payout, (PROPOSED,), "was not refused")
    return found if isinstance(found, Refusal) else PayoutRefused(payout, _reason(why), by)


def approve(read: Reader, payout: str, by: str, ready: bool) -> PayoutApproved | Refusal:
    """Says yes; `ready` is whether the node knows the account that it pays from."""
    found = _in_state(read, payout, (PROPOSED,), "was not approved")
    if isinstance(found, Refusal):
        return found
    proposed, last, not_done = found.proposed, read.get(LastPayout), f"`{payout}` was not approved"
    if proposed.payments and not ready:
        return refuse(
            "payout.account", not_done, "the node has no account to pay from",
            remedy="set `pay_from` in node.toml to the account's IBAN",
        )  # fmt: skip
    stale = "propose a payout again"
    if proposed.parent != (last.payout if last else None):
        return refuse(
            "payout.stale", not_done, f"it was proposed before `{last.payout if last else ''}` was approved", remedy=stale
        )  # fmt: skip
    for source in proposed.sources:
        account = read.get(Account, source.account, proposed.currency)
        if account is None or account.free < source.paid + source.given:
            return refuse(
                "payout.stale", not_done, f"`{source.account}` does not hold that much any more", remedy=stale
            )
    return PayoutApproved(payout, by)


def end(read: Reader, payout: str, why: str, by: str) -> PayoutEnded | Refusal:
    """Ends a payout of which the bank says no more; what it did not book is owed again."""
    found = _in_state(read, payout, (APPROVED, SENT), "was not ended")
    return found if isinstance(found, Refusal) else PayoutEnded(payout, _reason(why), by)


def _reason(why: str) -> str:
    found = " ".join(why.split())
    if not found or len(found) > 500:
        raise BadInput("input.reason", "a reason is missing, or too long", "say why in at most 500 characters")
    return found


def _in_state(read: Reader, payout: str, states: Collection[str], not_done: str) -> Payout | Refusal:
    found = read.get(Payout, payout)
    if found is None:
        return refuse(
            "registry.unknown",
            f"`{payout}` {not_done}",
            "there is no such payout",
            remedy="look at the list of payouts",
        )
    if found.state not in states:
        return refuse(
            "payout.state", f"`{payout}` {not_done}", f"it is {found.state}",
            remedy="propose another" if found.state in ("refused", "ended") else "nothing needs to be done",
        )  # fmt: skip
    return found


def payee(read: Reader, account: str, number: int) -> str | None:
    """The party that a line pays: whose account it is, or the member of that number; None if she is not known any more."""
    kind, _, rest = account.partition(":")
    if kind == "party":
        return rest
    person = read.get(Person, rest.partition(":")[0], number)
    return person.party if person else None


def name_of(payout: str, n: int) -> str:
    """The name of a payment at the bank, its end-to-end id: at most 35 characters."""
    return f"{payout}-{n}"


def name_of_part(payout: str, part: int) -> str:
    """The name of a part of an order at the bank."""
    return f"{payout}-part-{part}"
