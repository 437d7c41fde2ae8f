"""The ledger counted again, for the audit: from its transfers and reservations, from the settlements, from what payouts took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from usufruct.core.base.records import Reader, Row
from usufruct.core.income import settlement
from usufruct.core.income.accounts import members_of
from usufruct.core.income.ledger import Account, Corrected, Reservation, Transfer
from usufruct.core.income.payout import PART, PARTY, Lines
from usufruct.core.income.payout_state import ENDED, PROPOSED, REFUSED, PaidTogether, Payment, Payout
from usufruct.core.income.state import Period, PeriodPlan

Made = tuple[type[Row], str]
"""A row, by kind and key."""


def balances(read: Reader) -> Iterator[tuple[Made | None, str]]:
    """What is wrong with the balances, with the row that is."""
    sums: Counter[str] = Counter()
    for transfer in read.list(Transfer):
        sums[f"{transfer.debit}/{transfer.currency}"] -= transfer.amount
        sums[f"{transfer.credit}/{transfer.currency}"] += transfer.amount
    out: Counter[str] = Counter()
    into: Counter[str] = Counter()
    for held in read.list(Reservation):
        if held.open < 0:
            yield (Reservation, held.key), f"more of `{held.cause}` was posted than was reserved"
        out[f"{held.debit}/{held.currency}"] += held.open
        into[f"{held.credit}/{held.currency}"] += held.open
    totals: Counter[str] = Counter()
    pending: Counter[str] = Counter()
    for account in read.list(Account):
        totals[account.currency] += account.balance
        pending[account.currency] += account.reserved_in - account.reserved_out
        if account.balance != sums.pop(account.key, 0):
            yield (Account, account.key), f"the balance of `{account.id}` is not that of its transfers"
        if (account.reserved_out, account.reserved_in) != (out.pop(account.key, 0), into.pop(account.key, 0)):
            yield (Account, account.key), f"what is reserved in `{account.id}` is not what its reservations say"
        if account.id.startswith(("asset:", "fund:")) and account.free < 0:
            yield (Account, account.key), f"`{account.id}` gave more than it had"
    if any(sums.values()) or any(totals.values()):
        yield None, "the balances of the ledger do not sum to zero"
    if any(out.values()) or any(into.values()) or any(pending.values()):
        yield None, "what is reserved in the ledger does not sum to zero"
    for corrected in read.list(Corrected):
        whole = read.get(Transfer, corrected.seq, corrected.n)
        if whole is None or corrected.amount > whole.amount:
            yield (Corrected, corrected.key), f"more was taken back of transfer `{corrected.key}` than it moved"


def posted(read: Reader) -> Counter[tuple[int, str]]:
    """What each fact credited to each account."""
    found: Counter[tuple[int, str]] = Counter()
    for transfer in read.list(Transfer):
        found[transfer.seq, transfer.credit] += transfer.amount
    return found


def payouts(read: Reader, evidence: Callable[[str], bytes]) -> Iterator[tuple[int, str]]:
    """Payouts whose lines are not what they say, or pay a member more than her settlements come to; by their facts."""
    left = _settled(read, evidence)
    for payout in read.list(Payout):
        proposed = payout.proposed
        try:
            lines = list(Lines(evidence(proposed.lines)))
        except ValueError:
            yield payout.seq, f"the lines of `{payout.id}` are no lines"
            continue
        sums: Counter[tuple[int, bool]] = Counter()
        for n, line in enumerate(lines):
            sums[line.source, n < proposed.payments] += line.amount
        said = {(place, True): source.paid for place, source in enumerate(proposed.sources)}
        said |= {(place, False): source.given for place, source in enumerate(proposed.sources)}
        if len(lines) != proposed.payments + proposed.donations or +Counter(said) != +sums:
            yield payout.seq, f"the lines of `{payout.id}` do not sum to what it says"
            continue
        if payout.state in (PROPOSED, REFUSED):
            continue
        for n, line in enumerate(lines):
            key = proposed.sources[line.source].account, line.number
            if line.number != PARTY and _went(read, payout, n):
                left[key] -= line.amount
                if left[key] < 0:
                    yield payout.seq, f"`{payout.id}` pays a member of `{key[0]}` more than she is owed"


def _settled(read: Reader, evidence: Callable[[str], bytes]) -> Counter[tuple[str, int]]:
    found: Counter[tuple[str, int]] = Counter()
    for period in read.list(Period):
        plan = read.get(PeriodPlan, period.plan)
        for statement in plan.planned.statements if plan else ():
            for number, amount in enumerate(settlement.Lines(statement, evidence).columns()[1]):
                found[members_of(statement.asset), number] += amount
    return found


def _went(read: Reader, payout: Payout, n: int) -> bool:
    """Whether a line took something that is not owed again."""
    word = read.get(Payment, payout.id, n)
    if n >= payout.proposed.payments or (word is not None and word.found == "paid"):
        return True
    if word is not None or n in payout.left_out:
        return False
    part = read.get(PaidTogether, payout.id, n // PART * PART)
    return part is not None or payout.state != ENDED
