"""The statement: what a period brought one person or party, how it came about, and what she can do about it.

It is made of a closed plan, the rule that it went by, the uses in which her rows counted and her line of the settlement;
and it is the same value for page, file, terminal and program. It holds every field that article 18(1) of Directive 2014/26/EU
on the collective management of rights asks of a yearly statement, by letter (see `article18`).

Three kinds of numbers stand in it, and it says which is which. What she can work out again herself, with a pencil: from
what the asset earned down to the members' share, and from what was owed to her before to what is owed now. What follows
from numbers that nobody outside the node is told, because they would undo the noise on the answers: how much of the
members' share is hers (see docs/decisions/0055-what-a-member-can-recompute.md). That is worked out again by whoever audits
the node; where the rule says that totals are told she works it out herself too (`own_line`). And what is told of others:
roughly, and only where each tenth of them is large enough.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from usufruct.core.base import canonical
from usufruct.core.base.instants import Instant
from usufruct.core.base.money import Money
from usufruct.core.base.records import plain
from usufruct.core.income.complaints import OPEN, UPHELD, Complaint
from usufruct.core.income.spread import SpreadTold
from usufruct.core.income.waterfall import BASES, COSTS, LEVIES, DivisionRule
from usufruct.core.rulebook import purposes

WITHHELD = "withheld"

USERS = {
    "person": "a person", "organisation": "an organisation", "public-body": "a public body", "cooperative": "a cooperative",
    "group": "a group of persons", "agent": "a machine agent", WITHHELD: "withheld for now", "": "unknown",
}  # fmt: skip
"""Classes of data users, as a statement names them."""


@dataclass(frozen=True, slots=True)
class Part:
    """What of the income went to one account: `amount` minor units, under `name`, on the basis `stands_on`; `mine` if to whom
    the statement is for, `fee` if to who manages the data."""

    name: str
    stands_on: str
    basis_points: int
    account: str
    amount: int
    vests_months: int
    mine: bool
    fee: bool


@dataclass(frozen=True, slots=True)
class RuleTold:
    """The rule that an income was divided by: its `number` (0: the rulebook's own), whether it is the asset's `own`, and
    itself in `words`."""

    number: int
    own: bool
    title: str
    authority: str
    source: str
    since: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UseTold:
    """A use in which rows of hers counted: by which `kind` of data user (see `USERS`), for what, in which form of answer.

    It was paid with `price` minor units and earned the members together `at_least` so many; it was divided by `measure`.
    `rows` of hers counted; `receipt` is the fact that proves it to her.
    """

    use: str
    kind: str
    purpose: str
    form: str
    day: str
    price: int
    at_least: int
    measure: str
    rows: int
    receipt: int


@dataclass(frozen=True, slots=True)
class Amounts:
    """Her line in whole minor units: `before` was owed from earlier periods, `due` came in this one, `paid` is paid now, and
    `after` stays owed. Before and due are paid and after."""

    before: int
    due: int
    paid: int
    after: int


NOTHING = Amounts(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class OwnSum:
    """What her line is worked out from, where the total of the period is told: her `weight`, that is price times rows of hers, of
    that `total` (see `told`), and the `pool`, in minor units. `due` and `carried` over are millionths of them; `carried` is
    -1 if it is not told. Less than `least` minor units is not paid out."""

    total: int
    pool: int
    weight: int
    due: int
    carried: int
    least: int


@dataclass(frozen=True, slots=True)
class Line:
    """What one asset brought: where its `gross` income went, the members' share with its `floor`, and her part of it; it is
    `paid_to` somebody else if she gave her right to benefit away, or pledged it. There is a `sum` if the total was told; `kept`
    says why it was not, though the rule says that it is."""

    asset: str
    title: str
    gross: int
    parts: tuple[Part, ...]
    members: int
    floor: int
    rule: RuleTold
    uses: tuple[UseTold, ...]
    uses_in_all: int
    rows_at_most: int
    first_day: str
    last_day: str
    amounts: Amounts
    paid_to: str
    spread: SpreadTold
    changes: tuple[str, ...]
    sum: OwnSum | None = None
    kept: str = ""


@dataclass(frozen=True, slots=True)
class Released:
    """`amount` minor units that have vested, of a share of an earlier `period`."""

    period: str
    asset: str
    amount: int


@dataclass(frozen=True, slots=True)
class Passed:
    """`amount` minor units of what an `asset` brought so many `persons`, who gave or pledged their right to benefit."""

    asset: str
    title: str
    persons: int
    amount: int


@dataclass(frozen=True, slots=True)
class Outstanding:
    """`amount` minor units that are hers and not paid yet, and why."""

    what: str
    amount: int


@dataclass(frozen=True, slots=True)
class Statement:
    """The statement of a `party` for a period. `lines` are those of assets that are about her, or of which a share went to her;
    `passed` is what she is paid in place of persons whose right to benefit she has.

    `plan_fact` and `closed_fact` are where the plan and its closing stand in the journal. `corrections` are complaints that
    were upheld since the period before.
    """

    node: str
    operator: str
    period: str
    party: str
    called: str
    contact: str
    currency: str
    plan: str
    plan_fact: int
    closed: Instant
    closed_fact: int
    complain_until: Instant
    lines: tuple[Line, ...]
    released: tuple[Released, ...]
    outstanding: tuple[Outstanding, ...]
    corrections: tuple[Complaint, ...]
    complaints: tuple[Complaint, ...]
    passed: tuple[Passed, ...] = ()

    @property
    def paid(self) -> int:
        """What she is paid for her data, of all assets together, in minor units."""
        return sum(line.amounts.paid for line in self.lines)

    @property
    def shares(self) -> int:
        """What goes to her account at once as a share, a cost paid back, what has vested or what was put right; and what she
        is paid in place of others."""
        now = sum(part.amount for line in self.lines for part in line.parts if part.mine and not part.vests_months)
        later = sum(one.amount for one in self.released) + sum(one.amount for one in self.corrections)
        return now + later + sum(one.amount for one in self.passed)

    def encode(self) -> bytes:
        """Its canonical bytes, by which two statements are compared."""
        return canonical.encode(plain(self))


@dataclass(frozen=True, slots=True)
class Field:
    """One letter of article 18(1): what it asks for, and what the statement answers."""

    letter: str
    asks: str
    says: tuple[str, ...]


# ---- making one


def at_least(pool: int, price: int, gross: int) -> int:
    """What a use that was paid with `price` earned the members at least, of a `pool` that is divided by use: more, if others
    that are part of the `gross` income counted nobody's rows. All in minor units."""
    return pool * price // gross if gross else 0


def amounts(paid: int, carried_in: int, carried_out: int, micro: int) -> Amounts:
    """Her line in whole units; what is carried is in parts of a unit, `micro` of which make one."""
    before, after = carried_in // micro, carried_out // micro
    return Amounts(before, paid + after - before, paid, after)


def changes(now: Line, then: Line | None, currency: str) -> tuple[str, ...]:
    """Why an asset brought her more or less than in the period before, in sentences."""
    if then is None:
        return ("this is your first statement for these data, so there is nothing to compare with",)
    said = [_moved("the asset earned", then.gross, now.gross, currency)]
    said.append(_moved("the members' share of it was", then.members, now.members, currency))
    if (then.rule.number, then.rule.own) != (now.rule.number, now.rule.own):
        said.append(f"the rule of division changed: it was {rule_name(then.rule)}, and is {rule_name(now.rule)}")
    if now.uses or then.uses:
        said.append(_counted("uses in which rows of yours counted", len(then.uses), len(now.uses)))
        said.append(_counted("rows of yours that counted in them", _rows(then), _rows(now)))
    if now.amounts.due or then.amounts.due:
        said.append(_moved("you were due", then.amounts.due, now.amounts.due, currency))
    if now.amounts.before:
        said.append(f"{Money(now.amounts.before, currency)} were still owed to you from before")
    return tuple(said)


def compared(line: Line, then: Line | None, currency: str) -> Line:
    """A line with why it changed."""
    return replace(line, changes=changes(line, then, currency))


def _moved(what: str, then: int, now: int, currency: str) -> str:
    if then == now:
        return f"{what} {Money(now, currency)}, as before"
    return f"{what} {Money(now, currency)}, {'more' if now > then else 'less'} than before ({Money(then, currency)})"


def _counted(what: str, then: int, now: int) -> str:
    return f"{what}: {now}, as before" if then == now else f"{what}: {now}, and {then} before"


def _rows(line: Line) -> int:
    return sum(use.rows for use in line.uses)


# ---- in words


def rule_name(rule: RuleTold) -> str:
    """A rule as people call it."""
    if not rule.number:
        return f"the rulebook's own ({rule.title})"
    return f"rule {rule.number}{' of this asset' if rule.own else ''} ({rule.title})"


def told(rule: DivisionRule, number: int, own: bool, since: str, words: Sequence[str]) -> RuleTold:
    """A rule as a statement tells it."""
    return RuleTold(number, own, rule.title, rule.authority, rule.source, since, tuple(words))


def basis(part: Part) -> str:
    """What a part stands on, in words."""
    off_the_top = {COSTS: "a cost that was paid back", LEVIES: "a levy"}
    return off_the_top.get(part.stands_on) or BASES.get(part.stands_on, "by the rulebook")


def type_of_use(use: UseTold) -> str:
    """The type of a use: which class of data user, for what."""
    purpose = use.purpose if use.purpose == WITHHELD else purposes.label(purposes.normal(use.purpose) or use.purpose)
    return f"{purpose}, by {USERS.get(use.kind, use.kind)}"


def the_members(line: Line, currency: str) -> str:
    """Whom the members' share is for: by rows, and what of it all get alike."""
    return "those whose rows counted" + (f"; of it {Money(line.floor, currency)} for all alike" if line.floor else "")


def her_own(line: Line, currency: str) -> tuple[str, ...]:
    """What she can work out again herself, as sums to be done with a pencil."""
    off = sum(part.amount for part in line.parts)
    found = [
        f"{Money(line.gross, currency)} earned, less {Money(off, currency)} in costs, levies and shares, leave the members "
        f"{Money(line.members, currency)}"
    ]
    pool = line.members - line.floor
    if line.floor:
        found.append(
            f"{Money(line.members, currency)}, less {Money(line.floor, currency)} for all alike, leave "
            f"{Money(pool, currency)} for those whose rows counted"
        )
    found += [
        f"{use.use or 'the use that is withheld'}: {Money(use.price, currency)} of {Money(line.gross, currency)}, so at least "
        f"{Money(use.at_least, currency)} of {Money(pool, currency)} for the members"
        for use in line.uses if use.price and line.sum is None
    ]  # fmt: skip
    one = line.amounts
    if one != NOTHING:
        found.append(
            f"{Money(one.before, currency)} owed before and {Money(one.due, currency)} due are {Money(one.paid, currency)} "
            f"paid and {Money(one.after, currency)} still owed"
        )
    return tuple(found)


def by_the_audit(statement: Statement) -> tuple[str, ...]:
    """What she cannot work out herself, who can, and how."""
    said = [
        f"the total of {line.title} is not told this time, though the rule says so: {line.kept}"
        for line in statement.lines
        if line.kept
    ]
    if any(line.sum is not None for line in statement.lines):
        said.append(
            "that a total which is told is the true one under noise, and the same for everybody, is worked out again by whoever "
            f"audits the node, with `usufruct income recompute {statement.period}`; your line proof says which it is, too. What it "
            "is too large by goes to the solidarity fund, and is told to nobody else, for it would give the true total away"
        )
    if statement.lines and all(line.sum is not None for line in statement.lines):
        return tuple(said)
    return (
        *said,
        "how many rows of all persons counted in a use is told to nobody outside the node: with a data user's help it would undo "
        "the noise on the answers; so your part of the members' share cannot be worked out from this page",
        f"whoever audits the node works it out again, for everybody, with `usufruct income recompute {statement.period}`",
    )


def article18(statement: Statement) -> tuple[Field, ...]:
    """The fields that article 18(1) of Directive 2014/26/EU asks for, by letter."""
    currency = statement.currency
    return (
        Field("a", "contact details by which you are identified and found", (
            f"{statement.called} ({statement.contact})",
        )),
        Field("b", "the income attributed to you", _attributed(statement)),
        Field("c", "what you were paid, by category of right and by type of use", _paid(statement)),
        Field("d", "the period in which the use took place", _days(statement)),
        Field("e", "deductions for management", _deducted(statement, fee=True)),
        Field("f", "deductions for anything else", _deducted(statement, fee=False)),
        Field("g", "what was attributed to you and is outstanding", tuple(
            f"{one.what}: {Money(one.amount, currency)}" if one.amount else one.what for one in statement.outstanding
        ) or ("nothing",)),
    )  # fmt: skip


def _attributed(statement: Statement) -> tuple[str, ...]:
    said = []
    for line in statement.lines:
        if line.uses_in_all and (line.amounts != NOTHING or not _mine(line)):
            said.append(f"{line.title}, for your data: {Money(line.amounts.due, statement.currency)}")
        said += [
            f"{line.title}, {part.name}: {Money(part.amount, statement.currency)}" for part in _mine(line)
        ]  # fmt: skip
    said += [
        f"{one.id}, put right for {one.period}: {Money(one.amount, one.currency)}" for one in statement.corrections
    ]
    said += [f"{_whose(one)}: {Money(one.amount, statement.currency)}" for one in statement.passed]
    return tuple(said) or ("nothing",)


def _whose(one: Passed) -> str:
    persons = "one person" if one.persons == 1 else f"{one.persons} persons"
    return f"right to benefit from {one.title}, which {persons} gave or pledged to you"


def _paid(statement: Statement) -> tuple[str, ...]:
    """One type of use has all that was paid. Of several only the sum is told: apart they would tell how many rows counted."""
    said = []
    for line in statement.lines:
        types = sorted({type_of_use(use) for use in line.uses})
        if types or line.amounts.paid:
            by = "; ".join(types) or "no use of your rows: what all get alike"
            together = ", together" if len(types) > 1 else ""
            together += f"; paid to {line.paid_to}, who has your right to benefit" if line.paid_to else ""
            said.append(
                f"right to benefit from {line.title}: {Money(line.amounts.paid, statement.currency)} ({by}{together})"
            )
        for part in _mine(line):
            amount, at_once = Money(part.amount, statement.currency), Money(0, statement.currency)
            # What vests is told as paid by the statements of the periods that release it, so not by this one as well.
            how = (
                f"{at_once} yet; {amount} are paid out over {part.vests_months} months" if part.vests_months else amount
            )
            said.append(f"{basis(part)}, {line.title}: {how}")
    said += [
        f"vested of {one.period}, {one.asset}: {Money(one.amount, statement.currency)}" for one in statement.released
    ]
    said += [f"{_whose(one)}: {Money(one.amount, statement.currency)}" for one in statement.passed]
    return tuple(said) or ("nothing",)


def _days(statement: Statement) -> tuple[str, ...]:
    return tuple(
        f"{line.title}: {line.first_day} to {line.last_day}, as period {statement.period}"
        for line in statement.lines if line.first_day
    ) or (f"period {statement.period}",)  # fmt: skip


def _deducted(statement: Statement, fee: bool) -> tuple[str, ...]:
    """What went to others before the members' share, as parts of what an asset earned."""
    return tuple(
        f"{line.title}, {part.name} ({basis(part)}): {Money(part.amount, statement.currency)} of "
        f"{Money(line.gross, statement.currency)}"
        for line in statement.lines for part in line.parts if part.fee == fee and not part.mine
    ) or ("nothing",)  # fmt: skip


def _mine(line: Line) -> list[Part]:
    return [part for part in line.parts if part.mine]


def in_words(complaint: Complaint) -> str:
    """How a complaint stands, in a sentence."""
    if complaint.stands == OPEN:
        return f"{complaint.id} about {complaint.asset} is open; it is to be answered until {complaint.until[:10]}"
    if complaint.stands == UPHELD:
        paid = Money(complaint.amount, complaint.currency)
        return f"{complaint.id} about {complaint.asset} was upheld, and {paid} paid: {complaint.reasons}"
    return (
        f"{complaint.id} about {complaint.asset} was rejected: {complaint.reasons}; you can turn to {complaint.turn_to}"
    )


def outstanding(
    lines: Iterable[Line], vesting: Mapping[tuple[str, str], int], costs: int, complaints: Iterable[Complaint]
) -> tuple[Outstanding, ...]:
    """What is hers and not paid: below the least that is paid out, not vested yet (by period and asset), costs that are not
    covered yet; and what is disputed, of which nobody knows the amount yet."""
    found = [
        Outstanding(f"{line.title}: less than the least that is paid out", line.amounts.after)
        for line in lines if line.amounts.after
    ]  # fmt: skip
    found += [
        Outstanding(f"{asset}: of {period}, not vested yet", amount) for (period, asset), amount in vesting.items() if amount
    ]  # fmt: skip
    if costs:
        found.append(Outstanding("costs that you stated and were not paid back yet", costs))
    found += [
        Outstanding(f"what {one.id} about {one.period} will come to, which is open", 0) for one in complaints if one.stands == OPEN
    ]  # fmt: skip
    return tuple(found)
