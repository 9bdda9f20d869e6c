"""Everything that the code can show in Slack is shown here, of the worst texts, and held to Slack's limits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from adapters.models.adapter import AdapterConfig
from chatops import tasks
from chatops.commands.phrases import VERBS
from chatops.console.panels import READING
from chatops.console.run import say
from chatops.models.outbox import OutboxMessage
from chatops.slack.inbound.outage_checklist import take_in_degraded
from conductor.lib.clock import now as clock_now
from conductor.tenancy.actors import actor_for_user
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from incidents.models.action_item import ActionItem
from incidents.models.incident import Incident
from incidents.models.people import Task
from tests.chatops import slack
from tests.chatops.blocks import TOP_TEXT, check_blocks, check_message, check_schema, check_view, utf16_length
from tests.chatops.double import Workspace
from tests.chatops.slack import (
    BEN,
    CLEO,
    CORA,
    STRANGER,
    Speaker,
    fill_in,
    form,
    headers,
    interaction,
    post,
    send,
    send_event,
)
from tests.chatops.test_answers import WORST
from tests.chatops.watching import showing, watching

Deliver = Callable[[], int]
KINDS = ("ampersands", pytest.param("astral", marks=pytest.mark.full))
"""The texts that grow most when they are escaped, and whose characters count double."""
COPIES = 35
"""More than any list shows."""
ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def typed(text: str, most: int) -> str:
    """Return the text as Slack sends it when a person types its first `most` characters."""
    return "".join(ESCAPES.get(char, char) for char in text[:most])


class Room:
    """INC-1's channel, in which people speak."""

    def __init__(self, live: Workspace, channel_id: str) -> None:
        self.live, self.channel_id = live, channel_id

    def __call__(self, user: str, text: str, *, with_forms: bool = False) -> None:
        """Say it. Without forms, as in a workspace that opens none."""
        trigger = self.live.trigger(user) if with_forms else ""
        body = form(text, user=user, trigger=trigger, channel_id=self.channel_id)
        assert post(body, headers(body)).status_code == 200, text


@pytest.fixture
def crowd(tenant: Tenant, ben: User, cora: User, cleo: User) -> Callable[[str], None]:
    """`crowd(text)`: people, adapters and environments whose every name is the text."""

    def named(text: str) -> None:
        word = text[:60].strip() or "x"
        with tenant_scope(tenant.id):
            User.objects.filter(id__in=[ben.pk, cora.pk, cleo.pk]).update(first_name=word, last_name=word)
            for port, kind, name in (
                ("ticketing", "roundup", "Operations"),
                ("ticketing", "github", f"T{word}"),
                ("notification", "webhook", f"N{word}"),
            ):
                AdapterConfig.objects.create(
                    tenant=tenant, port=port, kind=kind, name=name, created_at=clock_now(), updated_at=clock_now()
                )

    return named


@pytest.mark.parametrize("kind", KINDS)
def test_everything_that_is_shown_fits_slack(
    live: Workspace,
    tenant: Tenant,
    ben: User,
    crowd: Callable[[str], None],
    deliver: Deliver,
    settings: Any,
    tmp_path: Path,
    kind: str,
) -> None:
    settings.CONDUCTOR_HOME = tmp_path
    text = WORST[kind]
    crowd(text)
    live.groups["S0ONCALL"] = ("oncall", [CORA, CLEO, STRANGER])
    with watching() as seen:
        room = opened(live, tenant, deliver, text)
        respond(room, tenant, text, deliver)
        look(room, tenant, text)
        leave(live, room, tenant, deliver, text)
        elsewhere(tenant, ben, text)

    forgotten = {name for key, name in showing().items() if key not in seen.called}
    assert not forgotten, "nothing above makes these show anything; add what does"
    for name, shown in seen.shown:
        checked(name, shown)
    with tenant_scope(tenant.id):
        for message in OutboxMessage.objects.all():
            posted(message)


def opened(live: Workspace, tenant: Tenant, deliver: Deliver, text: str) -> Room:
    """Declare INC-1, which has a channel then, INC-2 and INC-3, after a word about none of them."""
    Speaker()("mitigated now")
    for number in (1, 2, 3):
        Speaker()(f"declare sev3 Incident {number} {typed(text, 150)} --service checkout")
    tasks.follow_all(clock_now())
    deliver()
    return Room(live, next(each.id for each in live.channels.values() if each.name.startswith("inc-1-")))


