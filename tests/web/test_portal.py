"""The portal as people meet it: what each sees, what nobody else sees, and that a form does what its button says."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar

import story
from usufruct.core.base.instants import Instant
from usufruct.core.contract.facts import Terms
from usufruct.core.contract.state import Agreement, Negotiation, Offer
from usufruct.core.income.lineproof import LineProof
from usufruct.core.income.state import Period
from usufruct.core.privacy import release
from usufruct.core.privacy.state import Use
from usufruct.core.proof.checkpoint import vkey
from usufruct.core.proof.receipt import Receipt, check
from usufruct.core.registry.rules import id_of
from usufruct.node import consent, login, query, register, statement, trade
from usufruct.node.node import Node
from usufruct.store.keys import verify_signature
from usufruct.web.app import HEADERS
from usufruct.web.portal import charts, description, pages
from usufruct.web.portal.charts import Bar, Spot
from usufruct.wire import card

Browse = Callable[..., Any]
WEIGHT = 60_000  # bytes
HOSTILE = "<script>alert('x')</script>\"&"


def size(node: Node) -> int:
    with node.store.read() as state:
        return state.size()


def rows(node: Node, kind: type[Any]) -> list[Any]:
    with node.store.read() as state:
        return list(state.list(kind))


def portal_routes(app: Litestar, method: str) -> list[tuple[str, Any]]:
    """The portal's routes, with sample values for their parameters, and their rules."""
    found = []
    for route in app.routes:
        for handler in getattr(route, "route_handlers", []):
            if method in handler.http_methods and not route.path.startswith("/api/") and not handler.include_in_schema:
                path = route.path.replace("{seq:int}", "3").replace("{version:int}", "1").replace("{year:int}", "2026")
                path = path.replace("{name:str}", "style.css" if "static" in path else "plan-1")
                found.append((re.sub(r"{\w+:str}", "use-1", path), handler.opt["rule"]))
    return found


def everything(node: Node) -> dict[str, str]:
    """A busy node: answers, a refusal, a closed and an open plan, a member's words, a waiting negotiation."""
    answered = story.answer(node)
    refused = story.ask(node, purpose=story.OTHER_PURPOSE)
    assert isinstance(refused, query.Refused)
    closed = story.close_period(node, "2026-q4")
    story.done(statement.complain(node, "member-4", "2026-q4", story.ASSET, HOSTILE))
    consent.record_word(node, story.ASSET, "member-3", "Marketing", False)
    story.answer(node, "SELECT COUNT(*) AS people FROM pay WHERE night_shifts", story.CHEAP)
    plan = story.done(story.period.plan_period(node, "2027-q1")).plan
    moved = story.done(trade.request_offer(node, story.OFFER, story.STRANGER))
    return {
        "answered": answered.use,
        "refused": refused.use,
        "closed": closed,
        "plan": plan,
        "waits": moved.negotiation,
    }


def visit_all(node: Node, browse: Browse) -> list[tuple[str, Any]]:
    """Every page there is, as each role sees it."""
    there = everything(node)
    paths = {
        ("", ""): ["/", "/login", "/enter", "/api", "/income", "/nothing-here"],
        ("member-3", "member"): ["/", "/me", f"/me?recorded={size(node) - 1}", "/steward", "/receipts/99999",
                                 "/statements", "/statements/2026-q4/member-3"],
        (story.OPERATOR, "steward"): [
            "/", "/steward", f"/steward/plans/{there['plan']}", f"/steward/plans/{there['closed']}",
            "/steward/income", f"/steward?moved={there['waits']}", f"/questions/{there['answered']}", "/steward/plans/plan-0",
        ],
        (story.USER, "user"): ["/desk", f"/questions/{there['answered']}", f"/questions/{there['refused']}", "/desk?page=9"],
        (story.STRANGER, "user"): ["/desk", f"/desk?moved={there['waits']}"],
    }  # fmt: skip
    found = []
    for (party, role), wanted in paths.items():
        browser = browse(party, role)
        found += [(f"{role or 'stranger'} {path}", browser.get(path)) for path in wanted]
    steward = browse(story.OPERATOR, "steward")
    link = steward.press(steward.get("/steward"), "/steward/links", party="member-5", role="member")
    return [*found, ("steward link", link)]


