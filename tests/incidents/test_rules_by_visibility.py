"""A tenant's own rules see how visible an incident really is: declared, resolved, and in the evidence about it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
from django.contrib.auth.models import User

from conductor.ledger.log.sequencer import sequence
from conductor.ledger.models import Receipt
from conductor.policy.decisions import PolicyDenied
from conductor.policy.lifecycle import activate_policy, upload_policy
from conductor.policy.models import PolicyDecision, TenantPolicy
from conductor.tenancy.actors import Actor
from conductor.tenancy.models import Tenant
from evidence.bundles.sealing import seal_bundle
from evidence.models import EvidenceBundle
from incidents.access.lifecycle import set_visibility
from incidents.incident.status import move_incident
from incidents.models.incident import Incident
from tests.evidence.bundles import attach, collecting

Make = Callable[..., Actor]
Declare = Callable[..., Incident]

NOTHING_HIDDEN = """package tenant.openness

import rego.v1

deny contains {"code": "hidden", "message": "Only what everybody may read is decided here."} if {
	not input.resource.visibility == "NORMAL"
}
"""


@pytest.fixture
def openness(tenant: Tenant, scope: None, actor: Make, ana: User, cora: User, now: datetime) -> Callable[[], None]:
    """Put rules in force that refuse whatever is not for everybody to read."""

    def install() -> None:
        purpose = "No private incidents."
        policy: TenantPolicy = upload_policy(
            tenant_id=tenant.id, name="openness", rego=NOTHING_HIDDEN, purpose=purpose, actor=actor(ana), now=now
        )
        activate_policy(policy=policy, reviewed_digest=policy.digest, actor=actor(cora), now=now)

    return install


def test_declaring_a_private_incident_is_denied_and_leaves_none(openness: Callable[[], None], declare: Declare) -> None:
    openness()

    with pytest.raises(PolicyDenied) as denied:
        declare(visibility="PRIVATE")

    assert denied.value.decision.codes == ["openness.hidden"]
    assert not Incident.everything.exists()
    assert not Receipt.objects.filter(action="incident.declared").exists()
    assert PolicyDecision.objects.get(action="incidents.declare").input["resource"]["visibility"] == "PRIVATE"
    assert declare().visibility == "NORMAL"


def test_resolving_asks_with_the_visibility_of_that_moment(
    openness: Callable[[], None], at_status: Declare, commander: Actor, now: datetime
) -> None:
    incident = at_status("MITIGATED", visibility="PRIVATE")
    openness()

    with pytest.raises(PolicyDenied) as denied:
        move_incident(incident=incident, to="RESOLVED", actor=commander, now=now)
    assert denied.value.decision.codes == ["openness.hidden"]
    incident.refresh_from_db()
    assert incident.status == "MITIGATED"

    set_visibility(incident=incident, visibility="NORMAL", reason="It is public now.", actor=commander, now=now)
    assert move_incident(incident=incident, to="RESOLVED", actor=commander, now=now).status == "RESOLVED"


def test_evidence_is_as_visible_as_the_incident_that_it_is_about(
    openness: Callable[[], None], tenant: Tenant, declare: Declare, commander: Actor, now: datetime
) -> None:
    bundle = collecting(tenant, commander, now, incident=declare(visibility="PRIVATE"))
    attach(bundle, commander, now)
    sequence(tenant_id=tenant.id, now=now)
    openness()

    with pytest.raises(PolicyDenied) as denied:
        seal_bundle(bundle=bundle, conclusion="INCONCLUSIVE", actor=commander, now=now)

    assert denied.value.decision.codes == ["openness.hidden"]
    bundle.refresh_from_db()
    assert bundle.status == EvidenceBundle.Status.COLLECTING
