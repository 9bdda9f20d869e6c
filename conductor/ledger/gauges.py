"""How old the oldest receipt is that is not in the log yet, or that nobody else has seen: read when /metrics is."""

from __future__ import annotations

from datetime import datetime

from prometheus_client import Gauge

from conductor.ledger.anchors import unanchored
from conductor.ledger.models import Receipt
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.directory import tenant_refs

UNSEQUENCED_AGE = Gauge(
    "conductor_ledger_unsequenced_age_seconds", "Age of the oldest receipt without a number", ["tenant"]
)
UNANCHORED_AGE = Gauge(
    "conductor_ledger_unanchored_age_seconds",
    "Age of the oldest receipt that no independent notary's stamp covers",
    ["tenant"],
)


def read_ages(now: datetime) -> None:
    """Set both gauges for every tenant. 0 where nothing waits."""
    for tenant in tenant_refs():
        with tenant_scope(tenant.id):
            pending = Receipt.objects.filter(leaf_index=None).order_by("recorded_at")
            waiting = pending.values_list("recorded_at", flat=True).first()
            unseen = unanchored().order_by("recorded_at").values_list("recorded_at", flat=True).first()
        UNSEQUENCED_AGE.labels(tenant.slug).set((now - waiting).total_seconds() if waiting else 0)
        UNANCHORED_AGE.labels(tenant.slug).set((now - unseen).total_seconds() if unseen else 0)
