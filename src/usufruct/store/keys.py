"""Keys, hashes and randomness: the small ports that `cryptography` and `argon2` stand behind."""

from __future__ import annotations

import os
import secrets
import time
from datetime import UTC, datetime
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from usufruct.core.base.instants import Instant, instant


class SystemClock:
    """`ports.Clock`: the machine's clock."""

    def now(self) -> Instant:
        """The present instant."""
        return instant(datetime.now(UTC))

    def steady(self) -> int:
        """Milliseconds by a clock that nobody sets."""
        return time.monotonic_ns() // 1_000_000

    def sleep(self, milliseconds: int) -> None:
        """Waits."""
        time.sleep(milliseconds / 1000)


class SystemEntropy:
    """`ports.Entropy`: the operating system's source."""

    def bytes(self, count: int) -> bytes:
        """`count` unpredictable bytes."""
        return secrets.token_bytes(count)


class KeyFile:
    """`ports.Signer`: an Ed25519 key in a file that only its owner can read."""

    def __init__(self, name: str, path: Path) -> None:
        key = load_pem_private_key(path.read_bytes(), password=None)
        assert isinstance(key, Ed25519PrivateKey)
        self._key = key
        self._name = name
        self._public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    @property
    def name(self) -> str:
        """The key's name."""
        return self._name

    @property
    def public(self) -> bytes:
        """The public key, 32 bytes."""
        return self._public

    def sign(self, message: bytes) -> bytes:
        """The signature, 64 bytes."""
        return self._key.sign(message)

    @staticmethod
    def create(path: Path) -> None:
        """A new key; refuses to overwrite one."""
        _write(path, Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


class VoiceFile:
    """`node.identities.Voice`: a P-256 key in a file that only its owner can read. Whoever opens a node that has none makes
    it: nothing was ever signed with it that must be read again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        if path.exists():
            key = load_pem_private_key(path.read_bytes(), password=None)
            assert isinstance(key, ec.EllipticCurvePrivateKey)
            self._key = key
        else:
            self.renew()

    @property
    def public(self) -> bytes:
        """The two coordinates, 32 bytes each."""
        return self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)[1:]

    def sign(self, message: bytes) -> bytes:
        """The signature as JOSE has it, 64 bytes (RFC 7518, section 3.4)."""
        r, s = decode_dss_signature(self._key.sign(message, ec.ECDSA(SHA256())))
        return r.to_bytes(32) + s.to_bytes(32)

    def renew(self) -> None:
        """Another key in place of the one before, which is gone. A crash leaves one of them."""
        made = ec.generate_private_key(ec.SECP256R1())
        beside = self._path.with_suffix(".new")
        beside.unlink(missing_ok=True)
        _write(beside, made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        beside.replace(self._path)
        self._key = made


def _write(path: Path, pem: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())


def verify_signature(public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether `signature` over `message` is by the Ed25519 key `public`."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


class Argon2Passwords:
    """`ports.Passwords`: argon2id with the library's recommended cost (RFC 9106, low-memory profile)."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()

    def hash(self, password: str) -> str:
        """A salted hash."""
        return self._hasher.hash(password)

    def verify(self, hashed: str, password: str) -> bool:
        """Whether the password is the one."""
        try:
            return self._hasher.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False
