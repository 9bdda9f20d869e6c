"""Takes a request from Slack in: kept first, then done, and answered from its row (docs/decisions/0011)."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from django.db import Error as DatabaseFailure

from chatops.commands import answers, lookup
from chatops.commands.groups import MustAsk
from chatops.models.inbound_request import SlackReceipt
from chatops.models.workspace import SlackInstallation
from chatops.slack.inbound.dispatch import perform
from chatops.slack.inbound.outage_checklist import UNAVAILABLE, take_in_degraded
from chatops.slack.inbound.request import Kind, request_of
from chatops.slack.inbound.waking import wake
from chatops.slack.lifecycle import Request, mark_view_opened, process_receipt, store_receipt
from chatops.slack.outbound.client import SlackFailed, call
from chatops.slack.outbound.replies import reply
from chatops.slack.render.modals import notice
from chatops.slack.workspace.credentials import SecretUnavailable, bot_token
from conductor.lib.canonical import canonical_json
from conductor.tenancy.database.scope import tenant_scope

log = structlog.get_logger("chatops.slack.inbound.intake")

UNCONNECTED = (
    "This Slack workspace is not connected to Maestro Conductor, so nothing was done. "
    "An admin of your organisation can connect it in Conductor's console, on the Slack page."
)
WORKING = "Received; we are working on it. The answer will be posted here."
SLACK_WAITS_SECONDS = 2.8
"""Of the three seconds that a trigger lives and Slack waits, what we use."""
SHORTEST_OPEN_SECONDS = 0.5

Body = dict[str, Any]


def take_in(*, tenant_id: UUID | None, fields: Mapping[str, Any], now: datetime) -> Body:
    """Return what to answer the request with; the same again for a repeat. Never raises."""
    began, request = time.monotonic(), request_of(fields)
    if tenant_id is None:
        log.warning("unknown workspace", action="chatops.workspace_unknown", team=request.team_id)
        return _spoken(request.kind, answers.note(UNCONNECTED))
    try:
        if _is_beside_the_point(tenant_id, request):
            return {}
        receipt = _store(tenant_id, request, now)
    except DatabaseFailure as failure:
        log.error("not stored", action="chatops.store_failed", error=type(failure).__name__)
        return take_in_without_database(fields=fields, now=now)
    if receipt.kind == Kind.EVENT:
        if receipt.answer is None:
            wake(tenant_id=tenant_id, receipt_id=receipt.id)
        return {}
    try:
        done = process_receipt(tenant_id=tenant_id, receipt_id=receipt.id, perform=perform, now=now)
        return _answered(done, began=began, now=now)
    except MustAsk as asked:
        wake(tenant_id=tenant_id, receipt_id=receipt.id)
        return _spoken(receipt.kind, answers.note(asked.waiting))
    except Exception:
        log.exception("not done yet", action="chatops.first_attempt_failed", receipt=str(receipt.id))
        return _rescue(receipt)


def take_in_without_database(*, fields: Mapping[str, Any], now: datetime) -> Body:
    """Return what to answer while the database is away; what a command says is kept on disk. Never raises."""
    answer = take_in_degraded(fields=fields, now=now)
    return dict(answer) if answer is not None else _spoken(request_of(fields).kind, answers.note(UNAVAILABLE))


def _is_beside_the_point(tenant_id: UUID, request: Request) -> bool:
    """Whether it is a message of our own, or outside of the incidents' channels: of those nothing is kept."""
    event = request.payload.get("event")
    if not isinstance(event, Mapping) or event.get("type") != "message":
        return False
    bot = event.get("bot_profile")
    if isinstance(bot, Mapping) and bot.get("app_id") == request.payload.get("api_app_id"):
        return True
    with tenant_scope(tenant_id):
        return lookup.channel_at(team_id=request.team_id, channel_id=request.channel_id) is None


def _store(tenant_id: UUID, request: Request, now: datetime) -> SlackReceipt:
    receipt = store_receipt(tenant_id=tenant_id, request=request, now=now)
    trigger = str(request.payload.get("trigger_id", ""))[:60]
    refused = (receipt.answer or {}).get("response_action") == "errors"
    if receipt.kind == Kind.VIEW and refused and receipt.payload.get("trigger_id") != trigger:
        # The same values sent again after a refusal: what was wrong may have changed elsewhere meanwhile.
        again = replace(request, dedupe_key=f"{request.dedupe_key}:{trigger}"[:200])
        return store_receipt(tenant_id=tenant_id, request=again, now=now)
    return receipt


def _rescue(receipt: SlackReceipt) -> Body:
    """Return the stored answer if the work was committed before things went wrong, else hand it to a worker."""
    working = _spoken(receipt.kind, answers.note(WORKING))
    try:
        with tenant_scope(receipt.tenant_id):
            receipt.refresh_from_db()
    except DatabaseFailure:
        return working
    if receipt.answer is not None and receipt.view is None:
        return _as_answer(receipt)
    wake(tenant_id=receipt.tenant_id, receipt_id=receipt.id)
    return working


def _answered(receipt: SlackReceipt, *, began: float, now: datetime) -> Body:
    """Return the answer of a request that is done, after opening the modal that it asks for, if it asks for one."""
    if receipt.view is None:
        return _as_answer(receipt)
    if receipt.view_opened_at is None and not _opened(receipt, began=began):
        return _instead_of_view(receipt, now)
    mark_view_opened(tenant_id=receipt.tenant_id, receipt_id=receipt.id, now=now)
    return {}


def _opened(receipt: SlackReceipt, *, began: float) -> bool:
    """Open the modal within what is left of Slack's patience; return whether it is open."""
    left = max(SLACK_WAITS_SECONDS - (time.monotonic() - began), SHORTEST_OPEN_SECONDS)
    arguments = {"trigger_id": receipt.payload.get("trigger_id"), "view": receipt.view}
    try:
        with tenant_scope(receipt.tenant_id):
            token = bot_token(SlackInstallation.objects.get(team_id=receipt.team_id))
        call(token=token, method="views.open", arguments=arguments, timeout_seconds=left)
    except SlackFailed as failure:
        log.warning("modal not opened", action="chatops.view_failed", error=failure.error, receipt=str(receipt.id))
        return failure.error == "exchanged_trigger_id"
    except (SecretUnavailable, SlackInstallation.DoesNotExist):
        log.error("modal not opened", action="chatops.view_failed", error="no token", receipt=str(receipt.id))
        return False
    return True


def _instead_of_view(receipt: SlackReceipt, now: datetime) -> Body:
    if receipt.kind == Kind.COMMAND:
        return _as_answer(receipt)
    with tenant_scope(receipt.tenant_id):
        reply(receipt, receipt.answer or {}, now=now)
    return {}


def _spoken(kind: str, message: answers.Answer) -> Body:
    """Return a message as the answer to this kind of request: only a command shows one, a modal shows its text."""
    if kind == Kind.COMMAND:
        return dict(message)
    if kind != Kind.VIEW:
        return {}
    return {"response_action": "update", "view": notice(message["text"])}


def _as_answer(receipt: SlackReceipt) -> Body:
    """Return the stored answer with its keys in canonical order; PostgreSQL's order is not that of the code."""
    stored = answers.note(WORKING) if receipt.answer is None else receipt.answer
    ordered: Body = json.loads(canonical_json(stored))
    return ordered
