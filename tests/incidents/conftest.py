"""An incident in the making, for tests that begin with one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.contrib.auth.models import User

from conductor.tenancy.actors import Actor, actor_for_user
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from incidents.incident.lifecycle import acknowledge_incident, declare_incident
from incidents.incident.status import move_incident
from incidents.models.choices import SIDE_EXITS, STEPS, Status
from incidents.models.incident import Incident
from incidents.timeline.lifecycle import post_update
from tests.incidents.clocks import Clock

Declare = Callable[..., Incident]


@pytest.fixture
def responder(ben: User, actor: Callable[..., Actor]) -> Actor:
    """Ben, who may respond but not command."""
    return actor(ben)


@pytest.fixture
def commander(cora: User, actor: Callable[..., Actor]) -> Actor:
    """Cora, who may do both."""
    return actor(cora)


@pytest.fixture
def declare(tenant: Tenant, scope: None, commander: Actor, now: datetime) -> Declare:
    """`declare(severity="SEV1")`: a new incident of Northwind."""

    def make(**given: Any) -> Incident:
        asked = {"title": "Card authorisations failing", "severity": "SEV3", "actor": commander, "now": now, **given}
        incident, _is_new = declare_incident(tenant_id=tenant.id, **asked)
        return incident

    return make


@pytest.fixture
def incident(declare: Declare) -> Incident:
    """An open SEV3 incident, declared at `now`."""
    return declare()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, now: datetime) -> Clock:
    """The engine's clock, which stands at `now` until the test moves it."""
    clock = Clock(now)
    for module in ("run.step_call", "define.context", "run.contexts", "run.executor"):
        monkeypatch.setattr(f"conductor.engine.{module}.clock_now", clock)
    return clock


@pytest.fixture
def cora_acts(committed: None, tenant: Tenant, cora: User) -> Actor:
    """Cora, for tests whose rows are committed."""
    with tenant_scope(tenant.id):
        found = actor_for_user(user=cora, tenant=tenant, channel="console")
    assert found is not None
    return found


@pytest.fixture
def at_status(
    declare: Declare, commander: Actor, cora: User, responder: Actor, now: datetime
) -> Callable[..., Incident]:
    """`at_status("MONITORING")`: an acknowledged incident that was moved there, one status after the other."""

    def make(status: str, **given: Any) -> Incident:
        triage = status in {"TRIAGE", "DECLINED"}
        incident = acknowledge_incident(incident=declare(triage=triage, **given), actor=commander, now=now)
        post_update(incident=incident, text="We are on it.", actor=commander, now=now)
        return walk_to(incident, status, declare, commander, now)

    return make


def walk_to(incident: Incident, status: str, declare: Declare, actor: Actor, now: datetime) -> Incident:
    """Move the incident to `status` over every step that comes before it."""
    if status in SIDE_EXITS:
        original = declare(title="The original") if status == "DUPLICATE" else None
        wish = {"reason": "Somebody ran a load test.", "closure": "TEST" if status != "DUPLICATE" else ""}
        return move_incident(incident=incident, to=status, original=original, actor=actor, now=now, **wish)
    for step in STEPS[1 : STEPS.index(Status(status)) + 1] if status in STEPS else ():
        move_incident(incident=incident, to=step, actor=actor, now=now)
    return incident
