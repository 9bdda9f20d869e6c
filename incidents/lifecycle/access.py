"""Verbs on who may read an incident."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction

from conductor.lib.errors import Invalid
from conductor.lib.refs import ref
from conductor.tenancy.actors import Actor, display_name, require
from conductor.tenancy.models import Membership
from incidents.lifecycle import topology
from incidents.lifecycle.words import Complaints
from incidents.lifecycle.writing import Entry, lock, touch, write
from incidents.models import AccessGrant, EventKind, Incident, Visibility

if TYPE_CHECKING:
    from django.contrib.auth.models import User


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
