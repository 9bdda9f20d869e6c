"""Issues by Jira Cloud's REST API, version 3 (developer.atlassian.com/cloud/jira/platform/rest/v3).

Our key is a label of the issue. It is looked for by JQL, whose index lags: hence `settles_in`.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

from adapters.kinds.jira.config import Config, Secrets
from adapters.ports.installation import Installation
from adapters.ports.protocols import AdapterError, Capability
from adapters.ports.ticketing import NewTicket, RemoteTicket, TicketState
from adapters.transport.hub_signature import believed
from adapters.transport.rest import Rest, unreadable
from conductor.lib.clock import now as clock_now

FIELDS = ["summary", "status", "resolution", "updated"]
PAGE, PAGES = 100, 50
OVER = "done"
"""Jira's statuses fall into three categories: new, indeterminate and this one."""
PROPERTY = "maestro-conductor"
"""Of a comment: holds its key."""


class Jira:
    """The issues of one project."""

    config_model: ClassVar = Config
    secrets_model: ClassVar = Secrets
    capabilities: ClassVar = frozenset({Capability.DEDUPLICATES, Capability.CALLS_BACK})
    settles_in: ClassVar = timedelta(seconds=60)

    def __init__(self, *, config: Config, secrets: Secrets, installation: Installation) -> None:
        self._config, self._webhook_secret = config, secrets.webhook_secret
        login = f"{config.email}:{secrets.api_token.get_secret_value()}"
        self._rest = Rest(
            base=f"{config.url}/rest/api/3",
            headers={"authorization": f"Basic {base64.b64encode(login.encode()).decode()}"},
            secrets=(secrets.api_token,),
            timeout_seconds=config.timeout_seconds,
            installation=installation,
            allow_loopback=config.allow_loopback,
            complaint=_complaint,
        )
        self._named = re.compile(rf"(?:{re.escape(config.url)}/browse/)?({config.project}-\d{{1,12}})")

    @property
    def source(self) -> str:
        return self._rest.host

    def describe(self) -> str:
        myself = self._rest.get("/myself")
        name = myself.get("displayName", "") if isinstance(myself, dict) else ""
        return f"Signed in to {self.source} as {name or self._config.email}."

    def find(self, *, key: str, since: datetime) -> RemoteTicket | None:
        asked = f'project = "{self._config.project}" AND labels = "{key}"'
        return next((self._ticket(row) for row in self._search(asked)), None)

    def create(self, *, ticket: NewTicket, since: datetime) -> RemoteTicket:
        found = self.find(key=ticket.key, since=since)
        if found is not None:
            return found
        fields: dict[str, Any] = {
            "project": {"key": self._config.project},
            "issuetype": {"name": self._config.issue_type},
            "summary": ticket.title,
            "labels": [ticket.key],
        }
        if words := [part for part in (ticket.text, ticket.url) if part]:
            fields["description"] = _document(*words)
        made = self._rest.ask("POST", "/issue", {"fields": fields})
        try:
            return self.read(external_id=str(made["key"]))
        except (KeyError, TypeError) as error:
            raise unreadable(self.source) from error

    def locate(self, text: str) -> str:
        found = self._named.fullmatch(text.strip())
        if found is None:
            message = f"Name it as {self._config.project}-17, or give the address of the issue"
            raise AdapterError(message, permanent=True, code="ticket_unnamed")
        return found[1]

    def read(self, *, external_id: str) -> RemoteTicket:
        return self._ticket(self._rest.get(f"/issue/{external_id}", fields=",".join(FIELDS)))

    def move(self, *, external_id: str, state: TicketState) -> RemoteTicket:
        ticket = self.read(external_id=external_id)
        is_same = ticket.state == state or (state == TicketState.DROPPED and ticket.state == TicketState.DONE)
        if is_same:
            return ticket
        transition = self._transition(external_id, state)
        self._rest.ask("POST", f"/issue/{external_id}/transitions", {"transition": {"id": transition}})
        return self.read(external_id=external_id)

    def comment(self, *, external_id: str, text: str, key: str) -> bool:
        path = f"/issue/{external_id}/comment"
        if any(_key_of(row) == key for row in self._comments(path)):
            return False
        said = {"body": _document(text), "properties": [{"key": PROPERTY, "value": {"key": key}}]}
        self._rest.ask("POST", path, said)
        return True

    def changed(self, *, external_ids: Collection[str], since: datetime) -> list[RemoteTicket]:
        # JQL's clock times are in the account's own time zone; minutes ago are the same everywhere.
        minutes = max(1, math.ceil((clock_now() - since).total_seconds() / 60))
        asked = f'project = "{self._config.project}" AND updated >= "-{minutes}m"'
        wanted = set(external_ids)
        return [self._ticket(row) for row in self._search(asked) if row.get("key") in wanted]

    def called(self, *, headers: Mapping[str, str], body: bytes) -> list[str]:
        signature = headers.get("x-hub-signature", "")
        said = believed(body=body, signature=signature, secret=self._webhook_secret, source=self.source)
        issue = said.get("issue")
        key = str(issue.get("key", "")) if isinstance(issue, dict) else ""
        return [key] if self._named.fullmatch(key) else []

    def _transition(self, external_id: str, state: TicketState) -> str:
        """Return the id of the way to a status of that meaning: the configured one, or the first that fits."""
        config = self._config
        named = {
            TicketState.OPEN: config.open_status,
            TicketState.DONE: config.done_status,
            TicketState.DROPPED: config.dropped_status or config.done_status,
        }[state]
        told = self._rest.get(f"/issue/{external_id}/transitions")
        try:
            ways = [
                (str(each["id"]), each["to"]["name"], each["to"]["statusCategory"]["key"])
                for each in told["transitions"]
            ]
        except (KeyError, TypeError) as error:
            raise unreadable(self.source) from error
        for identifier, name, category in ways:
            fits = name == named if named else (category == OVER) == (state != TicketState.OPEN)
            if fits:
                return identifier
        there = ", ".join(name for _identifier, name, _category in ways) or "none"
        message = f"{external_id} has no way to {named or state.lower()} from where it is; there are {there}"
        raise AdapterError(message, permanent=True, code="status_unknown")

    def _search(self, asked: str) -> Iterator[dict[str, Any]]:
        token: dict[str, str] = {}
        for _page in range(PAGES):
            body = {"jql": asked, "fields": FIELDS, "maxResults": PAGE, **token}
            told = self._rest.ask("POST", "/search/jql", body)
            yield from _rows(told, "issues", self.source)
            if not told.get("nextPageToken"):
                return
            token = {"nextPageToken": told["nextPageToken"]}
        raise AdapterError(f"{self.source} answers without end", permanent=True, code="too_long")

    def _comments(self, path: str) -> Iterator[dict[str, Any]]:
        for page in range(PAGES):
            paging = {"startAt": str(page * PAGE), "maxResults": str(PAGE), "expand": "properties"}
            rows = _rows(self._rest.get(path, **paging), "comments", self.source)
            yield from rows
            if len(rows) < PAGE:
                return

    def _ticket(self, row: Any) -> RemoteTicket:
        try:
            key, fields = str(row["key"]), row["fields"]
            status, is_over = str(fields["status"]["name"]), fields["status"]["statusCategory"]["key"] == OVER
            resolution = (fields.get("resolution") or {}).get("name", "")
            updated_at = datetime.fromisoformat(fields["updated"]) if fields.get("updated") else None
            title = str(fields.get("summary") or "")
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise unreadable(self.source) from error
        is_dropped = resolution in self._config.dropped_resolutions or status == self._config.dropped_status
        closed = TicketState.DROPPED if is_dropped else TicketState.DONE
        return RemoteTicket(
            external_id=key,
            name=key,
            url=f"{self._config.url}/browse/{key}",
            title=title,
            status=f"{status} ({resolution})" if is_over and resolution else status,
            state=closed if is_over else TicketState.OPEN,
            updated_at=updated_at,
        )


def _document(*paragraphs: str) -> dict[str, Any]:
    """Return the text in Jira's own shape (Atlassian Document Format). An empty paragraph is left out."""
    lines = [line for part in paragraphs for line in part.split("\n\n") if line.strip()]
    content = [{"type": "paragraph", "content": [{"type": "text", "text": line}]} for line in lines]
    return {"type": "doc", "version": 1, "content": content}


def _complaint(document: Any) -> str:
    fields = [f"{name}: {why}" for name, why in (document.get("errors") or {}).items()]
    return "; ".join([*(document.get("errorMessages") or []), *fields])


def _key_of(comment: Mapping[str, Any]) -> str:
    for each in comment.get("properties") or []:
        if each.get("key") == PROPERTY:
            return str((each.get("value") or {}).get("key", ""))
    return ""


def _rows(document: Any, name: str, host: str) -> list[dict[str, Any]]:
    rows = document.get(name) if isinstance(document, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise unreadable(host)
    return rows
