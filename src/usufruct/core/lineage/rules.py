"""What may be said about where data come from, and what that entails.

A derived asset inherits: each column the highest grade of the columns it comes from, the asset as a whole no purpose
that any of its inputs lacks. Else sensitive data would become open data by being copied, and consent for research would
become consent for marketing. The one way out is a *transform*: somebody who may operate the inputs registers that what
is made of them in this way is less sensitive, names who assessed it, and says where the assessment is. Grades 5 and 6
do not go down even so, for only an authority could say it, and the node cannot check one. A transform ends with its
evidence, and what it lowered goes up again: `standing` says what an asset is on a given day.

Inheritance must not depend on what a card chooses to mention. So an asset may not come from another through recorded
steps, or through an answer, without naming it as an input; the chain is walked whenever a link is added to it. Nothing
can come of itself, each thing is made once, and every chain begins with something collected.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from usufruct.core.base.canonical import holdable
from usufruct.core.base.faults import BadInput
from usufruct.core.base.ids import checked
from usufruct.core.base.instants import END_OF_TIME, Instant
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.lineage.facts import STEPS, TRANSFORMS, StepRecorded, TransformEnded, TransformRegistered
from usufruct.core.lineage.standing import NEVER_LOWERED, allows, floor, inherited, lowered, standing, stands
from usufruct.core.lineage.state import Link, Step, Transform
from usufruct.core.registry import rights
from usufruct.core.registry.facts import Column
from usufruct.core.registry.rules import Card, DeclaredStep
from usufruct.core.registry.state import Asset, Party
from usufruct.core.rulebook import purposes
from usufruct.core.rulebook.grades import GRADES, Table, in_force

OfUse = Callable[[str], str | None]
"""The asset that a use looked at; None for what is no use, or never came to look at data."""

_NUMBERED = re.compile(r"(use|step)-[0-9]+")
_EVIDENCE = re.compile(r"sha256:[0-9a-f]{64}|https?://[^\s/]+\S*")
_TEXT_LIMIT = 2_000


@dataclass(frozen=True, slots=True)
class Origin:
    """What an asset's card comes to: what it may be used for and what never, and the steps before it."""

    purposes: tuple[str, ...]
    prohibited: tuple[str, ...]
    steps: tuple[StepRecorded, ...]


class _Chain:
    """The links there are, and those that would be added; `arriving` is an asset that is being registered."""

    def __init__(self, read: Reader, of_use: OfUse, arriving: str = "", derived_from: tuple[str, ...] = ()) -> None:
        self._read, self._of_use, self.arriving, self._derived_from = read, of_use, arriving, derived_from
        self._added = [(source, arriving) for source in derived_from]
        self._steps: set[str] = set()

    def add(self, step: StepRecorded) -> None:
        self._steps.add(step.id)
        self._added += [(item, step.id) for item in step.inputs] + [(step.id, item) for item in step.outputs]

    def above(self, item: str) -> Iterator[str]:
        """What an item comes directly of."""
        yield from (link.source for link in self._read.list(Link, target=item))
        yield from (source for source, target in self._added if target == item)
        looked_at = self._of_use(item)
        if looked_at:
            yield looked_at

    def below(self, item: str) -> Iterator[str]:
        """What comes directly of an item, but for uses, of which the node itself knows."""
        yield from (link.target for link in self._read.list(Link, source=item))
        yield from (target for source, target in self._added if source == item)

    def knows(self, item: str) -> bool:
        return bool(self.is_asset(item) or any(self.above(item)) or any(self.below(item)))

    def maker(self, item: str) -> str | None:
        """The step that made an item."""
        return next((s for s in self.above(item) if s in self._steps or self._read.get(Step, s) is not None), None)

    def is_asset(self, item: str) -> bool:
        return item == self.arriving or self._read.get(Asset, item) is not None

    def inputs_of(self, asset: str) -> tuple[str, ...]:
        """What an asset was registered as derived from."""
        row = self._read.get(Asset, asset)
        return row.derived_from if row else self._derived_from

    def undeclared(self, sources: Iterable[str], targets: Iterable[str]) -> tuple[str, str] | None:
        """The first asset below `targets`, and one above `sources` that it was not registered as derived from."""
        above = _walk(sources, self.above, self.is_asset)
        for asset in filter(self.is_asset, _walk(targets, self.below, self.is_asset)):
            for source in filter(self.is_asset, above):
                if source != asset and source not in self.inputs_of(asset):
                    return asset, source
        return None


