"""Credentials: shown to a node, kept as far as their party agrees, and worth something only while their issuer stands by them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import story
from identity.conftest import MEMBER
from identity.world import CLAIMS, ISSUER, LIST, SAYS, TYPE, Issuer, Key, accepted, shown
from serving import served
from support import SetClock, rebuilt_rows, state_rows
from usufruct.core.base.faults import BadInput, NodeFault
from usufruct.core.base.ids import did_web
from usufruct.core.base.instants import later, seconds
from usufruct.core.base.refusals import Refusal
from usufruct.core.registry import credentials
from usufruct.core.registry.credentials import Credential, IssuedCredential, StatusList
from usufruct.main import create_node, open_node
from usufruct.node import erase, identity, login, register
from usufruct.node.node import Node
from usufruct.web.app import make_app
from usufruct.wire import jose, sdjwt, statuslist
from usufruct.wire.credentials import trusted_issuers


def claims(node: Node, party: str) -> dict[str, tuple[Any, ...]]:
    """What rules may use now."""
    with node.store.read() as state:
        found = credentials.claims(state, party, node.clock.now())
    return {name: tuple(one.value for one in values) for name, values in found.items()}


def test_what_a_trusted_issuer_says_becomes_claims_with_the_fact_they_rest_on(node: Node, issuer: Issuer) -> None:
    fact = accepted(node, issuer, story.USER)
    assert (fact.issuer, fact.type, fact.status_uri, fact.status_index) == (ISSUER, TYPE, LIST, 7)
    with node.store.read() as state:
        found = credentials.claims(state, story.USER, node.clock.now())
        row = state.get(Credential, fact.id)
        listed = state.get(StatusList, LIST)
        assert row is not None and listed is not None and state.entry(row.fact).fact == fact
    assert found["role"] == (credentials.Attested("driver", row.fact, ISSUER, TYPE, listed.issued),)
    assert [one.value for one in found["languages"]] == ["et", "en"]
    assert claims(node, story.STRANGER) == {}


def test_only_what_is_disclosed_allowed_and_agreed_to_is_kept(node: Node, issuer: Issuer) -> None:
    holder = Key()
    text = shown(node, MEMBER, holder, issuer.issue(holder), ("role", "name", "level"))
    fact = story.done(identity.present(node, MEMBER, text, ("role", "name", "languages")))
    assert [claim.name for claim in fact.claims] == ["role"], "not disclosed, not allowed, or not agreed to"
    with node.store.read() as state:
        records = [state.entry(seq) for seq in range(state.size())]
    assert SAYS["name"] not in str(records)


def test_a_persons_credential_is_sealed_with_her_key_and_goes_with_her(node: Node, issuer: Issuer) -> None:
    fact = accepted(node, issuer, MEMBER)
    identity.forget(node, MEMBER, fact.id)
    accepted(node, issuer, MEMBER)
    node.logins.link_subject("https://id.example", "7", MEMBER, "member")
    issued = identity.issue(node, "did:web:x.example", MEMBER, "member", {"role": "driver"}, Key().public_text, 3)
    assert isinstance(issued, str)
    place = identity.issued(node)[0].index
    story.done(identity.revoke(node, place))
    story.done(erase.erase(node, MEMBER, story.OPERATOR))
    with node.store.read() as state:
        assert not list(state.list(Credential))
        assert [(row.index, row.party, row.stands) for row in state.list(IssuedCredential)] == [(place, "", "revoked")]
        assert "driver" not in str([state.entry(seq) for seq in range(state.size())])
    assert identity.recheck(node) == "" and node.logins.linked("https://id.example", "7") is None


def test_what_the_node_issued_to_an_erased_person_is_revoked_and_its_place_never_given_again(
    http: Any, node: Node, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would be good until it runs out, and nobody could say otherwise; or the next one's would be in its place."""
    monkeypatch.setattr(identity, "LIST_ROOM", 8)

    def issue(party: str) -> int:
        before = {row.index for row in identity.issued(node)}
        story.done(identity.issue(node, "did:web:x.example", party, "member", {}, Key().public_text, 3))
        return next(row.index for row in identity.issued(node) if row.index not in before)

    keys = (jose.public_key(jose.ed25519_jwk(node.signer.public)),)
    hers, another = issue(MEMBER), issue(story.USER)
    clock.move(days=4)
    story.done(erase.erase(node, MEMBER, story.OPERATOR))
    assert (_status(http, node, keys, hers), _status(http, node, keys, another)) == (1, 0)
    assert [(row.party, row.stands) for row in identity.issued(node) if row.index == hers] == [("", "revoked")]
    clock.move(days=40)
    assert len({hers, another, *(issue(story.USER) for _ in range(6))}) == 8, "nor that of one that ran out"
    with pytest.raises(NodeFault, match="full, for good"):
        issue(story.USER)


