"""The rule of division: a waterfall, declared as data and read by people.

What an asset earned in a period runs down in two parts. *Off the top*, one after the other: what it cost, as far as the
rule lets costs go, then levies: those of the rule, and those that were adopted for the node (see `rulebook.levy`). What is
left is the net, and it is *split* at once into shares of ten thousand: so the shares sum to the net, and all parts together
to what was earned, to the last unit.

Every share stands on one of three bases, and says on which: *work* (running the node, collecting, labelling, curating),
*factors* (data, knowledge and technology that were put in), *social responsibility* (the solidarity fund, a floor that all
get alike, a common purse). A share may be capped, and may vest over months. Of what work earns a part may be set aside for
training, as a machine is written off: skills wear out too, and renewing them is a cost of the work.

A rule may say that *totals are told*: under noise, by one number for each asset and period (`Told`, see `told`). Then a
member can work out her own line.

One share is the *rest*: it gets what caps cut off, and what is for somebody who is not there. If nobody is there for
the rest either, it goes to the solidarity fund.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from usufruct.core.base.ids import checked
from usufruct.core.base.instants import Instant
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.income.accounts import SOLIDARITY, TRAINING
from usufruct.core.income.division import divide
from usufruct.core.rulebook import levy as levies
from usufruct.core.rulebook.levy import Band
from usufruct.core.rulebook.parameters import Rulebook

WHOLE = levies.WHOLE

BASES = {
    "work": "by work",
    "factors": "by the factors that were put in",
    "responsibility": "by social responsibility",
}
"""What a share of the net may stand on."""

COSTS, LEVIES = "costs", "levies"
"""What comes off the top stands on."""

WORK = {
    "collection": "work of collecting the data",
    "labelling": "work of labelling the data",
    "curation": "work of curating the data",
}
KNOWLEDGE = {"knowledge": "knowledge contributed", "technology": "technology contributed"}
CREDITS = WORK | KNOWLEDGE
"""What parties are credited with, in units, and share a part of the income by."""

MEMBERS, FLOOR = "members", "floor"
TO = {
    MEMBERS: "the members, by contribution",
    FLOOR: "the members whose data could be used, all alike",
    "operator": "the operator",
    "holders": "the holders, all alike",
    **CREDITS,
}
"""Whom a share may be for, beside `party:ID` and `fund:NAME`."""

SHARES_MAX, MONTHS_MAX = 30, 120


@dataclass(frozen=True, slots=True)
class Levy:
    """`basis_points` of what is left after costs go to the account `to`, at most `cap` minor units a period; rounded down.
    `source` and `authority` say who may ask for it, and why so much."""

    name: str
    basis_points: int
    to: str
    source: str
    authority: str
    cap: int | None = None


@dataclass(frozen=True, slots=True)
class Slice:
    """A share of the net: `basis_points` of ten thousand `to` somebody (see `TO`), on one of the `BASES`.

    At most `cap` minor units a period; paid out in equal parts over `vests_months`; of it `training_basis_points` go to the
    training fund first.
    """

    name: str
    basis: str
    basis_points: int
    to: str
    cap: int | None = None
    vests_months: int = 0
    training_basis_points: int = 0


@dataclass(frozen=True, slots=True)
class Told:
    """The total of a period is told, at the price of `micro_rho` of the asset's privacy budget; unless the noise would take more
    than `most_basis_points` of the members' share for the solidarity fund."""

    micro_rho: int
    most_basis_points: int


@dataclass(frozen=True, slots=True)
class DivisionRule:
    """A rule of division; `rest` names the slice that gets what others do not. Costs take at most `costs_basis_points` of what
    was earned. `source` says why it is so, `authority` who decided it. With `told` it is by the total that is told that the
    members' share is divided."""

    title: str
    source: str
    authority: str
    slices: tuple[Slice, ...]
    rest: str
    levies: tuple[Levy, ...] = ()
    costs_basis_points: int = WHOLE
    told: Told | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """A stated cost that is not paid yet: `amount` minor units to `account`."""

    id: str
    account: str
    amount: int


