"""The Dataspace Protocol on the wire: what is written is read back the same, every spelling says the same, what is bad is
refused with where."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from dsp_cases import catalogues, messages
from hypothesis import given, settings
from hypothesis import strategies as st

from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant
from usufruct.core.contract.facts import Terms
from usufruct.core.contract.odrl import as_rules
from usufruct.core.contract.state import Agreement, Offer
from usufruct.core.dataspace import messages as m
from usufruct.core.dataspace.catalogue import PAGE, Catalogue, Dataset, Distribution, Page, Service, page
from usufruct.core.dataspace.offered import same_rules, spoken
from usufruct.core.dataspace.versions import Version, base
from usufruct.core.terms.model import Action, Constraint, Property, Rule, Ruleset, Scope, Value, normal
from usufruct.wire import dsp
from usufruct.wire.dsp import catalogue, reading, shapes, spelling

CONTEXT = "https://w3id.org/dspace/2025/1/context.jsonld"
READERS: dict[type, Callable[[bytes], Any]] = {
    m.ContractRequest: dsp.read_contract_request, m.ContractOffer: dsp.read_contract_offer,
    m.ContractAgreement: dsp.read_contract_agreement, m.AgreementVerification: dsp.read_agreement_verification,
    m.NegotiationAccepted: dsp.read_negotiation_event, m.NegotiationFinalized: dsp.read_negotiation_event,
    m.NegotiationTermination: dsp.read_negotiation_termination, m.TransferRequest: dsp.read_transfer_request,
    m.TransferStart: dsp.read_transfer_start, m.TransferSuspension: dsp.read_transfer_suspension,
    m.TransferCompletion: dsp.read_transfer_completion, m.TransferTermination: dsp.read_transfer_termination,
}  # fmt: skip
REST = (dsp.read_negotiation, dsp.read_transfer, dsp.read_error, dsp.read_catalogue_request, dsp.read_versions,
        dsp.read_catalogue, dsp.read_dataset)  # fmt: skip
USE = {"action": "use"}
EMPTY = {"@context": [CONTEXT], "@type": "Catalog", "@id": "c", "participantId": "p"}
RULE = "$.offer.permission[0]"
REFERENCE = (Path(__file__).parents[2] / "docs" / "reference" / "dataspace.md").read_text(encoding="utf-8")


def request(**said: Any) -> dict[str, Any]:
    offer = {"@type": "Offer", "@id": "offer-1", "target": "asset-7", "permission": [USE], **said.pop("offer", {})}
    about = {"consumerPid": "urn:x:c", "callbackAddress": "https://c.example/", "offer": offer}
    return {"@context": [CONTEXT], "@type": "ContractRequestMessage", **about, **said}


def read(said: Any) -> m.ContractRequest:
    return dsp.read_contract_request(json.dumps(said).encode())


def constraint(**said: Any) -> dict[str, Any]:
    rule = {"action": "use", "constraint": [{"leftOperand": "spatial", "operator": "eq", "rightOperand": "EU", **said}]}
    return {"permission": [rule]}


def refused_with(reader: Callable[[bytes], Any], body: bytes) -> str:
    """The code with which a body is refused; empty if it is read."""
    try:
        reader(body)
    except BadInput as refused:
        return refused.code
    return ""


def first(found: m.ContractRequest) -> Any:
    return found.offer.rules[0].constraints[0]


@settings(max_examples=100)
@given(messages())
def test_what_is_written_is_read_back(message: m.Message) -> None:
    assert READERS[type(message)](dsp.write(message)) == message


@settings(max_examples=20)
@given(catalogues())
def test_a_catalogue_is_read_back(said: Catalogue) -> None:
    assert dsp.read_catalogue(dsp.write_catalogue(said)) == said
    for dataset in said.datasets:
        assert dsp.read_dataset(dsp.write_dataset(dataset)) == dataset


def test_answers_are_read_back() -> None:
    state = m.ProcessState("negotiation-1", "urn:x:c", "AGREED")
    assert dsp.read_negotiation(dsp.write_negotiation(state)) == state
    started = replace(state, state="STARTED")
    assert dsp.read_transfer(dsp.write_transfer(started)) == started
    error = m.ProtocolError("negotiation-1", "urn:x:c", "refused", ("no agreement permits it", "and the day is over"))
    assert dsp.read_error(dsp.write_negotiation_error(error)) == error
    assert dsp.read_error(dsp.write_transfer_error(error)) == error
    about = m.ProtocolError("", "", "refused", ("no such dataset",))
    assert dsp.read_error(dsp.write_catalogue_error(about)) == about
    assert dsp.read_catalogue_request(dsp.write_catalogue_request()) == ()
    asked = json.dumps({"@context": [CONTEXT], "@type": "CatalogRequestMessage", "filter": ["wages", {"a": 1}]})
    assert dsp.read_catalogue_request(asked.encode()) == ("wages", '{"a": 1}')


def test_versions() -> None:
    ours = (
        Version("2024-1", "/old"), Version("2025-1", "/dataspace/2025-1", auth=("DCP", "1.0"), profiles=("vc20-bssl/jwt",),
                                           service="node", identifiers="did:web"),
    )  # fmt: skip
    assert dsp.read_versions(dsp.write_versions(ours)) == ours
    assert base("https://a.example/", ours) == "https://a.example/dataspace/2025-1"
    assert base("https://a.example", (Version("2025-1", "/"),)) == "https://a.example"
    assert base("https://a.example/", ours[:1]) is None


# ---- the rules of an offer, as the node has them and as they are spoken

TERMS = Terms("aggregates", ("AcademicResearch",), 500, "EUR", 2)


def offer(rules: Ruleset | None = None) -> Offer:
    return Offer("offer-1", "asset-7", "party-1", replace(TERMS, rules=rules), Instant("2027-01-01T00:00:00.000Z"), True, True,
                 Instant("2026-01-01T00:00:00.000Z"))  # fmt: skip


def agreement(rules: Ruleset | None = None) -> Agreement:
    said = {**{name: getattr(offer(rules), name) for name in ("asset", "provider", "terms", "until", "since")}}
    return Agreement(id="agreement-3", offer="offer-1", consumer="party-9", right="right-1", **said)


def test_what_an_offer_says_is_as_the_reference_shows() -> None:
    said = json.loads(dsp.write(m.ContractOffer("negotiation-1", "asset-7", spoken(offer()), "urn:x:c")))
    shown = REFERENCE.split("```json")[1].split("```")[0]
    assert said["offer"] == json.loads(shown)


def test_the_limits_are_as_the_reference_tells() -> None:
    for limit in (reading.MESSAGE_MAX, catalogue.CATALOGUE_MAX, shapes.NAME_MAX, spelling.DEPTH_MAX, PAGE):
        assert re.search(rf"\b{limit:,}\b", REFERENCE), limit


def test_an_agreement_says_what_was_offered() -> None:
    """The consumer's question before it verifies: the same rules but for kind, names, dataset and parties."""
    narrow = Rule(
        "permission", "may", Action("aggregate", (Constraint("count", "lteq", (Value("3", "xsd:integer"),)),))
    )
    for rules in (None, Ruleset("r", (narrow,), conflict="prohibit")):
        offered = dsp.read_dataset(dsp.write_dataset(listed(spoken(offer(rules))))).offers[0]
        message = m.ContractAgreement(
            "negotiation-1", "urn:x:c", "asset-7", spoken(agreement(rules)), "did:web:a", "did:web:b",
            "2026-11-23T00:00:00Z")  # fmt: skip
        agreed = dsp.read_contract_agreement(dsp.write(message)).agreement
        assert same_rules(offered, agreed) and same_rules(spoken(offer(rules)), agreed)
        assert agreed.kind == "Agreement" and offered.kind == "Offer"


