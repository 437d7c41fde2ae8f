"""The rules of the exchange, and the end of its day: what is found, pay with floors, cover, own data. See exchange_day.py."""

from __future__ import annotations

from typing import Any

from city_exchange import EXCHANGE, done
from courier_day import dollars, percent
from couriers import OPERATORS

from usufruct.core.work.pay.state import Reckoning
from usufruct.node import conditions, cover, findings, owndata, work_pay
from usufruct.node.node import Node
from usufruct.wire import cover as schemes
from usufruct.wire.conditions import packs, read

FUND, SCHEME = "black-car", "new-york"


def govern(node: Node) -> None:
    """Rules of work are put in force, and a scheme of cover, before anybody works under them."""
    print(
        "The exchange puts rules in force: what was promised for safety is kept, 15.00 an hour of the shift, and cover."
    )
    for name in ("safety", "hourly-floor"):
        done(conditions.put(node, read(packs()[name]), "", EXCHANGE))
    # A scheme that insures against accidents: customers pay it on each order, and one fund is for all operators.
    done(cover.open_fund(node, FUND, "accidents of couriers", 1, (EXCHANGE,), EXCHANGE))
    done(cover.adopt(node, schemes.read(schemes.examples()[SCHEME]), (), None, EXCHANGE))


def check(node: Node) -> Any:
    """What was done, held against the rules."""
    checked = findings.check(node)
    print(f"The hours of {checked.workers} couriers are held against the rules; found is:")
    for one in checked.made:
        print(f"  {one.party}: {one.found.words}")
    return checked.made


def pay(node: Node) -> list[Reckoning]:
    """Each operator looks at its plan, and pays: every piece of work once."""
    slips = []
    for operator in OPERATORS:
        plan = done(work_pay.plan(node, operator, None, None, operator))
        slips += [one.reckoning for one in done(work_pay.pay(node, plan.plan, operator, operator)).payslips]
    total = {name: sum(getattr(slip, name) for slip in slips) for name in ("gross", "fee", "tips", "top_up", "net")}
    print(f"{len(slips)} payslips:")
    print(f"  customers paid {dollars(total['gross'])}, operators kept {dollars(total['fee'])}")
    print(f"  floors made up {dollars(total['top_up'])}, and tips were {dollars(total['tips'])}")
    taken = sum(one.amount for slip in slips for one in slip.deductions)
    print(f"  couriers have {dollars(total['net'])}, and {dollars(taken)} on top go to the fund for accidents")
    return slips


def mine(node: Node, courier: str) -> Any:
    """What one of them reads of herself."""
    found = done(owndata.own(node, courier))
    month = found.series[0].times[-1]
    print(
        f"{courier} reads of herself: {month.services} orders, of whose price the operator kept {percent(month.take_rate)},"
    )
    for definition in month.hours:
        print(f"  {dollars(month.per_hour(definition) or 0)} an hour {definition}")
    exported = done(owndata.export(node, courier))
    print(f"  and takes {len(exported.facts)} facts with her, each with its receipt")
    return found
