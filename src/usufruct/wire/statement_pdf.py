"""A statement as PDF: the same numbers as on the page, as text that can be read out and searched; drawings are drawings.

The same statement is always the same bytes: no clock is read, and the document's number is made of its contents. The
letters are those of Western Europe, which every reader of PDF has; of another script a letter is shown without its marks
if it has such a form, else as a question mark.
"""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

from reportlab.graphics.shapes import Drawing, Line, Rect, String
from reportlab.lib.colors import Color, black
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from usufruct.core.base.money import Money
from usufruct.core.income import income_statement as words
from usufruct.core.income import own_line
from usufruct.core.income.income_statement import Line as AssetLine
from usufruct.core.income.income_statement import Statement
from usufruct.core.income.inequality import TENTHS

WIDTH = A4[0] - 40 * mm
MEDIA_TYPE = "application/pdf"

_BLUE, _PALE, _GREY = Color(0.11, 0.32, 0.55), Color(0.83, 0.88, 0.94), Color(0.35, 0.35, 0.35)
_TEXT = ParagraphStyle("text", fontName="Helvetica", fontSize=9.5, leading=13)
_SMALL = ParagraphStyle("small", _TEXT, fontSize=8.5, leading=11.5, textColor=_GREY)
_HEAD = ParagraphStyle("head", _TEXT, fontName="Helvetica-Bold", fontSize=12, leading=16, spaceBefore=10, spaceAfter=3)
_TITLE = ParagraphStyle("title", _HEAD, fontSize=17, leading=22, spaceBefore=0)
_RIGHT = ParagraphStyle("right", _TEXT, alignment=2)


def draw(statement: Statement) -> bytes:
    """The bytes of the document."""
    out = io.BytesIO()
    title = f"Statement of {statement.called} for {statement.period}"
    document = SimpleDocTemplate(
        out, pagesize=A4, leftMargin=20 * mm, rightMargin=20 * mm, topMargin=18 * mm, bottomMargin=18 * mm,
        title=_plain(title), author=_plain(statement.node), subject="What a period brought, and how it came about", lang="en",
        invariant=1,
    )  # fmt: skip

    def foot(canvas: Canvas, _: SimpleDocTemplate) -> None:
        canvas.setFont("Helvetica", 8)
        canvas.setFillColor(_GREY)
        canvas.drawString(20 * mm, 10 * mm, _plain(f"{statement.node}: {title}"))
        canvas.drawRightString(A4[0] - 20 * mm, 10 * mm, f"page {canvas.getPageNumber()}")

    document.build(list(_story(statement, title)), onFirstPage=foot, onLaterPages=foot)
    return out.getvalue()


def _story(statement: Statement, title: str) -> Iterator[Flowable]:
    currency = statement.currency
    yield _said(title, _TITLE)
    yield _said(
        f"{statement.node}, run by {statement.operator}. For your data you are paid {Money(statement.paid, currency)}"
        + (f"; as shares of what others' data earned {Money(statement.shares, currency)}." if statement.shares else ".")
    )
    yield _said("By the letters of article 18(1) of Directive 2014/26/EU", _HEAD)
    rows = [(f"({field.letter}) {field.asks}", "\n".join(field.says)) for field in words.article18(statement)]
    yield _table([("What", "For you"), *rows], (60 * mm, WIDTH - 60 * mm))
    for line in statement.lines:
        yield from _line(line, currency)
    for complaint in statement.complaints:
        yield _said(words.in_words(complaint))
    yield _said("What you cannot work out yourself, and who does", _HEAD)
    for said in words.by_the_audit(statement):
        yield _said(said)
    yield _said("If you think it is wrong", _HEAD)
    yield _said(
        f"You can complain until {statement.complain_until[:10]}, on your page or with the steward. You are answered with "
        "reasons, and told whom you can turn to."
    )
    yield _said("Where it is proven", _HEAD)
    yield _said(
        f"Plan {statement.plan} is fact {statement.plan_fact} of the journal of {statement.node}; it was carried out by fact "
        f"{statement.closed_fact} on {statement.closed[:10]}. Receipts of the uses are on your page.",
        _SMALL,
    )