def test_a_party_takes_a_credential_back(node: Node, issuer: Issuer) -> None:
    fact = accepted(node, issuer, story.USER)
    refused = identity.forget(node, story.STRANGER, fact.id)
    assert isinstance(refused, Refusal) and refused.code == "registry.unknown"
    story.done(identity.forget(node, story.USER, fact.id))
    assert claims(node, story.USER) == {}
    assert [line.stands for line in identity.shown_by(node, story.USER)] == ["ended: the party took it back"]
    assert isinstance(identity.forget(node, story.USER, fact.id), Refusal), "it ends once"


def test_claims_end_when_the_credential_runs_out(node: Node, issuer: Issuer, clock: SetClock) -> None:
    fact = accepted(node, issuer, story.USER, index=None)
    clock.at = later(fact.until, milliseconds=-1)
    assert claims(node, story.USER)["role"] == ("driver",)
    clock.at = fact.until
    assert claims(node, story.USER) == {}
    assert identity.shown_by(node, story.USER)[0].stands == "ran out"


class Counting:
    """A state that counts the rows it lists."""

    def __init__(self, state: Any) -> None:
        self.get, self._state, self.rows = state.get, state, 0

    def list(self, kind: Any, /, **where: Any) -> Iterator[Any]:
        for row in self._state.list(kind, **where):
            self.rows += 1
            yield row


def test_what_is_past_costs_nothing(node: Node, issuer: Issuer, clock: SetClock) -> None:
    for _ in range(5):
        story.done(identity.forget(node, story.USER, accepted(node, issuer, story.USER).id))
    soon = seconds(node.clock.now()) + 60
    accepted(node, issuer, story.USER, exp=soon)
    clock.move(minutes=2)
    assert identity.recheck(node) == "0 status lists read, 1 credentials ended", "no list is read for what ran out"
    assert identity.shown_by(node, story.USER)[0].stands == "ended: it ran out"
    accepted(node, issuer, story.USER)
    with node.store.read() as state:
        counted = Counting(state)
        assert credentials.claims(counted, story.USER, node.clock.now())["role"] and counted.rows == 1
        assert len(list(state.list(Credential))) == 7
    clock.move(days=40)
    assert identity.recheck(node) == "0 status lists read, 1 credentials ended" and identity.recheck(node) == ""


def test_claims_lapse_when_the_status_list_gets_old_and_come_back_with_a_new_one(
    node: Node, issuer: Issuer, clock: SetClock
) -> None:
    accepted(node, issuer, story.USER)
    clock.move(hours=25)
    assert claims(node, story.USER) == {}
    assert identity.shown_by(node, story.USER)[0].stands == "waits for a fresh status list"
    with pytest.raises(NodeFault, match="it has run out"):
        identity.recheck(node)
    issuer.publish()
    assert identity.recheck(node) == "1 status lists read, 0 credentials ended"
    assert claims(node, story.USER)["role"] == ("driver",)


def test_a_list_counts_from_when_it_was_signed_and_no_longer_than_the_node_says(
    node: Node, issuer: Issuer, clock: SetClock
) -> None:
    short = replace(node, identities=replace(node.identities, status_seconds=600))
    issuer.publish()
    clock.move(seconds=590)
    accepted(short, issuer, story.USER)
    assert "role" in claims(short, story.USER)
    clock.move(seconds=11)
    assert claims(short, story.USER) == {}


def test_what_is_revoked_is_ended_by_the_follower(node: Node, issuer: Issuer, clock: SetClock) -> None:
    kept, lost = accepted(node, issuer, story.USER, index=3), accepted(node, issuer, story.STRANGER, index=9)
    issuer.revoked.add(9)
    issuer.publish()
    assert identity.recheck(node) == "", "nothing is due yet"
    clock.move(seconds=identity.RECHECK_SECONDS)
    assert identity.recheck(node) == "1 status lists read, 1 credentials ended"
    assert claims(node, story.STRANGER) == {} and claims(node, story.USER)["role"] == ("driver",)
    with node.store.read() as state:
        rows = {row.id: row.ended for row in state.list(Credential)}
    assert rows == {kept.id: "", lost.id: "revoked"}
    assert identity.recheck(node) == "", "it waits again"


