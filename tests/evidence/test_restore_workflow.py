"""The backup and restore verification on the real database server, from its start to a pack that verifies."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from psycopg import sql

from adapters.configuration.opening import backup
from adapters.models.adapter import AdapterConfig
from adapters.ports.protocols import SCRATCH_PREFIX
from conductor.engine.define import registry
from conductor.engine.models import Run, Try
from conductor.ledger import blobs
from conductor.ledger.models import Receipt
from conductor.lib.clock import now as clock_now
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Environment, Tenant
from controls.lifecycle import bind_defaults, start_restore_verification
from evidence.bundles.verification import verify_bundle
from evidence.models import Artifact, EvidenceBundle, Pack
from evidence.pack_format import verify
from evidence.workflows.backup_restore import steps
from tests.evidence.driving import DSN_VARIABLE, backup_adapter, drive, dsn, local_notary, log_of


@pytest.fixture
def source(committed: None, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> Iterator[Environment]:
    """Northwind's production environment, with this database as its backup source and bindings to prove."""
    monkeypatch.setenv(DSN_VARIABLE, dsn())
    with tenant_scope(tenant.id):
        environment = Environment.objects.get(slug="production")
        backup_adapter(tenant, environment)
        local_notary(tenant)
        bind_defaults(tenant_id=tenant.id, actor=Actor.system(), now=clock_now())
    yield environment
    with psycopg.connect(dsn(), autocommit=True) as connection:
        for name in _scratch_databases():
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _scratch_databases() -> list[str]:
    with psycopg.connect(dsn(), autocommit=True) as connection:
        rows = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [f"{SCRATCH_PREFIX}%"])
        return [name for (name,) in rows]


def _start(tenant: Tenant, environment: Environment, **given: Any) -> Run:
    with tenant_scope(tenant.id):
        return start_restore_verification(
            tenant_id=tenant.id, environment=environment, actor=Actor.system(), now=clock_now(), **given
        )


def _finish(run: Run) -> EvidenceBundle:
    done = drive(tenant_id=run.tenant_id, run_id=run.id)
    assert done.status == "SUCCEEDED", log_of(done)
    with tenant_scope(run.tenant_id):
        return EvidenceBundle.objects.get(run=run)


def _results(bundle: EvidenceBundle) -> dict[str, str]:
    return {finding["check"]: finding["result"] for finding in bundle.findings}


def _read(bundle: EvidenceBundle, path: str) -> Any:
    with tenant_scope(bundle.tenant_id):
        digest = bundle.artifacts.get(path=path).digest
    return json.loads(blobs.read(tenant_id=bundle.tenant_id, digest=digest))


def _wrap(monkeypatch: pytest.MonkeyPatch, name: str, wrapper: Callable[[Any, Any], dict[str, Any]]) -> None:
    """Have `wrapper(original, ctx)` called in place of the step, in the registry itself."""
    known = registry.step(name)
    stand_in = registry.RegisteredStep(name, lambda ctx: wrapper(known.function, ctx), known.retry, known.timeout)
    monkeypatch.setitem(registry._steps, name, stand_in)


@pytest.mark.fault("console-small-restore-checks")
def test_a_real_backup_is_restored_compared_sealed_packed_and_verified(source: Environment, tenant: Tenant) -> None:
    bundle = _finish(_start(tenant, source))

    assert (bundle.status, bundle.conclusion) == ("SEALED", "NO_EXCEPTIONS")
    untested = {"R8": "not_checked", "R10": "not_checked"}
    assert _results(bundle) == {f"R{number}": untested.get(f"R{number}", "pass") for number in range(1, 11)}
    assert list(_results(bundle))[-3:] == ["R8", "R9", "R10"]
    details = {each["check"]: each["detail"] for each in bundle.findings}
    assert details["R1"] == "The database of Conductor itself, and of no service of the organisation"
    assert "server" in details["R2"]
    assert "no scheduled backup was tested" in details["R4"]
    with tenant_scope(tenant.id):
        assert not [each.origin for each in bundle.artifacts.all() if "/" in each.origin]
        assert bundle.covers.get(control__alias="SOC2_A1.2").part == "PRIMARY"
        assert bundle.covers.get(control__alias="SOC2_CC9.1").part == "SUPPORTING"
        assert verify_bundle(bundle).is_verified
        pack = Pack.objects.select_related("run").get()
        assert pack.run is not None
    assert drive(tenant_id=tenant.id, run_id=pack.run.id).status == "SUCCEEDED", log_of(pack.run)
    with tenant_scope(tenant.id):
        pack.refresh_from_db()
    assert pack.verdict is not None
    assert pack.verdict["verified"], pack.verdict
    statuses = {check["name"]: check["status"] for check in pack.verdict["checks"]}
    assert (statuses["self-witness"], statuses["notary"]) == ("pass", "not checked")


