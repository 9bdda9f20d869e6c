"""Has a run that sleeps until a time look again now, because what it waits for may have changed."""

from __future__ import annotations

from datetime import datetime

from conductor.engine.claim.wake import wake_after_commit
from conductor.engine.models import Run
from conductor.lib.refs import Ref


def nudge_runs(*, workflow: str, subject: Ref, now: datetime) -> int:
    """Wake the sleeping runs of `workflow` about `subject` once the transaction has committed; return how many.

    One that waits for a person's decision sleeps on: a nudge is no decision.
    """
    sleeping = Run.objects.filter(workflow=workflow, subject=subject, status=Run.Status.WAITING, wake_at__gt=now)
    nudged = 0
    for run in sleeping:
        if Run.objects.filter(id=run.id, status=Run.Status.WAITING, wake_at__gt=now).update(wake_at=now):
            wake_after_commit(priority=run.priority)
            nudged += 1
    return nudged
