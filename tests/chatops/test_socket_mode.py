"""Socket Mode takes the same requests through the same pipeline. Over a WebSocket: test_web_socket.py."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from chatops.slack.inbound import bolt, socket
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from incidents.models.incident import Incident
from tests.chatops.slack import BEN, NORTHWIND_TEAM


class Connection:
    """Where answers go, in place of the WebSocket."""

    def __init__(self) -> None:
        self.sent: list[SocketModeResponse] = []

    def send_socket_mode_response(self, response: SocketModeResponse) -> None:
        self.sent.append(response)


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Connection:
    # A test's transaction must survive what a long-lived process does between requests.
    monkeypatch.setattr(socket, "close_old_connections", lambda: None)
    return Connection()


def say(connection: Connection, text: str, trigger: str = "1.2.socket") -> Any:
    payload = {
        "team_id": NORTHWIND_TEAM,
        "user_id": BEN,
        "channel_id": "C0INCIDENTS",
        "command": "/incident",
        "text": text,
        "trigger_id": trigger,
        "response_url": "",
    }
    request = SocketModeRequest(type="slash_commands", envelope_id=f"E{len(connection.sent)}", payload=payload)
    socket.answer(bolt.bolt_app(api_url=settings.SLACK_API_URL), connection, request)  # type: ignore[arg-type]
    return connection.sent[-1]


def test_a_command_is_answered_in_its_envelope_and_done_once(workspace: Tenant, connection: Connection) -> None:
    first, again = say(connection, "declare sev2 x"), say(connection, "declare sev2 x")

    assert (first.envelope_id, again.envelope_id) == ("E0", "E1")
    assert first.payload == again.payload
    assert "INC-1 declared" in first.payload["text"]  # type: ignore[index]
    with tenant_scope(workspace.id):
        assert Incident.objects.count() == 1


def test_what_could_not_be_taken_in_is_not_acknowledged(
    workspace: Tenant, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_given: Any) -> Any:
        raise RuntimeError("broken")

    say(connection, "list", "1.2.a")
    monkeypatch.setattr(bolt, "take_in", broken)
    say(connection, "list", "1.2.b")

    assert len(connection.sent) == 1


def test_the_command_wants_an_app_level_token() -> None:
    with pytest.raises(CommandError, match="xapp-"):
        call_command("slack_socket", "--token", "xoxb-wrong", stdout=StringIO())
