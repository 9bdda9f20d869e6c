"""Records of other apps that the ledger vouches for: whether they still say what was signed.

The ledger knows only receipts. An app whose rows are read in place of what was signed registers a check in its
AppConfig.ready(); `manage.py verify_ledger` runs every one of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class RecordReport:
    """What one check looked at in the active tenant, and what is wrong."""

    what: str
    """Plural, as a person reads it: `sealed bundles`."""
    looked_at: int = 0
    faults: list[str] = field(default_factory=list)
    """One sentence each, naming the record and the field."""
    unread: str = ""
    """What was left out, such as `3 artifact files`; empty when nothing was."""


RecordCheck = Callable[[bool], RecordReport]
"""Compares the active tenant's records with what was signed. True: stored files are read as well. Writes nothing."""

_checks: dict[str, RecordCheck] = {}


def register_records(*, name: str, check: RecordCheck) -> None:
    """Run `check` with every verification of the ledger. Called in AppConfig.ready()."""
    _checks[name] = check


def check_records(*, read_files: bool) -> list[RecordReport]:
    """Return one report for each check, in the order of their names. Needs the tenant's scope."""
    return [_checks[name](read_files) for name in sorted(_checks)]
