"""A product's page: a synthetic table beside the noisy counts that it was drawn from, and how near the two are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from litestar import get
from litestar.params import FromPath
from markupsafe import Markup

from usufruct.core.base.refusals import refuse
from usufruct.node import synthesize
from usufruct.web.api import RefusedHere
from usufruct.web.auth import node_of, who_is
from usufruct.web.portal import charts
from usufruct.web.portal.answers import TOO_FEW
from usufruct.web.portal.charts import Spot
from usufruct.web.portal.pages import AnyRequest, Page, page

DRAWN_CELLS = 40  # bars that still make a picture
SHOWN_CELLS = 200


@dataclass(frozen=True, slots=True)
class Cell:
    """One count: of the noisy ones, with its margin (None where too few persons may stand in it), and of the synthetic rows."""

    label: str
    noisy: Spot | None
    synthetic: float

    @property
    def text(self) -> str:
        """The noisy count as people read it."""
        return f"{self.noisy.value:g} ± {self.noisy.margin:g}" if self.noisy else TOO_FEW


@dataclass(frozen=True, slots=True)
class Marginal:
    """A marginal with its picture, if it is not too large for one; `distance` and `noise` are shares of all rows."""

    name: str
    cells: tuple[Cell, ...]
    total: int
    distance: str
    noise: str
    checked: bool
    chart: Markup | None


@get("/products/{asset:str}", opt={"rule": ("ask", "steward")}, include_in_schema=False, sync_to_thread=True)
def show(request: AnyRequest, asset: FromPath[str]) -> Page:
    """The product, for whoever may use it."""
    who = who_is(request)
    found = synthesize.product(node_of(request), asset, who.party, "steward" in who.scopes)
    if found is None:
        raise RefusedHere(refuse(
            "registry.unknown", "there is nothing to show", f"there is no product `{asset}` of yours",
            remedy="come to an agreement on it first; see the catalogue",
        ))  # fmt: skip
    marginals = tuple(_marginals(found.let_out))
    near = sum(float(one.distance) <= float(one.noise) for one in marginals if not one.checked)
    return page(
        request, "product.html", found.asset.title, product=found, marginals=marginals, near=near,
        known=sum(not one.checked for one in marginals), notes=found.let_out["notes"], traced="steward" in who.scopes,
    )  # fmt: skip


def _marginals(let_out: Mapping[str, Any]) -> Iterator[Marginal]:
    """The marginals in their order, with what was said of each."""
    scores, rows = let_out["scores"], let_out["rows"]
    for number, name in enumerate(dict.fromkeys(row[0] for row in rows), 1):
        cells = tuple(
            Cell(label, None if noisy is None else Spot(float(noisy), float(margin)), float(synthetic))
            for marginal, label, noisy, margin, synthetic in rows
            if marginal == name
        )
        title = f"Rows by {name}: synthetic, and noisy counts"
        yield Marginal(
            name, cells[:SHOWN_CELLS], len(cells), scores.get(f"distance {name}") or scores[f"check {name}"],
            scores[f"noise {name}"], f"check {name}" in scores,
            compared(f"marginal-{number}", title, cells) if len(cells) <= DRAWN_CELLS else None,
        )  # fmt: skip


def compared(name: str, title: str, cells: Sequence[Cell]) -> Markup:
    """A bar for the synthetic rows of each cell, and over it the noisy count with its margin as a point on a line."""
    largest = max((max(cell.synthetic, cell.noisy.high if cell.noisy else 0) for cell in cells), default=0) or 1

    def across(value: float) -> str:
        return f"{min(max(97 * value / largest, 0), 100):.1f}%"

    drawn: list[Markup] = []
    for place, cell in enumerate(cells):
        y = place * 44
        drawn.append(charts.words("0", y + 16, f"{cell.label}: {cell.synthetic:g}, noisy {cell.text}"))
        drawn.append(charts.element("rect", x="0", y=y + 22, width=across(cell.synthetic), height=14, class_="part p3"))
        if cell.noisy:
            low, high = across(cell.noisy.low), across(cell.noisy.high)
            drawn.append(charts.element("line", x1=low, x2=high, y1=y + 29, y2=y + 29, class_="error"))
            drawn.append(charts.element("circle", cx=across(cell.noisy.value), cy=y + 29, r=4, class_="p1"))
    return charts.svg(name, title, len(cells) * 44, drawn)


handlers = [show]
