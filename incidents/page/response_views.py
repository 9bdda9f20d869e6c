"""The doors of the response on the incident page: tasks, questions, links, and the steps that follow a declaration."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from conductor.console.doors import door
from conductor.engine.lifecycle.operating import retry_run
from conductor.lib.clock import now
from conductor.lib.errors import Invalid, NotFound
from conductor.tenancy.requests import TenantRequest
from incidents.access.form_views import back_to, utc_moment
from incidents.access.lifecycle import set_visibility
from incidents.access.people import find_person
from incidents.access.selectors import incident_by_number, runs_of
from incidents.alerts.lifecycle import declare_from_alert, dismiss_alert
from incidents.alerts.selectors import alert_by_id, alerts, alerts_waiting
from incidents.hub.export import export_csv
from incidents.incident.classification import classify_incident
from incidents.incident.merge import merge_incident
from incidents.links.by_code import link_record
from incidents.links.lifecycle import end_link
from incidents.links.selectors import link_of
from incidents.models.alert import Outcome
from incidents.models.choices import Question
from incidents.models.incident import Incident
from incidents.models.obligation import Obligation
from incidents.models.people import Task
from incidents.page import hub_context
from incidents.page.undo_views import offer_undo
from incidents.record.uploads import read_upload
from incidents.reporting.lifecycle import assert_reporting_moment, decide_obligations, file_obligation
from incidents.response.tasks import add_task, change_task

RESPOND = "respond"


@require_POST
@door(permission="operate_runs")
def retry(request: TenantRequest, tenant: str, number: int, run: int) -> HttpResponse:
    """Try a failed step of the incident's workflows again."""
    incident = incident_by_number(number=number)
    found = runs_of(incident=incident).filter(number=run).first()
    if found is None:
        raise NotFound(f"There is no run R-{run} about {incident.code}.")
    retry_run(run=found, actor=request.actor, now=now())
    return back_to(tenant, number, "steps")


@require_POST
@door(permission=RESPOND)
def tasks(request: TenantRequest, tenant: str, number: int) -> HttpResponse:
    """Add a task."""
    person = request.POST.get("user", "")
    add_task(
        incident=incident_by_number(number=number),
        title=request.POST.get("title", ""),
        assignee=find_person(name=person) if person else None,
        is_blocking=request.POST.get("blocking") == "on",
        actor=request.actor,
        now=now(),
    )
    return back_to(tenant, number, "tasks")


@require_POST
@door(permission=RESPOND)
def task(request: TenantRequest, tenant: str, number: int, task: int) -> HttpResponse:
    """Change a task's state."""
    incident = incident_by_number(number=number)
    found = Task.objects.select_related("incident").filter(incident=incident, number=task).first()
    if found is None:
        raise NotFound(f"{incident.code} has no task {task}.")
    change_task(task=found, state=request.POST.get("state", ""), actor=request.actor, now=now())
    return back_to(tenant, number, "tasks")


@require_POST
@door(permission=RESPOND)
def answers(request: TenantRequest, tenant: str, number: int) -> HttpResponse:
    """Answer the four questions, and say impact and urgency."""
    given = {question: request.POST.get(question, "") for question in Question.values if request.POST.get(question)}
    classify_incident(
        incident=incident_by_number(number=number),
        impact=request.POST.get("impact") or None,
        urgency=request.POST.get("urgency") or None,
        answers=given,
        reason=request.POST.get("reason", ""),
        actor=request.actor,
        now=now(),
    )
    return back_to(tenant, number, "assessment")


@require_POST
@door(permission=RESPOND)
def duty(request: TenantRequest, tenant: str, number: int) -> HttpResponse:
    """Sign whether a regime applies."""
    decide_obligations(
        incident=incident_by_number(number=number),
        regime=request.POST.get("regime", ""),
        applies=request.POST.get("applies") == "yes",
        reason=request.POST.get("reason", ""),
        actor=request.actor,
        now=now(),
    )
    return back_to(tenant, number, "assessment")


@require_POST
@door(permission=RESPOND)
def moment(request: TenantRequest, tenant: str, number: int) -> HttpResponse:
    """Assert when something happened that starts a clock. The form's time is in UTC."""
    incident = incident_by_number(number=number)
    assert_reporting_moment(
        incident=incident,
        key=request.POST.get("key", ""),
        at=utc_moment(request.POST.get("at", ""), "at"),
        reason=request.POST.get("reason", ""),
        actor=request.actor,
        now=now(),
    )
    return back_to(tenant, number, "assessment")


