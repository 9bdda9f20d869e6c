"""Reads of the catalogue and of a tenant's bindings. What evidence exists for them is the evidence app's to say."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from conductor.lib.errors import NotFound
from controls.lookup import ControlUnknown, control_by_id, controls_by_ids, live_bindings, parts_of
from controls.models import Control, ControlMapping, Framework, WorkflowBinding

__all__ = [
    "BindingCoverage",
    "ControlUnknown",
    "Mapped",
    "binding_coverage",
    "bindings_of",
    "control_by_id",
    "controls_by_ids",
    "controls_of",
    "framework_by_id",
    "live_bindings",
    "mapped_controls",
    "parts_of",
]


@dataclass(frozen=True)
class BindingCoverage:
    """How many controls of a framework a tenant has workflows for. Withdrawn controls are not counted."""

    framework: Framework
    controls: int
    """All of them: the n that every other number is out of."""
    primary: int
    """With a live binding that is primary."""
    supporting_only: int
    """With live bindings of which none is primary."""

    @property
    def covered(self) -> int:
        return self.primary + self.supporting_only

    @property
    def uncovered(self) -> int:
        return self.controls - self.covered


@dataclass(frozen=True)
class Mapped:
    """A control of another framework that relates to the one at hand."""

    control: Control
    relationship: str
    """In words, read from the control at hand to this one."""
    authority: str


_REVERSED = {
    ControlMapping.Relationship.SUBSET: ControlMapping.Relationship.SUPERSET,
    ControlMapping.Relationship.SUPERSET: ControlMapping.Relationship.SUBSET,
}


def controls_of(*, framework: str = "", search: str = "") -> QuerySet[Control]:
    """Return controls in catalogue order; of one framework (key or alias), and with a word in code or label."""
    controls = Control.objects.select_related("framework").order_by("framework_id", "position")
    if framework:
        controls = controls.filter(Q(framework__key=framework) | Q(framework__alias=framework))
    if search:
        controls = controls.filter(Q(code__icontains=search) | Q(label__icontains=search) | Q(alias__icontains=search))
    return controls


def with_workflows(controls: QuerySet[Control], *, is_bound: bool | None = None) -> list[Control]:
    """Return the controls with their live bindings' workflows as `live_workflows`; with or without any. Two queries."""
    bound: dict[UUID, set[str]] = {}
    for control_id, workflow in WorkflowBinding.objects.filter(valid_to=None).values_list("control_id", "workflow"):
        bound.setdefault(control_id, set()).add(workflow)
    listed = list(controls)
    for each in listed:
        each.live_workflows = bound.get(each.id, set())  # type: ignore[attr-defined]
    return [each for each in listed if is_bound is None or (each.id in bound) == is_bound]


def workflows_of(*, control: Control) -> set[str]:
    """Return the names of the workflows that are bound to the control now."""
    return set(WorkflowBinding.objects.filter(control=control, valid_to=None).values_list("workflow", flat=True))


def framework_by_id(text: str) -> Framework:
    """Return the framework of a key or alias; raise NotFound."""
    framework = Framework.objects.filter(Q(key=text) | Q(alias=text)).first()
    if framework is None:
        raise NotFound(f"There is no framework {text}.")
    return framework


def bindings_of(*, control: Control) -> QuerySet[WorkflowBinding]:
    """Return every binding of the control, live ones first, then by when they ended."""
    bindings = WorkflowBinding.objects.select_related("environment").filter(control=control)
    return bindings.order_by("-valid_to", "-valid_from", "workflow")


def binding_coverage() -> list[BindingCoverage]:
    """Return the tenant's coverage by bindings, framework by framework. Three queries."""
    totals = dict(
        Control.objects.filter(is_withdrawn=False).values_list("framework_id").annotate(n=Count("id")).order_by()
    )
    live = WorkflowBinding.objects.filter(valid_to=None, control__is_withdrawn=False)
    pairs = live.values_list("control__framework_id", "control_id", "part").distinct()
    primary: dict[str, set[UUID]] = {}
    bound: dict[str, set[UUID]] = {}
    for framework_id, control_id, part in pairs:
        bound.setdefault(framework_id, set()).add(control_id)
        if part == WorkflowBinding.Part.PRIMARY:
            primary.setdefault(framework_id, set()).add(control_id)
    return [
        BindingCoverage(
            framework=framework,
            controls=totals.get(framework.key, 0),
            primary=len(primary.get(framework.key, ())),
            supporting_only=len(bound.get(framework.key, set()) - primary.get(framework.key, set())),
        )
        for framework in Framework.objects.order_by("key")
    ]


def mapped_controls(*, control: Control) -> list[Mapped]:
    """Return the controls of other frameworks that relate to this one, whichever way the mapping was stated."""
    stated = ControlMapping.objects.filter(source=control).select_related("target__framework")
    reversed_ = ControlMapping.objects.filter(target=control).select_related("source__framework")
    words = dict(ControlMapping.Relationship.choices)
    found = [Mapped(each.target, words[each.relationship], each.authority) for each in stated]
    for each in reversed_:
        turned = _REVERSED.get(ControlMapping.Relationship(each.relationship), each.relationship)
        found.append(Mapped(each.source, words[turned], each.authority))
    return sorted(found, key=lambda mapped: (mapped.control.framework_id, mapped.control.position))
