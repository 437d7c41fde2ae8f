"""Decisions a second, as the number of agreements grows.

Ours is the whole decision with its proof: agreement in force, its rules of 20 constraints, purpose in the tree, form,
grades, prohibitions, the chain of rights, and the bitmap of the persons who may be used. The peers decide less. cedarpy
gets one policy for each agreement, with the purpose tree, form, grades, end and the same 20 constraints; pycasbin one rule
for each, without the constraints, for it has no place for them. Neither gets consents or the chain of rights; in this
made-up world everybody consented and no chain is broken, so the yes or no must be the same, and it is checked before
anything is timed. Only Cedar's `Allow` counts as yes, for its errors are a third answer.

Both peers are measured as they come (all agreements in one prepared set) and as their experienced users would have it
(the few policies of one principal cut out beforehand: a cedarpy policy set for each, pycasbin's FastEnforcer).
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import cycle, islice
from pathlib import Path
from statistics import median, quantiles

import casbin  # type: ignore[import-untyped]
import cedarpy

from bench.measure import medians, scratch, seconds, setup
from bench.report import Result, against, alone, barred
from usufruct.core.access.consent import population
from usufruct.core.access.consent_bits import CHUNK
from usufruct.core.access.facts import ConsentsRecorded
from usufruct.core.access.rules import Permit, Request, decide
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Entry, Fact, Reader
from usufruct.core.base.refusals import Refusal
from usufruct.core.contract.facts import AgreementReached, Terms
from usufruct.core.registry import rights
from usufruct.core.registry.facts import AssetRegistered, Column, Quality
from usufruct.core.rulebook import purposes
from usufruct.core.terms.model import Action, Constraint, Logic, Rule, Ruleset, Value
from usufruct.core.terms.rules import activate
from usufruct.store.memory import MemoryState
from usufruct.store.sqlite import connect
from usufruct.store.tables import StateWriter, create

SIZES = (1_000, 100_000)  # agreements that the peers get too
ALONE = (10_000, 1_000_000)  # and that only we get
QUICK = (100,)
OFFERS = 1_000  # with rules of their own, that agreements are reached on
CONSTRAINTS = 20
RATE_BAR, SLOWEST_BAR_MS, FILTER_BAR_MS, GROWTH_BAR = 50_000, 1, 20, 3
EACH = 5  # agreements of one consumer
PERSONS = 1_000  # that each asset is about
SAMPLE = 40  # requests that all must say the same to
ASKED = 400  # requests that are timed
ALLOWED = ("AcademicResearch", "ResearchAndDevelopment", "Marketing", "ServiceProvision", "FraudPreventionAndDetection")
SINCE, AT, UNTIL = Instant("2026-01-01T00:00:00.000Z"), Instant("2026-06-01T00:00:00.000Z"), "2027-01-01T00:00:00.000Z"
ENDED = "2026-05-01T00:00:00.000Z"

# Purposes and forms share one `g`: pycasbin 2.8 drops a second one from a FastModel (its `add_def` returns nothing).
MODEL = """
[request_definition]
r = sub, obj, purpose, form, at
[policy_definition]
p = sub, obj, purpose, form, until
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.sub == p.sub && r.obj == p.obj && r.form == p.form && r.at < p.until && g(r.purpose, p.purpose) && g(r.obj, r.form)
"""


@dataclass(frozen=True, slots=True)
class World:
    """Assets, agreements on them, and requests of which about half are allowed."""

    assets: tuple[AssetRegistered, ...]
    agreements: tuple[AgreementReached, ...]
    requests: tuple[Request, ...]

    def facts(self) -> Iterator[Fact]:
        """All that must have happened."""
        for asset in self.assets:
            yield asset
            ids = tuple(f"{asset.asset}-{right}" for right in ("benefit", "hold", "use", "operate"))
            yield from rights.at_the_source(
                asset.asset, asset.source, asset.publisher, (ids[0], ids[1], ids[2], ids[3])
            )
            for purpose in ALLOWED:
                yield ConsentsRecorded(asset.asset, purpose, tuple(range(PERSONS)), "made up")
        yield from self.agreements


def run(quick: bool) -> list[Result]:
    """The figures for each number of agreements."""
    results = []
    rates: dict[int, float] = {}
    for agreements in QUICK if quick else SIZES:
        with scratch() as folder:
            made, rates[agreements] = _size(folder, agreements, box=0.02 if quick else 0.5, turns=2 if quick else 5)
            results += made
    for agreements in (200,) if quick else ALONE:
        rates[agreements] = _only_ours(agreements, box=0.02 if quick else 0.5)
        results.append(alone(f"{agreements:,} agreements, state in memory", rates[agreements], "decisions/s"))
    growth = alone(
        "the rate at the fewest agreements over that at the most", rates[min(rates)] / rates[max(rates)], "times"
    )
    results.append(barred(growth, f"<= {GROWTH_BAR}", None if quick else growth.ours <= GROWTH_BAR))
    results += _popular(200 if quick else 20_000, box=0.02 if quick else 0.5)
    results.append(_consent_filter(10_000 if quick else 1_000_000, quick))
    results.append(_bomb())
    return results


def _consent_filter(persons: int, quick: bool) -> Result:
    """One row filter over everybody, right after somebody said something."""
    entries = list(_entries(_consents(persons)))
    state = MemoryState(entries)
    taken = []
    for number in range(9):
        state.apply(Entry(len(entries) + number, SINCE, ConsentsRecorded("big", ALLOWED[1], (number,), "made up")))
        taken.append(seconds(lambda: population(state, "big", ALLOWED[0], persons)))
    line = alone(f"the filter of {persons:,} persons, within a decision", 1000 * median(taken), "ms")
    return barred(line, f"< {FILTER_BAR_MS} ms", None if quick else line.ours < FILTER_BAR_MS)


def _bomb() -> Result:
    """Rules that would take for ever: 30 levels of `xone` over everything below."""
    condition: Constraint | Logic = Constraint("usu:persons", "gteq", (Value("1", "xsd:integer"),))
    for _ in range(30):
        condition = Logic("xone", (condition,) * 4)
    rules = Ruleset("bomb", (Rule("permission", "p", Action("use"), constraints=(condition,)),), "Agreement")
    answers: list[object] = []
    taken = seconds(lambda: answers.append(activate(rules)))
    line = alone("a policy bomb of 4^30 constraints is refused when it is loaded", 1000 * taken, "ms")
    return barred(line, "refused", isinstance(answers[0], Refusal))


def _only_ours(count: int, box: float) -> float:
    world = make_world(count, assets=min(1_000, count // 10))
    with setup(f"{count:,} agreements folded into memory"):
        memory = MemoryState(_entries(world.facts()))
    return medians(3, {"ours": partial(_rate, _ours(memory), world.requests, box)})["ours"]


def _size(folder: Path, count: int, box: float, turns: int) -> tuple[list[Result], float]:
    world = make_world(count, assets=min(1_000, count // 10))
    with setup(f"{count:,} agreements folded into memory"):
        memory = MemoryState(_entries(world.facts()))
    with setup(f"{count:,} agreements folded into SQLite"):
        tables = _in_sqlite(folder / "state.sqlite", memory)
    ours = {"memory": _ours(memory), "SQLite": _ours(tables)}
    peers: dict[str, Callable[[Request], bool]] = {}
    with setup(f"cedarpy: {count:,} policies parsed into one set"):
        peers["cedarpy, one prepared set"] = _cedar(world)
    with setup("cedarpy: a set for each principal who asks"):
        peers["cedarpy, a prepared set for each principal"] = _cedar_sliced(world)
    with setup(f"pycasbin: {count:,} rules loaded"):
        peers["pycasbin Enforcer"] = _casbin(world)
    with setup(f"pycasbin: {count:,} rules loaded by subject and object"):
        peers["pycasbin FastEnforcer"] = _casbin_fast(world)
    everyone = {**ours, **peers}
    with setup("all asked the same"):
        yes = _check_same(world.requests[:SAMPLE], everyone)
    assert 0.3 < yes < 0.7, f"{yes} of the requests are allowed, which is not a fair mixture"
    rates = medians(turns, {
        name: partial(_rate, one, world.requests, box) for name, one in everyone.items()
    }, warm=False)  # fmt: skip
    results = [
        against(f"{count:,} agreements, state in {where}", rates[where], "decisions/s", peer, rates[peer])
        for where in ours
        for peer in peers
    ]
    if count == SIZES[-1]:
        results[0] = barred(results[0], f">= {RATE_BAR:,} decisions/s", results[0].ours >= RATE_BAR)
    return [*results, *_slowest(count, ours["memory"], world)], rates["memory"]


def _slowest(count: int, one: Callable[[Request], object], world: World) -> list[Result]:
    """How long single decisions take: asked again and again, and each for the first time."""
    times = [_nanoseconds(one, request) for request in islice(cycle(world.requests), 50 * ASKED)]
    line = alone(f"{count:,} agreements: one decision with its proof, p99", quantiles(times, n=100)[98] / 1e6, "ms")
    again = barred(line, f"< {SLOWEST_BAR_MS} ms", None if count in QUICK else line.ours < SLOWEST_BAR_MS)
    draw = random.Random(1)
    first = [
        Request(a.consumer, a.asset, p, a.terms.form, ("cents",))
        for a in world.agreements[-5_000:] for p in a.terms.purposes[:1]
    ]  # fmt: skip
    draw.shuffle(first)
    times = [_nanoseconds(one, request) for request in first]
    return [again, alone(f"{count:,} agreements: asked for the first time, median", median(times) / 1e6, "ms")]


def _nanoseconds(one: Callable[[Request], object], request: Request) -> int:
    start = time.perf_counter_ns()
    one(request)
    return time.perf_counter_ns() - start


def _popular(count: int, box: float) -> list[Result]:
    """Decisions where all agreements are on one asset; a decision should not come to know of the others' ones."""
    world = make_world(count, assets=1)
    memory = MemoryState(_entries(world.facts()))
    with scratch() as folder:
        states = {"memory": _ours(memory), "SQLite": _ours(_in_sqlite(folder / "state.sqlite", memory))}
        rates = medians(3, {where: partial(_rate, one, world.requests, box) for where, one in states.items()})
    return [alone(f"{count:,} agreements on one asset, state in {w}", rate, "decisions/s") for w, rate in rates.items()]


