"""The doors of the response on the incident page: tasks, roles, questions, and the steps that follow a declaration."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from conductor.console.doors import door
from conductor.engine.lifecycle import retry_run
from conductor.lib.clock import now
from conductor.lib.errors import Invalid, NotFound
from conductor.tenancy.requests import TenantRequest
from incidents import lifecycle, selectors
from incidents.models import Question, Task

RESPOND = "respond"


@require_POST
@door(permission="operate_runs")
def retry(request: TenantRequest, tenant: str, number: int, run: int) -> HttpResponse:
    """Try a failed step of the incident's workflows again."""
    incident = selectors.incident_by_number(number=number)
    found = selectors.runs_of(incident=incident).filter(number=run).first()
    if found is None:
        raise NotFound(f"There is no run R-{run} about {incident.code}.")
    retry_run(run=found, actor=request.actor, now=now())
    return _back(tenant, number, "steps")


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
    return _back(tenant, number)


@require_POST
@door(permission=RESPOND)
def handover(request: TenantRequest, tenant: str, number: int) -> HttpResponse:
    """Offer a role to somebody else, with a note."""
    lifecycle.hand_over_role(
        incident=selectors.incident_by_number(number=number),
        role=request.POST.get("role", ""),
        to=selectors.find_person(name=request.POST.get("user", "")),
        note=request.POST.get("note", ""),
        actor=request.actor,
        now=now(),
    )
    return _back(tenant, number)


@require_POST
@door(permission=RESPOND)
def tasks(request: TenantRequest, tenant: str, number: int) -> HttpResponse:
    """Add a task."""
    person = request.POST.get("user", "")
    lifecycle.add_task(
        incident=selectors.incident_by_number(number=number),
        title=request.POST.get("title", ""),
        assignee=selectors.find_person(name=person) if person else None,
        is_blocking=request.POST.get("blocking") == "on",
        actor=request.actor,
        now=now(),
    )
    return _back(tenant, number, "tasks")


@require_POST
@door(permission=RESPOND)
def task(request: TenantRequest, tenant: str, number: int, task: int) -> HttpResponse:
    """Change a task's state."""
    incident = selectors.incident_by_number(number=number)
    found = Task.objects.select_related("incident").filter(incident=incident, number=task).first()
    if found is None:
        raise NotFound(f"{incident.code} has no task {task}.")
    lifecycle.change_task(task=found, state=request.POST.get("state", ""), actor=request.actor, now=now())
    return _back(tenant, number, "tasks")


@require_POST
@door(permission=RESPOND)
def answers(request: TenantRequest, tenant: str, number: int) -> HttpResponse:
    """Answer the four questions, and say impact and urgency."""
    given = {question: request.POST.get(question, "") for question in Question.values if request.POST.get(question)}
    lifecycle.classify_incident(
        incident=selectors.incident_by_number(number=number),
        impact=request.POST.get("impact") or None,
        urgency=request.POST.get("urgency") or None,
        answers=given,
        reason=request.POST.get("reason", ""),
        actor=request.actor,
        now=now(),
    )
    return _back(tenant, number, "assessment")


def minutes(text: str) -> timedelta | None:
    """Read a number of minutes from a form; None for an empty field. Raise Invalid for anything else."""
    if not text.strip():
        return None
    if not text.strip().isdecimal() or int(text) > 100_000:
        raise Invalid(fields={"next_update_in": ["Use a whole number of minutes."]})
    return timedelta(minutes=int(text))


def _back(tenant: str, number: int, tab: str = "") -> HttpResponse:
    response = redirect("incidents:detail", tenant, number)
    if tab:
        response["Location"] += f"?tab={tab}"
    return response
