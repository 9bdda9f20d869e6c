"""Carries a claimed run from step to step until it ends, waits, or is lost to another worker.

The law (docs/decisions/0004): a recorded step is never run again; a step's output is written together with its
receipt and meter event under the lease; a worker that lost its lease writes nothing.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from django.db import Error, transaction
from pydantic import ValidationError

from conductor.engine.claim.claims import claim, claim_item
from conductor.engine.claim.lease import Lease
from conductor.engine.define import registry
from conductor.engine.define.context import LeaseLost
from conductor.engine.models import Run, Step
from conductor.engine.run import endings, groups, records
from conductor.engine.run.contexts import context_for
from conductor.engine.run.divergence import complaint_about, note_code
from conductor.engine.run.step_call import call
from conductor.lib.clock import now as clock_now
from conductor.tenancy.database.outages import is_passing, start_afresh
from conductor.tenancy.database.scope import tenant_scope

log = structlog.get_logger("conductor.engine")


def advance(*, tenant_id: UUID, run_id: UUID, worker: str, now: datetime) -> str | None:
    """Work on the run and its items as far as they go; return its status then, or None if nothing could be claimed.

    Must not be called inside a transaction: each step's record is committed before the next one begins.
    """
    lease = claim(tenant_id=tenant_id, run_id=run_id, worker=worker, now=now)
    claimed = lease is not None
    if lease:
        carry_on(lease)
    while item := _due_item(tenant_id, run_id, worker, clock_now()):
        claimed = True
        carry_on(item)
        if again := claim(tenant_id=tenant_id, run_id=run_id, worker=worker, now=clock_now()):
            carry_on(again)
    if not claimed:
        return None
    with tenant_scope(tenant_id):
        return Run.objects.values_list("status", flat=True).get(id=run_id)


def carry_on(lease: Lease) -> None:
    """Do what the lease is for as far as it goes now. A lease that is lost on the way is somebody else's then.

    Where the database cuts in, what was not committed is as if it had not been; whoever comes next tries it again.
    """
    advance_one = _advance_item if lease.item_id else _advance_run
    try:
        while advance_one(lease):
            pass
    except LeaseLost:
        return
    except Error as error:
        if not is_passing(error):
            raise
        _give_back(lease, error)


def _give_back(lease: Lease, error: Exception) -> None:
    """Let the work be claimed again soon, if it is ours still. If even that fails, the lease ends by itself."""
    log.warning(
        "cut off", action="engine.cut_off", run=str(lease.run_id), error=type(error.__cause__ or error).__name__
    )
    start_afresh()
    try:
        with tenant_scope(lease.tenant_id):
            lease.end_soon(clock_now())
    except Error:
        start_afresh()


def _due_item(tenant_id: UUID, run_id: UUID, worker: str, now: datetime) -> Lease | None:
    with tenant_scope(tenant_id):
        waiting = Step.objects.filter(run_id=run_id, item__isnull=False, wake_at__lte=now).order_by("seq", "item")
        ids = list(waiting.values_list("id", flat=True)[:5])
    for item_id in ids:
        if lease := claim_item(tenant_id=tenant_id, item_id=item_id, worker=worker, now=now):
            return lease
    return None


def _advance_run(lease: Lease) -> bool:
    """Run the next step; return whether there is more to do at once."""
    with tenant_scope(lease.tenant_id):
        run = Run.objects.select_related("tenant").get(id=lease.run_id)
        heads = list(Step.objects.filter(run=run, item=None))
        if complaint := complaint_about(run, heads):
            endings.fail_run(lease, run, code="workflow_changed", message=complaint, step="", now=clock_now())
            return False
        note_code(lease, run, now=clock_now())
        failed = next((step for step in heads if not step.is_cleanup and step.status == Step.Status.FAILED), None)
        step = _next(heads, is_cleanup=failed is not None)
        if step is None:
            _finish(lease, run, heads, failed)
            return False
        if step.undoes and _nothing_to_undo(run, step, heads):
            Step.objects.filter(id=step.id).update(status=Step.Status.SKIPPED)
            return True
        if step.is_group:
            return _advance_group(lease, run, heads, step)
        if _is_given_up(lease, run, step):
            return True
        attempt = records.begin_try(lease, run, step, now=clock_now())
        context = context_for(lease, run, heads, step, attempt)
    return call(lease, step, attempt, context)


def _advance_item(lease: Lease) -> bool:
    """Run the item's step. Nothing more is to be done at once, whatever came of it."""
    assert lease.item_id is not None
    with tenant_scope(lease.tenant_id):
        run = Run.objects.select_related("tenant").get(id=lease.run_id)
        heads = list(Step.objects.filter(run=run, item=None))
        step = Step.objects.get(id=lease.item_id)
        if complaint := complaint_about(run, heads):
            with transaction.atomic():
                lease.check()
                records.give_up(run, step, code="workflow_changed", message=complaint, now=clock_now())
            return False
        if _is_given_up(lease, run, step):
            return False
        attempt = records.begin_try(lease, run, step, now=clock_now())
        context = context_for(lease, run, heads, step, attempt)
    call(lease, step, attempt, context)
    return False


