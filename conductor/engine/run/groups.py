"""Groups: one step for each item of a list, claimed item by item by whoever is free, and joined at the end.

While its items are at work the run itself waits without a time; the item that ends last wakes it up. Every write here
happens under the run's row lock, so that of two items that end at once the second sees the first.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from conductor.engine.claim.lease import Lease
from conductor.engine.claim.wake import wake_after_commit
from conductor.engine.define.definition import MAX_ITEMS
from conductor.engine.models import Run, Step
from conductor.ledger.receipts import append
from conductor.lib.clock import rfc3339
from conductor.lib.refs import ref
from conductor.tenancy.actors import Actor


class NoList(Exception):
    """What a group goes over is not a list, or is too long a one."""


def list_for(over: str, *, given: Mapping[str, Any], outputs: Mapping[str, Any]) -> list[Any]:
    """Return the list at `input.<field>` or `outputs.<step>.<field>`; raise NoList if there is none."""
    source, _, path = over.partition(".")
    value: Any = given
    if source == "outputs":
        step = max((name for name in outputs if path.startswith(f"{name}.")), key=len, default="")
        value, path = outputs.get(step), path[len(step) + 1 :]
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    if not isinstance(value, list):
        raise NoList(f"{over} is not a list")
    if len(value) > MAX_ITEMS:
        raise NoList(f"{over} has {len(value)} items; {MAX_ITEMS} are the most")
    return value


def open_group(lease: Lease, head: Step, *, items: Mapping[int, Any], limit: int, now: datetime) -> None:
    """Have the items done: make rows for those that have none, let the first `limit` begin, let the run wait.

    Rows that the group has already keep what they recorded; those that it does not need any more are skipped.
    """
    with transaction.atomic():
        lease.check()
        rows = {row.item: row for row in _items(head)}
        Step.objects.bulk_create(_row(head, index, value) for index, value in items.items() if index not in rows)
        spare = [row.id for index, row in rows.items() if index not in items]
        Step.objects.filter(id__in=spare).update(status=Step.Status.SKIPPED, finished_at=now)
        wait = {"kind": "items", "reason": f"{len(items)} items", "items": len(items), "limit": limit}
        wait["since"] = rfc3339(now)
        Step.objects.filter(id=head.id).update(
            status=Step.Status.WAITING, started_at=head.started_at or now, finished_at=None, wait=wait
        )
        begun = _begin_next(head, limit=limit, now=now)
        # With nothing to begin the run comes back at once, and joins.
        lease.let_go(status=Run.Status.WAITING, until=None if begun else now)
        _wake(head, times=begun or 1)


def item_ended(item: Step, *, now: datetime) -> None:
    """Let the next item begin, or wake the run up after the last one. Needs the run's row lock.

    After a failure no further item begins; those at work go on to their end. Compensations all have their turn.
    """
    head = Step.objects.get(run_id=item.run_id, seq=item.seq, item=None)
    begun = 0
    if head.is_cleanup or not _items(head).filter(status=Step.Status.FAILED).exists():
        begun = _begin_next(head, limit=(head.wait or {}).get("limit", 1), now=now)
    if not begun and not _items(head).filter(_AT_WORK).exists():
        begun = Run.objects.filter(id=item.run_id, status=Run.Status.WAITING).update(wake_at=now)
    _wake(head, times=begun)


def join(lease: Lease, run: Run, head: Step, *, now: datetime) -> bool:
    """Record what became of the group and return True; if items are still at work, let the run wait on."""
    with transaction.atomic():
        lease.check()
        rows = list(_items(head))
        if _items(head).filter(_AT_WORK).exists():
            lease.let_go(status=Run.Status.WAITING, until=None)
            return False
        unbegun = [row.id for row in rows if row.status == Step.Status.PENDING]
        Step.objects.filter(id__in=unbegun).update(status=Step.Status.SKIPPED, finished_at=now)
        failed = [row for row in rows if row.status == Step.Status.FAILED]
        if failed:
            first: dict[str, Any] = failed[0].error or {}
            told = f"{len(failed)} of {len(rows)} items failed; item {failed[0].item}: {first['message']}"
            _fail(run, head, code=first["code"], message=told[:2000], now=now)
        else:
            outputs = [row.output for row in rows if row.status == Step.Status.SUCCEEDED]
            _succeed(run, head, outputs, now)
    return True


def fail_group(lease: Lease, run: Run, head: Step, *, message: str, now: datetime) -> None:
    """Record that the group could not even begin."""
    with transaction.atomic():
        lease.check()
        _fail(run, head, code="no_list", message=message, now=now)


_AT_WORK = Q(status__in=[Step.Status.RUNNING, Step.Status.WAITING]) | Q(
    status=Step.Status.PENDING, wake_at__isnull=False
)


def _items(head: Step) -> QuerySet[Step]:
    return Step.objects.filter(run_id=head.run_id, seq=head.seq, item__isnull=False).order_by("item")


def _row(head: Step, index: int, value: Any) -> Step:
    return Step(
        tenant_id=head.tenant_id,
        run_id=head.run_id,
        seq=head.seq,
        name=head.name,
        is_cleanup=head.is_cleanup,
        undoes=head.undoes,
        round=head.round,
        item=index,
        given=value,
    )


def _begin_next(head: Step, *, limit: int, now: datetime) -> int:
    """Let as many items begin as the limit leaves room for; return how many."""
    room = limit - _items(head).filter(_AT_WORK).count()
    unbegun = _items(head).filter(status=Step.Status.PENDING, wake_at=None).values_list("id", flat=True)
    begin = list(unbegun[: max(room, 0)])
    return Step.objects.filter(id__in=begin).update(wake_at=now)


def _wake(head: Step, *, times: int) -> None:
    priority = Run.objects.values_list("priority", flat=True).get(id=head.run_id)
    for _ in range(times):
        wake_after_commit(priority=priority)


def _fail(run: Run, head: Step, *, code: str, message: str, now: datetime) -> None:
    error = {"code": code, "message": message}
    Step.objects.filter(id=head.id).update(
        status=Step.Status.FAILED,
        error=error,
        output=None,
        wait=None,
        started_at=head.started_at or now,
        finished_at=now,
    )
    _receipt(run, head, "conductor.step.failed", {"step": head.name, **error}, now)


def _succeed(run: Run, head: Step, outputs: list[Any], now: datetime) -> None:
    Step.objects.filter(id=head.id).update(
        status=Step.Status.SUCCEEDED, output={"items": outputs}, error=None, wait=None, finished_at=now
    )
    _receipt(run, head, "conductor.step.succeeded", {"step": head.name, "items": len(outputs)}, now)


def _receipt(run: Run, head: Step, action: str, body: dict[str, Any], now: datetime) -> None:
    append(
        tenant_id=run.tenant_id,
        action=action,
        subject=ref("conductor.step", head.id),
        subject_name=f"{run.code} step {head.place}",
        actor=Actor.system(),
        now=now,
        body=body,
        links=[ref("conductor.run", run.id), *([run.subject] if run.subject else [])],
    )
