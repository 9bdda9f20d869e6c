"""A live page ends with what let its reader in: membership, session, sight of the incident."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth.models import User
from django.test import Client

from conductor.access.lifecycle.members import remove_member
from conductor.access.lifecycle.sessions import end_sessions
from conductor.console.shell import live
from conductor.lib.clock import now as clock_now
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Membership, Tenant
from incidents.access.lifecycle import set_visibility
from incidents.incident.lifecycle import declare_incident
from incidents.models.incident import Incident
from incidents.timeline.lifecycle import post_update

Actors = Callable[..., Actor]


@pytest.fixture
def incident(committed: None, tenant: Tenant, cora: User, actor: Actors) -> Incident:
    with tenant_scope(tenant.id):
        return declare_incident(
            tenant_id=tenant.id, title="Queue is behind", severity="SEV3", actor=actor(cora), now=clock_now()
        )[0]


@pytest.fixture
def reading(incident: Incident) -> Iterator[Iterator[bytes]]:
    """Ben's open stream, which has told nothing yet."""
    browser = Client()
    sent = {"login": "ben@example.test", "password": "ben-password"}
    assert browser.post("/accounts/login/", sent).status_code == 302
    response = browser.get(f"/t/northwind/incidents/{incident.code}/events?after=0")
    assert response["Content-Type"] == "text/event-stream"
    chunks = iter(response.streaming_content)
    assert next(chunks) == live.FIRST_WORDS
    yield chunks
    response.close()


def _remove(membership: Membership, admin: Actor, incident: Incident, cora: Actor) -> None:
    remove_member(membership=membership, actor=admin, now=clock_now())


def _end(membership: Membership, admin: Actor, incident: Incident, cora: Actor) -> None:
    end_sessions(membership=membership, actor=admin, now=clock_now())


def _hide(membership: Membership, admin: Actor, incident: Incident, cora: Actor) -> None:
    set_visibility(incident=incident, visibility="PRIVATE", reason="Names a customer", actor=cora, now=clock_now())


@pytest.mark.parametrize("act", [_remove, _end, _hide])
def test_an_open_stream_ends_before_it_tells_anything_more(
    act: Callable[..., None],
    reading: Iterator[bytes],
    incident: Incident,
    tenant: Tenant,
    ana: User,
    ben: User,
    cora: User,
    actor: Actors,
) -> None:
    with tenant_scope(tenant.id):
        act(Membership.objects.get(user=ben), actor(ana), incident, actor(cora))
        post_update(incident=incident, text="Not for Ben any more", actor=actor(cora), now=clock_now())

    assert list(reading) == []


def test_whoever_may_still_read_is_told(
    reading: Iterator[bytes], incident: Incident, tenant: Tenant, cora: User, actor: Actors
) -> None:
    assert next(reading).startswith(b"id: ")
