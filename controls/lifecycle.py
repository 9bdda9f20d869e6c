"""Verbs on controls: bind workflows to them, end a binding, start the workflow that tests a restore."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from adapters.models.adapter import AdapterConfig
from conductor.engine.define import registry
from conductor.engine.lifecycle.starting import start_run
from conductor.engine.models import Run
from conductor.ledger.receipts import append
from conductor.lib.errors import Conflict, Invalid
from conductor.lib.refs import ref
from conductor.tenancy.actors import Actor, require
from conductor.tenancy.models import Environment
from controls.catalogue import DATA
from controls.lookup import controls_by_ids, live_bindings
from controls.models import Control, WorkflowBinding

RESTORE_VERIFICATION = "controls.backup_restore_verification"
"""The workflow that backs up, restores and compares; its steps are the evidence app's."""
BACKUP_PORT = "backup"


MOST_REASON = 500


class AlreadyBound(Conflict):
    """This workflow is bound to the control already."""

    code = "workflow_already_bound"


class BindingEnded(Conflict):
    """This binding has ended already."""

    code = "binding_ended"


class NoControlBound(Conflict):
    """No control names this workflow as its evidence. Bind it to a control first."""

    code = "no_control_bound"


class NoBackupAdapter(Conflict):
    """No backup adapter is enabled for this environment. An admin can connect one."""

    code = "no_backup_adapter"


MOST_DAYS = 3660
"""The longest time that evidence may count as fresh: ten years."""


def bind_workflow(
    *,
    tenant_id: UUID,
    control: Control,
    workflow: str,
    part: str,
    actor: Actor,
    now: datetime,
    frequency_days: int = 90,
    environment: Environment | None = None,
) -> WorkflowBinding:
    """State that `workflow` produces evidence for `control`. Raise Invalid, or AlreadyBound while it is bound."""
    require(actor=actor, permission="run_controls")
    _refuse_unusable(workflow, part, frequency_days)
    try:
        with transaction.atomic():
            binding = WorkflowBinding.objects.create(
                tenant_id=tenant_id,
                control=control,
                workflow=workflow,
                part=part,
                environment=environment,
                frequency_days=frequency_days,
                valid_from=now,
            )
            body = {"workflow": workflow, "part": part, "frequency_days": frequency_days}
            _receipt(tenant_id, "controls.workflow.bound", control, actor, now, body)
    except IntegrityError as error:
        raise AlreadyBound from error
    return binding


def unbind_workflow(*, binding: WorkflowBinding, actor: Actor, reason: str, now: datetime) -> WorkflowBinding:
    """End a binding; its past stays on record. Raise BindingEnded if it has ended before, Invalid without a reason."""
    require(actor=actor, permission="run_controls")
    if not (reason := reason.strip()) or len(reason) > MOST_REASON:
        raise Invalid(fields={"reason": [f"Say why the binding ends, in at most {MOST_REASON} characters."]})
    with transaction.atomic():
        if not WorkflowBinding.objects.filter(id=binding.id, valid_to=None).update(valid_to=now):
            raise BindingEnded
        body = {"workflow": binding.workflow, "reason": reason}
        _receipt(binding.tenant_id, "controls.workflow.unbound", binding.control, actor, now, body)
    binding.refresh_from_db()
    return binding


def bind_defaults(*, tenant_id: UUID, actor: Actor, now: datetime) -> list[WorkflowBinding]:
    """Bind the workflows of this release to the controls that they are evidence for; return the new bindings.

    Workflows that are not registered are passed over, and so is every binding that the tenant has or once ended.
    """
    require(actor=actor, permission="run_controls")
    registered = {workflow.name for workflow in registry.workflows()}
    known = set(WorkflowBinding.objects.values_list("workflow", "control_id"))
    fresh: list[WorkflowBinding] = []
    for workflow, plan in json.loads((DATA / "bindings.json").read_bytes()).items():
        if workflow not in registered:
            continue
        for part in WorkflowBinding.Part.values:
            for control in controls_by_ids(plan[part]):
                if (workflow, control.id) not in known:
                    fresh.append(_default(tenant_id, control, workflow, part, plan["frequency_days"], now))
    if fresh:
        _keep_defaults(tenant_id, fresh, actor, now)
    return fresh


