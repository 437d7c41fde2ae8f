"""Who acts for whom, and how far: agents, and the delegations under which they act.

An agent has no rights of its own. It acts for a principal within a *mandate*, and whatever it does, the principal must be
allowed to do as well: the decision is asked for the principal, and each delegation on the way can only take away. So a
chain of actors may do what all of its members may, and no more; a link more never helps. A chain that comes back to
somebody who is in it already is refused, and so is one that is too long: a circle adds nothing, and costs something.

What a mandate bounds (uses, money) is counted when the use is admitted, by the fold, in the same transaction as the
decision: two agents that ask at the same moment cannot both have the last one.

Some decisions only a person may sign. They are in no mandate (see `rulebook.human_only`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

from usufruct.core.access.facts import DelegationEnded, DelegationGranted, DelegationUsed, Mandate
from usufruct.core.access.proof import Change, No, Premise
from usufruct.core.base.faults import BadInput
from usufruct.core.base.ids import checked, xroad
from usufruct.core.base.instants import END_OF_TIME, Instant
from usufruct.core.base.money import DECIMALS, Money
from usufruct.core.base.records import Entry, Reader, Row
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.registry.state import Party
from usufruct.core.rulebook import purposes
from usufruct.core.rulebook.grades import FORMS
from usufruct.core.rulebook.human_only import HUMAN_ONLY
from usufruct.core.terms.rules import activate

ACTS = {
    "ask": "ask questions",
    "agree": "come to agreements",
    "end": "end agreements",
    "call": "call services",
    "post": "post jobs",
    "take": "take jobs",
}
"""What can be delegated."""

COUNTED = ("post", "take")  # each is a use by itself; the others are counted when data are used

WORK = "work:"
ANY_WORK = "work:any"
"""A mandate names jobs where it names assets: `work:PLACE` for those at a place, `work:any` for those everywhere. No asset
has such a name, for an id has no colon."""

CHAIN_MAX = 8  # actors in a chain
MONEY_MAX = 10**12


@dataclass(frozen=True, slots=True)
class Delegation(Row):
    """See `DelegationGranted`, the fact number `seq`; `uses` and `money` (minor units) are what was used of it."""

    KEY = ("id",)
    INDEXED = ("principal", "agent")
    id: str
    principal: str
    agent: str
    mandate: Mandate
    until: Instant
    since: Instant
    seq: int
    ended: bool = False
    uses: int = 0
    money: int = 0

    def in_force(self, at: Instant) -> bool:
        """Whether the agent may act under it at `at`."""
        return not self.ended and self.since <= at < self.until


def fold(read: Reader, entry: Entry) -> Iterator[Row]:
    """The rows that a fact about a delegation changes."""
    match entry.fact:
        case DelegationGranted() as fact:
            yield Delegation(fact.delegation, fact.principal, fact.agent, fact.mandate, fact.until, entry.at, entry.seq)
        case DelegationEnded() as fact:
            row = read.get(Delegation, fact.delegation)
            assert row is not None
            yield replace(row, ended=True)
        case DelegationUsed() as fact:
            yield from used(read, fact.delegations, fact.uses, fact.money)
        case _:
            return


def used(read: Reader, delegations: Sequence[str], uses: int, money: int) -> Iterator[Delegation]:
    """The delegations after so many uses more under them, for so much money more."""
    for id in delegations:
        row = read.get(Delegation, id)
        assert row is not None, "nothing is done under a delegation that was never granted"
        yield replace(row, uses=row.uses + uses, money=row.money + money)


# ---- who is who


def accountable(read: Reader, party: str) -> tuple[Party, ...]:
    """From an agent over its principal to who answers for it, who is no agent; empty where it comes to nobody."""
    found: list[Party] = []
    while len(found) <= CHAIN_MAX:
        row = read.get(Party, party)
        if row is None or row in found:
            return ()
        found.append(row)
        if row.kind != "agent" or row.principal is None:
            return tuple(found)
        party = row.principal
    return ()


def acting(read: Reader, party: str, actors: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """For whom a request is, and who acts for it: what an agent does in its own name, it does for its principal."""
    line = accountable(read, party)
    return (line[-1].id, (*actors, *(agent.id for agent in line[:-1]))) if line else (party, actors)


def is_machine(read: Reader, party: str, actors: tuple[str, ...] = ()) -> bool:
    """Whether a machine is speaking: an agent, or whoever acts for another."""
    row = read.get(Party, party)
    return bool(actors) or (row is not None and row.kind == "agent")


def only_people(read: Reader, decision: str, by: str, actors: tuple[str, ...]) -> Refusal | None:
    """The refusal where a machine would sign a decision that is a person's: an agent, or whoever acts for another."""
    if not is_machine(read, by, actors):
        return None
    kind, signer = HUMAN_ONLY[decision], (*actors, by)[0]
    return refuse(
        "access.human-only", "nothing was decided", f"only a person may {kind.means}, and `{signer}` is none",
        f"the source is {kind.source}", remedy="have the person who answers for it log in and decide",
    )  # fmt: skip


