"""A run in flight when its workflow's code changes: it goes on with a receipt, or it stops with a reason.

It stops where its records would not mean the same any more: other steps, another order, another version. Where only
the source differs it goes on, because mending a step and re-running it is what a retry is for; what was recorded stays
as it is, and the change is an act with a receipt (docs/decisions/0030).
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from conductor.engine.claim.lease import Lease
from conductor.engine.define import registry
from conductor.engine.models import Run, Step
from conductor.ledger.receipts import append
from conductor.lib.refs import ref
from conductor.tenancy.actors import Actor


def complaint_about(run: Run, heads: list[Step]) -> str:
    """Say in what the workflow's code differs from what the run recorded; empty if it may go on."""
    try:
        workflow = registry.workflow(run.workflow)
    except KeyError:
        return f"The workflow {run.workflow} no longer exists."
    if run.workflow_version != workflow.version and run.workflow_version not in workflow.continues:
        return (
            f"The run began with version {run.workflow_version} of {run.workflow}. The code is version "
            f"{workflow.version}, and does not say that it continues runs of version {run.workflow_version}."
        )
    recorded = [(head.seq, head.name, head.is_group, head.is_cleanup, head.undoes) for head in heads]
    if recorded != [place.shape for place in workflow.plan]:
        names = ", ".join(head.name for head in heads)
        return f"The steps of {run.workflow} changed while the run was under way: it recorded {names}."
    return ""


def note_code(lease: Lease, run: Run, *, now: datetime) -> None:
    """If the code differs from the code that worked on the run before, record that, with a receipt."""
    digest = registry.digest(registry.workflow(run.workflow))
    if digest == run.code_digest:
        return
    with transaction.atomic():
        lease.write(code_digest=digest)
        append(
            tenant_id=run.tenant_id,
            action="conductor.run.code_changed",
            subject=ref("conductor.run", run.id),
            subject_name=run.code,
            actor=Actor.system(),
            now=now,
            body={"workflow": run.workflow, "version": run.workflow_version, "from": run.code_digest, "to": digest},
            links=[run.subject] if run.subject else [],
        )
