"""The demonstration's browser: signs in by a one-time link, and posts the console's forms as a person would."""

from __future__ import annotations

import re

import httpx

from chatops.demo.doors import TIMEOUT_SECONDS, DoorShut

_CODE = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


class Console:
    """One person, signed in."""

    def __init__(self, base_url: str, link: str) -> None:
        self._client = httpx.Client(base_url=base_url, timeout=TIMEOUT_SECONDS, follow_redirects=True)
        self._code = ""
        self.read(link)

    def read(self, path: str) -> str:
        """Return the page at `path`; raise DoorShut unless it is there."""
        page = self._expected(self._client.get(path)).text
        if found := _CODE.search(page):
            self._code = found[1]
        return page

    def submit(self, path: str, fields: dict[str, str]) -> None:
        """Send a form to `path`; raise DoorShut unless it is taken, which leads on to a page of the organisation."""
        if not self._code:
            self.read(path)
        if not self._code:
            raise DoorShut(f"{path} has no form for this person")
        data = {"csrfmiddlewaretoken": self._code, **fields}
        response = self._client.post(path, data=data, follow_redirects=False)
        if not response.headers.get("location", "").startswith("/t/"):
            raise DoorShut(f"POST {path} answered {response.status_code}: {_reason(response.text)}")

    def _expected(self, response: httpx.Response) -> httpx.Response:
        if not response.is_success:
            raise DoorShut(f"{response.request.method} {response.request.url.path} answered {response.status_code}")
        return response


def _reason(page: str) -> str:
    """Return the beginning of what the page says of a refusal."""
    said = re.sub(r"<[^>]+>", " ", page.partition("<main")[2] or page)
    return " ".join(said.split())[:200]
