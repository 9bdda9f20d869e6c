"""Roles, permissions, numbers, one-time links, settings checks."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.checks import run_checks
from django.db import connection, transaction
from django.test import Client, override_settings
from guardian.shortcuts import assign_perm, get_perms

from conductor.lib.database.url import parse_database_url
from conductor.lib.errors import Invalid
from conductor.tenancy import directory, roles
from conductor.tenancy.actors import Actor, PermissionMissing, actor_for_user, require
from conductor.tenancy.database.numbers import next_number
from conductor.tenancy.database.scope import current_tenant_id, tenant_scope
from conductor.tenancy.lifecycle import AlreadyMember, add_member, issue_token
from conductor.tenancy.models import Membership, NumberSeries, Tenant
from conductor.tenancy.sessions.signin_links import LinkNotValid, issue_link, redeem


def test_each_role_holds_what_the_table_says(
    actor: Callable[..., Actor], ana: User, ben: User, cora: User, cleo: User
) -> None:
    for user, role in ((ana, "ADMIN"), (ben, "RESPONDER"), (cora, "COMMANDER"), (cleo, "AUDITOR")):
        assert actor(user).permissions == roles.ROLE_PERMISSIONS[role]


def test_what_a_person_and_their_group_are_granted_is_held(tenant: Tenant, cleo: User) -> None:
    with tenant_scope(tenant.id):
        group = Group.objects.create(name=f"tenant:{tenant.id}:ON_CALL")
        cleo.groups.add(group)
        assign_perm("respond", group, tenant)
        assign_perm("command", cleo, tenant)

        found = actor_for_user(user=cleo, tenant=tenant, channel="console")

        assert found is not None
        assert {"respond", "command", *roles.ROLE_PERMISSIONS["AUDITOR"]} == found.permissions
        assert found.permissions == set(get_perms(cleo, tenant))


def test_a_stranger_is_no_actor(tenant: Tenant, max_: User) -> None:
    with tenant_scope(tenant.id):
        assert actor_for_user(user=max_, tenant=tenant, channel="console") is None


def test_a_person_who_left_is_no_actor(tenant: Tenant, ben: User) -> None:
    ben.is_active = False
    with tenant_scope(tenant.id):
        assert actor_for_user(user=ben, tenant=tenant, channel="console") is None


def test_a_refusal_names_who_may(actor: Callable[..., Actor], cleo: User) -> None:
    with pytest.raises(PermissionMissing, match="Only Commander or Admin may seal evidence bundles"):
        require(actor=actor(cleo), permission="seal_evidence")


def test_a_member_is_added_once_and_in_a_known_role(tenant: Tenant, max_: User, ben: User, now: datetime) -> None:
    with tenant_scope(tenant.id):
        with pytest.raises(Invalid):
            add_member(tenant=tenant, user=max_, role="KING", now=now)
        with pytest.raises(AlreadyMember):
            add_member(tenant=tenant, user=ben, role="AUDITOR", now=now)
        with pytest.raises(Invalid):
            issue_token(membership=Membership.objects.get(user=ben), name="x", scopes=["moon:walk"], now=now)


def test_the_directory_answers_without_a_scope(tenant: Tenant, max_: User) -> None:
    assert directory.tenant_id_for_slug("northwind") == tenant.id
    assert directory.tenant_id_for_slug("nobody") is None
    assert [each.slug for each in directory.tenant_refs()] == ["globex", "northwind"]
    assert [(each.slug, each.role) for each in directory.tenants_of_user(max_.pk)] == [("globex", "ADMIN")]
    assert current_tenant_id() is None


def test_numbers_are_gapless_under_concurrency_and_rollback(committed: None, tenant: Tenant) -> None:
    def take(n: int) -> int | None:
        try:
            with tenant_scope(tenant.id):
                number = next_number(tenant_id=tenant.id, series="test")
                if n % 5 == 0:
                    transaction.set_rollback(True)
                    return None
                return number
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        taken = [number for number in pool.map(take, range(40)) if number]

    assert sorted(taken) == list(range(1, len(taken) + 1))
    with tenant_scope(tenant.id):
        assert NumberSeries.objects.get(series="test").last == len(taken)


@override_settings(CONDUCTOR_DEMO=True)
def test_a_one_time_link_signs_in_once(ben: User, now: datetime) -> None:
    path = issue_link(user=ben, now=now)
    token = path.rstrip("/").rpartition("/")[2]

    assert redeem(token=token, now=now) == ben
    with pytest.raises(LinkNotValid):
        redeem(token=token, now=now)
    with pytest.raises(LinkNotValid):
        redeem(token=token[:-2], now=now)


@override_settings(CONDUCTOR_DEMO=True)
def test_an_old_link_is_refused(ben: User, now: datetime) -> None:
    token = issue_link(user=ben, now=now).rstrip("/").rpartition("/")[2]

    with pytest.raises(LinkNotValid):
        redeem(token=token, now=now + timedelta(hours=13))


def test_outside_the_demonstration_there_are_no_links(ben: User, now: datetime, client: Client) -> None:
    with pytest.raises(LinkNotValid):
        issue_link(user=ben, now=now)
    assert client.get("/signin/link/anything/").status_code == 403


def test_unsafe_production_settings_are_refused() -> None:
    unsafe = {
        "PRODUCTION": True,
        "SECRET_KEY": "insecure-development-key",
        "CONDUCTOR_DEMO": True,
        "ALLOWED_HOSTS": ["*"],
        "CONDUCTOR_BASE_URL": "http://example.test",
        "DEBUG": True,
    }
    with override_settings(**unsafe):
        found = {message.id for message in run_checks() if (message.id or "").startswith("conductor.E01")}

    assert found >= {f"conductor.E01{n}" for n in range(5)}
    assert not [message for message in run_checks() if (message.id or "").startswith("conductor.")]


def test_database_urls_become_settings() -> None:
    parsed = parse_database_url("postgresql://u%40x:p%3A@db:5433/name?sslmode=require", role="conductor_app")

    assert (parsed["USER"], parsed["PASSWORD"], parsed["HOST"], parsed["PORT"]) == ("u@x", "p:", "db", "5433")
    assert parsed["OPTIONS"] == {"sslmode": "require", "options": "-c role=conductor_app"}
    assert parse_database_url("postgresql://u@/n?host=%2Frun%2Fpg")["HOST"] == "/run/pg"
    several = parse_database_url("postgresql://u@one:5432,[::1]:5433,three/n?target_session_attrs=read-write")
    assert (several["HOST"], several["PORT"]) == ("one,::1,three", "5432,5433,")
    assert several["OPTIONS"] == {"target_session_attrs": "read-write"}
    assert parse_database_url("postgresql://u@one,two/n")["PORT"] == ""
    with pytest.raises(ValueError, match="postgresql"):
        parse_database_url("sqlite:///x.db")
    with pytest.raises(ValueError, match="libpq can read") as caught:
        parse_database_url("postgresql://u:hunter2@db/n?sslmode")
    assert "hunter2" not in f"{caught.value!r} {caught.value.__cause__!r}"


def test_the_settings_reference_names_every_variable() -> None:
    source = (settings.BASE_DIR / "conductor/settings.py").read_text()
    page = (settings.BASE_DIR / "docs/reference/settings.md").read_text()

    names = {
        part.split('"')[0] for part in source.split('"') if part.startswith(("CONDUCTOR_", "DATABASE_", "BROKER_"))
    }
    missing = [name for name in names if f"`{name}`" not in page]
    assert missing == []
