"""What the public counts, a use that is withheld for a time, and erasure: over the API, and on the pages of the portal."""

from __future__ import annotations

import base64
import dataclasses
import html
import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

import counted
import story
from serving import application
from support import SetClock
from usufruct.core.base.faults import EngineFault
from usufruct.core.base.instants import Instant, later
from usufruct.core.contract.state import Agreement
from usufruct.core.income.invoices import Invoice
from usufruct.core.income.state import Period
from usufruct.core.proof.book import Kept
from usufruct.core.proof.checkpoint import vkey
from usufruct.core.proof.receipt import Receipt, check
from usufruct.core.registry.facts import PersonErased
from usufruct.core.registry.rules import id_of
from usufruct.core.registry.state import Asset
from usufruct.main import open_node
from usufruct.node import consent, epoch, login, query, register, trade, usage
from usufruct.node.node import Node
from usufruct.ports import Measured
from usufruct.store.keys import verify_signature
from usufruct.web.app import make_app
from usufruct.wire import sql

SHE, OUT = "member-3", "member-9"  # in the use, and not in it, for she refused
OFFICE, OFFICE_NAME = "tax-office", "Inland Revenue Office"
GROUND, DAYS = "tax", 30
SECRET = "SELECT COUNT(*) AS rarelytyped FROM pay WHERE hours > 1523"
REFUSED = "SELECT rarelytyped FROM pay"


class Api:
    """The API and the pages, for whoever asks."""

    def __init__(self, node: Node, app: Litestar) -> None:
        self.node, self.app = node, app
        self.client = TestClient(self.app, raise_server_exceptions=False)

    def as_(self, party: str = "", role: str = "", *scopes: str) -> Caller:
        """Somebody with a token and a session, or a stranger."""
        if not party:
            return Caller(self.client, self.app, {})
        token = login.issue_token(self.node, party, role, scopes or login.ROLES[role], 300, "")
        return Caller(self.client, self.app, {"Authorization": f"Bearer {token}"})


@dataclasses.dataclass(frozen=True)
class Caller:
    """One party's way in."""

    client: TestClient[Litestar]
    app: Litestar
    headers: dict[str, str]

    def get(self, path: str) -> Any:
        return self.client.get(path, headers=self.headers, follow_redirects=False)

    def post(self, path: str, **body: Any) -> Any:
        return self.client.post(path, headers=self.headers, json=body)


@pytest.fixture
def api(node: Node) -> Iterator[Api]:
    with application(node) as app:
        made = Api(node, app)
        with made.client:
            yield made


@pytest.fixture
def steward(api: Api) -> Caller:
    return api.as_(story.OPERATOR, "steward")


def no(answer: Any, status: int, code: str) -> Any:
    """A refusal or a fault that explains itself."""
    (body,) = answer.json().values()
    assert (answer.status_code, body["code"]) == (status, code), answer.text
    assert body["message"] and body["remedy"]
    return body


# ---- who may withhold, and what the public counts


def test_the_steward_lets_a_party_withhold_and_ends_it(api: Api, steward: Caller) -> None:
    asked = {"party": story.USER, "ground": GROUND, "days": DAYS, "basis": "Tax Act, section 5"}
    made = steward.post("/api/v1/holds", **asked)
    assert made.status_code == 201 and made.json() == asked
    assert api.as_().get("/api/v1/holds").json() == [], "who may is not public, nor counted"
    institute = api.as_(story.USER, "user")
    question = {"sql": story.QUESTION, "purpose": story.PURPOSE, "micro_rho": story.CHEAP, "hold": GROUND}
    assert institute.post("/api/v1/queries", **question).status_code == 200
    assert steward.post("/api/v1/holds", **asked | {"days": 0}).status_code == 201
    no(institute.post("/api/v1/queries", **question), 403, "access.hold")
    assert api.as_().get("/api/v1/holds").json() == [{"ground": GROUND, "held": 1, "open": 0}]


