"""What each person said, word by word.

A word is never edited. Whoever changes her mind says another, which gets the next number; the earlier one stays, with the
number of the one that ended it. So she, and a court, can see what held on any day and what she had been shown.

Words without conditions act through bitmaps (see `consent`), for there may be a million. Words with conditions, and those
said to somebody in particular, are few; they are held against the circumstances of each use one by one, here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from usufruct.core.access.consent_conditions import ANY, PERIODS, Circumstances, Conditions
from usufruct.core.access.facts import ConsentsUsed
from usufruct.core.base.instants import Instant, later
from usufruct.core.base.records import Reader, Row
from usufruct.core.registry.state import Asset, Party
from usufruct.core.rulebook import purposes

PLAIN, LIMITED, PAST = "plain", "limited", "past"


@dataclass(frozen=True, slots=True)
class ConsentWord(Row):
    """Word `version` of a person on an asset: `said` is given, refused, objected or lifted.

    `standing` is plain (it acts through the bitmaps), limited (it is held against circumstances) or past, since word
    `ended_by`. A `void` one counts no more since the power of the guardian who said it is gone.
    """

    KEY = ("asset", "number", "version")
    INDEXED = ("asset", "standing", "party")
    asset: str
    number: int
    version: int
    party: str
    purpose: str
    said: str
    standing: str
    at: Instant
    seq: int
    conditions: Conditions = ANY
    notice: str = ""
    request: str = ""
    by: str = ""
    basis: str = ""
    ended_by: int = 0
    void: bool = False


@dataclass(frozen=True, slots=True)
class ConsentCount(Row):
    """How often a word was used, and the newest instants, as many as its frequency needs."""

    KEY = ("asset", "number", "version")
    INDEXED = ("asset",)
    asset: str
    number: int
    version: int
    uses: int
    recent: tuple[Instant, ...]


@dataclass(frozen=True, slots=True)
class Spoken:
    """A word as people see it: on which `asset`, its `status` at the instant `at`, its conditions `in_words`, the `notice`
    that was shown (none with a refusal of her own accord), and what the parties in it are called."""

    word: ConsentWord
    asset: Asset
    status: str
    in_words: tuple[str, ...]
    notice: str
    at: Instant
    names: Mapping[str, str]


def of_person(read: Reader, asset: str, party: str) -> list[ConsentWord]:
    """All that a person said of an asset, the first first."""
    return sorted(read.list(ConsentWord, asset=asset, party=party), key=lambda word: word.version)


def status(word: ConsentWord, at: Instant) -> str:
    """Where a word stands at an instant, as the Data Privacy Vocabulary calls it (`dpv:ConsentStatus`)."""
    if word.said == "objected":
        return "Objected" if word.standing != PAST else "ObjectionLifted"
    if word.said == "lifted":
        return "ObjectionLifted"
    if word.said == "refused":
        return "ConsentRefused"
    if word.void:
        return "ConsentInvalidated"
    if word.standing == PAST:
        return "ConsentWithdrawn"
    return "ConsentGiven" if at < word.conditions.until else "ConsentExpired"


def ended(words: Iterable[ConsentWord], by: int) -> Iterator[ConsentWord]:
    """The words as they are once word `by` has ended them."""
    for word in words:
        yield replace(word, standing=PAST, ended_by=by)


def replaced_by_yes(words: Iterable[ConsentWord], purpose: str, conditions: Conditions) -> Iterator[ConsentWord]:
    """Of a person's words those that a yes for `purpose` on `conditions` takes the place of.

    A yes without conditions replaces every yes and her refusal for that very purpose; one with limits the same where it is
    said to all; one said to somebody what was said to the very same.
    """
    for word in words:
        if word.purpose != purpose or word.standing == PAST or word.said not in ("given", "refused"):
            continue
        if word.conditions.scope == conditions.scope or (conditions == ANY and word.said == "given"):
            yield word


def taken_back_by_no(words: Iterable[ConsentWord], purpose: str, recipient: str) -> Iterator[ConsentWord]:
    """Of a person's words those that a refusal of `purpose` (towards a recipient, or towards all) takes back."""
    for word in words:
        if word.standing == PAST or word.said not in ("given", "refused") or not purposes.covers(purpose, word.purpose):
            continue
        recipients = word.conditions.recipients
        if word.said == "given" and (not recipient or recipients == (recipient,)):
            yield word
        if word.said == "refused" and word.purpose == purpose and recipients == ((recipient,) if recipient else ()):
            yield word


