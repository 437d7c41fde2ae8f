"""Commitments: what a public leaf says about a private record, which is nothing until someone opens it.

The tree of the journal is public and can never lose a leaf; the records are about people and must be erasable. Both
hold because a leaf is only a commitment, a hash over a fresh random nonce and the record. Nonce and record together are
the *opening*. They live in the node's store, and in the hands of those they were given to.

- Whoever holds an opening proves what the leaf says. No other record opens the same leaf.
- Whoever does not learns nothing, not even whether two leaves hold the same record. Records have little entropy (a
  person, a purpose, a minute), so a bare hash of one could be found by trying them all; 32 random bytes cannot.
- Erasing every opening of a leaf erases the record. Tree, proofs and witnesses' signatures stay as they were; the leaf
  keeps its place and can be counted.

The same holds one step further in: a record that must name evidence kept beside it (the bitmap of persons who
consented, the text of a question) names a salted digest, for a plain digest of a small bitmap could be found by trying.

Each hash begins with a domain string of its own, so a digest made for one end can never serve another.
"""

from __future__ import annotations

import hashlib

NONCE_SIZE = 32
"""Bytes in a nonce or salt: as many as the hash has, so that guessing it is no easier than breaking the hash."""

_LEAF_DOMAIN = b"usufruct/leaf/v1\n"
_EVIDENCE_DOMAIN = b"usufruct/evidence/v1\n"


def commit(nonce: bytes, record: bytes) -> bytes:
    """The public leaf entry, 32 bytes, that commits to `record`.

    `nonce` must be random and fresh for every leaf. Its fixed length makes the division between nonce and record
    unambiguous, which is what binds the commitment.

    Raises:
        ValueError: `nonce` is not 32 bytes.
    """
    return _salted(_LEAF_DOMAIN, "nonce", nonce, record)


def seal(salt: bytes, evidence: bytes) -> str:
    """The digest, 64 hexadecimal digits, by which a record names `evidence` that is kept beside it.

    Raises:
        ValueError: `salt` is not 32 bytes.
    """
    return _salted(_EVIDENCE_DOMAIN, "salt", salt, evidence).hex()


def _salted(domain: bytes, what: str, salt: bytes, data: bytes) -> bytes:
    if len(salt) != NONCE_SIZE:
        raise ValueError(f"the {what} has {len(salt)} bytes, not {NONCE_SIZE}")
    return hashlib.sha256(domain + salt + data).digest()