def make_world(count: int, assets: int) -> World:
    """`count` agreements, `EACH` to a consumer, over that many assets."""
    draw = random.Random(count)
    registered = tuple(_asset(n) for n in range(assets))
    agreements = tuple(_agreement(draw, n, registered) for n in range(count))
    requests = tuple(_request(draw, draw.choice(agreements), registered) for _ in range(ASKED))
    return World(registered, agreements, requests)


def _asset(number: int) -> AssetRegistered:
    grade = 1 if number % 4 == 0 else 3  # rows may leave at grade 1
    columns = (Column("person", "integer", "personal", grade), Column("cents", "integer", "personal", grade))
    return AssetRegistered(
        f"asset-{number}", "holder", f"members-{number}", "Made up", "", "", (), "v1", "", "person", columns, 1, (),
        Quality(PERSONS, PERSONS, (0, 0)),
    )  # fmt: skip


def _agreement(draw: random.Random, number: int, assets: Sequence[AssetRegistered]) -> AgreementReached:
    asset = draw.choice(assets).asset
    form = "rows" if draw.random() < 0.2 else "aggregates"
    terms = Terms(form, tuple(draw.sample(ALLOWED, 2)), 0, "EUR", 1, rules=_rules(number % OFFERS))
    until = Instant(ENDED if draw.random() < 0.1 else UNTIL)
    return AgreementReached(
        f"agreement-{number}", "n", "o", asset, "holder", f"consumer-{number // EACH}", terms, until, f"{asset}-use"
    )


