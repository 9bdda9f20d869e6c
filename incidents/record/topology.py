"""The incident's place in the graph: what it affects, who responds to it, which runs work on it."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from conductor.engine.models import Run
from conductor.graph.lifecycle import ensure_node, link, unlink
from conductor.graph.models import Edge, Node
from conductor.lib.refs import Ref, parse_ref, ref
from conductor.tenancy.actors import Actor
from incidents.models.incident import Incident

INCIDENT, PERSON, RUN = "incident", "user", "run"


def place(*, incident: Incident, now: datetime) -> Node:
    """Put the incident into the graph, or bring its node up to date."""
    return ensure_node(
        tenant_id=incident.tenant_id,
        kind=INCIDENT,
        key=str(incident.id),
        name=str(incident),
        now=now,
        ref=incident.ref,
        environment=incident.environment,
        attributes={"severity": incident.severity, "number": incident.number},
    )


def find_resource(*, incident: Incident) -> Node | None:
    """Return the resource that the incident's `service` names in its environment; None if it names none, or several.

    A name matches a node's name or key; `ledger-core` also matches the key `production/ledger-core`.
    """
    if not incident.service:
        return None
    named = Q(name=incident.service) | Q(key=incident.service)
    resources = Node.objects.filter(ref="").select_related("environment")
    if incident.environment:
        slug = incident.environment.slug
        resources = resources.filter(Q(environment=incident.environment) | Q(environment=None))
        named |= Q(key=f"{slug}/{incident.service}")
    found = list(resources.filter(named)[:3])
    # Where a service and, say, its database share a name, the service is meant.
    services = [node for node in found if node.kind == "service"]
    candidates = services or found
    return candidates[0] if len(candidates) == 1 else None


def link_service(*, incident: Incident, actor: Actor, now: datetime) -> Node | None:
    """Let the incident affect the resource that its service names; return that resource, if there is one."""
    node = place(incident=incident, now=now)
    resource = find_resource(incident=incident)
    if resource is not None:
        link(tenant_id=incident.tenant_id, source=node, target=resource, kind=Edge.Kind.AFFECTS, actor=actor, now=now)
    return resource


def unlink_service(*, incident: Incident, now: datetime) -> None:
    """End the link to the resource that the incident's service names, if there is one."""
    resource = find_resource(incident=incident)
    edge = Edge.objects.filter(source__ref=incident.ref, target=resource, kind=Edge.Kind.AFFECTS, ended_at=None).first()
    if resource is not None and edge is not None:
        unlink(edge=edge, now=now)


def link_responder(*, incident: Incident, user_id: int, name: str, actor: Actor, now: datetime) -> None:
    """Let the person respond to the incident."""
    person = ensure_node(
        tenant_id=incident.tenant_id,
        kind=PERSON,
        key=str(user_id),
        name=name,
        now=now,
        ref=ref("tenancy.user", user_id),
    )
    target = place(incident=incident, now=now)
    link(tenant_id=incident.tenant_id, source=person, target=target, kind=Edge.Kind.RESPONDS_TO, actor=actor, now=now)


def unlink_responder(*, incident: Incident, user_id: int, now: datetime) -> None:
    """End the person's link to the incident, if there is one."""
    edge = Edge.objects.filter(
        source__kind=PERSON, source__key=str(user_id), target__ref=incident.ref, ended_at=None
    ).first()
    if edge is not None:
        unlink(edge=edge, now=now)


def place_run(*, run: Run, now: datetime) -> Node:
    """Put the run into the graph, or bring its node up to date."""
    return ensure_node(
        tenant_id=run.tenant_id,
        kind=RUN,
        key=str(run.id),
        name=f"{run.code} {run.title}",
        now=now,
        ref=ref("conductor.run", run.id),
    )


def link_run(*, incident: Incident, run: Run, actor: Actor, now: datetime) -> None:
    """Let the run act on the incident."""
    source = place_run(run=run, now=now)
    target = place(incident=incident, now=now)
    link(tenant_id=incident.tenant_id, source=source, target=target, kind=Edge.Kind.ACTED_ON, actor=actor, now=now)


def user_of(reference: Ref) -> int | None:
    """Return the user's id that a Ref names; None when it names a program or Conductor itself."""
    kind, identifier = parse_ref(reference)
    return int(identifier) if kind == "tenancy.user" else None
