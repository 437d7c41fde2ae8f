"""Attack 13: what exists, learnt from refusals.

The attacker has an account of his own, as a data user and as a member, and tries names. Whatever he tries, on whichever
surface: what is somebody else's and what is not there must be told alike, to the byte: status, headers, words, and what
is added to the journal, whose size everybody can see. Only the name that he typed himself may differ.

`SURFACES` has every address that takes a name of something that not everybody may know of; a test holds it to the routes.
The command line is no surface: whoever can read the node's directory is the steward. For X-Road see `test_exchange`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from litestar.testing import TestClient

import pooling
import story
import working
from serving import application
from usufruct.core.access.consent_conditions import ANY
from usufruct.core.access.facts import Mandate
from usufruct.core.access.templates import Draft
from usufruct.core.base.ids import numbered
from usufruct.core.base.instants import END_OF_TIME, Instant, later
from usufruct.core.contract.facts import NegotiationMoved, Terms
from usufruct.core.cover.facts import ClaimMade
from usufruct.core.dataspace.facts import PeerLinked, ProcessOpened, TransferMoved
from usufruct.core.dataspace.messages import (
    PULL,
    AgreementVerification,
    ContractAgreement,
    ContractOffer,
    ContractRequest,
    Message,
    NegotiationAccepted,
    NegotiationTermination,
    TransferCompletion,
    TransferStart,
    TransferSuspension,
    TransferTermination,
)
from usufruct.core.market.needs import Need
from usufruct.core.privacy.facts import QueryAbandoned, QueryAdmitted
from usufruct.core.privacy.matching_facts import MatchAdmitted, MatchAnswered
from usufruct.core.privacy.state import Use
from usufruct.core.registry.credentials import CredentialAccepted
from usufruct.core.registry.rules import id_of
from usufruct.core.registry.state import Right
from usufruct.core.terms.model import Action, Rule, Ruleset
from usufruct.core.work.facts import JobTerms, Pay
from usufruct.core.work.pay.state import PayPlanned, Reckoning, WorkPaid
from usufruct.node import (
    consent,
    cubes,
    delegation,
    deposit,
    findings,
    identity,
    invoicing,
    login,
    market,
    query,
    register,
    rows,
    templates,
    trade,
    work,
)
from usufruct.node.dataspace import peers, talk
from usufruct.node.node import Node
from usufruct.ports import Transaction
from usufruct.web.app import make_app
from usufruct.web.dataspace import PATH
from usufruct.wire import dsp, jose, sql

HIDDEN = "tax"  # an asset that is offered to nobody
SHE, OTHER = story.MEMBERS[0], story.MEMBERS[1]
NAME = "NAME"
PURPOSE = {"purpose": story.PURPOSE}
NEED = {"columns": ["hours"], "budget": "100.00 EUR", **PURPOSE}
SQL = "SELECT COUNT(*) AS c FROM NAME"

COUNT = f"SELECT COUNT(*) AS c FROM {story.ASSET}"

# What one node says to another about a process. Rules and a callback are those of nobody.
RULES = Ruleset("x", (Rule("permission", "", Action("use")),))
AGREED = replace(RULES, kind="Agreement")
PIDS = ("NAME", "theirs")
MOVES: list[tuple[str, str, Message]] = [
    ("negotiation", "request", ContractRequest("theirs", "x", RULES, "NAME")),
    ("negotiation", "offers", ContractOffer("NAME", "x", RULES, "theirs")),
    ("negotiation", "agreement", ContractAgreement(*PIDS, "x", AGREED, "them", "us", "2026-01-01T00:00:00Z")),
    ("negotiation", "agreement/verification", AgreementVerification(*PIDS)),
    ("negotiation", "events", NegotiationAccepted(*PIDS)),
    ("negotiation", "termination", NegotiationTermination(*PIDS)),
    ("transfer", "start", TransferStart(*PIDS)),
    ("transfer", "suspension", TransferSuspension(*PIDS)),
    ("transfer", "completion", TransferCompletion(*PIDS)),
    ("transfer", "termination", TransferTermination(*PIDS)),
]

# Who tries, at which address, with what, and the name of which thing of the world below.
SURFACES: list[tuple[str, str, str, dict[str, Any] | None, str]] = [
    ("user", "POST", "/api/v1/queries", {"sql": SQL, **PURPOSE}, "asset"),
    ("user", "POST", "/api/v1/queries", {"sql": f"{SQL} WHERE hours > 1700 AND year = 2022", **PURPOSE}, "asset"),
    ("user", "POST", "/api/v1/queries", {"sql": f"{SQL} WHERE nothing = 3", **PURPOSE}, "asset"),
    ("user", "POST", "/api/v1/queries", {"sql": "SELECT night_shifts FROM NAME", "purpose": "Marketing"}, "asset"),
    ("user", "POST", "/api/v1/queries", {"sql": SQL, "purpose": "no purpose"}, "asset"),
    ("user", "POST", "/api/v1/queries", {"sql": "SELECT hours FROM NAME WHERE year = 2022", **PURPOSE}, "asset"),
    ("user", "POST", "/api/v1/queries", {"sql": "SELECT * FROM NAME", **PURPOSE}, "asset"),
    ("user", "POST", "/api/v1/cubes/{cube}/deliveries", PURPOSE, "cube"),
    ("user", "POST", "/desk/cubes/{cube}", PURPOSE, "cube"),
    ("user", "GET", "/api/v1/assets/{asset}/mask", None, "asset"),
    ("user", "POST", "/api/v1/templates/{name}/queries", {"values": {}, **PURPOSE}, "template"),
    ("user", "POST", "/api/v1/templates/{name}/{version}/approval", None, "template"),
    ("user", "POST", "/api/v1/templates/{name}/{version}/withdrawal", None, "template"),
    ("user", "GET", "/templates/{name}", None, "template"),
    ("user", "POST", "/templates/{name}/questions", PURPOSE, "template"),
    ("user", "POST", "/templates/{name}/{version}/approval", {}, "template"),
    ("user", "POST", "/templates/{name}/{version}/withdrawal", {}, "template"),
    ("user", "POST", "/api/v1/matches/{match}/queries", {"sql": COUNT, **PURPOSE}, "match"),
    ("user", "GET", "/matches/{name}", None, "match"),
    ("user", "POST", "/matches/{name}/questions", {"sql": COUNT, **PURPOSE, "precision": ""}, "match"),
    ("user", "POST", "/desk/questions", {"sql": SQL, **PURPOSE, "precision": ""}, "asset"),
    ("user", "POST", "/api/v1/decisions", {"asset": NAME, **PURPOSE, "columns": ["hours", "nothing"]}, "asset"),
    ("user", "POST", "/api/v1/decisions", {"asset": NAME, **PURPOSE, "form": "rows"}, "asset"),
    ("user", "POST", "/api/v1/assets/{asset}/rights", {"grantee": "insurer", "right": "use"}, "asset"),
    ("user", "POST", "/api/v1/assets/{asset}/rights", {"grantee": "insurer", "right": "use", "columns": ["hours"]}, "asset"),
    ("user", "POST", "/api/v1/assets/pay/rights", {"grantee": NAME, "right": "use"}, "party"),
    ("user", "GET", "/api/v1/assets/{asset}/title", None, "asset"),
    ("user", "GET", "/title/{asset}", None, "asset"),
    ("", "GET", "/title/{asset}", None, "asset"),
    ("user", "GET", "/api/v1/trace/{name}", None, "asset"),
    ("user", "GET", "/trace/{name}", None, "asset"),
    ("member", "GET", "/trace/{name}", None, "hidden use"),
    ("member", "GET", "/api/v1/trace/{name}", None, "asset"),
    ("user", "GET", "/open/{asset}", None, "asset"),
    ("", "GET", "/api/v1/open/{asset}/rows?sql=SELECT%20hours%20FROM%20NAME", None, "asset"),
    ("", "GET", "/api/v1/open/{asset}/data.csv", None, "asset"),
    ("", "GET", "/api/v1/open/{asset}/data.parquet", None, "asset"),
    ("user", "POST", "/api/v1/consent-requests", {"asset": NAME, **PURPOSE, "text": "x"}, "asset"),
    ("user", "POST", "/api/v1/consent-requests/{id}/withdrawal", None, "request"),
    ("user", "POST", "/api/v1/agreements/{agreement}/end", None, "agreement"),
    ("user", "POST", "/api/v1/agreements/{agreement}/earnings", {"period": "x", "earned": "1.00 EUR"}, "agreement"),
    ("user", "GET", "/api/v1/agreements/{agreement}/price", None, "agreement"),
    ("user", "GET", "/agreements/{agreement}/price", None, "agreement"),
    ("user", "POST", "/api/v1/market/search", {"asset": NAME, **NEED}, "asset"),
    ("user", "POST", "/api/v1/market/search", {"asset": NAME, **NEED, "columns": ["nothing"], "persons": 99}, "asset"),
    ("user", "POST", "/api/v1/needs/{need}/withdrawal", None, "need"),
    ("user", "POST", "/market/needs/{need}/withdrawal", {}, "need"),
    ("user", "POST", "/api/v1/offers/{offer}/previews", PURPOSE, "offer"),
    ("user", "POST", "/market/previews", {"offer": NAME, **PURPOSE}, "offer"),
    ("user", "GET", "/api/v1/invoices/{invoice}", None, "invoice"),
    ("user", "GET", "/invoices/{invoice}", None, "invoice"),
    ("user", "GET", "/invoices/{invoice}/{form}", None, "invoice"),
    ("user", "POST", "/invoices/{invoice}/disputes", {"reason": "x", "line": ""}, "invoice"),
    ("user", "POST", "/api/v1/disputes", {"about": NAME, "reason": "x"}, "invoice"),
    ("user", "POST", "/api/v1/work/pay", {"operator": NAME}, "party"),
    ("user", "GET", "/api/v1/work/pay/{plan}", None, "pay run"),
    ("user", "POST", "/api/v1/work/pay/{plan}/approval", None, "pay run"),
    ("user", "POST", "/api/v1/work/pay/{plan}/refusal", {"why": "x"}, "pay run"),
    ("user", "POST", "/api/v1/work/payslips/{payslip}/corrections", {"amount": "1.00 EUR", "why": "x"}, "payslip"),
    ("user", "GET", "/api/v1/me/work/payslips/{payslip}", None, "payslip"),
    ("user", "GET", "/work/mine/payslips/{payslip}", None, "payslip"),
    ("", "GET", "/api/v1/work/operators/{operator}", None, "member"),
    ("", "GET", "/api/v1/work/operators/{operator}/fairwork", None, "member"),
    ("", "GET", "/api/v1/work/operators/{operator}/figures/{half}", None, "member"),
    ("", "GET", "/work/operators/{operator}", None, "member"),
    ("user", "POST", "/api/v1/agreements/{agreement}/duties", {"duty": "d", "fulfilled": True}, "agreement"),
    ("user", "POST", "/api/v1/agreements/{agreement}/renewal/refusal", None, "agreement"),
    ("user", "POST", "/api/v1/work/agreements/{agreement}/ending", {"why": "x"}, "job agreement"),
    ("user", "POST", "/api/v1/work/job-offers/{offer}/acceptance", None, "job offer"),
    ("user", "POST", "/api/v1/work/job-offers/{offer}/refusal", None, "job offer"),
    ("user", "POST", "/api/v1/work/jobs/{job}/withdrawal", {"why": "x"}, "job"),
    ("user", "POST", "/work/agreements/{agreement}/ending", {"why": "x"}, "job agreement"),
    ("user", "POST", "/work/offers/{offer}", {"word": "accept"}, "job offer"),
    ("user", "POST", "/work/board/jobs/{job}/withdrawal", {"why": "x"}, "job"),
    ("user", "POST", "/api/v1/work/jobs/{job}/offers", {"worker": "institute"}, "job"),
    ("user", "POST", "/api/v1/work/jobs/job-1/offers", {"worker": NAME}, "party"),
    ("user", "POST", "/api/v1/work/shifts", {
        "worker": NAME, "start": "2026-01-01", "end": "2026-01-02", "online": []}, "party"),
    ("user", "POST", "/api/v1/work/works", {
        "agreement": NAME, "engaged": [{"start": "2026-01-01", "end": "2026-01-02"}], "gross": "1.00 EUR"}, "job agreement"),
    ("user", "POST", "/api/v1/work/works", {
        "agreement": NAME, "engaged": [{"start": "2026-01-01", "end": "2026-01-02"}], "gross": "1.00 EUR"}, "agreement"),
    ("user", "GET", "/api/v1/terms/{name}", None, "agreement"),
    ("user", "POST", "/api/v1/negotiations/{negotiation}/messages", {"message": "agree"}, "negotiation"),
    ("user", "POST", "/api/v1/negotiations/{negotiation}/messages", {"message": "dance"}, "negotiation"),
    ("user", "POST", "/desk/negotiations/{negotiation}", {"message": "agree"}, "negotiation"),
    ("user", "POST", "/api/v1/cover/claims/{name}/decision", {"reasons": "x", "grant": "1.00 EUR"}, "claim"),
    ("member", "POST", "/cover/claims/{name}/decision", {"reasons": "x", "grant": "1.00 EUR"}, "claim"),
    ("user", "GET", "/api/v1/uses/{use}/decision", None, "use"),
    ("member", "GET", "/api/v1/uses/{use}/decision", None, "hidden use"),
    ("user", "GET", "/questions/{use}", None, "use"),
    ("user", "GET", "/questions/{use}/answer.csv", None, "use"),
    ("user", "GET", "/api/v1/receipts/{seq}", None, "fact"),
    ("user", "GET", "/receipts/{seq}", None, "fact"),
    ("member", "GET", "/api/v1/receipts/{seq}", None, "her fact"),
    ("user", "POST", "/api/v1/rights/{right}/pledge", {"to": "insurer", "pilot": "x", "until": "2090-01-01"}, "right"),
    ("user", "POST", "/api/v1/rights/{right}/transfer", {"to": "insurer", "keeps": True}, "right"),
    ("user", "POST", "/api/v1/rights/{right}/release", None, "right"),
    ("user", "POST", "/api/v1/rights/{right}/revocation", None, "right"),
    ("user", "POST", "/api/v1/rights/right-1/transfer", {"to": NAME, "keeps": True}, "party"),
    ("user", "POST", "/api/v1/rights/right-1/pledge", {"to": NAME, "pilot": "x", "until": "2090-01-01"}, "party"),
    ("user", "POST", "/api/v1/delegations", {
        "agent": NAME, "assets": ["pay"], "purposes": [story.PURPOSE], "until": "2090-01-01"}, "party"),
    ("user", "POST", "/api/v1/delegations/{id}/end", None, "delegation"),
    ("", "POST", "/login", {"party": NAME, "password": "it is a long one, but wrong"}, "with a password"),
    ("user", "POST", "/agents/{id}/end", {}, "delegation"),
    ("user", "DELETE", "/api/v1/keys/{thumbprint}", None, "key"),
    ("user", "DELETE", "/api/v1/credentials/{id}", None, "credential"),
    ("user", "DELETE", "/api/v1/tokens/{name}", None, "token"),
    ("member", "POST", "/api/v1/me/consents", {"asset": NAME, **PURPOSE, "consent": False}, "asset"),
    ("member", "POST", "/api/v1/me/consents", {"asset": "pay", **PURPOSE, "consent": False, "ward": NAME}, "member"),
    ("member", "POST", "/api/v1/me/notices", {"asset": NAME, **PURPOSE}, "asset"),
    ("member", "POST", "/api/v1/me/objections", {"asset": NAME, **PURPOSE}, "asset"),
    ("member", "POST", "/me/consent", {"asset": NAME, **PURPOSE, "word": "refuse"}, "asset"),
    ("member", "GET", "/api/v1/me/words/{asset}/{version}/receipt", None, "asset"),
    ("member", "POST", "/api/v1/me/requests/{id}/answer", {"answer": "no"}, "request"),
    ("member", "POST", "/member/requests/{id}", {"word": "no"}, "request"),
    ("member", "POST", "/member/words", {"asset": NAME, **PURPOSE, "word": "object"}, "asset"),
    ("member", "POST", "/member/words/review", {"asset": NAME, **PURPOSE, "column": "hours", "low": "1"}, "asset"),
    ("member", "POST", "/api/v1/me/cells/{cell}/offer", {"purposes": [story.PURPOSE], "price": "1.00 EUR"}, "cell"),
    ("member", "POST", "/api/v1/me/cells/{cell}/withdrawal", None, "cell"),
    ("member", "POST", "/member/cells/{cell}/offer", {"purpose": story.PURPOSE}, "cell"),
    ("member", "POST", "/member/cells/{cell}/withdrawal", {}, "cell"),
    ("member", "POST", f"/api/v1/me/pools/{pooling.POOL}/membership", {"cell": NAME, "charter": "0" * 64}, "cell"),
    ("member", "POST", f"/member/pools/{pooling.POOL}/membership", {"cell": NAME, "charter": "0" * 64}, "cell"),
    *(
        ("member", "POST", f"{path}/findings/{{of}}/{what}", body, kind)
        for path in ("", "/api/v1") for kind in ("finding", "restriction") for what, body in (
            ("appeal", {"reason": "x"}),
            ("answer", {"reasons": "x", **({"upheld": True} if path else {"became": "upheld"})}),
        )
    ),
    ("user", "POST", "/api/v1/findings/restrictions/{id}/ending", {"why": "x"}, "restriction"),
    ("user", "POST", "/api/v1/findings/restrictions", {
        "worker": NAME, "operator": story.STRANGER, "kind": "ended", "reasons": "x", "contact": "y",
    }, "member"),
    ("user", "GET", "/dataspace/2025-1/data/{pid}", None, "transfer"),
    ("user", "POST", "/dataspace/2025-1/data/{pid}", {"sql": SQL}, "transfer"),
    ("", "POST", "/dataspace/2025-1/data/{pid}", {"sql": SQL}, "transfer"),
    ("user", "POST", "/dataspace/2025-1/data/{pid}/token", None, "transfer"),
    ("user", "GET", "/api/v1/processes/{process}", None, "process"),
    ("user", "POST", "/api/v1/processes/{process}/messages", {"message": "terminate"}, "process"),
    ("user", "POST", "/api/v1/processes/{process}/pulls", {}, "process"),
    ("user", "POST", "/api/v1/agreements-held/{negotiation}/transfers", {}, "process"),
    ("user", "GET", "/processes/{name}", None, "process"),
    ("user", "POST", "/processes/{name}", {"message": "terminate"}, "process"),
    ("user", "POST", "/processes/{name}/pulls", {"sql": COUNT}, "process"),
    ("user", "POST", "/processes/{name}/transfers", {}, "process"),
    ("user", "GET", f"{PATH}/catalog/datasets/{{dataset}}", None, "asset"),
    *(("user", "GET", f"{PATH}/{kind}s/{{pid}}", None, f"{kind} elsewhere") for kind in ("negotiation", "transfer")),
    *(
        ("user", "POST", f"{PATH}/{kind}s/{{pid}}/{path}", json.loads(dsp.write(said)), f"{kind} elsewhere")
        for kind, path, said in MOVES
    ),
    *(
        ("user", "POST", f"/access/v1/{path}", {
            "subject": {"type": "party", "id": who}, "resource": {"type": "asset", "id": NAME},
            "action": {"name": "use", "properties": {"purpose": story.PURPOSE, "columns": ["hours", "nothing"]}},
        }, "asset")
        for path in ("evaluation", "evaluations", "search/action", "search/subject", "search/resource")
        for who in (story.USER, story.STRANGER)
    ),
]  # fmt: skip

# Addresses that take a name of something that everybody may know of.
PUBLIC = {
    "/static/{name}", "/journal/tile/{tile}", "/disclosure/{year}", "/api/description/{path}", "/api/v1/epochs/{number}",
    "/api/v1/timestamps/{size}", "/api/v1/timestamps/{size}/checkpoint", "/api/v1/disclosure/{year}",
    "/api/v1/disclosure/{year}/{part}", "/api/v1/offers/{offer}/requests", "/pools/{name}", "/api/v1/pools/{name}",
    "/products/{asset}", "/api/v1/auctions/{name}/bids", "/api/v1/auctions/{name}/bids/opening",
    "/api/of/{area}", "/api/v1/me/earnings/{year}", "/earnings/{year}",
    "/member/pools/{name}", "/member/pools/{name}/membership", "/member/pools/{name}/leaving",
    "/api/v1/me/pools/{name}/membership", "/api/v1/me/pools/{name}/leaving",
    "/api/v1/peers/{peer}/catalogue", "/api/v1/peers/{peer}/negotiations", "/nodes/{peer}/catalogue",
    "/nodes/{peer}/negotiations", "/api/v1/work/jobs/{job}", "/api/v1/work/jobs/{job}/agreements",
    "/api/v1/work/rounds/{round}", "/api/v1/work/rounds/{round}/certificate", "/api/v1/work/rounds/{round}/instance",
    "/api/v1/work/rounds/{round}/reasons", "/api/v1/work/rounds/{round}/wishes", "/api/v1/work/rounds/{round}/commitments",
    "/api/v1/work/rounds/{round}/secrets", "/api/v1/work/series/{series}",
    "/work/jobs/{job}", "/work/jobs/{job}/taking", "/work/rounds/{round}",
    "/work/rounds/{round}/wishes",
    "/api/v1/skills/training/{id}/withdrawal", "/api/v1/skills/training/{id}/applications",
    "/skills/training/{id}/applications",
    "/api/v1/me/cover/schemes/{name}/joining", "/api/v1/me/cover/schemes/{name}/leaving", "/cover/schemes/{name}/joining",
    "/cover/schemes/{name}/leaving",
}  # fmt: skip

# What a closed period brought somebody: two names, of a period and of somebody or of an asset.
BROUGHT = {
    "/api/v1/statements/{period}/{party}", "/api/v1/statements/{period}/{party}/pdf", "/statements/{period}/{party}",
    "/statements/{period}/{party}/pdf", "/statements/{period}/{party}/complaints", "/api/v1/me/lines/{period}/{asset}",
    "/lines/{period}/{asset}",
}  # fmt: skip


@dataclass
class World:
    """A served node with things that are not the attacker's: `there`, by kind, a name of each."""

    node: Node
    client: TestClient[Any]
    tokens: dict[str, str]
    there: dict[str, str]

    def absent(self, kind: str) -> str:
        """A name like that of something that is there, of something that is not."""
        name = self.there[kind]
        if re.fullmatch(r"([a-z]+-)?\d+", name):  # a number that will not be reached
            return re.sub(r"\d+", lambda found: "9" * (1 + len(found[0])), name)
        return re.sub(r"\d", "9", name) if re.search(r"\d", name) else name[::-1]

    def size(self) -> int:
        with self.node.store.read() as state:
            return state.size()

    def told(self, who: str, method: str, path: str, body: dict[str, Any] | None, name: str) -> tuple[Any, ...]:
        """All that an answer says, and how far the journal has grown, without the name that was typed and what is new
        each time: numbers, instants and receipts."""
        headers = {"Authorization": f"Bearer {self.tokens[who]}"} if who else {}
        form = not path.startswith(("/api/", "/access/", "/dataspace/")) and method == "POST"
        text = json.dumps(body).replace(NAME, name) if body is not None else None
        sent: dict[str, Any] = {} if text is None else {"data" if form else "json": json.loads(text)}
        path = (
            re.sub(r"{\w+}", name, path, count=1)
            .replace("{version}", "1")
            .replace("{half}", "2026-2")
            .replace(NAME, name)
        )
        before = self.size()
        answer = self.client.request(method, path, headers=headers, follow_redirects=False, **sent)
        given = [(key, plain(value, name)) for key, value in answer.headers.items() if key != "content-length"]
        return answer.status_code, sorted(given), plain(answer.text, name), self.size() - before


