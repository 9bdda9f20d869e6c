"""A finding that was recorded cannot be washed out: it is superseded with a reason, and both are read afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User

from conductor.ledger.log.sequencer import sequence
from conductor.ledger.models import Receipt
from conductor.lib.errors import Invalid
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from evidence.bundles.artifacts import FindingsDropped, attach_artifact, record_findings
from evidence.bundles.findings import Finding, conclusions_from
from evidence.bundles.sealing import ConclusionContradicted, seal_bundle
from evidence.models import EvidenceBundle
from evidence.packs.document.context import document_context
from evidence.packs.lifecycle import request_pack
from tests.browsing import Browser
from tests.evidence.bundles import FAILED, PASSED, UNCHECKED, attach, collecting
from tests.evidence.calling import caller

Make = Callable[..., Actor]
MENDED = replace(FAILED, actual="Nothing wrong", result="pass", detail="")


def _record(bundle: EvidenceBundle, findings: list[Finding], actor: Actor, now: datetime, reason: str = "") -> None:
    record_findings(bundle=bundle, findings=findings, reason=reason, actor=actor, now=now)


@pytest.mark.fault("proof-4")
@pytest.mark.usefixtures("scope")
def test_a_recorded_check_is_never_left_out(tenant: Tenant, actor: Make, cora: User, now: datetime) -> None:
    bundle = collecting(tenant, actor(cora), now)
    _record(bundle, [PASSED, FAILED], actor(cora), now)

    for findings in ([], [PASSED], [replace(FAILED, check="T9")], [PASSED, MENDED]):
        with pytest.raises(Invalid) as refused:
            _record(bundle, findings, actor(cora), now, "" if MENDED in findings else "We looked again")
        assert isinstance(refused.value, FindingsDropped) == (MENDED not in findings)
    bundle.refresh_from_db()
    assert bundle.findings == [PASSED.as_json(), FAILED.as_json()]
    assert bundle.superseded_findings == []
    assert Receipt.objects.filter(action="evidence.bundles.findings.recorded").count() == 1


@pytest.mark.fault("proof-4")
@pytest.mark.usefixtures("scope")
def test_what_was_superseded_is_in_manifest_receipt_and_document(
    tenant: Tenant, actor: Make, cora: User, now: datetime
) -> None:
    bundle = collecting(tenant, actor(cora), now)
    attach(bundle, actor(cora), now)
    _record(bundle, [PASSED, FAILED], actor(cora), now)

    _record(bundle, [PASSED, MENDED, UNCHECKED], actor(cora), now, "The list was of last year")

    (entry,) = bundle.superseded_findings
    assert (entry["findings"], entry["reason"]) == ([FAILED.as_json()], "The list was of last year")
    assert Receipt.objects.filter(action="evidence.bundles.findings.recorded", body__supersedes=entry).count() == 1
    sequence(tenant_id=tenant.id, now=now)
    bundle = seal_bundle(bundle=bundle, conclusion="NO_EXCEPTIONS", actor=actor(cora), now=now)
    sequence(tenant_id=tenant.id, now=now)
    assert bundle.manifest is not None
    assert bundle.manifest["superseded_findings"] == [entry]
    document = document_context(pack=request_pack(bundle=bundle, actor=actor(cora), now=now))
    said = document["document"]["conclusion"]["text"]
    assert "An exception was recorded and replaced: tested again (The list was of last year)." in said
    assert "none found an exception" not in said
    (replaced,) = document["exceptions"]["replaced"]
    assert (replaced["findings"][0]["word"], replaced["reason"]) == ("Exception", "The list was of last year")


@pytest.mark.fault("proof-4")
@pytest.mark.parametrize(("findings", "allowed"), [
    ([], ["INCONCLUSIVE"]),
    ([FAILED], ["EXCEPTIONS"]),
    ([PASSED, FAILED], ["EXCEPTIONS"]),
    ([UNCHECKED], ["INCONCLUSIVE", "EXCEPTIONS"]),
    ([PASSED, UNCHECKED], ["NO_EXCEPTIONS", "INCONCLUSIVE", "EXCEPTIONS"]),
])  # fmt: skip
def test_a_conclusion_is_never_better_than_its_checks(findings: list[Finding], allowed: list[str]) -> None:
    assert conclusions_from([each.as_json() for each in findings]) == allowed


@pytest.mark.fault("proof-4")
@pytest.mark.usefixtures("scope")
@pytest.mark.parametrize("conclusion", ["NO_EXCEPTIONS", "EXCEPTIONS"])
def test_without_a_check_nothing_is_concluded(
    tenant: Tenant, actor: Make, cora: User, now: datetime, conclusion: str
) -> None:
    bundle = collecting(tenant, actor(cora), now)
    attach(bundle, actor(cora), now)
    sequence(tenant_id=tenant.id, now=now)

    with pytest.raises(ConclusionContradicted) as refused:
        seal_bundle(bundle=bundle, conclusion=conclusion, actor=actor(cora), now=now)
    assert refused.value.fields["conclusion"][0].startswith("No check was recorded")


@pytest.mark.fault("proof-10")
@pytest.mark.usefixtures("scope")
@pytest.mark.parametrize("controls", [[], ["SOC2_A1.2", "SOC2_A1.2"], ["SOC2_A1.2", "SOC2_2017_A1.2"]])
def test_no_control_or_one_named_twice_is_refused(
    tenant: Tenant, actor: Make, cora: User, now: datetime, controls: list[str]
) -> None:
    with pytest.raises(Invalid) as refused:
        collecting(tenant, actor(cora), now, control_ids=controls)

    assert "controls" in refused.value.fields
    assert not EvidenceBundle.objects.exists()


@pytest.mark.fault("proof-10")
@pytest.mark.usefixtures("scope")
@pytest.mark.parametrize("role", ["population", "sample"])
def test_populations_and_samples_are_artifacts(
    tenant: Tenant, actor: Make, cora: User, now: datetime, role: str
) -> None:
    artifact = attach_artifact(
        bundle=collecting(tenant, actor(cora), now),
        path="leavers.csv",
        role=role,
        media_type="text/csv",
        data=b"name\n",
        origin="people system",
        actor=actor(cora),
        now=now,
    )

    assert artifact.role == role


@pytest.mark.usefixtures("committed")
@pytest.mark.fault("proof-4", "proof-10")
def test_the_api_supersedes_with_a_reason_ends_the_period_and_links_to_bytes_and_decision(
    tenant: Tenant, cora: User, actor: Make, now: datetime
) -> None:
    call = caller(tenant)
    began, ended = now - timedelta(days=90), now - timedelta(days=1)
    with tenant_scope(tenant.id):
        bundle = collecting(tenant, Actor.system(), now, effective_from=began)
        attach(bundle, Actor.system(), now)
    failed, mended = FAILED.as_json(), MENDED.as_json()
    assert call("put", "/bundles/1/findings", user=cora, body=[failed]).status_code == 200
    assert call("put", "/bundles/1/findings", user=cora, body=[]).json()["code"] == "findings_dropped"
    assert call("put", "/bundles/1/findings", user=cora, body=[mended]).status_code == 422
    assert call("put", "/bundles/1/findings?reason=Old+list", user=cora, body=[mended]).status_code == 200
    sequence(tenant_id=tenant.id, now=now)

    body = {"conclusion": "NO_EXCEPTIONS", "effective_to": ended.isoformat()}
    assert call("post", "/bundles/1/seal", user=cora, body=body).status_code == 201

    shown = call("get", "/bundles/1", user=cora).json()
    assert shown["bundle"]["effective_to"] == ended.isoformat().replace("+00:00", "Z")
    assert shown["artifacts"][0]["uri"] == f"cas:sha256:{shown['artifacts'][0]['digest']}"
    assert (shown["superseded_findings"][0]["reason"], shown["superseded_findings"][0]["by"]) == (
        "Old list",
        "Cora Commander",
    )
    decision = call("get", f"/policy/decisions/{shown['bundle']['decision_id']}", user=cora)
    assert decision.status_code == 200
    manifest = call("get", "/bundles/1/manifest", user=cora).json()
    assert manifest["artifacts"][0]["uri"] == shown["artifacts"][0]["uri"]
    browser = Browser()
    browser.force_login(cora, backend="django.contrib.auth.backends.ModelBackend")
    page = browser.get(f"/t/{tenant.slug}/evidence/EVB-0001/").content.decode()
    assert "Recorded before, and replaced" in page
    assert "Old list" in page