def _bounds(offer: int) -> list[tuple[str, str, int | str]]:
    """The constraints of an offer's rules, which all hold here."""
    shift = offer % 7
    return [
        *(("usu:persons", "gteq", 1 + shift + n) for n in range(8)),
        *(("dateTime", "gteq", f"2025-0{1 + n}-0{1 + shift}T00:00:00Z") for n in range(5)),
        *(("dateTime", "lt", f"2028-0{1 + n}-0{1 + shift}T00:00:00Z") for n in range(5)),
        ("usu:grade", "lteq", 4), ("usu:place", "eq", "node"),
    ]  # fmt: skip


@cache
def _rules(offer: int) -> Ruleset:
    """The rules of an offer, which all agreements on it share."""
    types = {"usu:persons": "xsd:integer", "usu:grade": "xsd:integer", "dateTime": "xsd:dateTime", "usu:place": "iri"}
    constraints = tuple(
        Constraint(left, operator, (Value(str(right), types[left]),)) for left, operator, right in _bounds(offer)
    )
    assert len(constraints) == CONSTRAINTS
    rule = Rule("permission", f"may-{offer}", Action("use"), constraints=constraints)
    return Ruleset(f"offer-{offer}", (rule,), "Agreement", "prohibit")


def _request(draw: random.Random, agreement: AgreementReached, assets: Sequence[AssetRegistered]) -> Request:
    """Mostly what the agreement allows; sometimes another asset, purpose or form."""
    asset, terms, chance = agreement.asset, agreement.terms, draw.random()
    purpose = draw.choice(purposes.descendants(draw.choice(terms.purposes)))
    form = terms.form
    if chance < 0.1:
        asset = draw.choice(assets).asset
    elif chance < 0.25:
        purpose = draw.choice(("EnforceSecurity", "Personalisation", "LegalCompliance"))
    elif chance < 0.35:
        form = "rows" if form == "aggregates" else "aggregates"
    return Request(agreement.consumer, asset, purpose, form, ())


