"""Below the answer: tables, joins, and steps that stay with one person; and expressions."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

from sqlglot import exp

from usufruct.core.privacy.question import (
    Call,
    Expression,
    Filter,
    Join,
    Named,
    Ref,
    Relation,
    Scan,
    Select,
    Total,
    Totals,
    Value,
    Window,
)
from usufruct.wire.sql.grammar import (
    CALLS,
    LISTS,
    NUMBER,
    TOTALS,
    WINDOWS,
    Unsupported,
    as_typed,
    place_of,
    ref_of,
    totals_in,
)

STEPS_LIMIT = 16  # tables, however often they are named


@dataclass(slots=True)
class Scope:
    """What an expression is read in: windows and totals below the answer become columns under names of ours, kept here."""

    windows: list[Named] | None = None
    totals: list[Total] | None = None


@dataclass(slots=True)
class Reader:
    """One text on its way to a question."""

    text: str
    steps: int = 0
    tables: dict[str, exp.Select] = field(default_factory=dict)
    inside: list[str] = field(default_factory=list)

    def keep(self, tree: exp.Select) -> None:
        """Keeps what WITH names; one may use those before it."""
        found = tree.args.get("with_")
        for common in found.expressions if found else ():
            if not isinstance(common.this, exp.Select):
                raise Unsupported(common.this)
            if common.this.args.get("with_"):
                raise Unsupported("WITH inside WITH", "name all tables in one WITH")
            if common.alias in self.tables:
                raise Unsupported(f"two tables named `{common.alias}`", "give each its own name")
            self.tables[common.alias] = common.this

    # ---- relations

    def below(self, tree: exp.Select) -> Relation:
        """What is selected from, with its WHERE."""
        relation = self._source(tree)
        where = tree.args.get("where")
        return Filter(relation, self.expression(where.this)) if where else relation

    def _source(self, tree: exp.Select) -> Relation:
        source = tree.args.get("from_")
        if source is None:
            raise Unsupported("a question about nothing", "name an asset after FROM")
        relation = self._table(source.this)
        for join in tree.args.get("joins") or ():
            relation = self._join(relation, join)
        return relation

    def _table(self, node: exp.Expr) -> Relation:
        self.steps += 1
        if self.steps > STEPS_LIMIT:
            raise Unsupported("so many tables", f"use at most {STEPS_LIMIT}")
        if isinstance(node, exp.Subquery) and isinstance(node.this, exp.Select):
            if node.this.args.get("with_"):
                raise Unsupported("WITH inside a subquery", "put WITH at the beginning")
            return self._select(node.this, node.alias)
        if not isinstance(node, exp.Table) or not isinstance(node.this, exp.Identifier):
            raise Unsupported(node)
        if node.args.get("db") or node.args.get("catalog"):
            raise Unsupported(node, "name the asset alone")
        name = str(node.name)
        if name not in self.tables:
            return Scan(name, str(node.alias_or_name))
        if name in self.inside:
            raise Unsupported(f"`{name}` within itself", "let a table be made from those before it")
        self.inside.append(name)
        made = self._select(self.tables[name], str(node.alias_or_name))
        self.inside.pop()
        return made

    def _join(self, left: Relation, join: exp.Join) -> Relation:
        kind, side = str(join.args.get("kind") or ""), str(join.args.get("side") or "")
        if kind not in ("", "INNER", "OUTER") or side not in ("", "LEFT") or (kind == "OUTER" and not side):
            raise Unsupported(f"{side or kind} JOIN", "use JOIN or LEFT JOIN, on the person")
        using, on = join.args.get("using"), join.args.get("on")
        pairs: list[tuple[Ref, Ref]] = []
        right = self._table(join.this)
        if using:
            of = _alias(right)
            pairs = [(Ref(str(name.name)), Ref(str(name.name), of)) for name in using]
        elif on is not None:
            pairs = [self._pair(part) for part in _conjuncts(on)]
        else:
            raise Unsupported("a join on nothing", "join on the person: JOIN b ON a.person = b.person")
        return Join(left, right, tuple(pairs), side == "LEFT")

    def _pair(self, node: exp.Expr) -> tuple[Ref, Ref]:
        if isinstance(node, exp.EQ):
            left, right = node.this.unnest(), node.expression.unnest()
            if isinstance(left, exp.Column) and isinstance(right, exp.Column):
                return ref_of(left), ref_of(right)
        raise Unsupported(
            "a join on something else than equal columns", "use ON a.person = b.person, and WHERE for the rest"
        )

    def _select(self, tree: exp.Select, alias: str) -> Relation:
        """A SELECT below the answer."""
        for name in ("order", "limit", "offset"):
            if tree.args.get(name):
                raise Unsupported(f"{name.upper()} below the answer", "use it in the outermost SELECT")
        relation = self.below(tree)
        if tree.args.get("group") or any(totals_in(item) for item in tree.expressions):
            return self._totals(tree, relation, alias)
        scope = Scope(windows=[])
        columns = tuple(self._named(item, scope) for item in tree.expressions)
        qualify = tree.args.get("qualify")
        kept = self.expression(_unaliased(qualify.this, tree), scope) if qualify else None
        if tree.args.get("having"):
            raise Unsupported("HAVING without totals", "use WHERE")
        if scope.windows:
            relation = Select(relation, (Named("", None), *scope.windows), "")
        if kept is not None:
            relation = Filter(relation, kept)
        return Select(relation, columns, alias)

    def _named(self, item: exp.Expr, scope: Scope) -> Named:
        inner = item.this if isinstance(item, exp.Alias) else item
        if isinstance(inner, exp.Star):
            return Named("", None)
        if isinstance(inner, exp.Column) and isinstance(inner.this, exp.Star):
            return Named(inner.table, None)
        made = self.expression(inner, scope)
        if not isinstance(item, exp.Alias) and not isinstance(inner, exp.Column):
            raise Unsupported(f"{as_typed(inner)} without a name", "give it one with AS")
        return Named(str(item.alias_or_name), made)

    def _totals(self, tree: exp.Select, relation: Relation, alias: str) -> Relation:
        """A SELECT below the answer that adds up the rows of each person."""
        scope = Scope(totals=[])
        keys, columns = list[Named](), list[Named]()
        for made in self.grouped(tree):
            name = next((i.alias_or_name for i in tree.expressions if self._is(i, made)), f"_key{len(keys)}")
            keys.append(Named(str(name), made))
        for item in tree.expressions:
            inner = item.this if isinstance(item, exp.Alias) else item
            if isinstance(inner, exp.Star):
                raise Unsupported("* beside totals", "name the columns")
            made = self.expression(inner, scope)
            key = next((key for key in keys if key.made == made), None)
            if key is None and isinstance(made, Ref) and not any(t.name == made.name for t in scope.totals or ()):
                raise Unsupported(f"`{made.name}` outside GROUP BY", "add it to GROUP BY, or put it into SUM")
            if not isinstance(item, exp.Alias) and not isinstance(inner, exp.Column):
                raise Unsupported(f"{as_typed(inner)} without a name", "give it one with AS")
            columns.append(Named(str(item.alias_or_name), Ref(key.name) if key else made))
        having = tree.args.get("having")
        kept = self.expression(having.this, scope) if having else None
        totals: Relation = Totals(relation, tuple(keys), tuple(scope.totals or ()), "")
        return Select(Filter(totals, kept) if kept is not None else totals, tuple(columns), alias)

    def _is(self, item: exp.Expr, made: Expression) -> bool:
        inner = item.this if isinstance(item, exp.Alias) else item
        return not totals_in(inner) and not isinstance(inner, exp.Star) and self.expression(inner) == made

    def grouped(self, tree: exp.Select) -> list[Expression]:
        """What is grouped by, each once: by place, by the name of a column of the answer, or as written."""
        group = tree.args.get("group")
        named = {i.alias: i.this for i in tree.expressions if isinstance(i, exp.Alias) and not totals_in(i.this)}
        found: dict[Expression, None] = {}
        for node in group.expressions if group else ():
            if (place := place_of(node)) is not None:
                if not 1 <= place <= len(tree.expressions):
                    raise Unsupported(f"GROUP BY {place}", "name the column")
                chosen = tree.expressions[place - 1]
                node = chosen.this if isinstance(chosen, exp.Alias) else chosen
            elif isinstance(node, exp.Column) and not node.table and node.name in named:
                node = named[node.name]
            found[self.expression(node)] = None
        return list(found)

    # ---- expressions

    def expression(self, node: exp.Expr, scope: Scope | None = None) -> Expression:
        """A value of one row."""
        node = node.unnest()
        read: Callable[[exp.Expr], Expression] = lambda inner: self.expression(inner, scope)  # noqa: E731
        if isinstance(node, exp.Column):
            return ref_of(node)
        if type(node) in CALLS:
            return Call(CALLS[type(node)], (read(node.this), read(node.expression)))
        if type(node) in LISTS:
            return Call(LISTS[type(node)], (read(node.this), *map(read, node.expressions)))
        match node:
            case exp.Not():
                return Call("not", (read(node.this),))
            case exp.Neg():
                return _negative(read(node.this))
            case exp.Abs():
                return Call("abs", (read(node.this),))
            case exp.Is():
                return self._is_what(node, read)
            case exp.In():
                if not node.expressions:
                    raise Unsupported("IN with a subquery", "list the values, or join on the person")
                return Call("in", (read(node.this), *(_written(read(item), item) for item in node.expressions)))
            case exp.Between():
                value = read(node.this)
                low, high = read(node.args["low"]), read(node.args["high"])
                return Call("and", (Call(">=", (value, low)), Call("<=", (value, high))))
            case exp.Floor() if isinstance(node.this.unnest(), exp.Div):
                inner = node.this.unnest()
                return Call("floor", (read(inner.this), read(inner.expression)))
            case exp.Case():
                return self._case(node, read)
            case exp.If():
                default = node.args.get("false")
                return Call(
                    "case", (read(node.this), read(node.args["true"]), read(default) if default else Value(None))
                )
            case exp.Substring() | exp.Left():
                return self._part(node, read)
            case exp.Window() if scope is not None and scope.windows is not None:
                scope.windows.append(Named(f"_window{len(scope.windows)}_{len(self.text)}", self._window(node)))
                return Ref(scope.windows[-1].name)
            case exp.Count() | exp.Sum() | exp.Min() | exp.Max() | exp.Filter() if scope and scope.totals is not None:
                function, argument = self._total(node)
                known = next((t for t in scope.totals if (t.function, t.argument) == (function, argument)), None)
                if known is None:
                    known = Total(f"_total{len(scope.totals)}", function, argument)
                    scope.totals.append(known)
                return Ref(known.name)
        return self._literal(node)

    def _literal(self, node: exp.Expr) -> Value:
        if isinstance(node, exp.Boolean):
            return Value(bool(node.this))
        if isinstance(node, exp.Null):
            return Value(None)
        if isinstance(node, exp.Literal) and node.is_string:
            return Value(str(node.this))
        if isinstance(node, exp.Literal) and re.fullmatch(NUMBER, node.name):
            return Value(Fraction(node.name))
        raise Unsupported(node)

    def _is_what(self, node: exp.Is, read: Callable[[exp.Expr], Expression]) -> Expression:
        value = read(node.this)
        if isinstance(node.expression, exp.Null):
            return Call("is null", (value,))
        if isinstance(node.expression, exp.Boolean):  # never unknown, unlike `=`: so its opposite holds for nulls
            same = Call("=", (value, Value(bool(node.expression.this))))
            return Call("and", (same, Call("not", (Call("is null", (value,)),))))
        raise Unsupported(node)

    def _case(self, node: exp.Case, read: Callable[[exp.Expr], Expression]) -> Expression:
        of = node.args.get("this")
        parts: list[Expression] = []
        for branch in node.args["ifs"]:
            when = read(branch.this)
            parts += [Call("=", (read(of), when)) if of is not None else when, read(branch.args["true"])]
        default = node.args.get("default")
        return Call("case", (*parts, read(default) if default is not None else Value(None)))

    def _part(self, node: exp.Expr, read: Callable[[exp.Expr], Expression]) -> Expression:
        if isinstance(node, exp.Left):
            return Call("substr", (read(node.this), Value(Fraction(1)), read(node.expression)))
        start, length = node.args.get("start"), node.args.get("length")
        if start is None or length is None:
            raise Unsupported("SUBSTR without a length", "write SUBSTR(column, 1, 7)")
        return Call("substr", (read(node.this), read(start), read(length)))

    def _window(self, node: exp.Window) -> Window:
        function = WINDOWS.get(type(node.this))
        if function is None:
            raise Unsupported(node.this)
        argument = node.this.args.get("this")
        if isinstance(argument, exp.Distinct):
            raise Unsupported(node.this, "leave DISTINCT out")
        counted = None if argument is None or isinstance(argument, exp.Star) else self.expression(argument)
        offset = node.this.args.get("offset")
        steps = 1 if offset is None else place_of(offset)
        if steps is None or not 1 <= steps <= 1_000:
            raise Unsupported(f"{function.upper()} by {as_typed(node.this)}", "give it a whole number from 1 to 1000")
        order = node.args.get("order")
        by = tuple((self.expression(o.this), bool(o.args.get("desc"))) for o in (order.expressions if order else ()))
        if function in ("row_number", "lag", "lead") and not by:
            raise Unsupported(f"{function.upper()} without an order", "add ORDER BY to its OVER")
        partition = tuple(self.expression(part) for part in node.args.get("partition_by") or ())
        return Window(function, counted, steps, partition, by)

    def _total(self, node: exp.Expr) -> tuple[str, Expression | None]:
        """Function and argument of a total of one person."""
        when: Expression | None = None
        if isinstance(node, exp.Filter):
            when = self.expression(node.expression.this)
            node = node.this
        if type(node) not in TOTALS or isinstance(node.this, exp.Distinct):
            raise Unsupported(node, "use COUNT, SUM, MIN or MAX below the answer")
        star = node.this is None or isinstance(node.this, exp.Star)
        argument = None if star else self.expression(node.this)
        if when is not None:
            argument = Call("case", (when, Value(Fraction(1)) if argument is None else argument, Value(None)))
        return TOTALS[type(node)], argument


def _unaliased(condition: exp.Expr, tree: exp.Select) -> exp.Expr:
    """A condition in which the names of windows stand for them, as in QUALIFY."""
    named = {i.alias: i.this for i in tree.expressions if isinstance(i, exp.Alias) and isinstance(i.this, exp.Window)}
    return condition.transform(
        lambda node: named[node.name].copy() if isinstance(node, exp.Column) and node.name in named else node
    )


def _alias(relation: Relation) -> str:
    match relation:
        case Scan() | Select() | Totals():
            return relation.alias
        case _:
            raise Unsupported("USING here", "write ON a.person = b.person")


def _conjuncts(node: exp.Expr) -> list[exp.Expr]:
    node = node.unnest()
    return [*_conjuncts(node.this), *_conjuncts(node.expression)] if isinstance(node, exp.And) else [node]


def _negative(inner: Expression) -> Expression:
    if isinstance(inner, Value) and isinstance(inner.value, Fraction):
        return Value(-inner.value)
    return Call("neg", (inner,))


def _written(made: Expression, node: exp.Expr) -> Value:
    if not isinstance(made, Value):
        raise Unsupported(f"IN with {as_typed(node)}", "list plain values")
    return made
