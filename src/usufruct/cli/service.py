"""`service`, `client`: systems that call each other through nodes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

import typer

from usufruct.cli.app import HERE, Directory, command, done, doors, err, group, out, table
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import parse as parse_instant
from usufruct.core.exchange.facts import ServiceRegistered
from usufruct.core.exchange.message import HOLD, HOLD_DAYS
from usufruct.core.exchange.speakers import Caller
from usufruct.core.exchange.state import FIND_USAGE, OWN, Client
from usufruct.core.registry.rules import id_of
from usufruct.node import call as calls
from usufruct.node import reconcile as books
from usufruct.node import services
from usufruct.node.node import Node
from usufruct.ports import Services
from usufruct.wire import xroad

service = group("Systems that are called through the node.")
client = group("Systems that call.")

Purposes = Annotated[list[str], typer.Option("--purpose", help="what it may be used for; may be repeated")]
Since = Annotated[str, typer.Option(help="the first day or moment")]
Until = Annotated[str, typer.Option(help="the day or moment before which it ends")]
Private = Annotated[bool, typer.Option("--private", help="it may lie in a private network")]


@command(service, "register")
def register(
    id: Annotated[str, typer.Argument(help="instance/class/member/subsystem/service")],
    title: Annotated[str, typer.Option(help="what people call it")],
    purpose: Purposes,
    url: Annotated[
        str, typer.Option(help="where it lies; nothing for findUsage and match, which the node answers")
    ] = "",
    method: Annotated[list[str] | None, typer.Option(help="what it may be asked with; may be repeated")] = None,
    grade: Annotated[int, typer.Option(help="how sensitive its answers are, 0 to 4")] = 3,
    person: Annotated[str, typer.Option(help="where a call says whom it is about: path:2 or query:code")] = "",
    prefix: Annotated[str, typer.Option(help="stands before her code in the name she is known by")] = "",
    openapi: Annotated[str, typer.Option(help="where its OpenAPI description lies")] = "",
    private: Private = False,
    dir: Directory = HERE,
) -> None:
    """Register a service behind HTTP."""
    code = id.rpartition("/")[2]
    if not url and code not in OWN:
        raise BadInput("input.url", "the service has no address", f"give --url; only {' and '.join(OWN)} go without")
    usage, methods = not url and OWN[code] == FIND_USAGE, ["GET"] if url or OWN[code] == FIND_USAGE else ["POST"]
    with doors().open(dir) as node:
        fact = done(services.register_service(node, ServiceRegistered(
            id, node.about.operator, title, url or OWN[code], tuple(purpose), tuple(method or methods), grade,
            "query:userCode" if usage else person, prefix, openapi, private,
        )))  # fmt: skip
    out.print(f"registered {fact.service}; open it to a client with `usufruct service open`", markup=False)


@command(service, "withdraw")
def withdraw(id: str, dir: Directory = HERE) -> None:
    """Take a service back from everybody."""
    with doors().open(dir) as node:
        fact = done(services.withdraw_service(node, id))
    out.print(f"withdrew {fact.service}", markup=False)


@command(service, "open")
def open_to(
    id: str,
    client: Annotated[str, typer.Argument(help="instance/class/member/subsystem")],
    purpose: Purposes,
    default: Annotated[str, typer.Option(help="the purpose of calls that name none")] = "",
    until: Annotated[str | None, typer.Option(help="a day; without it for good")] = None,
    dir: Directory = HERE,
) -> None:
    """Let a client call a service."""
    with doors().open(dir) as node:
        end = parse_instant(until) if until else None
        fact = done(services.open_service(node, id, client, tuple(purpose), default, end))
    out.print(f"{fact.client} may call {fact.service} for {', '.join(fact.purposes)}", markup=False)


@command(service, "close")
def close_to(id: str, client: str, dir: Directory = HERE) -> None:
    """Take a client's access back."""
    with doors().open(dir) as node:
        fact = done(services.close_service(node, id, client))
    out.print(f"{fact.client} may no longer call {fact.service}", markup=False)


@command(service, "link")
def link(
    subsystem: Annotated[str, typer.Argument(help="instance/class/member/subsystem")],
    url: str,
    private: Private = False,
    dir: Directory = HERE,
) -> None:
    """Say which node answers for a subsystem."""
    with doors().open(dir) as node:
        fact = done(services.link_node(node, subsystem, url, private))
    out.print(f"calls to {fact.subsystem} go to {fact.url}", markup=False)


@command(service, "list")
def show(dir: Directory = HERE) -> None:
    """Services, clients, access rights, linked nodes, and how many calls there were."""
    with doors().open(dir) as node:
        page = services.services_page(node)
    table("services", ["id", "title", "lies at", "purposes"], [
        [s.id, s.title, s.url, ", ".join(s.purposes)] for s in page.services
    ])  # fmt: skip
    table("clients", ["id", "party", "proves itself by"], [
        [c.id, c.party, f"tokens of {c.via}" + (" or a node's key" if c.key_of_node else "")] for c in page.clients
    ])  # fmt: skip
    table("access rights", ["service", "client", "purposes", "until"], [
        [r.service, r.client, ", ".join(r.purposes), r.until[:10]] for r in page.rights
    ])  # fmt: skip
    table("linked nodes", ["subsystem", "node"], [[n.subsystem, n.url] for n in page.nodes])
    table("calls", ["day", "service", "client", "answered", "abandoned", "refused"], [
        [t.day, t.service, t.client, t.answered, t.abandoned, t.refused] for t in page.traffic
    ], ("answered", "abandoned", "refused"))  # fmt: skip


