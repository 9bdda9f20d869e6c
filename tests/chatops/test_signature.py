"""Only Slack is answered: signature over the raw body, five minutes, and not a word to anybody else."""

from __future__ import annotations

import logging

import pytest
from django.test import Client
from slack_sdk.signature import SignatureVerifier

from chatops.models.inbound_request import SlackReceipt
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from tests.chatops.slack import form, headers, post

PATHS = ("/slack/commands", "/slack/events", "/slack/interactions")


def test_slacks_published_vector_is_accepted_by_the_verifier_that_we_use() -> None:
    """The example of Slack's documentation "Verifying requests from Slack"."""
    body = (
        "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
        "&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
        "&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        "&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    signature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"

    made = SignatureVerifier("8f742231b10e8888abcd99yyyzzz85a5").generate_signature(timestamp="1531420618", body=body)

    assert made == signature


@pytest.mark.parametrize("path", PATHS)
def test_a_signed_request_is_answered(workspace: Tenant, path: str) -> None:
    body = form("help")

    response = post(body, headers(body), path=path)

    assert response.status_code == 200
    assert "declare" in response.json()["text"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("age", "secret"),
    [(301, None), (3600, None), (-1800, None), (0, "another-secret")],
    ids=["stale", "very stale", "from the future", "wrong secret"],
)
def test_a_wrong_signature_or_a_wrong_time_is_401(workspace: Tenant, path: str, age: float, secret: str | None) -> None:
    body = form("declare sev1 Forged")

    response = post(body, headers(body, age=age, secret=secret), path=path)

    assert response.status_code == 401
    assert response.json() == {"error": "invalid request"}
    with tenant_scope(workspace.id):
        assert not SlackReceipt.objects.exists()


def test_four_minutes_late_is_in_time(workspace: Tenant) -> None:
    body = form("help")

    assert post(body, headers(body, age=240)).status_code == 200
    assert post(body, headers(body, age=-240)).status_code == 200


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"X-Slack-Signature": ""},
        {"X-Slack-Request-Timestamp": ""},
        {"X-Slack-Request-Timestamp": "soon"},
        {"X-Slack-Request-Timestamp": "1e9"},
        {"X-Slack-Signature": "v0=ü"},
        {"X-Slack-Signature": "v1=0000"},
    ],
    ids=lambda broken: str(broken) or "none",
)
def test_a_missing_or_malformed_header_is_401(workspace: Tenant, broken: dict[str, str]) -> None:
    body = form("help")
    given = {**headers(body), **broken} if broken else {}

    assert post(body, given).status_code == 401


def test_each_missing_header_alone_is_401(workspace: Tenant) -> None:
    body = form("help")
    for name in ("X-Slack-Signature", "X-Slack-Request-Timestamp"):
        given = headers(body)
        del given[name]
        assert post(body, given).status_code == 401


def test_one_changed_byte_of_the_body_is_401(workspace: Tenant) -> None:
    body = form("declare sev3 Checkout")
    given = headers(body)

    assert post(body.replace("sev3", "sev1"), given).status_code == 401


def test_a_body_that_is_not_text_is_401(workspace: Tenant) -> None:
    assert post(b"\xff\xfe\x00text=help", headers("text=help")).status_code == 401


def test_a_signed_body_that_is_not_what_it_says_is_400(workspace: Tenant) -> None:
    body = "{not json"

    assert post(body, headers(body)).status_code == 400


def test_a_refused_request_leaves_nothing_of_its_body_in_the_logs(
    workspace: Tenant, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    body = form("declare sev1 the-secret-of-the-body")
    with caplog.at_level(logging.DEBUG):
        post(body, headers(body, secret="wrong"))
        post(body, {**headers(body), "X-Slack-Request-Timestamp": "0"})

    assert "the-secret-of-the-body" not in caplog.text + "".join(capfd.readouterr())


def test_without_a_secret_nothing_is_answered(workspace: Tenant, settings: object) -> None:
    body = form("help")
    given = headers(body)
    settings.SLACK_SIGNING_SECRET = ""  # type: ignore[attr-defined]

    assert post(body, given).status_code == 503


def test_only_post_is_answered(db: None) -> None:
    assert Client().get("/slack/events").status_code == 405


def test_the_address_check_of_the_events_api_is_answered(workspace: Tenant) -> None:
    body = '{"type":"url_verification","challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"}'
    response = Client().post("/slack/events", data=body, content_type="application/json", headers=headers(body))

    assert response.status_code == 200
    assert response.json()["challenge"].startswith("3eZbrw1a")


def test_slacks_look_at_our_certificate_is_answered_without_a_signature(db: None) -> None:
    response = post("ssl_check=1&token=deprecated", {})

    assert response.status_code == 200
    assert response.content == b""
