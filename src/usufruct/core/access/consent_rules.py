"""What a person may say, and who may say it for her.

Nothing here looks at what others said, so no answer tells about others. The way to a no is short: it needs no notice, no
conditions and no reason. A yes is bound to what was shown, and never to more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation

from usufruct.core.access import consent, consent_notice
from usufruct.core.access.consent_conditions import ANY, MODES, PERIODS, Conditions, Value, Within
from usufruct.core.access.consent_guardians import guardians_of, guardianship
from usufruct.core.access.consent_words import PAST, ConsentWord, of_person
from usufruct.core.access.facts import ConsentGiven, ConsentRefused, ObjectionLifted, RecordsShared, UseObjected
from usufruct.core.base.canonical import holdable
from usufruct.core.base.faults import BadInput
from usufruct.core.base.ids import checked
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.registry.facts import PARTY_KINDS, Column
from usufruct.core.registry.rules import find_party, id_of
from usufruct.core.registry.state import Asset
from usufruct.core.rulebook import purposes
from usufruct.core.rulebook.bases import BASES

NOT_RECORDED = "your word was not recorded"
MOST_USES, MOST_FREQUENT, MOST_CONDITIONS = 1_000_000, 1_000, 50


@dataclass(frozen=True, slots=True)
class Speaker:
    """Whose word it is: person `party`, and `by` whom if a guardian says it; both as people type them."""

    party: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class Speech:
    """Who speaks on which asset, found and allowed to: her ids, her words so far, and until when a guardian may."""

    asset: Asset
    party: str
    by: str
    words: Sequence[ConsentWord]
    until: Instant | None

    @property
    def version(self) -> int:
        """The number that her next word gets."""
        return len(self.words) + 1

    def limited(self, conditions: Conditions) -> Conditions:
        """The same conditions; a guardian's end with his time."""
        return replace(conditions, until=min(conditions.until, self.until)) if self.until else conditions


def speech(read: Reader, asset: str, speaker: Speaker, at: Instant) -> Speech | Refusal:
    """Whether somebody may speak on an asset; what is unknown and what is not hers to decide get the same answer."""
    person, by = find_party(read, speaker.party), id_of(read, speaker.by) if speaker.by else ""
    party = person.id if person else ""  # her number stays when she is erased, and nobody speaks for it
    power = guardianship(read, by, party, at) if by else None
    found = read.get(Asset, asset)
    try:
        consent.number_of(read, asset, party)
    except LookupError:
        found = None
    if found is None or (by and power is None):
        return refuse(
            "registry.unknown", NOT_RECORDED, f"there is no asset `{asset}` that is about `{speaker.party}`"
            + (f", for whom `{speaker.by}` speaks" if by else ""),
            remedy="choose one of the assets on your own page",
        )  # fmt: skip
    return Speech(found, party, by, of_person(read, asset, party), power.until if power else None)


def say(
    read: Reader, asset: str, speaker: Speaker, purpose: str, yes: bool, at: Instant, conditions: Conditions = ANY,
    shown: str = "",
) -> ConsentGiven | ConsentRefused | Refusal:  # fmt: skip
    """A person gives or refuses consent of her own accord; `shown` is the digest of the notice that she saw. A yes within
    limits needs it, and so does a guardian's, which ends with his time: what is limited must be read.

    Raises:
        BadInput: the purpose is not in the tree, or the conditions cannot be held, or have no place in a refusal; or nothing
            says that the limits were read.
    """
    known = purposes.checked(purpose)
    found = speech(read, asset, speaker, at)
    if isinstance(found, Refusal):
        return found
    if not yes:
        recipient = conditions.recipients[0] if len(conditions.recipients) == 1 else ""
        if conditions != (Conditions(recipients=(recipient,)) if recipient else ANY):
            raise BadInput("input.conditions", "a refusal has no conditions but one recipient", "leave the others out")
        return ConsentRefused(asset, found.party, known, found.version, "", recipient, "", found.by)
    limited = found.limited(checked_conditions(conditions, found.asset, at))
    notice = consent_notice.digest(consent_notice.notice(found.asset, known, limited)) if shown else ""
    return yes_to(read, found, known, limited, notice, shown, at)


def offered(
    read: Reader, asset: str, speaker: Speaker, purpose: str, conditions: Conditions, at: Instant
) -> str | Refusal:
    """The notice of a yes that somebody may say of her own accord: what she must be shown.

    Raises:
        BadInput: the purpose is not in the tree, or the conditions cannot be held.
    """
    found = speech(read, asset, speaker, at)
    if isinstance(found, Refusal):
        return found
    known, limited = purposes.checked(purpose), found.limited(checked_conditions(conditions, found.asset, at))
    return _barred(read, found, known, at) or consent_notice.notice(found.asset, known, limited)


