"""The demonstration's hands: the API with a token, and Slack's door with Slack's signature. Nothing but HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

import httpx
from slack_sdk.signature import SignatureVerifier

from chatops.commands.answers import REFUSED

TIMEOUT_SECONDS = 20
Found = TypeVar("Found")


class DoorShut(Exception):
    """Something did not answer as it must. The message says what and how, for the person at the terminal."""


@dataclass(frozen=True)
class Api:
    """The REST API of one tenant."""

    base_url: str
    tenant: str
    token: str = field(repr=False)

    def get(self, path: str) -> Any:
        """Return the JSON at `path`, below the tenant. Raise DoorShut unless it is there."""
        return self._call("GET", path).json()

    def find(self, path: str) -> Any:
        """Return the JSON at `path`, or None while there is nothing (404)."""
        response = self._send("GET", path)
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        return _expected(response, path).json()

    def post(self, path: str, body: Any, *, key: str = "") -> Any:
        """Post JSON, with an Idempotency-Key if one is given, and return the answer's."""
        return self._call("POST", path, json=body, headers={"Idempotency-Key": key} if key else {}).json()

    def download(self, path: str, target: Path) -> Path:
        """Store the bytes at `path` as `target`, whole or not at all."""
        content = self._call("GET", path).content
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.part")
        part.write_bytes(content)
        return part.replace(target)

    def _call(self, method: str, path: str, **given: Any) -> httpx.Response:
        return _expected(self._send(method, path, **given), path)

    def _send(
        self, method: str, path: str, *, json: Any = None, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        url = f"{self.base_url}/api/v1/tenants/{self.tenant}{path}"
        given = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        return _sent(lambda: httpx.request(method, url, json=json, headers=given, timeout=TIMEOUT_SECONDS))


@dataclass(frozen=True)
class Slack:
    """A Slack workspace's servers, as our door sees them."""

    base_url: str
    team_id: str
    command: str
    secret: str = field(repr=False)

    def say(self, *, user: str, text: str) -> dict[str, Any]:
        """Send the command as that Slack user types it, correctly signed, and return the message that Slack would show.

        Raise DoorShut for any answer but a message, and for a refusal.
        """
        # No response_url: nobody listens there, so everything must be answered at once.
        fields = {
            "team_id": self.team_id,
            "team_domain": "northwind",
            "channel_id": "C0INCIDENTS",
            "channel_name": "incidents",
            "user_id": user,
            "command": self.command,
            "text": text,
            "trigger_id": f"{time.time_ns()}.demonstration",
            "response_url": "",
        }
        body = urlencode(fields)
        headers = {"Content-Type": "application/x-www-form-urlencoded", **self._signed(body)}
        url = f"{self.base_url}/slack/commands"
        response = _sent(lambda: httpx.post(url, content=body, headers=headers, timeout=TIMEOUT_SECONDS))
        message: dict[str, Any] = _expected(response, "/slack/commands").json()
        if message["text"].startswith(REFUSED):
            raise DoorShut(f"{self.command} {text}: {message['text']}")
        return message

    def _signed(self, body: str) -> dict[str, str]:
        timestamp = str(int(time.time()))
        signature = SignatureVerifier(self.secret).generate_signature(timestamp=timestamp, body=body)
        return {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": signature or ""}


def wait_for_door(base_url: str, *, seconds: float) -> None:
    """Return once /readyz says yes; raise DoorShut after `seconds`."""
    wait_until("the web server", lambda: _is_ready(base_url) or None, seconds=seconds)


def wait_until(what: str, probe: Callable[[], Found | None], *, seconds: float, every: float = 0.5) -> Found:
    """Return the first answer of `probe` that is not None; raise DoorShut, naming `what`, after `seconds`."""
    until = time.monotonic() + seconds
    while (found := probe()) is None:
        if time.monotonic() > until:
            raise DoorShut(f"{what} did not come within {seconds:.0f} s")
        time.sleep(every)
    return found


def _is_ready(base_url: str) -> bool:
    try:
        return httpx.get(f"{base_url}/readyz", timeout=5).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def _sent(send: Callable[[], httpx.Response]) -> httpx.Response:
    try:
        return send()
    except httpx.HTTPError as error:
        raise DoorShut(f"no answer from {error.request.url}: {error}") from error


def _expected(response: httpx.Response, path: str) -> httpx.Response:
    if response.is_success:
        return response
    said = response.text[:300]
    raise DoorShut(f"{response.request.method} {path} answered {response.status_code}: {said}")
