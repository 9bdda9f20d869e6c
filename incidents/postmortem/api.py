"""Postmortems: ask for a draft, read the newest version, download it."""

from __future__ import annotations

from typing import Any

from django.http import FileResponse, HttpResponse
from ninja import Router
from ninja.responses import Status

from conductor.api.bytes_out import gives
from conductor.api.requests.answers import kept_as
from conductor.ledger import blobs
from conductor.lib.clock import now
from conductor.lib.errors import NotFound
from conductor.tenancy.actors import require
from conductor.tenancy.requests import TenantRequest
from incidents.access import reading
from incidents.followups.schemas import ApprovalIn, ChangesIn, ReviewIn, SectionIn
from incidents.followups.selectors import latest_postmortem, postmortem_version, rendered_postmortem
from incidents.models.incident import Incident
from incidents.models.postmortem import Postmortem
from incidents.postmortem import approval, review
from incidents.postmortem import lifecycle as postmortem_lifecycle
from incidents.postmortem.document.context import file_name
from incidents.postmortem.document.markdown import markdown
from incidents.record.schemas import PostmortemOut, RequestedOut

router = Router(tags=["incidents"])


class PostmortemMissing(NotFound):
    """There is no postmortem yet. Ask for a draft first."""

    code = "postmortem_missing"


class PostmortemNotRendered(NotFound):
    """The PDF is not rendered yet. It takes some seconds after the draft."""

    code = "postmortem_not_rendered"


@router.get("/{number}/postmortem", response=PostmortemOut, operation_id="get_postmortem")
def get_postmortem(request: TenantRequest, number: int) -> Any:
    """The newest version."""
    return _latest(_incident(request, number))


@router.post("/{number}/postmortem", response={202: RequestedOut}, operation_id="request_postmortem")
@kept_as(RequestedOut)
def request_postmortem(request: TenantRequest, number: int) -> Any:
    """Start a run that drafts and renders a new version; one that is under way is returned instead."""
    run = postmortem_lifecycle.request_postmortem(incident=_incident(request, number), actor=request.actor, now=now())
    return Status(202, {"run": run.code, "run_number": run.number, "status": run.status})


@router.put("/{number}/postmortem/sections/{key}", response=PostmortemOut, operation_id="edit_postmortem_section")
def edit_section(request: TenantRequest, number: int, key: str, payload: SectionIn) -> Any:
    """Write one section; the answer is the new version. 409 when there is a newer one than the writer saw."""
    seen = _version(request, number, payload.version)
    return review.edit_section(postmortem=seen, key=key, text=payload.text, actor=request.actor, now=now())


@router.post("/{number}/postmortem/review", response=PostmortemOut, operation_id="ask_for_postmortem_review")
def ask_for_review(request: TenantRequest, number: int, payload: ReviewIn) -> Any:
    """Ask for a review of the newest version."""
    seen = _version(request, number, payload.version)
    return review.ask_for_review(postmortem=seen, actor=request.actor, now=now())


@router.post("/{number}/postmortem/approval", response=PostmortemOut, operation_id="approve_postmortem")
def approve_postmortem(request: TenantRequest, number: int, payload: ApprovalIn) -> Any:
    """Approve exactly this content. Its authors cannot; a required section that is blank is named, with a reason."""
    seen = _version(request, number, payload.version)
    return approval.approve_postmortem(
        postmortem=seen, without=payload.without, reason=payload.reason, actor=request.actor, now=now()
    )


@router.post("/{number}/postmortem/changes", response=PostmortemOut, operation_id="request_postmortem_changes")
def request_changes(request: TenantRequest, number: int, payload: ChangesIn) -> Any:
    """Send the version in review back to its authors, with what is to be changed."""
    seen = _version(request, number, payload.version)
    return approval.request_changes(postmortem=seen, comment=payload.comment, actor=request.actor, now=now())


@router.post("/{number}/postmortem/publication", response=PostmortemOut, operation_id="publish_postmortem")
def publish_postmortem(request: TenantRequest, number: int, payload: ReviewIn) -> Any:
    """Publish the approved version."""
    seen = _version(request, number, payload.version)
    return approval.publish_postmortem(postmortem=seen, actor=request.actor, now=now())


@router.get("/{number}/postmortem.pdf", operation_id="get_postmortem_pdf", openapi_extra=gives("application/pdf"))
def get_postmortem_pdf(request: TenantRequest, number: int) -> Any:
    """The newest version that is rendered, as PDF. A newer one may be under way."""
    incident = _incident(request, number)
    _latest(incident)
    postmortem = rendered_postmortem(incident=incident)
    if postmortem is None:
        raise PostmortemNotRendered
    stream = blobs.open_blob(tenant_id=request.tenant.id, digest=postmortem.pdf_digest)
    name = file_name(incident=incident, postmortem=postmortem, suffix="pdf")
    response = FileResponse(stream, content_type="application/pdf", filename=name)
    response["ETag"] = f'"{postmortem.pdf_digest}"'
    return response


@router.get("/{number}/postmortem.md", operation_id="get_postmortem_markdown", openapi_extra=gives("text/markdown"))
def get_postmortem_markdown(request: TenantRequest, number: int) -> Any:
    """The newest version as Markdown."""
    incident = _incident(request, number)
    postmortem = _latest(incident)
    name = file_name(incident=incident, postmortem=postmortem, suffix="md")
    response = HttpResponse(
        markdown(incident=incident, postmortem=postmortem), content_type="text/markdown; charset=utf-8"
    )
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _incident(request: TenantRequest, number: int) -> Incident:
    require(actor=request.actor, permission="view_incidents")
    return reading.open_incident(number=number, actor=request.actor, now=now())


def _version(request: TenantRequest, number: int, version: int) -> Postmortem:
    return postmortem_version(incident=_incident(request, number), version=version)


def _latest(incident: Incident) -> Postmortem:
    postmortem = latest_postmortem(incident=incident)
    if postmortem is None:
        raise PostmortemMissing
    return postmortem