def start_restore_verification(
    *,
    tenant_id: UUID,
    environment: Environment,
    actor: Actor,
    now: datetime,
    adapter_name: str = "",
    rto: timedelta = timedelta(hours=1),
    rpo: timedelta = timedelta(hours=24),
    dedup_key: str = "",
) -> Run:
    """Start the run that backs up the environment's database, restores it elsewhere and compares the two.

    `rto` and `rpo` are the targets: the time that a restore may take, the age that its recovery point may have.
    Without a name, the environment's own backup adapter comes before one for every environment.
    Raise NoBackupAdapter or NoControlBound where there is nothing to run or nothing to prove.
    """
    require(actor=actor, permission="run_controls")
    adapter = _backup_adapter(environment, adapter_name)
    bindings = live_bindings(workflow=RESTORE_VERIFICATION, environment=environment)
    if not bindings:
        raise NoControlBound
    return start_run(
        tenant_id=tenant_id,
        workflow=RESTORE_VERIFICATION,
        title=f"Backup and restore verification, {environment.name}",
        input={
            "adapter_id": str(adapter.id),
            "adapter_name": adapter.name,
            "controls": [binding.control.key for binding in bindings],
            "rto_seconds": int(rto.total_seconds()),
            "rpo_seconds": int(rpo.total_seconds()),
        },
        subject=ref("tenancy.environment", environment.id),
        environment_id=environment.id,
        actor=actor,
        now=now,
        dedup_key=dedup_key,
    )


def _refuse_unusable(workflow: str, part: str, frequency_days: int) -> None:
    fields: dict[str, list[str]] = {}
    if workflow not in {each.name for each in registry.workflows()}:
        fields["workflow"] = [f"{workflow} is not registered."]
    if part not in WorkflowBinding.Part.values:
        fields["part"] = [f"Choose one of {', '.join(WorkflowBinding.Part.values)}."]
    if not 1 <= frequency_days <= MOST_DAYS:
        fields["frequency_days"] = [f"Must be between 1 and {MOST_DAYS} days."]
    if fields:
        raise Invalid(fields=fields)


def _default(
    tenant_id: UUID, control: Control, workflow: str, part: str, frequency_days: int, now: datetime
) -> WorkflowBinding:
    return WorkflowBinding(
        tenant_id=tenant_id,
        control=control,
        workflow=workflow,
        part=part,
        frequency_days=frequency_days,
        valid_from=now,
    )


def _keep_defaults(tenant_id: UUID, bindings: list[WorkflowBinding], actor: Actor, now: datetime) -> None:
    """Insert the bindings with one receipt; a concurrent run of the same verb loses whole, and raises AlreadyBound."""
    try:
        with transaction.atomic():
            WorkflowBinding.objects.bulk_create(bindings)
            append(
                tenant_id=tenant_id,
                action="controls.defaults.bound",
                subject=ref("conductor.tenant", tenant_id),
                subject_name="default bindings",
                actor=actor,
                now=now,
                body={
                    "bindings": [
                        {"control": each.control.key, "workflow": each.workflow, "part": each.part} for each in bindings
                    ]
                },
            )
    except IntegrityError as error:
        raise AlreadyBound from error


def _backup_adapter(environment: Environment, name: str) -> AdapterConfig:
    enabled = AdapterConfig.objects.filter(port=BACKUP_PORT, enabled=True)
    if name:
        enabled = enabled.filter(name=name)
    for candidates in (enabled.filter(environment=environment), enabled.filter(environment=None)):
        if adapter := candidates.order_by("name").first():
            return adapter
    raise NoBackupAdapter(f"No backup adapter is enabled for {environment.name}. An admin can connect one.")


def _receipt(tenant_id: UUID, action: str, control: Control, actor: Actor, now: datetime, body: dict[str, Any]) -> None:
    append(
        tenant_id=tenant_id,
        action=action,
        subject=ref("controls.control", control.id),
        subject_name=control.alias,
        actor=actor,
        now=now,
        body=body,
    )
