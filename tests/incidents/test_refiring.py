"""What the commander is notified of after a person resolved: that an alert fires on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from conductor.engine.models import Run, Step
from conductor.engine.run.executor import advance
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from incidents.alerts.intake import take_in
from incidents.alerts.parsers.generic import read_generic
from incidents.incident.lifecycle import acknowledge_incident
from incidents.incident.status import move_incident
from incidents.models.choices import Status
from incidents.models.incident import Incident
from incidents.response.roles import assign_role
from tests.incidents.clocks import Clock


@pytest.mark.fault("field-F17")
@pytest.mark.parametrize(
    ("is_led", "heard"), [(True, "Cora Commander (commander)"), (False, "everyone who is notified of incidents")]
)
def test_the_commander_hears_that_it_still_fires_or_everybody_does(
    committed: None, tenant: Tenant, cora_acts: Actor, cora: Any, clock: Clock, is_led: bool, heard: str
) -> None:
    alert = {"alerts": [{"key": "k", "name": "Disk", "severity": "warning"}]}
    notification = read_generic(alert, source="probe", words={})
    with tenant_scope(tenant.id):
        take_in(tenant_id=tenant.id, notification=notification, actor=cora_acts, now=clock.at)
        incident = Incident.objects.get()
        if is_led:
            assign_role(incident=incident, role="COMMANDER", user=cora, actor=cora_acts, now=clock.at)
        acknowledge_incident(incident=incident, actor=cora_acts, now=clock.at)
        for status in (Status.MITIGATED, Status.RESOLVED):
            move_incident(incident=incident, to=status, actor=cora_acts, now=clock.at)
        clock.at += timedelta(hours=4)
        take_in(tenant_id=tenant.id, notification=notification, actor=cora_acts, now=clock.at)
        run = Run.objects.get(workflow="incidents.still_firing")

    assert advance(tenant_id=tenant.id, run_id=run.id, worker="test", now=clock.at) == "SUCCEEDED"

    with tenant_scope(tenant.id):
        assert Step.objects.get(run=run).output == {"for": heard}
