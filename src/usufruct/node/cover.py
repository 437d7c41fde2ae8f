"""Cover: schemes that are raised, what they take when work is paid, what a person is entitled to, claims, and the funds.

`levy_pay` is called by whoever pays for work, in the transaction that pays: what is owed on a payment and the payment are
durable together, or neither is. It also tells what was not taken because something about her is not known, so that nobody
finds out years later.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from usufruct.core.access.delegation import only_people
from usufruct.core.base.faults import BadInput
from usufruct.core.base.ids import numbered
from usufruct.core.base.instants import Instant, later
from usufruct.core.base.money import Money
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.cover import rules
from usufruct.core.cover.collecting import Earned
from usufruct.core.cover.entitlements import History, LoggedIn, Standing, standing
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
from usufruct.core.cover.scheme import AGE_MAX, SAVINGS, WORKER, Scheme, in_words
from usufruct.core.cover.solvency import Solvency, solvency
from usufruct.core.cover.state import (
    GRANTED,
    OPEN,
    AdoptedScheme,
    Contribution,
    CoverClaim,
    Fund,
    Particulars,
    account_of,
)
from usufruct.core.income.ledger import Account
from usufruct.core.registry.state import Party
from usufruct.core.work.state import Shift
from usufruct.node.node import Node
from usufruct.ports import Transaction

_EAST = 14  # hours by which the day is further on somewhere
SHOWN = 200  # contributions on a page, the newest


@dataclass(frozen=True, slots=True)
class Raised:
    """A version of a scheme that is raised, or will be, in words."""

    name: str
    number: int
    title: str
    currency: str
    levies: tuple[str, ...]
    entitlements: tuple[str, ...]
    options: tuple[str, ...]
    joining: str
    operators: tuple[str, ...]
    effective: Instant
    until: Instant
    authority: str
    source: str
    gaps: str


@dataclass(frozen=True, slots=True)
class Saved:
    """What a scheme saved for somebody under a name."""

    name: str
    scheme: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Cover:
    """Somebody's cover: what she said of herself, what was saved for her, where she stands with each entitlement, what was
    contributed (the newest first), her claims, and what could not be taken because something is not known."""

    party: str
    born: str
    works_with: str
    savings: tuple[Saved, ...]
    standings: tuple[Standing, ...]
    contributions: tuple[Contribution, ...]
    claims: tuple[CoverClaim, ...]
    unknown: tuple[str, ...]
    schemes: tuple[Raised, ...]


# ---- schemes and funds


def adopt(
    node: Node, scheme: Scheme, operators: Sequence[str], effective: Instant | None, by: str, actors: tuple[str, ...] = ()
) -> SchemeAdopted | Refusal:  # fmt: skip
    """Raises a scheme from now on or from a later day; a person signs it.

    Raises:
        BadInput: a name in it cannot be an id.
    """
    return node.record(
        lambda tx: (
            only_people(tx, "adopt-scheme", by, actors)
            or rules.adopt(tx, scheme, operators, effective or tx.now, by, node.about.operator, tx.now)
        )
    )


def end(
    node: Node, name: str, why: str, effective: Instant | None, by: str, actors: tuple[str, ...] = ()
) -> SchemeEnded | Refusal:
    """Raises a scheme no more, from now or from a later day on; a person signs it."""
    return node.record(
        lambda tx: (
            only_people(tx, "adopt-scheme", by, actors)
            or rules.end(tx, name, why, effective or tx.now, by, node.about.operator, tx.now)
        )
    )


def open_fund(
    node: Node, fund: str, title: str, reserve_months: int, trustees: Sequence[str], by: str, currency: str = "",
    actors: tuple[str, ...] = (),
) -> FundOpened | Refusal:  # fmt: skip
    """Says what a pooled fund is for, what it keeps in reserve, and who decides on claims; a person signs it.

    Raises:
        BadInput: its name cannot be an id.
    """
    return node.record(
        lambda tx: (
            only_people(tx, "adopt-scheme", by, actors)
            or rules.open_fund(
                tx, fund, title, currency or node.about.currency, reserve_months, trustees, by, node.about.operator
            )
        )
    )


def raised(node: Node) -> list[Raised]:
    """The schemes that are raised now, or from a later day on."""
    now = node.clock.now()
    with node.store.read() as state:
        return [_raised(row, now) for row in state.list(AdoptedScheme) if now < row.until]


def _raised(row: AdoptedScheme, now: Instant) -> Raised:
    scheme = row.scheme
    levies = tuple(
        f"{levy.name}: {in_words(levy, rate, scheme.currency)}"
        for levy in scheme.levies for rate in levy.rates
        if rate.effective <= max(now, row.effective) and not any(
            other.effective <= max(now, row.effective) and other.effective > rate.effective
            and (other.option, other.age_from) == (rate.option, rate.age_from) for other in levy.rates
        )
    )  # fmt: skip
    return Raised(
        scheme.name, row.number, scheme.title, scheme.currency, levies,
        tuple(one.title for one in scheme.entitlements), scheme.options, scheme.joining, row.operators, row.effective,
        row.until, scheme.authority, scheme.source, scheme.gaps,
    )  # fmt: skip


def funds(node: Node) -> list[Solvency]:
    """How every fund stands now. No person is in it."""
    now = node.clock.now()
    with node.store.read() as state:
        return [solvency(state, fund, now) for fund in state.list(Fund)]


# ---- when work is paid


def levy_pay(
    tx: Transaction, node: Node, party: str, operator: str, amounts: Sequence[Earned], at: Instant, currency: str = ""
) -> list[ContributionTaken]:
    """Takes the levies of every scheme that is raised on what `party` earned with `operator` and is paid now; appends what it
    took, one fact for each scheme and month, and returns these facts.

    `amounts` are the pieces of work that are paid, or the sums of days, in the node's currency unless said otherwise. What
    the worker bears goes from her account, the rest from the operator's. Call it after the payment is posted.

    Raises:
        BadInput: amounts that cannot be.
    """
    found = []
    for adopted in rules.in_force(tx, at):
        for month in sorted({one.day[:7] for one in amounts}):
            earned = [one for one in amounts if one.day.startswith(month)]
            fact, _ = rules.contributions(
                tx, adopted, party, operator, earned, currency or node.about.currency, at, tx.next
            )
            if fact is not None:
                tx.append(fact)
                found.append(fact)
    return found


def take(
    node: Node, party: str, operator: str, amounts: Sequence[Earned], currency: str
) -> list[ContributionTaken] | Refusal:
    """The same for earnings that were paid outside the node.

    Raises:
        BadInput: amounts that cannot be.
    """

    def command(tx: Transaction) -> list[ContributionTaken] | Refusal:
        for name in (party, operator):
            if tx.get(Party, name) is None:
                return refuse(
                    "registry.unknown", "nothing was taken", f"there is no party `{name}`", remedy="register it first"
                )
        if party == operator or any(one.day > later(tx.now, hours=_EAST)[:10] for one in amounts):
            raise BadInput(
                "input.cover", "what one pays oneself, or what is still to come, is not earned",
                "name who paid it, and the day on which it was earned",
            )  # fmt: skip
        return levy_pay(tx, node, party, operator, amounts, tx.now, currency)

    return node.store.write(command)


def own_share(facts: Sequence[ContributionTaken]) -> int:
    """What of contributions the worker bears, in minor units: what a payslip takes off."""
    return sum(levied.amount for fact in facts for levied in fact.collected if levied.payer == WORKER)


# ---- what a person says of herself, and what she has


def state_particulars(node: Node, party: str, born: str, works_with: str = "") -> ParticularsStated | Refusal:
    """Records the day somebody was born, and what she works with.

    Raises:
        BadInput: no day.
    """
    return node.record(lambda tx: rules.state_particulars(tx, party, born, works_with, tx.now))


def opt_in(node: Node, party: str, scheme: str, option: str, actors: tuple[str, ...] = ()) -> OptedIn | Refusal:
    """She joins a scheme; a person signs it, for it may be for good."""
    return node.record(
        lambda tx: only_people(tx, "join-scheme", party, actors) or rules.opt_in(tx, party, scheme, option, tx.now)
    )


def opt_out(node: Node, party: str, scheme: str, actors: tuple[str, ...] = ()) -> OptedOut | Refusal:
    """She leaves a scheme that lets her."""
    return node.record(
        lambda tx: only_people(tx, "join-scheme", party, actors) or rules.opt_out(tx, party, scheme, tx.now)
    )


def cover(node: Node, party: str) -> Cover:
    """Everything about somebody's cover, across all operators."""
    now = node.clock.now()
    with node.store.read() as state:
        said = state.get(Particulars, party)
        contributed = list(state.list(Contribution, worker=party))
        names = {row.name: None for row in state.list(AdoptedScheme) if row.effective <= now}
        schemes = [row for name in names if (row := rules.scheme_named(state, name, now)) is not None]
        logged_in = _logged_in(state, party)
        standings: list[Standing] = []
        savings: list[Saved] = []
        unknown: list[str] = []
        for row in schemes:
            hers = [one for one in contributed if one.scheme == row.name]
            history = _history(state, party, row.scheme, hers, logged_in)
            if not hers and (row.until <= now or not history.insured.member(row.scheme)):
                unknown += _unknown(row.scheme, history) if now < row.until else ()
                continue
            standings += [standing(row.scheme, one, history, now) for one in row.scheme.entitlements]
            savings += _savings(row.scheme, history)
            unknown += _unknown(row.scheme, history)
        return Cover(
            party, said.born if said else "", said.works_with if said else "", tuple(savings), tuple(standings),
            tuple(reversed(contributed[-SHOWN:])), tuple(reversed(list(state.list(CoverClaim, party=party)))), tuple(unknown),
            tuple(_raised(row, now) for row in schemes if now < row.until),
        )  # fmt: skip


