"""What may stand in a question: the allow-list of nodes, and what is said of the others."""

from __future__ import annotations

import re

from sqlglot import exp

from usufruct.core.privacy.question import Ref

NUMBER = r"[0-9]{1,30}(\.[0-9]{1,30})?"

CALLS: dict[type[exp.Expr], str] = {
    exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">=", exp.And: "and", exp.Or: "or",
    exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.IntDiv: "//", exp.Mod: "%", exp.Nullif: "nullif",
}  # fmt: skip
"""Nodes of two sides."""
LISTS: dict[type[exp.Expr], str] = {exp.Least: "least", exp.Greatest: "greatest", exp.Coalesce: "coalesce"}
MIRRORED = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

TOTALS: dict[type[exp.Expr], str] = {exp.Count: "count", exp.Sum: "sum", exp.Min: "min", exp.Max: "max"}
WINDOWS: dict[type[exp.Expr], str] = {**TOTALS, exp.RowNumber: "row_number", exp.Lag: "lag", exp.Lead: "lead"}
QUANTILES: dict[type[exp.Expr], str] = {exp.PercentileCont: "expression", exp.Quantile: "quantile"}
MEASURES: dict[type[exp.Expr], str] = {
    exp.Sum: "sum", exp.Avg: "average", exp.Variance: "variance", exp.Stddev: "deviation", exp.StddevSamp: "deviation",
}  # fmt: skip

# Every node that may stand in a question, with what it may carry: all of this is taken over below, or refused there
# with better words. Another node, or one that carries more, would say something that the `Question` does not.
CARRIES: dict[type[exp.Expr], tuple[str, ...]] = {
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
    **dict.fromkeys(CALLS, ("this", "expression")),
    **dict.fromkeys(LISTS, ("this", "expressions", "ignore_nulls")),
    **dict.fromkeys(MEASURES, ("this",)),
}

_BEGINNING = "compare with = or IN, or a beginning with SUBSTR(column, 1, 3) = 'abc'"

# What is most often tried, and what to do instead; anything else gets the general remedy.
_INSTEAD: dict[type[exp.Expr], tuple[str, str]] = {
    exp.Distinct: ("SELECT DISTINCT", "use GROUP BY"),
    exp.Min: ("MIN", "ask for QUANTILE_CONT(column, 0.01); an extreme value belongs to one person"),
    exp.Max: ("MAX", "ask for QUANTILE_CONT(column, 0.99); an extreme value belongs to one person"),
    exp.VariancePop: ("VAR_POP", "ask for VARIANCE"),
    exp.StddevPop: ("STDDEV_POP", "ask for STDDEV"),
    exp.PercentileDisc: ("QUANTILE_DISC", "ask for QUANTILE_CONT"),
    exp.ApproxQuantile: ("APPROX_QUANTILE", "ask for QUANTILE_CONT"),
    exp.Like: ("LIKE", _BEGINNING),
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
    exp.Columns: ("", "name the columns"),
    exp.PositionalColumn: ("", "name the column"),
    exp.Star: ("", "name the columns, or use * alone"),
    exp.Join: ("", "use JOIN or LEFT JOIN, on the person"),
    exp.Lateral: ("", "use JOIN or LEFT JOIN, on the person"),
    exp.Group: ("", "name the columns after GROUP BY"),
    exp.Cube: ("", "ask a question for each grouping"),
    exp.Rollup: ("", "ask a question for each grouping"),
    exp.GroupingSets: ("", "ask a question for each grouping"),
    exp.With: ("", "use WITH without RECURSIVE"),
    exp.CTE: ("", "write WITH name AS (SELECT ...)"),
    exp.TryCast: ("", "compare a column with a value of its own type"),
    exp.SimilarTo: ("", _BEGINNING),
    exp.Glob: ("", _BEGINNING),
    exp.RegexpLike: ("", _BEGINNING),
    exp.Contains: ("", _BEGINNING),
    exp.Ntile: ("", "use ROW_NUMBER"),
    exp.NullSafeEQ: ("", "use = and IS NULL"),
    exp.NullSafeNEQ: ("", "use <> and IS NULL"),
    exp.RawString: ("", "write a text in single quotes"),
    exp.ByteString: ("", "write a text in single quotes"),
    exp.Literal: ("", "write a number with digits and a point"),
}
"""Without a name it is shown as it was typed."""

