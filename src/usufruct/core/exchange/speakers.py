"""Who speaks for a client, and through whom.

A client belongs to a party, and whoever the steward named speaks for it (`via`): the party itself, or who runs a gateway.
That may be a machine, and may itself be spoken for by machines. A machine has no rights of its own, so it speaks for
somebody only under a delegation: each agent on the way needs one from the next, up to who answers for the client and is no
agent. What an agent does in its own name, it does for its principal. Only one step needs none: an organisation that the
steward named may speak for a party that is another.

To a chain that was never delegated a service, the service is closed, and so unknown. What it is refused for beyond that is
told to nobody else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from usufruct.core.access import agreed, delegation
from usufruct.core.access.delegation import Deed
from usufruct.core.access.proof import No
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Reader
from usufruct.core.exchange.state import Client

NOBODY = ""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who proved itself: the `party` whose token came along, with the `actors` that act for it by that token, who sends it
    first; or the verifier `key` of the node that signed."""

    party: str = ""
    key: str = ""
    actors: tuple[str, ...] = ()


class Line(NamedTuple):
    """From who speaks to `requester`, who answers for the client; `actors` act for it, who speaks first first.

    In each of the `stretches` everybody needs a delegation from the next; where one ends and another begins, the steward
    has named who speaks.
    """

    stretches: tuple[tuple[str, ...], ...]
    requester: str
    actors: tuple[str, ...]

    def reaches(self, read: Reader, service: str, at: Instant) -> bool:
        """Whether everybody on it has a delegation that names this service; true where nobody needs one."""
        return not self.actors or all(
            delegation.delegated(read, stretch, "call", service, at) for stretch in self.stretches
        )


def line(read: Reader, caller: Caller, client: Client) -> Line | None:
    """The line from the caller to who answers for the client; None where it may not speak for it."""
    owners = _upwards(read, client.party)
    if caller.key:
        return _line(owners) if caller.key == client.key_of_node else None
    above = owners if caller.party == client.party else _upwards(read, caller.party)
    if not caller.party or client.via not in above:
        return None
    speakers = (*caller.actors, *above[: above.index(client.via) + 1])
    if client.via == client.party:
        return _line((*speakers, *owners[1:]))
    if delegation.is_machine(read, client.via):
        return _line((*speakers, *owners))
    return _line(speakers, owners)


def _line(*stretches: tuple[str, ...]) -> Line:
    actors = [actor for stretch in stretches for actor in stretch[:-1]]
    return Line(stretches, stretches[-1][-1], tuple(dict.fromkeys(actors)))


def _upwards(read: Reader, party: str) -> tuple[str, ...]:
    """From a party to who answers for it; nobody delegates to an agent for whom nobody does, so it comes to nobody."""
    found = delegation.accountable(read, party)
    if found and found[-1].kind != "agent":
        return tuple([row.id for row in found])
    return (party, NOBODY)


def may(
    read: Reader, line: Line, service: str, purpose: str, at: Instant, admitted: bool, under: tuple[str, ...]
) -> tuple[tuple[str, ...], list[No]]:
    """The delegations under which a line may call, and what stands in the way; a call that was `admitted` is among those
    that they have counted, and rests on those that it was admitted `under`."""
    if not line.actors:
        return (), []
    deed = Deed("call", service, (purpose,), "", uses=0 if admitted else 1, under=under)
    chains = [delegation.look_at(read, stretch[-1], stretch[:-1], deed, at) for stretch in line.stretches]
    used = tuple(dict.fromkeys(row for chain in chains for row in chain.delegations))
    ruled = agreed.mandated(
        read, agreed.Who(line.requester, machine=True, signed=False), agreed.called(line.requester, service, purpose), used, at,
        admitted,
    )  # fmt: skip
    premises = (*(premise for chain in chains for premise in chain.premises), *ruled)
    return tuple(row.id for row in used), [premise.no for premise in premises if premise.no is not None]
