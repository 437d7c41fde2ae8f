"""What the public may count: the epochs that root persons' records, and the uses that are withheld for a time."""

from __future__ import annotations

from litestar import MediaType, Router, get, post
from litestar.params import FromPath, JSONBody

from usufruct.core.access import hold
from usufruct.core.access.facts import HoldAllowed
from usufruct.core.access.hold import HeldCount
from usufruct.core.base.faults import BadInput
from usufruct.core.base.refusals import refuse
from usufruct.core.epochs import Epoch
from usufruct.core.registry.facts import PersonErased
from usufruct.node import erase, witness
from usufruct.web import messages
from usufruct.web.api import STEWARD, AnyRequest, RefusedHere, done
from usufruct.web.auth import node_of, who_is

PUBLIC = {"rule": "public"}


@get("/holds", opt=PUBLIC, sync_to_thread=True, summary="How many uses are withheld")
def held(request: AnyRequest) -> list[HeldCount]:
    """On each ground: how many uses are withheld from the persons concerned now, and how many were and are open."""
    node = node_of(request)
    with node.store.read() as state:
        return list(hold.counts(state, node.clock.now()))


@post("/holds", opt=STEWARD, sync_to_thread=True, summary="Let a party withhold")
def allow(request: AnyRequest, data: JSONBody[messages.NewHold]) -> HoldAllowed:
    """Lets a party have its uses withheld on a ground, for so many days at the longest; 0 ends it."""
    return done(node_of(request).record(lambda tx: hold.allow(tx, data.party, data.ground, data.days, data.basis)))


@get("/epochs", opt=PUBLIC, sync_to_thread=True, summary="Epochs")
def epochs(request: AnyRequest) -> list[Epoch]:
    """The epochs so far, oldest first, with their roots."""
    with node_of(request).store.read() as state:
        return list(state.list(Epoch))


@get(
    "/epochs/{number:int}", opt=PUBLIC, sync_to_thread=True, media_type=MediaType.TEXT, summary="The proof of an epoch"
)
def epoch(request: AnyRequest, number: FromPath[int]) -> str:
    """The receipt of the fact that roots an epoch; nothing in it is personal."""
    node = node_of(request)
    with node.store.read() as state:
        found = state.get(Epoch, number)
        if found is None:
            raise RefusedHere(refuse(
                "registry.unknown", "no receipt was given", f"there is no epoch {number}", remedy="see `/api/v1/epochs`"
            ))  # fmt: skip
        return witness.receipt(node, state, found.seq).text()


@post("/members/{member:str}/erasure", opt=STEWARD, sync_to_thread=True, summary="Erase a person")
def erase_person(request: AnyRequest, member: FromPath[str], data: JSONBody[messages.Erasure]) -> PersonErased:
    """Destroys a person's key and takes her rows out of every table, for good. Her name is said twice on purpose."""
    if data.member != member:
        raise BadInput("input.member", f"`{data.member}` is not `{member}`", "name the same person in address and body")
    who = who_is(request)
    return done(erase.erase(node_of(request), member, who.party, who.actors))


router = Router("/api/v1", route_handlers=[held, allow, epochs, epoch, erase_person])
