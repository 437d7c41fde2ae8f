"""Delegations: what a principal lets its agents do, what they did, and what they spent."""

from __future__ import annotations

from dataclasses import dataclass

from usufruct.core.access import delegation
from usufruct.core.access.delegation import Delegation
from usufruct.core.access.facts import DelegationEnded, DelegationGranted, DelegationUsed, Mandate
from usufruct.core.base.ids import numbered
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal
from usufruct.core.exchange.facts import CallAdmitted, CallSent
from usufruct.core.exchange.state import Call
from usufruct.core.privacy.state import Use
from usufruct.core.registry.rules import id_of
from usufruct.node.login import Identity
from usufruct.node.node import Node
from usufruct.node.views import name_of


def grant(node: Node, principal: str, agent: str, mandate: Mandate, until: Instant) -> DelegationGranted | Refusal:
    """A party lets an agent act for it.

    Raises:
        BadInput: the mandate says what cannot be.
    """
    return node.record(lambda tx: delegation.grant(
        tx, numbered("delegation", tx.next), id_of(tx, principal), agent, mandate, until, tx.now, node.about.currency
    ))  # fmt: skip


def end(node: Node, id: str, by: str) -> DelegationEnded | Refusal:
    """Ends a delegation; it counts from the next decision on."""
    return node.record(lambda tx: delegation.end(tx, id, id_of(tx, by), tx.now))


@dataclass(frozen=True, slots=True)
class Line:
    """A delegation with what people call agent and principal; `good` if the agent may act under it now."""

    row: Delegation
    agent: str
    principal: str
    good: bool


@dataclass(frozen=True, slots=True)
class Done:
    """What was done under a delegation, in the fact `seq`: `what` in words, and for how much `money`, in minor units."""

    seq: int
    at: Instant
    actors: tuple[str, ...]
    what: str
    state: str
    money: int
    currency: str


@dataclass(frozen=True, slots=True)
class Agents:
    """What concerns a party's agents, or an agent's principals: the delegations, and what was done, the newest first."""

    lines: tuple[Line, ...]
    done: tuple[Done, ...]


def agents(node: Node, party: str) -> Agents:
    """The delegations that a party granted, or was granted, and what its agents, or itself, did under them."""
    now = node.clock.now()
    with node.store.read() as state:
        who = id_of(state, party)
        rows = [*state.list(Delegation, principal=who), *state.list(Delegation, agent=who)]
        lines = [Line(row, name_of(state, row.agent), name_of(state, row.principal), row.in_force(now)) for row in rows]
        requester, acting = delegation.acting(state, who, ())
        done = [
            Done(use.ended, use.at, use.actors, f"asked about {use.asset}, for {use.purpose}", use.state,
                 use.price if use.state == "answered" else 0, use.currency)
            for use in state.list(Use, requester=requester) if use.actors and set(acting) <= set(use.actors)
        ]  # fmt: skip
        for entry in state.history(who):
            if isinstance(entry.fact, DelegationUsed):
                fact = entry.fact
                what = f"{fact.act}: {fact.on}"
                done.append(Done(entry.seq, entry.at, fact.actors, what, "done", fact.money, node.about.currency))
            if isinstance(entry.fact, CallAdmitted | CallSent):
                call = state.get(Call, entry.fact.call)
                assert call is not None
                what = f"called {call.service}, for {call.purpose}"
                done.append(Done(call.ended, entry.at, call.actors, what, call.state, 0, node.about.currency))
    lines.sort(key=lambda line: (not line.good, -line.row.seq))
    return Agents(tuple(lines), tuple(sorted(done, key=lambda one: -one.seq)))


def seen_by(read: Reader, who: Identity) -> list[Use]:
    """The uses that somebody may see: a party its own, a machine those in which it acted."""
    requester, actors = delegation.acting(read, who.party, who.actors)
    return [use for use in read.list(Use, requester=requester) if not actors or actors[0] in use.actors]
