"""A worker's export as bytes: one JSON document in one published schema, written here and read in by other nodes.

The schema is `docs/reference/portable-work.schema.json`. Beside the figures, for people and programs that want to use them at
once, stand the facts with their receipts, for whoever wants to believe none of it: the receipts alone are read in elsewhere.

Amounts are decimals as text, with their currency beside them; shares are per cent with two decimals, rates are rounded down to
the minor unit. What cannot be said is null.
"""

from __future__ import annotations

import hashlib
import json
from fractions import Fraction
from typing import Any

from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant
from usufruct.core.base.instants import parse as parse_instant
from usufruct.core.base.money import DECIMALS, decimal
from usufruct.core.base.records import plain
from usufruct.core.work.hours.measured import DEFINITIONS
from usufruct.core.work.hours.stretches import HOUR
from usufruct.core.work.own.portable import NO_RATINGS, SOURCE, Brought, Counted, Export, Own, Series, Services
from usufruct.core.work.own.series import Time
from usufruct.core.work.pay.state import Payslip

FORMAT = "usufruct-portable-work/1"
SIZE_MAX = 64 * 1024 * 1024
RECEIPTS_MAX = 100_000


def as_json(found: Export) -> str:
    """The whole export."""
    own, party = found.own, found.own.party
    content = {
        "format": FORMAT,
        "exported": found.exported,
        "node": {"name": found.node, "origin": found.origin, "key": found.key},
        "registration": {
            "party": party.id, "called": party.called, "name": party.name, "kind": party.kind, "since": party.since,
        },
        "agreements": [
            {
                "agreement": one.id, "operator": one.poster, "title": one.terms.title, "place": one.terms.place,
                "since": one.since, "until": one.until, "ended": one.ended or None, "terms": plain(one.terms),
            }
            for one in found.agreements
        ],
        "services": [_services(one) for one in own.services],
        "ratings": {"kept": False, "says": NO_RATINGS, "list": []},
        "source": SOURCE,
        "series": [series(one) for one in own.series],
        "payslips": [payslip(one) for one in own.payslips],
        "histories": histories(own),
        "facts": [
            {
                "number": one.entry.seq, "at": one.entry.at, "kind": one.entry.fact.KIND, "says": plain(one.entry.fact),
                "receipt": one.receipt,
            }
            for one in found.facts
        ],
    }  # fmt: skip
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _services(one: Services) -> dict[str, Any]:
    def counted(found: tuple[Counted, ...]) -> list[dict[str, Any]]:
        return [{"name": each.name, "services": each.services} for each in found]

    places = DECIMALS[one.currency]
    return {
        "operator": one.operator, "currency": one.currency, "agreed": one.agreed, "since": one.since, "until": one.until,
        "services": one.services, "natures": counted(one.natures), "areas": counted(one.areas),
        "slots": counted(one.slots), "hours": hours(one.engaged_ms), "metres": one.metres,
        "average_metres": one.average_metres, "gross": decimal(one.gross, places), "fee": decimal(one.fee, places),
        "tips": decimal(one.tips, places), "added": decimal(one.added, places), "income": decimal(one.income, places),
    }  # fmt: skip


def series(found: Series) -> dict[str, Any]:
    """Five series of a worker."""
    return {
        "operator": found.operator or None, "currency": found.currency, "every": found.every,
        "times": [time(one, found.currency) for one in found.times],
    }  # fmt: skip


def time(one: Time, currency: str) -> dict[str, Any]:
    """One month or week."""
    return {
        "name": one.name, "services": one.services, "hours": {name: hours(one.hours[name]) for name in DEFINITIONS},
        "pay": decimal(one.pay, DECIMALS[currency]), "tips": decimal(one.tips, DECIMALS[currency]),
        "per_hour": {name: amount(one.per_hour(name), currency) for name in DEFINITIONS},
        "take_rate": share(one.take_rate), "waiting": share(one.waiting),
        "spread": {"p10": amount(one.low, currency), "p90": amount(one.high, currency), "tenth": one.tenth},
        "foretold": share(one.foretold),
    }  # fmt: skip