def entitled(node: Node, party: str, scheme: str, entitlement: str, at: Instant) -> Standing | None:
    """Where somebody stood with one entitlement at a moment; None if there is no such entitlement."""
    with node.store.read() as state:
        return _standing_at(state, party, scheme, entitlement, at)


def _standing_at(state: Reader, party: str, scheme: str, entitlement: str, at: Instant) -> Standing | None:
    row = rules.scheme_named(state, scheme, at)
    one = next((one for one in row.scheme.entitlements if one.name == entitlement), None) if row else None
    if row is None or one is None:
        return None
    hers = [each for each in state.list(Contribution, worker=party, scheme=scheme) if each.at <= at]
    return standing(row.scheme, one, _history(state, party, row.scheme, hers, _logged_in(state, party)), at)


def _logged_in(state: Reader, party: str) -> list[LoggedIn]:
    return [LoggedIn(shift.start, shift.end, shift.operator) for shift in state.list(Shift, worker=party)]


def _history(
    state: Reader, party: str, scheme: Scheme, contributed: Sequence[Contribution], logged_in: Sequence[LoggedIn]
) -> History:
    accounts = [one.of for one in scheme.entitlements if one.kind == SAVINGS]
    savings: Mapping[str, int] = {
        account: row.free if (row := state.get(Account, account_of(account, party), scheme.currency)) else 0
        for account in accounts
    }
    return History(rules.insured(state, party, scheme.name), contributed, savings, logged_in)


