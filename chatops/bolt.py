"""Bolt behind Django: an app without tokens or network, whose only query before the work finds the tenant."""

from __future__ import annotations

import logging
import re
from functools import lru_cache
from typing import Any
from uuid import UUID

import structlog
from django.db import Error as DatabaseFailure
from slack_bolt import Ack, App, BoltContext
from slack_bolt.adapter.django import SlackRequestHandler
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient

from chatops.intake import take_in_command
from chatops.selectors import tenant_of_team
from conductor.lib.clock import now

log = structlog.get_logger("chatops.bolt")

# Bolt's loggers take their level from this one. It writes whole bodies of requests at INFO and at WARNING.
_quiet = logging.getLogger("chatops.bolt.framework")
_quiet.setLevel(logging.CRITICAL)


@lru_cache(maxsize=4)
def request_handler(*, signing_secret: str, api_url: str) -> SlackRequestHandler:
    """Return the handler of all requests, built at the first one: nothing of Slack is touched at start-up."""
    app = App(
        name="maestro-conductor",
        logger=_quiet,
        signing_secret=signing_secret,
        client=WebClient(base_url=api_url, timeout=3),
        authorize=authorize,
        process_before_response=True,
        token_verification_enabled=False,
    )
    # Any name: which command the workspace gave this app is the manifest's business.
    app.command(re.compile(".*"))(answer_command)
    return SlackRequestHandler(app)


def authorize(context: BoltContext, enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
    """Find the tenant of the workspace, without asking Slack. An unknown workspace is refused by the listener.

    Bolt's own refusal would post to the response_url while Slack waits.
    """
    context["tenant_id"] = _tenant(team_id or "")
    return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id)


def _tenant(team_id: str) -> UUID | None:
    try:
        return tenant_of_team(team_id)
    except DatabaseFailure as failure:
        log.error("workspace not looked up", action="chatops.authorize_failed", error=type(failure).__name__)
        return None


def answer_command(ack: Ack, body: dict[str, Any], context: BoltContext) -> None:
    """Answer a slash command."""
    ack(dict(take_in_command(tenant_id=context["tenant_id"], fields=body, now=now())))
