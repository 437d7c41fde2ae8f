"""What may happen with cover: adopt a scheme, join it, contribute, claim, decide, pay.

Rules read and answer; they never look at whom somebody works for to say what she is entitled to.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from usufruct.core.base.canonical import holdable
from usufruct.core.base.faults import BadInput
from usufruct.core.base.ids import checked, numbered
from usufruct.core.base.instants import Instant
from usufruct.core.base.money import DECIMALS, Money
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.cover.collecting import Earned, collect, who_counts
from usufruct.core.cover.facts import (
    ClaimDecided,
    ClaimMade,
    ContributionTaken,
    CoverPaid,
    FundOpened,
    OptedIn,
    OptedOut,
    ParticularsStated,
    SchemeAdopted,
    SchemeEnded,
)
from usufruct.core.cover.scheme import FOR_GOOD, NOBODY, Entitlement, Insured, Scheme, SchemeLevy, unfit
from usufruct.core.cover.state import (
    GRANTED,
    OPEN,
    REFUSED,
    AdoptedScheme,
    CoverClaim,
    Fund,
    LevyPeriod,
    Particulars,
    SchemeMembership,
    account_of,
)
from usufruct.core.income.ledger import Account
from usufruct.core.registry.state import Party

WORDS_MAX = 2_000  # characters of a reason
RESERVE_MAX = 120  # months
EARNED_MAX = 1_000  # payments in one contribution
AMOUNT_MAX = 10**13  # minor units of one payment

# ---- schemes and funds


def adopt(
    read: Reader, scheme: Scheme, operators: Sequence[str], effective: Instant, by: str, operator: str, at: Instant
) -> SchemeAdopted | Refusal:
    """A scheme that the node raises from `effective` on, or from when the scheme itself applies if that is later.

    Raises:
        BadInput: a name in it cannot be an id.
    """
    wrong = unfit(scheme)
    if wrong is not None:
        return wrong
    not_done = f"the scheme `{scheme.name}` was not adopted"
    if by != operator:
        return refuse(
            "registry.unknown",
            not_done,
            "a scheme is the operator's of the node to adopt",
            remedy="turn to the operator",
        )
    if effective < at:
        return refuse(
            "cover.late", not_done, "what is taken of earnings must be known before they are earned",
            remedy="let it apply from today or from a later day on",
        )  # fmt: skip
    for name in operators:
        if read.get(Party, name) is None:
            return refuse("registry.unknown", not_done, f"there is no party `{name}`", remedy="register it first")
    number = sum(1 for _ in read.list(AdoptedScheme, name=scheme.name)) + 1
    return SchemeAdopted(number, scheme, max(effective, scheme.effective), by, tuple(sorted(set(operators))))


def end(
    read: Reader, name: str, why: str, effective: Instant, by: str, operator: str, at: Instant
) -> SchemeEnded | Refusal:
    """A scheme that raises nothing more from `effective` on."""
    running = any(row.until > effective for row in read.list(AdoptedScheme, name=name))
    if by != operator or not running or effective < at or not why.strip():
        return refuse(
            "registry.unknown", f"the scheme `{name}` was not ended",
            "no such scheme is raised then, or not by you, or it is not said why",
            remedy="look at the schemes, and say from which later day it ends, and why",
        )  # fmt: skip
    return SchemeEnded(name, holdable(why.strip()), effective, by)


def open_fund(
    read: Reader, fund: str, title: str, currency: str, reserve_months: int, trustees: Sequence[str], by: str,
    operator: str,
) -> FundOpened | Refusal:  # fmt: skip
    """A pooled fund, or what is to be said of it from now on.

    Raises:
        BadInput: its name cannot be an id.
    """
    not_done = f"the fund `{fund}` was not opened"
    checked(fund, "a fund")
    before = read.get(Fund, fund)
    if by != operator or (before is not None and before.currency != currency):
        return refuse(
            "registry.unknown", not_done, "a fund is the operator's of the node to open, and its currency stays",
            remedy="turn to the operator",
        )  # fmt: skip
    if currency not in DECIMALS or not 0 <= reserve_months <= RESERVE_MAX or not title.strip():
        return refuse(
            "cover.fund", not_done, f"a fund has a title, a known currency, and a reserve of 0 to {RESERVE_MAX} months",
            remedy="correct what is wrong",
        )  # fmt: skip
    for name in trustees:
        if read.get(Party, name) is None:
            return refuse("registry.unknown", not_done, f"there is no party `{name}`", remedy="register it first")
    return FundOpened(fund, holdable(title.strip()), currency, reserve_months, by, tuple(sorted(set(trustees))))


def in_force(read: Reader, at: Instant) -> list[AdoptedScheme]:
    """The schemes that are raised at a moment, in the order in which they were adopted first."""
    return [row for row in read.list(AdoptedScheme) if row.effective <= at < row.until]


def scheme_named(read: Reader, name: str, at: Instant) -> AdoptedScheme | None:
    """The version of a scheme that is raised at a moment, else the last that was: a right outlives the levy."""
    rows = [row for row in read.list(AdoptedScheme, name=name) if row.effective <= at]
    return max(rows, key=lambda row: (row.effective, row.number), default=None)


# ---- what a person says of herself


def insured(read: Reader, party: str, scheme: str) -> Insured:
    """What a scheme knows of a person."""
    said, member = read.get(Particulars, party), read.get(SchemeMembership, party, scheme)
    joined = member is not None and member.joined
    return Insured(
        said.born if said else "", joined, member.option if member and joined else "", said.works_with if said else ""
    )


def state_particulars(read: Reader, party: str, born: str, works_with: str, at: Instant) -> ParticularsStated | Refusal:
    """What she says of herself: the day she was born, and what she works with.

    Raises:
        BadInput: no day.
    """
    row = read.get(Party, party)
    if row is None:
        return _nobody("nothing was recorded")
    try:
        day = date.fromisoformat(born).isoformat()
    except ValueError:
        day = ""
    if day != born or not "1900-01-01" <= born <= at[:10]:
        raise BadInput("input.cover", f"`{born}` is no day on which somebody was born", "write it as 1996-05-17")
    if works_with:
        checked(works_with, "what somebody works with")
    return ParticularsStated(party, born, works_with, row.key_slot is not None)


def opt_in(read: Reader, party: str, scheme: str, option: str, at: Instant) -> OptedIn | Refusal:
    """She joins a scheme, or chooses another of its options."""
    not_done = f"you did not join `{scheme}`"
    row, adopted = read.get(Party, party), scheme_named(read, scheme, at)
    if row is None or adopted is None or adopted.until <= at:
        return _unknown_scheme(not_done)
    if option and option not in adopted.scheme.options:
        known = ", ".join(adopted.scheme.options) or "it has none"
        return refuse(
            "cover.joining", not_done, f"`{option}` is no option of it", remedy=f"choose one of its options: {known}"
        )
    one = insured(read, party, scheme)
    if adopted.scheme.joining == NOBODY and not one.member(adopted.scheme):
        return refuse(
            "cover.joining",
            not_done,
            "nobody joins it by her own choice",
            remedy="state when you were born, if it is that",
        )
    if one.joined and one.option == option:
        return refuse(
            "cover.joining", not_done, "you joined it before, with this option", remedy="nothing is to be done"
        )
    return OptedIn(party, scheme, option, row.key_slot is not None)


def opt_out(read: Reader, party: str, scheme: str, at: Instant) -> OptedOut | Refusal:
    """She leaves a scheme, if it lets her."""
    not_done = f"you did not leave `{scheme}`"
    row, adopted = read.get(Party, party), scheme_named(read, scheme, at)
    if row is None or adopted is None:
        return _unknown_scheme(not_done)
    if not insured(read, party, scheme).joined:
        return refuse("cover.joining", not_done, "you did not join it", remedy="nothing is to be done")
    if adopted.scheme.joining == FOR_GOOD:
        return refuse(
            "cover.joining", not_done, "who joined it stays in it: its law says so", f"the source is {adopted.scheme.source}",
            remedy="turn to the authority that it names",
        )  # fmt: skip
    return OptedOut(party, scheme, row.key_slot is not None)


# ---- contributions


def contributions(
    read: Reader, adopted: AdoptedScheme, worker: str, operator: str, earned: Sequence[Earned], currency: str,
    at: Instant, place: int,
) -> tuple[ContributionTaken | None, list[str]]:  # fmt: skip
    """What a scheme takes on what `worker` earned with `operator` within one month and is paid `at`, as the fact at `place`; and
    for which levies it has no rate of hers.

    Raises:
        BadInput: amounts that cannot be, or days of several months.
    """
    scheme = adopted.scheme
    months = {one.day[:7] for one in earned}
    if len(months) != 1 or len(earned) > EARNED_MAX:
        raise BadInput(
            "input.cover", "a contribution is for one month", f"give 1 to {EARNED_MAX} payments of one month"
        )
    if any(
        not (0 <= one.fee <= one.gross <= AMOUNT_MAX and 0 <= one.tips <= AMOUNT_MAX and 0 <= one.made_up <= AMOUNT_MAX)
        for one in earned
    ):
        raise BadInput(
            "input.cover", "somebody cannot earn that", "give amounts of 0 or more, and a fee within the gross"
        )

    def counted(levy: SchemeLevy, period: str) -> tuple[int, int]:
        row = read.get(LevyPeriod, scheme.name, levy.name, *who_counts(levy, worker, operator), period)
        return (row.basis, row.paid) if row else (0, 0)

    if scheme.currency != currency or (adopted.operators and operator not in adopted.operators):
        return None, []
    found, without = collect(scheme, insured(read, worker, scheme.name), earned, counted, at)
    if not found:
        return None, without
    days = tuple(sorted({one.day for one in earned if one.paid + one.tips > 0}))
    name = numbered("contribution", place)
    fact = ContributionTaken(
        name, worker, operator, scheme.name, adopted.number, next(iter(months)), currency, days, tuple(found)
    )
    return fact, without


# ---- claims


def claim(
    read: Reader, name: str, party: str, scheme: str, entitlement: str, amount: Money, reason: str, on: Instant,
    appeals: str, at: Instant,
) -> ClaimMade | Refusal:  # fmt: skip
    """A claim under an entitlement. Whether she is entitled a person decides, with what the node reckoned beside it.

    Raises:
        BadInput: no reason is given, or a very long one.
    """
    not_done = "your claim was not recorded"
    row, adopted = read.get(Party, party), scheme_named(read, scheme, at)
    found = _entitlement(adopted, entitlement)
    if row is None or adopted is None or found is None or not found.by:
        return refuse(
            "registry.unknown", not_done, f"`{scheme}` has no entitlement `{entitlement}` on which claims are paid here",
            remedy="look at your cover for what can be claimed",
        )  # fmt: skip
    if amount.currency != adopted.scheme.currency or amount.minor <= 0 or on > at:
        return refuse(
            "cover.claim", not_done, f"a claim is for an amount in {adopted.scheme.currency}, for what has happened",
            remedy="say how much, and when it was",
        )  # fmt: skip
    if found.by.startswith("own:"):
        account = read.get(Account, account_of(found.by, party), amount.currency)
        if amount.minor > (account.free if account else 0):
            there = Money(account.free if account else 0, amount.currency)
            return refuse("cover.claim", not_done, f"there are {there} on your account", remedy="claim at most that")
    same = (scheme, entitlement, on)
    made = next(
        (one for one in read.list(CoverClaim, party=party) if (one.scheme, one.entitlement, one.on) == same), None
    )
    if made is not None and not appeals and made.stands != REFUSED:
        return refuse(
            "cover.claim", not_done, f"you claimed this already, with `{made.id}`",
            remedy="wait for the decision, appeal against it, or say when else something happened",
        )  # fmt: skip
    before = read.get(CoverClaim, appeals) if appeals else None
    if appeals and (before is None or before.party != party or before.stands not in (REFUSED, GRANTED)):
        return refuse(
            "registry.unknown", not_done, f"you have no claim `{appeals}` that was decided and can be appealed",
            remedy="look at your claims",
        )  # fmt: skip
    if before is not None and (before.scheme, before.entitlement) != (scheme, entitlement):
        return refuse(
            "cover.claim", not_done, "an appeal is for the same entitlement", remedy="name the one you claimed"
        )
    words = _words(reason, "a claim says what happened")
    return ClaimMade(
        name, party, scheme, entitlement, found.by, amount.minor, amount.currency, words, on, appeals, row.key_slot is not None
    )  # fmt: skip


def deciders(read: Reader, account: str, operator: str) -> frozenset[str]:
    """Who may decide on claims that an account pays: the operator of the node, and the trustees of the fund."""
    fund = read.get(Fund, account.removeprefix("fund:")) if account.startswith("fund:") else None
    return frozenset((operator, *(fund.trustees if fund else ())))


def decide(
    read: Reader, name: str, amount: Money | None, reasons: str, turn_to: str, by: str, operator: str
) -> ClaimDecided | Refusal:
    """A person's word on a claim: an amount that is granted, or none. An appeal is another person's to decide.

    Raises:
        BadInput: no reasons are given, or very long ones.
    """
    not_done = "the claim was not decided"
    row = read.get(CoverClaim, name)
    if row is None or row.stands != OPEN or by not in deciders(read, row.account, operator):
        return refuse(
            "registry.unknown", not_done, f"there is no claim `{name}` that waits for your decision",
            remedy="look at the list of open claims",
        )  # fmt: skip
    if by == row.party:
        return refuse("cover.claim", not_done, "nobody decides on her own claim", remedy="let another decide")
    before = read.get(CoverClaim, row.appeals) if row.appeals else None
    if before is not None and before.decider == by:
        return refuse(
            "cover.claim",
            not_done,
            "an appeal is not decided by who decided first",
            remedy="let a trustee of the fund decide",
        )
    said = _words(reasons, "a decision has reasons")
    granted = amount.minor if amount else 0
    if amount is not None and (amount.currency != row.currency or not 0 < granted <= row.amount):
        return refuse(
            "cover.claim",
            not_done,
            f"at most {Money(row.amount, row.currency)} were claimed",
            remedy="grant that or less",
        )
    if granted < row.amount and not turn_to.strip():
        return refuse(
            "cover.claim", not_done, "who is not granted all that she claimed is told whom she can turn to",
            remedy="name a court, an arbitrator or the authority",
        )  # fmt: skip
    party = read.get(Party, row.party)
    person = party is not None and party.key_slot is not None
    return ClaimDecided(name, row.party, granted, said, by, holdable(turn_to.strip())[:WORDS_MAX], person)


def pay(read: Reader, name: str, by: str, operator: str) -> CoverPaid | Refusal:
    """What was granted goes from the fund, or from her own account, to the party."""
    not_done = "nothing was paid"
    row = read.get(CoverClaim, name)
    if row is None or row.stands != GRANTED or by != operator:
        return refuse(
            "registry.unknown", not_done, f"there is no claim `{name}` that was granted and is not paid",
            remedy="look at the list of claims",
        )  # fmt: skip
    there = read.get(Account, account_of(row.account, row.party), row.currency)
    free = there.free if there else 0
    if row.granted > free:
        return refuse(
            "cover.short", not_done, f"there are {Money(free, row.currency)} in `{row.account}`, less than was granted",
            remedy="pay into it, or pay when contributions have come in",
        )  # fmt: skip
    return CoverPaid(name, row.party, row.account, row.granted, row.currency, by)


def _entitlement(adopted: AdoptedScheme | None, name: str) -> Entitlement | None:
    return next((one for one in adopted.scheme.entitlements if one.name == name), None) if adopted else None


def _nobody(not_done: str) -> Refusal:
    return refuse("registry.unknown", not_done, "you are not known to this node", remedy="have yourself registered")


def _unknown_scheme(not_done: str) -> Refusal:
    return refuse("registry.unknown", not_done, "no such scheme is raised here", remedy="look at the list of schemes")


def _words(text: str, what: str) -> str:
    said = holdable(text.strip())
    if not said:
        raise BadInput("input.cover", what, "write it in a sentence or two")
    if len(said) > WORDS_MAX:
        raise BadInput("input.cover", f"the text is longer than {WORDS_MAX} characters", "shorten it")
    return said
