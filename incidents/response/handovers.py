"""Verbs by which a role is accepted, declined or handed over with a note."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction

from conductor.lib.clock import rfc3339
from conductor.lib.errors import Conflict
from conductor.lib.refs import ref
from conductor.tenancy.actors import Actor, PermissionMissing, display_name, require
from incidents.models.choices import EventKind
from incidents.models.history import TimelineEvent
from incidents.models.incident import Incident
from incidents.models.people import RoleAssignment, RoleOffer
from incidents.record import topology
from incidents.record.follow_up_runs import ask_for_role
from incidents.record.input_cleaning import Complaints
from incidents.record.refusals import RoleNotHeld
from incidents.record.writer import Entry, lock, touch, write
from incidents.response.roles import (
    acknowledge_silently,
    assume,
    end_interval,
    holder_of,
    require_command,
    require_responder,
)

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class NothingToAnswer(Conflict):
    """Nobody waits for your answer about this role."""

    code = "role_not_offered"


def accept_role(*, incident: Incident, role: str, actor: Actor, now: datetime) -> RoleAssignment:
    """Say yes to a role that one was given, or that the holder offers to hand over. Accepted already: nothing happens.

    Raise NothingToAnswer for a role that the actor neither holds nor is offered.
    """
    require(actor=actor, permission="respond")
    with transaction.atomic():
        locked = lock(incident)
        me, offer = topology.user_of(actor.ref), _open_offer(locked, role)
        if offer is not None and offer.user_id == me:
            assignment = _take_over(locked, offer, actor, now)
        else:
            assignment = _accept_own(locked, role, me, actor, now)
    incident.refresh_from_db()
    return assignment


def decline_role(*, incident: Incident, role: str, reason: str, actor: Actor, now: datetime) -> None:
    """Say no to a role that one was given or offered. What was given is vacant then; what was offered stays."""
    require(actor=actor, permission="respond")
    complaints = Complaints()
    why = complaints.text("reason", reason, required=True)
    complaints.refuse()
    with transaction.atomic():
        locked = lock(incident)
        me, offer, holder = (
            topology.user_of(actor.ref),
            _open_offer(locked, role),
            holder_of(incident=locked, role=role),
        )
        if offer is not None and offer.user_id == me:
            _answer(offer, RoleOffer.Answer.DECLINED, now)
        elif holder is not None and holder.user_id == me and holder.accepted_at is None:
            end_interval(incident=locked, assignment=holder, now=now)
        else:
            raise NothingToAnswer
        entry = Entry(EventKind.ROLE_DECLINED, why, {"role": role})
        write(incident=locked, action="role.declined", entries=[entry], actor=actor, now=now, body=entry.data)
        touch(locked)
    incident.refresh_from_db()


def hand_over_role(*, incident: Incident, role: str, to: User, note: str, actor: Actor, now: datetime) -> RoleOffer:
    """Offer a held role to `to`, with a note of what they must know. The holder keeps it until `accept_role`.

    The holder may, and who commands the incident. An offer that nobody has answered is withdrawn by a new one.
    """
    require(actor=actor, permission="respond")
    require_responder(to)
    complaints = Complaints()
    said = complaints.text("note", note, required=True)
    complaints.refuse()
    with transaction.atomic():
        locked = lock(incident)
        holder = holder_of(incident=locked, role=role)
        if holder is None:
            raise RoleNotHeld
        if holder.user_id != topology.user_of(actor.ref):
            require_command(incident=locked, actor=actor)
        if (before := _open_offer(locked, role)) is not None:
            _answer(before, RoleOffer.Answer.WITHDRAWN, now)
        offer = _offer(locked, role, to, said, actor, now)
    incident.refresh_from_db()
    return offer


def record_unanswered_role(
    *, incident: Incident, assignment: RoleAssignment, actor: Actor, now: datetime
) -> TimelineEvent | None:
    """Append that whoever was given a role has not accepted it in time; return None where that is said already."""
    if "respond" not in actor.permissions:
        raise PermissionMissing
    key = str(assignment.id)
    with transaction.atomic():
        locked = lock(incident)
        said = TimelineEvent.objects.filter(incident=locked, kind=EventKind.ROLE_UNANSWERED, data__assignment=key)
        if said.exists():
            return None
        person = {"ref": ref("tenancy.user", assignment.user_id), "name": assignment.user_name}
        data = {"role": assignment.role, "to": person, "assignment": key, "since": rfc3339(assignment.assumed_at)}
        entry = Entry(EventKind.ROLE_UNANSWERED, data=data)
        write(incident=locked, action="role.unanswered", entries=[entry], actor=actor, now=now, body=data)
        touch(locked)
        return said.get()


def _accept_own(incident: Incident, role: str, me: int | None, actor: Actor, now: datetime) -> RoleAssignment:
    holder = holder_of(incident=incident, role=role)
    if holder is None or holder.user_id != me:
        raise NothingToAnswer
    if RoleAssignment.objects.filter(id=holder.id, accepted_at=None).update(accepted_at=now):
        entry = Entry(EventKind.ROLE_ACCEPTED, data={"role": role})
        write(incident=incident, action="role.accepted", entries=[entry], actor=actor, now=now, body=entry.data)
        touch(incident)
        acknowledge_silently(incident=incident, actor=actor, now=now)
    holder.refresh_from_db()
    return holder


def _take_over(incident: Incident, offer: RoleOffer, actor: Actor, now: datetime) -> RoleAssignment:
    """End the holder's interval and begin the next one, which is one entry: from, to and the note."""
    holder = holder_of(incident=incident, role=offer.role)
    if holder is not None:
        end_interval(incident=incident, assignment=holder, now=now)
    _answer(offer, RoleOffer.Answer.ACCEPTED, now)
    return assume(
        incident=incident,
        role=offer.role,
        user=offer.user,
        actor=actor,
        now=now,
        before=holder,
        note=offer.note,
        accepted=True,
    )


def _offer(incident: Incident, role: str, to: User, note: str, actor: Actor, now: datetime) -> RoleOffer:
    name = display_name(to)
    offer = RoleOffer.objects.create(
        tenant_id=incident.tenant_id,
        incident=incident,
        role=role,
        user=to,
        user_name=name,
        note=note,
        offered_by=actor.ref,
        offered_by_name=actor.name,
        offered_at=now,
    )
    data = {"role": role, "to": {"ref": ref("tenancy.user", to.pk), "name": name}}
    entry = Entry(EventKind.ROLE_OFFERED, note, data)
    write(incident=incident, action="role.offered", entries=[entry], actor=actor, now=now, body=data)
    touch(incident)
    ask_for_role(incident=incident, asking_id=offer.id, actor=actor, now=now)
    return offer


def _open_offer(incident: Incident, role: str) -> RoleOffer | None:
    return RoleOffer.objects.select_related("user").filter(incident=incident, role=role, answered_at=None).first()


def _answer(offer: RoleOffer, answer: str, now: datetime) -> None:
    RoleOffer.objects.filter(id=offer.id, answered_at=None).update(answer=answer, answered_at=now)
