"""People belong to no tenant. Within Northwind's scope, Max of Globex does not exist, and nothing about him does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db import DatabaseError, connection, transaction
from django.test import Client
from guardian.models import GroupObjectPermission, UserObjectPermission
from guardian.shortcuts import assign_perm, get_perms

from conductor.access.lifecycle.addresses import confirm_address
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Membership, SignInLink, Tenant
from tests.world import NOW

ABOUT_PEOPLE: list[Any] = [EmailAddress, Authenticator, SocialAccount, UserSession, LogEntry, SignInLink]


def _leave_traces(user: User) -> None:
    """One row about the person in every table that has rows about people."""
    confirm_address(user=user, email=user.email)
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={"secret": "s"})
    account = SocialAccount.objects.create(user=user, provider="openid_connect", uid=user.username)
    SocialToken.objects.create(account=account, token="t", token_secret="")
    key = user.username * 8
    Session.objects.create(session_key=key, session_data="", expire_date=NOW)
    UserSession.objects.create(user=user, ip="192.0.2.1", session_key=key, user_agent="a browser")
    SignInLink.objects.create(user=user, nonce=user.username, expires_at=NOW)
    LogEntry.objects.create(
        user=user,
        content_type=ContentType.objects.get_for_model(Tenant),
        object_repr=f"something of {user.username}'s",
        action_flag=ADDITION,
    )


@pytest.fixture
def traces(ben: User, max_: User, other_tenant: Tenant) -> None:
    _leave_traces(ben)
    _leave_traces(max_)
    SocialApp.objects.create(provider="openid_connect", name="theirs", client_id="c", secret="s")
    with tenant_scope(other_tenant.id):
        assign_perm("command", max_, other_tenant)


@pytest.fixture
def inside(traces: None, tenant: Tenant) -> Iterator[Tenant]:
    with tenant_scope(tenant.id):
        yield tenant


def test_other_peoples_accounts_do_not_exist(inside: Tenant, max_: User) -> None:
    assert set(User.objects.values_list("username", flat=True)) == {"ana", "ben", "cora", "cleo"}
    assert User.objects.filter(pk=max_.pk).update(is_active=False) == 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT password FROM auth_user WHERE email LIKE 'max@%'")
        assert cursor.fetchall() == []


@pytest.mark.parametrize("model", ABOUT_PEOPLE, ids=lambda model: model.__name__)
def test_nothing_about_them_exists(inside: Tenant, ben: User, model: Any) -> None:
    found = set(model.objects.values_list("user_id", flat=True))
    assert {ben.pk} <= found <= set(Membership.ever.values_list("user_id", flat=True))


def test_neither_do_their_sessions_tokens_and_the_keys_to_identity_providers(inside: Tenant) -> None:
    assert list(Session.objects.values_list("session_key", flat=True)) == ["ben" * 8]
    assert SocialToken.objects.count() == 1
    assert not SocialApp.objects.exists()


def test_roles_and_permissions_are_the_tenants_own(inside: Tenant, other_tenant: Tenant, max_: User, ben: User) -> None:
    assert {name.split(":")[1] for name in Group.objects.values_list("name", flat=True)} == {str(inside.id)}
    assert set(GroupObjectPermission.objects.values_list("object_pk", flat=True)) == {str(inside.id)}
    assert not UserObjectPermission.objects.exists()
    assert get_perms(max_, inside) == []
    assert get_perms(ben, other_tenant) == []


def test_no_member_can_be_put_into_anothers_group_or_given_rights_on_another_tenant(
    inside: Tenant, other_tenant: Tenant, ben: User
) -> None:
    with tenant_scope(other_tenant.id):
        theirs = Group.objects.get(name__endswith=":ADMIN")
    with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
        ben.groups.add(theirs)
    with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
        assign_perm("command", ben, other_tenant)


def test_an_address_that_is_taken_elsewhere_tells_nothing(inside: Tenant, max_: User) -> None:
    """People are made outside of any scope; inside, a known name is refused with the words of an unknown one."""
    words = set()
    for username in (max_.username, "nobody-at-all"):
        with pytest.raises(DatabaseError) as caught, transaction.atomic():
            User.objects.create_user(username)
        words.add(str(caught.value))
    assert len(words) == 1


def test_without_a_scope_nobody_has_a_role(traces: None) -> None:
    assert not Group.objects.exists()
    assert not GroupObjectPermission.objects.exists()
    assert not UserObjectPermission.objects.exists()


def test_a_stranger_who_is_signed_in_finds_no_tenant(traces: None, max_: User) -> None:
    browser = Client()
    browser.force_login(max_, backend="django.contrib.auth.backends.ModelBackend")

    assert browser.get("/t/northwind/runs/").status_code == 404
    assert browser.get("/t/globex/runs/").status_code == 200
