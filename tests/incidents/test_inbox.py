"""What waits for a person: each row is there because of another row, for whom it concerns, until it is done."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from chatops.models.workspace import SlackIdentity, SlackInstallation
from chatops.slack.workspace.identities import unlink_identity
from conductor.console.inbox.registry import OVERDUE, THIS_WEEK, TODAY, UNDATED, Asker, Waiting, Waits
from conductor.lib.clock import now as clock_now
from conductor.policy.lifecycle import upload_policy
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.database.viewing import viewing_as
from conductor.tenancy.lifecycle import issue_token
from conductor.tenancy.models import Membership, Tenant
from incidents.alerts.intake import take_in
from incidents.alerts.parsers.generic import read_generic
from incidents.followups.action_items import add_action_item, close_action_item
from incidents.incident.status import move_incident
from incidents.models.incident import Incident
from incidents.models.obligation import Obligation
from incidents.postmortem.approval import approve_postmortem, blank_sections, publish_postmortem, request_changes
from incidents.postmortem.lifecycle import draft_postmortem
from incidents.postmortem.review import ask_for_review, edit_section
from incidents.response.handovers import accept_role, decline_role, hand_over_role
from incidents.response.policy_versions import change_response_policy
from incidents.response.roles import assign_role, release_role
from incidents.response.tasks import add_task
from incidents.timeline.lifecycle import post_update
from incidents.timeline.redactions import refuse_redaction, request_redaction
from tests import world
from tests.evidence.calling import caller
from tests.policy.own_rules import FREEZE

pytestmark = pytest.mark.fault("console-F10")

Declare = Callable[..., Incident]
AtStatus = Callable[..., Incident]
HOUR = timedelta(hours=1)
ALERT = {"alerts": [{"key": "k", "name": "Disk", "severity": "warning"}]}
HELD = {"alerts": [{"key": "odd", "name": "Odd", "severity": "warning"}, {"key": "strange", "name": "Strange"}]}


def waits(who: Actor, now: datetime) -> Waits:
    return Waits(Asker(who, "northwind", now))


def rows(who: Actor, now: datetime) -> list[Waiting]:
    """What waits for them, as they themselves see it."""
    with viewing_as(who):
        found = waits(who, now)
        read = found.rows(found.keys)
        assert len(read) == found.count, "counted, but not shown"
        return read


def kinds(who: Actor, now: datetime) -> list[str]:
    return [row.key.kind for row in rows(who, now)]


@pytest.fixture
def ana_acts(ana: User, actor: Callable[..., Actor]) -> Actor:
    return actor(ana)


def test_nothing_waits_where_nothing_happened(scope: None, commander: Actor, now: datetime) -> None:
    found = waits(commander, now)

    assert (found.count, found.overdue, found.by_group, found.next_due_at) == (0, 0, [], None)
    assert found.rows(found.keys) == []


def test_a_role_that_was_given_waits_until_it_is_accepted_and_is_due_as_the_policy_says(
    incident: Incident, responder: Actor, commander: Actor, ben: User, now: datetime
) -> None:
    assign_role(incident=incident, role="SCRIBE", user=ben, actor=commander, now=now)

    (row,) = rows(responder, now + HOUR)
    assert row.told.title == f"Take the role of scribe in {incident.code}"
    assert (row.key.since, row.key.due_at, row.part) == (now, now + timedelta(minutes=10), OVERDUE)
    assert row.told.act.post == {"role": "SCRIBE"}
    assert "role_given" not in kinds(commander, now)

    accept_role(incident=incident, role="SCRIBE", actor=responder, now=now + HOUR)
    assert kinds(responder, now + HOUR) == []


def test_an_offer_waits_for_whom_it_was_made_to_until_it_is_answered(
    incident: Incident, responder: Actor, commander: Actor, ben: User, cora: User, now: datetime
) -> None:
    assign_role(incident=incident, role="SCRIBE", user=cora, actor=commander, now=now)
    hand_over_role(incident=incident, role="SCRIBE", to=ben, note="Two calls are open.", actor=commander, now=now)

    (row,) = rows(responder, now)
    assert (row.key.kind, row.key.due_at) == ("role_offered", None)
    assert row.told.why == "Cora Commander offers it to you. “Two calls are open.”"

    decline_role(incident=incident, role="SCRIBE", reason="I am on a plane.", actor=responder, now=now)
    assert kinds(responder, now) == []


def test_the_hub_and_the_inbox_agree_on_when_an_update_is_overdue(
    incident: Incident, commander: Actor, responder: Actor, cora: User, now: datetime
) -> None:
    assign_role(incident=incident, role="COMMANDER", user=cora, actor=commander, now=now)
    post_update(incident=incident, text="Back in an hour.", next_update_in=HOUR, actor=commander, now=now + HOUR)

    assert kinds(commander, now + 2 * HOUR) == []
    (row,) = rows(commander, now + 3 * HOUR)
    assert (row.key.kind, row.key.due_at, row.key.since) == ("update_overdue", now + 2 * HOUR, now + HOUR)
    assert row.told.title == f"Post an update on {incident.code}"
    assert kinds(responder, now + 3 * HOUR) == [], "others do not command it"

    post_update(incident=incident, text="It is back.", actor=commander, now=now + 3 * HOUR)
    assert kinds(commander, now + 3 * HOUR) == []


def test_a_draft_waits_for_the_commander_and_a_review_for_whoever_may_approve_it(
    at_status: AtStatus, commander: Actor, ana_acts: Actor, responder: Actor, cora: User, now: datetime
) -> None:
    incident = at_status("RESOLVED")
    assign_role(incident=incident, role="COMMANDER", user=cora, actor=commander, now=now)
    draft = draft_postmortem(incident=incident, actor=Actor.system(), now=now)
    assert kinds(commander, now) == ["postmortem_draft"]
    assert kinds(ana_acts, now) == []

    edited = edit_section(postmortem=draft, key="lessons", text="Test it.", actor=commander, now=now)
    ask_for_review(postmortem=edited, actor=commander, now=now + HOUR)
    (row,) = rows(ana_acts, now + HOUR)
    assert (row.key.kind, row.key.since) == ("postmortem_review", now + HOUR)
    assert row.told.title == f"Approve the postmortem of {incident.code}"
    assert kinds(commander, now) == [], "the words are Cora's"
    assert kinds(responder, now) == [], "Ben may not approve"

    request_changes(postmortem=edited, comment="Say what failed.\nAnd when.", actor=ana_acts, now=now)
    (row,) = rows(commander, now)
    assert (row.key.kind, row.key.since) == ("postmortem_changes", now)
    assert row.told.why == f"Ana Admin sent it back: “Say what failed.” {incident.title}"
    assert kinds(ana_acts, now) == []

    edited = edit_section(postmortem=edited, key="lessons", text="The disk.", actor=commander, now=now)
    assert kinds(commander, now) == ["postmortem_draft"]
    ask_for_review(postmortem=edited, actor=commander, now=now)
    blank = blank_sections(postmortem=edited)
    approve_postmortem(postmortem=edited, without=blank, reason="Minor.", actor=ana_acts, now=now)
    assert kinds(commander, now) == ["postmortem_unpublished"]
    publish_postmortem(postmortem=edited, actor=commander, now=now)
    assert kinds(commander, now) == kinds(ana_acts, now) == []


def test_action_items_wait_for_their_owner_until_the_day_is_over(
    at_status: AtStatus, commander: Actor, responder: Actor, ben: User, now: datetime
) -> None:
    incident = at_status("RESOLVED")
    given = {"detail": "", "type": "PREVENT", "owner": ben, "actor": commander, "now": now}
    today = add_action_item(incident=incident, title="Alarm", due_date=now.date(), **given)
    add_action_item(incident=incident, title="Runbook", due_date=None, **given)
    add_action_item(incident=incident, title="Drill", due_date=now.date() + timedelta(days=5), **given)

    found = rows(responder, now)
    assert [(row.told.title.split()[1], row.part) for row in found] == [
        ("Alarm", TODAY),
        ("Drill", THIS_WEEK),
        ("Runbook", UNDATED),
    ]
    assert found[0].last_day is not None and found[0].last_day.date() == date(2026, 11, 20)
    assert rows(responder, now + timedelta(days=1))[0].part == OVERDUE
    assert kinds(commander, now) == []

    close_action_item(item=today, effect_note="", actor=responder, now=now)
    assert [row.part for row in rows(responder, now)] == [THIS_WEEK, UNDATED]


def test_a_task_waits_for_its_assignee_while_the_incident_lasts(
    incident: Incident, commander: Actor, responder: Actor, ben: User, now: datetime
) -> None:
    add_task(incident=incident, title="Drain the queue", assignee=ben, is_blocking=True, actor=commander, now=now)

    (row,) = rows(responder, now)
    assert row.told.title == "Drain the queue"
    assert "cannot be resolved before" in row.told.why
    assert row.told.act.href.endswith("?tab=tasks")


def test_an_obligation_waits_for_the_first_role_that_owns_it(
    declare: Declare, commander: Actor, responder: Actor, ana_acts: Actor, ana: User, ben: User, now: datetime
) -> None:
    incident = declare(answers={"personal_data": "YES", "financial_service": "YES"})
    armed = Obligation.objects.open().values("regime").distinct().count()
    assert 0 < armed < Obligation.objects.open().count(), "several stages of a regime are decided as one"
    assert kinds(ana_acts, now) == kinds(commander, now) == ["obligation"] * armed, "nobody owns it: whoever may decide"
    assert kinds(responder, now) == []

    assign_role(incident=incident, role="COMMANDER", user=ana, actor=ana_acts, now=now)
    assert "obligation" in kinds(ana_acts, now)
    assert kinds(commander, now) == []

    assign_role(incident=incident, role="PRIVACY", user=ben, actor=ana_acts, now=now)
    assert "obligation" not in kinds(ana_acts, now)
    told = [row for row in rows(responder, now) if row.key.kind == "obligation"]
    assert len(told) == armed
    assert "only Commander or Admin may decide" in told[0].told.why


def test_a_request_to_redact_waits_for_another_person_who_may_answer(
    incident: Incident, commander: Actor, responder: Actor, ana_acts: Actor, now: datetime
) -> None:
    said = post_update(incident=incident, text="Card 4111 fails.", actor=commander, now=now)
    asked = request_redaction(event=said, reason="A card.", legal_basis="PCI DSS", actor=commander, now=now)

    assert kinds(ana_acts, now) == ["redaction"]
    assert kinds(commander, now) == kinds(responder, now) == []

    refuse_redaction(redaction=asked, reason="It was a test card.", actor=ana_acts, now=now)
    assert kinds(ana_acts, now) == []


def test_an_alert_that_fires_on_waits_for_the_commander_of_the_resolved_incident(
    tenant: Tenant, scope: None, commander: Actor, responder: Actor, cora: User, now: datetime
) -> None:
    notification = read_generic(ALERT, source="probe", words={})
    take_in(tenant_id=tenant.id, notification=notification, actor=commander, now=now)
    incident = Incident.objects.get()
    assign_role(incident=incident, role="COMMANDER", user=cora, actor=commander, now=now)
    post_update(incident=incident, text="Cleaned up.", actor=commander, now=now)
    for status in ("MITIGATED", "RESOLVED"):
        move_incident(incident=incident, to=status, actor=commander, now=now)
    assert kinds(commander, now + HOUR) == []

    take_in(tenant_id=tenant.id, notification=notification, actor=commander, now=now + HOUR)

    (row,) = rows(commander, now + HOUR)
    assert row.told.title == f"Reopen {incident.code}, or end its alert"
    assert kinds(responder, now + HOUR) == []

    ended = {"alerts": [{**ALERT["alerts"][0], "status": "resolved"}]}
    take_in(
        tenant_id=tenant.id, notification=read_generic(ended, source="probe", words={}), actor=commander, now=now + HOUR
    )
    assert kinds(commander, now + HOUR) == []


def test_alerts_that_wait_for_a_decision_are_one_row_with_their_number(
    tenant: Tenant, scope: None, ana_acts: Actor, commander: Actor, responder: Actor, now: datetime
) -> None:
    content = {"title": "Hold", "hold_alerts_of": ["SEV1", "SEV2", "SEV3", "SEV4"]}
    change_response_policy(
        tenant_id=tenant.id, content=content, reason="Hold.", seen_version=0, actor=ana_acts, now=now
    )
    take_in(tenant_id=tenant.id, notification=read_generic(HELD, source="probe", words={}), actor=commander, now=now)

    (row,) = rows(responder, now)
    assert row.told.title == "Decide which of 2 alerts are incidents"
    assert row.told.act.href.endswith("?outcome=PENDING")


def test_of_a_private_incident_nothing_waits_for_those_who_may_not_read_it(
    declare: Declare, commander: Actor, ana_acts: Actor, responder: Actor, ben: User, cora: User, now: datetime
) -> None:
    incident = declare(visibility="PRIVATE", title="Payroll leak", answers={"personal_data": "YES"}, actor=ana_acts)
    said = post_update(incident=incident, text="Names are in it.", actor=ana_acts, now=now)
    request_redaction(event=said, reason="Names.", legal_basis="GDPR", actor=ana_acts, now=now)

    assert kinds(commander, now) == []

    assign_role(incident=incident, role="SCRIBE", user=cora, actor=ana_acts, now=now)
    assert sorted(set(kinds(commander, now))) == ["obligation", "redaction", "role_given"]
    release_role(incident=incident, role="SCRIBE", actor=ana_acts, now=now)
    assert kinds(commander, now) == []


def test_rules_wait_for_somebody_else_than_who_uploaded_them(
    tenant: Tenant, scope: None, commander: Actor, ana_acts: Actor, responder: Actor, now: datetime
) -> None:
    upload_policy(
        tenant_id=tenant.id, name="freeze", rego=FREEZE.format(name="freeze"), purpose="Quiet.", actor=ana_acts, now=now
    )

    (row,) = rows(commander, now)
    assert (row.key.kind, row.told.subject) == ("policy_activation", "freeze v1")
    assert kinds(ana_acts, now) == kinds(responder, now) == []


def test_a_slack_account_waits_for_its_member_until_it_is_confirmed_or_unlinked(
    tenant: Tenant, scope: None, responder: Actor, commander: Actor, ana_acts: Actor, ben: User, now: datetime
) -> None:
    SlackInstallation.objects.create(tenant=tenant, team_id="T1", team_name="Northwind", app_id="A1", installed_at=now)
    found = SlackIdentity.ever.create(
        tenant=tenant, team_id="T1", slack_user_id="U1", user=ben, linked_at=now, proven_by=""
    )

    (row,) = rows(responder, now)
    assert row.told.act.href == "https://slack.com/app_redirect?app=A1&team=T1"
    assert kinds(commander, now) == []

    SlackIdentity.ever.filter(id=found.id).update(proven_by="member")
    assert kinds(responder, now) == []
    unlink_identity(identity=SlackIdentity.objects.get(), actor=ana_acts, now=now)
    assert kinds(responder, now) == [], "unlinked is not unconfirmed"


def test_the_most_urgent_is_first_whatever_kind_it_is(
    declare: Declare, commander: Actor, responder: Actor, ben: User, now: datetime
) -> None:
    incident = declare()
    for hours, title in ((30, "Third"), (-1, "First"), (2, "Second")):
        add_task(incident=incident, title=title, assignee=ben, due_at=now + hours * HOUR, actor=commander, now=now)
    add_task(incident=incident, title="Last", assignee=ben, actor=commander, now=now)
    assign_role(incident=incident, role="SCRIBE", user=ben, actor=commander, now=now)

    titles = [row.told.title.split()[0] for row in rows(responder, now)]
    assert titles == ["First", "Take", "Second", "Third", "Last"]


def test_a_hundred_rows_take_as_many_queries_as_one(
    declare: Declare, commander: Actor, responder: Actor, ben: User, now: datetime
) -> None:
    incident = declare()
    asked = []
    for count in (1, 99):
        for n in range(count):
            add_task(incident=incident, title=f"Task {n}", assignee=ben, actor=commander, now=now)
        with CaptureQueriesContext(connection) as queries:
            rows(responder, now)
        asked.append(len(queries))

    assert asked == [3, 3], "the policy, what waits, the tasks"


def test_the_page_leads_to_each_act_and_the_sidebar_counts(
    declare: Declare, commander: Actor, ben: User, cleo: User, as_user: Callable[[User], Client], now: datetime
) -> None:
    incident = declare()
    assign_role(incident=incident, role="SCRIBE", user=ben, actor=commander, now=now)
    browser = as_user(ben)

    html = browser.get("/t/northwind/inbox/").content.decode()
    assert f"Take the role of scribe in {incident.code}" in html
    assert f'action="/t/northwind/incidents/INC-{incident.number}/role/answer/"' in html
    hub = browser.get("/t/northwind/incidents/").content.decode()
    assert '<span class="count">1</span>' in hub.split('href="/t/northwind/inbox/"', 1)[1].split("</a>", 1)[0]
    assert "1 thing waits for you" in hub

    accepted = browser.post(f"/t/northwind/incidents/INC-{incident.number}/role/answer/", {"role": "SCRIBE"})
    assert accepted.status_code == 302
    empty = browser.get("/t/northwind/inbox/").content.decode()
    assert "Nothing waits for you" in empty
    assert "Last checked" in empty
    assert "waits for you" not in browser.get("/t/northwind/incidents/").content.decode().split("<main", 1)[1]
    assert "Nothing waits for you" in as_user(cleo).get("/t/northwind/inbox/").content.decode()


def test_the_page_is_read_fifty_at_a_time_and_kind_by_kind(
    declare: Declare, commander: Actor, ben: User, as_user: Callable[[User], Client], now: datetime
) -> None:
    incident = declare()
    for n in range(60):
        add_task(incident=incident, title=f"Task {n:02d}", assignee=ben, actor=commander, now=now)
    assign_role(incident=incident, role="SCRIBE", user=ben, actor=commander, now=now)
    browser = as_user(ben)

    first = browser.get("/t/northwind/inbox/").content.decode()
    second = browser.get("/t/northwind/inbox/?from=50").content.decode()
    roles = browser.get("/t/northwind/inbox/?kind=Roles").content.decode()

    assert [page.count('class="todo-text"') for page in (first, second, roles)] == [50, 11, 1]
    assert 'rel="next" href="?from=50"' in first
    assert "Task 59" in second
    assert browser.get("/t/northwind/inbox/?kind=nonsense&from=99999999999999999999").status_code == 200


def test_the_api_gives_the_same_rows_by_the_scopes_of_the_token(
    tenant: Tenant, declare: Declare, commander: Actor, ben: User, now: datetime
) -> None:
    incident = declare()
    assign_role(incident=incident, role="SCRIBE", user=ben, actor=commander, now=now)
    call = caller(tenant)

    answer = call("get", "/me/inbox", user=ben).json()
    assert (answer["total"], answer["overdue"], answer["is_cut"]) == (1, 1, False)
    (item,) = answer["items"]
    assert (item["kind"], item["subject"], item["act"]) == ("role_given", incident.code, "Accept")
    assert item["page"] == f"/t/northwind/incidents/INC-{incident.number}/"
    assert call("get", "/me/inbox", user=ben, query={"offset": "1"}).json()["items"] == []
    assert call("get", "/me/inbox", user=ben, query={"limit": "0"}).status_code == 422

    membership = Membership.objects.get(user=ben)
    reads = issue_token(membership=membership, name="r", scopes=["incidents:read"], now=clock_now()).secret
    limited = call("get", "/me/inbox", Authorization=f"Bearer {reads}").json()
    assert limited["items"] == [], "this token cannot accept it"


def test_another_organisation_sees_nothing_of_it(
    max_: User, declare: Declare, commander: Actor, actor: Callable[..., Actor], other_tenant: Tenant, now: datetime
) -> None:
    declare(answers={"personal_data": "YES"})
    assert "obligation" in kinds(commander, now), "it waits for whoever may decide"

    with tenant_scope(world.GLOBEX):
        assert kinds(actor(max_, of=other_tenant), now) == []
