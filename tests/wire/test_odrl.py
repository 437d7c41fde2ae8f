"""ODRL on the wire: what is written is read back the same, what is short is written out, what is bad is refused with where."""

from __future__ import annotations

import json
import sys
import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import rdflib
from hypothesis import given, settings
from hypothesis import strategies as st

from usufruct.core.base import canonical
from usufruct.core.base.faults import BadInput
from usufruct.core.base.records import plain, rebuild
from usufruct.core.terms import evaluate
from usufruct.core.terms.model import Action, Constraint, Logic, Property, Role, Rule, Ruleset, Scope, Value, normal
from usufruct.wire import odrl

sys.path.append(str(Path(__file__).parents[1] / "rules"))
from terms_cases import Cases

CONTEXT = "http://www.w3.org/ns/odrl.jsonld"
# In the one spelling that the journal takes: what is read comes out in it.
LETTERS = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12).map(
    lambda text: unicodedata.normalize("NFC", text)
)
TYPES = st.sampled_from(
    ["xsd:string", "xsd:integer", "xsd:decimal", "xsd:dateTime", "xsd:boolean", "@en", "https://x.example/t"]
)
VALUES = st.builds(Value, LETTERS, TYPES) | st.builds(
    Value, st.sampled_from(["dpv:Marketing", "odrl:eq", "a", "urn:x:y"])
)
PROPERTIES = st.builds(Property, st.sampled_from(["https://x.example/p", "usu:p", "status"]), LETTERS)


@st.composite
def rulesets(draw: st.DrawFn) -> Ruleset:
    """Rules as the evaluator's tests make them, with stranger letters in them."""
    rules = Cases(draw(st.integers(0, 2**32)), odd=0.2).ruleset()
    strange = tuple(
        Constraint("language", "isAnyOf", tuple(draw(st.lists(VALUES, min_size=1, max_size=3))), uid=uid,
                   unknown=tuple(draw(st.lists(PROPERTIES, max_size=1))))
        for uid in ("", "c-1")
    )  # fmt: skip
    first = replace(
        rules.rules[0], constraints=(*rules.rules[0].constraints, Logic("andSequence", strange, "l-1")),
        roles=(Role("informedParty", "uni"),), assigner=Scope("https://org.example/"),
    )  # fmt: skip
    unknown = tuple(draw(st.lists(PROPERTIES, max_size=1)))
    return normal(replace(rules, rules=(first, *rules.rules[1:]), unknown=unknown, uid="https://x.example/agreed"))


@pytest.mark.filterwarnings("ignore:.*weird boolean")
@settings(max_examples=120, deadline=None)
@given(rulesets())
def test_what_is_written_is_read_back(rules: Ruleset) -> None:
    assert odrl.read(odrl.to_jsonld(rules)) == rules
    assert odrl.read(odrl.to_turtle(rules)) == rules
    assert normal(rules) == rules
    assert rebuild(Ruleset, plain(rules)) == rules
    if unicodedata.is_normalized("NFC", repr(rules)):
        assert rebuild(Ruleset, canonical.decode(canonical.encode(plain(rules)))) == rules


def document(**said: Any) -> str:
    return json.dumps({"@context": CONTEXT, "@type": "Agreement", "uid": "https://x.example/1", **said})


def test_whatever_the_rules_hold_is_written_as_letters() -> None:
    """Also what came past the reader: nothing that a stranger wrote becomes a statement."""
    evil = 'en .\n<urn:x:s> odrl:permission <urn:evil> . [] odrl:note "a"@en'
    rule = Rule("permission", "may", Action("use"), roles=(Role("informedParty", f"_:a . {evil}"),), constraints=(
        Constraint("count", "eq", (Value("1", f"@{evil}"),)),
    ))  # fmt: skip
    written = odrl.to_turtle(Ruleset("s", (rule,)))
    graph = rdflib.Graph().parse(data=written, format="turtle")
    permission = rdflib.URIRef("http://www.w3.org/ns/odrl/2/permission")
    assert len(list(graph.triples((None, permission, None)))) == 1


