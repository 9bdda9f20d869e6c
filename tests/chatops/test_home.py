"""App Home and the command alone: everything that waits for one person, with the buttons that answer it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from chatops.commands.my_work import Work, blocks_of
from conductor.lib.clock import now as clock_now
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from incidents.incident.classification import classify_incident
from incidents.models.action_item import ActionItem
from incidents.models.incident import Incident
from incidents.models.obligation import Obligation
from incidents.models.people import RoleAssignment, RoleOffer, Task
from incidents.reporting.lifecycle import assert_reporting_moment
from tests.chatops import test_answers
from tests.chatops.blocks import check_message, check_schema, check_view
from tests.chatops.double import Workspace
from tests.chatops.slack import BEN, CORA, Speaker, buttons, press, send_event, words

Deliver = Callable[[], int]


@pytest.fixture
def home(live: Workspace, deliver: Deliver) -> Callable[[str], dict[str, Any]]:
    """`home(BEN)` opens the person's Home tab and returns what Slack shows there."""
    opened = iter(range(100))

    def open_tab(user: str) -> dict[str, Any]:
        event = {"type": "app_home_opened", "user": user, "channel": "D1", "tab": "home"}
        send_event(event, event_id=f"EvHome{next(opened)}")
        deliver()
        view = live.homes[user]
        check_view(view)
        return view

    return open_tab


def test_home_shows_all_that_waits_for_me_and_nothing_of_others(
    live: Workspace, home: Callable[[str], dict[str, Any]], tenant: Tenant, cora: Any, actor: Any
) -> None:
    cora_says = Speaker(CORA)
    cora_says("declare sev2 Checkout fails")
    cora_says(f"scribe <@{BEN}|ben>")
    cora_says("ic")
    cora_says(f"handover ic <@{BEN}|ben> Rollback runs")
    cora_says(f"task Check the replica <@{BEN}|ben> due 2h")
    cora_says("task Somebody else's task")
    cora_says(f"followup Alert on lag <@{BEN}|ben> due 14d detect")
    with tenant_scope(tenant.id):
        incident = Incident.objects.get()
        classify_incident(incident=incident, answers={"personal_data": "YES"}, actor=actor(cora), now=clock_now())
        assert_reporting_moment(
            incident=incident,
            key="awareness",
            at=clock_now(),
            reason="Seen by the team",
            actor=actor(cora),
            now=clock_now(),
        )

    shown = home(BEN)
    said = words(shown)

    assert "commander, offered to you" in said
    assert "scribe, given to you" in said
    assert "Check the replica" in said
    assert "Somebody else's task" not in said
    assert "Alert on lag" in said
    assert "gdpr" in said.lower()
    assert {"Accept", "Decline…", "Done"} <= set(buttons(shown))
    assert "offered to you" not in words(home(CORA))


def test_a_role_is_accepted_and_a_task_done_from_home(
    live: Workspace, home: Callable[[str], dict[str, Any]], tenant: Tenant
) -> None:
    cora_says = Speaker(CORA)
    cora_says("declare sev2 Checkout fails")
    cora_says(f"scribe <@{BEN}|ben>")
    cora_says(f"task Check the replica <@{BEN}|ben>")
    shown = buttons(home(BEN))

    press(shown["Accept"])
    press(shown["Done"])

    with tenant_scope(tenant.id):
        assert RoleAssignment.objects.get(role="SCRIBE").accepted_at is not None
        assert Task.objects.get().state == "DONE"
    after = words(home(BEN))
    assert "given to you" not in after
    assert "Check the replica" not in after


def test_the_command_alone_shows_what_waits_too(live: Workspace) -> None:
    cora_says = Speaker(CORA)
    cora_says("declare sev2 Checkout fails")
    cora_says(f"task Check the replica <@{BEN}|ben>")

    answer = Speaker(BEN)("")

    check_message(answer)
    assert "Check the replica" in words(answer)
    assert "Done" in buttons(answer)


@pytest.mark.parametrize("kind", test_answers.WORST)
def test_what_waits_fits_on_the_worst_texts(kind: str, now: datetime) -> None:
    text = test_answers.WORST[kind]
    one = test_answers.incident(text)
    tenant_id = one.tenant_id
    at = now + timedelta(days=900)
    work = Work(
        [RoleOffer(incident=one, role="PRIVACY"), *[RoleAssignment(incident=one, role="COMMANDER")] * 30],
        [Task(incident=one, tenant_id=tenant_id, number=999_999, title=text[:200], due_at=at)] * 30,
        [ActionItem(incident=one, number=999_999, title=text[:200], due_date=date(2026, 1, 1))] * 30,
        [Obligation(incident=one, regime=text[:40], rule={"title": text}, state="APPLICABLE", due_at=at)] * 30,
    )

    blocks = blocks_of(work, now=now)

    view = {"type": "home", "blocks": blocks}
    check_view(view)
    check_schema(view)


def test_the_command_line_hears_nothing_of_private_incidents(live: Workspace, tenant: Tenant) -> None:
    Speaker(BEN)("declare sev1 Signing key is public --private")

    def say(person: str, *sentence: str) -> str:
        out = StringIO()
        try:
            call_command("incident", "--tenant", tenant.slug, "--as", person, *sentence, stdout=out)
        except CommandError as refused:
            return str(refused)
        return out.getvalue()

    assert "Signing key" in say("ben", "find", "key")
    assert "Signing key" not in say("cleo", "find", "key")
    assert "Signing key" not in say("cleo", "status", "INC-1")