@dataclass(frozen=True, slots=True)
class Share:
    """What of the income goes to one account: `amount` minor units, under the `name` of the cost, levy or slice.

    `basis` is one of the `BASES`, `costs` or `levies`; `basis_points` are those of the rule, of the net or of what is left
    after costs. With `vests_months` it is paid out over so many months.
    """

    account: str
    basis_points: int
    amount: int
    name: str = ""
    basis: str = ""
    vests_months: int = 0


@dataclass(frozen=True, slots=True)
class Levied:
    """What of one asset's income an adopted levy is to take: `amount` minor units to the account `to`, borne by the asset's
    income or by the `operator` (see `rulebook.levy.PAYERS`); as far as there is that much."""

    name: str
    payer: str
    to: str
    amount: int
    basis_points: int = 0


@dataclass(frozen=True, slots=True)
class Poured:
    """Where the income went: `shares` to accounts, and to the members `by_contribution` and all alike (`floor`). `taken` is
    what each adopted levy could take, `operator` what was the operator's before it bore any."""

    shares: tuple[Share, ...]
    by_contribution: int
    floor: int
    taken: tuple[int, ...] = ()
    operator: int = 0


def by_rulebook(rulebook: Rulebook, at: Instant) -> DivisionRule:
    """The rule where none was adopted: three shares, from the dated parameters."""
    named = {
        name: rulebook.parameter(f"income.{name}-basis-points", at) for name in ("operator", "solidarity", "members")
    }
    return DivisionRule(
        "the shares of the rulebook", named["members"].source, named["members"].authority,
        (
            Slice("operator", "work", named["operator"].value, "operator"),
            Slice("solidarity", "responsibility", named["solidarity"].value, SOLIDARITY),
            Slice(MEMBERS, "factors", named["members"].value, MEMBERS),
        ),
        MEMBERS,
    )  # fmt: skip


def pour(
    rule: DivisionRule, gross: int, costs: Sequence[Due], entitled: Mapping[str, Sequence[tuple[str, int]]], name: str,
    levied: Sequence[Levied] = (),
) -> Poured:  # fmt: skip
    """Divides `gross` minor units by the rule. `entitled` are the accounts that a share for somebody goes to, with the
    weights by which they share it; for `members` and `floor` any entry says that there are some. `name` is that of the
    division, for ties; `levied` what adopted levies are to take."""
    shares = _off_the_top(rule, gross, costs)
    left = gross - sum(share.amount for share in shares)
    taken = [0] * len(levied)
    for n, one in enumerate(levied):
        if one.payer != levies.OPERATOR:
            taken[n] = min(one.amount, left)
            left -= taken[n]
    parts = _split(rule, left, entitled, name)
    operators = [one.name for one in rule.slices if one.to == "operator"]
    operator = sum(parts[named] for named in operators)
    for n, one in enumerate(levied):
        if one.payer == levies.OPERATOR:
            taken[n] = min(one.amount, sum(parts[named] for named in operators))
            rest = taken[n]
            for named in operators:
                borne = min(rest, parts[named])
                parts[named], rest = parts[named] - borne, rest - borne
    shares += [
        Share(one.to, one.basis_points, amount, one.name, LEVIES)
        for one, amount in zip(levied, taken, strict=True) if amount
    ]  # fmt: skip
    members = {MEMBERS: 0, FLOOR: 0}
    for part in rule.slices:
        if part.to in members and _entitled(part, entitled):
            members[part.to] += parts[part.name]
        else:
            shares += _shares(part, parts[part.name], _entitled(part, entitled) or ((SOLIDARITY, 1),), name)
    return Poured(tuple(shares), members[MEMBERS], members[FLOOR], tuple(taken), operator)


