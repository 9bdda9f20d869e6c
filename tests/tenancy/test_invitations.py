"""Invitations: a link, mailed, makes a member of whoever reads the mail, once, and of nobody else."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import User
from django.core import mail
from django.core.cache import cache
from django.test import Client, override_settings

from conductor.access.lifecycle.invitations import AlreadyInvited, invite, renew_invitation, revoke_invitation
from conductor.access.lifecycle.members import remove_member
from conductor.ledger.models import Receipt
from conductor.lib.clock import now as clock_now
from conductor.lib.errors import Conflict, Invalid
from conductor.tenancy.actors import Actor, PermissionMissing
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.invitations import Invitation
from conductor.tenancy.lifecycle import AlreadyMember
from conductor.tenancy.models import Membership, Tenant
from tests.browsing import Browser, outside_scope

Actors = Callable[..., Actor]
AsUser = Callable[[User], Client]
PASSWORD = "a-long-enough-password"


@pytest.fixture(autouse=True)
def fresh_limits() -> None:
    cache.clear()


@pytest.fixture
def asked(tenant: Tenant, ana: User, actor: Actors) -> Callable[..., str]:
    """`asked("nia@example.test")`: Ana invites; the path of the link."""

    def ask(email: str, *, role: str = "RESPONDER", days: int = 7, ago: timedelta = timedelta()) -> str:
        with tenant_scope(tenant.id):
            moment = clock_now() - ago
            issued = invite(tenant=tenant, email=email, role=role, days=days, actor=actor(ana), now=moment)
        return f"/invitations/{issued.secret}/"

    return ask


def _begin(path: str, browser: Client | None = None, **given: str) -> Any:
    sent = {"first_name": "Nia", "last_name": "New", "password": PASSWORD, **given}
    return (browser or Browser()).post(path, sent)


def test_an_admin_invites_by_the_page_and_the_mail_carries_the_link(
    tenant: Tenant, ana: User, as_user: AsUser, django_capture_on_commit_callbacks: Any
) -> None:
    browser = as_user(ana)
    with django_capture_on_commit_callbacks(execute=True):
        sent = {"email": "Nia@Example.test", "role": "AUDITOR", "days": "7"}
        assert browser.post("/t/northwind/members/invitations/new/", sent).status_code == 302

    assert [message.to for message in mail.outbox] == [["nia@example.test"]]
    assert mail.outbox[0].subject == "Ana Admin invites you to Northwind Payments"
    link = re.search(r"http\S+(/invitations/\S+)", mail.outbox[0].body)
    assert link
    newcomer = Browser()
    assert "Join Northwind Payments" in newcomer.get(link[1]).content.decode()
    assert _begin(link[1], newcomer)["Location"] == "/t/northwind/incidents/"
    page = newcomer.get("/t/northwind/incidents/")
    assert page.wsgi_request.actor.authentication == "password"
    assert page.wsgi_request.actor.roles == ("AUDITOR",)
    with tenant_scope(tenant.id):
        told = Receipt.objects.filter(action__startswith="access.").order_by("id").values_list("action", "actor_name")
        assert list(told) == [
            ("access.invitation.created", "Ana Admin"),
            ("access.invitation.accepted", "Nia New"),
            ("access.member.added", "Nia New"),
        ]
        assert EmailAddress.objects.get(email="nia@example.test").verified
        assert Invitation.objects.get().membership == Membership.objects.get(user__email="nia@example.test")


def test_the_page_shows_no_link_outside_the_demonstration_and_says_when_no_mail_went_out(
    tenant: Tenant, ana: User, as_user: AsUser, django_capture_on_commit_callbacks: Any
) -> None:
    browser = as_user(ana)
    refusing = {"EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend", "EMAIL_HOST": "127.0.0.1"}
    sent = {"email": "nia@example.test", "role": "AUDITOR", "days": "1"}
    with (
        override_settings(**refusing, EMAIL_PORT=9, EMAIL_TIMEOUT=2),
        django_capture_on_commit_callbacks(execute=True),
    ):
        browser.post("/t/northwind/members/invitations/new/", sent)
    page = browser.get("/t/northwind/members/").content.decode()

    assert "Mail not sent" in page
    assert "mci_" not in page

    with tenant_scope(tenant.id):
        path = f"/t/northwind/members/invitations/{Invitation.objects.get().id}/"
    with django_capture_on_commit_callbacks(execute=True):
        assert browser.post(f"{path}renewal/").status_code == 302
    assert len(mail.outbox) == 1
    assert "Mail not sent" not in browser.get("/t/northwind/members/").content.decode()


@pytest.mark.parametrize(
    ("field", "given"),
    [("email", {"email": "nobody"}), ("role", {"role": "KING"}), ("days", {"days": "365"}), ("days", {"days": "x"})],
)
def test_what_cannot_be_is_said_beside_the_field(
    field: str, given: dict[str, str], tenant: Tenant, ana: User, as_user: AsUser
) -> None:
    sent = {"email": "nia@example.test", "role": "AUDITOR", "days": "7", **given}
    response = as_user(ana).post("/t/northwind/members/invitations/new/", sent)

    assert response.status_code == 422
    assert list(response.context["errors"]) == [field]
    with tenant_scope(tenant.id):
        assert not Invitation.objects.exists()


def test_nobody_is_invited_twice_and_no_member_at_all(
    scope: None, tenant: Tenant, ana: User, ben: User, actor: Actors
) -> None:
    admin, given = actor(ana), {"tenant": tenant, "role": "AUDITOR", "days": 7, "now": clock_now()}
    invite(email="nia@example.test", actor=admin, **given)

    with pytest.raises(AlreadyInvited):
        invite(email="NIA@example.test", actor=admin, **given)
    with pytest.raises(AlreadyMember):
        invite(email="ben@example.test", actor=admin, **given)
    with pytest.raises(PermissionMissing):
        invite(email="other@example.test", actor=actor(ben), **given)


def test_a_link_works_once(asked: Callable[..., str]) -> None:
    path = asked("nia@example.test")

    assert _begin(path).status_code == 302
    assert _begin(path).status_code == 403
    assert Browser().get(path).status_code == 403
    assert User.objects.filter(email="nia@example.test").count() == 1


def test_links_that_ran_out_were_revoked_or_renewed_are_worthless(
    tenant: Tenant, ana: User, actor: Actors, asked: Callable[..., str]
) -> None:
    old = asked("old@example.test", days=1, ago=timedelta(days=1, seconds=1))
    gone, replaced = asked("gone@example.test"), asked("replaced@example.test")
    with tenant_scope(tenant.id):
        revoke_invitation(
            invitation=Invitation.objects.get(email="gone@example.test"), actor=actor(ana), now=clock_now()
        )
        renewed = renew_invitation(
            invitation=Invitation.objects.get(email="replaced@example.test"), days=7, actor=actor(ana), now=clock_now()
        )
        with pytest.raises(Conflict):
            renew_invitation(
                invitation=Invitation.objects.get(email="gone@example.test"), days=7, actor=actor(ana), now=clock_now()
            )

    people = User.objects.count()
    for path in (old, gone, replaced, "/invitations/mci_x_y/", "/invitations/anything/"):
        assert (Browser().get(path).status_code, _begin(path).status_code) == (403, 403), path
    assert User.objects.count() == people
    assert _begin(f"/invitations/{renewed.secret}/").status_code == 302


def test_an_account_that_exists_is_signed_in_to_and_none_is_made_beside_it(
    tenant: Tenant, max_: User, as_user: AsUser, asked: Callable[..., str]
) -> None:
    path = asked("max@example.test", role="COMMANDER")

    assert f"/accounts/login/?next={path}" in Browser().get(path).content.decode()
    assert "make an account" not in _begin(path).content.decode().lower()
    browser = as_user(max_)
    assert browser.get("/t/northwind/incidents/").status_code == 404
    assert browser.post(path)["Location"] == "/t/northwind/incidents/"
    assert browser.get("/t/northwind/incidents/").status_code == 200
    assert browser.get("/t/globex/incidents/").status_code == 200
    assert User.objects.filter(email="max@example.test").count() == 1


def test_another_persons_link_makes_nobody_a_member(max_: User, as_user: AsUser, asked: Callable[..., str]) -> None:
    path = asked("nia@example.test")
    browser = as_user(max_)

    assert "You are signed in as max@example.test" in browser.get(path).content.decode()
    assert "You are signed in as max@example.test" in browser.post(path).content.decode()
    assert browser.get("/t/northwind/incidents/").status_code == 404
    assert _begin(path).status_code == 302


@pytest.mark.parametrize("given", [{"password": "short"}, {"password": ""}, {"first_name": " "}])
def test_a_weak_password_or_no_name_makes_no_account(given: dict[str, str], asked: Callable[..., str]) -> None:
    path = asked("nia@example.test")

    response = _begin(path, **given)
    assert response.status_code == 422
    assert list(response.context["errors"]) == list(given)
    assert not User.objects.filter(email="nia@example.test").exists()
    assert _begin(path).status_code == 302


def test_what_a_removed_admin_invited_is_revoked(
    tenant: Tenant, ana: User, cora: User, actor: Actors, asked: Callable[..., str]
) -> None:
    path = asked("anas-other-self@example.test", role="ADMIN")
    with tenant_scope(tenant.id):
        cora_as_admin = Actor(f"tenancy.user:{cora.pk}", "Cora", ("ADMIN",), "console", frozenset({"manage_members"}))
        Membership.objects.filter(user=cora).update(role="ADMIN")
        remove_member(membership=Membership.objects.get(user=ana), actor=cora_as_admin, now=clock_now())
        assert Receipt.objects.get(action="access.member.removed").body["invitations_revoked"] == 1

    assert _begin(path).status_code == 403


def test_somebody_who_left_can_be_invited_back(
    tenant: Tenant, ana: User, ben: User, actor: Actors, as_user: AsUser, asked: Callable[..., str]
) -> None:
    with tenant_scope(tenant.id):
        remove_member(membership=Membership.objects.get(user=ben), actor=actor(ana), now=clock_now())
    browser = as_user(ben)
    assert browser.get("/t/northwind/incidents/").status_code == 404

    assert browser.post(asked("ben@example.test", role="COMMANDER")).status_code == 302
    page = browser.get("/t/northwind/incidents/")
    assert page.wsgi_request.actor.roles == ("COMMANDER",)


def test_an_invitation_is_of_one_tenant_only(
    tenant: Tenant, other_tenant: Tenant, max_: User, actor: Actors, asked: Callable[..., str]
) -> None:
    path = asked("nia@example.test")
    forged = path.replace(tenant.id.hex, other_tenant.id.hex)

    assert Browser().get(forged).status_code == 403
    with outside_scope():
        assert Invitation.objects.count() == 0
    with tenant_scope(other_tenant.id):
        assert Invitation.objects.count() == 0
    with tenant_scope(tenant.id), pytest.raises(Invalid):
        invite(tenant=tenant, email="", role="AUDITOR", days=7, actor=Actor.system(), now=clock_now())


@pytest.mark.fault("security-1")
def test_a_squatted_address_keeps_nobody_from_accepting_an_invitation(
    tenant: Tenant, max_: User, asked: Callable[..., str]
) -> None:
    EmailAddress.objects.create(user=max_, email="nia@example.test", verified=False)

    assert _begin(asked("nia@example.test")).status_code == 302
    proven = EmailAddress.objects.get(email="nia@example.test")
    assert (proven.verified, proven.user.first_name) == (True, "Nia")