def respond(room: Room, tenant: Tenant, text: str, deliver: Deliver) -> None:
    """Have everything said that changes INC-1, each once so that it is done."""
    long, line, word = typed(text, 900), typed(text, 150), typed(text, 30)
    for user, sentence in (
        (CORA, "ic"),
        (BEN, "ack"),
        (CORA, f"comms <@{BEN}>"),
        (BEN, "accept comms"),
        (CORA, f"ops <@{BEN}>"),
        (BEN, f"decline ops {long}"),
        (BEN, "scribe"),
        (BEN, "drop scribe"),
        (CORA, f"handover ic <@{BEN}> {long}"),
        (BEN, "accept ic"),
        (CORA, f"deputy <@{BEN}>"),
        (BEN, f"classify sev2 {long}"),
        (BEN, f"impact most stopped {long}"),
        (BEN, f"title {line}"),
        (BEN, f"summary {long}"),
        (BEN, f"type t{word}"),
        (BEN, f"update {long}"),
        (BEN, f"note {long}"),
        (BEN, f"decide {long}"),
        (BEN, f"task {line} <@{BEN}> due 2h"),
        (BEN, "done 1"),
        (BEN, f"followup {line} <@{CORA}> due 2d"),
        (BEN, "link INC-2"),
        (BEN, "link https://tracker.example/OPS-17"),
        (BEN, "ticket INC-1 in Operations"),
        (BEN, f"page service:{word} {long}"),
        (BEN, f"page <@{CORA}> {long}"),
        (BEN, f"page <!subteam^S0ONCALL|@oncall> {long}"),
        (BEN, f"cancel INC-3 test {long}"),
        (BEN, "duplicate INC-2 of INC-1"),
        (BEN, "postmortem"),
    ):
        room(user, sentence)
    tasks.follow_all(clock_now())
    deliver()
    multiply(tenant)


def multiply(tenant: Tenant) -> None:
    """Make many tasks, action items and incidents of the first of each."""
    with tenant_scope(tenant.id):
        for model in (Task, ActionItem, Incident):
            row: Any = model._default_manager.order_by("number").first()
            copies = []
            for number in range(900_000, 900_000 + COPIES):
                copy = model._default_manager.get(id=row.id)
                copy.id, copy.number = type(row)().id, number
                copies.append(copy)
            model._default_manager.bulk_create(copies)


def look(room: Room, tenant: Tenant, text: str) -> None:
    """Have everything said that only shows, and each verb alone, which opens its form."""
    room(BEN, "")
    room(BEN, f"frobnicate {typed(text, 900)}")
    room(STRANGER, "ack")
    Speaker()("")
    Speaker(CORA)("mitigated now")
    for sentence in ("help", "help ack", "find Incident", "find nothing at all", *sorted(READING - {"help", "find"})):
        room(CLEO, sentence)
    for verb in VERBS:
        room(BEN, verb.name, with_forms=True)


def leave(live: Workspace, room: Room, tenant: Tenant, deliver: Deliver, text: str) -> None:
    """Move INC-1, open App Home, capture messages, and have the channel shared with outsiders."""
    for sentence in (f"mitigated {typed(text, 900)}", "mitigated again"):
        room(BEN, sentence)
    message = {"type": "message", "user": CORA, "ts": "1795500000.000100", "text": typed(text, 900)}
    for channel in (room.channel_id, "C0INCIDENTS"):
        shortcut = interaction(
            "message_action",
            callback_id="capture_message",
            channel={"id": channel, "name": "incidents"},
            message=message,
            message_ts=message["ts"],
            response_url="",
            trigger=live.trigger(BEN),
        )
        send(shortcut)
    fill_in(live.modals[-1], {"incident": "1"})
    fill_in({**live.modals[-1], "blocks": [], "private_metadata": "made up"}, {})
    for number, user in enumerate((BEN, STRANGER)):
        send_event({"type": "app_home_opened", "user": user, "tab": "home"}, event_id=f"EvH{number}")
    deliver()
    send_event({"type": "channel_shared", "channel": room.channel_id}, event_id="EvS")
    deliver()


def elsewhere(tenant: Tenant, ben: User, text: str) -> None:
    """Speak while the database is away, and at the command line."""
    for sentence in (f"declare sev1 {typed(text, 900)}", f"note {typed(text, 900)}", "ack"):
        take_in_degraded(
            fields={"command": "/incident", "text": sentence, "team_id": slack.NORTHWIND_TEAM}, now=clock_now()
        )
    with tenant_scope(tenant.id):
        actor = actor_for_user(user=ben, tenant=tenant, channel="cli")
        assert actor is not None
        for sentence in ("help", "help ack"):
            say(text=sentence, tenant=tenant, user=ben, actor=actor, now=clock_now())


def checked(name: str, shown: dict[str, Any]) -> None:
    """Fail, naming the function, unless Slack takes what it returned."""
    try:
        if shown.get("type") in {"modal", "home"}:
            check_view(shown)
            check_schema(shown)
        else:
            check_message(shown)
            check_schema(shown)
        assert "<!channel>" not in str(shown)
        assert "<!here>" not in str(shown)
    except AssertionError as error:
        raise AssertionError(f"{name}: {error}") from error


def posted(message: OutboxMessage) -> None:
    """Fail unless Slack takes what is posted."""
    said = message.arguments.get("message", message.arguments)
    if "view" in said:
        check_view(said["view"])
    if "text" in said:
        assert 0 < utf16_length(said["text"]) <= TOP_TEXT, message.method
    if said.get("blocks"):
        check_blocks(said["blocks"], most=50)
