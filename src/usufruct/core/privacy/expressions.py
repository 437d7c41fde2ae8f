"""Expressions made ready for the engine: typed, in whole grains, and total.

Total means: for every row there is a value or none, and no row, whatever it holds, can make the expression fail. A
failure that came only if some person's row were there would tell of her (see `docs/concepts/privacy.md`). So a literal
that does not fit is refused here, from the text and the card, and never left to a cast; a divisor is written out and not
zero; and before anything is multiplied or added up, it is brought within its declared bounds, from which it follows that
no number ever leaves 62 bits. What bounds an expression has is worked out on the way, so that sums of it can be noised.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import NamedTuple

from usufruct.core.base.money import decimal
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.privacy.question import Call, Expression, Literal, Ref, Value
from usufruct.core.registry.facts import TYPES, Column

NOT_ANSWERED = "the question was not answered"
_NUMBER = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?", re.ASCII)
WEIGHT_LIMIT = 5_000
LARGEST = 2**62  # no number of an expression is as large


@dataclass(frozen=True, slots=True)
class Domain:
    """What an expression can be: of `type` number, text, boolean, person, or null (nothing but NULL).

    Numbers are whole multiples of 10^-`decimals`. `low` and `high` hold for every row, whatever is stored; `least` and
    `most` are the declared bounds, to which a number is brought before it is reckoned with. `values` is the public list
    of all it can be, in the order to be shown.
    """

    type: str
    decimals: int = 0
    low: int | None = None
    high: int | None = None
    least: int | None = None
    most: int | None = None
    values: tuple[Literal, ...] = ()

    def listed(self, most: int) -> tuple[Literal, ...]:
        """The public list of values, or the whole numbers within the bounds if there are at most that many."""
        if self.values or self.type != "number" or self.least is None or self.most is None:
            return self.values
        return tuple(range(self.least, self.most + 1)) if self.most - self.least < most else ()


BOOLEAN = Domain("boolean", values=(False, True))
TEXT = Domain("text")
NULL = Domain("null")
PERSON = Domain("person")


class Typed(NamedTuple):
    """An expression over the engine's own names, with literals in grains, and what it can be."""

    made: Expression
    domain: Domain


class Wrong(Exception):
    """Carries the refusal out of the depths of an expression."""

    def __init__(self, code: str, reason: str, remedy: str) -> None:
        super().__init__()
        self.refusal: Refusal = refuse(code, NOT_ANSWERED, reason, remedy=remedy)


def of_column(column: Column) -> Domain:
    """What a column can hold."""
    if column.type in ("integer", "decimal"):
        return Domain(
            "number", column.decimals, least=column.low, most=column.high, values=tuple(column.values)
        )  # fmt: skip
    return Domain(column.type, values=tuple(column.values) or (BOOLEAN.values if column.type == "boolean" else ()))


Scope = Callable[[Ref], Typed]
"""Finds what a name stands for, as the engine's name `of` what was typed; raises Wrong if that is nothing, or not plain."""


def typed(expression: Expression, scope: Scope) -> Typed:
    """The expression made ready.

    Raises:
        Wrong: it cannot be worked out for every row, or it means nothing.
    """
    match expression:
        case Ref():
            return scope(expression)
        case Value():
            return _literal(expression)
        case Call():
            found = _RULES[expression.function](expression, [typed(a, scope) for a in expression.arguments])
            if _weight(found.made) > WEIGHT_LIMIT:
                raise Wrong(
                    "query.malformed", "an expression of it is too intricate", "make it of fewer parts, or in steps"
                )
            return found


def _weight(made: Expression) -> int:
    """How long an expression becomes as SQL, where bounding a number says it three times."""
    if not isinstance(made, Call):
        return 1
    parts = [_weight(argument) for argument in made.arguments]
    return 1 + sum(parts) + (2 * parts[0] if made.function in ("clamp", "floor") else 0)


def condition(expression: Expression, scope: Scope) -> Expression:
    """An expression that is true or not for each row.

    Raises:
        Wrong: it is something else.
    """
    found = typed(expression, scope)
    if found.domain.type not in ("boolean", "null"):
        raise Wrong("privacy.literal", f"{_shown(expression)} is no condition", "compare it with something")
    return found.made


