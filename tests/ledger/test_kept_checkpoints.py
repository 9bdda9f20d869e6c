"""`manage.py verify_ledger --checkpoint FILE`: what is wrong with the file is not a fault of the ledger's."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from conductor.ledger.selectors import latest_checkpoint
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from tests.ledger.acts import logged

pytestmark = pytest.mark.fault("proof-ledger-checkpoint")


@pytest.fixture
def note(tenant: Tenant, now: datetime) -> str:
    logged(tenant, now, 5)
    with tenant_scope(tenant.id):
        return latest_checkpoint().note


def kept(folder: Path, note: str) -> Path:
    path = folder / "checkpoint.txt"
    path.write_bytes(note.encode())
    return path


@pytest.mark.parametrize(
    "saved", ["{}", "{}\n", "\n{}\n\n\n", "{} \n"], ids=["as it is", "psql", "blank lines round it", "a space"]
)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_blank_lines_and_line_ends_of_an_editor_are_no_fault(
    note: str, tenant: Tenant, tmp_path: Path, saved: str, ending: str
) -> None:
    text = saved.format(note).replace("\n", ending)

    call_command("verify_ledger", tenant=tenant.slug, checkpoint=[kept(tmp_path, text)])


@pytest.mark.parametrize("change", ["", "not a checkpoint", "{}cut", "<{}>"])
def test_a_file_that_is_no_checkpoint_is_named_and_nothing_is_verified(
    note: str, tenant: Tenant, tmp_path: Path, change: str
) -> None:
    path = kept(tmp_path, change.format(note[:40]))

    with pytest.raises(CommandError, match=f"{path} is not a checkpoint: .* Nothing was verified"):
        call_command("verify_ledger", tenant=tenant.slug, checkpoint=[path])


def test_a_checkpoint_of_a_log_that_is_not_looked_at_is_refused(
    note: str, tenant: Tenant, other_tenant: Tenant, tmp_path: Path
) -> None:
    """It would not have been compared with anything."""
    path = kept(tmp_path, note)

    with pytest.raises(CommandError, match=f"is of the log .*/{tenant.id}, which is not among those to verify"):
        call_command("verify_ledger", tenant=other_tenant.slug, checkpoint=[path])


def test_a_checkpoint_that_the_log_contradicts_is_still_a_fault(note: str, tenant: Tenant, tmp_path: Path) -> None:
    size = note.split("\n")[1]
    path = kept(tmp_path, note.replace(f"\n{size}\n", f"\n{int(size) + 5}\n", 1))

    with pytest.raises(CommandError, match="1 faults"):
        call_command("verify_ledger", tenant=tenant.slug, checkpoint=[path])
