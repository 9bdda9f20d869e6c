"""The doors of the record: one entry with its proof, its correction and redaction; when milestones were."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from conductor.console.doors import door
from conductor.lib.clock import now
from conductor.lib.errors import NotFound
from conductor.tenancy.actors import require
from conductor.tenancy.requests import TenantRequest
from incidents.access import reading
from incidents.access.form_views import Outcome, attempt, back_to, local_value, utc_moment
from incidents.access.selectors import asserted, incident_for_page, moments_of
from incidents.models.choices import MilestoneKey
from incidents.models.history import Redaction
from incidents.timeline.corrections import CORRECTABLE, correct_entry
from incidents.timeline.milestones import set_milestone
from incidents.timeline.redactions import approve_redaction, refuse_redaction, request_redaction, withdraw_redaction
from incidents.timeline.selectors import EntryFound, timeline_entry


@require_http_methods(["GET", "POST"])
@door(permission="view_incidents")
def entry(request: TenantRequest, tenant: str, number: int, seq: int) -> HttpResponse:
    """Read one entry; POST corrects it, or asks to redact it, or answers that (`act`). 422, 409 show it."""
    incident = reading.open_incident(number=number, actor=request.actor, now=now())
    found = timeline_entry(incident=incident, seq=seq)
    outcome, act = Outcome(), request.POST.get("act", "")
    if request.method == "POST":
        require(actor=request.actor, permission="respond")
        if act not in ACTS:
            raise NotFound("An entry is corrected or redacted.")
        outcome = attempt(lambda: ACTS[act](request, found))
        if outcome.is_done:
            return redirect("incidents:entry", tenant, number, seq)
    event = found.event
    context = {
        "incident": incident,
        "found": found,
        "entry": event,
        "is_correctable": event.kind in CORRECTABLE,
        "given": request.POST if act == "correct" else _as_written(found),
        "asked": request.POST if act == "redact" else {},
        "answer": request.POST if act in ("refuse", "withdraw") else {},
        "errors": outcome.errors,
        "is_mine": found.redaction is not None and found.redaction.requested_by == request.actor.ref,
    }
    return render(request, "incidents/timeline/entry.html", context, status=outcome.status)


@require_http_methods(["GET", "POST"])
@door(permission="respond")
def milestone(request: TenantRequest, tenant: str, number: int, key: str) -> HttpResponse:
    """Say when something happened, or correct it; what was said before stands below. 422 shows the form again."""
    incident = incident_for_page(number=number)
    if key not in MilestoneKey.values:
        raise NotFound(f"{incident.code} has no such milestone.")
    said = asserted(incident=incident, key=key)
    known = next(each for each in moments_of(incident) if each.key == key)
    outcome = Outcome()
    if request.method == "POST":
        outcome = attempt(
            lambda: set_milestone(
                incident=incident,
                key=key,
                at=utc_moment(request.POST.get("at", ""), "at"),
                reason=request.POST.get("reason", ""),
                actor=request.actor,
                now=now(),
            )
        )
        if outcome.is_done:
            return back_to(tenant, number, fragment="milestones")
    context = {
        "incident": incident,
        "label": MilestoneKey(key).label,
        "said": said,
        "given": request.POST if outcome.errors else {"at": local_value(known.at)},
        "errors": outcome.errors,
    }
    return render(request, "incidents/timeline/milestone.html", context, status=outcome.status)


def _as_written(found: EntryFound) -> dict[str, str]:
    return {"text": found.event.body, "occurred_at": local_value(found.event.occurred_at)}


def _correct(request: TenantRequest, found: EntryFound) -> None:
    given = request.POST
    unchanged = given.get("occurred_at", "") in ("", local_value(found.event.occurred_at))
    correct_entry(
        event=found.event,
        text=given.get("text", ""),
        reason=given.get("reason", ""),
        occurred_at=None if unchanged else utc_moment(given["occurred_at"], "occurred_at"),
        actor=request.actor,
        now=now(),
    )


def _redact(request: TenantRequest, found: EntryFound) -> None:
    request_redaction(
        event=found.event,
        reason=request.POST.get("reason", ""),
        legal_basis=request.POST.get("legal_basis", ""),
        drops_data=request.POST.get("drops_data") == "on",
        actor=request.actor,
        now=now(),
    )


def _approve(request: TenantRequest, found: EntryFound) -> None:
    approve_redaction(redaction=_asked(found), actor=request.actor, now=now())


def _refuse(request: TenantRequest, found: EntryFound) -> None:
    reason = request.POST.get("reason", "")
    refuse_redaction(redaction=_asked(found), reason=reason, actor=request.actor, now=now())


def _withdraw(request: TenantRequest, found: EntryFound) -> None:
    reason = request.POST.get("reason", "")
    withdraw_redaction(redaction=_asked(found), reason=reason, actor=request.actor, now=now())


def _asked(found: EntryFound) -> Redaction:
    """Return the request that a form answers: an answered one too, so that whoever was late hears who was first."""
    asked = found.newest_redaction
    if asked is None:
        raise NotFound("Nobody has asked to redact this entry.")
    return asked


ACTS: dict[str, Callable[[TenantRequest, Any], None]] = {
    "correct": _correct,
    "redact": _redact,
    "approve": _approve,
    "refuse": _refuse,
    "withdraw": _withdraw,
}
