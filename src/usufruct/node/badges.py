"""Badges that this node gives: an Open Badge 3.0 for one of its own, bound to her key, with a place in the status list.

It is signed with the key that the node signs its journal and its other credentials with, and not with its voice: a badge
must be good for years, and the voice may be renewed any day. The node's DID document names that key for what it says of
others (`assertionMethod`), and no other.

A badge and a credential of another kind share the numbers of one status list, which is published in both forms.
"""

from __future__ import annotations

from dataclasses import dataclass

from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant, later
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.registry.credentials import CredentialIssued, IssuedCredential, StatusReference
from usufruct.core.registry.rules import find_party
from usufruct.core.work.skills import badges
from usufruct.node.identity import LIST_ROOM, LIST_SECONDS, free_place
from usufruct.node.node import Node
from usufruct.ports import Transaction

STATUS_PATH = "/api/v1/skills/badges/status"
DAYS_MAX = 3660


@dataclass(frozen=True, slots=True)
class Draft:
    """A badge to be given: the URI of the achievement, its name, what it is and how it is earned, the skills that it shows, for
    how many days, and when it was `awarded` (None: now)."""

    achievement: str
    name: str
    description: str
    criteria: str
    skills: tuple[str, ...]
    days: int = 730
    awarded: Instant | None = None


def give(node: Node, issuer: str, party: str, holder: str, draft: Draft) -> str | Refusal:
    """A badge for a party, as a signed token; `holder` is her public JWK, `issuer` the node's did:web. What it says is in it
    only, and in no record.

    Raises:
        BadInput: it says what cannot be, or the key is none.
    """
    if not 1 <= draft.days <= DAYS_MAX:
        raise BadInput("input.days", f"a badge cannot live {draft.days} days", f"let it live 1 to {DAYS_MAX}")

    def command(tx: Transaction) -> str | Refusal:
        who = find_party(tx, party)
        if who is None:
            return refuse(
                "registry.unknown", "no badge was given", f"there is no party `{party}`", remedy="register the party first"
            )  # fmt: skip
        award = badges.award(
            tx, draft.achievement, draft.name, draft.description, draft.criteria, draft.skills, draft.awarded
        )  # fmt: skip
        index, until = free_place(node, tx), later(tx.now, days=draft.days)
        id = f"urn:uuid:{_uuid(node.entropy.bytes(16))}"
        try:
            text = node.identities.badges.issue(
                award, issuer, node.about.name, node.about.url, holder,
                StatusReference(node.about.url + STATUS_PATH, index), id, tx.now, until, node.signer.public,
                node.signer.sign,
            )  # fmt: skip
        except ValueError as error:
            raise BadInput(
                "input.key", f"this is no public key of a holder: {error}", "give a public JWK, Ed25519 or P-256"
            ) from None
        tx.append(CredentialIssued(index, who.id, badges.TYPE, until, who.kind == "person"))
        return text

    return node.store.write(command)


def _uuid(random: bytes) -> str:
    """A random UUID (RFC 9562, version 4) of 16 random bytes."""
    number = int.from_bytes(random) & ~(0xF << 76) & ~(0x3 << 62) | 0x4 << 76 | 0x2 << 62
    text = f"{number:032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def status_list(node: Node, issuer: str) -> str:
    """The node's status list as a Bitstring Status List, signed now."""
    with node.store.read() as state:
        revoked = [row.index for row in state.list(IssuedCredential, stands="revoked")]
    return node.identities.badges.publish_status(
        issuer, node.about.url + STATUS_PATH, revoked, LIST_ROOM, node.clock.now(), LIST_SECONDS, node.signer.public,
        node.signer.sign,
    )  # fmt: skip
