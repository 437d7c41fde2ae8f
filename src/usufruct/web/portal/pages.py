"""Pages: how what people look at is put into HTML. Server-rendered, plain, and the same with JavaScript or without.

A page is a template and what it shows. Everything that comes from outside is escaped by the templates; words for
people (dates, purposes, amounts) are made by the filters below, so that each reads the same on every page.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import urlencode, urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import MediaType, Request, Response
from litestar.enums import RequestEncodingType
from litestar.params import Body, QueryParameter
from litestar.response import Redirect
from markupsafe import Markup, escape

from usufruct.core.base.canonical import holdable
from usufruct.core.base.faults import BadInput, Fault
from usufruct.core.base.instants import END_OF_TIME, Instant
from usufruct.core.base.money import DECIMALS, Money, decimal
from usufruct.core.income.measure import MEASURES, MICRO
from usufruct.core.rulebook import purposes
from usufruct.core.rulebook.grades import GRADES
from usufruct.core.rulebook.grounds import GROUNDS
from usufruct.node import views
from usufruct.node.login import Identity
from usufruct.web.auth import csrf, identify, node_of

T = TypeVar("T")

AnyRequest = Request[Any, Any, Any]
Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]
Page = Response[str]
PageNumber = Annotated[int, QueryParameter(name="page", ge=1, le=1_000_000)]

# Where each role is at home, and what that page is called.
HOMES = {
    "member": ("/me", "Your data"),
    "steward": ("/steward", "Steward"),
    "user": ("/desk", "Your desk"),
}

STATIC = {
    "style.css": "text/css",
    "enter.js": "text/javascript",
    "audit.js": "text/javascript",
    "watch.js": "text/javascript",
}


def static_file(name: str) -> bytes:
    """A file that pages link to.

    Raises:
        KeyError: there is none of that name.
    """
    return _FILES[name]


_FILES = {name: resources.files(__package__).joinpath("static", name).read_bytes() for name in STATIC}
_EDITION = hashlib.sha256(b"".join(_FILES.values())).hexdigest()[:12]


def page(request: AnyRequest, template: str, title: str, status: int = 200, **shown: Any) -> Page:
    """A page made from a template; `shown` is what it shows.

    The headers of the application go with it here, for the framework leaves them out where a page tells of an error.
    """
    who = request.scope["state"].get("identity")
    node = node_of(request)
    text = _ENVIRONMENT.get_template(template).render(
        node=node.about, title=title, path=request.url.path, csrf=csrf(request), edition=_EDITION,
        provider=node.identities.openid, who=_shown_name(request, who), home=HOMES.get(who.role) if who else None, **shown,
    )  # fmt: skip
    headers = {header.name: header.value or "" for header in request.app.response_headers or ()}
    return Response(text, media_type=MediaType.HTML, status_code=status, headers=headers)


def _shown_name(request: AnyRequest, who: Identity | None) -> str:
    if who is None:
        return ""
    try:
        with node_of(request).store.read() as state:
            return views.name_of(state, who.party)
    except Fault:  # the page may be the one that tells of it
        return who.party


def trouble(request: AnyRequest, status: int, message: str, reasons: list[str], remedy: str) -> Page:
    """The page that says no: what, why, and what would help."""
    if "identity" not in request.scope["state"]:  # no route was found, so no guard has asked yet
        request.scope["state"]["identity"] = identify(request)
    return page(request, "trouble.html", _sentence(message, stop=False), status, message=message, reasons=reasons,
                remedy=remedy)  # fmt: skip


def back_to(path: str, **query: str | int) -> Response[Any]:
    """Sends the browser to a page that can be loaded again without doing anything twice."""
    return Redirect(f"{path}?{urlencode(query)}" if query else path, status_code=303)


def field(data: dict[str, Any], name: str, most: int = 500) -> str:
    """What was typed into a field of a form, in the one spelling that the journal takes (NFC, plain line ends).

    Raises:
        BadInput: it is there twice, or too long.
    """
    value = data.get(name, "")
    if not isinstance(value, str):
        raise BadInput("input.form", f"the form has the field `{name}` twice", "send it from the page it is on")
    text = holdable(value.replace("\r\n", "\n")).strip()
    if len(text) > most:
        raise BadInput("input.form", f"`{name}` is longer than {most} characters", "shorten it")
    return text


@dataclass(frozen=True, slots=True)
class Part(Generic[T]):
    """Some of a long list: `items`, from the `first` of `total` (counted from 1), as page `number` of `pages`."""

    items: Sequence[T]
    first: int
    total: int
    number: int
    pages: int


def part(items: Sequence[T], number: int, size: int) -> Part[T]:
    """Page `number` of a list; the nearest there is if there is no such page."""
    pages = max(1, -(-len(items) // size))
    number = min(max(number, 1), pages)
    start = (number - 1) * size
    return Part(items[start : start + size], start + 1, len(items), number, pages)


def _when(at: Instant) -> Markup:
    """`2026-11-22 09:30 UTC`; day and time may stand on two lines."""
    return Markup('<time datetime="{}"><span>{}</span> <span>{} UTC</span></time>').format(at, at[:10], at[11:16])


def _day(at: Instant) -> Markup | str:
    return "without end" if at == END_OF_TIME else Markup('<time datetime="{0}">{0}</time>').format(at[:10])


def _ticks(text: str) -> Markup:
    """What stands in back-ticks as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped just before


