"""As much of Jira Cloud as the adapter uses, with a memory. Ours; the vendor's own description judges the calls and
the answers in test_vendor_specs.py."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from adapters.kinds.jira.adapter import Jira
from adapters.kinds.jira.config import Config, Secrets
from adapters.ports.installation import Installation
from tests.adapters.receiver import Asked, Handler, receiving

SECRETS = {"api_token": "atl-only-for-tests", "webhook_secret": "hook-secret"}
EMAIL = "conductor@acme.test"
LOGIN = "Basic " + base64.b64encode(f"{EMAIL}:{SECRETS['api_token']}".encode()).decode()
STATUSES = {"11": ("To Do", "new"), "21": ("In Progress", "indeterminate"), "31": ("Done", "done")}
_ISSUE = re.compile(r"/hook/rest/api/3/issue(?:/(OPS-\d+))?(/comment|/transitions)?")
_SEARCH_TAKES = frozenset(
    {"expand", "fields", "fieldsByKeys", "jql", "maxResults", "nextPageToken", "properties", "reconcileIssues"}
)
_LABEL, _AGO = re.compile(r'labels = "([^"]*)"'), re.compile(r'updated >= "-(\d+)m"')


class Project:
    """The project OPS."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self.comments: dict[str, list[dict[str, Any]]] = {}
        self.page = 100
        """Jira gives fewer issues a page than it was asked for, as it likes."""
        self.answered: list[tuple[Asked, int, Any]] = []

    def answer(self, handler: Handler, asked: Asked) -> None:
        status, document = self._answer(asked)
        self.answered.append((asked, status, document))
        handler.answer(status, b"" if document is None else json.dumps(document).encode())

    def _answer(self, asked: Asked) -> tuple[int, Any]:
        if asked.headers.get("authorization") != LOGIN:
            return 401, {"errorMessages": ["You are not authenticated."], "errors": {}}
        path = urlsplit(asked.path).path
        body = json.loads(asked.body) if asked.body else {}
        if path == "/hook/rest/api/3/myself":
            return 200, {"displayName": "Conductor"}
        if path == "/hook/rest/api/3/search/jql":
            return self._search(body)
        found = _ISSUE.fullmatch(path)
        if not found or (found[1] and found[1] not in self.rows):
            return 404, {
                "errorMessages": ["Issue does not exist or you do not have permission to see it."],
                "errors": {},
            }
        if not found[1]:
            row = self.rows[self._make(body["fields"])]
            return 201, {name: row[name] for name in ("id", "key", "self")}
        if found[2] == "/comment":
            return self._comments(found[1], asked.method, body)
        if found[2] == "/transitions":
            return self._transitions(found[1], asked.method, body)
        return 200, self.rows[found[1]]

    def _search(self, body: dict[str, Any]) -> tuple[int, Any]:
        """A page from the token on. The last one has no token, as Jira's has none."""
        if set(body) - _SEARCH_TAKES:
            return 400, {"errorMessages": ["Invalid request payload."], "errors": {}}
        found = list(self._matching(body["jql"]))
        begin = int(body.get("nextPageToken", "0"))
        end = begin + min(self.page, body.get("maxResults", 50))
        rows = [self._shown(row, body.get("fields", ())) for row in found[begin:end]]
        more = {} if end >= len(found) else {"nextPageToken": str(end)}
        return 200, {"issues": rows, "isLast": not more, **more}

    def _shown(self, row: dict[str, Any], fields: list[str]) -> dict[str, Any]:
        """Only what was asked for: a search gives nothing else of its own accord."""
        return {**row, "fields": {name: value for name, value in row["fields"].items() if name in fields}}

    def _matching(self, jql: str) -> Iterator[dict[str, Any]]:
        label, ago = _LABEL.search(jql), _AGO.search(jql)
        for row in self.rows.values():
            updated = datetime.fromisoformat(row["fields"]["updated"])
            if label and label[1] not in row["fields"]["labels"]:
                continue
            if ago and updated < datetime.now(UTC) - timedelta(minutes=int(ago[1])):
                continue
            yield row

    def _make(self, fields: dict[str, Any]) -> str:
        key = f"OPS-{len(self.rows) + 1}"
        about = {"id": str(10_000 + len(self.rows)), "self": f"https://acme.atlassian.net/rest/api/3/issue/{key}"}
        self.rows[key] = {**about, "key": key, "fields": {"labels": [], "resolution": None, **fields}}
        self._set(key, "11")
        return key

    def _set(self, key: str, transition: str) -> None:
        name, category = STATUSES[transition]
        status = {"name": name, "statusCategory": {"key": category}}
        self.rows[key]["fields"] |= {"status": status, "updated": datetime.now(UTC).isoformat()}

    def _transitions(self, key: str, method: str, body: dict[str, Any]) -> tuple[int, Any]:
        if method == "POST":
            self._set(key, body["transition"]["id"])
            return 204, None
        here = self.rows[key]["fields"]["status"]["name"]
        ways = [
            {"id": identifier, "name": name, "to": {"name": name, "statusCategory": {"key": category}}}
            for identifier, (name, category) in STATUSES.items()
            if name != here
        ]
        return 200, {"transitions": ways}

    def _comments(self, key: str, method: str, body: dict[str, Any]) -> tuple[int, Any]:
        there = self.comments.setdefault(key, [])
        if method == "POST":
            there.append({"id": str(len(there) + 1), **body})
            return 201, there[-1]
        return 200, {"comments": there, "startAt": 0, "maxResults": 100, "total": len(there)}


@contextmanager
def jira() -> Iterator[tuple[Project, str]]:
    """Yield the project and the site's address."""
    project = Project()
    with receiving(project.answer) as receiver:
        yield project, receiver.url


def adapter(url: str, **settings: Any) -> Jira:
    told = {"url": url, "email": EMAIL, "project": "OPS", "allow_loopback": True, "timeout_seconds": 5}
    return Jira(
        config=Config.model_validate({**told, **settings}),
        secrets=Secrets.model_validate(SECRETS),
        installation=Installation(keys_dir=Path("/nowhere"), development=True),
    )
