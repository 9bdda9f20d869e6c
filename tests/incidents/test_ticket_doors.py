"""Tickets through the console and the API, and what a stranger sees of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client

from adapters.configuration.lifecycle import configure_adapter
from adapters.models.adapter import AdapterConfig
from adapters.models.ticket import Ticket
from conductor.engine.models import Run
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from incidents.access.lifecycle import set_visibility
from incidents.followups.action_items import add_action_item
from incidents.followups.tickets import record_ticket
from incidents.incident.lifecycle import declare_incident
from incidents.models.action_item import ActionItem
from incidents.models.incident import Incident
from tests.adapters.receiver import closed_port
from tests.evidence.calling import caller

HOME = "/t/northwind/incidents/"
As = Callable[[User], Client]


@pytest.fixture
def tracker(tenant: Tenant, actor: Callable[..., Actor], ana: User, now: datetime) -> AdapterConfig:
    """A tracker that nobody reaches."""
    settings = {"url": f"http://127.0.0.1:{closed_port()}", "username": "conductor", "allow_loopback": True}
    with tenant_scope(tenant.id):
        return configure_adapter(
            tenant_id=tenant.id,
            kind="roundup",
            name="Operations",
            settings=settings,
            secrets={"password": "very-secret"},
            actor=actor(ana),
            now=now,
        )


@pytest.fixture
def item(tenant: Tenant, actor: Callable[..., Actor], ben: User, now: datetime) -> ActionItem:
    who = actor(ben)
    with tenant_scope(tenant.id):
        incident, _new = declare_incident(tenant_id=tenant.id, title="Cards fail", severity="SEV3", actor=who, now=now)
        return add_action_item(incident=incident, title="Cap it", type="PREVENT", actor=who, now=now)


def tickets(tenant: Tenant) -> list[Ticket]:
    with tenant_scope(tenant.id):
        return list(Ticket.objects.select_related("adapter").order_by("created_at", "id"))


def tracked(tenant: Tenant, **given: Any) -> Ticket:
    """Make the only ticket one that the tracker has confirmed."""
    facts = {"phase": "TRACKED", "external_id": "17", "name": "issue17", "url": "https://tracker.test/issue17"}
    more = {"remote_status": "chatting", "state": "OPEN", "subject_state": "OPEN", **given}
    with tenant_scope(tenant.id):
        Ticket.objects.update(**facts, **more)
    return tickets(tenant)[0]


def page(client: Client, path: str) -> str:
    return client.get(HOME + path).content.decode()


def test_an_action_items_page_opens_a_ticket_and_shows_it(
    item: ActionItem, tracker: AdapterConfig, as_user: As, ben: User, tenant: Tenant, now: datetime
) -> None:
    client = as_user(ben)
    assert "Open ticket in Operations" in page(client, "actions/A-1/")

    answer = client.post(f"{HOME}actions/A-1/tickets/", {"tracker": str(tracker.id)})

    assert answer.headers["Location"] == f"{HOME}actions/A-1/"
    (ticket,) = tickets(tenant)
    assert (ticket.subject, ticket.phase) == (item.ref, "REQUESTED")
    assert "Requested" in page(client, "actions/A-1/")
    tracked(tenant, synced_at=now)
    shown = page(client, "actions/A-1/")
    for part in ("issue17", "https://tracker.test/issue17", "chatting", "Operations", "Sync now"):
        assert part in shown
    assert "very-secret" not in shown
    assert "Open ticket in" not in shown, "there is one already"


def test_the_incidents_page_shows_its_tickets_and_its_action_items(
    item: ActionItem, tracker: AdapterConfig, as_user: As, ben: User, tenant: Tenant
) -> None:
    client = as_user(ben)
    client.post(f"{HOME}actions/A-1/tickets/", {})
    client.post(f"{HOME}INC-1/tickets/", {})

    assert [ticket.subject.partition(":")[0] for ticket in tickets(tenant)] == [
        "incidents.action_item",
        "incidents.incident",
    ]
    shown = page(client, "INC-1/?tab=tickets")
    assert "for A-1" in shown
    assert shown.count("Try again") == 2
    assert "Open a ticket for INC-1 in Operations" in page(client, "INC-1/?tab=steps")


def test_a_tracker_that_is_away_is_said_and_kept(
    item: ActionItem, tracker: AdapterConfig, as_user: As, ben: User, tenant: Tenant, now: datetime
) -> None:
    client = as_user(ben)
    client.post(f"{HOME}INC-1/tickets/", {})
    ticket = tracked(tenant, synced_at=now)

    answer = client.post(f"{HOME}tickets/{ticket.id}/sync/")

    assert answer.status_code == 409
    assert "cannot be reached" in answer.content.decode()
    assert tickets(tenant)[0].code == "unreachable"
    assert "cannot be reached" in page(client, "INC-1/?tab=tickets")


def test_trying_again_starts_another_run(
    item: ActionItem, tracker: AdapterConfig, as_user: As, ben: User, tenant: Tenant
) -> None:
    client = as_user(ben)
    client.post(f"{HOME}INC-1/tickets/", {})
    with tenant_scope(tenant.id):
        Ticket.objects.update(phase="FAILED", attempts=1, code="http_401")

    client.post(f"{HOME}tickets/{tickets(tenant)[0].id}/sync/")

    assert tickets(tenant)[0].phase == "REQUESTED"
    with tenant_scope(tenant.id):
        assert Run.objects.filter(workflow="incidents.ticket_open").count() == 2


def test_a_ticket_is_unlinked(item: ActionItem, tracker: AdapterConfig, as_user: As, ben: User, tenant: Tenant) -> None:
    client = as_user(ben)
    client.post(f"{HOME}actions/A-1/tickets/", {})

    assert client.post(f"{HOME}tickets/{tickets(tenant)[0].id}/end/").status_code == 302

    assert tickets(tenant)[0].phase == "ENDED"
    assert "None yet." in page(client, "actions/A-1/")


def test_without_a_tracker_the_page_says_where_one_is_connected(item: ActionItem, as_user: As, ben: User) -> None:
    client = as_user(ben)

    assert "No tracker is connected" in page(client, "actions/A-1/")
    assert client.post(f"{HOME}actions/A-1/tickets/", {}).status_code == 422


def test_saving_an_action_item_keeps_what_its_ticket_has_named(
    item: ActionItem, tracker: AdapterConfig, as_user: As, ben: User, tenant: Tenant, now: datetime
) -> None:
    client = as_user(ben)
    client.post(f"{HOME}actions/A-1/tickets/", {})
    ticket = tracked(tenant, synced_at=now)
    with tenant_scope(tenant.id):
        record_ticket(ticket=ticket, actor=Actor.system(), now=now)
    shown = page(client, "actions/A-1/")
    assert '<input type="hidden" name="ticket" value="issue17">' in shown


def test_the_api_opens_lists_and_ends(item: ActionItem, tracker: AdapterConfig, ben: User, tenant: Tenant) -> None:
    asked = caller(tenant)

    def call(method: str, path: str, body: Any = None) -> Any:
        return asked(method, f"/incidents{path}", user=ben, body=body)

    made = call("post", "/action-items/1/tickets", {"tracker": "Operations"})
    assert made.status_code == 201, made.content
    assert (made.json()["phase"], made.json()["about"], made.json()["tracker"]) == ("REQUESTED", "A-1", "Operations")
    assert [each["about"] for each in call("get", "/1/tickets").json()] == ["A-1"]
    assert [each["id"] for each in call("get", "/action-items/1/tickets").json()] == [made.json()["id"]]
    refused = call("post", "/1/tickets", {"tracker": "Elsewhere"})
    assert (refused.status_code, refused.json()["fields"]) == (422, {"tracker": ["Choose one of Operations."]})
    assert call("post", "/1/tickets", {"ticket": "nonsense"}).json()["fields"].keys() == {"ticket"}
    assert call("delete", f"/tickets/{made.json()['id']}").status_code == 204
    assert call("get", "/1/tickets").json() == []
    assert call("post", f"/tickets/{uuid4()}/sync", {}).status_code == 404


def test_a_private_incidents_ticket_is_not_there_for_others(
    item: ActionItem,
    tracker: AdapterConfig,
    as_user: As,
    ben: User,
    cora: User,
    actor: Any,
    tenant: Tenant,
    now: datetime,
) -> None:
    as_user(ben).post(f"{HOME}actions/A-1/tickets/", {})
    with tenant_scope(tenant.id):
        set_visibility(
            incident=Incident.objects.get(number=1),
            visibility="PRIVATE",
            reason="Personal data of staff.",
            actor=actor(ben),
            now=now,
        )

    ticket = tickets(tenant)[0]
    answer = as_user(cora).post(f"{HOME}tickets/{ticket.id}/end/")

    assert answer.status_code == 404
    assert tickets(tenant)[0].phase == "REQUESTED"


def test_an_auditor_sees_and_does_nothing(
    item: ActionItem, tracker: AdapterConfig, as_user: As, ben: User, cleo: User, tenant: Tenant
) -> None:
    as_user(ben).post(f"{HOME}actions/A-1/tickets/", {})
    client = as_user(cleo)

    shown = page(client, "actions/A-1/")
    assert "Requested" in shown
    assert "Open ticket" not in shown
    assert client.post(f"{HOME}actions/A-1/tickets/", {}).status_code == 403
    assert client.post(f"{HOME}tickets/{tickets(tenant)[0].id}/end/").status_code == 403
