from __future__ import annotations

import hashlib
import json
from pathlib import Path

from conductor.policy.bundle import bundle_of, policy_bundle, read_folder


def test_the_digest_can_be_computed_from_the_files_alone() -> None:
    bundle = policy_bundle()

    text = json.dumps(dict(bundle.files), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert bundle.digest == hashlib.sha256(text.encode()).hexdigest()


def test_one_changed_byte_is_another_bundle() -> None:
    files = read_folder()
    changed = {**files, "seal.rego": files["seal.rego"].replace("> 0", ">= 0")}

    assert changed != files
    assert bundle_of(changed).digest != bundle_of(files).digest


def test_the_order_of_the_files_does_not_matter() -> None:
    files = read_folder()
    backwards = dict(reversed(files.items()))

    assert list(backwards) != list(files)
    assert bundle_of(backwards) == bundle_of(files)


def test_tests_are_not_part_of_the_rules_in_force() -> None:
    files = read_folder()

    assert "seal_test.rego" in files
    names = {"activate", "basis", "decide", "declare", "redact", "resolve", "retire", "review", "seal"}
    assert set(policy_bundle().files) == {f"{name}.rego" for name in names}


def test_every_file_of_rules_has_a_file_of_tests(tmp_path: Path) -> None:
    files = read_folder()

    lonely = [name for name in policy_bundle().files if name.replace(".rego", "_test.rego") not in files]
    assert lonely == []
    assert read_folder(tmp_path) == {}
