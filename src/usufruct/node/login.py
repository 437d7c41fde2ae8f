"""Who is this? Passwords and one-time links for people, tokens for programs, sessions for browsers.

A secret is 256 random bits and is kept as its SHA-256, so it is found by equality of digests and nothing about it can
be learnt by timing. What a secret lets its bearer do is a set of *scopes*; a role is no more than the scopes an account
starts with.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets as compare
from dataclasses import dataclass
from typing import Protocol

from usufruct.core.base.faults import BadInput, Unwelcome
from usufruct.core.base.instants import Instant, later
from usufruct.core.registry.keys import speaks_for
from usufruct.core.registry.rules import find_party, id_of
from usufruct.core.registry.state import Party
from usufruct.node.node import Node

SCOPES = {
    "ask": "ask questions and read one's own answers, agreements and receipts",
    "negotiate": "request offers and move negotiations",
    "decide": "ask for decisions on what is outside the node, as an enforcement point",
    "call": "call services as an information system, and read one's own receipts",
    "member": "see and decide about the use of one's own data",
    "steward": "run the node: register, publish, agree, close periods",
}
ROLES = {
    "steward": ("steward",),
    "user": ("ask", "negotiate", "decide"),
    "member": ("member",),
    "system": ("call", "decide"),
}

SESSION_HOURS = 12
LINK_HOURS = 24
PASSWORD_MIN = 12


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody who proved who she is: the party she acts for, and what she may do.

    `actors` are the parties that act for it, who sends the request first (the chain of `act`, RFC 8693); none where the
    party acts itself. `signed`: the request came with a proof of a key that only its sender has.
    """

    party: str
    role: str
    scopes: frozenset[str]
    actors: tuple[str, ...] = ()
    signed: bool = False

    @property
    def speaker(self) -> str:
        """Who sends the request: what a machine may look at is what it did itself."""
        return self.actors[0] if self.actors else self.party


def set_password(node: Node, party: str, role: str, password: str) -> None:
    """Gives a party a password.

    Raises:
        BadInput: the party or role is unknown, or the password is short.
    """
    party = checked_account(node, party, role)
    if len(password) < PASSWORD_MIN:
        raise BadInput("input.password", "the password is too short", f"use {PASSWORD_MIN} characters or more")
    node.logins.set_password(party, role, node.passwords.hash(password))


def check_password(node: Node, party: str, password: str) -> Identity:
    """Who has this password.

    Raises:
        Unwelcome: nobody; unknown names and wrong passwords get the same words and take the same time.
    """
    with node.store.read() as state:
        party = id_of(state, party)
    known = node.logins.password(party)
    role, hashed = known or ("", _nobody(node))
    if not node.passwords.verify(hashed, password) or known is None:
        raise Unwelcome(
            "login.wrong", "name and password do not match", "try again, or ask the steward for a login link"
        )
    return Identity(party, role, frozenset(ROLES[role]))


def open_session(node: Node, who: Identity) -> str:
    """A new session; returns its secret."""
    return _issue(node, "session", who.party, who.role, who.scopes, later(node.clock.now(), hours=SESSION_HOURS), "")


def issue_link(node: Node, party: str, role: str) -> str:
    """A code that opens one session, once."""
    party = checked_account(node, party, role)
    return _issue(node, "link", party, role, ROLES[role], later(node.clock.now(), hours=LINK_HOURS), "")


def redeem_link(node: Node, code: str) -> Identity:
    """Who a one-time code is for; it is used up.

    Raises:
        Unwelcome: it is unknown, used or too old.
    """
    who = identify(node, "link", code)
    if who is None or not node.logins.drop_secret("link", _digest(code)):
        raise Unwelcome("login.link", "this login link is used up or too old", "ask the steward for a new one")
    return who


def issue_nonce(node: Node, party: str, until: Instant) -> str:
    """What a party must sign to show that it is there now; good once."""
    return _issue(node, "nonce", party, "", (), until, "")


def use_nonce(node: Node, party: str, nonce: str) -> bool:
    """Whether this nonce was given to that party and is still good; it is used up."""
    who = identify(node, "nonce", nonce)
    return who is not None and who.party == party and node.logins.drop_secret("nonce", _digest(nonce))


def issue_data_token(node: Node, party: str, transfer: str, until: Instant) -> str:
    """What a consumer elsewhere must show to have data under a transfer."""
    return _issue(node, "data", party, "", (transfer,), until, "")


def end_data_tokens(node: Node, party: str, transfer: str) -> None:
    """Ends those that a party was given for a transfer."""
    for digest, _, scopes, _ in node.logins.secrets("data", party):
        if scopes == transfer:
            node.logins.drop_secret("data", digest)


def link_subject(node: Node, party: str, role: str, subject: str) -> str:
    """Lets who logs in as `subject` at the OpenID Connect provider into the account of a party; returns the party's id.

    Raises:
        BadInput: the party or role is unknown, no provider is set, or there is no such subject.
    """
    party = checked_account(node, party, role)
    provider = node.identities.openid
    if provider is None:
        raise BadInput("input.openid", "this node has no login provider", "set `openid_issuer` in node.toml")
    if not 0 < len(subject) <= 255:
        raise BadInput("input.openid", "a subject has 1 to 255 characters", "give what the provider calls her")
    node.logins.link_subject(provider.issuer, subject, party, role)
    return party


def subjects(node: Node, party: str) -> list[tuple[str, str, str]]:
    """Provider, subject and role of everybody who is linked to a party's account."""
    with node.store.read() as state:
        return node.logins.subjects(id_of(state, party))


def unlink(node: Node, party: str) -> int:
    """Forgets every link to a party's account; returns how many there were."""
    found = subjects(node, party)
    with node.store.read() as state:
        node.logins.unlink_subjects(id_of(state, party))
    return len(found)


