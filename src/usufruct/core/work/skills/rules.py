"""What may be decided about skills: adopt a framework, recognise an issuer, adopt a stack, end them.

Each is a decision of the operator, until chambers exist that decide it, and of a person: whose word counts says who may
work. That a person signs is asked by the node; what is here holds for everybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from usufruct.core.base.canonical import holdable
from usufruct.core.base.faults import BadInput
from usufruct.core.base.ids import checked
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.work.skills.state import (
    CHUNK,
    STANDS,
    Framework,
    FrameworkAdopted,
    IssuerRecognised,
    NamedSkill,
    Recognition,
    RecognitionEnded,
    Skill,
    SkillsNamed,
    Stack,
    StackAdopted,
    StackEnded,
    StackRule,
)

URI_MAX, LABEL_MAX, OTHERS_MAX, SKILLS_MAX, WORDS_MAX = 500, 200, 20, 50_000, 1_000
PARTS_MAX, MONTHS_MAX = 20, 600


def uri(text: str) -> str:
    """`text`, if it can be the URI of a skill.

    Raises:
        BadInput: it is no absolute URI of at most `URI_MAX` ASCII characters without spaces.
    """
    scheme, colon, rest = text.partition(":")
    plain = text.isascii() and text.isprintable() and not set(text) & set(' "<>\\^`{|}')
    if plain and colon and rest and scheme.isalpha() and len(text) <= URI_MAX:
        return text
    raise BadInput(
        "input.skill", f"`{text[:100]}` is not the URI of a skill",
        "write it as in its framework: https://… or urn:…; `usufruct skill find` looks it up",
    )  # fmt: skip


def adopt_framework(
    read: Reader, adopted: FrameworkAdopted, skills: Sequence[NamedSkill], operator: str
) -> list[FrameworkAdopted | SkillsNamed] | Refusal:
    """The facts that a framework comes to.

    Raises:
        BadInput: its id cannot be one, or a skill in it has no URI or no label.
    """
    not_done = f"the framework `{adopted.framework}` was not adopted"
    checked(adopted.framework, "a framework")
    for one in skills:
        _fit(one)
    before = read.get(Framework, adopted.framework)
    wrong = None
    if adopted.by != operator:
        wrong = ("only the operator of the node adopts a framework", "ask the operator")
    elif not 0 < len(skills) <= SKILLS_MAX or adopted.skills != len(skills):
        wrong = (f"it names no skills, or more than {SKILLS_MAX}", "give its list of skills")
    elif len({one.uri for one in skills}) != len(skills):
        wrong = ("it names a skill twice", "name each URI once")
    elif before is not None and before.version == adopted.version:
        wrong = (f"its version {before.version} was adopted before", "give another version a name of its own")
    elif (stolen := _of_another(read, adopted.framework, skills)) is not None:
        wrong = (f"`{stolen.uri}` is a skill of the framework `{stolen.framework}`", "leave it out")
    if wrong is not None:
        return refuse("skill.framework", not_done, wrong[0], remedy=wrong[1])
    chunks = [tuple(skills[start : start + CHUNK]) for start in range(0, len(skills), CHUNK)]
    return [adopted, *(SkillsNamed(adopted.framework, adopted.version, chunk) for chunk in chunks)]


def _fit(one: NamedSkill) -> None:
    uri(one.uri)
    for up in one.broader:
        uri(up)
    texts = (one.label, *one.others)
    if not one.label.strip() or len(one.others) > OTHERS_MAX or any(len(text) > LABEL_MAX for text in texts):
        raise BadInput("input.skill", f"`{one.uri}` has no label, or a very long one", "give each skill a short name")


def _of_another(read: Reader, framework: str, skills: Iterable[NamedSkill]) -> Skill | None:
    rows = (read.get(Skill, one.uri) for one in skills)
    return next((row for row in rows if row is not None and row.framework != framework), None)


def recognise(
    read: Reader, id: str, issuer: str, skill: str, branch: bool, months: int, why: str, by: str, operator: str
) -> IssuerRecognised | Refusal:
    """What `issuer` says counts from now on.

    Raises:
        BadInput: the issuer or the skill is no URI, or no reason is given.
    """
    not_done = f"`{issuer[:100]}` was not recognised"
    issuer = uri(issuer)
    skill = uri(skill) if skill else ""
    said = _words(why, "a recognition says why the issuer's word is good")
    if by != operator:
        return refuse("skill.recognition", not_done, "only the operator of the node recognises issuers",
                      remedy="ask the operator")  # fmt: skip
    if branch and (not skill or read.get(Skill, skill) is None):
        return refuse("skill.recognition", not_done, "a branch is what lies under a skill of a framework",
                      remedy="name one that `usufruct skill find` shows")  # fmt: skip
    if not 0 <= months <= MONTHS_MAX:
        return refuse("skill.recognition", not_done, f"{months} months cannot be",
                      remedy=f"say 1 to {MONTHS_MAX}, or 0 for whenever it was")  # fmt: skip
    for row in read.list(Recognition, issuer=issuer, state=STANDS):
        if (row.skill, row.branch) == (skill, branch):
            return refuse("skill.recognition", not_done, f"it is recognised for that already, by `{row.id}`",
                          remedy=f"end `{row.id}` first")  # fmt: skip
    return IssuerRecognised(id, issuer, said, by, skill, branch, months)


def end_recognition(read: Reader, id: str, why: str, by: str, operator: str) -> RecognitionEnded | Refusal:
    """A recognition counts no more. Raises BadInput: no reason is given."""
    row, said = read.get(Recognition, id), _words(why, "the end of a recognition has a reason")
    if row is None or row.state != STANDS or by != operator:
        return refuse("registry.unknown", "no recognition was ended", f"there is no recognition `{id}` of yours that stands",
                      remedy="choose one from `usufruct skill recognised`")  # fmt: skip
    return RecognitionEnded(id, said, by)


def adopt_stack(read: Reader, rule: StackRule, by: str, operator: str) -> StackAdopted | Refusal:
    """A stack applies from now on.

    Raises:
        BadInput: its name cannot be an id, or something in it is no URI.
    """
    checked(rule.name, "a stack")
    for one in (rule.skill, *rule.parts):
        uri(one)
    wrong = next(_wrong(rule, by, operator), None)
    if wrong is not None:
        return refuse("skill.stack", f"the stack `{rule.name}` was not adopted", wrong[0], remedy=wrong[1])
    before = read.get(Stack, rule.name)
    return StackAdopted(before.number + 1 if before else 1, rule, by)


def _wrong(rule: StackRule, by: str, operator: str) -> Iterator[tuple[str, str]]:
    if by != operator:
        yield "only the operator of the node adopts stacks", "ask the operator"
    if len(set(rule.parts)) != len(rule.parts) or not 0 < len(rule.parts) <= PARTS_MAX:
        yield f"it has no parts, one twice, or more than {PARTS_MAX}", "name each part once"
    if rule.skill in rule.parts:
        yield "a skill cannot be a part of itself", "leave it out of the parts"
    if not 0 < rule.needed <= len(rule.parts):
        yield f"{rule.needed} of {len(rule.parts)} parts cannot be held", "say how many of the parts are enough"
    if not 0 <= rule.months <= MONTHS_MAX:
        yield f"{rule.months} months cannot be", f"say 1 to {MONTHS_MAX}, or 0 for whenever it was"
    if not rule.source.strip() or not rule.authority.strip():
        yield "it does not say who set it, and where that is written", "name the authority and the source"


def end_stack(read: Reader, name: str, why: str, by: str, operator: str) -> StackEnded | Refusal:
    """A stack applies no more. Raises BadInput: no reason is given."""
    row, said = read.get(Stack, name), _words(why, "the end of a stack has a reason")
    if row is None or row.state != STANDS or by != operator:
        return refuse("registry.unknown", "no stack was ended", f"there is no stack `{name}` of yours that applies",
                      remedy="choose one from `usufruct skill stacks`")  # fmt: skip
    return StackEnded(name, said, by)


def _words(text: str, what: str) -> str:
    said = holdable(text.strip())
    if not said or len(said) > WORDS_MAX:
        raise BadInput("input.skill", what, f"write it in a sentence or two, of {WORDS_MAX} characters at most")
    return said
