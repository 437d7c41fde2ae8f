"""Matching: how many persons two nodes' tables share, without either showing the other who they are.

The cryptography is private set intersection by double blinding (Meadows 1986; Huberman, Franklin and Hogg 1999) in the
prime-order group ristretto255 (RFC 9496). Identifiers are made alike, hashed into the group under a label and the number
of the run, and each side raises them to an exponent that it draws for this run and forgets after it:

    asks                                                     answers
    X^a, sorted             -> commitment ->                 Y^b, sorted
                            <- commitment <-
    X^a                     -------------->                  checks them against the commitment
    (X^ab)^(1/a) = X^b      <--------------                  X^ab, sorted: which is whose is gone
    counts those in Y^b     <--------------                  Y^b
    the count, noised       -------------->                  lets it out, or not

What blinding turns out is as good as random, so sorting it forgets its order, and a list that strictly rises repeats
nothing. Both lists are as long as the tables have persons, which their cards say in public: whoever did not allow the use,
or has no identifier, is a random point in her place. So no size depends on a consent.

*Noise.* The side that asks would see the exact count, so the side that answers plants pairs of made-up elements, one in
each list, that match; their number is half of what is planted plus a draw of the discrete Gaussian, so that what the asking
node counts *is* a noised count, at the charge of a question. It adds noise of its own before the other sees the number.
What comes out has both draws in it, and so does the decision whether it is large enough to be told.

*Sums* are those of Ion et al. (2020): next to each Y^b stands its person's value, encrypted with exponential ElGamal under
a key of the run; the asking side adds up the ciphertexts of those that match, with its noise, and the other side decrypts
the total, which the bounds on the card keep small enough to be found.

This holds against nodes that keep to the run and look at all that they see. It does not hold one to the truth about its
own set, nor against guessing identifiers one table at a time; what bounds that are agreements, the number of runs a day,
the least size of what is told, and the journal.
"""

from __future__ import annotations

import hashlib
import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from usufruct.core.access.proof import Request
from usufruct.core.access.rules import Permit
from usufruct.core.base.canonical import holdable
from usufruct.core.base.instants import Instant
from usufruct.core.base.money import decimal
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.privacy.matching_facts import Match
from usufruct.core.privacy.relations import no_such_column
from usufruct.core.privacy.release import CONFIDENCE, Answer
from usufruct.core.privacy.rules import SIGMA_GRAIN, sigma_for
from usufruct.core.privacy.spending import affordable
from usufruct.core.registry.facts import Column
from usufruct.core.registry.state import Asset
from usufruct.core.rulebook.parameters import Rulebook

KINDS = {
    "count": "how many persons are in both tables",
    "sum": "the total of a column of the other table, over the persons in both",
    "matched": "which persons of the asking table are in the other, kept in the node as a population",
}
FORMS = {"count": "computation", "sum": "computation", "matched": "masked"}
"""The form of answer that the agreements on both tables must be for. To know of each person whether she is in the other
table is a record about her, without what tells who she is; a number is worked out in the nodes."""
PROTOCOLS = ("", "spu-rr22")
"""How a match is made: by double blinding, or by SPU, which can only find persons (see `matching_sides.Intersecting`)."""
NORMALISATION = "text-1"
"""The one way to make identifiers alike so far: see `normal`."""
RANGE = 2**33  # a total lies within this on both sides, in steps; so it can be found in the exponent
TAIL = 10  # standard deviations within which a planted number stays; beyond lie less than 2 in 10^23 draws

