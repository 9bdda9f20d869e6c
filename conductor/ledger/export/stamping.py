"""Asking for time stamps on receipts' signatures, so that they can be exported with a time that others vouch for."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction

from conductor.ledger import anchors
from conductor.ledger.export.sigstore import signature_digest, stamps_of
from conductor.ledger.models import Receipt
from conductor.ledger.receipts import append
from conductor.ledger.selectors import NotYetSequenced
from conductor.lib.refs import parse_ref, ref
from conductor.tenancy.actors import Actor, require

REQUESTED: Final = "ledger.timestamp.requested"
ALWAYS: Final = ("evidence.bundle.sealed", "evidence.pack.generated")
"""Acts whose receipts are stamped without anybody's asking: auditors take them away."""
LOOK_BACK: Final = timedelta(days=7)
"""How long a notary that does not answer is asked again."""
AT_ONCE: Final = 50


def request_stamp(*, receipt: Receipt, actor: Actor, now: datetime) -> bool:
    """Ask for a time stamp on the receipt's signature; return False if it has one or was asked for already.

    The act is a receipt itself, which is what the worker goes by: nothing is lost with a message.
    """
    require(actor=actor, permission="collect_evidence")
    if receipt.leaf_index is None:
        raise NotYetSequenced
    subject = ref(anchors.RECEIPT, receipt.id)
    with transaction.atomic():
        Receipt.objects.select_for_update(of=("self",)).filter(id=receipt.id).first()
        if is_requested(receipt) or stamps_of(receipt):
            return False
        append(
            tenant_id=receipt.tenant_id,
            action=REQUESTED,
            subject=subject,
            subject_name=f"{receipt.action}, log entry {receipt.leaf_index}",
            actor=actor,
            now=now,
        )
    return True


def is_requested(receipt: Receipt) -> bool:
    """Return whether a stamp was asked for."""
    return Receipt.objects.filter(subject=ref(anchors.RECEIPT, receipt.id), action=REQUESTED).exists()


def waiting(*, now: datetime) -> list[Receipt]:
    """Return the receipts that are to be stamped and are not, oldest first; some at a time. Needs the scope."""
    since = now - LOOK_BACK
    requests = Receipt.objects.filter(action=REQUESTED, recorded_at__gte=since).values_list("subject", flat=True)
    asked = [UUID(parse_ref(each)[1]) for each in requests]
    logged = Receipt.objects.exclude(leaf_index=None)
    wanted = logged.filter(action__in=ALWAYS, recorded_at__gte=since) | logged.filter(id__in=asked)
    candidates = {ref(anchors.RECEIPT, each.id): each for each in wanted.order_by("leaf_index")}
    done = {each.subject for each in anchors.anchors().stamps(subjects=list(candidates)) if each.is_rfc3161}
    return [receipt for subject, receipt in candidates.items() if subject not in done][:AT_ONCE]


def stamp(*, receipt: Receipt, now: datetime) -> int:
    """Have the tenant's notaries stamp the receipt's signature; return how many have. Not inside a transaction."""
    return anchors.anchors().request(
        tenant_id=receipt.tenant_id,
        subject=ref(anchors.RECEIPT, receipt.id),
        digest=signature_digest(receipt),
        now=now,
    )
