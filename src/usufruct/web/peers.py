"""The HTTP API of the talk with other nodes: who they are, what is negotiated with them, and what passes.

What is asked here is queued and said by the outbox, so an answer tells where a process stands, not how it ends: look at
the process again.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Annotated, Any, Literal

from litestar import Response, Router, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta, Struct

from usufruct.connector import Entry, Visit
from usufruct.core.base.faults import BadInput
from usufruct.core.dataspace.facts import PeerLinked, PeerUnlinked
from usufruct.core.dataspace.messages import PULL, DataAddress
from usufruct.core.dataspace.offered import addressed
from usufruct.core.dataspace.state import Peer
from usufruct.core.dataspace.wording import in_words
from usufruct.core.terms.model import Ruleset
from usufruct.node.dataspace import browse, crawl, peers, processes, pull, talk
from usufruct.node.dataspace.dataplane import HTTP
from usufruct.web.api import EITHER_SIDE, STEWARD, AnyRequest, done
from usufruct.web.auth import node_of, who_is
from usufruct.web.messages import Id
from usufruct.web.services import Url
from usufruct.wire import odrl

Named = Annotated[str, Meta(min_length=1, max_length=2000, description="as the other node calls it")]
Secret = Annotated[str, Meta(max_length=10_000)]
Words = Annotated[str, QueryParameter(max_length=500)]
Reason = Annotated[str, Meta(min_length=1, max_length=1000)]


class NewPeer(Struct, forbid_unknown_fields=True):
    """A party's node: the `participant` it is, as `did:web:node.example`, and the address below which its protocol
    endpoints lie (empty: only it calls us). With `token` this node shows itself there."""

    party: Id
    participant: Named
    url: Annotated[str, Meta(max_length=2000)] = ""
    by_hand: Annotated[bool, Meta(description="nothing is answered to it of itself")] = False
    private: Annotated[bool, Meta(description="it may lie in a private network")] = False
    token: Secret = ""


class NewNegotiation(Struct, forbid_unknown_fields=True):
    """An offer of another node's catalogue, or one that is known from elsewhere by its rules (`odrl`)."""

    dataset: Named
    offer: Annotated[str, Meta(max_length=2000, description="empty: the only one on the dataset")] = ""
    odrl: Annotated[str, Meta(max_length=odrl.TEXT_MAX, description="the offer's rules: ODRL as JSON-LD or Turtle")] = (
        ""
    )


class Said(Struct, forbid_unknown_fields=True):
    """A message that moves a process."""

    message: Literal[
        "request", "offer", "accept", "agree", "verify", "finalize", "start", "suspend", "complete", "terminate"
    ]
    code: Annotated[str, Meta(max_length=100)] = ""
    reasons: Annotated[list[Reason], Meta(max_length=20)] = []


class NewDataTransfer(Struct, forbid_unknown_fields=True):
    """How data are to come. With an `endpoint` they are pushed there; `authorization` is what it wants to be shown."""

    format: Annotated[str, Meta(min_length=1, max_length=100)] = PULL
    endpoint: Url | None = None
    authorization: Secret = ""


class NewPull(Struct, forbid_unknown_fields=True):
    """What is asked of another node under a transfer; empty: what it gives to who just comes."""

    sql: Annotated[str, Meta(max_length=10_000)] = ""
    purpose: Annotated[str, Meta(max_length=200, description="may be left out where the agreement is for one only")] = (
        ""
    )
    form: Annotated[Literal["json", "csv"], Meta(description="what is asked for; it may give something else")] = "json"


@get("/peers", opt=EITHER_SIDE, sync_to_thread=True, summary="Other nodes")
def listed(request: AnyRequest) -> list[Peer]:
    """Those that are linked now."""
    return peers.peers(node_of(request))


@post("/peers", opt=STEWARD, sync_to_thread=True, summary="Link another node")
def link(request: AnyRequest, data: JSONBody[NewPeer]) -> PeerLinked:
    """Takes the place of what was said of that party's node before. The party must be registered."""
    return done(peers.link(
        node_of(request), data.party, data.participant, data.url, data.by_hand, data.private, data.token
    ))  # fmt: skip


@post("/peers/{peer:str}/end", opt=STEWARD, sync_to_thread=True, summary="Unlink another node")
def unlink(request: AnyRequest, peer: FromPath[str]) -> PeerUnlinked:
    """Nothing more is said to it, nor heard from it."""
    return done(peers.unlink(node_of(request), peer))


@get("/peers/{peer:str}/catalogue", opt=EITHER_SIDE, sync_to_thread=True, summary="What another node has on offer")
def catalogue(request: AnyRequest, peer: FromPath[str], words: Words = "") -> dict[str, Any]:
    """As it was last read; it is read every hour, and at once if it never was."""
    visit, found = done(browse.catalogue(node_of(request), peer, words))
    return {"read": visit, "datasets": [entry_body(entry) for entry in found]}


@post("/peers/{peer:str}/catalogue", opt=EITHER_SIDE, status_code=200, sync_to_thread=True,
      summary="Read another node's catalogue now")  # fmt: skip
def read_catalogue(request: AnyRequest, peer: FromPath[str]) -> Visit:
    """How much there was in it."""
    return done(crawl.read(node_of(request), peer))


@get("/catalogues", opt=EITHER_SIDE, sync_to_thread=True, summary="Search all other nodes' catalogues")
def search(request: AnyRequest, words: Words = "") -> list[dict[str, Any]]:
    """As they were last read, the closest first; each entry says where it is from."""
    return [entry_body(entry) for entry in browse.search(node_of(request), words)]


