"""A fit: a model is worked out in the node, and what leaves of it is what the grade permits.

A job is a few words from closed lists: an estimator of scikit-learn by name, its parameters within bounds, columns, a
condition. Nothing that could be run comes in, and what goes out is numbers. How it is done follows from the grade of what
is read alone:

- *exact*, at grades 0 and 1: the estimator sees the rows themselves; model and scores leave as they are.
- *moments*, from grade 2 on, for linear models of numbers: the coefficients follow from noisy second moments.
- *synthetic*, from grade 2 on, for everything else: the estimator sees rows that were drawn from noisy marginals.

From grade 2 on nothing is ever fitted to the rows, so a model tells of a person no more than the charge allows, and it
makes no difference whether it leaves or only its scores do: a score of a model that was fitted to the rows would depend
on every one of them without bound. Scores are of persons who were held out, counted and noised like anything else, and
have their own part of the charge.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction

from usufruct.core.access.rules import grade_of
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.privacy import marginals, moments
from usufruct.core.privacy.marginals import Marginals
from usufruct.core.privacy.moments import Moments
from usufruct.core.privacy.question import Expression, refs_of
from usufruct.core.privacy.rules import SIGMA_GRAIN, charge_of, sigma_for
from usufruct.core.privacy.sample import BINS, Sample, listed, take
from usufruct.core.privacy.spending import affordable, wished
from usufruct.core.privacy.validation import Validation, coded
from usufruct.core.registry.facts import Column
from usufruct.core.registry.state import Asset
from usufruct.core.rulebook.parameters import Rulebook

NOT_DONE = "nothing was fitted"
EXACT_UP_TO = 1  # the highest grade at which a model of the rows themselves may leave
FEATURES_MAX = 50
LEAVES_MAX = 250_000
OUT = ("model", "scores")
MEASURES = ("neighbours", "model")
PLAYERS_MAX = 16  # of whom every coalition can be fitted to
FAR = 4  # an error of more than this part of the range of the label counts as that much, so that less noise is needed
GRAINS = 1_000_000  # into which the range of a label is divided, to add up how far off a model is


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of an estimator: what it is unless said otherwise, and from where to where it may go; whole, or not."""

    default: str
    low: str
    high: str
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Estimator:
    """An estimator that can be named: `classes` and `numbers` are what it can tell, `parameters` those that may be set."""

    title: str
    classes: bool
    numbers: bool
    linear: bool
    parameters: dict[str, Parameter]


_LEAF = Parameter("5", "1", "10000")
ESTIMATORS = {
    "linear-regression": Estimator("a linear regression", False, True, True, {}),
    "ridge": Estimator("a ridge regression", False, True, True, {"alpha": Parameter("1", "0", "1000000", False)}),
    "logistic-regression": Estimator(
        "a logistic regression", True, False, True,
        {"C": Parameter("1", "0.0001", "10000", False), "max_iter": Parameter("200", "1", "1000")},
    ),
    "decision-tree": Estimator(
        "a decision tree", True, True, False, {"max_depth": Parameter("5", "1", "12"), "min_samples_leaf": _LEAF}
    ),
    "random-forest": Estimator(
        "a random forest", True, True, False,
        {"n_estimators": Parameter("50", "1", "100"), "max_depth": Parameter("6", "1", "10"), "min_samples_leaf": _LEAF},
    ),
    "gradient-boosting": Estimator(
        "gradient boosting", True, True, False,
        {
            "n_estimators": Parameter("50", "1", "100"), "max_depth": Parameter("3", "1", "5"),
            "learning_rate": Parameter("0.1", "0.001", "1", False), "min_samples_leaf": _LEAF,
        },
    ),
}  # fmt: skip
_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")