GENERAL = (
    "ask for COUNT, SUM, AVG, VARIANCE, STDDEV, MEDIAN or QUANTILE_CONT, with WHERE, GROUP BY, HAVING, ORDER BY and LIMIT, "
    "from assets joined on the person"
)

NOT_ANSWERED = "the question was not answered"


class Unsupported(Exception):
    """Names a construct that is not answered, and what to do instead."""

    def __init__(self, node: exp.Expr | str, remedy: str = "") -> None:
        super().__init__()
        if isinstance(node, str):
            self.name, self.remedy = node, remedy or GENERAL
        else:
            name, instead = _INSTEAD.get(type(node)) or ("", GENERAL)
            self.name, self.remedy = name or as_typed(node), remedy or instead


def known(node: exp.Expr) -> None:
    """Refuses a node that is not in the table, or carries more than the table says."""
    if type(node) not in CARRIES:
        raise Unsupported(node)
    name = (
        node.args.get("alias")
        if isinstance(node, exp.Alias)
        else node.this
        if isinstance(node, exp.TableAlias)
        else None
    )
    if name is not None and not isinstance(name, exp.Identifier):
        raise Unsupported(name)
    for part, value in node.args.items():
        if part in CARRIES[type(node)] or value in (None, False, [], ""):
            continue
        found = value[0] if isinstance(value, list) else value
        if type(found) in _INSTEAD or (isinstance(found, exp.Expr) and isinstance(node, exp.Select | exp.Group)):
            raise Unsupported(found)
        raise Unsupported(f"SELECT with {found}" if isinstance(node, exp.Select) else node)


def as_typed(node: exp.Expr) -> str:
    """A piece of what was typed, for a message."""
    return f"`{node.sql(dialect='duckdb')[:60] or type(node).__name__.upper()}`"


ADDING = (
    exp.Count, exp.CountIf, exp.Sum, exp.Avg, exp.Min, exp.Max, exp.Variance, exp.Stddev, exp.StddevSamp, exp.Median,
    exp.PercentileCont, exp.Quantile, exp.WithinGroup, exp.Filter,
)  # fmt: skip


def totals_in(node: exp.Expr) -> bool:
    """Whether a node adds up rows, other than in a window."""
    if isinstance(node, exp.Window):
        return False
    if isinstance(node, ADDING):
        return True
    return any(totals_in(child) for child in node.iter_expressions())


def is_plain(item: exp.Expr) -> bool:
    """Whether a column, or all of them, is asked for as it is."""
    inner = item.this if isinstance(item, exp.Alias) else item
    return isinstance(inner, exp.Star | exp.Column)


def ref_of(node: exp.Expr) -> Ref:
    """The column that a node names.

    Raises:
        Unsupported: it names none.
    """
    if not isinstance(node, exp.Column) or not isinstance(node.this, exp.Identifier):
        raise Unsupported(node)
    if node.args.get("db") or node.args.get("catalog"):
        raise Unsupported(node, "name the column alone")
    return Ref(str(node.name), str(node.table))


def place_of(node: exp.Expr) -> int | None:
    """The place that a number in GROUP BY or ORDER BY stands for."""
    whole = isinstance(node, exp.Literal) and not node.is_string and re.fullmatch(r"[0-9]{1,9}", node.name)
    return int(node.name) if whole else None


def whole(tree: exp.Select, name: str) -> int | None:
    """The number of a LIMIT or OFFSET.

    Raises:
        Unsupported: it is not written out.
    """
    found = tree.args.get(name)
    if found is None:
        return None
    number = place_of(found.expression)
    if number is None:
        raise Unsupported(f"this {name.upper()}", f"give {name.upper()} a whole number")
    return number
