"""Canonical bytes, money, instants and ids: one spelling each, and everything else refused."""

from __future__ import annotations

import json
import unicodedata
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tables import cases

from usufruct.core.base import canonical, ids, instants, money
from usufruct.core.base.faults import BadInput
from usufruct.core.base.money import DECIMALS, Money

# Text as it can stand in a fact: no halves of characters, in normalization form C.
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20).map(lambda t: unicodedata.normalize("NFC", t))
scalars = st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), text)
values = st.recursive(scalars, lambda v: st.lists(v, max_size=4) | st.dictionaries(text, v, max_size=4), max_leaves=15)


@given(values)
def test_a_value_comes_back_from_its_bytes(value: canonical.Value) -> None:
    data = canonical.encode(value)
    assert canonical.decode(data) == value
    assert canonical.encode(canonical.decode(data)) == data


@given(values, values)
def test_different_values_have_different_bytes(one: canonical.Value, other: canonical.Value) -> None:
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)  # `True` and 1 differ, unlike in Python
    assert (canonical.encode(one) == canonical.encode(other)) == same


@given(values, st.data())
def test_any_other_spelling_is_refused(value: canonical.Value, data: st.DataObject) -> None:
    """Bytes changed at one place are either refused or the only bytes of another value."""
    good = canonical.encode(value)
    place = data.draw(st.integers(0, len(good)))
    other = good[:place] + data.draw(
        st.sampled_from([b" ", b"0", b"-", b",", b"\\u0041", b'"', b"\n", b"1e1", b"\xff", b""])
    )
    other += good[place + data.draw(st.integers(0, 1)) :]
    try:
        read = canonical.decode(other)
    except ValueError:
        return
    assert canonical.encode(read) == other


REFUSED_BYTES = """
bytes                       | because
----------------------------+---------------------------
                            | nothing
{ }                         | white space
[1, 2]                      | white space
{"b":1,"a":2}               | keys out of order
{"a":1,"a":2}               | a key twice
1.0                         | a float
1e2                         | a float
NaN                         | not even JSON
Infinity                    | not even JSON
-0                          | a second zero
+1                          | not JSON
01                          | not JSON
"\\u0041"                   | an escape that is not needed
"\\/"                       | an escape that is not needed
"\\u00E9"                   | an escape that is not needed
"\\ud800"                   | half a character
9223372036854775808         | beyond 64 bits
-9223372036854775809        | beyond 64 bits
[1]]                        | more than a value
{1:2}                       | a key that is no text
'a'                         | not JSON
"""