@require_POST
@door(permission=RESPOND)
def filing(request: TenantRequest, tenant: str, number: int, duty: UUID) -> HttpResponse:
    """Record that a report was filed, with what was submitted."""
    incident = incident_by_number(number=number)
    found = Obligation.objects.select_related("incident").filter(incident=incident, id=duty).first()
    if found is None:
        raise NotFound(f"{incident.code} has no such reporting obligation.")
    file_obligation(
        obligation=found,
        submitted=read_upload(request.FILES.get("submitted")),
        reference=request.POST.get("reference", ""),
        late_reason=request.POST.get("late_reason", ""),
        filed_at=now(),
        actor=request.actor,
        now=now(),
    )
    return back_to(tenant, number, "assessment")


@require_POST
@door(permission=RESPOND)
def link(request: TenantRequest, tenant: str, number: int) -> HttpResponse:
    """Tie the incident to a record that is named by its code, its name or its address."""
    link_record(
        incident=incident_by_number(number=number),
        target=request.POST.get("target", ""),
        kind=request.POST.get("kind", ""),
        actor=request.actor,
        now=now(),
    )
    return back_to(tenant, number, "links")


@require_POST
@door(permission=RESPOND)
def link_end(request: TenantRequest, tenant: str, number: int, edge: UUID) -> HttpResponse:
    """End a link that somebody made."""
    incident = incident_by_number(number=number)
    found = link_of(incident=incident, edge_id=edge)
    end_link(incident=incident, edge=found, actor=request.actor, now=now())
    return back_to(tenant, number, "links")


@require_POST
@door(permission=RESPOND)
def merge(request: TenantRequest, tenant: str, number: int) -> HttpResponse:
    """Make the incident a duplicate of another."""
    merged = merge_incident(
        incident=incident_by_number(number=number),
        into=_named(request.POST.get("into", "")),
        reason=request.POST.get("reason", ""),
        actor=request.actor,
        now=now(),
    )
    offer_undo(request, merged)
    return back_to(tenant, number)


@require_POST
@door(permission=RESPOND)
def visibility(request: TenantRequest, tenant: str, number: int) -> HttpResponse:
    """Make the incident private, or open it."""
    set_visibility(
        incident=incident_by_number(number=number),
        visibility=request.POST.get("visibility", ""),
        reason=request.POST.get("reason", ""),
        actor=request.actor,
        now=now(),
    )
    return back_to(tenant, number)


@require_GET
@door(permission="view_incidents")
def alert_list(request: TenantRequest, tenant: str) -> HttpResponse:
    """Every alert that came in, and what became of it."""
    outcome, before = request.GET.get("outcome", ""), request.GET.get("before", "")
    try:
        place = UUID(before) if before else None
    except ValueError:
        place = None
    found, older = alerts(outcome=outcome if outcome in Outcome.values else "", before=place)
    shown = [(each.value, each.label) for each in Outcome if each not in (Outcome.ENDED, Outcome.REPEATED)]
    context = {
        "alerts": found,
        "older": older,
        "outcome": outcome,
        "outcomes": shown,
        "waiting": alerts_waiting(),
    }
    return render(request, "incidents/alerts/list.html", context)


@require_POST
@door(permission=RESPOND)
def alert(request: TenantRequest, tenant: str, alert: UUID) -> HttpResponse:
    """Decide about an alert that waits."""
    found = alert_by_id(alert_id=alert)
    if request.POST.get("as") == "incident":
        incident = declare_from_alert(alert=found, actor=request.actor, now=now())
        return redirect("incidents:detail", tenant, incident.number)
    reason = request.POST.get("reason", "")
    dismiss_alert(alert=found, reason=reason, actor=request.actor, now=now())
    return redirect("incidents:alerts", tenant)


@require_GET
@door(permission="view_incidents")
def export(request: TenantRequest, tenant: str) -> HttpResponse:
    """The incidents that match the hub's filters, as CSV, with the number of rows withheld."""
    filters = hub_context.query_of(query=request.GET, member_id=request.user.pk, now=now()).filters
    response = HttpResponse("".join(export_csv(filters=filters)), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="incidents.csv"'
    return response


def _named(text: str) -> Incident:
    number = text.strip().upper().removeprefix("INC-")
    if not (number.isascii() and number.isdecimal() and len(number) <= 18):
        raise Invalid(fields={"incident": ["Name an incident, such as INC-12."]})
    return incident_by_number(number=int(number))


def minutes(text: str) -> timedelta | None:
    """Read a number of minutes from a form; None for an empty field. Raise Invalid for anything else."""
    if not text.strip():
        return None
    if not text.strip().isdecimal() or int(text) > 100_000:
        raise Invalid(fields={"next_update_in": ["Use a whole number of minutes."]})
    return timedelta(minutes=int(text))
