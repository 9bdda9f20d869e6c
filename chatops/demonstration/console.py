"""The demonstration's browser: signs in by a one-time link, and posts the console's forms as a person would."""

from __future__ import annotations

import re

import httpx

from chatops.demonstration.doors import TIMEOUT_SECONDS, DoorShut

_CODE = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


class Console:
    """One person, signed in."""

    def __init__(self, base_url: str, link: str) -> None:
        self._client = httpx.Client(base_url=base_url, timeout=TIMEOUT_SECONDS, follow_redirects=True)
        self.read(link)

    def read(self, path: str) -> str:
        """Return the page at `path`; raise DoorShut unless it is there."""
        return self._expected(self._client.get(path)).text

    def submit(self, path: str, fields: dict[str, str], *, form_at: str = "") -> str:
        """Fill in the form on the page `form_at` (by default `path` itself), send it to `path`; return what follows."""
        code = _CODE.search(self.read(form_at or path))
        if code is None:
            raise DoorShut(f"{form_at or path} has no form for this person")
        return self._expected(self._client.post(path, data={"csrfmiddlewaretoken": code[1], **fields})).text

    def _expected(self, response: httpx.Response) -> httpx.Response:
        if not response.is_success:
            raise DoorShut(f"{response.request.method} {response.request.url.path} answered {response.status_code}")
        return response
