"""Socket Mode over a real WebSocket: Slack's SDK on our side, our double on the other, real commits between."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from chatops import tasks
from chatops.models.inbound_request import SlackReceipt
from chatops.slack import delivery
from chatops.slack.inbound import bolt, socket
from conductor.lib.clock import now as clock_now
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from incidents.models.choices import EventKind
from incidents.models.history import TimelineEvent
from incidents.models.incident import Incident
from tests.chatops import slack
from tests.chatops.conftest import connect_live
from tests.chatops.double import SlackDouble, Workspace
from tests.chatops.double.socket import ACK_SECONDS, until
from tests.chatops.slack import BEN, Speaker, send_event
from tests.chatops.sweeps import finish_all

TOKEN = "xapp-1-A0CONDUCTOR-token"


@pytest.fixture
def live(committed: None, double: SlackDouble, tenant: Tenant, now: datetime) -> Workspace:
    """Northwind's workspace, for requests that are committed in threads of their own."""
    return connect_live(double, tenant, slack.NORTHWIND_TEAM, now)


@pytest.fixture
def line(live: Workspace, double: SlackDouble) -> Iterator[Any]:
    """The product, connected to the double."""
    double.socket.app_tokens.add(TOKEN)
    with socket.connected(app_token=TOKEN, api_url=settings.SLACK_API_URL) as client:
        assert until(lambda: double.socket.sessions)
        yield client


def command(text: str, trigger: str = "1.2.line") -> dict[str, Any]:
    return {
        "team_id": slack.NORTHWIND_TEAM,
        "user_id": BEN,
        "channel_id": "C0INCIDENTS",
        "command": "/incident",
        "text": text,
        "trigger_id": trigger,
        "response_url": "",
    }


def incidents(tenant: Tenant) -> int:
    with tenant_scope(tenant.id):
        return Incident.objects.count()


def answered(double: SlackDouble, envelope: str) -> dict[str, Any]:
    """Return what acknowledged the envelope, which Slack waits three seconds for."""
    assert until(lambda: envelope in double.socket.acknowledged), "not acknowledged"
    found = double.socket.acknowledged[envelope]
    assert found["after"] < ACK_SECONDS
    return found


def test_an_envelope_is_acknowledged_with_the_answer(line: Any, double: SlackDouble, tenant: Tenant) -> None:
    first = double.socket.send("slash_commands", command("list", "1.2.warm"))
    assert until(lambda: first in double.socket.acknowledged)

    envelope = double.socket.send("slash_commands", command("declare sev2 Checkout fails"))

    assert "INC-1 declared" in answered(double, envelope)["payload"]["text"]
    assert incidents(tenant) == 1


def test_one_event_by_both_ways_has_one_effect(line: Any, live: Workspace, double: SlackDouble, tenant: Tenant) -> None:
    Speaker()("declare sev2 Checkout fails")
    tasks.follow_all(clock_now())
    delivery.send_due(tenant_id=tenant.id, clock=clock_now)
    room = next(each.id for each in live.channels.values() if each.name.startswith("inc-1"))
    message = {"type": "message", "user": slack.CORA, "ts": "1795500000.000100", "text": "The replica is behind"}
    pin = {
        "type": "pin_added",
        "user": BEN,
        "channel_id": room,
        "item": {"type": "message", "channel": room, "message": message},
    }
    envelope = {"team_id": slack.NORTHWIND_TEAM, "type": "event_callback", "event_id": "EvBoth", "event": pin}

    over_line = double.socket.send("events_api", envelope)
    assert until(lambda: over_line in double.socket.acknowledged)
    assert send_event(pin, event_id="EvBoth").status_code == 200
    again = double.socket.send("events_api", envelope, retry=1)
    assert until(lambda: again in double.socket.acknowledged)
    finish_all(clock_now() + timedelta(seconds=6))

    with tenant_scope(tenant.id):
        assert SlackReceipt.objects.filter(kind="event").count() == 1
        captured = TimelineEvent.objects.filter(kind=EventKind.MESSAGE_CAPTURED)
        assert list(captured.values_list("body", flat=True)) == ["The replica is behind"]


