"""An authority that is stopped and started again: left alone meanwhile, then asked in order, once each (T37)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from adapters.configuration import breaker
from adapters.configuration.lifecycle import configure_adapter, try_adapter
from adapters.models.adapter import AdapterConfig, NotaryRecord
from adapters.models.breaker import Breaker
from adapters.notaries.lifecycle import notarize, work_off
from conductor.ledger import anchors
from conductor.ledger.log.sequencer import sequence
from conductor.ledger.models import Receipt
from conductor.lib.clock import now as clock
from conductor.lib.refs import Ref
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from evidence.anchoring import anchor_checkpoint
from tests.evidence.timestamping import Authority, Service
from tests.ledger.acts import act

pytestmark = pytest.mark.usefixtures("committed")

SUBJECT = Ref("evidence.bundle:1")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tsa"))


def connect(tenant: Tenant, service: Service, authority: Authority) -> AdapterConfig:
    settings = {"url": service.url, "root_certificate": authority.root.read_text(), "allow_loopback": True}
    with tenant_scope(tenant.id):
        return configure_adapter(
            tenant_id=tenant.id, kind="rfc3161", name="TSA", settings=settings, actor=Actor.system(), now=clock()
        )


def port_of(service: Service) -> int:
    port = urlsplit(service.url).port
    assert port is not None
    return port


def records(tenant: Tenant) -> list[NotaryRecord]:
    with tenant_scope(tenant.id):
        return list(NotaryRecord.objects.order_by("created_at", "id"))


def breaker_of(tenant: Tenant) -> Breaker:
    with tenant_scope(tenant.id):
        return Breaker.objects.get()


def metric(name: str, labels: str = 'tenant="northwind"') -> float:
    body = Client().get("/metrics").content.decode()
    return float(
        next(each for each in body.splitlines() if each.startswith(f"{name}{{") and labels in each).split()[-1]
    )


def round_of(tenant: Tenant, at: datetime) -> int:
    """An act, its number in the log, and beat's round."""
    act(tenant, at)
    sequence(tenant_id=tenant.id, now=at)
    return anchor_checkpoint(tenant_id=tenant.id, now=at)


def test_t37_an_outage_opens_the_breaker_and_the_backlog_drains_in_order_once_each(
    tenant: Tenant, authority: Authority
) -> None:
    with authority.served() as before:
        connect(tenant, before, authority)
        assert round_of(tenant, clock()) == 1
    begun = clock() - timedelta(seconds=200)
    for number in range(6):  # nobody listens on its port now
        assert round_of(tenant, begun + timedelta(seconds=number)) == 0

    opened = breaker_of(tenant)
    pending = [each for each in records(tenant) if each.state == "PENDING"]
    assert (len(pending), opened.failures, opened.code) == (6, 3, "unreachable")
    assert [each.attempts for each in pending] == [3, 0, 0, 0, 0, 0], "after three failures nobody asks any more"
    assert metric("conductor_notary_breaker_open", 'notary="TSA"') == 1
    assert metric("conductor_notary_backlog", 'notary="TSA"') == 6
    assert metric("conductor_notary_backlog_age_seconds", 'notary="TSA"') >= 190
    assert metric("conductor_ledger_unanchored_age_seconds") >= 190

    with authority.served(port=port_of(before)) as after:
        assert opened.retry_at is not None
        assert work_off(tenant_id=tenant.id, now=opened.retry_at - timedelta(seconds=1)) == 0
        assert after.asked == 0, "it is back, and still left alone"
        assert anchor_checkpoint(tenant_id=tenant.id, now=clock()) >= 6
        assert after.imprints[:6] == [each.digest for each in pending], "oldest first"
        assert after.asked == len(after.imprints) == len(set(after.imprints)), "each once"
        sequence(tenant_id=tenant.id, now=clock())
        anchor_checkpoint(tenant_id=tenant.id, now=clock())
        sequence(tenant_id=tenant.id, now=clock())

    assert {each.state for each in records(tenant)} == {"VERIFIED"}
    closed = breaker_of(tenant)
    assert (closed.failures, closed.opened_at, closed.turn_of) == (0, None, "")
    with tenant_scope(tenant.id):
        notarized = Receipt.objects.filter(action=anchors.ECHO)
        assert notarized.count() == len(records(tenant))
        moves = Receipt.objects.filter(action__startswith="adapters.breaker.").order_by("id")
        assert list(moves.values_list("action", flat=True)) == ["adapters.breaker.opened", "adapters.breaker.closed"]
    assert metric("conductor_notary_breaker_open", 'notary="TSA"') == 0
    assert metric("conductor_notary_backlog", 'notary="TSA"') == 0
    assert metric("conductor_ledger_unanchored_age_seconds") == 0


