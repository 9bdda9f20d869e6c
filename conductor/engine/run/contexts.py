"""Puts together what a step is given: earlier outputs, its item, what it waited for, what it undoes."""

from __future__ import annotations

from typing import Any

from conductor.engine.claim.lease import Lease
from conductor.engine.define.context import StepContext
from conductor.engine.models import Run, Step, Try
from conductor.engine.run import signals
from conductor.lib.clock import now as clock_now
from conductor.lib.refs import ref
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.sessions.proof import of_worker


def context_for(lease: Lease, run: Run, heads: list[Step], step: Step, attempt: Try) -> StepContext:
    """Return the step's context, taking the signal that it waits for. Needs the tenant's scope."""

    def renew() -> bool:
        with tenant_scope(lease.tenant_id):
            return lease.renew(clock_now())

    signal = signals.taken_for(step, now=clock_now())
    return StepContext(
        tenant_id=lease.tenant_id,
        tenant_slug=run.tenant.slug,
        run_id=run.id,
        run_ref=ref("conductor.run", run.id),
        run_code=run.code,
        environment_id=run.environment_id,
        subject=run.subject,
        input=run.input,
        outputs={each.name: each.output for each in heads if each.output is not None},
        actor=_acting_for(run),
        seq=step.seq,
        idempotency_key=step.idempotency_key,
        attempt=attempt.number,
        decision=(step.wait or {}).get("decision"),
        renew=renew,
        lines=list(attempt.log),
        signal=signal,
        waited_out=signal is None and (step.wait or {}).get("kind") == "signal",
        item=step.given,
        item_index=step.item,
        undone=_undone(run, heads, step),
        decisions=list(attempt.decisions),
    )


def _undone(run: Run, heads: list[Step], step: Step) -> dict[str, Any] | None:
    if step.undoes is None:
        return None
    if step.item is None:
        return next(head.output for head in heads if head.seq == step.undoes)
    return Step.objects.values_list("output", flat=True).get(run=run, seq=step.undoes, item=step.item)


def _acting_for(run: Run) -> Actor:
    """Return Conductor, named with whoever started the run unless that was Conductor itself."""
    known = Actor.system()
    how = of_worker(
        run=ref("conductor.run", run.id),
        code=run.code,
        starter=run.started_by,
        name=run.started_by_name,
        proof=run.started_proof,
    )
    return Actor.system(
        run.started_by_name if run.started_by == known.ref else f"{known.name} for {run.started_by_name}", proof=how
    )
