"""Ask first: somebody asks, and each person answers when she likes, or not at all.

A request goes to all persons of an asset; who asks does not know who they are. It says everything beforehand (purpose,
conditions, until when) and chooses nothing for her. She may answer less than was asked, put it off, or refuse; silence is
a no. Whatever she answers concerns the asker alone. An answer is given once; changing her mind is a new word.

Who asks is told how many answered, in steps, and never who or what: to learn more he must ask the data, and there nobody
is picked out. Only who asks one person with whom he has to do anyway (the data bank its customer, somebody the owner of a
cell) learns what she said.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from usufruct.core.access import consent_notice
from usufruct.core.access.consent_conditions import Conditions, narrows
from usufruct.core.access.consent_rules import Speaker, Speech, checked_conditions, speech, yes_to
from usufruct.core.access.facts import (
    ConsentGiven,
    ConsentRefused,
    ConsentRequested,
    RequestDeferred,
    RequestWithdrawn,
)
from usufruct.core.base.canonical import holdable
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant, later
from usufruct.core.base.records import Entry, Reader, Row
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.contract.state import Agreement, Offer
from usufruct.core.registry.rules import find_party, id_of
from usufruct.core.registry.state import Asset, Person
from usufruct.core.rulebook import purposes

ANSWERS = ("yes", "no", "later")
TEXT_LIMIT = 4_000  # characters
LONGEST_DAYS = 366
MOST_OPEN = 20  # requests of one asker on one asset

Answer = ConsentGiven | ConsentRefused | RequestDeferred


@dataclass(frozen=True, slots=True)
class ConsentRequest(Row):
    """See `ConsentRequested`; `answers` is how many said yes or no."""

    KEY = ("id",)
    INDEXED = ("asset", "asker", "party")
    id: str
    asset: str
    asker: str
    purpose: str
    conditions: Conditions
    text: str
    notice: str
    until: Instant
    party: str
    at: Instant
    seq: int
    answers: int = 0
    withdrawn: bool = False

    def active(self, at: Instant) -> bool:
        """Whether it can be answered at that instant."""
        return not self.withdrawn and at < self.until


@dataclass(frozen=True, slots=True)
class RequestAnswer(Row):
    """What a person answered: yes or no, with the number of her word, or later, and not before `until`."""

    KEY = ("request", "party")
    INDEXED = ("request", "party")
    request: str
    party: str
    answer: str
    version: int
    until: Instant | None
    at: Instant


def fold(read: Reader, entry: Entry) -> Iterator[Row]:
    """The rows that a request, or an answer to one, changes."""
    match entry.fact:
        case ConsentRequested() as fact:
            yield ConsentRequest(
                fact.request, fact.asset, fact.asker, fact.purpose, fact.conditions, fact.text, fact.notice, fact.until,
                fact.party, entry.at, entry.seq,
            )  # fmt: skip
        case RequestWithdrawn() as fact:
            request = read.get(ConsentRequest, fact.request)
            assert request is not None
            yield replace(request, withdrawn=True)
        case RequestDeferred() as fact:
            yield RequestAnswer(fact.request, fact.party, "later", 0, fact.until, entry.at)
        case ConsentGiven() | ConsentRefused() as fact if fact.request:
            request = read.get(ConsentRequest, fact.request)
            assert request is not None
            yield replace(request, answers=request.answers + 1)
            answer = "yes" if isinstance(fact, ConsentGiven) else "no"
            yield RequestAnswer(fact.request, fact.party, answer, fact.version, None, entry.at)
        case _:
            return


def ask(
    read: Reader, id: str, asker: str, asset: str, purpose: str, conditions: Conditions, text: str, days: int,
    party: str, at: Instant,
) -> ConsentRequested | Refusal:  # fmt: skip
    """Asks everybody in an asset, or `party` alone, for consent to uses by the asker, open for `days`.

    Raises:
        BadInput: the purpose or the conditions cannot be, or there is no text, or too much of it.
    """
    known, text = purposes.checked(purpose), holdable(text.replace("\r\n", "\n")).strip()
    if not text or len(text) > TEXT_LIMIT:
        raise BadInput(
            "input.request", "the request does not say in words what it is for", f"up to {TEXT_LIMIT} characters"
        )
    if not 1 <= days <= LONGEST_DAYS:
        raise BadInput("input.request", f"a request cannot stay open for {days} days", f"name 1 to {LONGEST_DAYS} days")
    who, found = find_party(read, asker), read.get(Asset, asset)
    if who is None or found is None or not may_ask(read, found, who.id, party):
        return refuse(
            "registry.unknown", "nobody was asked", f"there is no asset `{asset}` whose persons `{asker}` can ask"
            + (f" and no `{party}` in it" if party else ""),
            remedy="ask about an asset that is offered or agreed on; one person alone is asked by who keeps her data",
        )  # fmt: skip
    if conditions.recipients not in ((), (who.id,)):
        raise BadInput("input.request", "a request asks for its asker only", "name no recipients")
    asked = replace(checked_conditions(conditions, found, at), recipients=(who.id,))
    one = id_of(read, party) if party else ""
    others = [r for r in read.list(ConsentRequest, asset=asset, asker=who.id) if r.active(at)]
    if len(others) >= MOST_OPEN or any((r.purpose, r.party) == (known, one) for r in others):
        return refuse(
            "consent.asked", "nobody was asked", f"`{asker}` is asking for that already, or for {MOST_OPEN} other things",
            remedy="wait for the answers, or withdraw a request",
        )  # fmt: skip
    until = later(at, days=days)
    shown = consent_notice.notice(found, known, asked, who.name, text, until)
    return ConsentRequested(id, asset, who.id, known, text, consent_notice.digest(shown), until, asked, one)


def may_ask(read: Reader, asset: Asset, asker: str, party: str = "") -> bool:
    """Whether an asset can be known to the asker; and if one person is asked, whether he keeps the data about her. Nobody
    asks one member of a pool: the answer would tell whether she is one."""
    if party:
        if asset.charter or asker != asset.publisher:
            return False
        one = find_party(read, party)
        return one is not None and any(read.list(Person, asset=asset.id, party=one.id))
    offered = any(offer.open for offer in read.list(Offer, asset=asset.id))
    return offered or asker == asset.publisher or any(read.list(Agreement, asset=asset.id, consumer=asker))


def shown(read: Reader, request: ConsentRequest, who: str) -> str:
    """The notice of a request, as it was when it was made; `who` is the asker's name."""
    asset = read.get(Asset, request.asset)
    assert asset is not None
    return consent_notice.notice(asset, request.purpose, request.conditions, who, request.text, request.until)


