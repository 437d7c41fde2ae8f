"""A person's word: she says it, or a guardian for her; she answers who asks. It counts from the next decision on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from usufruct.core.access import consent_guardians, consent_notice, consent_requests, consent_rules, consent_words
from usufruct.core.access.consent_conditions import ANY, Conditions, Within
from usufruct.core.access.consent_requests import Answer, ConsentRequest, RequestAnswer
from usufruct.core.access.consent_rules import Speaker
from usufruct.core.access.consent_words import ConsentWord, Spoken
from usufruct.core.access.delegation import only_people
from usufruct.core.access.facts import (
    ConsentGiven,
    ConsentRefused,
    ConsentRequested,
    GuardianAppointed,
    GuardianshipEnded,
    ObjectionLifted,
    RecordsShared,
    RequestWithdrawn,
    UseObjected,
)
from usufruct.core.base.ids import numbered
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import FactT
from usufruct.core.base.refusals import Refusal
from usufruct.core.proof.receipt import Receipt
from usufruct.core.registry.charter import Charter
from usufruct.core.registry.rules import id_of
from usufruct.core.registry.state import Asset, Party, Person
from usufruct.node.node import Node
from usufruct.ports import Snapshot, Transaction


def record_word(
    node: Node, asset: str, party: str, purpose: str, yes: bool, conditions: Conditions = ANY, shown: str = "",
    by: str = "",
) -> tuple[ConsentGiven | ConsentRefused, Receipt] | Refusal:  # fmt: skip
    """Records a person's yes or no, and returns it with its receipt."""

    def rule(tx: Transaction) -> ConsentGiven | ConsentRefused | Refusal:
        speaker = Speaker(party, by)
        return only_people(tx, "answer-consent", by or party, ()) or consent_rules.say(
            tx, asset, speaker, purpose, yes, tx.now, conditions, shown
        )

    return _with_receipt(node, rule)


def object_to(
    node: Node, asset: str, party: str, purpose: str, basis: str, by: str = ""
) -> tuple[UseObjected, Receipt] | Refusal:
    """Records a person's objection, and returns it with its receipt."""
    return _with_receipt(
        node, lambda tx: consent_rules.object_to(tx, asset, Speaker(party, by), purpose, basis, tx.now)
    )


def lift_objection(
    node: Node, asset: str, party: str, purpose: str, basis: str, by: str = ""
) -> tuple[ObjectionLifted, Receipt] | Refusal:
    """Records that she takes an objection back, and returns that with its receipt."""
    return _with_receipt(
        node,
        lambda tx: (
            only_people(tx, "lift-refusal", by or party, ())
            or consent_rules.lift_objection(tx, asset, Speaker(party, by), purpose, basis, tx.now)
        ),
    )


def _with_receipt(node: Node, rule: Callable[[Transaction], FactT | Refusal]) -> tuple[FactT, Receipt] | Refusal:
    def command(tx: Transaction) -> tuple[FactT, int] | Refusal:
        fact = rule(tx)
        return fact if isinstance(fact, Refusal) else (fact, tx.append(fact).seq)

    done = node.store.write(command)
    if isinstance(done, Refusal):
        return done
    fact, seq = done
    with node.store.read() as state:
        return fact, state.receipt(seq)


def notice(
    node: Node, asset: str, party: str, purpose: str, conditions: Conditions = ANY, by: str = ""
) -> str | Refusal:
    """What a person must be shown before she says yes to this of her own accord."""
    with node.store.read() as state:
        return consent_rules.offered(state, asset, Speaker(party, by), purpose, conditions, node.clock.now())


def within(
    node: Node, asset: str, party: str, by: str, column: str, low: str, high: str, values: tuple[str, ...]
) -> Within | Refusal:
    """A condition on the rows of an asset that concerns a party (for whom `by` speaks), from what people type."""
    with node.store.read() as state:
        found = state.get(Asset, asset)
        spoken = consent_rules.speech(state, asset, Speaker(party, by), node.clock.now())
        if isinstance(spoken, Refusal) and (
            found is None or not consent_requests.may_ask(state, found, id_of(state, party))
        ):
            return spoken
        assert found is not None
        return consent_rules.within(found, column, low, high, values)


def words(node: Node, party: str, by: str = "") -> list[Spoken]:
    """All that a person said, the newest first; `by` is the guardian who looks, if it is not she herself."""
    with node.store.read() as state:
        now = node.clock.now()
        who = _seen(state, party, by, now)
        found = [
            _spoken(state, word, now)
            for person in state.list(Person, party=who)
            for word in consent_words.of_person(state, person.asset, who)
        ]
    return sorted(found, key=lambda spoken: -spoken.word.seq)


def assets(node: Node, party: str, by: str = "") -> list[Asset]:
    """The assets that are about a person; `by` is the guardian who looks, if it is not she herself."""
    with node.store.read() as state:
        who = _seen(state, party, by, node.clock.now())
        return [asset for person in state.list(Person, party=who) if (asset := state.get(Asset, person.asset))]


