"""A tenant's adapters in the admin: made from the kind's own models, changed by verbs, secrets never shown again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from adapters import registry
from adapters.configuration.lifecycle import configure_adapter
from adapters.configuration.test_limits import one_test
from adapters.models.adapter import AdapterConfig, Secret
from adapters.notaries.lifecycle import notarize
from conductor.ledger.models import Receipt
from conductor.lib.refs import Ref
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant

LIST = "/admin/adapters/adapterconfig/"
KEY = "whsec_" + "QUJD" * 10
HOOK = {
    "name": "Duty room",
    "settings.url": "https://hooks.example.test/T1",
    "settings.timeout_seconds": "5",
    "secrets.signing_key": KEY,
}

As = Callable[[User], Client]


@pytest.fixture
def hook(tenant: Tenant, actor: Any, ana: User, now: Any) -> AdapterConfig:
    with tenant_scope(tenant.id):
        return configure_adapter(
            tenant_id=tenant.id,
            kind="webhook",
            name="Duty room",
            settings={"url": "https://hooks.invalid/T1"},
            secrets={"signing_key": KEY},
            actor=actor(ana),
            now=now,
        )


def page(adapter: AdapterConfig, verb: str = "change") -> str:
    return f"{LIST}{adapter.id}/{verb}/"


def stored(tenant: Tenant) -> list[AdapterConfig]:
    with tenant_scope(tenant.id):
        return list(AdapterConfig.objects.order_by("name"))


def actions(tenant: Tenant) -> list[str]:
    with tenant_scope(tenant.id):
        return list(Receipt.objects.order_by("id").values_list("action", flat=True))


@pytest.mark.parametrize("kind", registry.KINDS)
def test_every_kind_has_a_form_with_each_of_its_settings_and_secrets(kind: str, ana: User, as_user: As) -> None:
    answer = as_user(ana).get(f"{LIST}add/?kind={kind}")

    loaded = registry.kind(kind).load()
    shown = answer.content.decode()
    assert answer.status_code == 200
    for prefix, model in (("settings", loaded.config_model), ("secrets", loaded.secrets_model)):
        for name in model.model_fields:
            assert f'name="{prefix}.{name}"' in shown
    assert registry.kind(kind).docs in shown


def test_an_admin_connects_an_adapter_and_what_was_secret_is_sealed_and_never_shown(
    ana: User, as_user: As, tenant: Tenant
) -> None:
    answer = as_user(ana).post(f"{LIST}add/?kind=webhook", HOOK)

    (made,) = stored(tenant)
    assert answer.status_code == 302
    assert (made.kind, made.settings["url"], made.settings["timeout_seconds"]) == ("webhook", HOOK["settings.url"], 5)
    shown = as_user(ana).get(answer["Location"]).content.decode()
    assert "sealed" in shown
    assert KEY not in shown
    with tenant_scope(tenant.id):
        assert KEY not in Secret.objects.get().sealed
        assert KEY not in str(list(Receipt.objects.values_list("body", flat=True)))
    assert actions(tenant) == ["adapters.config.connected", "adapters.key.made", "adapters.secret.set"]


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("settings.url", "http://hooks.example.test/", "Only https is used"),
        ("settings.timeout_seconds", "900", "less than or equal to 30"),
        ("secrets.signing_key", "whsec_short", "This is not whsec_"),
        ("secrets.signing_key", "", "This field is required"),
        ("secrets.signing_key", "env:DATABASE_URL", "does not let your organisation use this reference"),
        ("name", " ", "This field is required"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_stored(
    field: str, value: str, complaint: str, ana: User, as_user: As, tenant: Tenant
) -> None:
    answer = as_user(ana).post(f"{LIST}add/?kind=webhook", {**HOOK, field: value})

    assert answer.status_code == 422
    assert complaint in str(answer.context["form"].errors[field])
    assert complaint in answer.content.decode()
    assert not stored(tenant)
    if value:
        assert value not in answer.content.decode() or not field.startswith("secrets.")


def test_a_list_in_json_that_is_none_is_refused_beside_its_field(ana: User, as_user: As, tenant: Tenant) -> None:
    told = {"name": "Prom", "settings.url": "https://prom.example.test", "settings.timeout_seconds": "5"}

    answer = as_user(ana).post(f"{LIST}add/?kind=prometheus", {**told, "settings.measures": '[{"key": "x"}]'})

    assert answer.status_code == 422
    assert "settings.measures" in answer.context["form"].errors


def test_changing_settings_keeps_the_secret_and_forgets_the_test(
    hook: AdapterConfig, ana: User, as_user: As, tenant: Tenant
) -> None:
    as_user(ana).post(page(hook, "test"))
    assert stored(tenant)[0].test_code == "host_unknown"

    as_user(ana).post(page(hook), {**HOOK, "secrets.signing_key": "", "settings.url": "https://hooks.invalid/T1"})

    (changed,) = stored(tenant)
    assert changed.settings["timeout_seconds"] == 5
    assert (changed.tested_at, changed.test_code, changed.test_detail) == (None, "", "")
    with tenant_scope(tenant.id):
        assert Secret.objects.get(adapter=hook).sealed


def test_a_test_answers_in_place_with_code_sentence_and_request_id(
    hook: AdapterConfig, ana: User, as_user: As, tenant: Tenant
) -> None:
    answer = as_user(ana).post(page(hook, "test"), headers={"hx-request": "true"})

    shown = answer.content.decode()
    assert "<html" not in shown
    assert "host_unknown" in shown
    assert "hooks.invalid does not resolve" in shown
    assert answer["X-Request-Id"] in shown
    assert actions(tenant)[-1] == "adapters.config.tested"


def test_disabling_and_removing_ask_for_the_name(hook: AdapterConfig, ana: User, as_user: As, tenant: Tenant) -> None:
    for verb in ("switch", "remove"):
        answer = as_user(ana).post(page(hook, verb), {"typed": "duty room"})
        assert (answer.status_code, "exactly as it is written" in answer.content.decode()) == (422, True)
    assert stored(tenant)[0].enabled

    as_user(ana).post(page(hook, "switch"), {"typed": "Duty room"})
    assert not stored(tenant)[0].enabled
    as_user(ana).post(page(hook, "switch"), {"enabled": "1"})
    assert stored(tenant)[0].enabled
    as_user(ana).post(page(hook, "remove"), {"typed": "Duty room"})
    assert not stored(tenant)
    assert actions(tenant)[-3:] == [
        "adapters.config.disabled",
        "adapters.config.enabled",
        "adapters.config.removed",
    ]


def test_an_adapter_on_record_is_not_removed(ana: User, actor: Any, as_user: As, tenant: Tenant, now: Any) -> None:
    with tenant_scope(tenant.id):
        own = configure_adapter(
            tenant_id=tenant.id, kind="local", name="Own key", settings={}, actor=actor(ana), now=now
        )
        notarize(tenant_id=tenant.id, subject=Ref("evidence.bundle:1"), digest="ab" * 32, now=now)

    answer = as_user(ana).post(page(own, "remove"), {"typed": "Own key"})

    assert answer.status_code == 409
    assert stored(tenant)
    assert "cannot be removed" in as_user(ana).get(page(own)).content.decode()


@pytest.mark.parametrize("verb", ["change", "test", "switch", "remove"])
def test_another_tenants_adapter_is_not_there(
    verb: str, hook: AdapterConfig, max_: User, as_user: As, tenant: Tenant
) -> None:
    answer = as_user(max_).post(page(hook, verb), {"typed": "Duty room", "name": "Mine"})

    assert answer.status_code == 404
    assert stored(tenant)[0].name == "Duty room"
    assert "Duty room" not in as_user(max_).get(LIST).content.decode()


@pytest.mark.parametrize("verb", ["change", "test", "switch", "remove"])
def test_who_may_not_manage_adapters_is_refused(
    verb: str, hook: AdapterConfig, cleo: User, ben: User, as_user: As, tenant: Tenant
) -> None:
    for person in (cleo, ben):
        client = as_user(person)
        assert client.post(page(hook, verb), {"typed": "Duty room", "name": "x"}, follow=True).status_code == 403
        assert client.get(LIST, follow=True).status_code == 403
    assert stored(tenant)[0].enabled


def test_who_is_not_signed_in_is_sent_to_the_consoles_own_page(db: None) -> None:
    answer = Client().get(LIST, follow=True)

    assert answer.redirect_chain[-1][0].startswith("/accounts/login/")


def test_a_malformed_address_is_not_there(ana: User, as_user: As) -> None:
    for name in ("nothing", str(uuid4()), "1"):
        assert as_user(ana).get(f"{LIST}{name}/change/").status_code == 404


def test_the_list_takes_as_many_queries_for_many_adapters_as_for_one(
    hook: AdapterConfig, ana: User, actor: Any, as_user: As, tenant: Tenant, now: Any
) -> None:
    client = as_user(ana)
    client.get(LIST)
    with CaptureQueriesContext(connection) as one:
        client.get(LIST)
    with tenant_scope(tenant.id):
        for number in range(3):
            configure_adapter(
                tenant_id=tenant.id, kind="local", name=f"Key {number}", settings={}, actor=actor(ana), now=now
            )
    with CaptureQueriesContext(connection) as many:
        assert client.get(LIST).status_code == 200

    asked = [query for query in many.captured_queries if "SELECT" in query["sql"] and "set_config" not in query["sql"]]
    assert len(many) == len(one)
    assert len(asked) <= 12, "\n".join(query["sql"] for query in asked)


@pytest.mark.fault("security-2")
def test_a_third_test_at_once_is_not_begun_and_another_tenants_is(
    as_user: As, ana: User, hook: AdapterConfig, tenant: Tenant
) -> None:
    browser = as_user(ana)
    with one_test(hook.tenant_id), one_test(hook.tenant_id), one_test(uuid4()):
        refused = browser.post(page(hook, "test"))
    begun = browser.post(page(hook, "test"))

    assert refused.status_code == 429
    assert "2 tests of adapters are running" in refused.content.decode()
    assert begun.status_code == 200
    assert actions(tenant).count("adapters.config.tested") == 1