@cases(REFUSED_BYTES.replace("\\\\", "\\"))
def test_refused_bytes(row: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"."):
        canonical.decode(row["bytes"].encode())


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf1", "1".encode("utf-16"), b"\xff", b"[" * 100_000 + b"]" * 100_000, b"9" * 5000,
        '"e\u0301"'.encode(), '{"e\u0301":1}'.encode(), b'"\x00"', b'"\n"',
    ],
)  # fmt: skip
def test_refused_bytes_that_no_table_can_show(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        canonical.decode(data)


@pytest.mark.parametrize(
    "value", [1.5, float("nan"), b"a", {1: 2}, {None: 1}, {1, 2}, object(), [1, [2.0]], {"a": {"b": b""}}]
)
def test_what_has_no_canonical_spelling(value: object) -> None:
    with pytest.raises(TypeError):
        canonical.encode(value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "value", [2**63, -(2**63) - 1, "e\u0301", {"e\u0301": 1}, ["\ufb2c", {"a": "A\u030a"}], "\ud800"]
)
def test_what_is_spelt_wrongly(value: canonical.Value) -> None:
    with pytest.raises(ValueError, match=r"."):
        canonical.encode(value)


def test_bytes_are_those_of_rfc_8785() -> None:
    value = {"b": [True, None, -5], "a": "\u20ac$\u000f\nA'\"\\", "": "\x7f\u2028"}
    expected = '{"":"\x7f\u2028","a":"€$\\u000f\\nA\'\\"\\\\","b":[true,null,-5]}'
    assert canonical.encode(value) == expected.encode()


@given(st.text(st.characters(), max_size=20))
def test_whatever_is_typed_can_be_held(typed: str) -> None:
    held = canonical.holdable(typed)
    assert canonical.decode(canonical.encode(held)) == held == canonical.holdable(held)
    letters = not any(0xD800 <= ord(c) < 0xE000 for c in typed)
    assert not letters or held == unicodedata.normalize("NFC", typed), "and what is text already is not changed"


# --- money


@given(st.integers(-(10**15) + 1, 10**15 - 1), st.sampled_from(sorted(DECIMALS)))
@example(-1, "EUR")
@example(-1, "JPY")
@example(-99, "EUR")
def test_money_comes_back_from_its_text(minor: int, currency: str) -> None:
    amount = Money(minor, currency)
    assert money.parse(str(amount)) == amount
    assert str(money.parse(f"  {amount}\n")) == str(amount)


MONEY = """
text              | minor units
------------------+------------
5.00 EUR          | 500
5 EUR             | 500
5.1 EUR           | 510
05.10 EUR         | 510
-0.01 EUR         | -1
-0.99 EUR         | -99
0.00 EUR          | 0
100 JPY           | 100
999999999999999 EUR | 99999999999999900
5.123 EUR         | does not divide
1.0 JPY           | does not divide
5.00 XXX          | not a currency
5.00 eur          | not an amount
5,00 EUR          | not an amount
5. EUR            | not an amount
.5 EUR            | not an amount
5.00EUR           | not an amount
EUR 5.00          | not an amount
1e3 EUR           | not an amount
+5 EUR            | not an amount
- 5 EUR           | not an amount
1_000 EUR         | not an amount
1,000.00 EUR      | not an amount
٣.00 EUR          | not an amount
５.00 EUR         | not an amount
1000000000000000 EUR | not an amount
                  | not an amount
NaN EUR           | not an amount
"""


@cases(MONEY)
def test_money(row: dict[str, str]) -> None:
    if row["minor units"].lstrip("-").isdigit():
        assert money.parse(row["text"]).minor == int(row["minor units"])
    else:
        with pytest.raises(BadInput, match=row["minor units"]) as bad:
            money.parse(row["text"])
        assert bad.value.remedy


def test_a_currency_has_the_decimals_of_iso_4217() -> None:
    assert {currency for currency, decimals in DECIMALS.items() if decimals != 2} == {"JPY"}
    assert DECIMALS["JPY"] == 0


# --- instants

zones = st.timedeltas(timedelta(hours=-23, minutes=-59), timedelta(hours=23, minutes=59)).map(
    lambda d: timezone(timedelta(minutes=d // timedelta(minutes=1)))
)
moments = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=zones)


@given(moments, moments)
def test_the_order_of_instants_is_the_order_of_time(one: datetime, other: datetime) -> None:
    a, b = instants.instant(one), instants.instant(other)
    assert len(a) == len(b) == 24
    if abs(one - other) >= timedelta(milliseconds=1):
        assert (a < b) == (one < other)
    assert (a < b) <= (one < other), "cutting never turns the order round"


@given(moments)
def test_an_instant_is_its_moment_cut_to_the_millisecond(moment: datetime) -> None:
    at = instants.instant(moment)
    back = instants.moment(at)
    assert timedelta(0) <= moment - back < timedelta(milliseconds=1)
    assert instants.parse(at) == instants.instant(back) == at
    assert instants.parse(moment.isoformat()) == at
    assert instants.later(at, milliseconds=0) == at


INSTANTS = """
text                           | instant
-------------------------------+-------------------------
2026-11-22                     | 2026-11-22T00:00:00.000Z
0001-01-01                     | 0001-01-01T00:00:00.000Z
2026-11-22T09:30:00Z           | 2026-11-22T09:30:00.000Z
2026-11-22T09:30Z              | 2026-11-22T09:30:00.000Z
2026-11-22T09:30:00.9999Z      | 2026-11-22T09:30:00.999Z
2026-11-22T01:30:00+02:00      | 2026-11-21T23:30:00.000Z
2026-11-22T09:30:00            | no
2026-11-22 09:30               | no
2026-02-29                     | no
2026-13-01                     | no
2026-11-22T24:30:00Z           | no
2026-11-22T09:30:60Z           | no
22.11.2026                     | no
tomorrow                       | no
                               | no
0001-01-01T00:00:00+14:00      | no
9999-12-31T23:59:59-14:00      | no
２０２６-11-22                 | no
"""


@cases(INSTANTS)
def test_instants(row: dict[str, str]) -> None:
    if row["instant"] == "no":
        with pytest.raises(BadInput, match="not a moment in time"):
            instants.parse(row["text"])
    else:
        assert instants.parse(row["text"]) == row["instant"]


def test_the_same_day_of_another_year() -> None:
    at = instants.parse("2024-02-29T10:00:00Z")
    assert instants.in_years(at, 1) == "2025-02-28T10:00:00.000Z"
    assert instants.in_years(at, 4) == "2028-02-29T10:00:00.000Z"


def test_later_and_earlier() -> None:
    at = instants.parse("2026-02-28T23:59:59.999Z")
    assert instants.later(at, milliseconds=1) == "2026-03-01T00:00:00.000Z"
    assert instants.later(at, days=-28) == "2026-01-31T23:59:59.999Z"


def test_a_moment_without_a_zone_is_no_instant() -> None:
    with pytest.raises(ValueError, match="time zone"):
        instants.instant(datetime(2026, 1, 1))
    assert instants.instant(datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)) == instants.END_OF_TIME


@given(st.datetimes(datetime(1, 1, 2), datetime(9900, 1, 1), timezones=st.just(UTC)), st.integers(0, 30))
def test_years_later_is_the_same_day(moment: datetime, years: int) -> None:
    at = instants.instant(moment)
    then = instants.moment(instants.in_years(at, years))
    assert then.year == moment.year + years
    assert (then.month, then.day) == (moment.month, moment.day) or (moment.day, then.day) == (29, 28)


# --- ids


@given(st.text(max_size=80))
@example("a" * 64)
@example("A b")
@example("")
@example("王伟")
def test_a_slug_is_an_id_and_different_texts_have_different_ones(text: str) -> None:
    if any(0xD800 <= ord(c) < 0xE000 for c in text):
        return
    made = ids.slug(text)
    assert ids.checked(made, "test") == made
    assert ids.slug(made) == made or made != text, "what looks like a slug already gets one of its own"
    assert (ids.slug(text + " ") != made and ids.slug(text.swapcase()) != made) or text.swapcase() == text


IDS = """
name        | can be an id
------------+-------------
a           | yes
pay-2026    | yes
7           | yes
-a          | no
a-          | no
A           | no
a_b         | no
a b         | no
a/b         | no
а           | no
é           | no
            | no
"""


@cases(IDS)
def test_ids(row: dict[str, str]) -> None:
    if row["can be an id"] == "yes":
        assert ids.checked(row["name"], "test") == row["name"] == ids.slug(row["name"])
    else:
        with pytest.raises(BadInput, match="cannot be the id"):
            ids.checked(row["name"], "test")


def test_the_length_of_ids_and_a_forged_slug() -> None:
    assert ids.checked("a" * 63, "test")
    with pytest.raises(BadInput, match="cannot be the id"):
        ids.checked("a" * 64, "test")
    with pytest.raises(BadInput, match="cannot be the id"):
        ids.checked("a\n", "test")
    assert ids.slug(ids.slug("A b")) != ids.slug("A b"), "nobody can be named so as to be taken for another"
