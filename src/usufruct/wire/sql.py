"""SQL text to a question.

The text is parsed, and what it says is rebuilt as a `Question` from an allow-list: every node of the tree is either
known here and taken over, or the whole text is refused, naming the construct and the nearest thing that is allowed.
Nothing is skipped, nothing passes through as text, and the tree itself goes no further. So it does not matter that the
parser accepts more than any database would: what it accepts and we do not know is a no.
"""

from __future__ import annotations

import logging
import re

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.normalize_identifiers import normalize_identifiers
from sqlglot.optimizer.qualify_tables import qualify_tables

from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.privacy.question import (
    Both,
    Comparison,
    Condition,
    Either,
    IsNull,
    Key,
    Literal,
    Measure,
    Not,
    OneOf,
    Ordering,
    Question,
)

logging.getLogger("sqlglot").setLevel(logging.ERROR)  # its warnings repeat what was typed

TEXT_LIMIT = 10_000
DEPTH_LIMIT = 64

_COMPARISONS: dict[type[exp.Expr], str] = {
    exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">=",
}  # fmt: skip
_MIRRORED = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

# What is most often tried, and what to do instead; anything else gets the general remedy.
_INSTEAD: dict[type[exp.Expr], tuple[str, str]] = {
    exp.Join: ("JOIN", "ask about one asset at a time"),
    exp.With: ("WITH", "write one plain SELECT"),
    exp.Subquery: ("a subquery", "write one plain SELECT from one asset"),
    exp.Select: ("a subquery", "write one plain SELECT from one asset"),
    exp.Having: ("HAVING", "leave it out and filter the answer"),
    exp.Distinct: ("SELECT DISTINCT", "use GROUP BY"),
    exp.Window: ("a window function", "group by a column instead"),
    exp.Min: ("MIN", "ask for AVG, SUM or COUNT; an extreme value belongs to one person"),
    exp.Max: ("MAX", "ask for AVG, SUM or COUNT; an extreme value belongs to one person"),
    exp.Median: ("MEDIAN", "ask for AVG"),
    exp.Quantile: ("a quantile", "ask for AVG"),
    exp.Stddev: ("STDDEV", "ask for AVG"),
    exp.Variance: ("VARIANCE", "ask for AVG"),
    exp.Like: ("LIKE", "compare with = or IN"),
    exp.Case: ("CASE", "use WHERE, or group by the column"),
    exp.Cast: ("CAST", "compare a column with a value of its own type"),
    exp.Union: ("UNION", "ask two questions"),
    exp.Except: ("EXCEPT", "ask two questions"),
    exp.Intersect: ("INTERSECT", "ask two questions"),
    exp.Qualify: ("QUALIFY", "group by a column instead"),
    exp.TableSample: ("SAMPLE", "leave it out"),
    exp.Offset: ("OFFSET", "leave it out"),
}

_GENERAL = (
    "ask for COUNT(*), COUNT(DISTINCT person), SUM or AVG of a column, with WHERE, GROUP BY, ORDER BY and LIMIT, "
    "from one asset"
)

_NOT_ANSWERED = "the question was not answered"


class _Unsupported(Exception):
    def __init__(self, node: exp.Expr | str, remedy: str = "") -> None:
        super().__init__()
        if isinstance(node, str):
            self.name, self.remedy = node, remedy or _GENERAL
        else:
            name, instead = _INSTEAD.get(type(node), (f"`{node.sql(dialect='duckdb')[:60]}`", _GENERAL))
            self.name, self.remedy = name, remedy or instead


def parse(text: str) -> Question | Refusal:
    """The question that `text` asks, or why it cannot be one. Decided from the text alone."""
    if len(text) > TEXT_LIMIT:
        return _malformed(f"it is longer than {TEXT_LIMIT} characters")
    try:
        statements = [s for s in sqlglot.parse(text, dialect="duckdb") if s is not None]
    except (SqlglotError, RecursionError) as error:
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
        tree = qualify_tables(normalize_identifiers(tree, dialect="duckdb"))
        return _question(text, tree)
    except _Unsupported as found:
        return _unsupported(found)
    except (SqlglotError, RecursionError) as error:
        return _malformed(_where(error))


