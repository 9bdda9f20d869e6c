"""Receipts: list by subject, read, and their proof of inclusion."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from ninja import Router, Schema, Status

from conductor.api.bytes_out import gives
from conductor.api.inputs import Limit
from conductor.api.paging import page
from conductor.api.requests.answers import kept_as
from conductor.ledger import selectors
from conductor.ledger.checking import check_receipt
from conductor.ledger.export import sigstore, tlog_proof
from conductor.ledger.export.stamping import request_stamp
from conductor.ledger.keys.keyring import keyring
from conductor.ledger.models import Checkpoint, Receipt
from conductor.lib.clock import now
from conductor.lib.errors import NotFound
from conductor.tenancy.actors import require
from conductor.tenancy.requests import TenantRequest

router = Router(tags=["receipts"])


class ReceiptOut(Schema):
    id: UUID
    action: str
    subject: str
    subject_name: str
    actor: str
    actor_name: str
    authentication: dict[str, Any] | None
    """How the actor was authenticated (docs/reference/receipts.md); null in receipts of before that was kept."""
    authenticated: str
    """The same in words."""
    occurred_at: datetime
    recorded_at: datetime
    body: dict[str, Any]
    links: list[str]
    body_digest: str
    leaf_index: int | None
    envelope: dict[str, Any] | None


class ReceiptPage(Schema):
    items: list[ReceiptOut]
    next_cursor: str


class ProofOut(Schema):
    """RFC 9162 inclusion proof of a receipt, to one checkpoint."""

    leaf_index: int
    tree_size: int
    leaf_hash: str
    root_hash: str
    hashes: list[str]
    checkpoint: str


class ConsistencyOut(Schema):
    """RFC 9162 consistency proof between two checkpoints of the tenant's log."""

    old_size: int
    new_size: int
    hashes: list[str]
    old_checkpoint: str
    new_checkpoint: str


class CheckOut(Schema):
    """One check of a receipt."""

    title: str
    state: str
    """ok, wait or bad."""
    detail: str


class VerificationOut(Schema):
    """The checks of a receipt, and what follows from them."""

    verdict: str
    is_verified: bool
    checks: list[CheckOut]


class TimestampOut(Schema):
    """Whether a stamp was newly asked for; False if there is one, or it was asked for already."""

    requested: bool


class CheckpointOut(Schema):
    tree_size: int
    root_hash: str
    note: str
    created_at: datetime


@router.get("", response=ReceiptPage, operation_id="list_receipts")
def list_receipts(
    request: TenantRequest, subject: str = "", action: str = "", cursor: str = "", limit: Limit = 50
) -> Any:
    """Receipts, newest first; of one subject or action if named."""
    require(actor=request.actor, permission="view_evidence")
    receipts = Receipt.objects.all()
    if subject:
        receipts = receipts.filter(subject=subject)
    if action:
        receipts = receipts.filter(action=action)
    return page(receipts, key="id", cursor=cursor, limit=limit)


@router.get("/checkpoint", response=CheckpointOut, operation_id="get_checkpoint")
def get_checkpoint(request: TenantRequest) -> Any:
    """The newest signed checkpoint of the tenant's log."""
    require(actor=request.actor, permission="view_evidence")
    checkpoint = Checkpoint.objects.order_by("-tree_size").first()
    if checkpoint is None:
        raise NotFound("Nothing has been sequenced yet.")
    return checkpoint


@router.get("/trust-root", response=dict[str, Any], operation_id="get_trust_root")
def get_trust_root(request: TenantRequest) -> Any:
    """What a verifier of this organisation's bundles must trust: `trustedRoot` (Sigstore) and `publicKeys` by hint.

    Hand it over by another way than the bundles.
    """
    require(actor=request.actor, permission="view_evidence")
    return sigstore.trust_root(tenant_id=request.tenant.id, keyring=keyring())


@router.get("/consistency", response=ConsistencyOut, operation_id="get_consistency_proof")
def get_consistency_proof(request: TenantRequest, old_size: int, new_size: int | None = None) -> Any:
    """The proof that the checkpoint at `new_size` (the newest one) extends the one at `old_size`: nothing was changed
    or removed in between. 404 where no checkpoint has that size."""
    require(actor=request.actor, permission="view_evidence")
    new = selectors.checkpoint_of(new_size) if new_size is not None else None
    return selectors.consistency_proof(old=selectors.checkpoint_of(old_size), new=new)


@router.get("/{receipt_id}", response=ReceiptOut, operation_id="get_receipt")
def get_receipt(request: TenantRequest, receipt_id: UUID) -> Any:
    """One receipt, with its signed envelope once it is sequenced."""
    require(actor=request.actor, permission="view_evidence")
    return _receipt(receipt_id)


@router.get("/{receipt_id}/proof", response=ProofOut, operation_id="get_receipt_proof")
def get_receipt_proof(request: TenantRequest, receipt_id: UUID, tree_size: int | None = None) -> Any:
    """The receipt's proof of inclusion in the newest checkpoint, or in that at `tree_size`.

    409 until it is sequenced, which takes a second or two.
    """
    require(actor=request.actor, permission="view_evidence")
    checkpoint = selectors.checkpoint_of(tree_size) if tree_size is not None else None
    return selectors.inclusion_proof(receipt=_receipt(receipt_id), checkpoint=checkpoint)


@router.get("/{receipt_id}/bundle", response=dict[str, Any], operation_id="get_receipt_bundle")
def get_receipt_bundle(request: TenantRequest, receipt_id: UUID) -> Any:
    """The receipt as a Sigstore bundle v0.3. 409 until it is sequenced."""
    require(actor=request.actor, permission="view_evidence")
    return sigstore.bundle(receipt=_receipt(receipt_id), keyring=keyring())


@router.get(
    "/{receipt_id}/tlog-proof",
    operation_id="get_receipt_tlog_proof",
    openapi_extra=gives(tlog_proof.MEDIA_TYPE.partition(";")[0]),
)
def get_receipt_tlog_proof(request: TenantRequest, receipt_id: UUID) -> HttpResponse:
    """The receipt's place in the log as a C2SP tlog-proof (text). 409 until it is sequenced."""
    require(actor=request.actor, permission="view_evidence")
    proof = selectors.inclusion_proof(receipt=_receipt(receipt_id))
    return HttpResponse(tlog_proof.write(proof), content_type=tlog_proof.MEDIA_TYPE)


@router.get("/{receipt_id}/verification", response=VerificationOut, operation_id="verify_receipt")
def verify_receipt(request: TenantRequest, receipt_id: UUID) -> Any:
    """What a verification of the receipt finds now: each check with its outcome in words."""
    require(actor=request.actor, permission="view_evidence")
    return check_receipt(receipt=_receipt(receipt_id), keyring=keyring(), tenant_slug=request.tenant.slug)


@router.post("/{receipt_id}/timestamp", response={202: TimestampOut}, operation_id="request_receipt_timestamp")
@kept_as(TimestampOut)
def request_receipt_timestamp(request: TenantRequest, receipt_id: UUID) -> Any:
    """Ask the organisation's notaries for a time stamp on the receipt's signature; the bundle has it soon after."""
    requested = request_stamp(receipt=_receipt(receipt_id), actor=request.actor, now=now())
    return Status(202, {"requested": requested})


def _receipt(receipt_id: UUID) -> Receipt:
    receipt = Receipt.objects.filter(id=receipt_id).first()
    if receipt is None:
        raise NotFound
    return receipt
