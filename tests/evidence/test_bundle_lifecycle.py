"""Bundles: opened, filled, given up; each verb's refusals, and what it leaves behind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from io import BytesIO

import pytest
from django.contrib.auth.models import User

from conductor.graph.models import Edge, Node
from conductor.ledger import blobs
from conductor.ledger.models import Receipt
from conductor.lib.errors import Invalid
from conductor.metering.models import MeterEvent
from conductor.tenancy.actors import Actor, PermissionMissing
from conductor.tenancy.models import Tenant
from evidence.bundles.artifacts import ArtifactExists, attach_artifact, record_findings
from evidence.bundles.findings import Finding
from evidence.bundles.lifecycle import (
    BundleNotCollecting,
    BundleNotSealed,
    BundleSuperseded,
    abandon_bundle,
    open_bundle,
    start_collecting,
)
from evidence.models import BundleControl, EvidenceBundle
from tests.evidence.bundles import FAILED, PASSED, attach, collecting, sealed

pytestmark = pytest.mark.usefixtures("scope")
Make = Callable[..., Actor]


def _actions(bundle: EvidenceBundle) -> list[str]:
    return list(Receipt.objects.filter(subject=bundle.ref).order_by("id").values_list("action", flat=True))


def test_bundles_are_numbered_without_gaps_and_cover_controls_by_alias_or_key(
    tenant: Tenant, actor: Make, cora: User, now: datetime
) -> None:
    first = collecting(tenant, actor(cora), now, control_ids=["SOC2_A1.2", "SOC2_2017_A1.3"])
    second = collecting(tenant, actor(cora), now)

    assert (first.code, second.code) == ("EVB-0001", "EVB-0002")
    assert [cover.control.key for cover in first.covers.order_by("control__key")] == [
        "SOC2_2017_A1.2",
        "SOC2_2017_A1.3",
    ]
    assert {cover.part for cover in first.covers.all()} == {"PRIMARY"}
    assert _actions(first) == ["evidence.bundle.opened", "evidence.bundle.collecting"]


def test_opening_again_with_the_same_key_returns_the_same_bundle(
    tenant: Tenant, actor: Make, cora: User, now: datetime
) -> None:
    arguments = {"tenant_id": tenant.id, "title": "T", "purpose": "", "control_ids": ["SOC2_A1.2"], "now": now}
    first = open_bundle(**arguments, effective_from=now, actor=actor(cora), idempotency_key="run:1")
    again = open_bundle(**arguments, effective_from=now, actor=actor(cora), idempotency_key="run:1")

    assert again == first
    assert EvidenceBundle.objects.count() == 1


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"title": "  "}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"control_ids": ["SOC2_A9.9"]}, "controls"),
        ({"effective_from": datetime.fromisoformat("2026-11-20T12:00:00Z")}, "effective_from"),
    ],
)
def test_a_bundle_that_makes_no_sense_is_refused_by_field(
    tenant: Tenant, actor: Make, cora: User, now: datetime, given: dict[str, object], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        collecting(tenant, actor(cora), now, **given)

    assert field in refused.value.fields
    assert not EvidenceBundle.objects.exists()


def test_an_auditor_reads_evidence_and_makes_none(tenant: Tenant, actor: Make, cleo: User, now: datetime) -> None:
    with pytest.raises(PermissionMissing):
        collecting(tenant, actor(cleo), now)


def test_a_bundle_is_a_node_and_becomes_evidence_for_controls_when_sealed(
    tenant: Tenant, actor: Make, cora: User, now: datetime
) -> None:
    bundle = collecting(tenant, actor(cora), now)
    assert Node.objects.get(ref=bundle.ref).name == "EVB-0001 Quarterly restore"
    assert not Edge.objects.filter(kind="EVIDENCES").exists()

    done = sealed(tenant, actor(cora), now)

    edge = Edge.objects.get(kind="EVIDENCES")
    assert (edge.source.ref, edge.target.kind) == (done.ref, "control")
    assert edge.target.ref == f"controls.control:{done.covers.get().control_id}"


def test_an_artifact_is_kept_by_its_digest_and_metered(tenant: Tenant, actor: Make, cora: User, now: datetime) -> None:
    bundle = collecting(tenant, actor(cora), now)

    artifact = attach(bundle, actor(cora), now, "logs/run.txt", b"hello")

    assert blobs.read(tenant_id=tenant.id, digest=artifact.digest) == b"hello"
    assert artifact.uri == f"cas:sha256:{artifact.digest}"
    receipt = Receipt.objects.get(action="evidence.artifact.attached")
    assert receipt.subjects == [{"name": "data/logs/run.txt", "digest": artifact.digest}]
    assert MeterEvent.objects.get(meter="evidence.artifact_bytes").quantity == 5


def test_a_stream_is_attached_like_bytes(tenant: Tenant, actor: Make, cora: User, now: datetime) -> None:
    bundle = collecting(tenant, actor(cora), now)

    artifact = attach(bundle, actor(cora), now, data=BytesIO(b"streamed"))  # type: ignore[arg-type]

    assert artifact.size_bytes == 8


def test_the_same_bytes_at_the_same_path_are_the_same_artifact(
    tenant: Tenant, actor: Make, cora: User, now: datetime
) -> None:
    bundle = collecting(tenant, actor(cora), now)
    first = attach(bundle, actor(cora), now)

    assert attach(bundle, actor(cora), now + timedelta(minutes=1)) == first
    assert Receipt.objects.filter(action="evidence.artifact.attached").count() == 1


def test_other_bytes_at_the_same_path_are_refused(tenant: Tenant, actor: Make, cora: User, now: datetime) -> None:
    bundle = collecting(tenant, actor(cora), now)
    attach(bundle, actor(cora), now)

    with pytest.raises(ArtifactExists, match=r"a\.json"):
        attach(bundle, actor(cora), now, data=b"[]")


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/etc/passwd",
        "../a.json",
        "a/../b",
        "a//b",
        "a/./b",
        ".hidden",
        "a\\b",
        "räksmörgås.txt",
        "a b",
        "a\n",
        "aux.txt",
        "ends.",
        "report.pdf",
        "x" * 201,
    ],
)
def test_a_path_that_cannot_be_unpacked_everywhere_is_refused(
    tenant: Tenant, actor: Make, cora: User, now: datetime, path: str
) -> None:
    bundle = collecting(tenant, actor(cora), now)

    with pytest.raises(Invalid) as refused:
        attach(bundle, actor(cora), now, path)

    assert "path" in refused.value.fields
    assert not bundle.artifacts.exists()


@pytest.mark.parametrize("path", ["Folder/x.txt", "folder", "folder/x.txt/y"])
def test_names_that_would_overwrite_each_other_somewhere_are_refused(
    tenant: Tenant, actor: Make, cora: User, now: datetime, path: str
) -> None:
    bundle = collecting(tenant, actor(cora), now)
    attach(bundle, actor(cora), now, "folder/x.txt")

    with pytest.raises(Invalid, match="not valid"):
        attach(bundle, actor(cora), now, path)


def test_an_unknown_role_and_a_strange_media_type_are_refused(
    tenant: Tenant, actor: Make, cora: User, now: datetime
) -> None:
    bundle = collecting(tenant, actor(cora), now)

    with pytest.raises(Invalid) as refused:
        attach_artifact(
            bundle=bundle,
            path="a",
            role="secret",
            media_type="text/html; charset=x",
            data=b"",
            origin="",
            actor=actor(cora),
            now=now,
        )

    assert set(refused.value.fields) == {"role", "media_type"}


def test_a_draft_takes_no_artifacts_and_starts_collecting_once(
    tenant: Tenant, actor: Make, cora: User, now: datetime
) -> None:
    draft = open_bundle(
        tenant_id=tenant.id,
        title="T",
        purpose="",
        control_ids=["SOC2_A1.2"],
        effective_from=now,
        actor=actor(cora),
        now=now,
    )
    with pytest.raises(BundleNotCollecting, match="EVB-0001 is draft"):
        attach(draft, actor(cora), now)

    start_collecting(bundle=draft, actor=actor(cora), now=now)

    with pytest.raises(BundleNotCollecting, match="EVB-0001 is collecting"):
        start_collecting(bundle=draft, actor=actor(cora), now=now)


def test_findings_are_replaced_with_a_receipt_for_each_change(
    tenant: Tenant, actor: Make, cora: User, now: datetime
) -> None:
    bundle = collecting(tenant, actor(cora), now)

    for findings in ([PASSED], [PASSED], [PASSED, FAILED]):
        bundle = record_findings(bundle=bundle, findings=findings, actor=actor(cora), now=now)

    assert [finding["check"] for finding in bundle.findings] == ["T1", "T2"]
    assert _actions(bundle).count("evidence.bundles.findings.recorded") == 2


def test_a_check_is_listed_once(tenant: Tenant, actor: Make, cora: User, now: datetime) -> None:
    bundle = collecting(tenant, actor(cora), now)

    with pytest.raises(Invalid):
        record_findings(bundle=bundle, findings=[PASSED, PASSED], actor=actor(cora), now=now)


def test_an_abandoned_bundle_says_why_and_takes_nothing_more(
    tenant: Tenant, actor: Make, cora: User, now: datetime
) -> None:
    bundle = collecting(tenant, actor(cora), now)
    attach(bundle, actor(cora), now)
    with pytest.raises(Invalid):
        abandon_bundle(bundle=bundle, reason=" ", actor=actor(cora), now=now)

    bundle = abandon_bundle(bundle=bundle, reason="The source was wrong", actor=actor(cora), now=now)

    assert bundle.status == "ABANDONED"
    assert Receipt.objects.get(action="evidence.bundle.abandoned").body == {"reason": "The source was wrong"}
    with pytest.raises(BundleNotCollecting):
        attach(bundle, actor(cora), now, "b.json")
    with pytest.raises(BundleNotCollecting):
        record_findings(bundle=bundle, findings=[Finding("T", "t", "", "", "pass")], actor=actor(cora), now=now)


def test_a_sealed_bundle_is_superseded_once(tenant: Tenant, actor: Make, cora: User, now: datetime) -> None:
    first = sealed(tenant, actor(cora), now)
    collected = collecting(tenant, actor(cora), now)
    with pytest.raises(BundleNotSealed):
        collecting(tenant, actor(cora), now, supersedes=collected)

    second = collecting(tenant, actor(cora), now, supersedes=first)

    assert second.supersedes == first
    with pytest.raises(BundleSuperseded):
        collecting(tenant, actor(cora), now, supersedes=first)
    first.refresh_from_db()
    assert first.status == "SEALED"


def test_controls_are_kept_as_they_were_bound(tenant: Tenant, actor: Make, cora: User, now: datetime) -> None:
    collecting(tenant, actor(cora), now)

    assert BundleControl.objects.get().part == "PRIMARY"