@pytest.mark.parametrize("change", [
    lambda rule: replace(rule, action=Action("use")),
    lambda rule: replace(rule, constraints=rule.constraints[1:]),
    lambda rule: replace(rule, duties=()),
    lambda rule: replace(rule, target=Scope("asset-8")),
    lambda rule: replace(rule, assignee=Scope("somebody-else")),
    lambda rule: replace(rule, unknown=(Property("usu:unless", "Tuesday"),)),
    lambda rule: replace(rule, kind="prohibition"),
])  # fmt: skip
def test_what_was_changed_is_not_the_same(change: Callable[[Rule], Rule]) -> None:
    said = spoken(offer())
    assert not same_rules(said, normal(replace(said, rules=tuple(map(change, said.rules)))))
    assert not same_rules(said, replace(said, conflict="perm"))


def test_what_a_message_names_no_rule_repeats() -> None:
    """Nor a local name of a party; who or what is different is said."""
    for message in (
        m.ContractOffer("n", "asset-7", spoken(offer()), "c"), m.ContractOffer("n", "asset-7", as_rules(offer()), "c"),
    ):  # fmt: skip
        assert all("target" not in rule for rule in json.loads(dsp.write(message))["offer"]["permission"])
    assert "party-" not in dsp.write(m.ContractOffer("n", "asset-7", spoken(offer()), "c")).decode()
    other = Ruleset("r", (Rule("permission", "may", Action("aggregate"), Scope("asset-8")),), conflict="prohibit")
    found = dsp.read_contract_offer(dsp.write(m.ContractOffer("n", "asset-7", spoken(offer(other)), "c")))
    assert found.offer.rules[0].target == Scope("asset-8")


