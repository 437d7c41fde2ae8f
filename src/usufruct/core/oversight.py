"""Early warnings: checks over the state that a steward should look at before they become trouble.

A warning decides nothing and blocks nobody. It says what was seen and what to do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from usufruct.core.base.instants import Instant, later
from usufruct.core.base.records import Reader
from usufruct.core.contract.state import Agreement, Negotiation
from usufruct.core.income import accounts
from usufruct.core.income.ledger import Account
from usufruct.core.privacy.state import Budget, Use
from usufruct.core.registry.state import Asset

BUDGET_PERCENT = 80
REFUSALS = 5
ENDING_DAYS = 30

KINDS: dict[str, str] = {
    "budget": f"{BUDGET_PERCENT} % or more of an asset's privacy budget is spent",
    "refusals": f"one party was refused {REFUSALS} times or more",
    "ending": f"an agreement ends within {ENDING_DAYS} days",
    "waiting": "a negotiation waits for this node's answer",
    "undivided": "income was earned and is not yet divided",
}


@dataclass(frozen=True, slots=True)
class Warning:
    """`kind` is a key of `KINDS`; `about` names what it concerns."""

    kind: str
    about: str
    message: str
    remedy: str


def warnings(read: Reader, operator: str, at: Instant) -> Iterator[Warning]:
    """What the steward should look at now."""
    for budget in read.list(Budget):
        asset = read.get(Asset, budget.asset)
        if asset is None or asset.version != budget.version:  # its rows were replaced, and what was spent went along
            continue
        used = budget.total - budget.left
        if used * 100 >= budget.total * BUDGET_PERCENT:
            percent = used * 100 // budget.total if budget.total else 100
            yield Warning(
                "budget", budget.asset, f"{percent} % of the privacy budget of `{budget.asset}` is spent",
                "when it is spent no question is answered until new data are registered; tell its data users",
            )  # fmt: skip
    refused = Counter(use.requester for use in read.list(Use, state="refused"))
    for party, count in refused.most_common():
        if count >= REFUSALS:
            yield Warning(
                "refusals",
                party,
                f"`{party}` was refused {count} times",
                "see what was tried; help, or end its agreement",
            )
    for agreement in read.list(Agreement):
        if agreement.active(at) and agreement.until < later(at, days=ENDING_DAYS):
            yield Warning(
                "ending",
                agreement.id,
                f"`{agreement.id}` ends on {agreement.until[:10]}",
                "publish an offer to renew it",
            )
    for negotiation in read.list(Negotiation, provider=operator):
        if negotiation.state in ("REQUESTED", "ACCEPTED"):
            yield Warning(
                "waiting", negotiation.id, f"`{negotiation.consumer}` waits for an answer to `{negotiation.offer}`",
                "agree, or terminate the negotiation",
            )  # fmt: skip
    for account in read.list(Account):
        if (
            account.balance > 0
            and account.id.startswith("asset:")
            and account.id == accounts.income_of(account.id.split(":")[1])
        ):
            yield Warning(
                "undivided", account.id, f"{account.id} holds income that is not divided", "plan and close a period"
            )
