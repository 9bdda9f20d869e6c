"""As much of GitHub's issues as the adapter uses, with a memory. Ours; the vendor's own description judges the calls
in test_vendor_specs.py."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from adapters.kinds.github.adapter import GitHub
from adapters.kinds.github.config import Config, Secrets
from adapters.ports.installation import Installation
from tests.adapters.receiver import Asked, Handler, receiving

REPOSITORY = "acme/shop"
SECRETS = {"token": "ghp_only-for-tests", "webhook_secret": "hook-secret"}
_ISSUE = re.compile(rf"/hook/repos/{REPOSITORY}/issues(?:/(\d+))?(/comments)?")


class Issues:
    """The repository."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.comments: dict[int, list[dict[str, Any]]] = {}

    def answer(self, handler: Handler, asked: Asked) -> None:
        status, document = self._answer(asked)
        handler.answer(status, json.dumps(document).encode())

    def _answer(self, asked: Asked) -> tuple[int, Any]:
        if asked.headers.get("authorization") != f"Bearer {SECRETS['token']}":
            return 401, {"message": "Bad credentials"}
        parts = urlsplit(asked.path)
        found = _ISSUE.fullmatch(parts.path)
        number = int(found[1]) if found and found[1] else 0
        if not found or (number and not 0 < number <= len(self.rows)):
            return 404, {"message": "Not Found"}
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        body = json.loads(asked.body) if asked.body else {}
        if found[2]:
            return self._comments(number, asked.method, body)
        if number:
            return self._one(number, asked.method, body)
        return self._many(asked.method, query, body)

    def _many(self, method: str, query: dict[str, str], body: dict[str, Any]) -> tuple[int, Any]:
        if method == "POST":
            number = len(self.rows) + 1
            page = f"https://github.com/{REPOSITORY}/issues/{number}"
            row = {"number": number, "state": "open", "state_reason": None, "html_url": page, **body}
            self.rows.append({**row, "updated_at": _now()})
            return 201, self.rows[-1]
        since = query.get("since", "")
        rows = [row for row in self.rows if row["updated_at"] >= since]
        size, page_number = int(query["per_page"]), int(query.get("page", 1))
        return 200, rows[size * (page_number - 1) : size * page_number]

    def _one(self, number: int, method: str, body: dict[str, Any]) -> tuple[int, Any]:
        row = self.rows[number - 1]
        if method == "PATCH":
            row |= {**body, "updated_at": _now()}
        return 200, row

    def _comments(self, number: int, method: str, body: dict[str, Any]) -> tuple[int, Any]:
        there = self.comments.setdefault(number, [])
        if method == "POST":
            there.append(body)
            return 201, body
        return 200, there


@contextmanager
def github() -> Iterator[tuple[Issues, str]]:
    """Yield the repository and the API's address."""
    issues = Issues()
    with receiving(issues.answer) as receiver:
        yield issues, receiver.url


def adapter(url: str, **settings: Any) -> GitHub:
    told = {"repository": REPOSITORY, "url": url, "allow_loopback": True, "timeout_seconds": 5}
    return GitHub(
        config=Config.model_validate({**told, **settings}),
        secrets=Secrets.model_validate(SECRETS),
        installation=Installation(keys_dir=Path("/nowhere"), development=True),
    )


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
