"""Checkpoints: the tree's size and root at one moment, signed.

A checkpoint is what the node commits itself to in public. Two that cannot both be true, signed by one key, are proof of
cheating that needs no further witness; so everyone who keeps an old checkpoint guards the journal.

The form is that of C2SP: the text is a *tlog-checkpoint* (c2sp.org/tlog-checkpoint), three lines with origin, size and
root; it is signed as a *signed note* (c2sp.org/signed-note), text, blank line, then a line for each signature:

    — name base64(4-byte key id || signature)

A key is handed around as a *vkey*, `name+key id+base64(type || public key)`. The type says what a key may sign: 0x01 the
text itself, as a log does, 0x04 a cosignature, as a witness does (see `cosignature`). Whoever does not know a key passes
over its line. This module knows forms only: it is given `sign` and `verify` and never sees a private key.

Reading is strict. What is signed must have one spelling, so base64 must be canonical (RFC 4648 section 3.5) and numbers
must have no leading zeros. Extension lines, which C2SP advises against because monitors cannot audit them, are refused.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass

from usufruct.core.proof.tree import HASH_SIZE

Sign = Callable[[bytes], bytes]
"""`sign(message)`: the 64-byte Ed25519 signature over `message`."""

Verify = Callable[[bytes, bytes, bytes], bool]
"""`verify(public, signature, message)`: whether the Ed25519 signature is valid (RFC 8032)."""

ED25519, COSIGNATURE = b"\x01", b"\x04"
"""The types of keys: Ed25519 over the text (signed-note), and Ed25519 in a cosignature/v1 (tlog-cosignature)."""

_ROLES = {ED25519: "a log's (type 1)", COSIGNATURE: "a witness's (type 4)"}
_PUBLIC_SIZE, _SIGNATURE_SIZE, _KEY_ID_SIZE = 32, 64, 4
_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")
_NUMBER_LIMIT = 2**63
_DASH = "\u2014 "
# C2SP asks for at least 16; the limit keeps a stranger's note from making us work without end.
_SIGNATURES_LIMIT = 100


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The tree of the log named `origin` had `size` leaves and this `root` (32 bytes).

    Raises:
        ValueError: no origin or one with control characters, a size outside 0 to 2**63 - 1, a root that is no hash.
    """

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        _check_text(self.origin)
        if not self.origin or "\n" in self.origin:
            raise ValueError("the origin of a checkpoint must be one line that is not empty")
        if not 0 <= self.size < _NUMBER_LIMIT:
            raise ValueError(f"`{self.size}` cannot be the size of a tree")
        if len(self.root) != HASH_SIZE:
            raise ValueError(f"the root of a checkpoint has {len(self.root)} bytes, not {HASH_SIZE}")

    def body(self) -> str:
        """The text to sign: origin, size and base64 root, each on a line (tlog-checkpoint, Note text)."""
        return f"{self.origin}\n{self.size}\n{to_base64(self.root)}\n"

    @classmethod
    def parse(cls, body: str) -> Checkpoint:
        """The checkpoint whose `body()` is this.

        Raises:
            ValueError: anything else, extension lines included.
        """
        lines = body.split("\n")
        if len(lines) != 4 or lines[3]:
            raise ValueError("a checkpoint has exactly three lines: origin, size and root")
        return cls(lines[0], whole_number(lines[1]), from_base64(lines[2]))


def key_id(name: str, public: bytes, kind: bytes = ED25519) -> bytes:
    """The four bytes by which signature lines name an Ed25519 key of that type (signed-note, Signatures).

    Raises:
        ValueError: a name that is empty or holds white space, a plus sign or control characters; a key not of 32 bytes.
    """
    _check_text(name)
    if not _is_key_name(name):
        raise ValueError(f"`{name}` cannot name a key: it must not be empty nor hold white space or a plus sign")
    if len(public) != _PUBLIC_SIZE:
        raise ValueError(f"an Ed25519 public key has {_PUBLIC_SIZE} bytes, not {len(public)}")
    return hashlib.sha256(name.encode() + b"\n" + kind + public).digest()[:_KEY_ID_SIZE]


def vkey(name: str, public: bytes, kind: bytes = ED25519) -> str:
    """The key as verifiers are given it. Raises ValueError as `key_id` does."""
    return f"{name}+{key_id(name, public, kind).hex()}+{to_base64(kind + public)}"


def parse_vkey(text: str, kind: bytes = ED25519) -> tuple[str, bytes, bytes]:
    """(name, key id, public key) of a vkey.

    Raises:
        ValueError: not a vkey, not of that type, or its key id is not that of its name and key.
    """
    parts = text.split("+", 2)  # base64 may hold a plus sign; names may not
    if len(parts) != 3:
        raise ValueError("a verifier key has three parts joined by `+`: name, key id and key")
    name, id_text, key = parts[0], parts[1], from_base64(parts[2])
    if key[:1] != kind:
        raise ValueError(f"the verifier key of `{name}` is not an Ed25519 key such as {_ROLES[kind]}")
    public = key[1:]
    if key_id(name, public, kind).hex() != id_text:
        raise ValueError(f"the key id `{id_text}` is not that of the key of `{name}`")
    return name, bytes.fromhex(id_text), public


