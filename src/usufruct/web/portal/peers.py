"""The pages of other nodes: who they are, what they have on offer, and how negotiations and transfers with them go."""

from __future__ import annotations

import json
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery

from usufruct.connector import Entry
from usufruct.core.contract import negotiation, transfer
from usufruct.core.dataspace import rules
from usufruct.core.dataspace.messages import PULL
from usufruct.core.dataspace.wording import in_words
from usufruct.node import views
from usufruct.node.dataspace import browse, crawl, peers, processes, pull, talk, wallet
from usufruct.node.dataspace.processes import Standing, Told
from usufruct.node.node import Node
from usufruct.web.api import done
from usufruct.web.auth import node_of, who_is
from usufruct.web.participants import described
from usufruct.web.peers import as_file
from usufruct.web.portal import pages
from usufruct.web.portal.pages import STANDS, AnyRequest, Form, Page, PageNumber, back_to, field, page
from usufruct.web.portal.states import drawing

SIDES = {"rule": ("negotiate", "steward")}
STEWARD = {"rule": ("steward",)}
PART, LISTED = 20, 50
COLUMNS, ROWS, SAID = 100, 200, 2000  # of an answer that is shown; SAID in letters
TABLES = {"negotiation": negotiation.MOVES, "transfer": transfer.MOVES}

# What the button for a message says; and which of them may say why.
MOVES = {
    "request": "Ask for the same again", "offer": "Offer the same again", "agree": "Agree", "accept": "Accept",
    "verify": "Verify", "finalize": "Put into force", "start": "Start", "suspend": "Interrupt", "complete": "Say that it is done",
    "terminate": "Give up",
}  # fmt: skip
WITH_REASON = ("suspend", "terminate")

# Where a transfer stands, in words; a negotiation has its own.
TRANSFER_STANDS = {
    "START": "it was not taken yet",
    "REQUESTED": "asked for; the provider has to start it",
    "STARTED": "the data can be had",
    "SUSPENDED": "interrupted; it can be resumed",
    "COMPLETED": "done",
    "TERMINATED": "ended",
}
IN_WORDS = {"negotiation": {**STANDS, "START": "it was not taken yet"}, "transfer": TRANSFER_STANDS}


@get("/nodes", opt=SIDES, include_in_schema=False, sync_to_thread=True)
def show(request: AnyRequest, number: PageNumber = 1) -> Page:
    """Other nodes; negotiations and transfers with them; what was agreed."""
    node, whose = node_of(request), _whose(request)
    found = peers.peers(node)
    return page(
        request, "nodes.html", "Other nodes", peers=found, visits=node.connector.catalogues.visits(),
        names=_names(node, [one.party for one in found]), participant=node.connector.participant, endpoints=node.connector.url,
        processes=pages.part(processes.processes(node, whose), number, PART), in_words=IN_WORDS,
        held=pages.part(processes.held(node, whose), 1, LISTED), steward=whose is None, party=who_is(request).party,
        own=described(node), credentials=wallet.holdings(node) if whose is None else (),
    )  # fmt: skip


@post("/nodes/credentials/{credential:str}/drop", opt=STEWARD, include_in_schema=False, sync_to_thread=True)
def drop_credential(request: AnyRequest, credential: FromPath[str]) -> Response[Any]:
    """Shows a credential of the node to nobody any more."""
    done(wallet.drop(node_of(request), credential))
    return back_to("/nodes#own")


@post("/nodes", opt=STEWARD, include_in_schema=False, sync_to_thread=True)
def link(request: AnyRequest, data: Form) -> Response[Any]:
    """Links another node; without the address of its endpoints it is asked where they are."""
    node, party, site = node_of(request), field(data, "party", 63), field(data, "site", 2000)
    private, by_hand = field(data, "private", 3) == "yes", field(data, "by-hand", 3) == "yes"
    participant = field(data, "participant", 2000)
    endpoints, known_as = peers.described(node, site, field(data, "exactly", 3) == "yes", private)
    done(peers.link(node, party, participant or known_as, endpoints, by_hand, private, field(data, "token", 10_000)))
    return back_to("/nodes")


@post("/nodes/{peer:str}/end", opt=STEWARD, include_in_schema=False, sync_to_thread=True)
def unlink(request: AnyRequest, peer: FromPath[str]) -> Response[Any]:
    """Has nothing more to do with another node."""
    done(peers.unlink(node_of(request), peer))
    return back_to("/nodes")


@get("/nodes/search", opt=SIDES, include_in_schema=False, sync_to_thread=True)
def search(request: AnyRequest, words: FromQuery[str] = "") -> Page:
    """What is on offer at any of them, as it was last read."""
    words = words[:500]
    found = browse.search(node_of(request), words)[:LISTED]
    return page(request, "nodes-found.html", "Search other nodes", words=words, found=_offered(found), most=LISTED)


@get("/nodes/{peer:str}/catalogue", opt=SIDES, include_in_schema=False, sync_to_thread=True)
def catalogue(request: AnyRequest, peer: FromPath[str], words: FromQuery[str] = "") -> Page:
    """What one of them has on offer."""
    node, words = node_of(request), words[:500]
    visit, found = done(browse.catalogue(node, peer, words))
    return page(
        request, "node.html", f"On offer at {peer}", peer=peer, name=_names(node, [peer])[peer], words=words, visit=visit,
        found=_offered(found[:LISTED]), most=LISTED,
    )  # fmt: skip


@post("/nodes/{peer:str}/catalogue", opt=SIDES, include_in_schema=False, sync_to_thread=True)
def read_catalogue(request: AnyRequest, peer: FromPath[str]) -> Response[Any]:
    """Reads it now."""
    done(crawl.read(node_of(request), peer))
    return back_to(f"/nodes/{peer}/catalogue")


