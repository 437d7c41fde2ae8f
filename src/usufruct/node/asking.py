"""A question before it is answered: what came in, whether it may be answered, by which plan, and at what cost.

`query` asks this in the transaction that admits the use, and `preview` without one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace

from usufruct.core.access import delegation, opening
from usufruct.core.access.proof import Request
from usufruct.core.access.rules import REFUSED, Permit
from usufruct.core.access.rules import decide as permitted
from usufruct.core.base.canonical import holdable
from usufruct.core.base.instants import Instant
from usufruct.core.base.money import Money
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.privacy import matched, release, ticks
from usufruct.core.privacy.matched import Matched
from usufruct.core.privacy.matching_facts import Match
from usufruct.core.privacy.question import Expression, Question, in_words
from usufruct.core.privacy.reach import reach
from usufruct.core.privacy.relations import View, over, resolve
from usufruct.core.privacy.relations import where as resolve_condition
from usufruct.core.privacy.rules import QueryPlan, Wishes, plan, reads, too_dear
from usufruct.core.privacy.state import Budget
from usufruct.core.privacy.steps import Resolved, tables
from usufruct.core.registry.state import Asset
from usufruct.core.rulebook.levy import Surcharge
from usufruct.node.node import Node
from usufruct.node.use import Deed, Under, Wanted


@dataclass(frozen=True, slots=True)
class Asked:
    """What came in: `question` is what the text was read as, or why it could not be read; `hold` the ground on which the
    use is to be withheld from the persons concerned, for `hold_days` (None: as long as the requester may). `actors` act
    for the requester, the one who speaks first; what an agent asks in its own name, it asks for its principal. `signed`:
    it came with a proof of a key that only its sender has. The bounds on a person's part are `Wishes`. `anew`: not what
    was answered before. `template`: the version of the template whose question it is, which only `node.templates` says.
    `matched`: the match over whose persons it is, which only `node.match_questions` says. `under`: what it rests on
    beside the rest, where it is asked under one agreement."""

    requester: str
    text: str
    question: Question | Refusal
    purpose: str
    micro_rho: int | None = None
    hold: str = ""
    hold_days: int | None = None
    actors: tuple[str, ...] = ()
    signed: bool = False
    groups_per_person: int | None = None
    rows_per_group: int | None = None
    anew: bool = False
    template: str = ""
    matched: Matched | None = None
    under: Under | None = None

    @property
    def wishes(self) -> Wishes:
        """How to be answered."""
        return Wishes(self.micro_rho, self.groups_per_person, self.rows_per_group)


@dataclass(frozen=True, slots=True)
class Previewed:
    """What a question would cost and how exact it would be: `charge` in micro-rho and `nano_delta`, of the `budget_left`;
    `margins` for each measure as far as they are known beforehand, those of averages and the like for groups of some sizes;
    `milliseconds` until the answer would leave; `levies` are what would be owed on top of the price."""

    meaning: str
    charge: int
    nano_delta: int
    budget_left: int
    budget_total: int
    price: Money
    margins: tuple[release.Expected, ...]
    notes: tuple[str, ...]
    milliseconds: int
    levies: tuple[Surcharge, ...] = ()

    @property
    def owed(self) -> Money:
        """The price, and the levies on top of it."""
        return Money(self.price.minor + sum(levy.amount for levy in self.levies), self.price.currency)


@dataclass(frozen=True, slots=True)
class Decided:
    """A question that may be answered, and why what it costs is not there, if so: the same again costs nothing. `match`: over
    whose persons it is, if not over all; `said`: its meaning without that."""

    deed: Deed[QueryPlan]
    short: Refusal | None
    match: Match | None = None
    said: str = ""


def preview(node: Node, asked: Asked) -> Previewed | Refusal:
    """What a question would cost, and how exact its answer would be. Nothing is charged and no data are touched."""
    agreed = read_twice(node, asked)
    with node.store.read() as state:
        now = node.clock.now()
        requester, actors = delegation.acting(state, asked.requester, asked.actors)
        asked = replace(asked, requester=requester, actors=actors)
        decided = decide(node, state, asked, now, agreed)[1]
        if isinstance(decided, Refusal):
            return decided
        if decided.short is not None:
            return decided.short
        deed = decided.deed
        budget = state.get(Budget, deed.permit.asset.id, deed.permit.asset.version)
        assert budget is not None
        price = Money(sum(each.price for _, each in deed.parts), deed.permit.agreement.terms.currency)
        return Previewed(
            deed.meaning, deed.charge, deed.nano_delta, budget.left, budget.total, price, release.expected(deed.plan),
            release.notes(deed.plan), deed.tick, deed.levies,
        )  # fmt: skip


def read_twice(node: Node, asked: Asked) -> bool:
    """Whether a second reader takes the text for the same kind of question, over tables like these without a row."""
    question = asked.question
    if isinstance(question, Refusal):
        return False
    with node.store.read() as state:
        assets = [state.get(Asset, name) for name in question.assets]
    known = [asset for asset in assets if asset is not None]
    width = len(question.labels) if question.form == "aggregates" else 0
    return len(known) == len(assets) and node.engine.check(question.text, known, width)


def decide(
    node: Node, read: Reader, asked: Asked, at: Instant, agreed: bool
) -> tuple[Request | None, Decided | Refusal]:
    """The request that decided, and the plan or why not."""
    question = asked.question
    if isinstance(question, Refusal):
        return None, question
    assets = {name: asset for name in question.assets if (asset := read.get(Asset, name)) is not None}
    view = resolve(question, assets) if len(assets) == len(question.assets) else None
    relation = reads(question, view) if isinstance(view, View) else view
    parts: list[tuple[Request, Permit]] = []
    for name in question.assets:
        if name in assets and not assets[name].person_column and _is_open(read, name, at):
            continue
        request = _request(asked, question, name, relation)
        permit = permitted(read, request, at)
        if isinstance(permit, Refusal):
            # What is read exactly can be told only of tables that exist. So a no is about what was named, whatever it is.
            named = _request(asked, question, name, None)
            return named, refused if isinstance(refused := permitted(read, named, at), Refusal) else permit
        parts.append((request, permit))
    if not parts:  # everything is open, and nobody's budget would cover it
        request = _request(asked, question, question.asset, relation)
        return request, _no_totals_of_open_data()
    request = parts[0][0]
    if isinstance(view, Refusal):
        return request, view
    assert view is not None, "what may be used exists"
    match = _match(read, asked, question, parts, at)
    if isinstance(match, Refusal):
        return request, match
    least = max(*(permit.group_min for _, permit in parts), match.group_min if match else 0)
    query = plan(question, view, assets, node.rulebook, at, least, asked.wishes)
    if isinstance(query, Refusal):
        return request, query
    if not agreed:
        return request, refuse(
            "query.unsupported", REFUSED, "it does not mean the same to every reader of SQL",
            remedy="write it plainly, as in the examples of the reference; put names of assets and columns in double quotes",
        )  # fmt: skip
    told = [query, asked.requester, *((r.purpose, p.agreement.id) for r, p in parts), *([match.id] if match else [])]
    digest = hashlib.sha256(repr(told).encode()).hexdigest()
    rows = sum(assets[source.asset].quality.rows for source in query.sources)
    tick = ticks.length(node.rulebook, at, rows)
    short = too_dear(read, query, assets, asked.requester, node.rulebook, at)
    return request, Decided(Deed(
        tuple(parts), query, _meaning(question, match), tick, query.charge, query.nano_delta, digest, asked.template
    ), short, match, in_words(question))  # fmt: skip


def request_of(
    read: Reader, wanted: Wanted, asset: str, form: str, columns: Iterable[str], where: Expression | None
) -> Request:
    """What the gates judge where rows of one asset are read, as far as a condition restricts them."""
    row = read.get(Asset, asset)
    found = resolve_condition(where, row) if where is not None and row is not None else None
    parts = () if row is None or found is None or isinstance(found, Refusal) else reach(over(row, found), row.id)
    named = tuple(holdable(name) for name in columns)
    return Request(
        wanted.requester, holdable(asset), wanted.purpose, form, named, parts, wanted.actors, wanted.signed,
        agreement=wanted.agreement,
    )  # fmt: skip


def _match(
    read: Reader, asked: Asked, question: Question, parts: list[tuple[Request, Permit]], at: Instant
) -> Match | Refusal | None:
    """The match over whose persons the question is, if it is over those of one."""
    if asked.matched is None:
        return None
    if asked.matched.no is not None:
        return asked.matched.no
    if asked.hold:
        return matched.no_hold()
    assets = [permit.asset.id for _, permit in parts]
    return matched.to_ask(read, asked.matched.match, asked.requester, asked.purpose, question.form, assets, at)


def _meaning(question: Question, match: Match | None) -> str:
    said = in_words(question)
    return said if match is None else f"of the persons who are in `{match.theirs}` of {match.peer} too: {said}"


def _is_open(read: Reader, asset: str, at: Instant) -> bool:
    return not isinstance(opening.decide(read, asset, at), Refusal)


def _no_totals_of_open_data() -> Refusal:
    return refuse(
        "access.form", REFUSED, "all of it is open data, which are given as rows",
        remedy="ask for the rows themselves, and add them up yourself",
    )  # fmt: skip


def _request(asked: Asked, question: Question, asset: str, relation: Resolved | Refusal | None) -> Request:
    """What the gates judge of one asset: the columns that are read, exactly if the question can be worked out."""
    if isinstance(relation, Refusal) or relation is None or question.form == "rows":
        scans = [scan for scan in question.scans if scan.asset == asset]
        columns = dict.fromkeys(holdable(name) for scan in scans for name in question.named(scan))
    else:
        columns = dict.fromkeys(name for t in tables(relation) if t.asset == asset for _, name in t.columns)
    parts = () if isinstance(relation, Refusal) or relation is None else reach(relation, asset)
    return Request(
        asked.requester,
        holdable(asset),
        asked.purpose,
        question.form,
        tuple(columns),
        parts,
        asked.actors,
        asked.signed,
        asked.template,
        asked.under.agreement if asked.under else "",
    )
