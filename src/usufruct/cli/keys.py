"""`key`, `login`: with what programs of a party sign, and at which provider people log in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from usufruct.cli.app import HERE, Directory, command, done, doors, group, out, table
from usufruct.cli.credential import read_text
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import END_OF_TIME
from usufruct.core.base.instants import parse as parse_instant
from usufruct.node import identity
from usufruct.node import login as logins
from usufruct.wire import jose

key = group("Public keys with which programs of a party sign.")
login = group("Logging in at an OpenID Connect provider.")

Role = Annotated[str, typer.Option(help="steward, user, member or system")]


@command(key, "register")
def register(
    party: str,
    role: Role,
    file: Annotated[Path | None, typer.Argument(help="a file with the public key, a JWK")] = None,
    did: Annotated[str, typer.Option(help="a did:web instead: the keys for authentication in its document")] = "",
    private: Annotated[bool, typer.Option("--private", help="the document may lie in a private network")] = False,
    until: Annotated[str | None, typer.Option(help="a day; without it for good")] = None,
    dir: Directory = HERE,
) -> None:
    """Let who signs with a key speak for a party."""
    if (file is None) == (not did):
        raise BadInput("input.key", "give a file with a key, or a did:web", "name one of the two")
    end = parse_instant(until) if until else END_OF_TIME
    with doors().open(dir) as node:
        try:
            if did:
                document = node.identities.documents.get(jose.did_address(did), private)
                keys = jose.did_keys(document, did, "authentication")
            else:
                assert file is not None
                keys = (jose.public_key(jose.strict_json(read_text(file))),)
        except ValueError as error:
            raise BadInput("input.key", str(error), "give a public JWK, Ed25519 or P-256") from None
        facts = [done(identity.register_key(node, party, role, k.thumbprint, k.jwk, end, did)) for k in keys]
    for fact in facts:
        out.print(f"{fact.thumbprint} speaks for {party}, as {fact.role}", markup=False)


@command(key, "list")
def show(party: str, dir: Directory = HERE) -> None:
    """A party's keys."""
    with doors().open(dir) as node:
        found = identity.keys_of(node, party)
    table("", ["thumbprint", "role", "since", "until", "stands"], [
        [one.thumbprint, one.role, one.since[:10], one.until[:10], "revoked" if one.revoked else "good"] for one in found
    ])  # fmt: skip


@command(key, "revoke")
def revoke(party: str, thumbprint: str, dir: Directory = HERE) -> None:
    """Revoke a key: every token that was got with it is refused from the next request on."""
    with doors().open(dir) as node:
        fact = done(identity.revoke_key(node, party, thumbprint))
    out.print(f"{fact.thumbprint} speaks for nobody", markup=False)


@command(login, "link")
def link(
    party: str,
    role: Role,
    subject: Annotated[str, typer.Option(help="who she is at the provider (`sub`)")],
    dir: Directory = HERE,
) -> None:
    """Link an account to who its party is at the login provider."""
    with doors().open(dir) as node:
        logins.link_subject(node, party, role, subject)
        assert node.identities.openid is not None
        issuer = node.identities.openid.issuer
    out.print(f"whoever is {subject} at {issuer} logs in as {party}", markup=False, soft_wrap=True)


@command(login, "list")
def list_links(party: str, dir: Directory = HERE) -> None:
    """To whom a party's account is linked."""
    with doors().open(dir) as node:
        found = logins.subjects(node, party)
    table("", ["provider", "subject", "role"], [list(one) for one in found])


@command(login, "unlink")
def unlink(party: str, dir: Directory = HERE) -> None:
    """Forget every link to a party's account."""
    with doors().open(dir) as node:
        count = logins.unlink(node, party)
    out.print(f"{count} links forgotten", markup=False)
