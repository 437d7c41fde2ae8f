"""Purposes: what data may be used for, as a tree in which each purpose is a narrower case of the ones above it.

Consent is given for a purpose, and an agreement names the purposes it allows. Were these free words, every use would
start a quarrel about whether two phrases mean the same. So there is one list, with an order: a purpose *covers* itself
and everything narrower. Who allows research and development has allowed academic research; who allows academic research
has not allowed the rest of research and development. That is the whole of the reasoning: to check a use is to walk up
from its purpose, and an explanation of the answer is the path walked.

    Purpose                          covers everything, so it is hardly ever the right thing to allow
    ├── ResearchAndDevelopment
    │   ├── AcademicResearch         says nothing about profit: not under NonCommercialPurpose
    │   └── CommercialResearch       also under CommercialPurpose
    └── Marketing
        └── DirectMarketing

Some purposes have more than one broader purpose, and whoever allows either has allowed them: strictly the tree is a
directed graph without cycles, and covering is a partial order. Only what is written covers; a likeness of names does
not.

The purposes are those of the W3C Data Privacy Vocabulary, which others speak too; `purposes.toml` says which version,
and holds for each its broader purposes and a label for people. A purpose is written here as its id
(`AcademicResearch`); what comes from outside goes through `normal` first.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable
from importlib import resources

from usufruct.core.base.faults import BadInput

ROOT = "Purpose"

_PREFIX = "dpv:"
_SUGGESTIONS = 3
_WORD_STARTS = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def known(purpose: str) -> bool:
    """Whether `purpose` is the id of a purpose."""
    return purpose in _LABELS


def label(purpose: str) -> str:
    """The purpose in a few plain words."""
    return _LABELS[purpose]


def ancestors(purpose: str) -> tuple[str, ...]:
    """The purpose and everything broader: each before all that is broader than it, so itself first, the root last."""
    return _ANCESTORS[purpose]


def descendants(purpose: str) -> tuple[str, ...]:
    """The purpose and everything narrower: each before all that is narrower than it, so itself first."""
    return _DESCENDANTS[purpose]


def directly_narrower(purpose: str) -> tuple[str, ...]:
    """The purposes directly below a purpose, by their labels."""
    return tuple(sorted((other for other, above in _BROADER.items() if purpose in above), key=label))


def covers(broader: str, narrower: str) -> bool:
    """Whether allowing `broader` allows `narrower`. What is not in the tree is covered by nothing and covers nothing."""
    return broader in _SETS.get(narrower, ())


def forbids(prohibited: Iterable[str], purpose: str) -> str | None:
    """The first of `prohibited` that stands against a use for `purpose`; None if none does.

    What it covers is prohibited with it. So is a purpose so broad that it takes in some of that, for whoever may use data
    for marketing at large may use them for direct marketing. A prohibition that is not in the tree might mean anything
    and stands against everything, as any prohibition does against a purpose that is not.
    """
    meant = set(_DESCENDANTS.get(purpose, ()))
    for other in prohibited:
        if not meant or other not in _SETS or not meant.isdisjoint(_DESCENDANTS[other]):
            return other
    return None


def broadest(allowed: Iterable[str]) -> tuple[str, ...]:
    """The same permission in the fewest words: what is covered by another purpose is left out."""
    wanted = set(allowed)  # what is not in the tree drops out with the walk over the tree
    return tuple(p for p in _DOWNWARD if p in wanted and not wanted & (_SETS[p] - {p}))


def meet(one: Iterable[str], other: Iterable[str]) -> tuple[str, ...]:
    """What both permissions allow, in the fewest words: the purposes that each of them covers."""
    return broadest(_down(one) & _down(other))


def _down(allowed: Iterable[str]) -> set[str]:
    return {narrower for purpose in allowed for narrower in _DESCENDANTS.get(purpose, ())}


def normal(text: str) -> str | None:
    """The id that `text` spells, or None: an id, with or without `dpv:`, or in any case a label or an id in words.

    Nothing is guessed. `AcademicResearch`, `dpv:AcademicResearch` and `Academic research` are the same purpose;
    `academicresearch` is none, and `nearest` knows what was probably meant.
    """
    purpose = text.strip().removeprefix(_PREFIX)
    return purpose if known(purpose) else _IN_WORDS.get(" ".join(text.lower().split()))


def checked(text: str) -> str:
    """The id that `text` spells.

    Raises:
        BadInput: it spells none.
    """
    purpose = normal(text)
    if purpose is None:
        raise not_known(text)
    return purpose


def not_known(text: str) -> BadInput:
    """What is wrong with a purpose that is not in the tree, and what was probably meant."""
    near = ", ".join(nearest(text)) or "see the purpose tree in the docs"
    return BadInput("input.purpose", f"`{text}` is not in the purpose tree", f"nearest: {near}")


def nearest(text: str) -> tuple[str, ...]:
    """Up to three purposes whose id or label is spelt most like `text`, the likeliest first; for error messages."""
    # A purpose has at most two spellings, so twice as many spellings are enough to find that many purposes.
    spellings = difflib.get_close_matches(_run_together(text), _SPELLINGS, n=2 * _SUGGESTIONS)
    return tuple(dict.fromkeys(_SPELLINGS[spelling] for spelling in spellings))[:_SUGGESTIONS]


def _in_words(purpose: str) -> str:
    """`ProtectionOfIPR` as `protection of ipr`."""
    return _WORD_STARTS.sub(" ", purpose).lower()


def _run_together(text: str) -> str:
    return "".join(text.lower().split()).removeprefix(_PREFIX)


def _load() -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
    """The label of each purpose, and the purposes directly above it."""
    text = resources.files(__package__).joinpath("purposes.toml").read_text(encoding="utf-8")
    entries = tomllib.loads(text)["purposes"]
    return (
        {purpose: entry["label"] for purpose, entry in entries.items()},
        {purpose: tuple(entry["broader"]) for purpose, entry in entries.items()},
    )


def _closure(above: dict[str, tuple[str, ...]]) -> dict[str, frozenset[str]]:
    """For each purpose the set of itself and everything broader."""
    closed: dict[str, frozenset[str]] = {}

    def close(purpose: str) -> frozenset[str]:
        if purpose not in closed:
            closed[purpose] = frozenset({purpose}).union(*map(close, above[purpose]))
        return closed[purpose]

    for purpose in above:
        close(purpose)
    return closed


_LABELS, _BROADER = _load()
_SETS = _closure(_BROADER)

# The narrower of two purposes always has more ancestors, so their number sorts a purpose before or after what is above.
_DOWNWARD = sorted(_SETS, key=lambda purpose: (len(_SETS[purpose]), purpose))
_ANCESTORS = {
    purpose: tuple(sorted(above, key=lambda other: (-len(_SETS[other]), other))) for purpose, above in _SETS.items()
}
_DESCENDANTS = {purpose: tuple(other for other in _DOWNWARD if purpose in _SETS[other]) for purpose in _SETS}

_IN_WORDS = {words.lower(): purpose for purpose, text in _LABELS.items() for words in (text, _in_words(purpose))}
_SPELLINGS = {_run_together(words): purpose for purpose, text in _LABELS.items() for words in (text, purpose)}
