"""Stories for random histories about pay for work."""

from __future__ import annotations

from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Fact
from usufruct.core.work.own.history import Elsewhere, HistoryRead
from usufruct.core.work.pay.state import (
    Deduction,
    PaidWork,
    PayCorrected,
    PayPlanned,
    PayRefused,
    Reckoning,
    TopUp,
    WorkPaid,
)

SINCE, UNTIL = Instant("2026-11-23T00:00:00.000Z"), Instant("2026-11-30T00:00:00.000Z")


def pay_stories(number: str, worker: str, operator: str) -> list[list[Fact]]:
    """A plan is refused, the next is paid, and a payslip is put right; a history comes from another node."""
    done = Elsewhere("riders", "EUR", SINCE, UNTIL, 7, 12_600_000, 21_000, 10_150, 2_030, 700)
    line = PaidWork(f"work-{number}", 1450, 290, 100, 40, 1200, "4.50 EUR for the job", 40)
    floor = TopUp("online", 7_200_000, 1200, 2400, 1200, 1200, "floor", "agreement", "workers and operators")
    taken = (Deduction("cover", "worker", 60, "fund:cover"),)
    fund = f"fund:{operator}-surcharges"
    slip = Reckoning(worker, (line,), 1450, 290, 100, 40, 1200, 2500, (floor,), taken, 40, fund)
    first, plan = f"pay-{number}", f"pay-{number}-again"
    return [[
        PayPlanned(first, operator, "EUR", SINCE, UNTIL, (slip,), "", operator),
        PayRefused(first, operator, "a tip is missing", operator),
        PayPlanned(plan, operator, "EUR", SINCE, UNTIL, (slip,), first, operator),
        WorkPaid(f"{plan}-1", plan, operator, worker, "EUR", SINCE, UNTIL, slip, operator),
        PayCorrected(f"correction-{number}", f"{plan}-1", operator, worker, 250, "EUR", "a tip came late", operator),
        PayCorrected(f"correction-{number}-b", f"{plan}-1", operator, worker, -50, "EUR", "too much", operator),
    ], [
        HistoryRead(
            f"history-{number}", worker, "there.example/journal", "there.example+1+key", "rider-9", UNTIL, 9, (done,), "5f" * 32
        ),
    ]]  # fmt: skip
