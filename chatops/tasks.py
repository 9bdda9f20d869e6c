"""Celery's doors: finish what could not be done while Slack waited, and post the answer where Slack takes it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from celery import shared_task

from chatops.commands import answers, groups, lookup
from chatops.models.inbound_request import SlackReceipt
from chatops.slack import delivery, selectors
from chatops.slack.channels import sync
from chatops.slack.inbound.dispatch import perform
from chatops.slack.inbound.outage_backfill import import_spool
from chatops.slack.lifecycle import close_receipt, count_attempt, process_late
from chatops.slack.outbound import forgetting
from chatops.slack.outbound.replies import reply
from chatops.slack.outbound.response_url import NotDelivered, post_answer
from chatops.slack.selectors import MAX_ATTEMPTS, open_receipts
from chatops.slack.workspace.group_query import ask_slack
from conductor.engine.claim.wake import send
from conductor.lib.clock import now as clock_now
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.directory import tenant_refs

log = structlog.get_logger("chatops.tasks")

BATCH = 50
"""Requests per tenant and sweep."""
SWEEP_SECONDS = 15
"""What a sweep sends and no worker takes in this time ends; the next sweep sends it again."""
COME_BACK_WITHIN_SECONDS = 5.0
"""A call that is due later than this is left to the sweep."""
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
    """Have every tenant's open requests finished whose turn it is, after those were read that were spooled.

    By a task for each tenant, which end unless a worker takes them soon: whoever waits for one tenant's Slack keeps
    nobody else waiting. Two sweeps do no harm.
    """
    import_spool(clock_now())
    for tenant in tenant_refs():
        with tenant_scope(tenant.id):
            due = open_receipts(now=clock_now(), limit=1)
        if due:
            _send_sweep("chatops.finish_requests", tenant.id)


@shared_task(name="chatops.finish_requests", ignore_result=True)
def finish_requests(*, tenant_id: str, **_later: Any) -> None:
    """Finish the tenant's open requests whose turn it is."""
    finish_due(tenant_id=UUID(tenant_id), now=clock_now())


def finish_due(*, tenant_id: UUID, now: datetime) -> int:
    """Finish the tenant's open requests whose turn it is, BATCH at most; return how many were."""
    with tenant_scope(tenant_id):
        due = [receipt.id for receipt in open_receipts(now=now, limit=BATCH)]
    return sum(finish(tenant_id=tenant_id, receipt_id=receipt_id, now=now) for receipt_id in due)


def _send_sweep(task: str, tenant_id: UUID) -> None:
    send(task, {"tenant_id": str(tenant_id)}, queue="incident", expires=SWEEP_SECONDS)


def finish(*, tenant_id: UUID, receipt_id: UUID, now: datetime) -> bool:
    """Do one request's work if it is not done, post its answer, close it. False: not now, or not by us."""
    attempt = count_attempt(tenant_id=tenant_id, receipt_id=receipt_id)
    if not attempt:
        return False
    if attempt > MAX_ATTEMPTS:
        return _give_up(tenant_id, receipt_id, now)
    try:
        receipt = _process(tenant_id, receipt_id, now)
    except Exception:
        log.exception("not done yet", action="chatops.attempt_failed", receipt=str(receipt_id), attempt=attempt)
        return _give_up(tenant_id, receipt_id, now) if attempt == MAX_ATTEMPTS else False
    if receipt is None:
        return False
    if not _said(receipt, attempt=attempt, now=now):
        return False
    return close_receipt(tenant_id=tenant_id, receipt_id=receipt_id, state=SlackReceipt.State.DONE, now=now)


def _process(tenant_id: UUID, receipt_id: UUID, now: datetime) -> SlackReceipt | None:
    """Carry the request out; where Slack must say first who is in a group, it is asked outside of the transaction."""
    given: Any = {"tenant_id": tenant_id, "receipt_id": receipt_id, "perform": perform, "now": now}
    try:
        return process_late(**given)
    except groups.MustAsk as wanted:
        ask_slack(tenant_id=tenant_id, team_id=wanted.team_id, said=wanted.said, now=now)
        return process_late(**given)


@shared_task(name="chatops.ask_group", ignore_result=True)
def ask_group(*, tenant_id: str, team_id: str, said: str, **_later: Any) -> None:
    """Ask Slack who is in a user group."""
    ask_slack(tenant_id=UUID(tenant_id), team_id=team_id, said=said, now=clock_now())