def payslip(one: Payslip) -> dict[str, Any]:
    """A payslip, with every line."""
    slip, places = one.reckoning, DECIMALS[one.currency]
    amounts = ("gross", "fee", "tips", "made_up", "top_up", "net", "taken", "take_home", "surcharges")
    return {
        "pay": one.id, "operator": one.operator, "worker": one.worker, "currency": one.currency, "since": one.since,
        "until": one.until, "paid": one.at, "fact": one.seq,
        **{name: decimal(getattr(slip, name), places) for name in amounts},
        "corrected": decimal(one.corrected, places),
        "lines": [
            {
                "work": line.work, "gross": decimal(line.gross, places), "fee": decimal(line.fee, places),
                "tips": decimal(line.tips, places), "agreed": decimal(line.agreed, places), "basis": line.basis,
                "made_up": decimal(line.made_up, places),
            }
            for line in slip.lines
        ],
        "floors": [
            {
                "definition": floor.definition, "hours": hours(floor.milliseconds), "due": decimal(floor.due, places),
                "paid": decimal(floor.paid, places), "top_up": decimal(floor.amount, places), "parameter": floor.parameter,
                "source": floor.source, "authority": floor.authority, "binding": floor.binding,
            }
            for floor in slip.floors
        ],
        "deductions": [
            {"name": each.name, "payer": each.payer, "amount": decimal(each.amount, places), "to": each.to}
            for each in slip.deductions
        ],
    }  # fmt: skip


def histories(own: Own) -> list[dict[str, Any]]:
    """What she brought from other nodes, with where it comes from."""
    return [
        {
            "history": one.id, "origin": one.origin, "there": one.there, "exported": one.exported, "read": one.at,
            "receipts": one.facts, "provenance": one.provenance, "digest": one.digest,
            "figures": [
                {
                    "operator": each.operator, "currency": each.currency, "since": each.since, "until": each.until,
                    "services": each.services, "hours": hours(each.engaged_ms), "metres": each.metres,
                    "gross": decimal(each.gross, DECIMALS[each.currency]), "fee": decimal(each.fee, DECIMALS[each.currency]),
                    "tips": decimal(each.tips, DECIMALS[each.currency]),
                }
                for each in one.figures
            ],
        }
        for one in own.histories
    ]  # fmt: skip


def hours(ms: int) -> str:
    """Milliseconds as hours with two decimals, cut."""
    return decimal(ms * 100 // HOUR, 2)


def share(found: Fraction | None) -> str | None:
    """A part of the whole as per cent with two decimals, cut."""
    return None if found is None else decimal(int(found * 10_000), 2)


def amount(found: Fraction | None, currency: str) -> str | None:
    """Minor units as a decimal of the currency, rounded down."""
    return None if found is None else decimal(int(found // 1), DECIMALS[currency])


def read(data: bytes) -> Brought:
    """The export of another node, not yet proven.

    Raises:
        BadInput: it is not one, or larger than can be.
    """
    if len(data) > SIZE_MAX:
        raise _not("it is larger than an export can be")
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        raise _not("it is not JSON") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise _not(f"it does not say that it is `{FORMAT}`")
    node, party, listed = content.get("node"), content.get("registration"), content.get("facts")
    if not isinstance(node, dict) or not isinstance(party, dict) or not isinstance(listed, list):
        raise _not("the node, the registration or the facts are missing")
    if len(listed) > RECEIPTS_MAX:
        raise _not(f"it has more than {RECEIPTS_MAX} facts")
    receipts = [one.get("receipt") if isinstance(one, dict) else None for one in listed]
    exported: Instant = parse_instant(_text(content.get("exported"), "exported"))
    return Brought(
        _text(node.get("origin"), "node.origin"), _text(node.get("key"), "node.key"),
        _text(party.get("party"), "registration.party"), exported,
        tuple(_text(one, "a receipt") for one in receipts), hashlib.sha256(data).hexdigest(),
    )  # fmt: skip


def _text(value: object, what: str) -> str:
    if not isinstance(value, str) or not value or len(value) > 1_000_000:
        raise _not(f"{what} is no text")
    return value


def _not(why: str) -> BadInput:
    return BadInput(
        "input.history", f"this is no export of a node: {why}", "bring the file as `usufruct work export` wrote it"
    )
