"""The evidence workflows, as names of steps."""

from __future__ import annotations

from datetime import timedelta

from conductor.engine.registry import Retry, Workflow, register_step, register_workflow
from controls.lifecycle import RESTORE_VERIFICATION
from evidence.inputs import IncidentInput, PackInput, RestoreInput
from evidence.naming import GENERATE_PACK, INCIDENT_BUNDLE
from evidence.steps import bundle, incident, pack, restore

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
    register_step("evidence.open_restore_bundle", restore.open_restore_bundle)
    register_step("evidence.take_backup", restore.take_backup, timeout=slow)
    register_step("evidence.restore_backup", restore.restore_backup, timeout=slow)
    register_step("evidence.compare_restore", restore.compare_restore, timeout=slow)
    register_step("evidence.drop_scratch", restore.drop_scratch)
    register_step("evidence.conclude_restore", restore.conclude_restore)
    register_step("evidence.discard_scratch", restore.discard_scratch)
    register_step("evidence.open_incident_bundle", incident.open_incident_bundle)
    register_step("evidence.collect_incident", incident.collect_incident)
    register_step("evidence.conclude_incident", incident.conclude_incident)
    register_step("evidence.link_to_incident", incident.link_to_incident)
    register_step("evidence.seal_bundle", bundle.seal_bundle)
    register_step("evidence.notarize_bundle", bundle.notarize_bundle, retry=Retry(max_attempts=bundle.NOTARY_TRIES))
    register_step("evidence.request_pack", bundle.ask_for_pack)
    register_step("evidence.abandon_bundle", bundle.give_up_bundle)
    register_step("evidence.render_pack", pack.render_pack)
    register_step("evidence.vouch_for_pack", pack.vouch)
    register_step("evidence.assemble_pack", pack.assemble_pack)
    register_step("evidence.fail_pack", pack.give_up_pack)
    for workflow in (RESTORE, INCIDENT, PACK):
        register_workflow(workflow)
