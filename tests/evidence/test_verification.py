"""The chain of trust of a bundle: every link shows what is wrong with it, and the right file is named."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
from django.contrib.auth.models import User
from django.db import connection

from adapters.models.adapter import AdapterConfig, NotaryRecord
from conductor.ledger.log.sequencer import sequence
from conductor.ledger.models import Receipt
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from evidence.bundles.manifest import digest_of
from evidence.bundles.sealing import seal_bundle
from evidence.bundles.selectors import BundleUnknown, bundle_by_id, bundle_figures, bundle_rows
from evidence.bundles.verification import NOBODY, ChainReport, verify_bundle
from evidence.models import EvidenceBundle
from tests.evidence.bundles import attach, collecting, damage, sealed

pytestmark = pytest.mark.usefixtures("scope")
Make = Callable[..., Actor]


def _states(report: ChainReport) -> dict[str, str]:
    return {link.key: link.state for link in report.links}


def _notary(bundle: EvidenceBundle, state: str, now: datetime, name: str = "n", kind: str = "local") -> None:
    config = AdapterConfig.objects.create(
        tenant_id=bundle.tenant_id, port="notary", kind=kind, name=name, created_at=now, updated_at=now
    )
    vouched = {"attested_at": now, "verified_at": now} if state == "VERIFIED" else {}
    NotaryRecord.objects.create(
        tenant_id=bundle.tenant_id,
        adapter=config,
        subject=bundle.ref,
        digest=bundle.manifest_digest,
        state=state,
        created_at=now,
        **vouched,
    )


def test_a_sealed_bundle_is_verified_with_its_place_in_the_log(
    tenant: Tenant, actor: Make, cora: User, now: datetime
) -> None:
    bundle = sealed(tenant, actor(cora), now)

    report = verify_bundle(bundle)

    assert report.is_verified
    assert report.verdict == "Verified"
    assert [link.detail for link in report.links[:2]] == ["2 of 2 match", "Digest recomputed, every field compared"]
    assert report.links[2].detail == f"Log entry {report.leaf_index}"
    assert _states(report)["notary"] == "wait"


def test_a_collecting_bundle_is_neither_good_nor_bad(tenant: Tenant, actor: Make, cora: User, now: datetime) -> None:
    bundle = collecting(tenant, actor(cora), now)
    assert verify_bundle(bundle).links[0].detail == "None yet"
    attach(bundle, actor(cora), now)

    report = verify_bundle(bundle)

    assert set(_states(report).values()) == {"wait"}
    assert (report.is_verified, report.is_broken, report.verdict) == (False, False, "Not sealed yet")
    assert report.links[0].detail == "1 so far, all match"


def test_a_seal_that_is_not_logged_yet_is_waited_for(tenant: Tenant, actor: Make, cora: User, now: datetime) -> None:
    bundle = collecting(tenant, actor(cora), now)
    attach(bundle, actor(cora), now)
    sequence(tenant_id=tenant.id, now=now)
    bundle = seal_bundle(bundle=bundle, conclusion="INCONCLUSIVE", actor=actor(cora), now=now)

    assert _states(verify_bundle(bundle))["seal"] == "wait"

    sequence(tenant_id=tenant.id, now=now)
    assert _states(verify_bundle(bundle))["seal"] == "ok"


@pytest.mark.parametrize("data", [b"x", None])
def test_a_damaged_artifact_is_named(
    tenant: Tenant, actor: Make, cora: User, now: datetime, data: bytes | None
) -> None:
    bundle = collecting(tenant, actor(cora), now)
    attach(bundle, actor(cora), now)
    broken = attach(bundle, actor(cora), now, "b.txt", b"bytes of test_a_damaged_artifact_is_named %d" % bool(data))
    sequence(tenant_id=tenant.id, now=now)
    bundle = seal_bundle(bundle=bundle, conclusion="INCONCLUSIVE", actor=actor(cora), now=now)
    sequence(tenant_id=tenant.id, now=now)
    damage(broken, data)

    report = verify_bundle(bundle)

    assert report.damaged == ["b.txt"]
    assert report.links[0].detail == "1 of 2 match"
    assert (report.is_verified, report.verdict) == (False, "Not verified")


def test_a_manifest_that_says_something_else_is_found(tenant: Tenant, actor: Make, cora: User, now: datetime) -> None:
    bundle = sealed(tenant, actor(cora), now)
    assert bundle.manifest is not None
    bundle.manifest["bundle"]["conclusion"] = "EXCEPTIONS"

    report = verify_bundle(bundle)

    assert _states(report) == {"artifacts": "ok", "manifest": "bad", "seal": "bad", "notary": "wait"}


def test_a_manifest_that_was_exchanged_with_its_digest_is_found_by_the_seal(
    tenant: Tenant, actor: Make, cora: User, now: datetime
) -> None:
    """Somebody with the database: manifest, digest and artifact list agree, but the log has another manifest."""
    bundle = sealed(tenant, actor(cora), now)
    assert bundle.manifest is not None
    bundle.manifest["tools"]["django"] = "another"
    bundle.manifest_digest = digest_of(bundle.manifest)

    report = verify_bundle(bundle)

    assert _states(report)["manifest"] == "ok"
    assert (_states(report)["seal"], report.links[2].detail) == ("bad", "The receipt vouches for other files")


def test_artifact_rows_that_disagree_with_the_manifest_are_found(
    tenant: Tenant, actor: Make, cora: User, now: datetime
) -> None:
    bundle = sealed(tenant, actor(cora), now)
    assert bundle.manifest is not None
    del bundle.manifest["artifacts"][0]
    bundle.manifest_digest = digest_of(bundle.manifest)

    assert verify_bundle(bundle).links[1].detail == "Changed after the seal: artifacts a.json"


def test_a_missing_or_foreign_seal_receipt_is_found(tenant: Tenant, actor: Make, cora: User, now: datetime) -> None:
    bundle = sealed(tenant, actor(cora), now)
    other = Receipt.objects.exclude(id=bundle.seal_receipt_id).exclude(leaf_index=None).first()
    assert other is not None

    bundle.seal_receipt_id = other.id
    assert _states(verify_bundle(bundle))["seal"] == "bad"

    bundle.seal_receipt_id = bundle.id
    assert verify_bundle(bundle).links[2].detail == "Receipt is missing"


@pytest.mark.fault("proof-6", "console-F9")
@pytest.mark.parametrize(("kind", "states", "link"), [
    ("rfc3161", ["VERIFIED"], ("ok", "1 of 1 outside authorities verified")),
    ("rfc3161", ["VERIFIED", "PENDING"], ("ok", "1 of 2 outside authorities verified")),
    ("rfc3161", ["PENDING"], ("wait", f"{NOBODY}. 1 asked, none has answered")),
    ("rfc3161", ["VERIFIED", "REJECTED"], ("bad", "1 of 2 refused")),
    ("local", ["VERIFIED"], ("wait", f"{NOBODY}. Stamped by our own key only: a self-witness")),
    ("local", ["PENDING"], ("wait", NOBODY)),
    ("local", ["REJECTED"], ("bad", "1 of 1 refused")),
])  # fmt: skip
def test_only_outside_authorities_make_a_bundle_notarized(
    tenant: Tenant, actor: Make, cora: User, now: datetime, kind: str, states: list[str], link: tuple[str, str]
) -> None:
    bundle = sealed(tenant, actor(cora), now)
    for number, state in enumerate(states):
        _notary(bundle, state, now, name=f"n{number}", kind=kind)

    report = verify_bundle(bundle)
    (row,) = bundle_rows([bundle])

    assert (report.links[3].state, report.links[3].detail) == link
    assert (report.links[3].title == "Not notarized") == (link[0] == "wait")
    assert report.is_verified == (link[0] != "bad")
    assert row.notary == link[0]
    assert bundle_figures().unnotarized == ("VERIFIED" not in states or kind == "local")


@pytest.mark.fault("proof-6")
def test_a_bundle_sealed_by_hand_stands_in_every_notary_s_backlog(
    tenant: Tenant, actor: Make, cora: User, now: datetime
) -> None:
    for number, kind in enumerate(("local", "rfc3161")):
        AdapterConfig.objects.create(
            tenant_id=tenant.id, port="notary", kind=kind, name=f"n{number}", created_at=now, updated_at=now
        )

    bundle = sealed(tenant, actor(cora), now)

    waiting = NotaryRecord.objects.filter(digest=bundle.manifest_digest, state="PENDING", subject=bundle.ref)
    assert waiting.count() == 2


def test_the_bundles_of_another_tenant_do_not_exist(
    tenant: Tenant, other_tenant: Tenant, actor: Make, cora: User, now: datetime
) -> None:
    bundle = sealed(tenant, actor(cora), now)

    with tenant_scope(other_tenant.id):
        assert bundle_figures().total == 0
        for name in (bundle.code, str(bundle.number), str(bundle.id)):
            with pytest.raises(BundleUnknown):
                bundle_by_id(name)
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == ("conductor_app",)
