"""A browser without a screen: it keeps cookies, reads pages and sends the forms that are on them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from litestar import Litestar
from litestar.testing import TestClient

from usufruct.node import login
from usufruct.node.node import Node

# Elements that have no end.
INLINE = {"a", "abbr", "code", "em", "span", "time"}
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


@dataclass
class Element:
    """A start tag with its attributes, and the text up to its end."""

    tag: str
    attributes: dict[str, str]
    text: str = ""


@dataclass
class Form:
    """A form as a person can send it: its address, what its fields hold, and its buttons' names and values."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class Page(HTMLParser):
    """A page taken apart. Fails on an end tag that ends nothing and an id that is there twice, so what reads it through has
    read well-formed HTML."""

    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.status: int = answer.status_code
        self.answer = answer
        self.source: str = answer.text
        self.elements: list[Element] = []
        self.forms: list[Form] = []
        self.open: list[Element] = []
        self.feed(self.source)
        assert not self.open, f"left open: {[element.tag for element in self.open]}"
        ids = Counter(element.attributes["id"] for element in self.elements if "id" in element.attributes)
        assert not [id for id, count in ids.items() if count > 1], "an id names one element"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._space(tag)
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)
        given = element.attributes
        if tag == "form":
            self.forms.append(Form(given.get("action", "")))
        elif given.get("type") in ("checkbox", "radio") and "checked" not in given:
            pass  # what is not ticked is not sent
        elif tag == "input" and "name" in given:
            self.forms[-1].fields[given["name"]] = given.get("value", "")
        elif tag == "button" and self.forms:
            self.forms[-1].buttons.append((given.get("name", ""), given.get("value", "")))
        elif tag == "option" and "selected" in given:
            self.forms[-1].fields[self._select()] = given["value"]

    def _select(self) -> str:
        return next(element.attributes["name"] for element in reversed(self.open) if element.tag == "select")

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1].tag == tag, f"</{tag}> ends {self.open[-1].tag if self.open else 'nothing'}"
        self.open.pop()
        self._space(tag)

    def _space(self, tag: str) -> None:
        """What is no part of a line stands apart."""
        if tag not in INLINE:
            self.handle_data(" ")

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.text += data

    def all(self, tag: str) -> list[Element]:
        """All elements of that kind."""
        return [element for element in self.elements if element.tag == tag]

    @property
    def text(self) -> str:
        """What a person reads, in one line."""
        return " ".join(self.all("body")[0].text.split())

    @property
    def title(self) -> str:
        """What the tab says."""
        return self.all("title")[0].text

    def form(self, action: str, **having: str) -> Form:
        """The form with that address whose fields or buttons have these values."""
        for form in self.forms:
            held = [*form.fields.items(), *form.buttons]
            if form.action == action and all(item in held for item in having.items()):
                return form
        raise AssertionError(f"no form sends {having} to {action}")


class Browser:
    """Somebody with a browser; logged in if `role` is given."""

    def __init__(self, app: Litestar, node: Node, party: str = "", role: str = "") -> None:
        self.client = TestClient(app, raise_server_exceptions=False)
        self.client.__enter__()
        if role:
            self.send("/enter", code=login.issue_link(node, party, role))

    def raw(self, method: str, path: str, **options: Any) -> Any:
        """An answer as it comes, redirects not followed."""
        return self.client.request(method, path, follow_redirects=False, **options)

    def get(self, path: str) -> Page:
        """A page, redirects followed."""
        return Page(self.client.get(path))

    def send(self, action: str, **fields: str) -> Page:
        """What comes of a form made by hand, redirects followed."""
        return Page(self.client.post(action, data=fields))

    def press(self, page: Page, action: str, button: tuple[str, str] | None = None, **typed: str) -> Page:
        """Fills in a form that is on the page and presses a button."""
        known = {name: value for name, value in typed.items() if name in ("asset", "purpose", "offer")}
        form = page.form(action, **(known if not any(e.tag == "select" for e in page.elements) else {}))
        if button:
            form = next(f for f in page.forms if f.action == action and button in f.buttons
                        and all(f.fields.get(n, v) == v for n, v in known.items()))  # fmt: skip
        fields = {**form.fields, **typed, **(dict([button]) if button else {})}
        return Page(self.client.post(action, data=fields))

    def close(self) -> None:
        """Closes the browser."""
        self.client.__exit__(None, None, None)
