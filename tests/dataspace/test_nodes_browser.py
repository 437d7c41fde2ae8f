"""The pages of other nodes in a real browser: they fit a phone, tell what moves by themselves, and need no script."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pair
import pytest

import story
from usufruct.node import login

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed; it is in the extra [dev]")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or "/usr/bin/chromium"
pytestmark = pytest.mark.skipif(
    not Path(CHROMIUM).exists(), reason="there is no Chromium on this machine; apt-get install chromium"
)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with playwright.sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def enter(chromium: Any, side: pair.Side, **options: Any) -> Any:
    """A page of a browser of its own, logged in as the operator's data user; `wrong` collects what it complains of."""
    context = chromium.new_context(**options)
    session = login.open_session(
        side.node, login.redeem_link(side.node, login.issue_link(side.node, story.OPERATOR, "user"))
    )
    context.add_cookies([{"name": "usufruct_session", "value": session, "url": side.url}])
    page = context.new_page()
    page.wrong = []
    page.on("console", lambda message: page.wrong.append(message.text))
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    return page


def test_a_negotiation_is_seen_to_move(chromium: Any, tmp_path: Path, founded: Path, table: Path) -> None:
    with pair.two(tmp_path, founded, table, by_hand=True) as (hospital, city):
        asked = city.post(f"/peers/{pair.HOSPITAL}/negotiations", {"dataset": story.ASSET})["process"]
        city.until(asked, "REQUESTED")
        [there] = hospital.get("/processes")
        page, plain = enter(chromium, city), enter(chromium, city, java_script_enabled=False)
        for one in (page, plain):
            one.goto(f"{city.url}/processes/{asked}")
            assert "REQUESTED" in one.locator("#standing .lead").inner_text()
        hospital.post(f"/processes/{there['process']}/messages", {"message": "agree"})
        city.until(asked, "AGREED")
        playwright.expect(page.locator("#standing .lead")).to_contain_text("AGREED", timeout=10_000)
        assert "REQUESTED" in plain.locator("#standing .lead").inner_text(), "nothing moves without a script"
        plain.get_by_text("Look again").click()
        assert "AGREED" in plain.locator("#standing .lead").inner_text()
        page.locator("#reason-terminate").fill("we")  # whoever types is left alone
        page.locator("#reason-terminate").focus()
        page.wait_for_timeout(3_000)
        assert page.locator("#reason-terminate").input_value() == "we"
        assert not page.wrong


@pytest.mark.parametrize("width", [320, 1280])
def test_no_page_is_wider_than_the_screen(
    chromium: Any, tmp_path: Path, founded: Path, table: Path, width: int
) -> None:
    with pair.two(tmp_path, founded, table) as (_, city):
        asked = city.post(f"/peers/{pair.HOSPITAL}/negotiations", {"dataset": story.ASSET})["process"]
        city.until(asked, "FINALIZED")
        begun = city.post(f"/agreements-held/{asked}/transfers", {})["process"]
        city.until(begun, "STARTED")
        page = enter(chromium, city, viewport={"width": width, "height": 900})
        paths = ("/nodes", f"/nodes/{pair.HOSPITAL}/catalogue", "/nodes/search?words=pay", f"/processes/{asked}")
        for path in (*paths, f"/processes/{begun}"):
            page.goto(city.url + path)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
            low = page.evaluate("""() => [...document.querySelectorAll("button, input, textarea, a.button")]
                .filter(e => e.type !== "hidden" && e.getBoundingClientRect().height < 43.5).map(e => e.outerHTML)""")
            assert not [one for one in low if "Log out" not in one], path
        page.fill("#sql", "SELECT year, COUNT(DISTINCT nr) AS people FROM pay GROUP BY year")
        page.get_by_role("button", name="Ask", exact=True).click()
        assert page.locator("table tbody tr").count() == 3
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert not page.wrong