def _entries(facts: Iterator[Fact]) -> Iterator[Entry]:
    return (Entry(seq, SINCE, fact) for seq, fact in enumerate(facts))


def _in_sqlite(path: Path, memory: MemoryState) -> Reader:
    """The same rows in the tables of the node."""
    connection = connect(path)
    connection.execute("CREATE TABLE about (party TEXT, seq INTEGER)")
    create(connection)
    connection.execute("BEGIN")
    state = StateWriter(connection, {})
    for rows in memory.rows.values():
        for row in rows.values():
            state.put(row)
    state.unmark()
    state.flush()
    connection.execute("COMMIT")
    return StateWriter(connection, {})  # as the writer, who decides


def _ours(state: Reader) -> Callable[[Request], bool]:
    return lambda request: isinstance(decide(state, request, AT), Permit)


def _cedar_policy(agreement: AgreementReached) -> str:
    allowed = " || ".join(f'context.purpose in Purpose::"{purpose}"' for purpose in agreement.terms.purposes)
    assert agreement.terms.rules is not None
    names = {"usu:persons": "persons", "usu:grade": "grade", "usu:place": "place", "dateTime": "at"}
    operators = {"gteq": ">=", "lt": "<", "lteq": "<=", "eq": "=="}
    bounds = " && ".join(
        f"context.{names[left]} {operators[operator]} {_cedar_value(left, right)}"
        for left, operator, right in _bounds(int(agreement.terms.rules.uid.removeprefix("offer-")))
    )
    return (
        f'permit(principal == Party::"{agreement.consumer}", action == Action::"use", '
        f'resource == Asset::"{agreement.asset}") when {{ context.form == "{agreement.terms.form}" && '
        f"resource.forms.contains(context.form) && context.at < {_seconds(agreement.until)} && ({allowed}) && {bounds} }};"
    )


def _cedar_value(left: str, right: int | str) -> str:
    return str(_seconds(str(right))) if left == "dateTime" else str(right) if isinstance(right, int) else f'"{right}"'


def _seconds(at: str) -> int:
    """A number in the order of time, for Cedar compares no strings."""
    return int("".join(c for c in at if c.isdigit())[:14])


def _cedar_entities(world: World) -> cedarpy.Entities:
    broader = {purpose: purposes.ancestors(purpose)[1:] for purpose in purposes.descendants(purposes.ROOT)}
    entities = [
        {"uid": {"type": "Purpose", "id": p}, "attrs": {}, "parents": [{"type": "Purpose", "id": b} for b in above]}
        for p, above in broader.items()
    ]
    entities += [
        {"uid": {"type": "Asset", "id": a.asset}, "attrs": {"forms": _forms(a)}, "parents": []} for a in world.assets
    ]
    return cedarpy.Entities.from_json_str(json.dumps(entities))


