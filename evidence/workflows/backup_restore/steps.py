"""Backup and restore verification: a real dump, a real restore beside the source, and what the two differ in.

The dump is production data, so it is no artifact: it stays in the run's private folder, is named by its digest in the
evidence, and is removed together with the restored copy.
"""

from __future__ import annotations

import csv
import hashlib
import io
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from adapters.configuration.opening import backup
from adapters.models.adapter import AdapterConfig
from adapters.ports.protocols import SCRATCH_PREFIX, AdapterError, BackupPort, SourceDescription
from adapters.ports.table_manifest import Difference, TableManifest
from conductor.engine.define.context import Permanent, StepContext
from conductor.lib.clock import rfc3339
from conductor.lib.database.identity import IDENTITY
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Environment
from evidence.bundles.artifacts import record_findings
from evidence.bundles.lifecycle import open_bundle
from evidence.workflows.backup_restore.findings import findings_of
from evidence.workflows.collection import CSV, Collected, bundle_of, collect, collected_json, json_file, let_in

BACKUP, SOURCE = "backup/backup.json", "backup/source_manifest.json"
RESTORE, RESTORED, DIFF = "restore/restore.json", "restore/restored_manifest.json", "restore/diff.csv"
DESTROYED = "restore/destroy_proof.json"
DUMP = "source.dump"
RESTORE_TRIES = 3
"""After so many tries, that the dump cannot be restored is what the verification found."""


def open_restore_bundle(ctx: StepContext) -> dict[str, Any]:
    """Open the bundle that this run fills, and let artifacts in."""
    if ctx.environment_id is None:
        raise Permanent("The run names no environment.", code="environment_missing")
    with tenant_scope(ctx.tenant_id):
        environment = Environment.objects.get(id=ctx.environment_id)
        bundle = open_bundle(
            tenant_id=ctx.tenant_id,
            title=f"Backup and restore verification, {environment.name}",
            purpose=(
                f"Shows that a backup of {ctx.input['adapter_name']} can be restored whole: it was taken, restored "
                "into a database of its own, and compared table by table."
            ),
            control_ids=ctx.input["controls"],
            environment=environment,
            run_id=ctx.run_id,
            effective_from=ctx.now(),
            actor=ctx.actor,
            now=ctx.now(),
            idempotency_key=ctx.idempotency_key,
        )
        bundle = let_in(bundle=bundle, ctx=ctx)
    return {"bundle_id": str(bundle.id), "bundle": bundle.code}


def take_backup(ctx: StepContext) -> dict[str, Any]:
    """Dump the source with a manifest of the same snapshot."""
    if (facts := collected_json(ctx, BACKUP)) is None:
        source = _source(ctx)
        description = source.describe()
        began = ctx.now()
        ctx.heartbeat()
        result = source.dump(target=_folder(ctx) / DUMP)
        facts = {
            "adapter": ctx.input["adapter_name"],
            "database": description.database,
            "whose": whose(description),
            "server": result.server,
            "client": result.client,
            "recovery_point_at": rfc3339(began),
            "finished_at": rfc3339(ctx.now()),
            "duration_seconds": f"{result.duration_seconds:.3f}",
            "dump": {"digest": result.digest, "size_bytes": result.size_bytes},
            "manifest_digest": result.manifest.digest,
        }
        origin = f"{result.client} of {description.database}"
        collect(
            ctx,
            [
                json_file(path=SOURCE, role="result", content=result.manifest.as_json(), origin=origin),
                json_file(path=BACKUP, role="result", content=facts, origin=origin),
            ],
        )
    dump = facts["dump"]
    return {"digest": dump["digest"], "size_bytes": dump["size_bytes"], "manifest_digest": facts["manifest_digest"]}


def restore_backup(ctx: StepContext) -> dict[str, Any]:
    """Restore the dump into the run's scratch database. A dump that stays unrestorable is a finding, not a failure."""
    if (facts := collected_json(ctx, RESTORE)) is None:
        source, dump = _source(ctx), _dump(ctx)
        began = ctx.now()
        ctx.heartbeat()
        facts = {"database": scratch_name(ctx), "started_at": rfc3339(began), "restored": True, "error": ""}
        client = ""
        try:
            result = source.restore_into_scratch(dump=dump, scratch_name=scratch_name(ctx))
            client, seconds = result.client, result.duration_seconds
        except AdapterError as error:
            # What no other try can help is the installation's fault, such as a missing program: nothing was tested.
            if error.permanent or ctx.attempt < RESTORE_TRIES:
                raise
            seconds = (ctx.now() - began).total_seconds()
            facts |= {"restored": False, "error": error.message}
        facts |= {"client": client, "finished_at": rfc3339(ctx.now()), "duration_seconds": f"{seconds:.3f}"}
        collect(ctx, [json_file(path=RESTORE, role="result", content=facts, origin=client or "restore")])
    return {key: facts[key] for key in ("restored", "error", "duration_seconds")}


