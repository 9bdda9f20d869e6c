"""Issues by GitHub's REST API (docs.github.com/rest/issues, version 2022-11-28).

Our key stands in the issue's text, in a comment that is not shown. It is looked for in the list of issues, which is
complete, and not by the search, whose index lags.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from adapters.kinds.github.config import Config, Secrets
from adapters.ports.installation import Installation
from adapters.ports.protocols import AdapterError, Capability
from adapters.ports.ticketing import NewTicket, RemoteTicket, TicketState
from adapters.transport.hub_signature import believed
from adapters.transport.rest import Rest, unreadable
from conductor.lib.clock import rfc3339

PAGE, PAGES = 100, 50
REASONS = {TicketState.OPEN: "reopened", TicketState.DONE: "completed", TicketState.DROPPED: "not_planned"}
UNDONE = {"not_planned", "duplicate"}


class GitHub:
    """The issues of one repository."""

    config_model: ClassVar = Config
    secrets_model: ClassVar = Secrets
    capabilities: ClassVar = frozenset({Capability.DEDUPLICATES, Capability.CALLS_BACK})
    settles_in: ClassVar = timedelta(seconds=10)

    def __init__(self, *, config: Config, secrets: Secrets, installation: Installation) -> None:
        self._config, self._webhook_secret = config, secrets.webhook_secret
        self._rest = Rest(
            base=config.url,
            headers={
                "authorization": f"Bearer {secrets.token.get_secret_value()}",
                "accept": "application/vnd.github+json, application/json",
                "x-github-api-version": "2022-11-28",
            },
            secrets=(secrets.token,),
            timeout_seconds=config.timeout_seconds,
            installation=installation,
            allow_loopback=config.allow_loopback,
            complaint=lambda document: str(document["message"]),
        )
        self._issues = f"/repos/{config.repository}/issues"
        home = re.escape(f"{config.web_url}/{config.repository}/issues/")
        self._named = re.compile(rf"(?:{home}|(?:{re.escape(config.repository)})?#)?(\d{{1,15}})", re.IGNORECASE)

    @property
    def source(self) -> str:
        return self._rest.host

    def describe(self) -> str:
        _rows(self._rest.get(self._issues, per_page="1"), self.source)
        return f"Reads the issues of {self._config.repository} at {self.source}."

    def find(self, *, key: str, since: datetime) -> RemoteTicket | None:
        mark = _mark(key)
        found = (row for row in self._since(since) if mark in (row.get("body") or ""))
        return next((self._ticket(row) for row in found), None)

    def create(self, *, ticket: NewTicket, since: datetime) -> RemoteTicket:
        found = self.find(key=ticket.key, since=since)
        if found is not None:
            return found
        parts = (ticket.text, ticket.url, _mark(ticket.key))
        wanted = {"title": ticket.title, "body": "\n\n".join(part for part in parts if part)}
        labels = {"labels": list(self._config.labels)} if self._config.labels else {}
        return self._ticket(self._rest.ask("POST", self._issues, {**wanted, **labels}))

    def locate(self, text: str) -> str:
        found = self._named.fullmatch(text.strip())
        if found is None:
            message = f"Name it as {self._config.repository}#17, or give the address of the issue"
            raise AdapterError(message, permanent=True, code="ticket_unnamed")
        return found[1]

    def read(self, *, external_id: str) -> RemoteTicket:
        return self._ticket(self._rest.get(f"{self._issues}/{external_id}"))

    def move(self, *, external_id: str, state: TicketState) -> RemoteTicket:
        ticket = self.read(external_id=external_id)
        if ticket.state == state:
            return ticket
        wanted = {"state": "open" if state == TicketState.OPEN else "closed", "state_reason": REASONS[state]}
        return self._ticket(self._rest.ask("PATCH", f"{self._issues}/{external_id}", wanted))

    def comment(self, *, external_id: str, text: str, key: str) -> bool:
        comments, mark = f"{self._issues}/{external_id}/comments", _mark(key)
        if any(mark in (row.get("body") or "") for row in self._pages(comments)):
            return False
        self._rest.ask("POST", comments, {"body": f"{text}\n\n{mark}"})
        return True

    def changed(self, *, external_ids: Collection[str], since: datetime) -> list[RemoteTicket]:
        wanted = set(external_ids)
        return [self._ticket(row) for row in self._since(since) if str(row.get("number")) in wanted]

    def called(self, *, headers: Mapping[str, str], body: bytes) -> list[str]:
        signature = headers.get("x-hub-signature-256", "")
        said = believed(body=body, signature=signature, secret=self._webhook_secret, source=self.source)
        repository, issue = said.get("repository"), said.get("issue")
        if not isinstance(repository, dict) or not isinstance(issue, dict):
            return []  # a ping, or of something else than issues
        is_ours = str(repository.get("full_name", "")).lower() == self._config.repository.lower()
        return [str(issue["number"])] if is_ours and "number" in issue else []

    def _since(self, since: datetime) -> Iterator[dict[str, Any]]:
        moment = rfc3339(since.astimezone(UTC).replace(microsecond=0))
        rows = self._pages(self._issues, state="all", since=moment, sort="updated", direction="asc")
        return (row for row in rows if "pull_request" not in row)

    def _pages(self, path: str, **query: str) -> Iterator[dict[str, Any]]:
        for page in range(1, PAGES + 1):
            rows = _rows(self._rest.get(path, per_page=str(PAGE), page=str(page), **query), self.source)
            yield from rows
            if len(rows) < PAGE:
                return
        raise AdapterError(f"{self.source} answers without end", permanent=True, code="too_long")

    def _ticket(self, row: Any) -> RemoteTicket:
        try:
            number, state, reason = int(row["number"]), str(row["state"]), row.get("state_reason")
            updated_at = datetime.fromisoformat(row["updated_at"])
            title, url = str(row["title"]), str(row["html_url"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise unreadable(self.source) from error
        is_open = state == "open"
        closed = TicketState.DROPPED if reason in UNDONE else TicketState.DONE
        word = f"closed as {reason.replace('_', ' ')}" if reason and not is_open else state
        return RemoteTicket(
            external_id=str(number),
            name=f"{self._config.repository}#{number}",
            url=url,
            title=title,
            status=word,
            state=TicketState.OPEN if is_open else closed,
            updated_at=updated_at,
        )


def _mark(key: str) -> str:
    return f"<!-- {key} -->"


def _rows(document: Any, host: str) -> list[dict[str, Any]]:
    if not isinstance(document, list) or not all(isinstance(row, dict) for row in document):
        raise unreadable(host)
    return document
