"""SQL text to a question.

The text is parsed, and what it says is rebuilt as a `Question` from an allow-list: every node of the tree is either
known here and taken over, or the whole text is refused, naming the construct and the nearest thing that is allowed.
Nothing is skipped, nothing passes through as text, and the tree itself goes no further. So it does not matter that the
parser accepts more than any database would: what it accepts and we do not know is a no.

Values that come beside the text stand in its tree as literals, where `$name` is compared with a column. They are never
text that is parsed, so whatever they hold they are one literal, and the question is the one that was written.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping

import sqlglot
from sqlglot import exp
from sqlglot.optimizer.normalize_identifiers import normalize_identifiers

from usufruct.core.base.canonical import holdable
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

# Control characters, halves of characters, and marks of no width or that turn the writing around: what is read later,
# in the journal or on a member's page, must be what was asked.
_UNSEEN = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)

_COMPARISONS: dict[type[exp.Expr], str] = {
    exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">=",
}  # fmt: skip
_DIGITS = 30
_NUMBER = rf"[0-9]{{1,{_DIGITS}}}(\.[0-9]{{1,{_DIGITS}}})?"
_MIRRORED = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

# Every node that may stand in a question, with what it may carry: all of this is taken over below, or refused there
# with better words. Another node, or one that carries more, would say something that the `Question` does not.
_CARRIES: dict[type[exp.Expr], tuple[str, ...]] = {
    exp.Select: ("expressions", "from_", "where", "group", "order", "limit"),
    exp.From: ("this",),
    exp.Table: ("this", "alias", "db", "catalog"),
    exp.TableAlias: ("this",),
    exp.Alias: ("this", "alias"),
    exp.Identifier: ("this", "quoted"),
    exp.Column: ("this", "table", "db", "catalog"),
    exp.Star: (),
    exp.Count: ("this", "big_int"),
    exp.Distinct: ("expressions",),
    exp.Avg: ("this",),
    exp.Sum: ("this",),
    exp.Where: ("this",),
    exp.Group: ("expressions",),
    exp.Order: ("expressions",),
    exp.Ordered: ("this", "desc"),
    exp.Limit: ("expression",),
    exp.Paren: ("this",),
    exp.Not: ("this",),
    exp.And: ("this", "expression"),
    exp.Or: ("this", "expression"),
    exp.Is: ("this", "expression"),
    exp.In: ("this", "expressions"),
    exp.Between: ("this", "low", "high"),
    exp.Neg: ("this",),
    exp.Literal: ("this", "is_string"),
    exp.Boolean: ("this",),
    exp.Null: (),
    **dict.fromkeys(_COMPARISONS, ("this", "expression")),
}

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
    exp.Fetch: ("FETCH", "use LIMIT with a whole number"),
    exp.LimitOptions: ("LIMIT with more than a number", "give LIMIT a whole number"),
    exp.Placeholder: ("a parameter here", "write the value itself; in a template, compare a column with `$name`"),
    exp.Parameter: ("a parameter", "write the value itself"),
    exp.SessionParameter: ("a parameter", "write the value itself"),
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
            name, instead = _INSTEAD.get(type(node)) or (_shown(node), _GENERAL)
            self.name, self.remedy = name, remedy or instead


def parse(text: str, values: Mapping[str, Literal] | None = None) -> Question | Refusal:
    """The question that `text` asks, or why it cannot be one. Decided from the text and the values alone.

    With `values` the text may compare columns with `$name`, and each is the literal of that name; the `text` of the question
    is then the same with the literals written out.
    """
    typed = [text, *(value for value in (values or {}).values() if isinstance(value, str))]
    if sum(map(len, typed)) > TEXT_LIMIT:
        return _malformed(f"it is longer than {TEXT_LIMIT} characters")
    if unseen := next(filter(None, map(_UNSEEN.search, typed)), None):
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
        if values is not None:
            _bind(tree, values)
            text = tree.sql(dialect="duckdb", comments=False)
        for node in tree.bfs():
            _known(node)
        return _question(text, normalize_identifiers(tree, dialect="duckdb"))
    except _Unsupported as found:
        return _unsupported(found)
    except RecursionError as error:
        return _malformed(_where(error))


def _bind(tree: exp.Select, values: Mapping[str, Literal]) -> None:
    """Puts the values in their places: in what is compared, and nowhere else."""
    where = tree.args.get("where")
    for gap in list(where.find_all(exp.Placeholder)) if where else ():
        if isinstance(gap.this, str) and gap.this in values:
            gap.replace(_as_node(values[gap.this]))


def _as_node(value: Literal) -> exp.Expr:
    if isinstance(value, bool):
        return exp.Boolean(this=value)
    if isinstance(value, str):
        return exp.Literal.string(holdable(value))
    if abs(value) >= 10**_DIGITS:
        raise _Unsupported("so large a number", f"use at most {_DIGITS} digits")
    number = exp.Literal.number(str(abs(value)))
    return exp.Neg(this=number) if value < 0 else number


def _question(text: str, tree: exp.Select) -> Question | Refusal:
    asset = _asset(tree)
    where = _condition(tree.args["where"].this) if tree.args.get("where") else None
    if all(_is_plain(item) for item in tree.expressions) and not tree.args.get("group"):
        columns, names = _row_columns(tree)
        return Question(
            text, asset, "rows", columns, where=where, order=_ordering(tree, None), limit=_limit(tree), labels=names
        )
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
            if name in (key.column for key in keys):
                raise _Unsupported(f"`{name}` twice", "select it once")
            keys.append(Key(name, label or name))
        else:
            measures.append(_measure(inner, label))
        labels.append((keys[-1] if isinstance(inner, exp.Column) else measures[-1]).label)
    if not measures:
        raise _Unsupported("a question without a total", _GENERAL)
    if len({*labels, *(f"{measure.label}_margin" for measure in measures)}) < len(labels) + len(measures):
        raise _Unsupported("two columns of one name", "give each its own name with AS, not ending in _margin")
    keys += [Key(name, name) for name in group if name not in {key.column for key in keys}]
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
    source = tree.args.get("from_")
    if source is None:
        raise _Unsupported("a question about nothing", "name an asset after FROM")
    table = source.this
    if not isinstance(table, exp.Table) or not isinstance(table.this, exp.Identifier):
        raise _Unsupported(table)
    if table.args.get("db") or table.args.get("catalog"):
        raise _Unsupported(table, "name the asset alone")
    for column in tree.find_all(exp.Column):
        if column.table and column.table != table.alias_or_name:
            raise _Unsupported(column, "name the column alone")
    return str(table.name)


def _is_plain(item: exp.Expr) -> bool:
    inner = item.this if isinstance(item, exp.Alias) else item
    return isinstance(inner, exp.Star | exp.Column)


def _row_columns(tree: exp.Select) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The columns of which the rows are asked for (none means all), and what they are to be called."""
    items = [item.this if isinstance(item, exp.Alias) else item for item in tree.expressions]
    labels = tuple(item.alias_or_name for item in tree.expressions)
    if any(isinstance(item, exp.Star) or isinstance(item.this, exp.Star) for item in items):
        return (), labels
    return tuple(dict.fromkeys(_column(item) for item in items)), labels


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
    names = []
    for node in group.expressions:
        if place := _place(node):
            if not 1 <= place <= len(tree.expressions):
                raise _Unsupported(f"GROUP BY {place}", "name the column")
            chosen = tree.expressions[place - 1]
            node = chosen.this if isinstance(chosen, exp.Alias) else chosen
        names.append(_column(node))
    return tuple(dict.fromkeys(names))


