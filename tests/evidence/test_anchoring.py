"""Checkpoints leave the machine, stamped once each by a real RFC 3161 authority (T10, T26, T37)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db.utils import DatabaseError
from django.test import Client

from adapters.configuration import breaker
from adapters.configuration.lifecycle import configure_adapter
from adapters.models.adapter import NotaryRecord
from adapters.notaries.policy import approve_notary_policy, propose_notary_policy
from conductor.ledger import anchors
from conductor.ledger.keys.keyring import keyring
from conductor.ledger.log.sequencer import sequence
from conductor.ledger.models import Checkpoint, Receipt
from conductor.ledger.verify.verification import verify_ledger
from conductor.lib.clock import now as clock
from conductor.lib.refs import Ref
from conductor.observability import readings
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from evidence.anchoring import anchor_checkpoint, stamp_receipts
from evidence.bundles.verification import NOBODY, verify_bundle
from evidence.tasks import notarize_seals
from tests.evidence.bundles import sealed
from tests.evidence.timestamping import Authority, Service
from tests.ledger.acts import act, as_owner

pytestmark = pytest.mark.usefixtures("committed")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tsa"))


@pytest.fixture
def tsa(authority: Authority) -> Iterator[Service]:
    with authority.served() as service:
        yield service


def connect(tenant: Tenant, kind: str, **settings: object) -> None:
    with tenant_scope(tenant.id):
        configure_adapter(
            tenant_id=tenant.id, kind=kind, name=kind, settings=settings, actor=Actor.system(), now=clock()
        )


@pytest.fixture
def notary(tenant: Tenant, tsa: Service, authority: Authority) -> Service:
    connect(tenant, "rfc3161", url=tsa.url, root_certificate=authority.root.read_text(), allow_loopback=True)
    sequence(tenant_id=tenant.id, now=clock())
    return tsa


def age(metric: str) -> float:
    body = Client().get("/metrics").content.decode()
    line = next(each for each in body.splitlines() if each.startswith(f'{metric}{{tenant="northwind"}}'))
    return float(line.split()[-1])


@pytest.mark.fault("proof-6")
def test_a_bundle_sealed_by_hand_is_notarized_by_the_outside_authority(
    tenant: Tenant, notary: Service, actor: Callable[..., Actor], cora: User
) -> None:
    with tenant_scope(tenant.id):
        bundle = sealed(tenant, actor(cora), clock())
        assert verify_bundle(bundle).links[3].detail == f"{NOBODY}. 1 asked, none has answered"

    notarize_seals(tenant_id=str(tenant.id))

    with tenant_scope(tenant.id):
        assert verify_bundle(bundle).links[3].detail == "1 of 1 outside authorities verified"
    notarize_seals(tenant_id=str(tenant.id))
    assert notary.asked == 1


def test_a_checkpoint_is_stamped_once_and_its_own_receipt_asks_for_no_other(tenant: Tenant, notary: Service) -> None:
    act(tenant, clock())
    sequence(tenant_id=tenant.id, now=clock())

    assert anchor_checkpoint(tenant_id=tenant.id, now=clock()) == 1
    sequence(tenant_id=tenant.id, now=clock())  # the receipt of having been stamped
    with tenant_scope(tenant.id):
        assert Receipt.objects.filter(action=anchors.ECHO).count() == 1
        assert anchors.anchored_size() == 2
        assert not anchors.unanchored().exists()
    assert anchor_checkpoint(tenant_id=tenant.id, now=clock()) == 0
    assert notary.asked == 1

    act(tenant, clock())
    sequence(tenant_id=tenant.id, now=clock())
    assert anchor_checkpoint(tenant_id=tenant.id, now=clock()) == 1
    with tenant_scope(tenant.id):
        assert anchors.anchored_size() == 4
        assert verify_ledger(tenant_id=tenant.id, keyring=keyring()).faults == []


def test_an_authority_that_is_down_is_asked_again_and_nothing_is_lost(tenant: Tenant, notary: Service) -> None:
    connect(tenant, "local", notary="Ourselves")
    sequence(tenant_id=tenant.id, now=clock())
    notary.up = False
    for _ in range(3):
        anchor_checkpoint(tenant_id=tenant.id, now=clock())
        sequence(tenant_id=tenant.id, now=clock())
    with tenant_scope(tenant.id):
        assert anchors.anchored_size() == 0  # our own key does not count: it is not somebody else
        # The second checkpoint covers the receipt of leaving the authority alone.
        assert NotaryRecord.objects.filter(state="VERIFIED").count() == 2

    notary.up = True
    assert anchor_checkpoint(tenant_id=tenant.id, now=clock() + breaker.FIRST_PAUSE) == 2
    with tenant_scope(tenant.id):
        assert anchors.anchored_size() == 4
        assert NotaryRecord.objects.filter(state="VERIFIED").count() == NotaryRecord.objects.count() == 4


def test_the_gauges_tell_how_long_receipts_wait(tenant: Tenant, notary: Service) -> None:
    act(tenant, clock() - timedelta(seconds=90))

    assert 90 <= age("conductor_ledger_unsequenced_age_seconds") < 120
    sequence(tenant_id=tenant.id, now=clock())
    assert age("conductor_ledger_unsequenced_age_seconds") == 0
    assert 90 <= age("conductor_ledger_unanchored_age_seconds") < 120
    anchor_checkpoint(tenant_id=tenant.id, now=clock())
    sequence(tenant_id=tenant.id, now=clock())
    assert age("conductor_ledger_unanchored_age_seconds") == 0


def test_metrics_answer_although_a_reading_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_now: datetime) -> None:
        raise DatabaseError("gone")

    monkeypatch.setitem(readings._readings, "ledger", fail)

    assert Client().get("/metrics").status_code == 200


def test_a_stamped_checkpoint_that_was_exchanged_or_removed_is_told(
    tenant: Tenant, notary: Service, tmp_path: Path, faults: Callable[[], list[str]]
) -> None:
    """T10, before the anchor: whoever rewrites the log with its own keys cannot make the authority's stamp fit."""
    act(tenant, clock())
    sequence(tenant_id=tenant.id, now=clock())
    anchor_checkpoint(tenant_id=tenant.id, now=clock())

    with as_owner() as cursor:
        cursor.execute("UPDATE conductor_checkpoint SET note = note || '\n' WHERE tree_size = 2")
    assert any("is not the one that rfc3161 stamped" in each for each in faults())
    with as_owner() as cursor:
        cursor.execute("DELETE FROM conductor_checkpoint WHERE tree_size = 2")
    assert any("that is gone" in each for each in faults())


