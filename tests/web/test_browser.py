"""The portal in a real browser: with the keyboard alone, on a phone, without JavaScript, and what it asks of others."""

from __future__ import annotations

import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from litestar import Litestar

import chains
import story
from usufruct.core.access.template_values import Gap
from usufruct.core.access.templates import Draft
from usufruct.core.registry.rules import id_of
from usufruct.core.rulebook.levy import Band, LevyRule
from usufruct.node import consent, levy, login, period, templates, trade
from usufruct.node.node import Node
from usufruct.wire import sql

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed; it is in the extra [dev]")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or "/usr/bin/chromium"
pytestmark = pytest.mark.skipif(
    not Path(CHROMIUM).exists(), reason="there is no Chromium on this machine; apt-get install chromium"
)
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
WIDTHS = (320, 375, 1280)
ROLES = {"member-3": "member", story.OPERATOR: "steward", story.USER: "user"}
HOME = re.compile(r"/(me|steward|desk)$")

# The contrast of every text with what is behind it, as WCAG 2.2 computes it; the lowest, and where.
LOWEST_CONTRAST = """() => {
  const light = c => { const [r, g, b] = c.map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
                       return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const parts = text => text.match(/[\\d.]+/g).map(Number);
  const behind = e => { for (; e; e = e.parentElement) { const c = parts(getComputedStyle(e).backgroundColor);
                        if (c.length < 4 || c[3] > 0) return c.slice(0, 3); } return [255, 255, 255]; };
  let lowest = [99, ""];
  for (const e of document.querySelectorAll("body *")) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()) || e.closest(".hidden, title")) continue;
    const drawn = e.closest("svg");
    const ink = light(parts(drawn ? getComputedStyle(e).fill : getComputedStyle(e).color).slice(0, 3));
    const paper = light(behind(drawn ? drawn.parentElement : e));
    const contrast = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
    if (contrast < lowest[0]) lowest = [contrast, e.outerHTML.slice(0, 200)];
  }
  return lowest;
}"""

# Buttons, fields and links that stand by themselves and are lower than a finger.
TOO_SMALL = """() => [...document.querySelectorAll("button, input, select, textarea, summary, nav a, td > a, dd > a")]
  .filter(e => e.type !== "hidden" && e.getBoundingClientRect().width && e.getBoundingClientRect().height < 43.5)
  .map(e => e.outerHTML.slice(0, 100))"""

