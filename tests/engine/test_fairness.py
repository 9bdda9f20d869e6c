"""Workers are shared fairly: tenants take turns, incidents go first, limits hold, and a backlog can be seen."""

from __future__ import annotations

import re
import threading
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from conductor.engine.claim import claims, pools
from conductor.engine.define.context import StepContext
from conductor.engine.define.definition import Parallel
from conductor.engine.lifecycle.limiting import set_run_limit
from conductor.engine.models import Run, Share
from conductor.engine.operate.backlog import backlogs
from conductor.engine.operate.sweep import WAKE_UPS, sweep_runs
from conductor.engine.run.work import work
from conductor.lib.clock import now as clock_now
from conductor.tenancy.actors import Actor, PermissionMissing
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant

COMPLIANCE, INCIDENT = Run.Priority.COMPLIANCE, Run.Priority.INCIDENT


def quick(ctx: StepContext) -> dict[str, Any]:
    return {}


def _queue(tenant: Tenant, count: int, *, priority: int = COMPLIANCE, since: datetime | None = None) -> None:
    """Put `count` due runs into the tenant's queue."""
    moment = since or clock_now()
    with tenant_scope(tenant.id):
        first = Run.objects.count() + 1
        Run.objects.bulk_create(
            Run(
                tenant_id=tenant.id,
                number=first + n,
                workflow="tests.workflow",
                workflow_version=1,
                title="Queued",
                priority=priority,
                started_by="conductor.system:conductor",
                wake_at=moment,
                created_at=moment,
            )
            for n in range(count)
        )


def _taken(count: int, **options: Any) -> list[Any]:
    return [
        lease.tenant_id
        if (lease := claims.take(**{"least": COMPLIANCE, "worker": "w", "now": clock_now(), **options}))
        else None
        for _ in range(count)
    ]


def test_a_thousand_runs_of_one_tenant_do_not_hold_up_the_one_of_another(tenant: Tenant, other_tenant: Tenant) -> None:
    _queue(tenant, 1000, since=clock_now() - timedelta(hours=1))
    assert _taken(3) == [tenant.id] * 3
    _queue(other_tenant, 1)

    served = _taken(4)

    assert served[0] == other_tenant.id, "who was served longest ago is next, however long the others have waited"
    assert served[1:] == [tenant.id] * 3


def test_tenants_take_turns(tenant: Tenant, other_tenant: Tenant) -> None:
    _queue(tenant, 50)
    _queue(other_tenant, 5)

    served = _taken(12)

    assert Counter(served[:10]) == {tenant.id: 5, other_tenant.id: 5}
    assert served[10:] == [tenant.id] * 2


def test_incident_work_goes_before_compliance_work_and_some_workers_take_nothing_else(
    tenant: Tenant, other_tenant: Tenant
) -> None:
    _queue(tenant, 3, since=clock_now() - timedelta(hours=1))
    _queue(other_tenant, 1, priority=INCIDENT)

    assert _taken(1) == [other_tenant.id]
    assert _taken(1, least=INCIDENT) == [None]
    assert _taken(1) == [tenant.id]


def test_a_limit_passes_the_tenant_over_for_this_priority_only(
    tenant: Tenant, other_tenant: Tenant, ana: Any, cora: Any, actor: Any
) -> None:
    with tenant_scope(tenant.id):
        with pytest.raises(PermissionMissing):
            set_run_limit(tenant_id=tenant.id, run_limit=1, actor=actor(cora), now=clock_now())
        set_run_limit(tenant_id=tenant.id, run_limit=2, actor=actor(ana), now=clock_now())
    _queue(tenant, 5)
    _queue(other_tenant, 3)

    assert Counter(_taken(6)) == {tenant.id: 2, other_tenant.id: 3, None: 1}
    _queue(tenant, 1, priority=INCIDENT)
    assert _taken(2) == [tenant.id, None], "an incident is not held up by the tenant's own checks"
    later = clock_now() + timedelta(hours=1)
    assert _taken(3, now=later) == [tenant.id, other_tenant.id, tenant.id], (
        "a dead worker's claims do not count for ever"
    )