def sign_note(body: str, name: str, public: bytes, sign: Sign) -> str:
    """`body` with the signature of the key `public` under it. More signature lines may be joined to its end.

    Raises:
        ValueError: a body without final newline or with control characters, a bad name or key, no 64-byte signature.
    """
    identity = key_id(name, public)
    _check_text(body)
    if not body.endswith("\n"):
        raise ValueError("the text of a note must end in a newline")
    signature = sign(body.encode())
    if len(signature) != _SIGNATURE_SIZE:
        raise ValueError(f"an Ed25519 signature has {_SIGNATURE_SIZE} bytes, not {len(signature)}")
    return f"{body}\n{signature_line(name, identity, signature)}"


def signature_line(name: str, identity: bytes, signature: bytes) -> str:
    """The line, newline included, that is put under a note for one signature (signed-note, Format)."""
    return f"{_DASH}{name} {to_base64(identity + signature)}\n"


def open_note(note: str, vkey: str, verify: Verify) -> str:
    """The text of `note`, if the key `vkey` signed it (signed-note, Signatures).

    Lines of other keys are passed over, even where they share the name or the key id (but not both) of this one.

    Raises:
        ValueError: not a signed note, more than 100 signatures, none by this key, or one by this key that is not valid.
    """
    name, identity, public = parse_vkey(vkey)
    body, signed = read_note(note)
    signatures = [signature for *key, signature in signed if key == [name, identity]]
    if not signatures:
        raise ValueError(f"the note is not signed by `{name}+{identity.hex()}`")
    message = body.encode()
    for signature in signatures:
        if len(signature) != _SIGNATURE_SIZE or not verify(public, signature, message):
            raise ValueError(f"the signature by `{name}+{identity.hex()}` is not valid for this text")
    return body


def read_note(note: str) -> tuple[str, list[tuple[str, bytes, bytes]]]:
    """The signed text, with its final newline, and (name, key id, signature) of each line under it. Nothing is verified.

    Raises:
        ValueError: not a signed note, or more than 100 signatures.
    """
    _check_text(note)
    body, blank, lines = note.rpartition("\n\n")
    if not blank or not lines.endswith("\n"):
        raise ValueError("a note is text, an empty line, and signature lines, each ending in a newline")
    if lines.count("\n") > _SIGNATURES_LIMIT:
        raise ValueError(f"a note with more than {_SIGNATURES_LIMIT} signatures is not read")
    return body + "\n", [_signature_line(line) for line in lines[:-1].split("\n")]


def _signature_line(line: str) -> tuple[str, bytes, bytes]:
    """(name, key id, signature) of one line; of any signature type, for lines of unknown keys are passed over."""
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not _is_key_name(name):
        raise ValueError(f"`{line[:100]}` is not a signature line: em dash, key name and base64, with single spaces")
    blob = from_base64(encoded)
    if len(blob) <= _KEY_ID_SIZE:
        raise ValueError(f"the signature line of `{name}` holds no signature")
    return name, blob[:_KEY_ID_SIZE], blob[_KEY_ID_SIZE:]


def _is_key_name(name: str) -> bool:
    return name != "" and "+" not in name and not any(character.isspace() for character in name)


def to_base64(data: bytes) -> str:
    """Standard base64 with padding (RFC 4648 section 4)."""
    return base64.b64encode(data).decode()


def from_base64(text: str) -> bytes:
    """The bytes whose `to_base64` is `text`.

    Raises:
        ValueError: not base64, or a second spelling of the same bytes (stray bits in the last character, line breaks).
    """
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        raise ValueError(f"`{text[:100]}` is not base64") from None
    if to_base64(data) != text:
        raise ValueError(f"`{text[:100]}` is not canonical base64")
    return data


def whole_number(text: str) -> int:
    """A tree size or leaf index: ASCII decimal without leading zeros, below 2**63.

    Raises:
        ValueError: anything else.
    """
    if not _NUMBER.fullmatch(text) or int(text) >= _NUMBER_LIMIT:
        raise ValueError(f"`{text[:100]}` is not a whole number from 0 to 2**63 - 1 without leading zeros")
    return int(text)


def _check_text(text: str) -> None:
    """Signed text is valid UTF-8 without control characters but newline (signed-note, Format)."""
    if any(character < " " and character != "\n" for character in text):
        raise ValueError("control characters other than newline are not allowed in signed text")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("lone surrogates are not allowed in signed text; it must be valid UTF-8")
