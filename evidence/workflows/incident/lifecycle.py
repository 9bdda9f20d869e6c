"""Starting the workflow that collects an incident's evidence."""

from __future__ import annotations

from datetime import datetime

from conductor.engine.lifecycle.starting import start_run
from conductor.engine.models import Run
from conductor.lib.errors import Conflict
from conductor.lib.refs import Ref
from conductor.tenancy.actors import Actor, require
from controls.lookup import live_bindings
from evidence.bundles.naming import INCIDENT_BUNDLE, incident_key
from incidents.models.incident import Incident


class IncidentNotFinal(Conflict):
    """Evidence is collected once an incident that happened here is resolved."""

    code = "incident_not_final"


def collect_for_incident(*, incident: Incident, cause: Ref, actor: Actor, now: datetime) -> Run | None:
    """Start collecting the evidence of a resolved incident; once for each `cause`, such as a postmortem's version.

    Return None where no control asks for it: nothing is bound to the workflow. Raise IncidentNotFinal while the
    incident is active, and for imported history.
    """
    require(actor=actor, permission="collect_evidence")
    if incident.is_active or incident.is_history:
        raise IncidentNotFinal
    bindings = live_bindings(workflow=INCIDENT_BUNDLE, environment=incident.environment)
    # Whoever reads evidence would read it: what is private stays out until it is opened.
    if not bindings or incident.is_private:
        return None
    return start_run(
        tenant_id=incident.tenant_id,
        workflow=INCIDENT_BUNDLE,
        title=f"Collect the evidence of {incident.code}",
        input={"incident_id": str(incident.id), "controls": [binding.control.key for binding in bindings]},
        subject=incident.ref,
        environment_id=incident.environment_id,
        actor=actor,
        now=now,
        dedup_key=incident_key(incident_id=incident.id, cause=cause),
    )
