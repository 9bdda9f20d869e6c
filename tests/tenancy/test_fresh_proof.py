"""What an intruder with a borrowed session wants: each asks again who is there, whatever account it is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client

from conductor.tenancy.models import Tenant
from conductor.tenancy.sessions.fresh_proof import SENSITIVE
from tests.browsing import prove

AsUser = Callable[[User], Client]
PATHS = (
    "/accounts/password/set/",
    "/accounts/password/change/",
    "/accounts/2fa/totp/activate/",
    "/accounts/2fa/totp/deactivate/",
    "/accounts/2fa/webauthn/add/",
    "/accounts/2fa/recovery-codes/",
    "/accounts/2fa/recovery-codes/generate/",
    "/accounts/2fa/recovery-codes/download/",
    "/accounts/3rdparty/",
    "/t/northwind/members/tokens/new/",
)


@pytest.fixture(autouse=True)
def fresh_limits() -> None:
    cache.clear()


@pytest.mark.fault("security-9")
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", [None, "password", "socialaccount", "link"])
def test_an_old_session_is_asked_again_before_anything_that_lets_somebody_in(
    path: str, method: str | None, tenant: Tenant, ana: User, as_user: AsUser
) -> None:
    browser = as_user(ana)
    if method:
        prove(browser, method, seconds_ago=301)

    for answer in (browser.get(path), browser.post(path, {"password1": "x" * 20, "password2": "x" * 20})):
        assert answer.status_code == 302
        assert answer["Location"] == f"/accounts/confirm/?next={path}"


@pytest.mark.fault("security-9")
def test_a_first_password_is_not_set_with_a_borrowed_session(tenant: Tenant, ana: User, as_user: AsUser) -> None:
    ana.set_unusable_password()
    ana.save()
    sent = {"password1": "borrowed-session-1", "password2": "borrowed-session-1"}
    borrowed = prove(as_user(ana), "link", seconds_ago=600)

    borrowed.post("/accounts/password/set/", sent)
    assert not User.objects.get(pk=ana.pk).has_usable_password()
    assert "Sign out" in borrowed.get("/accounts/confirm/").content.decode()

    prove(as_user(ana), "socialaccount").post("/accounts/password/set/", sent)
    assert User.objects.get(pk=ana.pk).has_usable_password()


@pytest.mark.fault("security-9")
def test_giving_the_password_again_leads_on(tenant: Tenant, ana: User, as_user: AsUser) -> None:
    browser = prove(as_user(ana), seconds_ago=600)
    page = browser.get("/accounts/confirm/?next=/t/northwind/members/tokens/new/")
    assert "/accounts/reauthenticate/?next=/t/northwind/members/tokens/new/" in page.content.decode()

    sent = {"password": "ana-password", "next": "/t/northwind/members/tokens/new/"}
    assert browser.post("/accounts/reauthenticate/", sent)["Location"] == "/t/northwind/members/tokens/new/"
    assert browser.get("/t/northwind/members/tokens/new/").status_code == 200


@pytest.mark.fault("security-9")
def test_every_page_that_changes_how_one_signs_in_is_known_to_the_guard() -> None:
    """A later version of allauth that adds one has to be looked at."""
    from allauth import urls as allauth_urls
    from django.urls import get_resolver

    names = {name for name in get_resolver(allauth_urls.__name__).reverse_dict if isinstance(name, str)}
    changing = {each for each in names if each.startswith("mfa_") or "password" in each or "email" in each}
    harmless = {
        "mfa_index",
        "mfa_authenticate",
        "mfa_reauthenticate",
        "mfa_reauthenticate_webauthn",
        "mfa_login_webauthn",
        "mfa_list_webauthn",
        "account_email",  # closed
        "account_confirm_email",
        "account_email_verification_sent",
        "account_reset_password",
        "account_reset_password_done",
        "account_reset_password_from_key",
        "account_reset_password_from_key_done",
    }
    assert changing - harmless <= SENSITIVE
    assert {each for each in SENSITIVE if ":" not in each} <= names