NOT_ALLOWED = [
    ({"ground": "curiosity"}, 400, "input.hold"),
    ({"days": 181}, 400, "input.hold"),
    ({"days": -1}, 400, "input.http"),
    ({"days": "many"}, 400, "input.http"),
    ({"basis": " "}, 400, "input.hold"),
    ({"party": "nobody"}, 404, "registry.unknown"),
    ({"until": "2030-01-01"}, 400, "input.http"),
]


@pytest.mark.parametrize(("change", "status", "code"), NOT_ALLOWED)
def test_what_cannot_be_allowed(api: Api, steward: Caller, change: dict[str, Any], status: int, code: str) -> None:
    asked = {"party": story.USER, "ground": GROUND, "days": DAYS, "basis": "Tax Act, section 5"}
    with api.node.store.read() as state:
        before = state.size()
    no(steward.post("/api/v1/holds", **asked | change), status, code)
    with api.node.store.read() as state:
        assert state.size() == before


@pytest.mark.parametrize("path", ["/api/v1/holds", f"/api/v1/members/{SHE}/erasure"])
def test_nobody_but_the_steward_allows_or_erases(api: Api, path: str) -> None:
    body = (
        {"party": story.USER, "ground": GROUND, "days": DAYS, "basis": "an act"} if "holds" in path else {"member": SHE}
    )
    no(api.as_().post(path, **body), 401, "login.needed")
    for party, role in ((SHE, "member"), (story.USER, "user")):
        no(api.as_(party, role).post(path, **body), 403, "login.scope")
    with api.node.store.read() as state:
        assert {"hold.allowed/1", PersonErased.KIND}.isdisjoint(e.fact.KIND for e in state.entries(0, state.size()))


def test_every_epoch_is_public_and_proved(api: Api) -> None:
    assert api.as_().get("/api/v1/epochs").json() == []
    for _ in range(3):
        story.answer(api.node, micro_rho=story.CHEAP)
        epoch.close_epoch(api.node)
    found = api.as_().get("/api/v1/epochs").json()
    assert [one["number"] for one in found] == [0, 1, 2]
    for one in found:
        receipt = Receipt.parse(api.as_().get(f"/api/v1/epochs/{one['number']}").text)
        record = check(receipt, key_of(api.node), verify_signature).decode()
        assert receipt.index == one["seq"] and one["slips"] in record and one["counts"] in record
    no(api.as_().get("/api/v1/epochs/3"), 404, "registry.unknown")


def key_of(node: Node) -> str:
    """The verifier key of a node's journal."""
    return vkey(node.signer.name, node.signer.public)


# ---- a withheld use, from its question to its end


@dataclasses.dataclass
class Told:
    """A node on which a use is withheld: what was answered, on which day, until when, and what she kept of before."""

    api: Api
    clock: SetClock
    office: Caller
    answer: dict[str, Any]
    day: str
    until: Instant
    kept: Kept

    def needles(self) -> list[str]:
        """What would give the use away: who, what, which, when."""
        return [
            OFFICE,
            OFFICE_NAME,
            "rarelytyped",
            re.escape(self.answer["meaning"]),
            rf"\b{self.answer['use']}\b",
            self.day,
        ]


def audit(node: Node, kept: Kept | None = None) -> Any:
    """Her audit of what she is shown now."""
    found = counted.audit(counted.shown(node, SHE), counted.key_of(node, SHE), node.clock.now(), kept)
    assert found.sound, found.flaws
    return found


def let_in(api: Api) -> Caller:
    """The office, with an agreement and the right to withhold."""
    node = api.node
    story.done(register.add_party(node, OFFICE, "public-body", OFFICE_NAME, evidence="it is the state"))
    moved = story.done(trade.request_offer(node, story.OFFER, OFFICE))
    story.done(trade.move(node, moved.negotiation, "agree", story.OPERATOR))
    story.done(trade.move(node, moved.negotiation, "verify", OFFICE))
    asked = {"party": OFFICE, "ground": GROUND, "days": DAYS, "basis": "Tax Act, section 5"}
    assert api.as_(story.OPERATOR, "steward").post("/api/v1/holds", **asked).status_code == 201
    return api.as_(OFFICE, "user")


