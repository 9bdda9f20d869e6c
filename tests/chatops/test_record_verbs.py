"""Notes, updates with a promise, action items, links, and what only shows: through the signed door."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from conductor.graph.lifecycle import ensure_node
from conductor.graph.models import Edge
from conductor.lib.clock import now as clock_now
from conductor.metering.models import PriceBook
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from incidents.models.action_item import ActionItem
from incidents.models.choices import EventKind
from incidents.models.history import TimelineEvent
from incidents.models.incident import Incident
from incidents.models.people import RoleAssignment, Task
from tests.chatops.blocks import check_message
from tests.chatops.slack import CORA, Speaker, buttons, words


def entry(tenant: Tenant, kind: EventKind) -> TimelineEvent:
    with tenant_scope(tenant.id):
        return TimelineEvent.objects.get(kind=kind)


@pytest.fixture
def declared(ben_says: Speaker) -> None:
    """INC-1, in which nobody holds a role."""
    ben_says("declare sev2 Checkout fails")


def test_a_note_stands_at_the_time_at_which_it_happened(declared: None, ben_says: Speaker, workspace: Tenant) -> None:
    ben_says("note Deploy 4.2 had begun --at 2026-01-02T03:04")

    noted = entry(workspace, EventKind.NOTE_ADDED)
    assert noted.body == "Deploy 4.2 had begun"
    assert noted.occurred_at == datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    assert noted.recorded_at > noted.occurred_at


def test_a_note_of_the_future_is_refused_and_can_be_corrected(
    declared: None, ben_says: Speaker, workspace: Tenant
) -> None:
    answer = ben_says("note Deploy 4.2 had begun --at 2099-01-02T03:04")

    assert "Refused, nothing was changed" in words(answer)
    assert "Correct it…" in buttons(answer)
    with tenant_scope(workspace.id):
        assert not TimelineEvent.objects.filter(kind=EventKind.NOTE_ADDED).exists()


def test_an_update_is_written_for_somebody_and_promises_the_next(
    declared: None, ben_says: Speaker, workspace: Tenant
) -> None:
    answer = ben_says("update Checkout works again --next 45m --customer")

    posted = entry(workspace, EventKind.UPDATE_POSTED)
    promised = datetime.fromisoformat(posted.data["next_at"]) - posted.recorded_at
    assert posted.data["audience"] == "CUSTOMER"
    assert timedelta(minutes=44) < promised < timedelta(minutes=46)
    assert "promised in 45m" in words(answer)
    assert "between a minute and a day" in words(ben_says("update x --next 2d"))


def test_severity_follows_from_impact_and_urgency(declared: None, ben_says: Speaker, workspace: Tenant) -> None:
    asked = ben_says("impact most")
    answer = ben_says("impact all stopped Nobody can pay")
    shown = ben_says("sev matrix")

    with tenant_scope(workspace.id):
        incident = Incident.objects.get()
    assert "Say how fast it gets worse" in words(asked)
    assert (incident.impact, incident.urgency, incident.severity) == ("ALL", "STOPPED", "SEV1")
    assert "so it is SEV1 now" in words(answer)
    assert "stopped SEV1" in words(shown)
    assert "by the built-in response policy" in words(shown)


def test_a_role_is_declined_with_a_reason_and_given_back(
    declared: None, ben_says: Speaker, cora_says: Speaker, workspace: Tenant
) -> None:
    cora_says("scribe <@U0BEN|ben>")
    waiting = ben_says("who")
    declined = ben_says("decline scribe I am on a plane")
    ben_says("ops")
    dropped = ben_says("drop ops")
    refused = ben_says("drop ops")

    assert "has not accepted" in words(waiting)
    assert "does not have you as its scribe" in words(declined)
    assert "it was Ben Responder" in words(dropped)
    assert "Refused" in words(refused)
    with tenant_scope(workspace.id):
        assert not RoleAssignment.objects.filter(ended_at=None).exists()


def test_who_shows_an_offer_that_nobody_answered(declared: None, ben_says: Speaker) -> None:
    ben_says("ic")
    ben_says(f"handover ic <@{CORA}|cora> Rollback runs")

    shown = words(ben_says("who"))

    assert "*Commander*  Ben Responder" in shown
    assert "offered to Cora Commander, who has not answered" in shown


def test_an_action_item_has_owner_type_and_day(declared: None, ben_says: Speaker, workspace: Tenant) -> None:
    answer = ben_says(f"followup Alert on replica lag <@{CORA}|cora> due 14d detect")
    listed = ben_says("followups")

    with tenant_scope(workspace.id):
        item = ActionItem.objects.get()
    assert (item.title, item.type, item.owner_name) == ("Alert on replica lag", "DETECT", "Cora Commander")
    assert item.due_date == (clock_now() + timedelta(days=14)).date()
    assert "has action item A-1 (detect), owned by Cora Commander" in words(answer)
    assert "A-1" in words(listed)
    assert "Add…" in buttons(listed)


def test_a_task_has_a_time_until_which_it_is_done(declared: None, ben_says: Speaker, workspace: Tenant) -> None:
    ben_says("task Call the provider due 2h")

    with tenant_scope(workspace.id):
        due_at = Task.objects.get().due_at
    assert due_at is not None
    assert timedelta(minutes=119) < due_at - clock_now() <= timedelta(hours=2)


def test_an_incident_is_linked_to_another_a_page_and_a_resource(
    declared: None, ben_says: Speaker, workspace: Tenant, now: datetime
) -> None:
    ben_says("declare sev3 The primary is slow")
    with tenant_scope(workspace.id):
        ensure_node(tenant_id=workspace.id, kind="service", key="checkout-api", name="Checkout API", now=now)

    first = ben_says("link INC-1 INC-2 caused_by")
    page = ben_says("link INC-1 <https://tracker.example/OPS-17>")
    service = ben_says("link INC-1 service:checkout-api")
    named = ben_says("link INC-2 service:checkout")

    assert "is caused by INC-2 The primary is slow" in words(first)
    assert "is tracked in OPS-17" in words(page)
    assert "There is none of that name" in words(service)
    assert "There is none of that name" in words(named)
    with tenant_scope(workspace.id):
        kinds = set(Edge.objects.filter(source__ref=Incident.objects.get(number=1).ref).values_list("kind", flat=True))
    assert {"CAUSED_BY", "TRACKED_IN"} <= kinds
    assert "There is no INC-9 here" in words(ben_says("link INC-1 INC-9"))
    assert "Refused" in words(ben_says("link INC-2 INC-1 caused_by"))


def test_a_resource_is_linked_by_its_name(declared: None, ben_says: Speaker, workspace: Tenant, now: datetime) -> None:
    with tenant_scope(workspace.id):
        ensure_node(tenant_id=workspace.id, kind="service", key="checkout-api", name="checkout-api", now=now)

    assert "now affects checkout-api" in words(ben_says("link service:checkout-api"))


def test_the_clocks_name_each_duty_and_the_next_update(declared: None, ben_says: Speaker, workspace: Tenant) -> None:
    before = words(ben_says("clock"))
    with tenant_scope(workspace.id):
        from conductor.tenancy.actors import Actor
        from incidents.incident.classification import classify_incident

        classify_incident(
            incident=Incident.objects.get(),
            answers={"personal_data": "YES"},
            actor=Actor.system(channel="cli"),
            now=clock_now(),
        )
    after = words(ben_says("deadlines"))

    assert "0 reporting obligations" in before
    assert "Next update" in before
    assert "To be decided" in after
    assert "Nobody holds legal and privacy" in after


def test_the_cost_counts_roles_that_are_still_held(
    declared: None, ben_says: Speaker, workspace: Tenant, price_book: Any
) -> None:
    assert "nothing was metered" in words(ben_says("cost"))

    ben_says("ic")
    with tenant_scope(workspace.id):
        RoleAssignment.objects.update(assumed_at=clock_now() - timedelta(hours=2))
    unpriced = words(ben_says("cost"))
    price_book("incidents.role_seconds", "0.01")
    priced = words(ben_says("cost"))

    assert "people's time in roles: no price is set" in unpriced
    assert "has cost no price so far" in unpriced
    assert "has cost $72.0" in priced
    assert "1 of 1 have a price" in priced


@pytest.fixture
def price_book(now: datetime) -> Any:
    """`price_book(meter, price)` puts a price on a meter."""

    def put(meter: str, price: str) -> None:
        PriceBook.objects.create(meter=meter, unit_price=price, valid_from=now)

    return put


def test_find_shows_what_is_over_too_and_says_how_many(ben_says: Speaker) -> None:
    ben_says("declare sev2 Checkout replica lags")
    ben_says("declare sev2 Search is slow")
    ben_says("cancel INC-1 test A probe of the alerting")

    answer = ben_says("find checkout replica")

    assert "INC-1" in answer["text"]
    assert "INC-2" not in answer["text"]
    assert "No incident that you may read" in words(ben_says("find moon"))


def test_a_private_incident_is_not_said_in_the_channel(
    ben_says: Speaker, cleo_says: Speaker, workspace: Tenant
) -> None:
    answer = ben_says("declare sev1 Signing key is public --private --type security")
    moved = ben_says("mitigated Key revoked")

    with tenant_scope(workspace.id):
        incident = Incident.objects.get()
    assert (incident.visibility, incident.incident_type) == ("PRIVATE", "security")
    assert answer["response_type"] == moved["response_type"] == "ephemeral"
    assert "Signing key" not in str(cleo_says("find key"))
    assert "Signing key" not in str(cleo_says("status INC-1"))


def test_a_drill_is_told_apart(ben_says: Speaker, workspace: Tenant) -> None:
    ben_says("declare sev3 Fail over to the standby --drill")

    with tenant_scope(workspace.id):
        assert Incident.objects.get().kind == "PRACTICE"


@pytest.mark.parametrize("text", ["who", "clock", "cost", "followups", "matrix", "find checkout"])
def test_what_only_shows_may_be_asked_by_whoever_reads(declared: None, cleo_says: Speaker, text: str) -> None:
    answer = cleo_says(text)

    check_message(answer)
    assert answer["response_type"] == "ephemeral"
    assert "Refused" not in words(answer)


@pytest.mark.parametrize(
    "text", ["note x", "followup x", "link https://a.test/1", "impact most stopped", "drop ic", "decline ic no"]
)
def test_what_writes_is_refused_to_whoever_only_reads(declared: None, cleo_says: Speaker, text: str) -> None:
    assert "Refused, nothing was changed" in words(cleo_says(text))
