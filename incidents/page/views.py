"""The incident pages: hub, declare, detail with its live timeline. Doors: each makes one call."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from conductor.console.doors import door
from conductor.console.shell import live
from conductor.console.shell.context import zone_of
from conductor.console.shell.panels import panels_at
from conductor.ledger.selectors import receipts_for
from conductor.lib.clock import now
from conductor.lib.errors import Invalid, NotFound
from conductor.lib.numbers import whole_number
from conductor.tenancy.models import Environment
from conductor.tenancy.requests import TenantRequest
from incidents.access import reading
from incidents.access.people import find_person, responders
from incidents.access.selectors import (
    RoleSlot,
    StepperStep,
    incident_by_number,
    incident_for_page,
    moments_of,
    roles_of,
    stepper,
)
from incidents.incident.classification import classify_incident
from incidents.incident.lifecycle import acknowledge_incident, declare_incident
from incidents.incident.status import move_incident
from incidents.incident.transition_check import conditions
from incidents.integrity import checks
from incidents.links import drawing
from incidents.links.surroundings import blast_of, services_like, surroundings
from incidents.models.choices import Question, Reply, Role, Severity, Status
from incidents.models.history import TimelineEvent
from incidents.models.incident import Incident
from incidents.page import hub_context, tabs
from incidents.page.runs import workflow_steps
from incidents.page.stages import stages
from incidents.page.undo_views import offer_undo
from incidents.response.roles import assign_role
from incidents.timeline.lifecycle import post_update, record_decision
from incidents.timeline.selectors import timeline_page

RESPOND = "respond"
TABS = ("timeline", "tasks", "assessment", "links", "tickets", "graph", "runs", "steps", "receipts")


@require_GET
@door(permission="view_incidents")
def incident_list(request: TenantRequest, tenant: str) -> HttpResponse:
    """The hub: what is on fire and who has it."""
    context = hub_context.hub(query=request.GET, member_id=request.user.pk, now=now())
    template = "incidents/hub/_rows.html" if request.htmx else "incidents/hub/list.html"
    return render(request, template, context)


@require_http_methods(["GET", "POST"])
@door(permission=RESPOND)
def declare(request: TenantRequest, tenant: str) -> HttpResponse:
    """Declare an incident; 422 shows the form again with its complaints."""
    errors: dict[str, list[str]] = {}
    if request.method == "POST":
        try:
            incident, _created = declare_incident(
                tenant_id=request.tenant.id,
                title=request.POST.get("title", ""),
                severity=request.POST.get("severity", ""),
                summary=request.POST.get("summary", ""),
                visibility="PRIVATE" if request.POST.get("private") == "on" else "NORMAL",
                triage=request.POST.get("triage") == "on",
                answers={each: request.POST.get(each, "") for each in Question.values},
                service=request.POST.get("service", ""),
                environment=Environment.objects.filter(slug=request.POST.get("environment", "")).first(),
                take_command=request.POST.get("take_command") == "on",
                actor=request.actor,
                now=now(),
            )
            return redirect("incidents:detail", tenant, incident.number)
        except Invalid as invalid:
            errors = invalid.fields
    context = {
        "given": request.POST,
        "errors": errors,
        "severities": hub_context.SEVERITY_WORDS,
        "questions": [(each.value, each.label, request.POST.get(each.value, "")) for each in Question],
        "answered": any(request.POST.get(each) for each in Question.values),
        "replies": Reply.choices,
        "environments": Environment.objects.order_by("name"),
        "services": services_like(request.POST.get("service", "")),
    }
    return render(request, "incidents/incident/declare.html", context, status=422 if errors else 200)


@require_GET
@door(permission=RESPOND)
def services(request: TenantRequest, tenant: str) -> HttpResponse:
    """The services whose name has what was typed so far, as options of the declare form's list."""
    found = services_like(request.GET.get("service", ""))
    return render(request, "incidents/incident/_services.html", {"services": found})


@require_GET
@door(permission="view_incidents")
def incident_detail(request: TenantRequest, tenant: str, number: int) -> HttpResponse:
    """One incident: state, next step, timeline, people, what it touches."""
    incident = reading.noted(incident_for_page(number=number), actor=request.actor, now=now())
    tab = request.GET.get("tab", "timeline")
    tab = tab if tab in TABS else "timeline"
    view = request.GET.get("view", "all")
    before = whole_number(request.GET.get("before", ""))
    steps = stepper(incident=incident, now=now())
    found = surroundings(incident=incident)
    roles = roles_of(incident=incident)
    flow = workflow_steps(incident=incident) if tab == "steps" else []
    next_step = next((step for step in steps if step.can_move and not step.needs_reason), None)
    context = {
        "incident": incident,
        "can": RESPOND in request.actor.permissions and not incident.is_history,
        "tab": tab,
        "view": view,
        "before": before,
        "steps": steps,
        "next_step": next_step,
        "conditions": _conditions(incident, next_step, request),
        "roles": roles,
        "commands": _commands(roles, request),
        "asked": [slot for slot in roles if slot.asks(request.user.pk)],
        "holds": [slot.role for slot in roles if slot.user_id == request.user.pk],
        "people": responders() if RESPOND in request.actor.permissions else [],
        "severities": Severity.values,
        "moments": moments_of(incident),
        "page": timeline_page(incident=incident, view=view, before=before) if tab == "timeline" else None,
        "drawing": drawing.draw(code=incident.code, found=found),
        "found": found,
        "blast": blast_of(found=found) if tab == "graph" else None,
        "workflow_steps": flow,
        "stages": stages(incident=incident, roles=roles, steps=flow, found=found) if tab == "steps" else [],
        "faults": checks.faults_of(incident=incident),
        "receipts": receipts_for(incident.ref) if tab == "receipts" else None,
        **tabs.context_of(tab=tab, incident=incident, found=found, now=now()),
        "exits": tabs.exits(incident),
        "closures": tabs.closures(),
        "panels": panels_at(place="incident.rail", request=request, subject=incident.ref),
    }
    return render(request, "incidents/page/incident.html", context)