def _next(heads: list[Step], *, is_cleanup: bool) -> Step | None:
    over = (Step.Status.SUCCEEDED, Step.Status.SKIPPED) + ((Step.Status.FAILED,) if is_cleanup else ())
    return next((step for step in heads if step.is_cleanup == is_cleanup and step.status not in over), None)


def _nothing_to_undo(run: Run, step: Step, heads: list[Step]) -> bool:
    """A step that did not succeed has nothing to undo; of a group, each item that did has."""
    if step.is_group and step.undoes:
        done = Step.objects.filter(run=run, seq=step.undoes, item__isnull=False, status=Step.Status.SUCCEEDED)
        return not done.exists()
    return not any(head.seq == step.undoes and head.status == Step.Status.SUCCEEDED for head in heads)


def _advance_group(lease: Lease, run: Run, heads: list[Step], head: Step) -> bool:
    """Begin the group, or join it; return whether the run goes on at once."""
    if head.status == Step.Status.WAITING:
        return groups.join(lease, run, head, now=clock_now())
    place = next(each for each in registry.workflow(run.workflow).plan if each.seq == head.seq)
    try:
        items = _items_for(run, heads, head, place.over)
    except groups.NoList as problem:
        groups.fail_group(lease, run, head, message=str(problem), now=clock_now())
        return True
    groups.open_group(lease, head, items=items, limit=place.limit, now=clock_now())
    return False


def _items_for(run: Run, heads: list[Step], head: Step, over: str) -> dict[int, Any]:
    if head.undoes:
        done = Step.objects.filter(run=run, seq=head.undoes, item__isnull=False, status=Step.Status.SUCCEEDED)
        return {item.item: item.given for item in done if item.item is not None}
    outputs = {each.name: each.output for each in heads if each.output is not None}
    return dict(enumerate(groups.list_for(over, given=run.input, outputs=outputs)))


def _is_given_up(lease: Lease, run: Run, step: Step) -> bool:
    """Let a step fail whose workers died again and again: it is likely what kills them."""
    losses = records.losses_of(step)
    if losses < records.MAX_LOSSES:
        return False
    with transaction.atomic():
        lease.check()
        message = f"{losses} workers died while they were at this step."
        records.give_up(run, step, code="worker_lost", message=message, now=clock_now())
    return True


def _finish(lease: Lease, run: Run, heads: list[Step], failed: Step | None) -> None:
    if failed is None:
        _succeed(lease, run, heads)
        return
    error: dict[str, Any] = failed.error or {}
    not_undone = [head.name for head in heads if head.undoes and head.status == Step.Status.FAILED]
    endings.fail_run(
        lease,
        run,
        code=error["code"],
        message=error["message"],
        step=failed.name,
        not_undone=not_undone,
        now=clock_now(),
    )


def _succeed(lease: Lease, run: Run, heads: list[Step]) -> None:
    output = next((head.output for head in reversed(heads) if not head.is_cleanup), None) or {}
    model = registry.workflow(run.workflow).output
    try:
        output = model.model_validate(output).model_dump(mode="json") if model else output
    except ValidationError as error:
        endings.fail_run(lease, run, code="output_invalid", message=str(error), step="", now=clock_now())
        return
    endings.succeed_run(lease, run, output=output, now=clock_now())
