"""Bundles in the graph: part of a run or an incident from their opening, evidence for controls once sealed."""

from __future__ import annotations

from datetime import datetime

from conductor.engine.models import Run
from conductor.graph.lifecycle import ensure_node, link
from conductor.graph.models import Edge, Node
from conductor.graph.selectors import node_for
from conductor.lib.refs import Ref, ref
from conductor.tenancy.actors import Actor
from evidence.models import EvidenceBundle


def place_bundle(*, bundle: EvidenceBundle, actor: Actor, now: datetime) -> Node:
    """Make the bundle's node, part of its run and its incident. Needs the verb's transaction."""
    tenant_id = bundle.tenant_id
    node = ensure_node(
        tenant_id=tenant_id,
        kind="bundle",
        key=str(bundle.id),
        # Its incident may become private, and its title may say the incident's: a node is seen by everybody here.
        name=f"{bundle.code} about {bundle.incident.code}" if bundle.incident else f"{bundle.code} {bundle.title}",
        ref=bundle.ref,
        environment=bundle.environment,
        now=now,
    )
    wholes = []
    if bundle.run is not None:
        wholes.append(_standing(bundle, "run", ref("conductor.run", bundle.run.id), _run_name(bundle.run), now))
    if bundle.incident is not None:
        wholes.append(_standing(bundle, "incident", bundle.incident.ref, str(bundle.incident), now))
    for whole in wholes:
        link(tenant_id=tenant_id, source=node, target=whole, kind=Edge.Kind.PART_OF, actor=actor, now=now)
    return node


def state_evidence(*, bundle: EvidenceBundle, actor: Actor, now: datetime) -> None:
    """Link the sealed bundle to each control that it is evidence for. Needs the verb's transaction."""
    node = place_bundle(bundle=bundle, actor=actor, now=now)
    for cover in bundle.covers.select_related("control"):
        control = cover.control
        target = _standing(
            bundle, "control", ref("controls.control", control.id), f"{control.alias} {control.label}", now
        )
        link(tenant_id=bundle.tenant_id, source=node, target=target, kind=Edge.Kind.EVIDENCES, actor=actor, now=now)


def affected_resources(*, bundle: EvidenceBundle) -> list[dict[str, str]]:
    """Return the resources that the bundle's incident affects in the graph now, by key; none without an incident."""
    if bundle.incident is None:
        return []
    edges = Edge.objects.filter(source__ref=bundle.incident.ref, kind=Edge.Kind.AFFECTS, ended_at=None)
    nodes = sorted((edge.target for edge in edges.select_related("target")), key=lambda node: (node.kind, node.key))
    return [{"kind": node.kind, "key": node.key, "name": node.name} for node in nodes]


def _run_name(run: Run) -> str:
    return f"{run.code} {run.title}"


def _standing(bundle: EvidenceBundle, kind: str, about: Ref, name: str, now: datetime) -> Node:
    """Return the node of a row of another app, as that app made it, or made here if it did not."""
    key = about.partition(":")[2]
    found = node_for(kind=kind, key=key)
    return found or ensure_node(tenant_id=bundle.tenant_id, kind=kind, key=key, name=name, ref=about, now=now)