def test_what_cannot_be_said_is_refused() -> None:
    near = Ruleset(
        "r", (Rule("permission", "may", Action("use"), constraints=(Constraint("count", "ex:near", ()),)),), "Offer"
    )
    for rules in (near, Ruleset("r", (Rule("obligation", "must", Action("use")),), "Offer"), Ruleset("r", (), "Offer")):
        with pytest.raises(BadInput):
            dsp.write(m.ContractOffer("n", "asset-7", rules, "c"))
        with pytest.raises(BadInput):
            dsp.write_dataset(listed(rules))
    shown = json.loads(dsp.write_catalogue(Catalogue("c", "p", datasets=(listed(near), listed(spoken(offer()), near)))))
    assert [len(one["hasPolicy"]) for one in shown["dataset"]] == [1]


def listed(*offers: Ruleset) -> Dataset:
    return Dataset(
        "asset-7", offers=offers, distributions=(Distribution(m.PULL, Service("node", "https://a.example")),)
    )


# ---- what others write


def test_what_is_not_understood_is_kept_and_flagged() -> None:
    found = read(request(offer={"permission": [{**USE, "unless": "Tuesday", "https://x.example/p": [1, {"@value": "b"}],
                                                "http://purl.org/dc/terms/title": "A title"}],
                                "https://x.example/of": {"a": 1}}, strange=5))  # fmt: skip
    assert found.offer.rules[0].unknown == (
        Property("https://x.example/p", "1"), Property("https://x.example/p", "b"), Property("unless", "Tuesday"),
    )  # fmt: skip
    assert found.offer.unknown == (Property("https://x.example/of", '{"a": 1}'),)


def test_operands() -> None:
    for right, values in (
        ("EU", (Value("EU", "xsd:string"),)),
        ({"@id": "dpv:Marketing"}, (Value("dpv:Marketing"),)),
        ({"@id": "https://w3id.org/dpv#Marketing"}, (Value("dpv:Marketing"),)),
        ({"@value": "5", "@type": "xsd:integer"}, (Value("5", "xsd:integer"),)),
        ({"@value": 5}, (Value("5", "xsd:integer"),)),
        ({"@value": 5, "@type": "http://www.w3.org/2001/XMLSchema#decimal"}, (Value("5", "xsd:decimal"),)),
        ({"@value": "frei", "@language": "de"}, (Value("frei", "@de"),)),
        ({"@list": ["a", True]}, (Value("a", "xsd:string"), Value("true", "xsd:boolean"))),
        ([1.50, {"@value": "b"}], (Value("1.5", "xsd:decimal"), Value("b", "xsd:string"))),
        ([], ()),
    ):  # fmt: skip
        assert first(read(request(offer=constraint(rightOperand=right)))).right == values
    strange = first(read(request(offer=constraint(rightOperand={"a": {"b": 1}}))))
    assert strange.right == () and strange.unknown == (Property("rightOperand", '{"a": {"b": 1}}'),)


def test_words() -> None:
    for said, word in (
        ("spatial", "spatial"), ("odrl:spatial", "spatial"), ("http://www.w3.org/ns/odrl/2/spatial", "spatial"),
        ("usu:form", "usu:form"), ("https://usufruct.example/ns#form", "usu:form"),
        ("https://w3id.org/edc/v0.0.1/ns/inForceDate", "https://w3id.org/edc/v0.0.1/ns/inForceDate"),
        ("odrl:usu:form", "http://www.w3.org/ns/odrl/2/usu:form"),
    ):  # fmt: skip
        found = read(request(offer=constraint(leftOperand=said)))
        assert first(found).left == word
        assert read(json.loads(dsp.write(found))) == found


