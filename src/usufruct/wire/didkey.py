"""DIDs that are their own document: did:key and did:jwk, for keys of the two kinds that this node accepts.

Whoever has only a phone has no site where a document could lie. Her DID is then the key itself, in letters: did:key
(multicodec and base58, W3C CCG) or did:jwk (a JWK in base64url). One key has one did:key, so what is bound to it can be
compared as text.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import ec

from usufruct.wire import jose

_LETTERS = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_ED25519, _P256 = b"\xed\x01", b"\x80\x24"  # multicodec: ed25519-pub, p256-pub, as varints
LENGTH_MAX = 1_000


def is_own_document(did: str) -> bool:
    """Whether a DID says its key itself."""
    return did.startswith(("did:key:", "did:jwk:"))


def key_of(did: str) -> jose.Key:
    """The key that a did:key or a did:jwk is. A fragment behind it (`did:key:z6Mk…#z6Mk…`) is not looked at.

    Raises:
        ValueError: it is none, or of a kind that is not accepted here.
    """
    did = did.partition("#")[0]
    if len(did) > LENGTH_MAX:
        raise ValueError("it is too long for a DID that is its own document")
    if did.startswith("did:jwk:"):
        return jose.public_key(jose.strict_json(jose.from_base64url(did.removeprefix("did:jwk:"))))
    if not did.startswith("did:key:z"):
        raise ValueError(f"`{did[:60]}` is neither a did:key nor a did:jwk")
    data = _from_base58(did.removeprefix("did:key:z"))
    kind, rest = data[:2], data[2:]
    if kind == _ED25519 and len(rest) == jose.KEY_BYTES:
        return jose.public_key(jose.ed25519_jwk(rest))
    if kind == _P256 and len(rest) == jose.KEY_BYTES + 1:
        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), rest).public_numbers()
        coordinates = point.x.to_bytes(jose.KEY_BYTES) + point.y.to_bytes(jose.KEY_BYTES)
        return jose.public_key(jose.p256_jwk(coordinates))
    raise ValueError("a did:key must be an Ed25519 or a P-256 key")


def did_of(key: jose.Key) -> str:
    """The did:key of a key."""
    members = jose.strict_json(key.jwk)
    x = jose.from_base64url(members["x"])
    if "y" not in members:
        return "did:key:z" + _to_base58(_ED25519 + x)
    odd = jose.from_base64url(members["y"])[-1] & 1
    return "did:key:z" + _to_base58(_P256 + bytes([2 + odd]) + x)


def _to_base58(data: bytes) -> str:
    number, text = int.from_bytes(data), ""
    while number:
        number, letter = divmod(number, 58)
        text = _LETTERS[letter] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text


def _from_base58(text: str) -> bytes:
    number = 0
    for letter in text:
        place = _LETTERS.find(letter)
        if place < 0:
            raise ValueError("it is not base58")
        number = number * 58 + place
    zeros = len(text) - len(text.lstrip("1"))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8)
