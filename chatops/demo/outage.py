"""A real outage as a script: what a public status page said over hours, and who says it here, through which door."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings

from chatops.demo.response import COMMANDER, RESPONDER

HISTORY = Path(settings.BASE_DIR) / "incidents/data/slack-status-history-2019.json"
OUTAGE = 748
"""Its id there: search failed for customers on 14 August 2019 (incidents/data/README.md)."""
SERVICE = "search-index"
DECISION = "We pause the new process for search data and the functions that depend on it"
LONGEST_PAUSE_SECONDS = 8.0
"""The night between two notes is not slept through."""


@dataclass(frozen=True)
class Note:
    """What the status page said, and how long after its first word."""

    after: timedelta
    text: str


@dataclass(frozen=True)
class Outage:
    """The outage as it was told while it lasted, and what was told the day after."""

    title: str
    notes: list[Note]
    afterwards: str


def recorded_outage() -> Outage:
    """Return the recorded outage, oldest note first."""
    found = next(each for each in json.loads(HISTORY.read_bytes()) if each["id"] == OUTAGE)
    began = datetime.fromisoformat(found["date_created"])
    notes = [
        Note(datetime.fromisoformat(note["date_created"]) - began, " ".join(note["body"].split()))
        for note in reversed(found["notes"])
    ]
    return Outage(str(found["title"]), notes[:-1], notes[-1].text)


def sayings(outage: Outage, n: int) -> list[tuple[str, str]]:
    """Return (Slack user, text) of what is typed at note number `n`. `{code}` is the incident's."""
    text = outage.notes[n].text
    if n == 0:
        return [(RESPONDER, "ack {code}"), (COMMANDER, "assign {code} ic"), (RESPONDER, f"update {{code}} {text}")]
    if n == len(outage.notes) - 1:
        return [
            (RESPONDER, f"mitigated {{code}} {text}"),
            (RESPONDER, "monitoring {code} Watching searches and the load of the search servers"),
            (COMMANDER, "resolved {code} Searches answer as before the new process was started"),
        ]
    said = [(RESPONDER, f"update {{code}} {text}")]
    return [*said, (COMMANDER, f"decide {{code}} {DECISION}")] if n == len(outage.notes) // 2 else said


def pause_before(outage: Outage, n: int, *, minute_seconds: float) -> float:
    """Return the seconds to wait before note number `n` when a minute takes `minute_seconds`."""
    if n == 0:
        return 0.0
    minutes = (outage.notes[n].after - outage.notes[n - 1].after) / timedelta(minutes=1)
    return min(minutes * minute_seconds, LONGEST_PAUSE_SECONDS)
