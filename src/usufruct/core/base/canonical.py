"""Canonical bytes: one value, one spelling.

Facts are hashed, signed and kept for ever, so each must have exactly one encoding. We use the subset of the JSON
Canonicalization Scheme (RFC 8785) that cannot be misread: objects with string keys in sorted order, arrays, strings in
NFC, integers, booleans and null; UTF-8; no white space. There are no floats: money is in minor units, measurements are
integers with a declared grain, and anything else is a decimal written as a string.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Union

Value = Union[None, bool, int, str, Sequence["Value"], Mapping[str, "Value"]]

_INTEGER_LIMIT = 2**63
_ARRAYS = (list, tuple)
_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def encode(value: Value) -> bytes:
    """The canonical bytes of `value`.

    Raises:
        TypeError: a float, bytes or another type that has no canonical spelling.
        ValueError: an integer outside the signed 64-bit range, or a string that is not in NFC.
    """
    _check(value)
    return _ENCODER.encode(value).encode()


def decode(data: bytes) -> Value:
    """The value whose canonical bytes are `data`.

    Raises:
        ValueError: `data` is not JSON, or is not in canonical form (so that no second spelling is ever accepted).
    """
    try:
        value: Value = json.loads(data)
        same = encode(value) == data
    except TypeError as error:
        raise ValueError(str(error)) from None
    except RecursionError:
        raise ValueError("bytes are nested too deeply to be read") from None
    if not same:
        raise ValueError("bytes are not in canonical form")
    return value


def holdable(text: str) -> str:
    """`text` as canonical bytes can hold it: in NFC, and with a replacement character for what is no letter at all.

    For what strangers typed: it must be recorded whatever it is.
    """
    return unicodedata.normalize("NFC", text.encode("utf-8", "replace").decode())


def _check(value: object) -> None:
    """The commonest types first, for this looks at every value of every fact."""
    if isinstance(value, str):
        if not value.isascii() and not unicodedata.is_normalized("NFC", value):
            raise ValueError(f"string `{value}` is not in Unicode normalization form C")
    elif value is None or isinstance(value, bool):
        return
    elif isinstance(value, int):
        if not -_INTEGER_LIMIT <= value < _INTEGER_LIMIT:
            raise ValueError(f"integer `{value}` does not fit 64 bits")
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"object key `{key!r}` is not a string")
            _check(key)
            _check(item)
    elif isinstance(value, _ARRAYS):
        for item in value:
            _check(item)
    else:
        raise TypeError(f"{type(value).__name__} has no canonical spelling")