@dataclass(frozen=True, slots=True)
class Fit:
    """A job as it was asked for. `parameters` are names and decimals; `condition` is what `where` was read from. `out` says
    whether the model leaves or only its scores; `pairs` are features to be measured together where there is noise. `validation`
    are labelled rows of the requester's own, to score on and to measure contributions by: by nearest `neighbours`, or by the
    very `model` that is asked for."""

    estimator: str
    asset: str
    label: str
    features: tuple[str, ...]
    parameters: tuple[tuple[str, str], ...] = ()
    where: Expression | None = None
    condition: str = ""
    out: str = "model"
    holdout: int = 20
    rows_per_person: int | None = None
    bins: int = 16
    pairs: tuple[tuple[str, str], ...] = ()
    validation: Validation | None = None
    measure: str = "neighbours"

    def read(self) -> tuple[str, ...]:
        """The columns that are read, each once."""
        return tuple(dict.fromkeys([self.label, *self.features, *(ref.name for ref in refs_of(self.where))]))

    def text(self) -> str:
        """The job as a line that says all of it; the same job, the same line."""
        given = ", ".join(f"{name}={value}" for name, value in sorted(self.parameters))
        parts = [f"FIT {self.estimator}{f' ({given})' if given else ''} OF {self.label} FROM {self.asset}"]
        parts.append(f"BY {', '.join(self.features)}")
        parts += [f"WHERE {self.condition}"] if self.condition else []
        parts += [f"HOLDING OUT {self.holdout} %"]
        parts += [f"AT MOST {self.rows_per_person} ROWS A PERSON"] if self.rows_per_person is not None else []
        parts += [f"IN {self.bins} BINS"]
        parts += [f"WITH {', '.join(f'{a}*{b}' for a, b in self.pairs)}"] if self.pairs else []
        if self.validation is not None:
            parts += [f"VALIDATED BY {len(self.validation.rows)} ROWS sha256:{self.validation.digest}"]
        parts += [f"MEASURED BY {self.measure}"] if self.measure != MEASURES[0] else []
        return " ".join([*parts, f"FOR {self.out}"])

    def in_words(self) -> str:
        """The job for people, without what a condition compares with."""
        title = ESTIMATORS[self.estimator].title if self.estimator in ESTIMATORS else self.estimator
        where = (
            f", for rows with {', '.join(dict.fromkeys(ref.name for ref in refs_of(self.where)))} as stated"
            if self.where
            else ""
        )
        out = "" if self.out == "model" else "the scores of "
        own = (
            f", held against {len(self.validation.rows)} rows of the asker's own" if self.validation is not None else ""
        )
        return f"{out}{title} of {self.label} by {', '.join(self.features)}{where}{own}"


@dataclass(frozen=True, slots=True)
class Scoring:
    """One vector of scores and its noise: `kind` is `rows` (by class and prediction), `errors` (their sizes) or `squares`,
    the latter two in millionths of the label's range; `reach` is what one row adds at most. `sigma` in 64ths; 0: exact."""

    kind: str
    reach: int
    sigma: int
    charge: int

    @property
    def deviation(self) -> Fraction:
        """The standard deviation of the noise."""
        return Fraction(self.sigma, SIGMA_GRAIN)


@dataclass(frozen=True, slots=True)
class FitPlan:
    """How a job is done over which rows. The columns of the sample are the features and, last, the label; `classes` says
    whether the label is one of a list. `route` is `exact`, `moments` or `synthetic`; no figure about fewer than
    `group_min` persons leaves. `validation` are the requester's own rows, coded as those of the sample; with
    `by_model` they tell what each person adds by the model itself."""

    estimator: str
    parameters: tuple[tuple[str, str], ...]
    out: str
    sample: Sample
    classes: bool
    route: str
    marginals: Marginals | None
    moments: Moments | None
    scores: tuple[Scoring, ...]
    group_min: int
    validation: tuple[tuple[int, ...], ...] = ()
    by_model: bool = False

    @property
    def charge(self) -> int:
        """What the whole job costs, in micro-rho; zCDP adds up."""
        laid = (self.marginals, self.moments)
        return sum(part.charge for part in laid if part is not None) + sum(score.charge for score in self.scores)

    @property
    def label(self) -> Column:
        """What is to be told."""
        return self.sample.columns[-1]

    @property
    def features(self) -> tuple[Column, ...]:
        """What it is told by."""
        return self.sample.columns[:-1]


