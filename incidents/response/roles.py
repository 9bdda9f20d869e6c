"""Verbs on roles: who holds which one, from when to when."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Max

from conductor.lib.clock import rfc3339
from conductor.lib.errors import Invalid
from conductor.lib.refs import ref
from conductor.metering.lifecycle import record
from conductor.tenancy.actors import Actor, display_name, require
from conductor.tenancy.models import Membership
from conductor.tenancy.roles import ROLE_PERMISSIONS
from incidents.models.choices import OVER, EventKind, Role
from incidents.models.history import StatusTransition
from incidents.models.incident import Incident
from incidents.models.people import RoleAssignment
from incidents.record import topology
from incidents.record.follow_up_runs import ask_for_role
from incidents.record.refusals import NotAResponder, RoleNotHeld
from incidents.record.writer import Entry, lock, touch, write

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def assign_role(*, incident: Incident, role: str, user: User, actor: Actor, now: datetime) -> RoleAssignment:
    """Make `user` the holder of `role`, ending the interval of whoever held it. The holder already: nothing happens.

    Whoever may respond can take a vacant role for themselves, which also acknowledges the incident. Giving a role
    to somebody else, or taking it from somebody, is for the incident's commander and for holders of "command".
    Raise NotAResponder unless `user` is a member who may respond.
    """
    require(actor=actor, permission="respond")
    if role not in Role.values:
        raise Invalid(fields={"role": [f"Choose one of {', '.join(Role.values)}."]})
    require_responder(user)
    with transaction.atomic():
        locked = lock(incident)
        holder = holder_of(incident=locked, role=role)
        if holder is not None and holder.user_id == user.pk:
            return holder
        is_own = topology.user_of(actor.ref) == user.pk
        if holder is not None or not is_own:
            require_command(incident=locked, actor=actor)
        if holder is not None:
            end_interval(incident=locked, assignment=holder, now=now)
        assignment = assume(incident=locked, role=role, user=user, actor=actor, now=now, before=holder)
        if is_own:
            acknowledge_silently(incident=locked, actor=actor, now=now)
    incident.refresh_from_db()
    return assignment


def release_role(*, incident: Incident, role: str, actor: Actor, now: datetime) -> RoleAssignment:
    """End the interval of whoever holds `role`. The holder may, and who commands. Raise RoleNotHeld."""
    require(actor=actor, permission="respond")
    with transaction.atomic():
        locked = lock(incident)
        holder = holder_of(incident=locked, role=role)
        if holder is None:
            raise RoleNotHeld
        if topology.user_of(actor.ref) != holder.user_id:
            require_command(incident=locked, actor=actor)
        end_interval(incident=locked, assignment=holder, now=now)
        who = {"ref": ref("tenancy.user", holder.user_id), "name": holder.user_name}
        entry = Entry(EventKind.ROLE_RELEASED, data={"role": holder.role, "from": who})
        write(incident=locked, action="role.released", entries=[entry], actor=actor, now=now, body=entry.data)
        touch(locked)
    incident.refresh_from_db()
    holder.refresh_from_db()
    return holder


def holder_of(*, incident: Incident, role: str) -> RoleAssignment | None:
    """Return the open interval of `role`, or None when nobody holds it."""
    return RoleAssignment.objects.filter(incident=incident, role=role, ended_at=None).first()


def commands(*, incident: Incident, actor: Actor) -> bool:
    """Return whether the actor commands this incident: by the permission, or as its commander (and a responder)."""
    if "command" in actor.permissions:
        return True
    commander = holder_of(incident=incident, role=Role.COMMANDER)
    return commander is not None and "respond" in actor.permissions and commander.user_id == topology.user_of(actor.ref)


def require_command(*, incident: Incident, actor: Actor) -> None:
    """Raise PermissionMissing unless the actor commands this incident."""
    if not commands(incident=incident, actor=actor):
        require(actor=actor, permission="command")


def assume(
    *,
    incident: Incident,
    role: str,
    user: User,
    actor: Actor,
    now: datetime,
    before: RoleAssignment | None = None,
    note: str = "",
    accepted: bool = False,
) -> RoleAssignment:
    """Begin the interval: row, entry, receipt, edge, and the asking. Needs the row lock, and the role to be vacant.

    Whoever takes a role themselves has accepted it, as has with `accepted` the one who was asked before.
    """
    name = display_name(user)
    assignment = RoleAssignment.objects.create(
        tenant_id=incident.tenant_id,
        incident=incident,
        role=role,
        user=user,
        user_name=name,
        assigned_by=actor.ref,
        assumed_at=now,
        accepted_at=now if accepted or topology.user_of(actor.ref) == user.pk else None,
        handover_note=note,
    )
    data = {"role": role, "to": {"ref": ref("tenancy.user", user.pk), "name": name}}
    if before is not None:
        data["from"] = {"ref": ref("tenancy.user", before.user_id), "name": before.user_name}
    entry = Entry(EventKind.ROLE_ASSIGNED, note, data)
    write(incident=incident, action="role.assigned", entries=[entry], actor=actor, now=now, body=data)
    touch(incident)
    topology.link_responder(incident=incident, user_id=user.pk, name=name, actor=actor, now=now)
    if assignment.accepted_at is None:
        ask_for_role(incident=incident, asking_id=assignment.id, actor=actor, now=now)
    return assignment


def end_interval(*, incident: Incident, assignment: RoleAssignment, now: datetime) -> None:
    """End the interval and meter it; the person stays linked while they hold another role. Needs the row lock."""
    ended = max(now, assignment.assumed_at)
    RoleAssignment.objects.filter(id=assignment.id, ended_at=None).update(ended_at=ended)
    if incident.is_active:
        meter_interval(incident=incident, assignment=assignment, until=ended)
    if not RoleAssignment.objects.filter(incident=incident, user_id=assignment.user_id, ended_at=None).exists():
        topology.unlink_responder(incident=incident, user_id=assignment.user_id, now=now)


def meter_interval(*, incident: Incident, assignment: RoleAssignment, until: datetime) -> None:
    """Record how long the role was held while the incident was unresolved, counted since the latest reopening."""
    reopened = StatusTransition.objects.filter(incident=incident, from_status__in=OVER).aggregate(
        at=Max("occurred_at")
    )["at"]
    since = max(assignment.assumed_at, reopened) if reopened else assignment.assumed_at
    record(
        tenant_id=incident.tenant_id,
        meter="incidents.role_seconds",
        quantity=max((until - since).total_seconds(), 0.0),
        subject=incident.ref,
        key=f"role:{assignment.id}:{rfc3339(since)}",
        now=until,
    )


def acknowledge_silently(*, incident: Incident, actor: Actor, now: datetime) -> bool:
    """Acknowledge the incident if nobody has; return whether that was the first time. Needs the row lock."""
    if not Incident.objects.filter(id=incident.id, acknowledged_at=None).update(acknowledged_at=now):
        return False
    entry = Entry(EventKind.ACKNOWLEDGED)
    write(incident=incident, action="incident.acknowledged", entries=[entry], actor=actor, now=now)
    touch(incident)
    return True


def require_responder(user: User) -> None:
    """Raise NotAResponder unless the user is a member of the scope's tenant whose role may respond."""
    membership = Membership.objects.filter(user_id=user.pk).first()
    if membership is None:
        raise NotAResponder("This person is not a member of your organisation.", fields={"user": ["Not a member."]})
    if "respond" not in ROLE_PERMISSIONS[membership.role]:
        label = membership.get_role_display()
        raise NotAResponder(
            f"{display_name(user)} is {label} here and cannot respond to incidents.",
            fields={"user": [f"{label} may not respond."]},
        )
