"""Reads one incident's whole record: what the postmortem is drafted from and the detail page is built on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from conductor.graph.models import Edge, Node
from conductor.graph.selectors import Neighbourhood, neighbourhood, node_for
from conductor.metering.selectors import CostLine, cost_of
from incidents.models.action_item import ActionItem
from incidents.models.choices import SIDE_EXITS, UPDATES, EventKind, Kind, Role, Severity, Status
from incidents.models.history import StatusTransition, TimelineEvent
from incidents.models.incident import Incident
from incidents.models.obligation import Obligation
from incidents.models.people import RoleAssignment
from incidents.postmortem.control_findings import ControlFinding
from incidents.postmortem.measures import Chart
from incidents.record.metered import metered_for
from incidents.record.metrics import Metric, Milestones, measure_all
from incidents.response.policy import policy_at


@dataclass(frozen=True)
class Story:
    """An incident and everything that the record says about it."""

    incident: Incident
    transitions: list[StatusTransition]
    """By seq."""
    roles: list[RoleAssignment]
    """By the time they were assumed."""
    events: list[TimelineEvent]
    """Oldest first, without gaps."""
    milestones: Milestones
    metrics: list[Metric]
    charts: list[Chart]
    """What the metrics sources said, as the newest MEASURES_READ entry vouches for it."""
    findings: list[ControlFinding]
    """What evidence said of controls, as the newest CONTROLS_READ entry vouches for it."""
    actions: list[ActionItem]
    """By number."""
    costs: list[CostLine]
    controls: list[Node]
    """Controls that are linked to the incident in the graph, directly or through a run or a bundle."""
    proofs: dict[str, list[str]]
    """The codes of the controls that each bundle near it is evidence for, by the bundle's name."""
    update_every: timedelta
    """The longest silence that the policy in force at the declaration allows while it is open."""
    required_roles: list[Role]
    """The roles that the policy in force at the declaration asks for at this severity."""
    duties: list[Obligation]
    """Reporting obligations that were armed, by regime and in the order of arming."""

    def of(self, *kinds: EventKind) -> list[TimelineEvent]:
        """Return the entries of these kinds, oldest first."""
        return [event for event in self.events if event.kind in kinds]

    @property
    def seqs(self) -> list[int]:
        """The first and the last entry: what a statement about the whole record rests on."""
        numbers = [event.seq for event in self.events]
        return sorted({numbers[0], numbers[-1]})


def read_story(*, incident: Incident, charts: Sequence[Chart] = (), findings: Sequence[ControlFinding] = ()) -> Story:
    """Return the incident's record with what metrics sources and evidence said. As many queries, however long it is."""
    incident = Incident.objects.select_related("environment").get(id=incident.id)
    transitions = list(StatusTransition.objects.filter(incident=incident).order_by("seq"))
    roles = list(RoleAssignment.objects.filter(incident=incident).order_by("assumed_at", "id"))
    events = list(TimelineEvent.objects.filter(incident=incident).order_by("seq"))
    milestones = milestones_of(
        incident=incident,
        transitions=transitions,
        commanded=_first(each.assumed_at for each in roles if each.role == Role.COMMANDER),
        updated=_first(each.occurred_at for each in events if each.kind in UPDATES),
    )
    metrics = measure_all(milestones=milestones, transitions=transitions)
    policy = policy_at(incident.declared_at).content
    node = node_for(kind="incident", key=str(incident.id))
    near = neighbourhood(node=node, hops=2) if node else None
    return Story(
        incident=incident,
        transitions=transitions,
        roles=roles,
        events=events,
        milestones=milestones,
        metrics=metrics,
        charts=list(charts),
        findings=list(findings),
        actions=list(ActionItem.objects.filter(incident=incident).order_by("number")),
        costs=cost_of(events=metered_for(incident=incident)),
        controls=_controls(near),
        proofs=_proofs(near),
        update_every=policy.cadence.gap(severity=incident.severity, status="OPEN"),
        required_roles=policy.required_roles.get(Severity(incident.severity), []),
        duties=list(Obligation.objects.filter(incident=incident).order_by("regime", "armed_at", "id")),
    )


def _controls(near: Neighbourhood | None) -> list[Node]:
    return sorted((each for each in near.nodes if each.kind == "control"), key=lambda each: each.name) if near else []


def _proofs(near: Neighbourhood | None) -> dict[str, list[str]]:
    if near is None:
        return {}
    names = {node.id: node.name for node in near.nodes}
    found: dict[str, set[str]] = {}
    for edge in near.edges:
        if edge.kind == Edge.Kind.EVIDENCES and edge.source_id in names and edge.target_id in names:
            found.setdefault(names[edge.source_id], set()).add(names[edge.target_id].partition(" ")[0])
    return {bundle: sorted(found[bundle]) for bundle in sorted(found)}


def milestones_of(
    *,
    incident: Incident,
    transitions: Iterable[StatusTransition] = (),
    commanded: datetime | None = None,
    updated: datetime | None = None,
) -> Milestones:
    """Return the incident's milestones; `transitions`, by seq, tell which of them were inferred."""
    inferred: set[str] = set()
    firsts: set[str] = set()
    for transition in transitions:
        name = transition.to_status.lower()
        if name == "mitigated" and name in firsts:
            continue
        firsts.add(name)
        (inferred.add if transition.inferred else inferred.discard)(name)
    return Milestones(
        detected=incident.detected_at,
        declared=incident.declared_at,
        acknowledged=incident.acknowledged_at,
        commanded=commanded,
        updated=updated,
        mitigated=incident.mitigated_at,
        monitoring=incident.monitoring_at,
        resolved=incident.resolved_at if incident.status == Status.RESOLVED else None,
        inferred=frozenset(inferred),
        impact_started=incident.impact_started_at,
        impact_ended=incident.impact_ended_at,
        is_over=not incident.is_active,
        excluded=excluded_because(incident),
    )


def excluded_because(incident: Incident) -> str:
    """Say why the incident's durations count nowhere; empty where they do."""
    if incident.status in SIDE_EXITS:
        return f"It was {incident.get_status_display().lower()}: no incident of its own."
    if incident.kind == Kind.PRACTICE:
        return "It was practice."
    return ""


def _first(moments: Iterable[datetime]) -> datetime | None:
    return min(moments, default=None)
