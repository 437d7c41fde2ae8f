"""Relations held against the assets' cards: that each row is about one person and no step brings persons together.

Here is decided what makes differential privacy per person possible at all (person-locality): of every step the rows of
one person come from her own rows only, and from public tables. So

- a filter and a new column look at one row;
- a window looks at rows of the same person: the person must be among those it is partitioned by;
- totals below the answer are totals of one person: the person must be among their keys;
- a join of tables about persons is on the person, whatever else it is on; a public table may be joined on anything, as a
  place to look something up: of several rows with the same values one is taken.

The person herself is never a value: she can be joined on, partitioned by, grouped by below and counted above, and nothing
else. What comes out knows the engine's own names (`c0`, `c1` …) only; which columns of which assets are read is exact,
for a column that nothing needs is not in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count

from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.privacy import question as asked
from usufruct.core.privacy.expressions import (
    LARGEST,
    NOT_ANSWERED,
    PERSON,
    Domain,
    Typed,
    Wrong,
    condition,
    of_column,
    typed,
    within,
)
from usufruct.core.privacy.question import Expression, Question, Ref
from usufruct.core.privacy.steps import (
    Adding,
    Computed,
    Filtered,
    Joined,
    Resolved,
    Table,
    Totalled,
    Windowed,
    names_of,
)
from usufruct.core.registry.state import Asset


@dataclass(frozen=True, slots=True)
class Field:
    """A column of a relation: the engine's `name` for it, what it is called in the question, and what it can be."""

    name: str
    label: str
    of: str
    domain: Domain


@dataclass(frozen=True, slots=True)
class View:
    """A relation, its fields, and how often a person is in it: at most `rows` times by the cards, at most once for each
    value of a field in `once`. `personal` unless it is about nobody."""

    relation: Resolved
    fields: tuple[Field, ...]
    rows: int
    once: frozenset[str]
    personal: bool

    def find(self, ref: Ref) -> Field:
        """The field that a name means.

        Raises:
            Wrong: none does, or more than one.
        """
        found = [f for f in self.fields if f.label.lower() == ref.name.lower() and ref.of in ("", f.of)]
        shown = f"{ref.of}.{ref.name}" if ref.of else ref.name
        if not found:
            names = ", ".join(dict.fromkeys(field.label for field in self.fields))
            raise Wrong("privacy.column", f"there is no column `{shown}`", f"the columns are {names}")
        if len(found) > 1 and any(field.domain != PERSON for field in found):
            ways = " or ".join(f"{field.of}.{field.label}" for field in found)
            raise Wrong("privacy.column", f"`{shown}` may mean more than one column", f"write {ways}")
        return found[0]

    def plain(self, ref: Ref) -> Typed:
        """A column as a value.

        Raises:
            Wrong: there is none, or it says whom a row is about.
        """
        field = self.find(ref)
        if field.domain == PERSON:
            raise Wrong(
                "privacy.column", f"`{field.label}` says whom a row is about and cannot be compared or shown",
                f"ask about groups of people; COUNT(DISTINCT {field.label}) counts persons",
            )  # fmt: skip
        return Typed(Ref(field.name, field.label), field.domain)

    def is_person(self, expression: object) -> bool:
        """Whether it is the column that says whom a row is about."""
        return isinstance(expression, Ref) and self.find(expression).domain == PERSON

    @property
    def person(self) -> str:
        """What the column that says whom a row is about is called."""
        found = next((field for field in self.fields if field.domain == PERSON), None)
        return (f"{found.of}.{found.label}" if _several(self) else found.label) if found else "person"

    def summable(self) -> list[str]:
        """The columns with declared bounds that are no codes."""
        return [f.label for f in self.fields if f.domain.least is not None and not f.domain.values]


def _qualified(view: View) -> str:
    return next(f"{field.of}.{field.label}" for field in view.fields if field.domain == PERSON)


def _several(view: View) -> bool:
    return len({field.of for field in view.fields}) > 1


def resolve(question: Question, assets: Mapping[str, Asset]) -> View | Refusal:
    """The relation of a question over these assets. Decided from the text and the cards alone."""
    try:
        return _Resolver(assets).view(question.relation)
    except Wrong as wrong:
        return wrong.refusal


def where(condition_: Expression, asset: Asset) -> Expression | Refusal:
    """A condition on the rows of one asset, over the names of its own columns."""

    def column(ref: Ref) -> Typed:
        found = asset.column(ref.name)
        if found is None:
            raise Wrong(
                "privacy.column", f"`{asset.id}` has no column `{ref.name}`",
                f"its columns are {', '.join(c.name for c in asset.columns)}",
            )  # fmt: skip
        if found.name == asset.person_column:
            raise Wrong(
                "privacy.column", f"`{found.name}` says whom a row is about and cannot be compared", "leave it out"
            )
        return Typed(Ref(found.name, found.name), of_column(found))

    try:
        return condition(condition_, column)
    except Wrong as wrong:
        return wrong.refusal


def over(asset: Asset, condition_: Expression) -> Resolved:
    """The rows of one asset for which a condition over its own columns holds."""
    return Filtered(Table(asset.id, tuple((column.name, column.name) for column in asset.columns)), condition_)