def withdraw(read: Reader, request: str, asker: str) -> RequestWithdrawn | Refusal:
    """The asker takes a request back."""
    found, by = read.get(ConsentRequest, request), id_of(read, asker)
    if found is None or found.asker != by or found.withdrawn:
        return refuse(
            "registry.unknown", "no request was withdrawn", f"`{asker}` has no open request `{request}`",
            remedy="see your requests",
        )  # fmt: skip
    return RequestWithdrawn(request, by)


def inbox(read: Reader, party: str, at: Instant) -> Iterator[tuple[ConsentRequest, RequestAnswer | None]]:
    """What a person can answer now, with what she put off: the newest first."""
    found = []
    for person in read.list(Person, party=party):
        for request in read.list(ConsentRequest, asset=person.asset):
            answer = read.get(RequestAnswer, request.id, party)
            unanswered = answer is None or answer.answer == "later"
            if request.active(at) and request.party in ("", party) and unanswered:
                found.append((request, answer))
    yield from sorted(found, key=lambda item: -item[0].seq)


def answer(
    read: Reader, request: str, speaker: Speaker, word: str, at: Instant, shown: str = "", purpose: str = "",
    conditions: Conditions | None = None, days: int = 7,
) -> Answer | Refusal:  # fmt: skip
    """A person's answer: yes as asked or narrower, no, or later. A yes needs `shown`, the digest of what she read.

    Raises:
        BadInput: no such answer, purpose or conditions.
    """
    if word not in ANSWERS:
        raise BadInput("input.request", f"`{word}` is not an answer", f"answer {', '.join(ANSWERS)}")
    found = read.get(ConsentRequest, request)
    spoken = speech(read, found.asset, speaker, at) if found is not None else None
    if found is None or not isinstance(spoken, Speech) or found.party not in ("", spoken.party):
        return refuse(
            "registry.unknown", "nothing was answered", f"nobody asked `{speaker.party}` in a request `{request}`",
            remedy="answer what is in your inbox",
        )  # fmt: skip
    before = read.get(RequestAnswer, request, spoken.party)
    if not found.active(at) or (before is not None and before.answer != "later"):
        return refuse(
            "consent.closed", "nothing was answered", "the request was answered, taken back, or has run out",
            remedy="to change your mind, consent or refuse on your own page",
        )  # fmt: skip
    if word == "later":
        if not 1 <= days <= LONGEST_DAYS:
            raise BadInput("input.request", f"it cannot be put off for {days} days", f"name 1 to {LONGEST_DAYS} days")
        return RequestDeferred(request, spoken.party, min(later(at, days=days), found.until))
    if word == "no":
        return ConsentRefused(
            found.asset, spoken.party, found.purpose, spoken.version, found.notice, found.asker, request, spoken.by
        )
    return _yes(read, found, spoken, shown, purpose, conditions, at)


def _yes(
    read: Reader, found: ConsentRequest, spoken: Speech, shown: str, purpose: str, conditions: Conditions | None,
    at: Instant,
) -> ConsentGiven | Refusal:  # fmt: skip
    known = purposes.checked(purpose) if purpose else found.purpose
    given = found.conditions if conditions is None else replace(conditions, recipients=(found.asker,))
    if not purposes.covers(found.purpose, known) or not narrows(given, found.conditions):
        return refuse(
            "consent.narrower", "nothing was answered", "the answer goes beyond what was asked",
            remedy="answer what was asked, or less of it",
        )  # fmt: skip
    if conditions is not None:
        checked_conditions(given, spoken.asset, at)
    return yes_to(read, spoken, known, spoken.limited(given), found.notice, shown, at, found.id)


def asked_alone(read: Reader, request: ConsentRequest) -> str:
    """Who is asked, if it is one person and nobody else: she by herself, or the only one whom the asset is about."""
    asset = read.get(Asset, request.asset)
    assert asset is not None
    only = read.get(Person, request.asset, 0) if asset.quality.persons == 1 else None
    return request.party or (only.party if only else "")


def told(read: Reader, request: ConsentRequest, step: int) -> str:
    """What the asker is told of the answers: how many, in steps of `step`; if he asked one person alone, which."""
    alone = asked_alone(read, request)
    if alone:
        given = read.get(RequestAnswer, request.id, alone)
        return given.answer if given else "no answer yet"
    answers = request.answers // step * step
    return f"at least {answers} answered" if answers else f"fewer than {step} answered"