PREFIXED = {
    "@context": {"dspace": "https://w3id.org/dspace/2025/1/", "odrl": "http://www.w3.org/ns/odrl/2/", "@vocab": "https://v.example/"},
    "@type": "dspace:ContractRequestMessage", "@id": "urn:x:message",
    "dspace:consumerPid": {"@id": "urn:x:c"}, "dspace:callbackAddress": "https://c.example/",
    "dspace:offer": {
        "@type": "odrl:Offer", "@id": "offer-1", "odrl:target": {"@id": "asset-7"}, "odrl:prohibition": [], "odrl:obligation": [],
        "odrl:permission": {
            "odrl:action": {"@id": "odrl:use"},
            "odrl:constraint": {
                "odrl:leftOperand": {"@id": "odrl:spatial"}, "odrl:operator": {"@id": "odrl:eq"}, "odrl:rightOperand": "EU",
            },
        },
    },
}  # fmt: skip
EXPANDED = [{
    "@type": ["https://w3id.org/dspace/2025/1/ContractRequestMessage"],
    "https://w3id.org/dspace/2025/1/consumerPid": [{"@id": "urn:x:c"}],
    "https://w3id.org/dspace/2025/1/callbackAddress": [{"@value": "https://c.example/"}],
    "https://w3id.org/dspace/2025/1/offer": [{
        "@id": "offer-1", "@type": ["http://www.w3.org/ns/odrl/2/Offer"],
        "http://www.w3.org/ns/odrl/2/target": [{"@id": "asset-7"}],
        "http://www.w3.org/ns/odrl/2/permission": [{
            "http://www.w3.org/ns/odrl/2/action": [{"@id": "http://www.w3.org/ns/odrl/2/use"}],
            "http://www.w3.org/ns/odrl/2/constraint": [{
                "http://www.w3.org/ns/odrl/2/leftOperand": [{"@id": "http://www.w3.org/ns/odrl/2/spatial"}],
                "http://www.w3.org/ns/odrl/2/operator": [{"@id": "http://www.w3.org/ns/odrl/2/eq"}],
                "http://www.w3.org/ns/odrl/2/rightOperand": [{"@value": "EU"}],
            }],
        }],
    }],
}]  # fmt: skip


def test_every_spelling_says_the_same() -> None:
    expected = read(request(offer=constraint()))
    assert read(PREFIXED) == read(EXPANDED) == expected
    renamed = (
        json.dumps(PREFIXED)
        .replace("dspace:", "d:")
        .replace('"dspace"', '"d"')
        .replace("odrl:", "o:")
        .replace('"odrl"', '"o"')
    )
    assert read(json.loads(renamed)) == expected
    known = {**PREFIXED, "@context": [CONTEXT, "https://w3id.org/edc/dspace/v0.0.1"]}
    assert read(known) == expected
    mixed = request(offer={**constraint(), "odrl:prohibition": [{"action": "odrl:sell"}]})
    assert [rule.kind for rule in read(mixed).offer.rules] == ["permission", "prohibition"]


def test_unknown_contexts_mean_nothing() -> None:
    assert read(request(**{"@context": ["https://unknown.example/", CONTEXT]})) == read(request())


