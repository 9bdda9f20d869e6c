"""Sealing: what it asks for first, what it leaves, and that nobody can change it afterwards."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.db import ProgrammingError, connection, transaction
from django.test.utils import CaptureQueriesContext

from conductor.ledger.log.sequencer import sequence
from conductor.ledger.models import Receipt
from conductor.lib.canonical import canonical_json, sha256_hex
from conductor.lib.errors import Invalid
from conductor.policy.decisions import PolicyDenied
from conductor.policy.models import PolicyDecision
from conductor.tenancy.actors import Actor
from conductor.tenancy.models import Tenant
from evidence.bundles.artifacts import attach_artifact, record_findings
from evidence.bundles.lifecycle import BundleNotCollecting
from evidence.bundles.sealing import ArtifactsDamaged, ConclusionContradicted, ReceiptsUnsequenced, seal_bundle
from evidence.models import Artifact, BundleControl, EvidenceBundle
from tests.evidence.bundles import FAILED, PASSED, UNCHECKED, attach, collecting, damage, sealed

pytestmark = pytest.mark.usefixtures("scope")
Make = Callable[..., Actor]


def test_the_seal_names_the_manifest_and_every_artifact(tenant: Tenant, actor: Make, cora: User, now: datetime) -> None:
    bundle = sealed(tenant, actor(cora), now)

    receipt = Receipt.objects.get(id=bundle.seal_receipt_id)
    assert receipt.action == "evidence.bundle.sealed"
    assert [subject["name"] for subject in receipt.subjects] == ["manifest.json", "data/a.json", "data/folder/b.csv"]
    assert receipt.subjects[0]["digest"] == bundle.manifest_digest
    assert f"conductor.policy_decision:{bundle.decision_id}" in receipt.links


def test_the_manifest_is_canonical_and_says_everything(tenant: Tenant, actor: Make, cora: User, now: datetime) -> None:
    bundle = sealed(tenant, actor(cora), now, findings=[PASSED, UNCHECKED])

    assert bundle.manifest is not None
    assert sha256_hex(canonical_json(bundle.manifest)) == bundle.manifest_digest
    header = bundle.manifest["bundle"]
    assert (header["code"], header["conclusion"]) == ("EVB-0001", "NO_EXCEPTIONS")
    assert header["tenant"]["slug"] == "northwind"
    assert header["period"] == {"from": "2026-11-20T10:00:00Z", "to": "2026-11-20T11:00:00Z"}
    assert bundle.manifest["controls"] == [
        {
            "key": "SOC2_2017_A1.2",
            "code": "A1.2",
            "framework": "SOC2_2017",
            "release": "2017",
            "label": "Environment, backups and recovery infrastructure",
            "part": "PRIMARY",
        }
    ]
    assert [artifact["path"] for artifact in bundle.manifest["artifacts"]] == ["a.json", "folder/b.csv"]
    assert [finding["check"] for finding in bundle.manifest["findings"]] == ["T1", "T3"]
    assert bundle.manifest["decision"]["action"] == "evidence.seal"
    assert bundle.retain_until is not None
    assert bundle.retain_until.year == 2033


def test_receipts_must_be_in_the_log_first(tenant: Tenant, actor: Make, cora: User, now: datetime) -> None:
    bundle = collecting(tenant, actor(cora), now)
    attach(bundle, actor(cora), now)

    with pytest.raises(ReceiptsUnsequenced, match="3 of the bundle's receipts"):
        seal_bundle(bundle=bundle, conclusion="INCONCLUSIVE", actor=actor(cora), now=now)

    assert not PolicyDecision.objects.filter(action="evidence.seal").exists()
    sequence(tenant_id=tenant.id, now=now)
    assert seal_bundle(bundle=bundle, conclusion="INCONCLUSIVE", actor=actor(cora), now=now).is_sealed


def test_policy_refuses_who_may_not_seal_and_keeps_its_answer(
    tenant: Tenant, actor: Make, ben: User, now: datetime
) -> None:
    bundle = collecting(tenant, actor(ben), now)
    attach(bundle, actor(ben), now)
    sequence(tenant_id=tenant.id, now=now)

    with pytest.raises(PolicyDenied, match="seal_evidence"):
        seal_bundle(bundle=bundle, conclusion="INCONCLUSIVE", actor=actor(ben), now=now)

    assert PolicyDecision.objects.get(action="evidence.seal").allow is False
    bundle.refresh_from_db()
    assert bundle.status == "COLLECTING"


def test_an_empty_bundle_cannot_be_sealed(tenant: Tenant, actor: Make, cora: User, now: datetime) -> None:
    bundle = collecting(tenant, actor(cora), now)
    sequence(tenant_id=tenant.id, now=now)

    with pytest.raises(PolicyDenied, match="no artifact"):
        seal_bundle(bundle=bundle, conclusion="INCONCLUSIVE", actor=actor(cora), now=now)


@pytest.mark.parametrize("data", [b"something else", None])
def test_damaged_bytes_stop_the_seal_and_are_named(
    tenant: Tenant, actor: Make, cora: User, now: datetime, data: bytes | None
) -> None:
    bundle = collecting(tenant, actor(cora), now)
    attach(bundle, actor(cora), now, "good.json")
    damage(attach(bundle, actor(cora), now, "bad.json", b"unique bytes of this test %d" % bool(data)), data)
    sequence(tenant_id=tenant.id, now=now)

    with pytest.raises(ArtifactsDamaged, match=r"bad\.json") as refused:
        seal_bundle(bundle=bundle, conclusion="INCONCLUSIVE", actor=actor(cora), now=now)

    assert refused.value.paths == ["bad.json"]
    assert PolicyDecision.objects.get(action="evidence.seal").allow is False


@pytest.mark.parametrize(("findings", "conclusion"), [([FAILED], "NO_EXCEPTIONS"), ([UNCHECKED], "NO_EXCEPTIONS")])
def test_a_conclusion_cannot_hide_what_was_found(
    tenant: Tenant, actor: Make, cora: User, now: datetime, findings: list[object], conclusion: str
) -> None:
    bundle = collecting(tenant, actor(cora), now)
    attach(bundle, actor(cora), now)
    bundle = record_findings(bundle=bundle, findings=findings, actor=actor(cora), now=now)  # type: ignore[arg-type]
    sequence(tenant_id=tenant.id, now=now)

    with pytest.raises(ConclusionContradicted):
        seal_bundle(bundle=bundle, conclusion=conclusion, actor=actor(cora), now=now)


def test_an_unknown_conclusion_and_a_period_in_the_future_are_refused(
    tenant: Tenant, actor: Make, cora: User, now: datetime
) -> None:
    bundle = collecting(tenant, actor(cora), now)

    with pytest.raises(Invalid) as refused:
        seal_bundle(bundle=bundle, conclusion="COMPLIANT", actor=actor(cora), now=now)
    assert "conclusion" in refused.value.fields
    with pytest.raises(Invalid) as refused:
        seal_bundle(
            bundle=bundle,
            conclusion="INCONCLUSIVE",
            effective_to=now + timedelta(days=1),
            actor=actor(cora),
            now=now,
        )
    assert "effective_to" in refused.value.fields


def test_a_bundle_is_sealed_once(tenant: Tenant, actor: Make, cora: User, now: datetime) -> None:
    bundle = sealed(tenant, actor(cora), now)

    with pytest.raises(BundleNotCollecting, match="EVB-0001 is sealed"):
        seal_bundle(bundle=bundle, conclusion="NO_EXCEPTIONS", actor=actor(cora), now=now)


def _refused_by_the_database(statement: Callable[[], object], words: str) -> None:
    with pytest.raises(ProgrammingError, match=words), transaction.atomic():
        statement()


def test_the_database_refuses_any_change_after_the_seal(tenant: Tenant, actor: Make, cora: User, now: datetime) -> None:
    bundle = sealed(tenant, actor(cora), now)
    artifact, cover = bundle.artifacts.all()[0], bundle.covers.all()[0]
    late = Artifact(
        tenant=tenant,
        bundle=bundle,
        path="late.json",
        role="result",
        media_type="application/json",
        digest="0" * 64,
        size_bytes=1,
        uri="cas:sha256:0",
        collected_by="x",
        collected_by_name="x",
        collected_at=now,
    )

    rows = EvidenceBundle.objects.filter(id=bundle.id)
    _refused_by_the_database(lambda: rows.update(title="Better"), "never changed")
    _refused_by_the_database(lambda: rows.update(status="COLLECTING"), "never changed")
    _refused_by_the_database(lambda: late.save(force_insert=True), "takes nothing more")
    _refused_by_the_database(
        lambda: BundleControl.objects.create(tenant=tenant, bundle=bundle, control=cover.control, part="PRIMARY"),
        "takes nothing more",
    )
    _refused_by_the_database(lambda: Artifact.objects.filter(id=artifact.id).update(digest="1" * 64), "denied")
    _refused_by_the_database(lambda: Artifact.objects.filter(id=artifact.id).delete(), "denied")


def test_the_verb_refuses_a_late_artifact_before_the_database_must(
    tenant: Tenant, actor: Make, cora: User, now: datetime
) -> None:
    bundle = sealed(tenant, actor(cora), now)
    bundle.status = EvidenceBundle.Status.COLLECTING  # as a reader saw it before the seal

    with pytest.raises(BundleNotCollecting):
        attach(bundle, actor(cora), now, "late.json")


def test_sealing_asks_the_database_no_more_for_more_artifacts(
    tenant: Tenant, actor: Make, cora: User, now: datetime
) -> None:
    counts = []
    for size in (2, 12):
        bundle = collecting(tenant, actor(cora), now)
        for number in range(size):
            attach_artifact(
                bundle=bundle,
                path=f"{number}.txt",
                role="raw",
                media_type="text/plain",
                data=b"%d" % number,
                origin="",
                actor=actor(cora),
                now=now,
            )
        sequence(tenant_id=tenant.id, now=now)
        with CaptureQueriesContext(connection) as queries:
            seal_bundle(bundle=bundle, conclusion="INCONCLUSIVE", actor=actor(cora), now=now)
        counts.append(len(queries))

    assert counts[1] <= counts[0]