NOT_MADE = "the match was not made"
_LABEL = b"usufruct/match/v1"
_RUN = re.compile("[0-9a-f]{32}")
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Sides:
    """What a match is about, seen from one of its nodes: `asset` is its own, matched by `identifier` (empty: what its
    persons are known as, without `prefix`); `value` is the column that is added up, where this node has it."""

    kind: str
    asset: str
    identifier: str = ""
    value: str = ""
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a match is carried out at one node. `size` is how many elements its list stands for; `counting` and `summing` are
    the charges of the two numbers in micro-rho, `sigma` the noise on the count in 64ths. No result about fewer than
    `least` persons is told. For sums: one person counts for at most `reach` steps of `step` grains."""

    size: int
    counting: int
    summing: int
    sigma: int
    least: int
    identifier: Column | None
    value: Column | None = None
    reach: int = 0
    step: int = 1

    @property
    def charge(self) -> int:
        """What the match costs at this node."""
        return self.counting + self.summing

    @property
    def half(self) -> int:
        """Half of how many elements are planted."""
        return half_of(self.sigma)


def half_of(sigma: int) -> int:
    """How many planted pairs stand for no noise, where it has `sigma` 64ths: enough that a draw seldom uses them up."""
    return -(-TAIL * sigma // SIGMA_GRAIN)


def deviation(sigma: int) -> Fraction:
    """`sigma` 64ths as a standard deviation."""
    return Fraction(sigma, SIGMA_GRAIN)


# ---- elements and commitments


def normal(text: str) -> str:
    """An identifier as it is compared: in NFKC, without case, with single spaces and none at the ends."""
    folded = unicodedata.normalize("NFKC", holdable(text)).casefold()
    return _SPACES.sub(" ", unicodedata.normalize("NFKC", folded)).strip()


def digest_of(run: str, identifier: str) -> bytes:
    """The 64 bytes from which the element of a normal identifier is made; of this run and no other."""
    return hashlib.sha512(_LABEL + b"/element\0" + bytes.fromhex(run) + identifier.encode()).digest()


def is_run(run: str) -> bool:
    """Whether this can be the number of a run."""
    return _RUN.fullmatch(run) is not None


def elements_of(run: str, names: Sequence[str], size: int, salt: bytes) -> list[str]:
    """The elements of a list for SPU: digests of the names under the run, and behind them, in the place of persons who do not
    allow the use, some that come of the salt alone."""
    if len(names) > size:
        raise ValueError("there are more identifiers than persons")
    made = (
        hashlib.sha512(_LABEL + b"/filler\0" + salt + n.to_bytes(8, "big")).digest() for n in range(size - len(names))
    )
    return [digest[:32].hex() for digest in (*(digest_of(run, name) for name in names), *made)]


def committed(run: str, side: str, salt: bytes, elements: Sequence[str]) -> str:
    """What a side that leaves the match to SPU commits to: who is shown the salt and the table can work it out again."""
    return Commitment(run, side, len(elements)).add(salt + "".join(sorted(elements)).encode()).digest()


class Commitment:
    """The digest of a side's list, taken batch by batch in the order in which it is sent."""

    def __init__(self, run: str, side: str, size: int) -> None:
        self._hash = hashlib.sha256(_LABEL + f"/set\0{run}\n{side}\n{size}\n".encode())

    def add(self, batch: bytes) -> Commitment:
        """Goes on with a batch."""
        self._hash.update(batch)
        return self

    def digest(self) -> str:
        """The digest, in hex."""
        return self._hash.hexdigest()


def signed_text(run: str, side: str, size: int, digest: str, said: str) -> bytes:
    """What a node signs when it binds itself: to its list, and to all else that it `said`, as a digest."""
    return f"usufruct/match/v1\n{run}\n{side}\n{size}\n{digest}\n{said}\n".encode()


# ---- what may be matched


def in_words(sides: Sides, peer: str, theirs: str = "") -> str:
    """A match as people read it, from the side of this node's asset."""
    other = f"`{theirs}` of {peer}" if theirs else f"a table of {peer}"
    match sides.kind:
        case "count":
            return f"how many persons of {sides.asset} are in {other} too"
        case "sum" if sides.value:
            return f"the total of {sides.value} over the persons of {sides.asset} who are in {other} too"
        case "sum":
            return f"a total of {other} over the persons of {sides.asset} who are in it too"
        case _ if theirs:
            return f"which persons of {sides.asset} are in {other} too"
        case _:
            return f"which persons of {other} are in {sides.asset} too"


def request(sides: Sides, read: Reader, requester: str, actors: tuple[str, ...], purpose: str, signed: bool) -> Request:
    """What the gates of the decision judge."""
    asset = read.get(Asset, sides.asset)
    identifier = sides.identifier or (asset.person_column if asset else "")
    columns = tuple(holdable(name) for name in (identifier, sides.value) if name)
    return Request(requester, holdable(sides.asset), purpose, FORMS[sides.kind], columns, actors=actors, signed=signed)


def plan(read: Reader, sides: Sides, permit: Permit, rulebook: Rulebook, at: Instant) -> Plan | Refusal:
    """How a match that was permitted is carried out here, or why not; from the card, the rulebook and the budget alone."""
    asset, least, most = permit.asset, rulebook.value("match.persons-min", at), rulebook.value("match.persons-max", at)
    if not asset.person_column or asset.charter:
        why = "is a pool, and how many are in it is not public" if asset.charter else "is about no persons"
        return refuse("match.asset", NOT_MADE, f"`{asset.id}` {why}", remedy="match a table of persons")
    if not least <= permit.persons <= most:
        return refuse(
            "match.size", NOT_MADE,
            f"`{asset.id}` is about {permit.persons:,} persons; tables of {least:,} to {most:,} are matched",
            remedy="match another table",
        )  # fmt: skip
    columns = _columns(asset, sides)
    if isinstance(columns, Refusal):
        return columns
    runs = rulebook.value("match.runs-per-day", at)
    if sum(1 for _ in read.list(Match, agreement=permit.agreement.id, day=at[:10])) >= runs:
        return refuse(
            "match.often", NOT_MADE, f"under `{permit.agreement.id}` there were {runs} matches today, which is the most",
            remedy="come back tomorrow",
        )  # fmt: skip
    made = _priced(sides, rulebook, at, Plan(permit.persons, 0, 0, 0, max(least, permit.group_min), *columns))
    if columns[1] is not None:
        made = _bounded(made, columns[1], asset.rows_per_person)
    return affordable(read, asset, permit.agreement.consumer, made.charge, 0, rulebook, at, NOT_MADE) or made


