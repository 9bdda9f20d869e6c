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

    Its bare code (`A1.2`) will do where one framework alone has it. Raise ControlUnknown for none, and for several.
    """
    named = Q(key=text) | Q(alias=text)
    with suppress(ValueError):
        named |= Q(id=UUID(text))
    control = Control.objects.select_related("framework").filter(named).first() or _by_code([text]).get(text)
    if control is None:
        raise ControlUnknown(_unknown(text))
    return control


def controls_by_ids(texts: Iterable[str]) -> list[Control]:
    """Return the controls that keys, aliases or codes mean, in catalogue order; raise Invalid naming the unknown."""
    wanted = set(texts)
    found = list(Control.objects.select_related("framework").filter(Q(key__in=wanted) | Q(alias__in=wanted)))
    rest = sorted(wanted - {each.key for each in found} - {each.alias for each in found})
    by_code = _by_code(rest)
    if unknown := [text for text in rest if text not in by_code]:
        raise Invalid(fields={"controls": [_unknown(text) for text in unknown]})
    listed = {each.id: each for each in [*found, *by_code.values()]}.values()
    return sorted(listed, key=lambda each: (each.framework_id, each.position))


def _by_code(texts: Sequence[str]) -> dict[str, Control]:
    """Return the control of each code that one framework alone has."""
    found: dict[str, list[Control]] = {}
    for each in Control.objects.select_related("framework").filter(code__in=texts) if texts else ():
        found.setdefault(each.code, []).append(each)
    return {code: controls[0] for code, controls in found.items() if len(controls) == 1}


def _unknown(text: str) -> str:
    alike = [each.alias for each in Control.objects.filter(code=text).order_by("framework_id")[:5]]
    return f"Several frameworks have {text}: write {' or '.join(alike)}." if alike else f"There is no control {text}."


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
