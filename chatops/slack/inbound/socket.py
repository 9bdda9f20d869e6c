"""Socket Mode: the same app, the same pipeline, over a connection that we open. Its token stands for the signature."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from django.db import close_old_connections
from slack_bolt import App
from slack_bolt.request import BoltRequest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from chatops.slack.inbound.bolt import bolt_app

log = structlog.get_logger("chatops.slack.inbound.socket")
# The client writes whole messages at DEBUG.
_quiet = logging.getLogger("chatops.slack.inbound.socket.client")
_quiet.setLevel(logging.WARNING)


class NotConnected(Exception):
    """Slack does not let us connect. The message names Slack's error and no token."""


@contextmanager
def connected(*, app_token: str, api_url: str) -> Iterator[SocketModeClient]:
    """Be connected to Slack; the client connects again by itself when Slack refreshes or cuts the connection.

    Raise NotConnected if Slack refuses at the start: then the token is wrong, or Socket Mode is off for the app.
    """
    client = SocketModeClient(app_token=app_token, web_client=WebClient(base_url=api_url), logger=_quiet)
    app = bolt_app(api_url=api_url)
    client.socket_mode_request_listeners.append(lambda where, request: answer(app, where, request))
    try:
        client.connect()
    except SlackApiError as refused:
        client.close()
        raise NotConnected(f"Slack refused the connection: {refused.response.get('error')}.") from refused
    try:
        yield client
    finally:
        client.close()


def answer(app: App, client: BaseSocketModeClient, request: SocketModeRequest) -> None:
    """Answer one request, with the database's connections looked after as a web request's are.

    One that could not be taken in is not acknowledged: Slack sends an event again.
    """
    close_old_connections()
    try:
        response = app.dispatch(BoltRequest(mode="socket_mode", body=request.payload))
        if response.status != 200:
            log.error("not taken in", action="chatops.socket_failed", status=response.status, kind=request.type)
            return
        payload = json.loads(response.body) if (response.body or "").startswith("{") else None
        client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id, payload=payload))
    finally:
        close_old_connections()
