"""Properties of what is outside the node, as operands of rules: `usu:subject.role`, `usu:resource.status`.

Nobody can list beforehand what an application says of its users and records, so these operands have names of their own and
no type: they are compared as what stands on the right, a number as a number, anything else as names. A property may have
several values, as roles do, and then a condition holds if one of them fits. On the right may stand another property; the
two are then the same if they share a value.

A property that nobody supplied, or that is of another type, is unknown, as any operand is.
"""

from __future__ import annotations

import re
from dataclasses import replace

from usufruct.core.terms.domains import names
from usufruct.core.terms.formula import Pair, is_in
from usufruct.core.terms.model import Constraint, Value
from usufruct.core.terms.vocabulary import OF, Operand

_PROPERTY = re.compile(rf"usu:({'|'.join(OF)})\.(.+)")
_NUMBERS = {"xsd:integer", "xsd:decimal", "xsd:double", "xsd:float"}
_YES_OR_NO = {"true": "true", "1": "true", "false": "false", "0": "false"}


def operand(said: Constraint) -> Operand | None:
    """The operand that a constraint is about, if it is a property; its type is that of the right side."""
    found = _PROPERTY.fullmatch(said.left)
    if found is None:
        return None
    kind = "number" if said.right and all(value.type in _NUMBERS for value in said.right) else "names"
    return Operand(said.left, kind, f"{OF[found[1]]}: {found[2]}", "request")


def plainly(said: Constraint) -> Constraint:
    """The constraint with yes and no as the names `true` and `false`."""
    return replace(said, right=tuple(_plain(value) for value in said.right))


def _plain(value: Value) -> Value:
    known = _YES_OR_NO.get(value.text) if value.type == "xsd:boolean" else None
    return Value(known, "xsd:string") if known else value


def compared(said: Constraint) -> Pair | None:
    """When two properties are the same, or are not; None if the right side is no property.

    Raises:
        ValueError: they are compared in another way.
    """
    others = [value.text for value in said.right if value.type == "iri" and _PROPERTY.fullmatch(value.text)]
    if not others:
        return None
    if len(said.right) > 1 or said.operator not in ("eq", "neq"):
        raise ValueError("two properties can only be the same (`eq`) or not (`neq`)")
    return is_in(("same", said.left, others[0]), names("in" if said.operator == "eq" else "out"))
