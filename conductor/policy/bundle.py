"""The rules in force: Rego files as one revision, read once per process and named by digest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from conductor.lib.canonical import canonical_json, sha256_hex

REGO_FOLDER = Path(__file__).parent / "rego"
TEST_SUFFIX = "_test.rego"


@dataclass(frozen=True)
class Bundle:
    """Rego files that are evaluated together."""

    digest: str
    """SHA-256 over the RFC 8785 bytes of `files`: anybody who has the files can compute it again."""
    files: Mapping[str, str]
    """File name to Rego text, sorted by name, without the tests."""


def bundle_of(files: Mapping[str, str]) -> Bundle:
    """Return the rules among `files` as a bundle; tests decide nothing and are left out."""
    rules = {name: files[name] for name in sorted(files) if not name.endswith(TEST_SUFFIX)}
    return Bundle(digest=sha256_hex(canonical_json(rules)), files=rules)


def read_folder(folder: Path = REGO_FOLDER) -> dict[str, str]:
    """Return every Rego file of `folder`, tests included, sorted by name."""
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.rego"))}


@cache
def policy_bundle() -> Bundle:
    """Return the built-in rules.

    They are read once: a file that changes under a running process is in force after the restart, so that the
    digest of a decision always names the text that every thread evaluated.
    """
    return bundle_of(read_folder())
