"""Rules, requests and worlds at random: small enough to meet each other, odd enough to be got wrong."""

from __future__ import annotations

from decimal import Decimal
from random import Random

from usufruct.core.base.instants import Instant
from usufruct.core.terms.evaluate import Request, World
from usufruct.core.terms.model import Action, Condition, Constraint, Logic, Property, Rule, Ruleset, Scope, Value

ACTIONS = ["use", "read", "aggregate", "sell", "transfer", "play", "display", "usu:process", "usu:train"]
MOMENTS = ["2026-03-01T00:00:00Z", "2026-03-01T12:30:00+02:00", "2026-03-02T00:00:00Z", "2026-03-07T09:00:00.001Z"]
NOWS = ["2026-02-28T23:59:59.999Z", "2026-03-01T00:00:00.000Z", "2026-03-01T10:30:00.000Z", "2026-03-01T18:00:00.000Z",
        "2026-03-02T00:00:00.000Z", "2026-03-07T09:00:00.001Z", "2026-03-07T09:00:00.002Z"]  # fmt: skip
PURPOSES = [
    "ResearchAndDevelopment",
    "AcademicResearch",
    "CommercialResearch",
    "CommercialPurpose",
    "Marketing",
    "Purpose",
]
NAMES = ["a", "b", "c"]
ORDER = ["eq", "neq", "lt", "lteq", "gt", "gteq", "isAnyOf", "isNoneOf", "isAllOf"]
SETS = ["eq", "neq", "isA", "isPartOf", "hasPart", "isAnyOf", "isAllOf", "isNoneOf"]
EUR = "https://dbpedia.org/resource/Euro"


