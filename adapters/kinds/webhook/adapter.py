"""Notices by HTTP, signed as Standard Webhooks asks: one POST a message, its id the idempotency key."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import ClassVar
from urllib.parse import urlsplit

from standardwebhooks import Webhook

from adapters.kinds.webhook.config import Config, Secrets
from adapters.ports.installation import Installation
from adapters.ports.protocols import Capability, Message, Sent
from adapters.transport.http import post, refuse
from conductor.lib.canonical import canonical_json
from conductor.lib.clock import rfc3339

ANSWER_BYTES = 65_536
"""More than any receiver has to say: the answer's body is not used."""


class StandardWebhook:
    """A receiver of Standard Webhooks (github.com/standard-webhooks)."""

    config_model: ClassVar = Config
    secrets_model: ClassVar = Secrets
    capabilities: ClassVar = frozenset({Capability.DEDUPLICATES, Capability.SIGNS})

    def __init__(self, *, config: Config, secrets: Secrets, installation: Installation) -> None:
        self._config, self._installation = config, installation
        self._key = secrets.signing_key
        self._signer = Webhook(self._key.get_secret_value())
        self._host = urlsplit(config.url).hostname or ""

    @property
    def recipient(self) -> str:
        return self._host  # not the path: receivers like to keep a token there

    def send(self, *, message: Message, key: str, now: datetime) -> Sent:
        body = canonical_json(
            {
                "type": message.event,
                "timestamp": rfc3339(message.at),
                "data": {"subject": message.subject, **message.as_json()},
            }
        )
        moment = now.astimezone(UTC)  # the library takes any datetime for UTC
        answer = post(
            url=self._config.url,
            body=body,
            headers={
                "content-type": "application/json",
                "user-agent": "Maestro-Conductor",
                "webhook-id": key,
                "webhook-timestamp": str(int(moment.timestamp())),
                "webhook-signature": self._signer.sign(key, moment, body.decode()),
            },
            timeout_seconds=self._config.timeout_seconds,
            max_bytes=ANSWER_BYTES,
            installation=self._installation,
            allow_loopback=self._config.allow_loopback,
        )
        refuse(answer, host=self._host, now=now, secrets=[self._key])
        return Sent(provider_id=key)
