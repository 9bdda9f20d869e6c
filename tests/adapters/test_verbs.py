"""Deliveries and notarizations as verbs: once per key and digest, each outcome on record (T35, T37)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from prometheus_client import REGISTRY

from adapters.configuration import breaker
from adapters.configuration import lifecycle as configuration_lifecycle
from adapters.configuration.lifecycle import (
    AdapterNameTaken,
    configure_adapter,
    remove_adapter,
    switch_adapter,
    try_adapter,
)
from adapters.configuration.secrets import forget_secret, set_secret
from adapters.delivery.lifecycle import deliver
from adapters.models.adapter import AdapterConfig, Delivery, NotaryRecord
from adapters.notaries.lifecycle import notarize
from adapters.ports.protocols import AdapterError
from conductor.ledger.models import Receipt
from conductor.lib.errors import Invalid
from conductor.lib.refs import Ref
from conductor.tenancy.actors import PermissionMissing
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Environment, Tenant
from tests.adapters.receiver import Receiver, receiving, status
from tests.adapters.stamping import Stamper, honestly, stamping

KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SUBJECT = Ref("incidents.incident:1")
DIGEST = "ab" * 32


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


def connect(tenant: Tenant, actor: Any, now: datetime, **told: Any) -> AdapterConfig:
    with tenant_scope(tenant.id):
        return configure_adapter(**{"tenant_id": tenant.id, "actor": actor, "now": now, "name": told["kind"], **told})


def hook(tenant: Tenant, actor: Any, now: datetime, url: str, **told: Any) -> AdapterConfig:
    settings = {"url": url, "allow_loopback": True, "timeout_seconds": 2}
    return connect(
        tenant, actor, now, **{"kind": "webhook", "settings": settings, "secrets": {"signing_key": KEY}, **told}
    )


def authority(tenant: Tenant, actor: Any, now: datetime, server: Receiver, stamper: Stamper) -> AdapterConfig:
    settings = {"url": server.url, "root_certificate": stamper.root, "allow_loopback": True, "timeout_seconds": 2}
    return connect(tenant, actor, now, kind="rfc3161", settings=settings)


def tell(tenant: Tenant, key: str, now: datetime, **told: Any) -> list[Delivery]:
    payload = {"title": "SEV1", "facts": {"b": "1", "a": "2"}}
    return deliver(
        tenant_id=tenant.id, event="a.b.happened", subject=SUBJECT, payload=payload, key=key, now=now, **told
    )


def test_what_was_sent_under_a_key_is_not_sent_again(
    tenant: Tenant, actor: Any, ana: User, now: datetime, receiver: Receiver
) -> None:
    hook(tenant, actor(ana), now, receiver.url)

    (first,), (second,) = (tell(tenant, "run:1", now) for _each in range(2))

    assert (first.id, second.status, second.attempts) == (second.id, "SENT", 1)
    assert len(receiver.asked) == 1
    tell(tenant, "run:2", now)
    assert len(receiver.asked) == 2


def test_a_temporary_failure_is_raised_after_everybody_was_tried_and_heals_under_the_same_key(
    tenant: Tenant, actor: Any, ana: User, now: datetime, receiver: Receiver
) -> None:
    with receiving(status(503)) as flapping:
        hook(tenant, actor(ana), now, flapping.url, name="a first")
        hook(tenant, actor(ana), now, receiver.url, name="b second")

        with pytest.raises(AdapterError, match="503"):
            tell(tenant, "k", now)
        assert len(receiver.asked) == 1
        flapping.answering = status(204)
        first, second = tell(tenant, "k", now)

    assert (first.status, first.attempts, first.error) == ("SENT", 2, "")
    assert (second.status, second.attempts) == ("SENT", 1)
    ids = [asked.headers["webhook-id"] for asked in flapping.asked]
    assert ids == ["k", "k"]
    assert flapping.asked[0].body == flapping.asked[1].body


def test_a_failure_for_good_is_recorded_counted_and_holds_nobody_up(
    tenant: Tenant, actor: Any, ana: User, now: datetime
) -> None:
    def failures() -> float:
        return REGISTRY.get_sample_value("conductor_deliveries_total", {"kind": "webhook", "outcome": "failed"}) or 0

    before = failures()
    with receiving(status(410, b"gone")) as gone:
        hook(tenant, actor(ana), now, gone.url)
        (delivery,) = tell(tenant, "k", now)
        tell(tenant, "k", now)

    assert (delivery.status, delivery.attempts, delivery.sent_at) == ("FAILED", 1, None)
    assert delivery.error == "127.0.0.1 answered 410: gone"
    assert delivery.recipient == "127.0.0.1"
    assert len(gone.asked) == 1
    assert failures() == before + 1


def test_only_enabled_adapters_of_the_environment_are_used(
    tenant: Tenant, actor: Any, ana: User, now: datetime, receiver: Receiver, production: Environment
) -> None:
    everywhere = hook(tenant, actor(ana), now, receiver.url, name="everywhere")
    hook(tenant, actor(ana), now, receiver.url, name="production", environment=production)

    assert [each.adapter.name for each in tell(tenant, "k1", now)] == ["everywhere"]
    names = [each.adapter.name for each in tell(tenant, "k2", now, environment_id=production.id)]
    assert names == ["everywhere", "production"]
    with tenant_scope(tenant.id):
        switch_adapter(adapter=everywhere, enabled=False, actor=actor(ana), now=now)
    assert tell(tenant, "k3", now) == []


def test_a_digest_is_vouched_for_once_and_leaves_a_receipt(
    tenant: Tenant, actor: Any, ana: User, now: datetime, tmp_path: Path
) -> None:
    stamper = Stamper(tmp_path)
    with stamping(stamper) as server:
        authority(tenant, actor(ana), now, server, stamper)
        moment = datetime.now(UTC)
        (first,), (second,) = (
            notarize(tenant_id=tenant.id, subject=SUBJECT, digest=DIGEST, now=moment) for _each in range(2)
        )

    assert (first.state, second.id, second.attempts) == ("VERIFIED", first.id, 1)
    assert len(server.asked) == 1
    assert bytes(first.request) == server.asked[0].body
    with tenant_scope(tenant.id):
        (receipt,) = Receipt.objects.filter(action="adapters.digest.notarized")
        assert receipt.links == [SUBJECT]


def test_t35_after_our_clock_jumped_a_stamp_is_refused_and_the_next_one_counts(
    tenant: Tenant, actor: Any, ana: User, now: datetime, tmp_path: Path
) -> None:
    stamper = Stamper(tmp_path)
    with stamping(stamper) as server:
        authority(tenant, actor(ana), now, server, stamper)
        right = datetime.now(UTC)
        (refused,) = notarize(tenant_id=tenant.id, subject=SUBJECT, digest=DIGEST, now=right - timedelta(hours=1))
        (record,) = notarize(tenant_id=tenant.id, subject=SUBJECT, digest=DIGEST, now=right)

    assert (refused.state, refused.code, refused.verified_at) == ("REJECTED", "skew", None)
    assert bytes(refused.response), "what was refused is kept"
    assert (record.id, record.state, record.attempts, record.code) == (refused.id, "VERIFIED", 2, "")
    assert record.attested_at is not None
    assert abs(record.attested_at - right) < timedelta(minutes=1)


def test_t37_a_flapping_notary_leaves_exactly_one_verified_record_per_digest(
    tenant: Tenant, actor: Any, ana: User, now: datetime, tmp_path: Path
) -> None:
    stamper = Stamper(tmp_path)
    digests = [f"{number:064x}" for number in range(3)]
    with receiving() as server:
        authority(tenant, actor(ana), now, server, stamper)
        for answering in (status(503), honestly(stamper), status(500), honestly(stamper)):
            server.answering = answering
            for digest in digests[:2]:
                notarize(tenant_id=tenant.id, subject=SUBJECT, digest=digest, now=datetime.now(UTC))
        notarize(tenant_id=tenant.id, subject=SUBJECT, digest=digests[2], now=datetime.now(UTC))

    with tenant_scope(tenant.id):
        records = list(NotaryRecord.objects.order_by("digest").values_list("digest", "state", "attempts"))
        assert Receipt.objects.filter(action="adapters.digest.notarized").count() == 3
    # While it failed only the oldest was asked about, twice; the second waited its turn.
    assert records == [(digests[0], "VERIFIED", 3), (digests[1], "VERIFIED", 1), (digests[2], "VERIFIED", 1)]


@pytest.mark.usefixtures("committed")
def test_t37_two_workers_with_one_digest_make_one_verified_record(
    tenant: Tenant, actor: Any, ana: User, now: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where both ask: the first was paused past its turn."""
    monkeypatch.setattr(breaker, "TURN", timedelta(0))
    stamper = Stamper(tmp_path)
    both_asked = threading.Barrier(2, timeout=10)
    with receiving() as server:
        honest = honestly(stamper)
        lock = threading.Lock()

        def together(handler: Any, asked: Any) -> None:
            both_asked.wait()
            with lock:  # openssl's serial file is not for two at once
                honest(handler, asked)

        server.answering = together
        authority(tenant, actor(ana), now, server, stamper)

        def work() -> None:
            notarize(tenant_id=tenant.id, subject=SUBJECT, digest=DIGEST, now=datetime.now(UTC))
            connection.close()

        workers = [threading.Thread(target=work) for _each in range(2)]
        for number, worker in enumerate(workers, start=1):
            worker.start()
            while len(server.asked) < number and worker.is_alive():
                worker.join(0.01)
        for worker in workers:
            worker.join(20)

    assert len(server.asked) == 2
    with tenant_scope(tenant.id):
        assert NotaryRecord.objects.get().state == "VERIFIED"
        assert Receipt.objects.filter(action="adapters.digest.notarized").count() == 1


