"""`{% load charts %}`: small charts, drawn by the server as SVG. conductor.console.format.charts has their geometry."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from conductor.console.format import charts

register = template.Library()

_STEP_KINDS = {
    "SUCCEEDED": "ok",
    "FAILED": "bad",
    "RUNNING": "run",
    "WAITING": "wait",
}


@register.simple_tag
def sparkline(values: Sequence[float | int | None]) -> SafeString:
    """`{% sparkline figures.to_resolve.by_week %}`: decoration beside the number that it ends in; "" without a line."""
    points = charts.sparkline(values)
    if not points:
        return mark_safe("")
    x, y = points[-1]
    return format_html(
        '<svg class="spark" viewBox="0 0 72 24" aria-hidden="true"><polyline points="{}"/>'
        '<circle class="end" cx="{}" cy="{}" r="2.5"/></svg>',
        " ".join(f"{a},{b}" for a, b in points),
        x,
        y,
    )


@register.simple_tag
def step_marks(steps: Iterable[Any]) -> SafeString:
    """`{% step_marks run.steps.all %}`: one mark per step by its status, and how many are done in words."""
    listed = [step for step in steps if not (step.is_cleanup and step.status in {"PENDING", "SKIPPED"})]
    done = sum(step.status == "SUCCEEDED" for step in listed)
    return _marks([_STEP_KINDS.get(step.status, "idle") for step in listed], f"{done} of {len(listed)} steps done")


def _marks(kinds: list[str], words: str) -> SafeString:
    drawn = format_html_join(
        "",
        '<rect class="{}"{} x="{}" y="2" width="{}" height="10" rx="2"/>',
        (
            (mark.kind, mark_safe(' fill="url(#p-fail)"') if mark.kind == "bad" else "", mark.x, mark.width)
            for mark in charts.marks(kinds)
        ),
    )
    return format_html('<svg class="marks" viewBox="0 0 76 14" role="img" aria-label="{}">{}</svg>', words, drawn)