@command(service, "call")
def call(
    id: str,
    client: Annotated[str, typer.Option(help="the client that calls")],
    path: Annotated[str, typer.Argument(help="behind the service code, as /v1/persons/7?full=1")] = "",
    purpose: Annotated[str, typer.Option(help="what for; default: what is set for the client")] = "",
    method: Annotated[str, typer.Option(help="GET, POST …")] = "GET",
    data: Annotated[Path | None, typer.Option(help="a file with the body")] = None,
    user: Annotated[str, typer.Option(help="X-Road-UserId: who at the client asks")] = "",
    issue: Annotated[str, typer.Option(help="X-Road-Issue: the case it belongs to")] = "",
    by: Annotated[
        str, typer.Option("--as", help="who speaks for the client, such as an agent (default: who is registered)")
    ] = "",
    hold: Annotated[str, typer.Option(help="ground on which to withhold the call from whom it is about")] = "",
    hold_days: Annotated[int | None, typer.Option(help="for how many days (default: as long as one may)")] = None,
    dir: Directory = HERE,
) -> None:
    """Call a service of this node, or of one that it is linked to, as one of its clients."""
    from usufruct.web.xroad import arrived  # only this command needs the web, and it takes a while to load

    if data is not None and not data.is_file():
        raise BadInput("input.file", f"there is no file `{data}`", "name the file that holds the body")
    named = {
        b"x-road-client": client, b"usufruct-purpose": purpose, b"x-road-userid": user, b"x-road-issue": issue,
        HOLD: hold, HOLD_DAYS: "" if hold_days is None else str(hold_days),
    }  # fmt: skip
    headers = tuple((name, value.encode()) for name, value in named.items() if value)
    beneath, _, query = path.partition("?")
    target = calls.target(id, beneath.encode())
    read = xroad.read(method, target, query.encode(), headers, data.read_bytes() if data else b"")
    with doors().open(dir) as node:
        with node.store.read() as state:
            row = state.get(Client, read.client)
            caller = Caller(party=id_of(state, by) if by else row.via if row else node.about.operator)
        answered = asyncio.run(_handle(node, arrived(read, caller)))
    if isinstance(answered, calls.Refused):
        done(answered.refusal)
        return
    out.print(answered.reply.body.decode(errors="replace"), markup=False, soft_wrap=True)
    err.print(
        f"status {answered.reply.status}; fact {answered.receipt}; request hash {answered.hash}",
        markup=False,
        soft_wrap=True,
    )


@contextlib.asynccontextmanager
async def outbound() -> AsyncIterator[Services]:
    """Connections to services, for as long as one command needs them."""
    from usufruct.peer.services import HttpServices  # takes a fifth of a second to load

    found = HttpServices()
    try:
        yield found
    finally:
        await found.close()


async def _handle(node: Node, asked: calls.Arrived) -> calls.Answered | calls.Refused:
    async with outbound() as connections:
        return await calls.handle(node, connections, asked)


@command(service, "calls")
def list_calls(
    client: Annotated[str, typer.Option(help="the client that calls")],
    subsystem: Annotated[str, typer.Option(help="the subsystem that is called")],
    since: Since,
    until: Until,
    dir: Directory = HERE,
) -> None:
    """The request hash and instant of each call between a client and a subsystem, to be compared."""
    with doors().open(dir) as node:
        found = books.in_period(node, client, subsystem, parse_instant(since), parse_instant(until))
    for line in found:
        typer.echo(line)


@command(service, "compare")
def compare(ours: Path, theirs: Path, since: Since, until: Until) -> None:
    """Compare two lists of calls and name those that only one side has."""
    found = []
    for file in (ours, theirs):
        try:
            found.append(books.read_lines(file.read_text(encoding="utf-8").splitlines()))
        except (OSError, ValueError) as error:
            raise BadInput(
                "input.file", f"`{file}` is not a list of calls: {error}", "make it with `service calls`"
            ) from None
    _tell(books.compare(found[0], found[1], parse_instant(since), parse_instant(until)))


@command(service, "reconcile")
def reconcile(url: str, since: Since, until: Until, dir: Directory = HERE) -> None:
    """Compare the calls that this node sent to another with what that one received."""
    with doors().open(dir) as node:
        _tell(asyncio.run(_reconcile(node, url, since, until)))


async def _reconcile(node: Node, url: str, since: str, until: str) -> books.Reconciliation:
    async with outbound() as connections:
        return await books.reconcile(node, connections, url, parse_instant(since), parse_instant(until))


def _tell(found: books.Reconciliation) -> None:
    """What both have and what only one has; the command fails if there is any of the latter."""
    out.print(f"{found.both} calls are in both journals", markup=False)
    for who, only in (("here", found.only_ours), ("there", found.only_theirs)):
        for hash, at in only:
            err.print(f"only {who}: {hash} of {at}", markup=False, soft_wrap=True)
    if found.only_ours or found.only_theirs:
        raise typer.Exit(1)


@command(client, "register")
def register_client(
    id: Annotated[str, typer.Argument(help="instance/class/member/subsystem")],
    party: Annotated[str, typer.Option(help="whose it is")],
    via: Annotated[
        str, typer.Option(help="whose tokens speak for it, such as who runs a gateway (default: the party)")
    ] = "",
    key: Annotated[str, typer.Option(help="the public key of the node that signs its calls")] = "",
    dir: Directory = HERE,
) -> None:
    """Register a calling system, or give it another way to prove itself."""
    with doors().open(dir) as node:
        fact = done(services.register_client(node, id, party, via, key))
    out.print(f"{fact.client} is a system of {fact.party}", markup=False)
