"""Tickets by Roundup's REST interface (roundup-tracker.org/docs/rest.html, version 2).

Our key is the `messageid` of the issue's first message: a message is posted first, then the issue that holds it. Both
are looked for before they are made, so that whatever was cut off goes on from where it stood.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, ClassVar
from urllib.parse import urlsplit

from adapters.kinds.roundup.config import Config, Secrets
from adapters.ports.installation import Installation
from adapters.ports.protocols import AdapterError, Capability
from adapters.ports.ticketing import NewTicket, RemoteTicket, TicketState
from adapters.transport.rest import Rest, unreadable

FIELDS = "title,status,activity"
NAMED = re.compile(r"(?:issue)?(\d{1,18})")
PAGE = 100
PAGES = 50
"""More changes than this since the last look are no honest answer."""
ACTIVITY = "%Y-%m-%d.%H:%M:%S"
"""Roundup's dates, in UTC."""


class Roundup:
    """A tracker of the classic schema."""

    config_model: ClassVar = Config
    secrets_model: ClassVar = Secrets
    capabilities: ClassVar = frozenset({Capability.DEDUPLICATES})
    settles_in: ClassVar = timedelta(0)

    def __init__(self, *, config: Config, secrets: Secrets, installation: Installation) -> None:
        self._config = config
        parts = urlsplit(config.url)
        login = f"{config.username}:{secrets.password.get_secret_value()}"
        self._rest = Rest(
            base=f"{config.url}/rest/data",
            headers={
                "authorization": f"Basic {base64.b64encode(login.encode()).decode()}",
                # Roundup refuses a call without these three as forged.
                "x-requested-with": "rest",
                "referer": f"{config.url}/",
                "origin": f"{parts.scheme}://{parts.netloc}",
            },
            secrets=(secrets.password,),
            timeout_seconds=config.timeout_seconds,
            installation=installation,
            allow_loopback=config.allow_loopback,
            complaint=lambda document: str(document["error"]["msg"]),
        )

    @property
    def source(self) -> str:
        return self._rest.host

    def describe(self) -> str:
        config = self._config
        named = (config.open_status, *config.done_statuses, *config.dropped_statuses)
        if unknown := [name for name in named if name not in self._statuses.values()]:
            there = ", ".join(self._statuses.values())
            message = f"{self.source} has no status {', '.join(unknown)}; it has {there}"
            raise AdapterError(message, permanent=True, code="status_unknown")
        return f"Signed in to {self.source} as {config.username} (user{self._me})."

    def find(self, *, key: str, since: datetime) -> RemoteTicket | None:
        message = self._message(key)
        return self._issue_with(message) if message else None

    def create(self, *, ticket: NewTicket, since: datetime) -> RemoteTicket:
        words = f"{ticket.text}\n\n{ticket.url}".strip() or ticket.title  # Roundup takes no empty message
        message = self._message(ticket.key) or self._say(words, ticket.key)
        found = self._issue_with(message)
        if found is not None:
            return found
        made = self._rest.ask("POST", "/issue", {"title": ticket.title, "messages": [message]})
        return self.read(external_id=_id(made, self.source))

    def locate(self, text: str) -> str:
        named = text.strip().removeprefix(f"{self._config.url}/")
        found = NAMED.fullmatch(named)
        if found is None:
            message = f"Name it as issue17, or give its address: {self._config.url}/issue17"
            raise AdapterError(message, permanent=True, code="ticket_unnamed")
        return found[1]

    def read(self, *, external_id: str) -> RemoteTicket:
        return self._read(external_id)[0]

    def move(self, *, external_id: str, state: TicketState) -> RemoteTicket:
        ticket, etag = self._read(external_id)
        if ticket.state == state or self._same_here(ticket.state, state):
            return ticket
        self._change(external_id, {"status": self._status_id(state)}, etag)
        return self.read(external_id=external_id)

    def comment(self, *, external_id: str, text: str, key: str) -> bool:
        message = self._message(key)
        if message and self._holds(external_id, message):
            return False
        _ticket, etag = self._read(external_id)
        added = {"@op": "add", "messages": [message or self._say(text, key)]}
        self._change(external_id, added, etag)
        return True

    def changed(self, *, external_ids: Collection[str], since: datetime) -> list[RemoteTicket]:
        wanted = set(external_ids)
        return [self._ticket(each["id"], each) for each in self._active(since) if each["id"] in wanted]

    def called(self, *, headers: Mapping[str, str], body: bytes) -> list[str]:
        raise AdapterError("Roundup has no webhooks", permanent=True, code="not_supported")

    # Messages --------------------------------------------------------------------------------------
    def _message(self, key: str) -> str:
        """Return the id of the message of that key; empty if there is none. `:=` asks for the whole of it."""
        found = self._rest.get("/msg", **{"messageid:": _message_id(key)})
        return next((each["id"] for each in _collection(found, self.source)), "")

    def _say(self, text: str, key: str) -> str:
        # Without an author Roundup's own rules on issues trip over the message.
        said = {"content": text, "messageid": _message_id(key), "author": self._me, "date": "."}
        return _id(self._rest.ask("POST", "/msg", said), self.source)

    def _holds(self, external_id: str, message: str) -> bool:
        found = self._rest.get("/issue", messages=message)
        return any(each["id"] == external_id for each in _collection(found, self.source))

    @cached_property
    def _me(self) -> str:
        found = self._rest.get("/user", **{"username:": self._config.username})
        for each in _collection(found, self.source):
            return str(each["id"])
        raise AdapterError(f"{self.source} knows no {self._config.username}", permanent=True, code="user_unknown")

    # Issues ----------------------------------------------------------------------------------------
    def _issue_with(self, message: str) -> RemoteTicket | None:
        found = self._rest.get("/issue", messages=message, **{"@fields": FIELDS})
        return next((self._ticket(each["id"], each) for each in _collection(found, self.source)), None)

    def _read(self, external_id: str) -> tuple[RemoteTicket, str]:
        """Return the ticket and the tag of what was read: Roundup takes no change without it."""
        document = self._rest.get(f"/issue/{external_id}", **{"@fields": FIELDS})
        try:
            data = document["data"]
            return self._ticket(external_id, data["attributes"]), str(data["@etag"])
        except (KeyError, TypeError) as error:
            raise unreadable(self.source) from error

    def _change(self, external_id: str, change: dict[str, Any], etag: str) -> None:
        try:
            self._rest.ask("PATCH", f"/issue/{external_id}", change, **{"if-match": etag})
        except AdapterError as error:
            if error.code != "http_412":
                raise
            # Somebody was quicker: what was decided on is not there any more. The next try looks anew.
            raise AdapterError(error.message, permanent=False, code="ticket_moved") from error

    def _active(self, since: datetime) -> Iterator[dict[str, Any]]:
        span = f"{since.astimezone(UTC).strftime(ACTIVITY)};"
        for page in range(1, PAGES + 1):
            paging = {"@page_size": str(PAGE), "@page_index": str(page), "@sort": "activity,id"}
            found = self._rest.get("/issue", activity=span, **{"@fields": FIELDS}, **paging)
            rows = _collection(found, self.source)
            yield from rows
            if len(rows) < PAGE:
                return
        raise AdapterError(f"{self.source} answers without end", permanent=True, code="too_long")

    def _ticket(self, external_id: str, attributes: Mapping[str, Any]) -> RemoteTicket:
        try:
            status = self._statuses.get(str((attributes["status"] or {}).get("id", "")), "")
            activity = attributes["activity"]
            updated_at = datetime.strptime(activity, ACTIVITY).replace(tzinfo=UTC) if activity else None
            title = str(attributes["title"] or "")
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise unreadable(self.source) from error
        return RemoteTicket(
            external_id=external_id,
            name=f"issue{external_id}",
            url=f"{self._config.url}/issue{external_id}",
            title=title,
            status=status,
            state=self._meaning(status),
            updated_at=updated_at,
        )

    # Statuses --------------------------------------------------------------------------------------
    @cached_property
    def _statuses(self) -> dict[str, str]:
        """The tracker's statuses, id to name, in its own order."""
        found = _collection(self._rest.get("/status", **{"@fields": "name,order"}), self.source)
        return {str(each["id"]): str(each.get("name", "")) for each in found}

    def _meaning(self, status: str) -> TicketState:
        if status in self._config.done_statuses:
            return TicketState.DONE
        return TicketState.DROPPED if status in self._config.dropped_statuses else TicketState.OPEN

    def _same_here(self, there: TicketState, wanted: TicketState) -> bool:
        """Whether a tracker without a status for dropped work can say no more than it says."""
        return wanted == TicketState.DROPPED and there == TicketState.DONE and not self._config.dropped_statuses

    def _status_id(self, state: TicketState) -> str:
        config = self._config
        closing = (config.dropped_statuses if state == TicketState.DROPPED else ()) or config.done_statuses
        name = config.open_status if state == TicketState.OPEN else closing[0]
        for identifier, each in self._statuses.items():
            if each == name:
                return identifier
        raise AdapterError(f"{self.source} has no status {name}", permanent=True, code="status_unknown")


def _message_id(key: str) -> str:
    return f"<{key}@maestro-conductor>"


def _collection(document: Any, host: str) -> list[dict[str, Any]]:
    try:
        rows: list[dict[str, Any]] = document["data"]["collection"]
    except (KeyError, TypeError) as error:
        raise unreadable(host) from error
    return rows


def _id(document: Any, host: str) -> str:
    try:
        return str(document["data"]["id"])
    except (KeyError, TypeError) as error:
        raise unreadable(host) from error
