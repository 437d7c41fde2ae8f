"""The stored tables: looked at before each use, examined for the steward, deleted once other rows took their place."""

from __future__ import annotations

from dataclasses import dataclass

from usufruct.core.base.faults import EngineFault
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.privacy.state import Use
from usufruct.core.registry import pool
from usufruct.core.registry.state import REPLACED, Asset, Stored
from usufruct.node.node import Node


@dataclass(frozen=True, slots=True)
class Examined:
    """A stored table, and what is `wrong` with it in words; nothing if it is whole."""

    asset: str
    version: str
    wrong: tuple[str, ...]


def check(node: Node, asset: str, version: str) -> None:
    """Returns if the table of a version of an asset is what was registered; before each use of it.

    Raises:
        EngineFault: it is not. The message tells of no row, for it may be seen by whoever asked a question.
    """
    found = _found(node, asset, version)
    while True:
        try:
            return node.engine.fits(*found)
        except EngineFault:
            before, found = found, _found(node, asset, version)
            if found == before:  # else it was written anew meanwhile
                raise


def _found(node: Node, asset: str, version: str) -> tuple[Asset, Stored, int]:
    with node.store.read() as state:
        return _of(state, asset, version)


def _of(read: Reader, name: str, version: str) -> tuple[Asset, Stored, int]:
    asset, stored = read.get(Asset, name), read.get(Stored, name, version)
    assert asset is not None and stored is not None, "whatever is used was registered"
    return asset, stored, pool.persons(read, asset)


def examine(node: Node, name: str) -> Examined | Refusal:
    """Looks at the whole of a stored table, for its steward."""
    with node.store.read() as state:
        asset = state.get(Asset, name)
        if asset is None:
            return refuse(
                "registry.unknown", "nothing was looked at", f"there is no asset `{name}`", remedy="see your assets"
            )
        found = _of(state, name, asset.version)
    return Examined(name, asset.version, tuple(node.engine.examine(*found)))


def forget(node: Node, at_once: str = "") -> int:
    """Deletes tables whose place others took, once no question is being answered from them; of the asset `at_once` without
    waiting, for somebody is being erased from it. Returns how many."""
    with node.store.read() as state:
        replaced = list(state.list(Stored, standing=REPLACED))
        read = {(use.asset, use.version) for use in state.list(Use, state="admitted")} if replaced else set()
    over = [one for one in replaced if one.asset == at_once or (one.asset, one.version) not in read]
    return sum(node.engine.forget(one.asset, one.version) for one in over)


def follow(node: Node) -> str:
    """One round of the follower."""
    deleted = forget(node)
    return f"{deleted} tables were deleted whose rows were replaced" if deleted else ""