def _off_the_top(rule: DivisionRule, gross: int, costs: Sequence[Due]) -> list[Share]:
    """The costs, and the levies that the rule itself names."""
    left, shares = gross, list[Share]()
    payable = gross * rule.costs_basis_points // WHOLE
    for cost in costs:
        taken = min(cost.amount, payable)
        if taken:
            shares.append(Share(cost.account, 0, taken, cost.id, COSTS))
            left, payable = left - taken, payable - taken
    for levy in rule.levies:
        taken = levies.due((Band(0, levy.basis_points),), left, cap=levy.cap)
        if taken:
            shares.append(Share(levy.to, levy.basis_points, taken, levy.name, LEVIES))
    return shares


def _split(
    rule: DivisionRule, left: int, entitled: Mapping[str, Sequence[tuple[str, int]]], name: str
) -> dict[str, int]:
    """The net, by slice; what caps cut off and what is for nobody is in the rest."""
    amounts = divide(left, [one.basis_points for one in rule.slices], name) if left else [0] * len(rule.slices)
    parts = dict(zip((one.name for one in rule.slices), amounts, strict=True))
    for one in rule.slices:
        if one.name != rule.rest:
            kept = _capped(parts[one.name], one.cap) if _entitled(one, entitled) else 0
            parts[rule.rest] += parts[one.name] - kept
            parts[one.name] = kept
    return parts


def _capped(amount: int, cap: int | None) -> int:
    return amount if cap is None else min(amount, cap)


def _entitled(one: Slice, entitled: Mapping[str, Sequence[tuple[str, int]]]) -> Sequence[tuple[str, int]]:
    """Accounts and weights that a slice goes to; none if nobody is there."""
    if one.to.startswith(("party:", "fund:")):
        return ((one.to, 1),)
    return entitled.get(one.to, ())


def _shares(one: Slice, amount: int, accounts: Sequence[tuple[str, int]], name: str) -> Iterator[Share]:
    """One slice, brought to its accounts."""
    training = amount * one.training_basis_points // WHOLE
    if training:
        yield Share(TRAINING, one.training_basis_points, training, f"{one.name}: training", one.basis)
    parts = divide(amount - training, [weight for _, weight in accounts], f"{name}/{one.name}")
    for (account, _), part in zip(accounts, parts, strict=True):
        if part:
            yield Share(account, one.basis_points, part, one.name, one.basis, one.vests_months)


# ---- whether it is a rule, and in words


def unfit(rule: DivisionRule, not_done: str) -> Refusal | None:
    """Why this cannot be a rule of division; None if it can.

    Raises:
        BadInput: a name cannot be an id.
    """
    names = [*(levy.name for levy in rule.levies), *(one.name for one in rule.slices)]
    for named in names:
        checked(named, "a share")
    points = sum(one.basis_points for one in rule.slices)
    wrong = next(_wrong(rule, names), None)
    if wrong is None and points != WHOLE:
        wrong = f"the shares come to {points} of {WHOLE} basis points", "change them until they sum to the whole"
    return refuse("income.shares", not_done, wrong[0], remedy=wrong[1]) if wrong else None


