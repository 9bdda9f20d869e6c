"""Signed notices over HTTP: the published vector, a receiver that verifies, and receivers that misbehave."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from standardwebhooks import Webhook

from adapters.kinds.webhook.adapter import StandardWebhook
from adapters.kinds.webhook.config import Config, Secrets
from adapters.ports.installation import Installation
from adapters.ports.protocols import AdapterError, Message
from adapters.transport import reach
from tests.adapters.receiver import Answering, closed_port, drip, drip_headers, hang, receiving, reset, status

KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
HERE = Installation(keys_dir=Path("/nowhere"), development=True)
NOW = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)
MESSAGE = Message(
    event="incidents.incident.declared",
    subject="incidents.incident:1",
    at=datetime(2026, 11, 20, 10, 59, tzinfo=UTC),
    title="SEV1 Ärger",
    facts=(("Severity", "SEV1"),),
)


def hook(url: str, *, installation: Installation = HERE, **settings: Any) -> StandardWebhook:
    told = {"url": url, "timeout_seconds": 5, "allow_loopback": True, **settings}
    secrets = Secrets(signing_key=SecretStr(KEY))
    return StandardWebhook(config=Config.model_validate(told), secrets=secrets, installation=installation)


def refused(told: StandardWebhook, **how: Any) -> AdapterError:
    with pytest.raises(AdapterError) as caught:
        told.send(message=MESSAGE, key="run-1:notify", now=NOW, **how)
    return caught.value


def test_the_signature_is_that_of_the_published_vector() -> None:
    moment = datetime.fromtimestamp(1614265330, UTC)

    signature = Webhook(KEY).sign("msg_p5jXN8AQM9LWM0D4loKWxJek", moment, '{"test": 2432232314}')

    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_receiver_verifies_what_it_was_sent_and_knows_it_by_its_key() -> None:
    with receiving() as receiver:
        now = datetime.now(UTC)  # the library refuses old messages
        sent = hook(receiver.url).send(message=MESSAGE, key="run-1:notify", now=now.astimezone())

    (asked,) = receiver.asked
    said = Webhook(KEY).verify(asked.body, dict(asked.headers))
    assert said["type"] == "incidents.incident.declared"
    assert said["timestamp"] == "2026-11-20T10:59:00Z"
    assert said["data"]["title"] == "SEV1 Ärger"
    assert asked.headers["webhook-id"] == sent.provider_id == "run-1:notify"
    assert asked.headers["content-type"] == "application/json"
    assert KEY not in str(asked)


def test_a_second_attempt_says_the_same_under_the_same_id() -> None:
    with receiving() as receiver:
        for minutes in (0, 5):
            hook(receiver.url).send(message=MESSAGE, key="k", now=NOW + timedelta(minutes=minutes))

    first, second = receiver.asked
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]


@pytest.mark.parametrize(
    ("code", "permanent"),
    [(400, True), (404, True), (410, True), (408, False), (429, False), (500, False), (503, False)],
)
def test_the_status_says_whether_asking_again_can_help(code: int, permanent: bool) -> None:
    with receiving(status(code, b"no room\nsecond line\x1b[31m")) as receiver:
        error = refused(hook(receiver.url))

    assert (error.code, error.permanent) == (f"http_{code}", permanent)
    assert error.message == f"127.0.0.1 answered {code}: no room"


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("120", timedelta(minutes=2)),
        ("Fri, 20 Nov 2026 11:03:00 GMT", timedelta(minutes=3)),
        ("86400", timedelta(hours=1)),
        ("Fri, 20 Nov 2020 11:03:00 GMT", timedelta(0)),
        ("soon", None),
    ],
)
def test_the_receivers_hint_is_followed_within_reason(header: str, wait: timedelta | None) -> None:
    with receiving(status(503, headers={"retry-after": header})) as receiver:
        assert refused(hook(receiver.url)).retry_after == wait


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(code: int) -> None:
    with receiving() as elsewhere, receiving(status(code, headers={"location": elsewhere.url})) as receiver:
        error = refused(hook(receiver.url))

    assert (error.code, error.permanent) == (f"http_{code}", True)
    assert "redirects are not followed" in error.message
    assert not elsewhere.asked


@pytest.mark.parametrize("answering", [hang, drip, drip_headers], ids=["silent", "body", "headers"])
def test_a_slow_receiver_costs_no_more_than_the_configured_time(answering: Answering) -> None:
    with receiving(answering) as receiver:
        began = time.monotonic()
        error = refused(hook(receiver.url, timeout_seconds=1))

    assert (error.code, error.permanent) == ("timeout", False)
    assert time.monotonic() - began < 3


def test_a_huge_answer_is_cut() -> None:
    with receiving(status(200, b"x" * 1_000_000)) as receiver:
        error = refused(hook(receiver.url))

    assert (error.code, error.permanent) == ("too_long", True)


def test_a_reset_and_a_closed_port_may_be_tried_again() -> None:
    with receiving(reset) as receiver:
        error = refused(hook(receiver.url))
    assert (error.code, error.permanent) == ("unreachable", False)

    error = refused(hook(f"http://127.0.0.1:{closed_port()}/"))
    assert (error.code, error.permanent) == ("unreachable", False)


@pytest.mark.parametrize(
    "host",
    [
        "10.0.0.1", "172.16.3.4", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "[::1]",
        "[fe80::1]", "[fc00::1]", "[::ffff:10.0.0.1]", "[64:ff9b::a00:1]", "[2002:a00:1::]", "0x7f000001", "2130706433",
    ],
)  # fmt: skip
def test_no_network_without_public_addresses_is_reached(host: str) -> None:
    error = refused(hook(f"https://{host}/", installation=Installation(keys_dir=Path("/nowhere"))))

    assert (error.code, error.permanent) == ("address_refused", True)
    assert "CONDUCTOR_PRIVATE_NETWORKS" in error.message


def test_a_network_that_the_operator_permits_is_reached() -> None:
    permitted = Installation(keys_dir=Path("/nowhere"), private_networks=(ip_network("127.0.0.0/8"),))
    with receiving() as receiver:
        hook(receiver.url, installation=permitted).send(message=MESSAGE, key="k", now=NOW)

    assert len(receiver.asked) == 1


def test_the_loopback_is_refused_outside_of_development_whatever_the_admin_says() -> None:
    with receiving() as receiver:
        error = refused(hook(receiver.url, installation=Installation(keys_dir=Path("/nowhere"))))

    assert error.code == "address_refused"
    assert not receiver.asked


def test_one_refused_address_of_several_refuses_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    public, private = ((2, 1, 6, "", (address, 443)) for address in ("93.184.216.34", "10.1.1.1"))
    monkeypatch.setattr(reach.socket, "getaddrinfo", lambda *args, **kwargs: [public, private])

    error = refused(hook("https://mixed.example.test/"))

    assert error.code == "address_refused"


def test_a_name_is_looked_up_once_so_that_it_cannot_change_its_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as receiver:
        port = int(receiver.url.rpartition(":")[2].partition("/")[0])
        asked: list[str] = []

        def lookup(host: str, *args: Any, **kwargs: Any) -> list[Any]:
            asked.append(host)
            address = "127.0.0.1" if len(asked) == 1 else "10.1.1.1"
            return [(2, 1, 6, "", (address, port))]

        original = reach.socket.getaddrinfo
        monkeypatch.setattr(
            reach.socket, "getaddrinfo",
            lambda host, *a, **k: lookup(host) if host == "localhost" else original(host, *a, **k),
        )  # fmt: skip
        hook(f"http://localhost:{port}/hook").send(message=MESSAGE, key="k", now=NOW)

    assert asked == ["localhost"]
    assert receiver.asked[0].headers["host"] == f"localhost:{port}"


def test_no_proxy_of_the_environment_stands_between(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as receiver, receiving() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        hook(receiver.url).send(message=MESSAGE, key="k", now=NOW)

    assert (len(receiver.asked), len(proxy.asked)) == (1, 0)


def test_the_body_is_canonical_json() -> None:
    with receiving() as receiver:
        hook(receiver.url).send(message=MESSAGE, key="k", now=NOW)

    body = receiver.asked[0].body
    assert body == json.dumps(json.loads(body), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
