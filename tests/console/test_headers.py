"""What belongs to an organisation stays in no cache, and no page may use what it does not need."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from conductor.console.headers import NO_STORE

pytestmark = pytest.mark.fault("security-11")
OPEN = ["/accounts/login/", "/accounts/password/reset/", "/healthz", "/api/v1/openapi.json", "/t/northwind/incidents/"]
SIGNED_IN = [
    "/t/northwind/incidents/", "/t/northwind/members/", "/t/northwind/receipts/", "/admin/", "/accounts/2fa/",
    "/t/northwind/nothing/", "/t/globex/incidents/",
]  # fmt: skip


@pytest.mark.parametrize("path", OPEN)
def test_before_sign_in(path: str, client: Client, db: None) -> None:
    answer = client.get(path)

    assert "no-store" in answer["Cache-Control"]
    assert "camera=()" in answer["Permissions-Policy"]


@pytest.mark.parametrize("path", SIGNED_IN)
def test_after_sign_in_whatever_the_answer(path: str, ana: User, as_user: Callable[[User], Client]) -> None:
    answer = as_user(ana).get(path)

    assert "no-store" in answer["Cache-Control"]
    assert "publickey-credentials-get=(self)" in answer["Permissions-Policy"]


def test_static_files_may_be_kept(client: Client, db: None) -> None:
    answer = client.get("/static/css/tokens.css")

    assert answer["Cache-Control"] != NO_STORE