class _Resolver:
    """One walk through a relation, giving names."""

    def __init__(self, assets: Mapping[str, Asset]) -> None:
        self._assets = assets
        self._names = (f"c{number}" for number in count())

    def view(self, relation: asked.Relation) -> View:
        match relation:
            case asked.Scan():
                return self._scan(relation)
            case asked.Filter():
                source = self.view(relation.source)
                return replace(source, relation=Filtered(source.relation, condition(relation.condition, source.plain)))
            case asked.Select():
                return self._select(relation)
            case asked.Totals():
                return self._totals(relation)
            case asked.Join():
                return self._join(relation)

    def _scan(self, scan: asked.Scan) -> View:
        asset = self._assets[scan.asset]
        person = asset.person_column
        fields = tuple(
            Field(next(self._names), c.name, scan.alias, PERSON if c.name == person else of_column(c)) for c in asset.columns
        )  # fmt: skip
        columns = tuple((field.name, field.label) for field in fields if field.domain != PERSON)
        once = {name for name, label in columns if label in asset.once_per}
        return View(Table(asset.id, columns), fields, asset.rows_per_person, frozenset(once), bool(person))

    def _select(self, select: asked.Select) -> View:
        view, fields, once = self.view(select.source), [], set[str]()
        for column in select.columns:
            if column.made is None:
                every = [field for field in view.fields if column.name in ("", field.of)]
                fields += [replace(field, of=select.alias or field.of) for field in every]
                once |= view.once & {field.name for field in every}
                continue
            field = view.find(column.made) if isinstance(column.made, Ref) else None
            if field is None:
                view, field = self._made(view, column.made)
            elif field.name in view.once:
                once.add(field.name)
            fields.append(replace(field, label=column.name, of=select.alias or field.of))
        names = [(field.of, field.label.lower()) for field in fields]
        if twice := [label for n, (of, label) in enumerate(names) if (of, label) in names[:n]]:
            raise Wrong("query.unsupported", f"two columns named `{twice[0]}`", "give one of them another name with AS")
        return replace(view, fields=tuple(fields), once=frozenset(once))

    def _made(self, view: View, made: Expression | asked.Window) -> tuple[View, Field]:
        """The view with a further column."""
        name = next(self._names)
        if isinstance(made, asked.Window):
            return self._window(view, made, name)
        found = typed(made, view.plain)
        return replace(view, relation=Computed(view.relation, name, found.made)), Field(name, name, "", found.domain)

    def _window(self, view: View, window: asked.Window, name: str) -> tuple[View, Field]:
        if not view.personal or not any(view.is_person(by) for by in window.partition):
            raise Wrong(
                "query.unsupported", f"{window.function.upper()} OVER rows of several persons",
                f"add PARTITION BY {view.person}, so that it looks at the rows of one person",
            )  # fmt: skip
        partition = tuple(typed(by, view.plain).made for by in window.partition if not view.is_person(by))
        order = tuple((typed(by, view.plain).made, down) for by, down in window.order)
        argument = typed(window.argument, view.plain) if window.argument is not None else None
        if window.function in ("row_number", "count"):
            domain = Domain("number", least=0, most=view.rows)
        elif window.function == "sum":
            argument, domain = _summed(argument, view.rows)
        else:
            assert argument is not None
            domain = argument.domain
        if window.function in ("min", "max") and domain.type != "number":
            raise Wrong("privacy.measure", f"{window.function.upper()} of what is no number", "choose among numbers")
        # Windows beside this one tell rows apart too, that are alike in all else: the two must agree which is which.
        ties = [field.name for field in view.fields if field.domain != PERSON]
        ties += [beside for beside in names_of(view.relation) if beside not in ties]
        ranking = window.function in ("row_number", "lag", "lead")
        made = Windowed(
            view.relation, name, window.function, argument.made if argument else None, window.offset, partition, order,
            domain.low, domain.high, tuple(ties) if ranking else (),
        )  # fmt: skip
        return replace(view, relation=made), Field(name, name, "", domain)

    def _totals(self, totals: asked.Totals) -> View:
        view = self.view(totals.source)
        persons = [key for key in totals.keys if view.is_person(key.made)] if view.personal else []
        if not persons:
            raise Wrong(
                "query.unsupported", "a total of several persons below the answer",
                f"add {view.person} to its GROUP BY, so that it adds up the rows of one person",
            )  # fmt: skip
        fields = [Field("person", key.name, totals.alias, PERSON) for key in persons]
        keys: list[tuple[str, Expression]] = []
        for key in totals.keys:
            if key not in persons:
                assert key.made is not None and not isinstance(key.made, asked.Window), "a key is an expression"
                found = typed(key.made, view.plain)
                keys.append((next(self._names), found.made))
                fields.append(Field(keys[-1][0], key.name, totals.alias, found.domain))
        made = []
        for total in totals.totals:
            adding, domain = self._adding(view, total)
            made.append(adding)
            fields.append(Field(adding.name, total.name, totals.alias, domain))
        once = frozenset(keys[0][:1]) if len(keys) == 1 else frozenset()
        rows = view.rows if keys else 1
        return View(Totalled(view.relation, tuple(keys), tuple(made)), tuple(fields), rows, once, True)

    def _adding(self, view: View, total: asked.Total) -> tuple[Adding, Domain]:
        name = next(self._names)
        counted = total.argument
        if counted is not None and total.function == "count" and view.is_person(counted):
            counted = None  # she is never null
        argument = typed(counted, view.plain) if counted is not None else None
        if total.function == "count":
            domain = Domain("number", least=0, most=view.rows)
        elif total.function == "sum":
            argument, domain = _summed(argument, view.rows)
        else:
            assert argument is not None
            domain = argument.domain
            if domain.type != "number":
                raise Wrong("privacy.measure", f"{total.function.upper()} of what is no number", "choose among numbers")
        return Adding(name, total.function, argument.made if argument else None, domain.low, domain.high), domain

    def _join(self, join: asked.Join) -> View:
        left, right = self.view(join.left), self.view(join.right)
        if not left.personal and right.personal and not join.keep_left:
            left, right = right, left
            join = replace(join, on=tuple((b, a) for a, b in join.on))
        if not left.personal:
            raise Wrong(
                "query.unsupported", "a join that begins with a public table", "name the table about persons first"
            )
        if twice := {field.of for field in left.fields} & {field.of for field in right.fields}:
            raise Wrong("query.unsupported", f"two tables named `{min(twice)}`", "give each its own name")
        pairs, person = [], False
        for one, other in join.on:
            if ref_in(left, other) and ref_in(right, one):
                one, other = other, one
            of_person = (left.find(one).domain == PERSON, right.find(other).domain == PERSON)
            if of_person == (True, True):
                person = True
            elif any(of_person):
                raise Wrong("query.unsupported", "a join of persons with something else", "join persons with persons")
            else:
                a, b = left.plain(one), right.plain(other)
                if (a.domain.type, a.domain.decimals) != (b.domain.type, b.domain.decimals):
                    raise Wrong(
                        "privacy.literal", f"`{one.name}` and `{other.name}` are of different types", "join columns of one type"
                    )  # fmt: skip
                pairs.append((_name(a), _name(b)))
        if right.personal and not person:
            raise Wrong(
                "query.unsupported", "a join that is not on the person",
                f"add {_qualified(left)} = {_qualified(right)} to ON, so that it stays with one person",
            )  # fmt: skip
        if not right.personal and not pairs:
            raise Wrong("query.unsupported", "a join on nothing", "say in ON which columns are equal")
        joined = Joined(left.relation, right.relation, not right.personal, tuple(pairs), join.keep_left)
        rows = left.rows * right.rows if right.personal else left.rows
        once = left.once if not right.personal else frozenset[str]()
        fields = left.fields + tuple(f for f in right.fields if f.domain != PERSON or not join.keep_left)
        return View(joined, fields, min(rows, LARGEST), once, True)


