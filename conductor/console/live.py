"""Live updates: one listening connection per process wakes every open stream that it concerns.

A stream holds no database connection while it waits. docs/reference/console-templates.md says what pages do with it.
"""

from __future__ import annotations

import os
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

import psycopg
import structlog
from django.contrib.auth.models import User
from django.db import connection
from django.http import HttpResponse, StreamingHttpResponse

from conductor.ledger.receipts import LIVE_CHANNEL, live_topic
from conductor.lib.refs import Ref
from conductor.observability.metrics import STREAMS_REFUSED
from conductor.tenancy.actors import actor_for_user
from conductor.tenancy.requests import TenantRequest
from conductor.tenancy.scope import tenant_scope
from conductor.tenancy.viewing import viewing_as

HEARTBEAT_SECONDS = 4.0
"""How soon a page that was closed is noticed, and gives its place back."""
BEATS_BEFORE_A_LOOK = 4
"""A stream that nothing wakes asks the database after so many: whether its reader may still read."""
RESERVED_THREADS = 16
"""Threads of a process that streams never take: pages, webhooks and probes need them."""
MOST_STREAMS = 40
"""Of one process, however many threads it has."""
USUAL_THREADS = 32
"""Of a process whose start does not say how many it has."""
RECONNECT_SECONDS = 2.0

log = structlog.get_logger("conductor.live")


