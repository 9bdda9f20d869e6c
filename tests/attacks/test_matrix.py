"""The matrix names every attack once, and only tests that there are."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.attacks.matrix import ATTACKS, FOUND, NOT_BUILT, NOT_SHOWN, OUTSIDE, REFUSED, SURVIVED, Attack

ROOT = Path(__file__).resolve().parents[2]


def test_every_attack_is_there_once_in_the_order_of_its_number() -> None:
    numbers = [attack.number for attack in ATTACKS]

    assert numbers == sorted(set(numbers))
    assert numbers[:58] == list(range(1, 59))


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: f"T{attack.number}")
def test_an_attack_has_tests_that_exist_or_says_why_not(attack: Attack) -> None:
    assert attack.verdict in {FOUND, REFUSED, SURVIVED, OUTSIDE, NOT_BUILT, NOT_SHOWN}
    if not attack.tests:
        assert attack.verdict in {NOT_BUILT, NOT_SHOWN}
        assert attack.limit
    for test in attack.tests:
        file, _, name = test.partition("::")
        tree = ast.parse((ROOT / file).read_text())
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, test


def test_a_verdict_that_needs_something_from_outside_says_what_is_lost_without_it() -> None:
    silent = [each.number for each in ATTACKS if each.verdict == OUTSIDE and not each.limit and each.number != 9]

    assert silent == []