def _sentence(text: str, stop: bool = True) -> str:
    """A message as a sentence: the node's messages begin small and have no full stop. A name at the start stays as it is."""
    if text.partition(" ")[0].rstrip(",").isalpha():
        text = text[:1].upper() + text[1:]
    return f"{text}." if stop and text and text[-1] not in ".!?…:" else text


def _says(text: str) -> Markup:
    return _ticks(_sentence(text))


def _purpose(text: str) -> str:
    """A purpose in words; what is no purpose as it was typed."""
    known = purposes.normal(text)
    return purposes.label(known) if known else text


def purpose_choices() -> list[tuple[str, str]]:
    """The label and the id of every purpose but the root, for forms: nobody is led to allow everything."""
    return sorted((purposes.label(p), p) for p in purposes.descendants(purposes.ROOT) if p != purposes.ROOT)


def _money(minor: int, currency: str) -> str:
    return str(Money(minor, currency))


def exact_money(micro: int, currency: str) -> str:
    """Millionths of a minor unit, to a hundredth of a minor unit: `0.0128 EUR`."""
    units = (micro * 100 + MICRO // 2) // MICRO
    return f"{decimal(units, DECIMALS[currency] + 2)} {currency}"


def _listed(value: object) -> str:
    """A value, or values one after the other; with the purposes in it in words."""
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return re.sub(r"\b[A-Z]\w+", lambda word: _purpose(word[0]), text) or "none"


def percent(part: int, whole: int) -> str:
    """A part of a whole, as people say it: `10 %`, `0.4 %`."""
    value = 100 * part / whole if whole else 0.0
    return f"{value:.0f} %" if value >= 10 else f"{value:.1f}".removesuffix(".0") + " %"


def number(value: int) -> str:
    """A count with its thousands apart."""
    return f"{value:,}".replace(",", "\u202f") if value >= 10_000 else str(value)


def _bound(grains: int, decimals: int) -> str:
    return decimal(grains, decimals)


def _host(url: str) -> str:
    return urlsplit(url).netloc


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


# What leaves the node under each form of answer, in a citizen's words.
FORMS_IN_WORDS = {
    "rows": "single records as they are",
    "masked": "single records, without what tells whom they are about",
    "cubes": "tables of totals that were laid down beforehand, without small groups",
    "aggregates": "totals and averages only, blurred so that nobody can be picked out",
    "computation": "what is worked out in the node, such as a fitted model or the size of an overlap",
}

# Where a negotiation stands, in words.
STANDS = {
    "REQUESTED": "requested; the provider has to agree",
    "OFFERED": "offered; the data user has to accept",
    "ACCEPTED": "accepted; the provider has to agree",
    "AGREED": "agreed; the data user has to verify",
    "VERIFIED": "verified",
    "FINALIZED": "finished: an agreement was reached",
    "TERMINATED": "terminated",
}

# What became of a question, in words.
BECAME = {
    "admitted": "being answered",
    "answered": "answered",
    "abandoned": "failed before an answer",
    "refused": "refused",
}

_ENVIRONMENT = Environment(
    loader=PackageLoader("usufruct.web.portal"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
    lstrip_blocks=True,
)  # fmt: skip
_ENVIRONMENT.filters.update(
    when=_when, day=_day, ticks=_ticks, sentence=_sentence, says=_says, purpose=_purpose, money=_money,
    exact_money=exact_money, percent=percent, number=number, bound=_bound, cut=_cut, host=_host, listed=_listed,
)  # fmt: skip
_ENVIRONMENT.globals.update(
    grades=GRADES,
    forms=FORMS_IN_WORDS,
    stands=STANDS,
    became=BECAME,
    root=purposes.ROOT,
    grounds=GROUNDS,
    measures=MEASURES,
)