def server_threads(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Return how many threads granian answers with in this process, by its command line or environment.

    USUAL_THREADS where neither says it: granian's own default is no lower, with up to 16 processes and its backlog.
    """
    given = environment.get("GRANIAN_BLOCKING_THREADS", "")
    for place, argument in enumerate(arguments):
        name, _, value = argument.partition("=")
        if name == "--blocking-threads":
            given = value or "".join(arguments[place + 1 : place + 2])
    return int(given) if given.isdigit() else USUAL_THREADS


@dataclass(frozen=True)
class Quota:
    """How many streams may be open at once in one process: in all, of one tenant, of one person."""

    process: int
    tenant: int
    person: int

    @classmethod
    def of(cls, threads: int) -> Quota:
        """Share out what `threads` leave beside RESERVED_THREADS: from four on, no tenant or person has all of it."""
        process = min(MOST_STREAMS, max(0, threads - RESERVED_THREADS))
        return cls(process, tenant=-(-process * 3 // 4), person=-(-process // 2))


@dataclass(frozen=True)
class Message:
    """One message: HTML that the page swaps in, under an id from which a reconnecting browser resumes."""

    id: str
    html: str

    def encode(self) -> bytes:
        data = "".join(f"data: {line}\n" for line in self.html.splitlines())
        return f"id: {self.id}\n{data}\n".encode()


Fetch = Callable[[str], Sequence[Message]]
"""Given the last id that the browser has, return what came after it. Opens `reading`, or raises Over itself."""


class Over(Exception):
    """The reader may read no more: their session or membership has ended, or the subject is hidden from them."""


@contextmanager
def reading(request: TenantRequest) -> Iterator[None]:
    """Open the scope of the tenant again for whoever began the stream. Raise Over if they would be let in no more.

    A stream outlives the request that was let in, so that what ends a session must be asked for each time.
    """
    if not request.session.exists(request.session.session_key or ""):
        raise Over
    with tenant_scope(request.tenant.id):
        # The person as they are now: what the request knew of them may be hours old.
        user = User.objects.filter(pk=request.user.pk or 0).first()
        proven = request.actor.authentication
        actor = (
            actor_for_user(user=user, tenant=request.tenant, channel="console", authentication=proven) if user else None
        )
        if actor is None:
            raise Over
        with viewing_as(actor):
            yield


class Hub:
    """Wakes waiting streams. Made lazily, because a process must be forked before it starts threads."""

    def __init__(self, quota: Quota) -> None:
        self._quota = quota
        self._lock = threading.Lock()
        self._waiting: dict[str, set[threading.Event]] = defaultdict(set)
        self._readers: dict[threading.Event, tuple[UUID, int]] = {}
        self._thread: threading.Thread | None = None

    def join(self, topic: str, *, tenant_id: UUID, person: int) -> threading.Event | None:
        """Return an event that is set on each act about `topic`; None when too many streams are open.

        Too many of the process, of the tenant, or of the person in whichever tenant.
        """
        with self._lock:
            readers = list(self._readers.values())
            of_tenant, of_person = sum(t == tenant_id for t, _ in readers), sum(p == person for _, p in readers)
            most = self._quota
            if len(readers) >= most.process or of_tenant >= most.tenant or of_person >= most.person:
                STREAMS_REFUSED.inc()
                return None
            if self._thread is None:
                self._thread = threading.Thread(target=self._listen, name="live", daemon=True)
                self._thread.start()
            event = threading.Event()
            self._waiting[topic].add(event)
            self._readers[event] = (tenant_id, person)
            return event

    def leave(self, topic: str, event: threading.Event) -> None:
        """Forget the event; a second time changes nothing."""
        with self._lock:
            self._waiting[topic].discard(event)
            self._readers.pop(event, None)
            if not self._waiting[topic]:
                del self._waiting[topic]

    def wake(self, topic: str | None = None) -> None:
        """Wake the streams of a topic; all of them without one, since something may have been missed."""
        with self._lock:
            topics = [topic] if topic is not None else list(self._waiting)
            for event in [event for name in topics for event in self._waiting.get(name, ())]:
                event.set()

    def _listen(self) -> None:
        parameters = connection.get_connection_params()
        parameters.pop("cursor_factory", None)
        parameters.pop("context", None)
        while True:
            try:
                with psycopg.connect(**parameters, autocommit=True) as listening:
                    listening.execute(f"LISTEN {LIVE_CHANNEL}")
                    self.wake()
                    for notice in listening.notifies():
                        self.wake(notice.payload)
            except psycopg.Error as error:
                log.warning("live connection lost", action="live.reconnect", error=type(error).__name__)
                threading.Event().wait(RECONNECT_SECONDS)


hub = Hub(Quota.of(server_threads(sys.argv, os.environ)))


def stream(
    *, tenant_id: UUID, person: int, subject: Ref, last_id: str, fetch: Fetch
) -> HttpResponse | StreamingHttpResponse:
    """Answer with server-sent events about `subject`, beginning with what came after `last_id`.

    503 when too many streams are open already, of `person` (a user's id), of the tenant or in all.
    The view must have checked who is asking.
    """
    topic = live_topic(tenant_id=tenant_id, subject=subject)
    event = hub.join(topic, tenant_id=tenant_id, person=person)
    if event is None:
        return HttpResponse("too many live pages are open\n", status=503, headers={"Retry-After": "30"})
    response = StreamingHttpResponse(Stream(topic, event, last_id, fetch), content_type="text/event-stream")
    response["Cache-Control"] = "no-cache"
    response["X-Accel-Buffering"] = "no"
    return response


class Stream:
    """The body of one answer. Its place in the hub is free again once it is closed, even if nobody read a byte.

    A generator would not do: closing one that never began runs none of its code.
    """

    def __init__(self, topic: str, event: threading.Event, last_id: str, fetch: Fetch) -> None:
        self._topic, self._event = topic, event
        self._chunks = _events(event, last_id, fetch)

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks

    def close(self) -> None:
        self._chunks.close()
        hub.leave(self._topic, self._event)


def _events(event: threading.Event, last_id: str, fetch: Fetch) -> Generator[bytes, None, None]:
    try:
        yield b"retry: 2000\n\n"
        while True:
            event.clear()
            try:
                messages = fetch(last_id)
            except Over:
                return
            for message in messages:
                last_id = message.id
                yield message.encode()
            connection.close()
            for _beat in range(BEATS_BEFORE_A_LOOK):
                if event.wait(HEARTBEAT_SECONDS):
                    break
                yield b": still here\n\n"
    finally:
        connection.close()
