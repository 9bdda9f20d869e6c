"""An incident's evidence: collected once its postmortem is rendered, sealed, packed, and linked to the incident."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection

from conductor.engine.models import Run
from conductor.graph.lifecycle import ensure_node
from conductor.ledger import blobs
from conductor.ledger.models import Receipt
from conductor.lib.clock import now as clock_now
from conductor.lib.clock import rfc3339
from conductor.lib.refs import ref
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Environment, Tenant
from controls.lifecycle import bind_defaults
from evidence import tasks
from evidence.bundles.naming import INCIDENT_BUNDLE
from evidence.bundles.selectors import bundles_about
from evidence.models import EvidenceBundle, Pack
from evidence.packs.document.context import document_context
from evidence.workflows.incident import steps
from evidence.workflows.incident.lifecycle import IncidentNotFinal, collect_for_incident
from evidence.workflows.incident.selectors import incidents_without_evidence
from incidents.incident.lifecycle import declare_incident
from incidents.incident.status import mitigate_incident, reopen_incident, resolve_incident, start_monitoring
from incidents.links.lifecycle import affect_resource, end_link
from incidents.models.history import TimelineEvent
from incidents.models.incident import Incident
from incidents.models.postmortem import Postmortem
from incidents.postmortem.approval import approve_postmortem
from incidents.postmortem.lifecycle import request_postmortem
from incidents.postmortem.review import ask_for_review
from incidents.timeline.lifecycle import post_update
from tests.evidence.calling import caller
from tests.evidence.driving import drive, local_notary, log_of

Make = Callable[..., Actor]


@pytest.fixture
def resolved(committed: None, tenant: Tenant, actor: Make, cora: User) -> Incident:
    """A SEV2 that Cora commanded to its end; controls are bound, nothing is drafted yet."""
    moment = clock_now() - timedelta(hours=2)
    with tenant_scope(tenant.id):
        bind_defaults(tenant_id=tenant.id, actor=Actor.system(), now=moment)
        local_notary(tenant)
        incident, _new = declare_incident(
            tenant_id=tenant.id,
            title="Card payments failing",
            severity="SEV2",
            actor=actor(cora),
            now=moment,
            environment=Environment.objects.get(slug="production"),
            take_command=True,
        )
        post_update(incident=incident, text="Rolled back", actor=actor(cora), now=moment + timedelta(minutes=5))
        _resolve(incident, actor(cora), moment + timedelta(minutes=10))
    return incident


def _resolve(incident: Incident, who: Actor, moment: Any) -> None:
    for minutes, verb in enumerate((mitigate_incident, start_monitoring, resolve_incident)):
        incident = verb(incident=incident, actor=who, now=moment + timedelta(minutes=minutes))


def _draft(incident: Incident) -> None:
    """Have the newest postmortem drafted and rendered."""
    with tenant_scope(incident.tenant_id):
        run = request_postmortem(incident=incident, actor=Actor.system(), now=clock_now())
    assert drive(tenant_id=incident.tenant_id, run_id=run.id).status == "SUCCEEDED", log_of(run)


def _collect(incident: Incident) -> EvidenceBundle:
    """Do what the sweep does, then what the worker does."""
    tasks.sweep_incidents()
    with tenant_scope(incident.tenant_id):
        run = Run.objects.filter(workflow=INCIDENT_BUNDLE).order_by("-number")[0]
    assert drive(tenant_id=incident.tenant_id, run_id=run.id).status == "SUCCEEDED", log_of(run)
    with tenant_scope(incident.tenant_id):
        return EvidenceBundle.objects.select_related("incident", "run").get(run=run)


def _read(bundle: EvidenceBundle, path: str) -> Any:
    with tenant_scope(bundle.tenant_id):
        digest = bundle.artifacts.get(path=path).digest
    return json.loads(blobs.read(tenant_id=bundle.tenant_id, digest=digest))


def test_a_resolved_incident_becomes_a_sealed_bundle(resolved: Incident, tenant: Tenant) -> None:
    _draft(resolved)

    bundle = _collect(resolved)

    with tenant_scope(tenant.id):
        paths = set(bundle.artifacts.values_list("path", flat=True))
        assert bundle.covers.filter(control__alias="SOC2_CC7.4", part="PRIMARY").exists()
    assert (bundle.status, bundle.conclusion) == ("SEALED", "EXCEPTIONS")
    assert {"incident/timeline.json", "postmortem/postmortem.json", "postmortem/postmortem.pdf"} <= paths
    assert _read(bundle, "incident/conformance.json")["policy"]["version"] == 0
    results = {finding["check"]: finding["result"] for finding in bundle.findings}
    assert [check for check, result in results.items() if result == "pass"] == ["I1", "I2", "I3", "I4", "I5", "I12"]
    assert bundle.effective_from == resolved.declared_at
    assert bundle.run is not None
    assert bundle.run.output is not None
    told = {
        name: bundle.run.output[name] for name in ("run", "tenant", "environment", "bundle", "conclusion", "window")
    }
    assert told == {
        "run": bundle.run.code,
        "tenant": "northwind",
        "environment": "production",
        "bundle": bundle.code,
        "conclusion": "EXCEPTIONS",
        "window": {"from": rfc3339(bundle.effective_from), "to": rfc3339(bundle.effective_to or bundle.opened_at)},
    }
    assert "SOC2_2017_CC7.4" in bundle.run.output["controls"]
    said = [entry["says"] for entry in _read(bundle, "incident/timeline.json")["entries"]]
    assert any("Cora Commander" in sentence for sentence in said)


def test_the_period_is_the_incidents_own(resolved: Incident, tenant: Tenant) -> None:
    _draft(resolved)

    bundle = _collect(resolved)

    with tenant_scope(tenant.id):
        incident = Incident.objects.get(id=resolved.id)
    assert (bundle.effective_from, bundle.effective_to) == (incident.declared_at, incident.resolved_at)


def test_the_incidents_timeline_and_rail_learn_of_it(resolved: Incident, tenant: Tenant) -> None:
    _draft(resolved)

    bundle = _collect(resolved)

    with tenant_scope(tenant.id):
        entry = TimelineEvent.objects.get(incident=resolved, kind="evidence.attached")
        rows = bundles_about(subject=resolved.ref)
    assert entry.data["ref"] == bundle.ref
    assert [(row.bundle.code, row.notary, row.is_logged) for row in rows] == [(bundle.code, "wait", True)]


@pytest.mark.fault("proof-10")
def test_the_resources_it_is_about_are_in_the_signed_manifest(
    resolved: Incident, tenant: Tenant, actor: Make, cora: User
) -> None:
    with tenant_scope(tenant.id):
        node = ensure_node(
            tenant_id=tenant.id, kind="database", key="production/ledger", name="ledger-db", now=clock_now()
        )
        edge = affect_resource(incident=resolved, resource=node, actor=actor(cora), now=clock_now())
    _draft(resolved)
    bundle = _collect(resolved)

    with tenant_scope(tenant.id):
        end_link(incident=resolved, edge=edge, reason="It was another.", actor=actor(cora), now=clock_now())
    answer = caller(tenant, token_of=cora)("get", f"/bundles/{bundle.code}").json()

    assert bundle.manifest is not None
    named = [{"kind": "database", "key": "production/ledger", "name": "ledger-db"}]
    assert bundle.manifest["links"]["resources"] == named
    assert answer["resources"] == named


def test_its_pack_has_the_timeline_and_the_postmortem_and_verifies(resolved: Incident, tenant: Tenant) -> None:
    _draft(resolved)
    bundle = _collect(resolved)
    with tenant_scope(tenant.id):
        pack = Pack.objects.select_related("bundle__incident", "bundle__run", "run").get(bundle=bundle)
        context = document_context(pack=pack)
    assert pack.run is not None
    drive(tenant_id=tenant.id, run_id=pack.run.id)
    with tenant_scope(tenant.id):
        pack.refresh_from_db()

    assert "".join(section["letter"] for section in context["document"]["sections"]) == "ABCDEFGHIJKL"
    assert context["record"]["rows"][0]["seq"] == "1"
    assert context["record"]["postmortem"].startswith("The postmortem, version 1, approved by nobody, is K")
    assert pack.verdict is not None
    assert pack.verdict["verified"], pack.verdict
    with tenant_scope(tenant.id):
        declared = Receipt.objects.get(action="incidents.incident.declared")
    assert str(declared.leaf_index) in {line["entry"] for line in context["receipts"]["lines"]}


def test_a_later_postmortem_is_collected_anew_and_supersedes(
    resolved: Incident, tenant: Tenant, actor: Make, cora: User
) -> None:
    _draft(resolved)
    first = _collect(resolved)
    with tenant_scope(tenant.id):
        incident = Incident.objects.get(id=resolved.id)
        incident = reopen_incident(
            incident=incident, reason="It came back within the hour.", actor=actor(cora), now=clock_now()
        )
        _resolve(incident, actor(cora), clock_now())
    _draft(resolved)

    second = _collect(resolved)

    assert second.id != first.id
    assert second.supersedes_id == first.id


def test_the_sweep_starts_each_once(resolved: Incident, tenant: Tenant) -> None:
    _draft(resolved)
    with tenant_scope(tenant.id):
        assert [incident.id for incident, _cause in incidents_without_evidence()] == [resolved.id]

    for _sweep in range(3):
        tasks.sweep_incidents()

    with tenant_scope(tenant.id):
        assert Run.objects.filter(workflow=INCIDENT_BUNDLE).count() == 1
        assert incidents_without_evidence() == []


def test_a_rendered_postmortem_wakes_the_collector(
    resolved: Incident, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[str, dict[str, str]]] = []
    monkeypatch.setattr(tasks, "send", lambda task, arguments: sent.append((task, arguments)))

    _draft(resolved)

    ((task, arguments),) = sent
    assert task == "evidence.collect_for_incident"
    assert arguments["incident_id"] == str(resolved.id)
    tasks.collect(**arguments)
    tasks.collect(**arguments)
    with tenant_scope(tenant.id):
        run = Run.objects.get(workflow=INCIDENT_BUNDLE)
    assert arguments["cause"] in run.dedup_key


def test_an_active_incident_is_left_alone(resolved: Incident, tenant: Tenant, actor: Make, cora: User) -> None:
    with tenant_scope(tenant.id):
        incident = reopen_incident(
            incident=Incident.objects.get(id=resolved.id),
            reason="It came back within the hour.",
            actor=actor(cora),
            now=clock_now(),
        )
        with pytest.raises(IncidentNotFinal):
            collect_for_incident(incident=incident, cause=incident.ref, actor=Actor.system(), now=clock_now())
    tasks.collect(tenant_id=str(tenant.id), incident_id=str(resolved.id), cause=ref("incidents.postmortem", 1))

    with tenant_scope(tenant.id):
        assert not Run.objects.filter(workflow=INCIDENT_BUNDLE).exists()


def test_without_a_control_that_asks_nothing_is_collected(
    committed: None, tenant: Tenant, actor: Make, cora: User
) -> None:
    moment = clock_now() - timedelta(hours=1)
    with tenant_scope(tenant.id):
        incident, _new = declare_incident(
            tenant_id=tenant.id, title="Slow", severity="SEV3", actor=actor(cora), now=moment, take_command=True
        )
        _resolve(incident, actor(cora), moment + timedelta(minutes=1))
        incident.refresh_from_db()

        assert collect_for_incident(incident=incident, cause="x:1", actor=Actor.system(), now=clock_now()) is None
        assert incidents_without_evidence() == []


def test_an_approved_postmortem_is_collected_once_more(
    resolved: Incident, tenant: Tenant, actor: Make, cora: User
) -> None:
    """The bundle of the draft stays; the approved words get a bundle of their own."""
    _draft(resolved)
    drafted = _collect(resolved)
    with tenant_scope(tenant.id):
        newest = Postmortem.objects.filter(incident=resolved).latest("version")
        ask_for_review(postmortem=newest, actor=actor(cora), now=clock_now())
        blank = ["factors", "helped", "harder", "lessons"]
        approve_postmortem(
            postmortem=newest, without=blank, reason="Nothing to add.", actor=actor(cora), now=clock_now()
        )
        run = Run.objects.get(workflow="incidents.postmortem_render")
    assert drive(tenant_id=tenant.id, run_id=run.id).status == "SUCCEEDED", log_of(run)

    approved = _collect(resolved)

    assert approved.id != drafted.id
    assert _read(drafted, "postmortem/postmortem.json")["approved_at"] is None
    assert _read(approved, "postmortem/postmortem.json")["approved_by"] == "Cora Commander"


@pytest.mark.fault("console-F11")
def test_nobody_writes_to_the_record_while_it_is_collected(resolved: Incident, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read later would hold what is not in what was read before: an exception that nothing had caused."""
    _draft(resolved)
    held = []
    real = steps.receipts_for

    def try_to_write() -> None:
        with tenant_scope(resolved.tenant_id):
            try:
                Incident.objects.select_for_update(nowait=True).get(id=resolved.id)
            except OperationalError:
                held.append(True)
        connection.close()

    def reading(subject: str) -> Any:
        writer = threading.Thread(target=try_to_write)
        writer.start()
        writer.join()
        return real(subject)

    monkeypatch.setattr(steps, "receipts_for", reading)
    _collect(resolved)

    assert held == [True]
