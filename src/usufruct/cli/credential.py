"""`credential`: show one to the node, issue one; and what a holder does with hers, on her own machine and without a node."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from usufruct.cli.app import HERE, Directory, command, done, doors, group, out, table
from usufruct.core.base.faults import BadInput
from usufruct.core.base.ids import did_web
from usufruct.core.base.instants import seconds
from usufruct.core.registry.credentials import Scalar
from usufruct.node import identity
from usufruct.store.keys import SystemClock
from usufruct.wire import jose, openbadges, sdjwt

credential = group("What others say of a party: credentials shown, and credentials issued.")

Party = Annotated[str, typer.Option("--as", help="the party whose credential it is")]


def read_text(file: Path) -> str:
    """What is in a file, without white space around it.

    Raises:
        BadInput: there is no such file, or it is no text.
    """
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        raise BadInput("input.file", f"there is no text file `{file}`", "name one that is there") from None


@command(credential, "challenge")
def challenge(party: Party, dir: Directory = HERE) -> None:
    """A nonce that the holder of a credential signs to show it to this node."""
    with doors().open(dir) as node:
        found = identity.challenge(node, party)
    out.print(
        f"nonce: {found.nonce}\naudience: {found.audience}\ngood until {found.until}", markup=False, soft_wrap=True
    )


@command(credential, "present")
def present(
    file: Annotated[Path, typer.Argument(help="the credential, signed by its holder")],
    party: Party,
    keep: Annotated[list[str] | None, typer.Option(help="a claim that rules may use; may be repeated")] = None,
    dir: Directory = HERE,
) -> None:
    """Show a credential to the node; of its claims only those named by --keep are kept."""
    with doors().open(dir) as node:
        fact = done(identity.present(node, party, read_text(file), tuple(keep or ())))
    claims = ", ".join(f"{claim.name} = {' or '.join(map(str, claim.values))}" for claim in fact.claims)
    out.print(f"{fact.id}: {fact.type} by {fact.issuer}; kept: {claims or 'no claim'}", markup=False, soft_wrap=True)


@command(credential, "list")
def show(party: Party, dir: Directory = HERE) -> None:
    """A party's credentials, what was kept of them, and whether they count."""
    with doors().open(dir) as node:
        found = identity.shown_by(node, party)
    table("", ["id", "type", "issuer", "claims", "until", "stands"], [
        [one.id, one.type, one.issuer, ", ".join(one.claims), one.until[:10], one.stands] for one in found
    ])  # fmt: skip


@command(credential, "forget")
def forget(id: str, party: Party, dir: Directory = HERE) -> None:
    """Take a credential back: rules no longer use it."""
    with doors().open(dir) as node:
        fact = done(identity.forget(node, party, id))
    out.print(f"{fact.id} counts no more", markup=False)


@command(credential, "issue")
def issue(
    party: Annotated[str, typer.Argument(help="who gets it")],
    type: Annotated[str, typer.Option(help="an address that names the type")],
    key: Annotated[Path, typer.Option(help="a file with the holder's public key, a JWK")],
    claim: Annotated[list[str] | None, typer.Option(help="name=value; may be repeated")] = None,
    days: Annotated[int, typer.Option(help="for how long it is good")] = 365,
    to: Annotated[Path, typer.Option(help="where to put it")] = Path("credential.txt"),
    dir: Directory = HERE,
) -> None:
    """Issue a credential to a party, signed with the node's key. What is claimed is in the credential only."""
    with doors().open(dir) as node:
        issuer = did_web(node.about.url)
        text = done(identity.issue(node, issuer, party, type, _claims(claim or []), read_text(key), days))
    _write(to, text)
    out.print(f"{issuer} issued {type} to {party}: {to}", markup=False, soft_wrap=True)


def _claims(given: list[str]) -> dict[str, Scalar]:
    """`name=value`, where whole numbers, true and false are that and everything else is text."""
    found: dict[str, Scalar] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not name or not equals or name in found:
            raise BadInput("input.credential", f"`{text}` is not a claim, or one twice", "write --claim name=value")
        found[name] = {"true": True, "false": False}.get(
            value, int(value) if value.isascii() and value.isdigit() else value
        )
    return found


@command(credential, "issued")
def issued(dir: Directory = HERE) -> None:
    """The credentials that this node issued."""
    with doors().open(dir) as node:
        found = identity.issued(node)
    table("", ["place", "party", "type", "until", "stands"], [
        [one.index, one.party, one.type, one.until[:10], one.stands] for one in found
    ], ("place",))  # fmt: skip


@command(credential, "revoke")
def revoke(place: Annotated[int, typer.Argument(help="its place in the status list")], dir: Directory = HERE) -> None:
    """Revoke a credential that this node issued."""
    with doors().open(dir) as node:
        fact = done(identity.revoke(node, place))
    out.print(f"the credential at place {fact.index} is revoked", markup=False)


@command(credential, "key")
def key(
    file: Annotated[Path, typer.Argument(help="where to put the private key; the public one goes beside it, as .pub")],
) -> None:
    """For a holder: make a key to which credentials can be bound. It needs no node."""
    private, public = jose.new_key()
    _write(file, private)
    file.with_name(file.name + ".pub").write_text(public + "\n", encoding="utf-8")
    out.print(f"a private key in {file}, which is yours alone; the public one in {file}.pub", markup=False)


@command(credential, "sign")
def sign(
    file: Annotated[Path, typer.Argument(help="the credential as it was issued")],
    key: Annotated[Path, typer.Option(help="the holder's private key")],
    nonce: Annotated[str, typer.Option(help="what the node gave")],
    audience: Annotated[str, typer.Option(help="the address of the node")],
    disclose: Annotated[list[str] | None, typer.Option(help="a claim to disclose; may be repeated")] = None,
    to: Annotated[Path, typer.Option(help="where to put what is to be shown")] = Path("shown.txt"),
) -> None:
    """For a holder: choose what to disclose of a credential, and sign it for one node. A badge is shown whole. It needs no
    node."""
    wanted = disclose or []
    try:
        private = jose.private_key(read_text(key))
        at, held = seconds(SystemClock().now()), read_text(file)
        if openbadges.is_one(held):
            public = jose.public_key(private.imported.as_dict(private=False))
            text, wanted = openbadges.present(held, audience, nonce, at, private, public), ["all of it"]
        else:
            chosen = sdjwt.present(held, dict.fromkeys(wanted, True))
            text = sdjwt.bind(chosen, audience, nonce, at, private.algorithm, private.sign)
    except ValueError as error:
        raise BadInput(
            "input.credential", f"it cannot be signed: {error}", "give the credential and the key it is bound to"
        ) from None
    _write(to, text)
    out.print(
        f"signed for {audience}, with {', '.join(wanted) or 'nothing'} disclosed: {to}", markup=False, soft_wrap=True
    )


def _write(file: Path, text: str) -> None:
    """A file that nobody else on the machine can read, and that was not there before."""
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as made:
            made.write(text + "\n")
    except OSError:
        raise BadInput(
            "input.file", f"`{file}` cannot be written, or is there already", "choose another file"
        ) from None
