"""The hub says where an update is overdue: by the policy in force, by what was promised, and since the reopening."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from conductor.tenancy.actors import Actor
from conductor.tenancy.models import Tenant
from incidents.incident.lifecycle import acknowledge_incident
from incidents.incident.status import move_incident, reopen_incident
from incidents.models.incident import Incident
from incidents.page import hub_context
from incidents.response.policy_versions import change_response_policy
from incidents.timeline.lifecycle import post_update

MINUTE = timedelta(minutes=1)
Policy = Callable[..., None]


@pytest.fixture
def cadence(tenant: Tenant, ana: Any, actor: Callable[..., Actor], now: datetime) -> Policy:
    """`cadence(SEV3=10)`: a policy whose updates come that often, and that guards no move."""

    def change(**minutes: int) -> None:
        every = {"SEV1": 5, "SEV2": 30, "SEV3": 240, "SEV4": 1440, **minutes}
        content = {"title": "Talk", "cadence": {"every_minutes": every, "monitoring_factor": 3}}
        change_response_policy(
            tenant_id=tenant.id, content=content, reason="Talk more.", seen_version=0, actor=actor(ana), now=now
        )

    return change


def silence(now: datetime) -> timedelta | None:
    (active, _resolved) = hub_context.hub(query={}, member_id=None, now=now)["groups"]
    silent: timedelta | None = active[1].rows[0].silent_for
    return silent


def test_it_is_the_policy_in_force_that_says_when(incident: Incident, cadence: Policy, now: datetime) -> None:
    assert silence(now + 11 * MINUTE) is None

    cadence(SEV3=10)

    assert silence(now + 10 * MINUTE) is None
    assert silence(now + 11 * MINUTE) == 11 * MINUTE


def test_while_it_is_watched_the_gaps_are_longer(
    incident: Incident, cadence: Policy, commander: Actor, now: datetime
) -> None:
    cadence(SEV3=10)
    acknowledge_incident(incident=incident, actor=commander, now=now)
    for status in ("MITIGATED", "MONITORING"):
        move_incident(incident=incident, to=status, actor=commander, now=now)

    assert silence(now + 29 * MINUTE) is None
    assert silence(now + 31 * MINUTE) == 31 * MINUTE


def test_a_promise_counts_in_place_of_the_gap(
    incident: Incident, cadence: Policy, commander: Actor, now: datetime
) -> None:
    cadence(SEV3=10)
    post_update(incident=incident, text="Back in an hour.", next_update_in=60 * MINUTE, actor=commander, now=now)

    assert silence(now + 59 * MINUTE) is None
    assert silence(now + 61 * MINUTE) == 61 * MINUTE


def test_what_was_said_before_it_was_reopened_is_no_silence_of_now(
    incident: Incident, cadence: Policy, commander: Actor, now: datetime
) -> None:
    cadence(SEV3=10)
    acknowledge_incident(incident=incident, actor=commander, now=now)
    post_update(incident=incident, text="It is over.", next_update_in=MINUTE, actor=commander, now=now)
    for status in ("MITIGATED", "RESOLVED"):
        move_incident(incident=incident, to=status, actor=commander, now=now)
    later = now + 120 * MINUTE
    reopen_incident(incident=incident, reason="It is back.", actor=commander, now=later)

    assert silence(later + 9 * MINUTE) is None
    assert silence(later + 11 * MINUTE) == 11 * MINUTE