@require_GET
@door(permission="view_incidents")
def events(request: TenantRequest, tenant: str, number: int) -> HttpResponseBase:
    """Server-sent events: each new timeline entry as the fragment that the feed puts on top."""
    incident = reading.open_incident(number=number, actor=request.actor, now=now())
    tenant_id, slug, zone = request.tenant.id, tenant, zone_of(request)
    newest = timeline_page(incident=incident, limit=1).entries
    last_id = request.headers.get("Last-Event-ID") or request.GET.get("after") or str(newest[0].seq if newest else 0)

    def fetch(after: str) -> Sequence[live.Message]:
        with live.reading(request):
            try:
                incident = incident_by_number(number=number)
            except NotFound as hidden:
                raise live.Over from hidden
            page = timeline_page(incident=incident, after=whole_number(after) or 0)
            newer = reversed(page.entries)
            return [live.Message(str(entry.seq), _fragment(entry, number, slug, zone)) for entry in newer]

    person = request.user.pk or 0
    return live.stream(tenant_id=tenant_id, person=person, subject=incident.ref, last_id=last_id, fetch=fetch)


@require_POST
@door(permission=RESPOND)
def acknowledgement(request: TenantRequest, tenant: str, number: int) -> HttpResponse:
    """Acknowledge, and take command if nobody has it."""
    incident = incident_by_number(number=number)
    acknowledge_incident(incident=incident, actor=request.actor, now=now(), take_command=True)
    return redirect("incidents:detail", tenant, number)


@require_POST
@door(permission=RESPOND)
def transition(request: TenantRequest, tenant: str, number: int) -> HttpResponse:
    """Move the status, and offer to take it back where that is possible."""
    incident = incident_by_number(number=number)
    before = incident.status
    moved = move_incident(
        incident=incident,
        to=request.POST.get("to", ""),
        reason=request.POST.get("reason", ""),
        closure=request.POST.get("closure", ""),
        override=request.POST.get("override", ""),
        actor=request.actor,
        now=now(),
    )
    if moved.status != before:
        offer_undo(request, moved)
    return redirect("incidents:detail", tenant, number)


@require_POST
@door(permission=RESPOND)
def classification(request: TenantRequest, tenant: str, number: int) -> HttpResponse:
    """Change the severity."""
    classify_incident(
        incident=incident_by_number(number=number),
        severity=request.POST.get("severity", ""),
        reason=request.POST.get("reason", ""),
        actor=request.actor,
        now=now(),
    )
    return redirect("incidents:detail", tenant, number)


@require_POST
@door(permission=RESPOND)
def role(request: TenantRequest, tenant: str, number: int) -> HttpResponse:
    """Give a role to a member."""
    assign_role(
        incident=incident_by_number(number=number),
        role=request.POST.get("role", ""),
        user=find_person(name=request.POST.get("user", "")),
        actor=request.actor,
        now=now(),
    )
    return redirect("incidents:detail", tenant, number)


@require_POST
@door(permission=RESPOND)
def update(request: TenantRequest, tenant: str, number: int) -> HttpResponse:
    """Post an update, or record a decision."""
    incident = incident_by_number(number=number)
    verb = record_decision if request.POST.get("as") == "decision" else post_update
    verb(incident=incident, text=request.POST.get("body", ""), actor=request.actor, now=now())
    return redirect("incidents:detail", tenant, number)


def _conditions(incident: Incident, step: StepperStep | None, request: TenantRequest) -> list[str]:
    """What stands against the next step, for who may respond; others see no button."""
    if step is None or RESPOND not in request.actor.permissions:
        return []
    return conditions(incident=incident, to=Status(step.status), actor=request.actor, now=now())


def _commands(roles: Sequence[RoleSlot], request: TenantRequest) -> bool:
    """Whether the person may staff this incident: by the permission, or as its commander."""
    holds = any(slot.role == Role.COMMANDER and slot.user_id == request.user.pk for slot in roles)
    return "command" in request.actor.permissions or (holds and RESPOND in request.actor.permissions)


def _fragment(entry: TimelineEvent, number: int, slug: str, zone: tzinfo) -> str:
    context = {"entry": entry, "number": number, "slug": slug, "shell": {"zone": zone}}
    return render_to_string("incidents/timeline/_entry.html", context)
