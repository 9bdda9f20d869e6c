"""Reporting obligations that are to be decided or filed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from conductor.console.inbox.registry import Act, Asker, Told, keyed
from conductor.tenancy.roles import holders
from incidents.inbox.people import address_of
from incidents.models.choices import Role
from incidents.models.incident import Incident
from incidents.models.obligation import Obligation
from incidents.models.people import RoleAssignment

OWNERS = (Role.PRIVACY, Role.COMMANDER)
"""Whose deadline it is, in this order; where nobody holds either role it is everybody's who may decide."""
DECIDE = "decide_reporting"


def obligations(asker: Asker) -> QuerySet[Any]:
    """Open obligations of incidents in which they hold the role that owns them, or nobody does and they may decide."""
    privacy, commander = _holders(Role.PRIVACY), _holders(Role.COMMANDER)
    mine = {"user_id": asker.user_id}
    owned = Q(Exists(privacy.filter(**mine))) | Q(~Exists(privacy), Exists(commander.filter(**mine)))
    if asker.may(DECIDE):
        owned |= Q(~Exists(privacy), ~Exists(commander))
    found = Obligation.objects.open().filter(owned, incident__in=Incident.objects.all())
    return keyed(found.exclude(_decided_with_another()), since="armed_at", due="due_at")


def told_obligations(asker: Asker, ids: Sequence[UUID]) -> Mapping[UUID, Told]:
    roles = RoleAssignment.objects.filter(
        incident=OuterRef("incident"), user_id=asker.user_id, role__in=OWNERS, ended_at=None
    )
    found = Obligation.objects.filter(id__in=ids).select_related("incident").annotate(is_mine=Exists(roles))
    return {each.id: _told(asker, each) for each in found}


def _decided_with_another() -> Q:
    """What is to be decided about a regime is decided once for all its stages: the first of them stands for it."""
    same = Obligation.objects.filter(
        incident=OuterRef("incident"), regime=OuterRef("regime"), state=Obligation.State.ASSESSING
    )
    sooner = same.filter(due_at__lt=OuterRef("due_at"))
    dated = same.filter(due_at__isnull=False)
    before = same.filter(id__lt=OuterRef("id"))
    as_soon = before.filter(due_at=OuterRef("due_at"))
    undated = before.filter(due_at=None)
    first = Q(Exists(sooner)) | Q(Exists(as_soon)) | Q(Q(Exists(dated)) | Q(Exists(undated)), due_at=None)
    return Q(first, state=Obligation.State.ASSESSING)


def _holders(role: Role) -> QuerySet[RoleAssignment]:
    return RoleAssignment.objects.filter(incident=OuterRef("incident"), role=role, ended_at=None)


def _told(asker: Asker, duty: Any) -> Told:
    code, is_undecided = duty.incident.code, duty.state == Obligation.State.ASSESSING
    page = f"{address_of(asker, duty.incident)}?tab=assessment"
    title, to = duty.rule["title"], duty.rule["recipient"]
    what = f"First: {title}, to {to}." if is_undecided else f"To {to}."
    undated = "" if duty.due_at else " What starts its deadline is not recorded yet."
    return Told(
        title=f"Decide whether {code} is reported under {duty.regime}"
        if is_undecided
        else f"{code}: {title} ({duty.regime})",
        why=f"{what} {_owned(asker, duty)}{undated}",
        href=page,
        act=Act("Decide" if is_undecided else "Record filing", page),
        subject=code,
    )


def _owned(asker: Asker, duty: Any) -> str:
    if not duty.is_mine:
        return "You may decide, and nobody holds a role that owns it."
    if asker.may(DECIDE):
        return "You hold the role that owns it."
    return f"You hold the role that owns it; only {' or '.join(holders(DECIDE))} may decide, so ask one of them."
