"""Notices by mail. One connection a message, with one deadline round all that is exchanged over it.

The relay's answer decides whether trying again makes sense.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from typing import Any, BinaryIO, ClassVar

from adapters.kinds.smtp.config import Config, Secrets
from adapters.ports.installation import Installation
from adapters.ports.protocols import AdapterError, Capability, Message, Sent
from adapters.transport.reach import addresses
from conductor.lib.canonical import sha256_hex
from conductor.lib.deadlines import Deadline

MAX_LINES = 1000
"""Lines of replies in one conversation. An honest relay needs some twenty, and one for each recipient."""

PORTS = frozenset({25, 465, 587, 2525})
"""Where mail is taken in public networks; elsewhere other services would read what they are sent."""


class _ReplyLines:
    """What the relay sends, line by line, up to MAX_LINES: smtplib itself follows a reply as long as it goes on."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._left = file, MAX_LINES

    def readline(self, limit: int) -> bytes:
        self._left -= 1
        if self._left < 0:
            raise AdapterError(f"the relay sent more than {MAX_LINES} lines", permanent=True, code="too_long")
        return self._file.readline(limit)

    def close(self) -> None:
        self._file.close()


class _ToAddress(smtplib.SMTP):
    """Connects to an address that was judged, while certificates are compared with the host's name."""

    def __init__(self, address: str, deadline: Deadline, **options: Any) -> None:
        self.address, self.deadline = address, deadline
        super().__init__(**options)

    def _get_socket(
        self, host: str, port: int, timeout: float
    ) -> socket.socket:  # smtplib's own hook (SMTP_SSL uses it)
        connected = socket.create_connection((self.address, port), timeout)
        self.deadline.watch(connected)
        return connected

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = _ReplyLines(self.sock.makefile("rb"))
        return super().getreply()


class _ToAddressTls(smtplib.SMTP_SSL, _ToAddress):
    """The same with TLS from the first byte."""

    def __init__(self, address: str, deadline: Deadline, *, context: ssl.SSLContext, **options: Any) -> None:
        self.address, self.deadline = address, deadline
        smtplib.SMTP_SSL.__init__(self, context=context, **options)


class Smtp:
    """A mail relay."""

    config_model: ClassVar = Config
    secrets_model: ClassVar = Secrets
    capabilities: ClassVar = frozenset({Capability.DEDUPLICATES})

    def __init__(self, *, config: Config, secrets: Secrets, installation: Installation) -> None:
        self._config, self._secrets, self._installation = config, secrets, installation

    @property
    def recipient(self) -> str:
        return ", ".join(self._config.to)

    def send(self, *, message: Message, key: str, now: datetime) -> Sent:
        mail = self._compose(message, key)
        with self._connection() as relay:
            refused = relay.sendmail(self._config.from_address, list(self._config.to), mail.as_bytes())
        warning = "not taken: " + ", ".join(sorted(refused)) if refused else ""
        return Sent(provider_id=mail["Message-ID"], warning=warning)

    def _compose(self, message: Message, key: str) -> EmailMessage:
        domain = self._config.from_address.rpartition("@")[2]
        mail = EmailMessage(policy=SMTP_POLICY.clone(cte_type="7bit"))  # not every relay takes 8BITMIME
        mail["From"] = Address(self._config.from_name, addr_spec=self._config.from_address)
        mail["To"] = [Address(addr_spec=each) for each in self._config.to]
        mail["Subject"] = message.title
        mail["Date"] = message.at
        # The same key gives the same name, by which mail systems drop a second copy.
        mail["Message-ID"] = f"<{sha256_hex(key.encode())[:40]}@{domain}>"
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office replies, please
        mail["X-Conductor-Event"] = message.event
        mail.set_content(_text(message))
        return mail

    @contextmanager
    def _connection(self) -> Iterator[smtplib.SMTP]:
        """Yield a connection that is encrypted and signed in as configured; every failure leaves as AdapterError."""
        config = self._config
        found = addresses(
            host=config.host,
            port=config.port,
            installation=self._installation,
            allow_loopback=config.allow_loopback,
            ports=PORTS,
        )
        deadline = Deadline(config.timeout_seconds)
        try:
            with deadline, self._connected(str(found[0]), deadline) as relay:
                yield relay
        except ssl.SSLCertVerificationError as error:
            message = f"{config.host} shows a certificate that is not trusted: {error.verify_message}"
            raise AdapterError(message, permanent=True, code="certificate_refused") from error
        except smtplib.SMTPException as error:
            raise (self._late() if deadline.passed else _translated(config.host, error)) from error
        except OSError as error:
            if deadline.passed or isinstance(error, TimeoutError):
                raise self._late() from error
            raise AdapterError(f"{config.host} cannot be reached", permanent=False, code="unreachable") from error

    def _late(self) -> AdapterError:
        message = f"{self._config.host} did not finish within {self._config.timeout_seconds:g} s"
        return AdapterError(message, permanent=False, code="timeout")

    @contextmanager
    def _connected(self, address: str, deadline: Deadline) -> Iterator[smtplib.SMTP]:
        config = self._config
        options: dict[str, Any] = {
            "host": config.host,
            "port": config.port,
            "timeout": config.timeout_seconds,
            "local_hostname": config.from_address.rpartition("@")[2],
        }
        context = ssl.create_default_context(cadata=config.ca_certificate or None)
        relay = (
            _ToAddressTls(address, deadline, context=context, **options)
            if config.security == "tls"
            else _ToAddress(address, deadline, **options)
        )
        with relay:
            if config.security == "starttls":
                relay.starttls(context=context)
            if config.username:
                password = self._secrets.password
                if password is None:
                    raise AdapterError("the password is not set", permanent=True, code="secret_unavailable")
                relay.login(config.username, password.get_secret_value())
            yield relay


def _text(message: Message) -> str:
    width = max((len(label) for label, _ in message.facts), default=0)
    facts = "\n".join(f"{label + ':':<{width + 1}} {value}" for label, value in message.facts)
    return "\n\n".join(part for part in (message.title, message.text, facts, message.url) if part) + "\n"


def _translated(host: str, error: smtplib.SMTPException) -> AdapterError:
    """Say what the relay said. 5yz is for good, 4yz for now (RFC 5321 section 4.2.1)."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = {who: reply[0] for who, reply in sorted(error.recipients.items())}
        said = "; ".join(f"{who}: {code}" for who, code in codes.items())
        is_permanent = all(code >= 500 for code in codes.values())
        message = f"{host} refused every recipient ({said})"
        return AdapterError(message, permanent=is_permanent, code="recipients_refused")
    if isinstance(error, smtplib.SMTPResponseException):
        code = error.smtp_code
        return AdapterError(f"{host} answered {code}", permanent=500 <= code < 600, code=f"smtp_{code}")
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return AdapterError(f"{host} does not offer what is configured: {error}", permanent=True, code="not_supported")
    return AdapterError(f"{host} ended the conversation", permanent=False, code="unreachable")
