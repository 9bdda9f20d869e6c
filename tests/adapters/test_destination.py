"""A secret stays where it was given: whoever changes where it goes gives it again, in every kind and entry point."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from adapters import registry
from adapters.configuration.lifecycle import configure_adapter
from adapters.models.adapter import AdapterConfig, Secret
from adapters.ports.destination import destination_fields, moved
from conductor.ledger.models import Receipt
from conductor.lib.errors import Invalid
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from tests.adapters.receiver import receiving

pytestmark = pytest.mark.fault("security-6")

CANARY = "CANARYSECRET7f3a9b"
SECRET = {"signing_key": "whsec_" + "QUJD" * 10}
SETTINGS: dict[str, dict[str, Any]] = {
    "smtp": {"host": "mail.example.test", "from_address": "a@example.test", "to": ["b@example.test"], "username": "u"},
    "webhook": {"url": "https://hooks.example.test/a"},
    "prometheus": {
        "url": "https://prometheus.example.test",
        "measures": [{"key": "up", "label": "Up", "query": "up", "unit": "count"}],
    },
    "roundup": {"url": "https://roundup.example.test/t", "username": "u"},
    "github": {"repository": "acme/shop"},
    "jira": {"url": "https://acme.example.test", "email": "a@example.test", "project": "OPS"},
}
OTHER: dict[str, Any] = {
    "url": "https://attacker.example.test",
    "web_url": "https://attacker.example.test",
    "host": "attacker.example.test",
    "port": 2525,
    "security": "tls",
    "ca_certificate": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
    "allow_loopback": True,
}
HARMLESS = {
    "smtp": {"username", "from_address", "from_name", "to", "timeout_seconds"},
    "webhook": {"timeout_seconds"},
    "local": {"notary"},
    "rfc3161": {
        "root_certificate", "intermediate_certificates", "policy_oid", "timeout_seconds", "max_skew_seconds",
    },
    "postgres": {"timeout_seconds", "lock_wait_seconds"},
    "prometheus": {"measures", "timeout_seconds"},
    "roundup": {"username", "open_status", "done_statuses", "dropped_statuses", "timeout_seconds"},
    "github": {"repository", "labels", "timeout_seconds"},
    "jira": {
        "email", "project", "issue_type", "open_status", "done_status", "dropped_status", "dropped_resolutions",
        "timeout_seconds",
    },
}  # fmt: skip
"""Settings that send no secret to anybody else: the same server gets it, over the same connection."""
MOVES = [(kind, field) for kind in SETTINGS for field in destination_fields(registry.kind(kind).load().config_model)]

Connect = Callable[..., AdapterConfig]


@pytest.fixture
def connect(tenant: Tenant, actor: Any, ana: User, now: datetime) -> Connect:
    def configure(kind: str, **told: Any) -> AdapterConfig:
        with tenant_scope(tenant.id):
            return configure_adapter(tenant_id=tenant.id, kind=kind, name=kind, actor=actor(ana), now=now, **told)

    return configure


def secrets_of(kind: str) -> dict[str, str]:
    return SECRET if kind == "webhook" else dict.fromkeys(registry.kind(kind).load().secrets_model.model_fields, CANARY)


def names(adapter: AdapterConfig) -> set[str]:
    with tenant_scope(adapter.tenant_id):
        return set(Secret.objects.filter(adapter=adapter).values_list("name", flat=True))


@pytest.mark.parametrize("kind", registry.KINDS)
def test_every_setting_of_every_kind_was_decided_about(kind: str) -> None:
    model = registry.kind(kind).load().config_model

    assert set(destination_fields(model)) == set(model.model_fields) - HARMLESS[kind]


def test_every_kind_that_has_secrets_and_an_address_is_tried() -> None:
    loaded = {kind: registry.kind(kind).load() for kind in registry.KINDS}
    sending = {
        kind for kind, each in loaded.items()
        if each.secrets_model.model_fields and destination_fields(each.config_model)
    }  # fmt: skip

    assert sending == set(SETTINGS)


@pytest.mark.parametrize(("kind", "field"), MOVES)
def test_a_new_destination_asks_for_every_stored_secret_again(kind: str, field: str, connect: Connect) -> None:
    adapter = connect(kind, settings=SETTINGS[kind], secrets=secrets_of(kind))
    elsewhere = {**SETTINGS[kind], field: OTHER[field]}

    with pytest.raises(Invalid) as refused:
        connect(kind, settings=elsewhere, adapter=adapter)
    assert set(refused.value.fields) == {f"secrets.{name}" for name in secrets_of(kind)}
    assert CANARY not in str(refused.value.fields)

    with tenant_scope(adapter.tenant_id):
        assert field not in moved(
            registry.kind(kind).load().config_model,
            before=AdapterConfig.objects.get(id=adapter.id).settings, after=adapter.settings,
        )  # fmt: skip
    assert connect(kind, settings=elsewhere, secrets=secrets_of(kind), adapter=adapter).settings[field] == OTHER[field]
    with tenant_scope(adapter.tenant_id):
        receipt = Receipt.objects.filter(action="adapters.config.changed").latest("id")
    assert receipt.body["destination"] == [field]


def test_what_the_kind_can_do_without_may_be_forgotten_in_its_place(connect: Connect) -> None:
    adapter = connect("github", settings=SETTINGS["github"], secrets=secrets_of("github"))
    elsewhere = {**SETTINGS["github"], "url": OTHER["url"]}

    with pytest.raises(Invalid):
        connect("github", settings=elsewhere, secrets={"token": "new"}, adapter=adapter)
    connect("github", settings=elsewhere, secrets={"token": "new"}, forget=["webhook_secret"], adapter=adapter)

    assert names(adapter) == {"token"}


def test_other_settings_change_without_a_question(connect: Connect) -> None:
    adapter = connect("github", settings=SETTINGS["github"], secrets=secrets_of("github"))

    changed = connect("github", settings={"repository": "acme/other", "timeout_seconds": 5}, adapter=adapter)

    assert changed.settings["repository"] == "acme/other"
    assert names(adapter) == {"token", "webhook_secret"}


def test_what_somebody_read_before_another_change_is_not_what_is_compared(connect: Connect) -> None:
    stale = connect("webhook", settings=SETTINGS["webhook"], secrets=SECRET)
    with tenant_scope(stale.tenant_id):
        fresh = AdapterConfig.objects.get(id=stale.id)
    connect("webhook", settings={"url": "https://new.example.test/"}, secrets=SECRET, adapter=fresh)

    with pytest.raises(Invalid):
        connect("webhook", settings=SETTINGS["webhook"], adapter=stale)


def test_an_admin_who_changes_the_address_only_reads_no_token(
    connect: Connect, ana: User, as_user: Callable[[User], Client]
) -> None:
    with receiving() as attacker:
        settings = {**SETTINGS["github"], "allow_loopback": True}
        adapter = connect("github", settings=settings, secrets={"token": CANARY})
        page = f"/admin/adapters/adapterconfig/{adapter.id}/"
        form = {
            "name": "github", "settings.repository": "acme/shop", "settings.labels": "", "settings.url": attacker.url,
            "settings.web_url": "https://github.com", "settings.timeout_seconds": "3", "settings.allow_loopback": "on",
        }  # fmt: skip
        answer = as_user(ana).post(f"{page}change/", form)
        as_user(ana).post(f"{page}test/")

        assert answer.status_code == 422
        assert "Give it again" in str(answer.context["form"].errors["secrets.token"])
        assert not [asked for asked in attacker.asked if CANARY in str(asked.headers)]

        answer = as_user(ana).post(f"{page}change/", {**form, "secrets.token": "given-anew"})
        assert answer.status_code == 302, "an empty list of labels is the default"
