"""Carries a claimed run from step to step until it ends, waits, or is lost to another worker.

The law (docs/decisions/0004): a recorded step is never run again; a step's output is written together with its
receipt and meter event under the lease; a worker that lost its lease writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from conductor.engine import records, registry
from conductor.engine.context import LeaseLost, Permanent, StepContext, Wait, WaitForDecision
from conductor.engine.lease import Lease, claim, kept_alive
from conductor.engine.models import Run, Step, Try
from conductor.lib.clock import now as clock_now
from conductor.lib.errors import Refused
from conductor.lib.refs import ref
from conductor.policy.decisions import PolicyDenied, keep_refusal
from conductor.tenancy.actors import Actor
from conductor.tenancy.models import Tenant
from conductor.tenancy.scope import tenant_scope


def advance(*, tenant_id: UUID, run_id: UUID, worker: str, now: datetime) -> str | None:
    """Work on the run as far as it goes; return its status then, or None if it was not there to be claimed.

    Must not be called inside a transaction: each step's record is committed before the next one begins.
    """
    lease = claim(tenant_id=tenant_id, run_id=run_id, worker=worker, now=now)
    if lease is None:
        return None
    try:
        while _advance_one(lease):
            pass
    except LeaseLost:
        return None
    with tenant_scope(tenant_id):
        return Run.objects.values_list("status", flat=True).get(id=run_id)


def _advance_one(lease: Lease) -> bool:
    """Run the next step; return whether there is more to do at once."""
    with tenant_scope(lease.tenant_id):
        run = Run.objects.get(id=lease.run_id)
        steps = list(Step.objects.filter(run=run))
        if complaint := _diverged(run, steps):
            records.fail_run(lease, run, code="workflow_changed", message=complaint, step="", now=clock_now())
            return False
        failed = next((step for step in steps if not step.is_cleanup and step.status == Step.Status.FAILED), None)
        step = _next(steps, is_cleanup=failed is not None)
        if step is None:
            _finish(lease, run, failed)
            return False
        attempt = records.begin_try(lease, run, step, now=clock_now())
        context = _context(lease, run, steps, step, attempt)
    return _run_step(lease, step, attempt, context)


def _diverged(run: Run, steps: list[Step]) -> str:
    """Say in what the workflow's code differs from what the run recorded; empty if it does not."""
    try:
        workflow = registry.workflow(run.workflow)
    except KeyError:
        return f"The workflow {run.workflow} no longer exists."
    recorded = tuple(step.name for step in steps)
    if recorded != workflow.steps + workflow.on_failure:
        return f"The steps of {run.workflow} changed while the run was under way: it recorded {', '.join(recorded)}."
    return ""


def _next(steps: list[Step], *, is_cleanup: bool) -> Step | None:
    over = (Step.Status.SUCCEEDED, Step.Status.SKIPPED) + ((Step.Status.FAILED,) if is_cleanup else ())
    return next((step for step in steps if step.is_cleanup == is_cleanup and step.status not in over), None)


def _finish(lease: Lease, run: Run, failed: Step | None) -> None:
    if failed is None:
        records.succeed_run(lease, run, now=clock_now())
        return
    error: dict[str, Any] = failed.error or {}
    records.fail_run(lease, run, code=error["code"], message=error["message"], step=failed.name, now=clock_now())


def _context(lease: Lease, run: Run, steps: list[Step], step: Step, attempt: Try) -> StepContext:
    def renew() -> bool:
        with tenant_scope(lease.tenant_id):
            return lease.renew(clock_now())

    return StepContext(
        tenant_id=lease.tenant_id,
        tenant_slug=Tenant.objects.values_list("slug", flat=True).get(id=lease.tenant_id),
        run_id=run.id,
        run_ref=ref("conductor.run", run.id),
        run_code=run.code,
        environment_id=run.environment_id,
        subject=run.subject,
        input=run.input,
        outputs={each.name: each.output for each in steps if each.output is not None},
        actor=_acting_for(run),
        seq=step.seq,
        attempt=attempt.number,
        decision=(step.wait or {}).get("decision"),
        renew=renew,
        lines=list(attempt.log),
    )


def _acting_for(run: Run) -> Actor:
    """Return Conductor, named with whoever started the run unless that was Conductor itself."""
    known = Actor.system()
    return Actor.system(
        run.started_by_name if run.started_by == known.ref else f"{known.name} for {run.started_by_name}"
    )


def _run_step(lease: Lease, step: Step, attempt: Try, context: StepContext) -> bool:
    """Call the step's function and record what came of it; return whether the run goes on at once."""
    registered = registry.step(step.name)
    began = clock_now()
    try:
        with kept_alive(lease):
            output = registered.function(context)
    except LeaseLost:
        raise
    except Wait as wait:
        _record(records.wait_until, lease, step, attempt, context, wait)
        return False
    except WaitForDecision as wait:
        _record(records.wait_for_decision, lease, step, attempt, context, wait)
        return False
    except Exception as error:  # noqa: BLE001 - whatever a step raises is recorded, never swallowed
        return _failed(lease, step, attempt, context, registered, error)
    if clock_now() - began > registered.timeout:
        late = TimeoutError(f"took longer than {registered.timeout.total_seconds():.0f} s")
        return _failed(lease, step, attempt, context, registered, late)
    _record(records.succeed_step, lease, step, attempt, context, output or {})
    return True


def _failed(
    lease: Lease,
    step: Step,
    attempt: Try,
    context: StepContext,
    registered: registry.RegisteredStep,
    error: Exception,
) -> bool:
    """Record the failed try, then either wait for the next one or let the step fail; return whether to go on."""
    if isinstance(error, PolicyDenied):
        keep_refusal(error)  # the exception left the step's scope, which rolled the decision's row back
    is_final = isinstance(error, Permanent | Refused) or getattr(error, "permanent", False)
    if is_final or records.failures_of(lease, step) + 1 >= registered.retry.max_attempts:
        code = getattr(error, "code", "") or "step_failed"
        _record(records.fail_step, lease, step, attempt, context, error, code=code)
        return True
    delay: timedelta = registered.retry.delay_after(attempt.number)
    _record(records.retry_later, lease, step, attempt, context, error, delay=delay)
    return False


def _record(write: Callable[..., None], lease: Lease, *about: Any, **more: Any) -> None:
    """Write under the lease, in one transaction."""
    with tenant_scope(lease.tenant_id):
        write(lease, *about, **more, now=clock_now())
