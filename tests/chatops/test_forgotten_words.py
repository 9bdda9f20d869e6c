"""Words that were redacted, hidden or are no longer needed are in no row of the database, whichever table."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections

from chatops.models.inbound_request import SlackReceipt
from chatops.models.outbox import Lane, OutboxMessage
from chatops.slack.outbound.forgetting import KEPT_FOR, MARGIN, MARKABLE_FOR, WITHDRAWN, forget_words
from chatops.slack.outbound.lifecycle import Say, WordsForgotten, enqueue, retry_message
from chatops.tasks import follow_all
from conductor.lib.clock import now as clock_now
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from incidents.access.lifecycle import set_visibility
from incidents.models.history import TimelineEvent
from incidents.models.incident import Incident
from incidents.timeline.redactions import approve_redaction, request_redaction
from tests.chatops import slack
from tests.chatops.double import Workspace
from tests.chatops.slack import Speaker, form, headers, post

pytestmark = pytest.mark.fault("api-F2")

SECRET = "Card 4111-1111 of Mr Ferdinand leaked"
Deliver = Callable[[], int]


def rows_with(words: str) -> list[str]:
    """Return table and column of every text or JSON in the whole database that has the words."""
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' "
            "AND (data_type IN ('text', 'character varying', 'json', 'jsonb', 'ARRAY') OR udt_name = 'tsvector') "
            "AND table_name NOT LIKE 'pg_%%' ORDER BY 1, 2"
        )
        columns = cursor.fetchall()
        assert len(columns) > 300, "the sweep looks at hardly anything"
        found = []
        for table, column in columns:
            cursor.execute(f'SELECT count(*) FROM "{table}" WHERE "{column}"::text ILIKE %s', [f"%{words}%"])
            if count := cursor.fetchone()[0]:
                found.append(f"{table}.{column} ({count})")
    return found


def _redact(tenant: Tenant, ben: Actor, cora: Actor) -> None:
    with tenant_scope(tenant.id):
        entry = TimelineEvent.objects.get(body__contains="Ferdinand")
        asked = request_redaction(
            event=entry, reason="A card.", legal_basis="GDPR 17", actor=ben, now=clock_now(), drops_data=True
        )
        approve_redaction(redaction=asked, actor=cora, now=clock_now())


def _follow(deliver: Deliver) -> None:
    """Make the channel, then its headline, as the workers do."""
    for _ in range(3):
        follow_all(clock_now())
        deliver()


@pytest.fixture
def said(live: Workspace, tenant: Tenant, deliver: Deliver) -> Incident:
    """An incident whose Slack channel and stored requests repeat the secret."""
    speaker = Speaker()
    speaker("declare sev2 Checkout fails")
    _follow(deliver)
    speaker(f"update INC-1 {SECRET}")
    speaker("timeline INC-1")
    _follow(deliver)
    with tenant_scope(tenant.id):
        assert any("chatops_slackreceipt" in each for each in rows_with("Ferdinand"))
        return Incident.objects.get()


def test_after_a_redaction_no_column_of_the_database_has_the_words(
    said: Incident, tenant: Tenant, ben: User, cora: User, actor: Callable[..., Actor], deliver: Deliver
) -> None:
    with tenant_scope(tenant.id):
        assert any("chatops_outboxmessage" in each for each in rows_with("Ferdinand")), "nothing was posted"

    _redact(tenant, actor(ben), actor(cora))
    with tenant_scope(tenant.id):
        assert forget_words(now=clock_now()) > 0
        assert rows_with("Ferdinand") == []
        assert forget_words(now=clock_now()) == 0
        assert SlackReceipt.objects.filter(dedupe_key="").count() == 0


def test_a_repeat_after_that_does_nothing_and_is_shown_no_words(
    live: Workspace, tenant: Tenant, ben: User, cora: User, actor: Callable[..., Actor], deliver: Deliver
) -> None:
    Speaker()("declare sev2 Checkout fails")
    body = form(f"update INC-1 {SECRET}", trigger="77.T0NORTHWIND.repeat")
    assert "Ferdinand" in str(post(body, headers(body)).json()) + SECRET
    _redact(tenant, actor(ben), actor(cora))
    with tenant_scope(tenant.id):
        forget_words(now=clock_now())
        entries = TimelineEvent.objects.count()

    again = post(body, headers(body))

    assert again.status_code == 200
    assert again.json()["text"] == "This was answered before. The answer is not kept."
    with tenant_scope(tenant.id):
        assert TimelineEvent.objects.count() == entries
        assert rows_with("Ferdinand") == []


def test_when_an_incident_becomes_private_the_copies_of_before_go(
    said: Incident, tenant: Tenant, cora: User, actor: Callable[..., Actor]
) -> None:
    with tenant_scope(tenant.id):
        set_visibility(
            incident=said, visibility="PRIVATE", reason="A person is named.", actor=actor(cora), now=clock_now()
        )
        forget_words(now=clock_now())

        assert [each for each in rows_with("Ferdinand") if each.startswith("chatops_")] == []


def test_words_end_with_their_time_and_not_before(said: Incident, tenant: Tenant, now: datetime) -> None:
    def kept() -> set[str]:
        return {each.partition(".")[0] for each in rows_with("Ferdinand") if each.startswith("chatops_")}

    with tenant_scope(tenant.id):
        forget_words(now=clock_now() + KEPT_FOR - timedelta(minutes=5))
        assert kept() == {"chatops_slackreceipt", "chatops_outboxmessage"}
        forget_words(now=clock_now() + KEPT_FOR + timedelta(minutes=1))
        assert kept() == set()


def test_a_message_in_the_channel_can_be_marked_for_a_week(workspace: Tenant) -> None:
    moment = clock_now()
    given: dict[str, Any] = {
        "tenant_id": workspace.id, "kind": "event", "team_id": slack.NORTHWIND_TEAM, "slack_user_id": slack.BEN,
        "channel_id": "C1", "payload_digest": "0" * 64, "payload": {"event": {"text": SECRET}}, "answer": {},
        "state": "DONE", "received_at": moment, "done_at": moment,
    }  # fmt: skip
    with tenant_scope(workspace.id):
        SlackReceipt.objects.create(**given, dedupe_key="ev:message", message_ts="1.1")
        SlackReceipt.objects.create(**given, dedupe_key="ev:other")

        assert forget_words(now=moment + KEPT_FOR) == 1
        assert SlackReceipt.objects.get(dedupe_key="ev:message").payload["event"]["text"] == SECRET
        assert forget_words(now=moment + MARKABLE_FOR) == 1
        assert rows_with("Ferdinand") == []


def test_what_waits_since_before_a_redaction_is_not_sent_and_pages_of_other_incidents_are(
    workspace: Tenant, ana: User, ben: User, cora: User, actor: Callable[..., Actor]
) -> None:
    ben_says = Speaker()
    ben_says("declare sev2 Checkout fails")
    ben_says(f"update INC-1 {SECRET}")
    with tenant_scope(workspace.id):
        incident = Incident.objects.get()
        OutboxMessage.objects.all().delete()
        for subject, lane in ((incident.ref, Lane.PAGE), ("incidents.incident:other", Lane.PAGE), ("", Lane.RESPONSE)):
            say = Say("chat.postMessage", {"text": SECRET}, lane=lane, channel_id="C1", subject=subject)
            enqueue(tenant_id=workspace.id, team_id=slack.NORTHWIND_TEAM, say=say, now=clock_now())
    _redact(workspace, actor(ben), actor(cora))
    with tenant_scope(workspace.id):
        after = Say("chat.postMessage", {"text": "Afterwards"}, channel_id="C1", subject=incident.ref)
        enqueue(tenant_id=workspace.id, team_id=slack.NORTHWIND_TEAM, say=after, now=clock_now())
        forget_words(now=clock_now() + MARGIN)

        found = {
            (each.subject or "answer", str(each.arguments.get("text", ""))): each.state
            for each in OutboxMessage.objects.filter(channel_id="C1")
        }
        assert found == {
            (incident.ref, ""): "DEAD",
            (incident.ref, "Afterwards"): "PENDING",
            ("incidents.incident:other", SECRET): "PENDING",
            ("answer", ""): "DEAD",
        }
        dead = OutboxMessage.objects.filter(state="DEAD").first()
        assert dead is not None and dead.error == WITHDRAWN
        with pytest.raises(WordsForgotten):
            retry_message(message=dead, actor=actor(ana), now=clock_now())
