"""The pages of action items: everybody's list, and one item with what can be done about it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from conductor.console.doors import door
from conductor.lib.clock import now
from conductor.lib.errors import Conflict, Invalid, NotFound
from conductor.tenancy.requests import TenantRequest
from incidents.access.people import find_person, responders
from incidents.access.selectors import incident_by_number
from incidents.followups.action_items import (
    add_action_item,
    change_action_item,
    close_action_item,
    drop_action_item,
    reopen_action_item,
    verify_effect,
)
from incidents.followups.reminders import next_reminder
from incidents.followups.selectors import action_figures, action_item_by_number, action_items
from incidents.followups.ticket_selectors import tickets_context, tickets_of_item
from incidents.models.action_item import ActionItem

if TYPE_CHECKING:
    from django.contrib.auth.models import User

SHOWN = 200


@require_GET
@door(permission="view_incidents")
def action_item_list(request: TenantRequest, tenant: str) -> HttpResponse:
    """Everybody's action items: the open ones, or all."""
    shows_all = request.GET.get("view") == "all"
    today = now().date()
    context = {
        "items": action_items(open_only=not shows_all)[:SHOWN],
        "figures": action_figures(today=today),
        "view": "all" if shows_all else "open",
        "today": today,
    }
    return render(request, "incidents/followups/list.html", context)


@require_http_methods(["GET", "POST"])
@door(permission="respond")
def action_item_new(request: TenantRequest, tenant: str, number: int) -> HttpResponse:
    """Add an action item to an incident; 422 shows the form again with its complaints."""
    incident = incident_by_number(number=number)
    errors: dict[str, list[str]] = {}
    if request.method == "POST":
        try:
            item = add_action_item(
                incident=incident,
                detail=request.POST.get("detail", ""),
                **_said(request.POST),
                actor=request.actor,
                now=now(),
            )
            return redirect("incidents:action_item", tenant, item.number)
        except Invalid as invalid:
            errors = invalid.fields
    context = {"incident": incident, "given": request.POST, "errors": errors, **_choices()}
    return render(request, "incidents/followups/form.html", context, status=422 if errors else 200)


@require_http_methods(["GET", "POST"])
@door(permission="view_incidents")
def action_item(request: TenantRequest, tenant: str, number: int) -> HttpResponse:
    """One action item; POST replaces what it says."""
    item = action_item_by_number(number=number)
    errors: dict[str, list[str]] = {}
    if request.method == "POST":
        try:
            item.version = int(request.POST.get("version", "0")) if request.POST.get("version", "").isdigit() else 0
            change_action_item(
                item=item,
                detail=request.POST.get("detail", ""),
                ticket=request.POST.get("ticket", ""),
                ticket_url=request.POST.get("ticket_url", ""),
                **_said(request.POST),
                actor=request.actor,
                now=now(),
            )
            return redirect("incidents:action_item", tenant, number)
        except (Invalid, Conflict) as refused:
            errors = refused.fields or {"": [refused.detail]}
    given = request.POST if errors else _as_given(item)
    context = {
        "item": item,
        "given": given,
        "errors": errors,
        "today": now().date(),
        "next_reminder": next_reminder(item, now()),
        **tickets_context(tickets=tickets_of_item(item=item), incident=item.incident),
        **_choices(),
    }
    return render(request, "incidents/followups/action_item.html", context, status=422 if errors else 200)


@require_POST
@door(permission="respond")
def action_item_step(request: TenantRequest, tenant: str, number: int, step: str) -> HttpResponse:
    """Close, drop, verify or open again."""
    if step not in STEPS:
        raise NotFound("An action item is closed, dropped, verified or opened again.")
    item = action_item_by_number(number=number)
    verb, field = STEPS[step]
    verb(item=item, **{field: request.POST.get("note", "")}, actor=request.actor, now=now())
    return redirect("incidents:action_item", tenant, number)


STEPS: dict[str, tuple[Callable[..., ActionItem], str]] = {
    "closure": (close_action_item, "effect_note"),
    "drop": (drop_action_item, "reason"),
    "verification": (verify_effect, "effect_note"),
    "reopening": (reopen_action_item, "reason"),
}


def _said(given: QueryDict) -> dict[str, Any]:
    """Return what every form of an action item says; raise Invalid for a date or an owner that is none."""
    return {
        "title": given.get("title", ""),
        "type": given.get("type", ""),
        "owner": _owner(given.get("owner", "")),
        "due_date": _date(given.get("due_date", "")),
    }


def _owner(name: str) -> User | None:
    return find_person(name=name, field="owner") if name else None


def _date(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Invalid(fields={"due_date": ["Give a date as year-month-day."]}) from None


def _choices() -> dict[str, Any]:
    return {"types": ActionItem.Type.choices, "people": responders()}


def _as_given(item: ActionItem) -> dict[str, Any]:
    return {
        "title": item.title,
        "detail": item.detail,
        "type": item.type,
        "owner": f"tenancy.user:{item.owner_id}" if item.owner_id else "",
        "due_date": item.due_date.isoformat() if item.due_date else "",
        "ticket": item.ticket,
        "ticket_url": item.ticket_url,
    }