@pytest.fixture
def faults(tenant: Tenant) -> Callable[[], list[str]]:
    def run() -> list[str]:
        with tenant_scope(tenant.id):
            assert Checkpoint.objects.exists()
            return verify_ledger(tenant_id=tenant.id, keyring=keyring()).faults

    return run


def test_while_the_policy_is_off_nobody_is_asked_and_afterwards_nothing_is_missing(
    tenant: Tenant, notary: Service, ana: User, actor: Callable[[User], Actor]
) -> None:
    notary.up = False
    anchor_checkpoint(tenant_id=tenant.id, now=clock())  # leaves a backlog
    notary.up = True
    with tenant_scope(tenant.id):
        policy = propose_notary_policy(tenant_id=tenant.id, mode="OFF", actor=actor(ana), now=clock())
        approve_notary_policy(policy=policy, actor=replace(actor(ana), ref=Ref("tenancy.user:999")), now=clock())
    asked = notary.asked
    act(tenant, clock(), action="evidence.pack.generated")  # its receipt would be stamped without anybody's asking
    sequence(tenant_id=tenant.id, now=clock())

    assert anchor_checkpoint(tenant_id=tenant.id, now=clock()) == 0
    assert stamp_receipts(tenant_id=tenant.id, now=clock()) == 0
    assert notary.asked == asked

    with tenant_scope(tenant.id):
        propose_notary_policy(tenant_id=tenant.id, mode="BEST_EFFORT", actor=actor(ana), now=clock())
    sequence(tenant_id=tenant.id, now=clock())
    assert anchor_checkpoint(tenant_id=tenant.id, now=clock()) >= 1
    with tenant_scope(tenant.id):
        assert anchors.anchored_size() == Receipt.objects.exclude(leaf_index=None).count()