def yes_to(
    read: Reader, found: Speech, purpose: str, conditions: Conditions, notice: str, shown: str, at: Instant,
    request: str = "",
) -> ConsentGiven | Refusal:  # fmt: skip
    """Her yes, if she may say it and was shown what it means.

    Raises:
        BadInput: nothing says that she read it, and it answers a request or has limits.
    """
    barred = _barred(read, found, purpose, at)
    if barred is not None:
        return barred
    if not shown and (request or conditions != ANY):
        raise BadInput("input.conditions", "a yes must say what was read", "send the digest of the notice with it")
    if shown != notice:
        return refuse(
            "consent.notice", NOT_RECORDED, "what you were shown is not what would be recorded",
            remedy="read the notice as it is now, and answer that",
        )  # fmt: skip
    return ConsentGiven(found.asset.id, found.party, purpose, found.version, notice, conditions, request, found.by)


def _barred(read: Reader, found: Speech, purpose: str, at: Instant) -> Refusal | None:
    """Why a yes must wait: a ward's own for her majority, a guardian's for ever where the ward herself said no."""
    if not found.by:
        guardians = guardians_of(read, found.party, at)
        return refuse(
            "consent.guardian", NOT_RECORDED, f"until {max(one.until for one in guardians)[:10]} a guardian says yes for you",
            remedy="you can say no at any time yourself; for a yes ask your guardian",
        ) if guardians else None  # fmt: skip
    last = {word.purpose: word for word in found.words if not word.by and word.said in ("given", "refused")}
    for word in last.values():
        related = purposes.covers(word.purpose, purpose) or purposes.covers(purpose, word.purpose)
        if word.said == "refused" and related:
            return refuse(
                "consent.guardian", NOT_RECORDED, f"she herself refused {purposes.label(word.purpose)}",
                remedy="only she can lift her refusal",
            )  # fmt: skip
    return None


def object_to(
    read: Reader, asset: str, speaker: Speaker, purpose: str, basis: str, at: Instant
) -> UseObjected | Refusal:
    """A person objects to uses for a purpose on one legal basis, or with none named on any.

    Raises:
        BadInput: no such purpose or basis.
    """
    known = purposes.checked(purpose)
    found = speech(read, asset, speaker, at)
    if isinstance(found, Refusal):
        return found
    return UseObjected(asset, found.party, known, _checked_basis(basis), found.version, found.by)


def lift_objection(
    read: Reader, asset: str, speaker: Speaker, purpose: str, basis: str, at: Instant
) -> ObjectionLifted | Refusal:
    """She takes an objection back; a guardian cannot.

    Raises:
        BadInput: no such purpose or basis.
    """
    known, on = purposes.checked(purpose), _checked_basis(basis)
    found = speech(read, asset, speaker, at)
    if isinstance(found, Refusal):
        return found
    standing = (w for w in found.words if w.said == "objected" and w.standing != PAST and not speaker.by)
    if not any((w.purpose, w.basis) == (known, on) for w in standing):
        return refuse(
            "registry.unknown", NOT_RECORDED, f"you have no objection to {purposes.label(known)} on that basis",
            remedy="see what you said on your own page",
        )  # fmt: skip
    return ObjectionLifted(asset, found.party, known, on, found.version)


def _checked_basis(basis: str) -> str:
    if basis and basis not in BASES:
        raise BadInput(
            "input.basis", f"`{basis}` is not a legal basis", f"use one of {', '.join(BASES)}, or none for all"
        )
    return basis


def share_records(read: Reader, asset: str, members: Sequence[str], evidence: str) -> RecordsShared | Refusal:
    """The steward records that the records of these members are about all of them.

    Raises:
        BadInput: fewer than two, or nothing says how it is known.
    """
    if not evidence.strip() or len(set(members)) < 2:
        raise BadInput(
            "input.evidence", "shared records need two members and evidence", "say how it is known, and of whom"
        )
    try:
        numbers = {consent.number_of(read, asset, id_of(read, member)) for member in members}
    except LookupError:
        return refuse(
            "registry.unknown", "nothing was recorded", f"`{asset}` is not about all of these members",
            remedy="list members of the asset only",
        )  # fmt: skip
    return RecordsShared(asset, tuple(sorted(numbers)), holdable(evidence.strip()))