def plain(text: str, name: str) -> str:
    """A text without the name, numbers of uses, instants and receipts."""
    text = text.replace(name, NAME)
    text = re.sub(r'"receipt":"[^"]+"', '"receipt":""', text)
    return re.sub(r"use-\d+|\d{4}-\d\d-\d\dT[\d:.]+Z", "…", text)


@pytest.fixture
def world(node: Node, tmp_path: Any) -> Iterator[World]:
    """The attacker is the insurer, and the first member."""
    pooling.found(node)
    card = replace(story.read_card(), asset=HIDDEN, title="Tax", member_prefix="payer")
    lines = story.write_table(tmp_path / "tax.csv").read_text().splitlines()
    (tmp_path / "tax.csv").write_text("\n".join([*lines[:-1], lines[-1].replace("true", "false")]) + "\n")
    story.done(register.add_asset(node, card, tmp_path / "tax.csv", story.OPERATOR))
    terms = Terms("aggregates", ("Marketing",), story.PRICE, "EUR", 1)
    story.done(trade.publish_offer(node, "more", story.ASSET, story.OPERATOR, terms))
    moved = story.done(trade.request_offer(node, "more", story.USER))
    story.done(register.add_party(node, "robot", "agent", "Robot", story.USER))
    mandate = Mandate((story.ASSET,), (story.PURPOSE,), "EUR")
    granted = story.done(delegation.grant(node, story.USER, "robot", mandate, later(node.clock.now(), days=9)))
    asked = story.done(consent.ask(node, story.OPERATOR, story.ASSET, "Marketing", ANY, "x", 9, OTHER))
    with node.store.read() as state:
        person = id_of(state, OTHER)
    fell = ClaimMade("claim-4714", person, "none", "accident", "fund:x", 900, "EUR", "x", node.clock.now(), person=True)
    node.store.write(lambda tx: tx.append(fell))
    cell = story.done(deposit.deposit(node, person, b"what,how\nsteps,12\n")).id
    key = jose.public_key(json.loads(jose.new_key()[1]))
    story.done(identity.register_key(node, story.USER, "user", key.thumbprint, key.jwk))
    accepted = CredentialAccepted("credential-1", story.USER, "https://i.example", "t", "h", (), END_OF_TIME, "", 0)
    node.store.write(lambda tx: tx.append(accepted))
    answered = story.answer(node, micro_rho=story.CHEAP)
    hidden = query.ask(
        node, query.Asked(story.OPERATOR, SQL, sql.parse(f"SELECT COUNT(*) FROM {HIDDEN}"), story.PURPOSE, anew=True)
    )
    jobs = _jobs_of(node, story.USER, person)
    tokens = {
        role: login.issue_token(node, party, role, login.ROLES[role], 1, "")
        for party, role in ((story.STRANGER, "user"), (SHE, "member"))
    }
    login.issue_token(node, story.USER, "user", ("ask",), 1, "theirs")
    with node.store.read() as state:
        agreement = next(iter(state.list(Use))).agreement
        theirs = [right.id for right in state.list(Right, asset=story.ASSET) if right.grantee == story.OPERATOR]
        fact = str(next(iter(state.list(Use))).ended)
        her = str(state.history(person)[-1].seq)
    story.done(cubes.declare(node, "tax-by-year", HIDDEN, ["year"], ["hours"], story.PURPOSE, 0, story.OPERATOR))
    draft = Draft("hidden-count", "How many", f"SELECT COUNT(*) AS n FROM {HIDDEN}", (story.PURPOSE,))
    story.done(templates.propose(node, draft, story.OPERATOR, sql.parse))
    match = _match_of(node, answered.use)
    login.set_password(node, story.USER, "user", "it is a long one, and right")
    need = story.done(market.state_need(node, story.USER, Need(("hours",), story.PURPOSE, "aggregates", "EUR", 100)))
    invoice = story.done(invoicing.issue(node, story.OPERATOR, story.USER, "now"))
    for party in (story.STRANGER, story.USER):
        story.done(peers.link(node, party, f"did:web:{party}.example", f"https://{party}.example/dsp", by_hand=True))
    elsewhere = {kind: node.store.write(lambda tx: _process_of(node, kind, tx)) for kind in ("negotiation", "transfer")}  # noqa: B023
    there = {
        "negotiation elsewhere": elsewhere["negotiation"][1], "transfer elsewhere": elsewhere["transfer"][1],
        "process": elsewhere["negotiation"][0], "with a password": story.USER,
        "asset": HIDDEN, "negotiation": moved.negotiation, "agreement": agreement, "delegation": granted.delegation,
        "request": asked.request, "cell": cell, "key": key.thumbprint, "credential": "credential-1", "use": answered.use,
        "hidden use": hidden.use, "fact": fact, "her fact": her, "right": theirs[0], "party": person, "member": OTHER,
        "cube": "tax-by-year", "template": "hidden-count", "match": match, "need": need.need,
        "invoice": invoice.invoice, "offer": "more", "token": login.tokens(node, story.USER)[0][0],
        "transfer": _transfer_of(node, agreement), "job": jobs[0], "job agreement": jobs[1], "job offer": jobs[2],
        **_pay_of(node, person), **_found_about(node), "claim": fell.claim,
    }  # fmt: skip
    with application(node) as app, TestClient(app, raise_server_exceptions=False) as client:
        yield World(node, client, {**tokens, "": ""}, there)