def _forms(asset: AssetRegistered) -> list[str]:
    return ["rows", "aggregates"] if asset.columns[0].grade < 2 else ["aggregates"]


def _cedar_request(request: Request) -> dict[str, object]:
    return {
        "principal": {"type": "Party", "id": request.requester},
        "action": {"type": "Action", "id": "use"},
        "resource": {"type": "Asset", "id": request.asset},
        "context": {
            "purpose": {"__entity": {"type": "Purpose", "id": request.purpose}},
            "form": request.form,
            "at": _seconds(AT),
            "persons": PERSONS,
            "grade": 3,
            "place": "node",
        },
    }


def _cedar(world: World) -> Callable[[Request], bool]:
    policies = cedarpy.PolicySet.from_str("\n".join(map(_cedar_policy, world.agreements)))
    entities = _cedar_entities(world)
    return lambda request: _allows(request, policies, entities)


def _cedar_sliced(world: World) -> Callable[[Request], bool]:
    entities = _cedar_entities(world)
    texts: dict[str, list[str]] = {request.requester: [] for request in world.requests}
    for agreement in world.agreements:
        if agreement.consumer in texts:
            texts[agreement.consumer].append(_cedar_policy(agreement))
    sets = {consumer: cedarpy.PolicySet.from_str("\n".join(found)) for consumer, found in texts.items()}
    return lambda request: _allows(request, sets[request.requester], entities)


def _allows(request: Request, policies: cedarpy.PolicySet, entities: cedarpy.Entities) -> bool:
    return cedarpy.is_authorized(_cedar_request(request), policies, entities).decision == cedarpy.Decision.Allow


def _casbin_rules(world: World) -> str:
    lines = [
        f"p, {a.consumer}, {a.asset}, {purpose}, {a.terms.form}, {a.until}"
        for a in world.agreements
        for purpose in a.terms.purposes
    ]
    for purpose in purposes.descendants(purposes.ROOT):
        lines += [f"g, {purpose}, {broader}" for broader in purposes.ancestors(purpose)[1:]]
    lines += [f"g, {asset.asset}, {form}" for asset in world.assets for form in _forms(asset)]
    return "\n".join(lines)


def _casbin(world: World) -> Callable[[Request], bool]:
    enforcer = casbin.Enforcer(casbin.Enforcer.new_model(text=MODEL), casbin.StringAdapter(_casbin_rules(world)))
    return lambda r: enforcer.enforce(r.requester, r.asset, r.purpose, r.form, AT)


def _casbin_fast(world: World) -> Callable[[Request], bool]:
    model = casbin.FastModel([0, 1])  # rules are found by subject and object
    model.load_model_from_text(MODEL)
    enforcer = casbin.FastEnforcer(model, casbin.StringAdapter(_casbin_rules(world)), cache_key_order=[0, 1])
    return lambda r: enforcer.enforce(r.requester, r.asset, r.purpose, r.form, AT)


def _check_same(requests: Sequence[Request], everyone: dict[str, Callable[[Request], bool]]) -> float:
    """The part that is allowed, if all say the same to every request."""
    allowed = 0
    for request in requests:
        said = {name: bool(one(request)) for name, one in everyone.items()}
        assert len(set(said.values())) == 1, f"{request}: {said}"
        allowed += said["memory"]
    return allowed / len(requests)


def _rate(one: Callable[[Request], object], requests: Sequence[Request], box: float) -> float:
    """Requests answered a second, asked for `box` seconds and at least eight times."""
    start = time.perf_counter()
    for done, request in enumerate(cycle(requests), 1):
        one(request)
        taken = time.perf_counter() - start
        if taken > box and done >= 8:
            return done / taken
    raise AssertionError("no requests")


def _consents(persons: int) -> Iterator[Fact]:
    for first in range(0, persons, CHUNK):
        numbers = tuple(range(first, min(first + CHUNK, persons)))
        yield ConsentsRecorded("big", ALLOWED[0], numbers, "made up")
