"""Secrets: references, values sealed with tenants' own keys, and what moved or wrong keys come to (T56, T57)."""

from __future__ import annotations

import base64
import io
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from pydantic import SecretStr

from adapters.checks import secrets_are_wrapped_by_a_real_key
from adapters.configuration.lifecycle import configure_adapter
from adapters.configuration.opening import secret_values
from adapters.configuration.secrets import KeysUnavailable, set_secret
from adapters.models.adapter import AdapterConfig, DataKey, Secret
from adapters.ports.protocols import AdapterError
from adapters.secrets import (
    SecretUnavailable,
    context_of,
    is_permitted,
    is_reference,
    resolve,
    resolve_reference,
    seal_value,
)
from adapters.secrets.data_keys import SealedWithoutTenantKey, destroy_data_keys, sealing_key
from adapters.secrets.keks import LocalKek, keks
from adapters.secrets.sealing import seal
from adapters.transport.scrubbing import scrubbed
from chatops.slack.workspace.credentials import bot_token, seal_token
from chatops.slack.workspace.lifecycle import Grant, install_workspace
from conductor.ledger.models import Receipt
from conductor.lib.errors import Invalid
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from tests.adapters.vault_double import Vault, vault_double

VALUE = "whsec_" + "QUJD" * 10
OTHER_VALUE = "whsec_" + "REVG" * 10


def kek(byte: int) -> str:
    return base64.b64encode(bytes(range(byte, byte + 32))).decode()


@pytest.fixture(autouse=True)
def keys_of_this_test(monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path) -> Path:
    """A key-encryption key in the environment, and a folder of keys of this test's own."""
    monkeypatch.setenv("CONDUCTOR_KEK", kek(1))
    settings.CONDUCTOR_KEYS_DIR = tmp_path / "keys"
    (tmp_path / "keys").mkdir(mode=0o700)
    return tmp_path / "keys"


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch) -> Iterator[Vault]:
    with vault_double(monkeypatch) as held:
        yield held


def hook(tenant: Tenant, actor: Any, now: datetime, name: str = "hook", value: str = VALUE) -> AdapterConfig:
    with tenant_scope(tenant.id):
        return configure_adapter(
            tenant_id=tenant.id,
            kind="webhook",
            name=name,
            settings={"url": "https://a.test/"},
            secrets={"signing_key": value},
            actor=actor,
            now=now,
        )


def opened(adapter: AdapterConfig) -> str:
    with tenant_scope(adapter.tenant_id):
        return secret_values(adapter)["signing_key"].get_secret_value()


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("secrets", *arguments, stdout=out, stderr=out)
    return out.getvalue()


# References --------------------------------------------------------------------------------------
def test_what_is_a_reference_and_what_is_a_value() -> None:
    for reference in ("env:NAME", "file:/run/x", "vault:secret/conductor/smtp#password"):
        assert is_reference(reference)
    for value in ("env:", "env:1X", "file:relative", "vault:secret#x", "vault:secret/x", "hunter2", "env:A B"):
        assert not is_reference(value)


