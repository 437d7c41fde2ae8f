"""Income over the API and in the portal: statements, complaints, rules; who sees what, and what strangers are told."""

from __future__ import annotations

import json
import re
import zlib
from base64 import a85decode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

import story
from browsing import Browser
from faults.test_recompute import RULE, two_periods
from serving import application
from usufruct.core.income import waterfall
from usufruct.core.income.ledger import Account
from usufruct.node import login
from usufruct.node.node import Node
from usufruct.wire import division as wire
from usufruct.wire import statement_pdf

SHE, OTHER = "member-3", "member-4"
Ask = Callable[..., Any]


@pytest.fixture
def app(node: Node) -> Iterator[Litestar]:
    with application(node) as app:
        yield app


@pytest.fixture
def ask(node: Node, app: Litestar) -> Ask:
    """Asks the API: `ask(party, role, path)`, or with `data` to change something."""
    client = TestClient(app, raise_server_exceptions=False)

    def send(party: str, role: str, path: str, data: Any = None) -> Any:
        token = login.issue_token(node, party, role, login.ROLES[role], 300, "") if party else ""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        path = f"/api/v1{path}"
        return client.get(path, headers=headers) if data is None else client.post(path, headers=headers, json=data)

    return send


def test_a_member_reads_her_statement_and_everything_in_it_adds_up(node: Node, ask: Ask) -> None:
    two_periods(node)
    mine = ask(SHE, "member", "/statements").json()
    assert [one["period"] for one in mine] == ["q2", "q1"]
    found = ask(SHE, "member", f"/statements/q2/{SHE}").json()
    assert found == mine[0]
    assert [field["letter"] for field in found["article_18"]] == list("abcdefg")
    (line,) = found["lines"]
    assert sum(part["amount"] for part in line["parts"]) + line["members"] == line["gross"] == story.PRICE
    assert line["amounts"]["before"] + line["amounts"]["due"] == line["amounts"]["paid"] + line["amounts"]["after"]
    assert line["rule"]["title"] == "our rule" and line["floor"] > 0
    assert {part["stands_on"] for part in line["parts"]} == {"costs", "work"}
    assert found["worked_out_by_others"] and found["your_own_sums"]["pay"]
    steward = ask(story.OPERATOR, "steward", f"/statements/q2/{SHE}").json()
    assert steward == found


def test_all_statements_of_a_period_sum_to_what_the_members_got(node: Node, ask: Ask) -> None:
    two_periods(node)
    earned = paid = 0
    for period in ("q1", "q2"):
        lines = [ask(m, "member", f"/statements/{period}/{m}").json()["lines"][0] for m in story.MEMBERS]
        earned += lines[0]["members"]
        paid += sum(line["amounts"]["paid"] for line in lines)
        assert 0 <= earned - paid < story.PERSONS, "but for less than a cent of each, which is carried"


def test_who_has_a_share_has_a_statement_too(node: Node, ask: Ask) -> None:
    two_periods(node)
    (credited,) = ask(story.USER, "user", f"/statements/q2/{story.USER}").json()["lines"]
    assert [part["name"] for part in credited["parts"] if part["mine"]] == ["labelling"]
    cost = ask(story.STRANGER, "user", f"/statements/q2/{story.STRANGER}").json()
    assert cost["lines"][0]["parts"][0]["mine"] and cost["article_18"][6]["says"] == ["nothing"]
    operator = ask(story.OPERATOR, "steward", f"/statements/q2/{story.OPERATOR}").json()
    assert "not vested yet" in operator["article_18"][6]["says"][0]


def test_nobody_learns_whether_somebody_else_has_a_statement(node: Node, ask: Ask) -> None:
    two_periods(node)
    for path in ("", "/pdf"):
        others = ask(SHE, "member", f"/statements/q2/{OTHER}{path}")
        nobody = ask(SHE, "member", f"/statements/q2/nobody{path}")
        never = ask(SHE, "member", f"/statements/q9/{OTHER}{path}")
        assert others.status_code == nobody.status_code == never.status_code == 404
        assert others.text.replace(OTHER, "X") == nobody.text.replace("nobody", "X")
        assert never.text.replace(OTHER, "X").replace("q9", "q2") == others.text.replace(OTHER, "X")
    assert ask("", "", f"/statements/q2/{SHE}").status_code == 401
    assert ask(SHE, "member", "/periods/q2/recomputed").status_code == 403
    assert ask(SHE, "member", "/complaints").status_code == 403