@pytest.fixture
def told(api: Api, clock: SetClock) -> Told:
    """One use on an ordinary day, one that is withheld on a day of its own, and a period that pays for both."""
    node, office = api.node, let_in(api)
    consent.record_word(node, story.ASSET, OUT, "Purpose", False)
    story.answer(node, micro_rho=story.CHEAP)
    epoch.close_epoch(node)
    kept = audit(node).keep
    clock.move(days=3)
    day = clock.at[:10]
    question = {"sql": SECRET, "purpose": story.PURPOSE, "micro_rho": story.CHEAP, "hold": GROUND}
    answered = office.post("/api/v1/queries", **question)
    assert answered.status_code == 200, answered.text
    with node.store.read() as state:
        held = next(e for e in state.entries(0, state.size()) if e.fact.KIND == "use.held/1")
        assert held.at[:10] == day == state.entry(state.size() - 1).at[:10]
    clock.move(days=3)
    epoch.close_epoch(node)
    story.close_period(node, "2026-q4")
    epoch.close_epoch(node)
    clock.tick = 0
    return Told(api, clock, office, answered.json(), day, later(held.at, days=DAYS), kept)


def paths(api: Api, role: str) -> Iterator[str]:
    """Every address that somebody in a role can look at, with everything there is put into it."""
    with api.node.store.read() as state:
        uses = {use for e in state.entries(0, state.size()) if (use := getattr(e.fact, "use", ""))}
        names = {asset.id for asset in state.list(Asset)} | uses | {OFFICE}
        size = state.size()
        periods = {period.id for period in state.list(Period)}
        invoices = {invoice.id for invoice in state.list(Invoice)}
        agreements = {agreement.id for agreement in state.list(Agreement)}
    values: dict[str, Any] = {
        "seq": range(size),
        "use": uses,
        "name": names,
        "number": range(9),
        "size": range(size),
        "asset": names,
        "version": range(1, 3),
        "year": (2026,),
        "part": ("products", "open-data"),
        "period": periods,
        "party": {*story.MEMBERS[:4], OFFICE, story.OPERATOR},
        "invoice": invoices,
        "agreement": agreements,
        "form": ("html", "text", "json"),
        "format": ("beancount", "hledger"),
        "area": ("questions", "statements"),
        "round": ("monday",), "job": ("job-1",), "operator": (OFFICE,), "half": ("2026-2",), "payslip": ("pay-1-1",),
        "plan": ("pay-1",), "series": ("noon",),
    }  # fmt: skip
    for route in api.app.routes:
        for handler in getattr(route, "route_handlers", []):
            rule = handler.opt.get("rule")
            if "GET" not in handler.http_methods or not (
                rule in ("public", "anyone", "account", "session") or role in (rule or ())
            ):
                continue
            wanted = re.findall(r"{(\w+):\w+}", route.path)
            if {"tile", "path"} & set(wanted) or route.path.startswith(("/static", "/api/description")):
                continue  # files of the program, and leaves and hashes, which are of the same kind for all
            for chosen in itertools.product(*(values[name] for name in wanted)):
                path = re.sub(r"{\w+:\w+}", lambda _, rest=list(chosen): str(rest.pop(0)), route.path)
                yield path
                if path.startswith("/api/v1/trace"):
                    yield from (f"{path}?format={name}" for name in ("openlineage", "prov", "prov-n"))


