"""Mail against a real relay: what is taken, what is refused for now and for good, and over which wire."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from adapters.kinds.smtp.adapter import Smtp
from adapters.kinds.smtp.config import Config, Secrets
from adapters.ports.installation import Installation
from adapters.ports.protocols import AdapterError, Message
from tests.adapters.certificates import Authority, server_context
from tests.adapters.relay import Relay, relaying
from tests.world import NOW

MESSAGE = Message(
    event="incidents.incident.declared",
    subject="incidents.incident:1",
    at=datetime(2026, 11, 20, 10, 59, tzinfo=UTC),
    title="SEV1 Kartenzahlungen gestört – Zürich",
    text="Bitte übernehmen.",
    url="https://conductor.example/t/northwind/incidents/1/",
    facts=(("Severity", "SEV1"), ("Commander", "Cora")),
)


def mailer(relay: Relay, *, password: str | None = None, **settings: Any) -> Smtp:
    told = {
        "host": "localhost",
        "port": relay.port,
        "security": "none",
        "from_address": "conductor@example.test",
        "to": ["duty@example.test", "second@example.test"],
        "timeout_seconds": 5,
        "allow_loopback": True,
        **settings,
    }
    return Smtp(
        config=Config.model_validate(told),
        secrets=Secrets(password=SecretStr(password) if password else None),
        installation=Installation(keys_dir=Path("/nowhere"), development=True),
    )


def send(mail: Smtp, key: str = "run-1:notify") -> Any:
    return mail.send(message=MESSAGE, key=key, now=NOW)


def refused(mail: Smtp) -> AdapterError:
    with pytest.raises(AdapterError) as caught:
        send(mail)
    return caught.value


def test_a_mail_arrives_whole_with_everything_that_it_says() -> None:
    with relaying() as relay:
        sent = send(mailer(relay))

    ((recipients, mail),) = relay.mails
    assert recipients == ["duty@example.test", "second@example.test"]
    assert mail["Subject"] == MESSAGE.title
    assert mail["Message-ID"] == sent.provider_id
    assert mail["Auto-Submitted"] == "auto-generated"
    text = mail.get_content()
    assert "Bitte übernehmen." in text
    assert "Severity:  SEV1" in text
    assert MESSAGE.url in text


def test_the_same_key_gives_the_same_message_id_and_another_key_another() -> None:
    with relaying() as relay:
        ids = [send(mailer(relay), key).provider_id for key in ("a", "a", "b")]

    assert ids[0] == ids[1] != ids[2]
    assert [mail["Message-ID"] for _to, mail in relay.mails] == ids


def test_a_header_in_the_title_stays_in_the_title() -> None:
    with relaying() as relay:
        payload = {"title": "Down\r\nBcc: everybody@example.test"}
        message = Message.of(event="a.b.c", subject="a.b:1", payload=payload, at=NOW)
        mailer(relay).send(message=message, key="k", now=NOW)

    ((recipients, mail),) = relay.mails
    assert mail["Bcc"] is None
    assert "everybody@example.test" not in recipients


@pytest.mark.parametrize(
    ("answer", "permanent", "code"),
    [
        ("451 4.3.0 try later", False, "smtp_451"),
        ("452 4.3.1 disk full", False, "smtp_452"),
        ("550 5.7.1 no", True, "smtp_550"),
        ("554 5.6.0 spam", True, "smtp_554"),
    ],
)
def test_a_soft_failure_may_be_tried_again_and_a_hard_one_not(answer: str, permanent: bool, code: str) -> None:
    with relaying() as relay:
        relay.data = answer
        error = refused(mailer(relay))

    assert (error.permanent, error.code) == (permanent, code)
    assert not relay.mails


def test_one_refused_recipient_is_a_warning_and_the_others_have_the_mail() -> None:
    with relaying() as relay:
        relay.recipients["second@example.test"] = "550 5.1.1 nobody here"
        sent = send(mailer(relay))

    assert sent.warning == "not taken: second@example.test"
    assert relay.mails[0][0] == ["duty@example.test"]


@pytest.mark.parametrize(("second", "permanent"), [("550 5.1.1 nobody", True), ("450 4.2.1 greylisted", False)])
def test_all_recipients_refused_is_for_good_only_if_each_is(second: str, permanent: bool) -> None:
    with relaying() as relay:
        relay.recipients = {"duty@example.test": "550 5.1.1 nobody", "second@example.test": second}
        error = refused(mailer(relay))

    assert (error.permanent, error.code) == (permanent, "recipients_refused")


def test_with_starttls_the_password_travels_encrypted_and_the_certificate_is_checked(tmp_path: Path) -> None:
    authority, stranger = Authority(), Authority("Stranger")
    settings = {"security": "starttls", "username": "robot"}
    with relaying(tls=server_context(authority.for_loopback(), tmp_path)) as relay:
        send(mailer(relay, password="right", ca_certificate=authority.root.pem, **settings))
        wrong = refused(mailer(relay, password="wrong", ca_certificate=authority.root.pem, **settings))
        before = len(relay.signed_in)
        untrusted = refused(mailer(relay, password="right", ca_certificate=stranger.root.pem, **settings))

    assert len(relay.mails) == 1
    assert (wrong.permanent, wrong.code) == (True, "smtp_535")
    assert (untrusted.permanent, untrusted.code) == (True, "certificate_refused")
    assert len(relay.signed_in) == before, "the password was given to a stranger"


def test_tls_from_the_first_byte(tmp_path: Path) -> None:
    authority = Authority()
    with relaying(tls=server_context(authority.for_loopback(), tmp_path), from_first_byte=True) as relay:
        send(mailer(relay, security="tls", ca_certificate=authority.root.pem))

    assert len(relay.mails) == 1


def test_a_relay_without_starttls_gets_nothing_in_the_clear() -> None:
    with relaying() as relay:
        error = refused(mailer(relay, security="starttls", username="robot", password="right"))

    assert (error.permanent, error.code) == (True, "not_supported")
    assert not relay.signed_in


def test_a_user_name_without_a_password_is_said(tmp_path: Path) -> None:
    authority = Authority()
    with relaying(tls=server_context(authority.for_loopback(), tmp_path)) as relay:
        settings = {"security": "starttls", "username": "robot", "ca_certificate": authority.root.pem}
        error = refused(mailer(relay, **settings))

    assert (error.permanent, error.code) == (True, "secret_unavailable")


def test_a_password_in_the_clear_is_not_configurable() -> None:
    with pytest.raises(ValidationError, match="never sent in the clear"):
        Config.model_validate(
            {"host": "h", "from_address": "a@b.test", "to": ["a@b.test"], "security": "none", "username": "robot"}
        )
