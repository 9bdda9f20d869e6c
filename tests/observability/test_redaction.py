"""No log holds what signs somebody in: neither our own lines nor Django's, nor what an exception quotes."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from conductor.observability.logs import configure
from conductor.observability.redaction import REDACTED, redacted

pytestmark = pytest.mark.fault("security-8")

CANARY = "CANARY5f9s2xLmQ81"
SECRET_NAMES = {"token", "secret", "key", "uidb36", "uidb64", "code", "nonce", "signature"}
SECRET_WITHIN = SECRET_NAMES - {"key", "code"}
"""Below a tenant and in the API a key or a code is a control's, an incident's and the like."""


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What the process writes from now on, exactly as it would stand in its log."""
    written = io.StringIO()
    configure({"level": "DEBUG", "format": "json"})
    (handler,) = logging.getLogger().handlers
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(written)
    yield written
    configure(settings.LOGGING)


def routes(patterns: list[Any], before: str = "") -> Iterator[str]:
    for each in patterns:
        route = before + str(each.pattern).lstrip("^").rstrip("$")
        if isinstance(each, URLResolver):
            yield from routes(each.url_patterns, route)
        elif isinstance(each, URLPattern):
            yield route


def secret_paths() -> list[str]:
    """Every path with a parameter whose name sounds secret, filled in."""
    found = []
    for route in routes(get_resolver().url_patterns):
        names = re.findall(r"<(?:\w+:)?(\w+)>", route)
        within = route.startswith(("api/", "t/"))
        if (SECRET_WITHIN if within else SECRET_NAMES) & set(names):
            plain = re.sub(r"\(\?P<\w+>[^)]*\)|<(?:\w+:)?\w+>", CANARY, route.replace("<slug:tenant>", "acme"))
            found.append(f"/{plain}")
    return found


def test_every_route_that_takes_a_secret_is_known_to_the_log() -> None:
    paths = secret_paths()

    assert {path.split("/")[1] for path in paths} >= {"signin", "invitations", "accounts", "t"}
    assert [path for path in paths if CANARY in redacted(f"Forbidden: {path}")] == []


@pytest.mark.parametrize(
    "path",
    [
        f"/invitations/mci_01a2b3c4d5e6f708_{CANARY}/",
        f"/signin/link/{CANARY}/",
        f"/accounts/password/reset/key/1-{CANARY}/",
        f"/accounts/confirm-email/{CANARY}/",
    ],
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_refused_request_is_logged_without_its_link(db: None, log: io.StringIO, path: str, method: str) -> None:
    client = Client(enforce_csrf_checks=True)

    getattr(client, method)(path)

    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert lines, "it is logged"
    assert CANARY not in log.getvalue()


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (f"GET /accounts/oidc/oidc/login/callback/?code={CANARY}&state={CANARY}&x=1", "x=1"),
        (f"mct_{'0' * 32}_{CANARY} is not valid", "is not valid"),
        (f"whsec_{CANARY}", "whsec_"),
        (f"xoxb-1-{CANARY} and xapp-1-{CANARY}", "xapp-"),
        (f"headers: {{'Authorization': 'Bearer {CANARY}'}}", "Bearer"),
        (f"could not connect to postgresql://conductor_app:{CANARY}@db/conductor", "@db/conductor"),
    ],
)
def test_what_has_the_form_of_a_secret_is_redacted_wherever_it_stands(log: io.StringIO, text: str, kept: str) -> None:
    try:
        raise ValueError(text)
    except ValueError:
        logging.getLogger("django.request").exception("failed: %s", text, extra={"path": text})

    assert CANARY not in log.getvalue()
    assert kept in log.getvalue()
    assert REDACTED in log.getvalue()


def test_ordinary_lines_stay_as_they_are() -> None:
    for line in ("Forbidden: /t/northwind/incidents/INC-1/", "https://example.test:8443/a?b=c", "a: b@example.test"):
        assert redacted(line) == line