def issue_link_intent(node: Node, who: Identity, until: Instant) -> str:
    """What says, for a while and once, that this person wants her account linked to who she is at the provider."""
    return _issue(node, "link-intent", who.party, who.role, who.scopes, until, "")


def redeem_link_intent(node: Node, intent: str, subject: str) -> Identity | None:
    """Links the account of whoever had the intent to that subject; None if it is used up or too old."""
    who = identify(node, "link-intent", intent)
    if who is None or not node.logins.drop_secret("link-intent", _digest(intent)):
        return None
    link_subject(node, who.party, who.role, subject)
    return who


def linked(node: Node, subject: str) -> Identity | None:
    """Whose account the person is linked to whom the provider calls `subject`, if to anybody's."""
    provider = node.identities.openid
    found = node.logins.linked(provider.issuer, subject) if provider else None
    return Identity(found[0], found[1], frozenset(ROLES[found[1]])) if found else None


def issue_token(node: Node, party: str, role: str, scopes: tuple[str, ...], days: int, label: str) -> str:
    """A token for a program.

    Raises:
        BadInput: a scope that the role does not have, or a life that is no life.
    """
    party = checked_account(node, party, role)
    wrong = [scope for scope in scopes if scope not in ROLES[role]]
    if wrong or not scopes:
        raise BadInput(
            "input.scope", f"a {role} has no scope `{wrong[0]}`" if wrong else "no scope was named",
            f"use one of {', '.join(ROLES[role])}",
        )  # fmt: skip
    if not 1 <= days <= 366:
        raise BadInput("input.days", f"a token cannot live {days} days", "let it live 1 to 366")
    return _issue(node, "token", party, role, scopes, later(node.clock.now(), days=days), label)


def identify(node: Node, kind: str, secret: str) -> Identity | None:
    """Whose secret this is, if anybody's and still good."""
    found = node.logins.secret(kind, _digest(secret))
    if found is None:
        return None
    party, role, scopes, until = found
    if until <= node.clock.now():
        return None
    return Identity(party, role, frozenset(scopes.split()))


class Claimed(Protocol):
    """An access token that was verified: for whom (`party`), through whom (`actors`), by which `keys`, how far."""

    @property
    def party(self) -> str: ...
    @property
    def actors(self) -> tuple[str, ...]: ...
    @property
    def keys(self) -> tuple[str, ...]: ...
    @property
    def scopes(self) -> frozenset[str]: ...


def acting(node: Node, token: Claimed) -> Identity | None:
    """Who sends a request with an access token, if every key that was signed with for it still speaks for its party."""
    now = node.clock.now()
    with node.store.read() as state:
        found = [speaks_for(state, key, now) for key in token.keys]
        there = all(row is not None and state.get(Party, row.party) is not None for row in found)
    if not there or tuple(row.party for row in found if row) != (*token.actors, token.party):
        return None
    role = found[-1].role if found[-1] else ""
    return Identity(token.party, role, token.scopes & frozenset(ROLES[role]), token.actors, signed=True)


def forget(node: Node, kind: str, secret: str) -> None:
    """Ends a session or revokes a token."""
    node.logins.drop_secret(kind, _digest(secret))


def tokens(node: Node, party: str) -> list[tuple[str, str, str, Instant]]:
    """A party's tokens: a name to revoke each by, its label, scopes and end."""
    with node.store.read() as state:
        party = id_of(state, party)
    return [(d.hex()[:12], label, scopes, until) for d, label, scopes, until in node.logins.secrets("token", party)]


def revoke_token(node: Node, party: str, name: str) -> bool:
    """Revokes the token of that name; whether there was one."""
    with node.store.read() as state:
        party = id_of(state, party)
    return any(
        node.logins.drop_secret("token", digest)
        for digest, *_ in node.logins.secrets("token", party)
        if digest.hex()[:12] == name
    )


def csrf_of(session: str) -> str:
    """What a form must carry to prove it was made for this session."""
    return hmac.new(session.encode(), b"usufruct/csrf/v1", hashlib.sha256).hexdigest()


def csrf_matches(session: str, given: str) -> bool:
    """Whether a form carries the right proof; takes the same time for every wrong one."""
    return compare.compare_digest(csrf_of(session).encode(), given.encode())


def _issue(
    node: Node, kind: str, party: str, role: str, scopes: frozenset[str] | tuple[str, ...], until: Instant, label: str
) -> str:
    secret = f"usu_{node.entropy.bytes(32).hex()}"
    if kind != "token":  # whoever looks at her tokens sees those that have run out, too
        node.logins.drop_ended(kind, node.clock.now())
    node.logins.add_secret(kind, _digest(secret), party, role, " ".join(sorted(scopes)), until, label)
    return secret


def checked_account(node: Node, name: str, role: str) -> str:
    """The id of the party that is meant, if it can have an account in that role."""
    if role not in ROLES:
        raise BadInput("input.role", f"`{role}` is not a role", f"use one of {', '.join(ROLES)}")
    with node.store.read() as state:
        party = find_party(state, name)
    if party is None:
        raise BadInput("input.party", f"there is no party `{name}`", "register the party first")
    if role == "steward" and party.id != node.about.operator:
        raise BadInput("input.role", f"`{name}` does not run this node", f"only `{node.about.operator}` has stewards")
    return party.id


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


_NOBODY: dict[int, str] = {}


def _nobody(node: Node) -> str:
    """A hash that no password has, made once, so that unknown names cost as much as known ones."""
    if 0 not in _NOBODY:
        _NOBODY[0] = node.passwords.hash(node.entropy.bytes(32).hex())
    return _NOBODY[0]