def test_strange_letters_are_held_as_the_journal_can() -> None:
    said = odrl.read(document(permission={"action": "use", "target": "https://x.example/t", "constraint": {
        "leftOperand": "recipient", "operator": "eq", "rightOperand": "A\u030a \ud800"}}))  # fmt: skip
    assert canonical.encode(plain(said))


def test_the_order_of_constraints_names_no_rule() -> None:
    first = [{"leftOperand": "count", "operator": "lteq", "rightOperand": 3},
             {"leftOperand": "dateTime", "operator": "lt", "rightOperand": "z"}]  # fmt: skip
    other = {"action": "use", "constraint": {"leftOperand": "count", "operator": "lteq", "rightOperand": 1}}
    made = [
        odrl.read(document(permission=[{"action": "use", "constraint": constraints}, other]))
        for constraints in (first, first[::-1])
    ]
    assert made[0] == made[1]


def test_compact_rules_are_written_out() -> None:
    """Actions, targets and parties said once for many, and above for all (ODRL 2.2, 2.7)."""
    rules = odrl.read(document(
        assigner="org", target=["x", "y"],
        permission=[{"action": ["read", "index"], "assignee": "uni", "duty": [{"action": "attribute"}]}, {"action": "play"}],
        prohibition={"uid": "no", "action": "sell", "target": "z"},
    ))  # fmt: skip
    said = {(rule.kind, rule.action and rule.action.name, rule.target and rule.target.uid) for rule in rules.rules}
    wanted = {("permission", action, target) for action in ("read", "index", "play") for target in "xy"}
    assert said == wanted | {("prohibition", "sell", "z")}
    assert all(rule.assigner == Scope("org") for rule in rules.rules)
    assert len({rule.uid for rule in rules.rules}) == 7
    assert len({duty.uid for rule in rules.rules for duty in rule.duties}) == 4
    assert odrl.read(odrl.to_turtle(rules)) == rules


def test_parents_are_merged_in() -> None:
    graph = [
        {
            "@type": "Set",
            "uid": "urn:x:child",
            "inheritFrom": "urn:x:parent",
            "permission": {"uid": "mine", "action": "use"},
        },
        {"@type": "Set", "uid": "urn:x:parent", "prohibition": {"uid": "theirs", "action": "sell"}},
    ]
    rules = odrl.read(json.dumps({"@context": CONTEXT, "@graph": graph}))
    assert (rules.uid, {rule.uid for rule in rules.rules}) == ("urn:x:child", {"mine", "theirs"})


def test_turtle_and_jsonld_say_the_same() -> None:
    turtle = """
        @prefix odrl: <http://www.w3.org/ns/odrl/2/> . @prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
        <https://x.example/1> a odrl:Agreement ; odrl:permission [
            odrl:action [ <http://www.w3.org/1999/02/22-rdf-syntax-ns#value> odrl:print ;
                          odrl:refinement [ odrl:leftOperand odrl:resolution ; odrl:operator odrl:lteq ;
                                            odrl:rightOperand 1200 ; odrl:unit <http://dbpedia.org/resource/Dots_per_inch> ] ] ;
            odrl:target <urn:usufruct:report> ] ."""
    refinement = {"leftOperand": "resolution", "operator": "lteq", "rightOperand": 1200,
                  "unit": {"@id": "http://dbpedia.org/resource/Dots_per_inch"}}  # fmt: skip
    action = {"rdf:value": {"@id": "odrl:print"}, "refinement": refinement}
    assert odrl.read(turtle) == odrl.read(document(permission={"action": action, "target": "report"}))


