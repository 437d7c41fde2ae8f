"""Skills: what they are called, whose word on them counts, what adds up to one, and what a party holds.

A skill is a URI of a *framework*: ESCO, or any other list. The framework is in the journal, in chunks of its skills, and
not beside it: whoever recognises an issuer for a branch recognises it for what lay on that branch then, and a replay must
find the same. Each skill is one row of state, for there may be 14,000 and a rule asks about a few.

What a party can do is a *claim* of a credential that she showed (`registry.credentials`). It counts here if the operator
*recognises* its issuer for that skill, or for a branch of the framework, or for all. A recognition can ask that the claim
is recent. A *stack* is a rule that makes one skill of several: three micro-badges, or two of five.

Nothing here concerns one person only, but what she shows, which is sealed with her key already: who holds a skill is worked
out when it is asked, and is in no record.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import END_OF_TIME, Instant, in_months, parse
from usufruct.core.base.records import Entry, Fact, Reader, Row
from usufruct.core.registry import credentials
from usufruct.core.registry.credentials import Credential
from usufruct.core.work.facts import JobTerms

SKILL, ACHIEVEMENT, AWARDED = "skill", "achievement", "awarded"
"""Claims that are read: URIs of skills, the URI of the achievement (a micro-badge), and the instant it was awarded."""
CLAIMS = (SKILL, ACHIEVEMENT, AWARDED)
CHUNK = 250
"""Skills in one fact."""
DEPTH_MAX = 20
"""Steps from a skill to the top of its framework that are followed."""


# ---- what can have happened


@dataclass(frozen=True, slots=True)
class NamedSkill:
    """A skill: its URI, what it is called, what else it is called, and the URIs of what is right above it."""

    uri: str
    label: str
    broader: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FrameworkAdopted(Fact):
    """Skills are named as a framework has them: `skills` many, in the facts that follow. `digest` is the SHA-256 of what was
    read. Another version takes the place of the one before; skills that it lacks are retired."""

    KIND = "framework.adopted/1"
    framework: str
    version: str
    title: str
    source: str
    licence: str
    skills: int
    digest: str
    by: str

    def about(self) -> tuple[str, ...]:
        return (self.by,)


@dataclass(frozen=True, slots=True)
class SkillsNamed(Fact):
    """Some of the skills of a framework, in its order."""

    KIND = "skills.named/1"
    framework: str
    version: str
    skills: tuple[NamedSkill, ...]


@dataclass(frozen=True, slots=True)
class IssuerRecognised(Fact):
    """What `issuer` says counts for a `skill`; with `branch` also for all below it; without a skill, for all.

    With `months` it counts for so long after it was awarded, and not at all if the credential does not say when.
    """

    KIND = "issuer.recognised/1"
    recognition: str
    issuer: str
    why: str
    by: str
    skill: str = ""
    branch: bool = False
    months: int = 0

    def about(self) -> tuple[str, ...]:
        return (self.by,)


@dataclass(frozen=True, slots=True)
class RecognitionEnded(Fact):
    """It counts no more; what was agreed on it stays."""

    KIND = "recognition.ended/1"
    recognition: str
    why: str
    by: str

    def about(self) -> tuple[str, ...]:
        return (self.by,)


@dataclass(frozen=True, slots=True)
class StackRule:
    """Whoever holds `needed` of `parts` holds `skill`; with `months`, only parts awarded within so many count. `authority`
    set the rule, `source` says where it stands."""

    name: str
    skill: str
    parts: tuple[str, ...]
    needed: int
    source: str
    authority: str
    months: int = 0


@dataclass(frozen=True, slots=True)
class StackAdopted(Fact):
    """A stack applies from now on, in place of the one of the same name; `number` counts these from 1."""

    KIND = "stack.adopted/1"
    number: int
    rule: StackRule
    by: str

    def about(self) -> tuple[str, ...]:
        return (self.by,)


@dataclass(frozen=True, slots=True)
class StackEnded(Fact):
    """A stack applies no more."""

    KIND = "stack.ended/1"
    name: str
    why: str
    by: str

    def about(self) -> tuple[str, ...]:
        return (self.by,)


# ---- what is true now


@dataclass(frozen=True, slots=True)
class Framework(Row):
    """A framework in its newest version; see `FrameworkAdopted`, the fact number `seq`."""

    KEY = ("id",)
    id: str
    version: str
    title: str
    source: str
    licence: str
    skills: int
    digest: str
    since: Instant
    seq: int


@dataclass(frozen=True, slots=True)
class Skill(Row):
    """A skill, as the `version` of its framework that named it last has it."""

    KEY = ("uri",)
    INDEXED = ("framework",)
    uri: str
    framework: str
    version: str
    label: str
    broader: tuple[str, ...]
    others: tuple[str, ...]


STANDS, ENDED = "stands", "ended"


@dataclass(frozen=True, slots=True)
class Recognition(Row):
    """See `IssuerRecognised`."""

    KEY = ("id",)
    INDEXED = ("issuer", "state")
    id: str
    issuer: str
    skill: str
    branch: bool
    months: int
    why: str
    since: Instant
    state: str = STANDS
    ended: str = ""


@dataclass(frozen=True, slots=True)
class Stack(Row):
    """See `StackAdopted`."""

    KEY = ("name",)
    INDEXED = ("state",)
    name: str
    number: int
    rule: StackRule
    since: Instant
    state: str = STANDS
    ended: str = ""


def fold(read: Reader, entry: Entry) -> Iterator[Row]:
    """The rows that a fact about skills changes."""
    match entry.fact:
        case FrameworkAdopted() as fact:
            yield Framework(
                fact.framework, fact.version, fact.title, fact.source, fact.licence, fact.skills, fact.digest, entry.at,
                entry.seq,
            )  # fmt: skip
        case SkillsNamed() as fact:
            for one in fact.skills:
                yield Skill(one.uri, fact.framework, fact.version, one.label, one.broader, one.others)
        case IssuerRecognised() as fact:
            yield Recognition(fact.recognition, fact.issuer, fact.skill, fact.branch, fact.months, fact.why, entry.at)
        case RecognitionEnded() as fact:
            row = read.get(Recognition, fact.recognition)
            assert row is not None, "the rule looked"
            yield replace(row, state=ENDED, ended=fact.why)
        case StackAdopted() as fact:
            yield Stack(fact.rule.name, fact.number, fact.rule, entry.at)
        case StackEnded() as fact:
            stack = read.get(Stack, fact.name)
            assert stack is not None, "the rule looked"
            yield replace(stack, state=ENDED, ended=fact.why)
        case _:
            return


# ---- names


def named(read: Reader, uri: str) -> Skill | None:
    """A skill of a framework as it is now; None for one that its framework no longer has, or that none ever had."""
    skill = read.get(Skill, uri)
    if skill is None:
        return None
    framework = read.get(Framework, skill.framework)
    return skill if framework is not None and framework.version == skill.version else None


def label_of(read: Reader, uri: str) -> str:
    """What a skill is called; its URI, where nobody named it. A retired skill keeps its last name."""
    skill = read.get(Skill, uri)
    return skill.label if skill else uri


def above(read: Reader, uri: str) -> frozenset[str]:
    """Everything that a skill lies under, up to `DEPTH_MAX` steps; a framework may run in a circle."""
    found: set[str] = set()
    layer = {uri}
    for _ in range(DEPTH_MAX):
        layer = {up for one in layer for up in _broader(read, one)} - found - {uri}
        if not layer:
            break
        found |= layer
    return frozenset(found)


def _broader(read: Reader, uri: str) -> tuple[str, ...]:
    skill = read.get(Skill, uri)
    return skill.broader if skill else ()


# ---- what a party holds


@dataclass(frozen=True, slots=True)
class Holding:
    """A skill that a party holds until `until`, awarded then (None: nobody says when), by the word of `issuer` in the
    credential `of`, or by a stack (`stack:NAME`, of nobody)."""

    skill: str
    until: Instant
    awarded: Instant | None
    issuer: str
    of: str


def holdings(read: Reader, party: str, at: Instant) -> dict[str, Holding]:
    """What a party holds at an instant, by the URI: what counts of what it has shown, and what that adds up to."""
    found: dict[str, Holding] = {}
    for row in read.list(Credential, party=party, ended=""):
        if not credentials.counts(read, row, at):
            continue
        for one in _said(read, row, at):
            if at < one.until:
                _keep(found, one)
    return stacked(found, rules_of(read), at)


def rules_of(read: Reader) -> list[StackRule]:
    """The stacks that apply now."""
    return [row.rule for row in read.list(Stack, state=STANDS)]


def _said(read: Reader, row: Credential, at: Instant) -> Iterator[Holding]:
    """What a credential says that its issuer is recognised for."""
    says = {claim.name: claim.values for claim in row.claims}
    awarded = _instant(says.get(AWARDED, ()))
    if awarded is not None and awarded > at:  # whoever dates it ahead would have it count for longer
        awarded = None
    recognitions = list(read.list(Recognition, issuer=row.issuer, state=STANDS))
    for uri in dict.fromkeys(v for name in (SKILL, ACHIEVEMENT) for v in says.get(name, ()) if isinstance(v, str)):
        for recognition in recognitions:
            if not covers(read, recognition, uri):
                continue
            until = _recent(row.until, awarded, recognition.months)
            if until is not None:
                yield Holding(uri, until, awarded, row.issuer, row.id)


def covers(read: Reader, recognition: Recognition, uri: str) -> bool:
    """Whether a recognition is for that skill."""
    if recognition.skill in ("", uri):
        return True
    return recognition.branch and recognition.skill in above(read, uri)


def _instant(values: Iterable[object]) -> Instant | None:
    for value in values:
        try:
            return parse(str(value))
        except BadInput:
            return None
    return None


def _recent(until: Instant, awarded: Instant | None, months: int) -> Instant | None:
    """Until when something counts that must have been awarded within so many months (0: whenever); None if never."""
    if not months:
        return until
    return None if awarded is None else min(until, in_months(awarded, months))


def _keep(found: dict[str, Holding], one: Holding) -> bool:
    """Keeps what lasts longer; whether that is the new one."""
    before = found.get(one.skill)
    if before is not None and before.until >= one.until:
        return False
    found[one.skill] = one
    return True


def stacked(found: dict[str, Holding], rules: Iterable[StackRule], at: Instant) -> dict[str, Holding]:
    """`found` with what it adds up to. A stack can be a part of another; each pass lets some holding last longer, to an end
    that one of the parts has, so it comes to an end."""
    held, rules = dict(found), list(rules)
    changed = True
    while changed:
        changed = False
        for rule in rules:
            made = _made(held, rule, at)
            changed = (made is not None and _keep(held, made)) or changed
    return held


def _made(held: dict[str, Holding], rule: StackRule, at: Instant) -> Holding | None:
    """What the parts that are held come to: it lasts as long as `needed` of them do."""
    parts = [(_recent(held[uri].until, held[uri].awarded, rule.months), held[uri]) for uri in rule.parts if uri in held]
    counting = sorted(((until, one) for until, one in parts if until and at < until), key=lambda each: each[0])
    if len(counting) < rule.needed:
        return None
    used = counting[-rule.needed :]
    dates = [one.awarded for _, one in used]
    awarded = None if None in dates else min(date for date in dates if date is not None)
    return Holding(rule.skill, used[0][0], awarded, "", f"stack:{rule.name}")


def held(read: Reader, party: str, at: Instant) -> frozenset[str]:
    """The URIs of the skills that a party holds at an instant. A skill is not held because a narrower one is: frameworks put
    things under one another for many reasons; where it should follow, a stack of one part says so."""
    return frozenset(holdings(read, party, at))


def missing(read: Reader, party: str, terms: JobTerms, at: Instant) -> tuple[str, ...]:
    """The skills that a job asks for and the party does not hold, in the order of the job."""
    if not terms.skills:
        return ()
    has = held(read, party, at)
    return tuple(uri for uri in terms.skills if uri not in has)


def supposed(skills: Iterable[str], at: Instant) -> dict[str, Holding]:
    """Holdings without an end, awarded at `at`, for questions that begin with `if she held`."""
    return {uri: Holding(uri, END_OF_TIME, at, "", "") for uri in skills}