def _seen(state: Snapshot, party: str, by: str, now: Instant) -> str:
    """The id of the person that `by` may see, or she herself if nobody is named; nobody's where he is not her guardian."""
    who = id_of(state, party)
    return who if not by or consent_guardians.guardianship(state, id_of(state, by), who, now) else ""


def _spoken(state: Snapshot, word: ConsentWord, now: Instant) -> Spoken:
    asset = state.get(Asset, word.asset)
    assert asset is not None
    request = state.get(ConsentRequest, word.request) if word.request else None
    shown = ""
    if request is not None:
        shown = consent_requests.shown(state, request, _name(state, request.asker))
    elif word.notice:
        shown = consent_notice.notice(asset, word.purpose, word.conditions)
    charter = state.get(Charter, asset.id)
    if charter is not None and charter.digest == word.notice:
        shown = charter.words
    if shown and consent_notice.digest(shown) != word.notice:
        shown = ""  # who asked has been erased since, and her name is part of what was shown
    parties = {asset.publisher, *word.conditions.recipients, *([word.by] if word.by else [])}
    names = {party: _name(state, party) for party in parties}
    in_words = tuple(consent_notice.in_words(word.conditions, asset))
    return Spoken(word, asset, consent_words.status(word, now), in_words, shown, now, names)


def _name(state: Snapshot, party: str) -> str:
    row = state.get(Party, party)
    return row.name if row else party


def ask(
    node: Node, asker: str, asset: str, purpose: str, conditions: Conditions, text: str, days: int = 30, party: str = ""
) -> ConsentRequested | Refusal:
    """Asks everybody in an asset for consent, or `party` alone."""
    return node.record(lambda tx: consent_requests.ask(
        tx, numbered("request", tx.next), asker, asset, purpose, conditions, text, days, party, tx.now
    ))  # fmt: skip


def withdraw(node: Node, request: str, asker: str) -> RequestWithdrawn | Refusal:
    """The asker takes a request back."""
    return node.record(lambda tx: consent_requests.withdraw(tx, request, asker))


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as the person sees it: who asks, the notice to read before she answers, and what she put off. If she is
    asked `alone`, who asks learns what she answers.
    """

    request: ConsentRequest
    who: str
    notice: str
    deferred: RequestAnswer | None
    alone: bool


def inbox(node: Node, party: str, by: str = "") -> list[Asked]:
    """What a person can answer now; `by` is the guardian who looks, if it is not she herself."""
    now = node.clock.now()
    with node.store.read() as state:
        who = _seen(state, party, by, now)
        return [
            Asked(
                request, name, consent_requests.shown(state, request, name), answer,
                bool(consent_requests.asked_alone(state, request)),
            )
            for request, answer in consent_requests.inbox(state, who, now)
            for name in [_name(state, request.asker)]
        ]  # fmt: skip


def wards(node: Node, guardian: str) -> list[tuple[Party, Instant]]:
    """For whom somebody speaks now, and until when."""
    with node.store.read() as state:
        found = consent_guardians.wards_of(state, guardian, node.clock.now())
        return [(party, one.until) for one in found if (party := state.get(Party, one.ward))]


def answer(
    node: Node, request: str, party: str, word: str, shown: str = "", purpose: str = "",
    conditions: Conditions | None = None, days: int = 7, by: str = "",
) -> tuple[Answer, Receipt] | Refusal:  # fmt: skip
    """A person answers a request: yes, no or later; with the receipt of it."""
    return _with_receipt(node, lambda tx: only_people(tx, "answer-consent", by or party, ()) or consent_requests.answer(
        tx, request, Speaker(party, by), word, tx.now, shown, purpose, conditions, days
    ))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as its asker sees it, and what he is `told` of the answers."""

    request: ConsentRequest
    open: bool
    told: str


def sent(node: Node, asker: str) -> list[Sent]:
    """What a party asked, the newest first."""
    now = node.clock.now()
    step = node.rulebook.value("consent.answers-told-in-steps-of", now)
    with node.store.read() as state:
        found = sorted(state.list(ConsentRequest, asker=id_of(state, asker)), key=lambda request: -request.seq)
        return [Sent(r, r.active(now), consent_requests.told(state, r, step)) for r in found]


def appoint(node: Node, guardian: str, ward: str, until: Instant, evidence: str) -> GuardianAppointed | Refusal:
    """Records who speaks for whom."""
    return node.record(lambda tx: consent_guardians.appoint(tx, guardian, ward, until, evidence, tx.now))


def relieve(node: Node, guardian: str, ward: str, evidence: str) -> GuardianshipEnded | Refusal:
    """Records that a guardian speaks for somebody no more."""
    return node.record(lambda tx: consent_guardians.end(tx, guardian, ward, evidence, tx.now))


def share_records(node: Node, asset: str, members: list[str], evidence: str) -> RecordsShared | Refusal:
    """Records that the records of some members are about all of them."""
    return node.record(lambda tx: consent_rules.share_records(tx, asset, members, evidence))