def _measure(node: exp.Expr, label: str) -> Measure:
    if isinstance(node, exp.Count):
        inner = node.this
        if inner is None or isinstance(inner, exp.Star):
            return Measure("count", None, label or "count")
        if isinstance(inner, exp.Distinct):
            if len(inner.expressions) != 1:
                raise _Unsupported(node)
            return Measure("persons", _column(inner.expressions[0]), label or "persons")
        return Measure("count", _column(inner), label or f"count_{_column(inner)}")
    if isinstance(node, exp.Avg | exp.Sum):
        if isinstance(node.this, exp.Distinct):
            raise _Unsupported(node, "leave DISTINCT out")
        function = "average" if isinstance(node, exp.Avg) else "sum"
        name = _column(node.this)
        return Measure(function, name, label or f"{function}_{name}")
    raise _Unsupported(node)


def _ordering(tree: exp.Select, labels: list[str] | None) -> tuple[Ordering, ...]:
    """The order by names or places among `labels`; None stands for rows, which any column can order."""
    order = tree.args.get("order")
    if order is None:
        return ()
    found = []
    for node in order.expressions:
        place = _place(node.this)
        if labels is None:
            name = _column(node.this)
        elif place and place <= len(labels):
            name = labels[place - 1]
        elif isinstance(node.this, exp.Column) and not node.this.table and node.this.name in labels:
            name = node.this.name
        else:
            raise _Unsupported(f"ORDER BY {_shown(node.this)}", f"order by one of {', '.join(labels)}")
        found.append(Ordering(name, bool(node.args.get("desc"))))
    return tuple(found)


def _place(node: exp.Expr) -> int | None:
    """The place that a number in GROUP BY or ORDER BY stands for."""
    whole = isinstance(node, exp.Literal) and not node.is_string and re.fullmatch(r"[0-9]{1,9}", node.name)
    return int(node.name) if whole else None


def _limit(tree: exp.Select) -> int | None:
    limit = tree.args.get("limit")
    if limit is None:
        return None
    number = limit.expression
    if not isinstance(number, exp.Literal) or number.is_string or not re.fullmatch(r"[0-9]{1,9}", number.name):
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
        if isinstance(node.expression, exp.Boolean):  # never unknown, unlike `=`: so its opposite holds for nulls
            name = _column(node.this)
            return Both(Comparison(name, "=", bool(node.expression.this)), Not(IsNull(name)))
    if isinstance(node, exp.In) and node.expressions:
        return OneOf(_column(node.this), tuple(_literal(item) for item in node.expressions))
    if isinstance(node, exp.Between):
        low = Comparison(_column(node.this), ">=", _literal(node.args["low"]))
        return Both(low, Comparison(_column(node.this), "<=", _literal(node.args["high"])))
    operator = _COMPARISONS.get(type(node))
    if operator is None:
        raise _Unsupported(node)
    left, right = node.this.unnest(), node.expression.unnest()
    if isinstance(left, exp.Column):
        return Comparison(_column(left), operator, _literal(right))
    if isinstance(right, exp.Column):
        return Comparison(_column(right), _MIRRORED[operator], _literal(left))
    raise _Unsupported(node, "compare a column with a plain value")


def _literal(node: exp.Expr) -> Literal:
    if isinstance(node, exp.Boolean):
        return bool(node.this)
    sign = ""
    if isinstance(node, exp.Neg):
        sign, node = "-", node.this
    if isinstance(node, exp.Literal) and node.is_string and not sign:
        return str(node.this)
    if isinstance(node, exp.Literal) and not node.is_string and re.fullmatch(_NUMBER, node.name):
        return sign + node.name
    raise _Unsupported(node, "compare a column with a plain value")


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
