"""The proofs hold for what is true and for nothing else: known answers, laws, and every tampering we can think of."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from usufruct.core.proof.checkpoint import Checkpoint, key_id, open_note, parse_vkey, sign_note, vkey
from usufruct.core.proof.commitment import commit, seal
from usufruct.core.proof.receipt import Receipt, check, opening
from usufruct.core.proof.tree import (
    EMPTY_ROOT,
    Frontier,
    HashAt,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)

# The eight leaves and their roots that the Certificate Transparency implementations have tested with since RFC 6962.
CT_LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
CT_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]

# c2sp.org/signed-note, verifier keys: the example key and the note it signed.
C2SP_VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
C2SP_NOTE = (
    "This is an example message.\n\n"
    "— example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)

LOG = "node.example/journal"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()
VKEY = vkey(LOG, PUBLIC)
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
OTHER_PUBLIC = OTHER.public_key().public_bytes_raw()


def verify(public: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def entries(count: int) -> list[bytes]:
    return [f"entry {number}".encode() for number in range(count)]


class Nodes:
    """A store of complete subtrees, filled by a frontier; it refuses what is not complete, and counts look-ups."""

    def __init__(self, leaves: list[bytes]) -> None:
        self.frontier, self.lookups = Frontier(), 0
        self.stored: dict[tuple[int, int], bytes] = {}
        for index, entry in enumerate(leaves):
            self.stored[0, index] = leaf_hash(entry)
            self.stored.update({(level, at): value for level, at, value in self.frontier.append(entry)})

    def within(self, size: int) -> HashAt:
        def hash_at(level: int, index: int) -> bytes:
            assert (index + 1) << level <= size, "asked for a subtree that is not complete at this size"
            self.lookups += 1
            return self.stored[level, index]

        return hash_at


def flips(data: bytes) -> list[bytes]:
    """`data` with each of its bits flipped in turn."""
    return [(int.from_bytes(data) ^ (1 << bit)).to_bytes(len(data)) for bit in range(8 * len(data))]


def spoilt(proof: list[bytes]) -> list[list[bytes]]:
    """Every proof one step away: a bit flipped, an item dropped, doubled, cut or lengthened, two swapped, one added."""
    found = [[*proof, bytes(32)], [bytes(32), *proof]]
    for at, item in enumerate(proof):
        before, after = proof[:at], proof[at + 1 :]
        found += [[*before, changed, *after] for changed in flips(item)]
        found += [[*before, *after], [*before, item, item, *after]]
        found += [[*before, item[:-1], *after], [*before, item + b"\0", *after], [*before, b"", *after]]
        if after and after[0] != item:
            found.append([*before, after[0], item, *after[1:]])
    return found


# The tree


@pytest.mark.parametrize("size", range(9))
def test_the_known_roots_of_certificate_transparency(size: int) -> None:
    assert root_of(CT_LEAVES[:size]).hex() == CT_ROOTS[size]
    assert Nodes(CT_LEAVES[:size]).frontier.root().hex() == CT_ROOTS[size]


def test_the_known_proofs_of_certificate_transparency() -> None:
    hash_at = Nodes(CT_LEAVES).within(8)
    assert [item.hex() for item in inclusion_proof(5, 8, hash_at)] == [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]
    assert [item.hex() for item in consistency_proof(6, 8, hash_at)] == [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]


def test_a_growing_frontier_has_the_reference_root_and_names_every_complete_subtree_once() -> None:
    leaves = entries(300)
    frontier, stored = Frontier(), {(0, index): leaf_hash(entry) for index, entry in enumerate(leaves)}
    for size, entry in enumerate([*leaves, b"one more"]):
        root = root_of(leaves[:size])
        assert frontier.root() == root
        assert frontier.size == size
        loaded = Frontier.load(size, lambda level, index: stored[level, index])
        assert (loaded.root(), loaded.hashes) == (root, frontier.hashes)
        for level, index, value in frontier.append(entry):
            assert level >= 1
            assert (level, index) not in stored
            if size < 300:
                assert value == root_of(leaves[index << level : (index + 1) << level])
            stored[level, index] = value
    assert {key for key in stored if key[0]} == {
        (level, index) for level in range(1, 9) for index in range(301 >> level)
    }


def test_a_copied_frontier_grows_on_its_own() -> None:
    frontier = Nodes(entries(7)).frontier
    copy = frontier.copy()
    copy.append(b"seven")
    assert frontier.root() == root_of(entries(7))
    assert copy.root() == root_of([*entries(7), b"seven"])


@pytest.mark.parametrize(("size", "count"), [(-1, 0), (0, 1), (1, 0), (3, 1), (4, 2)])
def test_a_frontier_needs_as_many_hashes_as_its_size_has_ones(size: int, count: int) -> None:
    with pytest.raises(ValueError, match="maximal complete subtrees"):
        Frontier(size, [bytes(32)] * count)


def test_inclusion_holds_for_every_leaf_of_every_size() -> None:
    leaves = entries(72)
    nodes = Nodes(leaves)
    for size in range(1, 73):
        root, hash_at = root_of(leaves[:size]), nodes.within(size)
        for index in range(size):
            nodes.lookups = 0
            proof = inclusion_proof(index, size, hash_at)
            assert nodes.lookups <= 2 * size.bit_length()
            assert verify_inclusion(leaves[index], index, size, proof, root)
            assert not verify_inclusion(b"another", index, size, proof, root)


def test_consistency_holds_for_every_pair_of_sizes() -> None:
    leaves = entries(72)
    nodes, roots = Nodes(leaves), [root_of(leaves[:size]) for size in range(73)]
    for new in range(73):
        hash_at = nodes.within(new)
        for old in range(new + 1):
            nodes.lookups = 0
            proof = consistency_proof(old, new, hash_at)
            assert nodes.lookups <= 2 * new.bit_length()
            assert verify_consistency(old, roots[old], new, roots[new], proof)
            assert verify_consistency(old, roots[old], new, bytes(32), proof) == (old == 0 < new)
            assert not verify_consistency(old, bytes(32), new, roots[new], proof)


def test_no_inclusion_proof_one_step_away_from_the_true_one_is_accepted() -> None:
    leaves = entries(13)
    hash_at, root = Nodes(leaves).within(13), root_of(leaves)
    for index in range(13):
        proof = inclusion_proof(index, 13, hash_at)
        for wrong in spoilt(proof):
            assert not verify_inclusion(leaves[index], index, 13, wrong, root)
        for other in {*range(-1, 15)} - {index}:
            assert not verify_inclusion(leaves[index], other, 13, proof, root)
        for changed in flips(root):
            assert not verify_inclusion(leaves[index], index, 13, proof, changed)


def test_no_consistency_proof_one_step_away_from_the_true_one_is_accepted() -> None:
    leaves = entries(13)
    hash_at, new_root = Nodes(leaves).within(13), root_of(leaves)
    for old in range(1, 14):
        old_root, proof = root_of(leaves[:old]), consistency_proof(old, 13, hash_at)
        for wrong in spoilt(proof):
            assert not verify_consistency(old, old_root, 13, new_root, wrong)
        for changed in flips(old_root):
            assert not verify_consistency(old, changed, 13, new_root, proof)
        for changed in flips(new_root):
            assert not verify_consistency(old, old_root, 13, changed, proof)
        assert not verify_consistency(13, new_root, old, old_root, proof) or old == 13


def test_a_journal_whose_past_was_changed_is_consistent_with_no_old_root() -> None:
    honest = entries(21)
    for changed in range(21):
        forged = [*honest[:changed], b"forged", *honest[changed + 1 :]]
        nodes = Nodes(forged)
        for old in range(changed + 1, 22):
            proof = consistency_proof(old, 21, nodes.within(21))
            assert not verify_consistency(old, root_of(honest[:old]), 21, root_of(forged), proof)


def test_proofs_of_another_shape_are_refused_even_under_a_root_made_to_fit() -> None:
    """Whoever chooses the root too could make these hashes meet; the sizes and the lengths alone forbid it."""
    leaf, beside, long = leaf_hash(b"entry"), bytes(32), bytes(33)
    assert not verify_inclusion(b"entry", 0, 1, [beside], node_hash(beside, leaf))  # too many
    assert not verify_inclusion(b"entry", 0, 4, [beside], node_hash(leaf, beside))  # too few
    assert not verify_inclusion(b"entry", 1, 2, [long], node_hash(long, leaf))
    roots, hash_at = [root_of(entries(size)) for size in range(5)], Nodes(entries(4)).within(4)
    proof = consistency_proof(3, 4, hash_at)
    over, under = node_hash(beside, roots[3]), node_hash(beside, roots[4])
    assert not verify_consistency(3, over, 4, under, [*proof, beside])  # too many
    assert not verify_consistency(2, roots[2], 8, roots[4], consistency_proof(2, 4, hash_at))  # too few
    assert not verify_consistency(3, roots[3], 4, roots[4], [])
    assert not verify_consistency(1, leaf, 2, node_hash(leaf, long), [long])


def test_the_empty_tree_begins_every_tree_and_proves_nothing() -> None:
    root = root_of(entries(5))
    assert verify_consistency(0, EMPTY_ROOT, 5, root, [])
    assert verify_consistency(0, EMPTY_ROOT, 0, EMPTY_ROOT, [])
    assert not verify_consistency(0, EMPTY_ROOT, 0, root, [])
    assert not verify_consistency(0, root, 5, root, [])
    assert not verify_consistency(0, root, 0, root, [])
    assert not verify_consistency(0, EMPTY_ROOT, 5, root, [root])
    assert not verify_consistency(5, root, 5, root, [root])
    assert not verify_inclusion(b"", 0, 0, [], EMPTY_ROOT)


def test_an_interior_node_cannot_be_passed_off_as_an_entry() -> None:
    left, right = leaf_hash(b"a"), leaf_hash(b"b")
    root = root_of([b"a", b"b"])
    assert node_hash(left, right) == root
    assert not verify_inclusion(left + right, 0, 1, [], root)


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_there_is_no_inclusion_proof_for_a_leaf_outside_the_tree(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="has no leaf"):
        inclusion_proof(index, size, Nodes(entries(3)).within(3))


@pytest.mark.parametrize(("old", "new"), [(-1, 3), (4, 3)])
def test_there_is_no_consistency_proof_backwards(old: int, new: int) -> None:
    with pytest.raises(ValueError, match="cannot be the beginning"):
        consistency_proof(old, new, Nodes(entries(3)).within(3))


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=150), st.data())
def test_laws_of_the_tree(leaves: list[bytes], data: st.DataObject) -> None:
    nodes, new = Nodes(leaves), len(leaves)
    index, old = data.draw(st.integers(0, new - 1)), data.draw(st.integers(1, new))
    root, hash_at = root_of(leaves), nodes.within(new)
    assert nodes.frontier.root() == root
    proof, link = inclusion_proof(index, new, hash_at), consistency_proof(old, new, hash_at)
    assert verify_consistency(old, root_of(leaves[:old]), new, root, link)
    entry = data.draw(st.sampled_from(leaves) | st.binary(max_size=40))
    assert verify_inclusion(entry, index, new, proof, root) == (entry == leaves[index])
    items = st.sampled_from([*proof, *link, root, leaf_hash(entry)])
    drawn = data.draw(st.lists(items, max_size=9))
    assert verify_inclusion(leaves[index], index, new, drawn, root) == (drawn == proof)
    assert verify_consistency(old, root_of(leaves[:old]), new, root, drawn) == (drawn == link)


@given(st.data())
def test_proofs_hold_in_trees_too_large_to_build(data: st.DataObject) -> None:
    """With equal leaves a complete subtree's hash depends on its level alone, so any size can be had."""
    levels = [leaf_hash(b"same")]
    while len(levels) < 63:
        levels.append(node_hash(levels[-1], levels[-1]))
    lookups = []

    def hash_at(level: int, index: int) -> bytes:
        lookups.append((level, index))
        return levels[level]

    new = data.draw(st.integers(1, 2**62))
    old, index = data.draw(st.integers(1, new)), data.draw(st.integers(0, new - 1))
    old_root, new_root = Frontier.load(old, hash_at).root(), Frontier.load(new, hash_at).root()
    lookups.clear()
    proof, link = inclusion_proof(index, new, hash_at), consistency_proof(old, new, hash_at)
    assert len(lookups) <= 4 * 63
    assert max(((at + 1) << level for level, at in lookups), default=0) <= new
    assert verify_inclusion(b"same", index, new, proof, new_root)
    assert not verify_inclusion(b"other", index, new, proof, new_root)
    assert verify_consistency(old, old_root, new, new_root, link)
    assert old == new or not verify_consistency(old, new_root, new, old_root, link)