def _question(text: str, tree: exp.Select) -> Question | Refusal:
    _only(tree, "expressions", "from_", "from", "where", "group", "order", "limit", "kind")
    asset = _asset(tree)
    if all(_is_plain(item) for item in tree.expressions) and not tree.args.get("group"):
        where = _condition(tree.args["where"].this) if tree.args.get("where") else None
        return Question(text, asset, "rows", columns=_row_columns(tree), where=where)
    group = _grouping(tree)
    keys: list[Key] = []
    measures: list[Measure] = []
    labels: list[str] = []
    for item in tree.expressions:
        label, inner = (item.alias, item.this) if isinstance(item, exp.Alias) else ("", item)
        if isinstance(inner, exp.Column):
            name = _column(inner)
            if name not in group:
                raise _Unsupported(f"`{name}` outside GROUP BY", f"add GROUP BY {name}, or put it into AVG or SUM")
            keys.append(Key(name, label or name))
        else:
            measures.append(_measure(inner, label))
        labels.append((keys[-1] if isinstance(inner, exp.Column) else measures[-1]).label)
    if not measures:
        raise _Unsupported("a question without a total", _GENERAL)
    if len(set(labels)) != len(labels):
        raise _Unsupported("two columns of one name", "give each its own name with AS")
    keys += [Key(name, name) for name in group if name not in {key.column for key in keys}]
    where = _condition(tree.args["where"].this) if tree.args.get("where") else None
    return Question(
        text,
        asset,
        "aggregates",
        (),
        tuple(keys),
        tuple(measures),
        where,
        _ordering(tree, labels),
        _limit(tree),
        tuple(labels),
    )


def _asset(tree: exp.Select) -> str:
    source = tree.args.get("from_") or tree.args.get("from")
    if source is None:
        raise _Unsupported("a question about nothing", "name an asset after FROM")
    table = source.this
    if not isinstance(table, exp.Table) or not isinstance(table.this, exp.Identifier):
        raise _Unsupported(table)
    if table.args.get("db") or table.args.get("catalog"):
        raise _Unsupported(f"`{table.sql(dialect='duckdb')[:60]}`", "name the asset alone")
    _only(table, "this", "alias")
    return str(table.name)


def _is_plain(item: exp.Expr) -> bool:
    inner = item.this if isinstance(item, exp.Alias) else item
    return isinstance(inner, exp.Star | exp.Column)


def _row_columns(tree: exp.Select) -> tuple[str, ...]:
    items = [item.this if isinstance(item, exp.Alias) else item for item in tree.expressions]
    if any(isinstance(item, exp.Star) or isinstance(item.this, exp.Star) for item in items):
        return ()
    return tuple(dict.fromkeys(_column(item) for item in items))


def _column(node: exp.Expr) -> str:
    if not isinstance(node, exp.Column) or not isinstance(node.this, exp.Identifier):
        raise _Unsupported(node)
    if node.args.get("db") or node.args.get("catalog"):
        raise _Unsupported(node, "name the column alone")
    return str(node.name)


def _grouping(tree: exp.Select) -> tuple[str, ...]:
    group = tree.args.get("group")
    if group is None:
        return ()
    _only(group, "expressions")
    names = []
    for node in group.expressions:
        if isinstance(node, exp.Literal) and not node.is_string and node.name.isdigit():
            place = int(node.name)
            if not 1 <= place <= len(tree.expressions):
                raise _Unsupported(f"GROUP BY {place}", "name the column")
            chosen = tree.expressions[place - 1]
            node = chosen.this if isinstance(chosen, exp.Alias) else chosen
        names.append(_column(node))
    return tuple(dict.fromkeys(names))


