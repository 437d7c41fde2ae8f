"""`peer`: other nodes, of any maker; what they have on offer, negotiations and transfers with them.

Another node answers by calling this one. So a command that waits for it listens at the node's own address for as long as
it waits, as `usufruct serve` does all the time, and shows each state that the negotiation or transfer comes to.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from usufruct.cli.app import HERE, Directory, Refused, command, done, doors, group, out, table
from usufruct.connector import Entry
from usufruct.core.base.faults import NodeFault, PeerFault
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.dataspace.messages import PULL, PUSH, DataAddress
from usufruct.core.dataspace.wording import in_words
from usufruct.core.registry.state import Party
from usufruct.core.terms.model import Ruleset
from usufruct.node import register
from usufruct.node.dataspace import browse, crawl, outbox, peers, processes, talk
from usufruct.node.dataspace import pull as pulling
from usufruct.node.dataspace.dataplane import HTTP
from usufruct.node.dataspace.processes import Standing
from usufruct.node.node import Node

peer = group("Other nodes: their catalogues, and negotiations and transfers with them.")

By = Annotated[str, typer.Option("--as", help="the party that acts (default: the operator)")]
Whose = Annotated[str, typer.Option("--as", help="only those of this party (default: all)")]
Wait = Annotated[int, typer.Option(help="for how many seconds to wait for the other node; 0: do not wait")]
Host = Annotated[str, typer.Option(help="the address to listen on while waiting (default: that of the node's url)")]
Port = Annotated[int, typer.Option(help="the port to listen on while waiting (default: that of the node's url)")]

LOOK_SECONDS = 0.02


@command(peer, "add")
def add(
    party: Annotated[str, typer.Argument(help="the party whose node it is, as this node calls it")],
    url: Annotated[str, typer.Argument(help="where the node is, as https://city.example")],
    name: Annotated[str, typer.Option(help="registers the party under this name, if it is not known yet")] = "",
    kind: Annotated[str, typer.Option(help="what kind of party it is registered as")] = "organisation",
    participant: Annotated[str, typer.Option(help="which participant it is (default: the did:web of its site)")] = "",
    token: Annotated[str, typer.Option(help="the token that it gave this node to come with")] = "",
    endpoint: Annotated[bool, typer.Option("--endpoint", help="the URL is that of its protocol endpoints")] = False,
    by_hand: Annotated[bool, typer.Option("--by-hand", help="answer nothing to it without a person")] = False,
    private: Annotated[bool, typer.Option("--private", help="it may lie in a private network")] = False,
    dir: Directory = HERE,
) -> None:
    """Link another node."""
    with doors().open(dir) as node:
        with node.store.read() as state:
            known = state.get(Party, party) is not None
        found, known_as = peers.described(node, url, endpoint, private)
        if name and not known:
            done(register.add_party(node, party, kind, name))
        fact = done(peers.link(node, party, participant or known_as, found, by_hand, private, token))
    out.print(f"linked {fact.party}: {fact.participant} at {fact.url}", markup=False, soft_wrap=True)


@command(peer, "remove")
def remove(party: str, dir: Directory = HERE) -> None:
    """Have nothing more to do with another node."""
    with doors().open(dir) as node:
        fact = done(peers.unlink(node, party))
    out.print(f"unlinked {fact.party}", markup=False)


@command(peer, "list")
def list_peers(dir: Directory = HERE) -> None:
    """Other nodes, and when their catalogues were read."""
    with doors().open(dir) as node:
        found, visits = peers.peers(node), node.connector.catalogues.visits()
    rows = []
    for one in found:
        visit = visits.get(one.party)
        read = f"{visit.at[:16]}, {visit.entries} datasets" if visit else ""
        rows.append(
            [one.party, one.participant, one.url, "by hand" if one.by_hand else "", read, visit.failed if visit else ""]
        )
    table("", ["party", "participant", "endpoints", "answered", "catalogue", "trouble"], rows)


@command(peer, "catalog")
def catalog(
    party: str,
    search: Annotated[str, typer.Option(help="only what has these words")] = "",
    anew: Annotated[bool, typer.Option("--anew", help="read it now (default: as it was last read)")] = False,
    dir: Directory = HERE,
) -> None:
    """What another node has on offer, with the terms in words."""
    with doors().open(dir) as node:
        if anew:
            done(crawl.read(node, party))
        visit, found = done(browse.catalogue(node, party, search))
    _show(found)
    left = f"; {visit.left_out} could not be read" if visit.left_out else ""
    out.print(f"{len(found)} of {visit.entries} datasets of {party}, read {visit.at[:16]}{left}", markup=False)


@command(peer, "search")
def search(words: str, dir: Directory = HERE) -> None:
    """Search the catalogues of all other nodes, as they were last read."""
    with doors().open(dir) as node:
        found = browse.search(node, words)
    _show(found)
    out.print(f"{len(found)} found", markup=False)


def _show(found: list[Entry]) -> None:
    for entry in found:
        one = entry.dataset
        out.print(f"{one.id}: {one.title or 'without a title'}, from {entry.peer}", markup=False, soft_wrap=True)
        if one.description:
            out.print(f"  {one.description}", markup=False, soft_wrap=True)
        for rules in one.offers:
            out.print(f"  offer {rules.uid}", markup=False, soft_wrap=True)
            _tell_rules(rules, "    ")


def _tell_rules(rules: Ruleset, before: str) -> None:
    for line in in_words(rules):
        out.print(f"{before}{line.says}", markup=False, soft_wrap=True)
        for condition in line.conditions:
            out.print(f"{before}  {condition}", markup=False, soft_wrap=True)


@command(peer, "negotiate")
def negotiate(
    party: str,
    dataset: Annotated[str, typer.Argument(help="as the other node calls it")],
    offer: Annotated[str, typer.Option(help="which offer (default: the only one on the dataset)")] = "",
    by: By = "",
    wait: Wait = 60,
    host: Host = "",
    port: Port = 0,
    dir: Directory = HERE,
) -> None:
    """Ask another node for an offer, and wait for the agreement."""
    with doors().open(dir) as node:
        begun = done(browse.negotiate(node, party, dataset, offer, by or node.about.operator))
        end = _await(node, begun, wait, host, port, ("FINALIZED",))
        if end is not None:
            agreed = done(processes.process(node, end.process, None))
            out.print(f"{end.party} has an agreement with {end.peer} on {end.dataset}:", markup=False, soft_wrap=True)
            if agreed.rules:
                _tell_rules(agreed.rules, "  ")
            out.print(f'ask a question with `usufruct peer pull {end.process} "SELECT …"`', markup=False)


@command(peer, "transfer")
def transfer(
    negotiation: Annotated[str, typer.Argument(help="the negotiation that came to the agreement")],
    push_to: Annotated[str, typer.Option(help="have the data pushed to this URL (default: they are pulled)")] = "",
    token: Annotated[str, typer.Option(help="what that URL wants to be shown")] = "",
    by: By = "",
    wait: Wait = 60,
    host: Host = "",
    port: Port = 0,
    dir: Directory = HERE,
) -> None:
    """Ask for the data of an agreement with another node."""
    shown = (("authorization", token), ("authType", "bearer")) if token else ()
    address = DataAddress(HTTP, push_to, shown) if push_to else None
    with doors().open(dir) as node:
        begun = done(talk.transfer(node, negotiation, PUSH if push_to else PULL, by or node.about.operator, address))
        _await(node, begun, wait, host, port, ("STARTED", "COMPLETED"))


@command(peer, "pull")
def pull(
    name: Annotated[
        str, typer.Argument(help="a transfer that is started, or the negotiation that came to an agreement")
    ],
    sql: Annotated[str, typer.Argument(help="a question (default: what the other node gives to who just comes)")] = "",
    purpose: Annotated[str, typer.Option(help="what it is for (default: the only purpose of the agreement)")] = "",
    csv: Annotated[bool, typer.Option("--csv", help="ask for CSV (default: JSON)")] = False,
    to: Annotated[Path | None, typer.Option(help="write it to this file (default: on the screen)")] = None,
    by: By = "",
    wait: Wait = 60,
    host: Host = "",
    port: Port = 0,
    dir: Directory = HERE,
) -> None:
    """Have data from another node. Under an agreement a transfer is opened for it, and ended when they are there."""
    accept = pulling.TYPES["csv" if csv else "json"]
    with doors().open(dir) as node:
        party = by or node.about.operator
        opened = not name.startswith("transfer-")
        if opened:
            begun = done(talk.transfer(node, name, PULL, party))
            _await(node, begun, wait or 60, host, port, ("STARTED",))
            name = begun.process
        try:
            given = pulling.pull(node, name, party, sql, purpose, accept)
        finally:
            if opened:
                said = done(talk.say(node, name, "complete", party))
                _await(node, said, wait or 60, host, port, ())
    found = done(given)
    if to is None:
        typer.echo(found.body.decode(errors="replace"))
    else:
        to.write_bytes(found.body)
        out.print(f"wrote {to}: {len(found.body)} bytes of {found.media_type}", markup=False)


def _mover(name: str, message: str, help: str) -> None:
    def move(
        process: str,
        reason: Annotated[list[str] | None, typer.Option(help="why; the other node reads it; may be repeated")] = None,
        by: By = "",
        wait: Wait = 60,
        host: Host = "",
        port: Port = 0,
        dir: Directory = HERE,
    ) -> None:
        with doors().open(dir) as node:
            said = done(talk.say(node, process, message, by or node.about.operator, "", tuple(reason or ())))
            _await(node, said, wait, host, port, ())

    move.__doc__ = help
    command(peer, name)(move)


for _name, _message, _help in (
    ("agree", "agree", "As the provider: agree to what another node asked for."),
    ("offer", "offer", "As the provider: offer the same again."),
    ("finalize", "finalize", "As the provider: put a verified agreement into force."),
    ("accept", "accept", "As the consumer: accept what another node offered."),
    ("verify", "verify", "As the consumer: verify the agreement."),
    ("start", "start", "Start a transfer as the provider, or resume one."),
    ("suspend", "suspend", "Interrupt a transfer; it can be resumed."),
    ("complete", "complete", "Say that a transfer is done."),
    ("end", "terminate", "Give up a negotiation or transfer."),
):
    _mover(_name, _message, _help)


@command(peer, "processes")
def list_processes(by: Whose = "", dir: Directory = HERE) -> None:
    """Negotiations and transfers with other nodes, the newest first."""
    with doors().open(dir) as node:
        found = processes.processes(node, by or None)
    rows = [
        [
            one.process,
            one.role,
            one.party,
            one.peer,
            one.dataset,
            one.state,
            one.pending,
            "; ".join(one.failed or one.reasons),
        ]
        for one in found
    ]
    table("", ["process", "this node", "party", "peer", "dataset", "state", "on its way", "why"], rows)


@command(peer, "transfers")
def list_transfers(by: Whose = "", dir: Directory = HERE) -> None:
    """Transfers alone, the newest first."""
    with doors().open(dir) as node:
        found = [one for one in processes.processes(node, by or None) if one.kind == "transfer"]
    rows = [
        [one.process, one.role, one.peer, one.dataset, one.format, one.state, "; ".join(one.reasons)] for one in found
    ]
    table("", ["transfer", "this node", "peer", "dataset", "how", "state", "why"], rows)


@command(peer, "show")
def show(process: str, dir: Directory = HERE) -> None:
    """One negotiation or transfer: every message, and the terms."""
    with doors().open(dir) as node:
        told = done(processes.process(node, process, None))
    one = told.standing
    out.print(f"{one.process} with {one.peer}, this node as the {one.role}: {one.state}", markup=False)
    table("", ["at", "message", "by", "leads to", "why"], [
        [step.at[:19], step.message, step.by, step.state, "; ".join(step.reasons)] for step in told.steps
    ])  # fmt: skip
    if one.pending:
        out.print(f"on its way: {one.pending}", markup=False)
    for reason in one.failed:
        out.print(f"the last message was not taken: {reason}", markup=False, soft_wrap=True)
    if told.rules:
        _tell_rules(told.rules, "")
    if one.moves:
        out.print(f"this node can say: {', '.join(one.moves)}", markup=False)


@command(peer, "agreements")
def agreements(by: Whose = "", dir: Directory = HERE) -> None:
    """Agreements with other nodes that are in force."""
    with doors().open(dir) as node:
        found = processes.held(node, by or None)
    rows = [[one.negotiation, one.party, one.peer, one.dataset, one.since[:10]] for one in found]
    table("", ["negotiation", "party", "peer", "dataset", "since"], rows)


# ---- waiting


def _await(node: Node, begun: talk.Spoken, wait: int, host: str, port: int, good: tuple[str, ...]) -> Standing | None:
    """Shows how a process moves until it comes to a good state, or, where none is named, until what was said has arrived;
    None if nobody waits.

    Raises:
        Refused: it came to a bad end.
        PeerFault: it has not come to any yet.
    """
    if not wait:
        out.print(f"{begun.process}: {begun.pending} is said to the other node while this one is served", markup=False)
        return None
    until, shown = time.monotonic() + wait, len(done(processes.process(node, begun.process, None)).steps)
    with _listening(node, host, port), outbox.sending(node):
        while True:
            told = done(processes.process(node, begun.process, None))
            for step in told.steps[shown:]:
                by = "us" if step.by == told.standing.party else step.by
                out.print(f"{begun.process}: {step.state} ({step.message}, by {by})", markup=False)
            now, shown = told.standing, len(told.steps)
            if now.failed or (now.over and now.state not in (*good, "COMPLETED", "FINALIZED")):
                if good or now.failed:
                    raise Refused(_why_not(now))
                return now
            if now.state in good or (not good and not now.pending):
                return now
            if time.monotonic() > until:
                break
            time.sleep(LOOK_SECONDS)
    raise PeerFault(
        "peer.failed", f"`{now.peer}` has not answered within {wait} seconds; {now.process} stands at {now.state}",
        f"it goes on while this node is served; look at it with `usufruct peer show {now.process}`",
    )  # fmt: skip


def _why_not(now: Standing) -> Refusal:
    """The end of a process that nobody wished for, with what the other node said."""
    reasons = now.failed or now.reasons or ("no reason was given",)
    return refuse(
        "contract.ended", f"{now.kind} `{now.process}` with `{now.peer}` came to nothing", *reasons,
        remedy=f"see `usufruct peer show {now.process}`; ask for another offer, or ask who runs that node",
    )  # fmt: skip


@contextlib.contextmanager
def _listening(node: Node, host: str, port: int) -> Iterator[None]:
    """Serves the node for as long as the block lasts, so that others reach it.

    Raises:
        NodeFault: it cannot listen there.
    """
    import uvicorn

    from usufruct.web.app import make_app  # as for `serve`: it takes half a second to load

    place = urlsplit(node.about.url)
    host, port = host or place.hostname or "127.0.0.1", port or place.port or {"https": 443}.get(place.scheme, 80)
    server = uvicorn.Server(
        uvicorn.Config(make_app(node), host=host, port=port, log_level="critical", access_log=False)
    )

    def serve() -> None:
        with contextlib.suppress(SystemExit):  # that it could not listen is told below
            server.run()

    thread = threading.Thread(target=serve, name="listener", daemon=True)
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(LOOK_SECONDS)
        if not server.started:
            raise NodeFault(
                "node.address", f"nobody can listen at {host}:{port}, where the other node has to answer",
                "give --host and --port where this node is reached, or stop who listens there",
            )  # fmt: skip
        yield
    finally:
        server.should_exit = True
        thread.join()