FOCUSED = """() => { const e = document.activeElement, s = getComputedStyle(e);
  return {what: `${e.tagName} ${e.textContent.trim()}`.slice(0, 80), ring: parseFloat(s.outlineWidth) && s.outlineStyle !== "none",
          top: e.getBoundingClientRect().top + scrollY}; }"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """One browser for all tests here."""
    with playwright.sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def served(app: Litestar) -> Iterator[str]:
    """The address of the node, served as `usufruct serve` does."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def open_page(chromium: Any, served: str) -> Iterator[Callable[..., Any]]:
    """Opens a page in a browser of its own; fails in the end if one asked anything of others, or complained."""
    contexts, wrong = [], []

    def note(request: Any) -> None:
        if not request.url.startswith((served, "data:", "about:")):
            wrong.append(request.url)

    def make(path: str = "", **options: Any) -> Any:
        context = chromium.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("request", note)
        page.on("console", lambda message: wrong.append(message.text) if "status of 40" not in message.text else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        if path:
            page.goto(served + path)
        return page

    yield make
    for context in contexts:
        context.close()
    assert not wrong


def log_in(page: Any, served: str, node: Node, party: str) -> Any:
    """By a one-time link."""
    page.goto(f"{served}/enter#{login.issue_link(node, party, ROLES[party])}")
    playwright.expect(page.locator("#code")).not_to_have_value("")
    page.keyboard.press("Enter")
    page.wait_for_url(HOME)
    return page


def tab_to(page: Any, words: str) -> list[dict[str, Any]]:
    """Presses Tab until what has the focus says `words`; everything that had it on the way."""
    seen = []
    for _ in range(80):
        page.keyboard.press("Tab")
        seen.append(page.evaluate(FOCUSED))
        if words in seen[-1]["what"]:
            return seen
    raise AssertionError(f"Tab does not lead to {words}: {[item['what'] for item in seen]}")


def live(node: Node) -> list[tuple[str, str]]:
    """A node with something on every page; the pages, by who sees them."""
    for name, payer, per in (("city", "buyer", "use"), ("dst", "operator", "year")):
        day = node.clock.now()
        rule = LevyRule(name, payer, "price", per, (Band(0, 300),), f"fund:{name}", "bylaw 12", "the city", day, day)
        story.done(levy.adopt(node, rule, "", None, story.OPERATOR))
    use = story.answer(node).use
    refused = story.ask(node, "SELECT * FROM pay", purpose="Marketing").use
    story.close_period(node, "2026-q4")
    story.answer(
        node, "SELECT night_shifts, year, COUNT(*) AS people FROM pay GROUP BY night_shifts, year", story.CHEAP
    )
    plan = story.done(period.plan_period(node, "2027-q1")).plan
    consent.record_word(node, story.ASSET, "member-3", "Marketing", False)
    story.done(trade.request_offer(node, story.OFFER, story.STRANGER))
    chain = chains.make(node)
    gap = Gap("year", "Year", "year")
    text = "SELECT COUNT(*) AS people FROM pay WHERE year = $year"
    draft = Draft("people", "People in a year", text, (story.PURPOSE,), (gap,))
    for _ in range(2):
        story.done(templates.propose(node, draft, story.USER, sql.parse))
    story.done(templates.approve(node, draft.name, 1, story.OPERATOR))
    own = {
        "": ["/", "/login", "/enter", "/api", "/nothing-here", "/levies"],
        "member-3": ["/me", "/trace/pay", f"/earnings/{node.clock.now()[:4]}"],
        story.OPERATOR: ["/steward", f"/steward/plans/{plan}", f"/questions/{use}", "/trace/pay", "/trace/report",
                         "/templates", "/templates/people", "/levies", f"/sellers/{node.clock.now()[:4]}"],
        story.USER: ["/desk", f"/questions/{use}", f"/questions/{refused}", f"/trace/{chain.mine}",
                     "/ask", "/ask?asset=pay&kind=trend&only.year=2021", "/templates/people", "/templates/new",
                     "/ask?asset=pay&kind=average&column=hours&by=year&ready=yes"],
    }  # fmt: skip
    return [(party, path) for party, paths in own.items() for path in paths]


def test_a_link_logs_in_and_leaves_nothing_in_the_address(open_page: Any, served: str, node: Node) -> None:
    page = log_in(open_page(), served, node, "member-3")
    assert page.url == f"{served}/me"
    assert "Logged in as Member 3" in page.inner_text("body")
    page.go_back()
    assert "usu_" not in page.url


def test_a_member_refuses_and_consents_again_with_the_keyboard_alone(open_page: Any, served: str, node: Node) -> None:
    page = log_in(open_page(), served, node, "member-3")
    walked = tab_to(page, "Refuse: academic research")
    assert walked[0]["what"] == "A Skip to the main content"
    assert all(item["ring"] for item in walked), "a focus that cannot be seen"
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"recorded=\d+"))
    assert page.title().startswith("Recorded")
    assert re.search(r"Your refusal \(academic research\) is recorded as fact \d+", page.inner_text("[role=status]"))
    tab_to(page, "Consent again: academic research")
    page.keyboard.press("Enter")
    playwright.expect(page.locator("[role=status]").first).to_contain_text("Your consent")
    with node.store.read() as state:
        facts = [entry.fact.KIND for entry in state.history(id_of(state, "member-3"))]
    assert facts[-2:] == ["consent.refused/1", "consent.given/1"]


