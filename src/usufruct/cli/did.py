"""`did`: the node as a participant of a dataspace: what it is called, what it signs, and what others say of it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from usufruct.cli.app import HERE, Directory, command, done, doors, group, out, table
from usufruct.cli.credential import read_text
from usufruct.core.base.faults import BadInput
from usufruct.core.dataspace.claims import CredentialReceived
from usufruct.node.dataspace import wallet
from usufruct.node.node import Node
from usufruct.wire import jose

did = group("The node as a participant of a dataspace: its DID, its tokens, its own credentials.")


@command(did, "show")
def show(dir: Directory = HERE) -> None:
    """What the node is called, where its document lies, with which key it speaks, and what it demands of others."""
    with doors().open(dir) as node:
        name, demanded = node.connector.participant, ", ".join(node.identities.demanded) or "nothing"
        key = jose.public_key(jose.p256_jwk(node.identities.voice.public)).thumbprint
        service = node.about.url.rstrip("/") + wallet.SERVICE_PATH
    out.print(
        f"{name}\ndocument: {jose.did_address(name)}\nspeaks with the key {key} (P-256)\ncredential service: {service}\n"
        f"others must show: {demanded}",
        markup=False, soft_wrap=True,
    )  # fmt: skip


@command(did, "renew")
def renew(dir: Directory = HERE) -> None:
    """Let the node speak with another key from now on, and destroy the one before. Others find it within a minute."""
    with doors().open(dir) as node:
        node.identities.voice.renew()
        key = jose.public_key(jose.p256_jwk(node.identities.voice.public)).thumbprint
    out.print(f"the node speaks with the key {key}", markup=False)


@command(did, "token")
def token(
    audience: Annotated[str, typer.Argument(help="the DID of the participant it is for")],
    type: Annotated[
        list[str] | None, typer.Option(help="a type of credential that it lets ask for; without one, all that are held")
    ] = None,
    dir: Directory = HERE,
) -> None:
    """Sign a token that says who the node is, good once, for five minutes."""
    if not audience.startswith("did:web:"):
        raise BadInput("input.dataspace", f"`{audience}` is no participant", "give its DID, as did:web:city.example")
    with doors().open(dir) as node:
        text = wallet.token_for(node, audience, type)
    typer.echo(text)


@command(did, "receive")
def receive(
    file: Annotated[Path, typer.Argument(help="a file with the credential, a signed token")], dir: Directory = HERE
) -> None:
    """Keep a credential that somebody gave this node, to show it to others. Its issuer must stand in the settings."""
    text = read_text(file)

    async def keep(node: Node) -> CredentialReceived:
        services = node.connector.services()
        try:
            (fact,) = await wallet.receive(node, services, (text,))
        finally:
            await services.close()
        return fact

    with doors().open(dir) as node:
        fact = asyncio.run(keep(node))
    out.print(f"{fact.id}: {', '.join(fact.types)} by {fact.issuer}", markup=False, soft_wrap=True)


@command(did, "held")
def held(dir: Directory = HERE) -> None:
    """The credentials that this node holds and that have not run out."""
    with doors().open(dir) as node:
        found = wallet.holdings(node)
    table("", ["id", "types", "issuer", "profile", "until"], [
        [one.id, ", ".join(one.types), one.issuer, one.profile, one.until[:10]] for one in found
    ])  # fmt: skip


@command(did, "drop")
def drop(id: str, dir: Directory = HERE) -> None:
    """Show a credential to nobody any more."""
    with doors().open(dir) as node:
        fact = done(wallet.drop(node, id))
    out.print(f"{fact.id} is shown to nobody any more", markup=False)
