"""An incident in the making, for tests that begin with one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.contrib.auth.models import User

from conductor.tenancy.actors import Actor
from conductor.tenancy.models import Tenant
from incidents.lifecycle import acknowledge_incident, declare_incident, move_incident
from incidents.models import Incident
from incidents.moves import MOVES

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
def at_status(declare: Declare, commander: Actor, now: datetime) -> Callable[[str], Incident]:
    """`at_status("MONITORING")`: an acknowledged incident that was moved there, one status after the other."""

    def make(status: str, **given: Any) -> Incident:
        incident = acknowledge_incident(incident=declare(**given), actor=commander, now=now)
        for step in MOVES:
            if incident.status == status:
                break
            if step != incident.status:
                move_incident(incident=incident, to=step, actor=commander, now=now)
        return incident

    return make
