"""Which of the product's files a Slack command enters between its signed request and its answer."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.db import connections
from django.test import override_settings

from conductor.ledger.keys.keys import FileKeys
from conductor.lib.clock import now
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from tests import database, world
from tests.chatops import slack
from tests.chatops.conftest import connect

DECLARE = "declare sev2 Checkout fails"


def files_entered(root: Path, packages: Sequence[str], act: Callable[[], Any]) -> list[str]:
    """Return the product's files of which a function, class body or module body ran while `act` ran, in any thread."""
    inside = tuple(f"{root / package}/" for package in packages)
    found: set[str] = set()

    def note(frame: FrameType, event: str, _argument: Any) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(inside):
            found.add(frame.f_code.co_filename)

    before = sys.getprofile()
    threading.setprofile(note)
    sys.setprofile(note)
    try:
        act()
    finally:
        sys.setprofile(before)
        threading.setprofile(None)  # type: ignore[arg-type] # this is how it is switched off
    return sorted(str(Path(name).relative_to(root)) for name in found)


def commands(root: Path, packages: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return what `declare` and `ack` enter once everything is warm, on a database that is made for it and removed."""
    with _workspace():
        return measured(root, packages)


def measured(root: Path, packages: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the same on the current database, whose first tenant must be connected to Slack and have no incident."""
    ben = slack.Speaker(slack.BEN)
    ben(DECLARE)
    ben("ack INC-1")
    declared = files_entered(root, packages, lambda: ben(DECLARE))
    acknowledged = files_entered(root, packages, lambda: ben("ack INC-2"))
    return {"declare": _figures(declared), "ack": _figures(acknowledged)}


def _figures(files: Sequence[str]) -> dict[str, Any]:
    return {
        "files": len(files),
        "of these in chatops": sum(each.startswith("chatops/") for each in files),
        "entered": list(files),
    }


@contextmanager
def _workspace() -> Iterator[None]:
    """A tenant with a Slack workspace in a database of this process's own."""
    logging.disable(logging.WARNING)
    database.create_clone()
    FileKeys(settings.CONDUCTOR_KEYS_DIR).create()
    try:
        with tenant_scope(world.NORTHWIND):
            northwind = Tenant.objects.get(id=world.NORTHWIND)
        connect(northwind, slack.NORTHWIND_TEAM, now())
        with override_settings(ALLOWED_HOSTS=["testserver"]):
            yield
    finally:
        for each in connections.all():
            each.close()
        database.drop_clone()
