"""Panels by place: how one app shows its part on another app's page without either importing the other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from conductor.lib.refs import Ref

ContextOf = Callable[[HttpRequest, Ref], dict[str, Any] | None]


@dataclass(frozen=True)
class Panel:
    """A piece of page: its template, and a function that gives its variables, or None to stay away."""

    name: str
    order: int
    template: str
    context: ContextOf


@dataclass(frozen=True)
class ShownPanel:
    """A panel with its variables, ready to be included."""

    name: str
    template: str
    context: dict[str, Any]


_panels: dict[str, dict[str, Panel]] = defaultdict(dict)


def register_panel(*, place: str, name: str, order: int, template: str, context: ContextOf) -> None:
    """Show `template` at `place` (for example `incident.rail`). Called in AppConfig.ready()."""
    _panels[place][name] = Panel(name, order, template, context)


def panels_at(*, place: str, request: HttpRequest, subject: Ref) -> list[ShownPanel]:
    """Return the panels of `place` that have something to show about `subject`, in order."""
    shown = []
    for panel in sorted(_panels[place].values(), key=lambda each: each.order):
        context = panel.context(request, subject)
        if context is not None:
            shown.append(ShownPanel(panel.name, panel.template, context))
    return shown
