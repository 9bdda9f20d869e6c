"""Calls a step's function within its time and its lease, and has recorded what came of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from pydantic import BaseModel, ValidationError

from conductor.engine.claim.lease import Lease, kept_alive
from conductor.engine.define import registry
from conductor.engine.define.context import LeaseLost, Permanent, StepContext, Wait, WaitForDecision, WaitForSignal
from conductor.engine.define.definition import RegisteredStep, source_digest
from conductor.engine.models import Step, Try
from conductor.engine.run import records
from conductor.engine.run.timeouts import StepTimedOut, limited
from conductor.lib.clock import now as clock_now
from conductor.lib.errors import Refused
from conductor.observability.tracing import span
from conductor.policy.decisions import PolicyDenied, keep_refusal
from conductor.policy.noting import noting_decisions
from conductor.tenancy.database.outages import is_passing, start_afresh
from conductor.tenancy.database.scope import tenant_scope

_NO_ERRORS = (LeaseLost, Wait, WaitForDecision, WaitForSignal)
"""By which a try ends that has not failed."""


def call(lease: Lease, step: Step, attempt: Try, context: StepContext) -> bool:
    """Call the step's function and record what came of it; return whether the run goes on at once."""
    registered = registry.step(step.name)
    began = clock_now()
    try:
        with (
            span(f"step {step.name}", run=lease.run_id, no_errors=_NO_ERRORS, step=step.name, attempt=attempt.number),
            kept_alive(lease, at_most=registered.timeout),
            noting_decisions(context.decisions),
            limited(registered.timeout),
        ):
            returned = registered.function(context)
        output = _checked(returned, registered)
    except LeaseLost:
        raise
    except Wait as wait:
        _record(records.wait_until, lease, step, attempt, context, wait)
        return False
    except WaitForDecision as wait:
        _record(records.wait_for_decision, lease, step, attempt, context, wait)
        return False
    except WaitForSignal as wait:
        _record(records.wait_for_signal, lease, step, attempt, context, wait)
        return False
    except StepTimedOut:
        start_afresh()  # the interruption may have hit a database call, whose connection is not at rest then
        return _failed(lease, step, attempt, context, registered, _late(registered))
    except Exception as error:  # noqa: BLE001 - whatever a step raises is recorded, never swallowed
        if is_passing(error):
            start_afresh()
        return _failed(lease, step, attempt, context, registered, error)
    if clock_now() - began > registered.timeout:
        return _failed(lease, step, attempt, context, registered, _late(registered))
    _record(records.succeed_step, lease, step, attempt, context, output, source_digest(registered.function))
    return True


def _checked(output: dict[str, Any] | BaseModel | None, registered: RegisteredStep) -> dict[str, Any]:
    """Return the output as JSON; raise Permanent where it is not what the step says that it returns."""
    if registered.output is None:
        return output.model_dump(mode="json") if isinstance(output, BaseModel) else output or {}
    try:
        return registered.output.model_validate(output or {}).model_dump(mode="json")
    except ValidationError as error:
        raise Permanent(f"{registered.name} returned something else: {error}", code="output_invalid") from error


def _late(registered: RegisteredStep) -> TimeoutError:
    return TimeoutError(f"took longer than {registered.timeout.total_seconds():g} s")


def _failed(
    lease: Lease, step: Step, attempt: Try, context: StepContext, registered: RegisteredStep, error: Exception
) -> bool:
    """Record the failed try, then either wait for the next one or let the step fail; return whether to go on."""
    if isinstance(error, PolicyDenied):
        keep_refusal(error)  # the exception left the step's scope, which rolled the decision's row back
    with tenant_scope(lease.tenant_id):
        failures = records.failures_of(step) + 1
    is_final = isinstance(error, Permanent | Refused) or getattr(error, "permanent", False)
    if is_final or failures >= registered.retry.max_attempts:
        code = getattr(error, "code", "") or ("timeout" if isinstance(error, TimeoutError) else "step_failed")
        _record(records.fail_step, lease, step, attempt, context, error, code=code)
        return True
    asked: timedelta | None = getattr(error, "retry_after", None)  # an adapter's error; the engine knows no adapter
    delay = registered.retry.delay_after(failures, asked=asked)
    _record(records.retry_later, lease, step, attempt, context, error, delay=delay)
    return False


def _record(write: Callable[..., None], lease: Lease, *about: Any, **more: Any) -> None:
    """Write under the lease, in one transaction."""
    with tenant_scope(lease.tenant_id):
        write(lease, *about, **more, now=clock_now())