def test_settings_and_secrets_that_are_wrong_are_named_and_nothing_is_stored(
    tenant: Tenant, actor: Any, ana: User, now: datetime
) -> None:
    for told, field in (
        ({"kind": "pigeon", "settings": {}}, "kind"),
        ({"kind": "webhook", "settings": {}, "secrets": {"signing_key": KEY}}, "settings.url"),
        ({"kind": "webhook", "settings": {"url": "https://a.test/"}}, "secrets.signing_key"),
        ({"kind": "local", "settings": {}, "secrets": {"key": "x"}}, "secrets.key"),
        ({"kind": "local", "settings": {"colour": "red"}}, "settings.colour"),
        ({"kind": "local", "settings": {}, "name": " "}, "name"),
        ({"kind": "local", "settings": {}, "name": "x" * 81}, "name"),
        ({"kind": "postgres", "settings": {}, "secrets": {"dsn": "postgresql://a:b@c/d"}}, "secrets.dsn"),
    ):
        with pytest.raises(Invalid) as caught:
            connect(tenant, actor(ana), now, **told)
        assert list(caught.value.fields) == [field]
    with tenant_scope(tenant.id):
        assert not AdapterConfig.objects.exists()
        assert not Receipt.objects.filter(action__startswith="adapters.").exists()