def test_a_modal_opens_over_the_line_within_its_trigger_s_life(line: Any, live: Workspace, double: SlackDouble) -> None:
    warm = double.socket.send("slash_commands", command("list", "1.2.warm"))
    assert until(lambda: warm in double.socket.acknowledged)

    envelope = double.socket.send("slash_commands", command("declare", live.trigger(BEN)))

    assert answered(double, envelope)["payload"] is None
    assert [view["callback_id"] for view in live.modals] == ["verb:declare"]


def test_a_refreshed_connection_is_replaced_and_nothing_is_lost(line: Any, double: SlackDouble, tenant: Tenant) -> None:
    double.socket.refresh()
    assert until(lambda: double.socket.opened == 2), "no second connection"
    assert until(lambda: len(double.socket.sessions) == 1)

    envelope = double.socket.send("slash_commands", command("declare sev2 Checkout fails"))

    assert until(lambda: envelope in double.socket.acknowledged)
    assert incidents(tenant) == 1


@pytest.mark.full  # Slack's client notices late: some 25 s, later on a busy machine
def test_a_cut_connection_is_opened_again(line: Any, double: SlackDouble, tenant: Tenant) -> None:
    double.socket.sessions[0].end()
    assert until(lambda: double.socket.opened >= 2 and double.socket.sessions, seconds=120), "not connected again"

    envelope = double.socket.send("slash_commands", command("declare sev2 Checkout fails"))

    assert until(lambda: envelope in double.socket.acknowledged)
    assert incidents(tenant) == 1


def test_what_could_not_be_taken_in_is_sent_again_by_slack(
    line: Any, double: SlackDouble, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_given: Any) -> Any:
        raise RuntimeError("broken")

    with monkeypatch.context() as broken_off:
        broken_off.setattr(bolt, "take_in", broken)
        lost = double.socket.send("slash_commands", command("declare sev2 x"))
        assert not until(lambda: lost in double.socket.acknowledged, seconds=1)
    again = double.socket.send("slash_commands", command("declare sev2 x"), retry=1)

    assert until(lambda: again in double.socket.acknowledged)
    assert incidents(tenant) == 1


def test_a_token_that_slack_refuses_is_said_without_the_token(live: Workspace, double: SlackDouble) -> None:
    with pytest.raises(CommandError, match="invalid_auth") as refused:
        call_command("slack_socket", "--token", "xapp-1-wrong", stdout=StringIO())

    assert "xapp-1-wrong" not in str(refused.value)


def test_the_command_runs_until_it_is_told_to_end(live: Workspace, double: SlackDouble, tenant: Tenant) -> None:
    """As a process of its own, on the test's database: connected, at work, and ended by SIGTERM."""
    double.socket.app_tokens.add(TOKEN)
    database = settings.DATABASES["default"]
    code = (
        "import django; django.setup();"
        "from django.conf import settings; from django.db import connections;"
        f"connections['default'].settings_dict['NAME'] = {database['NAME']!r};"
        f"settings.SLACK_API_URL = {settings.SLACK_API_URL!r};"
        "from django.core.management import call_command; call_command('slack_socket')"
    )
    environment = {**os.environ, "CONDUCTOR_SLACK_APP_TOKEN": TOKEN}
    process = subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE)
    try:
        assert until(lambda: double.socket.sessions, seconds=60), "not connected"
        envelope = double.socket.send("slash_commands", command("declare sev2 Checkout fails"))
        assert until(lambda: envelope in double.socket.acknowledged, seconds=30)
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()

    assert said.decode().split("\n")[:2] == ["Connected to Slack.", "Disconnected."]
    assert process.returncode == 0
    assert incidents(tenant) == 1
