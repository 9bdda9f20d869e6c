"""How surely an actor is who they say, by the door they came through."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import path

from conductor.tenancy.actors import Actor
from conductor.tenancy.requests import TenantRequest
from conductor.tenancy.sessions.authentication import Authentication, strongest


@pytest.mark.parametrize(
    ("methods", "proven"),
    [
        ([], "unknown"),
        (["password"], "password"),
        (["socialaccount"], "oidc"),
        (["password", "mfa"], "mfa"),
        (["mfa"], "mfa"),
        (["socialaccount", "mfa"], "mfa"),
        (["code"], "unknown"),
    ],
)
def test_a_session_has_the_strongest_of_what_it_has_proven(methods: list[str], proven: str) -> None:
    assert strongest([{"method": method} for method in methods]) == proven


@pytest.mark.parametrize(
    ("channel", "proven"),
    [("api", "token"), ("slack", "slack"), ("engine", "system"), ("cli", "system"), ("console", "unknown")],
)
def test_a_channel_with_one_way_to_authenticate_says_which(
    actor: Callable[..., Actor], ben: User, channel: str, proven: str
) -> None:
    assert actor(ben, channel=channel).authentication == proven


def test_conductor_itself_is_the_system() -> None:
    assert Actor.system().authentication is Authentication.SYSTEM


def _say_how(request: TenantRequest, tenant: str) -> HttpResponse:
    return HttpResponse(request.actor.authentication)


def _elsewhere(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


urlpatterns = [path("t/<slug:tenant>/how/", _say_how), path("accounts/login/", _elsewhere, name="account_login")]


@override_settings(ROOT_URLCONF=__name__)
def test_a_console_session_that_began_without_a_record_is_unknown(as_user: Callable[[User], Client], ben: User) -> None:
    assert as_user(ben).get("/t/northwind/how/").content == b"unknown"


@override_settings(ROOT_URLCONF=__name__)
def test_the_record_of_another_person_counts_for_nothing(as_user: Callable[[User], Client], ben: User) -> None:
    browser = as_user(ben)
    session = browser.session
    session["account_authentication_methods"] = [{"method": "mfa", "at": 0}]
    session["account_authentication_methods_user"] = str(ben.pk)
    session.save()
    assert browser.get("/t/northwind/how/").content == b"mfa"

    session["account_authentication_methods_user"] = str(ben.pk + 1)
    session.save()
    assert browser.get("/t/northwind/how/").content == b"unknown"
