"""A line that a member works out herself: from her statement alone, with a pencil, to the last unit.

It takes the total of the period to be told (see `told`). Then all that her line is made of stands on her statement: the
uses in which rows of hers counted, with the price of each; the total; the pool; what was carried over for her. `check` does the
sum, and says where the statement does not add up; with the proof of her line also that what she was told is what the node
committed to before everybody: one total for all.

What was carried over is known to the last millionth if every total of these data so far was told. If one was not, what is
less than a unit of it stays untold, and her line is known but for one unit.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from usufruct.core.base.money import DECIMALS, Money, decimal
from usufruct.core.base.records import rebuild
from usufruct.core.income.facts import PeriodPlanned
from usufruct.core.income.income_statement import Amounts, Line, Statement, UseTold, amounts
from usufruct.core.income.lineproof import LineProof
from usufruct.core.income.measure import MICRO
from usufruct.core.income.settlement import line_of
from usufruct.core.income.told import due

BESIDE = ("article_18", "your_own_sums", "worked_out_by_others")  # what is sent with a statement, and follows from it


def read(text: str) -> Statement:
    """The statement in a file, as it is sent.

    Raises:
        ValueError: it is none.
    """
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError("it is no JSON object")
    found = rebuild(Statement, {name: part for name, part in value.items() if name not in BESIDE})
    assert isinstance(found, Statement)
    return found


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of a line: `exact` if every cent follows from the statement, `near` if they do but for one unit that was
    carried; `proven` if it also is what the node committed to. `wrong` says what does not add up."""

    asset: str
    exact: bool
    near: bool
    proven: bool
    wrong: tuple[str, ...]


def check(statement: Statement, line: Line, proof: LineProof | None, planned: PeriodPlanned | None) -> Checked:
    """Works a line out from its statement, and compares it with the `proof` of it, whose plan is `planned`. That the proof is one
    is asked before (see `lineproof`)."""
    wrong = [*_above(line), *_sum(line)]
    proven = proof is not None and planned is not None and proof.asset == line.asset
    if proof is not None and planned is not None and proven:
        wrong += _against(statement, line, proof, planned)
    told = line.sum is not None and not wrong
    known = line.sum is not None and line.sum.carried >= 0
    return Checked(line.asset, told and known, told and not known, proven and not wrong, tuple(wrong))


def _above(line: Line) -> Iterator[str]:
    """From what was earned to the members' share."""
    off = sum(part.amount for part in line.parts)
    if line.gross - off != line.members:
        yield f"{line.gross} earned less {off} are not the members' {line.members}"


def _sum(line: Line) -> Iterator[str]:
    """From her rows to her line; all numbers are minor units, or millionths of them."""
    one = line.sum
    if one is None:
        return
    weight = sum(map(weight_of, line.uses))
    if weight != one.weight:
        yield f"prices times rows are {weight}, and not {one.weight}"
    if one.pool != line.members - line.floor or one.total < one.weight:
        yield f"the pool of {one.pool} or the total of {one.total} cannot be"
    elif due(one.pool, weight, one.total) != one.due:
        yield f"{one.pool} times {weight} over {one.total} are {due(one.pool, weight, one.total)} millionths, and not {one.due}"
    elif line.amounts not in possible(line):
        yield "what is due and was carried over does not come to what is paid and still owed"


def weight_of(use: UseTold) -> int:
    """What rows of hers weigh in a use: as much as its price, each."""
    return use.price * use.rows


def possible(line: Line) -> tuple[Amounts, ...]:
    """What the line can be in whole units: one thing if what was carried is known to the millionth, else one of two."""
    one = line.sum
    assert one is not None
    least = line.amounts.before * MICRO
    found = []
    for carried in (one.carried,) if one.carried >= 0 else (least, least + MICRO - 1):
        made = line_of(one.due, carried, one.least)
        found.append(amounts(made.paid, carried, made.carried_out, MICRO))
    return tuple(found)


def _against(statement: Statement, line: Line, proof: LineProof, planned: PeriodPlanned) -> Iterator[str]:
    """Where a statement says something else than its proof."""
    said = next(one for one in planned.statements if one.asset == proof.asset)
    currency = statement.currency
    if planned.plan != statement.plan:
        yield f"the proof is of {planned.plan}, and not of {statement.plan}"
    if (proof.paid, proof.owed) != (line.amounts.paid, line.amounts.after):
        yield f"the proof says {Money(proof.paid, currency)} paid and {Money(proof.owed, currency)} still owed"
    if (said.income, said.members, said.floor) != (line.gross, line.members, line.floor):
        yield f"the proof says {Money(said.income, currency)} earned and {Money(said.members, currency)} for the members"
    if said.told != (line.sum.total if line.sum else 0):
        yield f"the proof says that {Money(said.told, currency)} is the total that is told"


def in_words(line: Line, currency: str) -> tuple[str, ...]:
    """The sum, step by step, to be done with a pencil."""
    one = line.sum
    if one is None:
        return ()
    said = [
        f"{use.use or 'the use that is withheld'}: {Money(use.price, currency)} times {use.rows} "
        f"{'row' if use.rows == 1 else 'rows'} of yours are {Money(weight_of(use), currency)}"
        for use in line.uses
    ]
    said.append(
        f"together {Money(one.weight, currency)}, of {Money(one.total, currency)} that are told for all; so you are due "
        f"{Money(one.pool, currency)} times {Money(one.weight, currency)} over {Money(one.total, currency)}, which is "
        f"{exact(one.due, currency)}, rounded down"
    )
    if one.carried < 0:
        said.append(
            f"with {Money(line.amounts.before, currency)} owed before, and what is less than {Money(1, currency)}, which is not "
            "told, for it comes of a period whose total was not"
        )
    else:
        said.append(
            f"with {exact(one.carried, currency)} carried over for you: {exact(one.due + one.carried, currency)}"
        )
    paid = line.amounts.paid
    least = f"; less than {Money(one.least, currency)} is not paid out yet" if one.least > 1 and not paid else ""
    said.append(f"paid are the whole units of it, {Money(paid, currency)}{least}; the rest stays yours")
    return tuple(said)


def exact(micro: int, currency: str) -> str:
    """Millionths of a minor unit: `0.07490321 EUR`."""
    return f"{decimal(micro, DECIMALS[currency] + 6)} {currency}"
