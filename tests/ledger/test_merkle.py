"""The Merkle tree against reference vectors, its own properties, and forgers (T14, T15)."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conductor.ledger.log import merkle

VECTORS = json.loads((Path(__file__).parent / "vectors" / "merkle.json").read_text())
LEAVES = [merkle.leaf_hash(bytes.fromhex(each)) for each in VECTORS["leaves"]]

leaf_lists = st.integers(1, 70).map(lambda n: [merkle.leaf_hash(str(i).encode()) for i in range(n)])


def decoded(vector: dict[str, Any]) -> dict[str, Any]:
    return {
        name: [base64.b64decode(each) for each in value]
        if isinstance(value, list)
        else base64.b64decode(value)
        if isinstance(value, str)
        else value
        for name, value in vector.items()
    }


def inclusion(index: int = 5, size: int = 8) -> dict[str, Any]:
    leaves = LEAVES[:size]
    return {
        "leaf": leaves[index],
        "index": index,
        "size": size,
        "proof": merkle.inclusion_proof(index=index, leaf_hashes=leaves),
        "root_hash": merkle.root(leaves),
    }


def consistency(size1: int = 3, size2: int = 8) -> dict[str, Any]:
    return {
        "size1": size1,
        "size2": size2,
        "root1": merkle.root(LEAVES[:size1]),
        "root2": merkle.root(LEAVES[:size2]),
        "proof": merkle.consistency_proof(size1=size1, leaf_hashes=LEAVES[:size2]),
    }


@pytest.mark.parametrize("size", range(9))
def test_the_roots_are_those_of_the_reference_tree(size: int) -> None:
    assert merkle.root(LEAVES[:size]).hex() == VECTORS["roots"][size]


@pytest.mark.parametrize("vector", VECTORS["inclusion"])
def test_inclusion_proofs_are_those_of_the_reference_tree(vector: dict[str, Any]) -> None:
    known = decoded(vector)

    made = merkle.inclusion_proof(index=known["index"], leaf_hashes=LEAVES[: known["size"]])

    assert made == known["proof"]
    merkle.verify_inclusion(
        leaf=known["leaf"], index=known["index"], size=known["size"], proof=made, root_hash=known["root"]
    )


@pytest.mark.parametrize("vector", VECTORS["consistency"])
def test_consistency_proofs_are_those_of_the_reference_tree(vector: dict[str, Any]) -> None:
    known = decoded(vector)

    made = merkle.consistency_proof(size1=known["size1"], leaf_hashes=LEAVES[: known["size2"]])

    assert made == known["proof"]
    merkle.verify_consistency(**known)


@settings(max_examples=60, deadline=None)
@given(leaf_lists, st.data())
def test_every_leaf_of_every_tree_is_proven_by_its_own_path_only(leaves: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    other = data.draw(st.integers(0, len(leaves) - 1))
    root, proof = merkle.root(leaves), merkle.inclusion_proof(index=index, leaf_hashes=leaves)

    merkle.verify_inclusion(leaf=leaves[index], index=index, size=len(leaves), proof=proof, root_hash=root)

    if other != index:
        with pytest.raises(merkle.ProofRefused):
            merkle.verify_inclusion(leaf=leaves[index], index=other, size=len(leaves), proof=proof, root_hash=root)


@settings(max_examples=60, deadline=None)
@given(leaf_lists, st.data())
def test_every_prefix_of_every_log_is_consistent_with_it(leaves: list[bytes], data: st.DataObject) -> None:
    size1 = data.draw(st.integers(1, len(leaves)))
    root1, root2 = merkle.root(leaves[:size1]), merkle.root(leaves)
    proof = merkle.consistency_proof(size1=size1, leaf_hashes=leaves)

    merkle.verify_consistency(size1=size1, size2=len(leaves), root1=root1, root2=root2, proof=proof)

    if size1 < len(leaves):
        forged = merkle.root([*leaves[: size1 - 1], merkle.leaf_hash(b"rewritten")])
        with pytest.raises(merkle.ProofRefused):
            merkle.verify_consistency(size1=size1, size2=len(leaves), root1=forged, root2=root2, proof=proof)


@settings(max_examples=60, deadline=None)
@given(leaf_lists)
def test_a_frontier_grown_leaf_by_leaf_has_the_root_of_the_tree_rebuilt(leaves: list[bytes]) -> None:
    frontier = merkle.Frontier()
    for expected, leaf in enumerate(leaves):
        revived = merkle.Frontier.from_hex(size=frontier.size, hashes=frontier.to_hex())
        assert revived == frontier
        assert frontier.append(leaf) == expected
    slow = recursive_root(leaves)

    assert frontier.root() == slow


def recursive_root(leaves: list[bytes]) -> bytes:
    """RFC 6962, 2.1, word for word: the oracle of the frontier."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return merkle.node_hash(recursive_root(leaves[:split]), recursive_root(leaves[split:]))


