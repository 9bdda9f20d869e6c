"""Verbs on requests from Slack: keep one before its work, and do the work exactly once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import F

from chatops.models.inbound_request import SlackReceipt
from conductor.tenancy.database.scope import tenant_scope

ANSWER_WITHIN_MS = 2000
"""Bound of one statement and of one wait for a lock while Slack waits; Slack itself gives up after 3 s."""


@dataclass(frozen=True)
class Outcome:
    """What carrying a request out came to."""

    answer: Mapping[str, Any]
    """The body of the answer. Beside a view: what is said should the view not open."""
    view: Mapping[str, Any] | None = None
    """A modal to open while Slack waits."""


Perform = Callable[[SlackReceipt, datetime], Outcome]
"""Carries out a stored request inside its transaction. A refusal is an answer too."""


@dataclass(frozen=True)
class Request:
    """What came in, as it is kept."""

    dedupe_key: str
    kind: str
    team_id: str
    slack_user_id: str
    channel_id: str
    payload: Mapping[str, Any]
    payload_digest: str
    message_ts: str = ""
    spooled_at: datetime | None = None


def store_receipt(*, tenant_id: UUID, request: Request, now: datetime) -> SlackReceipt:
    """Keep the request, committed, before anything is done about it; return the first one of its key.

    A repeat that arrives while the first is being inserted waits for it. Must not run inside a transaction.
    """
    given = {**asdict(request), "payload": dict(request.payload)}
    row = SlackReceipt(tenant_id=tenant_id, attempts=1, received_at=now, **given)
    with tenant_scope(tenant_id):
        SlackReceipt.objects.bulk_create([row], ignore_conflicts=True)
        return SlackReceipt.objects.get(dedupe_key=request.dedupe_key)


def process_receipt(*, tenant_id: UUID, receipt_id: UUID, perform: Perform, now: datetime) -> SlackReceipt:
    """Carry the request out while Slack waits, or return it as it was carried out before.

    The work and its answer are one transaction under the row's lock: whoever comes second waits, finds the answer
    and does nothing. Whatever `perform` raises is raised, and nothing of it stays.
    """
    with tenant_scope(tenant_id):
        _hurry()
        receipt = SlackReceipt.objects.select_for_update().get(id=receipt_id)
        if receipt.answer is None:
            outcome = perform(receipt, now)
            receipt.answer, receipt.view = dict(outcome.answer), dict(outcome.view) if outcome.view else None
            receipt.state, receipt.done_at = SlackReceipt.State.DONE, now
            receipt.save(update_fields=["answer", "view", "state", "done_at"])
    return receipt


def mark_view_opened(*, tenant_id: UUID, receipt_id: UUID, now: datetime) -> bool:
    """Note that the request's modal is open, so that a repeat opens no second one. False: that was noted already."""
    with tenant_scope(tenant_id):
        return SlackReceipt.objects.filter(id=receipt_id, view_opened_at=None).update(view_opened_at=now) == 1


def count_attempt(*, tenant_id: UUID, receipt_id: UUID) -> int:
    """Count a late attempt, committed before it begins, and return its number; 0 if the request is not open.

    A request that kills its process is thereby given up after some tries.
    """
    with tenant_scope(tenant_id):
        live = SlackReceipt.objects.filter(id=receipt_id, state=SlackReceipt.State.RECEIVED)
        if not live.update(attempts=F("attempts") + 1):
            return 0
        return SlackReceipt.objects.values_list("attempts", flat=True).get(id=receipt_id)


def process_late(*, tenant_id: UUID, receipt_id: UUID, perform: Perform, now: datetime) -> SlackReceipt | None:
    """Carry the request out after Slack stopped waiting; None when another process is at it.

    It stays open until `close_receipt`, because its answer has yet to be posted. A stored answer is not made again.
    """
    with tenant_scope(tenant_id):
        open_rows = SlackReceipt.objects.filter(id=receipt_id, state=SlackReceipt.State.RECEIVED)
        receipt = open_rows.select_for_update(skip_locked=True).first()
        if receipt is not None and receipt.answer is None:
            # A modal cannot be opened any more, so what stands in for it is said.
            receipt.answer = dict(perform(receipt, now).answer)
            receipt.save(update_fields=["answer"])
    return receipt


def close_receipt(
    *, tenant_id: UUID, receipt_id: UUID, state: str, now: datetime, answer: Mapping[str, Any] | None = None
) -> bool:
    """End an open request as DONE or FAILED; `answer` fills in for one that was never made. False: closed already."""
    with tenant_scope(tenant_id):
        live = SlackReceipt.objects.filter(id=receipt_id, state=SlackReceipt.State.RECEIVED)
        if answer is not None:
            live.filter(answer__isnull=True).update(answer=dict(answer))
        return live.update(state=state, done_at=now) == 1


def _hurry() -> None:
    with connection.cursor() as cursor:
        most = f"{ANSWER_WITHIN_MS}ms"
        cursor.execute(
            "SELECT set_config('lock_timeout', %s, true), set_config('statement_timeout', %s, true)", [most, most]
        )