def _jobs_of(node: Node, poster: str, worker: str) -> tuple[str, str, str]:
    """A job of the user's, with an agreement on it and an offer, both with somebody else."""
    starts = later(node.clock.now(), days=2)
    terms = JobTerms("letters", "here", starts, later(starts, hours=2), 60, Pay("EUR", 1000), seats=2)
    job = story.done(work.post(node, poster, terms)).job
    agreed = story.done(work.take(node, job, worker)).agreement
    return job, agreed, story.done(work.offer(node, job, worker, poster)).offer


def _pay_of(node: Node, worker: str) -> dict[str, str]:
    """A payslip by the node's operator, and a pay run of its that waits."""
    slip = Reckoning(worker, (), 0, 0, 0, 0, 500, 500)
    planned = PayPlanned("pay-80", story.OPERATOR, "EUR", Instant(""), Instant(""), (slip,), "", story.OPERATOR)
    waits = replace(planned, plan="pay-81", parent="pay-80")
    paid = WorkPaid("pay-80-1", "pay-80", story.OPERATOR, worker, "EUR", Instant(""), Instant(""), slip, story.OPERATOR)

    def command(tx: Transaction) -> None:
        for fact in (planned, paid, waits):
            tx.append(fact)

    node.store.write(command)
    return {"pay run": "pay-81", "payslip": "pay-80-1"}


