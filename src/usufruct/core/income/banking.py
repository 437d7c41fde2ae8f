"""What banks go by: account numbers with their check digits, and the letters they all can write.

IBAN: ISO 13616, with the lengths of the registry; the check is ISO 7064 MOD 97-10. BIC: ISO 9362. The letters are those that
the European Payments Council lets every bank rely on (EPC217-08); what can be written in them is, and the rest is refused
rather than guessed.
"""

from __future__ import annotations

import re
import unicodedata

from usufruct.core.base.faults import BadInput

_LENGTHS = {
    country: length
    for length, countries in {
        15: "NO", 16: "BE", 18: "DK FI FO GL NL", 19: "MK SI", 20: "AT BA EE KZ LT LU XK", 21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM SO TL", 24: "AD CZ ES MD PK RO SA SE SK TN VG",
        25: "LY PT ST", 26: "IS TR", 27: "BI DJ FR GR IT MC MR SM", 28: "AL AZ BY CY DO GT HU LB NI PL SV",
        29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC", 32: "LC", 33: "RU",
    }.items()
    for country in countries.split()
}  # fmt: skip
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
_BIC = re.compile(r"[A-Z]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?")
_LATIN = re.compile(r"[A-Za-z0-9/?:().,'+ -]*")
_SPELT = str.maketrans({
    "ß": "ss", "æ": "ae", "Æ": "AE", "ø": "o", "Ø": "O", "œ": "oe", "Œ": "OE", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D",
    "ð": "d", "Ð": "D", "þ": "th", "Þ": "TH", "ı": "i", "&": "+", "’": "'", "‘": "'", "“": "'", "”": "'", '"': "'",
    "–": "-", "—": "-", "_": "-", ";": ",",
})  # fmt: skip

NAME_LENGTH = 70  # of a payment; the standard has room for 140, and the scheme for this


def iban(text: str) -> str:
    """An account number, without spaces and in capitals.

    Raises:
        BadInput: it is none: a country that has none, another length than that country's, or a wrong check digit.
    """
    found = re.sub(r"\s", "", text).upper()
    if not _IBAN.fullmatch(found):
        raise _no_iban("it has a country, two check digits and 11 to 30 letters and digits")
    length = _LENGTHS.get(found[:2])
    if length is None:
        raise _no_iban(f"`{found[:2]}` is not a country whose accounts have one")
    if len(found) != length:
        raise _no_iban(f"one of {found[:2]} has {length} characters, and this one {len(found)}")
    if int("".join(str(int(c, 36)) for c in found[4:] + found[:4])) % 97 != 1:
        raise _no_iban("its check digits do not fit; a digit is wrong, or two stand the wrong way round")
    return found


def _no_iban(why: str) -> BadInput:
    """Without what was typed: an account number has no business in a log."""
    return BadInput("input.iban", f"the account number is no IBAN: {why}", "copy it from a statement of your bank")


def bic(text: str) -> str:
    """A bank's code, in capitals; nothing if there is none.

    Raises:
        BadInput: it is none.
    """
    found = text.strip().upper()
    if found and not _BIC.fullmatch(found):
        raise BadInput(
            "input.iban", "the bank's code is no BIC", "it has 8 or 11 letters and digits; it may be left out in Europe"
        )
    return found


def latin(text: str) -> str:
    """A name or text in the letters that every bank takes, accents left away, at most `NAME_LENGTH` long.

    Raises:
        BadInput: it cannot be written in them, or nothing is left.
    """
    plain = unicodedata.normalize("NFKD", text.translate(_SPELT))
    plain = " ".join("".join(c for c in plain if not unicodedata.combining(c)).split())
    # A slash neither begins nor ends a field, nor stands twice: it divides fields within texts.
    if not plain or not _LATIN.fullmatch(plain) or plain[0] == "/" or plain[-1] == "/" or "//" in plain:
        raise BadInput(
            "input.latin", "a bank cannot write that name", "write it in Latin letters, as it stands on a statement"
        )
    return plain[:NAME_LENGTH].rstrip(" /")


def veiled(iban: str) -> str:
    """An account number as it may be shown: its country and its last four digits."""
    return f"{iban[:2]}… {iban[-4:]}" if iban else ""
