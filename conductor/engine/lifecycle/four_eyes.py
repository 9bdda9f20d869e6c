"""What policy is asked before somebody answers what a run waits for, and who the two people are."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from conductor.engine.models import Run, Step
from conductor.lib.refs import Ref, ref
from conductor.policy.decisions import Decision
from conductor.policy.decisions import require as require_policy
from conductor.policy.inputs import NO_SECOND_PERSON, RUN_DECISION
from conductor.tenancy.actors import Actor


def ask_policy(*, run: Run, step: Step, approve: bool, actor: Actor, now: datetime) -> Decision:
    """Return the decision that lets `actor` answer what `step` waits for; raise PolicyDenied. Needs the tenant's scope.

    `run` and `step` are rows as the caller read them: the verb compares the wait again under its lock.
    """
    wait: dict[str, Any] = step.wait or {}
    demanded = bool(wait.get("four_eyes"))
    eyes = NO_SECOND_PERSON
    if demanded and approve:
        eyes = {"required": True, "requested_by": _requester(run, wait, actor), "approved_by": actor.ref}
    return require_policy(
        action=RUN_DECISION,
        actor=actor,
        resource={
            "ref": ref("conductor.run", run.id),
            "tenant": run.tenant_id,
            "environment": run.environment.slug if run.environment else "",
            "severity": "",
            "visibility": "NORMAL",
            "owner": run.started_by,
            "status": step.status,
            "approve": approve,
            "permission": wait["permission"],
            "demands_four_eyes": demanded,
            "workflow": run.workflow,
            "step": step.name,
        },
        context={"four_eyes": eyes},
        tenant_id=run.tenant_id,
        now=now,
    )


def _requester(run: Run, wait: dict[str, Any], actor: Actor) -> Ref:
    """Return who asked for what is to be approved: the approver themselves, if they are any of those who did."""
    asked = [each for each in (wait.get("requested_by"), run.started_by) if each]
    return actor.ref if actor.ref in asked else asked[0]
