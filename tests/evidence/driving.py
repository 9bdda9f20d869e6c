"""Runs driven to their end in this process, as a worker and the sequencer would, without waiting for their clocks."""

from __future__ import annotations

from urllib.parse import quote, urlencode
from uuid import UUID

from django.db import connections

from adapters.models.adapter import AdapterConfig, Secret
from conductor.engine.models import Run, Step
from conductor.engine.run.executor import advance
from conductor.ledger.log.sequencer import sequence
from conductor.lib.clock import now
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Environment, Tenant

DSN_VARIABLE = "EVIDENCE_TEST_DSN"
ROUNDS = 30


def drive(*, tenant_id: UUID, run_id: UUID, rounds: int = ROUNDS) -> Run:
    """Advance the run until it is over, numbering receipts in between; fail if it takes too many rounds."""
    for _round in range(rounds):
        sequence(tenant_id=tenant_id, now=now())
        with tenant_scope(tenant_id):
            Run.objects.filter(id=run_id, status__in=["WAITING", "QUEUED"]).update(wake_at=now())
        advance(tenant_id=tenant_id, run_id=run_id, worker="test", now=now())
        with tenant_scope(tenant_id):
            run = Run.objects.get(id=run_id)
            if run.is_over:
                sequence(tenant_id=tenant_id, now=now())
                return run
    raise AssertionError(f"{run.code} is still {run.status} after {rounds} rounds: {log_of(run)}")


def log_of(run: Run) -> list[tuple[str, str, object]]:
    """Return name, status and error of each step, for messages of failing tests. Needs the scope's rows only."""
    with tenant_scope(run.tenant_id):
        return list(Step.objects.filter(run=run).order_by("seq").values_list("name", "status", "error"))


def dsn() -> str:
    """Return the address of this process's database, as its owner."""
    told = connections["owner"].settings_dict
    credentials = ":".join(quote(part, safe="") for part in (told["USER"], told["PASSWORD"]) if part)
    # The host may be the folder of a socket, which fits only among the parameters (PostgreSQL manual, 34.1.1.2).
    where = urlencode({"host": told["HOST"] or "127.0.0.1", "port": told["PORT"] or 5432})
    return f"postgresql://{credentials}@/{told['NAME']}?{where}"


def backup_adapter(
    tenant: Tenant, environment: Environment | None = None, name: str = "Test database"
) -> AdapterConfig:
    """Return an enabled backup adapter whose source is this process's database (DSN_VARIABLE). Needs the scope."""
    moment = now()
    config = AdapterConfig.objects.create(
        tenant=tenant,
        port="backup",
        kind="postgres",
        name=name,
        environment=environment,
        created_at=moment,
        updated_at=moment,
    )
    Secret.objects.create(
        tenant=tenant, adapter=config, name="dsn", reference=f"env:{DSN_VARIABLE}", set_at=moment, set_by="test"
    )
    return config


def local_notary(tenant: Tenant) -> AdapterConfig:
    """Return an enabled notary with a key of the installation's own. Needs the scope."""
    moment = now()
    return AdapterConfig.objects.create(
        tenant=tenant, port="notary", kind="local", name="Own key", created_at=moment, updated_at=moment
    )