# Commitments


def test_a_commitment_is_the_hash_of_domain_nonce_and_record() -> None:
    nonce = bytes(range(32))
    assert commit(nonce, b"record") == hashlib.sha256(b"usufruct/leaf/v1\n" + nonce + b"record").digest()
    assert seal(nonce, b"bits") == hashlib.sha256(b"usufruct/evidence/v1\n" + nonce + b"bits").hexdigest()
    assert commit(nonce, b"record").hex() != seal(nonce, b"record")
    assert commit(nonce, b"record") != commit(nonce[::-1], b"record")


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_nonce_of_another_length_is_refused(size: int) -> None:
    for make in (commit, seal, opening):
        with pytest.raises(ValueError, match=f"has {size} bytes, not 32"):
            make(bytes(size), b"record")


# Checkpoints and notes


def test_the_example_key_and_note_of_c2sp() -> None:
    name, identity, public = parse_vkey(C2SP_VKEY)
    assert (name, identity.hex()) == ("example.com/foo", "530d903a")
    assert public.hex() == "e932791ae6e7a840a46164c904786426d5e7821dd8b29a00d61cae72afdd4da4"
    assert key_id(name, public) == identity
    assert vkey(name, public) == C2SP_VKEY
    assert open_note(C2SP_NOTE, C2SP_VKEY, verify) == "This is an example message.\n"
    with pytest.raises(ValueError, match="is not valid for this text"):
        open_note(C2SP_NOTE.replace("an example", "no example"), C2SP_VKEY, verify)