def plan_fit(
    read: Reader, fit: Fit, asset: Asset, requester: str, rulebook: Rulebook, at: Instant, group_min: int,
    micro_rho: int | None,
) -> FitPlan | Refusal:  # fmt: skip
    """How a job that was permitted is done, for at most `micro_rho` (the node's default unless given)."""
    wrong = _check(fit)
    if wrong is not None:
        return wrong
    sample = take(asset, (*fit.features, fit.label), fit.where, fit.rows_per_person, fit.holdout, NOT_DONE)
    if isinstance(sample, Refusal):
        return sample
    label, estimator = sample.columns[-1], ESTIMATORS[fit.estimator]
    classes = bool(listed(label))
    if not (estimator.classes if classes else estimator.numbers):
        kind = "one of a list" if classes else "a number between bounds"
        others = [name for name, other in ESTIMATORS.items() if (other.classes if classes else other.numbers)]
        return refuse(
            "fit.job",
            NOT_DONE,
            f"`{label.name}` is {kind}, which a {fit.estimator} cannot tell",
            remedy=f"use {' or '.join(others)}",
        )
    if (size := _size(fit, len(listed(label)))) > LEAVES_MAX:
        return refuse(
            "fit.job", NOT_DONE, f"the model could have {size} numbers in its leaves; at most {LEAVES_MAX} leave the node",
            remedy="ask for fewer trees, or shallower ones",
        )  # fmt: skip
    made = _by_grade(fit, asset, sample, classes, rulebook, at, micro_rho)
    if isinstance(made, Refusal):
        return made
    route, laid, products, scores = made
    own = coded(fit.validation, sample, asset) if fit.validation is not None else ()
    if isinstance(own, Refusal):
        return own
    if fit.measure == "model" and (wrong := _few(fit, asset, route)) is not None:
        return wrong
    parameters = tuple((n, dict(fit.parameters).get(n, p.default)) for n, p in estimator.parameters.items())
    plan = FitPlan(
        fit.estimator,
        parameters,
        fit.out,
        sample,
        classes,
        route,
        laid,
        products,
        scores,
        group_min if sample.personal else 0,
        own,
        fit.measure == "model",
    )
    return affordable(read, asset, requester, plan.charge, 0, rulebook, at, NOT_DONE) or plan


_Made = tuple[str, Marginals | None, Moments | None, tuple[Scoring, ...]]


