"""Consent, attacked: yes by default, more than was said, something else than was shown, somebody else's answer, counting who
answered, and one use more than was allowed.

Each attack is made on a whole node, and the victim is looked for where it would count: in the population of the next use.
"""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import story
from support import SetClock, rebuilt_rows, state_rows
from usufruct.core.access import consent as access
from usufruct.core.access import consent_notice
from usufruct.core.access.consent_conditions import ANY, Circumstances, Conditions
from usufruct.core.access.facts import ConsentGiven, ConsentRefused, ConsentRequested
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import parse
from usufruct.core.base.refusals import Refusal
from usufruct.core.proof.checkpoint import vkey
from usufruct.core.registry.rules import find_party
from usufruct.core.registry.state import Asset
from usufruct.core.rulebook import purposes
from usufruct.node import consent, erase, query, register, views
from usufruct.node.node import Node
from usufruct.store.keys import verify_signature
from usufruct.wire import consent_receipt, sql

ASKED = "We compare what shifts pay."
VICTIM, OTHER = "member-1", "member-2"


def request(node: Node, days: int = 30, purpose: str = "Marketing", conditions: Conditions = ANY) -> ConsentRequested:
    return story.done(consent.ask(node, "insurer", "pay", purpose, conditions, ASKED, days))


def population(node: Node, purpose: str, **how: Any) -> set[str]:
    """Who would be in a use, by the names people know."""
    with node.store.read() as state:
        asset = state.get(Asset, "pay")
        assert asset is not None
        circumstances = Circumstances(node.clock.now(), "insurer", "aggregates")._replace(**how)
        bits = access.population(state, "pay", purpose, asset.quality.persons, circumstances)
        inside = set()
        for name in story.MEMBERS:
            party = find_party(state, name)
            if party is None:
                continue  # she was erased
            number = access.number_of(state, "pay", party.id)
            if bits[number // 8] >> number % 8 & 1:
                inside.add(name)
        return inside


def refused(result: Any, code: str) -> None:
    assert isinstance(result, Refusal) and result.code == code, result


def test_asking_silence_and_time_are_no_consent(node: Node, clock: SetClock) -> None:
    asked = request(node)
    assert population(node, "Marketing") == population(node, "Marketing", ask_first=True) == set()
    story.done(consent.answer(node, asked.request, VICTIM, "later"))
    clock.move(days=31)
    assert population(node, "Marketing") == set()
    # and where it is asked first, the forms that the holder collected before are no answer
    assert population(node, story.PURPOSE) == set(story.MEMBERS)
    assert population(node, story.PURPOSE, ask_first=True) == set()


def test_a_yes_is_for_who_asked_for_what_he_asked_and_no_more(node: Node) -> None:
    asked = request(node, conditions=Conditions(mode="query", until=parse("2090-01-01")))
    story.done(consent.answer(node, asked.request, VICTIM, "yes", asked.notice))
    assert population(node, "Marketing") == population(node, "DirectMarketing", ask_first=True) == {VICTIM}
    assert population(node, "Marketing", recipient="institute") == set()
    assert population(node, "Marketing", form="rows") == set()
    assert population(node, "Marketing", at=parse("2090-01-01")) == set()
    for purpose in purposes.descendants(purposes.ROOT):
        if not purposes.covers("Marketing", purpose) and not purposes.covers(story.PURPOSE, purpose):
            assert VICTIM not in population(node, purpose), purpose


@pytest.mark.parametrize(("purpose", "conditions"), [
    ("Purpose", None), ("Personalisation", None), ("", Conditions(mode="store")), ("", Conditions()),
    ("", Conditions(mode="query", uses=9)), ("", Conditions(mode="query", uses=2, until=parse("2091-01-01"))),
])  # fmt: skip
def test_an_answer_beyond_what_was_asked_is_not_taken(node: Node, purpose: str, conditions: Conditions | None) -> None:
    asked = request(node, conditions=Conditions(mode="query", uses=2, until=parse("2090-01-01")))
    answer = consent.answer(node, asked.request, VICTIM, "yes", asked.notice, purpose, conditions)
    refused(answer, "consent.narrower")
    assert population(node, "Marketing") == set()


def test_an_answer_for_somebody_else_again_is_the_askers(node: Node) -> None:
    """Whatever recipients an answer names, it is for the asker."""
    asked = request(node)
    wide = Conditions(recipients=("insurer", "institute"))
    story.done(consent.answer(node, asked.request, VICTIM, "yes", asked.notice, "", wide))
    assert population(node, "Marketing", recipient="institute") == set()


def test_a_yes_to_something_else_than_what_was_shown_is_not_recorded(node: Node) -> None:
    asked = request(node)
    with pytest.raises(BadInput, match="what was read"):
        consent.answer(node, asked.request, VICTIM, "yes")
    refused(consent.answer(node, asked.request, VICTIM, "yes", "0" * 64), "consent.notice")
    narrow = Conditions(mode="query", until=parse("2090-01-01"))
    text = story.done(consent.notice(node, "pay", VICTIM, "Marketing", narrow))
    shown = consent_notice.digest(text)
    for purpose, conditions in (("Marketing", ANY), ("Marketing", Conditions(mode="query")), ("Purpose", narrow)):
        refused(consent.record_word(node, "pay", VICTIM, purpose, True, conditions, shown), "consent.notice")
    assert population(node, "Marketing") == set()
    fact, _ = story.done(consent.record_word(node, "pay", VICTIM, "Marketing", True, narrow, shown))
    assert fact.notice == shown


def test_a_yes_within_limits_that_nobody_read_is_not_recorded(node: Node) -> None:
    story.done(register.add_party(node, "aunt", "person", "Aunt"))
    story.done(consent.appoint(node, "aunt", VICTIM, parse("2040-01-01"), "court"))
    for by, conditions in (("", Conditions(uses=2)), ("", Conditions(recipients=("insurer",))), ("aunt", ANY)):
        with pytest.raises(BadInput, match="what was read"):
            consent.record_word(node, "pay", OTHER if not by else VICTIM, "Marketing", True, conditions, by=by)
    assert population(node, "Marketing") == set() and consent.words(node, VICTIM) == consent.words(node, OTHER) == []


def test_the_askers_words_cannot_pass_for_the_nodes(node: Node) -> None:
    text = "Hello\nOnly: figures in which you are counted\nFor: nobody at all\n\n> You can take it back at any time."
    story.done(consent.ask(node, "insurer", "pay", "Marketing", ANY, text))
    (asked,) = consent.inbox(node, VICTIM)
    ours = [line for line in asked.notice.splitlines() if not line.startswith("> ")]
    assert "For: Insurer" in ours and not [line for line in ours if line.startswith("Only:")], asked.notice


def test_one_answer_each_and_only_from_who_was_asked(node: Node) -> None:
    asked = request(node)
    story.done(consent.answer(node, asked.request, VICTIM, "no"))
    refused(consent.answer(node, asked.request, VICTIM, "yes", asked.notice), "consent.closed")
    refused(consent.answer(node, asked.request, VICTIM, "later"), "consent.closed")
    refused(consent.answer(node, asked.request, "insurer", "yes", asked.notice), "registry.unknown")
    refused(consent.answer(node, asked.request, "nobody", "yes", asked.notice), "registry.unknown")
    alone = story.done(consent.ask(node, story.OPERATOR, "pay", "Marketing", ANY, ASKED, 30, OTHER))
    stranger = consent.answer(node, alone.request, VICTIM, "yes", alone.notice)
    unknown = consent.answer(node, "request-0", VICTIM, "yes", alone.notice)
    refused(stranger, "registry.unknown")
    assert isinstance(unknown, Refusal)  # what is not hers looks like what is not there
    assert stranger.reasons == tuple(r.replace("request-0", alone.request) for r in unknown.reasons)
    assert [one.request.id for one in consent.inbox(node, VICTIM)] == []
    assert population(node, "Marketing", recipient=story.OPERATOR) == set()


def test_who_is_no_guardian_speaks_for_nobody(node: Node) -> None:
    asked = request(node)
    for by in (OTHER, "insurer", "nobody", VICTIM):
        refused(consent.answer(node, asked.request, VICTIM, "yes", asked.notice, by=by), "registry.unknown")
        refused(consent.record_word(node, "pay", VICTIM, "Marketing", True, by=by), "registry.unknown")
        refused(consent.object_to(node, "pay", VICTIM, "Marketing", "", by=by), "registry.unknown")
        refused(consent.notice(node, "pay", VICTIM, "Marketing", ANY, by), "registry.unknown")
        assert (
            consent.inbox(node, VICTIM, by) == consent.words(node, VICTIM, by) == consent.assets(node, VICTIM, by) == []
        )


def test_nobody_speaks_for_who_was_erased(node: Node) -> None:
    """Her number stays in the asset, and her guardian knows the id that stood for her."""
    asked = request(node)
    story.done(register.add_party(node, "aunt", "person", "Aunt"))
    story.done(consent.appoint(node, "aunt", VICTIM, parse("2040-01-01"), "court"))
    with node.store.read() as state:
        victim = find_party(state, VICTIM)
    assert victim is not None
    story.done(erase.erase(node, VICTIM, story.OPERATOR))
    for who, by in ((victim.id, "aunt"), (VICTIM, "aunt"), (victim.id, "")):
        for purpose in (purposes.ROOT, "Marketing"):
            for yes in (True, False):
                refused(consent.record_word(node, "pay", who, purpose, yes, by=by), "registry.unknown")
        refused(consent.object_to(node, "pay", who, "Marketing", "", by), "registry.unknown")
        refused(consent.notice(node, "pay", who, "Marketing", ANY, by), "registry.unknown")
        refused(consent.answer(node, asked.request, who, "yes", asked.notice, by=by), "registry.unknown")
        assert consent.inbox(node, who, "aunt") == consent.words(node, who, "aunt") == []
    refused(consent.ask(node, story.OPERATOR, "pay", "Marketing", ANY, ASKED, 30, victim.id), "registry.unknown")
    assert consent.wards(node, "aunt") == []
    with node.store.read() as state:
        circumstances = Circumstances(node.clock.now(), "insurer", "aggregates")
        assert not any(access.population(state, "pay", "Marketing", story.PERSONS, circumstances))


def test_an_erased_guardian_speaks_for_nobody_and_what_he_gave_is_void(node: Node, directory: Path) -> None:
    story.done(register.add_party(node, "aunt", "person", "Aunt"))
    story.done(consent.appoint(node, "aunt", VICTIM, parse("2040-01-01"), "court"))
    story.consent_to(node, VICTIM, "Marketing", Conditions(uses=9), "aunt")
    assert population(node, "Marketing") == {VICTIM}
    refused(consent.record_word(node, "pay", VICTIM, "Personalisation", True), "consent.guardian")
    story.done(erase.erase(node, "aunt", story.OPERATOR))
    assert population(node, "Marketing") == set()
    refused(consent.record_word(node, "pay", VICTIM, "Marketing", True, by="aunt"), "registry.unknown")
    story.done(consent.record_word(node, "pay", VICTIM, "Personalisation", True))  # she need not wait for anybody
    assert population(node, "Personalisation") == {VICTIM}
    assert state_rows(directory / "journal.sqlite") == rebuilt_rows(directory / "journal.sqlite")


def test_after_its_end_a_request_is_answered_by_nobody(node: Node, clock: SetClock) -> None:
    asked, other = request(node, days=1), request(node, purpose="Personalisation")
    story.done(consent.withdraw(node, other.request, "insurer"))
    refused(consent.withdraw(node, asked.request, "institute"), "registry.unknown")
    refused(consent.answer(node, other.request, VICTIM, "yes", other.notice), "consent.closed")
    clock.move(days=1)
    refused(consent.answer(node, asked.request, VICTIM, "yes", asked.notice), "consent.closed")
    assert consent.inbox(node, VICTIM) == [] and population(node, "Marketing") == set()


def test_the_asker_learns_steps_and_never_who_or_what(node: Node) -> None:
    """Whether a member said yes, no or nothing, and which one it was, the asker sees the same."""
    asked = request(node)
    seen = []
    for count, member in enumerate(story.MEMBERS[:9], 1):
        word = "yes" if count % 2 else "no"
        story.done(consent.answer(node, asked.request, member, word, asked.notice))
        (sent,) = consent.sent(node, "insurer")
        seen.append(sent.told)
    assert seen == ["fewer than 5 answered"] * 4 + ["at least 5 answered"] * 5
    refused(consent.ask(node, "insurer", "pay", "Personalisation", ANY, ASKED, 30, VICTIM), "registry.unknown")
    there = consent.ask(node, "insurer", "pay", "Personalisation", ANY, ASKED, 30, VICTIM)
    not_there = consent.ask(node, "insurer", "pay", "Personalisation", ANY, ASKED, 30, "member-99")
    assert isinstance(there, Refusal) and isinstance(not_there, Refusal)
    assert str(there).replace(VICTIM, "X") == str(not_there).replace("member-99", "X")


def test_a_no_to_one_asker_beats_every_yes(node: Node) -> None:
    asked = request(node, purpose=story.PURPOSE)
    story.done(consent.record_word(node, "pay", VICTIM, purposes.ROOT, True))
    story.done(consent.answer(node, asked.request, VICTIM, "no"))
    assert VICTIM not in population(node, story.PURPOSE)
    assert VICTIM in population(node, story.PURPOSE, recipient="institute")
    story.done(consent.record_word(node, "pay", VICTIM, purposes.ROOT, True))
    assert VICTIM not in population(node, story.PURPOSE)


def test_many_at_once_get_no_use_more_than_she_allowed(node: Node) -> None:
    """The count is in the transaction of the admission: of eight who ask together, two have her in."""
    story.consent_to(node, VICTIM, story.PURPOSE, Conditions(uses=2))
    asked = query.Asked(story.USER, story.QUESTION, sql.parse(story.QUESTION), story.PURPOSE, story.CHEAP, anew=True)
    together = [threading.Thread(target=query.ask, args=(node, asked)) for _ in range(8)]
    for one in together:
        one.start()
    for one in together:
        one.join()
    page = views.member_page(node, VICTIM)
    assert page is not None
    answered = [seen for seen in page.assets[0].seen if seen.use.state == "answered"]
    assert len([seen for seen in answered if seen.rows]) == 2


def test_a_receipt_that_was_touched_is_not_good(node: Node) -> None:
    asked = request(node)
    story.done(consent.answer(node, asked.request, VICTIM, "yes", asked.notice, "DirectMarketing"))
    (spoken,) = consent.words(node, VICTIM)
    data = consent_receipt.issue(spoken, node.about.origin, node.about.url, node.signer.sign)
    key = vkey(node.signer.name, node.signer.public)
    receipt = consent_receipt.verify(data, key, verify_signature)
    process = receipt["dpv:hasProcess"][0]
    assert process["dpv:hasPurpose"] == ["dpv:DirectMarketing"] and process["dpv:hasRecipient"] == ["insurer"]
    assert receipt["dpv:hasNotice"][0]["dct:description"] == consent.words(node, VICTIM)[0].notice
    body = json.loads(data)
    for touched in (
        {**body, "receipt": {**receipt, "dct:hasVersion": 2}},
        {**body, "receipt": {**receipt, "dpv:hasNotice": []}},
        {**body, "signature": {**body["signature"], "key": "other.example/journal"}},
        {"receipt": receipt}, [], {"receipt": [], "signature": {}},
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"not signed|not a consent receipt"):
            consent_receipt.verify(json.dumps(touched).encode(), key, verify_signature)
    other = vkey(node.signer.name, bytes(32))
    with pytest.raises(ValueError, match="not signed"):
        consent_receipt.verify(data, other, verify_signature)
    # a node that shows one thing and records another cannot give a good receipt
    lying = consent_receipt.issue(replace(spoken, notice="Nothing much.\n"), "o", "u", node.signer.sign)
    with pytest.raises(ValueError, match="the notice in it"):
        consent_receipt.verify(lying, vkey("o", node.signer.public), verify_signature)


def test_the_state_can_be_folded_again_and_an_erased_person_is_out(node: Node, directory: Path) -> None:
    asked = request(node)
    for member in (VICTIM, OTHER):
        story.done(consent.answer(node, asked.request, member, "yes", asked.notice))
    story.done(register.add_party(node, "aunt", "person", "Aunt"))
    story.done(consent.appoint(node, "aunt", "member-3", parse("2040-01-01"), "court"))
    story.consent_to(node, "member-3", "Marketing", Conditions(uses=1), "aunt")
    story.done(consent.relieve(node, "aunt", "member-3", "court"))
    story.done(consent.share_records(node, "pay", ["member-4", "member-5"], "household"))
    story.done(consent.object_to(node, "pay", "member-6", "Marketing", "LegitimateInterest"))
    assert state_rows(directory / "journal.sqlite") == rebuilt_rows(directory / "journal.sqlite")
    story.done(erase.erase(node, VICTIM, story.OPERATOR))
    assert population(node, "Marketing") == {OTHER}
    with node.store.read() as state:  # under her number there is nobody either
        bits = access.population(
            state, "pay", "Marketing", story.PERSONS, Circumstances(node.clock.now(), "insurer", "")
        )
    assert int.from_bytes(bits, "little").bit_count() == 1
    assert [sent.told for sent in consent.sent(node, "insurer")] == ["fewer than 5 answered"]


def test_every_word_is_a_fact_of_its_own(node: Node) -> None:
    """Words are added and never changed: the journal has each with its number."""
    story.done(consent.record_word(node, "pay", VICTIM, "Marketing", True))
    story.done(consent.record_word(node, "pay", VICTIM, "Marketing", False))
    page = views.member_page(node, VICTIM)
    assert page is not None
    said = [e.fact for e in page.history if isinstance(e.fact, ConsentGiven | ConsentRefused)]
    assert [(fact.KIND, fact.version) for fact in said] == [("consent.given/1", 1), ("consent.refused/1", 2)]


@pytest.mark.parametrize("step", ["admitted", "run", "answered"])
@pytest.mark.parametrize("how", ["refuses", "objects", "is no longer spoken for", "refuses the asker"])
def test_who_takes_her_word_back_before_the_answer_leaves_is_not_in_it(node: Node, step: str, how: str) -> None:
    story.done(register.add_party(node, "aunt", "person", "Aunt"))
    story.done(consent.appoint(node, "aunt", VICTIM, parse("2040-01-01"), "court"))
    story.consent_to(node, VICTIM, story.PURPOSE, Conditions(uses=9), "aunt")

    def take_back(reached: str) -> None:
        if reached != {"admitted": "query after admitted", "run": "query after run"}.get(step, "query before answered"):
            return
        match how:
            case "refuses":
                story.done(consent.record_word(node, "pay", VICTIM, story.PURPOSE, False))
            case "objects":
                story.done(consent.object_to(node, "pay", VICTIM, purposes.ROOT, ""))
            case "refuses the asker":
                asker = Conditions(recipients=(story.USER,))
                story.done(consent.record_word(node, "pay", VICTIM, story.PURPOSE, False, asker))
            case _ if not consent.wards(node, "aunt"):
                return  # it is reached again where the answer is worked out again
            case _:
                story.done(consent.relieve(node, "aunt", VICTIM, "court"))

    asked = query.Asked(story.USER, story.QUESTION, sql.parse(story.QUESTION), story.PURPOSE, story.CHEAP, anew=True)
    assert isinstance(query.ask(replace(node, reach=take_back), asked), query.Answered)
    for member, rows in ((VICTIM, 0), (OTHER, len(story.YEARS))):
        page = views.member_page(node, member)
        assert page is not None
        assert sum(seen.rows for seen in page.assets[0].seen if seen.use.state == "answered") == rows
