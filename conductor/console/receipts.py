"""Pages of the ledger: receipts, one of them verified in words, and its proofs as files for others."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from conductor.console.doors import door
from conductor.ledger import selectors
from conductor.ledger.anchors import anchored_size
from conductor.ledger.checking import check_receipt
from conductor.ledger.export import sigstore, tlog_proof
from conductor.ledger.export.stamping import is_requested, request_stamp
from conductor.ledger.keys.keyring import keyring
from conductor.ledger.models import Receipt
from conductor.lib.clock import now
from conductor.lib.errors import NotFound
from conductor.lib.refs import Ref, parse_ref
from conductor.policy.models import PolicyDecision
from conductor.tenancy.requests import TenantRequest

SHOWN = 50
DECISION = "conductor.policy_decision"


@require_GET
@door(permission="view_evidence")
def receipt_list(request: TenantRequest, tenant: str) -> HttpResponse:
    """The tenant's receipts, newest first; with `?about=<ref>` those of one record. `before` is the page's cursor."""
    about = request.GET.get("about", "")[:120]
    receipts = selectors.receipts_for(about) if about else Receipt.objects.all()
    before = _uuid(request.GET.get("before", ""))
    if before is not None:
        receipts = receipts.filter(id__lt=before)
    shown = list(receipts.order_by("-id")[: SHOWN + 1])
    newest = selectors.latest_checkpoint()
    context = {
        "receipts": shown[:SHOWN],
        "older": shown[SHOWN - 1].id if len(shown) > SHOWN else None,
        "about": about,
        "newest": newest,
        "anchored": anchored_size(),
        "pending": Receipt.objects.filter(leaf_index=None).count(),
    }
    return render(request, "console/receipts/list.html", context)


@require_GET
@door(permission="view_evidence")
def receipt_detail(request: TenantRequest, tenant: str, receipt_id: UUID) -> HttpResponse:
    """One receipt, verified now: what it says, whether it holds, who else has seen it, and its proofs as files."""
    receipt = _receipt(receipt_id)
    report = check_receipt(receipt=receipt, keyring=keyring(), tenant_slug=request.tenant.slug)
    context = {
        "receipt": receipt,
        "report": report,
        "checked_at": now(),
        "checked_again": "verified" in request.GET,
        "said": json.dumps(receipt.body, indent=2, ensure_ascii=False, sort_keys=True),
        "about": [_thing(receipt.subject, receipt.subject_name), *(_thing(each) for each in receipt.links)],
        "decisions": _decisions(receipt),
        "may_ask": receipt.leaf_index is not None and not report.stamps,
        "asked": is_requested(receipt) if not report.stamps else False,
    }
    return render(request, "console/receipts/receipt.html", context)


@require_GET
@door(permission="view_evidence")
def receipt_proof(request: TenantRequest, tenant: str, receipt_id: UUID, form: str) -> HttpResponseBase:
    """The receipt's proof as a file: `sigstore.json`, `tlog-proof` or `dsse.json`."""
    receipt = _receipt(receipt_id)
    if form == "tlog-proof":
        text = tlog_proof.write(selectors.inclusion_proof(receipt=receipt))
        return _file(text, f"receipt-{receipt.id}.tlog-proof", tlog_proof.MEDIA_TYPE)
    if form == "sigstore.json":
        return _json(sigstore.bundle(receipt=receipt, keyring=keyring()), f"receipt-{receipt.id}.sigstore.json")
    if receipt.envelope is None:
        raise selectors.NotYetSequenced
    return _json(receipt.envelope, f"receipt-{receipt.id}.dsse.json")


@require_GET
@door(permission="view_evidence")
def trust_root(request: TenantRequest, tenant: str) -> HttpResponseBase:
    """What a verifier of this organisation's proofs must trust, as a file."""
    root = sigstore.trust_root(tenant_id=request.tenant.id, keyring=keyring())
    return _json(root, f"trust-root-{tenant}.json")


@require_POST
@door(permission="collect_evidence")
def receipt_stamp(request: TenantRequest, tenant: str, receipt_id: UUID) -> HttpResponse:
    """Ask the notaries for a time stamp, then show the receipt again."""
    requested = request_stamp(receipt=_receipt(receipt_id), actor=request.actor, now=now())
    if requested:
        messages.success(request, "Asked. The time stamp is here as soon as a notary has answered.")
    return redirect("console:receipt", tenant, receipt_id)


def _receipt(receipt_id: UUID) -> Receipt:
    receipt = Receipt.objects.filter(id=receipt_id).first()
    if receipt is None:
        raise NotFound
    return receipt


def _decisions(receipt: Receipt) -> list[PolicyDecision]:
    named = [parse_ref(each)[1] for each in [receipt.subject, *receipt.links] if each.startswith(f"{DECISION}:")]
    return list(PolicyDecision.objects.filter(id__in=named).order_by("decided_at")) if named else []


def _thing(named: Ref, name: str = "") -> dict[str, str]:
    """Return a reference as it is shown: its kind in words, and a name or the end of its id."""
    kind, identifier = parse_ref(named)
    words = kind.rpartition(".")[2].replace("_", " ").capitalize()
    return {"ref": named, "kind": words, "name": name or f"…{identifier[-8:]}"}


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _json(value: Any, name: str) -> HttpResponse:
    return _file(json.dumps(value, indent=2) + "\n", name, "application/json")


def _file(text: str, name: str, media_type: str) -> HttpResponse:
    response = HttpResponse(text, content_type=media_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "private, no-store"
    return response