def everything(api: Api, party: str, role: str) -> dict[str, str]:
    """All that she can get hold of, with what receipts open; what she typed herself is taken out of refusals."""
    caller, found = api.as_(party, role), {}
    for path in paths(api, role):
        answer = caller.get(path)
        assert answer.status_code < 500, (path, answer.text)
        typed = [part for part in path.partition("?")[0].split("/") if len(part) > 4]
        text = html.unescape(answer.text) + "".join(
            base64.b64decode(extra).decode(errors="replace") for extra in re.findall(r"extra ([\w+/]+=*)", answer.text)
        )
        for part in typed if answer.status_code >= 400 else ():
            text = text.replace(part, "")
        found[path] = text
    assert len(found) > 60 and found["/me"] and found["/api/v1/me/book"]
    return found


def giving_away(pages: dict[str, str], needles: list[str]) -> list[tuple[str, str]]:
    """Where any of these words stands."""
    return [
        (path, needle) for path, text in pages.items() for needle in needles if re.search(needle, text, re.IGNORECASE)
    ]


def test_until_it_ends_nothing_shows_what_is_withheld(told: Told) -> None:
    """Whoever is concerned sees that there is something, why and until when; nobody sees who, what or when it was."""
    told.clock.at = later(told.until, seconds=-0.001)
    pages = everything(told.api, SHE, "member")
    assert giving_away(pages, told.needles()) == []
    assert giving_away(everything(told.api, OUT, "member"), told.needles()) == []
    until = told.until[:16].replace("T", " ")
    assert f"withheld until {until} UTC on the ground of {GROUND}" in pages["/me"]
    mine = told.api.as_(SHE, "member").get("/api/v1/me").json()["assets"][0]
    assert mine["withheld"] == [{"ground": GROUND, "until": told.until}] and len(mine["uses"]) == 1
    assert "a use that is withheld" in " ".join(mine["paid"][0]["steps"])
    assert audit(told.api.node, told.kept).held == (2,)
    assert told.api.as_(OUT, "member").get("/api/v1/me").json()["assets"][0]["withheld"] == []


def test_the_data_tracker_is_told_when_she_is(told: Told) -> None:
    def told_to_the_tracker(at: Instant) -> list[str]:
        told.clock.at = at
        with told.api.node.store.read() as state:
            return [one.receiverName for one in usage._usages(told.api.node, state, id_of(state, SHE))]

    assert told_to_the_tracker(later(told.until, seconds=-0.001)) == ["Institute"]
    assert told_to_the_tracker(told.until) == ["Institute", OFFICE_NAME]


def test_the_public_counts_it(told: Told) -> None:
    stranger = told.api.as_()
    assert stranger.get("/api/v1/holds").json() == [{"ground": GROUND, "held": 1, "open": 0}]
    assert re.search(r"Withheld now.*?<td class=\"n\">1</td><td class=\"n\">0</td>", stranger.get("/").text, re.DOTALL)
    proof = stranger.get(f"/api/v1/epochs/{stranger.get('/api/v1/epochs').json()[-1]['number']}").text
    record = check(Receipt.parse(proof), key_of(told.api.node), verify_signature)
    assert b'"ground":"tax","held":1,"open":0' in record, "and it is rooted"


def test_whoever_asked_sees_it_all_the_time(told: Told) -> None:
    use, office = told.answer["use"], told.office
    assert [one["id"] for one in office.get("/api/v1/uses").json()] == [use]
    assert told.answer["meaning"] in html.unescape(office.get("/desk").text)
    assert "rarelytyped" in office.get(f"/questions/{use}").text
    assert office.get(f"/questions/{use}/answer.csv").text.startswith("rarelytyped,rarelytyped_margin")
    receipt = Receipt.parse(told.answer["receipt"])
    assert use in check(receipt, key_of(told.api.node), verify_signature).decode()
    assert Receipt.parse(office.get(f"/api/v1/receipts/{receipt.index}").text).extra == receipt.extra
    assert "rarelytyped" in told.api.as_(story.OPERATOR, "steward").get(f"/questions/{use}").text, (
        "the steward answers for it"
    )