def test_a_list_that_cannot_be_had_ends_nothing_and_is_told(node: Node, issuer: Issuer, clock: SetClock) -> None:
    accepted(node, issuer, story.USER)
    del issuer.documents.lying[LIST]
    clock.move(seconds=identity.RECHECK_SECONDS)
    with pytest.raises(NodeFault, match="nothing lies at"):
        identity.recheck(node)
    assert "role" in claims(node, story.USER), "the last reading still holds"


def test_an_issuer_who_is_no_longer_trusted_is_forgotten_when_the_node_opens(node: Node, issuer: Issuer) -> None:
    accepted(node, issuer, story.USER)
    assert identity.recover(node) == 0
    trusting_nobody = replace(node, identities=replace(node.identities, trusted=()))
    assert identity.recover(trusting_nobody) == 1
    assert claims(node, story.USER) == {}
    assert identity.recover(trusting_nobody) == 0


def test_the_state_is_the_same_when_it_is_folded_again(new_directory: Path, clock: SetClock) -> None:
    with open_node(new_directory, clock) as plain:
        story.register_parties(plain)
        issuer = Issuer(plain)
        issuer.publish()
        node = issuer.trusted(plain)
        accepted(node, issuer, story.USER)
        story.done(identity.forget(node, story.STRANGER, accepted(node, issuer, story.STRANGER, index=8).id))
        text = identity.issue(node, "did:web:x.example", story.USER, "t", {"a": 1}, Key().public_text, 3)
        assert isinstance(text, str)
        story.done(identity.revoke(node, identity.issued(node)[0].index))
    journal = new_directory / "journal.sqlite"
    before = state_rows(journal)
    assert before["state_credential"] and before["state_issued_credential"] and before["state_status_list"]
    assert rebuilt_rows(journal) == before


GOOD = {"issuer": "did:web:guild.example", "type": TYPE, "claims": ["role"]}


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ("guild", "is no table"),
        ({**GOOD, "claim": []}, "an unfit `claim`"),
        ({**GOOD, "private": 1}, "an unfit `private`"),
        ({"issuer": "did:web:guild.example"}, "needs `issuer`, `type`"),
        ({**GOOD, "claims": [1]}, "needs `issuer`, `type`"),
        ({**GOOD, "claims": ["o\u0308"]}, "not in Unicode normalization form C"),
        ({**GOOD, "issuer": "https://guild.example"}, "is not a did:web"),
        ({**GOOD, "issuer": "did:web:guild.example:..:x"}, "is not a did:web"),
        ({**GOOD, "keys": [{"kty": "oct", "k": "AA"}]}, "must be Ed25519 or P-256"),
        ({**GOOD, "keys": [{**json.loads(jose.new_key()[0])}]}, "a private one was given"),
    ],
)
def test_settings_that_could_not_be_kept_are_refused(entry: Any, why: str) -> None:
    with pytest.raises(BadInput, match=why) as fault:
        trusted_issuers([entry])
    assert fault.value.code == "input.settings"


def test_an_issuer_is_named_once_for_a_type() -> None:
    assert len(trusted_issuers([GOOD, {**GOOD, "type": "other"}])) == 2
    with pytest.raises(BadInput, match="twice"):
        trusted_issuers([GOOD, GOOD])


class Later:
    """An application that is there once its address is known."""

    app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


