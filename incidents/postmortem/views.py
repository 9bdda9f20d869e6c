"""The postmortem's pages: read a version, draft, edit a section, review, download."""

from __future__ import annotations

from typing import Any

from django.http import FileResponse, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from conductor.console.doors import door
from conductor.console.shell.panels import panels_at
from conductor.ledger import blobs
from conductor.lib.canonical import canonical_json
from conductor.lib.clock import now
from conductor.lib.errors import Invalid, NotFound
from conductor.lib.numbers import whole_number
from conductor.tenancy.requests import TenantRequest
from incidents.access import reading
from incidents.access.selectors import incident_by_number
from incidents.followups.selectors import (
    action_items,
    latest_postmortem,
    newest_entry,
    postmortem_version,
    postmortems_of,
    rendered_postmortem,
)
from incidents.hub.selectors import HubFilter
from incidents.integrity.postmortem_digest import content_of
from incidents.models.choices import Severity, Written
from incidents.models.incident import Incident
from incidents.models.postmortem import Postmortem
from incidents.postmortem.approval import approve_postmortem, blank_sections, publish_postmortem, request_changes
from incidents.postmortem.document.context import file_name
from incidents.postmortem.document.markdown import markdown
from incidents.postmortem.document.plot import plots_of
from incidents.postmortem.draft.passages import read_passages, write_passages
from incidents.postmortem.draft.sections import ASKED, COMPUTED, Section
from incidents.postmortem.draft.written import statements, waiver_words
from incidents.postmortem.lifecycle import request_postmortem
from incidents.postmortem.review import PostmortemChanged, ask_for_review, edit_section
from incidents.postmortem.selectors import OPEN, VIEWS, postmortem_figures, postmortem_page
from incidents.postmortem.sources import sources_of

REVIEW = ("review", "approval", "changes", "publication")
"""The steps of a review, as their addresses name them."""


@require_GET
@door(permission="view_incidents")
def postmortem_list(request: TenantRequest, tenant: str) -> HttpResponse:
    """The newest version of each incident's postmortem: who owns it, where it stands, for how long."""
    asked = request.GET.get("view", OPEN)
    view = asked if asked in VIEWS else OPEN
    severity = request.GET.get("severity", "").upper()
    filters = HubFilter(
        q=request.GET.get("q", "").strip()[:100],
        severities=(severity,) if severity in Severity.values else (),
        member_id=request.user.pk if "mine" in request.GET else None,
        kind="",
    )
    before = whole_number(request.GET.get("before", ""))
    context = {
        "view": view,
        "filters": filters,
        "figures": postmortem_figures(),
        "found": postmortem_page(filters=filters, view=view, now=now(), before=before),
    }
    return render(request, "incidents/postmortem/list.html", context)


@require_http_methods(["GET", "POST"])
@door(permission="view_incidents")
def postmortem(request: TenantRequest, tenant: str, number: int) -> HttpResponse:
    """Read the newest version, or `?version=`; POST has it drafted anew."""
    incident = reading.open_incident(number=number, actor=request.actor, now=now())
    if request.method == "POST":
        request_postmortem(incident=incident, actor=request.actor, now=now())
        return redirect("incidents:postmortem", tenant, number)
    versions = list(postmortems_of(incident=incident))
    wanted = request.GET.get("version", "")
    shown = next((each for each in versions if str(each.version) == wanted), versions[0] if versions else None)
    if wanted and (shown is None or str(shown.version) != wanted):
        raise NotFound(f"{incident.code} has no postmortem version {wanted[:9]}.")
    context = {
        "incident": incident,
        "postmortem": shown,
        "versions": versions,
        "is_newest": bool(versions) and shown == versions[0],
        "plots": plots_of(shown.charts) if shown else [],
        **(_shown(shown, may_write=_may_write(request, shown) and shown == versions[0]) if shown else {}),
        "computed": COMPUTED,
        "items": action_items(incident=incident),
        "can_approve": shown is not None and _may_approve(request, shown),
        "blank": [Written(key) for key in blank_sections(postmortem=shown)] if shown else [],
        "waiver": waiver_words(shown) if shown else "",
        "sent_back": _sent_back(versions),
        "panels": panels_at(place="postmortem.rail", request=request, subject=incident.ref),
        "sources": sources_of(postmortem=shown) if shown else None,
    }
    return render(request, "incidents/postmortem/page.html", context)


@require_http_methods(["GET", "POST"])
@door(permission="respond")
def section(request: TenantRequest, tenant: str, number: int, part: str) -> HttpResponse:
    """Edit one section. A preview writes nothing; a conflict shows the newest text beside the writer's own."""
    incident = reading.open_incident(number=number, actor=request.actor, now=now())
    newest = _newest(incident)
    seen = postmortem_version(incident=incident, version=request.POST.get("version", "") or newest.version)
    context = _form(incident, seen, part)
    if request.method == "GET":
        return render(request, "incidents/postmortem/section.html", context)
    context["text"] = text = request.POST.get("text", "")
    try:
        if "preview" in request.POST:
            context["preview"] = _preview(seen, context["section"], text, request)
            return render(request, "incidents/postmortem/section.html", context)
        edit_section(postmortem=seen, key=part, text=text, actor=request.actor, now=now())
    except PostmortemChanged as changed:
        context |= {"newest": changed.newest, "theirs": write_passages(_section(changed.newest, part)["blocks"])}
        context["postmortem"] = changed.newest
        return render(request, "incidents/postmortem/section.html", context, status=409)
    except Invalid as invalid:
        context["errors"] = invalid.fields
        return render(request, "incidents/postmortem/section.html", context, status=422)
    return redirect(f"{request.path.partition('/postmortem/')[0]}/postmortem/#{part}")