def _walk(
    start: Iterable[str], onward: Callable[[str], Iterable[str]], stop: Callable[[str], bool] = lambda item: False
) -> dict[str, None]:
    """Everything that is reached from `start`, which counts as reached, not going on behind where it stops."""
    reached = dict.fromkeys(start)
    waiting = list(reached)
    while waiting:
        item = waiting.pop()
        if not stop(item):
            found = [next for next in onward(item) if next not in reached]
            reached.update(dict.fromkeys(found))
            waiting += found
    return reached


def record_step(
    read: Reader, declared: DeclaredStep, id: str, by: str, at: Instant, of_use: OfUse
) -> StepRecorded | Refusal:
    """One step; `by` is who did it if the step does not say.

    Raises:
        BadInput: the step contradicts itself.
    """
    return _step(read, _Chain(read, of_use), declared, id, by, at)


def _step(read: Reader, chain: _Chain, declared: DeclaredStep, id: str, by: str, at: Instant) -> StepRecorded | Refusal:
    step = _as_fact(declared, id, by, (chain.arriving,) if chain.arriving else (), at)
    not_done = f"the step `{step.kind}` was not recorded"
    party = read.get(Party, step.by)
    if party is None:
        return refuse(
            "registry.unknown", not_done, f"there is no party `{step.by}`", remedy="register who did it first"
        )
    if party.kind == "person":
        return refuse(
            "lineage.party", not_done, f"`{step.by}` is a person, and where data come from is told to many",
            remedy="name the organisation she did it for",
        )  # fmt: skip
    for item in step.inputs:
        if not chain.knows(item):
            return refuse(
                "registry.unknown", not_done, f"nothing is known of `{item}`",
                remedy="record the step that it came of first; a chain begins with what was collected",
            )  # fmt: skip
    above = _walk(step.inputs, chain.above)
    for item in step.outputs:
        if item in above:
            return refuse(
                "lineage.cycle", not_done, f"`{item}` would come of itself",
                remedy="give what was made a name of its own, such as one with its date",
            )  # fmt: skip
        if chain.maker(item):
            return refuse(
                "registry.exists", not_done, f"how `{item}` was made is recorded already",
                remedy="give what was made a name of its own, and record the step that brought both together",
            )  # fmt: skip
    chain.add(step)
    found = chain.undeclared(step.inputs, step.outputs)
    return _not_declared(not_done, *found) if found else step


def _not_declared(not_done: str, asset: str, source: str) -> Refusal:
    return refuse(
        "lineage.undeclared", not_done, f"`{asset}` would come from `{source}`, which its card does not say",
        remedy=f"register `{asset}` with `{source}` in `derived_from`, so that it inherits grades and purposes",
    )  # fmt: skip


def _as_fact(declared: DeclaredStep, id: str, by: str, made: tuple[str, ...], at: Instant) -> StepRecorded:
    """The step as it would be recorded, if it does not contradict itself."""
    kind, inputs, outputs = declared.kind, declared.inputs, declared.outputs or made
    if kind not in STEPS:
        raise BadInput("input.step", f"`{kind}` is not a kind of step", f"use one of {', '.join(STEPS)}")
    if (kind == "collected") == bool(inputs):
        raise BadInput(
            "input.step", f"a step `{kind}` {'has inputs' if inputs else 'has no inputs'}",
            "collected data come of nothing before them, everything else does; name the inputs accordingly",
        )  # fmt: skip
    if not outputs:
        raise BadInput("input.step", f"a step `{kind}` made nothing", "name what came of it")
    for item in (*inputs, *outputs):
        checked(item, "something that data pass through")
    numbers = [item for item in outputs if _NUMBERED.fullmatch(item)]
    if numbers:
        raise BadInput("input.step", f"`{numbers[0]}` is a number that the node gives", "name what was made yourself")
    if len({*inputs, *outputs}) < len(inputs) + len(outputs):
        raise BadInput("input.step", f"a step `{kind}` names something twice", "name each input and output once")
    if kind == "collected" and not declared.purpose:
        raise BadInput(
            "input.step", "nothing says what the data were collected for", "name a purpose, as AcademicResearch"
        )
    if not declared.how.strip() or max(len(declared.how), len(declared.evidence)) > _TEXT_LIMIT:
        raise BadInput(
            "input.step", f"a step `{kind}` does not say how, or says too much",
            f"describe it in up to {_TEXT_LIMIT} characters: the instrument, the form of consent, the program",
        )  # fmt: skip
    done = declared.at or at
    if done > at:
        raise BadInput("input.step", f"a step `{kind}` lies in the future", "record it when it is done")
    return StepRecorded(
        id, kind, inputs, outputs, declared.by or by, holdable(declared.how.strip()), done,
        purposes.checked(declared.purpose) if declared.purpose else "", holdable(declared.evidence.strip()),
    )  # fmt: skip