def _wrong(rule: DivisionRule, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        yield f"`{twice}` is there twice", "give each share and each levy a name of its own"
    if not 1 <= len(names) <= SHARES_MAX:
        yield f"it has {len(names)} shares and levies", f"write 1 to {SHARES_MAX}"
    if not 0 <= rule.costs_basis_points <= WHOLE:
        yield "costs cannot take more than all", f"let them take 0 to {WHOLE} basis points"
    if sum(levy.basis_points for levy in rule.levies) > WHOLE:
        yield "the levies together take more than all", "lower them"
    if rule.told is not None:
        yield from _wrong_told(rule.told, rule.slices)
    for levy in rule.levies:
        if not _is_account(levy.to) or not 0 < levy.basis_points <= WHOLE or (levy.cap is not None and levy.cap < 0):
            yield f"the levy `{levy.name}` cannot be", "say `to` a party:ID or fund:NAME, and more than 0 basis points"
    rest = next((one for one in rule.slices if one.name == rule.rest), None)
    if rest is None or rest.cap is not None:
        yield f"`{rule.rest}` cannot take the rest", "name a share that is not capped as the rest"
    for one in rule.slices:
        yield from _wrong_slice(one)


def _wrong_told(told: Told, slices: Sequence[Slice]) -> Iterator[tuple[str, str]]:
    if told.micro_rho < 1 or not 1 <= told.most_basis_points < WHOLE:
        yield "the total cannot be told so", f"say some micro-rho, and at most 1 to {WHOLE - 1} basis points"
    if any(one.to == FLOOR for one in slices):
        yield (
            "a floor depends on how many persons there are to share it, and so does not go with a total that is told",
            "leave the floor away, or the total",
        )


def _wrong_slice(one: Slice) -> Iterator[tuple[str, str]]:
    if one.basis not in BASES:
        yield f"`{one.name}` stands on `{one.basis}`", f"let it stand on one of {', '.join(BASES)}"
    if one.to not in TO and not _is_account(one.to):
        yield f"`{one.name}` is for `{one.to}`", f"say party:ID, fund:NAME or one of {', '.join(TO)}"
    if not 0 <= one.basis_points <= WHOLE or (one.cap is not None and one.cap < 0):
        yield f"`{one.name}` takes {one.basis_points} basis points", f"write 0 to {WHOLE}, and no cap below 0"
    if not 0 <= one.vests_months <= MONTHS_MAX or not 0 <= one.training_basis_points <= WHOLE:
        yield f"`{one.name}` vests or trains out of bounds", f"0 to {MONTHS_MAX} months, 0 to {WHOLE} basis points"
    if one.to in (MEMBERS, FLOOR) and (one.vests_months or one.training_basis_points or one.cap is not None):
        yield f"`{one.name}` is the members' own", "members' shares are paid as they fall due, without caps"
    if one.training_basis_points and one.basis != "work":
        yield f"`{one.name}` does not stand on work", "only work is written off into training"


def _is_account(to: str) -> bool:
    kind, _, name = to.partition(":")
    return kind in ("party", "fund") and bool(name) and checked(name, "an account") == name


def in_words(rule: DivisionRule) -> tuple[str, ...]:
    """The rule as a member reads it, one sentence each, in the order in which the money runs."""
    said = [f"costs that were stated come first, up to {_percent(rule.costs_basis_points)} of what was earned"]
    for levy in rule.levies:
        cap = "" if levy.cap is None else ", up to its cap"
        said.append(
            f"{levy.name}: {_percent(levy.basis_points)} of what is left goes to {_to(levy.to)}{cap}, by {levy.authority}"
        )
    said.append("what is then left is split:")
    for one in rule.slices:
        more = [] if one.cap is None else ["up to its cap"]
        if one.training_basis_points:
            more.append(f"{_percent(one.training_basis_points)} of it into the training fund")
        if one.vests_months:
            more.append(f"paid out over {one.vests_months} months")
        if one.name == rule.rest:
            more.append("and whatever the others do not take")
        said.append(
            f"{one.name}: {_percent(one.basis_points)} to {_to(one.to)}, {BASES[one.basis]}"
            + "".join(f", {words}" for words in more)
        )
    if rule.told is not None:
        said += _told_in_words(rule.told)
    return tuple(said)


def _told_in_words(told: Told) -> tuple[str, ...]:
    return (
        "of the members' share a row gets by the price of the use in which it counted, and all prices of rows together are told, "
        f"under noise that spends {told.micro_rho} micro-rho of the privacy budget: so every member can work out her own line",
        "the number that is told is never too small; what it is too large by goes to the members' solidarity fund. If that is "
        f"likely to be more than {_percent(told.most_basis_points)} of the members' share, or the budget cannot pay for it, "
        "nothing is told, and the share is divided use by use",
    )


def _percent(basis_points: int) -> str:
    return f"{basis_points / 100:g} %"


def _to(to: str) -> str:
    kind, _, name = to.partition(":")
    known = {SOLIDARITY: "the members' solidarity fund", TRAINING: "the training fund"}
    if to in known:
        return known[to]
    if to in CREDITS:
        return f"those credited with {CREDITS[to]}"
    return TO.get(to, f"{'the fund ' if kind == 'fund' else ''}`{name}`")
