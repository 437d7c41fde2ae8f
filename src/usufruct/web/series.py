"""The HTTP API of series of rounds: everybody reads when the next rounds open; the operator starts and ends."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Router, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from usufruct.core.base.instants import Instant
from usufruct.core.base.instants import parse as parse_instant
from usufruct.core.base.refusals import refuse
from usufruct.core.work.allocation.instance import CHAMBERS
from usufruct.core.work.allocation.rule import AFTER, METHODS, PARTS, AllocationRule, Part
from usufruct.core.work.rounds.series import Series, SeriesEnded, SeriesStarted
from usufruct.node import series as use_case
from usufruct.web.api import STEWARD, AnyRequest, RefusedHere, done
from usufruct.web.auth import node_of, who_is
from usufruct.web.messages import Day, Id, Text
from usufruct.web.work import Reason

Minutes = Annotated[int, Meta(ge=1, le=527_040)]


class NewSeries(Struct, forbid_unknown_fields=True):
    """A series. A round opens `every` so many minutes, from `starts` (by itself now) and before `until`; wishes come in for
    `wishes` minutes, and secrets for `opening` minutes after that. The rest is as in a round."""

    series: Id
    method: Text
    weights: dict[str, int]
    workers: Id
    operators: Id
    customers: Id
    every: Minutes
    wishes: Minutes
    opening: Minutes
    until: Day
    starts: Day | None = None


def public(row: Series, now: Instant) -> dict[str, Any]:
    """A series as everybody sees it, with its next rounds."""
    return {
        "series": row.id, "by": row.by, "ended": row.ended,
        "rule": {
            "method": row.rule.method, "means": METHODS[row.rule.method],
            "parts": [{"name": part.name, "weight": part.weight, "means": PARTS[part.name]} for part in row.rule.parts],
        },
        "chambers": [
            {"chamber": chamber, "speaks": who} for chamber, who in zip(CHAMBERS, row.speakers, strict=True)
        ],
        "starts": row.starts, "every": row.every, "wishes": row.wishes, "opening": row.opening, "until": row.until,
        "last": row.named(row.last) if row.last else "", "fact": row.seq,
        "next": [
            {"round": row.named(one.number), "opens": one.opens, "closes": one.closes, "opens_until": one.opens_until}
            for one in use_case.ahead(row, now)
        ],
    }  # fmt: skip


@get("/series", opt={"rule": "public"}, sync_to_thread=True, summary="Series of rounds")
def list_series(request: AnyRequest) -> list[dict[str, Any]]:
    """All series, the newest first, each with its rule, its times and its next rounds."""
    node = node_of(request)
    return [public(row, node.clock.now()) for row in use_case.listed(node)]


@get("/series/{series:str}", opt={"rule": "public"}, sync_to_thread=True, summary="A series of rounds")
def show_series(request: AnyRequest, series: FromPath[str]) -> dict[str, Any]:
    """Its rule, its times and its next rounds, to which chambers can commit now."""
    node = node_of(request)
    row = use_case.shown(node, series)
    if row is None:
        raise RefusedHere(refuse(
            "registry.unknown", "there is nothing to show", f"there is no series `{series[:63]}`",
            remedy="see the list of series",
        ))  # fmt: skip
    return public(row, node.clock.now())


@post("/series", opt=STEWARD, sync_to_thread=True, summary="Start a series of rounds")
def start_series(request: AnyRequest, data: JSONBody[NewSeries]) -> SeriesStarted:
    """From then on a served node opens the rounds by itself."""
    rule = AllocationRule(data.method, tuple(Part(name, weight) for name, weight in data.weights.items()), AFTER)
    return done(use_case.start(
        node_of(request), data.series, rule, (data.workers, data.operators, data.customers),
        parse_instant(data.starts) if data.starts else None, (data.every, data.wishes, data.opening),
        parse_instant(data.until), who_is(request).party,
    ))  # fmt: skip


@post("/series/{series:str}/ending", opt=STEWARD, sync_to_thread=True, summary="End a series of rounds")
def end_series(request: AnyRequest, series: FromPath[str], data: JSONBody[Reason]) -> SeriesEnded:
    """No further round opens; one that is open goes its way."""
    return done(use_case.end(node_of(request), series, who_is(request).party, data.why))


router = Router("/api/v1/work", route_handlers=[list_series, show_series, start_series, end_series])
