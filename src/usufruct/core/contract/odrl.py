"""An offer or agreement as one set of rules, for other nodes and tools that speak ODRL.

What the plain fields of the terms say (form, purposes, price, end) are constraints and the duty to pay, of one
permission or, where the terms carry rules, of each permission of theirs. So what is shown permits what this node would,
and no more. Read the other way, an ODRL file gives the rules of an offer; its plain fields are said by who publishes
it.
"""

from __future__ import annotations

from dataclasses import replace

from usufruct.core.base.money import DECIMALS, decimal
from usufruct.core.contract.state import Agreement, Offer
from usufruct.core.terms.model import Action, Condition, Constraint, Rule, Ruleset, Scope, Value, normal
from usufruct.core.terms.vocabulary import actions_above

ACTIONS = {
    "rows": "extract", "masked": "anonymize", "cubes": "aggregate", "aggregates": "aggregate", "computation": "derive",
}  # fmt: skip
"""The action that each form of answer is."""

PROFILE = "usu:terms"
TEMPLATE = "usu:template"
PREVIEW = "quality-preview"
"""What rules call a quality preview; so no template may be called that."""


def as_rules(of: Offer | Agreement, lasting: Constraint | None = None) -> Ruleset:
    """The whole of an offer or agreement. Where it carries rules, a use must be permitted by these as well as by the plain
    fields: so each permission of theirs is shown with what the fields demand, and none beside them. `lasting` says in place
    of its end for how long it holds."""
    until = lasting or Constraint("dateTime", "lt", (Value(of.until, "xsd:dateTime"),))
    carried = of.terms.rules or Ruleset(of.id, (Rule("permission", f"{of.id}-use"),), conflict="prohibit")
    kind = "Agreement" if isinstance(of, Agreement) else "Offer"
    profiles = tuple(dict.fromkeys((*carried.profiles, PROFILE)))
    rules = tuple(
        _within(of, rule, until) if rule.kind == "permission" else rule for rule in carried.rules if _speaks(of, rule)
    )
    return normal(replace(carried, uid=of.id, rules=rules, kind=kind, profiles=profiles))


def only_templates(offer: str, rules: Ruleset | None) -> Ruleset:
    """The rules of an offer, so that each permission is for approved templates and for nothing that is asked freely."""
    return _only(offer, rules, "approved")


def only_previews(agreement: str, rules: Ruleset | None) -> Ruleset:
    """The same for previews, which are the node's own template (see `market.previews`)."""
    return _only(agreement, rules, PREVIEW)


def for_previews(rules: Ruleset | None) -> bool:
    """Whether an agreement with these rules is for previews and nothing else."""
    return rules is not None and any(
        isinstance(one, Constraint) and one.left == TEMPLATE and one.right == (Value(PREVIEW),)
        for rule in rules.rules
        for one in rule.constraints
    )


def _only(name: str, rules: Ruleset | None, template: str) -> Ruleset:
    """These rules with each permission for a template alone, in place of what they say of templates."""
    only = Constraint(TEMPLATE, "eq", (Value(template),))
    carried = rules or Ruleset(
        name, (Rule("permission", f"{name}-templates"),), conflict="prohibit", profiles=(PROFILE,)
    )
    narrowed = (
        replace(rule, constraints=(*_but_templates(rule, template), only)) if rule.kind == "permission" else rule
        for rule in carried.rules
    )
    return normal(replace(carried, rules=tuple(narrowed)))


def _but_templates(rule: Rule, template: str) -> tuple[Condition, ...]:
    """What a permission demands; that it is for approved templates keeps nobody from a preview."""
    kept = template != PREVIEW
    return tuple(one for one in rule.constraints if kept or not (isinstance(one, Constraint) and one.left == TEMPLATE))


def _speaks(of: Offer | Agreement, rule: Rule) -> bool:
    """Whether a rule bears on what the agreement is for: a permission to do something else permits nothing here."""
    wide = rule.action is None or rule.action.name in actions_above(ACTIONS[of.terms.form])
    return wide or rule.kind != "permission"


def _within(of: Offer | Agreement, rule: Rule, until: Constraint) -> Rule:
    """A permission, narrowed to what the plain fields say."""
    terms, consumer = of.terms, of.consumer if isinstance(of, Agreement) else None
    duties: tuple[Rule, ...] = ()
    if terms.price:
        amount = Value(decimal(terms.price, DECIMALS[terms.currency]), "xsd:decimal")
        price = Constraint("payAmount", "eq", (amount,), unit=terms.currency)
        duties = (Rule("obligation", f"{rule.uid}-price", Action("compensate", (price,))),)
    fields = (
        Constraint("purpose", "isAnyOf", tuple(Value(f"dpv:{purpose}") for purpose in terms.purposes)),
        Constraint("usu:form", "eq", (Value(terms.form),)),
        until,
    )
    return replace(
        rule, action=Action(ACTIONS[terms.form], rule.action.refinements if rule.action else ()),
        target=rule.target or Scope(of.asset), assigner=rule.assigner or Scope(of.provider),
        assignee=rule.assignee or (Scope(consumer) if consumer else None),
        constraints=(*fields, *rule.constraints), duties=(*duties, *rule.duties),
    )  # fmt: skip