def compare_restore(ctx: StepContext) -> dict[str, Any]:
    """Compare every table of the copy with the manifest taken with the dump."""
    if not ctx.outputs["evidence.restore_backup"]["restored"]:
        return {"compared": False, "differences": 0}
    source = TableManifest.from_json(collected_json(ctx, SOURCE))
    if (kept := collected_json(ctx, RESTORED)) is None:
        restored = _source(ctx).table_manifest(database=scratch_name(ctx))
        origin = f"tables of {scratch_name(ctx)}"
        collect(
            ctx,
            [
                Collected(DIFF, "result", CSV, _diff_csv(source.differences(restored)), origin),
                json_file(path=RESTORED, role="result", content=restored.as_json(), origin=origin),
            ],
        )
    else:
        restored = TableManifest.from_json(kept)
    differences = source.differences(restored)
    for difference in differences[:20]:
        ctx.log(str(difference), level="error")
    return {
        "compared": True,
        "differences": len(differences),
        "tables": len(restored.tables),
        "rows": restored.total_rows,
        "manifest_digest": restored.digest,
    }


def drop_scratch(ctx: StepContext) -> dict[str, Any]:
    """Drop the copy and remove the dump, with proof that both are gone."""
    if (facts := collected_json(ctx, DESTROYED)) is None:
        source, name = _source(ctx), scratch_name(ctx)
        before = source.list_scratch()
        source.drop_scratch(scratch_name=name)
        shutil.rmtree(_folder(ctx))
        after = source.list_scratch()
        facts = {
            "database": name,
            "dropped_at": rfc3339(ctx.now()),
            "scratch_databases_before": before,
            "scratch_databases_after": after,
            "dump_removed": True,
        }
        if name in after:
            raise AdapterError(f"{name} is still there after it was dropped.", permanent=False)
        collect(ctx, [json_file(path=DESTROYED, role="result", content=facts, origin="list of scratch databases")])
    return {"dropped": facts["database"] not in facts["scratch_databases_after"]}


def conclude_restore(ctx: StepContext) -> dict[str, Any]:
    """Turn what was measured into findings."""
    source, restored = collected_json(ctx, SOURCE), collected_json(ctx, RESTORED)
    findings = findings_of(
        backup=collected_json(ctx, BACKUP),
        restore=collected_json(ctx, RESTORE),
        destroyed=collected_json(ctx, DESTROYED),
        source=TableManifest.from_json(source),
        restored=TableManifest.from_json(restored) if restored else None,
        rto=timedelta(seconds=ctx.input["rto_seconds"]),
        rpo=timedelta(seconds=ctx.input["rpo_seconds"]),
    )
    with tenant_scope(ctx.tenant_id):
        bundle = record_findings(
            bundle=bundle_of(ctx),
            findings=findings,
            reason=f"{ctx.run_code} tried the step again.",
            actor=ctx.actor,
            now=ctx.now(),
        )
    exceptions = [finding["check"] for finding in bundle.findings if finding["result"] == "exception"]
    return {"findings": len(findings), "exceptions": exceptions}


def discard_scratch(ctx: StepContext) -> dict[str, Any]:
    """After a failure: drop the copy and remove the dump, whatever there is of them."""
    dropped = _source(ctx).drop_scratch(scratch_name=scratch_name(ctx))
    shutil.rmtree(_path(ctx), ignore_errors=True)
    return {"dropped": dropped}


def whose(source: SourceDescription) -> str:
    """Say whose database it is: evidence about our own is none about the services of the organisation."""
    with connection.cursor() as cursor:
        cursor.execute(IDENTITY)
        (own,) = cursor.fetchone()
    if source.identity == own:
        return "The database of Conductor itself, and of no service of the organisation"
    return "A database that the adapter names"


def scratch_name(ctx: StepContext) -> str:
    """Return the name of the run's scratch database: the same for every try, so that none is left behind."""
    return f"{SCRATCH_PREFIX}{ctx.run_id.hex}"


def _source(ctx: StepContext) -> BackupPort:
    with tenant_scope(ctx.tenant_id):
        config = AdapterConfig.objects.get(id=ctx.input["adapter_id"])
        return backup(config)


def _path(ctx: StepContext) -> Path:
    return Path(settings.CONDUCTOR_HOME) / "work" / str(ctx.run_id)


def _folder(ctx: StepContext) -> Path:
    folder = _path(ctx)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _dump(ctx: StepContext) -> Path:
    """Return the dump that was recorded; raise Permanent if it is not on this machine, or another one is."""
    path = _path(ctx) / DUMP
    if not path.exists():
        raise Permanent("The dump is not on this machine: its worker is another one.", code="dump_missing")
    recorded = ctx.outputs["evidence.take_backup"]["digest"]
    if _digest(path) != recorded:
        raise Permanent("The dump's bytes are not those that were recorded.", code="dump_damaged")
    return path


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _diff_csv(differences: list[Difference]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["table", "what", "source", "restored"])
    writer.writerows([each.table, each.what, each.source, each.restored] for each in differences)
    return text.getvalue().encode()
