"""Why a question was answered or not, for those whom it concerns; and what would be decided, without asking.

What is shown is the proof as it was kept when the decision was taken, not a new one: nobody is told another reason later.
Who asked sees all of it. A person whom the asset is about sees what her data were used for and on what grounds, but not
what the requester pays, and not the advice that was meant for the requester. Everybody else is told what she would be
told if there were no such use.
"""

from __future__ import annotations

from dataclasses import replace

from usufruct.core.access import delegation
from usufruct.core.access.proof import Proof, Request, redacted
from usufruct.core.access.rules import prove_alone
from usufruct.core.base import canonical
from usufruct.core.privacy.state import Use
from usufruct.core.registry.rules import id_of
from usufruct.core.registry.state import Person
from usufruct.node import views
from usufruct.node.node import Node


def of_use(node: Node, use_id: str, viewer: str | None) -> canonical.Value:
    """The proof of the decision on a use, as far as `viewer` may see it (None: the steward); None if there is none."""
    with node.store.read() as state:
        use = state.get(Use, use_id)
        if use is None or not use.decision:
            return None
        found = canonical.decode(state.evidence(use.decision))
        if viewer in (None, use.requester, *use.actors):
            return found
        viewer = id_of(state, viewer) if viewer else ""
        concerned = any(True for _ in state.list(Person, asset=use.asset, party=viewer))
        if not concerned or views.hidden(state, state.entry(use.ended).fact, viewer, node.clock.now()):
            return None
        return redacted(found)


def tried(node: Node, request: Request) -> Proof:
    """What would be decided now. It is no use, so it is no fact."""
    with node.store.read() as state:
        requester, actors = delegation.acting(state, request.requester, request.actors)
        return prove_alone(state, replace(request, requester=requester, actors=actors), node.clock.now())