def test_t37_a_probe_that_fails_leaves_it_alone_for_twice_as_long(tenant: Tenant, authority: Authority) -> None:
    with authority.served() as service:
        connect(tenant, service, authority)
    moment, pauses = clock(), []
    for number in range(5):
        notarize(tenant_id=tenant.id, subject=SUBJECT, digest=f"{number:064x}", now=moment)
        if (retry_at := breaker_of(tenant).retry_at) is not None:
            pauses.append(retry_at - moment)
            moment = retry_at

    with tenant_scope(tenant.id):
        assert sum(each.attempts for each in records(tenant)) == 5, "a probe is one question"
        assert Receipt.objects.filter(action="adapters.breaker.opened").count() == 1
    assert [round(each.total_seconds()) for each in pauses] == [30, 60, 120]
    assert breaker.pause_after(100) == breaker.LONGEST_PAUSE


def test_t37_two_workers_share_a_backlog_without_asking_anything_twice(tenant: Tenant, authority: Authority) -> None:
    with authority.served() as service:
        connect(tenant, service, authority)
    for number in range(5):
        notarize(tenant_id=tenant.id, subject=SUBJECT, digest=f"{number:064x}", now=clock() - timedelta(hours=1))

    with authority.served(port=port_of(service)) as service:
        service.seconds = 0.05

        def work() -> None:
            work_off(tenant_id=tenant.id, now=clock())
            connection.close()

        workers = [threading.Thread(target=work) for _each in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(30)

        assert service.imprints == [f"{number:064x}" for number in range(5)]


def test_t37_a_worker_that_dies_in_its_turn_holds_nobody_up_for_long(tenant: Tenant, authority: Authority) -> None:
    with authority.served() as service:
        adapter, now = connect(tenant, service, authority), clock()
        with tenant_scope(tenant.id):
            assert breaker.take_turn(adapter=adapter, now=now)  # and never gives it up

        (record,) = notarize(tenant_id=tenant.id, subject=SUBJECT, digest="ab" * 32, now=now)
        assert (record.state, service.asked) == ("PENDING", 0)
        assert work_off(tenant_id=tenant.id, now=now + breaker.TURN) == 1


def test_t37_an_answer_that_does_not_hold_is_an_answer_and_blocks_nothing_behind_it(
    tenant: Tenant, authority: Authority
) -> None:
    with authority.served() as service:
        connect(tenant, service, authority)
        for number in range(4):
            notarize(tenant_id=tenant.id, subject=SUBJECT, digest=f"{number:064x}", now=clock() - timedelta(hours=1))
        assert [(each.state, each.code) for each in records(tenant)] == [("REJECTED", "skew")] * 4
        assert breaker_of(tenant).opened_at is None
        (fine,) = notarize(tenant_id=tenant.id, subject=SUBJECT, digest="ab" * 32, now=clock())

    assert fine.state == "VERIFIED"


def test_the_adapters_page_says_so_and_a_test_that_passes_ends_the_pause(
    tenant: Tenant, authority: Authority, actor: Any, ana: User, as_user: Callable[[User], Client], tmp_path: Path
) -> None:
    with authority.served() as service:
        adapter = connect(tenant, service, authority)
    for number in range(3):
        notarize(tenant_id=tenant.id, subject=SUBJECT, digest=f"{number:064x}", now=clock())
    html = as_user(ana).get("/admin/adapters/adapterconfig/").content.decode()
    assert "Left alone" in html and "unreachable" in html and "3 digests wait for its answer" in html

    with authority.served(port=port_of(service)):
        assert work_off(tenant_id=tenant.id, now=clock()) == 0
        with tenant_scope(tenant.id):
            assert try_adapter(adapter=adapter, actor=actor(ana), now=clock()).test_passed
        assert work_off(tenant_id=tenant.id, now=clock()) == 3
    assert "Left alone" not in as_user(ana).get("/admin/adapters/adapterconfig/").content.decode()
