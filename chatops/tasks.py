"""Celery's doors: finish what could not be done while Slack waited, and post the answer where Slack takes it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from celery import shared_task

from chatops import answers, lifecycle
from chatops.commands import perform
from chatops.models import SlackReceipt
from chatops.responses import NotDelivered, post_answer
from chatops.selectors import MAX_ATTEMPTS, open_receipts
from conductor.engine.wake import send
from conductor.lib.clock import now as clock_now
from conductor.tenancy.directory import tenant_refs
from conductor.tenancy.scope import tenant_scope

log = structlog.get_logger("chatops.tasks")

BATCH = 50
"""Requests per tenant and sweep."""
GAVE_UP = (
    "Conductor tried several times and could not do this; nothing was changed. "
    "Do it in the console, and tell an administrator the time of your request."
)


@shared_task(name="chatops.process_slack_receipt", ignore_result=True)
def process_slack_receipt(*, tenant_id: str, receipt_id: str, **_later: Any) -> None:
    """Finish one request."""
    finish(tenant_id=UUID(tenant_id), receipt_id=UUID(receipt_id), now=clock_now())


@shared_task(name="chatops.sweep_slack_receipts", ignore_result=True)
def sweep(**_later: Any) -> None:
    """Finish whatever was left lying."""
    sweep_slack_receipts(clock_now())


def wake(*, tenant_id: UUID, receipt_id: UUID) -> None:
    """Have a worker finish the request soon. A broker that is away is logged: the sweep will find the row."""
    arguments = {"tenant_id": str(tenant_id), "receipt_id": str(receipt_id)}
    send("chatops.process_slack_receipt", arguments, queue="incident")


def sweep_slack_receipts(now: datetime) -> int:
    """Finish every open request of every tenant whose turn it is; return how many. Two sweeps do no harm."""
    finished = 0
    for tenant in tenant_refs():
        with tenant_scope(tenant.id):
            due = [receipt.id for receipt in open_receipts(now=now, limit=BATCH)]
        finished += sum(finish(tenant_id=tenant.id, receipt_id=receipt_id, now=now) for receipt_id in due)
    return finished


def finish(*, tenant_id: UUID, receipt_id: UUID, now: datetime) -> bool:
    """Do one request's work if it is not done, post its answer, close it. False: not now, or not by us."""
    attempt = lifecycle.count_attempt(tenant_id=tenant_id, receipt_id=receipt_id)
    if not attempt:
        return False
    if attempt > MAX_ATTEMPTS:
        return _give_up(tenant_id, receipt_id, now)
    try:
        receipt = lifecycle.process_late(tenant_id=tenant_id, receipt_id=receipt_id, perform=perform, now=now)
    except Exception:
        log.exception("not done yet", action="chatops.attempt_failed", receipt=str(receipt_id), attempt=attempt)
        return _give_up(tenant_id, receipt_id, now) if attempt == MAX_ATTEMPTS else False
    if receipt is None:
        return False
    try:
        post_answer(url=receipt.payload.get("response_url", ""), answer=receipt.answer)
    except NotDelivered as failure:
        log.warning("not posted", action="chatops.post_failed", receipt=str(receipt_id), error=str(failure))
        if not failure.permanent and attempt < MAX_ATTEMPTS:
            return False
    return lifecycle.close_receipt(tenant_id=tenant_id, receipt_id=receipt_id, state=SlackReceipt.State.DONE, now=now)


def _give_up(tenant_id: UUID, receipt_id: UUID, now: datetime) -> bool:
    log.error("given up", action="chatops.given_up", receipt=str(receipt_id))
    sorry = answers.note(GAVE_UP)
    failed = SlackReceipt.State.FAILED
    closed = lifecycle.close_receipt(tenant_id=tenant_id, receipt_id=receipt_id, state=failed, now=now, answer=sorry)
    with tenant_scope(tenant_id):
        receipt = SlackReceipt.objects.get(id=receipt_id)
    try:
        post_answer(url=receipt.payload.get("response_url", ""), answer=receipt.answer)
    except NotDelivered as failure:
        log.warning("not posted", action="chatops.post_failed", receipt=str(receipt_id), error=str(failure))
    return closed
