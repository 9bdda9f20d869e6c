"""A tenant that has something of everything, for callers that draw what they call from its document."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User

from conductor.ledger.log.sequencer import sequence
from conductor.lib.clock import now
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from controls.lifecycle import bind_defaults
from evidence.bundles.artifacts import record_findings
from evidence.bundles.sealing import seal_bundle
from evidence.models import EvidenceBundle
from evidence.packs.lifecycle import request_pack
from tests.evidence.bundles import PASSED, attach, collecting
from tests.evidence.calling import caller

Known = dict[str, list[Any]]


def furnish(tenant: Tenant, user: User) -> Known:
    """Make incidents with their parts, bundles, a pack, resources and bindings; return what paths may name them by."""
    call = caller(tenant, token_of=user)

    def make(path: str, **body: Any) -> Any:
        answer = call("post", path, body=body)
        assert answer.status_code < 300, (path, answer.content)
        return answer.json()

    make("/graph/imports", nodes=[{"kind": "service", "key": each} for each in ("payments-api", "checkout")])
    for number in (1, 2, 3):
        make("/incidents", title="Checkout is failing", severity="SEV2", service="payments-api")
        make(f"/incidents/{number}/notes", text="It is the database.")
        make(f"/incidents/{number}/tasks", title="Look at the database")
        make(f"/incidents/{number}/action-items", title="Alarm earlier", type="PREVENT")
    make("/incidents/1/links", target="INC-2", reason="The same.")
    make("/alerts/sources", name="grafana-eu", shape="GRAFANA")
    started = (now() - timedelta(minutes=5)).isoformat()
    alert = {"status": "firing", "labels": {"alertname": "Slow"}, "startsAt": started, "fingerprint": "f1"}
    make("/alerts/alertmanager", version="4", groupKey="g", status="firing", alerts=[alert])
    with tenant_scope(tenant.id):
        actor = Actor.system()
        bind_defaults(tenant_id=tenant.id, actor=actor, now=now())
        collecting(tenant, actor, now())
        bundle = _sealed(tenant, actor)
        pack = request_pack(bundle=bundle, actor=actor, now=now())
    sequence(tenant_id=tenant.id, now=now())

    def ids(path: str, items: str = "items", key: str = "id") -> list[str]:
        found = call("get", path).json()
        return [each[key] for each in (found[items] if items else found)][:5]

    return {
        "number": [1, 2, 3],
        "item": [1, 2, 3],
        "seq": [1, 2, 3],
        "task": [1, 2],
        "version": [1],
        "bundle": ["1", "EVB-0002"],
        "control_id": ["SOC2_A1.2"],
        "kind": ["service"],
        "name": ["grafana-eu"],
        "pack_id": [str(pack.id)],
        "artifact_id": ids("/bundles/2/artifacts", ""),
        "alert_id": ids("/alerts"),
        "link_id": ids("/incidents/1/links", ""),
        "receipt_id": ids("/receipts"),
        "decision_id": ids("/policy/decisions", key="decision_id"),
    }


def _sealed(tenant: Tenant, actor: Actor) -> EvidenceBundle:
    """A bundle whose one artifact is of the media type that it is said to be of: the document's reader parses it."""
    bundle = collecting(tenant, actor, now())
    attach(bundle, actor, now(), "a.json", b'{"a":1}')
    record_findings(bundle=bundle, findings=[PASSED], actor=actor, now=now())
    sequence(tenant_id=tenant.id, now=now())
    return seal_bundle(bundle=bundle, conclusion="NO_EXCEPTIONS", actor=actor, now=now())
