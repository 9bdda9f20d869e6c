"""Incidents whose evidence nobody has begun to collect: what the sweep starts."""

from __future__ import annotations

from conductor.engine.models import Run
from conductor.lib.refs import Ref, ref
from controls.lookup import live_bindings
from evidence.bundles.naming import INCIDENT_BUNDLE, incident_key, postmortem_cause
from incidents.models.choices import Kind, Status
from incidents.models.incident import Incident
from incidents.models.postmortem import Postmortem

BATCH = 200


def incidents_without_evidence() -> list[tuple[Incident, Ref]]:
    """Return resolved incidents with the rendered postmortem that no run has collected yet, oldest first.

    Empty for a tenant that has bound no control to the collecting workflow.
    """
    if not live_bindings(workflow=INCIDENT_BUNDLE):
        return []
    rendered = Postmortem.objects.select_related("incident__environment").exclude(pdf_digest="")
    final = rendered.filter(incident__status=Status.RESOLVED, is_final=True).exclude(incident__kind=Kind.IMPORTED)
    waiting = {}
    for postmortem in final.order_by("drafted_at"):
        cause = postmortem_cause(ref("incidents.postmortem", postmortem.id), is_approved=bool(postmortem.approved_at))
        waiting[incident_key(incident_id=postmortem.incident_id, cause=cause)] = (postmortem.incident, cause)
    begun = Run.objects.filter(workflow=INCIDENT_BUNDLE, dedup_key__in=waiting).values_list("dedup_key", flat=True)
    return [found for key, found in waiting.items() if key not in set(begun)][:BATCH]