@pytest.mark.parametrize(("said", "where", "told"), [
    ({"@context": CONTEXT}, "$.@context", "expected `array`"),
    ({"@context": ["https://other.example/"]}, "$", "its `@context` must contain"),
    ({"@context": [CONTEXT, {"permission": "odrl:prohibition"}]}, "$.@context[1]", "expected `str`"),
    ({"@type": "ContractOfferMessage"}, "$.@type", "`ContractRequestMessage` is expected, found `ContractOfferMessage`"),
    ({"@type": 5}, "$.@type", "found something else"),
    ({"consumerPid": 5}, "$.consumerPid", "expected `str`, got `int`"),
    ({"consumerPid": None}, "$.consumerPid", "expected `str`, got `null`"),
    ({"consumerPid": ""}, "$.consumerPid", "length >= 1"),
    ({"consumerPid": "x" * 2001}, "$.consumerPid", "length <= 2000"),
    ({"consumerPid": "A\u030a"}, "$", "normalization form C"),
    ({"providerPid": "urn:x:p"}, "$", "the first message has a `callbackAddress`, any later one a `providerPid`"),
    ({"callbackAddress": ["https://c.example"]}, "$.callbackAddress", "expected `str`"),
    ({"offer": {"@type": "Agreement"}}, "$.offer.@type", "invalid"),
    ({"offer": {"permission": []}}, "$.offer.permission", "length >= 1"),
    ({"offer": {"permission": USE}}, "$.offer.permission", "expected `array`, got `object`"),
    ({"offer": {"permission": [{}]}}, RULE, "missing required field `action`"),
    ({"offer": {"permission": [{"action": {"@id": "odrl:use"}}]}}, f"{RULE}.action", "expected `str`, got `object`"),
    ({"offer": {"permission": [{**USE, "duty": [5]}]}}, f"{RULE}.duty[0]", "expected `object`"),
    ({"offer": {"permission": [USE], "odrl:permission": [USE]}}, "$.offer.permission", "in two spellings"),
    ({"offer": {"target": None}}, "$.offer.target", "expected `str`"),
    ({"offer": constraint(operator="near")}, f"{RULE}.constraint[0]", "needs an `operator`, one of eq, "),
    ({"offer": constraint(rightOperand=5)}, f"{RULE}.constraint[0]", "needs a `rightOperand`"),
    ({"offer": constraint(leftOperand=None)}, f"{RULE}.constraint[0]", "needs a `leftOperand`"),
    ({"offer": {"permission": [{**USE, "constraint": [{"and": [{}]}]}]}}, f"{RULE}.constraint[0].and[0]", "leftOperand"),
    ({"offer": {"permission": [{**USE, "constraint": [{"and": [], "or": []}]}]}}, f"{RULE}.constraint[0]", "two ways"),
    ({"offer": constraint(xone=[])}, f"{RULE}.constraint[0]", "joins constraints and compares"),
])  # fmt: skip
def test_bad_input_is_refused_with_where(said: dict[str, Any], where: str, told: str) -> None:
    with pytest.raises(BadInput) as refused:
        read(request(**said))
    assert refused.value.code == "input.dataspace"
    assert refused.value.message.startswith(f"{where}: ") and told in refused.value.message


@pytest.mark.parametrize("missing", ["@context", "@type", "consumerPid", "callbackAddress", "offer"])
def test_nothing_may_be_missing(missing: str) -> None:
    with pytest.raises(BadInput):
        read({name: value for name, value in request().items() if name != missing})
    for part in ("@id", "@type", "target", "permission"):
        said = request()
        del said["offer"][part]
        with pytest.raises(BadInput):
            read(said)


@pytest.mark.parametrize("context", [
    {"dspace": "https://w3id.org/dspace/2025/1/", "permission": "odrl:prohibition"},
    {"dspace": "https://w3id.org/dspace/2025/1/", "odrl": {"@id": "http://www.w3.org/ns/odrl/2/"}},
    {"dspace": "https://evil.example/", "odrl": "http://www.w3.org/ns/odrl/2/"},
    {}, None, "https://unknown.example/", 5, [CONTEXT, {"odrl": "x"}],
])  # fmt: skip
def test_a_context_gives_prefixes_and_no_words(context: Any) -> None:
    with pytest.raises(BadInput):
        read({**PREFIXED, "@context": context})


@pytest.mark.parametrize("body", [
    b"", b"\xff\xfe", b"null", b"[]", b"5", b"{", b'{"@type": NaN}', b'{"a": 1, "a": 1}', b'{"@type": "\\ud800"}',
    b'{"@type": ' + b"[" * 100_000, b"[" * 990 + b"]" * 990, b'{"a": ' * 500 + b"1" + b"}" * 500, b"9" * 5000,
    b" " * (33 * 1024 * 1024), b'[{"@type": "dspace:X"}, {}]', b'\xef\xbb\xbf{}',
])  # fmt: skip
def test_what_cannot_be_read_safely_is_refused(body: bytes) -> None:
    for reader in (*READERS.values(), *REST):
        with pytest.raises(BadInput) as refused:
            reader(body)
        assert refused.value.code == "input.dataspace"