def test_the_limit_holds_between_workers_that_claim_at_the_same_moment(committed: None, tenant: Tenant) -> None:
    _queue(tenant, 40)
    with tenant_scope(tenant.id):
        set_run_limit(tenant_id=tenant.id, run_limit=3, actor=Actor.system(), now=clock_now())
    gate, held = threading.Barrier(8), []

    def claim() -> None:
        gate.wait()
        held.extend(_taken(2))
        connection.close()

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Counter(held) == {tenant.id: 3, None: 13}


def test_a_worker_goes_on_until_nothing_is_left_items_included(define: Any, start: Any, tenant: Tenant) -> None:
    name = define([quick, Parallel("tests.quick", over="input.items", limit=2)])
    runs = [start(name, input={"items": [1, 2, 3]}) for _ in range(3)]

    assert work(priority=COMPLIANCE, worker="w") == 3 * (2 + 3)
    with tenant_scope(tenant.id):
        assert {Run.objects.get(id=run.id).status for run in runs} == {Run.Status.SUCCEEDED}
        assert Share.objects.get().served_at is not None
    assert work(priority=COMPLIANCE, worker="w") == 0


def test_the_backlog_is_counted_for_all_without_a_scope_and_for_one_within(
    tenant: Tenant, other_tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    _queue(tenant, 30, since=clock_now() - timedelta(seconds=100))
    _queue(other_tenant, 2, priority=INCIDENT, since=clock_now() - timedelta(seconds=10))
    assert _taken(2, least=INCIDENT, now=clock_now()) == [other_tenant.id] * 2

    incident, compliance = backlogs(now=clock_now())
    assert (incident.due, incident.at_work, incident.oldest_seconds) == (0, 2, 0.0)
    assert (compliance.due, compliance.at_work) == (30, 0)
    assert 100 <= compliance.oldest_seconds < 200
    with tenant_scope(other_tenant.id):
        assert [(each.due, each.at_work) for each in backlogs(now=clock_now())] == [(0, 2), (0, 0)]

    sent: list[int] = []
    monkeypatch.setattr("conductor.engine.operate.sweep.wake", lambda **arguments: sent.append(arguments["priority"]))
    assert sweep_runs(now=clock_now()) == WAKE_UPS
    assert set(sent) == {COMPLIANCE}


def test_the_backlog_is_on_metrics_and_on_the_runs_page(
    tenant: Tenant, other_tenant: Tenant, cleo: Any, as_user: Any, client: Client
) -> None:
    _queue(tenant, 7, since=clock_now() - timedelta(seconds=600))
    _queue(other_tenant, 3)

    text = client.get("/metrics").content.decode()
    assert 'conductor_engine_due{priority="compliance"} 10.0' in text
    assert 'conductor_engine_at_work{priority="incident"} 0.0' in text
    assert 'conductor_engine_oldest_due_seconds{priority="compliance"} 60' in text

    html = as_user(cleo).get("/t/northwind/runs/").content.decode()
    assert re.search(r">7<small[^>]*>due, oldest", html) and ">10<small" not in html


@pytest.fixture
def pool_of_three(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONDUCTOR_POOL_SIZE", "3")
    monkeypatch.setattr(pools, "KEPT_SECONDS", -1)


@pytest.mark.fault("security-2")
@pytest.mark.parametrize("second", [COMPLIANCE, INCIDENT], ids=["same priority", "both priorities"])
def test_one_tenant_never_holds_every_worker_of_a_pool(
    pool_of_three: None, tenant: Tenant, other_tenant: Tenant, second: int
) -> None:
    _queue(other_tenant, 3)
    _queue(other_tenant, 2, priority=second)

    taken = _taken(3, worker="host:1:7")
    _queue(tenant, 1)

    assert taken == [other_tenant.id, other_tenant.id, None]
    assert _taken(1, worker="host:1:8") == [tenant.id]
    assert _taken(1, worker="host:2:9") == [other_tenant.id]  # another pool has workers of its own


@pytest.mark.fault("security-2")
@pytest.mark.parametrize("size", ["0", "1"], ids=["outside of a pool", "a pool of one process"])
def test_where_no_worker_can_be_kept_free_a_tenant_takes_what_there_is(
    monkeypatch: pytest.MonkeyPatch, tenant: Tenant, size: str
) -> None:
    monkeypatch.setenv("CONDUCTOR_POOL_SIZE", size)
    _queue(tenant, 3)

    assert _taken(3, worker="host:1:7") == [tenant.id] * 3
