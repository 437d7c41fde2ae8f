"""Consent receipts: the record of one word as ISO/IEC TS 27560:2023 structures it, in terms of the W3C Data Privacy
Vocabulary, signed by the node and given to the person.

The layout is that of the vocabulary's own guide for 27560 (a record with process, notice, entities and consent status).
It is JSON-LD by a context that stands in it and is never fetched; what the vocabulary has no term for is in a namespace
of ours. The signature is Ed25519 by the journal's key over the canonical bytes, after a first line that no checkpoint has,
so that one can never be taken for the other. What was shown is in it whole, beside its digest: the receipt alone
tells what she agreed to.
"""

from __future__ import annotations

import json
from typing import Any

from usufruct.core.access import consent_notice
from usufruct.core.access.consent_words import ConsentWord, Spoken
from usufruct.core.base import canonical
from usufruct.core.base.instants import END_OF_TIME
from usufruct.core.proof.checkpoint import Sign, Verify, from_base64, parse_vkey, to_base64
from usufruct.core.rulebook.bases import BASES

MEDIA_TYPE = "application/ld+json"
_FIRST_LINE = b"usufruct consent receipt v1\n"
_CONTEXT = {
    "dpv": "https://w3id.org/dpv#",
    "dpv-27560": "https://w3id.org/dpv/schema/dpv-27560#",
    "dct": "http://purl.org/dc/terms/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "usufruct": "urn:usufruct:consent:",
}


def issue(found: Spoken, origin: str, url: str, sign: Sign) -> bytes:
    """The signed receipt of a word, as a file; `origin` names the journal, `url` is where she can change her mind."""
    receipt = _receipt(found, origin, url)
    signature = to_base64(sign(_FIRST_LINE + canonical.encode(receipt)))
    body = {"receipt": receipt, "signature": {"key": origin, "value": signature}}
    return json.dumps(body, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n"


def verify(data: bytes, key: str, check: Verify) -> dict[str, Any]:
    """The receipt that a file holds, if the node with that verifier key signed it and its notice fits its digest.

    Raises:
        ValueError: what is wrong with it.
    """
    try:
        body = json.loads(data)
        receipt, signature = body["receipt"], body["signature"]
        message = _FIRST_LINE + canonical.encode(receipt)
        signed = from_base64(signature["value"])
        notices = [(n["dpv:hasIdentifier"], n["dct:description"]) for n in receipt["dpv:hasNotice"]]
    except (KeyError, TypeError, AttributeError, RecursionError, UnicodeDecodeError) as error:
        raise ValueError(f"it is not a consent receipt: {error}") from None
    name, _, public = parse_vkey(key)
    if signature.get("key") != name or not check(public, signed, message):
        raise ValueError(f"it is not signed by {name}")
    for identifier, text in notices:
        if identifier != f"sha256:{consent_notice.digest(text)}":
            raise ValueError("the notice in it is not the one that was shown")
    assert isinstance(receipt, dict)
    return receipt


def _receipt(found: Spoken, origin: str, url: str) -> dict[str, Any]:
    word, asset = found.word, found.asset
    named = sorted({word.party, asset.publisher, *word.conditions.recipients, *([word.by] if word.by else [])})
    return {
        "@context": _CONTEXT,
        "@type": ["dpv:ConsentReceipt"],
        "dct:conformsTo": ["dpv-27560:receipt-record"],
        "dpv:hasIdentifier": f"{origin}/consents/{asset.id}/{word.party}/{word.version}",
        "dct:hasVersion": word.version,
        "dct:created": found.at,
        "usufruct:fact": word.seq,
        "dpv:hasDataSubject": word.party,
        "dpv:hasProcess": [_process(found, url)],
        "dpv:hasNotice": [
            {"@type": ["dpv:ConsentNotice"], "dpv:hasIdentifier": f"sha256:{word.notice}", "dct:description": found.notice}
        ] if found.notice else [],
        "dpv:hasEntity": {
            name: {"@type": [_role(name, found)], "dpv:hasName": found.names.get(name, name)} for name in named
        },
    }  # fmt: skip


def _role(name: str, found: Spoken) -> str:
    if name == found.word.party:
        return "dpv:DataSubject"
    if name == found.word.by:
        return "dpv:GuardianOfDataSubject"
    return "dpv:DataController" if name == found.asset.publisher else "dpv:Recipient"


def _process(found: Spoken, url: str) -> dict[str, Any]:
    word, asset = found.word, found.asset
    bases = ([word.basis] if word.basis else list(BASES)) if word.said in ("objected", "lifted") else ["Consent"]
    return {
        "@type": ["dpv:Process"],
        "dpv:hasPurpose": [f"dpv:{word.purpose}"],
        "dpv:hasPersonalData": [{"dct:identifier": asset.id, "skos:prefLabel": asset.title}],
        "dpv:hasLegalBasis": [f"dpv:{basis}" for basis in bases],
        "dpv:hasDataController": [asset.publisher],
        "dpv:hasRecipient": list(word.conditions.recipients),
        "usufruct:condition": list(consent_notice.in_words(word.conditions, asset)),
        "dpv:hasConsentStatus": [{
            "@type": [_term(found.status)],
            "dpv:isIndicatedAtTime": word.at,
            "dpv:isIndicatedBy": word.by or word.party,
            "dpv:isExercisedAt": url,
            "dpv:hasDuration": _duration(word),
        }],
    }  # fmt: skip


def _term(status: str) -> str:
    return f"dpv:{status}" if status.startswith("Consent") else f"usufruct:{status}"


def _duration(word: ConsentWord) -> dict[str, Any]:
    if word.conditions.until == END_OF_TIME:
        return {"@type": ["dpv:EndlessDuration"]}
    return {"@type": ["dpv:UntilTimeDuration"], "rdf:value": word.conditions.until}