class Cases:
    """A source of cases; the same seed gives the same. `odd` is how often something is said that has no meaning."""

    def __init__(self, seed: int, odd: float = 0.03) -> None:
        self.random, self.odd, self._number = Random(seed), odd, 0

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def uid(self, kind: str) -> str:
        self._number += 1
        return f"{kind}-{self._number}"

    def constraint(self) -> Constraint:
        pick = self.random.choice
        match self.random.randrange(12):
            case 0 | 1:
                moment = Value(pick(MOMENTS), "xsd:dateTime") if self.chance(0.7) else Value("2026-03-01", "xsd:date")
                said = Constraint("dateTime", pick(ORDER), (moment,))
            case 2:
                said = Constraint("usu:dayOfWeek", pick(SETS), (Value(pick(["Sunday", "Saturday"])),))
            case 3:
                said = Constraint("usu:timeOfDay", pick(ORDER), (Value(pick(["09:00:00", "18:00:00Z"]), "xsd:time"),))
            case 4 | 5:
                said = Constraint("purpose", pick(SETS), self.some([Value(f"dpv:{p}") for p in PURPOSES]))
            case 6:
                said = Constraint("usu:grade", pick(ORDER), self.some([Value(str(n), "xsd:integer") for n in range(4)]))
            case 7:
                price = Value(pick(["5", "5.00", "0.10"]), "xsd:decimal")
                said = Constraint("payAmount", pick(ORDER), (price,), pick([EUR, ""]))
            case 8:
                said = Constraint(
                    "count",
                    pick(ORDER),
                    (Value(str(self.random.randrange(4)), "xsd:integer"),),
                    "per-day" if self.chance(self.odd) else "",
                )
            case 9:
                said = Constraint("usu:claim", pick(SETS), self.some([Value(name, "xsd:string") for name in NAMES]))
            case 10:
                said = Constraint("usu:class", pick(SETS), self.some([Value("public"), Value("personal")]))
            case _:
                said = Constraint("recipient", pick(SETS), self.some([Value(name) for name in [*NAMES, "group"]]))
        return self.spoilt(said) if self.chance(self.odd) else said

    def some(self, values: list[Value]) -> tuple[Value, ...]:
        return tuple(self.random.sample(values, 1 if self.chance(0.6) else 2))

    def spoilt(self, said: Constraint) -> Constraint:
        c = said
        return self.random.choice([
            Constraint("ex:unheard", c.operator, c.right), Constraint(c.left, "ex:near", c.right),
            Constraint(c.left, c.operator, (Value("x", "xsd:boolean"),)), Constraint(c.left, c.operator, ()),
            Constraint(c.left, c.operator, c.right, reference="https://elsewhere.example/"),
            Constraint(c.left, c.operator, c.right, unknown=(Property("status", "5"),)),
            Constraint("dateTime", "lt", (Value("2026-03-01T00:00:00", "xsd:dateTime"),)),
        ])  # fmt: skip

    def condition(self, depth: int = 2) -> Condition:
        if depth == 0 or self.chance(0.65):
            return self.constraint()
        kind = self.random.choice(["and", "or", "or", "xone", "andSequence"])
        return Logic(kind, tuple(self.condition(depth - 1) for _ in range(self.random.randrange(1, 4))))

    def conditions(self, most: int) -> tuple[Condition, ...]:
        return tuple(self.condition() for _ in range(self.random.randrange(most + 1)))

    def scope(self, names: list[str], collection: str) -> Scope | None:
        if self.chance(0.3):
            return None
        refinements = self.conditions(1) if self.chance(0.2) else ()
        return (Scope(collection, True, refinements) if self.chance(0.3)
                else Scope(self.random.choice(names), False, refinements))  # fmt: skip

    def rule(self, kind: str) -> Rule:
        unheard = "ex:fly" if self.chance(self.odd) else ""
        action = Action(unheard or self.random.choice(ACTIONS), self.conditions(1) if self.chance(0.2) else ())
        return Rule(
            kind, self.uid(kind), None if self.chance(0.15) else action, self.scope(["x", "y"], "data"), None,
            self.scope(["ann", "bob"], "team"), (), self.conditions(2),
            tuple(self.duty() for _ in range(self.chance(0.3))),
            (Property("ex:unless", "Tuesday"),) if self.chance(self.odd) else (),
        )  # fmt: skip

    def duty(self) -> Rule:
        consequences = tuple(Rule("obligation", self.uid("duty")) for _ in range(self.chance(0.4)))
        constraints = self.conditions(1) if self.chance(0.5) else ()
        return Rule("obligation", self.uid("duty"), Action("compensate"), constraints=constraints, duties=consequences)

    def ruleset(self, permissions: int = 3, prohibitions: int = 1) -> Ruleset:
        rules = [self.rule("permission") for _ in range(self.random.randrange(1, permissions + 1))]
        rules += [self.rule("prohibition") for _ in range(self.random.randrange(prohibitions + 1))]
        rules += [self.rule("obligation") for _ in range(self.chance(0.1))]
        self.random.shuffle(rules)
        profile = ("https://profile.example/",) if self.chance(self.odd / 3) else ()
        conflict = self.random.choice(["perm", "prohibit", "invalid"])
        return Ruleset("rules", tuple(rules), "Agreement", conflict, profile)

    def request(self) -> Request:
        pick = self.random.choice
        values = {
            "usu:grade": pick([0, 1, 2, 3, 9, "2", True]), f"payAmount {EUR}": pick([5, Decimal("5.00"), Decimal("0.1")]),
            "payAmount": pick([5, Decimal("0.10"), Decimal("0.0000001"), 5.0]), "usu:class": pick(["public", "personal", "secret"]),
            "usu:claim": frozenset(self.random.sample(NAMES, self.random.randrange(3))), "dateTime": "2000-01-01T00:00:00.000Z",
            "recipient": pick(["a", "b", "c", ("a", "b"), ("a",), (), 7, "group"]),
        }  # fmt: skip
        kept = {name: value for name, value in values.items() if self.chance(0.9)}
        purpose = pick([*PURPOSES, *PURPOSES, "", "unheard", ("AcademicResearch", "Marketing")])
        return Request(pick([*ACTIONS, "ex:fly"]), pick(["x", "y"]), pick(["ann", "bob", "eve"]), purpose, kept)

    def world(self, rules: Ruleset) -> World:
        duties = [one.uid for rule in rules.rules for duty in rule.duties for one in (duty, *duty.duties)]
        members = {"x": "data", "bob": "team", "a": "group"}
        return World(
            Instant(self.random.choice(NOWS)), frozenset(d for d in duties if self.chance(0.6)),
            frozenset(d for d in duties if self.chance(0.2)),
            {one.uid: self.random.randrange(4) for rule in rules.rules for one in (rule, *rule.duties) if self.chance(0.8)},
            {name: frozenset({whole}) for name, whole in members.items() if self.chance(0.8)},
        )  # fmt: skip
