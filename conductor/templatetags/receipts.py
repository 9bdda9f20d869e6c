"""`{% load receipts %}`: finding the receipt of a row among those that a view has fetched."""

from __future__ import annotations

from collections.abc import Mapping

from django import template

from conductor.ledger.models import Receipt
from conductor.lib.refs import ref

register = template.Library()


@register.simple_tag
def receipt_of(receipts: Mapping[str, Receipt], step_id: object) -> Receipt | None:
    """`{% receipt_of step_receipts step.id as receipt %}`: the newest receipt of the step, or None."""
    return receipts.get(ref("conductor.step", step_id))