# ---- grant, end


def grant(
    read: Reader, id: str, principal: str, agent: str, mandate: Mandate, until: Instant, at: Instant, currency: str
) -> DelegationGranted | Refusal:
    """`principal` lets `agent` act for it; an agent can delegate further what it may itself.

    Raises:
        BadInput: the mandate says what cannot be.
    """
    not_done = f"nothing was delegated to `{agent}`"
    human = next((HUMAN_ONLY[act] for act in mandate.acts if act in HUMAN_ONLY), None)
    if human is not None:
        return refuse(
            "access.human-only", not_done, f"only a person may {human.means}", f"the source is {human.source}",
            remedy=f"delegate what a machine may sign: {', '.join(ACTS)}",
        )  # fmt: skip
    mandate = _checked(mandate, currency)
    line = accountable(read, agent)
    if read.get(Party, principal) is None or len(line) < 2 or agent == principal:
        return refuse(
            "registry.unknown", not_done, f"there is no agent `{agent}` for whom somebody answers",
            remedy="register it as an agent, with its principal",
        )  # fmt: skip
    if until <= at:
        return refuse("access.delegation", not_done, "it would have run out already", remedy="let it run until later")
    if accountable(read, principal)[1:] and _further(read, principal, at) <= mandate.further:
        return refuse(
            "access.delegation", not_done, f"nobody let `{principal}` delegate so far",
            remedy="ask its principal for a delegation that may be passed on",
        )  # fmt: skip
    if mandate.rules is not None:
        terms = activate(mandate.rules)
        if isinstance(terms, Refusal):
            return terms
    return DelegationGranted(id, principal, agent, mandate, until)


def _further(read: Reader, agent: str, at: Instant) -> int:
    """How often an agent may pass on, at most, what it may do itself."""
    return max((row.mandate.further for row in read.list(Delegation, agent=agent) if row.in_force(at)), default=0)


def _checked(mandate: Mandate, currency: str) -> Mandate:
    """The mandate with its purposes as the tree spells them.

    Raises:
        BadInput: it says what cannot be.
    """
    for said, among, what in ((mandate.acts, ACTS, "act"), (mandate.forms, FORMS, "form of answer")):
        wrong = next((name for name in said if name not in among), None)
        if wrong is not None or not said:
            raise BadInput("input.mandate", f"`{wrong or ''}` is no {what}", f"use one of {', '.join(among)}")
    if not mandate.assets or not mandate.purposes:
        raise BadInput("input.mandate", "the mandate names no asset, or no purpose", "name at least one of each")
    assets = tuple(map(_named, mandate.assets))
    named = tuple(dict.fromkeys(map(purposes.checked, mandate.purposes)))
    if mandate.currency != currency:
        raise BadInput("input.mandate", f"the node's ledger is in {currency}", f"name amounts in {currency}")
    numbers = (mandate.uses, mandate.price, mandate.money)
    if any(number is not None and not 0 <= number <= MONEY_MAX for number in numbers):
        raise BadInput("input.mandate", "a number in the mandate cannot be", "give numbers of 0 or more")
    if not 0 <= mandate.further < CHAIN_MAX:
        raise BadInput("input.mandate", f"it cannot be passed on {mandate.further} times", f"0 to {CHAIN_MAX - 1}")
    return replace(mandate, assets=assets, purposes=named)


def _named(id: str) -> str:
    if id.startswith(WORK):
        return WORK + checked(id.removeprefix(WORK), "a place of work")
    return xroad(id, (5,), "a service") if "/" in id else checked(id, "an asset")


