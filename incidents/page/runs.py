"""The steps of the workflows about an incident, as its page shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count

from conductor.engine.models import Run, Step
from incidents.models.incident import Incident


@dataclass(frozen=True)
class WorkflowStep:
    """One step, with its run."""

    name: str
    status: str
    tries: int
    error: str
    waits_for: str
    output: Mapping[str, Any]
    """What it put out when it succeeded; empty until then."""
    ended_at: datetime | None
    run_number: int
    run_code: str
    title: str
    """The workflow's."""
    can_retry: bool
    """Whether it failed for good and its run can be tried again from here."""


def workflow_steps(*, incident: Incident, limit: int = 100) -> list[WorkflowStep]:
    """Return the steps of every run about the incident, oldest run first. One query."""
    found = (
        Step.objects.filter(run__subject=incident.ref, is_cleanup=False)
        .select_related("run")
        .annotate(try_count=Count("tries"))
        .order_by("run__number", "seq")[:limit]
    )
    return [
        WorkflowStep(
            name=step.name,
            status=step.status,
            tries=step.try_count,
            error=str((step.error or {}).get("message", "")),
            waits_for=str((step.wait or {}).get("reason", "")) if step.status == Step.Status.WAITING else "",
            output=step.output or {},
            ended_at=step.finished_at,
            run_number=step.run.number,
            run_code=step.run.code,
            title=step.run.title,
            can_retry=step.status == Step.Status.FAILED and step.run.status == Run.Status.FAILED,
        )
        for step in found
    ]