def computed(view: View, made: Expression) -> tuple[View, Typed]:
    """The view with an expression as a column, if it is not one already.

    Raises:
        Wrong: it cannot be worked out.
    """
    if isinstance(made, Ref):
        return view, view.plain(made)
    found = typed(made, view.plain)
    name = f"e{hashlib.sha256(repr(found.made).encode()).hexdigest()[:16]}"  # the same for the same expression
    same = Typed(Ref(name, "what is made of it"), found.domain)
    if any(isinstance(step, Computed) and step.name == name for step in _steps(view.relation)):
        return view, same
    return replace(view, relation=Computed(view.relation, name, found.made)), same


def _steps(relation: Resolved) -> Iterator[Resolved]:
    """The steps that were added to a view, from the last one on."""
    while isinstance(relation, Computed):
        yield relation
        relation = relation.source


def ref_in(view: View, ref: Ref) -> bool:
    """Whether a view has exactly one field of that name."""
    try:
        view.find(ref)
    except Wrong:
        return False
    return True


def _name(one: Typed) -> str:
    assert isinstance(one.made, Ref)
    return one.made.name


def _summed(argument: Typed | None, rows: int) -> tuple[Typed, Domain]:
    """What is added up, within its bounds, and what the sum of a person's rows can be: it is clamped to that."""
    assert argument is not None, "a sum is of something"
    argument = within(argument)
    assert argument.domain.low is not None and argument.domain.high is not None
    low, high = min(0, argument.domain.low * rows), max(0, argument.domain.high * rows)
    if max(-low, high) >= LARGEST:
        raise Wrong("privacy.literal", "a sum of it may become too large", "add up smaller numbers")
    return argument, Domain("number", argument.domain.decimals, low, high, low, high)


def no_such_column(name: str, asset: Asset) -> Refusal:
    """The refusal for a column that the asset does not have; its schema is public to who has an agreement on it."""
    return refuse(
        "privacy.column", NOT_ANSWERED, f"`{asset.id}` has no column `{name}`",
        remedy=f"its columns are {', '.join(c.name for c in asset.columns)}",
    )  # fmt: skip
