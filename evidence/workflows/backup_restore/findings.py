"""What a backup and restore verification found, check by check. Pure: facts in, findings out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from adapters.ports.table_manifest import Difference, TableManifest
from conductor.console.format.values import byte_size, duration, exact_moment, number, short_digest
from conductor.lib.clock import parse_rfc3339
from evidence.bundles.findings import EXCEPTION, NOT_CHECKED, PASS, Finding

SHOWN = 5
"""Differences that a finding names; the CSV among the artifacts has all of them."""


def findings_of(
    *,
    backup: Mapping[str, Any],
    restore: Mapping[str, Any],
    destroyed: Mapping[str, Any],
    source: TableManifest,
    restored: TableManifest | None,
    rto: timedelta,
    rpo: timedelta,
) -> list[Finding]:
    """Return the findings R1 to R10 in order. Without `restored` the restore failed, and little can be checked.

    What this workflow cannot test, it lists as not checked (R8, R10): a gap is part of what was found.
    """
    differences = source.differences(restored) if restored else []
    return [
        _recovery_point(backup),
        _isolation(backup, restore),
        _recovery_time(restore, rto),
        _recovery_age(backup, restore, rpo),
        _completeness(source, restored, [each for each in differences if each.what != "checksum"]),
        _integrity(source, restored, [each for each in differences if each.what == "checksum"]),
        _usability(source, restored),
        Finding(
            check="R8",
            title="Backup encrypted at rest",
            expected="A dump that nobody reads without a key",
            actual="Not tested: the dump is made, read and removed by this run",
            result=NOT_CHECKED,
        ),
        _destruction(destroyed),
        Finding(
            check="R10",
            title="Operator is not the approver",
            expected="Somebody else than who started it approves",
            actual="Not tested: this workflow asks nobody for approval",
            result=NOT_CHECKED,
        ),
    ]


def _recovery_point(backup: Mapping[str, Any]) -> Finding:
    dump = backup["dump"]
    facts = (_moment(backup["recovery_point_at"]), byte_size(dump["size_bytes"]), short_digest(dump["digest"]))
    return Finding(
        check="R1",
        title="Recovery point identified",
        expected="A dump with its time, size and digest",
        actual=", ".join(facts),
        result=PASS if dump["size_bytes"] else EXCEPTION,
        detail=str(backup.get("whose", "")),
    )


def _isolation(backup: Mapping[str, Any], restore: Mapping[str, Any]) -> Finding:
    apart = restore["database"] != backup["database"]
    return Finding(
        check="R2",
        title="Restored apart from the source",
        expected="A database of its own",
        actual=f"{restore['database']}, beside {backup['database']} on the same server",
        result=PASS if apart else EXCEPTION,
        detail="The copy is a database of its own on the source's server: the loss of that server was not tested",
    )


def _recovery_time(restore: Mapping[str, Any], target: timedelta) -> Finding:
    title, expected = "Time to restore", f"At most {duration(target)}"
    if not restore["restored"]:
        return Finding("R3", title, expected, "The restore failed", EXCEPTION, restore["error"])
    took = timedelta(seconds=float(restore["duration_seconds"]))
    return Finding("R3", title, expected, duration(took), PASS if took <= target else EXCEPTION)


def _recovery_age(backup: Mapping[str, Any], restore: Mapping[str, Any], target: timedelta) -> Finding:
    title, expected = "Age of the recovery point when restored", f"At most {duration(target)}"
    if not restore["restored"]:
        return Finding("R4", title, expected, "The restore failed", NOT_CHECKED)
    age = parse_rfc3339(restore["finished_at"]) - parse_rfc3339(backup["recovery_point_at"])
    taken = "The dump was taken by this run: no scheduled backup was tested"
    return Finding("R4", title, expected, duration(age), PASS if age <= target else EXCEPTION, taken)


def _completeness(source: TableManifest, restored: TableManifest | None, differences: list[Difference]) -> Finding:
    expected = f"{number(len(source.tables))} tables, {number(source.total_rows)} rows"
    title = "Tables, columns and rows complete"
    if restored is None:
        return Finding("R5", title, expected, "The restore failed", EXCEPTION)
    actual = f"{number(len(restored.tables))} tables, {number(restored.total_rows)} rows"
    return Finding("R5", title, expected, actual, EXCEPTION if differences else PASS, _named(differences))


def _integrity(source: TableManifest, restored: TableManifest | None, differences: list[Difference]) -> Finding:
    title, expected = "Contents identical", f"The checksums of {number(len(source.tables))} tables"
    if restored is None:
        return Finding("R6", title, expected, "The restore failed", NOT_CHECKED)
    mine = {table.name: table.checksum for table in source.tables}
    same = sum(mine.get(table.name) == table.checksum for table in restored.tables)
    actual = f"{number(same)} of {number(len(source.tables))} match"
    whole = same == len(source.tables) and not differences
    return Finding("R6", title, expected, actual, PASS if whole else EXCEPTION, _named(differences))


def _usability(source: TableManifest, restored: TableManifest | None) -> Finding:
    """The copy answers queries: each table of it was read whole, and none that had rows came back empty."""
    title, expected = "Copy answers queries", "Every table can be read, none has lost all its rows"
    if restored is None:
        return Finding("R7", title, expected, "The restore failed", NOT_CHECKED)
    filled = {table.name for table in source.tables if table.rows}
    read = {table.name for table in restored.tables if table.rows}
    empty = sorted(filled - read)
    actual = f"{number(len(filled & read))} of {number(len(filled))} filled tables read"
    return Finding("R7", title, expected, actual, EXCEPTION if empty else PASS, ", ".join(empty[:SHOWN]))


def _destruction(destroyed: Mapping[str, Any]) -> Finding:
    gone = destroyed["database"] not in destroyed["scratch_databases_after"] and destroyed["dump_removed"]
    return Finding(
        check="R9",
        title="Copy and dump destroyed",
        expected="Neither is left",
        actual=f"Dropped {_moment(destroyed['dropped_at'])}" if gone else f"{destroyed['database']} is still there",
        result=PASS if gone else EXCEPTION,
    )


def _moment(text: str) -> str:
    return exact_moment(parse_rfc3339(text))


def _named(differences: Iterable[Difference]) -> str:
    listed = list(differences)
    rest = f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
    return "; ".join(str(each) for each in listed[:SHOWN]) + rest
