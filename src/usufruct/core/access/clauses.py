"""Agreements that execute themselves: the clauses of an offer that are carried out without anybody asking.

A provider may put a *schedule* on an offer before anybody has requested it: what a use costs from when on, and after how
many; a fee every so many months; a renewal; notices before the end; conditions under which the agreement ends. Whoever
requests the offer agrees to it, and each agreement on the offer then runs by it.

A clause says when its next step is due, and the fact of a step says which clause it follows from and when it was due. So
what is still to be done follows from the journal alone: a step that was done is not due again, and steps that were missed
are due one after the other, in the order in which they would have come. Time does not pass by itself: somebody must look
(see `node.standing`), and nothing depends on how often.

An agreement is renewed ahead of its end, by as many days as the notice takes. Until then either side may decline; after
that both can rely on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import END_OF_TIME, Instant, in_months, later
from usufruct.core.base.records import Entry, Fact, Reader, Row
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.contract.facts import AgreementEnded, AgreementReached
from usufruct.core.contract.odrl import for_previews
from usufruct.core.contract.state import Agreement, AgreementUses, Negotiation, Offer
from usufruct.core.registry import charter, rights
from usufruct.core.registry.state import Right

CONDITIONS = {
    "right": "the right that it rests on is no longer good",
    "budget": "the privacy budget of the asset is used up",
}
"""What can end an agreement before its time."""

MONTHS_MAX, DAYS_MAX, TIMES_MAX, STEPS_MAX = 360, 3660, 100, 50
AMOUNT_MAX = 10**12
WHOLE = 10_000  # basis points


@dataclass(frozen=True, slots=True)
class Price:
    """A use costs `price`, in minor units of the agreement's currency, from `since` on, once `above` uses were admitted
    under the agreement. Of the prices that apply the last in the list counts."""

    price: int
    above: int = 0
    since: Instant | None = None


@dataclass(frozen=True, slots=True)
class Fee:
    """`amount` in minor units is due every `months`, the first with the agreement, whether it is used or not."""

    amount: int
    months: int = 1


@dataclass(frozen=True, slots=True)
class Renewal:
    """The agreement goes on by `months` at its end, at most `times`, unless one side declines `notice_days` before."""

    months: int
    times: int
    notice_days: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """The clauses by which an agreement runs; `notices` are given so many days before its end, and it `ends` on these of
    the `CONDITIONS`. `share` is what the consumer owes of what she earned with it, in basis points."""

    prices: tuple[Price, ...] = ()
    fee: Fee | None = None
    renewal: Renewal | None = None
    notices: tuple[int, ...] = ()
    ends: tuple[str, ...] = ()
    share: int = 0


NO_CLAUSES = Schedule()


@dataclass(frozen=True, slots=True)
class OfferScheduled(Fact):
    """Agreements on the offer run by this schedule."""

    KIND = "offer.scheduled/1"
    offer: str
    by: str
    schedule: Schedule = NO_CLAUSES

    def about(self) -> tuple[str, ...]:
        return (self.by,)


@dataclass(frozen=True, slots=True)
class RenewalDeclined(Fact):
    """One side does not want the agreement to be renewed when it comes to its end."""

    KIND = "renewal.declined/1"
    agreement: str
    by: str

    def about(self) -> tuple[str, ...]:
        return (self.by,)


@dataclass(frozen=True, slots=True)
class AgreementRenewed(Fact):
    """By its `clause` the agreement goes on until `until`, for the `number`-th time; it was due at `due`."""

    KIND = "agreement.renewed/1"
    agreement: str
    clause: str
    number: int
    until: Instant
    due: Instant


@dataclass(frozen=True, slots=True)
class FeeDue(Fact):
    """By its `clause` the `number`-th fee of the agreement was due at `due`; its fold posts it."""

    KIND = "fee.due/1"
    agreement: str
    clause: str
    number: int
    asset: str
    payer: str
    amount: int
    currency: str
    due: Instant

    def about(self) -> tuple[str, ...]:
        return (self.payer,)


@dataclass(frozen=True, slots=True)
class NoticeGiven(Fact):
    """By its `clause` both sides are told, at `due`, that the agreement ends at `until` unless it is renewed."""

    KIND = "notice.given/1"
    agreement: str
    clause: str
    provider: str
    consumer: str
    until: Instant
    due: Instant

    def about(self) -> tuple[str, ...]:
        return (self.provider, self.consumer)


@dataclass(frozen=True, slots=True)
class AgreementLapsed(Fact):
    """By its `clause` the agreement came to its end: its time was over, or a condition was met."""

    KIND = "agreement.lapsed/1"
    agreement: str
    clause: str
    due: Instant


Step = AgreementRenewed | FeeDue | NoticeGiven | AgreementLapsed


@dataclass(frozen=True, slots=True)
class OfferSchedule(Row):
    """The schedule of an offer; see `OfferScheduled`, the fact number `seq`."""

    KEY = ("offer",)
    offer: str
    schedule: Schedule
    seq: int


@dataclass(frozen=True, slots=True)
class Running(Row):
    """An agreement that runs by a schedule: what was done of it so far. `state` is `runs` or `over`; `seqs` are the facts
    that say how long it lasts and what it costs; `noticed` the notices given since the last renewal."""

    KEY = ("agreement",)
    INDEXED = ("state",)
    agreement: str
    schedule: Schedule
    seqs: tuple[int, ...]
    state: str = "runs"
    fees: int = 0
    renewals: int = 0
    noticed: tuple[int, ...] = ()
    declined: bool = False


@dataclass(frozen=True, slots=True)
class EarnedFee(Row):
    """A fee that an asset earned; see `FeeDue`, the fact number `seq`."""

    KEY = ("seq",)
    INDEXED = ("asset",)
    seq: int
    asset: str
    agreement: str
    amount: int
    at: Instant


def fold(read: Reader, entry: Entry) -> Iterator[Row]:
    """The rows that a schedule, or a step of one, changes."""
    match entry.fact:
        case OfferScheduled() as fact:
            yield OfferSchedule(fact.offer, fact.schedule, entry.seq)
        case AgreementReached() as fact:
            found = read.get(OfferSchedule, fact.offer)
            if found is not None and not for_previews(fact.terms.rules):  # a preview is free, whatever is scheduled
                yield Running(fact.agreement, found.schedule, (found.seq,))
        case RenewalDeclined() as fact:
            yield replace(_running(read, fact.agreement), declined=True)
        case AgreementRenewed() as fact:
            agreement = read.get(Agreement, fact.agreement)
            assert agreement is not None
            yield replace(agreement, until=fact.until)
            row = _running(read, fact.agreement)
            yield replace(row, renewals=fact.number, noticed=(), seqs=(*row.seqs, entry.seq))
        case FeeDue() as fact:
            yield replace(_running(read, fact.agreement), fees=fact.number)
            yield EarnedFee(entry.seq, fact.asset, fact.agreement, fact.amount, entry.at)
        case NoticeGiven() as fact:
            row = _running(read, fact.agreement)
            yield replace(row, noticed=(*row.noticed, int(fact.clause.partition("/")[2])))
        case AgreementLapsed() as fact:
            yield replace(_running(read, fact.agreement), state="over")
        case AgreementEnded() as fact:
            ended = read.get(Running, fact.agreement)
            if ended is not None:
                yield replace(ended, state="over")
        case _:
            return


def _running(read: Reader, agreement: str) -> Running:
    row = read.get(Running, agreement)
    assert row is not None, "a step follows from a schedule"
    return row


# ---- what may be scheduled, and declined


def schedule(read: Reader, offer: str, by: str, found: Schedule) -> OfferScheduled | Refusal:
    """The provider puts a schedule on an offer that nobody has requested yet.

    Raises:
        BadInput: the schedule says what cannot be.
    """
    _check(found)
    row, not_done = read.get(Offer, offer), f"offer `{offer}` got no schedule"
    if row is None or row.provider != by or not row.open:
        return refuse(
            "registry.unknown", not_done, f"there is no offer `{offer}` of `{by}` that is open",
            remedy="publish the offer first",
        )  # fmt: skip
    if any(negotiation.offer == offer for negotiation in read.list(Negotiation, provider=by)):
        return refuse(
            "contract.terms", not_done, "it was requested already, as it stood",
            remedy="publish another offer, and put the schedule on that",
        )  # fmt: skip
    cheap = charter.too_cheap(read, row.asset, min((p.price for p in found.prices), default=row.terms.price), not_done)
    if cheap is not None:
        return cheap
    if found.fee is not None:  # nobody goes on paying for what cannot be used any more
        found = replace(found, ends=tuple(dict.fromkeys(("right", *found.ends))))
    return OfferScheduled(offer, by, found)


def _check(found: Schedule) -> None:
    def within(value: int, most: int, what: str, least: int = 0) -> None:
        if not least <= value <= most:
            raise BadInput("input.schedule", f"{what} cannot be {value}", f"give {least} to {most}")

    if found == NO_CLAUSES:
        raise BadInput(
            "input.schedule",
            "the schedule has no clause",
            "name a price, a fee, a share, a renewal, a notice or an end",
        )
    for price in found.prices:
        within(price.price, AMOUNT_MAX, "a price")
        within(price.above, AMOUNT_MAX, "a number of uses")
    if found.fee is not None:
        within(found.fee.amount, AMOUNT_MAX, "a fee", 1)
        within(found.fee.months, MONTHS_MAX, "months", 1)
    if found.renewal is not None:
        within(found.renewal.months, MONTHS_MAX, "months", 1)
        within(found.renewal.times, TIMES_MAX, "times", 1)
        within(found.renewal.notice_days, found.renewal.months * 28, "days of notice")
    within(len(found.prices) + len(found.notices), STEPS_MAX, "the number of prices and notices")
    within(found.share, WHOLE, "a share in basis points")
    for days in found.notices:
        within(days, DAYS_MAX, "days before the end", 1)
    wrong = next((name for name in found.ends if name not in CONDITIONS), None)
    if wrong is not None:
        raise BadInput("input.schedule", f"`{wrong}` ends no agreement", f"use one of {', '.join(CONDITIONS)}")
    if len(set(found.notices)) < len(found.notices) or len(set(found.ends)) < len(found.ends):
        raise BadInput("input.schedule", "the schedule says a thing twice", "say it once")


def decline(read: Reader, agreement: str, by: str, at: Instant) -> RenewalDeclined | Refusal:
    """Either side declines the renewals that are not due yet."""
    row, running = read.get(Agreement, agreement), read.get(Running, agreement)
    if row is None or running is None or running.state != "runs" or by not in (row.provider, row.consumer):
        return refuse(
            "registry.unknown", "no renewal was declined", f"there is no agreement `{agreement}` of yours that is renewed",
            remedy="take the ids from your own list",
        )  # fmt: skip
    due = _renewal_due(row, running)
    if running.declined or due is None or due <= at:
        return refuse(
            "contract.terms", "no renewal was declined", f"`{agreement}` is not going to be renewed, or it is too late",
            remedy="end the agreement; either side may at any time",
        )  # fmt: skip
    return RenewalDeclined(agreement, by)


# ---- what a use costs


def price_of(read: Reader, agreement: Agreement, prices: tuple[Price, ...], at: Instant) -> int:
    """What the next use under the agreement costs, in minor units."""
    if not prices:
        return agreement.terms.price
    counted = read.get(AgreementUses, agreement.id) if any(price.above for price in prices) else None
    uses = counted.uses if counted else 0
    applying = [price.price for price in prices if price.above <= uses and (price.since or at) <= at]
    return applying[-1] if applying else agreement.terms.price


def highest(base: int, found: Schedule) -> int:
    """The most that a use can come to cost."""
    return max(base, *(price.price for price in found.prices), 0)


def committed(found: Schedule, since: Instant, until: Instant) -> int:
    """What the fees come to of an agreement from `since` to `until` and over all renewals, in minor units: what whoever
    agrees is bound to, used or not."""
    fee = found.fee
    if fee is None:
        return 0
    if found.renewal is not None:
        until = in_months(until, found.renewal.months * found.renewal.times)
    number = 0
    while in_months(since, number * fee.months) < until:
        number += 1
    return number * fee.amount


# ---- what is due


def due(agreement: Agreement, running: Running, end_of_right: Callable[[], Instant | None]) -> Step | None:
    """The next step of an agreement by its clauses, whether or not its time has come; None if there is none.

    `end_of_right` says until when the right is good that the agreement rests on (None: no more).
    """
    steps = [step for step in (_notice(agreement, running), _fee(agreement, running)) if step is not None]
    at = _renewal_due(agreement, running)
    if at is not None and all(at < step.due for step in steps):
        renewed = _renewed(agreement, running, at, end_of_right())
        if renewed is not None:
            return renewed
    if steps:
        return min(steps, key=lambda step: step.due)
    return AgreementLapsed(agreement.id, "end", agreement.until) if agreement.until < END_OF_TIME else None


def _notice(agreement: Agreement, running: Running) -> Step | None:
    """Notices that would have come before the agreement began are given with it."""
    left = [days for days in running.schedule.notices if days not in running.noticed]
    if not left:
        return None
    days, until = max(left), agreement.until
    at = max(later(until, days=-days), agreement.since)
    return NoticeGiven(agreement.id, f"notice/{days}", agreement.provider, agreement.consumer, until, at)


def _fee(agreement: Agreement, running: Running) -> Step | None:
    fee = running.schedule.fee
    at = in_months(agreement.since, running.fees * fee.months) if fee else agreement.until
    if fee is None or at >= agreement.until:
        return None
    return FeeDue(
        agreement.id,
        "fee",
        running.fees + 1,
        agreement.asset,
        agreement.consumer,
        fee.amount,
        agreement.terms.currency,
        at,
    )


def _renewal_due(agreement: Agreement, running: Running) -> Instant | None:
    renewal = running.schedule.renewal
    if renewal is None or running.declined or running.renewals >= renewal.times:
        return None
    return max(later(agreement.until, days=-renewal.notice_days), agreement.since)


def _renewed(agreement: Agreement, running: Running, at: Instant, right: Instant | None) -> Step | None:
    """No longer than the right lasts that it rests on."""
    renewal = running.schedule.renewal
    assert renewal is not None
    until = min(in_months(agreement.until, renewal.months), right or agreement.until)
    if until <= agreement.until:
        return None
    return AgreementRenewed(agreement.id, "renewal", running.renewals + 1, until, at)


def end_of_right(read: Reader, agreement: Agreement, at: Instant) -> Instant | None:
    """Until when the chain of rights is good that the agreement rests on; None if it is broken."""
    right = read.get(Right, agreement.right)
    found = rights.explain(read, right, at) if right else None
    return None if found is None or found.broken else min(link.until for link in found.links)
