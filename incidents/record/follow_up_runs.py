"""What follows a declaration outside of it: each is a run of its own, so that one that fails holds nobody else up.

The runs are queued in the transaction that declares. The incident is whole before any of them begins, and each
shows its steps on the incident's page, where a failed one is retried.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from conductor.engine.claim.nudge import nudge_runs
from conductor.engine.lifecycle.starting import start_run
from conductor.engine.models import Run
from conductor.tenancy.actors import Actor
from incidents.models.incident import Incident
from incidents.models.obligation import Obligation
from incidents.record import topology

DECLARED_WORKFLOW = "incidents.declared"
WATCH_WORKFLOW = "incidents.watch"
ASKED_WORKFLOW = "incidents.role_asked"
DEADLINES_WORKFLOW = "incidents.deadlines"

_following: list[str] = [DECLARED_WORKFLOW, WATCH_WORKFLOW]


def start_after_declaring(workflow: str) -> None:
    """Have a run of `workflow` follow every declaration, with {"incident_id"} as its input.

    For apps above this one, such as the chat that opens a channel. Called in AppConfig.ready().
    """
    if workflow not in _following:
        _following.append(workflow)


def start_response(*, incident: Incident, actor: Actor, now: datetime) -> None:
    """Queue everything that follows the declaration, once."""
    for workflow in _following:
        _start(incident, workflow, f"{incident.id}:declared", actor, now)


def keep_watching(*, incident: Incident, actor: Actor, now: datetime) -> None:
    """Have the watch over updates look again, as severity or status changed; start it anew if it had ended."""
    if nudge_runs(workflow=WATCH_WORKFLOW, subject=incident.ref, now=now) or not incident.is_active:
        return
    runs = Run.objects.filter(workflow=WATCH_WORKFLOW, subject=incident.ref)
    if not runs.exclude(status__in=Run.OVER).exists():
        _start(incident, WATCH_WORKFLOW, f"{incident.id}:watch:{runs.count()}", actor, now)


def ask_for_role(*, incident: Incident, asking_id: UUID, actor: Actor, now: datetime) -> None:
    """Have whoever was given or offered a role told that their answer is waited for. `asking_id` is that row's."""
    start_run(
        tenant_id=incident.tenant_id,
        workflow=ASKED_WORKFLOW,
        input={"incident_id": str(incident.id), "asking_id": str(asking_id)},
        actor=actor,
        now=now,
        subject=incident.ref,
        environment_id=incident.environment_id,
        dedup_key=f"{asking_id}:asked",
    )


def keep_deadlines(*, incident: Incident, actor: Actor, now: datetime) -> None:
    """Have the watch over deadlines look again, as a duty changed; start it where a clock runs and nobody watches."""
    if nudge_runs(workflow=DEADLINES_WORKFLOW, subject=incident.ref, now=now):
        return
    runs = Run.objects.filter(workflow=DEADLINES_WORKFLOW, subject=incident.ref)
    is_running = Obligation.objects.open().filter(incident=incident, due_at__isnull=False).exists()
    if is_running and not runs.exclude(status__in=Run.OVER).exists():
        _start(incident, DEADLINES_WORKFLOW, f"{incident.id}:deadlines:{runs.count()}", actor, now)


def _start(incident: Incident, workflow: str, dedup_key: str, actor: Actor, now: datetime) -> None:
    run = start_run(
        tenant_id=incident.tenant_id,
        workflow=workflow,
        input={"incident_id": str(incident.id)},
        actor=actor,
        now=now,
        subject=incident.ref,
        environment_id=incident.environment_id,
        dedup_key=dedup_key,
    )
    # The watches only look: they act on nothing, and the graph need not show them.
    if workflow not in (WATCH_WORKFLOW, DEADLINES_WORKFLOW):
        topology.link_run(incident=incident, run=run, actor=actor, now=now)
