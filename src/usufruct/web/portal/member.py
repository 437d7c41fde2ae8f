"""A member's page: who asked, what was let out, what it earned her, her word on what comes next, and her records by number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery
from markupsafe import Markup

from usufruct.core.access.facts import ConsentGiven, ConsentRefused
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant
from usufruct.core.base.money import Money
from usufruct.core.registry.state import Asset
from usufruct.core.telling import in_words, withheld
from usufruct.node import consent, epoch, services, views
from usufruct.node.epoch import Numbered
from usufruct.node.lines import line_proof
from usufruct.node.views import MemberPage, Seen
from usufruct.web.api import done
from usufruct.web.auth import node_of, who_is
from usufruct.web.portal import answers, charts, pages
from usufruct.web.portal.charts import Bar
from usufruct.web.portal.pages import AnyRequest, Form, Page, PageNumber, back_to, field, page, purpose_choices

MEMBER = {"rule": ("member",)}
USES_PART = 8
RECORDS_SHOWN = 200
BUCKETS = 12
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
          "December")  # fmt: skip
_WORDS = (ConsentGiven, ConsentRefused)


@dataclass(frozen=True, slots=True)
class _Use:
    """One use on the page."""

    seen: Seen
    asset: Asset
    answer: answers.Shown | None


@get("/me", opt=MEMBER, include_in_schema=False, sync_to_thread=True)
def me(request: AnyRequest, number: PageNumber = 1, recorded: FromQuery[int] = -1) -> Page:
    """All that a member can see; `recorded` is the fact that her last form became."""
    node = node_of(request)
    shown = views.member_page(node, who_is(request).party)
    assert shown is not None, "an account is made for a known party"
    found = [(seen, asset.asset) for asset in shown.assets for seen in asset.seen]
    found.sort(key=lambda item: item[0].seq, reverse=True)
    part = pages.part(found, number, USES_PART)
    answered = [seen for seen, _ in found if seen.rows]
    told = next((e for e in shown.history if e.seq == recorded and isinstance(e.fact, _WORDS)), None)
    records, look_ups = epoch.records(node, shown.party.id), services.lookups(node, shown.party.id)
    names = {asset.asset.id: asset.asset.title for asset in shown.assets}
    names |= {seen.use.requester: seen.who for seen, _ in found}
    names |= {id: name for one in look_ups for id, name in ((one.party, one.who), (one.service, one.title))}
    return page(
        request, "me.html", f"{'Recorded: your' if told else 'Your'} data", shown=shown, part=part,
        uses=[_use(seen, asset) for seen, asset in part.items], totals=_totals(shown), answered=len(answered),
        refused=sum(1 for seen, _ in found if seen.use.state == "refused"),
        withheld=[withheld(held.ground, held.until) for asset in shown.assets for held in asset.withheld],
        pending=sum(1 for s in answered if s.use.price and s.period is None),
        over_time=_over_time(answered), earnings=_earnings(shown), told=told, total=None if records is None else len(records),
        records=[_record(record, names, node.clock.now()) for record in (records or [])[: -RECORDS_SHOWN - 1 : -1]],
        waiting=sum(1 for record in records or () if record.epoch is None),
        look_ups=look_ups,
        look_ups_withheld=[withheld(held.ground, held.until) for held in services.withheld_lookups(node, shown.party.id)],
        choices=purpose_choices(),
        asked=len(consent.inbox(node, shown.party.id)),
        wards=consent.wards(node, shown.party.id),
        year=node.clock.now()[:4],
    )  # fmt: skip


@post("/me/consent", opt=MEMBER, include_in_schema=False, sync_to_thread=True)
def say(request: AnyRequest, data: Form) -> Response[Any]:
    """A yes or no; `word` is `consent` or `refuse`."""
    asset, purpose, word = field(data, "asset"), field(data, "purpose"), field(data, "word")
    if word not in ("consent", "refuse"):
        raise BadInput("input.form", "the form says neither yes nor no", "choose to consent or to refuse")
    _, receipt = done(consent.record_word(node_of(request), asset, who_is(request).party, purpose, word == "consent"))
    return back_to("/me", recorded=receipt.index)


def _use(seen: Seen, asset: Asset) -> _Use:
    return _Use(seen, asset, answers.shown(seen.let_out, f"answer-{seen.use.id}", drawn=1))


def _totals(shown: MemberPage) -> list[Money]:
    """What she was paid in all, by currency."""
    sums: Counter[str] = Counter()
    for asset in shown.assets:
        for paid in asset.paid:
            sums[paid.amount.currency] += paid.amount.minor
    return [Money(minor, currency) for currency, minor in sums.items()]


@dataclass(frozen=True, slots=True)
class _Chart:
    """A drawing and its numbers: what is counted, and for what."""

    drawing: Markup
    heads: tuple[str, str]
    rows: Sequence[Bar]


def _over_time(answered: Sequence[Seen]) -> _Chart | None:
    """How often her rows were used in each month, or on each day of one month; nothing if there is one only."""
    for length, unit in ((7, "month"), (10, "day")):
        counts = Counter(seen.use.at[:length] for seen in answered)
        if len(counts) > 1:
            rows = [Bar(_bucket(when), counts[when], str(counts[when])) for when in sorted(counts)[-BUCKETS:]]
            title = f"How often your data were used, by {unit}"
            return _Chart(charts.bars("over-time", title, rows), (unit.capitalize(), "Questions answered"), rows)
    return None


def _bucket(when: str) -> str:
    """`2026-11` as November 2026; a day as it is."""
    return when if len(when) > 7 else f"{MONTHS[int(when[5:]) - 1]} {when[:4]}"


def _earnings(shown: MemberPage) -> _Chart | None:
    """What she was paid for each period, if there are two or more; amounts of one currency only."""
    paid = [explanation for asset in shown.assets for explanation in asset.paid]
    if len({p.period for p in paid}) < 2 or len({p.amount.currency for p in paid}) > 1:
        return None
    sums: dict[str, Money] = {}
    for p in paid:
        before = sums[p.period].minor if p.period in sums else 0
        sums[p.period] = Money(before + p.amount.minor, p.amount.currency)
    rows = [Bar(period, money.minor, str(money)) for period, money in list(sums.items())[-BUCKETS:]]
    return _Chart(charts.bars("earnings", "What you were paid, by period", rows), ("Period", "Paid to you"), rows)


@dataclass(frozen=True, slots=True)
class _Record:
    """One record by its number: `what` it says, and where she gets its receipt, unless it is withheld or lost."""

    number: int
    what: str
    waiting: bool
    at: Instant | None = None
    seq: int | None = None


def _record(record: Numbered, names: Mapping[str, str], now: Instant) -> _Record:
    waiting = record.epoch is None
    if record.entry is None:
        what = "the node cannot show this record, though it is in the count; tell the steward, and somebody you trust"
        return _Record(record.number, what, waiting)
    if record.slip is not None and record.withheld(now):
        return _Record(record.number, withheld(record.slip.ground, record.slip.until), waiting)
    what = in_words(record.entry.fact, record.part, names)
    return _Record(record.number, what, waiting, record.entry.at, record.entry.seq)


@get("/lines/{period:str}/{asset:str}", opt=MEMBER, include_in_schema=False, sync_to_thread=True)
def line(request: AnyRequest, period: FromPath[str], asset: FromPath[str]) -> Response[str]:
    """Her line of a closed period, with its proof, as a file."""
    found = done(line_proof(node_of(request), who_is(request).party, period, asset))
    headers = {"Content-Disposition": f'attachment; filename="line-{found.asset}-{period}.json"'}
    return Response(found.text(), media_type="application/json; charset=utf-8", headers=headers)


handlers = [me, say, line]
