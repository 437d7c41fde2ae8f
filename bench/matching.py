"""Private matching: both sides' whole work on one match of two lists, as much of it as two nodes do between their journals.

The peer is openmined-psi (ECDH on P-256, in C++), whose client learns how many of its elements are in the server's list. It
goes into an environment of its own, made for the run and gone afterwards, for it pins a version of protobuf; where packages
cannot be installed it is left out, with a remark. It counts exactly and adds no noise; ours plants what stands for the
noise, commits to both lists and checks both commitments, every order and every element. Both run on this machine alone, so
who can use two processors does, as two nodes would on one machine; the processor time is told too.

The plainest alternative is to exchange salted hashes, which anybody can try out; it shows what it costs to hide.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import time
import venv
from dataclasses import dataclass
from pathlib import Path

from bench.measure import scratch, setup, tell
from bench.report import Result, against, alone, barred
from usufruct.core.privacy.matching import Commitment, half_of, normal
from usufruct.core.privacy.matching_messages import BATCH
from usufruct.core.privacy.rules import sigma_for
from usufruct.engine.matching import POINT, RistrettoMatching

SIZES, QUICK = (100_000, 1_000_000), (300, 1_000)
CHARGE = 100_000  # micro-rho, of a question
PEER = "openmined-psi 2.0.6"
BAR = "at most half of the time of openmined-psi"


@dataclass(frozen=True, slots=True)
class Taken:
    """What one match took: `seconds` on the clock, `processor` seconds of all processors, `bytes` between the sides."""

    seconds: float
    processor: float
    bytes: float
    found: int


def run(quick: bool) -> list[Result]:
    """The figures: a list that asks, and one ten times as long that answers; half of the shorter is in both."""
    ours, theirs = QUICK if quick else SIZES
    both = ours // 2
    taken, peer = _ours(ours, theirs, both), None
    if not quick:
        with scratch() as folder:
            peer = _peer(folder, ours, theirs, both)
    hashes = _hashes(ours, theirs, both)
    case = f"{ours:,} persons ask, {theirs:,} answer"
    results = [against(f"{case}: the match", taken.seconds, "s", "salted hashes, which hide nothing", hashes)]
    if peer is None:
        results.append(alone(f"{case}: processors' time", taken.processor, "s"))
        return results
    match = against(f"{case}: the match", taken.seconds, "s", PEER, peer.seconds)
    results.insert(0, barred(match, BAR, taken.seconds * 2 <= peer.seconds))
    results.append(against(f"{case}: processors' time", taken.processor, "s", PEER, peer.processor))
    results.append(against(f"{case}: between the two", taken.bytes / 2**20, "MiB", PEER, peer.bytes / 2**20))
    return results


def _items(first: int, count: int) -> list[str]:
    return [f"EE{number}" for number in range(first, first + count)]


def _ours(ours: int, theirs: int, both: int) -> Taken:
    here, there = _items(0, ours), _items(ours - both, theirs)
    matching, number = RistrettoMatching(os.urandom), os.urandom(16).hex()
    half = half_of(sigma_for(1, CHARGE))
    begun, spent = time.perf_counter(), time.process_time()
    asking = matching.asking(number, [normal(name) for name in here], ours)
    committed = Commitment(number, "asks", ours).add(asking.points).digest()
    answering = matching.answering(number, [normal(name) for name in there], theirs, asking.base, half + 3, 2 * half)
    bound = Commitment(number, "answers", theirs).add(answering.entries).digest()
    check, listed = Commitment(number, "asks", ours), Commitment(number, "answers", theirs)
    for batch in _batches(asking.points):
        check.add(batch)
        answering.sent(batch)
    returned = answering.returned()
    for batch in _batches(returned):
        asking.returned(batch)
    for batch in _batches(answering.entries):
        listed.add(batch)
        asking.listed(batch, False)
    taken = time.perf_counter() - begun, time.process_time() - spent
    assert (check.digest(), listed.digest(), asking.found()) == (committed, bound, both + half + 3)
    return Taken(*taken, len(asking.points) + len(returned) + len(answering.entries), both)


def _batches(data: bytes) -> list[bytes]:
    return [data[at : at + POINT * BATCH] for at in range(0, len(data), POINT * BATCH)]


def _hashes(ours: int, theirs: int, both: int) -> float:
    begun, salt = time.perf_counter(), os.urandom(16)
    one, other = (
        {hashlib.sha256(salt + normal(name).encode()).digest() for name in _items(first, count)}
        for first, count in ((0, ours), (ours - both, theirs))
    )
    assert len(one & other) == both
    return time.perf_counter() - begun


def _peer(folder: Path, ours: int, theirs: int, both: int) -> Taken | None:
    with setup("openmined-psi in an environment of its own"):
        venv.create(folder / "peer", with_pip=True)
        python = folder / "peer" / "bin" / "python"
        install = [str(python), "-m", "pip", "install", "--quiet", PEER.replace(" ", "==")]
        if subprocess.run(install, capture_output=True, check=False).returncode:
            tell("openmined-psi cannot be installed here; it is left out")
            return None
    script = Path(__file__).with_name("matching_peer.py")
    done = subprocess.run(
        [str(python), str(script), str(ours), str(theirs), str(both)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        tell(f"openmined-psi does not run here; it is left out: {done.stderr.strip().splitlines()[-1]}")
        return None
    found = json.loads(done.stdout)
    assert found["found"] == both
    return Taken(found["seconds"], found["processor"], found["bytes"], both)
