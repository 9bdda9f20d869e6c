"""Finding controls by the ids that people write, and the tenant's live bindings: what verbs and pages both ask."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from uuid import UUID

from django.db.models import Q

from conductor.lib.errors import Invalid, NotFound
from conductor.tenancy.models import Environment
from controls.models import Control, WorkflowBinding


class ControlUnknown(NotFound):
    """There is no control of this id."""

    code = "control_unknown"


def control_by_id(text: str) -> Control:
    """Return the control that `text` means: its key (`SOC2_2017_A1.2`), alias (`SOC2_A1.2`) or UUID.

    Raise ControlUnknown when it means none.
    """
    named = Q(key=text) | Q(alias=text)
    with suppress(ValueError):
        named |= Q(id=UUID(text))
    control = Control.objects.select_related("framework").filter(named).first()
    if control is None:
        raise ControlUnknown(f"There is no control {text}.")
    return control


def controls_by_ids(texts: Iterable[str]) -> list[Control]:
    """Return the controls that keys or aliases mean, in catalogue order; raise Invalid naming the unknown."""
    wanted = set(texts)
    found = list(Control.objects.select_related("framework").filter(Q(key__in=wanted) | Q(alias__in=wanted)))
    if unknown := sorted(wanted - {each.key for each in found} - {each.alias for each in found}):
        raise Invalid(fields={"controls": [f"There is no control {text}." for text in unknown]})
    return found


def live_bindings(*, workflow: str = "", environment: Environment | None = None) -> list[WorkflowBinding]:
    """Return live bindings in catalogue order; of one workflow, and those that hold in `environment` if given."""
    bindings = WorkflowBinding.objects.select_related("control__framework", "environment").filter(valid_to=None)
    if workflow:
        bindings = bindings.filter(workflow=workflow)
    if environment is not None:
        bindings = bindings.filter(Q(environment=environment) | Q(environment=None))
    return list(bindings.order_by("control__framework_id", "control__position", "workflow"))


def parts_of(*, workflow: str, controls: Sequence[Control]) -> dict[UUID, str]:
    """Return which part the workflow plays for each control by live bindings; unbound controls are left out."""
    live = WorkflowBinding.objects.filter(valid_to=None, workflow=workflow, control__in=controls)
    return dict(live.values_list("control_id", "part"))
