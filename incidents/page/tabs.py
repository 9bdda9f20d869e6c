"""What the tabs of the incident page need, each only when it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from conductor.console.format.metered import metered, priced_words, totals
from conductor.graph.models import Edge, Node
from incidents.access.selectors import runs_of
from incidents.followups.ticket_selectors import tickets_context, tickets_of
from incidents.links.lifecycle import BETWEEN_INCIDENTS, WITH_RUNS, can_end
from incidents.links.related import related_to
from incidents.links.surroundings import Surroundings
from incidents.models.choices import SIDE_EXITS, Closure, Impact, Question, Reply, Status, TaskState, Urgency
from incidents.models.incident import Incident
from incidents.models.obligation import Obligation
from incidents.models.people import Task
from incidents.page.cost import cost_so_far
from incidents.record.moves import MOVES
from incidents.reporting.rules import ANCHORS


@dataclass(frozen=True)
class LinkShown:
    """A link of the incident, from whichever end."""

    edge: Edge
    other: Node
    words: str
    """How it is tied: "This affects it", "acted on this"."""
    can_end: bool
    """Whether somebody may end it; else it follows from an act."""


def context_of(*, tab: str, incident: Incident, found: Surroundings, now: datetime) -> dict[str, Any]:
    """Return the variables of the tab's own template; empty for tabs that have none. Five queries at most."""
    if tab == "links":
        return _links(incident, found)
    if tab == "runs":
        return _runs(incident, now)
    makers = {"tasks": _tasks, "assessment": _assessment, "tickets": _tickets}
    return makers[tab](incident) if tab in makers else {}


def exits(incident: Incident) -> list[tuple[str, str]]:
    """Return the ways out of the way that the incident has now, but for merging."""
    moves = [move.to for move in MOVES[Status(incident.status)] if move.to in SIDE_EXITS and move.needs_closure]
    return [(each.value, str(each.label)) for each in moves]


def closures() -> list[tuple[str, str]]:
    """Return the words for what was no incident."""
    return [(value, str(label)) for value, label in Closure.choices]


def _runs(incident: Incident, now: datetime) -> dict[str, Any]:
    lines = cost_so_far(incident=incident, now=now)
    return {
        "runs": runs_of(incident=incident),
        "costs": [(metered(line), priced_words(line), line.amount is not None) for line in lines],
        "total": totals(lines),
        "unpriced": sum(line.amount is None for line in lines),
    }


def _tasks(incident: Incident) -> dict[str, Any]:
    return {"tasks": list(Task.objects.filter(incident=incident)), "task_states": TaskState.choices}


def _assessment(incident: Incident) -> dict[str, Any]:
    found = Obligation.objects.filter(incident=incident).order_by("regime", "armed_at", "id")
    return {
        "duties": [(regime, list(stages)) for regime, stages in groupby(found, key=lambda each: each.regime)],
        "questions": [(each.value, each.label, incident.answers.get(each.value, "")) for each in Question],
        "replies": Reply.choices,
        "impacts": Impact.choices,
        "urgencies": Urgency.choices,
        "anchors": ANCHORS,
    }


def _tickets(incident: Incident) -> dict[str, Any]:
    return tickets_context(tickets=tickets_of(incident=incident), incident=incident)


def _links(incident: Incident, found: Surroundings) -> dict[str, Any]:
    kinds = dict.fromkeys([*BETWEEN_INCIDENTS, *WITH_RUNS])
    return {
        "links": [_shown(incident, edge) for edge in found.edges],
        "suggestions": related_to(incident=incident),
        "kinds": [(each.value, each.label) for each in kinds],
    }


def _shown(incident: Incident, edge: Edge) -> LinkShown:
    leads_here = edge.target.ref == incident.ref
    words = f"{edge.get_kind_display()} this" if leads_here else f"This {edge.get_kind_display()} it"
    return LinkShown(edge, edge.source if leads_here else edge.target, words, can_end(incident=incident, edge=edge))
