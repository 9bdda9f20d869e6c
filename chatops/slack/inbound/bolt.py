"""Bolt behind Django and Socket Mode: an app without tokens or network, whose only query finds the tenant."""

from __future__ import annotations

import logging
import re
from functools import lru_cache
from typing import Any

import structlog
from django.db import Error as DatabaseFailure
from slack_bolt import Ack, App, BoltContext
from slack_bolt.adapter.django import SlackRequestHandler
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient

from chatops.slack.inbound.intake import take_in, take_in_without_database
from chatops.slack.selectors import tenant_of_team
from conductor.lib.clock import now

log = structlog.get_logger("chatops.slack.inbound.bolt")

# Bolt's loggers take their level from this one. It writes whole bodies of requests at INFO and at WARNING.
_quiet = logging.getLogger("chatops.slack.inbound.bolt.framework")
_quiet.setLevel(logging.CRITICAL)

_ANY = re.compile(".*")


@lru_cache(maxsize=4)
def request_handler(*, api_url: str) -> SlackRequestHandler:
    """Return the handler of all HTTP requests, built at the first one: nothing of Slack is touched at start-up."""
    return SlackRequestHandler(bolt_app(api_url=api_url))


def bolt_app(*, api_url: str) -> App:
    """Return the app that every request goes through, by HTTP or by Socket Mode.

    Who calls it has made sure that the request is Slack's: the view by its signature, a socket by being ours.
    """
    app = App(
        name="maestro-conductor",
        logger=_quiet,
        signing_secret="checked by the view",  # noqa: S106 - Bolt insists on one, and does not use it here
        request_verification_enabled=False,
        client=WebClient(base_url=api_url, timeout=3),
        authorize=authorize,
        process_before_response=True,
        token_verification_enabled=False,
    )
    # Any name: which command the workspace gave this app is the manifest's business.
    app.command(_ANY)(answer)
    app.block_action(_ANY)(answer)
    app.view_submission(_ANY)(answer)
    app.message_shortcut(_ANY)(answer)
    app.event(_ANY)(answer)
    return app


def authorize(context: BoltContext, enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
    """Let every workspace in without asking Slack; the listener finds its tenant, and refuses one that has none.

    Bolt's own refusal would post to the response_url while Slack waits, and Bolt does not authorize every event.
    """
    return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id)


def answer(ack: Ack, body: dict[str, Any], context: BoltContext) -> None:
    """Answer a request of any kind."""
    moment = now()
    try:
        tenant_id = tenant_of_team(context.team_id or "")
    except DatabaseFailure as failure:
        log.error("workspace not looked up", action="chatops.authorize_failed", error=type(failure).__name__)
        ack(take_in_without_database(fields=body, now=moment) or "")
        return
    ack(take_in(tenant_id=tenant_id, fields=body, now=moment) or "")
