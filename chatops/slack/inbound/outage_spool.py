"""Where requests wait while the database is away: a file each, on disk before Slack is answered.

The folder lies below CONDUCTOR_HOME. Workers empty it when the database is back (slack.inbound.backfill); they must
see the same folder as the web server, else `manage.py slack_backfill` is run where the web server is.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from conductor.lib.canonical import canonical_json, sha256_hex
from conductor.lib.private_files import write_once

REFUSED = "refused"
"""Folder, below the spool, of what belongs to no workspace of ours."""


@dataclass(frozen=True)
class Spooled:
    """A request that waits."""

    path: Path
    fields: Mapping[str, Any]
    at: datetime
    """When it came."""

    @property
    def reference(self) -> str:
        """What its author was told it is called."""
        return reference_of(self.path)


def folder() -> Path:
    """Return the spool's folder."""
    return Path(settings.CONDUCTOR_HOME) / "spool" / "slack"


def keep(*, key: str, fields: Mapping[str, Any], now: datetime) -> str:
    """Put the request on disk, written through, and return its reference; a repeat of it is the same file.

    Raise OSError if the disk does not take it.
    """
    place = folder()
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = place / f"{sha256_hex(key.encode())[:24]}.json"
    write_once(path=path, data=canonical_json({"fields": dict(fields), "spooled_at": now.isoformat()}))
    _write_through(place)
    return reference_of(path)


def waiting() -> list[Spooled]:
    """Return what waits, oldest first. A file that cannot be read is left where it is."""
    found = []
    for path in folder().glob("*.json"):
        try:
            content = json.loads(path.read_bytes())
            found.append(Spooled(path, content["fields"], datetime.fromisoformat(content["spooled_at"])))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return sorted(found, key=lambda each: (each.at, each.path.name))


def forget(spooled: Spooled) -> None:
    """Remove what the database has now."""
    spooled.path.unlink(missing_ok=True)


def set_aside(spooled: Spooled) -> Path:
    """Keep what no workspace of ours sent, apart, for a person to look at; return where."""
    place = folder() / REFUSED
    place.mkdir(mode=0o700, exist_ok=True)
    return spooled.path.replace(place / spooled.path.name)


def reference_of(path: Path) -> str:
    """Return the short name of a spooled request, `S-1a2b3c4d`."""
    return f"S-{path.stem[:8]}"


def _write_through(place: Path) -> None:
    handle = os.open(place, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
