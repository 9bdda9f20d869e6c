"""What evidence says of the controls that were bound at the time of an incident.

It is a `FindingsOf` of incidents.postmortem.control_findings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q

from conductor.engine.define import registry
from conductor.lib.clock import rfc3339
from controls.models import Control, WorkflowBinding
from evidence.bundles.findings import EXCEPTION, counts
from evidence.bundles.naming import INCIDENT_BUNDLE
from evidence.bundles.sealed import as_signed
from evidence.models import BundleControl, EvidenceBundle
from incidents.models.incident import Incident
from incidents.postmortem.control_findings import ControlFinding, FindingState, Framework

_CONCLUDED = {
    EvidenceBundle.Conclusion.NO_EXCEPTIONS: FindingState.PASSED,
    EvidenceBundle.Conclusion.EXCEPTIONS: FindingState.FAILED,
    EvidenceBundle.Conclusion.INCONCLUSIVE: FindingState.INCONCLUSIVE,
}
_Grouped = dict[tuple[FindingState, str, EvidenceBundle | None], list[WorkflowBinding]]


def findings_around(incident: Incident, now: datetime) -> list[ControlFinding]:
    """Return a finding for each bundle that counted at the time, and for each workflow that had none. Four queries.

    A control counts that was bound between the incident's first moment and its end. Evidence counts whose period
    began before the end, and ended no longer before the first moment than its binding's frequency. Bundles of other
    incidents are never told of: those may be private.
    """
    began = min(incident.detected_at or incident.declared_at, incident.declared_at)
    ended = max(incident.resolved_at or now, began)
    bindings = _bindings(incident, began, ended)
    newest = _newest_by_control(incident, bindings, ended)
    own = _own_bundle(incident)
    grouped: _Grouped = {}
    for binding in bindings:
        if binding.workflow == INCIDENT_BUNDLE:
            bundle, state = own, _own_state(own)
        else:
            bundle = newest.get((binding.workflow, binding.control_id))
            state = _state(bundle, binding, began)
        grouped.setdefault((state, binding.workflow, bundle), []).append(binding)
    return [_finding(state, workflow, bundle, bound) for (state, workflow, bundle), bound in grouped.items()]


def _bindings(incident: Incident, began: datetime, ended: datetime) -> list[WorkflowBinding]:
    """Return the bindings that held then, in catalogue order; a binding that was renewed counts once."""
    held = WorkflowBinding.objects.select_related("control__framework").filter(
        Q(valid_to=None) | Q(valid_to__gte=began),
        *_where(incident, "environment"),
        valid_from__lte=ended,
    )
    ordered = held.order_by("workflow", "control__framework_id", "control__position", "valid_from")
    return list({(each.workflow, each.control_id): each for each in ordered}.values())


def _where(incident: Incident, field: str) -> list[Q]:
    """Return what narrows to the incident's environment, and nothing where it names none."""
    if incident.environment_id is None:
        return []
    return [Q(**{field: None}) | Q(**{field: incident.environment_id})]


def _newest_by_control(
    incident: Incident, bindings: Sequence[WorkflowBinding], ended: datetime
) -> Mapping[tuple[str, UUID], EvidenceBundle]:
    """Return the sealed bundle of each workflow and control whose period ended last before `ended`."""
    covers = (
        BundleControl.objects.select_related("bundle__run", "bundle__environment")
        .filter(
            *_where(incident, "bundle__environment"),
            control__in={each.control_id for each in bindings},
            bundle__status=EvidenceBundle.Status.SEALED,
            bundle__incident=None,
            bundle__effective_from__lte=ended,
        )
        .exclude(bundle__successors__status=EvidenceBundle.Status.SEALED)
        .order_by("bundle__effective_to", "bundle__number")
    )
    found: dict[tuple[str, UUID], EvidenceBundle] = {}
    for cover in covers:
        workflows = {cover.bundle.run.workflow} if cover.bundle.run else {each.workflow for each in bindings}
        found |= {(workflow, cover.control_id): as_signed(cover.bundle) for workflow in workflows}
    return found


def _own_bundle(incident: Incident) -> EvidenceBundle | None:
    """Return the newest bundle about the incident itself; a sealed one before one that is being collected."""
    found = EvidenceBundle.objects.select_related("environment").filter(incident=incident)
    kept = [as_signed(each) for each in found.exclude(status=EvidenceBundle.Status.ABANDONED)]
    return max(kept, key=lambda bundle: (bundle.is_sealed, bundle.number), default=None)


def _own_state(bundle: EvidenceBundle | None) -> FindingState:
    if bundle is None:
        return FindingState.AWAITED
    return _CONCLUDED[EvidenceBundle.Conclusion(bundle.conclusion)] if bundle.is_sealed else FindingState.UNSEALED


def _state(bundle: EvidenceBundle | None, binding: WorkflowBinding, began: datetime) -> FindingState:
    if bundle is None:
        return FindingState.MISSING
    assert bundle.effective_to is not None
    if bundle.effective_to + timedelta(days=binding.frequency_days) < began:
        return FindingState.STALE
    return _CONCLUDED[EvidenceBundle.Conclusion(bundle.conclusion)]


def _finding(
    state: FindingState, workflow: str, bundle: EvidenceBundle | None, bindings: Sequence[WorkflowBinding]
) -> ControlFinding:
    counted = counts(bundle.findings if bundle else ())
    return {
        "state": state.value,
        "about": bundle.title if bundle else _title(workflow),
        "controls": _frameworks(each.control for each in bindings),
        "bundle": bundle.code if bundle else "",
        "ref": bundle.ref if bundle else "",
        "manifest_digest": bundle.manifest_digest if bundle else "",
        "until": rfc3339(bundle.effective_to) if bundle and bundle.effective_to else "",
        "counts_days": min(each.frequency_days for each in bindings),
        "checks": counted.checked,
        "passed": counted.passed,
        "exceptions": [_exception(each) for each in bundle.findings if each["result"] == EXCEPTION] if bundle else [],
    }


def _exception(finding: Mapping[str, str]) -> str:
    return f"{finding['title']}, {finding['actual']}" if finding["actual"] else finding["title"]


def _frameworks(controls: Iterable[Control]) -> list[Framework]:
    codes: dict[str, list[str]] = {}
    for control in controls:
        codes.setdefault(control.framework.name, []).append(control.code)
    return [{"name": name, "codes": found} for name, found in codes.items()]


def _title(workflow: str) -> str:
    return next((each.title for each in registry.workflows() if each.name == workflow), workflow)
