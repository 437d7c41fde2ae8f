"""Who else decides in the world of `decision`: cedarpy, pycasbin and regopy, each as it comes and as experienced users have it.

As it comes, all agreements are in one prepared set, or one list. Cut out beforehand, a request meets only the few of its
principal: a cedarpy policy set for each, pycasbin's FastEnforcer, and for regopy twice, for its users have two ways: data
under the keys of the request, as Open Policy Agent advises, and rules written out as a module for each principal. The
first is slower the more keys there are, for regopy 1.5 goes through them; the second has no keys, and no data at all.

Cedar and Rego get everything that can be said in them; pycasbin gets no constraints, for it has no place for them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import casbin  # type: ignore[import-untyped]
import cedarpy

from bench.decision_world import AT, PERSONS, World, bounds, forms, offer_of
from usufruct.core.access.rules import Request
from usufruct.core.contract.facts import AgreementReached
from usufruct.core.registry.facts import AssetRegistered
from usufruct.core.rulebook import purposes

try:
    import regopy  # type: ignore[import-untyped]
except ModuleNotFoundError:  # there is none for macOS
    regopy = None

Ask = Callable[[Request], bool]


@dataclass(frozen=True, slots=True)
class Peer:
    """Somebody else, who is made ready for a world of at most `most` agreements, and then says yes or no."""

    name: str
    prepare: Callable[[World], Ask]
    most: int | None = None


def _seconds(at: str) -> int:
    """A number in the order of time: Cedar compares no strings, and times are written here in two ways."""
    return int("".join(c for c in at if c.isdigit())[:14])


NAMES = {"usu:persons": "persons", "usu:grade": "grade", "dateTime": "at"}
OPERATORS = {"gteq": ">=", "lt": "<", "lteq": "<=", "eq": "=="}
CIRCUMSTANCES = {"at": _seconds(AT), "persons": PERSONS, "grade": 3}

# Purposes and forms share one `g`: pycasbin 2.8 drops a second one from a FastModel (its `add_def` returns nothing).
CASBIN = """
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

# One rule over the agreements, which are data like the tree of purposes; AGREEMENT says which of them come into question.
REGO = """
package market
import rego.v1

default allow := false

allow if {
    some agreement in AGREEMENT
    agreement.form == input.form
    data.forms[input.asset][input.form]
    input.at < agreement.until
    some purpose in agreement.purposes
    data.broader[input.purpose][purpose]
    every limit in data.limits[agreement.offer] { holds(limit.operator, input[limit.name], limit.value) }
}

holds("gteq", left, right) if left >= right
holds("lteq", left, right) if left <= right
holds("lt", left, right) if left < right
holds("eq", left, right) if left == right
"""
SCAN = "data.agreements\n    agreement.consumer == input.consumer\n    agreement.asset == input.asset"
LOOK_UP = "data.agreements[input.consumer][input.asset]"


def _cedar_policy(agreement: AgreementReached) -> str:
    allowed = " || ".join(f'context.purpose in Purpose::"{purpose}"' for purpose in agreement.terms.purposes)
    limits = " && ".join(
        f"context.{name} {OPERATORS[operator]} {json.dumps(limit)}" for name, operator, limit in _limits(agreement)
    )
    return (
        f'permit(principal == Party::"{agreement.consumer}", action == Action::"use", '
        f'resource == Asset::"{agreement.asset}") when {{ context.form == "{agreement.terms.form}" && '
        f"resource.forms.contains(context.form) && context.at < {_seconds(agreement.until)} && ({allowed}) && {limits} }};"
    )


def _limits(agreement: AgreementReached) -> list[tuple[str, str, int | str]]:
    """The constraints of an agreement's rules, as a name in the request, an operator and a value."""
    return _limits_of(offer_of(agreement))


@cache
def _limits_of(offer: int) -> list[tuple[str, str, int | str]]:
    return [
        (NAMES[left], operator, _seconds(str(right)) if left == "dateTime" else right)
        for left, operator, right in bounds(offer)
    ]


def _cedar_entities(world: World) -> cedarpy.Entities:
    broader = {purpose: purposes.ancestors(purpose)[1:] for purpose in purposes.descendants(purposes.ROOT)}
    entities = [
        {"uid": {"type": "Purpose", "id": p}, "attrs": {}, "parents": [{"type": "Purpose", "id": b} for b in above]}
        for p, above in broader.items()
    ]
    entities += [
        {"uid": {"type": "Asset", "id": a.asset}, "attrs": {"forms": forms(a)}, "parents": []} for a in world.assets
    ]
    return cedarpy.Entities.from_json_str(json.dumps(entities))


def _cedar_request(request: Request) -> dict[str, object]:
    return {
        "principal": {"type": "Party", "id": request.requester},
        "action": {"type": "Action", "id": "use"},
        "resource": {"type": "Asset", "id": request.asset},
        "context": {
            "purpose": {"__entity": {"type": "Purpose", "id": request.purpose}},
            "form": request.form,
            **CIRCUMSTANCES,
        },
    }


def _cedar(world: World) -> Ask:
    policies = cedarpy.PolicySet.from_str("\n".join(map(_cedar_policy, world.agreements)))
    entities = _cedar_entities(world)
    return lambda request: _allows(request, policies, entities)


