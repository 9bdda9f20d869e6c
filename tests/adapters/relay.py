"""A mail relay on the loopback (aiosmtpd) that refuses what a test tells it to refuse."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, Session

OK = "250 OK"


class Relay:
    """Handler of aiosmtpd: keeps the mails, answers as told."""

    def __init__(self) -> None:
        self.mails: list[tuple[list[str], EmailMessage]] = []
        self.recipients: dict[str, str] = {}
        """Address to the answer to its RCPT TO."""
        self.data = OK
        self.signed_in: list[tuple[str, str]] = []
        self.port = 0

    async def handle_RCPT(
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self.recipients.get(address, OK)
        if answer == OK:
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:
        if self.data == OK:
            content = envelope.content
            assert isinstance(content, bytes)
            mail = message_from_bytes(content, policy=policy.default)
            assert isinstance(mail, EmailMessage)
            self.mails.append((list(envelope.rcpt_tos), mail))
        return self.data

    def authenticate(self, server: Any, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        given = (data.login.decode(), data.password.decode())
        self.signed_in.append(given)
        return AuthResult(success=given == ("robot", "right"), handled=False)


@contextmanager
def relaying(*, tls: ssl.SSLContext | None = None, from_first_byte: bool = False) -> Iterator[Relay]:
    """Yield a running relay; with `tls` it offers STARTTLS and asks for a sign-in behind it."""
    relay = Relay()
    told: dict[str, Any] = {"hostname": "127.0.0.1", "port": 0}
    if tls and from_first_byte:
        told["ssl_context"] = tls
    elif tls:
        told |= {"tls_context": tls, "require_starttls": True, "auth_required": True}
        told["authenticator"] = relay.authenticate
    controller = _Anywhere(relay, **told)
    controller.start()
    relay.port = controller.bound_port
    try:
        yield relay
    finally:
        controller.stop()


class _Anywhere(Controller):
    """A controller on any free port."""

    bound_port = 0

    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = self.bound_port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()