def test_a_checkpoint_is_three_lines() -> None:
    checkpoint = Checkpoint(LOG, 8, bytes.fromhex(CT_ROOTS[8]))
    assert checkpoint.body() == "node.example/journal\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n"
    assert Checkpoint.parse(checkpoint.body()) == checkpoint


@given(st.text(min_size=1), st.integers(0, 2**63 - 1), st.binary(min_size=32, max_size=32))
def test_a_checkpoint_that_can_be_made_can_be_read_back(origin: str, size: int, root: bytes) -> None:
    try:
        checkpoint = Checkpoint(origin, size, root)
    except ValueError:
        assert any(character < " " or "\ud800" <= character <= "\udfff" for character in origin)
        return
    assert Checkpoint.parse(checkpoint.body()) == checkpoint
    note = sign_note(checkpoint.body(), LOG, PUBLIC, KEY.sign)
    assert Checkpoint.parse(open_note(note, VKEY, verify)) == checkpoint


ROOT = "XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg="


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "exactly three lines"),
        (f"{LOG}\n8\n{ROOT}", "exactly three lines"),
        (f"{LOG}\n8\n{ROOT}\n\n", "exactly three lines"),
        (f"{LOG}\n8\n{ROOT}\nextension\n", "exactly three lines"),
        (f"{LOG}\n8\n", "exactly three lines"),
        (f"\n8\n{ROOT}\n", "origin"),
        (f"{LOG}\r\n8\n{ROOT}\n", "control characters"),
        (f"{LOG}\ud800\n8\n{ROOT}\n", "valid UTF-8"),
        (f"{LOG}\n\n{ROOT}\n", "whole number"),
        (f"{LOG}\n08\n{ROOT}\n", "whole number"),
        (f"{LOG}\n-8\n{ROOT}\n", "whole number"),
        (f"{LOG}\n+8\n{ROOT}\n", "whole number"),
        (f"{LOG}\n 8\n{ROOT}\n", "whole number"),
        (f"{LOG}\n8_0\n{ROOT}\n", "whole number"),
        (f"{LOG}\n٨\n{ROOT}\n", "whole number"),
        (f"{LOG}\n{2**63}\n{ROOT}\n", "whole number"),
        (f"{LOG}\n{'9' * 5000}\n{ROOT}\n", "whole number"),
        (f"{LOG}\n8\n{ROOT[:-2]}h=\n", "canonical base64"),
        (f"{LOG}\n8\n{ROOT[:-1]}\n", "is not base64"),
        (f"{LOG}\n8\n{ROOT} \n", "is not base64"),
        (f"{LOG}\n8\n{ROOT.replace('+', '-')}\n", "is not base64"),
        (f"{LOG}\n8\nAAAA\n", "3 bytes, not 32"),
    ],
)
def test_a_checkpoint_has_one_spelling(body: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Checkpoint.parse(body)


@pytest.mark.parametrize(("size", "root"), [(-1, bytes(32)), (2**63, bytes(32)), (1, bytes(31))])
def test_a_checkpoint_that_cannot_be_is_not_made(size: int, root: bytes) -> None:
    with pytest.raises(ValueError, match=r"size of a tree|root of a checkpoint"):
        Checkpoint(LOG, size, root)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u2003b", "a\nb", "a\tb", "a\x01b", "a\u2028b", "a\ud800"])
def test_a_key_name_has_no_space_plus_or_control_character(name: str) -> None:
    with pytest.raises(ValueError, match=r"cannot name a key|in signed text"):
        vkey(name, PUBLIC)


def _key_text(kind: int, public: bytes, name: str = LOG, identity: str = key_id(LOG, PUBLIC).hex()) -> str:
    return f"{name}+{identity}+{base64.b64encode(bytes([kind]) + public).decode()}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "three parts"),
        (f"{LOG}+{key_id(LOG, PUBLIC).hex()}", "three parts"),
        (f"{LOG}+{key_id(LOG, PUBLIC).hex()}+", "not an Ed25519 key"),
        (f"{LOG}+{key_id(LOG, PUBLIC).hex()}+?", "is not base64"),
        (_key_text(1, PUBLIC) + "\n", "is not base64"),
        (_key_text(1, PUBLIC, identity="00000000"), "key id `00000000` is not that"),
        (_key_text(1, PUBLIC, identity="zz"), "key id `zz` is not that"),
        (_key_text(1, PUBLIC, name="other"), "is not that of the key"),
        (_key_text(1, OTHER_PUBLIC), "is not that of the key"),
        (_key_text(4, PUBLIC), "not an Ed25519 key"),
        (_key_text(1, PUBLIC[1:]), "32 bytes, not 31"),
    ],
)
def test_a_verifier_key_is_read_strictly(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_vkey(text)


def _line(name: str, identity: bytes, signature: bytes) -> str:
    return f"— {name} {base64.b64encode(identity + signature).decode()}\n"


BODY = Checkpoint(LOG, 8, bytes.fromhex(CT_ROOTS[8])).body()
NOTE = sign_note(BODY, LOG, PUBLIC, KEY.sign)
IDENTITY = key_id(LOG, PUBLIC)


def test_signatures_of_unknown_keys_are_passed_over() -> None:
    strangers = (
        _line("witness.example", b"abcd", b"a timestamp and more than 64 bytes of signature" * 60)
        + _line(LOG, key_id(LOG, OTHER_PUBLIC), OTHER.sign(BODY.encode()))
        + _line("other.example", IDENTITY, bytes(64))
    )
    text, own = NOTE.split("\n\n")
    assert open_note(NOTE + strangers, VKEY, verify) == BODY
    assert open_note(f"{text}\n\n{strangers}{own}", VKEY, verify) == BODY
    with pytest.raises(ValueError, match="is not signed by"):
        open_note(f"{text}\n\n{strangers}", VKEY, verify)


def test_one_bad_signature_of_a_known_key_spoils_the_note() -> None:
    for bad in (bytes(64), KEY.sign(b"another text"), KEY.sign(BODY.encode())[:-1], KEY.sign(BODY.encode()) + b"\0"):
        with pytest.raises(ValueError, match="is not valid for this text"):
            open_note(NOTE + _line(LOG, IDENTITY, bad), VKEY, verify)
    assert open_note(NOTE + NOTE.split("\n\n")[1], VKEY, verify) == BODY
    with pytest.raises(ValueError, match="is not valid for this text"):
        open_note(BODY + "\n" + _line(LOG, IDENTITY, bytes(63)), VKEY, lambda *_: True)


def test_the_text_of_a_note_may_hold_empty_lines_and_what_looks_like_signatures() -> None:
    body = f"one\n\n{_line('x', b'abcd', bytes(64))}\n\n"
    assert open_note(sign_note(body, LOG, PUBLIC, KEY.sign), VKEY, verify) == body


def test_sixteen_signatures_are_read_and_more_than_a_hundred_are_not() -> None:
    stranger = _line("witness.example", b"abcd", bytes(72))
    assert open_note(NOTE + stranger * 15, VKEY, verify) == BODY
    assert open_note(NOTE + stranger * 99, VKEY, verify) == BODY
    with pytest.raises(ValueError, match="more than 100 signatures"):
        open_note(NOTE + stranger * 100, VKEY, verify)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda note: "", "a note is text"),
        (lambda note: BODY, "a note is text"),
        (lambda note: BODY + "\n", "ending in a newline"),
        (lambda note: note[:-1], "ending in a newline"),
        (lambda note: note + "\n", "ending in a newline"),
        (lambda note: note + "stray\n", "is not a signature line"),
        (lambda note: note.replace("— ", "- "), "is not a signature line"),
        (lambda note: note.replace("— ", "—  "), "is not a signature line"),
        (lambda note: note + "— x+y AAAAAAAA\n", "is not a signature line"),
        (lambda note: note + "— x\u00a0y AAAAAAAA\n", "is not a signature line"),
        (lambda note: note + "— x  AAAAAAAA\n", "is not base64"),
        (lambda note: note + "— x\n", "holds no signature"),
        (lambda note: note + "— x AAAAAA==\n", "holds no signature"),
        (lambda note: note + "— x AAAAAAAA \n", "is not base64"),
        (lambda note: note + "— x AAAAAB==\n", "canonical base64"),
        (lambda note: note.replace("\n", "\r\n"), "control characters"),
        (lambda note: note + "— x\t AAAAAAAA\n", "control characters"),
        (lambda note: note + "— x\ud800 AAAAAAAA\n", "valid UTF-8"),
        (lambda note: note.replace("\n8\n", "\n9\n"), "is not valid for this text"),
    ],
)
def test_a_note_is_read_strictly(spoil: Callable[[str], str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        open_note(spoil(NOTE), VKEY, verify)


@pytest.mark.parametrize(
    ("body", "signature", "message"),
    [
        ("no newline", bytes(64), "must end in a newline"),
        ("", bytes(64), "must end in a newline"),
        ("tab\t\n", bytes(64), "control characters"),
        ("text\n", bytes(63), "64 bytes, not 63"),
    ],
)
def test_what_cannot_be_read_is_not_signed(body: str, signature: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sign_note(body, LOG, PUBLIC, lambda _: signature)


# Receipts

NONCES = [hashlib.sha256(bytes([number])).digest() for number in range(11)]
RECORDS = [f'{{"kind":"asked","person":{number}}}'.encode() for number in range(11)]


def _receipt(index: int, size: int = 11, log: str = LOG) -> Receipt:
    leaves = [commit(nonce, record) for nonce, record in zip(NONCES[:size], RECORDS[:size], strict=True)]
    nodes = Nodes(leaves)
    note = sign_note(Checkpoint(log, size, nodes.frontier.root()).body(), LOG, PUBLIC, KEY.sign)
    proof = inclusion_proof(index, size, nodes.within(size))
    return Receipt(index, tuple(proof), note, opening(NONCES[index], RECORDS[index]))


@pytest.mark.parametrize("size", [1, 2, 7, 8, 11])
def test_a_receipt_written_and_read_back_proves_its_record(size: int) -> None:
    for index in range(size):
        receipt = _receipt(index, size)
        again = Receipt.parse(receipt.text())
        assert again == receipt
        assert check(again, VKEY, verify) == RECORDS[index]


def test_a_receipt_has_the_lines_of_tlog_proof() -> None:
    receipt = _receipt(0, 2)
    sibling = base64.b64encode(leaf_hash(commit(NONCES[1], RECORDS[1]))).decode()
    extra = base64.b64encode(NONCES[0] + RECORDS[0]).decode()
    head = f"c2sp.org/tlog-proof@v1\nextra {extra}\nindex 0\n{sibling}\n\n"
    assert receipt.text() == head + receipt.checkpoint_note


def test_every_change_of_one_character_is_refused() -> None:
    text = _receipt(4).text()
    for at, character in enumerate(text):
        for other in ("A", "B", "\n", ""):
            changed = text[:at] + other + text[at + 1 :]
            if other != character and changed != text:
                with pytest.raises(ValueError, match=r"."):
                    check(Receipt.parse(changed), VKEY, verify)


def test_a_receipt_says_what_is_wrong_with_it() -> None:
    good, other = _receipt(4), _receipt(5)
    assert good.extra is not None
    wrong: list[tuple[Receipt, str]] = [
        (Receipt(4, good.proof, good.checkpoint_note), "carries no opening"),
        (Receipt(4, good.proof, good.checkpoint_note, NONCES[4][:-1]), "carries no opening"),
        (Receipt(4, good.proof, good.checkpoint_note, other.extra), "not that of leaf 4"),
        (Receipt(4, good.proof, good.checkpoint_note, good.extra + b" "), "not that of leaf 4"),
        (Receipt(4, other.proof, good.checkpoint_note, good.extra), "not that of leaf 4"),
        (Receipt(5, good.proof, good.checkpoint_note, good.extra), "not that of leaf 5"),
        (Receipt(11, good.proof, good.checkpoint_note, good.extra), "leaf 11 is not in the signed tree of 11"),
        (Receipt(4, good.proof, _receipt(4, 10).checkpoint_note, good.extra), "not that of leaf 4"),
        (Receipt(4, good.proof, BODY, good.extra), "a note is text"),
        (Receipt(4, good.proof, sign_note("x\n", LOG, PUBLIC, KEY.sign), good.extra), "exactly three lines"),
        (_receipt(4, log="another.example"), "of the log `another.example`"),
    ]
    for receipt, message in wrong:
        with pytest.raises(ValueError, match=message):
            check(receipt, VKEY, verify)
    with pytest.raises(ValueError, match="is not signed by"):
        check(good, vkey(LOG, OTHER_PUBLIC), verify)
    with pytest.raises(ValueError, match="three parts"):
        check(good, "nonsense", verify)


HASH = base64.b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "begins with"),
        ("c2sp.org/tlog-proof@v2\nindex 0\n\nnote\n", "begins with"),
        ("c2sp.org/tlog-proof@v1\nindex 0\n", "begins with"),
        ("c2sp.org/tlog-proof@v1\n\nnote\n", "does not say `index`"),
        ("c2sp.org/tlog-proof@v1\nextra AAAA\n\nnote\n", "does not say `index`"),
        ("c2sp.org/tlog-proof@v1\nindex 0\nextra AAAA\n\nnote\n", "is not base64"),
        ("c2sp.org/tlog-proof@v1\nextra AAAA\nextra AAAA\nindex 0\n\nnote\n", "does not say `index`"),
        ("c2sp.org/tlog-proof@v1\nextra \nindex 0\n\nnote\n", "extra data of a receipt are empty"),
        ("c2sp.org/tlog-proof@v1\nextra AA\nindex 0\n\nnote\n", "is not base64"),
        ("c2sp.org/tlog-proof@v1\nindex 00\n\nnote\n", "whole number"),
        ("c2sp.org/tlog-proof@v1\nindex -1\n\nnote\n", "whole number"),
        ("c2sp.org/tlog-proof@v1\r\nindex 0\r\n\r\nnote\n", "begins with"),
        ("c2sp.org/tlog-proof@v1\nindex 0\nAAAA\n\nnote\n", "hashes of 32 bytes"),
        (f"c2sp.org/tlog-proof@v1\nindex 0\n{HASH} \n\nnote\n", "is not base64"),
        ("c2sp.org/tlog-proof@v1\nindex 0\n" + f"{HASH}\n" * 64 + "\nnote\n", "at most 63 hashes"),
        (f"c2sp.org/tlog-proof@v1\nindex 0\n{HASH}\n\n", "carries no checkpoint"),
    ],
)
def test_a_receipt_is_read_strictly(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Receipt.parse(text)


@pytest.mark.parametrize(
    ("index", "proof", "note", "extra"),
    [(-1, (), "note", None), (0, (b"short",), "note", None), (0, (), "", None), (0, (), "note", b"")],
)
def test_a_receipt_that_cannot_be_written_is_not_made(
    index: int, proof: tuple[bytes, ...], note: str, extra: bytes | None
) -> None:
    with pytest.raises(ValueError, match=r"whole number|inclusion proof|carries no checkpoint|leave them out"):
        Receipt(index, proof, note, extra)


@given(
    st.integers(0, 2**63 - 1),
    st.lists(st.binary(min_size=32, max_size=32), max_size=63),
    st.none() | st.binary(min_size=1),
)
def test_receipts_round_trip(index: int, proof: list[bytes], extra: bytes | None) -> None:
    receipt = Receipt(index, tuple(proof), NOTE, extra)
    assert Receipt.parse(receipt.text()) == receipt


@given(st.text(), st.text())
def test_rubbish_is_refused_in_small_letters(head: str, tail: str) -> None:
    readers: list[Callable[[str], object]] = [
        Checkpoint.parse,
        parse_vkey,
        lambda text: open_note(text, VKEY, verify),
        lambda text: check(Receipt.parse(text), VKEY, verify),
    ]
    for text in (head, f"{head}\n\n{tail}", f"c2sp.org/tlog-proof@v1\n{head}\n\n{tail}", f"{NOTE}{head}\n"):
        for read in readers:
            with pytest.raises(ValueError, match=r"^[^A-Z]"):
                read(text)


# A log that others wrote
