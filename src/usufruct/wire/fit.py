"""Jobs for training as people write them, to types.

A condition is written as after WHERE in SQL, and read by what reads questions: as that of a count, which must come out as
nothing but a count.
"""

from __future__ import annotations

from collections.abc import Iterable

from usufruct.core.base.faults import BadInput
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.privacy.question import Expression
from usufruct.wire import sql


def condition(asset: str, text: str) -> Expression | Refusal | None:
    """What stands after WHERE; None if nothing does."""
    if not text.strip():
        return None
    name = asset.replace('"', '""')
    found = sql.parse(f'SELECT COUNT(*) AS n FROM "{name}" WHERE {text}')  # noqa: S608
    if isinstance(found, Refusal):
        return found
    if (
        found.keys
        or found.order
        or found.limit is not None
        or found.where is None
        or found.asset != asset
        or len(found.measures) != 1
    ):
        return refuse(
            "query.unsupported",
            "nothing was fitted",
            "there is more than a condition",
            remedy="write what would stand after WHERE",
        )
    return found.where


def pairs(texts: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Pairs of columns, written as `a*b`.

    Raises:
        BadInput: one is not a pair.
    """
    found = []
    for text in texts:
        one, star, other = text.partition("*")
        if not star or not one.strip() or not other.strip():
            raise BadInput("input.fit", f"`{text}` is not a pair of columns", "write it as `education*union`")
        found.append((one.strip(), other.strip()))
    return tuple(found)


def parameters(texts: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Parameters of an estimator, written as `name=value`.

    Raises:
        BadInput: one is not.
    """
    found = []
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise BadInput("input.fit", f"`{text}` does not set a parameter", "write it as `max_depth=4`")
        found.append((name.strip(), value.strip()))
    return tuple(found)
