"""The company's own log of incidents of a year, in the format that the import of logs takes.

Staged, and said to be. The same bytes each time, so that the import's receipt can name their digest; the import moves
all of it by whole weeks to end before the day it is seeded on.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from chatops.demo.people import NORTHWIND, Person
from chatops.demo.scenarios import SCENARIOS, Scenario
from conductor.lib.clock import rfc3339

NAME = "Northwind incident log (staged)"
KEY, FILE_NAME = "northwind-log", "northwind-incident-log.json"
LAST_DAY = datetime(2026, 6, 26, tzinfo=UTC)
"""A Friday, before which the log ends."""
WEEKS = 52
PER_WEEK = (1, 1, 2, 1, 0, 1, 2, 1, 1, 1, 1, 2)
"""How many incidents a week has, over and over."""
COMMANDERS = tuple(person for person in NORTHWIND if person.role == "COMMANDER" or person.username == "priya")
RESPONDERS = tuple(person for person in NORTHWIND if person.role == "RESPONDER")
TO_ACKNOWLEDGE = {"SEV1": (1, 4), "SEV2": (2, 13), "SEV3": (4, 50), "SEV4": (20, 180)}
"""Minutes, from and to."""
UPDATE_EVERY = {"SEV1": 18, "SEV2": 28, "SEV3": 75, "SEV4": 300}
"""Minutes between two updates."""
PROGRESS = (
    "We have the cause in sight and are looking at how to take the change back.",
    "No further customers are affected. The fix is being tried on one instance.",
    "The fix holds on one instance and is being rolled out to the others.",
    "The backlog is falling; we expect to be through within the hour.",
    "Merchants' support has been given words to use. Nothing else has changed.",
    "Rolled out to half. Errors fall where it is in.",
)


def log_json() -> bytes:
    """Return the log."""
    return json.dumps(list(_records()), ensure_ascii=False, indent=1).encode()


def _records() -> Iterator[dict[str, Any]]:
    # Only random() is used: its sequence for a seed is the same in every version of Python.
    dice = random.Random("Northwind Payments")  # noqa: S311 - deterministic on purpose
    drawn = _draws(dice)
    first = LAST_DAY - timedelta(weeks=WEEKS)
    number = 0
    for week in range(WEEKS):
        for _ in range(PER_WEEK[week % len(PER_WEEK)]):
            number += 1
            day = first + timedelta(weeks=week, days=int(dice.random() * 7))
            # Most of what breaks is broken by changes, and changes are made in the daytime.
            hour = 7 + dice.random() * 11 if dice.random() < 0.8 else dice.random() * 24
            yield _record(next(drawn), f"NW-{number:03}", day + timedelta(minutes=int(hour * 60)), dice)


def _draws(dice: random.Random) -> Iterator[Scenario]:
    """Yield every scenario in some order, and again; of the gravest, each once only."""
    seen: set[str] = set()
    while True:
        for scenario in sorted(SCENARIOS, key=lambda _: dice.random()):
            if scenario.severity != "SEV1" or scenario.title not in seen:
                seen.add(scenario.title)
                yield scenario


def _record(scenario: Scenario, name: str, declared: datetime, dice: random.Random) -> dict[str, Any]:
    def between(low: float, high: float) -> timedelta:
        return timedelta(seconds=int(60 * (low + dice.random() * (high - low))))

    lasted = between(scenario.minutes * 0.8, scenario.minutes * 1.25)
    acknowledged = declared + min(between(*TO_ACKNOWLEDGE[scenario.severity]), lasted / 4)
    mitigated = declared + lasted * (0.6 + dice.random() * 0.25)
    commander, responder = _people(dice)
    return {
        "id": name,
        "title": scenario.title,
        "severity": scenario.severity,
        "type": scenario.type,
        "services": [scenario.service, *scenario.also],
        "environment": "production",
        "declared_by": responder.name,
        "commander": commander.username,
        "detected_at": rfc3339(declared - between(1, 9)),
        "declared_at": rfc3339(declared),
        "acknowledged_at": rfc3339(acknowledged),
        "mitigated_at": rfc3339(mitigated),
        "resolved_at": rfc3339(declared + lasted),
        "summary": f"{scenario.seen} {scenario.cause}",
        "updates": list(_updates(scenario, declared, mitigated, lasted, commander, responder, dice)),
    }


def _people(dice: random.Random) -> tuple[Person, Person]:
    commander = COMMANDERS[int(dice.random() * len(COMMANDERS))]
    others = [person for person in RESPONDERS if person != commander]
    return commander, others[int(dice.random() * len(others))]


def _updates(
    scenario: Scenario,
    declared: datetime,
    mitigated: datetime,
    lasted: timedelta,
    commander: Person,
    responder: Person,
    dice: random.Random,
) -> Iterator[dict[str, str]]:
    def update(at: datetime, who: Person, text: str) -> dict[str, str]:
        return {"at": rfc3339(at), "by": who.name, "text": text}

    yield update(declared, responder, scenario.seen)
    gap = timedelta(minutes=UPDATE_EVERY[scenario.severity])
    at, last = declared + gap * (0.5 + dice.random() * 0.4), -1
    while at < mitigated - timedelta(minutes=3):
        last = (last + 1 + int(dice.random() * (len(PROGRESS) - 1))) % len(PROGRESS)
        yield update(at, responder, PROGRESS[last])
        at += gap * (0.7 + dice.random() * 0.25)
    yield update(mitigated, responder, f"The harm has stopped. {scenario.fix}")
    yield update(declared + lasted, commander, f"Resolved. Cause: {scenario.cause}")
