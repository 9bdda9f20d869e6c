"""The evidence workflows, as names of steps."""

from __future__ import annotations

from datetime import timedelta

from conductor.engine.define.registry import Retry, Workflow, register_step, register_workflow
from controls.lifecycle import RESTORE_VERIFICATION
from evidence.bundles.naming import GENERATE_PACK, INCIDENT_BUNDLE
from evidence.packs import steps as packs_steps
from evidence.workflows import bundle_steps
from evidence.workflows.backup_restore import steps as backup_restore_steps
from evidence.workflows.incident import steps
from evidence.workflows.inputs import IncidentInput, PackInput, RestoreInput

RESTORE = Workflow(
    name=RESTORE_VERIFICATION,
    version=1,
    title="Backup and restore verification",
    input=RestoreInput,
    steps=(
        "evidence.open_restore_bundle",
        "evidence.take_backup",
        "evidence.restore_backup",
        "evidence.compare_restore",
        "evidence.drop_scratch",
        "evidence.conclude_restore",
        "evidence.seal_bundle",
        "evidence.notarize_bundle",
        "evidence.request_pack",
    ),
    on_failure=("evidence.discard_scratch", "evidence.abandon_bundle"),
)
INCIDENT = Workflow(
    name=INCIDENT_BUNDLE,
    version=1,
    title="Collect an incident's evidence",
    input=IncidentInput,
    steps=(
        "evidence.open_incident_bundle",
        "evidence.collect_incident",
        "evidence.conclude_incident",
        "evidence.seal_bundle",
        "evidence.notarize_bundle",
        "evidence.link_to_incident",
        "evidence.request_pack",
    ),
    on_failure=("evidence.abandon_bundle",),
)
PACK = Workflow(
    name=GENERATE_PACK,
    version=1,
    title="Make an Evidence Pack",
    input=PackInput,
    steps=("evidence.render_pack", "evidence.vouch_for_pack", "evidence.assemble_pack"),
    on_failure=("evidence.fail_pack",),
)


def register() -> None:
    """Register the steps and workflows. Called in AppConfig.ready()."""
    slow = timedelta(hours=1)
    register_step("evidence.open_restore_bundle", backup_restore_steps.open_restore_bundle)
    register_step("evidence.take_backup", backup_restore_steps.take_backup, timeout=slow)
    register_step("evidence.restore_backup", backup_restore_steps.restore_backup, timeout=slow)
    register_step("evidence.compare_restore", backup_restore_steps.compare_restore, timeout=slow)
    register_step("evidence.drop_scratch", backup_restore_steps.drop_scratch)
    register_step("evidence.conclude_restore", backup_restore_steps.conclude_restore)
    register_step("evidence.discard_scratch", backup_restore_steps.discard_scratch)
    register_step("evidence.open_incident_bundle", steps.open_incident_bundle)
    register_step("evidence.collect_incident", steps.collect_incident)
    register_step("evidence.conclude_incident", steps.conclude_incident)
    register_step("evidence.link_to_incident", steps.link_to_incident)
    register_step("evidence.seal_bundle", bundle_steps.seal_bundle)
    register_step(
        "evidence.notarize_bundle", bundle_steps.notarize_bundle, retry=Retry(max_attempts=bundle_steps.NOTARY_TRIES)
    )
    register_step("evidence.request_pack", bundle_steps.ask_for_pack)
    register_step("evidence.abandon_bundle", bundle_steps.give_up_bundle)
    register_step("evidence.render_pack", packs_steps.render_pack)
    register_step("evidence.vouch_for_pack", packs_steps.vouch)
    register_step("evidence.assemble_pack", packs_steps.assemble_pack)
    register_step("evidence.fail_pack", packs_steps.give_up_pack)
    for workflow in (RESTORE, INCIDENT, PACK):
        register_workflow(workflow)