def _columns(asset: Asset, sides: Sides) -> tuple[Column | None, Column | None] | Refusal:
    found: list[Column | None] = [None, None]
    for place, name in enumerate((sides.identifier, sides.value)):
        if name and name != asset.person_column:
            found[place] = asset.column(name)
            if found[place] is None:
                return no_such_column(name, asset)
    identifier, value = found
    if identifier is not None and identifier.type not in ("text", "integer"):
        return refuse(
            "privacy.column", NOT_MADE, f"`{identifier.name}` holds no identifiers",
            remedy="match by a column of texts or whole numbers",
        )  # fmt: skip
    if sides.value and (value is None or value.low is None or value.high is None or value.values):
        return refuse(
            "privacy.measure", NOT_MADE, f"`{sides.value}` has no declared bounds, so one row could count for anything",
            remedy="add up a column with bounds",
        )  # fmt: skip
    return identifier, value


def _priced(sides: Sides, rulebook: Rulebook, at: Instant, made: Plan) -> Plan:
    """With what it is charged, as a question is; which persons matched is told as it is, under an agreement for that."""
    if FORMS[sides.kind] != "computation":
        return made
    charge = rulebook.value("privacy.question-micro-rho", at)
    counting = charge if sides.kind == "count" else charge * rulebook.value("privacy.average-count-percent", at) // 100
    return replace(made, counting=counting, summing=charge - counting, sigma=sigma_for(1, counting))


def _bounded(made: Plan, value: Column, rows: int) -> Plan:
    """With what one person can count for, in steps large enough that the whole total stays within `RANGE`."""
    assert value.low is not None and value.high is not None
    grains = rows * max(abs(value.low), abs(value.high), 1)
    step = -(-grains * made.size // RANGE)
    return replace(made, reach=-(-grains // step), step=step)


def sum_sigma(made: Plan, reach: int) -> int:
    """The noise on a total of which one person is at most `reach` steps, in 64ths of a step."""
    return sigma_for(reach * reach, made.summing)


# ---- what is told


def not_by_spu() -> Refusal:
    """The refusal of a match that SPU cannot make, or a node that has none."""
    return refuse(
        "match.protocol", NOT_MADE, "SPU finds persons and nothing else, where both nodes have it",
        remedy="match by double blinding, which needs nothing",
    )  # fmt: skip


def too_small(least: int) -> Refusal:
    """The one refusal for a result that is about too few persons, whatever it is."""
    return refuse(
        "match.small", "the result of the match is not told", f"it is about fewer than {least} persons, or looks so in the noise",
        remedy="match larger tables; the attempt was charged",
    )  # fmt: skip


def broken() -> Refusal:
    """The one refusal for a node that does not keep to the run, whatever it did."""
    return refuse(
        "match.run", "the match was ended", "there is no such run, or it cannot go on",
        remedy="propose the match again, as a new run",
    )  # fmt: skip


def answer(sides: Sides, charge: int, count: int, sigmas: Iterable[int], total: Total | None = None) -> Answer:
    """The result as an answer; `sigmas` are the noises in the count, of both nodes."""
    if FORMS[sides.kind] != "computation":
        notes = ("who was found stays in the node that asked, as a population",)
        return Answer(("persons_matched",), ((str(count),),), ("persons_matched",), notes, charge)
    names = ["persons_in_both", "persons_in_both_margin"]
    cells = [str(count), str(math.ceil(_margin(sigmas)))]
    if total is not None:
        margin = math.ceil(_margin(total.sigmas) * total.step)
        names += ["total", "total_margin"]
        cells += [decimal(total.steps * total.step, total.decimals), decimal(margin, total.decimals)]
    notes = ("both nodes put noise on every number before the other saw it; the margins hold for both together",)
    return Answer(tuple(names), (tuple(cells),), tuple(names), notes, charge)


@dataclass(frozen=True, slots=True)
class Total:
    """A noised total, in steps of `step` grains of 10^-`decimals`; `sigmas` are the noises in it, in 64ths of a step."""

    steps: int
    step: int
    decimals: int
    sigmas: tuple[int, ...]


def _margin(sigmas: Iterable[int]) -> float:
    return float(CONFIDENCE) * math.sqrt(sum(sigma * sigma for sigma in sigmas)) / SIGMA_GRAIN
