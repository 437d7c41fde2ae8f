"""From rules to a graph: every rule atomic, every node that has an id under it, nothing implied."""

from __future__ import annotations

from itertools import count

from usufruct.core.terms.model import Action, Condition, Constraint, Logic, Property, Rule, Ruleset, Scope
from usufruct.wire.odrl.graph import BLANK, Graph, Node, Ref, Sequence, Text, node
from usufruct.wire.odrl.names import ODRL, RDF_VALUE, address, outside

_DUTIES = {"permission": "duty", "prohibition": "remedy", "obligation": "consequence"}


def graph(rules: Ruleset) -> Graph:
    """The graph that says the rules."""
    return _Writer().ruleset(rules)


class _Writer:
    def __init__(self) -> None:
        self._graph: Graph = {}
        self._blank = count(1)

    def _node(self, uid: str) -> Node:
        return node(self._graph, outside(uid) if uid else f"{BLANK}n{next(self._blank)}")

    def ruleset(self, rules: Ruleset) -> Graph:
        made = self._node(rules.uid)
        made.types.append(ODRL + rules.kind)
        made.add(ODRL + "conflict", Ref(ODRL + rules.conflict))
        for profile in rules.profiles:
            made.add(ODRL + "profile", Ref(outside(profile)))
        self._unknown(made, rules.unknown)
        for rule in rules.rules:
            self._rule(made, rule.kind, rule)
        return self._graph

    def _rule(self, above: Node, property: str, rule: Rule) -> None:
        made = self._node(rule.uid)
        above.add(ODRL + property, Ref(made.id))
        if made.properties or made.types:
            return  # a duty of two rules
        made.types.append(ODRL + ("Duty" if rule.kind == "obligation" else rule.kind.capitalize()))
        if rule.action is not None:
            made.add(ODRL + "action", self._action(rule.action))
        for name, scope in (("target", rule.target), ("assigner", rule.assigner), ("assignee", rule.assignee)):
            if scope is not None:
                made.add(ODRL + name, self._scope(scope, "Asset" if name == "target" else "Party"))
        for role in rule.roles:
            made.add(address(role.name), Ref(outside(role.party)))
        self._conditions(made, "constraint", rule.constraints)
        for duty in rule.duties:
            self._rule(made, _DUTIES[rule.kind], duty)
        self._unknown(made, rule.unknown)

    def _action(self, action: Action) -> Ref:
        if not action.refinements and not action.uid:
            return Ref(address(action.name))
        made = self._node(action.uid)
        made.add(RDF_VALUE, Ref(address(action.name)))
        self._conditions(made, "refinement", action.refinements)
        return Ref(made.id)

    def _scope(self, scope: Scope, kind: str) -> Ref:
        if not scope.collection and not scope.refinements:
            return Ref(outside(scope.uid))
        made = self._node("")  # two rules may narrow the same collection differently
        made.types.append(f"{ODRL}{kind}Collection" if scope.collection else ODRL + kind)
        made.add(ODRL + "source", Ref(outside(scope.uid)))
        self._conditions(made, "refinement", scope.refinements)
        return Ref(made.id)

    def _conditions(self, above: Node, property: str, conditions: tuple[Condition, ...]) -> None:
        for condition in conditions:
            above.add(ODRL + property, self._condition(condition))

    def _condition(self, condition: Condition) -> Ref:
        made = self._node(condition.uid)
        if isinstance(condition, Logic):
            made.types.append(ODRL + "LogicalConstraint")
            made.add(ODRL + condition.kind, Sequence(tuple(self._condition(part) for part in condition.parts)))
        else:
            self._constraint(made, condition)
        self._unknown(made, condition.unknown)
        return Ref(made.id)

    def _constraint(self, made: Node, said: Constraint) -> None:
        made.types.append(ODRL + "Constraint")
        made.add(ODRL + "leftOperand", Ref(address(said.left)))
        made.add(ODRL + "operator", Ref(address(said.operator)))
        for value in said.right:
            kind = value.type if value.type[:1] == "@" else outside(value.type)
            right = Ref(outside(value.text)) if value.type == "iri" else Text(value.text, kind)
            made.add(ODRL + "rightOperand", right)
        for name, iri in (("unit", said.unit), ("rightOperandReference", said.reference)):
            if iri:
                made.add(ODRL + name, Ref(outside(iri)))

    def _unknown(self, made: Node, unknown: tuple[Property, ...]) -> None:
        for found in unknown:
            made.add(address(found.name), Text(found.value, outside("xsd:string")))
