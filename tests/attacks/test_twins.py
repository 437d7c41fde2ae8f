"""Twin nodes that differ by one person, under questions that are made to find her.

In one she is there, with the most unusual rows one can have; in the next none of her rows is, and she was never registered; in the
last she is registered and said no. Then the same hostile questions go to all three. With noise that drowns every number the
whole reply must be the same: status, code, words, columns, rows and their order, notes, margins, charge, price, budget, the time
at which it leaves, and what is recorded. Where groups are found in the data the noise is left out instead, and the shapes compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from attacks.workshop import Drowning, Here, Silent, Tables, Workshop, ask, cared, crowd, pay
from support import SetClock, Ticking
from usufruct.core.base.faults import EngineFault
from usufruct.core.base.records import plain
from usufruct.core.privacy.facts import QueryAbandoned
from usufruct.core.rulebook import parameters
from usufruct.engine.room import Room
from usufruct.node import query
from usufruct.node.node import Node
from usufruct.ports import Noise

HERSELF = [
    pay("zoe", year, region, member, "90000000000000", 2**63 - 1, "hers", 777)
    for year in (2021, 2022, 2023, 1900) for region in ("n", "s", "x") for member in (True, None) for _ in range(3)
] + [pay("zoe", None, None, None, None, None, None, None)]  # fmt: skip
CARE = [("zoe", 10, "her ward")] * 9 + [("zoe", None, None)]

HOSTILE = (
    # conditions that only she meets
    "SELECT COUNT(*) AS n FROM pay WHERE word = 'hers'",
    "SELECT COUNT(DISTINCT who) AS n FROM pay WHERE code = 777 AND hours > 3000",
    "SELECT region, COUNT(*) AS n FROM pay WHERE word = 'hers' GROUP BY region",
    "SELECT SUM(hours) AS n FROM pay WHERE NOT (word <> 'hers' OR word IS NULL)",
    "SELECT COUNT_IF(word = 'hers') AS n, SUM(hours) FILTER (WHERE code = 777) AS h FROM pay",
    # arithmetic that would fail on her rows, were it done as it is written
    "SELECT SUM(CASE WHEN word = 'hers' THEN 50000 ELSE 0 END * 50000) AS n FROM pay",
    "SELECT VARIANCE(CASE WHEN word = 'hers' THEN 1000000 ELSE 0 END) AS n FROM pay",
    "SELECT SUM(hours * hours * hours) AS n FROM pay WHERE word = 'hers'",
    "SELECT SUM(LEAST(GREATEST(code, -4611686018427387903), 4611686018427387903)) AS n FROM pay",
    "SELECT SUM(ABS(hours - 3000) * 2000000000) AS n FROM pay",
    "SELECT SUM(-hours) AS a, AVG(hours // 3000) AS b, AVG(hours % 7) AS c, SUM(FLOOR(wage / 3)) AS d FROM pay",
    "SELECT STDDEV(wage * wage) AS n FROM pay WHERE word = 'hers' OR word = 'x'",
    "SELECT COUNT(*) AS n FROM pay WHERE wage * 99999 > hours * 12345 OR COALESCE(hours, wage) = 3000",
    "SELECT SUM(NULLIF(hours, 3000)) AS n FROM pay WHERE CASE word WHEN 'hers' THEN hours ELSE 1 END > 0",
    # what is about one person below the answer
    "SELECT SUM(s) AS n FROM (SELECT who, SUM(hours) AS s FROM pay GROUP BY who) AS t",
    "SELECT AVG(s) AS n FROM (SELECT who, word, MAX(hours) AS s FROM pay GROUP BY who, word HAVING COUNT(*) > 3) AS t",
    "SELECT SUM(r) AS n FROM (SELECT ROW_NUMBER() OVER (PARTITION BY who ORDER BY hours DESC) AS r FROM pay) AS t WHERE r > 3",
    "SELECT SUM(d) AS n FROM (SELECT LEAD(hours, 3) OVER (PARTITION BY who ORDER BY year, code) AS d FROM pay) AS t",
    "SELECT SUM(d) AS n FROM (SELECT SUM(hours) OVER (PARTITION BY who, word ORDER BY year) AS d FROM pay WHERE code = 777) AS t",
    "SELECT COUNT(*) AS n FROM (SELECT * FROM pay QUALIFY COUNT(*) OVER (PARTITION BY who, year) > 3) AS t",
    # text
    "SELECT COUNT(*) AS n FROM pay WHERE SUBSTR(word, 1, 999) = 'hers' OR LEFT(word, 1) BETWEEN 'h' AND 'i'",
    "SELECT SUBSTR(region, 1, 1) AS k, COUNT(*) AS n FROM pay GROUP BY k ORDER BY k DESC",
    # quantiles
    "SELECT MEDIAN(wage) AS a, QUANTILE_CONT(hours, 0.999) AS b, QUANTILE_CONT(hours, 0.001) AS c FROM pay",
    "SELECT region, MEDIAN(hours) AS a FROM pay WHERE word = 'hers' GROUP BY region",
    # joins
    "SELECT COUNT(*) AS n FROM pay AS a JOIN pay AS b ON a.who = b.who",
    "SELECT SUM(c.visits) AS n FROM pay AS a JOIN care AS c ON a.who = c.person WHERE a.word = 'hers'",
    "SELECT COUNT(*) AS n, SUM(c.visits) AS v FROM pay AS a LEFT JOIN care AS c ON a.who = c.person WHERE c.ward = 'her ward'",
    "SELECT COUNT(*) AS n FROM care AS c JOIN pay AS a ON a.who = c.person AND a.hours = c.visits",
    # groups that are empty but for her, order and HAVING
    "SELECT year, member, COUNT(*) AS n FROM pay WHERE word = 'hers' GROUP BY year, member ORDER BY n DESC",
    "SELECT region, AVG(hours) AS h FROM pay GROUP BY region HAVING COUNT(*) > 3 AND AVG(hours) > 1 ORDER BY h LIMIT 2",
    "SELECT region, COUNT(*) AS n FROM pay GROUP BY region HAVING COUNT(*) < 3",
    "SELECT hours // 100 AS k, COUNT(*) AS n FROM pay GROUP BY k ORDER BY n, k LIMIT 5 OFFSET 3",
    "SELECT CASE WHEN word = 'hers' THEN 'her' ELSE 'they' END AS k, COUNT(DISTINCT who) AS n FROM pay GROUP BY k",
    "SELECT code = 777 AS k, SUM(wage) AS n FROM pay GROUP BY k",
    # refusals
    "SELECT COUNT(*) AS n FROM pay WHERE who = 'zoe'",
    "SELECT COUNT(*) AS n FROM pay WHERE closed = 1",
    "SELECT COUNT(*) AS n FROM pay WHERE hours // code > 1",
    "SELECT SUM(code) AS n FROM pay WHERE word = 'hers'",
    "SELECT COUNT(*) AS n FROM pay WHERE wage = 0.001",
    "SELECT COUNT(*) AS n FROM nowhere",
    "SELECT * FROM pay WHERE word = 'hers'",
    "SELECT SUM(hours * 99999999999999999) AS n FROM pay",
    "SELECT COUNT(*) AS n FROM pay AS a JOIN care AS c ON a.hours = c.visits",
)  # fmt: skip

UNKNOWN = (
    "SELECT word, COUNT(*) AS n FROM pay GROUP BY word",
    "SELECT word, code, COUNT(DISTINCT who) AS n FROM pay GROUP BY word, code ORDER BY word DESC, code",
    "SELECT hours, COUNT(*) AS n FROM pay GROUP BY hours",
    "SELECT ward, SUM(visits) AS n FROM care GROUP BY ward ORDER BY n DESC",
    "SELECT c.ward, a.word, COUNT(*) AS n FROM pay AS a JOIN care AS c ON a.who = c.person GROUP BY c.ward, a.word",
    "SELECT wage * 7 AS k, AVG(hours) AS h FROM pay WHERE code > 5 GROUP BY k",
    "SELECT n AS k, COUNT(*) AS c FROM (SELECT who, COUNT(*) * 1000 AS n FROM pay GROUP BY who) AS t GROUP BY k",
)

REFUSED_FROM = 34
MASKED = re.compile(r"\b[0-9a-f]{16,64}\b|(?<=use-)\d+|(?<=agreement-)\d+")
PERSONS = 120


@dataclass
class Twin:
    node: Node
    clock: SetClock

    def told(self, text: str, noise: Noise, shape: bool = False, anew: bool = False) -> tuple[Any, ...]:
        """What a question brings, and what it leaves behind; of its answer the `shape` alone, if that is what is compared."""
        node = replace(self.node, noise=noise)
        with node.store.read() as state:
            before = state.size()
        self.clock.slept = -1
        try:
            reply = ask(node, text, 250_000, anew=anew)
        except EngineFault as fault:
            said: Any = (fault.code, fault.message, fault.remedy)
        else:
            said = self._reply(reply, shape)
        with node.store.read() as state:
            facts = [state.entry(seq).fact for seq in range(before, state.size())]
        kept = [(fact.KIND, MASKED.sub("*", repr(plain(fact)))) for fact in facts]
        return (*said, self.clock.slept, kept)

    def _reply(self, reply: Any, shape: bool) -> tuple[Any, ...]:
        if isinstance(reply, query.Refused):
            return ("refused", MASKED.sub("*", repr(reply.refusal)))
        answer = reply.answer
        if shape:
            places = [place for place, column in enumerate(answer.columns) if column in answer.measures]
            rows = tuple(tuple(c is None if p in places else c for p, c in enumerate(row)) for row in answer.rows)
            answer = replace(answer, rows=rows)
        paid = (reply.price, reply.charge, reply.budget_left, reply.budget_total, reply.repeated)
        return ("answered", answer, 0 if shape else len(answer.encode()), reply.meaning, reply.purpose, paid)


@pytest.fixture(scope="module")
def twins(founded: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Twin]]:
    """She is there; she never was; she said no."""
    without: Tables = {"pay": crowd(PERSONS), "care": cared(PERSONS)}
    with_her: Tables = {"pay": crowd(PERSONS) + HERSELF, "care": cared(PERSONS) + CARE}
    everybody = [f"member-p{p:03}" for p in range(PERSONS)]
    with ExitStack() as stack:
        made = []
        for tables, who in ((with_her, [*everybody, "member-zoe"]), (without, everybody), (with_her, everybody)):
            shop = Workshop(founded, tmp_path_factory.mktemp("twin"))
            node = stack.enter_context(shop.node(tables, {"pay": who, "care": who}))
            made.append(Twin(node, shop.clock))
        yield made


def all_told(
    twins: list[Twin], texts: tuple[str, ...], noise: Noise, shape: bool = False, anew: bool = False
) -> list[list[Any]]:
    with ThreadPoolExecutor(len(twins)) as pool:
        return list(pool.map(lambda twin: [twin.told(text, noise, shape, anew) for text in texts], twins))


def test_whatever_is_asked_nothing_but_numbers_tells_of_her(twins: list[Twin]) -> None:
    there, never, no = all_told(twins, HOSTILE, Drowning())
    for text, one, other, third in zip(HOSTILE, there, never, no, strict=True):
        assert one == other == third, text
    refused = [text for text, told in zip(HOSTILE, there, strict=True) if told[0] != "answered"]
    assert refused == list(HOSTILE[REFUSED_FROM:]), [told[1] for told in there if told[0] != "answered"]


def test_groups_that_only_she_has_are_not_named(twins: list[Twin]) -> None:
    there, never, no = all_told(twins, UNKNOWN, Silent(), shape=True)
    for text, one, other, third in zip(UNKNOWN, there, never, no, strict=True):
        assert one == other == third, text
    assert [told[0] for told in there] == ["answered"] * len(UNKNOWN)
    assert sum(len(told[1].rows) for told in there) > 5, "others are named"
    assert "hers" not in repr(there)


def test_the_control_without_noise_she_is_found(twins: list[Twin]) -> None:
    there, never, no = ([told[1].rows for told in one] for one in all_told(twins, HOSTILE[:3], Silent(), anew=True))
    assert there[0] != never[0] == no[0] == (("0", never[0][0][1]),) and there[2] != never[2] == no[2]


def test_the_same_asked_again_is_the_same(twins: list[Twin]) -> None:
    """A stored answer costs nothing, and tells nothing: not by its time either."""
    there, never, no = all_told(twins, HOSTILE[:3], Drowning())
    assert there == never == no
    assert all(told[5][-1] for told in there), "they were asked before"


@pytest.mark.parametrize("seconds", [0.0, 0.001])
def test_a_question_that_runs_over_fails_the_same(twins: list[Twin], seconds: float) -> None:
    """In a room of its own, with too little time: the same words, the same charge, the same tick. (Near the limit it is chance and
    load that decide who is over it, and in principle rows: time is bounded by ticks, and not proven.)"""
    heard = []
    for twin in twins:
        engine: Any = twin.node.engine
        engine._room, here = Room(1 << 20, seconds, 1), engine._room
        heard.append(
            [twin.told(text, Drowning(), anew=True) for text in ("SELECT COUNT(*) AS late FROM pay", HOSTILE[18])]
        )
        engine._room = here
    assert heard[0] == heard[1] == heard[2]
    assert {told[0] for told in heard[0]} == {"engine.limits"}
    assert [kind for kind, _ in heard[0][0][-1]] == ["query.admitted/1", QueryAbandoned.KIND]


def test_how_long_it_took_is_told_in_ticks(twins: list[Twin]) -> None:
    base = parameters.shipped().value("privacy.tick-milliseconds", twins[0].clock.now())
    left = []
    for takes in (1, 37, base - 1, base + 1):
        clock = Ticking(takes)
        node = replace(twins[0].node, clock=clock, noise=Drowning())
        assert isinstance(ask(node, f"SELECT COUNT(*) AS n{takes} FROM pay"), query.Answered)
        left += clock.left
    assert left == [base, base, base, 2 * base]


def test_the_room_here_is_the_room_there(twins: list[Twin]) -> None:
    """The tests run statements without a child; the exact numbers are those of the real room."""
    engine: Any = twins[0].node.engine
    heard = []
    for room in (Here(), Room(1 << 30, 30, 1)):
        before, engine._room = engine._room, room
        heard.append([
            ask(replace(twins[0].node, noise=Silent()), f"{text}", 100_000 + n).answer.rows
            for n, text in enumerate((HOSTILE[14], HOSTILE[25], UNKNOWN[4]))
        ])  # fmt: skip
        engine._room = before
        twins[0].node.store.write(lambda tx: None)
    assert heard[0] == heard[1]