def test_nesting_is_bounded() -> None:
    deep: dict[str, Any] = constraint()["permission"][0]["constraint"][0]
    for _ in range(12):
        deep = {"and": [deep]}
    assert read(request(offer={"permission": [{**USE, "constraint": [deep]}]}))
    for _ in range(200):
        deep = {"and": [deep]}
    with pytest.raises(BadInput, match="nested too deeply"):
        read(request(offer={"permission": [{**USE, "constraint": [deep]}]}))
    with pytest.raises(BadInput, match="more than 400 rules"):
        read(request(offer={"permission": [USE] * 401}))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
    | st.sampled_from(["use", "odrl:use", "eq", CONTEXT, "Offer", "ContractRequestMessage", "dspace:ContractRequestMessage"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["@id", "@type", "@value", "@list", "@context", "offer", "odrl:permission", "permission", "constraint",
                         "and", "leftOperand", "operator", "rightOperand", "target", "duty", "refinement", "odrl:source", "reason",
                         "dataAddress", "action", "conflict", "profile", "dataset", "hasPolicy", "distribution", "catalog",
                         "accessService", "format", "participantId", "dct:title", "dcat:keyword"]) | st.text(max_size=5),
        inner, max_size=5),
    max_leaves=25,
)  # fmt: skip


@settings(max_examples=100)
@given(JSON, st.sampled_from([*READERS.values(), *REST]), st.booleans())
def test_whatever_comes_is_read_or_refused(said: Any, reader: Callable[[bytes], Any], wrapped: bool) -> None:
    """Also where the outside of a message is right and its rules are anything."""
    tried = [said, request(offer=said if isinstance(said, dict) else {"permission": said}),
             {**EMPTY, "dataset": said, "catalog": said}]  # fmt: skip
    for one in tried:
        body = json.dumps([one] if wrapped else one).encode()
        for read_by in (reader, dsp.read_contract_request, dsp.read_catalogue):
            assert refused_with(read_by, body) in ("", "input.dataspace")


@settings(max_examples=60)
@given(messages(), st.data())
def test_a_byte_changed_on_the_way_breaks_nothing(message: m.Message, data: st.DataObject) -> None:
    body = bytearray(dsp.write(message))
    body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    assert refused_with(READERS[type(message)], bytes(body)) in ("", "input.dataspace")


# ---- catalogues


def test_a_catalogue_of_others_is_read_patiently() -> None:
    """As a connector of Eclipse Dataspace Components writes it, and with entries that are none."""
    policy = {"@id": "b64:b64:b64", "@type": "odrl:Offer", "odrl:permission": [], "odrl:prohibition": [],
              "odrl:obligation": {"odrl:action": {"@id": "odrl:use"}}}  # fmt: skip
    service = {
        "@id": "s-1",
        "@type": "dcat:DataService",
        "dcat:endpointURL": "https://edc.example/dsp",
        "dcat:endpointDescription": "d",
    }
    good = {**policy, "odrl:permission": {"odrl:action": {"@id": "odrl:use"}}}
    distribution = {"@type": "dcat:Distribution", "dct:format": {"@id": "HttpData-PULL"}, "dcat:accessService": service}
    body = json.dumps({
        "@id": "urn:x:catalog", "@type": "dcat:Catalog", "dspace:participantId": {"@id": "did:web:edc.example"},
        "@context": {"dcat": "http://www.w3.org/ns/dcat#", "dct": "http://purl.org/dc/terms/",
                     "odrl": "http://www.w3.org/ns/odrl/2/", "dspace": "https://w3id.org/dspace/2025/1/"},
        "dcat:service": service,
        "dcat:dataset": [
            {"@id": "asset-7", "@type": "dcat:Dataset", "odrl:hasPolicy": good, "dcat:distribution": distribution,
             "dct:title": {"@value": "Löhne", "@language": "de"}, "dcat:keyword": ["a", {"@value": "b"}, 5]},
            {"@id": "asset-8", "odrl:hasPolicy": [policy, good], "dcat:distribution": [{"dct:format": "x"}]},
            {"odrl:hasPolicy": good}, "nothing",
        ],
    }).encode()  # fmt: skip
    found = dsp.read_catalogue(body)
    assert found.participant == "did:web:edc.example" and found.left_out == 4
    edc = Service("s-1", "https://edc.example/dsp")
    assert found.services == (edc,)
    one, two = found.datasets
    assert (one.id, one.title, one.keywords, one.formats) == ("asset-7", "Löhne", ("a", "b"), ("HttpData-PULL",))
    assert one.distributions == (Distribution("HttpData-PULL", edc),)
    assert [offer.uid for offer in one.offers] == ["b64:b64:b64"] and one.offers[0].of("permission")[
        0
    ].action == Action("use")
    assert (two.id, two.distributions, len(two.offers)) == ("asset-8", (), 1)


