"""Why a verb on a run is refused, and the receipt that each of them writes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from conductor.engine.models import Run
from conductor.ledger.receipts import append
from conductor.lib.errors import Conflict, Invalid
from conductor.lib.refs import ref
from conductor.policy.decisions import Decision
from conductor.tenancy.actors import Actor


class WorkflowUnknown(Invalid):
    """There is no workflow of this name."""

    code = "workflow_unknown"


class RunIsOver(Conflict):
    """The run has ended already."""

    code = "run_is_over"


class RunNotFailed(Conflict):
    """Only a failed run can be retried."""

    code = "run_not_failed"


class RunNotWaiting(Conflict):
    """The run does not wait for a decision."""

    code = "run_not_waiting"


class WaitChanged(Conflict):
    """The run asks something else by now. Read it again, then decide."""

    code = "run_wait_changed"


class DecisionAmbiguous(Conflict):
    """Several items of the run wait for a decision: say which one is meant."""

    code = "decision_ambiguous"


REASON_CHARACTERS = 500


def refuse_long(reason: str) -> None:
    """Raise Invalid for a reason that would be kept in rows and receipts and is no sentence or two."""
    if len(reason) > REASON_CHARACTERS:
        raise Invalid(fields={"reason": [f"At most {REASON_CHARACTERS} characters."]})


def receipt(
    run: Run, action: str, actor: Actor, now: datetime, body: dict[str, Any], decision: Decision | None = None
) -> None:
    """Write the receipt of an act on the run; it cites the policy decision that allowed it, where one was asked for."""
    decided = [decision.record.ref] if decision and decision.record else []
    append(
        tenant_id=run.tenant_id,
        action=action,
        subject=ref("conductor.run", run.id),
        subject_name=run.code,
        actor=actor,
        now=now,
        body={**body, "decision": decision.citation} if decision else body,
        links=[*([run.subject] if run.subject else []), *decided],
    )
