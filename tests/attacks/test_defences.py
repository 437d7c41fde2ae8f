"""The list of defences, looked at without running anything: it is whole, and fits the source and the tests as they are.

Whether each of them holds is tried by `make defences`; see `defences`.
"""

from __future__ import annotations

import ast

import pytest

from attacks.defences import ATTACKS, FIRST, PAGE, PLACE, REMOVALS, ROOT, Removal, section


def test_all_attacks_are_there() -> None:
    assert [attack.number for attack in ATTACKS] == list(range(1, 31))
    assert all(attack.removals and attack.name and attack.attacker.endswith(".") for attack in ATTACKS)
    assert len({removal.defence for removal in REMOVALS}) == len(REMOVALS)


@pytest.mark.parametrize("removal", REMOVALS, ids=lambda removal: f"{removal.number}-{removal.defence}")
def test_it_can_be_taken_out(removal: Removal) -> None:
    source = (ROOT / PLACE / removal.file).read_text(encoding="utf-8")
    assert source.count(removal.text) == 1, "the lines stand there once"
    assert removal.without != removal.text
    compile(source.replace(removal.text, removal.without), removal.file, "exec")


@pytest.mark.parametrize("removal", REMOVALS, ids=lambda removal: f"{removal.number}-{removal.defence}")
def test_its_tests_are_there(removal: Removal) -> None:
    assert removal.tests
    for test in removal.tests:
        path, *names = test.split("::")
        inside: ast.AST | None = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        for name in names:
            found = (
                [node for node in ast.iter_child_nodes(inside) if getattr(node, "name", "") == name] if inside else []
            )
            inside = found[0] if found else None
        assert names and inside is not None, test


def test_the_page_tells_of_each() -> None:
    _, first, shown = PAGE.read_text(encoding="utf-8").partition(FIRST)
    expected = "\n\n".join(map(section, ATTACKS)) + "\n"
    assert first + shown == expected, "run `python tests/attacks/defences.py`, and read what it wrote"
