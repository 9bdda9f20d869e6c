"""JSON over HTTP, for the kinds whose vendor speaks it: one guarded call, its answer read or refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from pydantic import SecretStr

from adapters.ports.installation import Installation
from adapters.ports.protocols import AdapterError
from adapters.transport.http import Answer, call, refuse
from adapters.transport.scrubbing import scrubbed
from conductor.lib.clock import now as clock_now

ANSWER_BYTES = 4 << 20
"""Room for a page of a hundred tickets with their texts."""
NO_SUCH = {404, 410}
COMPLAINT_CHARACTERS = 200


@dataclass(frozen=True)
class Rest:
    """A vendor's interface under one base address."""

    base: str
    """Without a slash at its end."""
    headers: Mapping[str, str]
    """Sent with every call; signs in."""
    secrets: tuple[SecretStr, ...]
    """What the headers hold, so that no error repeats it."""
    timeout_seconds: float
    installation: Installation
    allow_loopback: bool = False
    complaint: Callable[[Any], str] = str
    """Finds what is wrong in the JSON of a refusal. What it raises is taken for: not there."""

    @property
    def host(self) -> str:
        return urlsplit(self.base).hostname or ""

    def get(self, path: str, **query: str) -> Any:
        """Return what a GET of `path` answers; parameters are escaped."""
        return self.ask("GET", f"{path}?{urlencode(query)}" if query else path)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Return the answer's JSON, None for an empty one. Raise AdapterError; `ticket_missing` for 404 and 410."""
        given = {"content-type": "application/json"} if body is not None else {}
        answer = call(
            method=method,
            url=self.base + path,
            body=b"" if body is None else json.dumps(body).encode(),
            headers={
                "accept": "application/json",
                "user-agent": "Maestro-Conductor",
                **given,
                **self.headers,
                **headers,
            },
            timeout_seconds=self.timeout_seconds,
            max_bytes=ANSWER_BYTES,
            installation=self.installation,
            allow_loopback=self.allow_loopback,
        )
        try:
            refuse(answer, host=self.host, now=clock_now(), secrets=self.secrets)
        except AdapterError as error:
            error.message = self._said(answer, error.message)
            if answer.status in NO_SUCH:
                raise AdapterError(error.message, permanent=True, code="ticket_missing") from error
            raise
        if not answer.body.strip():
            return None
        try:
            return json.loads(answer.body)
        except ValueError as error:
            raise unreadable(self.host) from error

    def _said(self, answer: Answer, otherwise: str) -> str:
        """Return the refusal in the vendor's own words, in one line and without what we have sent to sign in."""
        try:
            said = self.complaint(json.loads(answer.body))
        except (ValueError, LookupError, TypeError, AttributeError):
            return otherwise
        line = " ".join(scrubbed(said, values=self.secrets).split())
        return f"{self.host} answered {answer.status}: {line[:COMPLAINT_CHARACTERS]}" if line else otherwise


def unreadable(host: str) -> AdapterError:
    """Return the error of an answer that is not of the vendor's shape."""
    return AdapterError(f"{host} answered in no known shape", permanent=True, code="unreadable")