def test_a_name_is_given_once(tenant: Tenant, actor: Any, ana: User, now: datetime) -> None:
    connect(tenant, actor(ana), now, kind="local", settings={})

    with pytest.raises(AdapterNameTaken):
        connect(tenant, actor(ana), now, kind="local", settings={})


def test_an_optional_secret_is_forgotten_and_a_needed_one_not(
    tenant: Tenant, actor: Any, ana: User, now: datetime
) -> None:
    mail = {"host": "mail.test", "from_address": "a@b.test", "to": ["a@b.test"]}
    smtp = connect(tenant, actor(ana), now, kind="smtp", settings=mail, secrets={"password": "hunter2"})
    webhook = hook(tenant, actor(ana), now, "https://a.test/")

    with tenant_scope(tenant.id):
        assert forget_secret(adapter=smtp, name="password", actor=actor(ana), now=now)
        assert not forget_secret(adapter=smtp, name="password", actor=actor(ana), now=now)
        with pytest.raises(Invalid):
            forget_secret(adapter=webhook, name="signing_key", actor=actor(ana), now=now)


def test_every_verb_asks_for_the_permission(tenant: Tenant, actor: Any, ana: User, cora: User, now: datetime) -> None:
    own = connect(tenant, actor(ana), now, kind="local", settings={})
    told: dict[str, Any] = {"adapter": own, "actor": actor(cora), "now": now}
    with tenant_scope(tenant.id):
        for attempt in (
            lambda: configuration_lifecycle.switch_adapter(enabled=False, **told),
            lambda: try_adapter(**told),
            lambda: remove_adapter(**told),
            lambda: set_secret(name="x", value="y", **told),
            lambda: forget_secret(name="x", **told),
        ):
            with pytest.raises(PermissionMissing):
                attempt()
        own.refresh_from_db()
        assert own.enabled