def _literal(written: Value) -> Typed:
    match written.value:
        case None:
            return Typed(Value(None), NULL)
        case bool():
            return Typed(written, replace(BOOLEAN, values=(written.value,)))
        case str():
            return Typed(written, replace(TEXT, values=(written.value,)))
        case Fraction() | int():
            decimals = next((d for d in range(19) if (written.value * 10**d).denominator == 1), None)
            grains = int(written.value * 10**decimals) if decimals is not None else LARGEST
            if decimals is None or abs(grains) >= LARGEST:
                raise Wrong("privacy.literal", f"{_shown(written)} is too large or too fine", "write a shorter number")
            return Typed(Value(grains), Domain("number", decimals, grains, grains, grains, grains, (grains,)))


# ---- numbers


def in_grains(one: Typed, decimals: int) -> Typed:
    """The same number in grains of 10^-`decimals`. What is written out is said exactly in them; else they must be finer.

    Raises:
        Wrong: it cannot be said in them.
    """
    domain, shift = one.domain, decimals - one.domain.decimals
    if shift == 0 or domain.type != "number":
        return one
    if isinstance(one.made, Value) and isinstance(one.made.value, int):
        grains = one.made.value * Fraction(10) ** shift
        if grains.denominator != 1:
            raise Wrong(
                "privacy.literal", f"{_shown(one.made, domain)} is finer than what it is compared with ({decimals} decimals)",
                "write it with fewer decimals",
            )  # fmt: skip
        whole = int(grains)
        return _bounded(Value(whole), decimals, whole, whole, (whole,))
    one, by = within(one), 10**shift
    low, high = _ends(one)
    values = tuple(value * by for value in domain.values if not isinstance(value, str))
    return _bounded(Call("*", (one.made, Value(by))), decimals, low * by, high * by, values)


def within(one: Typed) -> Typed:
    """A number brought within its declared bounds, if it is not sure to be.

    Raises:
        Wrong: it has none.
    """
    domain = one.domain
    if domain.type == "null" or (domain.low is not None and domain.high is not None):
        return one
    if domain.type != "number":
        raise Wrong("privacy.measure", f"{_shown(one.made)} is no number", "reckon with numbers only")
    low, high = _best(domain)
    if low is None or high is None:
        raise Wrong(
            "privacy.measure", f"{_shown(one.made)} has no declared bounds, so one row could count for anything",
            "bound it with LEAST(GREATEST(column, 0), 100), or use a column with declared bounds",
        )  # fmt: skip
    clamped = Call("clamp", (one.made, Value(low), Value(high)))
    return Typed(clamped, replace(domain, low=low, high=high, least=low, most=high))


def _best(domain: Domain) -> tuple[int | None, int | None]:
    """The bounds that hold, or else those declared."""
    return (
        domain.least if domain.low is None else domain.low,
        domain.most if domain.high is None else domain.high,
    )  # fmt: skip


def _ends(one: Typed) -> tuple[int, int]:
    assert one.domain.low is not None and one.domain.high is not None, "it was brought within its bounds"
    return one.domain.low, one.domain.high


def _bounded(made: Expression, decimals: int, low: int, high: int, values: tuple[Literal, ...] = ()) -> Typed:
    """A number with these bounds, if they are not too far.

    Raises:
        Wrong: they are.
    """
    if max(abs(low), abs(high)) >= LARGEST:
        raise Wrong(
            "privacy.literal", "a number of it may become too large", "reckon with smaller numbers, or fewer of them"
        )
    return Typed(made, Domain("number", decimals, low, high, low, high, values))


def _numbers(call: Call, arguments: Iterable[Typed], aligned: bool = True) -> list[Typed]:
    """Arguments that are numbers; all in the finest grains of any, if they are to be `aligned`."""
    found = list(arguments)
    if strange := [one for one in found if one.domain.type not in ("number", "null")]:
        reason = f"{_shown(strange[0].made)} is no number, and {_named(call)} needs one"
        raise Wrong("privacy.literal", reason, "reckon with numbers only")
    if not aligned:
        return found
    decimals = max(one.domain.decimals for one in found)
    return [in_grains(one, decimals) for one in found]


def _reckoned(call: Call, arguments: list[Typed]) -> Typed:
    """`+`, `-` and `*` of numbers within their bounds."""
    left, right = (within(one) for one in _numbers(call, arguments, aligned=call.function != "*"))
    if NULL in (left.domain, right.domain):
        return Typed(Value(None), NULL)
    (a, b), (c, d) = _ends(left), _ends(right)
    decimals = left.domain.decimals
    match call.function:
        case "+":
            low, high = a + c, b + d
        case "-":
            low, high = a - d, b - c
        case _:
            low, high = min(products := (a * c, a * d, b * c, b * d)), max(products)
            decimals += right.domain.decimals
    return _bounded(Call(call.function, (left.made, right.made)), decimals, low, high)


