"""One deadline round every conversation: a counterpart that drips holds nobody beyond it, and the failure says so."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings
from pydantic import SecretStr

from adapters.kinds.postgres import adapter as postgres
from adapters.kinds.postgres.config import Config as PostgresConfig
from adapters.kinds.postgres.config import Secrets as PostgresSecrets
from adapters.kinds.smtp.adapter import MAX_LINES, Smtp
from adapters.kinds.smtp.config import Config, Secrets
from adapters.ports.installation import Installation
from adapters.ports.protocols import AdapterError
from adapters.transport.http import call
from chatops.slack.outbound.response_url import NotDelivered, post_answer
from conductor.ledger.keys.keys import KeyUnavailable
from conductor.ledger.keys.vault import HttpVault
from conductor.lib.deadlines import Deadline, conversation
from conductor.policy.engine import EngineFailure
from conductor.policy.opa import OpaEngine
from tests.adapters.dripping import dripping
from tests.adapters.receiver import Asked, Handler, receiving
from tests.adapters.test_smtp import MESSAGE
from tests.world import NOW

HERE = Installation(keys_dir=Path("/nowhere"), development=True)
ALLOWANCE = 2.0
"""Seconds beyond the deadline that a busy machine may need."""
SLOW_HTTP = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
pytestmark = [pytest.mark.fault("security-2")]


def mailer(port: int, **settings: Any) -> Smtp:
    given = {"host": "localhost", "port": port, "security": "none", "from_address": "conductor@example.test"}
    given |= {"to": ["duty@example.test"], "timeout_seconds": 1, "allow_loopback": True} | settings
    secrets = Secrets(password=SecretStr("right") if "username" in settings else None)
    return Smtp(config=Config.model_validate(given), secrets=secrets, installation=HERE)


def timed_out(mail: Smtp) -> tuple[AdapterError, float]:
    began = time.monotonic()
    with pytest.raises(AdapterError) as caught:
        mail.send(message=MESSAGE, key="k", now=NOW)
    return caught.value, time.monotonic() - began


@pytest.mark.parametrize("security", ["none", "tls", "starttls"])
@pytest.mark.parametrize("first", [b"", b"220 relay\r\n"], ids=["greeting", "after the greeting"])
def test_a_relay_that_drips_lines_is_left_when_the_time_is_over(security: str, first: bytes) -> None:
    with dripping(b"220-still\r\n", first=first) as relay:
        error, took = timed_out(mailer(relay.port, security=security))

    assert took < 1 + ALLOWANCE
    assert not error.permanent
    if security != "tls":  # to TLS these lines are no handshake, which fails at once
        assert error.code == "timeout"


def test_a_handshake_that_drips_byte_by_byte_is_left_too() -> None:
    a_record_that_never_ends = b"\x16\x03\x03\x40\x00"
    with dripping(b"\x02", first=a_record_that_never_ends) as relay:
        error, took = timed_out(mailer(relay.port, security="tls"))
        http, http_took = refused_by_http(f"https://127.0.0.1:{relay.port}/")

    assert (error.code, http.code) == ("timeout", "timeout")
    assert max(took, http_took) < 1 + ALLOWANCE


def refused_by_http(url: str) -> tuple[AdapterError, float]:
    began = time.monotonic()
    with pytest.raises(AdapterError) as caught:
        call(
            method="GET", url=url, body=b"", headers={}, timeout_seconds=1, max_bytes=10_000, installation=HERE,
            allow_loopback=True,
        )  # fmt: skip
    return caught.value, time.monotonic() - began


def test_a_relay_that_sends_lines_without_end_is_refused_for_good() -> None:
    with dripping(b"220-still\r\n", first=b"220-still\r\n" * (MAX_LINES + 1)) as relay:
        error, took = timed_out(mailer(relay.port, timeout_seconds=30))

    assert (error.code, error.permanent) == ("too_long", True)
    assert took < 5


@pytest.mark.parametrize("drop", [b"x: y\r\n", b" "], ids=["headers", "body"])
def test_a_web_server_that_drips_is_left(drop: bytes) -> None:
    first = SLOW_HTTP if drop == b" " else b"HTTP/1.1 200 OK\r\n"
    with dripping(drop, first=first) as server:
        error, took = refused_by_http(f"http://127.0.0.1:{server.port}/")

    assert error.code == "timeout"
    assert took < 1 + ALLOWANCE


def test_a_database_that_never_finishes_its_greeting_or_its_answer_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "LOOK_SECONDS", 1)
    signed_in = b"R\x00\x00\x00\x08\x00\x00\x00\x00" + b"Z\x00\x00\x00\x05I"
    notice = b"N\x00\x00\x00\x05\x00"
    with dripping(notice, first=signed_in) as server:
        url = f"postgresql://robot@127.0.0.1:{server.port}/shop?sslmode=disable&gssencmode=disable"
        config = PostgresConfig.model_validate({"timeout_seconds": 10})
        source = postgres.Postgres(
            config=config, secrets=PostgresSecrets.model_validate({"dsn": url}), installation=HERE
        )
        began = time.monotonic()
        with pytest.raises(AdapterError) as caught:
            source.list_scratch()

    assert caught.value.code == "timeout"
    assert time.monotonic() - began < 1 + ALLOWANCE


def test_vault_and_opa_are_left_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conductor.ledger.keys.vault.TIMEOUT_SECONDS", 1)
    with dripping(b" ", first=SLOW_HTTP) as server:
        address = f"http://127.0.0.1:{server.port}"
        began = time.monotonic()
        with pytest.raises(KeyUnavailable):
            HttpVault(address=address).call("GET", "transit/keys/a")
        with pytest.raises(EngineFailure):
            OpaEngine(url=address, seconds=1)._ask("data.a", b"{}")

    assert time.monotonic() - began < 2 + ALLOWANCE


def test_a_response_url_that_drips_headers_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatops.slack.outbound.response_url.TIMEOUT_SECONDS", 1)
    began = time.monotonic()
    with dripping(b"x: y\r\n", first=b"HTTP/1.1 200 OK\r\n") as server:
        address = f"http://127.0.0.1:{server.port}"
        with override_settings(SLACK_API_URL=f"{address}/api/"), pytest.raises(NotDelivered):
            post_answer(url=f"{address}/response", answer={"text": "late"})

    assert time.monotonic() - began < 1 + ALLOWANCE


def test_what_connects_after_the_deadline_is_cut_at_once() -> None:
    with dripping(b".") as server, Deadline(0.05) as deadline:
        time.sleep(0.2)
        import socket

        with socket.create_connection(("127.0.0.1", server.port)) as connected:
            deadline.watch(connected)
            assert deadline.passed
            connected.settimeout(2)
            while connected.recv(100):
                pass


def test_all_calls_of_a_conversation_share_its_deadline() -> None:
    """Pages of a tracker, for one: fifty calls of ten seconds each are no conversation of ten."""

    def slow(handler: Handler, asked: Asked) -> None:
        time.sleep(1.5)
        handler.answer(200)

    with receiving(slow) as receiver:
        given: dict[str, Any] = {"method": "GET", "url": receiver.url, "body": b"", "headers": {}, "max_bytes": 9}
        given |= {"timeout_seconds": 10.0, "installation": HERE, "allow_loopback": True}
        began = time.monotonic()
        with conversation(2.5), conversation(60):
            call(**given)
            for _again in range(3):
                with pytest.raises(AdapterError) as caught:
                    call(**given)
                assert (caught.value.code, caught.value.permanent) == ("timeout", False)
        took = time.monotonic() - began
        assert took < 2.5 + ALLOWANCE
        assert len(receiver.asked) == 2, "what would begin after the end is not begun"
        assert call(**given).status == 200, "afterwards calls have their own time again"
