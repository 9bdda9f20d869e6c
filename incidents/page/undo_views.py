"""The notice after a move of the status, with the button that takes the move back."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from conductor.console.doors import door
from conductor.lib.clock import now
from conductor.tenancy.requests import TenantRequest
from incidents.access.selectors import incident_by_number
from incidents.incident.undo import undo_move, undoable
from incidents.models.incident import Incident
from incidents.record.wording import status_word


def offer_undo(request: TenantRequest, incident: Incident) -> None:
    """Say on the next page what the status is now; where the move can be taken back, with a button for it."""
    found = undoable(incident=incident, actor=request.actor, now=now())
    address = reverse("incidents:undo", args=[request.tenant.slug, incident.number, found.seq]) if found else ""
    # templates/base.html takes a message's extra tags for the address of its undo button.
    messages.success(request, f"{incident.code} is {status_word(incident.status).lower()}.", extra_tags=address)


@require_POST
@door(permission="respond")
def undo(request: TenantRequest, tenant: str, number: int, seq: int) -> HttpResponse:
    """Take a move of the status back."""
    incident = undo_move(incident=incident_by_number(number=number), seq=seq, actor=request.actor, now=now())
    messages.success(request, f"Undone. {incident.code} is {status_word(incident.status).lower()} again.")
    return redirect("incidents:detail", tenant, number)