@pytest.mark.fault("console-small-restore-checks")
def test_a_database_of_the_same_name_elsewhere_is_not_called_our_own(source: Environment, tenant: Tenant) -> None:
    with tenant_scope(tenant.id):
        own = backup(AdapterConfig.objects.get(port="backup")).describe()

    assert steps.whose(own).startswith("The database of Conductor itself")
    assert steps.whose(replace(own, identity="elsewhere")) == "A database that the adapter names"


def test_nothing_of_the_copy_is_left_and_the_proof_says_so(source: Environment, tenant: Tenant) -> None:
    run = _start(tenant, source)
    bundle = _finish(run)

    proof = _read(bundle, steps.DESTROYED)
    assert proof["database"] == f"{SCRATCH_PREFIX}{run.id.hex}"
    assert proof["database"] in proof["scratch_databases_before"]
    assert proof["database"] not in proof["scratch_databases_after"]
    assert proof["database"] not in _scratch_databases()
    assert not (Path(settings.CONDUCTOR_HOME) / "work" / str(run.id)).exists()


def test_the_dump_is_named_by_its_digest_and_is_no_artifact(source: Environment, tenant: Tenant) -> None:
    bundle = _finish(_start(tenant, source))

    backup = _read(bundle, steps.BACKUP)
    with tenant_scope(tenant.id):
        digests = set(bundle.artifacts.values_list("digest", flat=True))
    assert backup["dump"]["size_bytes"] > 10_000
    assert backup["dump"]["digest"] not in digests
    assert dsn().partition("@")[0] not in json.dumps(backup)


