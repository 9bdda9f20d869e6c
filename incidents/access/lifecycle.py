"""Verbs on who may read an incident, and on who did."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction

from conductor.lib.errors import Invalid
from conductor.lib.refs import ref
from conductor.tenancy.actors import Actor, display_name, require
from conductor.tenancy.models import Membership
from incidents.models.choices import EventKind, Visibility
from incidents.models.history import TimelineEvent
from incidents.models.incident import Incident
from incidents.models.people import AccessGrant
from incidents.record import topology
from incidents.record.input_cleaning import Complaints
from incidents.record.writer import Entry, lock, touch, write

if TYPE_CHECKING:
    from django.contrib.auth.models import User


READ_ANEW = timedelta(hours=1)
"""A reader who comes back within this is not noted again."""


def set_visibility(*, incident: Incident, visibility: str, reason: str, actor: Actor, now: datetime) -> Incident:
    """Make the incident private, or open it to everybody here, which needs "command". The same already: nothing.

    From then on no list, search, graph, notice or export shows its content to others. What receipts and notices
    said before stays said.
    """
    require(actor=actor, permission="respond")
    complaints = Complaints()
    complaints.choice("visibility", visibility, Visibility)
    why = complaints.text("reason", reason, required=True)
    complaints.refuse()
    if visibility == Visibility.NORMAL:
        require(actor=actor, permission="command")
    with transaction.atomic():
        locked = lock(incident)
        if locked.visibility != visibility:
            data = {"from": locked.visibility, "to": visibility}
            touch(locked, visibility=visibility)
            locked.refresh_from_db()
            topology.place(incident=locked, now=now)
            entry = Entry(EventKind.VISIBILITY_CHANGED, why, data)
            write(incident=locked, action="visibility.changed", entries=[entry], actor=actor, now=now, body=data)
    incident.refresh_from_db()
    return incident


def grant_access(*, incident: Incident, user: User, reason: str, actor: Actor, now: datetime) -> AccessGrant:
    """Let a member read the private incident. They may already: that grant is returned."""
    require(actor=actor, permission="respond")
    complaints = Complaints()
    why = complaints.text("reason", reason, required=True)
    complaints.refuse()
    if not Membership.objects.filter(user=user).exists():
        raise Invalid(fields={"user": ["This person is not a member of your organisation."]})
    with transaction.atomic():
        locked = lock(incident)
        if (known := AccessGrant.objects.filter(incident=locked, user=user, ended_at=None).first()) is not None:
            return known
        grant = AccessGrant.objects.create(
            tenant_id=locked.tenant_id,
            incident=locked,
            user=user,
            user_name=display_name(user),
            reason=why,
            granted_by=actor.ref,
            granted_by_name=actor.name,
            granted_at=now,
        )
        data = {"to": {"ref": ref("tenancy.user", user.pk), "name": grant.user_name}}
        entry = Entry(EventKind.ACCESS_GRANTED, why, data)
        write(incident=locked, action="access.granted", entries=[entry], actor=actor, now=now, body=data)
        touch(locked)
    return grant


def revoke_access(*, grant: AccessGrant, actor: Actor, now: datetime) -> AccessGrant:
    """End the grant. Ended already: nothing happens."""
    require(actor=actor, permission="respond")
    with transaction.atomic():
        locked = lock(grant.incident)
        if AccessGrant.objects.filter(id=grant.id, ended_at=None).update(ended_at=now):
            data = {"from": {"ref": ref("tenancy.user", grant.user_id), "name": grant.user_name}}
            entry = Entry(EventKind.ACCESS_REVOKED, data=data)
            write(incident=locked, action="access.revoked", entries=[entry], actor=actor, now=now, body=data)
            touch(locked)
    grant.refresh_from_db()
    return grant


def note_private_reading(*, incident: Incident, actor: Actor, now: datetime) -> TimelineEvent | None:
    """Append that the actor read a private incident by the permission "view_private" alone, once in READ_ANEW.

    Return None where they declared it, hold a role in it or were let in, and where it is said already.
    """
    if not incident.is_private or incident.is_history or _works_on(incident, actor):
        return None
    said = TimelineEvent.objects.filter(
        incident=incident, kind=EventKind.PRIVATE_READ, actor=actor.ref, recorded_at__gt=now - READ_ANEW
    )
    if said.exists():
        return None
    with transaction.atomic():
        locked = lock(incident)
        if said.exists():
            return None
        # The row's version stays: reading changes nothing that somebody else may be changing.
        entry = Entry(EventKind.PRIVATE_READ)
        write(incident=locked, action="access.break_glass", entries=[entry], actor=actor, now=now)
        return said.latest("seq")


def _works_on(incident: Incident, actor: Actor) -> bool:
    plain = replace(actor, permissions=actor.permissions - {"view_private"})
    return Incident.everything.filter(id=incident.id).visible_to(plain).exists()