def _line(line: AssetLine, currency: str) -> Iterator[Flowable]:
    yield _said(line.title, _HEAD)
    yield _said(f"Divided by {words.rule_name(line.rule)}; decided by: {line.rule.authority}.")
    for said in line.rule.words:
        yield _said(f"- {said}", _SMALL)
    yield Spacer(0, 4)
    steps = [(part.name, part.amount) for part in line.parts] + [("members", line.members)]
    yield _waterfall(line.gross, steps, currency)
    rows = [(part.name, words.basis(part), str(Money(part.amount, currency))) for part in line.parts]
    rows += [
        ("members", words.the_members(line, currency), str(Money(line.members, currency))),
        ("together", "", str(Money(line.gross, currency))),
    ]
    yield _table([("Where it went", "By", "Amount"), *rows], (55 * mm, WIDTH - 90 * mm, 35 * mm), numbers=1)
    if line.uses:
        yield Spacer(0, 6)
        used = [
            (
                use.use or words.WITHHELD, f"{words.type_of_use(use)}, {use.day}",
                str(Money(use.at_least if line.sum is None else use.price, currency)), str(use.rows),
            )
            for use in line.uses
        ]  # fmt: skip
        heads = ("Use", "What for, and by whom", "For all, at least" if line.sum is None else "Price", "Your rows")
        yield _table([heads, *used], (28 * mm, WIDTH - 83 * mm, 33 * mm, 22 * mm), numbers=2)
    yield _said("You can work out yourself", _HEAD)
    for said in (*words.her_own(line, currency), *own_line.in_words(line, currency)):
        yield _said(f"- {said}")
    yield _said("Why it changed", _HEAD)
    for said in line.changes:
        yield _said(f"- {said}")
    yield _said("What others got", _HEAD)
    spread = line.spread
    if spread.why_not:
        yield _said(f"Not told: {spread.why_not}.")
        return
    mine = f" You are in the {spread.mine}. tenth." if spread.mine else ""
    yield _said(f"{spread.members} members share this income; Gini about {spread.gini / TENTHS:.1f}.{mine}")
    yield _said("What the middle person of each tenth got, roughly:")
    yield _bars([(f"tenth {n}", middle) for n, middle in enumerate(spread.middles, 1)], currency)


def _waterfall(gross: int, steps: Sequence[tuple[str, int]], currency: str) -> Drawing:
    """Where the income went: each bar begins where the one above it ends."""
    return _drawn([("earned", 0, gross), *_falling(steps)], gross, currency)


def _falling(steps: Sequence[tuple[str, int]]) -> Iterator[tuple[str, int, int]]:
    at = 0
    for name, amount in steps:
        yield name, at, amount
        at += amount


def _bars(rows: Sequence[tuple[str, int]], currency: str) -> Drawing:
    return _drawn([(name, 0, amount) for name, amount in rows], max(amount for _, amount in rows), currency)


def _drawn(rows: Sequence[tuple[str, int, int]], whole: int, currency: str) -> Drawing:
    height, left, right = 15, 105.0, 80.0
    room = WIDTH - left - right
    drawing = Drawing(WIDTH, height * len(rows) + 4)
    drawing.add(Line(left, 0, left, height * len(rows), strokeColor=_GREY, strokeWidth=0.5))
    for index, (name, start, amount) in enumerate(rows):
        y = height * (len(rows) - 1 - index)
        drawing.add(String(0, y + 4, _plain(name)[:24], fontName="Helvetica", fontSize=8.5, fillColor=black))
        x, width = (left + room * part / (whole or 1) for part in (start, amount))
        drawing.add(
            Rect(
                x,
                y + 2,
                width - left,
                height - 5,
                fillColor=_BLUE if index else _PALE,
                strokeColor=_BLUE,
                strokeWidth=0.5,
            )
        )
        drawing.add(
            String(
                WIDTH,
                y + 4,
                str(Money(amount, currency)),
                fontName="Helvetica",
                fontSize=8.5,
                fillColor=black,
                textAnchor="end",
            )
        )
    return drawing


def _table(rows: Sequence[Sequence[str]], widths: Sequence[float], numbers: int = 0) -> Table:
    """A table under a row of heads, whose last `numbers` columns are numbers."""
    first_number = len(widths) - numbers
    cells = [
        [
            _said(cell, _HEADS if not at else _RIGHT if column >= first_number else _TEXT)
            for column, cell in enumerate(row)
        ]
        for at, row in enumerate(rows)
    ]
    style = TableStyle([
        ("VALIGN", (0, 0), (-1, -1), "TOP"), ("LINEBELOW", (0, 0), (-1, -1), 0.4, _GREY), ("LEFTPADDING", (0, 0), (0, -1), 0),
        ("TOPPADDING", (0, 0), (-1, -1), 2), ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
    ])  # fmt: skip
    return Table(cells, colWidths=list(widths), style=style, repeatRows=1, hAlign="LEFT")


_HEADS = ParagraphStyle("heads", _TEXT, fontName="Helvetica-Bold")


def _said(text: str, style: ParagraphStyle = _TEXT) -> Paragraph:
    return Paragraph(escape(_plain(text)).replace("\n", "<br/>"), style)


def _plain(text: str) -> str:
    """The text in letters that the document has."""
    return "".join(_letter(letter) for letter in text)


def _letter(letter: str) -> str:
    if letter == "\n" or (letter.isprintable() and letter.encode("cp1252", "ignore")):
        return letter
    bare = "".join(part for part in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(part))
    return bare if bare and bare.isprintable() and bare.encode("cp1252", "ignore") else "?"
