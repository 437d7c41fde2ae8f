"""Skills: whose word counts for what, what adds up, what is one certificate away, what the fund pays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tables import cases, parts, rows
from worlds import World

from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import END_OF_TIME, Instant
from usufruct.core.base.instants import parse as day
from usufruct.core.base.refusals import Refusal
from usufruct.core.income.accounts import TRAINING, of_party
from usufruct.core.income.ledger import Account
from usufruct.core.registry.credentials import Claim, CredentialAccepted, CredentialEnded, StatusListRead
from usufruct.core.registry.facts import PartyRegistered
from usufruct.core.work.facts import AvailabilityStated, JobPosted, JobTerms, Pay, Span
from usufruct.core.work.skills import demand, training
from usufruct.core.work.skills import rules as skill_rules
from usufruct.core.work.skills import state as skills
from usufruct.core.work.skills.lookup import Index
from usufruct.core.work.skills.state import (
    FrameworkAdopted,
    Holding,
    IssuerRecognised,
    NamedSkill,
    RecognitionEnded,
    Skill,
    SkillsNamed,
    StackAdopted,
    StackEnded,
    StackRule,
)
from usufruct.core.work.skills.training import Course, PlaceEnded, PlacePromised, TrainingDecided
from usufruct.core.work.terms import hourly

NOW = "2026-06-01"
SCHOOL, GUILD = "did:web:school.example", "did:web:guild.example"


def s(name: str) -> str:
    return f"urn:skill:{name}"


TREE = """
skill      | broader
-----------+-----------
work       |
transport  | work
cycling    | transport
cargo      | cycling
van        | transport
care       | work
first-aid  | care
loop-a     | loop-b
loop-b     | loop-a
"""


@pytest.fixture
def world() -> World:
    made = World(day(NOW))
    for party, kind in (("op", "cooperative"), ("anna", "person"), ("shop", "organisation"), ("bot", "agent")):
        made.add(PartyRegistered(party, kind, party, principal="shop" if kind == "agent" else None))
    named = tuple(
        NamedSkill(s(row["skill"]), row["skill"].replace("-", " "), tuple(map(s, parts(row["broader"]))))
        for row in rows(TREE)
    )
    made.add(FrameworkAdopted("tree", "1", "Tree", "a book", "CC0-1.0", len(named), "5f" * 32, "op"))
    made.add(SkillsNamed("tree", "1", named))
    return made


def shows(
    world: World,
    party: str,
    names: Iterable[str],
    issuer: str = SCHOOL,
    awarded: str = "",
    until: str = "",
    uri: str = "",
) -> str:
    id = f"credential-{len(world.entries)}"
    claims = [Claim("skill", tuple(map(s, names)))]
    claims += [Claim("awarded", (day(awarded),))] if awarded else []
    world.add(CredentialAccepted(
        id, party, issuer, "OpenBadgeCredential", f"key-{id}", tuple(claims), day(until) if until else END_OF_TIME, uri
    ))  # fmt: skip
    return id


def recognise(world: World, issuer: str = SCHOOL, skill: str = "", branch: bool = False, months: int = 0) -> str:
    id = f"recognition-{len(world.entries)}"
    fact = skill_rules.recognise(
        world.state, id, issuer, s(skill) if skill else "", branch, months, "it is known", "op", "op"
    )
    assert isinstance(fact, IssuerRecognised), fact
    world.add(fact)
    return id


def stack(world: World, skill: str, of: Iterable[str], needed: int, months: int = 0) -> None:
    rule = StackRule(f"stack-{len(world.entries)}", s(skill), tuple(map(s, of)), needed, "a book", "op", months)
    fact = skill_rules.adopt_stack(world.state, rule, "op", "op")
    assert isinstance(fact, StackAdopted), fact
    world.add(fact)


def held(world: World, party: str = "anna", at: str = NOW) -> set[str]:
    return {uri.removeprefix("urn:skill:") for uri in skills.held(world.state, party, day(at))}


# ---- whose word counts

COUNTS = """
recognised | branch | months | shown     | awarded    | until      | counts | because
-----------+--------+--------+-----------+------------+------------+--------+--------------------------------------
           |        |        | van       |            |            | yes    | recognised for all