@dataclass(slots=True)
class Held:
    """What limited words come to in some circumstances, as persons' numbers: by purpose who gave consent that is `met`, and
    whose consent there does not reach so far (`unmet`); who is `out` whatever else she said; who was `asked` and said yes;
    the `counted` words that a use would rest on."""

    met: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    unmet: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    out: set[int] = field(default_factory=set)
    asked: set[int] = field(default_factory=set)
    counted: list[ConsentWord] = field(default_factory=list)


def held(read: Reader, words: Iterable[ConsentWord], purpose: str, circumstances: Circumstances | None) -> Held:
    """Limited words on one asset, held against a use for `purpose`.

    Without circumstances nothing is met, for each might not be, and what was refused to anybody is refused.
    """
    found = Held()
    above, below = frozenset(purposes.ancestors(purpose)), frozenset(purposes.descendants(purpose))
    refusals, exceptions = [], defaultdict(list)
    kind = _kind(read, circumstances)
    counts: Mapping[tuple[int, int], ConsentCount] | None = None
    for word in words:
        if word.purpose not in above and word.purpose not in below:
            continue
        if circumstances is None:
            if word.said == "refused":
                found.out.add(word.number)
            else:
                found.unmet[word.purpose].add(word.number)
            continue
        if not word.conditions.addressed(circumstances, kind):
            continue
        if word.said == "refused":
            refusals.append(word)
            continue
        if counts is None and word.conditions.counted:
            counts = {(c.number, c.version): c for c in read.list(ConsentCount, asset=word.asset)}
        if _met(word, circumstances, counts or {}):
            found.met[word.purpose].add(word.number)
            if word.purpose in above:
                exceptions[word.number].append(word)
                if word.request and word.conditions.recipients == (circumstances.recipient,):
                    found.asked.add(word.number)
                if word.conditions.counted:
                    found.counted.append(word)
        else:
            found.unmet[word.purpose].add(word.number)
    found.out.update(word.number for word in refusals if not _excepted(word, exceptions[word.number]))
    for over, numbers in found.unmet.items():
        numbers.difference_update(found.met[over])  # another yes of hers for the same purpose reaches so far
    return found


def _kind(read: Reader, circumstances: Circumstances | None) -> str:
    party = read.get(Party, circumstances.recipient) if circumstances else None
    return party.kind if party else ""


def _met(word: ConsentWord, circumstances: Circumstances, counts: Mapping[tuple[int, int], ConsentCount]) -> bool:
    if word.void or not word.conditions.hold(circumstances):
        return False
    count = counts.get((word.number, word.version))
    if count is None or circumstances.counted:
        return True
    conditions = word.conditions
    if conditions.uses and count.uses >= conditions.uses:
        return False
    if not conditions.frequency or len(count.recent) < conditions.frequency:
        return True
    return later(count.recent[-conditions.frequency], days=PERIODS[conditions.per]) <= circumstances.at


def _excepted(refusal: ConsentWord, given: Iterable[ConsentWord]) -> bool:
    """Whether a yes to the very same recipient opens something narrower than a refusal; it is younger, for the refusal
    took the older ones back."""
    return any(
        word.purpose != refusal.purpose
        and purposes.covers(refusal.purpose, word.purpose)
        and word.conditions.recipients == refusal.conditions.recipients
        for word in given
    )


def counted(read: Reader, fact: ConsentsUsed, at: Instant) -> Iterator[ConsentCount]:
    """The counts of the words that a use rests on, after it."""
    for used in fact.words:
        word = read.get(ConsentWord, fact.asset, used.number, used.version)
        if word is None:  # she was erased since
            continue
        before = read.get(ConsentCount, fact.asset, used.number, used.version)
        recent = (
            (*(before.recent if before else ()), at)[-word.conditions.frequency :] if word.conditions.frequency else ()
        )
        yield ConsentCount(fact.asset, used.number, used.version, (before.uses if before else 0) + 1, recent)
