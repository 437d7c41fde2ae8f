"""The whole chain around one thing: what it came of, and what came of it.

What the node did is in its own facts: an asset was stored, a use was answered. What was done before, between and after
is in the steps that a steward recorded. Here both are one graph, walked from one item upward and downward. Upward and
downward are inverse: what is found above an item finds the item below itself.

Not everybody may see everything. To whom data belong may know where they came from, all the way up. Downward she sees
only what is hers: other people's questions, and assets that are not about her, are not in her trace, nor is anything
that only they lead to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Reader
from usufruct.core.lineage.state import Link, Step, Transform
from usufruct.core.privacy.state import Use
from usufruct.core.registry.state import Asset, Party
from usufruct.core.rulebook import purposes
from usufruct.core.rulebook.grades import GRADES

Owns = Callable[[Asset | Use], bool]
"""Whether an asset or a use is the business of who looks."""

SOMEBODY = "a person"


@dataclass(frozen=True, slots=True)
class Trace:
    """What was found around `root`. `above` and `below` say for each thing that was reached what is directly next to it.

    `assets`, `steps` and `uses` hold what the node knows of them; every other name is of something outside. `names` are
    what organisations are called; persons have none here. `opens` are the things that who looks can trace in turn.
    `ended` is when each use ended, where that was looked up.
    """

    root: str
    above: dict[str, tuple[str, ...]]
    below: dict[str, tuple[str, ...]]
    assets: dict[str, Asset]
    steps: dict[str, Step]
    uses: dict[str, Use]
    transforms: dict[str, Transform]
    names: dict[str, str]
    opens: frozenset[str]
    ended: Mapping[str, Instant] = field(default_factory=dict)

    def items(self) -> tuple[str, ...]:
        """Everything in it: the root, what lies above, what lies below; the nearer the earlier."""
        return tuple(dict.fromkeys([*self.above, *self.below]))

    def links(self) -> tuple[tuple[str, str], ...]:
        """Each (source, target), once, what comes first before what comes of it as far as the order of items allows."""
        upward = [(source, item) for item, sources in reversed(self.above.items()) for source in sources]
        downward = [(item, target) for item, targets in self.below.items() for target in targets]
        return tuple(dict.fromkeys([*upward, *downward]))


def looked_at(read: Reader, use: str) -> str | None:
    """The asset that a use looked at, or may have; None for what is no use, and for refusals."""
    row = read.get(Use, use)
    return row.asset if row is not None and row.version else None


def trace(read: Reader, root: str, owns: Owns | None = None) -> Trace | None:
    """The chain around an asset, an asset's version (`asset@version`), a use, a step or an item outside the node.

    Without `owns` everything is seen. Who owns begins at her own assets and uses; None is the answer for what is unknown
    and, alike, for what is not her business.
    """
    asset, _, version = root.partition("@")
    if version:
        row = read.get(Asset, asset)
        if row is None or row.version != version:
            return None
        root = asset
    graph = _Graph(read, owns)
    above, below = graph.reached(root, upward=True), graph.reached(root, upward=False)
    if not graph.opens(root, len(above) + len(below) > 2):
        return None
    found = [*above, *below]
    steps = {item: graph.steps[item] for item in found if item in graph.steps}
    assets = {item: graph.assets[item] for item in found if item in graph.assets}
    uses = {item: graph.uses[item] for item in found if item in graph.uses}
    named = {a.transform for a in assets.values() if a.transform}
    transforms = {name: used for name in sorted(named) if (used := read.get(Transform, name))}
    parties = {
        *(a.publisher for a in assets.values()), *(s.by for s in steps.values()), *(u.requester for u in uses.values())
    }  # fmt: skip
    opens = frozenset(item for item in found if graph.opens(item, True))
    rows = (read.get(Party, party) for party in sorted(parties))
    names = {row.id: row.name for row in rows if row is not None and row.kind != "person"}
    return Trace(root, above, below, assets, steps, uses, transforms, names, opens)


@dataclass(frozen=True, slots=True)
class Told:
    """One thing of a trace for people: what `kind` of thing, its `title`, and what else there is to say, in small
    letters; `at` is when it came about, where that is known."""

    kind: str
    title: str
    details: tuple[str, ...]
    at: Instant | None


def tell(found: Trace, item: str) -> Told:
    """What to say of one thing of a trace."""
    asset, step, use = found.assets.get(item), found.steps.get(item), found.uses.get(item)
    if asset:
        details = [f"stored by {found.names.get(asset.publisher, SOMEBODY)}", f"version {asset.version[:16]}"]
        details.append(f"graded {GRADES[max(column.grade for column in asset.columns)].name} at most")
        if asset.purposes != (purposes.ROOT,):
            details.append(f"for {', '.join(map(purposes.label, asset.purposes))} only")
        transform = found.transforms.get(asset.transform)
        if transform:
            details += [f"made by `{transform.id}`: {transform.title}", f"assessed by {transform.authority}"]
            details.append(f"evidence is {transform.evidence}")
        return Told("asset", asset.title, tuple(details), asset.since)
    if step:
        details = [f"by {found.names.get(step.by, SOMEBODY)}"]
        if step.purpose:
            details.append(f"for {purposes.label(step.purpose)}")
        if step.evidence:
            details.append(f"evidence is {step.evidence}")
        return Told(step.kind, step.how, tuple(details), step.at)
    if use:
        who = found.names.get(use.requester, SOMEBODY)
        purpose = purposes.label(use.purpose) if purposes.known(use.purpose) else use.purpose
        return Told("use", use.meaning or "a question", (f"asked by {who}", f"for {purpose}", use.state), use.at)
    return Told("outside", "not held by this node", (), None)


class _Graph:
    """The chain as one looker sees it, read as far as it is walked."""

    def __init__(self, read: Reader, owns: Owns | None) -> None:
        self._read, self._owns = read, owns
        self.assets: dict[str, Asset] = {}
        self.steps: dict[str, Step] = {}
        self.uses: dict[str, Use] = {}
        self._owned: dict[str, bool | None] = {}

    def owned(self, item: str) -> bool | None:
        """Whether an asset or use is the looker's; None for steps and what is outside, which are nobody's by themselves."""
        if item not in self._owned:
            self._owned[item] = self._find(item)
        return self._owned[item]

    def _find(self, item: str) -> bool | None:
        asset, step, use = (self._read.get(kind, item) for kind in (Asset, Step, Use))
        if isinstance(asset, Asset):
            self.assets[item] = asset
            return self._owns is None or self._owns(asset)
        if isinstance(step, Step):
            self.steps[item] = step
            return None
        if isinstance(use, Use):
            self.uses[item] = use
            return self._owns is None or self._owns(use)
        return None

    def reached(self, root: str, upward: bool) -> dict[str, tuple[str, ...]]:
        """Each thing that is reached, the nearest first, and what of it is directly next in that direction."""
        reached: dict[str, tuple[str, ...]] = {}
        waiting = [root]
        for item in waiting:  # which grows meanwhile
            if item not in reached:
                reached[item] = tuple(next for next in self._next(item, upward) if self._seen(next, upward))
                waiting += reached[item]
        return reached

    def _next(self, item: str, upward: bool) -> Iterator[str]:
        if upward:
            yield from (link.source for link in self._read.list(Link, target=item))
            asset = looked_at(self._read, item)
            if asset:
                yield asset
        else:
            yield from (link.target for link in self._read.list(Link, source=item))
            yield from (use.id for use in self._read.list(Use, asset=item) if use.version)

    def _seen(self, item: str, upward: bool) -> bool:
        owned = self.owned(item)
        return owned is not False or (upward and item in self.assets)

    def opens(self, item: str, linked: bool) -> bool:
        """Whether the looker may begin at `item`; what is outside is known by being `linked` with something."""
        owned = self.owned(item)
        return owned if owned is not None else self._owns is None and (linked or item in self.steps)
