"""SQL text to a question.

The text is parsed, and what it says is rebuilt as a `Question` from an allow-list: every node of the tree is either
known here and taken over, or the whole text is refused, naming the construct and the nearest thing that is allowed.
Nothing is skipped, nothing passes through as text, and the tree itself goes no further. So it does not matter that the
parser accepts more than any database would: what it accepts and we do not know is a no.

Values that come beside the text stand in its tree as literals, where `$name` is compared. They are never text that is
parsed, so whatever they hold they are one literal, and the question is the one that was written.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from functools import partial

import sqlglot
from sqlglot import exp
from sqlglot.optimizer.normalize_identifiers import normalize_identifiers

from usufruct.core.base.canonical import holdable
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.privacy.question import Literal, Ordering, Question
from usufruct.wire.sql.answer import Answer
from usufruct.wire.sql.below import Reader
from usufruct.wire.sql.grammar import DIGITS, GENERAL, NOT_ANSWERED, Unsupported, is_plain, known, ref_of, whole

logging.getLogger("sqlglot").setLevel(logging.ERROR)  # its warnings repeat what was typed

TEXT_LIMIT = 10_000
DEPTH_LIMIT = 64
STEPS_LIMIT = 16  # tables, however often they are named

# Control characters, halves of characters, and marks of no width or that turn the writing around: what is read later,
# in the journal or on a member's page, must be what was asked.
_UNSEEN = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


def parse(text: str, values: Mapping[str, Literal] | None = None) -> Question | Refusal:
    """The question that `text` asks, or why it cannot be one. Decided from the text and the values alone.

    With `values` the text may compare columns with `$name`, and each is the literal of that name; the `text` of the question
    is then the same with the literals written out.
    """
    return _parsed(text, values, _question)


def parse_total(text: str) -> Question | Refusal:
    """The same for totals of which holders' shares are worked out, and which nobody is answered: MIN and MAX may be among
    them (as the functions `minimum` and `maximum`)."""
    return _parsed(text, None, partial(_totals, extremes=True))


def _parsed(
    text: str, values: Mapping[str, Literal] | None, read: Callable[[Reader, exp.Select], Question]
) -> Question | Refusal:
    typed = [text, *(value for value in (values or {}).values() if isinstance(value, str))]
    if sum(map(len, typed)) > TEXT_LIMIT:
        return _malformed(f"it is longer than {TEXT_LIMIT} characters")
    if unseen := next(filter(None, map(_UNSEEN.search, typed)), None):
        return _malformed(f"it holds the character U+{ord(unseen[0]):04X}, which cannot be seen")
    text = holdable(text)
    try:
        statements = [s for s in sqlglot.parse(text, dialect="duckdb") if s and not isinstance(s, exp.Semicolon)]
    except RecursionError:
        return _malformed("it is nested too deeply")
    except Exception as error:  # not only its own: on some texts (`SHOW ALL`) the parser fails by accident
        return _malformed(_where(error))
    if len(statements) != 1:
        count = "no statement" if not statements else f"{len(statements)} statements"
        return refuse("query.statements", NOT_ANSWERED, f"it holds {count}", remedy="ask one question at a time")
    tree = statements[0]
    if isinstance(tree, exp.SetOperation):
        return _unsupported(Unsupported(tree))
    if not isinstance(tree, exp.Select):
        return refuse(
            "query.statements",
            NOT_ANSWERED,
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
            known(node)
        return read(Reader(text), normalize_identifiers(tree, dialect="duckdb"))
    except Unsupported as found:
        return _unsupported(found)
    except RecursionError:
        return _malformed("it is nested too deeply")


def _bind(tree: exp.Select, values: Mapping[str, Literal]) -> None:
    """Puts the values in their places: in what is compared, and nowhere else."""
    for where in tree.find_all(exp.Where):
        for gap in list(where.find_all(exp.Placeholder)):
            if isinstance(gap.this, str) and gap.this in values:
                gap.replace(_as_node(values[gap.this]))


def _as_node(value: Literal) -> exp.Expr:
    if isinstance(value, bool):
        return exp.Boolean(this=value)
    if isinstance(value, str):
        return exp.Literal.string(holdable(value))
    if abs(value) >= 10**DIGITS:
        raise Unsupported("so large a number", f"use at most {DIGITS} digits")
    number = exp.Literal.number(str(abs(value)))
    return exp.Neg(this=number) if value < 0 else number


def _question(reader: Reader, tree: exp.Select) -> Question:
    if not tree.args.get("group") and not tree.args.get("having") and all(map(is_plain, tree.expressions)):
        reader.keep(tree)
        return _rows(reader, tree)
    return _totals(reader, tree)


def _totals(reader: Reader, tree: exp.Select, extremes: bool = False) -> Question:
    reader.keep(tree)
    if tree.args.get("qualify"):
        raise Unsupported("QUALIFY of totals", "use HAVING")
    return Answer(reader, tree, extremes=extremes).question(reader.below(tree))


def _rows(reader: Reader, tree: exp.Select) -> Question:
    """A question for the rows of one table."""
    source = tree.args.get("from_")
    if source is None:
        raise Unsupported("a question about nothing", "name an asset after FROM")
    if tree.args.get("joins") or not isinstance(source.this, exp.Table) or source.this.name in reader.tables:
        raise Unsupported("rows of more than one plain table", "ask for totals, or for the rows of one asset")
    if tree.args.get("qualify") or tree.args.get("offset"):
        raise Unsupported("QUALIFY or OFFSET of rows", "use WHERE, ORDER BY and LIMIT")
    for named in tree.find_all(exp.Column):
        if named.table and named.table != source.this.alias_or_name:
            raise Unsupported(named, "name the column alone")
    items = [item.this if isinstance(item, exp.Alias) else item for item in tree.expressions]
    every = any(isinstance(item, exp.Star) or isinstance(item.this, exp.Star) for item in items)
    columns = () if every else tuple(dict.fromkeys(ref_of(item).name for item in items))
    order = tree.args.get("order")
    ordered = (Ordering(ref_of(o.this).name, bool(o.args.get("desc"))) for o in (order.expressions if order else ()))
    labels = tuple(str(item.alias_or_name) for item in tree.expressions)
    return Question(
        reader.text, reader.below(tree), "rows", columns, order=tuple(ordered), limit=whole(tree, "limit"), labels=labels
    )  # fmt: skip


def _depth(tree: exp.Expr) -> int:
    return max(node.depth for node in tree.walk())


def _where(error: Exception) -> str:
    for item in getattr(error, "errors", []):
        if item.get("line"):
            return f"it cannot be read near line {item['line']}, column {item['col']}"
    return "it cannot be read"


def _malformed(reason: str) -> Refusal:
    return refuse("query.malformed", NOT_ANSWERED, reason, remedy=f"write one SQL question; {GENERAL}")


def _unsupported(found: Unsupported) -> Refusal:
    return refuse(
        "query.unsupported", NOT_ANSWERED, f"{found.name} is not something this node answers", remedy=found.remedy
    )
