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

from usufruct.core.base.faults import BadInput, Unwelcome
from usufruct.core.base.instants import Instant, later
from usufruct.core.registry.rules import find_party, id_of
from usufruct.node.node import Node

SCOPES = {
    "ask": "ask questions and read one's own answers, agreements and receipts",
    "negotiate": "request offers and move negotiations",
    "call": "call services as an information system, and read one's own receipts",
    "member": "see and decide about the use of one's own data",
    "steward": "run the node: register, publish, agree, close periods",
}
ROLES = {"steward": ("steward",), "user": ("ask", "negotiate"), "member": ("member",), "system": ("call",)}

SESSION_HOURS = 12
LINK_HOURS = 24
PASSWORD_MIN = 12


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody who proved who she is: the party she acts for, and what she may do."""

    party: str
    role: str
    scopes: frozenset[str]


def set_password(node: Node, party: str, role: str, password: str) -> None:
    """Gives a party a password.

    Raises:
        BadInput: the party or role is unknown, or the password is short.
    """
    party = _checked_account(node, party, role)
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
    party = _checked_account(node, party, role)
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


def issue_token(node: Node, party: str, role: str, scopes: tuple[str, ...], days: int, label: str) -> str:
    """A token for a program.

    Raises:
        BadInput: a scope that the role does not have, or a life that is no life.
    """
    party = _checked_account(node, party, role)
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
    node.logins.add_secret(kind, _digest(secret), party, role, " ".join(sorted(scopes)), until, label)
    return secret


def _checked_account(node: Node, name: str, role: str) -> str:
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
    return _NOBODY.setdefault(0, node.passwords.hash(node.entropy.bytes(32).hex()))
