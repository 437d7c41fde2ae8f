"""What a person's records say, in words for her: the same on her page, in a terminal, and for her own program."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from usufruct.core import facts
from usufruct.core.access.consent_notice import in_words as conditions_in_words
from usufruct.core.access.facts import (
    ConsentGiven,
    ConsentRefused,
    ConsentRequested,
    GuardianAppointed,
    GuardianshipEnded,
    ObjectionLifted,
    RequestDeferred,
    UseObjected,
)
from usufruct.core.base.records import Fact
from usufruct.core.cover.facts import (
    ClaimDecided,
    ClaimMade,
    ContributionTaken,
    CoverPaid,
    OptedIn,
    OptedOut,
    ParticularsStated,
)
from usufruct.core.exchange.facts import PersonLookedUp
from usufruct.core.income.complaints import ComplaintAnswered, ComplaintMade
from usufruct.core.privacy.facts import QueryAbandoned, QueryAnswered
from usufruct.core.proof.book import Audit
from usufruct.core.proof.commitment import NONCE_SIZE
from usufruct.core.proof.receipt import Receipt
from usufruct.core.registry.assurance import PartyVerified
from usufruct.core.registry.credentials import ENDS, CredentialAccepted, CredentialEnded, CredentialIssued
from usufruct.core.registry.facts import PartyRegistered, RightGranted
from usufruct.core.registry.grants import RightPledged, RightReleased, RightRevoked, RightTransferred
from usufruct.core.registry.keys import KeyRegistered, KeyRevoked
from usufruct.core.registry.pool import PoolJoined
from usufruct.core.rulebook import purposes
from usufruct.core.rulebook.grounds import GROUNDS
from usufruct.core.work.skills.training import TrainingApplied, TrainingDecided


@dataclass(frozen=True, slots=True)
class Line:
    """Record `number` as an audit found it: `fine`, `withheld`, `missing` or `altered`.

    `what` it says, or why it does not; `at` is when it was made and `fact` its place in the journal, if she may know.
    """

    number: int
    found: str
    what: str
    at: str = ""
    fact: int | None = None


def lines(book: Any, audit: Audit) -> Iterator[Line]:
    """Every record that the journal says there is, and every one that she was shown before and is not now."""
    wrong = {flaw.number: flaw.what for flaw in reversed(audit.flaws) if flaw.number is not None}
    shown = dict(_shown(book))
    for number in sorted({*range(audit.count), *wrong}):
        if number in wrong:
            yield Line(number, "altered" if number in shown else "missing", wrong[number])
        elif number in audit.held:
            slip = shown[number]["slip"]
            yield Line(number, "withheld", withheld(slip["ground"], slip["until"]))
        else:
            opening = Receipt.parse(shown[number]["receipt"]).extra
            assert opening is not None, "it was audited"
            entry = facts.decode(opening[NONCE_SIZE:])
            yield Line(number, "fine", in_words(entry.fact, shown[number]["body"]["part"]), entry.at, entry.seq)


def _shown(book: Any) -> Iterator[tuple[Any, Any]]:
    """The records in a book, from its end, so that of two with one number the first stays, as in the audit."""
    records = book.get("records") if isinstance(book, dict) else None
    for record in reversed(records if isinstance(records, list) else []):
        number = (
            record["slip"].get("number") if isinstance(record, dict) and isinstance(record.get("slip"), dict) else None
        )
        if type(number) is int:
            yield number, record


def withheld(ground: str, until: str) -> str:
    """What she is told of a record that is withheld."""
    means = f" ({GROUNDS[ground].means})" if ground in GROUNDS else ""
    return f"a record is withheld until {until[:16].replace('T', ' ')} UTC on the ground of {ground}{means}; it opens by itself"


def in_words(fact: Fact, part: int, names: Mapping[str, str] | None = None) -> str:
    """What a fact about her says; `names` are what people call assets and parties."""

    def name(id: str) -> str:
        return (names or {}).get(id, id)

    match fact:
        case ConsentGiven():
            return f"you consented to {purposes.label(fact.purpose)}: {name(fact.asset)}{_limits(fact)}"
        case ConsentRefused():
            whose = f" by {name(fact.recipient)}" if fact.recipient else ""
            return f"you refused {purposes.label(fact.purpose)}{whose}: {name(fact.asset)}"
        case UseObjected():
            return f"you objected to {purposes.label(fact.purpose)}: {name(fact.asset)}"
        case ObjectionLifted():
            return f"you took your objection to {purposes.label(fact.purpose)} back: {name(fact.asset)}"
        case ConsentRequested():
            return f"{name(fact.asker)} asked for your consent to {purposes.label(fact.purpose)}: {name(fact.asset)}"
        case RequestDeferred():
            return f"you put {fact.request} off until {fact.until[:10]}"
        case GuardianAppointed():
            return f"{name(fact.guardian)} speaks for {name(fact.ward)} until {fact.until[:10]}"
        case GuardianshipEnded():
            return f"{name(fact.guardian)} no longer speaks for {name(fact.ward)}"
        case QueryAnswered():
            rows = f"{part} of your rows" if part > 1 else "a row of yours"
            who = _who(name, fact.requester, fact.actors)
            return f"{who} was told {fact.meaning}, for {purposes.label(fact.purpose)}; {rows} counted"
        case QueryAbandoned():
            return f"a question in which you could have counted failed before an answer ({fact.use}: {fact.cause})"
        case PersonLookedUp():
            done = "tried to look you up and was refused" if fact.refused else "looked you up"
            return f"{_who(name, fact.party, fact.actors)} {done} in {name(fact.service)}, for {purposes.label(fact.purpose)}"
        case _:
            return _of_the_register(fact, name)


def _of_the_register(fact: Fact, name: Callable[[str], str]) -> str:
    match fact:
        case CredentialAccepted():
            return f"you showed a credential {fact.type} by {fact.issuer} ({fact.id})"
        case CredentialEnded():
            return f"your credential {fact.id} counts no more: {ENDS[fact.why]}"
        case CredentialIssued():
            return f"you were given a credential {fact.type} by this node"
        case KeyRegistered():
            return f"a key was registered with which programs sign for you, as {fact.role}"
        case KeyRevoked():
            return "a key with which programs signed for you was revoked"
        case PartyVerified():
            return "the operator recorded whether it knows who you are"
        case PartyRegistered():
            return "you were registered with this node"
        case PoolJoined():
            return f"you joined the pool {name(fact.pool)} with {name(fact.cell)}"
        case ComplaintMade():
            return f"you complained about your line of {fact.period} for {name(fact.asset)}"
        case ComplaintAnswered():
            became = "upheld" if fact.upheld else "rejected"
            return f"your complaint about {fact.period}, {name(fact.asset)}, was {became}"
        case TrainingApplied():
            return f"you asked that the training fund pays you a place in {fact.training}"
        case TrainingDecided():
            return f"your application {fact.application} for training was {'approved' if fact.approved else 'declined'}"
        case _:
            told = _of_right(fact, name) or _of_cover(fact, name)
            return told or f"a fact about you: {fact.KIND.partition('/')[0]}"


def _of_right(fact: Fact, name: Callable[[str], str]) -> str:
    match fact:
        case RightGranted():
            return f"the right to {fact.right} {name(fact.asset)} was granted ({fact.id})"
        case RightPledged():
            return f"the right to {fact.right} {name(fact.asset)} was lent to the pilot {fact.pilot} until {fact.until[:10]}"
        case RightTransferred() | RightReleased() | RightRevoked():
            how = fact.KIND.partition(".")[2].partition("/")[0]
            return f"a right on {name(fact.asset)} was {how} ({fact.right})"
        case _:
            return ""


def _of_cover(fact: Fact, name: Callable[[str], str]) -> str:
    match fact:
        case ParticularsStated():
            return "you said when you were born, and what you work with"
        case OptedIn() | OptedOut():
            return f"you {'joined' if isinstance(fact, OptedIn) else 'left'} the scheme {fact.scheme}"
        case ContributionTaken():
            return f"contributions to {fact.scheme} were taken of what you earned with {name(fact.operator)} in {fact.month}"
        case ClaimMade():
            return f"you claimed under {fact.entitlement} of {fact.scheme} ({fact.claim})"
        case ClaimDecided():
            return f"your claim {fact.claim} was {'granted' if fact.amount else 'not granted'}"
        case CoverPaid():
            return f"your claim {fact.claim} was paid"
        case _:
            return ""


def _who(name: Callable[[str], str], party: str, actors: tuple[str, ...]) -> str:
    """Who did something, and through which machine."""
    return name(party) + (f" (its agent {name(actors[0])} asked)" if actors else "")


def _limits(fact: ConsentGiven) -> str:
    limits = "; ".join(conditions_in_words(fact.conditions))
    return f", only {limits}" if limits else ""
