"""The doors of who does what in an incident, and who may read it: roles, handovers, access."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from conductor.console.doors import door
from conductor.lib.clock import now
from conductor.lib.errors import NotFound
from conductor.tenancy.actors import require
from conductor.tenancy.requests import TenantRequest
from incidents.access import people, reading
from incidents.access.form_views import Outcome, attempt, back_to
from incidents.access.lifecycle import grant_access, revoke_access
from incidents.access.people import find_person, members, responders
from incidents.access.selectors import incident_by_number, roles_of
from incidents.models.incident import Incident
from incidents.models.people import AccessGrant
from incidents.response.handovers import accept_role, decline_role, hand_over_role
from incidents.response.roles import release_role

RESPOND = "respond"


@require_POST
@door(permission=RESPOND)
def role_answer(request: TenantRequest, tenant: str, number: int) -> HttpResponse:
    """Accept or decline a role."""
    incident = incident_by_number(number=number)
    role = request.POST.get("role", "")
    if request.POST.get("answer") == "decline":
        reason = request.POST.get("reason", "")
        decline_role(incident=incident, role=role, reason=reason, actor=request.actor, now=now())
    else:
        accept_role(incident=incident, role=role, actor=request.actor, now=now())
    return back_to(tenant, number)


@require_POST
@door(permission=RESPOND)
def release(request: TenantRequest, tenant: str, number: int) -> HttpResponse:
    """Give up a role, or end somebody's."""
    incident = incident_by_number(number=number)
    release_role(incident=incident, role=request.POST.get("role", ""), actor=request.actor, now=now())
    return back_to(tenant, number)


@require_http_methods(["GET", "POST"])
@door(permission=RESPOND)
def handover(request: TenantRequest, tenant: str, number: int) -> HttpResponse:
    """Offer a role to somebody else, with a note. `?role=` says which; 422 and 409 show the form again."""
    incident = incident_by_number(number=number)
    given = request.POST if request.method == "POST" else request.GET
    slots = roles_of(incident=incident)
    slot = next((each for each in slots if each.role == given.get("role")), None)
    if slot is None:
        raise NotFound(f"{incident.code} has no such role.")
    outcome = Outcome()
    if request.method == "POST":
        outcome = attempt(
            lambda: hand_over_role(
                incident=incident,
                role=slot.role,
                to=find_person(name=given.get("user", "")),
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
        "people": [each for each in responders() if each.ref != slot.ref],
        "given": given,
        "errors": outcome.errors,
    }
    return render(request, "incidents/response/handover.html", context, status=outcome.status)


@require_http_methods(["GET", "POST"])
@door(permission="view_incidents")
def access(request: TenantRequest, tenant: str, number: int) -> HttpResponse:
    """Who may read the incident and why; POST lets somebody in (`user`, `reason`) or ends that (`end`)."""
    incident = reading.open_incident(number=number, actor=request.actor, now=now())
    outcome = Outcome()
    if request.method == "POST":
        require(actor=request.actor, permission=RESPOND)
        outcome = attempt(lambda: _end(request, incident) if "end" in request.POST else _let_in(request, incident))
        if outcome.is_done:
            return redirect("incidents:access", tenant, number)
    readers = people.readers(incident=incident) if incident.is_private else []
    in_already = {each.ref for each in readers}
    context = {
        "incident": incident,
        "readers": readers,
        "people": [each for each in members() if each.ref not in in_already] if incident.is_private else [],
        "given": request.POST if outcome.errors else {},
        "errors": outcome.errors,
    }
    return render(request, "incidents/access/access.html", context, status=outcome.status)


def _let_in(request: TenantRequest, incident: Incident) -> None:
    grant_access(
        incident=incident,
        user=find_person(name=request.POST.get("user", "")),
        reason=request.POST.get("reason", ""),
        actor=request.actor,
        now=now(),
    )


def _end(request: TenantRequest, incident: Incident) -> None:
    person = find_person(name=request.POST["end"])
    grant = AccessGrant.objects.select_related("incident").filter(incident=incident, user=person, ended_at=None).first()
    if grant is None:
        raise NotFound(f"Nobody let this person into {incident.code}.")
    revoke_access(grant=grant, actor=request.actor, now=now())