def test_what_is_not_understood_is_kept_and_flagged() -> None:
    """Words of other profiles, words that no context has, and rules that have been replaced."""
    for said in (
        {"permission": {"action": "use", "only": "on Sundays"}},
        {"permission": {"action": "use", "ids:when": "later"}, "@context": [CONTEXT, {"ids": "https://w3id.org/idsa/core/"}]},
        {"permission": {"action": "use"}, "profile": "https://profile.example/"},
        {"permission": {"action": "use"}, "dct:isReplacedBy": "urn:x:2", "@context": [CONTEXT, {"dct": "http://purl.org/dc/terms/"}]},
        {"permission": {"action": "use"}, "conflict": "whatever"},
        {"permission": {"action": "use", "constraint": {"leftOperand": "mood", "operator": "eq", "rightOperand": "good"}}},
    ):  # fmt: skip
        terms = evaluate.read(odrl.read(document(**said)))
        assert terms.flags, said
        assert not terms.permits(evaluate.Request("use", "x"), evaluate.World("2026-03-01T00:00:00.000Z"))  # type: ignore[arg-type]


PREFIXES = """@prefix o: <http://www.w3.org/ns/odrl/2/> . @prefix r: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
    <urn:x:1> a o:Set . """
SHARED = PREFIXES + " ".join(f"_:l{n} r:first 1 ; r:rest {f'_:l{n + 1}' if n < 399 else 'r:nil'} ." for n in range(400))
UNFOLDS = PREFIXES + "<urn:x:1> o:permission [ o:constraint <urn:c:0> ] . " + " ".join(
    f"<urn:c:{n}> o:and ( <urn:c:{n + 1}> <urn:c:{n + 1}> ) ." for n in range(40)
) + "<urn:c:40> o:leftOperand o:count ; o:operator o:eq ; o:rightOperand 1 ."  # fmt: skip

