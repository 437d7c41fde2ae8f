"""Messages of the Dataspace Protocol at random, with rules as the evaluator's tests make them and stranger letters in them."""

from __future__ import annotations

import sys
import unicodedata
from dataclasses import replace
from pathlib import Path

from hypothesis import strategies as st

from usufruct.core.dataspace import messages as m
from usufruct.core.dataspace.catalogue import Catalogue, Dataset, Distribution, Service
from usufruct.core.terms.model import Condition, Constraint, Logic, Property, Role, Rule, Ruleset, Scope, Value, normal

sys.path.append(str(Path(__file__).parents[1] / "rules"))
from terms_cases import Cases

LETTERS = st.text(st.characters(exclude_categories=("Cs", "Cc", "Cn")), max_size=12).map(
    lambda text: unicodedata.normalize("NFC", text)
)
NAMES = st.sampled_from(
    ["asset-7", "urn:uuid:6bcea82e-c509-443d-ba8c-8eef25984c07", "CD123:ACN0102:456", "did:web:a.example"]
)
STRANGE = NAMES | LETTERS.filter(bool)
TYPES = st.sampled_from(
    ["xsd:string", "xsd:integer", "xsd:decimal", "xsd:dateTime", "@en", "https://x.example/t", "dpv:T"]
)
VALUES = st.builds(Value, LETTERS, TYPES) | st.builds(
    Value, st.sampled_from(["dpv:Marketing", "odrl:eq", "a", "urn:x:y"])
)
PROPERTIES = st.builds(Property, st.sampled_from(["https://x.example/p", "usu:p", "status", "conflict"]), LETTERS)
CODES = st.sampled_from(["", "no", "99"])
REASONS = st.lists(LETTERS, max_size=2).map(tuple)


def sayable(condition: Condition) -> bool:
    """Whether the protocol has a word for its operators."""
    if isinstance(condition, Logic):
        return all(map(sayable, condition.parts))
    return condition.operator != "ex:near"


def said(rule: Rule) -> Rule:
    """The rule without what the protocol cannot say."""

    def kept(conditions: tuple[Condition, ...]) -> tuple[Condition, ...]:
        return tuple(filter(sayable, conditions))

    def scope(of: Scope | None) -> Scope | None:
        return of and replace(of, refinements=kept(of.refinements))

    return replace(
        rule, action=rule.action and replace(rule.action, refinements=kept(rule.action.refinements)),
        target=scope(rule.target), assigner=scope(rule.assigner), assignee=scope(rule.assignee),
        constraints=kept(rule.constraints), duties=tuple(map(said, rule.duties)),
    )  # fmt: skip


@st.composite
def rulesets(draw: st.DrawFn, kind: str, names: st.SearchStrategy[str]) -> Ruleset:
    """Rules that the protocol can say."""
    rules = Cases(draw(st.integers(0, 2**32)), odd=0.2).ruleset()
    strange = tuple(
        Constraint("language", "isAnyOf", tuple(draw(st.lists(VALUES, max_size=3))), uid=uid,
                   unknown=tuple(draw(st.lists(PROPERTIES.filter(lambda p: p.name != "conflict"), max_size=1))))
        for uid in ("", "urn:x:c-1")
    )  # fmt: skip
    first = replace(
        rules.rules[0], constraints=(*rules.rules[0].constraints, Logic("andSequence", strange, "urn:x:l-1")),
        roles=(Role("informedParty", "urn:x:uni"),), assigner=Scope("https://org.example/"),
    )  # fmt: skip
    unknown = tuple(draw(st.lists(PROPERTIES, max_size=1)))
    conflict = "invalid" if any(one.name == "conflict" for one in unknown) else rules.conflict
    profiles = tuple(draw(st.lists(st.sampled_from(["usu:terms", "https://p.example/"]), max_size=2)))
    return normal(Ruleset(draw(names), tuple(map(said, (first, *rules.rules[1:]))), kind, conflict, profiles, unknown))


def addresses() -> st.SearchStrategy[m.DataAddress]:
    """Where data are."""
    properties = st.lists(st.tuples(LETTERS, LETTERS), max_size=2).map(tuple)
    return st.builds(m.DataAddress, st.just("https://w3id.org/idsa/v4.1/HTTP"), LETTERS, properties)


def messages(names: st.SearchStrategy[str] = STRANGE) -> st.SearchStrategy[m.Message]:
    """Every message that there is."""
    offers, agreements = rulesets("Offer", names), rulesets("Agreement", names)
    times = st.sampled_from(["2026-01-01T01:00:00Z", "2026-01-01T24:00:00.0+14:00", "-0044-03-15T12:00:00"])
    none = st.just("")
    maybe = st.none() | addresses()
    return st.one_of(
        st.builds(m.ContractRequest, names, names, offers, names), st.builds(m.ContractRequest, names, names, offers, none, names),
        st.builds(m.ContractOffer, names, names, offers, names), st.builds(m.ContractOffer, names, names, offers, none, names),
        st.builds(m.ContractAgreement, names, names, names, agreements, names, names, times),
        st.builds(m.AgreementVerification, names, names), st.builds(m.NegotiationAccepted, names, names),
        st.builds(m.NegotiationFinalized, names, names), st.builds(m.NegotiationTermination, names, names, CODES, REASONS),
        st.builds(m.TransferRequest, names, names, st.just(m.PULL), names, maybe),
        st.builds(m.TransferStart, names, names, maybe), st.builds(m.TransferSuspension, names, names, CODES, REASONS),
        st.builds(m.TransferCompletion, names, names), st.builds(m.TransferTermination, names, names, CODES, REASONS),
    )  # fmt: skip


def catalogues(names: st.SearchStrategy[str] = STRANGE) -> st.SearchStrategy[Catalogue]:
    """Catalogues with entries, and one in another."""
    services = st.builds(Service, names, st.just("https://provider.example/dataspace/2025-1"))
    distributions = st.lists(st.builds(Distribution, st.sampled_from(m.FORMATS), services), min_size=1, max_size=2).map(
        tuple
    )
    datasets = st.lists(
        st.builds(Dataset, names, LETTERS, LETTERS, st.just(("wages", "panel")), LETTERS, LETTERS, st.just("2026-01-01T00:00:00Z"),
                  st.lists(rulesets("Offer", names), min_size=1, max_size=2).map(tuple), distributions),
        max_size=2).map(tuple)  # fmt: skip
    served = st.lists(services, max_size=1).map(tuple)
    inner = st.builds(Catalogue, names, names, st.just(""), served, datasets)
    return st.builds(
        Catalogue, names, names, LETTERS, served, datasets, st.lists(inner, max_size=1).map(tuple), distributions
    )
