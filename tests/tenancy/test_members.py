"""Members: roles change, people leave at once and for good, and somebody always stays who can manage."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client, override_settings

from conductor.access.lifecycle.members import LastAdmin, add_member, change_role, remove_member
from conductor.access.lifecycle.sessions import end_sessions
from conductor.ledger.models import Receipt
from conductor.lib.clock import now as clock_now
from conductor.lib.errors import Conflict
from conductor.tenancy.actors import Actor, PermissionMissing
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.lifecycle import issue_token
from conductor.tenancy.models import ApiToken, Membership, Tenant
from conductor.tenancy.sessions.signin_links import issue_link
from tests.browsing import Browser

Actors = Callable[..., Actor]


def _membership(user: User) -> Membership:
    return Membership.objects.get(user=user)


def _signed_in(user: User) -> Client:
    browser = Browser()
    sent = {"login": user.email, "password": f"{user.username}-password"}
    assert browser.post("/accounts/login/", sent).status_code == 302
    return browser


@pytest.mark.parametrize("who", ["ben", "cora", "cleo"])
def test_only_an_admin_changes_members(who: str, tenant: Tenant, ana: User, actor: Actors, now: datetime) -> None:
    not_admin = actor(User.objects.get(username=who))
    with tenant_scope(tenant.id):
        membership = _membership(ana)
        for attempt in (
            lambda: change_role(membership=membership, role="AUDITOR", actor=not_admin, now=now),
            lambda: remove_member(membership=membership, actor=not_admin, now=now),
            lambda: end_sessions(membership=membership, actor=not_admin, now=now),
        ):
            with pytest.raises(PermissionMissing, match="Only Admin may invite members"):
                attempt()
        assert Receipt.objects.filter(action__startswith="access.").count() == 0


def test_the_last_admin_can_be_neither_removed_nor_demoted(
    scope: None, tenant: Tenant, ana: User, cora: User, actor: Actors, now: datetime
) -> None:
    admin = actor(ana)
    for attempt in (remove_member, lambda **given: change_role(role="RESPONDER", **given)):
        with pytest.raises(LastAdmin):
            attempt(membership=_membership(ana), actor=admin, now=now)
    change_role(membership=_membership(cora), role="ADMIN", actor=admin, now=now)
    remove_member(membership=_membership(ana), actor=admin, now=now)

    assert not Membership.objects.filter(user=ana).exists()
    actions = Receipt.objects.filter(action__startswith="access.member.").order_by("id").values_list("action", "body")
    assert list(actions) == [
        ("access.member.role_changed", {"from": "COMMANDER", "to": "ADMIN"}),
        (
            "access.member.removed",
            {"role": "ADMIN", "tokens_revoked": 0, "sessions_ended": 0, "invitations_revoked": 0},
        ),
    ]


def test_an_admin_whose_account_is_closed_is_no_admin(
    scope: None, ana: User, cora: User, actor: Actors, now: datetime
) -> None:
    change_role(membership=_membership(cora), role="ADMIN", actor=actor(ana), now=now)
    User.objects.filter(pk=cora.pk).update(is_active=False)

    with pytest.raises(LastAdmin):
        remove_member(membership=_membership(ana), actor=actor(ana), now=now)


def test_two_admins_who_remove_each_other_at_once_leave_one(
    committed: None, tenant: Tenant, ana: User, cora: User, actor: Actors, now: datetime
) -> None:
    with tenant_scope(tenant.id):
        change_role(membership=_membership(cora), role="ADMIN", actor=actor(ana), now=now)
    admins = [(actor(ana), cora), (actor(cora), ana)]

    def remove(pair: tuple[Actor, User]) -> str:
        admin, other = pair
        try:
            with tenant_scope(tenant.id):
                remove_member(membership=_membership(other), actor=admin, now=now)
            return "removed"
        except (LastAdmin, Conflict) as refused:
            return refused.code
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        told = sorted(pool.map(remove, admins))

    assert told == ["last_admin", "removed"]
    with tenant_scope(tenant.id):
        assert Membership.objects.filter(role="ADMIN").count() == 1


def test_who_is_removed_is_out_at_once_with_session_and_token(
    tenant: Tenant, ana: User, ben: User, actor: Actors
) -> None:
    browser = _signed_in(ben)
    moment = clock_now()
    with tenant_scope(tenant.id):
        membership = _membership(ben)
        secret = issue_token(membership=membership, name="ci", scopes=["runs:read"], now=moment).secret
    program = Browser(headers={"authorization": f"Bearer {secret}"})
    assert browser.get("/t/northwind/runs/").status_code == 200
    assert program.get("/api/v1/tenants/northwind/runs").status_code == 200

    with tenant_scope(tenant.id):
        remove_member(membership=membership, actor=actor(ana), now=clock_now())

    assert browser.get("/t/northwind/runs/")["Location"].startswith("/accounts/login/")
    assert program.get("/api/v1/tenants/northwind/runs").status_code == 401
    with tenant_scope(tenant.id):
        assert not UserSession.objects.filter(user=ben).exists()
        body = Receipt.objects.get(action="access.member.removed").body
        assert (body["tokens_revoked"], body["sessions_ended"]) == (1, 1)


def test_a_return_brings_no_old_token_back(tenant: Tenant, ana: User, ben: User, actor: Actors) -> None:
    with tenant_scope(tenant.id):
        membership = _membership(ben)
        secret = issue_token(membership=membership, name="ci", scopes=["runs:read"], now=clock_now()).secret
        remove_member(membership=membership, actor=actor(ana), now=clock_now())
        add_member(tenant=tenant, user=ben, role="ADMIN", actor=actor(ana), now=clock_now())
        assert ApiToken.objects.get(membership=membership).revoked_at is not None

    program = Browser(headers={"authorization": f"Bearer {secret}"})
    assert program.get("/api/v1/tenants/northwind/runs").status_code == 401


def test_ending_sessions_signs_out_everywhere_and_says_how_many(
    tenant: Tenant, ana: User, ben: User, cora: User, actor: Actors
) -> None:
    bens, coras = [_signed_in(ben), _signed_in(ben)], _signed_in(cora)

    with tenant_scope(tenant.id):
        assert end_sessions(membership=_membership(ben), actor=actor(ana), now=clock_now()) == 2
        assert Receipt.objects.get(action="access.sessions.ended").body == {"sessions": 2}

    assert [browser.get("/t/northwind/runs/").status_code for browser in bens] == [302, 302]
    assert coras.get("/t/northwind/runs/").status_code == 200


def test_the_page_lists_members_and_their_second_step(
    tenant: Tenant, cleo: User, as_user: Callable[[User], Client]
) -> None:
    page = as_user(cleo).get("/t/northwind/members/").content.decode()

    for name in ("Ana Admin", "Ben Responder", "Cora Commander", "Cleo Auditor"):
        assert name in page
    assert "Max Stranger" not in page
    assert "4 without" in page


def test_an_admin_changes_a_role_and_removes_by_the_page(
    tenant: Tenant, ana: User, ben: User, as_user: Callable[[User], Client]
) -> None:
    with tenant_scope(tenant.id):
        path = f"/t/northwind/members/{_membership(ben).id}/"
    browser = as_user(ana)

    assert browser.post(f"{path}role/", {"role": "KING"}).status_code == 422
    assert browser.post(f"{path}role/", {"role": "COMMANDER"}).status_code == 302
    assert "Ben Responder is now commander" in browser.get(path).content.decode()
    assert browser.post(f"{path}removal/").status_code == 302
    assert "Not a member any more" in browser.get(path).content.decode()
    assert browser.post(f"{path}removal/").status_code == 409
    assert browser.post(f"{path}role/", {"role": "AUDITOR"}).status_code == 409


def test_an_own_page_that_ends_ones_sessions_leads_to_the_sign_in(tenant: Tenant, ana: User) -> None:
    browser = _signed_in(ana)
    with tenant_scope(tenant.id):
        path = f"/t/northwind/members/{_membership(ana).id}/sessions/"

    assert browser.post(path)["Location"] == "/accounts/login/"
    assert browser.get("/t/northwind/runs/").status_code == 302


def test_sessions_that_ran_out_are_not_counted(
    tenant: Tenant, ana: User, ben: User, as_user: Callable[[User], Client]
) -> None:
    _signed_in(ben)
    old = _signed_in(ben).session.session_key
    Session.objects.filter(session_key=old).update(expire_date=clock_now() - timedelta(minutes=1))
    with tenant_scope(tenant.id):
        page = as_user(ana).get(f"/t/northwind/members/{_membership(ben).id}/").content.decode()

    assert "End 1 session<" in page


@override_settings(CONDUCTOR_DEMO=True)
def test_a_session_by_a_one_time_link_is_listed_and_can_be_ended(
    tenant: Tenant, ana: User, ben: User, actor: Actors
) -> None:
    browser = Browser(headers={"user-agent": "bens demonstration"})
    assert browser.get(issue_link(user=ben, now=clock_now())).status_code == 302
    assert "bens demonstration" in browser.get("/accounts/sessions/").content.decode()

    with tenant_scope(tenant.id):
        assert end_sessions(membership=_membership(ben), actor=actor(ana), now=clock_now()) == 1
    assert browser.get("/t/northwind/runs/").status_code == 302


def test_the_sessions_of_somebody_who_left_are_not_ours_to_end(
    scope: None, ana: User, ben: User, actor: Actors, now: datetime
) -> None:
    membership = remove_member(membership=_membership(ben), actor=actor(ana), now=now)

    with pytest.raises(Conflict):
        end_sessions(membership=membership, actor=actor(ana), now=now)
