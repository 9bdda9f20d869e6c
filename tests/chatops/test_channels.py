"""An incident's channel against our double of Slack: made, kept current, captured from, and never open to outsiders."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from chatops import tasks
from chatops.models.channel import IncidentChannel
from chatops.models.inbound_request import SlackReceipt
from chatops.models.outbox import OutboxMessage
from chatops.slack.channels.lifecycle import ChannelShared, use_channel
from chatops.slack.channels.sync import channel_name
from conductor.lib.clock import now as clock_now
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from incidents.models.history import TimelineEvent
from incidents.models.incident import Incident
from tests.chatops.blocks import check_view
from tests.chatops.double import Channel, SlackDouble, Workspace
from tests.chatops.slack import BEN, CLEO, CORA, STRANGER, Speaker, buttons, send_event, words

Deliver = Callable[[], int]
State = IncidentChannel.State


def timeline(tenant: Tenant, kind: str) -> list[TimelineEvent]:
    with tenant_scope(tenant.id):
        return list(TimelineEvent.objects.filter(kind=kind).order_by("seq"))


@pytest.fixture
def room(live: Workspace, tenant: Tenant, deliver: Deliver) -> Channel:
    """The channel of INC-1, which Ben declared, with its headline."""
    Speaker()("declare sev2 Checkout fails --service checkout")
    keep(deliver)
    return next(each for each in live.channels.values() if each.name.startswith("inc-1"))


def keep(deliver: Deliver) -> None:
    """Let the sweeps do what a worker does: follow the incidents, make the calls, follow again."""
    tasks.follow_all(clock_now())
    deliver()


def headline(room: Channel) -> str:
    first = next(iter(room.messages.values()))
    return words({"blocks": first.blocks})


def test_a_declared_incident_gets_its_channel_with_people_topic_and_headline(
    room: Channel, double: SlackDouble, tenant: Tenant, deliver: Deliver
) -> None:
    assert room.name == "inc-1-checkout-fails"
    assert room.topic == "INC-1 SEV2 Checkout fails"
    assert room.members == {"U0BOT", BEN}
    Speaker(CORA)("ic INC-1")
    keep(deliver)
    assert CORA in room.members
    assert len(room.messages) == 1
    assert "Open" in headline(room)
    assert len(timeline(tenant, "chat.channel_opened")) == 1


def test_the_headline_is_kept_current_and_stays_one_message(room: Channel, deliver: Deliver) -> None:
    Speaker(CORA)("ic")
    Speaker()("update Rolled back to 4.1")
    Speaker()("mitigated Traffic moved")

    keep(deliver)

    assert len(room.messages) == 1
    said = headline(room)
    assert "Mitigated" in said
    assert "Cora Commander" in said
    assert "Rolled back to 4.1" in said


def test_three_acts_in_a_row_are_one_update_and_nothing_new_is_none(
    room: Channel, double: SlackDouble, deliver: Deliver
) -> None:
    for text in ("update one", "update two", "update three"):
        Speaker()(text)
        tasks.follow_all(clock_now())
    deliver()
    keep(deliver)

    assert len(double.called("chat.update")) == 1
    assert "three" in headline(room)


def test_a_name_that_is_taken_gets_a_number(live: Workspace, tenant: Tenant, deliver: Deliver) -> None:
    live.add_channel("inc-1-checkout-fails")
    Speaker()("declare sev2 Checkout fails")

    keep(deliver)

    assert "inc-1-checkout-fails-2" in [each.name for each in live.channels.values()]


def test_a_workspace_that_refuses_channels_leaves_the_incident_as_it_is(
    live: Workspace, double: SlackDouble, tenant: Tenant, deliver: Deliver
) -> None:
    double.fail("conversations.create", "restricted_action", times=9)
    Speaker()("declare sev2 Checkout fails")

    keep(deliver)

    with tenant_scope(tenant.id):
        assert IncidentChannel.objects.get().state == State.FAILED
        assert OutboxMessage.objects.get(state="DEAD").error == "restricted_action"
        assert Incident.objects.get().status == "OPEN"


def test_a_command_in_the_channel_means_its_incident(room: Channel, live: Workspace, tenant: Tenant) -> None:
    Speaker()("declare sev3 Something else")

    answer = Speaker()("ack", channel_id=room.id)
    panel = Speaker()("", channel_id=room.id)

    assert "INC-1 is acknowledged by you" in answer["text"]
    assert "INC-1 SEV2" in panel["text"]
    assert {"Update…", "Assign…", "Severity…", "Mitigated…"} <= set(buttons(panel))


def test_elsewhere_the_command_alone_shows_my_work(room: Channel) -> None:
    assert "You hold no role" in Speaker()("")["text"]
    Speaker()("ic INC-1")
    mine = Speaker()("")

    assert "INC-1" in words(mine)
    assert "Declare an incident…" in buttons(mine)


def test_externally_shared_channel_refused(
    room: Channel, live: Workspace, tenant: Tenant, cora: Any, actor: Any, now: datetime
) -> None:
    """No incident is worked on where outsiders read."""
    with tenant_scope(tenant.id):
        incident = Incident.objects.get()
        with pytest.raises(ChannelShared):
            use_channel(
                incident=incident,
                team_id=live.team_id,
                channel_id="C0EXTERN",
                name="with-acme",
                is_shared=True,
                actor=actor(cora),
                now=now,
            )
        assert IncidentChannel.objects.count() == 1


def test_a_channel_that_is_shared_later_falls_silent_and_its_people_are_told(
    room: Channel, live: Workspace, double: SlackDouble, tenant: Tenant, deliver: Deliver
) -> None:
    Speaker(CORA)("ic INC-1")
    keep(deliver)
    before = headline(room)

    room.is_ext_shared = True
    send_event({"type": "channel_shared", "channel": room.id, "connected_team_id": "T0ACME"}, event_id="Ev1")
    Speaker()("update Card numbers leaked")
    keep(deliver)

    assert headline(room) == before
    (entry,) = timeline(tenant, "chat.channel_shared")
    assert entry.data["channel"] == "#inc-1-checkout-fails"
    assert "shared with people outside" in live.channels[CORA].latest().text
    send_event({"type": "channel_unshared", "channel": room.id}, event_id="Ev2")
    deliver()
    keep(deliver)
    assert "Card numbers leaked" in headline(room)


def react(
    room: Channel, ts: str, reaction: str, *, event_id: str, user: str = BEN, kind: str = "added", **more: Any
) -> None:
    item = {"type": "message", "channel": room.id, "ts": ts}
    event = {"type": f"reaction_{kind}", "user": user, "reaction": reaction, "item": item, "item_user": CORA}
    assert send_event(event, event_id=event_id, **more).status_code == 200


def write(room: Channel, live: Workspace, text: str, *, event_id: str, user: str = CORA) -> str:
    """Have somebody write in the channel, and Slack tell us so."""
    message = live.say(room.id, user, text)
    event = {"type": "message", "channel": room.id, "channel_type": "channel", "user": user, "text": text}
    send_event({**event, "ts": message.ts}, event_id=event_id)
    return message.ts


def test_a_marked_message_goes_onto_the_timeline_in_its_authors_words_and_time(
    room: Channel, live: Workspace, tenant: Tenant, deliver: Deliver, double: SlackDouble
) -> None:
    ts = write(room, live, "The <#C1|replica> is &gt; 40 min behind", event_id="Ev1")

    react(room, ts, "pushpin", event_id="Ev2")
    react(room, ts, "mega", event_id="Ev3")
    react(room, ts, "tada", event_id="Ev4")
    deliver()

    (entry,) = timeline(tenant, "chat.message_captured")
    assert entry.body == "The #replica is > 40 min behind"
    assert (entry.actor_name, entry.data["author"], entry.data["mark"]) == ("Ben Responder", "Cora Commander", "pin")
    assert entry.occurred_at.timestamp() == pytest.approx(float(ts), abs=1)
    assert double.called("conversations.history") == []


def test_a_message_from_before_the_bot_came_is_asked_for_once(
    room: Channel, live: Workspace, tenant: Tenant, deliver: Deliver, double: SlackDouble
) -> None:
    ts = live.say(room.id, CORA, "Old but gold").ts

    react(room, ts, "stopwatch", event_id="Ev2")
    deliver()

    assert [each.body for each in timeline(tenant, "chat.message_captured")] == ["Old but gold"]
    assert len(double.called("conversations.history")) == 1


def test_a_pin_captures_and_unpinning_is_told(room: Channel, live: Workspace, tenant: Tenant, deliver: Deliver) -> None:
    message = {"type": "message", "user": CORA, "ts": "1795500000.000100", "text": "Pinned"}
    item = {"type": "message", "channel": room.id, "message": message}
    send_event({"type": "pin_added", "user": BEN, "channel_id": room.id, "item": item}, event_id="Ev1")
    deliver()
    send_event({"type": "pin_removed", "user": BEN, "channel_id": room.id, "item": item}, event_id="Ev2")
    deliver()

    assert [each.body for each in timeline(tenant, "chat.message_captured")] == ["Pinned"]
    assert len(timeline(tenant, "chat.message_unpinned")) == 1


def test_edits_and_deletions_are_told_and_the_captured_words_stay(
    room: Channel, live: Workspace, tenant: Tenant, deliver: Deliver
) -> None:
    ts = write(room, live, "It was Bob's deploy", event_id="Ev1")
    react(room, ts, "pushpin", event_id="Ev2")
    deliver()

    base = {"type": "message", "channel": room.id, "hidden": True}
    edited = {"user": CORA, "ts": ts, "text": "It was a deploy"}
    before = {"user": CORA, "ts": ts, "text": "It was Bob's deploy"}
    send_event({**base, "subtype": "message_changed", "message": edited, "previous_message": before}, event_id="Ev3")
    send_event({**base, "subtype": "message_changed", "message": edited, "previous_message": edited}, event_id="Ev4")
    send_event({**base, "subtype": "message_deleted", "deleted_ts": ts, "previous_message": edited}, event_id="Ev5")
    deliver()

    assert [each.body for each in timeline(tenant, "chat.message_captured")] == ["It was Bob's deploy"]
    assert [each.body for each in timeline(tenant, "chat.message_edited")] == ["It was a deploy"]
    assert len(timeline(tenant, "chat.message_deleted")) == 1


@pytest.mark.parametrize("user", [STRANGER, CLEO])
def test_a_mark_by_somebody_who_may_not_respond_captures_nothing(
    room: Channel, live: Workspace, tenant: Tenant, deliver: Deliver, user: str
) -> None:
    ts = write(room, live, "x", event_id="Ev1")

    react(room, ts, "pushpin", event_id="Ev2", user=user)
    deliver()

    assert timeline(tenant, "chat.message_captured") == []


def test_a_mark_in_a_channel_that_outsiders_read_captures_nothing_and_closes_it(
    room: Channel, live: Workspace, tenant: Tenant, deliver: Deliver
) -> None:
    ts = write(room, live, "x", event_id="Ev1")

    react(room, ts, "pushpin", event_id="Ev2", is_ext_shared_channel=True)
    deliver()

    assert timeline(tenant, "chat.message_captured") == []
    assert len(timeline(tenant, "chat.channel_shared")) == 1


def test_messages_elsewhere_are_not_kept(room: Channel, live: Workspace, tenant: Tenant) -> None:
    event = {"type": "message", "channel": "C0INCIDENTS", "user": CORA, "text": "private matters", "ts": "1.1"}
    send_event(event, event_id="Ev1")

    with tenant_scope(tenant.id):
        assert not SlackReceipt.objects.filter(dedupe_key__contains="Ev1").exists()


def test_app_home_shows_my_work_and_explains_itself_to_a_stranger(
    room: Channel, live: Workspace, deliver: Deliver
) -> None:
    live.users[STRANGER] = {"id": STRANGER}
    Speaker()("ic INC-1")

    for number, user in enumerate((BEN, STRANGER)):
        send_event({"type": "app_home_opened", "user": user, "channel": "D1", "tab": "home"}, event_id=f"Ev{number}")
    deliver()

    check_view(live.homes[BEN])
    check_view(live.homes[STRANGER])
    assert "INC-1" in words(live.homes[BEN])
    assert "INC-1" not in words(live.homes[STRANGER])
    assert "does not know which member you are" in words(live.homes[STRANGER])


def test_the_app_that_is_uninstalled_forgets_its_token_and_keeps_who_and_when(
    room: Channel, live: Workspace, tenant: Tenant, deliver: Deliver
) -> None:
    send_event({"type": "tokens_revoked", "tokens": {"oauth": [BEN], "bot": []}}, event_id="Ev0")
    deliver()
    assert Speaker()("list")["text"].startswith("INC-1")

    send_event({"type": "app_uninstalled"}, event_id="Ev1")
    deliver()

    with tenant_scope(tenant.id):
        from chatops.models.workspace import SlackInstallation

        gone = SlackInstallation.objects.get()
    assert (gone.revoked_why, gone.bot_token_sealed) == ("app_uninstalled", "")
    assert "is not connected" in Speaker()("list")["text"]


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Checkout fails!", "inc-7-checkout-fails"),
        ("Zahlungen über Grün", "inc-7-zahlungen-uber-grun"),
        ("\u05e9\u05dc\u05d5\u05dd", "inc-7"),
        ("x" * 200, "inc-7-" + "x" * 40),
        ("--- ---", "inc-7"),
    ],
)
def test_a_channels_name_is_one_that_slack_takes(title: str, name: str) -> None:
    assert channel_name(Incident(number=7, title=title)) == name
