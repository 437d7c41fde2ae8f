"""SQL text to a question.

The text is parsed, and what it says is rebuilt as a `Question` from an allow-list: every node of the tree is either
known here and taken over, or the whole text is refused, naming the construct and the nearest thing that is allowed.
Nothing is skipped, nothing passes through as text, and the tree itself goes no further. So it does not matter that the
parser accepts more than any database would: what it accepts and we do not know is a no.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

import sqlglot
from sqlglot import exp
from sqlglot.optimizer.normalize_identifiers import normalize_identifiers

from usufruct.core.base.canonical import holdable
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.privacy.question import (
    Call,
    Expression,
    Filter,
    Join,
    Key,
    Literal,
    Measure,
    Named,
    Ordering,
    Question,
    Ref,
    Relation,
    Scan,
    Select,
    Total,
    Totals,
    Value,
    Window,
)

logging.getLogger("sqlglot").setLevel(logging.ERROR)  # its warnings repeat what was typed

TEXT_LIMIT = 10_000
DEPTH_LIMIT = 64
STEPS_LIMIT = 16  # tables, however often they are named

# Control characters, halves of characters, and marks of no width or that turn the writing around: what is read later,
# in the journal or on a member's page, must be what was asked.
_UNSEEN = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)

_NUMBER = r"[0-9]{1,30}(\.[0-9]{1,30})?"

_CALLS: dict[type[exp.Expr], str] = {
    exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">=", exp.And: "and", exp.Or: "or",
    exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.IntDiv: "//", exp.Mod: "%", exp.Nullif: "nullif",
}  # fmt: skip
"""Nodes of two sides."""
_LISTS: dict[type[exp.Expr], str] = {exp.Least: "least", exp.Greatest: "greatest", exp.Coalesce: "coalesce"}
_MIRRORED = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

_TOTALS: dict[type[exp.Expr], str] = {exp.Count: "count", exp.Sum: "sum", exp.Min: "min", exp.Max: "max"}
_WINDOWS: dict[type[exp.Expr], str] = {**_TOTALS, exp.RowNumber: "row_number", exp.Lag: "lag", exp.Lead: "lead"}
_QUANTILES: dict[type[exp.Expr], str] = {exp.PercentileCont: "expression", exp.Quantile: "quantile"}
_MEASURES: dict[type[exp.Expr], str] = {
    exp.Sum: "sum", exp.Avg: "average", exp.Variance: "variance", exp.Stddev: "deviation", exp.StddevSamp: "deviation",
}  # fmt: skip

# Every node that may stand in a question, with what it may carry: all of this is taken over below, or refused there
# with better words. Another node, or one that carries more, would say something that the `Question` does not.
_CARRIES: dict[type[exp.Expr], tuple[str, ...]] = {
    exp.Select: (
        "expressions",
        "from_",
        "joins",
        "where",
        "group",
        "having",
        "order",
        "limit",
        "offset",
        "with_",
        "qualify",
    ),
    exp.With: ("expressions",),
    exp.CTE: ("this", "alias"),
    exp.Subquery: ("this", "alias"),
    exp.Join: ("this", "on", "using", "side", "kind"),
    exp.From: ("this",),
    exp.Table: ("this", "alias", "db", "catalog"),
    exp.TableAlias: ("this",),
    exp.Alias: ("this", "alias"),
    exp.Identifier: ("this", "quoted"),
    exp.Column: ("this", "table", "db", "catalog"),
    exp.Star: (),
    exp.Count: ("this", "big_int"),
    exp.CountIf: ("this", "big_int"),
    exp.Distinct: ("expressions",),
    exp.Median: ("this",),
    exp.PercentileCont: ("this", "expression"),
    exp.Quantile: ("this", "quantile"),
    exp.WithinGroup: ("this", "expression"),
    exp.Min: ("this",),
    exp.Max: ("this",),
    exp.Filter: ("this", "expression"),
    exp.Window: ("this", "partition_by", "order", "over"),
    exp.RowNumber: (),
    exp.Lag: ("this", "offset"),
    exp.Lead: ("this", "offset"),
    exp.Where: ("this",),
    exp.Group: ("expressions",),
    exp.Having: ("this",),
    exp.Qualify: ("this",),
    exp.Order: ("expressions",),
    exp.Ordered: ("this", "desc"),
    exp.Limit: ("expression",),
    exp.Offset: ("expression",),
    exp.Paren: ("this",),
    exp.Not: ("this",),
    exp.Is: ("this", "expression"),
    exp.In: ("this", "expressions"),
    exp.Between: ("this", "low", "high"),
    exp.Neg: ("this",),
    exp.Abs: ("this",),
    exp.Floor: ("this",),
    exp.Div: ("this", "expression", "typed", "safe"),
    exp.Case: ("this", "ifs", "default"),
    exp.If: ("this", "true", "false"),
    exp.Substring: ("this", "start", "length"),
    exp.Left: ("this", "expression"),
    exp.Literal: ("this", "is_string"),
    exp.Boolean: ("this",),
    exp.Null: (),
    exp.Placeholder: ("this",),
    **dict.fromkeys(_CALLS, ("this", "expression")),
    **dict.fromkeys(_LISTS, ("this", "expressions", "ignore_nulls")),
    **dict.fromkeys(_MEASURES, ("this",)),
}

# What is most often tried, and what to do instead; anything else gets the general remedy.
_INSTEAD: dict[type[exp.Expr], tuple[str, str]] = {
    exp.Distinct: ("SELECT DISTINCT", "use GROUP BY"),
    exp.Min: ("MIN", "ask for QUANTILE_CONT(column, 0.01); an extreme value belongs to one person"),
    exp.Max: ("MAX", "ask for QUANTILE_CONT(column, 0.99); an extreme value belongs to one person"),
    exp.VariancePop: ("VAR_POP", "ask for VARIANCE"),
    exp.StddevPop: ("STDDEV_POP", "ask for STDDEV"),
    exp.PercentileDisc: ("QUANTILE_DISC", "ask for QUANTILE_CONT"),
    exp.ApproxQuantile: ("APPROX_QUANTILE", "ask for QUANTILE_CONT"),
    exp.Like: ("LIKE", "compare with = or IN, or a beginning with SUBSTR(column, 1, 3) = 'abc'"),
    exp.ILike: ("ILIKE", "compare with = or IN"),
    exp.StartsWith: ("STARTS_WITH", "compare a beginning: SUBSTR(column, 1, 3) = 'abc'"),
    exp.Cast: ("CAST", "compare a column with a value of its own type"),
    exp.Round: ("ROUND", "use FLOOR(column / 10), or round the answer"),
    exp.Div: ("a division that is not rounded", "use FLOOR(a / 10) or a // 10, or divide in the answer"),
    exp.Union: ("UNION", "ask two questions"),
    exp.Except: ("EXCEPT", "ask two questions"),
    exp.Intersect: ("INTERSECT", "ask two questions"),
    exp.TableSample: ("SAMPLE", "leave it out"),
    exp.Fetch: ("FETCH", "use LIMIT with a whole number"),
    exp.LimitOptions: ("LIMIT with more than a number", "give LIMIT a whole number"),
    exp.Placeholder: ("a parameter", "write the value itself"),
    exp.Parameter: ("a parameter", "write the value itself"),
    exp.SessionParameter: ("a parameter", "write the value itself"),
    exp.Window: ("a window here", "use it below the totals: SELECT AVG(n) FROM (SELECT ... OVER (...) AS n FROM ...)"),
    exp.WindowSpec: ("a window with a frame", "leave ROWS or RANGE out"),
    exp.DenseRank: ("DENSE_RANK", "use ROW_NUMBER"),
    exp.Rank: ("RANK", "use ROW_NUMBER"),
    exp.Exists: ("EXISTS", "join on the person, and count"),
    exp.Subquery: ("a subquery here", "use it after FROM or JOIN"),
    exp.Select: ("a subquery here", "use it after FROM or JOIN"),
}

_GENERAL = (
    "ask for COUNT, SUM, AVG, VARIANCE, STDDEV, MEDIAN or QUANTILE_CONT, with WHERE, GROUP BY, HAVING, ORDER BY and LIMIT, "
    "from assets joined on the person"
)

_NOT_ANSWERED = "the question was not answered"


class _Unsupported(Exception):
    def __init__(self, node: exp.Expr | str, remedy: str = "") -> None:
        super().__init__()
        if isinstance(node, str):
            self.name, self.remedy = node, remedy or _GENERAL
        else:
            name, instead = _INSTEAD.get(type(node)) or (_shown(node), _GENERAL)
            self.name, self.remedy = name, remedy or instead


def parse(text: str, values: Mapping[str, Literal | Fraction] | None = None) -> Question | Refusal:
    """The question that `text` asks, or why it cannot be one. Decided from the text alone. What is written `$name` stands
    for the value of that name."""
    if len(text) > TEXT_LIMIT:
        return _malformed(f"it is longer than {TEXT_LIMIT} characters")
    if unseen := _UNSEEN.search(text):
        return _malformed(f"it holds the character U+{ord(unseen[0]):04X}, which cannot be seen")
    text = holdable(text)
    try:
        statements = [s for s in sqlglot.parse(text, dialect="duckdb") if s and not isinstance(s, exp.Semicolon)]
    except Exception as error:  # not only its own: on some texts (`SHOW ALL`) the parser fails by accident
        return _malformed(_where(error))
    if len(statements) != 1:
        count = "no statement" if not statements else f"{len(statements)} statements"
        return refuse("query.statements", _NOT_ANSWERED, f"it holds {count}", remedy="ask one question at a time")
    tree = statements[0]
    if isinstance(tree, exp.SetOperation):
        return _unsupported(_Unsupported(tree))
    if not isinstance(tree, exp.Select):
        return refuse(
            "query.statements",
            _NOT_ANSWERED,
            f"`{text.split()[0][:20].upper()}` is not a question",
            remedy="begin with SELECT",
        )
    try:
        if _depth(tree) > DEPTH_LIMIT:
            return _malformed("it is nested too deeply")
        for node in tree.bfs():
            _known(node)
        return _Reader(text, values or {}).question(normalize_identifiers(tree, dialect="duckdb"))
    except _Unsupported as found:
        return _unsupported(found)
    except RecursionError as error:
        return _malformed(_where(error))


@dataclass(slots=True)
class _Scope:
    """What an expression is read in: windows and totals below the answer become columns under names of ours, kept here."""

    windows: list[Named] | None = None
    totals: list[Total] | None = None


@dataclass(slots=True)
class _Reader:
    """One text on its way to a question."""

    text: str
    values: Mapping[str, Literal | Fraction]
    steps: int = 0
    tables: dict[str, exp.Select] = field(default_factory=dict)
    inside: list[str] = field(default_factory=list)

    def question(self, tree: exp.Select) -> Question:
        self._with(tree)
        if not tree.args.get("group") and not tree.args.get("having") and all(map(_is_plain, tree.expressions)):
            return self._rows(tree)
        for name in ("qualify",):
            if tree.args.get(name):
                raise _Unsupported("QUALIFY of totals", "use HAVING")
        relation = self._below(tree)
        return _Answer(self, tree).question(relation)

    def _with(self, tree: exp.Select) -> None:
        """Keeps what WITH names; one may use those before it."""
        found = tree.args.get("with_")
        for common in found.expressions if found else ():
            if not isinstance(common.this, exp.Select):
                raise _Unsupported(common.this)
            if common.this.args.get("with_"):
                raise _Unsupported("WITH inside WITH", "name all tables in one WITH")
            if common.alias in self.tables:
                raise _Unsupported(f"two tables named `{common.alias}`", "give each its own name")
            self.tables[common.alias] = common.this

    # ---- relations

    def _below(self, tree: exp.Select) -> Relation:
        """What is selected from, with its WHERE."""
        relation = self._source(tree)
        where = tree.args.get("where")
        return Filter(relation, self.expression(where.this)) if where else relation

    def _source(self, tree: exp.Select) -> Relation:
        source = tree.args.get("from_")
        if source is None:
            raise _Unsupported("a question about nothing", "name an asset after FROM")
        relation = self._table(source.this)
        for join in tree.args.get("joins") or ():
            relation = self._join(relation, join)
        return relation

    def _table(self, node: exp.Expr) -> Relation:
        self.steps += 1
        if self.steps > STEPS_LIMIT:
            raise _Unsupported("so many tables", f"use at most {STEPS_LIMIT}")
        if isinstance(node, exp.Subquery) and isinstance(node.this, exp.Select):
            if node.this.args.get("with_"):
                raise _Unsupported("WITH inside a subquery", "put WITH at the beginning")
            return self._select(node.this, node.alias)
        if not isinstance(node, exp.Table) or not isinstance(node.this, exp.Identifier):
            raise _Unsupported(node)
        if node.args.get("db") or node.args.get("catalog"):
            raise _Unsupported(node, "name the asset alone")
        name = str(node.name)
        if name not in self.tables:
            return Scan(name, str(node.alias_or_name))
        if name in self.inside:
            raise _Unsupported(f"`{name}` within itself", "let a table be made from those before it")
        self.inside.append(name)
        made = self._select(self.tables[name], str(node.alias_or_name))
        self.inside.pop()
        return made

    def _join(self, left: Relation, join: exp.Join) -> Relation:
        kind, side = str(join.args.get("kind") or ""), str(join.args.get("side") or "")
        if kind not in ("", "INNER", "OUTER") or side not in ("", "LEFT") or (kind == "OUTER" and not side):
            raise _Unsupported(f"{side or kind} JOIN", "use JOIN or LEFT JOIN, on the person")
        using, on = join.args.get("using"), join.args.get("on")
        pairs: list[tuple[Ref, Ref]] = []
        right = self._table(join.this)
        if using:
            of = _alias(right)
            pairs = [(Ref(str(name.name)), Ref(str(name.name), of)) for name in using]
        elif on is not None:
            pairs = [self._pair(part) for part in _conjuncts(on)]
        else:
            raise _Unsupported("a join on nothing", "join on the person: JOIN b ON a.person = b.person")
        return Join(left, right, tuple(pairs), side == "LEFT")

    def _pair(self, node: exp.Expr) -> tuple[Ref, Ref]:
        if isinstance(node, exp.EQ):
            left, right = node.this.unnest(), node.expression.unnest()
            if isinstance(left, exp.Column) and isinstance(right, exp.Column):
                return _column(left), _column(right)
        raise _Unsupported(
            "a join on something else than equal columns", "use ON a.person = b.person, and WHERE for the rest"
        )

    def _select(self, tree: exp.Select, alias: str) -> Relation:
        """A SELECT below the answer."""
        for name in ("order", "limit", "offset"):
            if tree.args.get(name):
                raise _Unsupported(f"{name.upper()} below the answer", "use it in the outermost SELECT")
        relation = self._below(tree)
        if tree.args.get("group") or any(_totals_in(item) for item in tree.expressions):
            return self._totals(tree, relation, alias)
        scope = _Scope(windows=[])
        columns = tuple(self._named(item, scope) for item in tree.expressions)
        qualify = tree.args.get("qualify")
        kept = self.expression(qualify.this, scope) if qualify else None
        if tree.args.get("having"):
            raise _Unsupported("HAVING without totals", "use WHERE")
        if scope.windows:
            relation = Select(relation, (Named("", None), *scope.windows), "")
        if kept is not None:
            relation = Filter(relation, kept)
        return Select(relation, columns, alias)

    def _named(self, item: exp.Expr, scope: _Scope) -> Named:
        inner = item.this if isinstance(item, exp.Alias) else item
        if isinstance(inner, exp.Star):
            return Named("", None)
        if isinstance(inner, exp.Column) and isinstance(inner.this, exp.Star):
            return Named(inner.table, None)
        made = self.expression(inner, scope)
        if not isinstance(item, exp.Alias) and not isinstance(inner, exp.Column):
            raise _Unsupported(f"{_shown(inner)} without a name", "give it one with AS")
        return Named(str(item.alias_or_name), made)

    def _totals(self, tree: exp.Select, relation: Relation, alias: str) -> Relation:
        """A SELECT below the answer that adds up the rows of each person."""
        scope = _Scope(totals=[])
        keys, columns = list[Named](), list[Named]()
        for made in self._grouped(tree):
            name = next((i.alias_or_name for i in tree.expressions if self._is(i, made)), f"_key{len(keys)}")
            keys.append(Named(str(name), made))
        for item in tree.expressions:
            inner = item.this if isinstance(item, exp.Alias) else item
            if isinstance(inner, exp.Star):
                raise _Unsupported("* beside totals", "name the columns")
            made = self.expression(inner, scope)
            key = next((key for key in keys if key.made == made), None)
            if key is None and isinstance(made, Ref) and not any(t.name == made.name for t in scope.totals or ()):
                raise _Unsupported(f"`{made.name}` outside GROUP BY", "add it to GROUP BY, or put it into SUM")
            if not isinstance(item, exp.Alias) and not isinstance(inner, exp.Column):
                raise _Unsupported(f"{_shown(inner)} without a name", "give it one with AS")
            columns.append(Named(str(item.alias_or_name), Ref(key.name) if key else made))
        having = tree.args.get("having")
        kept = self.expression(having.this, scope) if having else None
        totals: Relation = Totals(relation, tuple(keys), tuple(scope.totals or ()), "")
        return Select(Filter(totals, kept) if kept is not None else totals, tuple(columns), alias)

    def _is(self, item: exp.Expr, made: Expression) -> bool:
        inner = item.this if isinstance(item, exp.Alias) else item
        return not _totals_in(inner) and not isinstance(inner, exp.Star) and self.expression(inner) == made

    def _grouped(self, tree: exp.Select) -> list[Expression]:
        """What is grouped by, each once: by place, by the name of a column of the answer, or as written."""
        group = tree.args.get("group")
        named = {i.alias: i.this for i in tree.expressions if isinstance(i, exp.Alias) and not _totals_in(i.this)}
        found: dict[Expression, None] = {}
        for node in group.expressions if group else ():
            if (place := _place(node)) is not None:
                if not 1 <= place <= len(tree.expressions):
                    raise _Unsupported(f"GROUP BY {place}", "name the column")
                chosen = tree.expressions[place - 1]
                node = chosen.this if isinstance(chosen, exp.Alias) else chosen
            elif isinstance(node, exp.Column) and not node.table and node.name in named:
                node = named[node.name]
            found[self.expression(node)] = None
        return list(found)

    def _rows(self, tree: exp.Select) -> Question:
        source = tree.args.get("from_")
        table = source.this if source else None
        if tree.args.get("joins") or not isinstance(table, exp.Table) or table.name in self.tables:
            if table is None:
                raise _Unsupported("a question about nothing", "name an asset after FROM")
            raise _Unsupported("rows of more than one plain table", "ask for totals, or for the rows of one asset")
        if tree.args.get("qualify") or tree.args.get("offset"):
            raise _Unsupported("QUALIFY or OFFSET of rows", "use WHERE, ORDER BY and LIMIT")
        relation = self._below(tree)
        items = [item.this if isinstance(item, exp.Alias) else item for item in tree.expressions]
        labels = tuple(str(item.alias_or_name) for item in tree.expressions)
        every = any(isinstance(item, exp.Star) or isinstance(item.this, exp.Star) for item in items)
        columns = () if every else tuple(dict.fromkeys(_column(item).name for item in items))
        for column in tree.find_all(exp.Column):
            if column.table and column.table != table.alias_or_name:
                raise _Unsupported(column, "name the column alone")
        order = tree.args.get("order")
        ordered = [
            Ordering(_column(o.this).name, bool(o.args.get("desc"))) for o in (order.expressions if order else ())
        ]
        return Question(
            self.text, relation, "rows", columns, order=tuple(ordered), limit=_whole(tree, "limit"), labels=labels
        )

    # ---- expressions

    def expression(self, node: exp.Expr, scope: _Scope | None = None) -> Expression:
        """A value of one row."""
        node = node.unnest()
        read: Callable[[exp.Expr], Expression] = lambda inner: self.expression(inner, scope)  # noqa: E731
        if isinstance(node, exp.Column):
            return _column(node)
        if type(node) in _CALLS:
            return Call(_CALLS[type(node)], (read(node.this), read(node.expression)))
        if type(node) in _LISTS:
            return Call(_LISTS[type(node)], (read(node.this), *map(read, node.expressions)))
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
                    raise _Unsupported("IN with a subquery", "list the values, or join on the person")
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
        if isinstance(node, exp.Literal) and re.fullmatch(_NUMBER, node.name):
            return Value(Fraction(node.name))
        if isinstance(node, exp.Placeholder) and node.name in self.values:
            value = self.values[node.name]
            return Value(Fraction(value) if isinstance(value, int) and not isinstance(value, bool) else value)
        raise _Unsupported(node)

    def _is_what(self, node: exp.Is, read: Callable[[exp.Expr], Expression]) -> Expression:
        value = read(node.this)
        if isinstance(node.expression, exp.Null):
            return Call("is null", (value,))
        if isinstance(node.expression, exp.Boolean):  # never unknown, unlike `=`: so its opposite holds for nulls
            same = Call("=", (value, Value(bool(node.expression.this))))
            return Call("and", (same, Call("not", (Call("is null", (value,)),))))
        raise _Unsupported(node)

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
            raise _Unsupported("SUBSTR without a length", "write SUBSTR(column, 1, 7)")
        return Call("substr", (read(node.this), read(start), read(length)))

    def _window(self, node: exp.Window) -> Window:
        function = _WINDOWS.get(type(node.this))
        if function is None:
            raise _Unsupported(node.this)
        argument = node.this.args.get("this")
        if isinstance(argument, exp.Distinct):
            raise _Unsupported(node.this, "leave DISTINCT out")
        counted = None if argument is None or isinstance(argument, exp.Star) else self.expression(argument)
        offset = node.this.args.get("offset")
        steps = 1 if offset is None else _place(offset)
        if steps is None or not 1 <= steps <= 1_000:
            raise _Unsupported(f"{function.upper()} by {_shown(node.this)}", "give it a whole number from 1 to 1000")
        order = node.args.get("order")
        by = tuple((self.expression(o.this), bool(o.args.get("desc"))) for o in (order.expressions if order else ()))
        if function in ("row_number", "lag", "lead") and not by:
            raise _Unsupported(f"{function.upper()} without an order", "add ORDER BY to its OVER")
        partition = tuple(self.expression(part) for part in node.args.get("partition_by") or ())
        return Window(function, counted, steps, partition, by)

    def _total(self, node: exp.Expr) -> tuple[str, Expression | None]:
        """Function and argument of a total of one person."""
        when: Expression | None = None
        if isinstance(node, exp.Filter):
            when = self.expression(node.expression.this)
            node = node.this
        if type(node) not in _TOTALS or isinstance(node.this, exp.Distinct):
            raise _Unsupported(node, "use COUNT, SUM, MIN or MAX below the answer")
        star = node.this is None or isinstance(node.this, exp.Star)
        argument = None if star else self.expression(node.this)
        if when is not None:
            argument = Call("case", (when, Value(Fraction(1)) if argument is None else argument, Value(None)))
        return _TOTALS[type(node)], argument


@dataclass(slots=True)
class _Answer:
    """The outermost SELECT: totals of all persons, and what is done with them."""

    reader: _Reader
    tree: exp.Select
    measures: list[Measure] = field(default_factory=list)

    def question(self, relation: Relation) -> Question:
        tree = self.tree
        group = self.reader._grouped(tree)
        keys: list[Key] = []
        labels: list[str] = []
        for item in tree.expressions:
            label, inner = (str(item.alias), item.this) if isinstance(item, exp.Alias) else ("", item)
            if _totals_in(inner):
                measure = self._measure(inner, label)
                self.measures.append(measure)
                labels.append(measure.label)
                continue
            if isinstance(inner, exp.Star):
                raise _Unsupported("* beside totals", "name the columns")
            made = self.reader.expression(inner)
            if made not in group:
                shown = f"`{made.name}`" if isinstance(made, Ref) else _shown(inner)
                raise _Unsupported(f"{shown} outside GROUP BY", "add it to GROUP BY, or put it into AVG or SUM")
            if made in [key.made for key in keys]:
                raise _Unsupported(f"{_shown(inner)} twice", "select it once")
            if not label and not isinstance(made, Ref):
                raise _Unsupported(f"{_shown(inner)} without a name", "give it one with AS")
            keys.append(Key(made, label or str(inner.name)))
            labels.append(keys[-1].label)
        if not self.measures:
            raise _Unsupported("a question without a total", _GENERAL)
        if len({*labels, *(f"{m.label}_margin" for m in self.measures)}) < len(labels) + len(self.measures):
            raise _Unsupported("two columns of one name", "give each its own name with AS, not ending in _margin")
        keys += [
            Key(made, made.name if isinstance(made, Ref) else f"_key{n}", shown=False)
            for n, made in enumerate(group) if made not in [key.made for key in keys]
        ]  # fmt: skip
        order = self._ordering(labels, keys)
        having = tree.args.get("having")
        return Question(
            self.reader.text, relation, "aggregates", (), tuple(keys),
            having=self._having(having.this) if having else None,
            measures=tuple(self.measures), order=order, limit=_whole(tree, "limit"), offset=_whole(tree, "offset") or 0,
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
            raise _Unsupported(node)
        function, inner, at = self._function(node)
        argument = None if inner is None else self.reader.expression(inner)
        if when is not None:
            if function == "persons":
                raise _Unsupported("COUNT(DISTINCT ...) with FILTER", "use WHERE")
            argument = Call("case", (when, Value(Fraction(1)) if argument is None else argument, Value(None)))
        spoken = {"quantile": f"quantile_{at.numerator}_{at.denominator}"}.get(function, function)
        name = argument.name if isinstance(argument, Ref) else ""
        default = function if function == "persons" or not name else f"{spoken}_{name}"
        return Measure(function, argument, label or default, at)

    def _function(self, node: exp.Expr) -> tuple[str, exp.Expr | None, Fraction]:
        """Function, argument and part of a measure."""
        if isinstance(node, exp.Count):
            inner = node.this
            if inner is None or isinstance(inner, exp.Star):
                return "count", None, Fraction(0)
            if isinstance(inner, exp.Distinct):
                if len(inner.expressions) != 1 or not isinstance(inner.expressions[0], exp.Column):
                    raise _Unsupported(node, "count persons, with COUNT(DISTINCT person)")
                return "persons", inner.expressions[0], Fraction(0)
            return "count", inner, Fraction(0)
        if type(node) in _MEASURES:
            if isinstance(node.this, exp.Distinct):
                raise _Unsupported(node, "leave DISTINCT out")
            return _MEASURES[type(node)], node.this, Fraction(0)
        if isinstance(node, exp.Median):
            return "quantile", node.this, Fraction(1, 2)
        if type(node) in _QUANTILES:
            return "quantile", node.this, self._at(node.args.get(_QUANTILES[type(node)]))
        if isinstance(node, exp.WithinGroup) and isinstance(node.this, exp.PercentileCont):
            ordered = node.expression.expressions
            if len(ordered) == 1 and not ordered[0].args.get("desc") and node.this.args.get("expression") is None:
                return "quantile", ordered[0].this, self._at(node.this.this)
        if type(node) in (*_CALLS, exp.Div, exp.Neg, exp.Case):
            raise _Unsupported("arithmetic with totals", "ask for the totals, and reckon with the answer")
        raise _Unsupported(node)

    def _at(self, node: exp.Expr | None) -> Fraction:
        value = self.reader.expression(node).value if isinstance(node, exp.Literal | exp.Placeholder) else None  # type: ignore[union-attr]
        if not isinstance(value, Fraction) or not 0 < value < 1 or (value * 1000).denominator != 1:
            raise _Unsupported(
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
        if not _totals_in(node):
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
            return Call(_CALLS[type(node)], (self._having(node.this), self._having(node.expression)))
        if isinstance(node, exp.Not):
            return Call("not", (self._having(node.this),))
        if isinstance(node, exp.Between):
            of, low, high = self._compared(node.this), self._bound(node.args["low"]), self._bound(node.args["high"])
            return Call("and", (Call(">=", (of, low)), Call("<=", (of, high))))
        if isinstance(node, exp.Is) and isinstance(node.expression, exp.Null):
            return Call("is null", (self._compared(node.this),))
        operator = _CALLS.get(type(node), "")
        if operator not in _MIRRORED:
            raise _Unsupported("this HAVING", "compare a total with a number")
        left, right = node.this.unnest(), node.expression.unnest()
        if isinstance(left, exp.Literal | exp.Neg | exp.Placeholder):
            left, right, operator = right, left, _MIRRORED[operator]
        return Call(operator, (self._compared(left), self._bound(right)))

    def _compared(self, node: exp.Expr) -> Ref:
        label = self._label(node)
        if label is None:
            if not _totals_in(node):
                raise _Unsupported(f"{_shown(node)} in HAVING", "compare a total with a number, and columns in WHERE")
            measure = replace(self._measure(node, ""), label=f"_having{len(self.measures)}", shown=False)
            self.measures.append(measure)
            label = measure.label
        return Ref(label)

    def _bound(self, node: exp.Expr) -> Value:
        found = self.reader.expression(node)
        if not isinstance(found, Value) or not isinstance(found.value, Fraction):
            raise _Unsupported("this HAVING", "compare a total with a number")
        return found

    def _ordering(self, labels: Sequence[str], keys: Sequence[Key]) -> tuple[Ordering, ...]:
        """The order by columns of the answer: by place, by name, or as written."""
        order = self.tree.args.get("order")
        found = []
        for node in order.expressions if order else ():
            place, inner = _place(node.this), node.this.unnest()
            name: str | None = None
            if place is not None:
                name = labels[place - 1] if 1 <= place <= len(labels) else None
            elif isinstance(inner, exp.Column) and not inner.table and inner.name in labels:
                name = str(inner.name)
            elif _totals_in(inner):
                name = self._label(inner)
            else:
                made = self.reader.expression(inner)
                name = next((key.label for key in keys if key.made == made and key.shown), None)
            if name is None:
                raise _Unsupported(f"ORDER BY {_shown(inner)}", f"order by one of {', '.join(labels)}")
            found.append(Ordering(name, bool(node.args.get("desc"))))
        return tuple(found)


_ADDING = (
    exp.Count, exp.CountIf, exp.Sum, exp.Avg, exp.Min, exp.Max, exp.Variance, exp.Stddev, exp.StddevSamp, exp.Median,
    exp.PercentileCont, exp.Quantile, exp.WithinGroup, exp.Filter,
)  # fmt: skip


def _totals_in(node: exp.Expr) -> bool:
    """Whether a node adds up rows, other than in a window."""
    if isinstance(node, exp.Window):
        return False
    if isinstance(node, _ADDING):
        return True
    return any(_totals_in(child) for child in node.iter_expressions())


def _alias(relation: Relation) -> str:
    match relation:
        case Scan() | Select() | Totals():
            return relation.alias
        case _:
            raise _Unsupported("USING here", "write ON a.person = b.person")


def _conjuncts(node: exp.Expr) -> list[exp.Expr]:
    node = node.unnest()
    return [*_conjuncts(node.this), *_conjuncts(node.expression)] if isinstance(node, exp.And) else [node]


def _negative(inner: Expression) -> Expression:
    if isinstance(inner, Value) and isinstance(inner.value, Fraction):
        return Value(-inner.value)
    return Call("neg", (inner,))


def _written(made: Expression, node: exp.Expr) -> Value:
    if not isinstance(made, Value):
        raise _Unsupported(f"IN with {_shown(node)}", "list plain values")
    return made


def _is_plain(item: exp.Expr) -> bool:
    inner = item.this if isinstance(item, exp.Alias) else item
    return isinstance(inner, exp.Star | exp.Column)


def _column(node: exp.Expr) -> Ref:
    if not isinstance(node, exp.Column) or not isinstance(node.this, exp.Identifier):
        raise _Unsupported(node)
    if node.args.get("db") or node.args.get("catalog"):
        raise _Unsupported(node, "name the column alone")
    return Ref(str(node.name), str(node.table))


def _place(node: exp.Expr) -> int | None:
    """The place that a number in GROUP BY or ORDER BY stands for."""
    whole = isinstance(node, exp.Literal) and not node.is_string and re.fullmatch(r"[0-9]{1,9}", node.name)
    return int(node.name) if whole else None


def _whole(tree: exp.Select, name: str) -> int | None:
    found = tree.args.get(name)
    if found is None:
        return None
    number = _place(found.expression)
    if number is None:
        raise _Unsupported(f"this {name.upper()}", f"give {name.upper()} a whole number")
    return number


def _known(node: exp.Expr) -> None:
    """Refuses a node that is not in the table, or carries more than the table says."""
    if type(node) not in _CARRIES:
        raise _Unsupported(node)
    for name, value in node.args.items():
        if name in _CARRIES[type(node)] or value in (None, False, [], ""):
            continue
        found = value[0] if isinstance(value, list) else value
        if type(found) in _INSTEAD or (isinstance(found, exp.Expr) and isinstance(node, exp.Select | exp.Group)):
            raise _Unsupported(found)
        raise _Unsupported(f"SELECT with {found}" if isinstance(node, exp.Select) else node)


def _shown(node: exp.Expr) -> str:
    return f"`{node.sql(dialect='duckdb')[:60] or type(node).__name__.upper()}`"


def _depth(tree: exp.Expr) -> int:
    return max(node.depth for node in tree.walk())


def _where(error: Exception) -> str:
    for item in getattr(error, "errors", []):
        if item.get("line"):
            return f"it cannot be read near line {item['line']}, column {item['col']}"
    return "it cannot be read"


def _malformed(reason: str) -> Refusal:
    return refuse("query.malformed", _NOT_ANSWERED, reason, remedy=f"write one SQL question; {_GENERAL}")


def _unsupported(found: _Unsupported) -> Refusal:
    return refuse(
        "query.unsupported", _NOT_ANSWERED, f"{found.name} is not something this node answers", remedy=found.remedy
    )
