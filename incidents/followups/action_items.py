"""Verbs on action items: add, change, close with or without a check of the effect, drop, open again, remind."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import F

from conductor.engine.lifecycle.starting import start_run
from conductor.engine.models import Run
from conductor.lib.errors import Conflict
from conductor.tenancy.actors import Actor, display_name, require
from conductor.tenancy.database.numbers import next_number
from incidents.followups.reminders import behind
from incidents.followups.ticket_state import Subject
from incidents.followups.ticket_sync import carry_to_tickets
from incidents.models.action_item import ActionItem
from incidents.models.choices import EventKind
from incidents.models.incident import Incident
from incidents.record.input_cleaning import Complaints, check_day
from incidents.record.writer import Entry, touch, write
from incidents.response.roles import require_responder

if TYPE_CHECKING:
    from django.contrib.auth.models import User

WORKFLOW = "incidents.action_item"


class ActionItemClosed(Conflict):
    """The action item is closed already. Open it again first."""

    code = "action_item_closed"


class ActionItemOpen(Conflict):
    """The action item is open."""

    code = "action_item_open"


class ActionItemChanged(Conflict):
    """Somebody else changed this action item while you were looking at it. Look at it again, then decide."""

    code = "action_item_changed"


def add_action_item(
    *,
    incident: Incident,
    title: str,
    type: str,
    actor: Actor,
    now: datetime,
    detail: str = "",
    owner: User | None = None,
    due_date: date | None = None,
) -> ActionItem:
    """Add something to be done after the incident; its owner is reminded before and after it is due."""
    require(actor=actor, permission="respond")
    complaints = Complaints()
    title, detail = complaints.line("title", title, required=True), complaints.text("detail", detail)
    type = complaints.choice("type", type.upper(), ActionItem.Type)
    check_day(complaints, "due_date", due_date)
    complaints.refuse()
    if owner is not None:
        require_responder(owner)
    with transaction.atomic():
        locked = _locked(incident)
        item = ActionItem.objects.create(
            tenant_id=locked.tenant_id,
            incident=locked,
            number=next_number(tenant_id=locked.tenant_id, series="action_item"),
            title=title,
            detail=detail,
            type=type,
            owner=owner,
            owner_name=display_name(owner) if owner else "",
            due_date=due_date,
            created_at=now,
            created_by=actor.name,
        )
        _record(item, "action_item.added", EventKind.ACTION_ADDED, actor, now, _facts(item))
        _remind(item, actor, now)
    return item


def change_action_item(
    *,
    item: ActionItem,
    actor: Actor,
    now: datetime,
    title: str,
    type: str,
    owner: User | None,
    due_date: date | None,
    detail: str = "",
    ticket: str = "",
    ticket_url: str = "",
) -> ActionItem:
    """Replace what the item says. `item` is what the caller saw: raise ActionItemChanged if it was changed since."""
    require(actor=actor, permission="respond")
    complaints = Complaints()
    fields: dict[str, Any] = {
        "title": complaints.line("title", title, required=True),
        "detail": complaints.text("detail", detail),
        "type": complaints.choice("type", type.upper(), ActionItem.Type),
        "ticket": complaints.line("ticket", ticket),
        "ticket_url": _url(complaints, ticket_url),
        "due_date": due_date,
        "owner": owner,
        "owner_name": display_name(owner) if owner else "",
    }
    check_day(complaints, "due_date", due_date)
    complaints.refuse()
    if owner is not None and owner.pk != item.owner_id:
        require_responder(owner)
    before = {name: getattr(item, name) for name in fields}
    changed = {name for name in fields if fields[name] != before[name]}
    if not changed:
        return item
    with transaction.atomic():
        _locked(item.incident)
        _update_open(item, **fields)
        item.refresh_from_db()
        if "due_date" in changed:
            _remind(item, actor, now)
        facts = {**_facts(item), "changed": sorted(changed)}
        _record(item, "action_item.changed", EventKind.ACTION_CHANGED, actor, now, facts)
    return item


def close_action_item(*, item: ActionItem, actor: Actor, now: datetime, effect_note: str = "") -> ActionItem:
    """It is done. With `effect_note`, how somebody checked that it helps; without, its effect counts as unverified."""
    require(actor=actor, permission="respond")
    complaints = Complaints()
    note = complaints.text("effect_note", effect_note)
    complaints.refuse()
    effect = ActionItem.Effect.VERIFIED if note else ActionItem.Effect.UNVERIFIED
    return _close(item, ActionItem.Status.DONE, "closed", effect, note, actor, now)


def drop_action_item(*, item: ActionItem, reason: str, actor: Actor, now: datetime) -> ActionItem:
    """It will not be done, for a reason that is kept."""
    require(actor=actor, permission="respond")
    complaints = Complaints()
    reason = complaints.text("reason", reason, required=True)
    complaints.refuse()
    return _close(item, ActionItem.Status.DROPPED, "dropped", ActionItem.Effect.UNKNOWN, reason, actor, now)


def verify_effect(*, item: ActionItem, effect_note: str, actor: Actor, now: datetime) -> ActionItem:
    """Somebody has checked that what was done helps, and says how."""
    require(actor=actor, permission="respond")
    complaints = Complaints()
    note = complaints.text("effect_note", effect_note, required=True)
    complaints.refuse()
    with transaction.atomic():
        _locked(item.incident)
        done = ActionItem.objects.filter(id=item.id, status=ActionItem.Status.DONE)
        if not done.update(effect=ActionItem.Effect.VERIFIED, effect_note=note, version=F("version") + 1):
            raise ActionItemOpen("Close the action item first; then say how its effect was checked.")
        item.refresh_from_db()
        facts = {**_facts(item), "how": "verified the effect of"}
        _record(item, "action_item.verified", EventKind.ACTION_CHANGED, actor, now, facts)
    return item


def reopen_action_item(*, item: ActionItem, reason: str, actor: Actor, now: datetime) -> ActionItem:
    """It is not done after all."""
    require(actor=actor, permission="respond")
    complaints = Complaints()
    reason = complaints.text("reason", reason, required=True)
    complaints.refuse()
    with transaction.atomic():
        _locked(item.incident)
        closed = ActionItem.objects.filter(id=item.id).exclude(status=ActionItem.Status.OPEN)
        changes = {"status": "OPEN", "effect": "", "effect_note": "", "closed_at": None, "closed_by": ""}
        if not closed.update(**changes, version=F("version") + 1):
            raise ActionItemOpen
        item.refresh_from_db()
        _remind(item, actor, now)
        facts = {**_facts(item), "reason": reason, "how": "opened again"}
        _record(item, "action_item.reopened", EventKind.ACTION_CHANGED, actor, now, facts)
        carry_to_tickets(subject=Subject(item.incident, item), actor=actor, now=now)
    return item


def record_reminder(*, item: ActionItem, count: int) -> None:
    """Remember that `count` reminders of an open item are behind it; a smaller count changes nothing."""
    ActionItem.objects.filter(id=item.id, status=ActionItem.Status.OPEN, reminders__lt=count).update(reminders=count)


def _close(item: ActionItem, status: str, how: str, effect: str, note: str, actor: Actor, now: datetime) -> ActionItem:
    with transaction.atomic():
        _locked(item.incident)
        _update_open(item, status=status, effect=effect, effect_note=note, closed_at=now, closed_by=actor.name)
        item.refresh_from_db()
        facts = {**_facts(item), "how": how}
        _record(item, f"action_item.{how}", EventKind.ACTION_CLOSED, actor, now, facts)
        carry_to_tickets(subject=Subject(item.incident, item), actor=actor, now=now)
    return item


def _update_open(item: ActionItem, **fields: Any) -> None:
    """Compare and set: the row must be open and as the caller saw it."""
    seen = ActionItem.objects.filter(id=item.id, status=ActionItem.Status.OPEN, version=item.version)
    if not seen.update(**fields, version=F("version") + 1):
        raise ActionItemChanged if ActionItem.objects.get(id=item.id).is_open else ActionItemClosed


def _remind(item: ActionItem, actor: Actor, now: datetime) -> None:
    """Have the owner reminded from now on: moments that are past are not made up for. One run at a time does it."""
    item.reminders = behind(item, now)
    ActionItem.objects.filter(id=item.id).update(reminders=item.reminders)
    if Run.objects.filter(workflow=WORKFLOW, subject=item.ref).exclude(status__in=Run.OVER).exists():
        return
    start_run(
        tenant_id=item.tenant_id,
        workflow=WORKFLOW,
        input={"action_item_id": str(item.id)},
        actor=actor,
        now=now,
        subject=item.ref,
        dedup_key=f"{item.id}:{item.version}",
        title=f"Remind the owner of {item.code}",
    )


def _locked(incident: Incident) -> Incident:
    """Return the incident, its row locked. Unlike other verbs, action items may be kept for imported history too."""
    return Incident.objects.select_for_update().get(id=incident.id)


def _facts(item: ActionItem) -> dict[str, Any]:
    return {
        "code": item.code,
        "title": item.title,
        "type": item.type,
        "owner": item.owner_name,
        "due": item.due_date.isoformat() if item.due_date else "",
        "status": item.status,
        "effect": item.effect,
    }


def _record(item: ActionItem, action: str, kind: EventKind, actor: Actor, now: datetime, facts: dict[str, Any]) -> None:
    write(
        incident=item.incident,
        action=action,
        entries=[Entry(kind, body=item.title, data=facts)],
        actor=actor,
        now=now,
        body=facts,
        links=[item.ref],
    )
    touch(item.incident)


def _url(complaints: Complaints, value: str) -> str:
    url = complaints.line("ticket_url", value, most=500)
    if url and not url.startswith(("https://", "http://")):
        complaints.add("ticket_url", "Give an address that begins with https://")
    return url


__all__ = [
    "ActionItemChanged",
    "ActionItemClosed",
    "ActionItemOpen",
    "add_action_item",
    "change_action_item",
    "close_action_item",
    "drop_action_item",
    "record_reminder",
    "reopen_action_item",
    "verify_effect",
]
