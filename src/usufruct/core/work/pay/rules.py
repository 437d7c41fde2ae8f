"""What may be paid for work: the plan of a pay run, whether it can still be carried out, and corrections.

All work that an operator's workers ended before the end of the plan and that was not paid is in it, so nothing is left out and
nothing is paid twice: the windows of an operator follow on each other, and what was recorded late is paid with the next. Late
work counts for no floor of a later window, for its hours lie in an earlier one.

What a job agreement promises is reckoned exactly and rounded up to the minor unit: so much for the job, for each engaged hour
and each kilometre. If the customer's price less the fee is below that, the operator makes up the difference.

Floors by the hour and contributions to cover are rules of other areas: they come in as functions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

from usufruct.core.base.canonical import holdable
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant
from usufruct.core.base.money import DECIMALS, Money
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.income.accounts import fund_of_surcharges
from usufruct.core.income.posting_rules import covered
from usufruct.core.registry.state import Party
from usufruct.core.work.facts import Span
from usufruct.core.work.hours.measured import engaged_ms
from usufruct.core.work.hours.stretches import HOUR
from usufruct.core.work.pay.state import (
    CUSTOMER,
    PLANNED,
    Deduction,
    LastPay,
    PaidWork,
    PayCorrected,
    PayPlanned,
    PayRefused,
    PayRun,
    Payslip,
    Reckoning,
    TopUp,
    WorkPaid,
    WorkPay,
)
from usufruct.core.work.state import JobAgreement, Shift, Work

WORDS_MAX = 500  # characters of a reason
WORKS_MAX = 50_000  # pieces of work in one plan

Floors = Callable[[Reader, str, str, Instant, Instant, int, str], Sequence[TopUp]]
"""Asked with worker, operator, since, until, pay of that time (minor units) and currency."""

Deductions = Callable[[Reader, str, str, Reckoning, str, Instant], Sequence[Deduction]]
"""Asked with worker, operator, the slip so far, currency and the end of the time: what contributions take."""


def no_floors(
    read: Reader, worker: str, operator: str, since: Instant, until: Instant, pay: int, currency: str
) -> list[TopUp]:
    """Where no floor is in force."""
    return []


def no_deductions(
    read: Reader, worker: str, operator: str, slip: Reckoning, currency: str, until: Instant
) -> list[Deduction]:
    """Where no contribution is due."""
    return []


def promised(agreement: JobAgreement | None, work: Work, ms: int) -> tuple[int, str]:
    """What its job agreement promises for a piece of work, in minor units, and what that is reckoned from; `ms` of its engaged
    time are counted by no other piece."""
    if agreement is None or agreement.terms.pay.currency != work.currency:
        return 0, ""
    pay = agreement.terms.pay
    exact = pay.per_job + Fraction(pay.per_hour * ms, HOUR) + Fraction(pay.per_km * work.metres, 1000)
    said = [f"{Money(pay.per_job, pay.currency)} for the job"] if pay.per_job else []
    if pay.per_hour:
        said.append(f"{Money(pay.per_hour, pay.currency)} an hour for {clock(ms)}")
    if pay.per_km:
        said.append(f"{Money(pay.per_km, pay.currency)} a km for {work.metres} m")
    return -(-exact.numerator // exact.denominator), ", ".join(said)


def counted_once(works: Iterable[Work]) -> dict[str, int]:
    """The engaged milliseconds of each piece of work, by its id: an hour in which two were done at once is an hour of the one
    that began first, and none of the other."""
    found, seen, before = {}, list[Span](), 0
    for work in sorted(works, key=lambda one: (min((span.start for span in one.engaged), default=one.at), one.seq)):
        seen += work.engaged
        after = engaged_ms(seen)
        found[work.id], before = after - before, after
    return found


def clock(ms: int) -> str:
    """Milliseconds as hours and minutes, cut to the minute."""
    return f"{ms // HOUR} h {ms % HOUR // 60_000:02d} min"


def ended(work: Work) -> Instant:
    """When a piece of work was over: at the end of its last span, or when it was recorded if it has none."""
    return max((span.end for span in work.engaged), default=work.at)


def unpaid(read: Reader, operator: str, currency: str, until: Instant) -> Iterator[Work]:
    """The work for an operator that ended before `until` and was not paid; nobody pays herself."""
    for work in read.list(Work, operator=operator):
        due = work.currency == currency and work.worker != operator and ended(work) < until
        if due and read.get(WorkPay, work.id) is None:
            yield work


def plan(
    read: Reader, id: str, operator: str, currency: str, since: Instant | None, until: Instant, by: str, at: Instant,
    floors: Floors = no_floors, deductions: Deductions = no_deductions,
) -> PayPlanned | Refusal:  # fmt: skip
    """What an operator would pay for the time until `until`. It begins where the last paid one ended; the first one `since` then,
    or with the first work there is.

    Raises:
        BadInput: the currency is none that the node knows.
    """
    not_done = "nothing was planned"
    if currency not in DECIMALS:
        raise BadInput("input.money", f"`{currency}` is not a currency this node knows", "use one as EUR")
    if read.get(Party, operator) is None:
        return unknown(not_done, f"no work of `{operator}` waits to be paid")
    last = read.get(LastPay, operator, currency)
    works = list(unpaid(read, operator, currency, until))
    begun = [work.engaged[0].start if work.engaged else work.at for work in works]
    begun += [shift.start for shift in read.list(Shift, operator=operator) if shift.end < until]
    first = last.until if last else since or min(begun, default=until)
    if until > at or (begun and first >= until) or (last and since and since != last.until):
        return refuse(
            "pay.window", not_done, f"the time from {first[:16]} to {until[:16]} is not over, is none, or does not follow the last",
            remedy=f"let it begin at {first}, where the last one ended, and end before now",
        )  # fmt: skip
    if len(works) > WORKS_MAX:
        return refuse(
            "pay.window", not_done, f"{len(works)} pieces of work are more than the {WORKS_MAX} of one plan",
            remedy="plan a shorter time",
        )  # fmt: skip
    slips = tuple(_reckonings(read, operator, works, first, until, currency, floors, deductions))
    if not slips:
        return refuse(
            "pay.nothing", not_done, f"nothing for `{operator}` that ended before {until[:10]} waits to be paid in {currency}",
            remedy="record the work first, or name a later day",
        )  # fmt: skip
    planned = PayPlanned(id, operator, currency, first, until, slips, last.plan if last else "", by)
    return covered(read, operator, [(planned.total, currency)]) or planned


def _reckonings(
    read: Reader, operator: str, works: Sequence[Work], since: Instant, until: Instant, currency: str, floors: Floors,
    deductions: Deductions,
) -> Iterator[Reckoning]:  # fmt: skip
    """The slip of everybody who did work, or waited for some so long that a floor is due."""
    by_worker: dict[str, list[Work]] = {}
    for work in works:
        by_worker.setdefault(work.worker, []).append(work)
    for shift in read.list(Shift, operator=operator):
        if since <= shift.end < until and shift.worker != operator:
            by_worker.setdefault(shift.worker, [])
    for worker, found in sorted(by_worker.items()):
        slip = reckon(read, operator, worker, found, since, until, currency, floors, deductions)
        if slip.lines or slip.net:
            yield slip


def reckon(
    read: Reader, operator: str, worker: str, works: Sequence[Work], since: Instant, until: Instant, currency: str,
    floors: Floors, deductions: Deductions,
) -> Reckoning:  # fmt: skip
    """One worker's slip."""
    lines, counted, time = [], 0, counted_once(works)
    for work in works:
        agreed, basis = promised(read.get(JobAgreement, work.agreement), work, time[work.id])
        made_up = max(0, agreed - (work.gross - work.fee))
        line = PaidWork(work.id, work.gross, work.fee, work.tips, work.surcharges, agreed, basis, made_up)
        lines.append(line)
        counted += line.pay if ended(work) >= since else 0
    looked = tuple(floors(read, worker, operator, since, until, counted, currency))
    gross, fee, tips, made_up, surcharges = (
        sum(getattr(line, name) for line in lines) for name in ("gross", "fee", "tips", "made_up", "surcharges")
    )
    top_up = max((floor.amount for floor in looked if floor.binding), default=0)
    net = gross - fee + made_up + top_up + tips
    to = fund_of_surcharges(operator) if surcharges else ""
    made = Reckoning(worker, tuple(lines), gross, fee, tips, made_up, top_up, net, looked, (), surcharges, to)
    return less(made, deductions(read, worker, operator, made, currency, until))


