# ruff: noqa: F811 - fixtures that are imported are named again as arguments
"""Counting in the browser: the script finds what the Python audit finds, and the page says it plainly."""

from __future__ import annotations

import copy
import json
import random
import shutil
import subprocess
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from test_browser import LOWEST_CONTRAST, TOO_SMALL, chromium, log_in, open_page, pytestmark, served, tab_to  # noqa: F401

import counted
import story
from counted import SHE, Book, World
from usufruct.core.access import hold
from usufruct.core.base.instants import later
from usufruct.core.proof.keeping import parse_kept
from usufruct.node import consent, epoch, login, query
from usufruct.node.node import Node
from usufruct.wire import sql

SCRIPT = Path(str(resources.files("usufruct.web.portal").joinpath("static", "audit.js")))
IN_CHROMIUM = """async cases => {
  const {audit} = await import("/static/audit.js");
  return Promise.all(cases.map(one => audit(one.book, one.key, one.now, one.kept)));
}"""
UNDER_NODE = """import {audit} from "./audit.mjs";
const cases = JSON.parse(await new Response(process.stdin).text());
console.log(JSON.stringify(await Promise.all(cases.map(one => audit(one.book, one.key, one.now, one.kept)))));
"""

Case = dict[str, Any]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, agreed: Path) -> World:
    return counted.make(tmp_path_factory.mktemp("counted") / "node", agreed)


@pytest.fixture(scope="module")
def cases(world: World) -> list[Case]:
    """Sound books and damaged ones, with what was kept and without, on several days."""
    kept = counted.plain(counted.audit(world.book, world.key, world.now).keep)
    half = counted.plain(world.kept)
    books: list[tuple[Any, Case | None, str]] = [
        (world.book, None, world.now), (world.book, half, world.now), (world.book, kept, world.now),
        (world.book, None, later(world.now, days=31)), (world.older, kept, world.now), (world.older, half, world.now),
        (world.other, None, world.now), ({}, None, world.now), ({}, kept, world.now), (None, None, world.now),
        ([], kept, world.now),
        (world.book, kept | {"head": "0" * 64}, world.now), (world.book, kept | {"checkpoint": "?"}, world.now),
        (world.book | {"newest": None}, None, world.now), (world.book | {"epochs": {}}, None, world.now),
        (world.book | {"records": None}, None, world.now), (world.book | {"records": [None, 1, {}]}, None, world.now),
        (world.book | {"records": [*world.book["records"], world.book["records"][3]]}, None, world.now),
    ]  # fmt: skip
    for seed in range(6 * len(counted.DAMAGES)):
        book, rng = copy.deepcopy(world.book), random.Random(seed)
        counted.DAMAGES[seed % len(counted.DAMAGES)](world, book, rng)
        books.append((book, kept if seed % 2 else None, world.now))
    for name in ("place", "epoch", "path", "slip", "body", "receipt"):
        book = copy.deepcopy(world.book)
        book["records"][4][name] = "?"
        books.append((book, None, world.now))
    for name in ("epoch", "count", "head", "place", "path"):
        books.append((world.book | {"newest": world.book["newest"] | {name: 1}}, None, world.now))
    return [{"book": book, "key": counted.plain(world.key), "kept": kept, "now": now} for book, kept, now in books]


def in_python(world: World, case: Case) -> Case:
    """What the Python audit finds, as the script tells it."""
    kept = parse_kept(json.dumps(case["kept"])) if case["kept"] else None
    found = counted.audit(case["book"], world.key, case["now"], kept)
    return {"count": found.count, "held": list(found.held), "flaws": [flaw.number for flaw in found.flaws],
            "keep": found.keep and counted.plain(found.keep)}  # fmt: skip


def compare(world: World, cases: list[Case], answers: list[Any]) -> None:
    sound = 0
    for place, (case, found) in enumerate(zip(cases, answers, strict=True)):
        expected = in_python(world, case)
        assert found["signed"], "the signature was checked"
        said = [flaw["number"] for flaw in found["flaws"]]
        assert {**found, "flaws": said} == {**expected, "signed": True}, (place, found["flaws"])
        sound += not said
    assert sound >= 4 and len(cases) - sound > 50


def test_the_script_and_the_command_agree_in_the_browser(open_page: Any, world: World, cases: list[Case]) -> None:
    compare(world, cases, open_page("/").evaluate(IN_CHROMIUM, cases))


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node on this machine")
def test_the_script_and_the_command_agree_under_node(tmp_path: Path, world: World, cases: list[Case]) -> None:
    shutil.copy(SCRIPT, tmp_path / "audit.mjs")
    (tmp_path / "run.mjs").write_text(UNDER_NODE)
    done = subprocess.run(
        ["node", "run.mjs"], cwd=tmp_path, input=json.dumps(cases), capture_output=True, text=True, check=True
    )
    compare(world, cases, json.loads(done.stdout))


# ---- on her page


@pytest.fixture
def followed(node: Node) -> Node:
    """A node with uses of hers, one of them withheld, rooted in epochs, and one record that waits."""
    story.done(node.record(lambda tx: hold.allow(tx, story.USER, counted.GROUND, 30, "Act 7, section 2")))
    story.answer(node, micro_rho=story.CHEAP)
    epoch.close_epoch(node)
    asked = query.Asked(
        story.USER,
        story.QUESTION,
        sql.parse(story.QUESTION),
        story.PURPOSE,
        story.CHEAP,
        counted.GROUND,
        anew=True,
    )
    query.ask(node, asked)
    epoch.close_epoch(node)
    consent.record_word(node, story.ASSET, SHE, story.OTHER_PURPOSE, False)
    return node


