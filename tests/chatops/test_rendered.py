"""What people read in Slack, as plain text, kept beside this test so that a change of words is seen in review."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest

from adapters.models.adapter import AdapterConfig
from adapters.models.ticket import Ticket
from chatops.commands import answers, replies, ticket_replies
from chatops.commands.arguments import Declare
from chatops.slack.inbound import outage_checklist
from chatops.slack.render.modals import Opened, modal
from chatops.slack.render.plain_text import as_text
from incidents.followups.ticket_selectors import TicketShown
from incidents.models.history import TimelineEvent
from incidents.models.incident import Incident
from incidents.models.people import RoleAssignment, Task
from tests.chatops.test_answers import WHEN, incident

KEPT = Path(__file__).with_name("rendered.txt")
TENANT = UUID("01934a00-0000-7000-8000-000000000001")


def told() -> Incident:
    """Return the incident that every text here is about."""
    one = incident("Checkout answers with errors")
    one.number, one.declared_by_name, one.service = 7, "Ben Responder", "checkout"
    one.tenant.slug = "northwind"
    one.environment = None
    return one


def rendered() -> str:
    """Return each message and modal under its name."""
    one = told()
    role = RoleAssignment(role="COMMANDER", user_name="Cora Commander")
    entry = TimelineEvent(
        kind="incident.declared",
        occurred_at=WHEN,
        actor_name="Ben Responder",
        data={"severity": "SEV1", "kind": "REAL"},
    )
    task = Task(number=1, title="Check the replica's lag", assignee_name="Ben Responder", state="OPEN")
    tracker = AdapterConfig(name="Operations")
    ticket = Ticket(
        phase="TRACKED", name="OPS-17", url="https://tracker.example/OPS-17", remote_status="In Progress", state="OPEN"
    )
    ticket.adapter, ticket.title, ticket.synced_at = tracker, "A-3: Cap the pool", WHEN
    refused = Ticket(phase="FAILED", origin="OPENED", error="The account may not create tickets.")
    refused.adapter = tracker
    asked = {"title": "Checkout fails", "severity": "SEV2"}
    opened = Opened("declare", TENANT)
    shown = {
        "declared": replies.declared(one, command="/incident", is_guessed=False),
        "moved": replies.moved(one, who="Cora Commander", text="Rolled back to 4.1", now=WHEN),
        "standing": replies.standing(one, roles=[role], entries=[entry], now=WHEN),
        "tasks": replies.tasks(one, [task]),
        "which one": replies.which_one("Which one?", [one], typed="/incident mitigated"),
        "refusal": answers.refusal(["Nobody has acknowledged the incident. Acknowledge it, then resolve it."]),
        "database away": outage_checklist.declared(
            Declare("Checkout fails", "SEV1"), reference="S-1a2b", who="U0BEN", now=WHEN
        ),
        "declare, the modal": modal(
            opened=opened,
            incident=None,
            candidates=[],
            menus={"environment": [("production", "Production")]},
            given=asked,
        ),
        "update, the modal": modal(opened=Opened("update", TENANT, 7), incident=one, candidates=[], menus={}, given={}),
        "ticket, the modal": modal(
            opened=Opened("ticket", TENANT, 7),
            incident=one,
            candidates=[],
            menus={"item": [("3", "A-3 Cap the pool")], "tracker": [("t1", "Operations")]},
            given={},
        ),
        "tickets": ticket_replies.listing(one, [TicketShown(ticket, "A-3"), TicketShown(refused, "")]),
    }
    return "\n\n".join(f"== {name}\n{as_text(each)}" for name, each in shown.items()) + "\n"


def test_what_people_read_is_what_was_reviewed(settings: pytest.FixtureRequest) -> None:
    settings.CONDUCTOR_BASE_URL = "https://conductor.example.com"  # type: ignore[attr-defined]

    assert rendered() == KEPT.read_text(encoding="utf-8"), (
        "Look at the difference; if it is meant, write the file anew."
    )
