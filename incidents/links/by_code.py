"""The verb that ties an incident to whatever somebody names: an incident, a run, a bundle, a resource, a page."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, TypeVar

from conductor.engine.models import Run
from conductor.graph.models import Edge, Node
from conductor.lib.errors import Invalid
from conductor.tenancy.actors import Actor, require
from incidents.links.lifecycle import BUNDLE, affect_resource, attach_bundle, link_incidents, link_ticket, tie_run
from incidents.models.incident import Incident
from incidents.record.input_cleaning import Complaints

_CODE = re.compile(r"(INC|R|EVB)-0*([1-9][0-9]{0,8})", re.IGNORECASE)
SERVICE = "service:"
Found = TypeVar("Found")


def link_record(
    *, incident: Incident, target: str, actor: Actor, now: datetime, kind: str = "", reason: str = ""
) -> Edge:
    """Tie the incident to what `target` names: INC-9, R-7, EVB-3, an address, or a resource by its name or key.

    Without a `kind`: related to incidents and runs, evidenced by bundles, tracked in pages, affecting resources. Raise
    Invalid for what is not there, or has several meanings, or cannot be tied in that way.
    """
    require(actor=actor, permission="respond")
    complaints = Complaints()
    named = complaints.line("target", target, most=2000, required=True)
    complaints.refuse()
    code = _CODE.fullmatch(named)
    given: dict[str, Any] = {"incident": incident, "actor": actor, "now": now}
    if code is not None and code[1].upper() == "INC":
        other = Incident.objects.filter(number=int(code[2])).first()
        return link_incidents(other=_there(other, named), kind=kind or Edge.Kind.RELATED_TO, reason=reason, **given)
    if code is not None and code[1].upper() == "R":
        run = Run.objects.filter(number=int(code[2])).first()
        return tie_run(run=_there(run, named), kind=kind or Edge.Kind.RELATED_TO, reason=reason, **given)
    if code is not None:
        _only(kind, Edge.Kind.EVIDENCES, "A bundle")
        return attach_bundle(bundle=_there(_bundle(int(code[2])), named), reason=reason, **given)
    if named.startswith(("https://", "http://")):
        _only(kind, Edge.Kind.TRACKED_IN, "A page")
        name = named.rstrip("/").rpartition("/")[2] or named
        return link_ticket(url=named, name=name[:200], **given)
    _only(kind, Edge.Kind.AFFECTS, "A resource")
    return affect_resource(resource=_resource(named.removeprefix(SERVICE), incident), **given)


def _there(found: Found | None, named: str) -> Found:
    if found is None:
        raise Invalid(fields={"target": [f"There is no {named.upper()} here."]})
    return found


def _only(kind: str, meant: str, what: str) -> None:
    if kind not in ("", meant):
        raise Invalid(fields={"kind": [f"{what} is tied by {meant}."]})


def _bundle(number: int) -> Node | None:
    """Return the node of a bundle by its code: the app that owns bundles stands above this one."""
    return Node.objects.filter(kind=BUNDLE, name__regex=rf"^EVB-0*{number}( |$)").first()


def _resource(name: str, incident: Incident) -> Node:
    """Return the resource of that name or key; of several with one name, the one in the incident's environment."""
    found = list(Node.objects.filter(ref="", key=name)[:2])
    found = found or list(Node.objects.filter(ref="", name__iexact=name).order_by("key")[:20])
    near = [node for node in found if node.environment_id == incident.environment_id]
    found = near if len(near) == 1 else found
    if not found:
        why = f"There is no resource {name}. Name INC-9, R-7, EVB-3, an address, or a resource."
        raise Invalid(fields={"target": [why]})
    if len(found) > 1:
        keys = ", ".join(node.key for node in found)
        raise Invalid(fields={"target": [f"Several resources are named {name}. Use the key of one: {keys}."]})
    return found[0]