def test_a_file_is_read_anew_each_time_and_only_if_it_is_private(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("first\n")
    file.chmod(0o600)
    assert resolve_reference(f"file:{file}").get_secret_value() == "first"
    file.write_text("second")
    assert resolve_reference(f"file:{file}").get_secret_value() == "second"

    file.chmod(0o640)
    with pytest.raises(SecretUnavailable, match="chmod 600"):
        resolve_reference(f"file:{file}")
    with pytest.raises(SecretUnavailable, match="cannot be read"):
        resolve_reference(f"file:{tmp_path}/nothing")


def test_a_variable_that_is_not_set_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SECRET", "value")
    assert resolve_reference("env:A_SECRET").get_secret_value() == "value"
    monkeypatch.setenv("A_SECRET", "")
    with pytest.raises(SecretUnavailable, match="A_SECRET is not set"):
        resolve_reference("env:A_SECRET")


def test_vault_is_asked_for_one_field_of_the_newest_version(vault: Vault) -> None:
    vault.kv["secret/conductor/smtp"] = {"password": "from-vault", "other": "x"}

    assert resolve_reference("vault:secret/conductor/smtp#password").get_secret_value() == "from-vault"
    assert vault.asked[0].path == "/v1/secret/data/conductor/smtp"


@pytest.mark.parametrize(
    ("prepare", "permanent"),
    [
        (lambda vault: setattr(vault, "status", 503), False),
        (lambda vault: vault.kv.clear(), True),
        (lambda vault: vault.kv.update({"secret/a/b": {"other": "x"}}), True),
    ],
    ids=["sealed", "no such path", "no such field"],
)
def test_what_vault_does_not_give_is_an_error_that_says_whether_it_may_pass(
    prepare: Any, permanent: bool, vault: Vault
) -> None:
    vault.kv["secret/a/b"] = {"password": "x"}
    prepare(vault)

    with pytest.raises(AdapterError) as caught:
        resolve_reference("vault:secret/a/b#password")
    assert (caught.value.code, caught.value.permanent) == ("vault_refused", permanent)


def test_a_wrong_token_is_refused_and_the_token_file_is_followed(
    vault: Vault, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    vault.kv["secret/a"] = {"b": "value"}
    file = tmp_path / "token"
    file.write_text("wrong\n")
    file.chmod(0o600)
    right = vault_token()
    monkeypatch.setenv("CONDUCTOR_VAULT_TOKEN_FILE", str(file))
    with pytest.raises(AdapterError, match="403"):
        resolve_reference("vault:secret/a#b")
    file.write_text(right + "\n")
    assert resolve_reference("vault:secret/a#b").get_secret_value() == "value"


def vault_token() -> str:
    from tests.adapters.vault_double import TOKEN

    return TOKEN


def test_an_admin_may_use_only_the_references_that_the_operator_permits(settings: Any) -> None:
    settings.CONDUCTOR_SECRET_REFERENCES = ["file:/run/secrets/{tenant}/*", "vault:kv/{tenant}/*"]

    def permitted(reference: str) -> bool:
        return is_permitted(reference=reference, tenant_slug="northwind")

    assert permitted("file:/run/secrets/northwind/smtp")
    assert permitted("vault:kv/northwind/smtp#password")
    for refused in (
        "env:DATABASE_URL",
        "file:/run/secrets/globex/smtp",
        "file:/run/secrets/northwind/../globex/smtp",
        "vault:kv/globex/smtp#password",
        "vault:kv/northwind/../globex/smtp#password",
    ):
        assert not permitted(refused)


# Sealed values -----------------------------------------------------------------------------------
def test_a_value_is_sealed_with_a_key_of_the_tenants_own(tenant: Tenant, actor: Any, ana: User, now: datetime) -> None:
    adapter = hook(tenant, actor(ana), now)

    assert opened(adapter) == VALUE
    with tenant_scope(tenant.id):
        key = DataKey.objects.get()
        assert (key.version, key.kek_id) == (1, keks()[0].id)
        assert VALUE not in Secret.objects.get().sealed
        assert Receipt.objects.filter(action="adapters.key.made").count() == 1
    hook(tenant, actor(ana), now, name="second")
    with tenant_scope(tenant.id):
        assert DataKey.objects.count() == 1


def test_t56_a_sealed_value_that_was_moved_does_not_open(
    tenant: Tenant, other_tenant: Tenant, actor: Any, ana: User, max_: User, now: datetime
) -> None:
    mine, sibling = hook(tenant, actor(ana), now), hook(tenant, actor(ana), now, "sibling", OTHER_VALUE)
    theirs = hook(other_tenant, actor(max_, of=other_tenant), now)
    with tenant_scope(other_tenant.id):
        foreign = Secret.objects.get(adapter=theirs).sealed
        foreign_key = DataKey.objects.get()
    with tenant_scope(tenant.id):
        own = Secret.objects.get(adapter=mine)
        own.sealed = Secret.objects.get(adapter=sibling).sealed
        with pytest.raises(SecretUnavailable, match="another tenant, adapter or field"):
            resolve(own)
        own.sealed = foreign
        with pytest.raises(SecretUnavailable, match="does not open"):
            resolve(own)
        # With the other tenant's data key copied beside it, the wrapping's own context still holds.
        DataKey.objects.filter(version=1).update(wrapped=foreign_key.wrapped, kek_id=foreign_key.kek_id)
        with pytest.raises(SecretUnavailable, match="belongs to another tenant"):
            resolve(own)


def test_t57_a_wrong_key_is_an_error_and_never_the_ciphertext(
    tenant: Tenant, actor: Any, ana: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter = hook(tenant, actor(ana), now)
    monkeypatch.setenv("CONDUCTOR_KEK", kek(7))

    with pytest.raises(SecretUnavailable) as caught:
        opened(adapter)
    assert "is not at hand" in caught.value.message
    with tenant_scope(tenant.id):
        assert Secret.objects.get().sealed not in caught.value.message
        # The same name for another key, as a forger would give it:
        DataKey.objects.update(kek_id=LocalKek(bytes(range(7, 39))).id)
    with pytest.raises(SecretUnavailable, match="does not open"):
        opened(adapter)


@pytest.mark.parametrize("place", [0, 40, -1])
def test_t57_a_changed_ciphertext_does_not_open(
    place: int, tenant: Tenant, actor: Any, ana: User, now: datetime
) -> None:
    adapter = hook(tenant, actor(ana), now)
    with tenant_scope(tenant.id):
        row = Secret.objects.get()
        letters = list(row.sealed)
        letters[place] = "A" if letters[place] != "A" else "B"
        Secret.objects.update(sealed="".join(letters))

    with pytest.raises(SecretUnavailable):
        opened(adapter)


def test_values_sealed_before_tenants_had_keys_still_open_and_are_sealed_anew(
    tenant: Tenant, actor: Any, ana: User, now: datetime
) -> None:
    adapter = hook(tenant, actor(ana), now)
    with tenant_scope(tenant.id):
        first = keks()[0]
        assert isinstance(first, LocalKek)
        context = context_of(tenant_id=tenant.id, adapter_id=adapter.id, field="signing_key")
        old = seal(VALUE.encode(), key=first.key, key_id=first.id, context=context)
        Secret.objects.update(sealed=old)
        DataKey.objects.all().delete()

    assert opened(adapter) == VALUE
    assert "with the installation's own key" in run("status")
    with pytest.raises(CommandError), tenant_scope(tenant.id):
        run("destroy", "--tenant", "northwind", "--confirm", "northwind", "--reason", "x")
    run("rotate", "--data-keys")
    assert opened(adapter) == VALUE
    with tenant_scope(tenant.id):
        assert Secret.objects.get().sealed != old
    assert "installation's own key" not in run("status")


def test_a_key_in_vault_wraps_and_never_leaves_it(
    tenant: Tenant, actor: Any, ana: User, now: datetime, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault.rotate("transit/conductor")
    monkeypatch.delenv("CONDUCTOR_KEK")
    monkeypatch.setenv("CONDUCTOR_KEK_VAULT", "transit/conductor")
    adapter = hook(tenant, actor(ana), now)

    assert opened(adapter) == VALUE
    with tenant_scope(tenant.id):
        assert DataKey.objects.get().kek_id == "vault:transit/conductor:v1"
    vault.rotate("transit/conductor")
    assert opened(adapter) == VALUE
    run("rotate")
    with tenant_scope(tenant.id):
        assert DataKey.objects.get().kek_id == "vault:transit/conductor:v2"
    assert opened(adapter) == VALUE
    vault.status = 503
    with pytest.raises(AdapterError) as caught:
        opened(adapter)
    assert not caught.value.permanent, "a sealed Vault is opened again some time"


def test_t56_a_key_wrapped_in_vault_does_not_unwrap_for_another_tenant(
    tenant: Tenant, other_tenant: Tenant, actor: Any, ana: User, max_: User, now: datetime,
    vault: Vault, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    vault.rotate("transit/conductor")
    monkeypatch.setenv("CONDUCTOR_KEK_VAULT", "transit/conductor")
    mine = hook(tenant, actor(ana), now)
    hook(other_tenant, actor(max_, of=other_tenant), now)
    with tenant_scope(other_tenant.id):
        foreign = DataKey.objects.get().wrapped
    with tenant_scope(tenant.id):
        DataKey.objects.update(wrapped=foreign)

    with pytest.raises(AdapterError, match="400"):
        opened(mine)


# Keys over time ----------------------------------------------------------------------------------
def test_a_new_key_encryption_key_wraps_anew_and_the_old_one_can_go(
    tenant: Tenant, actor: Any, ana: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter = hook(tenant, actor(ana), now)
    with tenant_scope(tenant.id):
        sealed = Secret.objects.get().sealed
    monkeypatch.setenv("CONDUCTOR_KEK", f"{kek(7)},{kek(1)}")
    assert "not the first: rotate" in run("status")

    assert "1 data keys wrapped again" in run("rotate")

    monkeypatch.setenv("CONDUCTOR_KEK", kek(7))
    assert opened(adapter) == VALUE
    assert "not the first" not in run("status")
    with tenant_scope(tenant.id):
        assert Secret.objects.get().sealed == sealed, "wrapping anew touches no value"
        receipt = Receipt.objects.get(action="adapters.keys.rewrapped")
        assert receipt.body["from"] != receipt.body["to"]


def test_a_new_data_key_seals_every_value_anew_and_retires_the_old_one(
    tenant: Tenant, actor: Any, ana: User, now: datetime
) -> None:
    adapters = [hook(tenant, actor(ana), now, name) for name in ("a", "b")]
    with tenant_scope(tenant.id):
        before = set(Secret.objects.values_list("sealed", flat=True))

    with tenant_scope(tenant.id):
        token = seal_token(tenant_id=tenant.id, team_id="T1", token="xoxb-1")
        grant = Grant("T1", "Northwind", "", "A1", "U1", ("chat:write",), token)
        installation = install_workspace(tenant_id=tenant.id, grant=grant, actor=Actor.system(channel="cli"), now=now)
    assert "3 values sealed again" in run("rotate", "--data-keys", "--tenant", "northwind")

    assert [opened(each) for each in adapters] == [VALUE, VALUE]
    with tenant_scope(tenant.id):
        assert before.isdisjoint(Secret.objects.values_list("sealed", flat=True))
        states = [(key.version, key.retired_at is None) for key in DataKey.objects.order_by("version")]
        assert states == [(1, False), (2, True)]
        assert Receipt.objects.get(action="adapters.keys.rotated").body == {"version": 2, "values": 3}
        installation.refresh_from_db()
        assert installation.bot_token_sealed != token
        assert bot_token(installation) == "xoxb-1"


def test_a_value_that_does_not_open_stops_the_rotation_and_verify_says_which(
    tenant: Tenant, actor: Any, ana: User, now: datetime
) -> None:
    hook(tenant, actor(ana), now, "a good one")
    broken = hook(tenant, actor(ana), now, "a broken one")
    with tenant_scope(tenant.id):
        Secret.objects.filter(adapter=broken).update(sealed="not.a.jwe")
        before = list(Secret.objects.order_by("id").values_list("sealed", flat=True))

    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("secrets", "verify", stdout=out, stderr=out)
    assert "northwind: a broken one: signing_key:" in out.getvalue()
    assert "northwind: 1 of 2 open" in out.getvalue()
    with pytest.raises(CommandError):
        run("rotate", "--data-keys")
    with tenant_scope(tenant.id):
        assert list(Secret.objects.order_by("id").values_list("sealed", flat=True)) == before
        assert DataKey.objects.get().retired_at is None
        assert Receipt.objects.get(action="adapters.secrets.verified").body["unopened"] == ["a broken one: signing_key"]


def test_destroying_a_tenants_keys_destroys_its_sealed_values_and_nobody_elses(
    tenant: Tenant, other_tenant: Tenant, actor: Any, ana: User, max_: User, now: datetime
) -> None:
    mine, theirs = hook(tenant, actor(ana), now), hook(other_tenant, actor(max_, of=other_tenant), now)
    with pytest.raises(CommandError, match="nothing was destroyed"):
        run("destroy", "--tenant", "northwind", "--confirm", "globex", "--reason", "left us")

    run("destroy", "--tenant", "northwind", "--confirm", "northwind", "--reason", "left us")

    with pytest.raises(SecretUnavailable, match="was destroyed"):
        opened(mine)
    assert opened(theirs) == VALUE
    with tenant_scope(tenant.id):
        key = DataKey.objects.get()
        assert (key.wrapped, key.destroyed_at is None, key.retired_at is None) == ("", False, False)
        assert Receipt.objects.get(action="adapters.keys.destroyed").body["reason"] == "left us"
        # A tenant that comes back begins with a new key.
        set_secret(adapter=mine, name="signing_key", value=OTHER_VALUE, actor=actor(ana), now=now)
    assert opened(mine) == OTHER_VALUE


def test_values_under_the_installations_own_key_are_not_called_destroyed(
    tenant: Tenant, actor: Any, ana: User, now: datetime
) -> None:
    adapter = hook(tenant, actor(ana), now)
    with tenant_scope(tenant.id):
        first = keks()[0]
        assert isinstance(first, LocalKek)
        Secret.objects.filter(adapter=adapter).update(
            sealed=seal(b"x", key=first.key, key_id=first.id, context="anywhere")
        )
        with pytest.raises(SealedWithoutTenantKey):
            destroy_data_keys(tenant_id=tenant.id, reason="x", actor=actor(ana), now=now)


@pytest.mark.usefixtures("committed")
def test_two_at_once_make_one_key(tenant: Tenant, actor: Any, ana: User, now: datetime) -> None:
    acting, together, made = actor(ana), threading.Barrier(2, timeout=10), []

    def work() -> None:
        together.wait()
        with tenant_scope(tenant.id):
            made.append(sealing_key(tenant_id=tenant.id, actor=acting, now=now).key)
        connection.close()

    workers = [threading.Thread(target=work) for _each in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(20)

    assert len(made) == 2
    assert made[0] == made[1]
    with tenant_scope(tenant.id):
        assert DataKey.objects.count() == 1


# The key-encryption key itself -------------------------------------------------------------------
def test_in_development_a_key_is_made_and_marked_and_in_production_none_is(
    tenant: Tenant, actor: Any, ana: User, now: datetime, settings: Any,
    monkeypatch: pytest.MonkeyPatch, keys_of_this_test: Path,
) -> None:  # fmt: skip
    monkeypatch.delenv("CONDUCTOR_KEK")
    settings.PRODUCTION = True
    with pytest.raises(KeysUnavailable, match="CONDUCTOR_KEK"):
        hook(tenant, actor(ana), now)
    settings.PRODUCTION = False
    adapter = hook(tenant, actor(ana), now)

    file = keys_of_this_test / "kek.key"
    assert "development" in file.read_text()
    assert file.stat().st_mode & 0o077 == 0
    assert opened(adapter) == VALUE


@pytest.mark.parametrize(
    ("variable", "complaint"),
    [
        ("", "no key-encryption key"),
        (base64.b64encode(bytes(32)).decode(), "not random"),
        ("c2hvcnQ=", "32 bytes in base64"),
        (kek(1), None),
    ],
)
def test_check_deploy_refuses_a_key_that_protects_nothing(
    variable: str, complaint: str | None, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PRODUCTION = True
    monkeypatch.setenv("CONDUCTOR_KEK", variable)

    found = secrets_are_wrapped_by_a_real_key(None)

    assert [each.id for each in found] == (["adapters.E001"] if complaint else [])
    assert not complaint or complaint in str(found[0])


def test_check_deploy_refuses_the_key_that_development_made(
    tenant: Tenant, actor: Any, ana: User, now: datetime, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CONDUCTOR_KEK")
    hook(tenant, actor(ana), now)
    assert not secrets_are_wrapped_by_a_real_key(None)
    settings.PRODUCTION = True
    assert "made for development" in str(secrets_are_wrapped_by_a_real_key(None)[0])

    monkeypatch.setenv("CONDUCTOR_KEK", kek(1))
    assert not secrets_are_wrapped_by_a_real_key(None), "it may stay to unwrap until everything is wrapped anew"


def test_a_new_key_is_printed_and_differs_each_time() -> None:
    made = {run("new-kek").strip() for _each in range(2)}

    assert len(made) == 2
    assert all(len(base64.urlsafe_b64decode(each)) == 32 for each in made)


def test_no_representation_of_a_key_shows_it() -> None:
    assert "key=" not in repr(LocalKek(bytes(32)))


def test_scrubbing_takes_values_out_of_others_words() -> None:
    said = scrubbed("login of hunter2 failed: hunter2, abc", values=[SecretStr("hunter2"), SecretStr("abc")])

    assert said == "login of [redacted] failed: [redacted], abc"


def test_a_reference_that_is_not_permitted_is_refused_whatever_its_scheme(
    tenant: Tenant, actor: Any, ana: User, now: datetime
) -> None:
    for reference in ("env:DATABASE_URL", "vault:secret/other#x", "file:/etc/shadow"):
        with pytest.raises(Invalid, match=r"."):
            hook(tenant, actor(ana), now, value=reference)


def test_sealing_needs_the_version_to_open(tenant: Tenant, actor: Any, ana: User, now: datetime) -> None:
    adapter = hook(tenant, actor(ana), now)
    context = context_of(tenant_id=tenant.id, adapter_id=adapter.id, field="signing_key")
    with tenant_scope(tenant.id):
        Secret.objects.update(sealed=seal_value(SecretStr("x"), key=bytes(32), version=9, context=context))
    with pytest.raises(SecretUnavailable, match="dk9"):
        opened(adapter)