def end(read: Reader, id: str, by: str, at: Instant) -> DelegationEnded | Refusal:
    """The principal, the agent, or who answers for the agent ends a delegation."""
    row = read.get(Delegation, id)
    if row is None or not row.in_force(at) or by not in (row.principal, *(p.id for p in accountable(read, row.agent))):
        return refuse(
            "registry.unknown", "no delegation was ended", f"there is no delegation `{id}` of yours in force",
            remedy="take the ids from your own list",
        )  # fmt: skip
    return DelegationEnded(id, by)


# ---- the gate


@dataclass(frozen=True, slots=True)
class Deed:
    """What a chain of actors is about to do. `price` is that of one use (None: not known yet), `money` what the principal
    is bound to by it, `uses` how many it is. What was admitted before has both 0, for it is counted, and names the
    delegations `under` which it was. A call of a service, which stands as the asset, has no `form`, and neither has a job,
    which stands as `work:` and its place."""

    act: str
    asset: str
    purposes: tuple[str, ...]
    form: str
    price: int | None = None
    money: int = 0
    currency: str = ""
    uses: int = 1
    under: tuple[str, ...] = ()


class Chain(NamedTuple):
    """A chain of actors as it was looked at: its premises, and the delegation of each link, who speaks first first."""

    premises: tuple[Premise, ...] = ()
    delegations: tuple[Delegation, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        """The delegations by name."""
        return tuple(row.id for row in self.delegations)

    @property
    def until(self) -> Instant:
        """How long all of them last."""
        return min((row.until for row in self.delegations), default=END_OF_TIME)

    @property
    def noes(self) -> list[No]:
        """What stands in the way."""
        return [premise.no for premise in self.premises if premise.no is not None]


NO_CHAIN = Chain()


def look_at(read: Reader, requester: str, actors: tuple[str, ...], deed: Deed, at: Instant) -> Chain:
    """The chain from who speaks first to the requester, link by link; nothing where the requester acts itself."""
    if not actors:
        return NO_CHAIN
    whole = (*actors, requester)
    if len(set(whole)) < len(whole) or len(actors) > CHAIN_MAX:
        reason = "the chain of those who act for each other goes in a circle, or is too long"
        no = No("access.delegation", reason, (Change(f"let who speaks act for `{requester}` itself"),))
        return Chain((Premise("authenticity", "chain", f"at most {CHAIN_MAX}, each once", list(whole), (), no),))
    premises: list[Premise] = []
    rows: list[Delegation] = []
    for below, (agent, principal) in enumerate(zip(actors, whole[1:], strict=True)):
        premise, row = _link(read, principal, agent, below, deed, at)
        premises += [_answered_for(read, agent), premise]
        if row is not None:
            rows.append(row)
    return Chain(tuple(premises), tuple(rows))


def delegated(read: Reader, line: Sequence[str], act: str, asset: str, at: Instant) -> bool:
    """Whether each in a line has from the next a delegation in force that names the act and the asset, whatever else it
    may lack. To a chain of which this is not true, the asset is as good as unknown."""
    return all(
        any(
            row.in_force(at) and act in row.mandate.acts and _names(row.mandate, asset)
            for row in read.list(Delegation, principal=principal, agent=agent)
        )
        for agent, principal in pairwise(line)
    )


def _answered_for(read: Reader, agent: str) -> Premise:
    line, no = accountable(read, agent), None
    if len(line) < 2:
        change = Change("register it as an agent, with the principal who answers for it")
        no = No("access.delegation", f"`{agent}` is no agent for whom somebody answers", (change,))
    answers, seqs = line[-1].id if line else "", tuple(party.seq for party in line)
    return Premise("authenticity", agent, "an agent for whom somebody answers", answers, seqs, no)


def in_its_own_name(read: Reader, requester: str) -> tuple[Premise, ...]:
    """The premise that does not hold where the requester itself is an agent, whatever was agreed with it."""
    party = read.get(Party, requester)
    if party is None or party.kind != "agent":
        return ()
    reason = f"`{requester}` is an agent, and asks for nobody"
    no = No("access.delegation", reason, (Change("let it act for its principal, under a delegation"),))
    return (Premise("authenticity", requester, "somebody for whom it acts", "nobody", (party.seq,), no),)


def _link(
    read: Reader, principal: str, agent: str, below: int, deed: Deed, at: Instant
) -> tuple[Premise, Delegation | None]:
    """The delegation of a link that covers the deed, or lacks the least; nobody's and an unknown one's look the same."""
    about, expected = f"{agent} for {principal}", "a delegation in force that reaches so far"
    found = read.list(Delegation, principal=principal, agent=agent)
    rows = [row for row in found if row.in_force(at) and (not deed.under or row.id in deed.under)]
    if not rows:
        reason = f"`{agent}` has no delegation from `{principal}` in force"
        no = No("access.delegation", reason, (Change(f"have `{principal}` delegate it"),))
        return Premise("authenticity", about, expected, "none", (), no), None
    lacking = [(list(_lacks(row, below, deed)), row) for row in rows]
    lacks, row = min(lacking, key=lambda item: len(item[0]))
    if not lacks:
        return Premise("authenticity", about, expected, row.id, (row.seq,)), row
    wider = replace(row, mandate=_widened(row, below, deed))
    change = Change(f"have `{principal}` delegate more than with `{row.id}`", row=wider)
    no = No("access.delegation", f"`{row.id}` does not reach so far: {', '.join(lacks)}", (change,))
    return Premise("authenticity", about, expected, row.id, (row.seq,), no), row


def _lacks(row: Delegation, below: int, deed: Deed) -> Iterator[str]:
    """What a mandate does not cover of a deed, in words."""
    mandate = row.mandate
    if deed.act not in mandate.acts:
        yield f"it is not to {ACTS[deed.act]}"
    if not _names(mandate, deed.asset):
        yield f"not for `{deed.asset}`"
    for purpose in deed.purposes:
        if not any(purposes.covers(broader, purpose) for broader in mandate.purposes):
            yield f"not for {purpose}"
    if deed.form and deed.form not in mandate.forms:
        yield f"not for {FORMS.get(deed.form, deed.form)}"
    if mandate.further < below:
        yield f"it may be passed on {mandate.further} times, and here it is {below}"
    if mandate.uses is not None and row.uses + deed.uses > mandate.uses:
        yield f"its {mandate.uses} uses are used up"
    if deed.price is not None and mandate.price is not None and deed.price > mandate.price:
        yield f"a use costs {_amount(deed.price, deed)}, and at most {_amount(mandate.price, deed)} is delegated"
    if deed.money and (deed.currency != mandate.currency or row.money + deed.money > mandate.money):
        left = max(mandate.money - row.money, 0)
        yield f"it costs {_amount(deed.money, deed)}, and {Money(left, mandate.currency)} is left"


def _names(mandate: Mandate, asset: str) -> bool:
    """Whether a mandate names an asset, a service, or the jobs at a place."""
    return asset in mandate.assets or (asset.startswith(WORK) and ANY_WORK in mandate.assets)


def _amount(minor: int, deed: Deed) -> str:
    return str(Money(minor, deed.currency)) if deed.currency in DECIMALS else str(minor)


def _widened(row: Delegation, below: int, deed: Deed) -> Mandate:
    """The mandate as it would have to be."""
    mandate = row.mandate
    return replace(
        mandate, currency=deed.currency or mandate.currency, acts=_with(mandate.acts, deed.act),
        assets=_with(mandate.assets, deed.asset), purposes=_with(mandate.purposes, *deed.purposes),
        forms=_with(mandate.forms, deed.form) if deed.form else mandate.forms, further=max(mandate.further, below),
        uses=None if mandate.uses is None else max(mandate.uses, row.uses + deed.uses),
        price=None if mandate.price is None else max(mandate.price, deed.price or 0),
        money=max(mandate.money, row.money + deed.money),
    )  # fmt: skip


def _with(said: tuple[str, ...], *more: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*said, *more)))


def take(
    read: Reader, requester: str, actors: tuple[str, ...], deed: Deed, on: str, at: Instant
) -> DelegationUsed | Refusal | None:
    """The fact that goes with a deed that is no use of data, where somebody acts for the requester; or why not."""
    chain = look_at(read, requester, actors, deed, at)
    if chain.noes:
        return refuse(
            "access.delegation", f"nothing was done for `{requester}`", *(no.reason for no in chain.noes),
            remedy="; and ".join(dict.fromkeys(no.remedy for no in chain.noes)),
        )  # fmt: skip
    uses = deed.uses if deed.act in COUNTED else 0
    return DelegationUsed(requester, actors, chain.ids, deed.act, on, deed.money, uses) if actors else None
