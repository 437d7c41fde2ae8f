"""The proof of a decision: what it rests on, said so that whoever doubts it can decide again.

A decision asks gates, and a gate looks at *premises*: what the rules expect, what was found, and the numbers of the facts
that say so. A permit holds because every one of its premises does; a refusal because of those that do not. Nothing else
went into it, so from the request, the instant and those facts anybody comes to the same answer, and to the same bytes.

A *change* is something that would turn a premise: the requester asks otherwise, or a row of the state is another. It can
be tried, which is how a why-not is verified rather than asserted (see `why_not`).

A proof holds nothing about persons: consent is a filter over all of them, whoever they are (decision 0005).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, cast

from usufruct.core.access.consent_conditions import Reach
from usufruct.core.base import canonical
from usufruct.core.base.instants import Instant, later
from usufruct.core.base.records import Reader, Row, RowT, plain, row_key

GATES = ("authenticity", "grade", "prohibition", "purpose", "agreement", "consent", "rights")
"""In the order in which they are asked; the first that is closed gives a refusal its code."""

MEDIA_TYPE = "application/vnd.usufruct.decision.v1+json"


@dataclass(frozen=True, slots=True)
class Part:
    """The part of a column that a use is restricted to: from `low` to `high` (in grains), or these `values`."""

    column: str
    low: int | None = None
    high: int | None = None
    values: tuple[int | str | bool, ...] = ()

    def reach(self) -> Reach:
        """As consents are held against it."""
        return Reach(self.low, self.high, frozenset(self.values) if self.values else None)


@dataclass(frozen=True, slots=True)
class Request:
    """Who wants which columns of what, for what, in which form (see `grades.FORMS`), and which part of them: `reach` has
    the columns that the use is restricted by. For rows no columns means all. `actors` act for the requester, each for the
    next, who speaks first first. `signed`: with a key that only who sends it has. `template`: the version that is run, as
    `name@version`; empty for a question that is asked freely. `agreement`: the only one that counts; empty for any of hers."""

    requester: str
    asset: str
    purpose: str
    form: str
    columns: tuple[str, ...]
    reach: tuple[Part, ...] = ()
    actors: tuple[str, ...] = ()
    signed: bool = False
    template: str = ""
    agreement: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """What would turn a premise: the field `ask` of the request having the value `to`, or a `row` of the state as here."""

    text: str
    ask: str = ""
    to: str | bool | tuple[str, ...] = ()
    row: Row | None = None

    @property
    def tries(self) -> bool:
        """Whether it can be tried; some things can only be said."""
        return bool(self.ask) or self.row is not None

    def apply(self, read: Reader, request: Request) -> tuple[Reader, Request]:
        """The world, or the request, as it would be."""
        if self.row is not None:
            return Supposing(read, self.row), request
        asked: dict[str, Any] = {self.ask: self.to} if self.ask else {}
        return read, replace(request, **asked)


class Supposing:
    """A state in which one row is another."""

    def __init__(self, read: Reader, row: Row) -> None:
        self._read, self._row = read, row

    def get(self, kind: type[RowT], *key: str | int) -> RowT | None:
        """The row with this key, or None."""
        if kind is type(self._row) and self._row.key == row_key(key):
            return self._row
        return self._read.get(kind, *key)

    def list(self, kind: type[RowT], /, **where: str | int) -> Iterator[RowT]:
        """Rows whose indexed fields equal `where`; the supposed one stands where it did."""
        for row in self._read.list(kind, **where):
            yield self._row if kind is type(self._row) and row.key == self._row.key else row


class No(NamedTuple):
    """Why a premise does not hold: the code of the refusal, the reason in words, and what would turn it."""

    code: str
    reason: str
    changes: tuple[Change, ...]

    @property
    def remedy(self) -> str:
        """What would help, in words."""
        return ", or ".join(dict.fromkeys(change.text for change in self.changes))


class Premise(NamedTuple):
    """One thing that a gate looked at; `rests_on` are the numbers of the facts that say what was `found`."""

    gate: str
    about: str
    expected: canonical.Value
    found: canonical.Value
    rests_on: tuple[int, ...] = ()
    no: No | None = None


class Obligation(NamedTuple):
    """What goes with a permit: a `kind`, and how much or for what."""

    kind: str
    value: canonical.Value


class Proof(NamedTuple):
    """A decision with all that it rests on. It may be relied upon for `life` seconds, and not after `until`. `why_not` is
    a smallest set of changes that would permit, empty with a permit or where none is known."""

    request: Request
    at: Instant
    agreement: str
    premises: tuple[Premise, ...]
    obligations: tuple[Obligation, ...]
    life: int
    until: Instant
    why_not: tuple[Change, ...] = ()

    @property
    def not_after(self) -> Instant:
        """The last moment for which it says anything."""
        return min(later(self.at, seconds=self.life), self.until) if self.life else self.at

    @property
    def permits(self) -> bool:
        """Whether it is a yes."""
        return bool(self.premises) and all(premise.no is None for premise in self.premises)

    def value(self) -> dict[str, canonical.Value]:
        """As it is shown to machines, and kept."""
        return {
            "verdict": "permit" if self.permits else "refuse",
            "request": plain(self.request), "at": self.at, "agreement": self.agreement, "notAfter": self.not_after,
            "premises": [_premise(premise) for premise in self.premises],
            "obligations": [{"kind": one.kind, "value": one.value} for one in self.obligations],
            "whyNot": [_change(change) for change in self.why_not],
        }  # fmt: skip

    def encode(self) -> bytes:
        """Its canonical bytes."""
        return canonical.encode(self.value())


def redacted(shown: canonical.Value) -> canonical.Value:
    """What a person whose data it is about sees of a proof's `value`: on what grounds, and not what is between the
    requester and the provider."""
    assert isinstance(shown, Mapping)
    premises = [
        {name: part for name, part in premise.items() if name != "reason"}
        for premise in cast(Sequence[Mapping[str, canonical.Value]], shown["premises"])
    ]
    obligations = [
        one for one in cast(Sequence[Mapping[str, canonical.Value]], shown["obligations"]) if one["kind"] != "pay"
    ]
    kept = {name: part for name, part in shown.items() if name != "whyNot"}
    return {**kept, "premises": premises, "obligations": obligations}


def _premise(premise: Premise) -> dict[str, canonical.Value]:
    shown: dict[str, canonical.Value] = {
        "gate": premise.gate, "about": premise.about, "expected": premise.expected, "found": premise.found,
        "holds": premise.no is None, "restsOn": premise.rests_on,
    }  # fmt: skip
    return shown if premise.no is None else shown | {"code": premise.no.code, "reason": premise.no.reason}


def _change(change: Change) -> dict[str, canonical.Value]:
    if change.row is None:
        return {"text": change.text, "ask": change.ask, "to": change.to}
    return {"text": change.text, "row": type(change.row).__name__, "key": change.row.key}
