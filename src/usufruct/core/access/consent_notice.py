"""What a person is shown before she says yes, and its digest.

Consent means agreeing to what one was told. So the very text that is shown is made here, from the same values that are
recorded, and the word carries its SHA-256: a page that shows one thing and records another is found out by anybody who
has the receipt, which holds the text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace

from usufruct.core.access.consent_conditions import Conditions, Value, Within
from usufruct.core.base.instants import END_OF_TIME, Instant
from usufruct.core.base.money import decimal
from usufruct.core.registry.state import Asset
from usufruct.core.rulebook import purposes

MODES_IN_WORDS = {
    "query": "figures in which you are counted; nobody sees your records",
    "view": "your records, to be looked at where they are",
    "store": "any form of answer that the grade of the data allows",
}


def notice(
    asset: Asset, purpose: str, conditions: Conditions, who: str = "", text: str = "", until: Instant | None = None
) -> str:
    """What is shown: whose data, for what, for `who`, on which conditions, in the asker's words; to be answered by `until`."""
    lines = [f"Data about you: {asset.title} ({asset.id})", f"Purpose: {purposes.label(purpose)} ({purpose})"]
    lines.append(f"For: {who or 'everybody who has an agreement on these data'}")
    limits = replace(conditions, recipients=()) if who else conditions
    lines += [f"Only: {line}" for line in in_words(limits, asset)]
    lines.append("You can take it back at any time. A no costs you nothing but what these uses would have earned you.")
    if text:  # every line is marked as theirs, lest one pass for a line of the node's
        lines += ["In their own words:", *(f"> {line}" for line in text.splitlines())]
    if until is not None:
        lines.append(f"Without an answer until {until[:10]} it stays a no.")
    return "\n".join(lines) + "\n"


def digest(text: str) -> str:
    """The SHA-256 of a notice, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def in_words(conditions: Conditions, asset: Asset | None = None) -> Iterator[str]:
    """Conditions for people, one by one; nothing where there are none. `asset` knows the units of its columns."""
    if conditions.mode != "store":
        yield MODES_IN_WORDS[conditions.mode]
    if conditions.until != END_OF_TIME:
        yield f"until {conditions.until[:10]}"
    if conditions.uses:
        yield f"for {conditions.uses} use{'s' * (conditions.uses > 1)} in all"
    if conditions.frequency:
        times = "once" if conditions.frequency == 1 else f"{conditions.frequency} times"
        yield f"{times} a {conditions.per}"
    for rows in conditions.rows:
        yield f"rows {_rows(rows, asset)}"
    if conditions.recipients:
        yield f"for {' or '.join(_recipient(name) for name in conditions.recipients)}"
    if conditions.agreements:
        yield f"under {', '.join(conditions.agreements)}"


def _recipient(name: str) -> str:
    kind = name.removeprefix("kind:")
    return name if kind == name else f"parties of the kind {kind}"


def _rows(rows: Within, asset: Asset | None) -> str:
    if asset is None:  # without the card nobody can tell what a number of grains is
        return f"with some values of {rows.column} only"
    column = asset.column(rows.column)

    def shown(value: Value) -> str:
        if isinstance(value, bool):
            return "yes" if value else "no"
        return decimal(value, column.decimals) if column and isinstance(value, int) else str(value)

    if rows.values:
        return f"whose {rows.column} is {' or '.join(shown(value) for value in rows.values)}"
    bounds = [("at least", rows.low), ("at most", rows.high)]
    return f"whose {rows.column} is " + " and ".join(f"{how} {shown(at)}" for how, at in bounds if at is not None)
