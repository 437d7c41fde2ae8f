"""OpenFGA's own assertions, answered by our chain of rights, on the part that both can express.

A relation of an object is read as a right on it: the object's relation is the source, and each tuple a grant to a user
or to the holders of another relation, who may pass it on to each of them. `or`, `viewer: writer` and `viewer from parent`
are grants too. Every grant is made by `rights.grant`, which refuses whoever does not hold what it would pass on, and the
question is answered by `rights.held`: nothing is worked out here.

Left out, for a title says who was granted what by whom, and no more: `and` (two titles at once) and `but not` (one title
that undoes another: here a refusal or a prohibition does that, in a gate of its own); `user:*` (rights are granted to
parties; what is for everybody is offered to everybody); conditions (they are terms of an agreement); and assertions that
something is bad input, which is about OpenFGA's model and not about who may do what. Contextual tuples are grants like
others. The suite is in the repository openfga/openfga, assets/tests, Apache-2.0; nothing of it is kept here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import yaml

from usufruct.core.base import instants
from usufruct.core.base.records import Entry, Fact
from usufruct.core.base.refusals import Refusal
from usufruct.core.registry.facts import AssetRegistered, Quality, RightGranted
from usufruct.core.registry.rights import Limits, grant, held
from usufruct.store.memory import MemoryState

SUITE = Path(os.environ.get("USUFRUCT_SUITES", "")) / "openfga"
FILES = ("consolidated_1_1_tests.yaml", "abac_tests.yaml")
AT = instants.parse("2026-03-01")
Tuples = list[dict[str, Any]]


@dataclass(frozen=True)
class Model:
    """A model in OpenFGA's language: for each type and relation, what it is made of."""

    text: str

    @cached_property
    def defined(self) -> dict[tuple[str, str], str]:
        found, kind = {}, ""
        for line in self.text.splitlines():
            if match := re.match(r"\s*(?:extend )?type (\S+)", line):
                kind = match[1]
            elif match := re.match(r"\s*define (\S+?)\s*:(.*)", line):
                found[kind, match[1]] = match[2].strip()
        return found

    def direct(self, kind: str, relation: str) -> list[str]:
        """Which kinds of users a tuple may name."""
        match = re.search(r"\[(.*?)\]", self.defined.get((kind, relation), ""))
        return [one.strip() for one in match[1].split(",")] if match else []

    def expressed(self, kind: str, relation: str, seen: frozenset[tuple[str, str]] = frozenset()) -> bool:
        """Whether all that decides on a relation is within the part that a title can say."""
        if (kind, relation) in seen:
            return True
        text, seen = self.defined.get((kind, relation), ""), seen | {(kind, relation)}
        if re.search(r"\band\b|\bbut not\b|:\*|\bwith\b", text):
            return False
        below = [one.split("#") for one in self.direct(kind, relation) if "#" in one]
        for part in self.parts(kind, relation):
            if " from " in part:
                wanted, parent = part.split(" from ")
                if not self.expressed(kind, parent, seen):
                    return False
                below += [[one, wanted] for one in self.direct(kind, parent) if (one, wanted) in self.defined]
            else:
                below.append([kind, part])
        return all(self.expressed(one, wanted, seen) for one, wanted in below)

    def parts(self, kind: str, relation: str) -> list[str]:
        """What a relation is made of beside its tuples: `writer`, `viewer from parent`."""
        text = re.sub(r"\[.*?\]", "", self.defined.get((kind, relation), ""))
        return [part for part in (re.sub(r"[() ]+", " ", one).strip() for one in re.split(r"\bor\b", text)) if part]

    def grants(self, node: str, tuples: Tuples) -> Iterator[str]:
        """To whom a relation of an object, `document:1#viewer`, is granted."""
        object, _, relation = node.partition("#")
        kind = object.partition(":")[0]
        yield from self.named(object, relation, tuples)
        for part in self.parts(kind, relation):
            if " from " not in part:
                yield f"{object}#{part}"
                continue
            wanted, parent = part.split(" from ")
            yield from (f"{one}#{wanted}" for one in self.named(object, parent, tuples))

    def named(self, object: str, relation: str, tuples: Tuples) -> Iterator[str]:
        """The users that tuples name, as far as the model lets them."""
        allowed = self.direct(object.partition(":")[0], relation)
        for one in tuples:
            kind, _, userset = one["user"].partition("#")
            user_kind = kind.partition(":")[0] + (f"#{userset}" if userset else "")
            if (one["object"], one["relation"]) == (object, relation) and user_kind in allowed:
                yield one["user"]


class Title:
    """The title of one relation of one object."""

    def __init__(self, model: Model, tuples: Tuples, source: str) -> None:
        self.state, self.count = MemoryState(), 0
        self.add(AssetRegistered("o", source, source, "o", "", "", (), "v", "", "", (), 1, (), Quality(0, 0, ())))
        self.add(RightGranted("root", "o", "use", source, source, may_grant=True))
        waiting = [source]
        for holder in waiting:  # which grows meanwhile
            for other in model.grants(holder, tuples) if "#" in holder else ():
                fact = grant(self.state, f"r{self.count}", holder, other, "o", "use", AT, Limits(may_grant=True))
                if not self.has(other) and not isinstance(fact, Refusal):
                    self.add(fact)
                    waiting.append(other)

    def add(self, fact: Fact) -> None:
        self.state.apply(Entry(self.count, AT, fact))
        self.count += 1

    def has(self, user: str) -> bool:
        return held(self.state, user, "o", "use", AT) is not None


@dataclass(frozen=True)
class Case:
    """An assertion of the suite, with the model and tuples that it is made under."""

    name: str
    model: Model
    tuples: Tuples
    asked: dict[str, Any]
    expected: Any

    @property
    def expressed(self) -> bool:
        kind = self.asked.get("type") or self.asked["object"].partition(":")[0]
        return self.model.expressed(kind, self.asked["relation"]) and ":*" not in self.asked["user"]


def cases() -> Iterator[Case]:
    for file in FILES if SUITE.is_dir() else ():
        for test in yaml.safe_load((SUITE / file).read_text(encoding="utf-8"))["tests"]:
            stored: Tuples = []
            for number, stage in enumerate(test["stages"]):
                stored = [*stored, *(stage.get("tuples") or [])]
                asserted = [*(stage.get("checkAssertions") or []), *(stage.get("listObjectsAssertions") or [])]
                for place, one in enumerate(asserted):
                    if "errorCode" in one or one.get("context"):
                        continue
                    tuples = [*stored, *(one.get("contextualTuples") or [])]
                    asked, model = one.get("tuple") or one["request"], Model(stage["model"])
                    yield Case(f"{test['name']}-{number}-{place}", model, tuples, asked, one.get("expectation"))


CASES = [case for case in cases() if case.expressed]


@pytest.mark.skipif(not SUITE.is_dir(), reason="no USUFRUCT_SUITES with openfga in it")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_openfga(case: Case) -> None:
    asked, user = case.asked, case.asked["user"]
    if "object" in asked:
        assert Title(case.model, case.tuples, f"{asked['object']}#{asked['relation']}").has(user) is case.expected
        return
    known = {one[end].partition("#")[0] for one in case.tuples for end in ("object", "user")}
    objects = [one for one in known if one.partition(":")[0] == asked["type"]]
    found = {one for one in objects if Title(case.model, case.tuples, f"{one}#{asked['relation']}").has(user)}
    assert found == set(case.expected or ())
