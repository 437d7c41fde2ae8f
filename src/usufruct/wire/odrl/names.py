"""Names on the wire and in the rules: prefixes are resolved, and put back, in one place.

Inside, a bare word is ODRL's and a short prefix is one of five; everything else is an address in full. An id of this node
(a party, an asset) has no colon, and on the wire stands behind `urn:usufruct:`, so that it is an address there too.
"""

from __future__ import annotations

ODRL = "http://www.w3.org/ns/odrl/2/"
RDF_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
RDF_VALUE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#value"
HERE = "urn:usufruct:"
PREFIXES = {
    "odrl": ODRL,
    "usu": "https://usufruct.example/ns#",
    "dpv": "https://w3id.org/dpv#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
}


def inside(iri: str) -> str:
    """How the rules write an address: an ODRL word with its prefix, ours without."""
    if iri.startswith(HERE) and ":" not in iri.removeprefix(HERE):
        return iri.removeprefix(HERE)
    for prefix, start in PREFIXES.items():
        if iri.startswith(start) and iri != start:
            return f"{prefix}:{iri.removeprefix(start)}"
    return iri


def outside(name: str) -> str:
    """The address that the rules write as `name`."""
    prefix, colon, rest = name.partition(":")
    if not colon:
        return HERE + name
    return PREFIXES[prefix] + rest if prefix in PREFIXES else name


def word(iri: str) -> str:
    """As `inside`, for what is a word of the vocabulary: ODRL's are bare."""
    return iri if iri.startswith(HERE) else inside(iri).removeprefix("odrl:")


def address(word: str) -> str:
    """The address of a word of the vocabulary."""
    return outside(word if ":" in word else f"odrl:{word}")
