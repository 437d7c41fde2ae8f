"""A synthesis: a table that is about nobody is drawn from noisy marginals, and becomes an asset of its own.

Its making is one use, charged once; the table can then be used, sold and looked at as often as anybody likes, for whatever
is done with it is done with the noisy counts. That is its evidence: the transform which says that it is less sensitive than
what it came of names the digest of the counts, the noise and the charge.

It may be used for no more than the purpose it was made for: whoever said yes to research did not say yes to marketing, and
her rows were counted.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from usufruct.core.base.ids import checked
from usufruct.core.base.instants import Instant
from usufruct.core.base.money import decimal
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.privacy import learnt, marginals
from usufruct.core.privacy.fitting import FEATURES_MAX, check_bins, not_personal
from usufruct.core.privacy.learnt import Learnt
from usufruct.core.privacy.marginals import Distance, Marginals
from usufruct.core.privacy.question import Expression, refs_of
from usufruct.core.privacy.release import CONFIDENCE, Cell
from usufruct.core.privacy.sample import Sample, take
from usufruct.core.privacy.spending import affordable, wished
from usufruct.core.registry.facts import Column
from usufruct.core.registry.rules import Card, DeclaredStep
from usufruct.core.registry.state import Asset
from usufruct.core.rulebook.parameters import Rulebook

NOT_DONE = "nothing was made"
LOWERED_TO = 1  # the grade of what was drawn; no transform by anonymisation goes lower
ROWS_MAX = 200_000
HOW = "synthesis"


@dataclass(frozen=True, slots=True)
class Synthesis:
    """What is to be made, as asked for: `product` is the id of the new asset, `pairs` are the columns to be measured
    together, `checks` those to be measured and kept from the model. `condition` is what `where` was read from."""

    asset: str
    product: str
    title: str
    columns: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...] = ()
    checks: tuple[tuple[str, str], ...] = ()
    where: Expression | None = None
    condition: str = ""
    rows_per_person: int | None = None
    bins: int = 16

    def read(self) -> tuple[str, ...]:
        """The columns that are read, each once."""
        return tuple(dict.fromkeys([*self.columns, *(ref.name for ref in refs_of(self.where))]))

    def text(self) -> str:
        """What is to be made, as a line that says all of it."""
        parts = [f"SYNTHESIZE {self.product} OF {', '.join(self.columns)} FROM {self.asset}"]
        parts += [f"WHERE {self.condition}"] if self.condition else []
        parts += [f"AT MOST {self.rows_per_person} ROWS A PERSON"] if self.rows_per_person is not None else []
        parts += [f"IN {self.bins} BINS"]
        parts += [f"WITH {', '.join(f'{a}*{b}' for a, b in self.pairs)}"] if self.pairs else []
        parts += [f"CHECKING {', '.join(f'{a}*{b}' for a, b in self.checks)}"] if self.checks else []
        return " ".join(parts)

    def in_words(self) -> str:
        """The same for people, without what a condition compares with."""
        where = (
            f", for rows with {', '.join(dict.fromkeys(ref.name for ref in refs_of(self.where)))} as stated"
            if self.where
            else ""
        )
        return f"synthetic rows of {', '.join(self.columns)}{where}, as the product {self.product}"


@dataclass(frozen=True, slots=True)
class SynthesisPlan:
    """What is counted over which rows; nobody is held out. No figure about fewer than `group_min` persons leaves."""

    synthesis: Synthesis
    sample: Sample
    marginals: Marginals
    group_min: int

    @property
    def charge(self) -> int:
        """What it costs, in micro-rho, once."""
        return self.marginals.charge


def plan_synthesis(
    read: Reader, asked: Synthesis, asset: Asset, requester: str, rulebook: Rulebook, at: Instant, group_min: int,
    micro_rho: int | None,
) -> SynthesisPlan | Refusal:  # fmt: skip
    """How what was permitted is made, for at most `micro_rho` (the node's default unless given).

    Raises:
        BadInput: the product's id cannot be one.
    """
    checked(asked.product, "a product")
    if wrong := check_bins(asked.bins, NOT_DONE):
        return wrong
    if not 2 <= len(asked.columns) <= FEATURES_MAX or not asked.title.strip():
        return refuse(
            "fit.job", NOT_DONE, f"{len(asked.columns)} columns were named" if asked.title.strip() else "the product has no title",
            remedy=f"name 2 to {FEATURES_MAX} columns, and say what the product is called",
        )  # fmt: skip
    sample = take(asset, asked.columns, asked.where, asked.rows_per_person, 0, NOT_DONE)
    if isinstance(sample, Refusal):
        return sample
    if not sample.personal:
        return not_personal(asset, NOT_DONE)
    places = {column.name.lower(): place for place, column in enumerate(sample.columns)}
    pairs, checks = (
        [(places.get(a.lower(), -1), places.get(b.lower(), -1)) for a, b in named]
        for named in (asked.pairs, asked.checks)
    )
    if any(-1 in pair or pair[0] == pair[1] for pair in (*pairs, *checks)):
        return refuse(
            "fit.job", NOT_DONE, "a pair names what is not made", remedy="name two different columns in each pair"
        )
    charge = wished(rulebook, at, micro_rho, NOT_DONE)
    if isinstance(charge, Refusal):
        return charge
    cells_max = rulebook.value("privacy.cells-max", at)
    laid = marginals.lay_out(sample, asked.bins, pairs, checks, charge, cells_max, NOT_DONE)
    if isinstance(laid, Refusal):
        return laid
    return affordable(read, asset, requester, laid.charge, 0, rulebook, at, NOT_DONE) or SynthesisPlan(
        asked, sample, laid, group_min
    )


def rows_to_draw(plan: SynthesisPlan, noised: Sequence[Sequence[int]]) -> int:
    """As many synthetic rows as there are real ones, as far as the noisy counts tell."""
    return min(ROWS_MAX, marginals.total(plan.marginals, noised))


def codes(plan: SynthesisPlan, rows: Sequence[Sequence[int]]) -> list[list[int]]:
    """Synthetic rows with a code for each column, where numbers stood in grains."""
    return [
        [value if one.values else one.code(value) for one, value in zip(plan.marginals.columns, row, strict=True)]
        for row in rows
    ]


def of_synthesis(plan: SynthesisPlan, noised: Sequence[Sequence[int]], rows: Sequence[Sequence[int]]) -> Learnt:
    """What a synthesis lets out beside the rows: every noisy count next to that of the synthetic rows, and how far the two
    are apart. All of it follows from the noisy counts."""
    laid, coded_rows = plan.marginals, codes(plan, rows)
    margin = str(math.ceil(CONFIDENCE * laid.deviation))
    scale = marginals.total(laid, noised)
    least = plan.group_min * plan.sample.rows_per_person
    cells: list[tuple[Cell, ...]] = []
    for columns, counts in zip(laid.sets, noised, strict=True):
        made = marginals.counted(laid, columns, coded_rows)
        for labels, count, drawn in zip(laid.labels(columns), counts, made, strict=True):
            enough = count >= least
            synthetic = str(round(drawn * scale / len(rows)))
            cells.append(
                (
                    laid.name(columns),
                    ", ".join(labels),
                    str(max(0, count)) if enough else None,
                    margin if enough else None,
                    synthetic,
                )
            )
    scores: dict[str, str] = {"rows": str(len(rows)), "worst_distance": "0"}
    distances = list(marginals.distances(laid, noised, coded_rows))
    for one in distances:
        name = laid.name(one.columns)
        scores[f"{'check' if one.checked else 'distance'} {name}"], scores[f"noise {name}"] = (
            decimal(one.distance, 6),
            decimal(one.noise, 6),
        )
    scores["worst_distance"] = decimal(max(one.distance for one in distances), 6)
    notes = (
        *learnt.measured(laid),
        *_fidelity(laid, distances),
        *learnt.clamped(plan.sample),
        *learnt.bounded(plan.sample),
    )
    if plan.group_min:
        notes += (f"a count is left out where, by its noise, fewer than {plan.group_min} persons may stand in it",)
    return Learnt(
        ("marginal", "cell", "noisy", "noisy_margin", "synthetic"), tuple(cells), ("noisy", "noisy_margin", "synthetic"), notes,
        plan.charge, scores,
    )  # fmt: skip


def _fidelity(laid: Marginals, distances: Sequence[Distance]) -> Iterator[str]:
    within = sum(one.distance <= one.noise for one in distances if not one.checked)
    yield f"{within} of {len(laid.sets) - laid.checks} marginals are as near to the synthetic rows as their noise lets be told"
    for one in distances:
        if one.checked:
            yield (
                f"kept from the model: {laid.name(one.columns)} differs by {decimal(one.distance, 6)} of all rows, "
                f"where noise alone comes to at most {decimal(one.noise, 6)}"
            )


def transform_of(product: str) -> str:
    """The id of the transform that a product was made by."""
    return f"{product[: 63 - len(HOW) - 1].rstrip('-')}-{HOW}"


def evidence(released: bytes) -> str:
    """What a transform names as its evidence: the digest of what was let out."""
    return f"sha256:{hashlib.sha256(released).hexdigest()}"


def card_of(plan: SynthesisPlan, asset: Asset, purpose: str, use: str) -> Card:
    """The card of a product: the columns with their public bounds and lists, each from the one it was made of."""
    asked, rho = plan.synthesis, decimal(plan.charge, 6)
    columns = tuple(_column(asset.id, one.column) for one in plan.marginals.columns)
    how = f"rows drawn from {len(plan.marginals.sets)} noisy marginals, differentially private for each person (zCDP, rho = {rho})"
    steps = (DeclaredStep("processed", how, inputs=(use,)),) if use else ()
    return Card(
        asked.product, asked.title.strip(), f"Synthetic {how}. About nobody; made of {asset.title}.", asset.licence, "", columns, 1,
        keywords=("synthetic",), purposes=(purpose,), derived_from=(asset.id,), transform=transform_of(asked.product), steps=steps,
    )  # fmt: skip


def _column(asset: str, column: Column) -> Column:
    return replace(
        column, data_class="enterprise", grade=min(column.grade, LOWERED_TO), origins=(f"{asset}.{column.name}",)
    )
