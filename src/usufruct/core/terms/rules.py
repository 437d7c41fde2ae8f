"""Which rules may come into force: not an offer, not a bomb, and not what contradicts itself.

What is agreed is evaluated for years, by machines, often. So the price of reading it is paid once and bounded: so many
constraints and values, so deep, and the joins that multiply counted as what they cost. And a collision that the rules
do not resolve is found before anybody signs, not when the first use is refused.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.terms.analysis import conflicts
from usufruct.core.terms.evaluate import Terms, read
from usufruct.core.terms.model import BINDING, Condition, Logic, Rule, Ruleset

RULES_MAX = 400
DEPTH_MAX = 16  # of constraints in constraints, duties in rules
COST_MAX = 20_000  # constraints and their values, an `xone` of n parts counted n times


@dataclass(frozen=True, slots=True)
class Cost:
    """What reading rules takes: how many, how deep, and how many constraints and values they come to."""

    rules: int
    depth: int
    constraints: int

    def over(self) -> str:
        """What is beyond the bounds, in words; empty if nothing is."""
        for found, most, what in (
            (self.rules, RULES_MAX, "rules"), (self.depth, DEPTH_MAX, "levels"),
            (self.constraints, COST_MAX, "constraints and values"),
        ):  # fmt: skip
            if found > most:
                return f"more than {most:,} {what}"
        return ""


def cost(rules: Ruleset) -> Cost:
    """What reading the rules would take; itself never deeper or longer than the bounds."""
    depth = constraints = number = 0
    waiting: list[tuple[Rule | Condition, int, int]] = [(rule, 1, 1) for rule in rules.rules]
    while waiting and depth <= DEPTH_MAX and constraints <= COST_MAX and number <= RULES_MAX:
        item, level, times = waiting.pop()
        depth = max(depth, level)
        if isinstance(item, Rule):
            number += 1
            waiting += [(part, level + 1, times) for part in (*_conditions(item), *item.duties)]
        elif isinstance(item, Logic):
            more = times * len(item.parts) if item.kind == "xone" else times
            waiting += [(part, level + 1, more) for part in item.parts]
        else:
            constraints += times * max(len(item.right), 1)
    return Cost(number, depth, constraints)


def _conditions(rule: Rule) -> tuple[Condition, ...]:
    narrowed = [part.refinements for part in (rule.action, rule.target, rule.assigner, rule.assignee) if part]
    return (*rule.constraints, *(condition for refinements in narrowed for condition in refinements))


def bounded(rules: Ruleset, duty_mode: str = "strict", actions: frozenset[str] | None = None) -> Terms | Refusal:
    """The rules, ready to be asked, whether or not they can be in force; or a refusal if reading them would cost too much."""
    over = cost(rules).over()
    if over:
        return refuse(
            "terms.cost", f"the rules `{rules.uid}` were not read", f"they have {over}",
            remedy="split the agreement, or say it in fewer words",
        )  # fmt: skip
    return read(rules, duty_mode, actions)


def activate(rules: Ruleset, duty_mode: str = "strict", actions: frozenset[str] | None = None) -> Terms | Refusal:
    """The rules in force, ready to be asked; or why they cannot be.

    Rules with flags can be in force: what was not understood never permits. `duty_mode` and `actions` are those of
    `evaluate.read`.
    """
    refused = f"the rules `{rules.uid}` were not put in force"
    if rules.kind not in BINDING:
        return refuse(
            "terms.kind", refused, f"they are of kind {rules.kind}, which binds nobody yet",
            remedy=f"agree on them first; then they are of kind {BINDING[1]}",
        )  # fmt: skip
    terms = bounded(rules, duty_mode, actions)
    if isinstance(terms, Refusal):
        return terms
    named = Counter({(rule.uid, rule) for each in rules.rules for rule in each.within()})
    shared = [uid for uid, times in Counter(uid for uid, _ in named).items() if times > 1]
    if shared:
        return refuse(
            "terms.conflict", refused, f"`{shared[0]}` is the name of several rules that differ",
            remedy="give each rule a name of its own",
        )  # fmt: skip
    collisions = [found for found in conflicts(terms) if found.sure] if rules.conflict == "invalid" else []
    if collisions:
        one = collisions[0]
        return refuse(
            "terms.conflict", refused, f"`{one.permission}` permits what `{one.prohibition}` prohibits",
            remedy="say which wins (`conflict`: perm or prohibit), or let the permission leave out what is prohibited",
        )  # fmt: skip
    return terms
