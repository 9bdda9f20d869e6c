"""`{% load receipts %}`: the receipt of a row among those that a view has fetched, and where receipts lead."""

from __future__ import annotations

from collections.abc import Mapping

from django import template
from django.template.context import Context
from django.urls import reverse

from conductor.ledger.models import Receipt
from conductor.lib.refs import ref

register = template.Library()


@register.simple_tag
def receipt_of(receipts: Mapping[str, Receipt], step_id: object) -> Receipt | None:
    """`{% receipt_of step_receipts step.id as receipt %}`: the newest receipt of the step, or None."""
    return receipts.get(ref("conductor.step", step_id))


@register.simple_tag(takes_context=True)
def receipt_href(context: Context, receipt: Receipt, form: str = "") -> str:
    """`{% receipt_href receipt %}`: the page that verifies it; with a form ("sigstore.json"), the proof as a file.

    Taken from the request, which `include … only` leaves in place, so that a table of receipts needs no tenant.
    """
    slug = context.request.tenant.slug  # type: ignore[attr-defined]
    if form:
        return reverse("console:receipt_proof", args=[slug, receipt.id, form])
    return reverse("console:receipt", args=[slug, receipt.id])
