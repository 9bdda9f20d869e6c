"""What a tenant demands of notaries: who may demand less, what it holds up, and what it never holds up (T38, T39)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from adapters.configuration.lifecycle import configure_adapter
from adapters.models.adapter import NotaryPolicy
from adapters.notaries.demands import Demand, demand_at
from adapters.notaries.lifecycle import notarize
from adapters.notaries.policy import NeedsAnotherPerson, ProposalGone, approve_notary_policy, propose_notary_policy
from conductor.engine.models import Run
from conductor.engine.run.executor import advance
from conductor.ledger.log.sequencer import sequence
from conductor.ledger.models import Receipt
from conductor.lib.clock import now as clock_now
from conductor.lib.errors import Invalid
from conductor.lib.refs import Ref
from conductor.tenancy.actors import Actor, PermissionMissing
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Environment, Tenant
from controls.lifecycle import bind_defaults, start_restore_verification
from evidence.models import EvidenceBundle, Pack
from evidence.packs.lifecycle import BundleNotReleasable, request_pack
from tests.adapters.receiver import receiving, status
from tests.adapters.stamping import Stamper, honestly
from tests.evidence.driving import DSN_VARIABLE, backup_adapter, drive, dsn, local_notary, log_of

Make = Callable[..., Actor]


@pytest.fixture
def second(actor: Make, ana: User) -> Actor:
    """Another admin of Northwind."""
    return replace(actor(ana), ref=Ref("tenancy.user:999"), name="Dora")


def propose(tenant: Tenant, actor: Actor, mode: str, needed: int = 0, now: datetime | None = None) -> NotaryPolicy:
    with tenant_scope(tenant.id):
        return propose_notary_policy(tenant_id=tenant.id, mode=mode, needed=needed, actor=actor, now=now or clock_now())


def demanded(tenant: Tenant) -> Demand:
    with tenant_scope(tenant.id):
        return demand_at(clock_now())


def test_more_is_in_force_at_once_and_less_needs_a_second_person(
    tenant: Tenant, actor: Make, ana: User, second: Actor
) -> None:
    assert demanded(tenant) == Demand("BEST_EFFORT", 0)
    propose(tenant, actor(ana), "REQUIRED", 2)
    assert demanded(tenant) == Demand("REQUIRED", 2)

    less = propose(tenant, actor(ana), "REQUIRED", 1)
    assert demanded(tenant) == Demand("REQUIRED", 2)
    off = propose(tenant, actor(ana), "OFF")
    with tenant_scope(tenant.id):
        with pytest.raises(NeedsAnotherPerson):
            approve_notary_policy(policy=off, actor=actor(ana), now=clock_now())
        with pytest.raises(ProposalGone):
            approve_notary_policy(policy=less, actor=second, now=clock_now())
        approve_notary_policy(policy=off, actor=second, now=clock_now())
        with pytest.raises(ProposalGone):
            approve_notary_policy(policy=off, actor=second, now=clock_now())
        actions = list(
            Receipt.objects.filter(action__startswith="adapters.notary_policy.")
            .order_by("id")
            .values_list("action", "actor_name")
        )
    assert demanded(tenant) == Demand("OFF", 0)
    assert [action.rpartition(".")[2] for action, _who in actions] == ["changed", "proposed", "proposed", "changed"]
    assert actions[-1][1] == second.name


def test_what_cannot_be_demanded_is_refused(tenant: Tenant, actor: Make, ana: User, cora: User) -> None:
    for mode, needed, field in (
        ("MAYBE", 0, "mode"),
        ("REQUIRED", 0, "needed"),
        ("REQUIRED", 10, "needed"),
        ("OFF", 1, "needed"),
    ):
        with pytest.raises(Invalid) as caught:
            propose(tenant, actor(ana), mode, needed)
        assert list(caught.value.fields) == [field]
    with pytest.raises(PermissionMissing):
        propose(tenant, actor(cora), "REQUIRED", 1)


@pytest.fixture
def bundle_run(
    committed: None, tenant: Tenant, actor: Make, ana: User, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[tuple[Run, Any, Stamper]]:
    """A restore verification under "1 required", with an own key that vouches and an authority that is down."""
    monkeypatch.setenv(DSN_VARIABLE, dsn())
    stamper = Stamper(tmp_path / "tsa")
    propose(tenant, actor(ana), "REQUIRED", 1)
    with receiving(status(503)) as server, tenant_scope(tenant.id):
        environment = Environment.objects.get(slug="production")
        backup_adapter(tenant, environment)
        local_notary(tenant)
        settings = {"url": server.url, "root_certificate": stamper.root, "allow_loopback": True}
        configure_adapter(
            tenant_id=tenant.id, kind="rfc3161", name="Authority", settings=settings, actor=actor(ana), now=clock_now()
        )
        bind_defaults(tenant_id=tenant.id, actor=Actor.system(), now=clock_now())
        run = start_restore_verification(
            tenant_id=tenant.id, environment=environment, actor=Actor.system(), now=clock_now()
        )
        yield run, server, stamper


def until_it_waits_for_notaries(run: Run) -> Run:
    for _round in range(30):
        sequence(tenant_id=run.tenant_id, now=clock_now())
        with tenant_scope(run.tenant_id):
            Run.objects.filter(id=run.id, status__in=["WAITING", "QUEUED"]).update(wake_at=clock_now())
        advance(tenant_id=run.tenant_id, run_id=run.id, worker="test", now=clock_now())
        with tenant_scope(run.tenant_id):
            run = Run.objects.get(id=run.id)
            sealed = EvidenceBundle.objects.filter(run_id=run.id, status="SEALED").exists()
        if run.is_over or (sealed and run.status == "WAITING"):
            return run
    raise AssertionError(log_of(run))


def test_t39_required_holds_release_but_not_sealing_until_an_independent_notary_vouches(
    bundle_run: tuple[Run, Any, Stamper], tenant: Tenant
) -> None:
    run, server, stamper = bundle_run

    run = until_it_waits_for_notaries(run)

    with tenant_scope(tenant.id):
        bundle = EvidenceBundle.objects.get(run_id=run.id)
        assert (bundle.status, run.status, Pack.objects.count()) == ("SEALED", "WAITING", 0)
        with pytest.raises(BundleNotReleasable, match="0 of 1"):
            request_pack(bundle=bundle, actor=Actor.system(), now=clock_now())
    server.answering = honestly(stamper)
    assert drive(tenant_id=tenant.id, run_id=run.id).status == "SUCCEEDED", log_of(run)
    with tenant_scope(tenant.id):
        assert Pack.objects.filter(bundle=bundle).count() == 1


@pytest.mark.full
def test_t38_a_policy_that_changes_on_the_way_releases_nothing_that_was_sealed_under_it(
    bundle_run: tuple[Run, Any, Stamper], tenant: Tenant, actor: Make, ana: User, second: Actor
) -> None:
    run, server, stamper = bundle_run
    run = until_it_waits_for_notaries(run)
    off = propose(tenant, actor(ana), "OFF")
    with tenant_scope(tenant.id):
        approve_notary_policy(policy=off, actor=second, now=clock_now())
        bundle = EvidenceBundle.objects.get(run_id=run.id)
        with pytest.raises(BundleNotReleasable):
            request_pack(bundle=bundle, actor=Actor.system(), now=clock_now())
        digest, subject = bundle.manifest_digest, bundle.ref

    server.answering = honestly(stamper)
    notarize(tenant_id=tenant.id, subject=subject, digest=digest, now=clock_now())

    with tenant_scope(tenant.id):
        assert request_pack(bundle=bundle, actor=Actor.system(), now=clock_now())


def test_t38_a_demand_made_later_holds_up_nothing_that_was_sealed_before(
    tenant: Tenant, actor: Make, ana: User
) -> None:
    moment = clock_now()
    propose(tenant, actor(ana), "REQUIRED", 1, now=moment)

    with tenant_scope(tenant.id):
        assert demand_at(moment - timedelta(seconds=1)) == Demand("BEST_EFFORT", 0)
        assert demand_at(moment) == Demand("REQUIRED", 1)