def text_of(pdf: bytes) -> str:
    """What a PDF shows, from its streams."""
    shown = []
    for stream in re.findall(rb"(?<!end)stream\r?\n(.*?)~>", pdf, re.DOTALL):
        drawn = zlib.decompress(a85decode(stream))
        shown += re.findall(rb"\(((?:[^()\\]|\\.)*)\) Tj", drawn)
    return "\n".join(re.sub(rb"\\([()\\])", rb"\1", piece).decode("cp1252") for piece in shown)


def test_the_pdf_is_text_has_a_title_and_says_what_the_page_says(node: Node, ask: Ask) -> None:
    two_periods(node)
    answer = ask(SHE, "member", f"/statements/q2/{SHE}/pdf")
    assert answer.headers["content-type"] == statement_pdf.MEDIA_TYPE
    assert SHE not in answer.headers["content-disposition"]
    pdf = answer.content
    assert pdf == ask(SHE, "member", f"/statements/q2/{SHE}/pdf").content, "the same bytes again"
    assert b"/Lang (en)" in pdf and b"Statement of member-3 for q2" in pdf and b"/Subtype /Image" not in pdf
    text, found = text_of(pdf), ask(SHE, "member", f"/statements/q2/{SHE}").json()
    for letter in "abcdefg":
        assert f"({letter})" in text
    (line,) = found["lines"]
    for minor in (line["gross"], line["members"], line["amounts"]["paid"], *(part["amount"] for part in line["parts"])):
        assert f"{minor / 100:.2f} EUR" in text
    assert found["plan"] in text and found["complain_until"][:10] in text


def test_letters_that_the_document_does_not_have() -> None:
    assert statement_pdf._plain("Größe, Łódź, 数, ł\x07") == "Größe, ?ódz, ?, ??"


def test_a_complaint_from_the_member_to_her_account(node: Node, ask: Ask) -> None:
    two_periods(node)
    data = {"period": "q2", "asset": "pay", "reason": "two of my three rows"}
    made = ask(SHE, "member", "/complaints", data)
    assert made.status_code == 201
    name = made.json()["complaint"]
    assert ask(SHE, "member", "/complaints", data).status_code == 409
    assert ask(story.STRANGER, "user", "/complaints", data | {"period": "q1"}).status_code == 404
    assert [one["id"] for one in ask(story.OPERATOR, "steward", "/complaints").json()] == [name]
    path = f"/complaints/{name}/answer"
    assert ask(SHE, "member", path, {"reasons": "me", "uphold": "9.00 EUR"}).status_code == 403
    assert ask(story.OPERATOR, "steward", path, {"reasons": "no"}).status_code == 409
    done = ask(story.OPERATOR, "steward", path, {"reasons": "you are right", "uphold": "0.12 EUR"})
    assert done.status_code == 201
    with node.store.read() as state:
        balances = {row.id: row.balance for row in state.list(Account)}
    assert balances[f"party:{done.json()['party']}"] == 12 and sum(balances.values()) == 0
    assert ask(SHE, "member", f"/statements/q2/{SHE}").json()["complaints"][0]["stands"] == "upheld"
    story.answer(node)
    story.close_period(node, "q3")
    later = ask(SHE, "member", f"/statements/q3/{SHE}").json()
    assert later["corrections"][0]["id"] == name
    assert f"{name}, put right for q2: 0.12 EUR" in later["article_18"][1]["says"]


def test_rules_costs_and_credits_over_the_api(node: Node, ask: Ask) -> None:
    steward = (story.OPERATOR, "steward")
    adopted = ask(*steward, "/divisions", {"rule": RULE, "asset": "pay"})
    assert adopted.status_code == 201 and adopted.json()["number"] == 1
    assert ask(*steward, "/divisions", {"rule": RULE.replace("7000", "6000")}).status_code == 409
    assert ask(*steward, "/divisions", {"rule": "x ="}).status_code == 400
    assert ask(SHE, "member", "/divisions", {"rule": RULE}).status_code == 403
    cost = ask(*steward, "/assets/pay/costs", {"party": story.USER, "amount": "1.20 EUR", "what": "hosting"})
    credit = ask(
        *steward, "/assets/pay/credits", {"party": story.USER, "kind": "labelling", "units": 4, "why": "labels"}
    )
    assert (cost.status_code, credit.status_code) == (201, 201)
    assert (
        ask(*steward, "/assets/none/costs", {"party": story.USER, "amount": "1.20 EUR", "what": "x"}).status_code == 404
    )
    shown = ask(*steward, "/assets/pay/division").json()
    assert [one["id"] for one in shown["costs"]] == [cost.json()["cost"]] and shown["credits"][0]["units"] == 4
    assert ask(*steward, "/assets/none/division").status_code == 404
    assert ask(SHE, "member", "/assets/pay/division").status_code == 403
    ended = ask(*steward, f"/credits/{credit.json()['credit']}/end", {"why": "counted twice"})
    assert ended.status_code == 201
    (public,) = ask("", "", "/divisions").json()
    assert public["rule"]["title"] == "our rule" and public["last_period"] is None and "costs" not in public
    story.answer(node)
    story.close_period(node, "q1")
    euro = ask("", "", "/divisions").json()[0]["last_period"]
    assert abs(sum(points for *_, points in euro["shares"]) - 10_000) < len(euro["shares"])
    assert story.USER not in json.dumps(euro), "who was paid back is not public"