def _divided(call: Call, arguments: list[Typed]) -> Typed:
    """`//`, `floor` and `%` by a number that is written out; a whole number comes out of the first two."""
    left, right = _numbers(call, arguments)
    divisor = right.made.value if isinstance(right.made, Value) else None
    if not isinstance(divisor, int) or divisor <= 0:
        raise Wrong(
            "privacy.literal", f"{_named(call)} divides by {_shown(arguments[1].made, arguments[1].domain)}",
            "divide by a number above zero that is written out",
        )  # fmt: skip
    left = within(left)
    if left.domain == NULL:
        return left
    low, high = _ends(left)
    made = Call(call.function, (left.made, Value(divisor)))
    match call.function:
        case "floor":
            return _bounded(made, 0, low // divisor, high // divisor)
        case "//":
            return _bounded(made, 0, _towards_zero(low, divisor), _towards_zero(high, divisor))
        case _:
            most = divisor - 1
            return _bounded(
                made, left.domain.decimals, max(low, -most) if low < 0 else 0, min(high, most) if high > 0 else 0
            )


def _towards_zero(number: int, divisor: int) -> int:
    return number // divisor if number >= 0 else -(-number // divisor)


def _signed(call: Call, arguments: list[Typed]) -> Typed:
    """`neg` and `abs`."""
    (one,) = (within(argument) for argument in _numbers(call, arguments))
    if one.domain == NULL:
        return one
    if call.function == "neg" and isinstance(one.made, Value) and isinstance(one.made.value, int):
        return _bounded(
            Value(-one.made.value), one.domain.decimals, -one.made.value, -one.made.value, (-one.made.value,)
        )
    low, high = _ends(one)
    made = Call(call.function, (one.made,))
    if call.function == "neg":
        return _bounded(made, one.domain.decimals, -high, -low)
    ends = (abs(low), abs(high))
    return _bounded(made, one.domain.decimals, 0 if low <= 0 <= high else min(ends), max(ends))


def _extreme(call: Call, arguments: list[Typed]) -> Typed:
    """`least` and `greatest`: the way to bound what has no declared bounds. They pass over NULL, as DuckDB's do."""
    found = [one for one in _numbers(call, arguments) if one.domain != NULL]
    if not found:
        return Typed(Value(None), NULL)
    sure = [_ends_of_extreme(call, [(one.domain.low, one.domain.high) for one in found], found)]
    sure.append(_ends_of_extreme(call, [_best(one.domain) for one in found], found))
    domain = Domain("number", found[0].domain.decimals, *sure[0], *sure[1])
    return Typed(Call(call.function, tuple(one.made for one in found)), domain)


def _ends_of_extreme(
    call: Call, bounds: list[tuple[int | None, int | None]], found: list[Typed]
) -> tuple[int | None, int | None]:
    """The bounds of a least or greatest. What is not written out may be null and is passed over then, so of the least only
    a literal is a bound above by itself."""
    lows, highs = [low for low, _ in bounds], [high for _, high in bounds]
    written = [one.made.value for one in found if isinstance(one.made, Value) and isinstance(one.made.value, int)]
    if call.function == "least":
        return _hull(min, lows), min(written) if written else _hull(max, highs)
    return max(written) if written else _hull(min, lows), _hull(max, highs)


def _hull(choose: Callable[[Iterable[int]], int], bounds: list[int | None]) -> int | None:
    known = [bound for bound in bounds if bound is not None]
    return choose(known) if len(known) == len(bounds) else None


# ---- truth


def _logical(call: Call, arguments: list[Typed]) -> Typed:
    for one in arguments:
        if one.domain.type not in ("boolean", "null"):
            raise Wrong("privacy.literal", f"{_shown(one.made)} is no condition", "compare it with something")
    return Typed(Call(call.function, tuple(one.made for one in arguments)), BOOLEAN)


def _is_null(call: Call, arguments: list[Typed]) -> Typed:
    return Typed(Call("is null", (arguments[0].made,)), BOOLEAN)


def _compared(call: Call, arguments: list[Typed]) -> Typed:
    """Comparisons and `in`: all of one type, in the same grains."""
    return Typed(Call(call.function, tuple(one.made for one in _alike(call, arguments))), BOOLEAN)


def _alike(call: Call, arguments: list[Typed]) -> list[Typed]:
    """Values of one type; literals fit themselves to the others."""
    others = [one for one in arguments if not isinstance(one.made, Value)] or arguments
    main = next((one for one in others if one.domain.type != "null"), others[0])
    fitting = [one if one is main else _fitting(one, main) for one in arguments]
    written = [isinstance(one.made, Value) for one in fitting]
    if main.domain.type != "number":
        return fitting
    # Only what is written out may be coarser or finer than the rest; so a column is not multiplied for its sake.
    decimals = max(one.domain.decimals for one, out in zip(fitting, written, strict=True) if not out or all(written))
    return [in_grains(one, decimals) for one in fitting]


def _fitting(one: Typed, main: Typed) -> Typed:
    if one.domain.type in (main.domain.type, "null") or main.domain.type == "null":
        return one
    text = one.made.value if main.domain.type == "number" and isinstance(one.made, Value) else None
    if isinstance(text, str) and _NUMBER.fullmatch(text):  # `year = '2025'`: DuckDB reads it as a number too
        return _literal(Value(Fraction(text)))
    kinds = {"number": "numbers", **TYPES, "person": "whom a row is about"}
    reason = f"{_shown(one.made, one.domain)} cannot be compared with {_shown(main.made)}"
    raise Wrong(
        "privacy.literal", f"{reason}, which holds {kinds[main.domain.type]}", "compare it with a value of its own type"
    )


# ---- choices and texts


def _chosen(call: Call, results: list[Typed]) -> Domain:
    """What one of some results can be, all of which are alike."""
    told = [one.domain for one in results if one.domain.type != "null"]
    if not told:
        return NULL
    values = (
        tuple(dict.fromkeys(value for domain in told for value in domain.values)) if all(d.values for d in told) else ()
    )
    if told[0].type != "number":
        return Domain(told[0].type, values=values)
    best = [_best(domain) for domain in told]
    hull = (
        _hull(min, [d.low for d in told]), _hull(max, [d.high for d in told]),
        _hull(min, [low for low, _ in best]), _hull(max, [high for _, high in best]),
    )  # fmt: skip
    return Domain("number", told[0].decimals, *hull, values=values)


def _case(call: Call, arguments: list[Typed]) -> Typed:
    conditions, results = arguments[:-1:2], [*arguments[1::2], arguments[-1]]
    _logical(call, conditions)
    results = _alike(call, results)
    parts: list[Expression] = []
    for one, result in zip(conditions, results, strict=False):
        parts += [one.made, result.made]
    return Typed(Call("case", (*parts, results[-1].made)), _chosen(call, results))


def _coalesced(call: Call, arguments: list[Typed]) -> Typed:
    found = _alike(call, arguments)
    domain = _chosen(call, found[:1] if call.function == "nullif" else found)
    return Typed(Call(call.function, tuple(one.made for one in found)), domain)


def _part(call: Call, arguments: list[Typed]) -> Typed:
    """`substr` of a text, from and for how many letters, both written out."""
    text, *places = arguments
    start, length = (one.made.value if isinstance(one.made, Value) else None for one in places)
    if text.domain.type not in ("text", "null"):
        raise Wrong("privacy.literal", f"{_shown(text.made)} is no text", "cut texts only")
    if not isinstance(start, int) or not isinstance(length, int) or start < 1 or not 1 <= length < 1_000:
        raise Wrong("privacy.literal", "SUBSTR takes two whole numbers above zero", "write SUBSTR(column, 1, 7)")
    values = tuple(dict.fromkeys(str(value)[start - 1 : start - 1 + length] for value in text.domain.values))
    return Typed(Call("substr", (text.made, Value(start), Value(length))), replace(TEXT, values=values))


_RULES: dict[str, Callable[[Call, list[Typed]], Typed]] = {
    **dict.fromkeys(("+", "-", "*"), _reckoned),
    **dict.fromkeys(("//", "floor", "%"), _divided),
    **dict.fromkeys(("neg", "abs"), _signed),
    **dict.fromkeys(("least", "greatest"), _extreme),
    **dict.fromkeys(("and", "or", "not"), _logical),
    **dict.fromkeys(("=", "<>", "<", "<=", ">", ">=", "in"), _compared),
    "is null": _is_null, "case": _case, "coalesce": _coalesced, "nullif": _coalesced, "substr": _part,
}  # fmt: skip


def _named(call: Call) -> str:
    return {"neg": "a minus", "floor": "FLOOR"}.get(call.function, call.function.upper())


def _shown(made: Expression, domain: Domain | None = None) -> str:
    """An expression in a message; what was typed stands in back-ticks."""
    match made:
        case Value(int() as grains) if domain and domain.decimals and not isinstance(grains, bool):
            return f"`{decimal(grains, domain.decimals)}`"
        case Value():
            return f"`{'NULL' if made.value is None else made.value}`"
        case Ref():
            return f"`{made.of or made.name}`"
        case Call():
            return f"what {_named(made)} makes"
