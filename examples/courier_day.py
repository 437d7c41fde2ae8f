"""A day of couriers under three rules: what a weight on fairness and the definition of an hour do to everybody.

    python examples/courier_day.py

The day is made up by couriers.py and dispatched by dispatch.py, once for each weight: a re-allocation, in which people do as
they are told whatever the rule is, so an estimate. The floors are worked out on what then happened (chambers.py): exact.
"""

from __future__ import annotations

from typing import Any

from chambers import DEFINITIONS, Outcome, outcome
from couriers import day as make_day
from dispatch import Round, dispatch

from usufruct.core.base.money import decimal
from usufruct.core.base.refusals import Refusal
from usufruct.core.work.allocation import certificate, reasons

WEIGHTS = (0, 1, 3)


def tell() -> dict[str, Any]:
    """The story; returns what it came to."""
    day = make_day()
    hours = sum(courier.minutes for courier in day.couriers) // 60
    several = sum(len(courier.operators) > 1 for courier in day.couriers)
    print(f"{len(day.orders)} orders of three operators, {len(day.couriers)} couriers with {hours} hours of shifts.")
    print(f"{several} of them ride for two operators at once. An order pays 10.00.")
    print()
    days = {weight: dispatch(day, weight) for weight in WEIGHTS}
    came = {weight: outcome(day, one.carried) for weight, one in days.items()}
    print("The dispatcher's score is nearness alone, or nearness and fairness in hourly pay:")
    table("weight of fairness", came, {
        "orders brought": lambda one: str(one.brought),
        "workers: a tenth earns less an hour than": lambda one: dollars(one.tenth(1)),
        "workers: half earn less than": lambda one: dollars(one.tenth(5)),
        "workers: a tenth earns more than": lambda one: dollars(one.tenth(9)),
        "workers: Gini's index of hourly pay": lambda one: decimal(round(one.gini() * 1000), 3),
        "operators: pay by the order": lambda one: dollars(one.paid),
        "customers: minutes to the door, mean": lambda one: decimal(sum(one.waited) * 10 // one.brought, 1),
        "customers: minutes, nine in ten within": lambda one: str(one.waited[-(-one.brought * 9 // 10) - 1]),
    })  # fmt: skip
    print()
    print("A floor of 15.00 an hour, and what it adds to the pay:")
    table("weight of fairness", came, {
        f"counted over {said}": lambda one, name=name: f"+{percent(one.cost(name))}" for name, said in DEFINITIONS.items()
    } | {
        f"couriers below it, {said}": lambda one, name=name: str(one.below[name]) for name, said in DEFINITIONS.items()
    } | {
        "over whole shifts, each operator by itself": lambda one: f"+{percent(one.apart / one.paid)}",
    })  # fmt: skip
    print()
    largest = max(days[1].rounds, key=lambda one: (len(one.instance.job), one.at))
    return {"days": days, "came": came, "checked": prove(largest)}


def prove(one: Round) -> certificate.Checked:
    """Checks the certificate of a round, and has a courier read why."""
    instance, proof = one.proof()
    checked = certificate.check(instance, proof)
    assert isinstance(checked, certificate.Checked)
    print(
        f"The largest round, at {9 + one.at // 60}:{one.at % 60:02}, told {checked.matched} of {checked.workers} couriers."
    )
    print(f"  its certificate proves that no other allocation has more than {checked.points} points")
    changed = certificate.check(instance, proof.replace(b'"taken":[', b'"taken":[-1,', 1))
    assert isinstance(changed, Refusal)
    print(f"  changed in one place: {changed.message}, {changed.reasons[0]}")
    made = certificate.decode(proof)
    told = {
        courier: reasons.why(one.instance, made, courier)
        for courier in [name for name, job in zip(one.instance.workers, made.taken, strict=True) if job < 0]
    }
    courier = max(told, key=lambda name: len({reason.outcome for reason in told[name]}))
    print(f"  {courier} was told nothing, and reads why, for one order of each kind:")
    for reason in {reason.outcome: reason for reason in reversed(told[courier])}.values():
        print(f"    {reason.job}: {reason.words}\n      {reason.change}")
    return checked


def table(head: str, came: dict[int, Outcome], lines: dict[str, Any]) -> None:
    """One column for each weight."""
    for name, shown in [(head, None), *lines.items()]:
        cells = [str(weight) if shown is None else shown(one) for weight, one in came.items()]
        print(f"  {name:44}" + "".join(f"{cell:>11}" for cell in cells))


def dollars(minor: Any) -> str:
    """Minor units in dollars."""
    return decimal(round(minor), 2)


def percent(part: Any) -> str:
    """A part of a whole in hundredths."""
    return f"{decimal(round(part * 1000), 1)} %"


if __name__ == "__main__":
    tell()