def test_catalogues_in_a_catalogue() -> None:
    """Services are looked up where they are named, in the catalogue or around it."""
    said = {
        "@context": [CONTEXT], "@id": "all", "@type": "Catalog", "participantId": "p",
        "service": [{"@id": "s", "@type": "DataService", "endpointURL": "https://p.example"}],
        "catalog": [
            {"@id": "inner", "@type": "Catalog", "distribution": [{"format": "Catalog", "accessService": "s"}],
             "catalog": [{"@id": "innermost", "@type": "Catalog", "participantId": "q"}]},
            {"@type": "Catalog"},
        ],
    }  # fmt: skip
    found = dsp.read_catalogue(json.dumps(said).encode())
    assert [(one.id, one.participant) for one in found.within()] == [("all", "p"), ("inner", "p"), ("innermost", "q")]
    assert found.catalogues[0].distributions == (Distribution("Catalog", Service("s", "https://p.example")),)
    assert found.left_out == 1


@pytest.mark.parametrize("said", [
    {"@type": "Dataset"}, {"@id": ""}, {"@id": 5}, {"participantId": None}, {"participantId": ""}, {"@context": []},
])  # fmt: skip
def test_what_is_no_catalogue_is_refused(said: dict[str, Any]) -> None:
    assert dsp.read_catalogue(json.dumps(EMPTY).encode()) == Catalogue("c", "p")
    with pytest.raises(BadInput):
        dsp.read_catalogue(json.dumps({**EMPTY, **said}).encode())


def test_an_offer_in_a_catalogue_has_no_target() -> None:
    said = json.loads(dsp.write_dataset(listed(spoken(offer()))))
    assert dsp.read_dataset(json.dumps(said).encode()).offers
    said["hasPolicy"][0]["target"] = "asset-8"
    with pytest.raises(BadInput, match="no offer"):
        dsp.read_dataset(json.dumps(said).encode())


@given(st.sets(st.text(min_size=1, max_size=4)), st.integers(1, 5))
def test_pages_follow_each_other(ids: set[str], size: int) -> None:
    """Forward every id once, in order; backward the same pages."""
    ordered = sorted(ids)
    there = [page(ordered, size=size)]
    while there[-1].next:
        there.append(page(ordered, there[-1].next, size))
    assert [id for one in there for id in one.ids] == ordered
    back = [there[-1]]
    while back[-1].previous:
        back.append(page(ordered, back[-1].previous, size))
    assert [id for one in reversed(back) for id in one.ids] == ordered
    assert page(ordered, size=size).previous == ""


def test_what_is_registered_meanwhile_repeats_nothing() -> None:
    first = page(["b", "c", "d"], size=2)
    assert first.ids == ("b", "c")
    assert page(["a", "b", "bb", "d", "e"], first.next, 2).ids == ("d", "e")


@pytest.mark.parametrize("cursor", ["x", "====", "P", "é", "_w", "ICAg", "\ud800"])
def test_a_cursor_of_others_is_refused(cursor: str) -> None:
    with pytest.raises(BadInput, match="no cursor"):
        page(["a"], cursor)


def test_links() -> None:
    header = dsp.write_links("https://a.example/catalog/request", Page((), "bmV4dA", "cHJldg"))
    assert header == (
        '<https://a.example/catalog/request?cursor=bmV4dA>; rel="next", '
        '<https://a.example/catalog/request?cursor=cHJldg>; rel="previous"'
    )
    assert dsp.read_links(header) == {
        "next": "https://a.example/catalog/request?cursor=bmV4dA",
        "previous": "https://a.example/catalog/request?cursor=cHJldg",
    }
    assert dsp.read_links('<https://a.example/?a=1,2>; title="x, y"; rel=prev') == {
        "previous": "https://a.example/?a=1,2"
    }
    assert dsp.write_links("https://a.example", Page(())) == "" and dsp.read_links("nothing; <") == {}


def test_the_words_known_by_heart_are_each_known_once() -> None:
    """`plain` gives every name of the protocol one spelling, so no two names share one."""
    assert len(set(spelling._PLAIN.values())) == len(spelling._PLAIN)