def test_a_row_that_differs_is_an_exception_and_names_its_table(
    source: Environment, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy is changed on the server before it is compared: one label, and one row less elsewhere."""

    def corrupt(original: Any, ctx: Any) -> dict[str, Any]:
        with psycopg.connect(dsn(), dbname=steps.scratch_name(ctx), autocommit=True) as connection:
            connection.execute("UPDATE controls_control SET label = 'changed' WHERE alias = 'SOC2_A1.2'")
            connection.execute(
                "DELETE FROM controls_controlmapping WHERE id = (SELECT min(id) FROM controls_controlmapping)"
            )
        result: dict[str, Any] = original(ctx)
        return result

    _wrap(monkeypatch, "evidence.compare_restore", corrupt)
    bundle = _finish(_start(tenant, source))

    assert (bundle.status, bundle.conclusion) == ("SEALED", "EXCEPTIONS")
    results = _results(bundle)
    assert (results["R5"], results["R6"], results["R7"], results["R9"]) == ("exception", "exception", "pass", "pass")
    details = {finding["check"]: finding["detail"] for finding in bundle.findings}
    assert "controls_controlmapping: rows (source 41, restored 40)" in details["R5"]
    assert "controls_control: checksum" in details["R6"]
    with tenant_scope(tenant.id):
        diff = bundle.artifacts.get(path=steps.DIFF)
    lines = blobs.read(tenant_id=tenant.id, digest=diff.digest).decode().splitlines()
    assert lines[0] == "table,what,source,restored"
    assert len(lines) == 4


def test_a_dump_that_cannot_be_restored_is_a_finding(
    source: Environment, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The dump loses its tail on disk after it was recorded, and the record is made to agree with it."""

    def truncate(original: Any, ctx: Any) -> dict[str, Any]:
        path = Path(settings.CONDUCTOR_HOME) / "work" / str(ctx.run_id) / steps.DUMP
        path.write_bytes(path.read_bytes()[:2000])
        ctx.outputs["evidence.take_backup"]["digest"] = steps._digest(path)
        result: dict[str, Any] = original(ctx)
        return result

    _wrap(monkeypatch, "evidence.restore_backup", truncate)
    bundle = _finish(_start(tenant, source))

    assert bundle.conclusion == "EXCEPTIONS"
    assert _results(bundle) == {
        "R1": "pass",
        "R2": "pass",
        "R3": "exception",
        "R4": "not_checked",
        "R5": "exception",
        "R6": "not_checked",
        "R7": "not_checked",
        "R8": "not_checked",
        "R9": "pass",
        "R10": "not_checked",
    }


def test_a_dump_whose_bytes_changed_is_not_restored(
    source: Environment, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exchange(original: Any, ctx: Any) -> dict[str, Any]:
        (Path(settings.CONDUCTOR_HOME) / "work" / str(ctx.run_id) / steps.DUMP).write_bytes(b"another dump")
        result: dict[str, Any] = original(ctx)
        return result

    _wrap(monkeypatch, "evidence.restore_backup", exchange)
    run = _start(tenant, source)

    done = drive(tenant_id=tenant.id, run_id=run.id)

    assert (done.status, (done.error or {})["code"]) == ("FAILED", "dump_damaged")
    with tenant_scope(tenant.id):
        assert EvidenceBundle.objects.get(run=run).status == "ABANDONED"
    assert f"{SCRATCH_PREFIX}{run.id.hex}" not in _scratch_databases()


def test_targets_that_are_missed_are_exceptions(source: Environment, tenant: Tenant) -> None:
    bundle = _finish(_start(tenant, source, rto=timedelta(0), rpo=timedelta(0)))

    assert (_results(bundle)["R3"], _results(bundle)["R4"]) == ("exception", "exception")
    assert bundle.conclusion == "EXCEPTIONS"


class Killed(BaseException):
    """Stands for kill -9: nothing of the engine runs after it."""


STEPS = [
    "evidence.open_restore_bundle",
    "evidence.take_backup",
    "evidence.restore_backup",
    "evidence.compare_restore",
    "evidence.drop_scratch",
    "evidence.conclude_restore",
    "evidence.seal_bundle",
    "evidence.notarize_bundle",
    "evidence.request_pack",
]


def test_a_worker_that_dies_after_every_effect_doubles_nothing(
    source: Environment, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each step has its effect, and the worker dies before the engine has recorded it; another worker takes over."""
    died: set[str] = set()

    def die_once(name: str) -> Callable[[Any, Any], dict[str, Any]]:
        def wrapper(original: Any, ctx: Any) -> dict[str, Any]:
            result: dict[str, Any] = original(ctx)
            if name not in died:
                died.add(name)
                raise Killed(name)
            return result

        return wrapper

    for name in STEPS:
        _wrap(monkeypatch, name, die_once(name))
    run = _start(tenant, source)

    for _death in range(60):
        try:
            done = drive(tenant_id=tenant.id, run_id=run.id)
            break
        except Killed:
            with tenant_scope(tenant.id):
                Run.objects.filter(id=run.id).update(lease_expires_at=clock_now())

    assert died == set(STEPS)
    assert done.status == "SUCCEEDED", log_of(done)
    with tenant_scope(tenant.id):
        bundle = EvidenceBundle.objects.get()
        assert verify_bundle(bundle).is_verified
        assert Artifact.objects.count() == len(set(Artifact.objects.values_list("path", flat=True)))
        assert Pack.objects.count() == 1
        assert Receipt.objects.filter(action="evidence.bundle.sealed").count() == 1
        assert Receipt.objects.filter(action="evidence.bundle.opened").count() == 1
        assert Try.objects.filter(step__run=run, outcome="LOST").count() == len(STEPS)
    assert f"{SCRATCH_PREFIX}{run.id.hex}" not in _scratch_databases()


def test_another_tenant_sees_nothing_of_it(source: Environment, tenant: Tenant, other_tenant: Tenant) -> None:
    _finish(_start(tenant, source))

    with tenant_scope(other_tenant.id):
        assert not EvidenceBundle.objects.exists()
        assert not Artifact.objects.exists()
        assert not Pack.objects.exists()


def test_the_stand_alone_verifier_runs_on_the_downloaded_pack(
    source: Environment, tenant: Tenant, tmp_path: Path
) -> None:
    """The bytes that anybody downloads, judged by a Python that knows nothing of this project."""
    _finish(_start(tenant, source))
    with tenant_scope(tenant.id):
        pack = Pack.objects.select_related("run").get()
        assert pack.run is not None
    drive(tenant_id=tenant.id, run_id=pack.run.id)
    with tenant_scope(tenant.id):
        pack.refresh_from_db()
    archive = blobs.read(tenant_id=tenant.id, digest=pack.zip_digest)
    good, bad = tmp_path / "good.zip", tmp_path / "bad.zip"
    good.write_bytes(archive)
    place = archive.index(b"recovery_point_at")
    bad.write_bytes(archive[:place] + b"X" + archive[place + 1 :])

    judged = {
        path.name: subprocess.run([sys.executable, "-I", verify.__file__, str(path)], capture_output=True, check=False)
        for path in (good, bad)
    }

    assert judged["good.zip"].returncode == verify.STATUS[verify.SIGNER_UNKNOWN], judged["good.zip"].stdout.decode()
    assert judged["bad.zip"].returncode == 1
    assert b"data/backup/backup.json" in judged["bad.zip"].stdout
