"""Rules exchanged between check and act (T54): the act is done under those that allowed it, or decided anew."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from conductor.ledger.models import Receipt
from conductor.lib.clock import now as clock
from conductor.policy import locking
from conductor.policy.decisions import PolicyDenied
from conductor.policy.lifecycle import activate_policy, retire_policy, upload_policy
from conductor.policy.locking import PolicyBusy
from conductor.policy.models import PolicyDecision, TenantPolicy
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from incidents.incident import lifecycle as declaring
from incidents.incident import status as moving
from incidents.incident.classification import classify_incident
from incidents.incident.lifecycle import acknowledge_incident, declare_incident
from incidents.incident.status import mitigate_incident, resolve_incident
from incidents.models.incident import Incident
from incidents.record.refusals import IncidentChanged
from tests.policy.own_rules import NOBODY

pytestmark = pytest.mark.usefixtures("committed")
Make = Callable[..., Actor]


@pytest.fixture
def draft(tenant: Tenant, actor: Make, ana: User) -> TenantPolicy:
    """Rules by which nobody may do anything, uploaded and not in force."""
    with tenant_scope(tenant.id):
        return upload_policy(
            tenant_id=tenant.id,
            name="closed",
            rego=NOBODY.replace("{name}", "closed").replace("{{", "{").replace("}}", "}"),
            purpose="Closed.",
            actor=actor(ana),
            now=clock(),
        )


class Elsewhere:
    """Cora puts the draft in force in a connection of her own."""

    def __init__(self, draft: TenantPolicy, cora: Actor) -> None:
        self._draft, self._cora = draft, cora
        self.failure: Exception | None = None
        self._thread = threading.Thread(target=self._activate)

    def begin(self) -> None:
        self._thread.start()

    def is_over(self, *, within: float) -> bool:
        self._thread.join(within)
        return not self._thread.is_alive()

    def _activate(self) -> None:
        try:
            with tenant_scope(self._draft.tenant_id):
                activate_policy(policy=self._draft, reviewed_digest=self._draft.digest, actor=self._cora, now=clock())
        except Exception as failure:  # noqa: BLE001 - the test looks at it
            self.failure = failure
        finally:
            connection.close()


def declare(tenant: Tenant, who: Actor, title: str = "Card payments failing") -> Incident:
    with tenant_scope(tenant.id):
        return declare_incident(tenant_id=tenant.id, title=title, severity="SEV3", actor=who, now=clock())[0]


def meanwhile(monkeypatch: pytest.MonkeyPatch, module: Any, write: str, happens: Callable[[], None]) -> None:
    """Let something happen between the decision and the write that it allowed."""
    written = getattr(module, write)

    def instead(*given: Any) -> Any:
        monkeypatch.setattr(module, write, written)
        happens()
        return written(*given)

    monkeypatch.setattr(module, write, instead)


def test_t54_rules_that_are_exchanged_between_check_and_act_wait_for_the_act(
    tenant: Tenant, actor: Make, ben: User, cora: User, draft: TenantPolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere, waited = Elsewhere(draft, actor(cora)), []

    def exchange() -> None:
        elsewhere.begin()
        waited.append(not elsewhere.is_over(within=0.7))

    meanwhile(monkeypatch, declaring, "_insert", exchange)
    incident = declare(tenant, actor(ben))

    assert waited == [True], "the exchange came between check and act"
    assert elsewhere.is_over(within=20)
    assert elsewhere.failure is None
    with tenant_scope(tenant.id):
        decision = PolicyDecision.objects.get(action="incidents.declare")
        receipt = Receipt.objects.get(action="incidents.incident.declared", subject=incident.ref)
        assert (decision.tenant_digest, decision.allow) == ("", True)
        assert receipt.body["decision"]["tenant_policy_digest"] == decision.tenant_digest
        assert receipt.body["decision"]["policy_digest"] == decision.bundle_digest
        assert receipt.body["decision"]["input_digest"] == decision.input_digest
        assert decision.ref in receipt.links

    with pytest.raises(PolicyDenied) as denied:
        declare(tenant, actor(ben), "Another")
    assert denied.value.decision.codes == ["closed.closed"]
    record = denied.value.decision.record
    assert record is not None and record.tenant_digest != "", "the next act is decided by the new rules"


def test_t54_a_check_waits_for_an_exchange_that_is_under_way(
    tenant: Tenant, actor: Make, ben: User, cora: User, draft: TenantPolicy
) -> None:
    denied: list[str] = []

    def ask() -> None:
        try:
            declare(tenant, actor(ben))
        except PolicyDenied as refused:
            denied.extend(refused.decision.codes)
        finally:
            connection.close()

    asking = threading.Thread(target=ask)
    with tenant_scope(tenant.id):
        activate_policy(policy=draft, reviewed_digest=draft.digest, actor=actor(cora), now=clock())
        asking.start()
        asking.join(0.7)
        assert asking.is_alive(), "it was answered by rules that are on their way out"
    asking.join(20)

    assert denied == ["closed.closed"]


def test_an_exchange_does_not_wait_for_ever(
    tenant: Tenant, actor: Make, ana: User, ben: User, cora: User, draft: TenantPolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locking, "WAIT_SECONDS", 1)
    elsewhere = Elsewhere(draft, actor(cora))
    with tenant_scope(tenant.id):
        declare_incident(tenant_id=tenant.id, title="A", severity="SEV3", actor=actor(ben), now=clock())
        elsewhere.begin()
        assert elsewhere.is_over(within=20)
        assert isinstance(elsewhere.failure, PolicyBusy)
    with tenant_scope(tenant.id):
        draft.refresh_from_db()
        assert draft.state == "DRAFT"
        retire_policy(policy=draft, reason="Nobody needs it.", actor=actor(ana), now=clock())


def test_t54_an_incident_that_became_graver_between_check_and_act_is_not_resolved(
    tenant: Tenant, actor: Make, ben: User, cora: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ben may resolve a SEV3 and no SEV1: that it became one after he was allowed must not let him."""
    incident = declare(tenant, actor(cora))
    with tenant_scope(tenant.id):
        acknowledge_incident(incident=incident, actor=actor(ben), now=clock())
        incident = mitigate_incident(incident=incident, actor=actor(ben), now=clock())

    def classify() -> None:
        def elsewhere() -> None:
            with tenant_scope(tenant.id):
                classify_incident(
                    incident=Incident.objects.get(id=incident.id),
                    severity="SEV1",
                    reason="All payments are down.",
                    actor=actor(cora),
                    now=clock(),
                )
            connection.close()

        other = threading.Thread(target=elsewhere)
        other.start()
        other.join(20)

    meanwhile(monkeypatch, moving, "_compare_and_set", classify)
    with tenant_scope(tenant.id), pytest.raises(IncidentChanged, match="SEV1"):
        resolve_incident(incident=incident, actor=actor(ben), now=clock())
    with tenant_scope(tenant.id):
        incident.refresh_from_db()
        assert (incident.status, incident.severity) == ("MITIGATED", "SEV1")
        assert not Receipt.objects.filter(subject=incident.ref, action="incidents.incident.resolved").exists()