def test_the_skip_link_skips(open_page: Any, served: str) -> None:
    page = open_page("/")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_the_focus_goes_down_the_page_and_reaches_everything(open_page: Any, served: str, node: Node) -> None:
    live(node)
    page = log_in(open_page(viewport={"width": 1280, "height": 900}), served, node, story.USER)
    reachable = page.locator(
        "a:visible, button:visible, input:visible, select:visible, textarea:visible, summary:visible, [tabindex='0']:visible"
    )
    count = reachable.count()
    tops = []
    for _ in range(count):
        page.keyboard.press("Tab")
        tops.append(page.evaluate(FOCUSED)["top"])
    assert all(b >= a - 60 for a, b in pairwise(tops)), tops
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement === document.body || document.activeElement.className === 'skip'")


def test_every_page_fits_is_readable_and_can_be_touched(open_page: Any, served: str, node: Node) -> None:
    pages = live(node)
    for party in dict.fromkeys(party for party, _ in pages):
        page = open_page()
        if party:
            log_in(page, served, node, party)
        for path in [path for who, path in pages if who == party]:
            page.goto(served + path)
            page.eval_on_selector_all("details", "all => all.forEach(one => { one.open = true })")
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 800})
                assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)
            contrast, where = page.evaluate(LOWEST_CONTRAST)
            assert contrast >= 4.5, (path, contrast, where)
            assert not page.evaluate(TOO_SMALL), path


def test_everything_can_be_read_and_done_without_javascript(open_page: Any, served: str, node: Node) -> None:
    use = story.answer(node).use
    page = open_page("/enter", java_script_enabled=False)
    page.fill("#code", f"{served}/enter#{login.issue_link(node, 'member-3', 'member')}")
    page.click("main button")
    page.wait_for_url(HOME)
    page.click(f"summary:has-text('What was let out'):has-text('{use}')")
    assert page.is_visible("caption:has-text('What was let out')")
    page.click("button:has-text('Refuse every use')")
    page.wait_for_url(re.compile("recorded="))
    assert "Your refusal (any purpose at all) is recorded" in page.inner_text("[role=status]")
    page.click("text=Log out")
    assert page.url == f"{served}/"
    assert "Pay of twelve people" in page.inner_text("main")


def test_a_receipt_and_an_answer_are_downloaded(open_page: Any, served: str, node: Node) -> None:
    use = story.answer(node).use
    page = log_in(open_page(), served, node, story.USER)
    page.goto(f"{served}/questions/{use}")
    with page.expect_download() as receipt:
        page.click("a:has-text('Receipt')")
    assert re.fullmatch(r"receipt-\d+\.tlog-proof", receipt.value.suggested_filename)
    with page.expect_download() as table:
        page.click("a:has-text('The whole answer')")
    assert table.value.suggested_filename == f"{use}.csv"


def test_a_link_followed_while_logged_in_is_not_used_up(open_page: Any, served: str, node: Node) -> None:
    """From another site the session's cookie does not come along, so the page cannot know yet who is there."""
    page = log_in(open_page(), served, node, "member-3")
    link = f"{served}/enter#{login.issue_link(node, story.OPERATOR, 'steward')}"
    page.goto("about:blank")
    page.set_content(f'<a href="{link}">from a mail</a>')
    page.click("a")
    page.click("#enter button")
    page.wait_for_selector("[role=alert]")
    assert "already logged in as Member 3" in page.inner_text("[role=alert]")
    page.click("text=Log out")
    page.goto(link)
    page.click("#enter button")
    page.wait_for_url(HOME)
    assert page.url.endswith("/steward")


def test_another_site_cannot_log_a_visitor_in(open_page: Any, served: str, node: Node) -> None:
    page = open_page()
    page.goto("about:blank")
    code = login.issue_link(node, "member-3", "member")
    page.set_content(
        f'<form method="post" action="{served}/enter"><input name="code" value="{code}"><button>x</button></form>'
    )
    page.click("button")
    page.wait_for_selector("[role=alert]")
    assert "another site" in page.inner_text("[role=alert]")