FORGED_INCLUSION: dict[str, Callable[[dict[str, Any]], Any]] = {
    "index beyond the size": lambda p: p.update(index=8),
    "huge index": lambda p: p.update(index=1 << 70),
    "negative index": lambda p: p.update(index=-1),
    "neighbour's index": lambda p: p.update(index=4),
    "size + 1": lambda p: p.update(size=9),
    "size / 2": lambda p: p.update(size=4, index=1),
    "no tree": lambda p: p.update(size=0),
    "empty proof": lambda p: p.update(proof=[]),
    "proof too short": lambda p: p["proof"].pop(),
    "proof too long": lambda p: p["proof"].append(p["root_hash"]),
    "root before the proof": lambda p: p["proof"].insert(0, p["root_hash"]),
    "siblings swapped": lambda p: p["proof"].reverse(),
    "31-byte node": lambda p: p["proof"].__setitem__(0, p["proof"][0][:31]),
    "31-byte leaf": lambda p: p.update(leaf=p["leaf"][:31]),
    "another leaf": lambda p: p.update(leaf=LEAVES[0]),
    "another root": lambda p: p.update(root_hash=merkle.root(LEAVES[:7])),
    "one bit": lambda p: p["proof"].__setitem__(1, bytes([p["proof"][1][0] ^ 1]) + p["proof"][1][1:]),
}


@pytest.mark.parametrize("forge", FORGED_INCLUSION.values(), ids=FORGED_INCLUSION)
def test_a_forged_inclusion_proof_is_refused(forge: Callable[[dict[str, Any]], Any]) -> None:
    proof = inclusion()
    merkle.verify_inclusion(**proof)
    forge(proof)

    with pytest.raises(merkle.ProofRefused):
        merkle.verify_inclusion(**proof)


FORGED_CONSISTENCY: dict[str, Callable[[dict[str, Any]], Any]] = {
    "from an empty log": lambda p: p.update(size1=0, root1=merkle.EMPTY_ROOT, proof=[]),
    "backwards": lambda p: p.update(size1=8, size2=3, root1=p["root2"], root2=p["root1"]),
    "same size, another root": lambda p: p.update(size1=8, proof=[]),
    "same size with a proof": lambda p: p.update(size1=8, root1=p["root2"]),
    "roots swapped": lambda p: p.update(root1=p["root2"], root2=p["root1"]),
    "size1 + 1": lambda p: p.update(size1=4),
    "size1 - 1": lambda p: p.update(size1=2),
    "size2 * 2": lambda p: p.update(size2=16),
    "size2 / 2": lambda p: p.update(size2=4),
    "empty proof": lambda p: p.update(proof=[]),
    "empty proof from a power of two": lambda p: p.update(size1=4, root1=merkle.root(LEAVES[:4]), proof=[]),
    "proof too short": lambda p: p["proof"].pop(),
    "proof too long": lambda p: p["proof"].append(p["root1"]),
    "root before the proof": lambda p: p["proof"].insert(0, p["root1"]),
    "another old root": lambda p: p.update(root1=LEAVES[0]),
    "another new root": lambda p: p.update(root2=LEAVES[0]),
    "31-byte node": lambda p: p["proof"].__setitem__(0, p["proof"][0][:31]),
}


@pytest.mark.parametrize("forge", FORGED_CONSISTENCY.values(), ids=FORGED_CONSISTENCY)
def test_a_forged_consistency_proof_is_refused(forge: Callable[[dict[str, Any]], Any]) -> None:
    proof = consistency()
    merkle.verify_consistency(**proof)
    forge(proof)

    with pytest.raises(merkle.ProofRefused):
        merkle.verify_consistency(**proof)


def test_an_inner_node_cannot_be_passed_off_as_an_entry() -> None:
    left, right = merkle.leaf_hash(b"a"), merkle.leaf_hash(b"b")
    root = merkle.node_hash(left, right)

    assert merkle.leaf_hash(left + right) != root
    with pytest.raises(merkle.ProofRefused):
        merkle.verify_inclusion(leaf=merkle.leaf_hash(left + right), index=0, size=1, proof=[], root_hash=root)


def test_no_proof_is_made_for_what_is_not_in_the_log() -> None:
    for index in (-1, 8):
        with pytest.raises(ValueError, match="no leaf"):
            merkle.inclusion_proof(index=index, leaf_hashes=LEAVES)
    for size in (0, 9):
        with pytest.raises(ValueError, match="no consistency proof"):
            merkle.consistency_proof(size1=size, leaf_hashes=LEAVES)


def test_the_root_of_an_empty_log_is_the_hash_of_nothing() -> None:
    assert merkle.Frontier().root() == merkle.EMPTY_ROOT


@pytest.mark.parametrize(
    ("size", "hashes"), [(3, ["00" * 32]), (0, ["00" * 32]), (1, ["00" * 31]), (-1, []), (1, ["zz" * 32])]
)
def test_a_damaged_frontier_is_refused(size: int, hashes: list[str]) -> None:
    with pytest.raises(ValueError, match=r"frontier|bytes|hexadecimal"):
        merkle.Frontier.from_hex(size=size, hashes=hashes)
