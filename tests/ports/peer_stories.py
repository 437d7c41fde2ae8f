"""Stories for random histories about other nodes, and about totals that are told."""

from __future__ import annotations

from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Fact
from usufruct.core.contract.facts import NegotiationMoved
from usufruct.core.dataspace.claims import CredentialDropped, CredentialReceived
from usufruct.core.dataspace.facts import (
    AgreementTold,
    MessageAcknowledged,
    MessageFailed,
    MessageQueued,
    OfferNoted,
    PeerLinked,
    PeerUnlinked,
    ProcessOpened,
    PushBegan,
    PushEnded,
    TransferMoved,
)
from usufruct.core.income.facts import SettlementSummed
from usufruct.core.privacy.facts import BudgetOpened
from usufruct.core.privacy.totals import TotalDrawn
from usufruct.core.terms.model import Ruleset

THERE = "https://there.example/dataspace/2025-1"
UNTIL = Instant("2027-01-01T00:00:00.000Z")
RULES = Ruleset("offer", ())


def peer_stories(number: str, a: str, b: str) -> list[list[Fact]]:
    """The stories, with names of their own; none of them needs another."""
    return [_consumes(number, a, b), _provides(number, a, b), _shows(number), _totals(number)]


def _consumes(number: str, party: str, peer: str) -> list[Fact]:
    """A party here asks another node, hears other terms, agrees, and has its data sent; then it has nothing to do with it."""
    name, noted = f"talk-{number}", f"{peer}:{number}"
    ends = (name, noted, peer, party)
    return [
        PeerLinked(peer, f"did:web:{number}.example", THERE),
        OfferNoted(noted, peer, "rents", "offer", RULES),
        ProcessOpened(name, "negotiation", "consumer", party, peer, f"urn:{number}", THERE, "", noted),
        MessageQueued(name, "request", party),
        MessageAcknowledged(name, "request", f"theirs-{number}"),
        NegotiationMoved(*ends, party, "request", "REQUESTED"),
        OfferNoted(f"{noted}-again", peer, "rents", "offer", RULES, name),
        AgreementTold(name, party, peer, "rents", "agreement", RULES),
        NegotiationMoved(*ends, peer, "agree", "AGREED"),
        NegotiationMoved(*ends, peer, "finalize", "FINALIZED"),
        PeerUnlinked(peer),
    ]


def _provides(number: str, party: str, peer: str) -> list[Fact]:
    """Another node has data of a party here pushed, suspends, and cannot be told any more."""
    name = f"transfer-of-{number}"
    ends = (name, f"agreement-of-{number}", party, peer)
    return [
        ProcessOpened(
            name, "transfer", "provider", party, peer, f"urn:t:{number}", THERE, f"t-{number}", ends[1], "HttpData-PUSH"
        ),
        TransferMoved(*ends, peer, "request", "REQUESTED", "HttpData-PUSH"),
        MessageQueued(name, "start", party),
        MessageAcknowledged(name, "start"),
        TransferMoved(*ends, party, "start", "STARTED", "HttpData-PUSH"),
        PushBegan(name, peer, f"use-of-{number}"),
        PushEnded(name, peer, f"use-of-{number}", 9, "digest", 410, ("gone",)),
        TransferMoved(*ends, peer, "suspend", "SUSPENDED", "HttpData-PUSH"),
        MessageQueued(name, "terminate", party, "contract.push", ("gone",)),
        MessageFailed(name, "terminate", 0, ("given up",)),
        TransferMoved(*ends, party, "terminate", "TERMINATED", "HttpData-PUSH", ("gone",)),
    ]  # fmt: skip


def _shows(number: str) -> list[Fact]:
    """This node gets a credential, and shows it no more."""
    return [
        CredentialReceived(
            f"own-{number}",
            f"did:web:{number}.example",
            "did:web:here.example",
            "urn:1",
            ("Membership",),
            "jwt",
            "text",
            UNTIL,
        ),
        CredentialDropped(f"own-{number}"),
    ]


def _totals(number: str) -> list[Fact]:
    """A total is told of a table's budget, and what came of it is summed apart."""
    table, version = f"told-{number}", "v-1"
    return [
        BudgetOpened(table, version, 1_000),
        TotalDrawn(table, version, ("use-1",), (5,), (3,), 7, 9, -3, 100, 0),
        SettlementSummed(table, f"lines-{number}", 5, 4, 3, 2),
    ]