def test_at_the_very_instant_it_opens_and_is_what_was_committed(told: Told) -> None:
    node = told.api.node
    told.clock.at = later(told.until, seconds=-0.001)
    before = counted.shown(node, SHE)["records"]
    kept = audit(node, told.kept).keep
    told.clock.at = told.until
    after = counted.shown(node, SHE)["records"]
    assert [record["slip"] for record in after] == [record["slip"] for record in before], "the slip was there before"
    assert before[2]["body"] is None and after[2]["body"]["part"] == 3
    assert audit(node, kept).held == ()
    pages = everything(told.api, SHE, "member")
    assert {needle for _, needle in giving_away(pages, told.needles())} == set(told.needles())
    for path in ("/me", "/api/v1/me", f"/questions/{told.answer['use']}/answer.csv"):
        assert "rarelytyped" in pages[path], path
    assert OFFICE_NAME in pages[f"/trace/{told.answer['use']}"]
    mine = told.api.as_(SHE, "member").get("/api/v1/me").json()["assets"][0]
    assert mine["withheld"] == [] and {use["who"] for use in mine["uses"]} == {OFFICE_NAME, "Institute"}
    assert told.answer["use"] in " ".join(mine["paid"][0]["steps"])
    assert told.api.as_().get("/api/v1/holds").json() == [{"ground": GROUND, "held": 0, "open": 1}]
    another = counted.shown(node, SHE)
    another["records"][2] |= {"body": after[1]["body"], "receipt": after[1]["receipt"]}
    lied = counted.audit(another, counted.key_of(node, SHE), told.until, kept)
    assert counted.named(lied) == {2}, "nothing else can be shown in its place"


def test_an_end_that_has_come_is_not_put_off(told: Told) -> None:
    """The node still hides the record when the day has come: her audit says so."""
    book = counted.shown(told.api.node, SHE)
    found = counted.audit(book, counted.key_of(told.api.node, SHE), told.until)
    assert counted.named(found) == {2}


class Broken:
    """An engine that fails at every question."""

    def fits(self, *_: Any) -> None:
        pass

    def check(self, *_: Any) -> bool:
        return True

    def run(self, *_: Any) -> Measured:
        raise EngineFault("engine.limits", "the question could not be worked out", "ask something smaller")


def test_a_withheld_question_that_fails_is_counted_and_opens_too(api: Api, clock: SetClock) -> None:
    node = api.node
    let_in(api)
    asked = query.Asked(OFFICE, SECRET, sql.parse(SECRET), story.PURPOSE, story.CHEAP, GROUND, 5, anew=True)
    with pytest.raises(EngineFault):
        query.ask(dataclasses.replace(node, engine=Broken()), asked)  # type: ignore[arg-type]
    epoch.close_epoch(node)
    assert len(audit(node).held) == 1
    pages = everything(api, SHE, "member")
    assert giving_away(pages, [OFFICE, OFFICE_NAME, "rarelytyped"]) == []
    clock.move(days=5)
    assert len(audit(node).held) == 0
    assert "asked, and got no answer" in api.as_(SHE, "member").get("/me").text


def test_a_withheld_question_that_is_refused_says_nothing_either(api: Api, clock: SetClock) -> None:
    """Nobody's rows were touched, so it is no record of hers; that it was tried she sees when it opens."""
    office = let_in(api)
    epoch.close_epoch(api.node)
    before = audit(api.node).count
    question = {"sql": REFUSED, "purpose": story.PURPOSE, "hold": GROUND, "hold_days": 2}
    refused = no(office.post("/api/v1/queries", **question), 403, "access.assurance")
    assert check(Receipt.parse(refused["receipt"]), key_of(api.node), verify_signature)
    epoch.close_epoch(api.node)
    pages = everything(api, SHE, "member")
    assert giving_away(pages, [OFFICE, OFFICE_NAME, "rarelytyped", rf"\b{refused['use']}\b"]) == []
    assert "withheld until" in pages["/me"] and audit(api.node).count == before
    assert api.as_().get("/api/v1/holds").json() == [{"ground": GROUND, "held": 1, "open": 0}]
    clock.move(days=2)
    assert f"{OFFICE_NAME} asked and was refused" in api.as_(SHE, "member").get("/me").text


