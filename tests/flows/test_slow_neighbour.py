"""Two tenants, real workers, a dripping mail relay in one: the other's SEV1 notice leaves at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from adapters.configuration.lifecycle import configure_adapter
from conductor.lib.clock import now as clock_now
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from incidents.incident.lifecycle import declare_incident
from incidents.models.incident import Incident
from tests.adapters.dripping import Dripping, dripping
from tests.adapters.relay import Relay, relaying
from tests.processes import installation, until

SECONDS = 10


def _connect(tenant: Tenant, relay: Dripping | Relay, **more: Any) -> None:
    settings = {
        "host": "127.0.0.1", "port": relay.port, "security": "none", "allow_loopback": True,
        "from_address": f"conductor@{tenant.slug}.test", "to": [f"oncall@{tenant.slug}.test"], **more,
    }  # fmt: skip
    with tenant_scope(tenant.id):
        configure_adapter(
            tenant_id=tenant.id, kind="smtp", name="Mail", settings=settings, actor=Actor.system(), now=clock_now()
        )


@pytest.mark.full
@pytest.mark.fault("security-2")
def test_a_dripping_relay_of_one_tenant_does_not_hold_up_the_others_notice(
    committed: None, tenant: Tenant, other_tenant: Tenant, max_: User, actor: Callable[..., Actor], tmp_path: Path
) -> None:
    with (
        dripping(b"220-still\r\n", every=1) as slow,
        relaying() as good,
        installation(tmp_path, "worker", "beat") as running,
    ):
        _connect(other_tenant, slow, timeout_seconds=60)
        _connect(tenant, good)
        with tenant_scope(other_tenant.id):
            for number in range(6):
                who = actor(max_, of=other_tenant)
                declare_incident(
                    tenant_id=other_tenant.id, title=f"Slow {number}", severity="SEV1", actor=who, now=clock_now()
                )
        until(lambda: slow.callers >= 2, what="that the relay holds two workers")

        running.manage("incident", "--tenant", "northwind", "--as", "ben", "declare", "sev1", "Checkout fails")
        until(lambda: good.mails, seconds=60, what="the notice")
        arrived = clock_now()

        with tenant_scope(tenant.id):
            declared_at = Incident.objects.get().declared_at
        assert slow.held >= 2, "the relay let go, so the test shows nothing"
        assert "Checkout fails" in good.mails[0][1]["Subject"]
        print(f"the notice left {(arrived - declared_at).total_seconds():.1f} s after the declaration")
        assert arrived - declared_at < timedelta(seconds=SECONDS), running.log("worker")[-4000:]