def _by_grade(
    fit: Fit, asset: Asset, sample: Sample, classes: bool, rulebook: Rulebook, at: Instant, micro_rho: int | None
) -> _Made | Refusal:
    """The route that the grade leaves, and what it costs."""
    kinds = [("rows", 1)] if classes else [("rows", 1), ("errors", GRAINS // FAR), ("squares", GRAINS // FAR**2)]
    if grade_of(asset, fit.read()) <= EXACT_UP_TO:
        scores = tuple(Scoring(kind, reach, 0, 0) for kind, reach in kinds) if fit.holdout else ()
        return "exact", None, None, scores
    if not sample.personal:
        return not_personal(asset, NOT_DONE)
    charge = wished(rulebook, at, micro_rho, NOT_DONE)
    if isinstance(charge, Refusal):
        return charge
    scoring = charge * rulebook.value("privacy.score-percent", at) // 100 if fit.holdout else 0
    scores = (
        tuple(_scoring(kind, reach * sample.rows_per_person, scoring // len(kinds)) for kind, reach in kinds)
        if scoring
        else ()
    )
    *features, label = sample.columns
    if ESTIMATORS[fit.estimator].linear and not classes:
        products = moments.lay_out(tuple(features), label, sample.rows_per_person, charge - scoring, NOT_DONE)
        return products if isinstance(products, Refusal) else ("moments", None, products, scores)
    places = {column.name.lower(): place for place, column in enumerate(sample.columns)}
    pairs = [(places.get(a.lower(), -1), places.get(b.lower(), -1)) for a, b in fit.pairs]
    if any(-1 in pair or pair[0] == pair[1] for pair in pairs):
        return refuse(
            "fit.job", NOT_DONE, "a pair names what is no feature", remedy="name two different features in each pair"
        )
    pairs += [(place, len(features)) for place in range(len(features))]
    cells_max = rulebook.value("privacy.cells-max", at)
    laid = marginals.lay_out(sample, fit.bins, pairs, (), charge - scoring, cells_max, NOT_DONE)
    return laid if isinstance(laid, Refusal) else ("synthetic", laid, None, scores)


def _scoring(kind: str, reach: int, charge: int) -> Scoring:
    """A vector of which a person moves one number, or several by no more in all, by `reach`."""
    sigma = sigma_for(reach**2, charge)
    return Scoring(kind, reach, sigma, charge_of(reach**2, sigma))


def _few(fit: Fit, asset: Asset, route: str) -> Refusal | None:
    """Whether what each person adds can be told by the model itself, fitted to every coalition."""
    if fit.validation is None:
        why, remedy = "there are no rows of your own to tell them by", "give rows for validation"
    elif route != "exact":
        why, remedy = "at this grade no model is fitted to the rows themselves", "measure by `neighbours`"
    elif not 1 <= asset.quality.persons <= PLAYERS_MAX:
        # As the catalogue has it; it does not say of a pool how many are in it.
        why = f"that needs a table about 1 to {PLAYERS_MAX} persons or organisations, as the catalogue says"
        remedy = "measure by `neighbours`"
    else:
        return None
    return refuse("fit.validation", NOT_DONE, f"contributions cannot be measured by the model: {why}", remedy=remedy)


def _check(fit: Fit) -> Refusal | None:
    """Whether the job is one of the closed lists, told from its text alone."""
    estimator = ESTIMATORS.get(fit.estimator)
    if estimator is None:
        return refuse(
            "fit.job",
            NOT_DONE,
            f"`{fit.estimator}` is not an estimator that this node fits",
            remedy=f"use one of {', '.join(ESTIMATORS)}",
        )
    for name, value in fit.parameters:
        parameter = estimator.parameters.get(name)
        if parameter is None:
            known = ", ".join(estimator.parameters) or "no parameter at all"
            return refuse(
                "fit.job", NOT_DONE, f"`{name}` cannot be set for {fit.estimator}", remedy=f"it takes {known}"
            )
        if not _fits(parameter, value):
            kind = "a whole number" if parameter.whole else "a decimal"
            return refuse(
                "fit.job",
                NOT_DONE,
                f"`{name}` cannot be `{value}`",
                remedy=f"give {kind} from {parameter.low} to {parameter.high}",
            )
    if len({name for name, _ in fit.parameters}) < len(fit.parameters):
        return refuse("fit.job", NOT_DONE, "a parameter is given twice", remedy="give each parameter once")
    if fit.out not in OUT:
        return refuse(
            "fit.job", NOT_DONE, f"`{fit.out}` is not something that leaves", remedy=f"ask for {' or '.join(OUT)}"
        )
    if fit.measure not in MEASURES:
        return refuse("fit.job", NOT_DONE, f"`{fit.measure}` is no measure", remedy=f"use {' or '.join(MEASURES)}")
    if fit.out == "scores" and not fit.holdout and fit.validation is None:
        return refuse(
            "fit.job", NOT_DONE, "nobody is held out, so there are no scores",
            remedy="hold out 20 per cent, or give rows of your own to score on",
        )  # fmt: skip
    if not 1 <= len(fit.features) <= FEATURES_MAX:
        return refuse(
            "fit.job", NOT_DONE, f"{len(fit.features)} features were named", remedy=f"name 1 to {FEATURES_MAX}"
        )
    return check_bins(fit.bins, NOT_DONE)


def _size(fit: Fit, classes: int) -> int:
    """How many numbers the leaves of a model can have at most; 0 if it has no trees."""
    set_to = {name: p.default for name, p in ESTIMATORS[fit.estimator].parameters.items()} | dict(fit.parameters)
    if "max_depth" not in set_to:
        return 0
    return int(set_to.get("n_estimators", "1")) * max(classes, 1) * (1 << int(set_to["max_depth"]))


def _fits(parameter: Parameter, value: str) -> bool:
    if not _NUMBER.fullmatch(value) or (parameter.whole and "." in value):
        return False
    return Fraction(parameter.low) <= Fraction(value) <= Fraction(parameter.high)


def check_bins(bins: int, not_done: str) -> Refusal | None:
    """Whether numbers can be cut into so many bins."""
    low, high = BINS
    if low <= bins <= high:
        return None
    return refuse("fit.job", not_done, f"numbers cannot be cut into {bins} bins", remedy=f"use {low} to {high}")


def not_personal(asset: Asset, not_done: str) -> Refusal:
    """Without whom a row is about nothing can be bounded."""
    return refuse(
        "fit.column", not_done, f"`{asset.id}` does not say whom a row is about, so what one person changes has no bound",
        remedy="use an asset that does, or columns of grade 0 or 1",
    )  # fmt: skip


def regression_scores(rows: int, errors: int, squares: int) -> tuple[Fraction, Fraction]:
    """The mean absolute and the root mean squared error, as parts of the label's range; the second to a 2^20th."""
    count = max(rows, 1)
    mean, square = Fraction(errors, count * GRAINS), max(Fraction(squares, count * GRAINS), Fraction(0))
    return max(mean, Fraction(0)), Fraction(math.isqrt(math.floor(square * 2**40)), 2**20)
