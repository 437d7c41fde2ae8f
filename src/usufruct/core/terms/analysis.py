"""Rules compared without asking them anything: what collides, what says nothing new, what one permits and another does not.

Each formula is a union of *boxes*: a set of values for each thing that is looked at. A box is empty if one of its sides
is, and boxes can be cut into one another, so every question here is whether something is left after cutting. That is
exact as long as the sides are free of each other. Where they are not (a date and its day of the week), and where the
boxes would become too many, the answer is *unknown* (None): never a wrong yes, never a wrong no.

*Yes* means that there is a request and a state of the world for which it is so: a duty not yet fulfilled is such a state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from usufruct.core.terms.domains import Domain, intersection, is_empty
from usufruct.core.terms.evaluate import Terms
from usufruct.core.terms.formula import All, Formula, In, Key, all_of, negated, size

BOXES_MAX = 2000
CUTS_MAX = 300_000  # some seconds at most
Box = Mapping[Key, Domain]
_ALWAYS = ("action", "target", "assignee", "clock", "duty")  # what is derived from these is never missing


class _TooMany(Exception):
    """There are more boxes than are worth cutting."""


class _Work:
    """How much may still be cut. All questions about one ruleset share it, so that asking is bounded too."""

    def __init__(self) -> None:
        self._left = CUTS_MAX

    def spend(self, cuts: int) -> None:
        self._left -= cuts
        if self._left < 0:
            raise _TooMany


@dataclass(frozen=True, slots=True)
class Conflict:
    """A permission and a prohibition that can meet; `sure` is False if it could not be found out."""

    permission: str
    prohibition: str
    sure: bool


@dataclass(frozen=True, slots=True)
class Shadow:
    """A rule that changes nothing: it never applies (`by` is empty), or whenever it does, so do others."""

    rule: str
    by: str


def conflicts(terms: Terms) -> tuple[Conflict, ...]:
    """Every permission and prohibition that can meet, those that surely can first."""
    found, work = [], _Work()
    prohibitions = _of(terms, "prohibition")
    for permission in _of(terms, "permission"):
        for prohibition in prohibitions:
            meets = _satisfiable([permission[1], prohibition[1]], work)
            if meets is not False:
                found.append(Conflict(permission[0], prohibition[0], meets is True))
    return tuple(sorted(found, key=lambda conflict: not conflict.sure))


def shadowed(terms: Terms) -> tuple[Shadow, ...]:
    """Rules that surely change nothing. Of two that say the same, the later is meant."""
    found, work = [], _Work()
    wins = [formula for _, formula in _of(terms, "prohibition")] if terms.rules.conflict != "perm" else []
    for kind in ("permission", "prohibition"):
        kept = list(_of(terms, kind))
        for uid, formula in reversed(_of(terms, kind)):
            others = [other for name, other in kept if name != uid]
            if _satisfiable([formula], work) is False:
                found.append(Shadow(uid, ""))
            elif kind == "permission" and _beyond(formula, wins, work) is False:
                found.append(Shadow(uid, "prohibitions"))
            elif _beyond(formula, others, work) is False:
                found.append(Shadow(uid, f"other {kind}s"))
            else:
                continue
            kept = [(name, other) for name, other in kept if name != uid]
    return tuple(sorted(found, key=lambda shadow: shadow.rule))


def permits_more(terms: Terms, than: Terms) -> bool | None:
    """Whether `terms` permit anything that `than` do not; None if it could not be found out."""
    return _satisfiable([_permitted(terms), negated(_permitted(than))], _Work())


def _permitted(terms: Terms) -> Formula:
    if terms.rules.conflict == "perm":
        return terms.permission
    return all_of([terms.permission, negated(terms.prohibition)])


def _of(terms: Terms, kind: str) -> list[tuple[str, Formula]]:
    pairs = [(m.rule.uid, m.applies()) for m in terms.meanings if m.rule.kind == kind]
    return [(uid, pair.sure if kind == "permission" else pair.maybe) for uid, pair in pairs]


def _beyond(formula: Formula, others: Sequence[Formula], work: _Work) -> bool | None:
    """Whether the formula can hold where none of the others does."""
    return _satisfiable([formula, *map(negated, others)], work)


def _satisfiable(formulas: Sequence[Formula], work: _Work) -> bool | None:
    """Whether the formulas can hold together."""
    doubtful = False
    try:
        work.spend(sum(map(size, formulas)))
        for box in _boxes(all_of(formulas), work):
            if _is_free(box):
                return True
            doubtful = True
    except _TooMany:
        return None
    return None if doubtful else False


def _boxes(formula: Formula, work: _Work) -> list[Box]:
    """Boxes whose union is the formula, none of them empty.

    Raises:
        _TooMany: there are too many.
    """
    if isinstance(formula, In):
        return [] if _is_empty(formula.key, formula.domain) else [{formula.key: formula.domain}]
    if not isinstance(formula, All):
        boxes = [box for part in formula.parts for box in _boxes(part, work)]
        if len(boxes) > BOXES_MAX:
            raise _TooMany
        return boxes
    found: list[Box] = [{}]
    # Single tests first: they empty boxes before the rest multiplies them.
    for part in sorted(formula.parts, key=lambda part: not isinstance(part, In)):
        inside = _boxes(part, work)
        work.spend(len(found) * len(inside))
        met = [_met(one, other) for one in found for other in inside]
        found = [box for box in met if box is not None]
        if len(found) > BOXES_MAX:
            raise _TooMany
    return found


def _met(one: Box, other: Box) -> Box | None:
    """What is in both boxes; None if nothing is."""
    met = dict(one)
    for key, domain in other.items():
        met[key] = intersection([met[key], domain]) if key in met else domain
        if _is_empty(key, met[key]):
            return None
    return None if _contradicts_itself(met) else met


def _is_empty(key: Key, domain: Domain) -> bool:
    always = isinstance(key, tuple) and (key[0] in _ALWAYS or key[1][:1] == "@")
    return is_empty(replace(domain, missing=False) if always else domain)


def _contradicts_itself(box: Box) -> bool:
    """Whether one side asks for a value to be missing, and another, for the same value, not to be.

    All that is derived from one operand is missing together.
    """
    missing: dict[str, set[bool]] = {}
    for key, domain in box.items():
        operand = key if isinstance(key, str) else key[1] if key[0] in ("has", "within", "contains") else ""
        if operand and (not domain.missing or is_empty(Domain(False, domain.body))):
            missing.setdefault(operand, set()).add(domain.missing)
    return any(len(asked) > 1 for asked in missing.values())


def _is_free(box: Box) -> bool:
    """Whether the sides of the box are free of each other, so that it holds something if none of them is empty."""
    clocks = [key for key in box if key[0] == "clock"]
    if len(clocks) > 1:
        return False
    derived = {key[1] for key in box if isinstance(key, tuple) and key[0] in ("within", "contains")}
    return not any(_is_bound(box, operand) for operand in derived) and not _has_bound_properties(box)


def _has_bound_properties(box: Box) -> bool:
    """Whether a property is asked for in two ways: as a number and as names, or beside another that it must be like."""
    asked: dict[str, set[str]] = {}
    for key in box:
        if isinstance(key, tuple) and key[0] in ("has", "millionths", "same"):
            for operand in key[1:] if key[0] == "same" else key[1:2]:
                asked.setdefault(operand, set()).add(str(key) if key[0] == "same" else key[0])
    return any(len(ways) > 1 for ways in asked.values())


def _is_bound(box: Box, operand: str) -> bool:
    """Whether being part of something is asked of a value that can only be one or the other."""
    return sum(key[0] == "contains" and key[1] == operand for key in box if isinstance(key, tuple)) > 1
