"""Two hundred live pages of one member against the web process of `make up`: everybody else goes on as before."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client

from conductor.console.shell import live
from conductor.lib.clock import now as clock_now
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from incidents.incident.lifecycle import declare_incident
from incidents.models.incident import Incident
from incidents.timeline.lifecycle import add_note
from tests.processes import installation, until

STREAMS = 200


class Page:
    """An open live page, which a thread reads as a browser would."""

    def __init__(self, port: int, path: str, cookie: str) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.connection.request("GET", path, headers={"Cookie": cookie, "Accept": "text/event-stream"})
        self.answer = self.connection.getresponse()
        self.status, self.said, self.is_over = self.answer.status, b"", False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def close(self) -> None:
        if self.connection.sock is not None:
            with suppress(OSError):
                self.connection.sock.shutdown(socket.SHUT_RDWR)
        self._reader.join(5)
        self.connection.close()

    def _read(self) -> None:
        with suppress(OSError, http.client.HTTPException):
            while chunk := self.answer.read1(65536):
                self.said += chunk
        self.is_over = True


def _cookie(browser: Client) -> str:
    return f"sessionid={browser.cookies['sessionid'].value}"


@pytest.mark.full
@pytest.mark.fault("security-5")
def test_two_hundred_streams_of_one_member_leave_probes_pages_and_others_streams_alone(
    committed: None, tenant: Tenant, ben: User, cora: User, as_user: Callable[[User], Client],
    actor: Callable[..., Actor], tmp_path: Path,
) -> None:  # fmt: skip
    incident = _declared(tenant, actor(cora))
    path = f"/t/northwind/incidents/{incident.code}/events"
    bens, coras = _cookie(as_user(ben)), _cookie(as_user(cora))
    with installation(tmp_path, "web") as running, ExitStack() as pages:
        until(lambda: _answers(running.port), what="that the web process serves")

        def open_page(cookie: str) -> Page:
            return pages.enter_context(closing(Page(running.port, path, cookie)))

        before = open_page(coras)
        many = [open_page(bens) for _ in range(STREAMS)]
        after = open_page(coras)

        slowest = max(_seconds(running.port, "/healthz") for _ in range(10))
        print(f"/healthz took {slowest:.3f} s at most; {sum(each.status == 200 for each in many)} streams were let in")
        assert slowest < 1
        assert _seconds(running.port, "/accounts/login/") < 10
        assert (before.status, after.status) == (200, 200)
        assert many[-1].status == 200, "the newest page is live"
        until(lambda: many[0].said.endswith(live.LAST_WORDS), seconds=10, what="that the oldest page ended")

        with tenant_scope(tenant.id):
            add_note(incident=incident, text="Others still see this", actor=actor(cora), now=clock_now())
        shown = (before, after, many[-1])
        until(lambda: all(b"Others still see this" in each.said for each in shown), seconds=10, what="the update")
        assert not before.is_over


def _declared(tenant: Tenant, who: Actor) -> Incident:
    with tenant_scope(tenant.id):
        return declare_incident(
            tenant_id=tenant.id, title="Queue is behind", severity="SEV3", actor=who, now=clock_now()
        )[0]


def _seconds(port: int, path: str) -> float:
    began = time.monotonic()
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("GET", path)
        assert connection.getresponse().status == 200, path
    return time.monotonic() - began


def _answers(port: int) -> bool:
    try:
        return _seconds(port, "/healthz") > 0
    except (OSError, AssertionError):
        return False