def register_transform(
    read: Reader, id: str, title: str, kind: str, inputs: tuple[str, ...], evidence: str, authority: str, by: str,
    at: Instant, lowers_grade_to: int | None = None, allowed: Sequence[str] = (), until: Instant = END_OF_TIME,
) -> TransformRegistered | Refusal:  # fmt: skip
    """A way of making something less sensitive of `inputs`, or of making it usable for more, with its evidence.

    Raises:
        BadInput: an id, kind, grade or purpose cannot be; it changes nothing; nobody could look the evidence up, or it
            holds no longer.
    """
    checked(id, "a transform")
    _check_transform(title, kind, inputs, evidence, authority)
    _check_lowering(kind, lowers_grade_to, in_force(at))
    if until <= at:
        raise BadInput("input.transform", f"transform `{id}` would have ended already", "let it end on a later day")
    widened = purposes.broadest(map(purposes.checked, allowed))
    if lowers_grade_to is None and not widened:
        raise BadInput(
            "input.transform", f"transform `{id}` changes nothing", "say to which grade it lowers, or for what it opens"
        )
    not_done = f"transform `{id}` was not registered"
    if read.get(Transform, id) is not None:
        return refuse(
            "registry.exists", not_done, "a transform of that name is there already", remedy="choose another id"
        )
    unknown = _not_operated(read, not_done, inputs, by, at)
    return unknown or TransformRegistered(
        id, holdable(title.strip()), kind, inputs, evidence, holdable(authority.strip()), by, lowers_grade_to, widened,
        until,
    )  # fmt: skip


def end_transform(read: Reader, id: str, by: str, why: str, at: Instant) -> TransformEnded | Refusal:
    """Whoever registered a transform takes its evidence back; what it lowered is lowered no more.

    Raises:
        BadInput: nothing says why.
    """
    if not why.strip() or len(why) > _TEXT_LIMIT:
        raise BadInput("input.transform", "nothing says why it ends", f"say it in up to {_TEXT_LIMIT} characters")
    transform = stands(read, id, at)
    if transform is None or transform.by != by:
        return refuse(
            "registry.unknown", f"transform `{id}` was not ended", f"there is no transform `{id}` of `{by}` that holds",
            remedy="ask whoever registered it",
        )  # fmt: skip
    return TransformEnded(id, by, holdable(why.strip()))


def _check_transform(title: str, kind: str, inputs: tuple[str, ...], evidence: str, authority: str) -> None:
    if kind not in TRANSFORMS:
        raise BadInput("input.transform", f"`{kind}` is not a kind of transform", f"use one of {', '.join(TRANSFORMS)}")
    if not title.strip() or not authority.strip() or max(len(title), len(authority)) > _TEXT_LIMIT:
        raise BadInput(
            "input.transform", "a transform needs a title and an authority", "say what it does and who says so"
        )
    if not inputs or len(set(inputs)) < len(inputs):
        raise BadInput("input.transform", "a transform is assessed for certain inputs", "name each of them once")
    if not _EVIDENCE.fullmatch(evidence) or len(evidence) > _TEXT_LIMIT:
        raise BadInput(
            "input.evidence", "nobody could look this evidence up",
            "give the address of the assessment, or its digest as sha256: and 64 hexadecimal digits",
        )  # fmt: skip


def _check_lowering(kind: str, lowers_grade_to: int | None, table: Table) -> None:
    lowest = floor(kind, table)
    if lowers_grade_to is not None and not lowest <= lowers_grade_to < NEVER_LOWERED:
        raise BadInput(
            "input.transform", f"{kind} cannot lower to grade `{lowers_grade_to}`",
            f"it lowers to {lowest} ({GRADES[lowest].name}) at best; grades from {NEVER_LOWERED} on are never reached",
        )  # fmt: skip


def _not_operated(read: Reader, not_done: str, assets: Iterable[str], by: str, at: Instant) -> Refusal | None:
    """Whether one of the assets is unknown, or is not `by`'s to make products of."""
    for asset in assets:
        if read.get(Asset, asset) is None:
            return refuse(
                "registry.unknown", not_done, f"there is no asset `{asset}`", remedy="register the asset first"
            )
        if rights.held(read, by, asset, "operate", at) is None:
            return refuse(
                "rights.not-held", not_done, f"`{by}` does not hold the right on `{asset}` to operate it",
                remedy="only who may operate an asset can make another of it; ask its publisher",
            )  # fmt: skip
    return None


