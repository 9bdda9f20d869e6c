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
from conductor.observability.metrics import STREAMS_REFUSED, STREAMS_TAKEN
from conductor.tenancy.actors import actor_for_user
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.database.viewing import viewing_as
from conductor.tenancy.requests import TenantRequest

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
LEAVING = 2
"""Streams of a person whose place was taken and that have not ended yet, at most; each still holds its thread."""
FIRST_WORDS = b"event: live:begun\nretry: 1000\n\n"
LAST_WORDS = b"event: live:taken\nretry: 60000\n\n"
"""Of a stream whose place a newer one of the same person has taken: its page tries again after a minute. A message
without an event or data would not be read: htmx passes over it."""

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

    @property
    def leaving(self) -> int:
        """How many streams of a person may be on their way out beside their share."""
        return min(LEAVING, self.tenant - self.person)

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


@dataclass(eq=False)
class Place:
    """A stream's place in the hub."""

    topic: str
    tenant_id: UUID
    person: int
    woken: threading.Event
    """Set on each act about the topic, and when the place is taken."""
    is_taken: bool = False
    """A newer stream of the same person has it: this one must end."""


class Hub:
    """Wakes waiting streams. Made lazily, because a process must be forked before it starts threads."""

    def __init__(self, quota: Quota) -> None:
        self._quota = quota
        self._lock = threading.Lock()
        self._waiting: dict[str, set[Place]] = defaultdict(set)
        self._places: dict[Place, None] = {}
        """Of every stream that holds a thread, the oldest first."""
        self._thread: threading.Thread | None = None

    def join(self, topic: str, *, tenant_id: UUID, person: int) -> Place | None:
        """Return a place whose event is set on each act about `topic`; None when too many streams are open.

        Too many of the process or of the tenant. Who has their share of the process, in whichever tenants, loses the
        oldest of their streams to this one; None if those that they have lost do not end.
        """
        with self._lock:
            mine = [each for each in self._places if each.person == person]
            current = [each for each in mine if not each.is_taken]
            of_tenant = sum(each.tenant_id == tenant_id for each in self._places)
            most = self._quota
            is_full = len(self._places) >= most.process or of_tenant >= most.tenant
            if is_full or len(mine) >= most.person + most.leaving:
                STREAMS_REFUSED.inc()
                return None
            if len(current) >= most.person:
                current[0].is_taken = True
                current[0].woken.set()
                STREAMS_TAKEN.inc()
            if self._thread is None:
                self._thread = threading.Thread(target=self._listen, name="live", daemon=True)
                self._thread.start()
            place = Place(topic, tenant_id, person, threading.Event())
            self._waiting[topic].add(place)
            self._places[place] = None
            return place

    def leave(self, place: Place) -> None:
        """Give the place back; a second time changes nothing."""
        with self._lock:
            self._waiting[place.topic].discard(place)
            self._places.pop(place, None)
            if not self._waiting[place.topic]:
                del self._waiting[place.topic]

    def wake(self, topic: str | None = None) -> None:
        """Wake the streams of a topic; all of them without one, since something may have been missed."""
        with self._lock:
            topics = [topic] if topic is not None else list(self._waiting)
            for place in [place for name in topics for place in self._waiting.get(name, ())]:
                place.woken.set()

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

    503 when too many streams are open already, of the tenant or in all. Where `person` (a user's id) has their share,
    the oldest of theirs ends.
    The view must have checked who is asking.
    """
    topic = live_topic(tenant_id=tenant_id, subject=subject)
    place = hub.join(topic, tenant_id=tenant_id, person=person)
    if place is None:
        return HttpResponse("too many live pages are open\n", status=503, headers={"Retry-After": "30"})
    response = StreamingHttpResponse(Stream(place, last_id, fetch), content_type="text/event-stream")
    response["Cache-Control"] = "no-cache"
    response["X-Accel-Buffering"] = "no"
    return response


class Stream:
    """The body of one answer. Its place in the hub is free again once it is closed, even if nobody read a byte.

    A generator would not do: closing one that never began runs none of its code.
    """

    def __init__(self, place: Place, last_id: str, fetch: Fetch) -> None:
        self._place = place
        self._chunks = _events(place, last_id, fetch)

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks

    def close(self) -> None:
        self._chunks.close()
        hub.leave(self._place)


def _events(place: Place, last_id: str, fetch: Fetch) -> Generator[bytes, None, None]:
    try:
        yield FIRST_WORDS
        while True:
            place.woken.clear()
            if place.is_taken:  # asked after clearing: what is set from here on wakes the wait below
                yield LAST_WORDS
                return
            try:
                messages = fetch(last_id)
            except Over:
                return
            for message in messages:
                last_id = message.id
                yield message.encode()
            connection.close()
            for _beat in range(BEATS_BEFORE_A_LOOK):
                if place.woken.wait(HEARTBEAT_SECONDS):
                    break
                yield b": still here\n\n"
    finally:
        connection.close()
