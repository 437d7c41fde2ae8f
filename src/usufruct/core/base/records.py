"""Records: what facts and rows of state have in common.

Facts and state rows are frozen dataclasses whose fields are text, whole numbers, yes or no, nothing, other such
dataclasses, or tuples of these. That is little enough to be written as canonical bytes and read back with no schema
beside the code. A field may be added later if it has a default, and never changes its meaning: facts are for ever.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Hashable, Iterator
from functools import cache
from typing import Any, ClassVar, Protocol, TypeVar

from usufruct.core.base import canonical
from usufruct.core.base.instants import Instant


@dataclasses.dataclass(frozen=True)
class Fact:
    """Something that happened. `KIND` is its name for ever, with a version that changes when its meaning would."""

    KIND: ClassVar[str]

    def about(self) -> tuple[str, ...]:
        """The parties in whose history the fact belongs."""
        return ()

    def owner(self) -> str | None:
        """The person whom the fact is about and nobody else: her key seals its record, and can be destroyed."""
        return None


@dataclasses.dataclass(frozen=True)
class Row:
    """Something that is true now: one entry of the index that the fold keeps over the journal.

    `KEY` names the fields that identify it, `INDEXED` those by which rows are listed.
    """

    KEY: ClassVar[tuple[str, ...]]
    INDEXED: ClassVar[tuple[str, ...]] = ()

    @property
    def key(self) -> str:
        """The identity of the row; parts joined by `/`, which no id contains."""
        return row_key(tuple(getattr(self, name) for name in self.KEY))


def row_key(parts: tuple[str | int, ...]) -> str:
    """The key of a row whose `KEY` fields are these."""
    return parts[0] if len(parts) == 1 and type(parts[0]) is str else "/".join(map(str, parts))


@dataclasses.dataclass(frozen=True, slots=True)
class Erased(Fact):
    """Stands where a fact was whose owner's key is destroyed: it keeps its place, and nobody can read it."""

    KIND = "erased"


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """A fact at its place in the journal."""

    seq: int
    at: Instant
    fact: Fact


_SCALARS = frozenset((str, int, bool, type(None)))

FactT = TypeVar("FactT", bound=Fact)
RowT = TypeVar("RowT", bound=Row)


class Reader(Protocol):
    """What a rule or a fold may ask of the state: one row by its key, or rows by their indexed fields."""

    def get(self, kind: type[RowT], *key: str | int) -> RowT | None:
        """The row with this key, or None."""

    def list(self, kind: type[RowT], /, **where: str | int) -> Iterator[RowT]:
        """Rows whose indexed fields equal `where`, in the order in which they first appeared."""


def plain(record: object) -> canonical.Value:
    """A fact or row as a value that has canonical bytes. Fields that hold their default are left out."""
    fields = _fields(typing.cast(Hashable, type(record)))
    if fields is None:
        if isinstance(record, tuple):
            return [plain(item) for item in record]
        return typing.cast(canonical.Value, record)
    values: dict[str, canonical.Value] = {}
    for name, default in fields:
        value = getattr(record, name)
        if default is dataclasses.MISSING or value != default:
            values[name] = value if type(value) in _SCALARS else plain(value)
    return values


@cache
def _fields(kind: Hashable) -> tuple[tuple[str, object], ...] | None:
    """The fields of a record's type and their defaults; None for anything else."""
    if not dataclasses.is_dataclass(kind):
        return None
    return tuple((field.name, field.default) for field in dataclasses.fields(kind))


def rebuild(kind: type[Any], value: Any) -> Any:
    """The record of type `kind` whose `plain` is `value`.

    Raises:
        ValueError: a field is missing, unknown, of another type, or spells out its default, which `plain` leaves out.
    """
    return _builder(typing.cast(Hashable, kind))(value)


@cache
def _builder(kind: Hashable) -> Callable[[Any], Any]:
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return _union_builder(args)
    if origin is tuple:
        return _tuple_builder(args)
    if dataclasses.is_dataclass(kind):
        return _record_builder(typing.cast(type[Any], kind))
    base: Any = getattr(kind, "__supertype__", kind)

    def scalar(value: Any) -> Any:
        if type(value) is not base:
            raise ValueError(f"expected {base.__name__}, found `{value!r}`")
        return value

    return scalar


def _union_builder(args: tuple[Any, ...]) -> Callable[[Any], Any]:
    """`T | None`, or scalars of several types; nothing else occurs in a record."""
    builders = [_builder(arg) for arg in args if arg is not type(None)]

    def build(value: Any) -> Any:
        if value is None and type(None) in args:
            return None
        for builder in builders[:-1]:
            try:
                return builder(value)
            except ValueError:
                continue
        return builders[-1](value)

    return build


def _tuple_builder(args: tuple[Any, ...]) -> Callable[[Any], Any]:
    if len(args) == 2 and args[1] is Ellipsis:
        item = _builder(args[0])

        def build(value: Any) -> Any:
            if not isinstance(value, list | tuple):
                raise ValueError(f"expected a list, found `{value!r}`")
            return tuple(item(part) for part in value)

        return build
    items = [_builder(arg) for arg in args]

    def build_fixed(value: Any) -> Any:
        if not isinstance(value, list | tuple) or len(value) != len(items):
            raise ValueError(f"expected {len(items)} items, found `{value!r}`")
        return tuple(builder(part) for builder, part in zip(items, value, strict=True))

    return build_fixed


def _record_builder(kind: type[Any]) -> Callable[[Any], Any]:
    hints = typing.get_type_hints(kind)
    names = {f.name for f in dataclasses.fields(kind)}
    builders: dict[
        str, Callable[[Any], Any]
    ] = {}  # found when first needed, for a record may hold some of its own kind
    defaults = {f.name: f.default for f in dataclasses.fields(kind) if f.default is not dataclasses.MISSING}

    def build(value: Any) -> Any:
        if not isinstance(value, dict):
            raise ValueError(f"expected the fields of a {kind.__name__}, found `{value!r}`")
        unknown = value.keys() - names
        if unknown:
            raise ValueError(f"a {kind.__name__} has no field `{sorted(unknown)[0]}`")
        for name in value.keys() - builders.keys():
            builders[name] = _builder(hints[name])
        parts = {name: builders[name](part) for name, part in value.items()}
        for name in parts.keys() & defaults.keys():
            if parts[name] == defaults[name]:
                raise ValueError(f"field `{name}` of a {kind.__name__} spells out its default")
        try:
            return kind(**parts)
        except TypeError as error:
            raise ValueError(f"{kind.__name__}: {error}") from None

    return build
