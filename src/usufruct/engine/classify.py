"""The classifier: a first word on what the columns of a new table hold and how sensitive they are.

It only proposes, and it errs in one direction. What is not plainly harmless counts as personal and sensitive, for a table
that is graded too high is asked less than it could be, and one that is graded too low has let somebody down. So a low
grade needs two witnesses, a name that means something harmless and values that look like it, while a high one needs a
single one: a word in the name, in one of many languages, or a pattern in the values. Of several the highest counts. In a
table with a column about persons every column is about persons.

Words and numbers are data (`classify.toml`). With the extra `classify` the numbers by which states know people are
checked by a library that is kept up for it; without, such columns are still sensitive, only nobody says why. What is
said of a column never repeats its values, for a proposal is read by more people than the table.
"""

from __future__ import annotations

import importlib
import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from usufruct.core.registry.seen import ColumnProposed, ColumnSeen

SAMPLE = 2_000  # different values of a column that are looked at
UNKNOWN = 3  # sensitive: the grade of what nobody can place
HARMLESS = 1  # internal: the grade of what is plainly about no person
PERSONAL = 2  # the least grade of anything in a table about persons

_MOST = 0.8  # of the values must fit a pattern that has no check
_CHECKED = 0.6  # of the values must pass, where chance would let a tenth of them through
_FEW = 5  # values, fewer than which prove no pattern
_LONG = 8  # signs, enough for a number of its own for everybody
_PROSE_WORDS = 4  # in the middle value of what people wrote freely


@dataclass(frozen=True, slots=True)
class Sampled:
    """What is known of a column: its figures, and different values as text, none of them empty."""

    seen: ColumnSeen
    values: Sequence[str]


@dataclass(frozen=True, slots=True)
class _Found:
    grade: int
    why: str


@dataclass(frozen=True, slots=True)
class _Words:
    """The words of one kind: runs of whole words, beginnings of words, and what is looked for anywhere in a name."""

    means: str
    grade: int
    whole: frozenset[tuple[str, ...]]
    joined: frozenset[str]
    beginnings: tuple[str, ...]
    anywhere: tuple[str, ...]
    unless: frozenset[str]

    def found_in(self, words: tuple[str, ...]) -> bool:
        runs = {words[i:j] for i in range(len(words)) for j in range(i + 1, len(words) + 1)}
        text = "".join(words)
        plain = bool(runs & self.whole) or bool(self.joined & {"".join(run) for run in runs})
        if plain and self.unless.intersection(words):
            return False
        return (
            plain
            or any(word.startswith(self.beginnings) for word in words)
            or any(part in text for part in self.anywhere)
        )


def classify(columns: Iterable[Sampled]) -> list[ColumnProposed]:
    """A class, a grade and the reasons for each column; the person confirms them."""
    proposed = [_propose(column) for column in columns]
    if not any(p.data_class == "personal" for p in proposed):
        return proposed
    return [_about_persons(p) for p in proposed]


def _about_persons(proposed: ColumnProposed) -> ColumnProposed:
    if proposed.data_class == "personal":
        return proposed
    reasons = (*proposed.reasons, "but the table is about persons")
    return ColumnProposed(proposed.name, "personal", max(PERSONAL, proposed.grade), reasons)


def _propose(column: Sampled) -> ColumnProposed:
    words = words_of(column.seen.name)
    found = [_Found(kind.grade, f"its name speaks of {kind.means}") for kind in _kinds() if kind.found_in(words)]
    found += _in_values(column)
    if found:
        grade = max(one.grade for one in found)
        reasons = [one.why for one in sorted(found, key=lambda one: -one.grade)]
        return ColumnProposed(column.seen.name, "personal", grade, tuple(dict.fromkeys(reasons)))
    harmless = next((kind.means for kind in _harmless() if kind.found_in(words)), None)
    if harmless and _looks_harmless(column):
        why = (f"its name speaks of {harmless}, and its values look like it",)
        return ColumnProposed(column.seen.name, "enterprise", HARMLESS, why)
    return ColumnProposed(column.seen.name, "personal", UNKNOWN, (_unknown(column),))


def _unknown(column: Sampled) -> str:
    if len(column.values) > _FEW and column.seen.distinct == column.seen.rows:
        return "every row has a value of its own, which may tell whom it is about"
    return "nothing tells what it holds"


def _looks_harmless(column: Sampled) -> bool:
    """Whether values can hardly be about single persons: short numbers and marks, or few words that come again."""
    seen = column.seen
    if not column.values or (seen.distinct == seen.rows > _FEW and min(map(len, column.values)) >= _LONG):
        return False
    if seen.type in ("integer", "decimal", "boolean"):
        return True
    short = all(len(value) <= 40 and len(value.split()) <= _PROSE_WORDS for value in column.values)
    return short and (seen.distinct * 2 <= seen.rows or all(re.fullmatch(r"[A-Z0-9./:-]+", v) for v in column.values))


# ---- names


