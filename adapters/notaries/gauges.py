"""Which notaries are left alone, and how long digests have waited for one: read when /metrics is."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Count, Min
from prometheus_client import Gauge

from adapters.models.adapter import AdapterConfig, NotaryRecord
from adapters.models.breaker import Breaker
from adapters.ports.protocols import Port
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.directory import tenant_refs

LABELS = ["tenant", "notary"]
BREAKER_OPEN = Gauge(
    "conductor_notary_breaker_open", "1 while a notary that did not answer is left alone or probed", LABELS
)
BACKLOG = Gauge("conductor_notary_backlog", "Digests that a notary has not answered yet", LABELS)
BACKLOG_AGE = Gauge("conductor_notary_backlog_age_seconds", "Age of the oldest of them", LABELS)


def read_notaries(now: datetime) -> None:
    """Set the gauges for every enabled notary; notaries that are gone are no longer told of."""
    for gauge in (BREAKER_OPEN, BACKLOG, BACKLOG_AGE):
        gauge.clear()
    for tenant in tenant_refs():
        with tenant_scope(tenant.id):
            names = dict(AdapterConfig.objects.filter(port=Port.NOTARY.value, enabled=True).values_list("id", "name"))
            opened = set(Breaker.objects.exclude(opened_at=None).values_list("adapter_id", flat=True))
            pending = NotaryRecord.objects.filter(state=NotaryRecord.State.PENDING).order_by().values("adapter_id")
            queues = {
                each["adapter_id"]: each for each in pending.annotate(count=Count("id"), oldest=Min("created_at"))
            }
        for adapter_id, name in names.items():
            queue = queues.get(adapter_id)
            BREAKER_OPEN.labels(tenant.slug, name).set(adapter_id in opened)
            BACKLOG.labels(tenant.slug, name).set(queue["count"] if queue else 0)
            BACKLOG_AGE.labels(tenant.slug, name).set((now - queue["oldest"]).total_seconds() if queue else 0)
