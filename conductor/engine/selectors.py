"""Reads of runs: what the API and the run page show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Prefetch, Q, QuerySet

from conductor.engine.models import Run, Step, Try
from conductor.lib.refs import Ref, ref
from conductor.policy.inputs import RUN_DECISION
from conductor.policy.models import PolicyDecision

ITEMS_SHOWN = 8
"""Of a group, where only a few items are shown."""


@dataclass(frozen=True)
class RunFigures:
    """Counts for the head of the run list."""

    running: int
    waiting_for_decision: int
    failed_last_day: int
    finished_last_day: int


def steps_of(*, run: Run) -> QuerySet[Step]:
    """Return the run's steps in order, each with `tries` as a count."""
    return Step.objects.filter(run=run).annotate(try_count=Count("tries"))


def run_with_steps(*, number: int, few_items: bool = False) -> Run | None:
    """Return the run with its steps and their tries prefetched (three queries), or None.

    `few_items`: of each group the first items only, and those that failed, wait or are at work.
    """
    tries = Prefetch("tries", queryset=Try.objects.order_by("number"))
    quiet = Q(item__gte=ITEMS_SHOWN, status__in=[Step.Status.SUCCEEDED, Step.Status.PENDING, Step.Status.SKIPPED])
    rows = Step.objects.exclude(quiet) if few_items else Step.objects.all()
    steps = Prefetch("steps", queryset=rows.prefetch_related(tries))
    return Run.objects.select_related("environment").prefetch_related(steps).filter(number=number).first()


def decisions_of(run: Run) -> list[PolicyDecision]:
    """Return what policy decided while the run's tries were at work, and on who answered its waits, in order.

    Needs the steps prefetched.
    """
    ids = [each for step in run.steps.all() for attempt in step.tries.all() for each in attempt.decisions]
    asked = Q(id__in=ids) | Q(subject=ref("conductor.run", run.id), action=RUN_DECISION)
    return list(PolicyDecision.objects.filter(asked).order_by("decided_at", "id"))


def undecided_steps() -> QuerySet[Step]:
    """Return the steps and items that wait for a person's decision."""
    waiting = Step.objects.filter(status=Step.Status.WAITING, wait__kind="decision")
    return waiting.exclude(wait__has_key="decision")


def runs_with_steps() -> QuerySet[Run]:
    """Return the runs, newest first, with environment and steps (one more query)."""
    steps = Prefetch(
        "steps", queryset=Step.objects.filter(item=None).only("run_id", "tenant_id", "status", "is_cleanup")
    )
    return Run.objects.select_related("environment").prefetch_related(steps).order_by("-number")


def runs_about(*, subject: Ref) -> QuerySet[Run]:
    """Return the runs whose subject this is, newest first."""
    return Run.objects.filter(subject=subject).order_by("-number")


def figures(*, since: datetime) -> RunFigures:
    """Count runs: those under way now, and those that ended since `since`."""
    by_status: dict[str, Any] = dict(
        Run.objects.filter(status__in=["QUEUED", "RUNNING"]).values_list("status").annotate(n=Count("id"))
    )
    ended = dict(Run.objects.filter(finished_at__gte=since).values_list("status").annotate(n=Count("id")))
    return RunFigures(
        running=sum(by_status.values()),
        waiting_for_decision=undecided_steps().values("run").distinct().count(),
        failed_last_day=ended.get("FAILED", 0),
        finished_last_day=sum(ended.values()),
    )