def less(found: Reckoning, taken: Sequence[Deduction]) -> Reckoning:
    """A reckoning with what contributions take. What they take of customers comes out of the surcharges that these paid."""
    raised = sum(line.surcharges for line in found.lines)
    left = max(0, raised - sum(one.amount for one in taken if one.payer == CUSTOMER))
    return replace(found, deductions=tuple(taken), surcharges=left)


def pay(read: Reader, plan: str, operator: str, by: str) -> list[WorkPaid] | Refusal:
    """Carries out a plan of an operator: one fact for each slip, the same whenever it is asked, and only once."""
    not_done = f"the plan `{plan}` was not carried out"
    run = _open(read, plan, operator, not_done)
    if isinstance(run, Refusal):
        return run
    planned = run.planned
    last = read.get(LastPay, operator, planned.currency)
    if (last.plan if last else "") != planned.parent:
        return refuse(
            "pay.stale", not_done, f"`{last.plan if last else ''}` was paid after it was planned",
            remedy="plan anew, and look at the difference",
        )  # fmt: skip
    short = covered(read, operator, [(planned.total, planned.currency)])
    if short is not None:
        return short
    return [
        WorkPaid(
            f"{plan}-{number}", plan, operator, slip.worker, planned.currency, planned.since, planned.until, slip, by
        )
        for number, slip in enumerate(planned.reckonings, 1)
    ]