def checked_conditions(conditions: Conditions, asset: Asset, at: Instant) -> Conditions:
    """Conditions that the node can hold, on that asset.

    Raises:
        BadInput: one of them cannot be.
    """
    if conditions.mode not in MODES:
        raise _wrong(f"`{conditions.mode}` is not a form of answer", f"use one of {', '.join(MODES)}")
    if conditions.until <= at:
        raise _wrong(f"`{conditions.until[:10]}` is past", "name a day to come")
    if not 0 <= conditions.uses <= MOST_USES or not 0 <= conditions.frequency <= MOST_FREQUENT:
        raise _wrong("that many uses cannot be counted", f"up to {MOST_USES} in all, and {MOST_FREQUENT} in a period")
    if bool(conditions.frequency) != bool(conditions.per) or conditions.per not in ("", *PERIODS):
        raise _wrong("how often it may be used is not said in full", f"say a number and one of {', '.join(PERIODS)}")
    if max(len(conditions.rows), len(conditions.recipients), len(conditions.agreements)) > MOST_CONDITIONS:
        raise _wrong("there are too many conditions", f"name {MOST_CONDITIONS} of a kind at most")
    for recipient in conditions.recipients:
        if recipient.startswith("kind:"):
            if recipient.removeprefix("kind:") not in PARTY_KINDS:
                raise _wrong(f"`{recipient}` is not a kind of party", f"use kind: and one of {', '.join(PARTY_KINDS)}")
        else:
            checked(recipient, "a recipient")
    for agreement in conditions.agreements:
        checked(agreement, "an agreement")
    for rows in conditions.rows:
        _check_rows(rows, asset)
    return conditions


def _check_rows(rows: Within, asset: Asset) -> None:
    column = _column(asset, rows.column)
    if rows.values and (rows.low is not None or rows.high is not None):
        raise _wrong(f"`{rows.column}` has both bounds and values", "give one or the other")
    if rows.values:
        kind = {"text": str, "boolean": bool}.get(column.type, int)
        if not all(type(value) is kind for value in rows.values) or len(rows.values) > MOST_CONDITIONS:
            raise _wrong(f"the values for `{rows.column}` are not of its type", f"it holds {column.type}s")
    elif column.type not in ("integer", "decimal") or (rows.low is None and rows.high is None):
        raise _wrong(f"`{rows.column}` has no bounds that could be held", "give bounds of a number, or values")
    elif rows.low is not None and rows.high is not None and rows.low > rows.high:
        raise _wrong(f"the bounds of `{rows.column}` are the wrong way round", "give the lower one first")


def within(asset: Asset, column: str, low: str = "", high: str = "", values: Sequence[str] = ()) -> Within:
    """A condition on rows, from what people type: numbers in the column's unit, `yes` and `no`, texts.

    Raises:
        BadInput: no such column, or it cannot hold that.
    """
    found = _column(asset, column)
    read = tuple(_value(found, value) for value in values)
    bounds = [_grains(found, bound) if bound else None for bound in (low, high)]
    return Within(found.name, bounds[0], bounds[1], read)


def _value(column: Column, text: str) -> Value:
    if column.type == "text":
        return text
    if column.type == "boolean":
        if text not in ("yes", "no"):
            raise _wrong(f"`{text}` is neither yes nor no", f"`{column.name}` holds yes or no")
        return text == "yes"
    return _grains(column, text)


def _grains(column: Column, text: str) -> int:
    try:
        number = Decimal(text)
        if not number.is_finite() or number.adjusted() > 20:  # else a few letters could ask for a number of gigabytes
            raise InvalidOperation
        grains = number.scaleb(column.decimals)
        whole = int(grains)
    except InvalidOperation:
        raise _wrong(f"`{text}` is not a number", f"write it as 12{'.50' if column.decimals else ''}") from None
    if whole != grains or abs(whole) >= 2**62:
        raise _wrong(f"`{text}` does not fit `{column.name}`", f"it has {column.decimals} decimals")
    return whole


def _column(asset: Asset, name: str) -> Column:
    column = asset.column(name)
    if column is None or column.name == asset.person_column:
        others = ", ".join(c.name for c in asset.columns if c.name != asset.person_column)
        raise _wrong(f"`{asset.id}` has no column `{name}` that rows could be chosen by", f"use one of {others}")
    return column


def _wrong(what: str, remedy: str) -> BadInput:
    return BadInput("input.conditions", what, remedy)