def _found_about(node: Node) -> dict[str, str]:
    """A finding about another member, and a restriction of her account at the user's."""
    working.in_force(node, "eu-working-time")
    working.shift(node, OTHER, story.USER, 1, 4, 20)
    [made] = findings.check(node).made
    said = ("suspended", "x", "y", None, story.USER)
    return {
        "finding": made.finding,
        "restriction": story.done(findings.restrict(node, OTHER, story.USER, *said)).restriction,
    }


def _transfer_of(node: Node, agreement: str) -> str:
    """What the node of the user calls a transfer that is started, from which data can be pulled."""
    pid = "urn:uuid:12345678-1234-4234-8234-123456781234"

    def command(tx: Transaction) -> None:
        name, format = "transfer-4713", "HttpData-PULL"
        tx.append(PeerLinked(story.USER, "did:web:user.example", "https://user.example"))
        tx.append(ProcessOpened(
            name, "transfer", "provider", story.OPERATOR, story.USER, pid, "https://user.example", "theirs", agreement, format
        ))  # fmt: skip
        tx.append(
            TransferMoved(name, agreement, story.OPERATOR, story.USER, story.OPERATOR, "start", "STARTED", format)
        )

    node.store.write(command)
    return pid


def _process_of(node: Node, kind: str, tx: Transaction) -> tuple[str, str]:
    """A process of the operator's with the user's node: what it is called here, and towards that node."""
    name, pid = numbered(kind, tx.next), talk.pid(node)
    tx.append(ProcessOpened(
        name, kind, "provider", story.OPERATOR, story.USER, pid, "https://x.example", "theirs", "more", PULL
    ))  # fmt: skip
    ends = ("more", story.OPERATOR, story.USER, story.USER, "request", "REQUESTED")
    tx.append(NegotiationMoved(name, *ends) if kind == "negotiation" else TransferMoved(name, *ends, PULL))
    return name, pid


