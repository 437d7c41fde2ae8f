"""Work that is done: shifts, and pieces of work under a job agreement, as uses with the time that they took.

Who dispatched it records it: the poster of the job, who is the operator in these facts. The worker finds it in her own
history at once, and can say that it is wrong. What cannot have been is not taken: a span that ends before it begins, two
spans at one moment in one piece of work, time to come, work before the agreement's window or after its end, work outside
the shift that is named for it. Two pieces of work at once can be: orders are often carried together, and hours count such
time once (`intervals`). A piece that equals another of its agreement in everything was sent twice, and is not taken.
"""

from __future__ import annotations

from dataclasses import replace

from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.work.facts import ShiftRecorded, Span, WorkDone
from usufruct.core.work.rules import agreed_before
from usufruct.core.work.state import JobAgreement, Shift, Work
from usufruct.core.work.terms import AMOUNT_MAX, METRES_MAX, checked_spans, meet

ORDERS_MAX = 1_000
SPANS_MAX = 1_000
_TELLING = ("engaged", "metres", "gross", "fee", "tips", "surcharges", "orders", "shift", "safe")


def record_shift(read: Reader, fact: ShiftRecorded, at: Instant) -> ShiftRecorded | Refusal:
    """A shift at an operator, with whom the worker must have come to a job agreement.

    Raises:
        BadInput: its spans cannot be.
    """
    not_done = "the shift was not recorded"
    online = checked_spans(fact.online, "the shift")
    if fact.end <= fact.start or any(span.start < fact.start or span.end > fact.end for span in online):
        raise BadInput("input.work", "the shift ends before it begins, or a span lies outside it", "say how it was")
    if len(online) > SPANS_MAX or not fact.zone:
        raise BadInput("input.work", "a shift has that many spans at most, and a time zone", f"{SPANS_MAX} spans")
    if fact.worker == fact.operator or not agreed_before(read, fact.worker, fact.operator):
        return refuse(
            "registry.unknown", not_done, f"there is no worker `{fact.worker}` who agreed to a job of yours",
            remedy="name the worker of one of your job agreements",
        )  # fmt: skip
    if fact.end > at:
        return refuse("work.spans", not_done, "it is not over yet", remedy="record it when it is over")
    whole = Span(fact.start, fact.end)
    same = (row for row in read.list(Shift, worker=fact.worker) if row.operator == fact.operator)
    other = next((row for row in same if meet(Span(row.start, row.end), whole)), None)
    if other is not None:
        return refuse(
            "work.spans", not_done, f"it overlaps the shift `{other.id}` of the same worker with you",
            remedy="record each time once",
        )  # fmt: skip
    return replace(fact, online=online)


def record_work(read: Reader, fact: WorkDone, at: Instant) -> WorkDone | Refusal:
    """A piece of work by the poster of its job. The fact's worker and currency are taken from the agreement.

    Raises:
        BadInput: its spans or its numbers cannot be.
    """
    not_done = "the work was not recorded"
    agreed = read.get(JobAgreement, fact.agreement)
    if agreed is None or agreed.poster != fact.operator:
        return refuse(
            "registry.unknown", not_done, f"there is no job agreement `{fact.agreement}` of yours",
            remedy="take the id from the list of your agreements",
        )  # fmt: skip
    engaged = checked_spans(fact.engaged, "the work")
    _check_numbers(fact, agreed)
    if not engaged or len(engaged) > SPANS_MAX:
        raise BadInput("input.work", f"a piece of work has 1 to {SPANS_MAX} spans", "say when it was done")
    terms, last = agreed.terms, engaged[-1].end
    if last > at:
        return refuse("work.spans", not_done, "it is not over yet", remedy="record it when it is done")
    latest = min(terms.ends, agreed.until or terms.ends)
    if engaged[0].start < terms.starts or any(span.start >= latest for span in engaged):
        return refuse(
            "work.spans", not_done,
            f"it began outside its agreement, which is for {terms.starts[:16]} to {latest[:16]}",
            remedy="record it under the agreement that covers it",
        )  # fmt: skip
    shift = read.get(Shift, fact.shift) if fact.shift else None
    if fact.shift and (shift is None or (shift.worker, shift.operator) != (agreed.worker, fact.operator)):
        return refuse(
            "registry.unknown", not_done, f"there is no shift `{fact.shift}` of that worker with you",
            remedy="record the shift first, or name none",
        )  # fmt: skip
    if shift is not None and not all(meet(span, Span(shift.start, shift.end)) for span in engaged):
        return refuse(
            "work.spans", not_done, f"it lies outside its shift, which was from {shift.start[:16]} to {shift.end[:16]}",
            remedy="name the shift in which it was done, or none",
        )  # fmt: skip
    done = replace(fact, engaged=engaged, worker=agreed.worker, currency=terms.pay.currency)
    twin = next((row for row in read.list(Work, agreement=fact.agreement) if _same(row, done)), None)
    if twin is not None:
        return refuse(
            "work.spans", not_done, f"`{twin.id}` is the same in everything, and would be paid twice",
            remedy="record each piece once; orders of one and the same ride are one piece with so many `orders`",
        )  # fmt: skip
    return done


def _same(row: Work, fact: WorkDone) -> bool:
    """Whether a piece of work is there already: with the same spans to the millisecond, way, amounts and shift."""
    return all(getattr(row, name) == getattr(fact, name) for name in _TELLING)


def _check_numbers(fact: WorkDone, agreed: JobAgreement) -> None:
    amounts = (fact.gross, fact.fee, fact.tips, fact.surcharges)
    if any(not 0 <= amount <= AMOUNT_MAX for amount in amounts) or fact.fee > fact.gross:
        raise BadInput("input.work", "an amount cannot be", "give 0 or more, and a fee that is no more than the gross")
    if not 0 <= fact.metres <= METRES_MAX or not 1 <= fact.orders <= ORDERS_MAX:
        raise BadInput("input.work", "the metres or the orders cannot be", "give 0 metres or more, and 1 order or more")
    if any(name not in agreed.terms.conditions for name in fact.safe) or len(set(fact.safe)) < len(fact.safe):
        raise BadInput("input.work", "a safety condition was kept that the job did not promise", "name promised ones")
