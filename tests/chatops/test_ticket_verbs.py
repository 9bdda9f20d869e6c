"""Tickets through the signed door and on the command line: opened once, listed with their state, refused with help."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command

from adapters.configuration.lifecycle import configure_adapter
from adapters.models.adapter import AdapterConfig
from adapters.models.ticket import Ticket
from conductor.engine.models import Run
from conductor.lib.clock import now as clock_now
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from incidents.models.action_item import ActionItem
from tests.adapters.receiver import closed_port
from tests.chatops.blocks import check_message, check_view
from tests.chatops.double import Workspace
from tests.chatops.slack import BEN, CLEO, Speaker, buttons, fill_in, form, headers, post, press, words


@pytest.fixture
def connect(workspace: Tenant, actor: Callable[..., Actor], ana: User, now: datetime) -> Callable[[str], AdapterConfig]:
    """`connect("Operations")`: a tracker of that name, which nobody reaches: here nothing is asked of it."""

    def connected(name: str) -> AdapterConfig:
        settings = {"url": f"http://127.0.0.1:{closed_port()}", "username": "conductor", "allow_loopback": True}
        given: dict[str, Any] = {"settings": settings, "secrets": {"password": "very-secret"}}
        with tenant_scope(workspace.id):
            return configure_adapter(
                tenant_id=workspace.id, kind="roundup", name=name, actor=actor(ana), now=now, **given
            )

    return connected


@pytest.fixture
def declared(ben_says: Speaker) -> None:
    """INC-1 with the action item A-1, and INC-2."""
    ben_says("declare sev4 Checkout fails")
    ben_says("followup INC-1 Cap the pool")
    ben_says("declare sev4 Search is slow")


def tickets(tenant: Tenant) -> list[Ticket]:
    with tenant_scope(tenant.id):
        return list(Ticket.objects.select_related("adapter").order_by("created_at", "id"))


def confirm(tenant: Tenant) -> None:
    """Have the tracker confirm every ticket, as its run would."""
    known = {"phase": "TRACKED", "name": "OPS-17", "state": "OPEN", "remote_status": "In Progress"}
    with tenant_scope(tenant.id):
        for ticket in Ticket.objects.filter(phase="REQUESTED"):
            facts = {**known, "external_id": str(ticket.id), "synced_at": clock_now()}
            Ticket.objects.filter(id=ticket.id).update(**facts, url="https://tracker.example/OPS-17")


def test_a_ticket_is_opened_for_an_action_item_by_a_run_and_only_once(
    declared: None, connect: Callable[[str], AdapterConfig], ben_says: Speaker, workspace: Tenant
) -> None:
    connect("Operations")
    asked = ben_says("ticket A-1")
    (ticket,) = tickets(workspace)
    with tenant_scope(workspace.id):
        run = Run.objects.get(workflow="incidents.ticket_open")
        item = ActionItem.objects.get()
    confirm(workspace)
    again = ben_says("ticket A-1")

    check_message(asked)
    assert "A-1: a ticket is being opened in Operations" in words(asked)
    assert (ticket.subject, ticket.phase, run.input) == (item.ref, "REQUESTED", {"ticket_id": str(ticket.id)})
    assert "there is a ticket already, nothing was changed" in words(again)
    assert "<https://tracker.example/OPS-17|OPS-17>" in words(again)
    assert len(tickets(workspace)) == 1


def test_tickets_are_listed_with_their_state_and_a_failed_one_is_tried_again(
    declared: None, connect: Callable[[str], AdapterConfig], ben_says: Speaker, cleo_says: Speaker, workspace: Tenant
) -> None:
    connect("Operations")
    assert "no tickets" in ben_says("tickets INC-1")["text"]
    ben_says("ticket INC-1")
    ben_says("ticket A-1")
    assert "is being opened" in words(ben_says("tickets INC-1"))
    confirm(workspace)
    listed = cleo_says("tickets INC-1")
    with tenant_scope(workspace.id):
        Ticket.objects.update(phase="FAILED", error="The account may not create tickets.")
    failed = ben_says("tickets INC-1")
    press(buttons(failed)["Try again"])

    assert "2 tickets" in words(listed)
    assert "In Progress (open)" in words(listed)
    assert "Operations, for A-1" in words(listed)
    assert "was not opened: The account may not create tickets." in words(failed)
    assert sorted(each.phase for each in tickets(workspace)) == ["FAILED", "REQUESTED"]


def test_of_several_trackers_one_is_named_in_whatever_case(
    declared: None, connect: Callable[[str], AdapterConfig], ben_says: Speaker, workspace: Tenant
) -> None:
    connect("Operations")
    connect("Product")
    unclear = ben_says("ticket INC-1")
    wrong = ben_says("ticket INC-1 Marketing")
    ben_says("ticket INC-1 in product")

    assert "Tracker: Choose one of Operations, Product." in words(unclear)
    assert "Tracker: Choose one of Operations, Product." in words(wrong)
    assert list(buttons(unclear)) == ["Correct it…"]
    assert [each.adapter.name for each in tickets(workspace)] == ["Product"]


def test_without_a_tracker_it_is_said_who_connects_one(
    declared: None, ben_says: Speaker, ana_says: Speaker, as_user: Any, ana: User
) -> None:
    asked, refused = ben_says("ticket INC-1"), ana_says("ticket INC-1")

    assert "No tracker is connected for this incident" in words(asked)
    assert "Connect a tracker" not in buttons(asked)
    url = buttons(refused)["Connect a tracker"]["url"]
    assert as_user(ana).get(url.removeprefix("http://127.0.0.1:8484")).status_code == 200


def test_the_form_is_not_opened_where_there_is_no_tracker(live: Workspace) -> None:
    Speaker()("declare sev4 Checkout fails")

    refused = Speaker()("ticket", trigger=live.trigger(BEN))

    assert live.modals == []
    assert "No tracker is connected" in words(refused)
    assert buttons(refused) == {}


def test_an_action_item_of_another_incident_or_of_nobody_is_refused(
    declared: None, connect: Callable[[str], AdapterConfig], ben_says: Speaker, workspace: Tenant
) -> None:
    connect("Operations")

    assert "A-1 is an action item of INC-1." in words(ben_says("ticket INC-2 A-1"))
    assert "There is no action item A-9." in words(ben_says("ticket A-9"))
    assert tickets(workspace) == []


def test_the_modal_offers_the_incidents_action_items_and_the_only_tracker(
    live: Workspace, connect: Callable[[str], AdapterConfig], tenant: Tenant
) -> None:
    tracker = connect("Operations")
    ben = Speaker()
    ben("declare sev4 Checkout fails")
    ben("followup Cap the pool")
    ben("followup Write the runbook")

    body = form("ticket", trigger=live.trigger(BEN))
    post(body, headers(body))
    (view,) = live.modals
    fill_in(view, {"item": "2"})

    check_view({key: value for key, value in view.items() if key not in {"id", "hash", "user"}})
    inputs = {block["block_id"]: block["element"] for block in view["blocks"] if block["type"] == "input"}
    assert [each["text"]["text"] for each in inputs["item"]["options"]] == ["A-2 Write the runbook", "A-1 Cap the pool"]
    assert inputs["tracker"]["initial_option"]["value"] == str(tracker.id)
    with tenant_scope(tenant.id):
        assert Ticket.objects.get().subject == ActionItem.objects.get(number=2).ref


def test_who_only_reads_sees_tickets_and_opens_none(
    declared: None, connect: Callable[[str], AdapterConfig], cleo_says: Speaker, workspace: Tenant
) -> None:
    connect("Operations")

    assert cleo_says.user == CLEO
    assert "Only Responder" in words(cleo_says("ticket INC-1"))
    assert "0 tickets" in words(cleo_says("tickets INC-1"))
    assert tickets(workspace) == []


def test_the_command_line_and_the_console_say_the_same(
    declared: None, connect: Callable[[str], AdapterConfig], workspace: Tenant, as_user: Any, ben: User
) -> None:
    tracker, told = connect("Operations"), StringIO()
    call_command("incident", "--tenant", "northwind", "--as", "ben", "ticket", "INC-2", stdout=told)
    page = as_user(ben).get("/t/northwind/command/", {"q": "ticket"}).content.decode()
    posted = {"verb": "ticket", "incident": "1", "item": "1", "tracker": str(tracker.id)}
    done = as_user(ben).post("/t/northwind/command/", posted).content.decode()

    assert "a ticket is being opened in Operations" in told.getvalue()
    assert f'<option value="{tracker.id}" selected>Operations</option>' in page
    assert "(INC-1) Cap the pool" in page
    assert "A-1: a ticket is being opened in Operations" in done
    assert len(tickets(workspace)) == 2