def test_the_steward_works_a_period_out_again(node: Node, ask: Ask) -> None:
    two_periods(node)
    found = ask(story.OPERATOR, "steward", "/periods/q2/recomputed").json()
    assert found["different"] == [] and found["lines"] == story.PERSONS
    assert ask(story.OPERATOR, "steward", "/periods/q9/recomputed").status_code == 404


# ---- pages


def test_a_member_reads_complains_and_reads_the_answer(node: Node, app: Litestar) -> None:
    two_periods(node)
    member, steward = Browser(app, node, SHE, "member"), Browser(app, node, story.OPERATOR, "steward")
    assert "/statements" in member.get("/me").source
    assert f"/statements/q2/{SHE}" in member.get("/statements").source
    page = member.get(f"/statements/q2/{SHE}")
    for words in ("In short", "Where the money went", "our rule", "What you can work out yourself", "not told"):
        assert words in page.source
    assert member.get(f"/statements/q2/{OTHER}").status == member.get("/statements/q2/nobody").status == 404
    assert member.client.get(f"/statements/q2/{SHE}/pdf").content[:5] == b"%PDF-"
    told = member.press(page, f"/statements/q2/{SHE}/complaints", reason="<script>two</script>")
    assert "is to be answered until" in told.source and "&lt;script&gt;" in told.source
    waiting = steward.get("/steward/income")
    assert "&lt;script&gt;two" in waiting.source and "hosting" in waiting.source
    name = re.findall(r"complaint-\d+", waiting.source)[0]
    wrong = steward.press(waiting, f"/steward/complaints/{name}", reasons="why", word="maybe")
    assert wrong.status == 400
    done = steward.press(
        waiting, f"/steward/complaints/{name}", word="reject", reasons="counted", turn_to="the arbitrator"
    )
    assert "is answered" in done.source
    assert "you can turn to the arbitrator" in member.get(f"/statements/q2/{SHE}").source


def test_everybody_reads_the_rules_and_where_a_euro_went(node: Node, app: Litestar) -> None:
    stranger = Browser(app, node, "", "")
    assert "No period has divided any income" in stranger.get("/income").source
    two_periods(node)
    page = stranger.get("/income")
    assert "assembly of 2026-11-20" in page.source and "the members, by contribution" in page.source
    shown = [float(found) for found in re.findall(r'<td class="n">([\d.]+) %</td>', page.source)]
    assert abs(sum(shown) - 100) < 1
    assert stranger.get("/statements").status in (303, 200) and "party:" not in page.source


def test_the_plan_page_draws_gini_and_where_the_income_goes(node: Node, app: Litestar) -> None:
    two_periods(node)
    story.answer(node, "SELECT COUNT(*) AS n FROM pay WHERE year = 2022 AND night_shifts")
    plan = story.done(story.period.plan_period(node, "q3")).plan
    page = Browser(app, node, story.OPERATOR, "steward").get(f"/steward/plans/{plan}")
    assert re.search(r"Gini 0\.\d{3}", page.source) and "Where it goes" in page.source


def test_the_rule_in_the_docs_can_be_adopted() -> None:
    """What `docs/concepts/income.md` shows is a rule, and says what the page says of it."""
    page = (Path(__file__).parents[2] / "docs" / "concepts" / "income.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"^```toml division\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    rule = wire.read(text, "EUR")
    assert waterfall.unfit(rule, "") is None
    assert {one.to for one in rule.slices} == {"operator", "labelling", "floor", "members"}
    for word in (*waterfall.BASES, *waterfall.TO):
        assert f"`{word}`" in page, word