def _said(receipt: SlackReceipt, *, attempt: int, now: datetime) -> bool:
    """Say the late answer where this kind of request takes one; return whether that is over and done with."""
    if receipt.kind == SlackReceipt.Kind.VIEW:
        _tell_late(receipt, now)
    if receipt.kind != SlackReceipt.Kind.COMMAND:
        return True
    try:
        post_answer(url=receipt.payload.get("response_url", ""), answer=receipt.answer)
    except NotDelivered as failure:
        log.warning("not posted", action="chatops.post_failed", receipt=str(receipt.id), error=str(failure))
        return failure.permanent or attempt >= MAX_ATTEMPTS
    return True


def _tell_late(receipt: SlackReceipt, now: datetime) -> None:
    """Tell the person what was wrong with a modal that is closed by now."""
    errors = (receipt.answer or {}).get("errors") or {}
    if errors:
        with tenant_scope(receipt.tenant_id):
            reply(receipt, answers.refusal(list(errors.values())), now=now, name="late")


def _give_up(tenant_id: UUID, receipt_id: UUID, now: datetime) -> bool:
    log.error("given up", action="chatops.given_up", receipt=str(receipt_id))
    sorry = answers.note(GAVE_UP)
    failed = SlackReceipt.State.FAILED
    closed = close_receipt(tenant_id=tenant_id, receipt_id=receipt_id, state=failed, now=now, answer=sorry)
    with tenant_scope(tenant_id):
        receipt = SlackReceipt.objects.get(id=receipt_id)
    try:
        post_answer(url=receipt.payload.get("response_url", ""), answer=receipt.answer)
    except NotDelivered as failure:
        log.warning("not posted", action="chatops.post_failed", receipt=str(receipt_id), error=str(failure))
    return closed


@shared_task(name="chatops.follow_incident", ignore_result=True)
def follow_incident(*, tenant_id: str, incident_id: str, **_later: Any) -> None:
    """Bring the incident's channel and headline up to date."""
    with tenant_scope(UUID(tenant_id)):
        sync.follow(incident_id=UUID(incident_id), now=clock_now())


@shared_task(name="chatops.sweep_channels", ignore_result=True)
def sweep_channels(**_later: Any) -> None:
    """Bring every incident's channel up to date whose wake-up was lost."""
    follow_all(clock_now())


def follow_all(now: datetime) -> int:
    """Follow each tenant's active and lately resolved incidents; return how many were looked at."""
    followed = 0
    for tenant in tenant_refs():
        with tenant_scope(tenant.id):
            if lookup.home_workspace() is None:
                continue
            for incident_id in selectors.followed_incidents(now=now):
                sync.follow(incident_id=incident_id, now=now)
                followed += 1
    return followed


@shared_task(name="chatops.forget_words", ignore_result=True)
def forget_words(*, tenant_id: str, **_later: Any) -> None:
    """Forget the tenant's copies of words that are due to go."""
    with tenant_scope(UUID(tenant_id)):
        forgetting.forget_words(now=clock_now())


@shared_task(name="chatops.sweep_words", ignore_result=True)
def sweep_words(**_later: Any) -> None:
    """Forget what every tenant's lost wake-ups left."""
    for tenant in tenant_refs():
        with tenant_scope(tenant.id):
            forgetting.forget_words(now=clock_now())


@shared_task(name="chatops.send_outbox", ignore_result=True)
def send_outbox(*, tenant_id: str, **_later: Any) -> None:
    """Make the tenant's calls whose turn it is, and come back for those that wait for their channel's second."""
    delivery.send_due(tenant_id=UUID(tenant_id), clock=clock_now)
    with tenant_scope(UUID(tenant_id)):
        waits = selectors.next_due(now=clock_now())
    if waits is not None and waits <= COME_BACK_WITHIN_SECONDS:
        send("chatops.send_outbox", {"tenant_id": tenant_id}, queue="incident", countdown=max(waits, 0.2))


@shared_task(name="chatops.sweep_outbox", ignore_result=True)
def sweep_outbox(**_later: Any) -> None:
    """Have every tenant's calls made that a lost wake-up left waiting, by a task for each tenant."""
    for tenant in tenant_refs():
        with tenant_scope(tenant.id):
            waits = selectors.next_due(now=clock_now())
        if waits == 0:
            _send_sweep("chatops.send_outbox", tenant.id)