def _match_of(node: Node, like: str) -> str:
    """A match of the user's that found persons, for the purpose of another of its uses."""

    def command(tx: Transaction) -> None:
        use = tx.get(Use, like)
        assert use is not None
        tx.append(QueryAdmitted(
            "use-4711", use.requester, use.agreement, use.asset, use.version, use.purpose, "match", "match", 0, 0, "EUR",
            use.population,
        ))  # fmt: skip
        tx.append(MatchAdmitted(
            "match-4712", "use-4711", "ab" * 16, "asks", "matched", use.requester, "EE/GOV/1/rr/match", "other",
            client="EE/COM/1/c",
        ))  # fmt: skip
        tx.append(QueryAbandoned("use-4711", "made up"))
        tx.append(MatchAnswered("match-4712", use.population))

    node.store.write(command)
    return "match-4712"


def test_what_is_somebody_elses_and_what_is_not_there(world: World) -> None:
    different = []
    for who, method, path, body, kind in SURFACES:
        there, absent = (world.told(who, method, path, body, name) for name in (world.there[kind], world.absent(kind)))
        assert there[0] in (200, 303, 401, 403, 404), ("neither read nor refused", method, path, there)
        if there != absent:
            different.append((method, path, body, there, absent))
    assert not different


@pytest.mark.parametrize("wanted", ["COUNT(*) AS c", "year, hours"])
def test_a_refusal_that_is_looked_up_later_tells_no_more(wanted: str, world: World) -> None:
    """The proof of a refused question is kept, and shown to who asked: it must not say what was read from a card."""
    kept = []
    for name in (world.there["asset"], world.absent("asset")):
        said = f"SELECT {wanted} FROM {name} WHERE hours > 1700 AND year IN (2021, 2022)"
        refused = rows.ask(world.node, query.Asked(story.STRANGER, said, sql.parse(said), story.PURPOSE, signed=True))
        assert isinstance(refused, query.Refused)
        kept.append([
            world.told("user", "GET", path, None, refused.use)[2].replace(name, NAME)
            for path in ("/api/v1/uses/{use}/decision", "/questions/{use}", "/trace/{name}", "/api/v1/trace/{name}")
        ])  # fmt: skip
    numbers = re.compile(r"\b\d+\b")
    assert [numbers.sub("0", text) for text in kept[0]] == [numbers.sub("0", text) for text in kept[1]]


