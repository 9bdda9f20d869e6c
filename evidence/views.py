"""The pages of evidence and controls. Doors: each makes one call and renders."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from conductor.console.doors import door
from conductor.lib.clock import now
from conductor.lib.errors import NotFound
from conductor.tenancy.models import Environment
from conductor.tenancy.requests import TenantRequest
from controls import selectors as controls
from controls.lifecycle import start_restore_verification
from evidence import downloads
from evidence.bundles import selectors as bundles_selectors
from evidence.bundles.selectors import artifact_of, bundle_by_id, bundle_figures, bundle_rows, bundles, pack_by_id
from evidence.bundles.verification import verify_bundle
from evidence.coverage import selectors as coverage_selectors
from evidence.coverage.selectors import catalogue
from evidence.models import EvidenceBundle
from evidence.packs import lifecycle as packs_lifecycle

SHOWN = 100
"""Bundles of one page of the list; older ones are a link away."""
MOST_DIGITS = 9
"""Of a bundle's number."""


@require_GET
@door(permission="view_evidence")
def bundle_list(request: TenantRequest, tenant: str) -> HttpResponse:
    """Bundles, newest first; of a family and month where a cell of the controls' heat map leads here."""
    status = request.GET.get("status", "").upper()
    search = request.GET.get("q", "").strip()[:100]
    known = status if status in EvidenceBundle.Status.values else ""
    framework, _, group = request.GET.get("family", "").partition(":")
    month = _month(request.GET.get("month", ""))
    before = request.GET.get("before", "")
    found = bundles(status=known, family=(framework, group) if group else None, month=month, search=search)
    if before.isdecimal() and len(before) <= MOST_DIGITS:
        found = found.filter(number__lt=int(before))
    rows = bundle_rows(found[: SHOWN + 1])
    context = {
        "rows": rows[:SHOWN],
        "older": rows[SHOWN - 1].bundle.number if len(rows) > SHOWN else None,
        "before": before,
        "carried": [(name, request.GET[name]) for name in ("status", "family", "month") if request.GET.get(name)],
        "figures": bundle_figures(),
        "status": known,
        "q": search,
        "family": group,
        "framework": framework,
        "month": month,
    }
    return render(request, "evidence/bundles/list.html", context)


def _month(text: str) -> date | None:
    """Return the first day of "2026-11"; None for anything else."""
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        return None


@require_GET
@door(permission="view_evidence")
def bundle_detail(request: TenantRequest, tenant: str, number: int) -> HttpResponse:
    """A bundle and its chain of trust, verified as the page is made."""
    bundle = bundle_by_id(str(number))
    report = verify_bundle(bundle)
    detail = bundles_selectors.bundle_detail(bundle=bundle, artifacts=[check.artifact for check in report.artifacts])
    context = {
        "detail": detail,
        "bundle": detail.bundle,
        "report": report,
        "checked_at": now(),
        "checked_again": "verified" in request.GET,
        "damaged": {check.artifact.path for check in report.artifacts if not check.matches},
    }
    return render(request, "evidence/bundles/bundle.html", context)


@require_POST
@door(permission="collect_evidence")
def request_pack(request: TenantRequest, tenant: str, number: int) -> HttpResponse:
    """Generate Evidence Pack."""
    packs_lifecycle.request_pack(bundle=bundle_by_id(str(number)), actor=request.actor, now=now())
    return redirect("evidence:bundle", tenant, number)


@require_GET
@door(permission="view_evidence")
def artifact(request: TenantRequest, tenant: str, number: int, artifact_id: UUID) -> HttpResponseBase:
    """An artifact's bytes."""
    bundle = bundle_by_id(str(number))
    return downloads.artifact_download(artifact_of(bundle=bundle, artifact_id=artifact_id))


@require_GET
@door(permission="view_evidence")
def pack_file(request: TenantRequest, tenant: str, pack_id: UUID, ending: str) -> HttpResponseBase:
    """A pack as PDF or ZIP."""
    pack = pack_by_id(pack_id)
    if ending not in {"pdf", "zip"}:
        raise NotFound
    return downloads.pack_pdf(pack) if ending == "pdf" else downloads.pack_zip(pack)


@require_GET
@door(permission="view_controls")
def control_list(request: TenantRequest, tenant: str) -> HttpResponse:
    """The catalogue of one framework with its coverage."""
    search = request.GET.get("q", "").strip()[:100]
    shown = catalogue(framework=request.GET.get("framework", "SOC2"), search=search, now=now())
    return render(request, "evidence/coverage/list.html", {"shown": shown, "framework": shown.framework, "q": search})


@require_GET
@door(permission="view_controls")
def control_detail(request: TenantRequest, tenant: str, key: str) -> HttpResponse:
    """One control: workflows, evidence, related controls."""
    detail = coverage_selectors.control_detail(control=controls.control_by_id(key), now=now())
    return render(request, "evidence/coverage/control.html", {"detail": detail, "control": detail.row.control})


@require_POST
@door(permission="run_controls")
def start_restore(request: TenantRequest, tenant: str) -> HttpResponse:
    """Start the backup and restore verification of an environment."""
    environment = get_object_or_404(Environment, slug=request.POST.get("environment", "production"))
    run = start_restore_verification(
        tenant_id=request.tenant.id, environment=environment, actor=request.actor, now=now()
    )
    return redirect("console:run", tenant, run.number)