def check(page: Any) -> str:
    """Presses the button; what the page says then."""
    page.click("#check button")
    page.wait_for_selector("#check button:enabled")
    return str(page.inner_text("#check [role=status]"))


def marks(page: Any) -> dict[int, str]:
    """What stands beside each number."""
    cells = page.eval_on_selector_all("[data-record]", "all => all.map(e => [e.dataset.record, e.textContent])")
    return {int(number): word for number, word in cells}


def show(page: Any, book: Book) -> None:
    """From now on the node shows this book."""
    page.unroute_all()
    page.route("**/api/v1/me/book", lambda route: route.fulfill(json=book))


def test_her_records_are_checked_with_the_keyboard_alone(open_page: Any, served: str, followed: Node) -> None:
    page = log_in(open_page(), served, followed, SHE)
    assert marks(page) == {3: "not counted yet", 2: "not checked", 1: "not checked", 0: "not checked"}
    walked = tab_to(page, "BUTTON Check my records now")
    assert all(item["ring"] for item in walked), "a focus that cannot be seen"
    page.keyboard.press("Enter")
    page.wait_for_selector("#check [role=status]:has-text('Sound')")
    said = page.inner_text("#check [role=status]")
    assert "there are 3 records about you, and every one is there" in said
    assert "the node gave the key" in said and "Remembered in this browser" in said
    assert marks(page) == {3: "not counted yet", 2: "withheld", 1: "fine", 0: "fine"}
    epoch.close_epoch(followed)
    page.reload()
    assert "Compared with what this browser remembered" in check(page)
    assert marks(page)[3] == "fine"


def test_what_is_missing_altered_or_shown_anew_is_named(open_page: Any, served: str, followed: Node) -> None:
    epoch.close_epoch(followed)
    page = log_in(open_page(), served, followed, SHE)
    older = counted.shown(followed, SHE)
    assert "Sound" in check(page)
    consent.record_word(followed, story.ASSET, SHE, story.OTHER_PURPOSE, True)
    epoch.close_epoch(followed)
    page.reload()
    assert "Sound" in check(page)
    book = counted.shown(followed, SHE)
    damaged = copy.deepcopy(book)
    del damaged["records"][1]
    damaged["records"][2]["slip"]["previous"] = "0" * 64
    show(page, damaged)
    said = check(page)
    assert "NOT SOUND" in said and "Record 1 is missing." in said and "Record 3 was altered" in said
    assert marks(page) == {4: "fine", 3: "altered", 2: "withheld", 1: "missing", 0: "fine"}
    show(page, older)
    assert "Record 4 is missing: you were shown it before." in check(page)
    show(page, book)
    assert "Sound" in check(page), "a check that found something wrong changes nothing that is remembered"


def test_her_key_can_be_a_file_and_nothing_else_is_taken_for_one(
    open_page: Any, served: str, followed: Node, tmp_path: Path
) -> None:
    page = log_in(open_page(), served, followed, SHE)
    with page.expect_download() as download:
        page.click("text=Download my key")
    download.value.save_as(tmp_path / "key.json")
    page.set_input_files("#check-key", tmp_path / "key.json")
    said = check(page)
    assert "Sound" in said and "the node gave the key" not in said
    (tmp_path / "another.json").write_text(counted.key_of(followed, counted.ANOTHER).text())
    page.set_input_files("#check-key", tmp_path / "another.json")
    assert (
        "The book is of another person than the key" in (said := check(page)) or "the book is of another person" in said
    )
    (tmp_path / "picture.json").write_text("{}")
    page.set_input_files("#check-key", tmp_path / "picture.json")
    assert "Nothing was checked: the file you chose is not a key file." in check(page)


def test_a_browser_without_signatures_or_storage_says_so(open_page: Any, served: str, followed: Node) -> None:
    page = open_page()
    page.add_init_script("""
        const importKey = crypto.subtle.importKey.bind(crypto.subtle);
        crypto.subtle.importKey = (kind, raw, name, ...rest) =>
            name === "Ed25519" ? Promise.reject(new DOMException("no", "NotSupportedError")) : importKey(kind, raw, name, ...rest);
        Storage.prototype.setItem = () => { throw new DOMException("no", "QuotaExceededError"); };
    """)
    log_in(page, served, followed, SHE)
    said = check(page)
    assert "Sound" in said and "signature was NOT checked" in said and "does not let the page remember" in said


def test_without_javascript_the_records_are_there_and_the_command(open_page: Any, served: str, followed: Node) -> None:
    page = open_page("/enter", java_script_enabled=False)
    page.fill("#code", f"{served}/enter#{login.issue_link(followed, SHE, 'member')}")
    page.click("main button")
    page.wait_for_url("**/me")
    text = page.inner_text("main")
    assert "A record is withheld until" in text and "on the ground of criminal-investigation" in text
    assert "Institute was told the average of hourly_pay by year" in text
    assert not page.is_visible("#check")
    page.click("summary:has-text('Check without trusting this page')")
    assert page.is_visible("pre:has-text('usufruct member audit')")


def test_the_check_fits_and_can_be_read(open_page: Any, served: str, followed: Node, tmp_path: Path) -> None:
    page = log_in(open_page(), served, followed, SHE)
    for damage in (counted.left_out, None):
        book = counted.shown(followed, SHE)
        if damage:
            del book["records"][1]
        show(page, book)
        check(page)
        page.eval_on_selector_all("details", "all => all.forEach(one => { one.open = true })")
        for width in (320, 375, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, width
            page.locator("#record").scroll_into_view_if_needed()
            page.screenshot(path=tmp_path / f"{width}.png", full_page=True)
        contrast, where = page.evaluate(LOWEST_CONTRAST)
        assert contrast >= 4.5, (contrast, where)
        assert not page.evaluate(TOO_SMALL)