van        |        |        | van       |            |            | yes    | for that skill
van        |        |        | cargo     |            |            | no     | for another skill
transport  |        |        | van       |            |            | no     | not for the branch
transport  | yes    |        | van       |            |            | yes    | for the branch
transport  | yes    |        | cargo     |            |            | yes    | two steps down the branch
transport  | yes    |        | transport |            |            | yes    | for the branch and its head
transport  | yes    |        | first-aid |            |            | no     | of another branch
care       | yes    |        | loop-a    |            |            | no     | in a circle that leads nowhere
loop-a     | yes    |        | loop-b    |            |            | yes    | in a circle, and under it
           |        | 24     | van       | 2024-06-02 |            | yes    | within 24 months
           |        | 24     | van       | 2024-06-01 |            | no     | 24 months ago to the day
           |        | 24     | van       |            |            | no     | nobody knows when
           |        | 24     | van       | 2026-06-02 |            | no     | dated ahead
           |        |        | van       | 1999-01-01 |            | yes    | however long ago
           |        |        | van       |            | 2026-06-01 | no     | it has run out
           |        |        | van       |            | 2026-06-02 | yes    | its last day
           |        |        | unnamed   |            |            | yes    | in no framework, but recognised for all
"""


@cases(COUNTS)
def test_whose_word_counts_for_what(world: World, row: dict[str, str]) -> None:
    recognise(world, skill=row["recognised"], branch=row["branch"] == "yes", months=int(row["months"] or 0))
    shows(world, "anna", [row["shown"]], awarded=row["awarded"], until=row["until"])
    assert (row["shown"] in held(world)) == (row["counts"] == "yes")


def test_another_issuers_word_does_not_count_nor_does_one_that_is_recognised_no_more(world: World) -> None:
    shows(world, "anna", ["van"], GUILD)
    recognise(world, SCHOOL)
    assert held(world) == set()
    id = recognise(world, GUILD)
    assert held(world) == {"van"}
    ended = skill_rules.end_recognition(world.state, id, "it closed", "op", "op")
    assert isinstance(ended, RecognitionEnded)
    world.add(ended)
    assert held(world) == set()


def test_what_is_revoked_or_cannot_be_known_does_not_count(world: World) -> None:
    recognise(world)
    id = shows(world, "anna", ["van"])
    shows(world, "anna", ["cargo"], uri="https://school.example/list")
    assert held(world) == {"van"}, "its list was never read"
    world.add(StatusListRead("https://school.example/list", SCHOOL, day("2026-06-01"), day("2026-06-03")))
    assert held(world) == {"van", "cargo"}
    world.add(CredentialEnded(id, "anna", "revoked"))
    assert held(world) == {"cargo"}
    assert held(world, at="2026-06-03") == set()


# ---- what adds up

STACKS = """
shown                | stack                       | months | awarded    | counts | because
---------------------+-----------------------------+--------+------------+--------+---------------------------
cycling; van; cargo  | all 3 of cycling; van; cargo |       |            | yes    | three micro-badges
cycling; van         | all 3 of cycling; van; cargo |       |            | no     | one is missing
cycling; van         | all 2 of cycling; van; cargo |       |            | yes    | two of three are enough
van                  | all 2 of cycling; van; cargo |       |            | no     | one is not
cycling; van         | all 2 of cycling; van       | 12     | 2026-01-01 | yes    | recent
cycling; van         | all 2 of cycling; van       | 12     | 2025-06-01 | no     | too long ago
cycling; van         | all 2 of cycling; van       | 12     |            | no     | nobody knows when
"""


@cases(STACKS)
def test_what_adds_up(world: World, row: dict[str, str]) -> None:
    recognise(world)
    name, _, rest = row["stack"].partition(" ")
    needed, _, of = rest.partition(" of ")
    for one in parts(row["shown"]):
        shows(world, "anna", [one], awarded=row["awarded"])
    stack(world, name, parts(of), int(needed), int(row["months"] or 0))
    assert ("all" in held(world)) == (row["counts"] == "yes")


def test_stacks_stand_on_stacks_in_whatever_order_and_in_circles(world: World) -> None:
    recognise(world)
    stack(world, "top", ["middle"], 1)
    stack(world, "middle", ["low"], 1)
    stack(world, "low", ["van", "cargo"], 1)
    stack(world, "van", ["top"], 1)
    shows(world, "anna", ["cargo"], until="2026-07-01")
    found = skills.holdings(world.state, "anna", day(NOW))
    assert set(found) == {s(name) for name in ("cargo", "low", "middle", "top", "van")}
    assert {one.until for one in found.values()} == {day("2026-07-01")}


def test_a_stack_lasts_as_long_as_enough_of_its_parts_do(world: World) -> None:
    recognise(world)
    stack(world, "all", ["cycling", "van", "cargo"], 2)
    for name, until in (("cycling", "2026-07-01"), ("van", "2026-08-01"), ("cargo", "2026-09-01")):
        shows(world, "anna", [name], until=until)
    assert skills.holdings(world.state, "anna", day(NOW))[s("all")].until == day("2026-08-01")
    assert "all" in held(world, at="2026-07-31") and "all" not in held(world, at="2026-08-01")


NAMES = [s(name) for name in "abcdef"]
HELD = st.dictionaries(
    st.sampled_from(NAMES), st.integers(1, 28).map(lambda n: day(f"2026-06-{n:02}")), max_size=4
)  # fmt: skip


@st.composite
def rules(draw: st.DrawFn) -> list[StackRule]:
    found = []
    for n in range(draw(st.integers(0, 5))):
        skill, *of = draw(st.lists(st.sampled_from(NAMES), min_size=2, max_size=4, unique=True))
        found.append(StackRule(f"r-{n}", skill, tuple(of), draw(st.integers(1, len(of))), "a", "b"))
    return found


def holding(found: dict[str, Instant]) -> dict[str, Holding]:
    return {uri: Holding(uri, until, None, SCHOOL, "c") for uri, until in found.items()}


@given(HELD, rules(), st.randoms(use_true_random=False))
def test_the_order_of_the_rules_changes_nothing_and_once_is_enough(
    found: dict[str, Instant], made: list[StackRule], chance: object
) -> None:
    at = day(NOW)
    once = skills.stacked(holding(found), made, at)
    assert skills.stacked(once, made, at) == once
    turned = skills.stacked(holding(found), list(reversed(made)), at)
    assert {k: v.until for k, v in turned.items()} == {k: v.until for k, v in once.items()}


@given(HELD, rules(), st.sampled_from(NAMES))
def test_more_shown_is_never_less_held(found: dict[str, Instant], made: list[StackRule], more: str) -> None:
    at = day(NOW)
    less = skills.stacked(holding(found), made, at)
    then = skills.stacked({**skills.supposed([more], at), **holding(found)}, made, at)
    assert all(then[uri].until >= one.until for uri, one in less.items())


@given(HELD, rules())
def test_what_is_held_follows_from_a_slow_reading(found: dict[str, Instant], made: list[StackRule]) -> None:
    """At every day: a skill is held if it was shown and lasts, or if enough parts of a rule for it are held that day."""
    for now in ("2026-06-01", "2026-06-10", "2026-06-20"):
        at = day(now)
        shown = {uri for uri, until in found.items() if at < until}
        while True:
            more = {rule.skill for rule in made if len(shown & set(rule.parts)) >= rule.needed} - shown
            if not more:
                break
            shown |= more
        counting = {uri: one for uri, one in holding(found).items() if at < one.until}
        assert set(skills.stacked(counting, made, at)) == shown


# ---- what may be decided

WRONG = """
what                                       | code
-------------------------------------------+------------------
recognise by somebody else                 | skill.recognition
recognise a branch of nothing              | skill.recognition
recognise a branch that nobody named       | skill.recognition
recognise for a thousand months            | skill.recognition
recognise twice                            | skill.recognition
end what does not stand                    | registry.unknown
a stack of nothing                         | skill.stack
a stack of itself                          | skill.stack
a stack of more than there is              | skill.stack
a stack of one part twice                  | skill.stack
a stack that nobody set                    | skill.stack
a framework by somebody else               | skill.framework
a framework of nothing                     | skill.framework
the same version again                     | skill.framework
the skill of another framework             | skill.framework
a skill twice                              | skill.framework
"""


@cases(WRONG)
def test_what_cannot_be_decided(world: World, row: dict[str, str]) -> None:
    read = world.state
    one, two = NamedSkill("urn:n:1", "one"), NamedSkill("urn:n:1", "again")
    rule = StackRule("st", s("van"), (s("cargo"),), 1, "a book", "op")

    def adopt(found: tuple[NamedSkill, ...], by: str = "op", name: str = "new", version: str = "2") -> object:
        fact = FrameworkAdopted(name, version, "T", "s", "l", len(found), "0" * 64, by)
        return skill_rules.adopt_framework(read, fact, found, "op")

    def recognised(skill: str = "", branch: bool = False, months: int = 0, by: str = "op") -> object:
        return skill_rules.recognise(read, "r", SCHOOL, skill, branch, months, "because", by, "op")

    if row["what"] == "recognise twice":
        recognise(world)
    made = {
        "recognise by somebody else": lambda: recognised(by="shop"),
        "recognise a branch of nothing": lambda: recognised(branch=True),
        "recognise a branch that nobody named": lambda: recognised("urn:n:9", True),
        "recognise for a thousand months": lambda: recognised(months=1000),
        "recognise twice": recognised,
        "end what does not stand": lambda: skill_rules.end_recognition(read, "r-9", "because", "op", "op"),
        "a stack of nothing": lambda: skill_rules.adopt_stack(read, replace(rule, parts=()), "op", "op"),
        "a stack of itself": lambda: skill_rules.adopt_stack(read, replace(rule, parts=(s("van"),)), "op", "op"),
        "a stack of more than there is": lambda: skill_rules.adopt_stack(read, replace(rule, needed=2), "op", "op"),
        "a stack of one part twice": lambda: skill_rules.adopt_stack(
            read, replace(rule, parts=rule.parts * 2, needed=2), "op", "op"
        ),
        "a stack that nobody set": lambda: skill_rules.adopt_stack(read, replace(rule, source=" "), "op", "op"),
        "a framework by somebody else": lambda: adopt((one,), by="shop"),
        "a framework of nothing": lambda: adopt(()),
        "the same version again": lambda: adopt((NamedSkill(s("van"), "van"),), name="tree", version="1"),
        "the skill of another framework": lambda: adopt((NamedSkill(s("van"), "van"),)),
        "a skill twice": lambda: adopt((one, two)),
    }[row["what"]]()
    assert isinstance(made, Refusal) and made.code == row["code"]


@pytest.mark.parametrize("text", ["", "van", "no spaces:a b", "http:", "a:<b>", "a:" + "b" * 500, "urn:skíll", "a:\n"])
def test_what_is_no_uri(text: str) -> None:
    with pytest.raises(BadInput):
        skill_rules.uri(text)


def test_a_stack_ends_and_its_next_version_counts_on(world: World) -> None:
    recognise(world)
    shows(world, "anna", ["cargo"])
    rule = StackRule("st", s("van"), (s("cargo"),), 1, "a book", "op")
    first = skill_rules.adopt_stack(world.state, rule, "op", "op")
    assert isinstance(first, StackAdopted) and first.number == 1
    world.add(first)
    assert held(world) == {"cargo", "van"}
    ended = skill_rules.end_stack(world.state, "st", "it was wrong", "op", "op")
    assert isinstance(ended, StackEnded)
    world.add(ended)
    assert held(world) == {"cargo"}
    again = skill_rules.adopt_stack(world.state, rule, "op", "op")
    assert isinstance(again, StackAdopted) and again.number == 2


def test_another_version_retires_what_it_lacks_and_a_large_one_comes_in_chunks(world: World) -> None:
    found = tuple(NamedSkill(f"urn:n:{n}", f"skill {n}") for n in range(skills.CHUNK * 2 + 1))
    facts = skill_rules.adopt_framework(
        world.state, FrameworkAdopted("tree", "2", "T", "s", "l", len(found), "0" * 64, "op"), found, "op"
    )
    assert isinstance(facts, list)
    assert [len(fact.skills) for fact in facts[1:] if isinstance(fact, SkillsNamed)] == [skills.CHUNK, skills.CHUNK, 1]
    world.add(*facts)
    assert skills.named(world.state, s("van")) is None, "retired"
    assert skills.label_of(world.state, s("van")) == "van", "and still called so"
    assert skills.named(world.state, "urn:n:500") is not None


# ---- finding

FINDS = """
text        | first                | because
------------+----------------------+------------------------------
ride a van  | ride a van           | the whole label
RIDE A VAN  | ride a van           | in whatever case
rid         | ride a van           | the beginning
van ride    | ride a van           | its words in another order
lorr        | ride a van           | another name
inc         | mince meat           | in the middle of a word
straße      | clean the strasse    | letters that fold
zebra       |                      | nothing is called so
"""


@cases(FINDS)
def test_what_is_found_first(row: dict[str, str]) -> None:
    made = [("ride a van", ("lorry",)), ("ride a vanilla horse", ()), ("mince meat", ()), ("clean the strasse", ())]
    index = Index(Skill(f"urn:{n}", "f", "1", label, (), others) for n, (label, others) in enumerate(made))
    found = index.find(row["text"], 5)
    assert (found[0].label if found else "") == row["first"]


# ---- jobs

WEEK = (day("2026-06-08"), day("2026-06-12"))


def post(
    world: World, *names: str, place: str = "tartu", hour: int = 1500, by: str = "shop", seats: int = 1,
    takers: tuple[str, ...] = ("person",), currency: str = "EUR", conditions: tuple[str, ...] = (),
) -> str:  # fmt: skip
    id = f"job-{len(world.entries)}"
    pay, wants = Pay(currency, per_hour=hour), tuple(map(s, names))
    terms = JobTerms("a job", place, *WEEK, 60, pay, wants, conditions, seats=seats, takers=takers)
    world.add(JobPosted(id, by, terms, day("2026-06-05")))
    return id


def test_what_is_missing_for_a_job_is_said_in_its_order(world: World) -> None:
    recognise(world)
    shows(world, "anna", ["van"])
    terms = JobTerms("a job", "tartu", *WEEK, 60, Pay("EUR"), (s("first-aid"), s("van"), s("cargo")))
    assert skills.missing(world.state, "anna", terms, day(NOW)) == (s("first-aid"), s("cargo"))
    assert skills.missing(world.state, "anna", replace(terms, skills=()), day(NOW)) == ()


PAYS = """
per job | per hour | per km | minutes | metres | hourly
--------+----------+--------+---------+--------+-------
0       | 1500     | 0      | 60      | 0      | 1500
450     | 0        | 0      | 30      | 0      | 900
450     | 900      | 0      | 60      | 0      | 1350
0       | 0        | 50     | 30      | 3500   | 350
100     | 0        | 0      | 90      | 0      | 66
100     | 0        | 0      | 0       | 0      | 0
"""


@cases(PAYS)
def test_what_a_job_pays_for_an_hour(row: dict[str, str]) -> None:
    pay = Pay("EUR", int(row["per job"]), int(row["per hour"]), int(row["per km"]))
    assert hourly(JobTerms("j", "p", *WEEK, int(row["minutes"]), pay, metres=int(row["metres"]))) == int(row["hourly"])


def test_one_certificate_away_counts_the_jobs_that_only_it_bars(world: World) -> None:
    recognise(world)
    shows(world, "anna", ["cycling"])
    post(world), post(world, "cycling")
    for hour in (1000, 1200, 2000):
        post(world, "cycling", "van", hour=hour)
    post(world, "first-aid", hour=9000)
    post(world, "van", "first-aid")
    lacks, steps = demand.away(world.state, "anna", day(NOW), "EUR")
    assert lacks.now == 2
    assert [(one.label, one.jobs, one.hourly) for one in steps] == [("van", 3, 1200), ("first aid", 1, 9000)]


def test_the_last_part_of_a_stack_is_one_certificate_away_too(world: World) -> None:
    recognise(world)
    stack(world, "cargo", ["cycling", "van", "care"], 2)
    shows(world, "anna", ["cycling"])
    for _ in range(4):
        post(world, "cargo")
    steps = demand.away(world.state, "anna", day(NOW), "EUR")[1]
    assert {one.label: one.jobs for one in steps} == {"cargo": 4, "van": 4, "care": 4}
    van = next(one for one in steps if one.label == "van")
    assert van.gains == (s("cargo"), s("van"))


FITS = """
change                     | jobs | because
---------------------------+------+----------------------------------
none                       | 1    | she said nothing
place: tartu               | 1    | where she would work
place: narva               | 0    | not where she would work
floor: 1500                | 1    | it pays so much
floor: 1501                | 0    | it pays less
refuses: by:shop           | 0    | she does not work for them
refuses: by:op             | 1    | she does not work for others
refuses: condition:night   | 0    | she does not work at night
refuses: job               | 0    | she refused this job
after: 2026-06-12          | 0    | she is there when it is over
before: 2026-06-08         | 0    | and before it begins
"""


@cases(FITS)
def test_only_jobs_that_she_would_do_are_counted(world: World, row: dict[str, str]) -> None:
    id = post(world, "van", conditions=("night",))
    kind, _, value = row["change"].partition(": ")
    span = Span(day(value) if kind == "after" else day(NOW), day(value) if kind == "before" else day("2026-07-01"))
    if kind != "none":
        world.add(AvailabilityStated(
            "anna", (span,), (value,) if kind == "place" else (), int(value) if kind == "floor" else 0,
            (f"job:{id}" if value == "job" else value,) if kind == "refuses" else (),
        ))  # fmt: skip
    steps = demand.away(world.state, "anna", day(NOW), "EUR")[1]
    assert sum(one.jobs for one in steps) == int(row["jobs"])


def test_jobs_for_others_taken_ones_and_other_currencies(world: World) -> None:
    post(world, "van", takers=("agent",))
    post(world, "van", by="anna")
    post(world, "van", currency="USD")
    world_after = demand.away(world.state, "anna", day("2026-06-05"), "EUR")
    assert world_after[1] == [], "they could be taken until then"
    (step,) = demand.away(world.state, "anna", day(NOW), "EUR")[1]
    assert (step.jobs, step.hourly) == (1, None)


SETS = st.lists(st.frozensets(st.sampled_from(NAMES), max_size=3), max_size=8)


@given(SETS, HELD, rules())
def test_one_away_is_what_trying_every_certificate_on_every_job_finds(
    wanted: list[frozenset[str]], found: dict[str, Instant], made: list[StackRule]
) -> None:
    at = day(NOW)
    has = skills.stacked({uri: one for uri, one in holding(found).items() if at < one.until}, made, at)
    jobs = [
        demand.Job(str(n), "shop", JobTerms("j", "p", *WEEK, 60, Pay("EUR", 100 * n), tuple(sorted(one))), WEEK[0], "", at, n)
        for n, one in enumerate(wanted)
    ]  # fmt: skip
    lacks = demand.lacking(jobs, frozenset(has), "EUR")
    quick = {uri: (n, pay) for uri, (n, pay, _) in demand.one_away(lacks, has, made, at).items()}
    slow = {}
    for uri in NAMES:
        then = set(skills.stacked({**has, **skills.supposed([uri], at)}, made, at))
        opened = [job for job in jobs if set(job.terms.skills) <= then and not set(job.terms.skills) <= set(has)]
        if opened and uri not in has:
            slow[uri] = (len(opened), demand.median(hourly(job.terms) for job in opened))
    assert quick == slow


# ---- figures for everybody


def test_small_numbers_are_not_shown_and_persons_come_in_steps(world: World) -> None:
    recognise(world)
    for n in range(9):
        world.add(PartyRegistered(f"p-{n}", "person", "P"))
        shows(world, f"p-{n}", ["van", *(["cargo"] if n < 4 else [])])
    for n in range(6):
        post(world, "first-aid", *(["cycling"] if n < 4 else []), hour=1000 + n)
    found = {one.label: one for one in demand.figures(world.state, day(NOW), "EUR", 5)}
    assert set(found) == {"van", "first aid"}, "cargo and cycling would say something of four"
    assert (found["van"].persons, found["van"].seats, found["van"].hourly) == (5, None, None)
    assert (found["first aid"].persons, found["first aid"].seats, found["first aid"].hourly) == (None, 6, 1002)


@given(st.integers(0, 30))
def test_no_figure_tells_of_fewer_than_five(count: int) -> None:
    made = World(day(NOW))
    made.add(PartyRegistered("op", "cooperative", "op"))
    recognise(made)
    for n in range(count):
        shows(made, f"p-{n}", ["van"])
    (one,) = demand.figures(made.state, day(NOW), "EUR", 5) or (None,)
    assert (one is None) == (count < 5)
    assert one is None or one.persons == count - count % 5


def test_gaps_count_who_would_work_there(world: World) -> None:
    recognise(world)
    post(world, "van", seats=3), post(world, "van", place="narva", seats=1)
    for n, places in enumerate((("tartu",), ("narva",), ())):
        world.add(PartyRegistered(f"p-{n}", "person", "P"))
        shows(world, f"p-{n}", ["van"])
        world.add(AvailabilityStated(f"p-{n}", (Span(*WEEK),), places))
    (gap,) = demand.gaps(world.state, day(NOW))
    assert (gap.place, gap.seats, gap.persons, gap.short) == ("tartu", 3, 2, 1)


# ---- training

COURSE = Course("Vans", s("van"), "shop", "tartu", *WEEK, 24_000, "EUR", 2)


def fill(world: World, amount: int) -> None:
    """Puts money into the fund, as the division of a period would."""
    world.state.put(Account(TRAINING, "EUR", amount))


def balance(world: World, account: str) -> int:
    row = world.state.get(Account, account, "EUR")
    return row.balance if row else 0


def offered(world: World, **changed: object) -> str:
    fact = training.offer(
        world.state, f"training-{len(world.entries)}", replace(COURSE, **changed), "shop", "op", world.at  # type: ignore[arg-type]
    )  # fmt: skip
    assert isinstance(fact, training.TrainingOffered), fact
    world.add(fact)
    return fact.training


def applied(world: World, id: str, party: str = "anna") -> str:
    fact = training.apply(world.state, f"application-{len(world.entries)}", id, party, "more jobs", world.at)
    assert isinstance(fact, training.TrainingApplied), fact
    assert fact.owner() == (party if fact.person else None)
    world.add(fact)
    return fact.application


def decide(world: World, id: str, yes: bool = True) -> list[TrainingDecided | PlacePromised] | Refusal:
    found = training.decide(world.state, id, yes, "we talked", "op", "op", world.at)
    if isinstance(found, list):
        world.add(*found)
    return found


ENDS = """
outcome   | on         | holds | fund  | shop  | because
----------+------------+-------+-------+-------+---------------------------------------
completed | 2026-06-10 | yes   | 26000 | 24000 | her credential shows it, even before the end
completed | 2026-06-13 | no    |       |       | nothing shows it
attended  | 2026-06-13 | no    | 26000 | 24000 | she took part
attended  | 2026-06-11 | no    |       |       | it goes on
missed    | 2026-06-13 | no    | 50000 | 0     | the fund keeps it
"""


@cases(ENDS)
def test_a_place_is_reserved_and_paid_at_its_end(world: World, row: dict[str, str]) -> None:
    recognise(world)
    fill(world, 50_000)
    id = applied(world, offered(world))
    assert isinstance(decide(world, id), list)
    assert (balance(world, TRAINING), training.free_in_fund(world.state, "EUR")) == (50_000, 26_000)
    if row["holds"] == "yes":
        shows(world, "anna", ["van"])
    found = training.end(world.state, id, row["outcome"], "op", "op", world.go(row["on"]))
    if not row["fund"]:
        assert isinstance(found, Refusal) and found.code == "skill.training"
        return
    assert isinstance(found, PlaceEnded)
    world.add(found)
    assert (balance(world, TRAINING), balance(world, of_party("shop"))) == (int(row["fund"]), int(row["shop"]))
    assert training.free_in_fund(world.state, "EUR") == int(row["fund"]), "nothing stays reserved"
    again = training.end(world.state, id, row["outcome"], "op", "op", world.at)
    assert isinstance(again, Refusal) and again.code == "registry.unknown"


def test_the_fund_never_promises_more_than_it_has(world: World) -> None:
    fill(world, 30_000)
    world.add(PartyRegistered("bela", "person", "B"))
    id = offered(world)
    first, second = applied(world, id), applied(world, id, "bela")
    assert isinstance(decide(world, first), list)
    found = decide(world, second)
    assert isinstance(found, Refusal) and found.code == "skill.fund" and "60.00 EUR" in str(found)
    assert isinstance(decide(world, second, False), list)


@given(
    st.lists(st.integers(0, 30_000), max_size=6),
    st.integers(0, 60_000),
    st.lists(st.booleans(), min_size=6, max_size=6),
)
def test_the_fund_is_never_below_nothing_and_nothing_is_lost(prices: list[int], has: int, took: list[bool]) -> None:
    made = World(day(NOW))
    for party, kind in (("op", "cooperative"), ("shop", "organisation")):
        made.add(PartyRegistered(party, kind, party))
    fill(made, has)
    places = []
    for n, price in enumerate(prices):
        made.add(PartyRegistered(f"p-{n}", "person", "P"))
        id = applied(made, offered(made, price=price), f"p-{n}")
        if isinstance(decide(made, id), list):
            places.append(id)
    assert 0 <= training.free_in_fund(made.state, "EUR") <= has
    made.go("2026-06-20")
    for id, there in zip(places, took, strict=False):
        fact = training.end(made.state, id, "attended" if there else "missed", "op", "op", made.at)
        assert isinstance(fact, PlaceEnded)
        made.add(fact)
    assert balance(made, TRAINING) >= 0
    assert balance(made, TRAINING) + balance(made, of_party("shop")) == has
    account = made.state.get(Account, TRAINING, "EUR")
    assert account is not None and account.reserved_out == 0


NOT_TRAINED = """
what                               | code
-----------------------------------+------------------
an agent applies                   | skill.training
who holds the skill applies        | skill.training
who waits applies again            | skill.training
a course that began                | registry.unknown
a course that was withdrawn        | registry.unknown
a course that nobody offered       | registry.unknown
a stranger decides                 | registry.unknown
decided twice                      | registry.unknown
the last seat is gone              | skill.training
offered in another's name          | skill.training
a course in the past               | skill.training
a course without seats             | skill.training
"""


@cases(NOT_TRAINED)
def test_who_is_not_trained(world: World, row: dict[str, str]) -> None:
    recognise(world)
    fill(world, 90_000)
    what, read = row["what"], world.state
    id = offered(world, seats=1)
    if what == "who holds the skill applies":
        shows(world, "anna", ["van"])
    if what in ("who waits applies again", "a stranger decides", "decided twice", "the last seat is gone"):
        application = applied(world, id)
    if what == "a course that was withdrawn":
        gone = training.withdraw(read, id, "the teacher is ill", "shop", "op")
        assert isinstance(gone, training.TrainingWithdrawn)
        world.add(gone)
    match what:
        case "an agent applies":
            found = training.apply(read, "x", id, "bot", "why not", world.at)
        case "a stranger decides":
            found = training.decide(read, application, True, "so", "shop", "op", world.at)
        case "decided twice":
            decide(world, application, False)
            found = decide(world, application)
        case "the last seat is gone":
            world.add(PartyRegistered("bela", "person", "B"))
            other = applied(world, id, "bela")
            decide(world, application)
            found = decide(world, other)
        case "offered in another's name":
            found = training.offer(read, "t", COURSE, "anna", "op", world.at)
        case "a course in the past":
            found = training.offer(read, "t", replace(COURSE, starts=day("2026-05-01")), "shop", "op", world.at)
        case "a course without seats":
            found = training.offer(read, "t", replace(COURSE, seats=0), "shop", "op", world.at)
        case _:
            name = "training-9" if what == "a course that nobody offered" else id
            at = day("2026-06-09") if what == "a course that began" else world.at
            found = training.apply(read, "x", name, "anna", "more jobs", at)
    assert isinstance(found, Refusal) and found.code == row["code"], found


def test_nobody_decides_on_her_own_application_and_all_give_reasons(world: World) -> None:
    fill(world, 90_000)
    id = applied(world, offered(world), "op")
    found = decide(world, id)
    assert isinstance(found, Refusal) and found.code == "skill.training"
    with pytest.raises(BadInput):
        training.decide(world.state, id, True, " ", "op", "op", world.at)
    with pytest.raises(BadInput):
        training.apply(world.state, "x", "training-1", "anna", "", world.at)


def test_courses_come_by_what_they_open_for_her(world: World) -> None:
    recognise(world)
    for _ in range(3):
        post(world, "van")
    post(world, "first-aid")
    ids = [offered(world, skill=s(name), price=price) for name, price in (
        ("cycling", 100), ("first-aid", 100), ("van", 900), ("van", 800)
    )]  # fmt: skip
    found = training.ranked(world.state, "anna", day(NOW), "EUR")
    assert [(one.training.id, one.jobs) for one in found] == [(ids[3], 3), (ids[2], 3), (ids[1], 1), (ids[0], 0)]
    shows(world, "anna", ["van"])
    assert [one.label for one in training.ranked(world.state, "anna", day(NOW), "EUR")] == ["first aid", "cycling"]


def test_what_the_ledger_says_of_a_place_names_nobody(world: World) -> None:
    fill(world, 50_000)
    id = applied(world, offered(world))
    found = decide(world, id)
    assert isinstance(found, list)
    promised = found[1]
    assert isinstance(promised, PlacePromised) and "anna" not in repr(promised) and promised.owner() is None
    assert isinstance(found[0], TrainingDecided) and found[0].about() == ("anna",)
