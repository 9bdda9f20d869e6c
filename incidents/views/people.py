"""The doors of who does what in an incident: answering for a role, handing it over, giving it up."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_POST

from conductor.console.doors import door
from conductor.lib.clock import now
from conductor.lib.errors import NotFound
from conductor.tenancy.requests import TenantRequest
from incidents import lifecycle, selectors
from incidents.views.forms import Outcome, attempt, back_to

RESPOND = "respond"


@require_POST
@door(permission=RESPOND)
def role_answer(request: TenantRequest, tenant: str, number: int) -> HttpResponse:
    """Accept or decline a role."""
    incident = selectors.incident_by_number(number=number)
    role = request.POST.get("role", "")
    if request.POST.get("answer") == "decline":
        reason = request.POST.get("reason", "")
        lifecycle.decline_role(incident=incident, role=role, reason=reason, actor=request.actor, now=now())
    else:
        lifecycle.accept_role(incident=incident, role=role, actor=request.actor, now=now())
    return back_to(tenant, number)


@require_POST
@door(permission=RESPOND)
def release(request: TenantRequest, tenant: str, number: int) -> HttpResponse:
    """Give up a role, or end somebody's."""
    incident = selectors.incident_by_number(number=number)
    lifecycle.release_role(incident=incident, role=request.POST.get("role", ""), actor=request.actor, now=now())
    return back_to(tenant, number)


@require_http_methods(["GET", "POST"])
@door(permission=RESPOND)
def handover(request: TenantRequest, tenant: str, number: int) -> HttpResponse:
    """Offer a role to somebody else, with a note. `?role=` says which; 422 and 409 show the form again."""
    incident = selectors.incident_by_number(number=number)
    given = request.POST if request.method == "POST" else request.GET
    slots = selectors.roles_of(incident=incident)
    slot = next((each for each in slots if each.role == given.get("role")), None)
    if slot is None:
        raise NotFound(f"{incident.code} has no such role.")
    outcome = Outcome()
    if request.method == "POST":
        outcome = attempt(
            lambda: lifecycle.hand_over_role(
                incident=incident,
                role=slot.role,
                to=selectors.find_person(name=given.get("user", "")),
                note=given.get("note", ""),
                actor=request.actor,
                now=now(),
            )
        )
        if outcome.is_done:
            return back_to(tenant, number)
    context = {
        "incident": incident,
        "slot": slot,
        "people": [each for each in selectors.responders() if each.ref != slot.ref],
        "given": given,
        "errors": outcome.errors,
    }
    return render(request, "incidents/role_handover.html", context, status=outcome.status)