NOT_WITHHELD = [
    (OFFICE, {"hold_days": 31}, 403, "access.hold"),
    (OFFICE, {"hold_days": 30}, 200, ""),
    (OFFICE, {"hold_days": 0}, 400, "input.http"),
    (OFFICE, {"hold_days": 10_000}, 400, "input.http"),
    (OFFICE, {"hold": "public-security"}, 403, "access.hold"),
    (OFFICE, {"hold": "curiosity"}, 400, "input.hold"),
    (story.USER, {}, 403, "access.hold"),
]


@pytest.mark.parametrize(("who", "change", "status", "code"), NOT_WITHHELD)
def test_who_may_not_or_not_for_so_long_is_refused_openly(
    api: Api, who: str, change: dict[str, Any], status: int, code: str
) -> None:
    """And the attempt to hide is itself on record for the persons concerned."""
    let_in(api)
    question = {"sql": SECRET, "purpose": story.PURPOSE, "micro_rho": story.CHEAP, "hold": GROUND} | change
    answer = api.as_(who, "user").post("/api/v1/queries", **question)
    if status == 200:
        assert answer.status_code == 200
        return
    body = no(answer, status, code)
    assert api.as_().get("/api/v1/holds").json() == []
    seen = api.as_(SHE, "member").get("/api/v1/me").json()["assets"][0]
    assert seen["withheld"] == []
    if code == "access.hold":
        assert [(use["use"], use["state"]) for use in seen["uses"]] == [(body["use"], "refused")]
        assert "withhel" in " ".join(seen["uses"][0]["reasons"]) or "withhold" in " ".join(seen["uses"][0]["reasons"])


def test_while_it_is_being_answered_nobody_sees_it_either(directory: Path, clock: SetClock) -> None:
    """Between its facts the use is there without an end, and must not be seen in that state."""
    seen: list[list[tuple[str, str]]] = []

    def reach(step: str) -> None:
        if step.startswith("query ") and step != "query before admitted" and watching:
            seen.append(giving_away(everything(api, SHE, "member"), [OFFICE, OFFICE_NAME, "rarelytyped"]))

    watching: list[bool] = []
    with open_node(directory, clock, reach) as node:
        api = Api(node, make_app(node))
        with api.client:
            let_in(api)
            watching.append(True)
            asked = query.Asked(OFFICE, SECRET, sql.parse(SECRET), story.PURPOSE, story.CHEAP, GROUND, anew=True)
            assert isinstance(query.ask(node, asked), query.Answered)
    assert seen == [[]] * 5


# ---- erasure


def test_a_person_is_erased_by_whoever_names_her_twice(api: Api, steward: Caller) -> None:
    hers = api.as_(SHE, "member")
    assert hers.get("/api/v1/me").status_code == 200
    path = f"/api/v1/members/{SHE}/erasure"
    no(steward.post(path, member="member-4"), 400, "input.member")
    no(steward.post(path), 400, "input.http")
    assert hers.get("/api/v1/me").status_code == 200
    done = steward.post(path, member=SHE)
    assert done.status_code == 201, done.text
    fact = done.json()
    assert [removed["asset"] for removed in fact["removed"]] == [story.ASSET] and fact["by"] == story.OPERATOR
    assert SHE not in done.text, "the answer does not bring her name back"
    no(hers.get("/api/v1/me"), 401, "login.needed")
    for who in (SHE, fact["party"], story.USER, story.OPERATOR, "nobody"):
        body = no(steward.post(f"/api/v1/members/{who}/erasure", member=who), 404, "registry.unknown")
        assert body["reasons"] == [f"there is no person `{who}` whose records have a key"]
    assert SHE not in steward.get("/api/v1/parties").text.replace(f"{SHE}0", "")
