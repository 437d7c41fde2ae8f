"""One certificate away among 100,000 open jobs, and names among 14,000 skills.

The peer of the first is what one would write first: each certificate tried on every job. Both read the same jobs in memory
and must find the same. The peer of the second is SQLite with LIKE over the same labels, in memory. How long it takes to adopt a
framework of that size is told on a real node, durable.
"""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable

from bench.measure import medians, scratch, seconds, setup
from bench.report import Result, against, alone, barred
from usufruct.core.base.instants import Instant
from usufruct.core.base.refusals import Refusal
from usufruct.core.work.facts import JobTerms, Pay
from usufruct.core.work.skills import demand
from usufruct.core.work.skills import state as skills
from usufruct.core.work.skills.lookup import Index
from usufruct.core.work.skills.state import NamedSkill, Skill, StackRule
from usufruct.core.work.state import Job
from usufruct.core.work.terms import hourly
from usufruct.main import create_node, open_node
from usufruct.node import skills as use_case
from usufruct.node.skills import Edition

NOW, THEN = Instant("2026-06-01T00:00:00.000Z"), Instant("2026-06-09T00:00:00.000Z")
JOBS, WANTED, SKILLS = 100_000, 300, 14_000
WORDS = (
    "ride", "drive", "load", "mend", "wash", "cook", "teach", "weigh", "plan", "count", "sew", "weld", "paint", "sort",
    "lift", "clean",
)  # fmt: skip
TURNS = 5
AWAY_BAR, FIND_BAR = "under 1 s, and under a tenth of trying every certificate on every job", "under 50 ms"


def run(quick: bool) -> list[Result]:
    """The figures."""
    jobs, wanted, named, turns = (2_000, 40, 500, 1) if quick else (JOBS, WANTED, SKILLS, TURNS)
    return [_away(jobs, wanted, turns, quick), *_names(named, turns, quick)]


def _away(count: int, wanted: int, turns: int, quick: bool) -> Result:
    chance = random.Random(8)
    with setup(f"{count:,} jobs that ask for {wanted} skills"):
        uris = [f"urn:s:{n}" for n in range(wanted)]
        weights = [1 / (n + 1) for n in range(wanted)]  # few skills are asked for often
        jobs = [
            Job(str(n), "shop", JobTerms("j", "p", THEN, THEN, 60, Pay("EUR", 0, 1000 + n % 999), _some(chance, uris, weights)),
                THEN, "", NOW, n) for n in range(count)
        ]  # fmt: skip
        rules = [StackRule(f"r-{n}", uris[n], tuple(uris[n + 1 : n + 4]), 2, "a", "b") for n in range(0, wanted - 4, 9)]
        has = skills.stacked(skills.supposed(uris[::5], NOW), rules, NOW)
    found: dict[str, object] = {}

    def ours() -> None:
        lacks = demand.lacking(jobs, frozenset(has), "EUR")
        found["ours"] = {uri: (n, pay) for uri, (n, pay, _) in demand.one_away(lacks, has, rules, NOW).items()}

    def theirs() -> None:
        opened: dict[str, tuple[int, int | None]] = {}
        for uri in set(uris) - set(has):
            then = set(skills.stacked({**has, **skills.supposed([uri], NOW)}, rules, NOW))
            pays = [
                hourly(job.terms)
                for job in jobs
                if then.issuperset(job.terms.skills) and not has.keys() >= set(job.terms.skills)
            ]
            if pays:
                opened[uri] = (len(pays), demand.median(pays))
        found["theirs"] = opened

    slow = seconds(theirs)
    quickly = medians(turns, {"ours": lambda: seconds(ours)})["ours"]
    assert found["ours"] == found["theirs"], "both find the same"
    result = against(
        f"one certificate away, {count:,} open jobs", quickly, "s", "each certificate tried on every job", slow
    )
    return barred(result, AWAY_BAR, None if quick else quickly < 1 and quickly < slow / 10)


def _some(chance: random.Random, uris: list[str], weights: list[float]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(chance.choices(uris, weights, k=chance.randint(1, 3))))


def _names(count: int, turns: int, quick: bool) -> list[Result]:
    chance = random.Random(9)
    found = [
        NamedSkill(f"urn:s:{n}", " ".join(chance.choices(WORDS, k=3)) + f" {n}", (), tuple(chance.choices(WORDS, k=4)))
        for n in range(count)
    ]
    with scratch() as folder:
        create_node(folder / "node", "Bench", "op", "Op", "EUR")
        with open_node(folder / "node") as node:
            edition = Edition("bench", "1", "Bench", "made up", "none", "0" * 64)
            start = time.perf_counter()
            made = use_case.load(node, edition, found, "op")
            took = time.perf_counter() - start
            assert not isinstance(made, Refusal), made
    index = Index(Skill(one.uri, "bench", "1", one.label, (), one.others) for one in found)
    table = sqlite3.connect(":memory:")
    table.execute("CREATE TABLE skill (uri TEXT, label TEXT, others TEXT)")
    table.executemany(
        "INSERT INTO skill VALUES (?, ?, ?)", [(one.uri, one.label, " ".join(one.others)) for one in found]
    )
    asked = "SELECT uri FROM skill WHERE label LIKE ? OR others LIKE ? ORDER BY length(label), label LIMIT 20"
    contestants: dict[str, Callable[[], float]] = {
        "ours": lambda: seconds(lambda: index.find("mend paint", 20)),
        "theirs": lambda: seconds(lambda: table.execute(asked, ("%mend paint%",) * 2).fetchall()),
    }
    figures = medians(turns, contestants)
    ours, theirs = 1000 * figures["ours"], 1000 * figures["theirs"]
    result = against(f"find among {count:,} skills", ours, "ms", "SQLite with LIKE, in memory", theirs)
    return [
        barred(result, FIND_BAR, None if quick else ours < 50),
        alone(f"adopt a framework of {count:,} skills, durable", took, "s"),
    ]