def turn_down(read: Reader, plan: str, operator: str, why: str, by: str) -> PayRefused | Refusal:
    """Refuses a plan, so that nobody carries it out.

    Raises:
        BadInput: no reason is given, or a very long one.
    """
    run = _open(read, plan, operator, f"the plan `{plan}` was not refused")
    return run if isinstance(run, Refusal) else PayRefused(plan, operator, words(why), by)


def _open(read: Reader, plan: str, operator: str, not_done: str) -> PayRun | Refusal:
    run = read.get(PayRun, plan)
    if run is None or run.operator != operator:
        return unknown(not_done, f"there is no plan `{plan}` of yours")
    if run.stands != PLANNED:
        return refuse("pay.state", not_done, f"it is {run.stands} already", remedy="plan what is not paid yet")
    return run


def correct(
    read: Reader, correction: str, pay: str, operator: str, amount: Money, why: str, by: str
) -> PayCorrected | Refusal:
    """Puts a payslip right by `amount`: above zero the worker gets it, below zero she gives it back, never more than she got.

    Raises:
        BadInput: no reason is given, or a very long one.
    """
    not_done = f"the payslip `{pay}` was not corrected"
    slip = read.get(Payslip, pay)
    if slip is None or slip.operator != operator:
        return unknown(not_done, f"there is no payslip `{pay}` of yours")
    there = slip.reckoning.net + slip.corrected
    if amount.currency != slip.currency or amount.minor == 0 or there + amount.minor < 0:
        return refuse(
            "pay.correction", not_done, f"{Money(there, slip.currency)} were paid by it, and no more than that can be taken back",
            remedy=f"name an amount in {slip.currency}, above zero for the worker, below zero for the operator",
        )  # fmt: skip
    if amount.minor > 0:
        short = covered(read, operator, [(amount.minor, amount.currency)])
        if short is not None:
            return short
    return PayCorrected(correction, pay, operator, slip.worker, amount.minor, amount.currency, words(why), by)


def unknown(not_done: str, reason: str) -> Refusal:
    """The same for what is not there and what is somebody else's."""
    return refuse("registry.unknown", not_done, reason, remedy="look at the list of your own")


def words(text: str) -> str:
    """A reason, on one line.

    Raises:
        BadInput: there is none, or it is very long.
    """
    said = " ".join(holdable(text).split())
    if not 0 < len(said) <= WORDS_MAX:
        raise BadInput("input.reason", f"a reason has 1 to {WORDS_MAX} characters", "say why in a sentence")
    return said