def test_one_node_issues_what_another_accepts_until_it_is_revoked(tmp_path: Path, clock: SetClock) -> None:
    """Over real sockets: the did:web document, the status list, and a revocation."""
    application, holder = Later(), Key()
    with served(application) as url:
        create_node(tmp_path / "guild", "Guild", "guild", "Guild", "EUR", url=url)
        create_node(tmp_path / "node", "Wage Commons", story.OPERATOR, "Wage Commons", "EUR")
        did, settings = did_web(url), tmp_path / "node" / "node.toml"
        trusted = f'issuers = [{{ issuer = "{did}", type = "member", claims = ["role"], private = true }}]'
        settings.write_text(settings.read_text().replace("issuers = []", trusted))
        with open_node(tmp_path / "guild", clock) as guild, open_node(tmp_path / "node", clock) as node:
            application.app = make_app(guild)
            story.done(register.add_party(guild, MEMBER, "person", "Mari"))
            story.register_parties(node)
            text = story.done(identity.issue(guild, did, MEMBER, "member", {"role": "driver"}, holder.public_text, 30))
            presentation = shown(node, story.USER, holder, text, ("role",))
            fact = story.done(identity.present(node, story.USER, presentation, ("role",)))
            assert claims(node, story.USER) == {"role": ("driver",)}
            story.done(identity.revoke(guild, fact.status_index))
            clock.move(seconds=identity.RECHECK_SECONDS)
            assert identity.recheck(node) == "1 status lists read, 1 credentials ended"
            assert claims(node, story.USER) == {}


def test_the_http_api_shows_lists_and_forgets(http: Any, node: Node, issuer: Issuer) -> None:
    narrow = {"Authorization": f"Bearer {login.issue_token(node, story.USER, 'user', ('ask',), 1, '')}"}
    assert http.post("/api/v1/credentials/challenges", headers=narrow).status_code == 403
    assert http.get("/api/v1/credentials", headers=narrow).status_code == 403
    token = login.issue_token(node, story.USER, "user", login.ROLES["user"], 1, "")
    headers = {"Authorization": f"Bearer {token}"}
    holder = Key()
    challenge = http.post("/api/v1/credentials/challenges", headers=headers).json()
    assert challenge["audience"] == node.about.url
    text = shown(node, story.USER, holder, issuer.issue(holder), nonce=challenge["nonce"])
    made = http.post("/api/v1/credentials", headers=headers, json={"credential": text, "claims": list(CLAIMS)})
    assert made.status_code == 201, made.text
    again = http.post("/api/v1/credentials", headers=headers, json={"credential": text, "claims": []})
    assert (again.status_code, again.json()["refusal"]["code"]) == (403, "identity.holder")
    listed = http.get("/api/v1/credentials", headers=headers).json()
    assert [(one["stands"], one["claims"]["level"]) for one in listed] == [("counts", [3])]
    gone = http.delete(f"/api/v1/credentials/{listed[0]['id']}", headers=headers)
    assert gone.status_code == 200 and claims(node, story.USER) == {}


def test_the_node_issues_over_http_and_its_list_says_what_is_revoked(http: Any, node: Node) -> None:
    token = login.issue_token(node, story.OPERATOR, "steward", ("steward",), 1, "")
    headers = {"Authorization": f"Bearer {token}"}
    body = {"party": MEMBER, "type": "member", "claims": {"role": "driver"}, "key": Key().public, "days": 3}
    made = http.post("/api/v1/credentials/issued", headers=headers, json=body).json()
    document = http.get("/.well-known/did.json")
    assert document.headers["content-type"].startswith("application/did+json")
    keys = jose.did_keys(document.content, made["issuer"])
    signed, says = sdjwt.unpack(made["credential"], keys, *sdjwt.TYPES)
    assert says["role"] == "driver" and "role" not in signed.claims
    place = http.get("/api/v1/credentials/issued", headers=headers).json()[0]["index"]
    assert signed.claims["status"]["status_list"]["idx"] == place
    assert _status(http, node, keys, place) == 0
    assert http.delete(f"/api/v1/credentials/issued/{place}", headers=headers).status_code == 200
    assert _status(http, node, keys, place) == 1
    private = http.post("/api/v1/credentials/issued", headers=headers, json={**body, "key": {"d": "x", **body["key"]}})
    assert (private.status_code, private.json()["fault"]["code"]) == (400, "input.key")
    taken = http.post("/api/v1/credentials/issued", headers=headers, json={**body, "claims": {"exp": 1}})
    assert taken.json()["fault"]["code"] == "input.credential"


def _status(http: Any, node: Node, keys: tuple[jose.Key, ...], place: int) -> int | None:
    answer = http.get("/api/v1/credentials/status")
    assert answer.headers["content-type"].startswith("application/statuslist+jwt")
    uri = node.about.url + identity.STATUS_PATH
    return statuslist.read(answer.text, uri, keys, node.clock.now(), 86_400).value(place)