@require_POST
@door(permission="respond")
def review(request: TenantRequest, tenant: str, number: int, step: str) -> HttpResponse:
    """Ask for a review, approve, ask for changes or publish: of the version that the page showed."""
    incident = incident_by_number(number=number)
    if step not in REVIEW:
        raise NotFound("A postmortem is reviewed, approved, sent back or published.")
    shown = postmortem_version(incident=incident, version=request.POST.get("version", ""))
    said: dict[str, Any] = {"postmortem": shown, "actor": request.actor, "now": now()}
    if step == "review":
        ask_for_review(**said)
    elif step == "approval":
        without, reason = request.POST.getlist("without"), request.POST.get("reason", "")
        approve_postmortem(without=without, reason=reason, **said)
    elif step == "changes":
        request_changes(comment=request.POST.get("comment", ""), **said)
    else:
        publish_postmortem(**said)
    return redirect("incidents:postmortem", tenant, number)


@require_GET
@door(permission="view_incidents")
def postmortem_pdf(request: TenantRequest, tenant: str, number: int) -> HttpResponseBase:
    """The newest rendered version's PDF."""
    incident: Incident = reading.open_incident(number=number, actor=request.actor, now=now())
    rendered = rendered_postmortem(incident=incident)
    if rendered is None:
        raise NotFound("The PDF is not rendered yet.")
    stream = blobs.open_blob(tenant_id=request.tenant.id, digest=rendered.pdf_digest)
    name = file_name(incident=incident, postmortem=rendered, suffix="pdf")
    return FileResponse(stream, content_type="application/pdf", filename=name)


@require_GET
@door(permission="view_incidents")
def postmortem_md(request: TenantRequest, tenant: str, number: int) -> HttpResponse:
    """The newest version as Markdown."""
    incident: Incident = incident_by_number(number=number)
    newest = _newest(incident)
    text = markdown(incident=incident, postmortem=newest)
    return _attachment(text, "text/markdown", file_name(incident=incident, postmortem=newest, suffix="md"))


@require_GET
@door(permission="view_incidents")
def postmortem_json(request: TenantRequest, tenant: str, number: int) -> HttpResponse:
    """The newest version as canonical JSON: `content` is what `content_digest` is the SHA-256 of."""
    incident: Incident = incident_by_number(number=number)
    newest = _newest(incident)
    whole = {
        "incident": incident.code,
        "version": newest.version,
        "status": newest.status,
        "content": content_of(sections=newest.sections, metrics=newest.metrics, charts=newest.charts),
        "content_digest": newest.content_digest,
    }
    name = file_name(incident=incident, postmortem=newest, suffix="json")
    return _attachment(canonical_json(whole), "application/json", name)


def _shown(postmortem: Postmortem, *, may_write: bool) -> dict[str, Any]:
    """The headline, and the sections that say something; to those who may write them the others too, as questions."""
    headline, sections = postmortem.incident.title, []
    for each in postmortem.sections:
        blocks, question = statements(each), ASKED.get(each["key"], "")
        if each["key"] == "headline" and blocks:
            headline = blocks[0]["text"]
        if (blocks and each["key"] not in {"headline", "header"}) or (question and may_write and not blocks):
            sections.append({**each, "blocks": blocks, "question": question})
    has_headline = any(each["key"] == "headline" for each in postmortem.sections)
    return {"headline": headline, "has_headline": has_headline, "sections": sections}


def _may_write(request: TenantRequest, shown: Postmortem) -> bool:
    """Whether questions to its authors are for this reader: what is approved asks nobody anything."""
    return "respond" in request.actor.permissions and shown.approved_at is None


def _attachment(content: str | bytes, content_type: str, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type=f"{content_type}; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _newest(incident: Incident) -> Postmortem:
    newest = latest_postmortem(incident=incident)
    if newest is None:
        raise NotFound("There is no postmortem yet.")
    return newest


def _section(postmortem: Postmortem, key: str) -> Section:
    found: Section | None = next((each for each in postmortem.sections if each["key"] == key), None)
    if found is None:
        raise NotFound("The postmortem has no such section.")
    return found


def _form(incident: Incident, seen: Postmortem, key: str) -> dict[str, Any]:
    edited = _section(seen, key)
    text = "" if key in ASKED and not edited.get("edited") else write_passages(edited["blocks"])
    return {"incident": incident, "postmortem": seen, "section": edited, "text": text, "question": ASKED.get(key, "")}


def _preview(seen: Postmortem, edited: Section, text: str, request: TenantRequest) -> list[Any]:
    entry = newest_entry(incident=seen.incident) + 1
    return list(read_passages(text, before=edited["blocks"], entry=entry, writer=request.actor.name))


def _may_approve(request: TenantRequest, shown: Postmortem) -> bool:
    written = {author["ref"] for author in shown.authors}
    return "command" in request.actor.permissions and request.actor.ref not in written


def _sent_back(versions: list[Postmortem]) -> Postmortem | None:
    """The newest version that a reviewer sent back, until a review is asked for again."""
    for each in versions:
        if each.status != Postmortem.Status.DRAFT:
            return each if each.status == Postmortem.Status.CHANGES else None
    return None