BAD = {
    "not JSON": ("{", "line 1"),
    "no context": ("{}", "context"),
    "another context": ('{"@context": "https://evil.example/odrl.jsonld"}', "context"),
    "another context beside": (json.dumps({"@context": [CONTEXT, "https://evil.example/"]}), "evil.example"),
    "a prefix that redefines": (json.dumps({"@context": [CONTEXT, {"permission": "urn:x:prohibition/"}]}), "permission"),
    "a prefix that moves": (json.dumps({"@context": [CONTEXT, {"odrl": "https://evil.example/"}]}), "odrl"),
    "a definition": (json.dumps({"@context": [CONTEXT, {"may": {"@id": "odrl:permission"}}]}), "may"),
    "a context within": (document(permission={"@context": {}, "action": "use"}), "@context"),
    "a key twice": (document(permission=[])[:-1] + ', "permission": []}', "twice"),
    "not a number": (document(permission={"action": "use", "x": float("nan")}), "NaN"),
    "a rule that is text": (document(permission="https://elsewhere.example/"), "permission"),
    "no left operand": (document(permission={"constraint": {"operator": "eq", "rightOperand": 1}}), "permission[0].constraint"),
    "two operators": (document(permission={"constraint": {"leftOperand": "count", "operator": ["eq", "lt"]}}), "operator"),
    "joined in two ways": (document(permission={"constraint": {"and": [], "or": []}}), "constraint"),
    "two kinds": (document(**{"@type": ["Set", "Offer"]}), "Offer"),
    "a permission that prohibits": (document(permission={"@type": "Prohibition", "action": "use"}), "prohibition"),
    "an action without a name": (document(permission={"action": {"refinement": []}}), "action"),
    "a parent elsewhere": (document(inheritFrom="https://elsewhere.example/"), "inherits"),
    "its own parent": (document(inheritFrom="https://x.example/1"), "inherits"),
    "an address with blanks": (document(permission={"action": "use", "target": "https://x.example/a b"}), "a b"),
    "too many rules": (document(permission={"action": ["use"] * 1, "target": [f"t{n}" for n in range(1001)]}), "1001"),
    "too deep": ('{"@context": "' + CONTEXT + '", "a": ' + '{"a": ' * 200 + "1" + "}" * 201, "deep"),
    "far too deep": ('{"@context": ' + "[" * 100_000, "JSON"),
    "too long": ("{" + " " * (1024 * 1024), "1 MiB"),
    "not Turtle": ("this is not Turtle", "Turtle"),
    "a list without end": ("""@prefix o: <http://www.w3.org/ns/odrl/2/> . @prefix r: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
        <urn:x:1> a o:Set ; o:permission [ o:constraint [ o:and _:l ] ] . _:l r:first 1 ; r:rest _:l .""", ""),
    "lists that share an end": (SHARED + "".join(f"<urn:x:p{n}> o:and _:l{n} . " for n in range(400)), "lists"),
    "a few that unfold into many": (UNFOLDS, "unfold"),
    "parents that unfold into many": (document(inheritFrom="urn:x:0")[:-1] + ', "@graph": ' + json.dumps([
        {"@type": "Set", "uid": f"urn:x:{n}", "inheritFrom": [{"uid": f"urn:x:{n + 1}"}, f"urn:x:{n + 1}"]} for n in range(30)
    ] + [{"@type": "Set", "uid": "urn:x:30"}]) + "}", "unfold"),
    "split into many": (document(permission={"target": [f"t{n}" for n in range(300)], "constraint": [
        {"leftOperand": "count", "operator": "lteq", "rightOperand": 1}] * 100}), "unfold"),
    "a constraint in itself": ("""@prefix o: <http://www.w3.org/ns/odrl/2/> . <urn:x:1> a o:Set ; o:permission [
        o:constraint <urn:x:c> ] . <urn:x:c> o:and <urn:x:c> .""", "deep"),
    "a language that is Turtle": (document(permission={"action": "use", "https://x.example/n": {
        "@value": "a", "@language": "en .\n<urn:x:s> <urn:x:p> <urn:x:o> . [] <urn:x:q> \"a\"@en"}}), "language"),
    "a unit that is Turtle": (document(permission={"action": "use", "constraint": {
        "leftOperand": "payAmount", "operator": "eq", "rightOperand": 1,
        "unit": {"@id": "_:a . <urn:x:s> <urn:x:p> <urn:x:o> ."}}}), "address"),
    "a party without a name": (document(permission={"action": "use", "informedParty": {"@type": "Party"}}), "informedParty"),
    "a number too long": ('{"@context": "' + CONTEXT + '", "a": ' + "1" * 5000 + "}", "JSON"),
    "a key without letters": (document(permission={"action": "use", "": 1}), "word"),
    "lists too deep": ('{"@context": "' + CONTEXT + '", "uid": "urn:x:1", "https://x.example/p": '
                       + '{"@list": [' * 300 + "1" + "]}" * 300 + "}", "deep"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "said"), BAD.values(), ids=BAD)
def test_bad_input_is_refused_with_where(text: str, said: str) -> None:
    with pytest.raises(BadInput) as refused:
        odrl.read(text)
    assert refused.value.code == "input.odrl"
    assert said in refused.value.message
    assert refused.value.remedy


def test_which_of_several() -> None:
    both = "@prefix o: <http://www.w3.org/ns/odrl/2/> . <urn:x:1> a o:Set . <urn:x:2> a o:Offer ."
    with pytest.raises(BadInput, match="urn:x:1"):
        odrl.read(both)
    assert odrl.read(both, "urn:x:2").kind == "Offer"


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60) | st.sampled_from([document(permission={"action": "use"})]).flatmap(
    lambda text: st.integers(0, len(text)).flatmap(lambda place: st.text(max_size=3).map(
        lambda more: text[:place] + more + text[place + len(more):]))))  # fmt: skip
def test_whatever_comes_is_read_or_refused(text: str) -> None:
    try:
        found = odrl.read(text)
    except BadInput:
        return
    assert found.uid
