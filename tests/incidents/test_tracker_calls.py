"""A tracker calls back: a signed call brings a look forward, anything else is a stranger's."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client

from adapters.configuration.lifecycle import configure_adapter, switch_adapter
from adapters.models.adapter import AdapterConfig
from adapters.models.ticket import Ticket
from adapters.tickets.lifecycle import request_ticket
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from tests.adapters.github_double import REPOSITORY, SECRETS, Issues, github

SAID = {"action": "closed", "issue": {"number": 1}, "repository": {"full_name": REPOSITORY}}


@pytest.fixture
def repository() -> Iterator[tuple[Issues, str]]:
    with github() as running:
        yield running


@pytest.fixture
def tracker(
    tenant: Tenant, actor: Callable[..., Actor], ana: User, now: datetime, repository: tuple[Issues, str]
) -> AdapterConfig:
    settings = {"repository": REPOSITORY, "url": repository[1], "allow_loopback": True}
    who = actor(ana)
    with tenant_scope(tenant.id):
        made = configure_adapter(
            tenant_id=tenant.id, kind="github", name="Code", settings=settings, secrets=SECRETS, actor=who, now=now
        )
        content = {"title": "x", "text": "", "url": ""}
        request_ticket(
            adapter=made, subject="incidents.incident:1", subject_state="OPEN", content=content, actor=who, now=now
        )
        Ticket.objects.update(
            phase="TRACKED", external_id="1", name="#1", state="OPEN", remote_status="open", synced_at=now
        )
    return made


def call(tracker: AdapterConfig, said: Any = SAID, *, secret: str = SECRETS["webhook_secret"], **other: Any) -> Any:
    body = json.dumps(said).encode()
    signature = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    path = f"/hooks/{other.get('organisation', 'northwind')}/trackers/{other.get('adapter_id', tracker.id)}"
    headers = {"x-hub-signature-256": signature, "x-github-event": "issues"}
    return Client().post(path, body, content_type="application/json", headers=headers)


def is_due(tenant: Tenant) -> bool:
    with tenant_scope(tenant.id):
        return Ticket.objects.get().due_at is not None


def test_a_signed_call_brings_a_look_forward_and_asks_nobody(
    tracker: AdapterConfig, tenant: Tenant, repository: tuple[Issues, str]
) -> None:
    answer = call(tracker)

    assert (answer.status_code, answer.json()) == (202, {"tickets": 1})
    assert is_due(tenant)
    with tenant_scope(tenant.id):
        assert Ticket.objects.get().state == "OPEN", "what a call says is not believed"


def test_a_call_about_a_ticket_that_nobody_follows_is_taken_and_does_nothing(
    tracker: AdapterConfig, tenant: Tenant
) -> None:
    assert call(tracker, {**SAID, "issue": {"number": 2}}).json() == {"tickets": 0}
    assert not is_due(tenant)


def test_strangers_are_all_answered_alike(
    tracker: AdapterConfig, tenant: Tenant, actor: Callable[..., Actor], ana: User, now: datetime
) -> None:
    answers = [
        call(tracker, secret="another"),
        call(tracker, organisation="nobody"),
        call(tracker, organisation="globex"),
        call(tracker, adapter_id=uuid4()),
    ]
    with tenant_scope(tenant.id):
        switch_adapter(adapter=tracker, enabled=False, actor=actor(ana), now=now)
    answers.append(call(tracker))

    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1
    assert not is_due(tenant)
