"""Time stamps by an authority of RFC 3161: asked over HTTP, verified before they are kept, kept byte for byte."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar
from urllib.parse import urlsplit

from adapters.kinds.rfc3161.config import Config, Secrets
from adapters.kinds.rfc3161.protocol import request_for
from adapters.kinds.rfc3161.verification import verify
from adapters.ports.installation import Installation
from adapters.ports.protocols import Attestation, AttestationRefused, AttestationUnreadable, Capability, Verification
from adapters.transport.http import post, refuse

ANSWER_BYTES = 262_144
"""A time stamp with a long chain is some ten thousand bytes."""


class Rfc3161:
    """A time-stamp authority. SHA-256 only, always with a nonce and the signer's certificate."""

    config_model: ClassVar = Config
    secrets_model: ClassVar = Secrets
    capabilities: ClassVar = frozenset({Capability.INDEPENDENT, Capability.OFFLINE})

    def __init__(self, *, config: Config, secrets: Secrets, installation: Installation) -> None:
        self._config, self._installation = config, installation
        self._host = urlsplit(config.url).hostname or ""

    def attest(self, *, digest_hex: str, now: datetime) -> Attestation:
        request = request_for(digest_hex=digest_hex, policy_oid=self._config.policy_oid)
        answer = post(
            url=self._config.url,
            body=request,
            headers={"content-type": "application/timestamp-query", "accept": "application/timestamp-reply"},
            timeout_seconds=self._config.timeout_seconds,
            max_bytes=ANSWER_BYTES,
            installation=self._installation,
            allow_loopback=self._config.allow_loopback,
            plain_everywhere=True,
        )
        refuse(answer, host=self._host, now=now)
        try:
            verification = self.verify(digest_hex=digest_hex, request=request, response=answer.body)
            self._check_clock(verification, now)
        except (AttestationRefused, AttestationUnreadable) as error:
            error.request, error.response = request, answer.body
            raise
        return Attestation(request, answer.body, verification)

    def verify(self, *, digest_hex: str, request: bytes, response: bytes) -> Verification:
        return verify(digest_hex=digest_hex, request=request, response=response, config=self._config)

    def _check_clock(self, verification: Verification, now: datetime) -> None:
        """Refuse a time far from ours: either clock is wrong, and a late stamp must not pass for a prompt one."""
        skew = verification.attested_at - now
        if abs(skew) > timedelta(seconds=self._config.max_skew_seconds):
            seconds = round(skew.total_seconds())
            raise AttestationRefused(f"the authority's time differs from ours by {seconds} s", code="skew")
