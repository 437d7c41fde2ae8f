"""What a witness signs and what not, what its word is worth, and whose word is enough."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from tables import cases, parts

from usufruct.core.proof.checkpoint import (
    COSIGNATURE,
    Checkpoint,
    from_base64,
    sign_note,
    signature_line,
    to_base64,
    vkey,
)
from usufruct.core.proof.cosignature import cosign, cosignature
from usufruct.core.proof.quorum import LINES_LIMIT, WITNESSES_LIMIT, Trust
from usufruct.core.proof.submission import Objection, Signable, Submission, checkpoint_in, consider
from usufruct.core.proof.tree import EMPTY_ROOT, Frontier, HashAt, consistency_proof, leaf_hash
from usufruct.store.keys import verify_signature as verify

LOG, TIME = "log.example/one", 1_700_000_000


def key(seed: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)


def public(seed: int) -> bytes:
    return key(seed).public_key().public_bytes_raw()


OURS, NEXT, STRANGER = 1, 2, 3  # the log's key, a second one of its own, and somebody's who took its name
VKEYS = [vkey(LOG, public(OURS)), vkey(LOG, public(NEXT))]


class Log:
    """The leaves of a log; a forked one differs from the third leaf on."""

    def __init__(self, forked: bool = False) -> None:
        self.roots, self.stored, frontier = [EMPTY_ROOT], {}, Frontier()
        for index in range(20):
            entry = f"{index}{' forked' * (forked and index >= 2)}".encode()
            self.stored[0, index] = leaf_hash(entry)
            self.stored.update({(level, at): value for level, at, value in frontier.append(entry)})
            self.roots.append(frontier.root())

    def hash_at(self) -> HashAt:
        return lambda level, index: self.stored[level, index]

    def checkpoint(self, size: int) -> Checkpoint:
        return Checkpoint(LOG, size, self.roots[size])

    def proof(self, old: int, new: int) -> tuple[bytes, ...]:
        return tuple(consistency_proof(old, new, self.hash_at()))


LOGS = {"true": Log(), "forked": Log(forked=True)}


def note(checkpoint: Checkpoint, *seeds: int, extension: str = "") -> str:
    body = checkpoint.body() + extension
    lines = [sign_note(body, LOG, public(seed), key(seed).sign).removeprefix(f"{body}\n") for seed in seeds]
    return f"{body}\n{''.join(lines)}"


SIGNERS = {
    "log": [OURS],
    "next": [NEXT],
    "both": [NEXT, OURS],
    "stranger": [STRANGER],
    "log, stranger": [OURS, STRANGER],
}

CONSIDERED = """
# what was signed last, what comes now (sizes; which tree; by whom), and what the witness says
last | old | proof | new | tree   | signed by     | answer
-----+-----+-------+-----+--------+---------------+-------
# the first time, and every time after that
none | 0   | none  | 4   | true   | log           | signs
none | 0   | none  | 0   | true   | log           | signs
0    | 0   | none  | 7   | true   | log           | signs
4    | 4   | good  | 8   | true   | log           | signs
7    | 7   | good  | 19  | true   | log           | signs
1    | 1   | good  | 2   | true   | log           | signs
# the same once more: an answer was lost on the way
8    | 8   | none  | 8   | true   | log           | signs
# the log has two keys; what strangers add counts for nothing and harms nothing
4    | 4   | good  | 8   | true   | next          | signs
4    | 4   | good  | 8   | true   | both          | signs
4    | 4   | good  | 8   | true   | log, stranger | signs
4    | 4   | good  | 8   | true   | stranger      | 403
# it is not where the log thinks: it says where it is
4    | 0   | none  | 8   | true   | log           | 409 4
8    | 4   | good  | 8   | true   | log           | 409 8
8    | 4   | good  | 6   | true   | log           | 409 8
none | 4   | good  | 8   | true   | log           | 409 0
# backwards
8    | 8   | none  | 4   | true   | log           | 400
# another history
4    | 4   | good  | 8   | forked | log           | 422
8    | 8   | none  | 8   | forked | log           | 422
4    | 4   | none  | 8   | true   | log           | 422
4    | 4   | spoilt| 8   | true   | log           | 422
4    | 4   | longer| 8   | true   | log           | 422
# where nothing is to be proven, nothing is accepted as proof
none | 0   | one   | 8   | true   | log           | 422
8    | 8   | one   | 8   | true   | log           | 422
"""


@cases(CONSIDERED)
def test_what_a_witness_signs(row: dict[str, str]) -> None:
    old, new, log = int(row["old"]), int(row["new"]), LOGS[row["tree"]]
    good = log.proof(old, new) if old <= new else ()
    proof = {
        "none": (), "good": good, "one": (bytes(32),), "longer": (*good, bytes(32)),
        "spoilt": tuple(bytes(32) for _ in good),
    }[row["proof"]]  # fmt: skip
    last = None if row["last"] == "none" else LOGS["true"].checkpoint(int(row["last"]))
    submission = Submission(old, proof, note(log.checkpoint(new), *SIGNERS[row["signed by"]]))
    found = consider(submission, VKEYS, last, verify)
    if isinstance(found, Objection):
        assert row["answer"] == (f"409 {found.size}" if found.status == 409 else str(found.status))
    else:
        assert row["answer"] == "signs"
        assert found.checkpoint == log.checkpoint(new)
        known = [seed for seed in (OURS, NEXT) if seed in SIGNERS[row["signed by"]]]
        assert f"{found.body}\n{found.lines}" == note(log.checkpoint(new), *known)


def status(submission: Submission, *keys: str, last: Checkpoint | None = None) -> int:
    found = consider(submission, keys, last, verify)
    return 200 if isinstance(found, Signable) else found.status


def test_a_log_that_is_not_known_learns_nothing_else() -> None:
    true = LOGS["true"]
    assert status(Submission(9, (), note(true.checkpoint(4), STRANGER)), last=true.checkpoint(8)) == 404


def test_a_spoilt_signature_of_a_known_key_is_not_overlooked() -> None:
    """Even beside a good one: a note with such a line is malformed (signed-note, Signatures)."""
    good = note(LOGS["true"].checkpoint(4), OURS)
    spoilt = good[:-6] + ("A" if good[-6] != "A" else "B") + good[-5:]
    assert status(Submission(0, (), spoilt), *VKEYS) == 403
    assert status(Submission(0, (), good + spoilt.partition("\n\n")[2]), *VKEYS) == 403


def test_the_empty_tree_has_one_root() -> None:
    assert status(Submission(0, (), note(Checkpoint(LOG, 0, bytes(32)), OURS)), *VKEYS) == 422


def test_extension_lines_of_others_are_signed_along() -> None:
    found = consider(Submission(0, (), note(LOGS["true"].checkpoint(4), OURS, extension="more\n")), VKEYS, None, verify)
    assert isinstance(found, Signable)
    assert found.body == LOGS["true"].checkpoint(4).body() + "more\n"
    said = f"{found.body}\n{cosign(found.body, 'w', public(9), TIME, key(9).sign)}"
    assert cosignature(said, vkey("w", public(9), COSIGNATURE), verify) is not None
    with pytest.raises(ValueError, match="not valid"):
        cosignature(said.replace("more", "less"), vkey("w", public(9), COSIGNATURE), verify)


@given(st.integers(0, 20), st.integers(0, 20), st.booleans())
def test_whatever_is_signed_continues_what_was(old: int, new: int, forked: bool) -> None:
    log = LOGS["forked" if forked else "true"]
    proof = log.proof(old, new) if old <= new else ()
    submission = Submission(old, proof, note(log.checkpoint(new), OURS))
    signs = status(submission, *VKEYS, last=LOGS["true"].checkpoint(old)) == 200
    assert signs == (old <= new and (not forked or old <= 2))


# ---- how a log asks


def test_a_submission_reads_back() -> None:
    true = LOGS["true"]
    for old, new in [(0, 4), (4, 8), (7, 19), (8, 8)]:
        submission = Submission(old, true.proof(old, new), note(true.checkpoint(new), OURS))
        assert Submission.parse(submission.text()) == submission
        assert checkpoint_in(submission.note) == true.checkpoint(new)


HASH = to_base64(bytes(32))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "old 4",
        "old 4\n",
        f"old 04\n{HASH}\n\nnote",
        f"old -4\n{HASH}\n\nnote",
        f"old  4\n{HASH}\n\nnote",
        f"new 4\n{HASH}\n\nnote",
        f"old {2**63}\n\nnote",
        "old 4\nAAAA\n\nnote",
        f"old 4\n{HASH[:-1]}\n\nnote",
        "old 4\n" + f"{HASH}\n" * 64 + "\nnote",
    ],
)
def test_other_texts_are_no_submissions(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Submission.parse(text)


@pytest.mark.parametrize(
    "body", [f"{LOG}\n", f"{LOG}\n4\n", f"{LOG}\nfour\n{HASH}\n", f"{LOG}\n4\n{HASH}\n\nx\n", f"{LOG}\n04\n{HASH}\n"]
)
def test_notes_that_are_no_checkpoints_are_malformed(body: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        consider(Submission(0, (), sign_note(body, LOG, public(OURS), key(OURS).sign)), VKEYS, None, verify)


# ---- what a witness's word is worth

WITNESS = vkey("w.example", public(9), COSIGNATURE)
NOTE = note(LOGS["true"].checkpoint(4), OURS)
BODY = LOGS["true"].checkpoint(4).body()


def word(time: int = TIME, body: str = BODY, name: str = "w.example", seed: int = 9) -> str:
    return cosign(body, name, public(seed), time, key(seed).sign)


def test_a_word_says_who_and_when() -> None:
    found = cosignature(NOTE + word(), WITNESS, verify)
    assert found is not None
    assert (found.vkey, found.time, found.line) == (WITNESS, TIME, word())
    # the signed text, spelled out as in c2sp.org/tlog-cosignature
    blob = from_base64(word().split()[2])[4:]
    assert blob[:8] == TIME.to_bytes(8)
    assert verify(public(9), blob[8:], f"cosignature/v1\ntime {TIME}\n{BODY}".encode())


def test_the_latest_of_several_words_counts() -> None:
    found = cosignature(NOTE + word(TIME + 5) + word(TIME), WITNESS, verify)
    assert found is not None
    assert found.time == TIME + 5


def test_words_of_others_are_passed_over() -> None:
    others = word(seed=8) + word(name="v.example") + signature_line("w.example", b"abcd", b"something else")
    assert cosignature(NOTE + others, WITNESS, verify) is None
    assert cosignature(NOTE, WITNESS, verify) is None


def test_a_word_for_another_text_or_time_is_refused() -> None:
    line = word()
    raw = from_base64(line.split()[2])
    later = signature_line("w.example", raw[:4], (TIME + 1).to_bytes(8) + raw[12:])
    short = signature_line("w.example", raw[:4], raw[4:-1])
    plain = signature_line("w.example", raw[:4], key(9).sign(BODY.encode()))  # a log's signature in a witness's place
    never = signature_line("w.example", raw[:4], bytes(8) + raw[12:])
    far = signature_line("w.example", raw[:4], b"\xff" * 8 + raw[12:])
    for wrong in (word(body=LOGS["true"].checkpoint(5).body()), later, short, plain, never, far):
        with pytest.raises(ValueError, match="witness"):
            cosignature(NOTE + wrong, WITNESS, verify)
        with pytest.raises(ValueError, match="witness"):  # and a good one beside it does not help
            cosignature(NOTE + line + wrong, WITNESS, verify)


def test_a_witness_signs_at_a_time() -> None:
    for time in (0, -1, 2**63):
        with pytest.raises(ValueError, match="cannot be the time"):
            word(time)


def test_a_log_key_is_no_witness_key() -> None:
    with pytest.raises(ValueError, match=r"type 4"):
        cosignature(NOTE, vkey("w.example", public(9)), verify)


# ---- whose word is enough

QUORUMS = """
# lines after six witnesses a to f                               | who signed | enough
-----------------------------------------------------------------+------------+-------
lines                                                            | signed     | enough
quorum none                                                      |            | yes
quorum a                                                         | a          | yes
quorum a                                                         | b; c; d    | no
quorum a                                                         |            | no
group g any a b c; quorum g                                      | c          | yes
group g any a b c; quorum g                                      | d          | no
group g all a b c; quorum g                                      | a; b; c    | yes
group g all a b c; quorum g                                      | a; b; d    | no
group g 2 a b c; quorum g                                        | a; c       | yes
group g 2 a b c; quorum g                                        | a; d; e; f | no
group g 1 a; quorum g                                            | a          | yes
# groups of groups: two of x, and one of y
group x 2 a b c; group y any d e f; group g all x y; quorum g    | a; b; d    | yes
group x 2 a b c; group y any d e f; group g all x y; quorum g    | a; b; c    | no
group x 2 a b c; group y any d e f; group g all x y; quorum g    | a; d; e; f | no
group x 2 a b c; group y any d e f; group g all x y; quorum g    | c; a; f    | yes
group x all a b; group g 1 x c; quorum g                         | c          | yes
group x all a b; group g 1 x c; quorum g                         | a          | no
# the quorum is a part of what is named; the rest is only known
group x all a b c; quorum d                                      | d          | yes
"""

BASE = f"log {VKEYS[0]} https://log.example/\n" + "".join(
    f"witness {name} {vkey(f'{name}.example', public(20 + index), COSIGNATURE)}\n"
    for index, name in enumerate("abcdef")
)


@cases(QUORUMS)
def test_who_is_enough(row: dict[str, str]) -> None:
    trust = Trust.parse(BASE + "\n".join(parts(row["lines"])) + "\n")
    assert trust.met_by(set(parts(row["signed"]))) == (row["enough"] == "yes")
    said = "".join(word(name=f"{name}.example", seed=20 + "abcdef".index(name)) for name in parts(row["signed"]))
    if row["enough"] == "yes":
        assert trust.check(NOTE + said, verify) == (VKEYS[0], trust.cosignatures(NOTE + said, verify))
    else:
        with pytest.raises(ValueError, match="quorum"):
            trust.check(NOTE + said, verify)


WRONG = """
# a file with this after its first seven lines               | is refused with
-------------------------------------------------------------+--------------------------------------------
lines                                                        | why
                                                             | there is no line `quorum`