def origin(read: Reader, card: Card, publisher: str, at: Instant, of_use: OfUse) -> Origin | Refusal:
    """Where the table of a card comes from, and what it may be used for because of that.

    Raises:
        BadInput: what the card says about it contradicts itself.
    """
    not_done = f"asset `{card.asset}` was not registered"
    if _NUMBERED.fullmatch(card.asset):
        raise BadInput("input.id", f"`{card.asset}` is a number that the node gives", "choose another id")
    chain = _Chain(read, of_use, card.asset, card.derived_from)
    if any(chain.below(card.asset)):
        return refuse(
            "registry.exists", not_done, "something of that name was recorded, and others were made of it",
            remedy="choose another id, and record how it comes of that",
        )  # fmt: skip
    allowed = _inherit(read, card, publisher, at)
    if isinstance(allowed, Refusal):
        return allowed
    found = chain.undeclared(chain.above(card.asset), (card.asset,))
    if found:
        return _not_declared(not_done, *found)
    steps = []
    for number, declared in enumerate(card.steps):
        step = _step(read, chain, declared, f"#{number}", publisher, at)
        if isinstance(step, Refusal):
            return step
        steps.append(step)
    return Origin(allowed, purposes.broadest(map(purposes.checked, card.prohibited)), tuple(steps))


def _inherit(read: Reader, card: Card, publisher: str, at: Instant) -> tuple[str, ...] | Refusal:
    """What the asset may be used for, if its card claims no more than it inherits."""
    not_done = f"asset `{card.asset}` was not registered"
    claimed = purposes.broadest(map(purposes.checked, card.purposes))
    if not card.derived_from:
        if card.transform or any(column.origins for column in card.columns):
            raise BadInput(
                "input.card", "the card names a transform or origins, but no inputs", "name them in `derived_from`"
            )
        return claimed or (purposes.ROOT,)
    if len(set(card.derived_from)) < len(card.derived_from):
        raise BadInput("input.card", "`derived_from` names an asset twice", "name each input once")
    refusal = _not_operated(read, not_done, card.derived_from, publisher, at)
    if refusal:
        return refusal
    inputs = [standing(read, asset, at) for name in card.derived_from if (asset := read.get(Asset, name))]
    transform = stands(read, card.transform, at)
    if card.transform:
        if transform is None:
            return refuse("registry.unknown", not_done, f"there is no transform `{card.transform}` that holds",
                          remedy="register it, with its evidence, first")  # fmt: skip
        beyond = [name for name in card.derived_from if name not in transform.inputs]
        if beyond:
            return refuse(
                "lineage.transform", not_done, f"`{card.transform}` was assessed for {', '.join(transform.inputs)} only",
                remedy=f"register one that was assessed for {', '.join(beyond)} too",
            )  # fmt: skip
    too_low = list(_too_low(card.columns, inputs, transform, in_force(at)))
    if too_low:
        return refuse(
            "lineage.grade", not_done, *too_low,
            remedy="grade them that high, or register the transform that lowers them, with its evidence, and name it",
        )  # fmt: skip
    return _purposes(not_done, claimed, inputs, transform)


def _too_low(
    columns: Iterable[Column], inputs: Sequence[Asset], transform: Transform | None, table: Table
) -> Iterator[str]:
    """Each column that claims a lower grade than it inherits, in words."""
    for column in columns:
        found, source = max(inherited(column, inputs))
        if column.grade < lowered(found, transform, table):
            yield f"`{column.name}` is graded {GRADES[column.grade].name}, but comes of `{source}`, graded {GRADES[found].name}"


def _purposes(
    not_done: str, claimed: tuple[str, ...], inputs: Sequence[Asset], transform: Transform | None
) -> tuple[str, ...] | Refusal:
    allowed = allows(inputs, transform)
    names = ", ".join(asset.id for asset in inputs)
    if not allowed:
        return refuse(
            "lineage.purposes", not_done, f"there is no purpose for which all of {names} may be used",
            remedy="leave one of them out, or register the transform that allows more, with its evidence, and name it",
        )  # fmt: skip
    beyond = [p for p in claimed if not any(purposes.covers(broader, p) for broader in allowed)]
    if beyond:
        return refuse(
            "lineage.purposes", not_done, f"{names} may not be used for {', '.join(beyond)}",
            remedy=f"claim {', '.join(allowed)} or something narrower, or register the transform that allows more",
        )  # fmt: skip
    return claimed or allowed