class TestWhatEachSees:
    def test_anybody_sees_the_catalogue_and_the_journal(self, stranger: Any, node: Node) -> None:
        page = stranger.get("/")
        for words in (
            "Pay of twelve people", "what twelve people earned an hour", "Published by Wage Commons", "terms of the agreement",
            "36 rows about 12 persons", "2021 to 2023", story.OFFER, "academic research", "5.00 EUR a question",
            "night_shifts", "restricted", "especially serious harm", "Questions answered", "usufruct receipt verify",
        ):  # fmt: skip
            assert words in page.text, words
        with node.store.read() as state:
            assert " ".join((state.checkpoint() or "").split()) in page.text
        assert vkey(node.signer.name, node.signer.public) in page.text

    def test_a_member_sees_who_asked_what_was_let_out_and_what_it_earned(self, member: Any, node: Node) -> None:
        answered = story.answer(node)
        story.ask(node, requester=story.STRANGER)
        page = member.get("/me")
        assert "Institute asked for the average of hourly_pay by year" in page.text
        assert "for academic research" in page.text
        assert "3 of your rows counted" in page.text
        assert " 36 " not in page.text, "an exact count of all rows would undo the noise on the answer"
        assert "Pending until the period closes" in page.text
        assert "Insurer asked and was refused" in page.text
        assert "has no agreement in force" in page.text
        for row in answered.answer.rows:
            assert all(str(cell) in page.text for cell in row if cell is not None)
        story.close_period(node, "2026-q4")
        page = member.get("/me")
        assert "Paid to you so far" in page.text
        assert "Paid with" in page.text
        assert re.search(r"2026-q4: 0\.(29|30) EUR", page.text)  # a lot decides
        assert "The members' share of what pay earned in 2026-q4 is 3.50 EUR." in page.text

    def test_a_member_whose_rows_were_not_used_sees_no_use(self, member: Any, node: Node) -> None:
        story.done(consent.record_word(node, story.ASSET, "member-3", "Purpose", False))
        story.answer(node)
        assert "Nobody has asked anything yet" in member.get("/me").text

    def test_somebody_without_data_is_told_so(self, browse: Browse, node: Node) -> None:
        story.done(register.add_party(node, "newcomer", "person", "A newcomer"))
        assert "holds no data about you" in browse("newcomer", "member").get("/me").text

    def test_uses_over_time_are_drawn_once_there_are_two_days(self, browse: Browse, node: Node, clock: Any) -> None:
        story.answer(node, micro_rho=story.CHEAP)
        assert "How often your data were used" not in browse("member-3", "member").get("/me").text
        clock.move(days=62)
        story.answer(node, micro_rho=story.CHEAP)
        page = browse("member-3", "member").get("/me")
        assert {svg.attributes["role"] for svg in page.all("svg") if "role" in svg.attributes} == {"img"}
        assert "How often your data were used" in page.text

    def test_the_steward_sees_warnings_first(self, steward: Any, node: Node) -> None:
        everything(node)
        page = steward.get("/steward")
        assert (
            page.text.index("your attention") < page.text.index("Open negotiations") < page.text.index("Questions, the")
        )
        for words in (
            "insurer waits for an answer",
            "Solidarity fund",
            "All together (must be nothing) 0.00 EUR",
            "2026-q4",
        ):
            assert words in page.text, words
        assert "25 %" in page.text or "10 %" in page.text

    def test_the_steward_sees_a_question_but_not_its_answer(self, steward: Any, node: Node) -> None:
        use = story.answer(node).use
        page = steward.get(f"/questions/{use}")
        assert "shown to nobody else" in page.text and not page.all("svg")
        assert steward.raw("GET", f"/questions/{use}/answer.csv").status_code == 404

    def test_a_data_user_sees_what_can_be_asked(self, user: Any) -> None:
        page = user.get("/desk")
        for words in (
            "What can be asked of pay",
            "average, sum, filter",
            "You have agreed",
            "Use 10 % of the budget (usual)",
        ):
            assert words in page.text, words
        assert page.form("/desk/questions").fields["purpose"] == "AcademicResearch"

    def test_somebody_without_an_agreement_is_told_how_to_get_one(self, browse: Browse) -> None:
        page = browse(story.STRANGER, "user").get("/desk")
        assert "You have no agreement in force" in page.text
        assert not [form for form in page.forms if form.action == "/desk/questions"]

    def test_the_api_page_tells_of_every_operation(self, stranger: Any, app: Litestar) -> None:
        listed = stranger.get("/api")
        areas = sorted(
            {
                link.attributes["href"].partition("#")[0]
                for link in listed.all("a")
                if "/api/of/" in link.attributes["href"]
            }
        )
        pages = {area: stranger.get(area) for area in areas}
        told = "\n".join(page.text for page in pages.values())
        for path, methods in app.openapi_schema.to_schema()["paths"].items():
            for method in methods:
                assert f"{method.upper()} {path}" in listed.text and f"{method.upper()} {path}" in told
        assert "For scope steward." in told and "For everybody." in told
        assert '"sql": "SELECT COUNT(*) FROM wagepan"' in told
        assert "-F table=@table.csv -F card=@card.toml" in told
        for area, page in pages.items():
            ids = {element.attributes.get("id") for element in page.elements}
            inside = {link.attributes["href"][1:] for link in page.all("a") if link.attributes["href"].startswith("#")}
            assert inside - {"main"} <= ids, area
            assert len(page.answer.content) < WEIGHT, area
        assert stranger.raw("GET", "/api/of/nothing").status_code == 404

    def test_the_api_pages_are_made_from_one_description(self, stranger: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        made, make = [], description.operations
        monkeypatch.setattr(description, "operations", lambda *given: made.append(given) or make(*given))
        pages = [stranger.get(path).text for path in ("/api", "/api/of/me", "/api", "/api/of/me")]
        assert pages[:2] == pages[2:] and len(made) == 1


class TestWhatNobodyElseSees:
    def test_strangers_are_sent_to_log_in(self, stranger: Any, app: Litestar, node: Node) -> None:
        before = size(node)
        for method in ("GET", "POST"):
            for path, rule in portal_routes(app, method):
                if rule != "public":
                    answer = stranger.raw(method, path)
                    assert (answer.status_code, answer.headers["location"]) == (303, "/login"), (method, path)
        assert size(node) == before

    def test_a_role_sees_its_own_pages_only(self, browse: Browse, app: Litestar) -> None:
        scopes = {"member": {"member"}, "steward": {"steward"}, "user": {"ask", "negotiate"}}
        parties = {"member": "member-3", "steward": story.OPERATOR, "user": story.USER}
        for role, held in scopes.items():
            browser = browse(parties[role], role)
            for path, rule in portal_routes(app, "GET"):
                if isinstance(rule, tuple) and not held & set(rule):
                    page = browser.get(path)
                    assert page.status == 403 and "does not reach this far" in page.text, (role, path)

    def test_what_is_somebody_elses_is_not_there(self, browse: Browse, user: Any, member: Any, node: Node) -> None:
        use = story.answer(node).use
        other = browse(story.STRANGER, "user")
        for path in (f"/questions/{use}", f"/questions/{use}/answer.csv"):
            assert user.raw("GET", path).status_code == 200
            assert other.raw("GET", path).status_code == 404
        assert member.raw("GET", f"/questions/{use}/answer.csv").status_code == 200  # her rows counted
        with node.store.read() as state:
            ended = state.get(Use, use).ended  # type: ignore[union-attr]
        assert [b.raw("GET", f"/receipts/{ended}").status_code for b in (user, member, other)] == [200, 200, 404]

    def test_no_member_gets_a_receipt_that_names_the_others(self, member: Any, node: Node) -> None:
        with node.store.read() as state:
            kinds = [state.entry(seq).fact.KIND for seq in range(state.size())]
        assert member.raw("GET", f"/receipts/{kinds.index('persons.enrolled/1')}").status_code == 404

    def test_an_unknown_page_is_a_page(self, stranger: Any, member: Any) -> None:
        for browser in (stranger, member):
            page = browser.get("/nothing-here")
            assert page.status == 404 and "There is nothing here" in page.title
        assert "Back to your data" in member.get("/nothing-here").text

    @pytest.mark.parametrize("query", ["page=0", "page=-1", "page=x", "page=99999999999999999999", "page=1&page=2"])
    def test_wild_page_numbers_do_no_harm(self, stranger: Any, query: str) -> None:
        assert stranger.get(f"/?{query}").status in (200, 400)
        assert stranger.get("/?page=77").status == 200


class TestLogin:
    def test_a_password_opens_a_session_until_logout(self, stranger: Any, node: Node) -> None:
        login.set_password(node, "member-3", "member", "correct horse battery")
        page = stranger.press(stranger.get("/login"), "/login", party="member-3", password="correct horse battery")
        assert page.answer.url.path == "/me" and "Logged in as Member 3" in page.text
        cookie = page.answer.history[0].headers["set-cookie"].lower()
        assert "httponly" in cookie and "samesite=strict" in cookie
        stranger.press(page, "/logout")
        assert stranger.raw("GET", "/me").headers["location"] == "/login"

    def test_a_wrong_password_and_an_unknown_name_read_the_same(self, stranger: Any, node: Node) -> None:
        login.set_password(node, "member-3", "member", "correct horse battery")
        names = ("member-3", "member-4", "nobody", HOSTILE)
        found = [stranger.send("/login", party=party, password="wrong") for party in names]
        assert {page.status for page in found} == {403}
        assert len({page.text for page in found}) == 1
        assert all("Error" in page.title and "wrong" not in page.source for page in found)
        assert found[0].form("/login").fields["party"] == "member-3"

    def test_a_link_works_once(self, browse: Browse, node: Node) -> None:
        code = login.issue_link(node, "member-3", "member")
        page = browse().send("/enter", code=f"http://anywhere/enter#{code}")
        assert page.answer.url.path == "/me"
        page = browse().send("/enter", code=code)
        assert page.status == 403 and "used up or too old" in page.text

    @pytest.mark.parametrize("code", ["", "x", HOSTILE, "usu_" + "0" * 64])
    def test_a_wrong_code_opens_nothing(self, stranger: Any, code: str) -> None:
        assert stranger.send("/enter", code=code).status == 403

    @pytest.mark.parametrize("path", ["/login", "/enter"])
    @pytest.mark.parametrize(
        "headers",
        [
            {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"},
            {"Origin": "http://testserver.local.evil.example"},
        ],
    )  # fmt: skip
    def test_another_site_cannot_log_a_visitor_in(
        self, stranger: Any, node: Node, path: str, headers: dict[str, str]
    ) -> None:
        login.set_password(node, "member-3", "member", "correct horse battery")
        form = {
            "party": "member-3",
            "password": "correct horse battery",
            "code": login.issue_link(node, "member-3", "member"),
        }
        answer = stranger.raw("POST", path, data=form, headers=headers)
        assert answer.status_code == 403 and "set-cookie" not in answer.headers
        assert "another site" in answer.text

    @pytest.mark.parametrize(
        "headers", [{"Origin": "null"}, {"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://testserver.local"}, {}]
    )
    def test_our_own_pages_can(self, stranger: Any, node: Node, headers: dict[str, str]) -> None:
        form = {"code": login.issue_link(node, "member-3", "member")}
        assert stranger.raw("POST", "/enter", data=form, headers=headers).status_code == 303

    def test_who_is_logged_in_already_is_told_so_and_keeps_the_link(self, member: Any, node: Node) -> None:
        """She follows a link in a mail: the page comes without her cookie, so without the CSRF proof."""
        code = login.issue_link(node, story.OPERATOR, "steward")
        page = member.send("/enter", code=code)
        assert page.status == 403 and "already logged in as Member 3" in page.text
        page = member.press(page, "/enter", code=code)
        assert page.answer.url.path == "/steward"
        assert "already logged in as" in member.send("/login", party="x", password="y").text

    def test_a_new_login_ends_the_old_session(self, member: Any, node: Node) -> None:
        old = member.client.cookies["usufruct_session"]
        member.press(member.get("/enter"), "/enter", code=login.issue_link(node, "member-4", "member"))
        assert login.identify(node, "session", old) is None

    def test_the_steward_makes_a_link_that_is_shown_once_and_never_in_an_address(
        self, steward: Any, stranger: Any, node: Node
    ) -> None:
        page = steward.press(steward.get("/steward"), "/steward/links", party="member-5", role="member")
        link = page.all("textarea")[0].text.strip()
        assert link.startswith(f"{node.about.url}/enter#usu_")
        assert not page.answer.history and "usu_" not in str(page.answer.url)
        assert stranger.send("/enter", code=link).answer.url.path == "/me"

    @pytest.mark.parametrize(
        ("party", "role"), [("nobody", "member"), ("member-3", "king"), ("member-3", "steward"), ("", "")]
    )
    def test_no_link_for_who_is_not_there(self, steward: Any, party: str, role: str) -> None:
        page = steward.press(steward.get("/steward"), "/steward/links", party=party, role=role)
        assert page.status == 400 and "usu_" not in page.source


class TestForms:
    def test_every_form_needs_the_proof_of_its_session(
        self, app: Litestar, member: Any, user: Any, steward: Any, node: Node
    ) -> None:
        before = size(node)
        routes = portal_routes(app, "POST")
        assert len(routes) >= 12
        for browser in (member, user, steward):
            for path, _ in routes:
                for given in ({}, {"csrf": ""}, {"csrf": "0" * 64}):
                    page = browser.send(path, **given)
                    assert page.status == 403, path
                    assert "not made for your session" in page.text or "already logged in" in page.text, path
        assert size(node) == before

    def test_the_proof_of_another_session_does_not_do(self, member: Any, browse: Browse, node: Node) -> None:
        other = browse("member-4", "member").get("/me").form("/me/consent").fields["csrf"]
        before = size(node)
        page = member.send("/me/consent", csrf=other, asset=story.ASSET, purpose="AcademicResearch", word="refuse")
        assert page.status == 403 and size(node) == before

    def test_a_refusal_and_a_consent_go_round(self, member: Any, node: Node) -> None:
        page = member.press(member.get("/me"), "/me/consent", ("word", "refuse"), purpose="AcademicResearch")
        assert (
            f"Your refusal (academic research) is recorded as fact {size(node) - 1}. It counts from the next"
            in page.text
        )
        assert "Academic research Not used you refused" in page.text
        proof = member.raw("GET", f"/receipts/{size(node) - 1}")
        assert proof.headers["content-disposition"] == f'attachment; filename="receipt-{size(node) - 1}.tlog-proof"'
        assert proof.headers["content-type"].startswith("text/plain")
        record = check(Receipt.parse(proof.text), vkey(node.signer.name, node.signer.public), verify_signature)
        with node.store.read() as state:
            she = id_of(state, "member-3")
        assert b'"kind":"consent.refused/1"' in record and f'"party":"{she}"'.encode() in record
        story.answer(node, micro_rho=story.CHEAP)
        assert "Nobody has asked anything yet" in member.get("/me").text
        page = member.press(member.get("/me"), "/me/consent", ("word", "consent"), purpose="AcademicResearch")
        assert "Your consent (academic research) is recorded" in page.text
        story.answer(node, micro_rho=story.CHEAP)
        assert "3 of your rows counted" in member.get("/me").text

    def test_every_use_can_be_refused_at_once_and_no_button_consents_to_everything(self, member: Any) -> None:
        page = member.press(member.get("/me"), "/me/consent", ("word", "refuse"), purpose="Purpose")
        assert "Your refusal (any purpose at all) is recorded" in page.text
        assert "Academic research Not used another word of yours stands against it" in page.text
        for form in page.forms:
            assert not (form.fields.get("purpose") == "Purpose" and ("word", "consent") in form.buttons)

    @pytest.mark.parametrize(
        ("fields", "status"),
        [
            ({"asset": "pay", "purpose": "AcademicResearch"}, 400),
            ({"asset": "pay", "purpose": "AcademicResearch", "word": "maybe"}, 400),
            ({"asset": "pay", "purpose": HOSTILE, "word": "refuse"}, 400),
            ({"asset": "other", "purpose": "AcademicResearch", "word": "refuse"}, 404),
            ({"asset": "x" * 501, "purpose": "AcademicResearch", "word": "refuse"}, 400),
            ({"asset": ["pay", "pay"], "purpose": "AcademicResearch", "word": "refuse"}, 400),
            ({}, 400),
        ],
    )
    def test_a_word_that_cannot_be_is_not_recorded(
        self, member: Any, node: Node, fields: dict[str, Any], status: int
    ) -> None:
        csrf = member.get("/me").form("/me/consent").fields["csrf"]
        before = size(node)
        page = member.send("/me/consent", csrf=csrf, **fields)
        assert (page.status, size(node)) == (status, before)

    def test_a_question_is_asked_once_however_often_its_page_is_loaded(self, user: Any, node: Node) -> None:
        page = user.press(user.get("/desk"), "/desk/questions", sql=story.QUESTION)
        before = size(node)
        assert page.answer.url.path.startswith("/questions/use-")
        assert "The average of hourly_pay by year" in page.text and "10 % used; 90 % is left now" in page.text
        assert page.all("svg")[0].attributes["role"] == "img"
        assert "Pay by year, with margins of error" in page.text
        user.get(page.answer.url.path)
        assert size(node) == before
        table = user.raw("GET", f"{page.answer.url.path}/answer.csv")
        assert table.text.splitlines()[0] == "year,pay,pay_margin" and len(table.text.splitlines()) == 4

    def test_a_refusal_says_why_and_what_would_help_and_keeps_what_was_typed(self, user: Any, node: Node) -> None:
        page = user.press(user.get("/desk"), "/desk/questions", sql="SELECT * FROM pay", purpose="Marketing")
        assert "The question was not answered" in page.text
        assert "does not cover the purpose Marketing" in page.text and "ask for totals" in page.text.lower()
        form = page.form("/desk/questions")
        assert form.fields["purpose"] == "Marketing"
        assert page.all("textarea")[0].text.strip() == "SELECT * FROM pay"
        again = user.press(page, "/desk/questions", sql=story.QUESTION, purpose="AcademicResearch")
        assert "Outcome Answered" in again.text
        assert user.get("/desk").text.count("Refused") == 1

    def test_what_a_question_would_cost_is_told_before_it_is_asked(self, user: Any, node: Node) -> None:
        desk, before = user.get("/desk"), size(node)
        asked = desk.form("/desk/questions").fields
        assert "formaction" in next(b for b in desk.all("button") if "cost" in b.text).attributes
        page = user.send("/desk/preview", **{**asked, "sql": story.QUESTION, "precision": "50000"})
        assert page.title.startswith("What it would cost") and "5 % would be used, of 100 % that is left" in page.text
        rows = [row.text.split() for row in page.all("tr")]
        assert rows[1][:2] == ["pay", "±"] and rows[1][-2:] == ["100", "rows"]
        assert float(rows[1][2]) > float(rows[2][2]) > float(rows[3][2]) > 0, "a larger group, a smaller margin"
        assert page.form("/desk/questions").fields["precision"] == "50000"
        assert size(node) == before, "nothing was recorded, and nothing charged"
        told = user.press(page, "/desk/questions", sql=story.QUESTION)
        assert "5 % used; 95 % is left now" in told.text, "it costs what was said"

    def test_a_preview_says_why_not_and_of_records_that_they_cost_nothing(self, user: Any, node: Node) -> None:
        fields, before = user.get("/desk").form("/desk/questions").fields, size(node)
        page = user.send("/desk/preview", **{**fields, "sql": "SELECT MAX(hourly_pay) FROM pay"})
        assert "It would not be answered" in page.text and "QUANTILE_CONT" in page.text
        assert page.all("textarea")[0].text.strip() == "SELECT MAX(hourly_pay) FROM pay"
        page = user.send("/desk/preview", **{**fields, "sql": "SELECT * FROM pay"})
        assert "Records cost nothing of the privacy budget" in page.text
        assert size(node) == before

    def test_an_answer_declares_its_noise_and_says_when_it_is_given_again(self, user: Any, node: Node) -> None:
        desk = user.get("/desk")
        page = user.press(desk, "/desk/questions", sql=story.QUESTION)
        rows = [" ".join(row.text.split()) for row in page.all("tr")]
        noise = [row for row in rows if row.startswith(("pay number of rows", "pay sum"))]
        with node.store.read() as state:
            (use,) = (use for use in state.list(Use) if use.id in page.answer.url.path)
            spread = release.decode(state.evidence(use.answer)).spread
        assert [row.split()[:1] for row in noise] == [[one.measure] for one in spread]
        for row, one in zip(noise, spread, strict=True):
            assert f" {one.deviation} " in row and row.endswith(" to ".join(one.clamped) or "–")
        again = user.press(desk, "/desk/questions", sql=story.QUESTION)
        assert again.answer.url.path == page.answer.url.path
        assert "You asked this before" in again.text and "90 % is left now" in again.text
        anew = user.press(desk, "/desk/questions", sql=story.QUESTION, anew="yes")
        assert anew.answer.url.path != page.answer.url.path
        assert "You asked this before" not in anew.text and "80 % is left now" in anew.text

    def test_precision_is_chosen_in_the_form(self, user: Any, node: Node) -> None:
        page = user.press(user.get("/desk"), "/desk/questions", sql=story.QUESTION, precision="250000")
        assert "25 % used" in page.text
        assert user.press(page, "/desk/questions", sql=story.QUESTION, precision="9999999").text.count("micro-rho")
        for wild in ("x", "-1", "1e3", "٣"):
            assert user.press(page, "/desk/questions", sql=story.QUESTION, precision=wild).status == 400

    @pytest.mark.parametrize(
        "text", ["", "é́ ﬁ", "SELECT 'e\u0301' FROM pay", HOSTILE, "SELECT\r\nCOUNT(*)\r\nFROM pay", "\x00"]
    )
    def test_any_text_can_be_asked(self, user: Any, text: str) -> None:
        page = user.press(user.get("/desk"), "/desk/questions", sql=text)
        assert page.status == 200 and page.answer.url.path.startswith("/questions/")

    def test_a_negotiation_goes_from_button_to_button(self, browse: Browse, steward: Any, node: Node) -> None:
        insurer = browse(story.STRANGER, "user")
        page = insurer.press(insurer.get("/desk"), "/desk/requests", offer=story.OFFER)
        assert "is now requested; the provider has to agree" in page.text
        name = rows(node, Negotiation)[-1].id
        page = steward.press(steward.get("/steward"), f"/steward/negotiations/{name}", ("message", "agree"))
        assert "is now agreed; the data user has to verify" in page.text
        page = insurer.press(insurer.get("/desk"), f"/desk/negotiations/{name}", ("message", "verify"))
        assert "an agreement was reached" in page.text
        assert [a.consumer for a in rows(node, Agreement)] == [story.USER, story.STRANGER]
        assert (
            insurer.send(
                f"/desk/negotiations/{name}", message="verify", csrf=page.form("/logout").fields["csrf"]
            ).status
            == 409
        )

    def test_nobody_moves_what_is_not_hers(self, browse: Browse, user: Any, node: Node) -> None:
        name = story.done(trade.request_offer(node, story.OFFER, story.STRANGER)).negotiation
        csrf = user.get("/desk").form("/logout").fields["csrf"]
        assert user.send(f"/desk/negotiations/{name}", message="terminate", csrf=csrf).status == 404
        assert rows(node, Negotiation)[-1].state == "REQUESTED"

    def test_offers_are_withdrawn_and_agreements_ended(self, steward: Any, user: Any, node: Node) -> None:
        agreement = rows(node, Agreement)[0].id
        page = steward.press(steward.get("/steward"), f"/steward/offers/{story.OFFER}/withdrawal")
        assert "withdrawn" in page.text and not rows(node, Offer)[0].open
        page = steward.press(page, f"/steward/agreements/{agreement}/end")
        assert rows(node, Agreement)[0].ended
        assert "You have no agreement in force" in user.get("/desk").text
        assert (
            steward.send(f"/steward/agreements/{agreement}/end", csrf=page.form("/logout").fields["csrf"]).status == 404
        )

    def test_a_period_is_planned_looked_at_and_closed(self, steward: Any, member: Any, node: Node) -> None:
        empty = steward.press(steward.get("/steward"), "/steward/periods", period="2026-q4")
        assert empty.status == 409 and "Nothing was earned since the last period closed." in empty.text
        story.answer(node)
        page = steward.press(steward.get("/steward"), "/steward/periods", period="2026-q4")
        assert page.answer.url.path.startswith("/steward/plans/plan-")
        for words in ("Wage Commons 20 % 1.00 EUR", "Solidarity fund of the members 10 % 0.50 EUR", "Members 70 % 3.50 EUR",
                      "members are paid 3.48 EUR together", "0.02 EUR stay theirs and are carried", "0.29 EUR"):  # fmt: skip
            assert words in page.text, words
        assert len(page.all("svg")) == 3
        assert not rows(node, Period)
        closing = f"{page.answer.url.path}/closing"
        closed = steward.press(page, closing)
        assert "Period 2026-q4 is closed" in closed.text and [p.id for p in rows(node, Period)] == ["2026-q4"]
        assert not [form for form in closed.forms if form.action == closing]
        twice = steward.press(page, closing)
        assert twice.status == 409 and "nothing was paid twice" in twice.text
        mine = member.get("/me")
        assert "2026-q4: 0." in mine.text
        (link,) = [a.attributes["href"] for a in mine.all("a") if a.attributes["href"].startswith("/lines/")]
        proof = LineProof.parse(member.raw("GET", link).text)
        assert (proof.asset, proof.paid, len(proof.chunk)) == ("pay", 29, 32 * story.PERSONS)

    def test_a_plan_that_was_overtaken_cannot_be_approved(self, steward: Any, node: Node) -> None:
        story.answer(node, micro_rho=story.CHEAP)
        stale = story.done(story.period.plan_period(node, "2026-q4")).plan
        story.close_period(node, "2026-q4")
        page = steward.get(f"/steward/plans/{stale}")
        assert "can no longer be carried out" in page.text
        assert [form.action for form in page.forms] == ["/logout"]

    @pytest.mark.parametrize("name", ["", "Q4 2026", "../x", HOSTILE[:60], "x" * 64])
    def test_a_period_needs_a_name_that_can_be_one(self, steward: Any, node: Node, name: str) -> None:
        story.answer(node, micro_rho=story.CHEAP)
        assert steward.press(steward.get("/steward"), "/steward/periods", period=name).status == 400

    def test_a_body_that_is_no_form_is_refused_as_one(self, steward: Any) -> None:
        token = steward.get("/steward").form("/logout").fields["csrf"]
        for kind, body in (
            ("application/json", b"[1]"),
            ("text/plain", b"x"),
            ("application/x-www-form-urlencoded", b"%ff&&="),
        ):
            answer = steward.raw(
                "POST", "/steward/periods", content=body, headers={"Content-Type": kind, "X-CSRF-Token": token}
            )
            assert answer.status_code == 400, kind


class TestEveryPage:
    def test_reads_well(self, node: Node, browse: Browse) -> None:
        """Well-formed, one heading of the first kind, in order; tables told, fields labelled, ids used once."""
        for name, page in visit_all(node, browse):
            assert page.all("html")[0].attributes["lang"] == "en", name
            assert len(page.all("h1")) == 1 and page.all("title")[0].text.strip(), name
            levels = [int(element.tag[1]) for element in page.elements if re.fullmatch(r"h[1-6]", element.tag)]
            assert all(b <= a + 1 for a, b in pairwise(levels)), (name, levels)
            assert len(page.all("caption")) == len(page.all("table")), name
            assert all(th.attributes.get("scope") in ("col", "row") for th in page.all("th")), name
            ids = [element.attributes["id"] for element in page.elements if "id" in element.attributes]
            assert len(ids) == len(set(ids)), (name, ids)
            labelled = {label.attributes["for"] for label in page.all("label")}
            for element in [*page.all("input"), *page.all("select"), *page.all("textarea")]:
                if element.attributes.get("type") != "hidden":
                    assert element.attributes["id"] in labelled, (name, element)
            for element in page.elements:
                for pointer in ("aria-describedby", "aria-labelledby"):
                    assert set(element.attributes.get(pointer, "").split()) <= set(ids), (name, element)
            assert page.all("a")[0].attributes["href"] == "#main" and "main" in ids, name
            for svg in page.all("svg"):
                assert svg.attributes.get("role") == "img" or "overflow" in svg.attributes, name

    def test_takes_nothing_from_elsewhere_and_nothing_inline(self, node: Node, browse: Browse) -> None:
        for name, page in visit_all(node, browse):
            assert not page.all("style") and not page.all("iframe") and not page.all("img"), name
            for element in page.elements:
                assert "style" not in element.attributes and "srcset" not in element.attributes, name
                assert not [a for a in element.attributes if a.startswith("on")], name
                for attribute in ("src", "href", "action"):
                    target = element.attributes.get(attribute, "/")
                    assert re.match(r"/(?!/)|#|data:,$", target), (name, target)
                    assert "usu_" not in target and "csrf" not in target, (name, target)
            for script in page.all("script"):
                assert re.match(r"/static/(enter|audit)\.js\?", script.attributes["src"]) and not script.text.strip(), (
                    name
                )
            forms = [form for form in page.forms if form.action not in ("/login", "/enter")]
            assert all(form.fields.get("csrf") for form in forms), name

    def test_leads_nowhere_that_is_not_there(self, node: Node, browse: Browse) -> None:
        there = everything(node)
        paths = {
            ("", ""): ["/", "/login", "/enter", "/api"], ("member-3", "member"): ["/me"],
            (story.OPERATOR, "steward"): ["/steward", f"/steward/plans/{there['plan']}", f"/questions/{there['answered']}"],
            (story.USER, "user"): ["/desk", f"/questions/{there['answered']}"],
        }  # fmt: skip
        for (party, role), wanted in paths.items():
            browser = browse(party, role)
            for path in wanted:
                page = browser.get(path)
                ids = {element.attributes.get("id") for element in page.elements}
                for link in {element.attributes["href"] for element in page.all("a")}:
                    target, _, place = link.partition("#")
                    assert target or place in ids, (path, link)
                    assert not target or browser.raw("GET", target).status_code == 200, (path, link)

    def test_comes_with_its_headers(self, node: Node, browse: Browse) -> None:
        for name, page in visit_all(node, browse):
            for header, value in HEADERS.items():
                assert page.answer.headers[header] == value, (name, header)
            assert page.answer.headers["content-type"] == "text/html; charset=utf-8", name

    def test_static_files_are_kept_and_there_are_no_others(self, stranger: Any) -> None:
        for name, kind in (("style.css", "text/css"), ("enter.js", "text/javascript")):
            answer = stranger.raw("GET", f"/static/{name}")
            assert answer.headers["content-type"].startswith(kind)
            assert (
                "immutable" in answer.headers["cache-control"] and answer.headers["x-content-type-options"] == "nosniff"
            )
        for name in ("other.css", "..%2fportal.py", "%2e%2e%2fpages.py"):
            assert stranger.raw("GET", f"/static/{name}").status_code == 404
        assert not re.search(rb"@import|url\(|//[a-z]", stranger.raw("GET", "/static/style.css").content)

    def test_is_light(self, node: Node, browse: Browse) -> None:
        """However much there is to show, a page is cut, says how much there is, and stays light."""
        for number in range(30):
            story.answer(
                node, f"SELECT year, AVG(hourly_pay) AS p{number}, COUNT(*) FROM pay GROUP BY year", story.CHEAP
            )
            story.ask(node, "SELECT " + "x" * 3000, requester=story.STRANGER)
        for number in range(30):
            terms = Terms("aggregates", (story.PURPOSE, "Marketing"), 100, "EUR", 1)
            story.done(trade.publish_offer(node, f"offer-{number}", story.ASSET, story.OPERATOR, terms))
            story.done(trade.request_offer(node, f"offer-{number}", story.STRANGER))
        found = visit_all(node, browse)
        for name, page in found:
            assert len(page.answer.content) < WEIGHT, (name, len(page.answer.content))
        texts = {name: page.text for name, page in found}
        assert "1 to 8 of 33" in texts["member /me"]
        assert "1 to 40 of 63" in texts["steward /steward"]
        assert "The newest 12 of 31 offers" in texts["steward /steward"]
        assert "Older questions" in texts["user /desk"]

    def test_the_whole_of_a_long_list_can_be_walked(self, member: Any, node: Node) -> None:
        for _ in range(10):
            story.answer(node, micro_rho=story.CHEAP)
        first, second = member.get("/me"), member.get("/me?page=2")
        assert "1 to 8 of 10" in first.text and "9 to 10 of 10" in second.text
        assert first.text.count("Institute asked for") + second.text.count("Institute asked for") == 10


class TestHostileNames:
    def test_are_text_and_nothing_else(self, browse: Browse, node: Node, table: Path, tmp_path: Path) -> None:
        other = tmp_path / "other.csv"  # the same table under another name would be refused
        other.write_text("\n".join(table.read_text(encoding="utf-8").splitlines()[:-1]), encoding="utf-8")
        words = card.read(story.CARD.replace('asset = "pay"', 'asset = "pay-two"'))
        words = replace(words, title=HOSTILE, description=HOSTILE, licence=HOSTILE, columns=tuple(
            replace(column, description=HOSTILE, unit=HOSTILE) for column in words.columns
        ))  # fmt: skip
        story.done(register.add_asset(node, words, other, story.OPERATOR))
        story.done(register.record_consents(node, "pay-two", story.PURPOSE, None, HOSTILE))
        story.done(register.add_party(node, "crook", "organisation", HOSTILE))
        terms = Terms("aggregates", (story.PURPOSE,), 100, "EUR", 1)
        story.done(trade.publish_offer(node, "second", "pay-two", story.OPERATOR, terms, standing=True))
        moved = story.done(trade.request_offer(node, "second", "crook"))
        story.done(trade.move(node, moved.negotiation, "verify", "crook"))
        crook = browse("crook", "user")
        page = crook.press(crook.get("/desk"), "/desk/questions",
                           sql='SELECT year, COUNT(*) AS "<script>alert(1)</script>" FROM "pay-two" GROUP BY year')  # fmt: skip
        assert "Outcome Answered" in page.text
        refused = crook.press(page, "/desk/questions", sql=f"SELECT {HOSTILE}", purpose=HOSTILE)
        seen = [page, refused, crook.get("/desk"), crook.get("/")]
        seen += [browse("member-3", "member").get("/me"), browse(story.OPERATOR, "steward").get("/steward")]
        for page in seen:
            assert not [script for script in page.all("script") if script.text]
            assert "<script>alert" not in page.source
        assert "&lt;script&gt;alert" in seen[0].source and HOSTILE in seen[3].text

    def test_are_no_formulas_in_files(self, user: Any, node: Node) -> None:
        text = 'SELECT year, COUNT(*) AS "=HYPERLINK(1)" FROM pay GROUP BY year'
        page = user.press(user.get("/desk"), "/desk/questions", sql=text)
        head = user.raw("GET", f"{page.answer.url.path}/answer.csv").text.splitlines()[0]
        assert head == "year,'=hyperlink(1),'=hyperlink(1)_margin"


class TestCharts:
    def test_escape_what_they_are_told(self) -> None:
        for drawn in (
            charts.bars("a", HOSTILE, [Bar(HOSTILE, 1, HOSTILE)]),
            charts.stacked("a", HOSTILE, [Bar(HOSTILE, 1, HOSTILE), Bar("b", 2, "c")]),
            charts.spots("a", HOSTILE, [(HOSTILE, Spot(1, 1), HOSTILE)]),
            *(
                charts.series("a", HOSTILE, [HOSTILE], [(HOSTILE, [Spot(1, 1)]), (HOSTILE, [None])], joined, HOSTILE)
                for joined in (True, False)
            ),
        ):
            assert "<script" not in drawn and "&lt;script" in drawn

    @pytest.mark.parametrize(
        "spots",
        [[], [None], [Spot(0, 0)], [Spot(5, 0)], [Spot(-3, 1)], [Spot(1e15, 1), None], [Spot(1e-9, 0), Spot(0, 0)]],
    )
    def test_have_an_axis_for_anything(self, spots: list[Spot | None]) -> None:
        found = [spot for spot in spots if spot]
        for zero in (0.5, 0.8):
            axis = charts._Axis.around(found, zero)
            assert 2 <= len(axis.ticks) <= 8
            assert all(axis.low <= spot.low and spot.high <= axis.high for spot in found)
        charts.spots("a", "b", [("c", spot, "d") for spot in spots])
        for joined in (True, False):
            charts.series("a", "b", ["c" for _ in spots] or ["c"], [("d", spots or [None])], joined, "e")

    def test_draw_to_scale(self) -> None:
        drawn = charts.bars("a", "b", [Bar("c", 1, ""), Bar("d", 4, ""), Bar("e", 0, "")])
        assert re.findall(r'width="([\d.]+)%" height="14"', drawn) == ["25", "100", "0"]
        drawn = charts.stacked("a", "b", [Bar("c", 1, ""), Bar("d", 3, "")])
        assert re.findall(r'width="([\d.]+)%" height="36"', drawn) == ["25", "75"]
        assert charts.stacked("a", "b", [Bar("c", 0, "")])
        assert charts.bars("a", "b", [])


class TestWords:
    def test_moments_days_and_shares(self) -> None:
        at = Instant("2026-11-22T09:30:00.123Z")
        assert pages._when(at).striptags() == "2026-11-22 09:30 UTC"
        assert pages._day(Instant("9999-12-31T23:59:59.999Z")) == "without end"
        assert [pages.percent(part, 1_000_000) for part in (0, 1_000, 89_999, 99_999, 100_000, 999_999)] == [
            "0 %", "0.1 %", "9 %", "10 %", "10 %", "100 %",
        ]  # fmt: skip
        assert pages.percent(1, 0) == "0 %"
        assert pages.exact_money(1_284_403, "EUR") == "0.0128 EUR" and pages.exact_money(1_500_000, "JPY") == "1.50 JPY"
        assert pages.number(9_999) == "9999" and pages.number(1_234_567) == "1\u202f234\u202f567"

    def test_messages_become_sentences_and_back_ticks_code(self) -> None:
        assert pages._says("`x` is <b>not</b> there") == "<code>x</code> is &lt;b&gt;not&lt;/b&gt; there."
        assert pages._sentence("") == ""

    def test_a_part_of_a_list(self) -> None:
        assert pages.part(range(10), 2, 4) == pages.Part(range(4, 8), 5, 10, 2, 3)
        assert pages.part(range(10), 9, 4).number == 3
        assert pages.part([], 1, 4) == pages.Part([], 1, 0, 1, 1)


def test_what_a_decision_rests_on_is_said_in_words(user: Any, node: Node) -> None:
    answered = story.answer(node, micro_rho=story.CHEAP)
    page = user.get(f"/questions/{answered.use}")
    rows = [" ".join(row.text.split()) for row in page.all("tr")]
    (prohibition,) = [row for row in rows if row.startswith("Prohibition by descent")]
    assert "none academic research yes" in prohibition
    assert story.PURPOSE not in " ".join(rows)
    cells = [" ".join(cell.text.split()) for cell in page.all("td")]
    assert cells and all(cells[:-1])