quorum a; quorum b                                           | line 9: there is a second line `quorum`
quorum nobody                                                | line 8: no witness or group of the name `nobody`
quorum                                                       | line 8: `quorum` has too few or too many words
quorum a b                                                   | line 8: `quorum` has too few or too many words
group g any                                                  | line 8: a group has at least one member
group g                                                      | line 8: `group` has too few or too many words
group g 0 a b                                                | line 8: 0 of 2 members
group g 3 a b                                                | line 8: 3 of 2 members
group g 02 a b c                                             | line 8: `02` is not a whole number
group g most a b                                             | line 8: `most` is not a whole number
group g any a a                                              | line 8: `a` is in a group already
group g any a b; group h any b c                             | line 9: `b` is in a group already
group g any h; group h any a                                 | line 8: no witness or group of the name `h`
group g any g                                                | line 8: no witness or group of the name `g`
group g any a; group g any b                                 | line 9: the name `g` is taken
group g any none                                             | line 8: no witness or group of the name `none`
group a any b                                                | line 8: the name `a` is taken
group none any b                                             | line 8: the name `none` is taken
witness g                                                    | line 8: `witness` has too few or too many words
log                                                          | line 8: `log` has too few or too many words
Quorum a                                                     | line 8: `Quorum` is not one of log, witness, group
monitor m                                                    | line 8: `monitor` is not one of log, witness, group
"""


@cases(WRONG)
def test_a_file_that_contradicts_itself_is_refused_with_the_line(row: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        Trust.parse(BASE + "\n".join(parts(row["lines"])))
    assert str(refused.value).startswith(row["why"])


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (f"log {VKEYS[0]}", "this log is there already"),
        (f"log {vkey('other.example', public(OURS))}", "this log is there already"),
        (f"witness x {vkey('x.example', public(20), COSIGNATURE)}", "this witness is there already"),
        (f"witness a {WITNESS}", "the name `a` is taken"),
        (f"witness none {WITNESS}", "the name `none` is taken"),
        (f"witness w {vkey('w.example', public(9))}", "type 4"),
        (f"log {WITNESS}", "type 1"),
        ("log nonsense", "three parts"),
        (f"witness w {WITNESS} https://w.example two", "too few or too many"),
        ("quorum a\r", "control characters"),
        ("# \x07", "control characters"),
    ],
)
def test_wrong_keys_and_words_are_refused_with_the_line(line: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as refused:
        Trust.parse(f"{BASE}{line}\nquorum none\n")
    assert str(refused.value).startswith("line 8: ")


def test_space_and_remarks_are_free() -> None:
    text = f"\n  # whom we trust \u2713\n\tlog\t{VKEYS[0]}  \n witness  w {WITNESS}\thttps://w.example/ \n\n quorum w"
    trust = Trust.parse(text)
    assert [log.vkey for log in trust.logs] == [VKEYS[0]]
    assert [(w.name, w.url) for w in trust.witnesses] == [("w", "https://w.example/")]
    assert trust.quorum == "w"


def test_names_are_what_they_are_spelled() -> None:
    """A Kelvin sign is not a K (tlog-policy, Character set)."""
    with pytest.raises(ValueError, match="line 2: no witness or group"):
        Trust.parse(f"witness K {WITNESS}\nquorum \u212a\n")


def test_a_file_has_an_end() -> None:
    with pytest.raises(ValueError, match="lines"):
        Trust.parse("\n" * LINES_LIMIT + "quorum none")
    many = "".join(
        f"witness w{index} {vkey('w', Ed25519PrivateKey.generate().public_key().public_bytes_raw(), COSIGNATURE)}\n"
        for index in range(WITNESSES_LIMIT + 1)
    )
    with pytest.raises(ValueError, match=f"line {WITNESSES_LIMIT + 1}: more than"):
        Trust.parse(many)


def test_only_the_logs_of_the_file_are_accepted() -> None:
    trust = Trust.parse(f"{BASE}log {VKEYS[1]}\nquorum none\n")
    assert trust.check(note(LOGS["true"].checkpoint(4), NEXT), verify)[0] == VKEYS[1]
    assert trust.check(NOTE, verify, VKEYS[0])[0] == VKEYS[0]
    with pytest.raises(ValueError, match="not signed by"):
        trust.check(note(LOGS["true"].checkpoint(4), STRANGER), verify)
    with pytest.raises(ValueError, match="does not name the log"):
        trust.check(note(LOGS["true"].checkpoint(4), STRANGER), verify, vkey(LOG, public(STRANGER)))
    with pytest.raises(ValueError, match="names no log"):
        Trust.parse("quorum none").check(NOTE, verify)
    assert Trust.parse("quorum none").check(NOTE, verify, VKEYS[0]) == (VKEYS[0], {})


def test_a_spoilt_word_of_a_trusted_witness_is_not_overlooked() -> None:
    trust = Trust.parse(BASE + "group g any a b\nquorum g\n")
    good = word(name="a.example", seed=20)
    wrong = word(name="b.example", seed=21, body=LOGS["true"].checkpoint(5).body())
    with pytest.raises(ValueError, match=r"b\.example"):
        trust.check(NOTE + good + wrong, verify)
