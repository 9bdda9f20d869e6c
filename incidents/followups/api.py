"""Action items: list, add, change, close, drop, verify, open again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from ninja import Field, Router
from ninja.responses import Status

from conductor.lib.clock import now
from conductor.tenancy.actors import require
from conductor.tenancy.requests import TenantRequest
from incidents.access.people import find_person
from incidents.access.selectors import incident_by_number
from incidents.followups import action_items
from incidents.followups import selectors as followups_selectors
from incidents.followups.action_items import verify_effect
from incidents.followups.schemas import ActionItemChange, ActionItemIn, ActionItemNoteIn, ActionItemOut, ActionItemsOut
from incidents.followups.selectors import action_item_by_number
from incidents.models.action_item import ActionItem

if TYPE_CHECKING:
    from django.contrib.auth.models import User

router = Router(tags=["incidents"])


@router.get("/action-items", response=ActionItemsOut, operation_id="list_action_items")
def list_action_items(
    request: TenantRequest,
    open_only: bool = True,
    offset: Annotated[int, Field(ge=0, le=100_000)] = 0,
    limit: Annotated[int, Field(ge=1, le=200)] = 50,
) -> Any:
    """Everybody's action items, the most urgent first."""
    require(actor=request.actor, permission="view_incidents")
    found = followups_selectors.action_items(open_only=open_only)
    return {"items": list(found[offset : offset + limit]), "total": found.count()}


@router.get("/action-items/{item}", response=ActionItemOut, operation_id="get_action_item")
def get_action_item(request: TenantRequest, item: int) -> Any:
    """One action item."""
    return _item(request, item)


@router.put("/action-items/{item}", response=ActionItemOut, operation_id="change_action_item")
def change_action_item(request: TenantRequest, item: int, payload: ActionItemChange) -> Any:
    """Replace what it says; 409 when somebody else has changed it since `version`."""
    found = _item(request, item)
    found.version = payload.version
    said = payload.dict(exclude={"version", "owner"})
    return action_items.change_action_item(
        item=found, **said, owner=_owner(request, payload.owner), actor=request.actor, now=now()
    )


@router.post("/action-items/{item}/closure", response=ActionItemOut, operation_id="close_action_item")
def close_action_item(request: TenantRequest, item: int, payload: ActionItemNoteIn) -> Any:
    """It is done. With a note, its effect counts as verified; without, as unverified."""
    return action_items.close_action_item(
        item=_item(request, item), effect_note=payload.note, actor=request.actor, now=now()
    )


@router.post("/action-items/{item}/drop", response=ActionItemOut, operation_id="drop_action_item")
def drop_action_item(request: TenantRequest, item: int, payload: ActionItemNoteIn) -> Any:
    """It will not be done; the note says why."""
    return action_items.drop_action_item(item=_item(request, item), reason=payload.note, actor=request.actor, now=now())


@router.post("/action-items/{item}/verification", response=ActionItemOut, operation_id="verify_action_item")
def verify_action_item(request: TenantRequest, item: int, payload: ActionItemNoteIn) -> Any:
    """Somebody has checked that what was done helps; the note says how."""
    return verify_effect(item=_item(request, item), effect_note=payload.note, actor=request.actor, now=now())


@router.post("/action-items/{item}/reopening", response=ActionItemOut, operation_id="reopen_action_item")
def reopen_action_item(request: TenantRequest, item: int, payload: ActionItemNoteIn) -> Any:
    """It is not done after all; the note says why."""
    return action_items.reopen_action_item(
        item=_item(request, item), reason=payload.note, actor=request.actor, now=now()
    )


@router.get("/{number}/action-items", response=ActionItemsOut, operation_id="list_incident_action_items")
def list_incident_action_items(request: TenantRequest, number: int) -> Any:
    """An incident's action items, by number."""
    require(actor=request.actor, permission="view_incidents")
    found = list(followups_selectors.action_items(incident=incident_by_number(number=number)))
    return {"items": found, "total": len(found)}


@router.post("/{number}/action-items", response={201: ActionItemOut}, operation_id="add_action_item")
def add_action_item(request: TenantRequest, number: int, payload: ActionItemIn) -> Any:
    """Add something to be done after the incident."""
    require(actor=request.actor, permission="view_incidents")
    made = action_items.add_action_item(
        incident=incident_by_number(number=number),
        **payload.dict(exclude={"owner"}),
        owner=_owner(request, payload.owner),
        actor=request.actor,
        now=now(),
    )
    return Status(201, made)


def _item(request: TenantRequest, number: int) -> ActionItem:
    require(actor=request.actor, permission="view_incidents")
    return action_item_by_number(number=number)


def _owner(request: TenantRequest, name: str | None) -> User | None:
    require(actor=request.actor, permission="respond")
    return find_person(name=name, field="owner") if name else None