def words_of(name: str) -> tuple[str, ...]:
    """The words of a name, in small letters and without accents: `GeburtsDatum_Kind` as geburts, datum, kind."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", unicodedata.normalize("NFKC", name))
    return tuple(re.findall(r"[^\W_]+", _bare(parted)))


def _bare(text: str) -> str:
    """Small letters without accents, where accents are an addition: not in scripts in which they are letters."""
    bare = "".join(
        letter for letter in unicodedata.normalize("NFKD", text.lower().replace("ł", "l").replace("ø", "o"))
        if not "\u0300" <= letter <= "\u036f"
    )  # fmt: skip
    return unicodedata.normalize("NFC", bare.replace("ß", "ss").replace("ı", "i"))


@cache
def _known() -> dict[str, Any]:
    return tomllib.loads(resources.files(__package__).joinpath("classify.toml").read_text(encoding="utf-8"))


@cache
def _kinds() -> tuple[_Words, ...]:
    return tuple(_words(entry, entry["grade"]) for entry in _known()["kind"])


@cache
def _harmless() -> tuple[_Words, ...]:
    return tuple(_words(entry, HARMLESS) for entry in _known()["harmless"])


def _words(entry: dict[str, Any], grade: int) -> _Words:
    whole, joined, beginnings, anywhere = set(), set(), set(), set()
    for written in entry["words"]:
        word = _bare(written.removesuffix("*"))
        run = tuple(re.findall(r"[^\W_]+", word))
        if written.endswith("*"):
            beginnings.add(word)
        elif _has_no_spaces(word):
            anywhere.add(word)
        else:
            whole.add(run)
            if len(run) > 1:
                joined.add("".join(run))
    unless = frozenset(map(_bare, entry.get("unless", ())))
    return _Words(
        entry["means"], grade, frozenset(whole), frozenset(joined), tuple(beginnings), tuple(anywhere), unless
    )


def _has_no_spaces(word: str) -> bool:
    """Whether it is of a script that is written without spaces between words: Han, kana, Hangul, Thai."""
    return any(
        "\u0e00" <= letter <= "\u0e7f" or "\u3040" <= letter <= "\u9fff" or "\uac00" <= letter <= "\ud7af"
        for letter in word
    )


# ---- values


def _in_values(column: Sampled) -> Iterator[_Found]:
    """What the values give away."""
    values = column.values
    for pattern in _PATTERNS:
        if _share(values, pattern.fits) >= pattern.share and len(values) >= pattern.least:
            yield _Found(pattern.grade, f"its values look like {pattern.means}")
    if len(values) >= _FEW:
        yield from _numbers(values)
    words = sorted(len(value.split()) for value in values)
    if len(values) >= _FEW and words[len(words) // 2] > _PROSE_WORDS:
        yield _Found(UNKNOWN, "its values are free text, which may say anything about anybody")


def _share(values: Sequence[str], fits: Callable[[str], object]) -> float:
    return sum(1 for value in values if fits(value)) / len(values) if values else 0.0


def _iban(value: str) -> bool:
    compact = value.replace(" ", "").upper()
    if not re.fullmatch(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", compact):
        return False
    return int("".join(str(int(letter, 36)) for letter in compact[4:] + compact[:4])) % 97 == 1


def _card(value: str) -> bool:
    """A payment card's number: it begins as one and its check digit (Luhn) is right."""
    digits = re.sub(r"[ -]", "", value)
    if not re.fullmatch(r"[2-6]\d{12,18}", digits):
        return False
    doubled = [int(d) * (1 + i % 2) for i, d in enumerate(reversed(digits))]
    return sum(d - 9 * (d > 9) for d in doubled) % 10 == 0


def _phone(value: str) -> bool:
    """A number as people write it to be called: with a plus, or a leading zero and gaps."""
    if not re.fullmatch(
        r"(\+|00)[\d ()./-]{7,22}|0\d{1,5}[ ()./-][\d ()./-]{4,16}|\(\d{2,5}\)[\d ./-]{5,16}", value.strip()
    ):
        return False
    return 7 <= sum(c.isdigit() for c in value) <= 15


@dataclass(frozen=True, slots=True)
class _Pattern:
    """How a kind of value looks; of at least `least` values the `share` must `fit`, for a single one may be chance."""

    means: str
    grade: int
    fits: Callable[[str], object]
    share: float = _MOST
    least: int = 1


_MAIL = re.compile(r"[^@\s]@[^@\s]+\.[^@\s.]{2,}")
_PLACE = re.compile(r"[-+]?\d{1,3}\.\d{3,}\s*[,;]\s*[-+]?\d{1,3}\.\d{3,}|(?:POINT|LINESTRING)\s*\(.*")
_IP4, _MAC = r"(?:\d{1,3}\.){3}\d{1,3}", r"(?:[0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}"
_DEVICE = re.compile(rf"{_IP4}|{_MAC}|[0-9a-fA-F]{{0,4}}(?::[0-9a-fA-F]{{0,4}}){{3,7}}")
_LONG_AGO = re.compile(r"19\d\d-\d\d-\d\d(?:[T ].*)?|\d{1,2}[./]\d{1,2}[./]19\d\d")
_HASHED = re.compile(r"\$(?:2[aby]|argon2\w*|5|6)\$.+")

_PATTERNS = (
    _Pattern("e-mail addresses", 2, _MAIL.search, 0.01),
    _Pattern("account numbers (IBAN)", 4, _iban, 0.01),
    _Pattern("payment card numbers", 4, _card, _CHECKED, _FEW),
    _Pattern("telephone numbers", 2, _phone, 0.5),
    _Pattern("places on a map", 3, _PLACE.fullmatch),
    _Pattern("addresses of devices", 3, _DEVICE.fullmatch),
    _Pattern("days long ago, as dates of birth are", 3, _LONG_AGO.fullmatch, 0.5, _FEW),
    _Pattern("secrets that were hashed", 4, _HASHED.fullmatch),
)


def _numbers(values: Sequence[str]) -> Iterator[_Found]:
    """Numbers with a check that most of the values pass."""
    for entry in _known()["number"]:
        for name in entry["modules"]:
            module = _library(f"stdnum.{name}")
            if module is not None and _share(values, module.is_valid) >= _CHECKED:
                yield _Found(entry["grade"], f"its values are {entry['means']} ({name.strip('_').upper()})")
                break


@cache
def _library(name: str) -> Any:
    """A module of the extra, if it is installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None