def entry_body(entry: Entry) -> dict[str, Any]:
    """A dataset of another node as it is sent, each offer in words too."""
    one = entry.dataset
    return {
        "peer": entry.peer, "participant": entry.participant, "fetched": entry.fetched, "dataset": one.id,
        "title": one.title, "description": one.description, "keywords": one.keywords, "publisher": one.publisher,
        "licence": one.licence, "issued": one.issued, "formats": one.formats,
        "offers": [
            {"offer": rules.uid, "terms": [asdict(line) for line in in_words(rules)], "odrl": odrl.to_jsonld(rules)}
            for rules in one.offers
        ],
    }  # fmt: skip


@post("/peers/{peer:str}/negotiations", opt=EITHER_SIDE, sync_to_thread=True, summary="Ask another node for an offer")
def negotiate(request: AnyRequest, peer: FromPath[str], data: JSONBody[NewNegotiation]) -> talk.Spoken:
    """Opens a negotiation; how it goes on is told by its process."""
    node, by = node_of(request), who_is(request).party
    if not data.odrl:
        return done(browse.negotiate(node, peer, data.dataset, data.offer, by))
    return done(talk.negotiate(node, peer, data.dataset, _as_offered(odrl.read(data.odrl), data), by))


def _as_offered(rules: Ruleset, data: NewNegotiation) -> Ruleset:
    """The rules as they stand in a message, whose dataset is named beside them."""
    said = tuple(addressed(rule, data.dataset) for rule in rules.rules)
    return replace(rules, uid=data.offer or rules.uid, kind="Offer", rules=said)


@get("/processes", opt=EITHER_SIDE, sync_to_thread=True, summary="Negotiations and transfers with other nodes")
def list_processes(request: AnyRequest) -> list[processes.Standing]:
    """Yours, or all of the node's for its steward; the newest first."""
    return processes.processes(node_of(request), _whose(request))


@get("/processes/{process:str}", opt=EITHER_SIDE, sync_to_thread=True, summary="One of them, with its history")
def one_process(request: AnyRequest, process: FromPath[str]) -> dict[str, Any]:
    """Where it stands, every message with its time, and the rules, as ODRL in JSON-LD."""
    told = done(processes.process(node_of(request), process, _whose(request)))
    rules = told.rules
    return {
        **asdict(told.standing), "history": [asdict(step) for step in told.steps],
        "terms": [asdict(line) for line in in_words(rules)] if rules else [],
        "odrl": odrl.to_jsonld(rules) if rules else "",
    }  # fmt: skip


@post("/processes/{process:str}/messages", opt=EITHER_SIDE, sync_to_thread=True,
      summary="Move a negotiation or transfer with another node")  # fmt: skip
def say(request: AnyRequest, process: FromPath[str], data: JSONBody[Said]) -> talk.Spoken:
    """Queues a message of this side; its state is entered when the other side has taken it."""
    by = who_is(request).party
    return done(talk.say(node_of(request), process, data.message, by, data.code, tuple(data.reasons)))


@get("/agreements-held", opt=EITHER_SIDE, sync_to_thread=True, summary="Agreements with other nodes")
def list_held(request: AnyRequest) -> list[dict[str, Any]]:
    """What you may use of other nodes; an agreement goes by the negotiation that came to it."""
    rows = processes.held(node_of(request), _whose(request))
    return [{
        "negotiation": row.negotiation, "party": row.party, "peer": row.peer, "dataset": row.dataset, "named": row.named,
        "since": row.since, "odrl": odrl.to_jsonld(row.rules),
    } for row in rows]  # fmt: skip


@post("/agreements-held/{negotiation:str}/transfers", opt=EITHER_SIDE, sync_to_thread=True,
      summary="Ask for data under one")  # fmt: skip
def transfer(request: AnyRequest, negotiation: FromPath[str], data: JSONBody[NewDataTransfer]) -> talk.Spoken:
    """Opens a transfer; how it goes on is told by its process."""
    if data.authorization and not data.endpoint:
        raise BadInput("input.dataspace", "an authorization is for an endpoint, and there is none", "name the endpoint")
    shown = (("authorization", data.authorization), ("authType", "bearer")) if data.authorization else ()
    address = DataAddress(HTTP, data.endpoint, shown) if data.endpoint else None
    return done(talk.transfer(node_of(request), negotiation, data.format, who_is(request).party, address))


@post("/processes/{process:str}/pulls", opt=EITHER_SIDE, status_code=200, sync_to_thread=True,
      summary="Have data under a transfer")  # fmt: skip
def pull_data(request: AnyRequest, process: FromPath[str], data: JSONBody[NewPull]) -> Response[bytes]:
    """What the other node gives: from a node like this one an answer as to a question, else whatever it is."""
    accept = pull.TYPES[data.form]
    given = done(pull.pull(node_of(request), process, who_is(request).party, data.sql, data.purpose, accept))
    return as_file(given, process)


def as_file(given: pull.Pulled, name: str) -> Response[bytes]:
    """Bytes of another node, whatever they hold: as a file, never as a page of this one."""
    found = given.media_type.partition(";")[0].strip().lower()
    suffix = {media_type: suffix for suffix, media_type in pull.TYPES.items()}.get(found, "")
    headers = {"Content-Disposition": f'attachment; filename="{name}.{suffix or "data"}"'}
    return Response(given.body, media_type=found if suffix else "application/octet-stream", headers=headers)


def _whose(request: AnyRequest) -> str | None:
    """Whose processes are shown: None for all, to the steward."""
    who = who_is(request)
    return None if "steward" in who.scopes else who.party


router = Router("/api/v1", route_handlers=[
    listed, link, unlink, catalogue, read_catalogue, search, negotiate, list_processes, one_process, say, list_held, transfer,
    pull_data,
])  # fmt: skip
