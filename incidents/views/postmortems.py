"""The postmortem's pages: read, draft, download."""

from __future__ import annotations

from django.http import FileResponse, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from conductor.console.doors import door
from conductor.ledger import blobs
from conductor.lib.clock import now
from conductor.lib.errors import NotFound
from conductor.tenancy.requests import TenantRequest
from incidents import lifecycle, selectors
from incidents.models import Incident
from incidents.postmortem import file_name


@require_http_methods(["GET", "POST"])
@door(permission="view_incidents")
def postmortem(request: TenantRequest, tenant: str, number: int) -> HttpResponse:
    """Read the newest postmortem; POST has it drafted anew."""
    incident = selectors.incident_by_number(number=number)
    if request.method == "POST":
        lifecycle.request_postmortem(incident=incident, actor=request.actor, now=now())
        return redirect("incidents:postmortem", tenant, number)
    newest = selectors.latest_postmortem(incident=incident)
    context = {
        "incident": incident,
        "postmortem": newest,
        "sources": selectors.sources_of(postmortem=newest) if newest else None,
    }
    return render(request, "incidents/postmortem.html", context)


@require_GET
@door(permission="view_incidents")
def postmortem_pdf(request: TenantRequest, tenant: str, number: int) -> HttpResponseBase:
    """The newest postmortem's PDF."""
    incident: Incident = selectors.incident_by_number(number=number)
    newest = selectors.latest_postmortem(incident=incident)
    if newest is None or not newest.pdf_digest:
        raise NotFound("The PDF is not rendered yet.")
    stream = blobs.open_blob(tenant_id=request.tenant.id, digest=newest.pdf_digest)
    name = file_name(incident=incident, postmortem=newest, suffix="pdf")
    return FileResponse(stream, content_type="application/pdf", filename=name)