@post("/nodes/{peer:str}/negotiations", opt=SIDES, include_in_schema=False, sync_to_thread=True)
def negotiate(request: AnyRequest, peer: FromPath[str], data: Form) -> Response[Any]:
    """Asks for an offer, then shows how that goes."""
    dataset, offer = field(data, "dataset", 2000), field(data, "offer", 2000)
    begun = done(browse.negotiate(node_of(request), peer, dataset, offer, who_is(request).party))
    return back_to(f"/processes/{begun.process}")


@get("/processes/{name:str}", opt=SIDES, include_in_schema=False, sync_to_thread=True)
def process(request: AnyRequest, name: FromPath[str]) -> Page:
    """A negotiation or transfer: where it stands, how it came there, and what can be said now."""
    node, party = node_of(request), who_is(request).party
    told = done(processes.process(node, name, _whose(request)))
    one, mine = told.standing, told.standing.party == party
    consumes = mine and one.role == "consumer"
    never = one.over and one.state == negotiation.START
    return page(
        request, "process.html", f"{one.kind.capitalize()} with {one.peer}", one=one, steps=told.steps, drawn=_drawn(told),
        words="it never began" if never else IN_WORDS[one.kind][one.state], waits=not one.over,
        terms=in_words(told.rules) if told.rules else (), with_reason=WITH_REASON,
        moves=[(message, MOVES[message]) for message in one.moves] if mine else [],
        may_transfer=consumes and (one.kind, one.state) == ("negotiation", "FINALIZED"),
        may_pull=consumes and (one.kind, one.state, one.format) == ("transfer", "STARTED", PULL),
        names=_names(node, [one.party, one.peer]),
    )  # fmt: skip


@post("/processes/{name:str}", opt=SIDES, include_in_schema=False, sync_to_thread=True)
def say(request: AnyRequest, name: FromPath[str], data: Form) -> Response[Any]:
    """Says something to the other node."""
    reason, message = field(data, "reason", rules.REASON_MAX), field(data, "message", 20)
    done(talk.say(node_of(request), name, message, who_is(request).party, "", (reason,) if reason else ()))
    return back_to(f"/processes/{name}")


@post("/processes/{name:str}/pulls", opt=SIDES, include_in_schema=False, status_code=200, sync_to_thread=True)
def pull_data(request: AnyRequest, name: FromPath[str], data: Form) -> Response[Any]:
    """What the other node gives to a question, as a page if it is an answer as this node knows them, else as a file."""
    text, purpose, csv = field(data, "sql", 10_000), field(data, "purpose", 100), field(data, "as", 4) == "file"
    accept = pull.TYPES["csv" if csv else "json"]
    given = done(pull.pull(node_of(request), name, who_is(request).party, text, purpose, accept))
    table = None if csv else _table(given)
    if table is None:
        return as_file(given, name)
    return page(request, "pulled.html", "Answer of another node", name=name, text=text, purpose=purpose, **table)


def _table(given: pull.Pulled) -> dict[str, Any] | None:
    """An answer as a table to be shown; None if it is none, or a large one. It is another node's, so it may be anything."""
    try:
        found = json.loads(given.body)
        columns, rows = found["columns"], found["rows"]
        said = {name: str(found.get(name, ""))[:SAID] for name in ("meaning", "price", "agreement", "use")}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    if not (
        _plain(columns, COLUMNS) and isinstance(rows, list) and all(_plain(row, len(columns)) for row in rows[:ROWS])
    ):
        return None
    notes = found.get("notes")
    return {
        "columns": columns, "rows": rows[:ROWS], "total": len(rows), "notes": notes if _plain(notes, COLUMNS) else [], **said,
    }  # fmt: skip


def _plain(cells: Any, most: int) -> bool:
    """Whether these are at most so many cells of a table, none too long to be shown."""
    return isinstance(cells, list) and len(cells) <= most and all(
        cell is None or isinstance(cell, int | float) or (isinstance(cell, str) and len(cell) <= SAID) for cell in cells
    )  # fmt: skip


@post("/processes/{name:str}/transfers", opt=SIDES, include_in_schema=False, sync_to_thread=True)
def ask_for_data(request: AnyRequest, name: FromPath[str]) -> Response[Any]:
    """Asks for data under the agreement that a negotiation came to, to be pulled."""
    begun = done(talk.transfer(node_of(request), name, PULL, who_is(request).party))
    return back_to(f"/processes/{begun.process}")


def _whose(request: AnyRequest) -> str | None:
    """Whose processes are shown: None for all, to the steward."""
    who = who_is(request)
    return None if "steward" in who.scopes else who.party


def _names(node: Node, parties: list[str]) -> dict[str, str]:
    with node.store.read() as state:
        return {party: views.name_of(state, party) for party in parties}


def _offered(found: list[Entry]) -> list[tuple[Entry, list[tuple[str, Any]]]]:
    """Each dataset with its offers, by their names, in words."""
    return [(entry, [(rules.uid, in_words(rules)) for rules in entry.dataset.offers]) for entry in found]


def _drawn(told: Told) -> Any:
    one: Standing = told.standing
    passed = [step.state for step in told.steps]
    said = {step.state: f"{step.at[:10]} {step.at[11:16]} UTC" for step in told.steps}
    return drawing("map", f"The states of a {one.kind}; it stands at {one.state}", TABLES[one.kind], passed, said)


handlers = [
    show, drop_credential, link, unlink, search, catalogue, read_catalogue, negotiate, process, say, ask_for_data, pull_data,
]  # fmt: skip
