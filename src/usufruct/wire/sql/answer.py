"""The outermost SELECT: totals of all persons, and what is done with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from sqlglot import exp

from usufruct.core.privacy.question import (
    Call,
    Expression,
    Key,
    Measure,
    Ordering,
    Question,
    Ref,
    Relation,
    Value,
)
from usufruct.wire.sql.below import Reader
from usufruct.wire.sql.grammar import (
    CALLS,
    GENERAL,
    MEASURES,
    MIRRORED,
    QUANTILES,
    Unsupported,
    as_typed,
    place_of,
    totals_in,
    whole,
)


@dataclass(slots=True)
class Answer:
    """The outermost SELECT: totals of all persons, and what is done with them. Only where `extremes` are let in can it be a
    MIN or MAX of all."""

    reader: Reader
    tree: exp.Select
    measures: list[Measure] = field(default_factory=list)
    extremes: bool = False

    def question(self, relation: Relation) -> Question:
        tree = self.tree
        group = self.reader.grouped(tree)
        keys: list[Key] = []
        labels: list[str] = []
        for item in tree.expressions:
            label, inner = (str(item.alias), item.this) if isinstance(item, exp.Alias) else ("", item)
            if totals_in(inner):
                measure = self._measure(inner, label)
                self.measures.append(measure)
                labels.append(measure.label)
                continue
            if isinstance(inner, exp.Star):
                raise Unsupported("* beside totals", "name the columns")
            made = self.reader.expression(inner)
            if made not in group:
                shown = f"`{made.name}`" if isinstance(made, Ref) else as_typed(inner)
                raise Unsupported(f"{shown} outside GROUP BY", "add it to GROUP BY, or put it into AVG or SUM")
            if made in [key.made for key in keys]:
                raise Unsupported(f"{as_typed(inner)} twice", "select it once")
            if not label and not isinstance(made, Ref):
                raise Unsupported(f"{as_typed(inner)} without a name", "give it one with AS")
            keys.append(Key(made, label or str(inner.name)))
            labels.append(keys[-1].label)
        if not self.measures:
            raise Unsupported("a question without a total", GENERAL)
        if len({*labels, *(f"{m.label}_margin" for m in self.measures)}) < len(labels) + len(self.measures):
            raise Unsupported("two columns of one name", "give each its own name with AS, not ending in _margin")
        keys += [
            Key(made, made.name if isinstance(made, Ref) else f"_key{n}", shown=False)
            for n, made in enumerate(group) if made not in [key.made for key in keys]
        ]  # fmt: skip
        order = self._ordering(labels, keys)
        having = tree.args.get("having")
        return Question(
            self.reader.text, relation, "aggregates", (), tuple(keys),
            having=self._having(having.this) if having else None,
            measures=tuple(self.measures), order=order, limit=whole(tree, "limit"), offset=whole(tree, "offset") or 0,
            labels=tuple(labels),
        )  # fmt: skip

    def _measure(self, node: exp.Expr, label: str) -> Measure:
        node = node.unnest()
        when: Expression | None = None
        if isinstance(node, exp.Filter):
            when = self.reader.expression(node.expression.this)
            node = node.this
        if isinstance(node, exp.CountIf):
            when, node = self.reader.expression(node.this), exp.Count(this=exp.Star())
        if isinstance(node, exp.Window):
            raise Unsupported(node)
        function, inner, at = self._function(node)
        argument = None if inner is None else self.reader.expression(inner)
        if when is not None:
            if function == "persons":
                raise Unsupported("COUNT(DISTINCT ...) with FILTER", "use WHERE")
            argument = Call("case", (when, Value(Fraction(1)) if argument is None else argument, Value(None)))
        spoken = (
            function
            if function != "quantile"
            else "median"
            if at == Fraction(1, 2)
            else f"quantile_{float(at * 100):g}"
        )
        name = argument.name if isinstance(argument, Ref) else ""
        default = function if function == "persons" or not name else f"{spoken}_{name}"
        return Measure(function, argument, label or default, at)

    def _function(self, node: exp.Expr) -> tuple[str, exp.Expr | None, Fraction]:
        """Function, argument and part of a measure."""
        if self.extremes and isinstance(node, exp.Min | exp.Max) and not isinstance(node.this, exp.Distinct):
            return "minimum" if isinstance(node, exp.Min) else "maximum", node.this, Fraction(0)
        if isinstance(node, exp.Count):
            inner = node.this
            if inner is None or isinstance(inner, exp.Star):
                return "count", None, Fraction(0)
            if isinstance(inner, exp.Distinct):
                if len(inner.expressions) != 1 or not isinstance(inner.expressions[0], exp.Column):
                    raise Unsupported(node, "count persons, with COUNT(DISTINCT person)")
                return "persons", inner.expressions[0], Fraction(0)
            return "count", inner, Fraction(0)
        if type(node) in MEASURES:
            if isinstance(node.this, exp.Distinct):
                raise Unsupported(node, "leave DISTINCT out")
            return MEASURES[type(node)], node.this, Fraction(0)
        if isinstance(node, exp.Median):
            return "quantile", node.this, Fraction(1, 2)
        if type(node) in QUANTILES:
            return "quantile", node.this, self._at(node.args.get(QUANTILES[type(node)]))
        if isinstance(node, exp.WithinGroup) and isinstance(node.this, exp.PercentileCont):
            ordered = node.expression.expressions
            if len(ordered) == 1 and not ordered[0].args.get("desc") and node.this.args.get("expression") is None:
                return "quantile", ordered[0].this, self._at(node.this.this)
        if type(node) in (*CALLS, exp.Div, exp.Neg, exp.Case):
            raise Unsupported("arithmetic with totals", "ask for the totals, and reckon with the answer")
        raise Unsupported(node)

    def _at(self, node: exp.Expr | None) -> Fraction:
        value = self.reader.expression(node).value if isinstance(node, exp.Literal) else None  # type: ignore[union-attr]
        if not isinstance(value, Fraction) or not 0 < value < 1 or (value * 1000).denominator != 1:
            raise Unsupported(
                "this quantile", "give a number between 0 and 1, such as 0.25, with at most three decimals"
            )
        return value

    def _label(self, node: exp.Expr) -> str | None:
        """The column of the answer that a total or a name in HAVING or ORDER BY stands for."""
        node = node.unnest()
        if isinstance(node, exp.Column) and not node.table:
            named = next((m.label for m in self.measures if m.shown and m.label == node.name), None)
            if named:
                return named
        if not totals_in(node):
            return None
        measure = self._measure(node, "")
        same = (
            m.label
            for m in self.measures
            if (m.function, m.argument, m.at) == (measure.function, measure.argument, measure.at)
        )
        return next(same, None)

    def _having(self, node: exp.Expr) -> Expression:
        node = node.unnest()
        if isinstance(node, exp.And | exp.Or):
            return Call(CALLS[type(node)], (self._having(node.this), self._having(node.expression)))
        if isinstance(node, exp.Not):
            return Call("not", (self._having(node.this),))
        if isinstance(node, exp.Between):
            of, low, high = self._compared(node.this), self._bound(node.args["low"]), self._bound(node.args["high"])
            return Call("and", (Call(">=", (of, low)), Call("<=", (of, high))))
        if isinstance(node, exp.Is) and isinstance(node.expression, exp.Null):
            return Call("is null", (self._compared(node.this),))
        operator = CALLS.get(type(node), "")
        if operator not in MIRRORED:
            raise Unsupported("this HAVING", "compare a total with a number")
        left, right = node.this.unnest(), node.expression.unnest()
        if isinstance(left, exp.Literal | exp.Neg):
            left, right, operator = right, left, MIRRORED[operator]
        return Call(operator, (self._compared(left), self._bound(right)))

    def _compared(self, node: exp.Expr) -> Ref:
        label = self._label(node)
        if label is None:
            if not totals_in(node):
                raise Unsupported(f"{as_typed(node)} in HAVING", "compare a total with a number, and columns in WHERE")
            measure = replace(self._measure(node, ""), label=f"_having{len(self.measures)}", shown=False)
            self.measures.append(measure)
            label = measure.label
        return Ref(label)

    def _bound(self, node: exp.Expr) -> Value:
        found = self.reader.expression(node)
        if not isinstance(found, Value) or not isinstance(found.value, Fraction):
            raise Unsupported("this HAVING", "compare a total with a number")
        return found

    def _ordering(self, labels: Sequence[str], keys: Sequence[Key]) -> tuple[Ordering, ...]:
        """The order by columns of the answer: by place, by name, or as written."""
        order = self.tree.args.get("order")
        found = []
        for node in order.expressions if order else ():
            place, inner = place_of(node.this), node.this.unnest()
            name: str | None = None
            if place is not None:
                name = labels[place - 1] if 1 <= place <= len(labels) else None
            elif isinstance(inner, exp.Column) and not inner.table and inner.name in labels:
                name = str(inner.name)
            elif totals_in(inner):
                name = self._label(inner)
            else:
                made = self.reader.expression(inner)
                name = next((key.label for key in keys if key.made == made and key.shown), None)
            if name is None:
                raise Unsupported(f"ORDER BY {as_typed(inner)}", f"order by one of {', '.join(labels)}")
            found.append(Ordering(name, bool(node.args.get("desc"))))
        return tuple(found)