def test_whoever_it_belongs_to_is_told_otherwise(world: World) -> None:
    """Else the test above would compare two names of nothing."""
    owners = {"user": (story.USER, "user"), "member": (OTHER, "member"), "steward": (story.OPERATOR, "steward")}
    world.tokens |= {
        who: login.issue_token(world.node, *whose, login.ROLES[whose[1]], 1, "") for who, whose in owners.items()
    }
    for who, method, path, body, kind in (
        ("steward", "GET", "/api/v1/trace/{name}", None, "asset"), ("user", "GET", "/api/v1/uses/{use}/decision", None, "use"),
        ("steward", "GET", "/api/v1/uses/{use}/decision", None, "hidden use"), ("user", "GET", "/questions/{use}", None, "use"),
        ("user", "GET", "/api/v1/terms/{name}", None, "agreement"), ("user", "GET", "/api/v1/receipts/{seq}", None, "fact"),
        ("member", "GET", "/api/v1/receipts/{seq}", None, "her fact"), ("user", "DELETE", "/api/v1/tokens/{name}", None, "token"),
        ("member", "POST", "/api/v1/me/requests/{id}/answer", {"answer": "no"}, "request"),
        ("user", "POST", "/api/v1/negotiations/{negotiation}/messages", {"message": "dance"}, "negotiation"),
        ("user", "DELETE", "/api/v1/keys/{thumbprint}", None, "key"),
        ("user", "DELETE", "/api/v1/credentials/{id}", None, "credential"),
        ("user", "POST", "/api/v1/delegations/{id}/end", None, "delegation"),
        ("member", "POST", "/api/v1/me/cells/{cell}/offer", {"purposes": [story.PURPOSE], "price": "1.00 EUR"}, "cell"),
        ("user", "GET", "/matches/{name}", None, "match"),
        ("user", "POST", "/api/v1/agreements/{agreement}/end", None, "agreement"),
        ("user", "POST", "/api/v1/work/agreements/{agreement}/ending", {"why": "x"}, "job agreement"),
        ("user", "POST", "/api/v1/work/jobs/{job}/withdrawal", {"why": "x"}, "job"),
        ("member", "POST", "/api/v1/work/job-offers/{offer}/refusal", None, "job offer"),
        ("steward", "POST", "/api/v1/rights/{right}/release", None, "right"),
    ):  # fmt: skip
        there = world.told(who, method, path, body, world.there[kind])
        assert there != world.told(who, method, path, body, world.absent(kind)), (method, path)


