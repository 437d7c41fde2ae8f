"""An offer or agreement as one set of rules, for other nodes and tools that speak ODRL.

What the plain fields of the terms say (form, purposes, price, end) becomes one permission with its constraints and the
duty to pay; the rules that the terms carry stand beside it. Read the other way, an ODRL file gives the rules of an offer;
its plain fields are said by who publishes it.
"""

from __future__ import annotations

from dataclasses import replace

from usufruct.core.base.money import DECIMALS, decimal
from usufruct.core.contract.state import Agreement, Offer
from usufruct.core.terms.model import Action, Constraint, Rule, Ruleset, Scope, Value, normal

ACTIONS = {"aggregates": "aggregate", "rows": "extract"}
"""The action that each form of answer is."""

PROFILE = "usu:terms"


def as_rules(of: Offer | Agreement) -> Ruleset:
    """The whole of an offer or agreement."""
    terms, consumer = of.terms, of.consumer if isinstance(of, Agreement) else None
    purposes = tuple(Value(f"dpv:{purpose}") for purpose in terms.purposes)
    duties: tuple[Rule, ...] = ()
    if terms.price:
        amount = Value(decimal(terms.price, DECIMALS[terms.currency]), "xsd:decimal")
        price = Constraint("payAmount", "eq", (amount,), unit=terms.currency)
        duties = (Rule("obligation", f"{of.id}-price", Action("compensate", (price,))),)
    permission = Rule(
        "permission", f"{of.id}-use", Action(ACTIONS[terms.form]), Scope(of.asset), Scope(of.provider),
        Scope(consumer) if consumer else None,
        constraints=(
            Constraint("purpose", "isAnyOf", purposes), Constraint("usu:form", "eq", (Value(terms.form),)),
            Constraint("dateTime", "lt", (Value(of.until, "xsd:dateTime"),)),
        ),
        duties=duties,
    )  # fmt: skip
    carried = terms.rules or Ruleset(of.id, (), conflict="prohibit")
    kind = "Offer" if consumer is None else "Agreement"
    profiles = tuple(dict.fromkeys((*carried.profiles, PROFILE)))
    return normal(replace(carried, uid=of.id, rules=(permission, *carried.rules), kind=kind, profiles=profiles))