def _cedar_sliced(world: World) -> Ask:
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
    lines += [f"g, {asset.asset}, {form}" for asset in world.assets for form in forms(asset)]
    return "\n".join(lines)


def _casbin(world: World) -> Ask:
    enforcer = casbin.Enforcer(casbin.Enforcer.new_model(text=CASBIN), casbin.StringAdapter(_casbin_rules(world)))
    return lambda r: enforcer.enforce(r.requester, r.asset, r.purpose, r.form, AT)


def _casbin_fast(world: World) -> Ask:
    model = casbin.FastModel([0, 1])  # rules are found by subject and object
    model.load_model_from_text(CASBIN)
    enforcer = casbin.FastEnforcer(model, casbin.StringAdapter(_casbin_rules(world)), cache_key_order=[0, 1])
    return lambda r: enforcer.enforce(r.requester, r.asset, r.purpose, r.form, AT)


def _rego_scan(world: World) -> Ask:
    return _rego_data(world, SCAN, [_rego_row(agreement) for agreement in world.agreements])


def _rego_look_up(world: World) -> Ask:
    rows: dict[str, dict[str, list[object]]] = {}
    for agreement in world.agreements:
        rows.setdefault(agreement.consumer, {}).setdefault(agreement.asset, []).append(_rego_row(agreement))
    return _rego_data(world, LOOK_UP, rows)


def _rego_row(agreement: AgreementReached) -> dict[str, object]:
    return {
        "consumer": agreement.consumer, "asset": agreement.asset, "form": agreement.terms.form,
        "purposes": agreement.terms.purposes, "until": _seconds(agreement.until), "offer": offer_of(agreement),
    }  # fmt: skip


def _rego_data(world: World, found: str, agreements: object) -> Ask:
    broader = {purpose: purposes.ancestors(purpose) for purpose in purposes.descendants(purposes.ROOT)}
    offers = range(1 + max(map(offer_of, world.agreements)))
    data = {
        "agreements": agreements,
        "forms": {asset.asset: dict.fromkeys(forms(asset), True) for asset in world.assets},
        "broader": {purpose: dict.fromkeys(above, True) for purpose, above in broader.items()},
        # A list, for it takes the offer's place at once, where an object's keys are gone through.
        "limits": [
            [{"name": name, "operator": operator, "value": value} for name, operator, value in _limits_of(offer)]
            for offer in offers
        ],
    }
    interpreter, bundle = _rego_bundle(REGO.replace("AGREEMENT", found), data)
    return lambda request: _rego_allows(request, interpreter, bundle)


def _rego_sliced(world: World) -> Ask:
    assets = {asset.asset: asset for asset in world.assets}
    rules: dict[str, list[str]] = {request.requester: [] for request in world.requests}
    for agreement in world.agreements:
        if agreement.consumer in rules:
            rules[agreement.consumer].append(_rego_rule(agreement, assets[agreement.asset]))
    start = "package market\nimport rego.v1\ndefault allow := false\n"
    bundles = {consumer: _rego_bundle(start + "\n".join(found), {}) for consumer, found in rules.items()}
    return lambda request: _rego_allows(request, *bundles[request.requester])


def _rego_rule(agreement: AgreementReached, asset: AssetRegistered) -> str:
    allowed = sorted({below for purpose in agreement.terms.purposes for below in purposes.descendants(purpose)})
    lines = [
        f"input.asset == {json.dumps(agreement.asset)}",
        f"input.form == {json.dumps(agreement.terms.form)}",
        f"input.form in {json.dumps(forms(asset))}",
        f"input.at < {_seconds(agreement.until)}",
        f"input.purpose in {{{', '.join(map(json.dumps, allowed))}}}",
        *(f"input.{name} {OPERATORS[operator]} {json.dumps(limit)}" for name, operator, limit in _limits(agreement)),
    ]
    return "allow if {\n  " + "\n  ".join(lines) + "\n}"


def _rego_bundle(module: str, data: object) -> tuple[regopy.Interpreter, regopy.Bundle]:
    interpreter = regopy.Interpreter()
    interpreter.add_module("market", module)
    interpreter.add_data(data)
    bundle = interpreter.build(None, ["market/allow"])
    assert bundle.ok()
    return interpreter, bundle


def _rego_allows(request: Request, interpreter: regopy.Interpreter, bundle: regopy.Bundle) -> bool:
    interpreter.set_input({
        "consumer": request.requester, "asset": request.asset, "purpose": request.purpose, "form": request.form,
        **CIRCUMSTANCES,
    })  # fmt: skip
    return interpreter.query_bundle_entrypoint(bundle, "market/allow").results[0].expressions[0] is True


PEERS = (
    Peer("cedarpy, one prepared set", _cedar),
    Peer("cedarpy, a prepared set for each principal", _cedar_sliced),
    Peer("pycasbin Enforcer", _casbin),
    Peer("pycasbin FastEnforcer", _casbin_fast),
    *((
        Peer("regopy, a list of all agreements", _rego_scan, 10_000),
        Peer("regopy, agreements by principal and asset", _rego_look_up),
        Peer("regopy, a module for each principal", _rego_sliced),
    ) if regopy else ()),
)  # fmt: skip
