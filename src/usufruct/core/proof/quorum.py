"""Whose word is enough: which logs, which witnesses, and how many of them must have signed a checkpoint.

That is for whoever verifies to decide, not for the node, so it is a file of theirs. Its form is C2SP's *tlog-policy*
(c2sp.org/tlog-policy), which other programs read too:

    log <vkey> [<url>]
    witness <name> <vkey> [<url>]
    group <name> <k>|any|all <name>…
    quorum <name>|none

A group has signed when `k` of its members have; members are witnesses or groups, named on lines before, each in one group
at most, so that a witness counts in one way only. Reading is strict and names the line, for a file that is half
understood is trust in something nobody wrote. The names of witnesses and groups are the file's own; signatures are found
by key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from usufruct.core.proof.checkpoint import COSIGNATURE, Verify, open_note, parse_vkey, whole_number
from usufruct.core.proof.cosignature import Cosignature, cosignature

LINES_LIMIT = 1000
"""Lines in a file; C2SP asks for at least 32 logs, 32 witnesses and 32 groups."""
WITNESSES_LIMIT = 64
"""Witnesses in a file: their lines must fit under one note, and each costs a verification."""

_NOT_ALLOWED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_SPACE = re.compile(r"[ \t]+")


@dataclass(frozen=True, slots=True)
class Log:
    """A log that is trusted, by its verifier key; `url` may be empty."""

    vkey: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness by the file's name for it; `url` is where it takes checkpoints, may be empty."""

    name: str
    vkey: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Has signed when `threshold` of its `members` have."""

    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Trust:
    """A tlog-policy file. `quorum` names a witness or group; empty means that no witness is asked for."""

    logs: tuple[Log, ...]
    witnesses: tuple[Witness, ...]
    groups: Mapping[str, Group]
    quorum: str

    @classmethod
    def parse(cls, text: str) -> Trust:
        """The trust that a tlog-policy file describes.

        Raises:
            ValueError: naming the line and what is wrong with it.
        """
        reader = _Reader()
        lines = text.split("\n")
        if len(lines) > LINES_LIMIT:
            raise ValueError(f"more than {LINES_LIMIT} lines are not read")
        for number, line in enumerate(lines, 1):
            try:
                reader.read(line)
            except ValueError as error:
                raise ValueError(f"line {number}: {error}") from None
        if reader.quorum is None:
            raise ValueError("there is no line `quorum`; write `quorum none` if no witness is asked for")
        return cls(tuple(reader.logs), tuple(reader.witnesses), reader.groups, reader.quorum)

    def met_by(self, names: set[str]) -> bool:
        """Whether the witnesses of these names are enough."""
        return not self.quorum or self._signed(self.quorum, names)

    def _signed(self, name: str, names: set[str]) -> bool:
        group = self.groups.get(name)
        if group is None:
            return name in names
        return sum(self._signed(member, names) for member in group.members) >= group.threshold

    def cosignatures(self, note: str, verify: Verify) -> dict[str, Cosignature]:
        """What witnesses of this file said under `note`, by the file's names for them.

        Raises:
            ValueError: not a signed note, or a line by a known witness that is not valid.
        """
        found = {witness.name: cosignature(note, witness.vkey, verify) for witness in self.witnesses}
        return {name: said for name, said in found.items() if said is not None}

    def check(self, note: str, verify: Verify, key: str = "") -> tuple[str, dict[str, Cosignature]]:
        """The key of the log that signed `note`, and what witnesses said, if the log and the quorum are those asked for.

        `key` says which log it must be; it must be one of the file's, unless the file names no logs.

        Raises:
            ValueError: naming what failed: the log, a signature, or which witnesses are missing.
        """
        logs = [log.vkey for log in self.logs]
        if key and logs and key not in logs:
            raise ValueError(f"the file does not name the log `{key}`")
        key = _who_signed([key] if key else logs, note, verify)
        said = self.cosignatures(note, verify)
        if not self.met_by(set(said)):
            missing = ", ".join(witness.name for witness in self.witnesses if witness.name not in said)
            raise ValueError(
                f"the quorum `{self.quorum}` is not there: signed by {', '.join(said) or 'no witness'}, not by {missing}"
            )
        return key, said


def _who_signed(keys: list[str], note: str, verify: Verify) -> str:
    if not keys:
        raise ValueError("the file names no log; say which log's key it must be")
    why = []
    for key in keys:
        try:
            open_note(note, key, verify)
            return key
        except ValueError as error:
            why.append(str(error))
    raise ValueError("; ".join(why))


class _Reader:
    """One pass over a file, with what the lines so far have named."""

    def __init__(self) -> None:
        self.logs: list[Log] = []
        self.witnesses: list[Witness] = []
        self.groups: dict[str, Group] = {}
        self.quorum: str | None = None
        self._keys: set[tuple[str, bytes]] = set()
        self._members: set[str] = set()

    def read(self, line: str) -> None:
        if _NOT_ALLOWED.search(line):
            raise ValueError("control characters other than tab and newline are not allowed")
        match [item for item in _SPACE.split(line) if item]:
            case []:
                pass
            case [word, *_] if word.startswith("#"):
                pass
            case ["log", key, *url] if len(url) < 2:
                self._once("log", parse_vkey(key)[2])
                self.logs.append(Log(key, *url))
            case ["witness", name, key, *url] if len(url) < 2:
                self._new(name)
                self._once("witness", parse_vkey(key, COSIGNATURE)[2])
                self.witnesses.append(Witness(name, key, *url))
                if len(self.witnesses) > WITNESSES_LIMIT:
                    raise ValueError(f"more than {WITNESSES_LIMIT} witnesses are not read")
            case ["group", name, threshold, *members]:
                self._new(name)
                self.groups[name] = self._group(threshold, members)
            case ["quorum", name]:
                self._set_quorum(name)
            case ["log" | "witness" | "group" | "quorum" as word, *_]:
                raise ValueError(f"`{word}` has too few or too many words; {_FORMS[word]}")
            case [word, *_]:
                raise ValueError(f"`{word[:100]}` is not one of log, witness, group and quorum")

    def _set_quorum(self, name: str) -> None:
        if self.quorum is not None:
            raise ValueError("there is a second line `quorum`")
        if name != "none":
            self._known(name)
        self.quorum = "" if name == "none" else name

    def _group(self, threshold: str, members: list[str]) -> Group:
        if not members:
            raise ValueError(f"a group has at least one member; {_FORMS['group']}")
        for member in members:
            self._known(member)
            if member in self._members:
                raise ValueError(f"`{member}` is in a group already, and may count only once")
            self._members.add(member)
        count = {"any": 1, "all": len(members)}.get(threshold)
        if count is None:
            count = whole_number(threshold)
        if not 1 <= count <= len(members):
            raise ValueError(f"{count} of {len(members)} members cannot be asked for")
        return Group(count, tuple(members))

    def _new(self, name: str) -> None:
        if name == "none" or name in self.groups or any(witness.name == name for witness in self.witnesses):
            raise ValueError(f"the name `{name}` is taken")

    def _known(self, name: str) -> None:
        if name not in self.groups and not any(witness.name == name for witness in self.witnesses):
            raise ValueError(f"no witness or group of the name `{name}` stands on a line before")

    def _once(self, role: str, public: bytes) -> None:
        if (role, public) in self._keys:
            raise ValueError(f"this {role} is there already, by the same key")
        self._keys.add((role, public))


_FORMS = {
    "log": "write `log VKEY [URL]`",
    "witness": "write `witness NAME VKEY [URL]`",
    "group": "write `group NAME k|any|all NAME…`",
    "quorum": "write `quorum NAME` or `quorum none`",
}
