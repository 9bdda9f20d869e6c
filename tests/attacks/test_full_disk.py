"""T44: disks that are full, of the artifacts and of the database. What fails fails whole, and goes on with space."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, connections

from conductor.engine.models import Run, Try
from conductor.engine.run.executor import advance
from conductor.ledger import blobs
from conductor.ledger.keys.keyring import keyring
from conductor.ledger.log.sequencer import sequence
from conductor.ledger.models import Receipt
from conductor.ledger.verify.verification import verify_ledger
from conductor.lib.clock import now as clock
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Environment, Tenant
from controls.lifecycle import bind_defaults, start_restore_verification
from evidence.bundles.verification import verify_bundle
from evidence.models import Artifact, EvidenceBundle
from incidents.incident.lifecycle import declare_incident
from incidents.models.incident import Incident
from tests.attacks.full_disk import SmallDisk, small_disk
from tests.evidence.bundles import attach, collecting
from tests.evidence.driving import DSN_VARIABLE, backup_adapter, drive, dsn, local_notary, log_of

pytestmark = [pytest.mark.full, pytest.mark.usefixtures("committed")]
Make = Callable[..., Actor]
ARTIFACT = os.urandom(300_000)


@pytest.fixture
def artifacts(tmp_path: Path, settings: Any) -> Iterator[SmallDisk]:
    """The artifacts' folder on a disk of four megabytes."""
    with small_disk(tmp_path / "artifacts", megabytes=4) as disk:
        options = {**settings.STORAGES["artifacts"]["OPTIONS"], "location": disk.folder}
        settings.STORAGES = {**settings.STORAGES, "artifacts": {**settings.STORAGES["artifacts"], "OPTIONS": options}}
        yield disk


def stored(disk: SmallDisk) -> list[str]:
    return [path.name for path in disk.folder.rglob("*") if path.is_file() and path.name != "filler"]


def test_t44_an_artifact_that_does_not_fit_leaves_nothing_and_is_kept_once_there_is_space(
    tenant: Tenant, actor: Make, cora: User, artifacts: SmallDisk
) -> None:
    with tenant_scope(tenant.id):
        bundle = collecting(tenant, actor(cora), clock())
        before = Receipt.objects.count()
    artifacts.fill(leave_bytes=100_000)
    with pytest.raises(blobs.BlobNotStored, match="No space left"), tenant_scope(tenant.id):
        attach(bundle, actor(cora), clock(), data=ARTIFACT)

    with tenant_scope(tenant.id):
        assert not Artifact.objects.exists()
        assert Receipt.objects.count() == before
    assert stored(artifacts) == [], "not even the half that fitted"
    assert artifacts.free_bytes >= 90_000

    artifacts.empty()
    with tenant_scope(tenant.id):
        artifact = attach(bundle, actor(cora), clock(), data=ARTIFACT)
        assert blobs.verify(tenant_id=tenant.id, digest=artifact.digest)


def test_t44_a_run_whose_evidence_does_not_fit_tries_again_and_finishes_once_there_is_space(
    tenant: Tenant, artifacts: SmallDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DSN_VARIABLE, dsn())
    with tenant_scope(tenant.id):
        environment = Environment.objects.get(slug="production")
        backup_adapter(tenant, environment)
        local_notary(tenant)
        bind_defaults(tenant_id=tenant.id, actor=Actor.system(), now=clock())
        run = start_restore_verification(
            tenant_id=tenant.id, environment=environment, actor=Actor.system(), now=clock()
        )
    artifacts.fill()
    failed = _until_a_try_fails(run)
    assert "No space left" in failed.error
    with tenant_scope(tenant.id):
        run.refresh_from_db()
        assert not run.is_over, log_of(run)

    artifacts.empty()
    run = drive(tenant_id=tenant.id, run_id=run.id)

    assert run.status == "SUCCEEDED", log_of(run)
    with tenant_scope(tenant.id):
        bundle = EvidenceBundle.objects.get(run_id=run.id)
        paths = list(Artifact.objects.filter(bundle=bundle).values_list("path", flat=True))
        assert len(paths) == len(set(paths))
        assert bundle.status == "SEALED"
        assert all(blobs.verify(tenant_id=tenant.id, digest=each.digest) for each in bundle.artifacts.all())
        assert not verify_bundle(bundle).is_broken


def _until_a_try_fails(run: Run) -> Try:
    for _round in range(40):
        sequence(tenant_id=run.tenant_id, now=clock())
        advance(tenant_id=run.tenant_id, run_id=run.id, worker="test", now=clock())
        with tenant_scope(run.tenant_id):
            if failed := Try.objects.filter(step__run=run, outcome="FAILED").first():
                return failed
            Run.objects.filter(id=run.id, status__in=["WAITING", "QUEUED"]).update(wake_at=clock())
    raise AssertionError(log_of(run))


@pytest.fixture
def receipts_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallDisk]:
    """The table of receipts on a disk of eight megabytes."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("SHOW data_directory")
        data = Path(cursor.fetchone()[0])
    folder = data.parent / f"small-disk-{os.getpid()}"
    with small_disk(folder, megabytes=8, owner=data) as disk:
        with psycopg.connect(dsn(), autocommit=True) as owner:
            owner.execute(f"CREATE TABLESPACE small_disk LOCATION '{_folder_of(disk, owner=data)}'")
            owner.execute("ALTER TABLE conductor_receipt SET TABLESPACE small_disk")
        try:
            yield disk
        finally:
            connection.close()
            with psycopg.connect(dsn(), autocommit=True) as owner:
                owner.execute("ALTER TABLE conductor_receipt SET TABLESPACE pg_default")
                owner.execute("DROP TABLESPACE small_disk")
    folder.rmdir()


def _folder_of(disk: SmallDisk, *, owner: Path) -> Path:
    """Return an empty folder on the disk that belongs to the database's server."""
    told, folder = owner.stat(), disk.folder / "data"
    folder.mkdir(mode=0o700)
    os.chown(folder, told.st_uid, told.st_gid)
    return folder


def test_t44_a_database_without_space_leaves_no_act_without_receipt_and_no_receipt_without_act(
    tenant: Tenant, actor: Make, cora: User, receipts_disk: SmallDisk
) -> None:
    def declare(number: int) -> None:
        with tenant_scope(tenant.id):
            summary = os.urandom(1500).hex()
            declare_incident(
                tenant_id=tenant.id,
                title=f"Number {number}",
                summary=summary,
                severity="SEV3",
                actor=actor(cora),
                now=clock(),
            )

    def counts() -> tuple[int, int]:
        with tenant_scope(tenant.id):
            declared = Receipt.objects.filter(action="incidents.incident.declared").count()
            return Incident.everything.count(), declared

    receipts_disk.fill()
    refused = 0
    for number in range(60):
        try:
            declare(number)
        except DatabaseError as failure:
            assert isinstance(failure.__cause__, psycopg.errors.DiskFull), failure
            refused += 1
            if refused == 3:
                break
    assert refused == 3, "the disk was never full"
    incidents, declared = counts()
    assert incidents == declared == number - 2

    receipts_disk.empty()
    declare(100)
    sequence(tenant_id=tenant.id, now=clock())
    assert counts() == (incidents + 1, declared + 1)
    with tenant_scope(tenant.id):
        assert not Receipt.objects.filter(leaf_index=None).exists()
        assert verify_ledger(tenant_id=tenant.id, keyring=keyring()).faults == []
