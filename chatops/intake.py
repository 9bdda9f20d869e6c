"""Takes a request from Slack in: kept first, then done, and answered from its row (docs/decisions/0011)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from django.db import Error as DatabaseFailure

from chatops import answers, lifecycle
from chatops.commands import perform
from chatops.models import SlackReceipt
from chatops.tasks import wake
from conductor.lib.canonical import canonical_json, sha256_hex
from conductor.tenancy.scope import tenant_scope

log = structlog.get_logger("chatops.intake")

UNCONNECTED = (
    "This Slack workspace is not connected to Maestro Conductor, so nothing was done. "
    "An admin of your organisation can connect it on Conductor's admin pages, under Slack installations."
)
UNAVAILABLE = (
    "Conductor could not take this in, so nothing was done. Try again in a minute, or act outside of Slack meanwhile."
)
WORKING = "Received; we are working on it. The answer will be posted here."

_DEPRECATED = ("token",)
"""Slack's verification token, which the signature replaced, is not kept."""


def take_in_command(*, tenant_id: UUID | None, fields: Mapping[str, Any], now: datetime) -> answers.Answer:
    """Return what to answer a slash command with; the same again for a repeat. Never raises."""
    if tenant_id is None:
        log.warning("unknown workspace", action="chatops.workspace_unknown", team=str(fields.get("team_id"))[:40])
        return answers.note(UNCONNECTED)
    try:
        receipt = _store(tenant_id, fields, now)
    except DatabaseFailure as failure:
        log.error("not stored", action="chatops.store_failed", error=type(failure).__name__)
        return answers.note(UNAVAILABLE)
    try:
        done = lifecycle.process_receipt(tenant_id=tenant_id, receipt_id=receipt.id, perform=perform, now=now)
        return _as_answer(done)
    except Exception:
        log.exception("not done yet", action="chatops.first_attempt_failed", receipt=str(receipt.id))
        return _rescue(receipt)


def _store(tenant_id: UUID, fields: Mapping[str, Any], now: datetime) -> SlackReceipt:
    payload = {str(name): storable(value) for name, value in fields.items() if name not in _DEPRECATED}
    digest = sha256_hex(canonical_json(payload))
    team_id, trigger = str(payload.get("team_id", "")), str(payload.get("trigger_id", ""))
    # Slack always sends a trigger; without one only the very same content counts as a repeat.
    which = trigger if 0 < len(trigger) <= 120 else digest
    return lifecycle.store_receipt(
        tenant_id=tenant_id,
        dedupe_key=f"cmd:{team_id[:40]}:{which}",
        kind="command",
        team_id=team_id[:40],
        slack_user_id=str(payload.get("user_id", ""))[:40],
        channel_id=str(payload.get("channel_id", ""))[:40],
        payload=payload,
        payload_digest=digest,
        now=now,
    )


def storable(value: Any) -> Any:
    """Return the value with what PostgreSQL's text cannot hold replaced: NUL and lone surrogates."""
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {str(storable(str(key))): storable(each) for key, each in value.items()}
    return [storable(each) for each in value] if isinstance(value, list | tuple) else value


def _rescue(receipt: SlackReceipt) -> answers.Answer:
    """Return the stored answer if the work was committed before things went wrong, else hand it to a worker."""
    try:
        with tenant_scope(receipt.tenant_id):
            receipt.refresh_from_db()
    except DatabaseFailure:
        return answers.note(WORKING)
    if receipt.answer is not None:
        return _as_answer(receipt)
    wake(tenant_id=receipt.tenant_id, receipt_id=receipt.id)
    return answers.note(WORKING)


def _as_answer(receipt: SlackReceipt) -> answers.Answer:
    """Return the stored answer with its keys in canonical order; PostgreSQL's order is not that of the code."""
    stored = receipt.answer or answers.note(WORKING)
    ordered: answers.Answer = json.loads(canonical_json(stored))
    return ordered