def test_a_member_is_told_on_what_grounds_and_not_what_is_between_others(world: World) -> None:
    """Of a use that had her rows in it she sees the decision, without prices and advice, and no other member's word."""
    answer = world.client.get(
        f"/api/v1/uses/{world.there['use']}/decision", headers={"Authorization": f"Bearer {world.tokens['member']}"}
    )
    said = answer.json()
    assert said["verdict"] == "permit" and "whyNot" not in said and len(said["premises"]) > 5
    assert [one for one in said["obligations"] if one["kind"] == "pay"] == []
    assert all("reason" not in premise for premise in said["premises"])
    with world.node.store.read() as state:
        people = [id_of(state, member) for member in story.MEMBERS]
    assert not [person for person in people if person in answer.text]


def test_no_address_is_left_out() -> None:
    """Every address that takes a name, but for those of the steward, who may know of everything."""
    app = make_app(None)  # type: ignore[arg-type]
    takes = {
        route.path_format
        for route in app.routes for handler in getattr(route, "route_handlers", [])
        if "{" in route.path_format and handler.opt.get("rule") not in (None, ("steward",))
    }  # fmt: skip
    assert takes == {path.partition("?")[0] for _, _, path, _, _ in SURFACES if "{" in path} | PUBLIC | BROUGHT


@pytest.mark.parametrize("path", sorted(BROUGHT))
def test_what_a_period_brought_others_is_as_if_there_were_no_such_period_or_person(path: str, world: World) -> None:
    story.close_period(world.node, "spring")
    method, body = ("POST", {"asset": story.ASSET, "reason": "x"}) if path.endswith("/complaints") else ("GET", None)
    told = set()
    who = "member" if "lines" in path else "user"
    for period, party, asset in (
        ("spring", world.there["party"], HIDDEN), ("autumn", world.there["party"], HIDDEN), ("spring", "nobody-999", "xat"),
    ):  # fmt: skip
        found = path.replace("{period}", period).replace("{party}", party).replace("{asset}", asset)
        status, headers, text, grown = world.told(who, method, found, body, period)
        assert status in (303, 403, 404)
        for name in (period, party, asset):
            text = text.replace(name, NAME)
        told.add((status, str(headers).replace(party, NAME).replace(asset, NAME), text, grown))
    assert len(told) == 1
