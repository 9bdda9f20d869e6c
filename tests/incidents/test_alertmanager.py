"""A real Alertmanager and a served console: firing declares one incident, repeats add nothing, the end arrives."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User

from conductor.ledger.models import Receipt
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from incidents.models.alert import AlertRecord, Outcome
from incidents.models.choices import EventKind
from incidents.models.history import TimelineEvent
from incidents.models.incident import Incident
from tests.console.browsing import serving
from tests.evidence.calling import token_of_member
from tests.incidents.alertmanager_server import Alertmanager, alertmanager

pytestmark = pytest.mark.usefixtures("committed")

LABELS = {"alertname": "CardsDeclined", "severity": "critical", "service": "checkout"}


def until(tenant: Tenant, holds: Callable[[], bool], *, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with tenant_scope(tenant.id):
            if holds():
                return
        time.sleep(0.2)
    raise AssertionError("it did not come to pass")


def test_an_alert_declares_once_repeats_and_ends(tenant: Tenant, ben: User, tmp_path: Path) -> None:
    with serving() as console:
        receiver = f"{console}/api/v1/tenants/{tenant.slug}/alerts/alertmanager"
        with alertmanager(tmp_path, receiver=receiver, token=token_of_member(ben, tenant)) as running:
            _fires_repeats_and_ends(running, tenant)

    with tenant_scope(tenant.id):
        record, incident = AlertRecord.objects.get(), Incident.objects.get()
        assert (incident.title, incident.service, incident.status) == (
            "CardsDeclined on checkout",
            "checkout",
            "OPEN",
        )
        assert (record.outcome, record.incident) == (Outcome.DECLARED, incident)
        assert record.reason
        assert record.disposed_at is not None
        kinds = list(TimelineEvent.objects.filter(incident=incident).values_list("kind", flat=True))
        assert kinds.count(EventKind.ALERT_FIRED) == kinds.count(EventKind.ALERT_RESOLVED) == 1
        assert Receipt.objects.filter(action="incidents.alert.settled").count() == 1


def _fires_repeats_and_ends(running: Alertmanager, tenant: Tenant) -> None:
    began = datetime.now(UTC) - timedelta(minutes=1)
    running.say(LABELS, starts_at=began)
    until(tenant, lambda: AlertRecord.objects.filter(outcome=Outcome.DECLARED).exists())
    # Alertmanager repeats by itself, and Prometheus says it again to it.
    running.say(LABELS, starts_at=began)
    until(tenant, lambda: AlertRecord.objects.filter(times_seen__gte=3).exists())
    with tenant_scope(tenant.id):
        assert Incident.objects.count() == AlertRecord.objects.count() == 1

    running.say(LABELS, starts_at=began, ends_at=datetime.now(UTC))
    until(tenant, lambda: AlertRecord.objects.filter(ended_at__isnull=False).exists())


def test_a_wrong_token_declares_nothing(tenant: Tenant, tmp_path: Path) -> None:
    """Alertmanager keeps trying; nothing of it comes in."""
    with serving() as console:
        receiver = f"{console}/api/v1/tenants/{tenant.slug}/alerts/alertmanager"
        with alertmanager(tmp_path, receiver=receiver, token="mct_wrong") as running:
            running.say(LABELS, starts_at=datetime.now(UTC))
            log = tmp_path / "alertmanager.log"
            until(tenant, lambda: "unexpected status code 401" in log.read_text())

    with tenant_scope(tenant.id):
        assert not Incident.objects.exists()
        assert not AlertRecord.objects.exists()