def _savings(scheme: Scheme, history: History) -> Iterator[Saved]:
    for account, amount in (history.savings or {}).items():
        if amount:
            yield Saved(account.partition(":")[2], scheme.name, Money(amount, scheme.currency))


def _unknown(scheme: Scheme, history: History) -> Iterator[str]:
    """What must be known of her before the scheme can reckon what is hers."""
    by_age = scheme.born_from or any(
        rate.age_from or rate.age_below < AGE_MAX for levy in scheme.levies for rate in levy.rates
    )
    if by_age and not history.insured.born:
        yield f"{scheme.title}: what it takes goes by age, and the day you were born is not known here"


# ---- claims


def claim(
    node: Node, party: str, scheme: str, entitlement: str, amount: Money, reason: str, on: Instant | None = None,
    appeals: str = "",
) -> ClaimMade | Refusal:  # fmt: skip
    """Claims what somebody is entitled to, for what happened at `on` (now).

    Raises:
        BadInput: no reason is given, or a very long one.
    """
    return node.record(
        lambda tx: rules.claim(
            tx, numbered("claim", tx.next), party, scheme, entitlement, amount, reason, on or tx.now, appeals, tx.now
        )
    )


def decide(
    node: Node, name: str, amount: Money | None, reasons: str, turn_to: str, by: str, actors: tuple[str, ...] = ()
) -> ClaimDecided | Refusal:
    """A person grants a claim, wholly or in part, or does not.

    Raises:
        BadInput: no reasons are given, or very long ones.
    """
    return node.record(
        lambda tx: (
            only_people(tx, "decide-claim", by, actors)
            or rules.decide(tx, name, amount, reasons, turn_to, by, node.about.operator)
        )
    )


def pay(node: Node, name: str, by: str, actors: tuple[str, ...] = ()) -> CoverPaid | Refusal:
    """Pays what was granted; a person signs it."""
    return node.record(
        lambda tx: only_people(tx, "approve-payout", by, actors) or rules.pay(tx, name, by, node.about.operator)
    )


@dataclass(frozen=True, slots=True)
class Waiting:
    """A claim that waits for a decision or for its payment, and where the claimant stood when it happened."""

    claim: CoverClaim
    standing: Standing | None


def waiting(node: Node, by: str) -> list[Waiting]:
    """The claims on which `by` may decide, or which it may pay, the oldest first."""
    with node.store.read() as state:
        return [
            Waiting(row, _standing_at(state, row.party, row.scheme, row.entitlement, row.on))
            for stands in (OPEN, GRANTED) for row in state.list(CoverClaim, stands=stands)
            if by in rules.deciders(state, row.account, node.about.operator)
        ]  # fmt: skip