def _measure(node: exp.Expr, label: str) -> Measure:
    if isinstance(node, exp.Count):
        _only(node, "this", "expressions", "big_int")
        if node.expressions:
            raise _Unsupported(node)
        inner = node.this
        if inner is None or isinstance(inner, exp.Star):
            return Measure("count", None, label or "count")
        if isinstance(inner, exp.Distinct):
            if len(inner.expressions) != 1 or inner.args.get("on"):
                raise _Unsupported(node)
            return Measure("persons", _column(inner.expressions[0]), label or "persons")
        return Measure("count", _column(inner), label or f"count_{_column(inner)}")
    if isinstance(node, exp.Avg | exp.Sum):
        _only(node, "this")
        function = "average" if isinstance(node, exp.Avg) else "sum"
        name = _column(node.this)
        return Measure(function, name, label or f"{function}_{name}")
    raise _Unsupported(node)


def _ordering(tree: exp.Select, labels: list[str]) -> tuple[Ordering, ...]:
    order = tree.args.get("order")
    if order is None:
        return ()
    _only(order, "expressions")
    found = []
    for node in order.expressions:
        name = node.this.name if isinstance(node.this, exp.Column | exp.Literal) else ""
        if name.isdigit() and 1 <= int(name) <= len(labels):
            name = labels[int(name) - 1]
        if name not in labels:
            raise _Unsupported(
                f"ORDER BY {node.this.sql(dialect='duckdb')[:40]}", f"order by one of {', '.join(labels)}"
            )
        found.append(Ordering(name, bool(node.args.get("desc"))))
    return tuple(found)


def _limit(tree: exp.Select) -> int | None:
    limit = tree.args.get("limit")
    if limit is None:
        return None
    number = limit.expression
    if (
        not isinstance(limit, exp.Limit)
        or not isinstance(number, exp.Literal)
        or not re.fullmatch(r"\d{1,9}", number.name)
    ):
        raise _Unsupported("this LIMIT", "give LIMIT a whole number")
    return int(number.name)


def _condition(node: exp.Expr) -> Condition:
    node = node.unnest()
    if isinstance(node, exp.And):
        return Both(_condition(node.this), _condition(node.expression))
    if isinstance(node, exp.Or):
        return Either(_condition(node.this), _condition(node.expression))
    if isinstance(node, exp.Not):
        return Not(_condition(node.this))
    if isinstance(node, exp.Column):
        return Comparison(_column(node), "=", True)
    if isinstance(node, exp.Is):
        if isinstance(node.expression, exp.Null):
            return IsNull(_column(node.this))
        if isinstance(node.expression, exp.Boolean):
            return Comparison(_column(node.this), "=", bool(node.expression.this))
    if isinstance(node, exp.In) and not node.args.get("query") and node.expressions:
        return OneOf(_column(node.this), tuple(_literal(item) for item in node.expressions))
    if isinstance(node, exp.Between):
        low = Comparison(_column(node.this), ">=", _literal(node.args["low"]))
        return Both(low, Comparison(_column(node.this), "<=", _literal(node.args["high"])))
    operator = _COMPARISONS.get(type(node))
    if operator is None:
        raise _Unsupported(node)
    left, right = node.this, node.expression
    if isinstance(left, exp.Column):
        return Comparison(_column(left), operator, _literal(right))
    return Comparison(_column(right), _MIRRORED[operator], _literal(left))


def _literal(node: exp.Expr) -> Literal:
    if isinstance(node, exp.Boolean):
        return bool(node.this)
    sign = ""
    if isinstance(node, exp.Neg):
        sign, node = "-", node.this
    if isinstance(node, exp.Literal) and node.is_string and not sign:
        return str(node.this)
    if isinstance(node, exp.Literal) and re.fullmatch(r"\d{1,30}(\.\d{1,30})?", node.name):
        return sign + node.name
    raise _Unsupported(node, "compare a column with a plain value")


def _only(node: exp.Expr, *known: str) -> None:
    """Refuses a node that carries more than what is taken over from it."""
    for name, value in node.args.items():
        if name not in known and value not in (None, False, [], ""):
            found = value[0] if isinstance(value, list) else value
            raise _Unsupported(found if isinstance(found, exp.Expr) else node)


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
