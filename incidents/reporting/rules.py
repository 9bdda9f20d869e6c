"""The rules: what a regime or contract asks, from when, until when, and where that is written."""

from __future__ import annotations

import json
from datetime import date
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from incidents.models.choices import Question, Severity
from incidents.models.obligation import OwnRule
from incidents.reporting.calendars import HOLIDAYS

BUILT_IN = Path(__file__).parent.parent / "data/obligation-rules.json"
COUNSEL = "Not legal advice: have counsel review this rule before you rely on it."


class Anchor(StrEnum):
    """What starts a clock. Each is asserted by a person with a reason, but for the filing of another stage."""

    AWARENESS = "awareness"
    CLASSIFICATION = "classification"
    DETERMINATION = "determination"
    DISCOVERY = "discovery"
    FIX_AVAILABLE = "fix_available"
    HANDLED = "handled"
    DECLARATION = "declaration"
    """Taken from the incident: when it was declared."""


ANCHORS = tuple(each.value for each in Anchor if each != Anchor.DECLARATION)
FILED = "filed:"
"""`filed:nis2.notification` is when that stage was filed."""
Unit = Literal["hours", "calendar_days", "working_days", "months"]


class Limit(BaseModel):
    """No later than so long after an anchor."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    after: str
    """An anchor, or `filed:` and the key of another rule."""
    count: int = Field(ge=0, le=1000)
    unit: Unit
    unless_past: str = ""
    """An anchor: where that came only after this limit had passed, this limit does not count."""


class Rule(BaseModel):
    """One stage of a regime or contract."""

    model_config = ConfigDict(extra="forbid")

    key: str = Field(pattern=r"^[a-z0-9_]+\.[a-z0-9_]+$", max_length=60)
    regime: str = Field(min_length=1, max_length=40)
    title: str = Field(min_length=1, max_length=200)
    recipient: str = Field(min_length=1, max_length=200)
    limits: list[Limit] = Field(min_length=1, max_length=4)
    """The earliest of them is due."""
    zone: str = "UTC"
    """Where days begin and end."""
    calendar: str = "none"
    rolls_to_noon: bool = False
    """Whether a deadline on a day on which nobody works moves to noon of the next working day."""
    armed_by: list[Question] = Field(default_factory=list)
    """Questions that arm it when they are answered yes, or not known yet."""
    armed_at_severity: list[Severity] = Field(default_factory=list)
    facts: list[str] = Field(default_factory=lambda: ["answers", "severity", "impact"])
    """What a decision about it rests on: a question, "answers" for all of them, "severity", "impact", "service"."""
    source: str = Field(min_length=1, max_length=400)
    """Where the rule is written."""
    effective_from: date | None = None
    note: str = ""
    review: str = COUNSEL

    @field_validator("calendar")
    @classmethod
    def _calendar(cls, value: str) -> str:
        if value not in HOLIDAYS:
            raise ValueError(f"Choose one of {', '.join(HOLIDAYS)}.")
        return value

    @field_validator("zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError(f"There is no time zone {value}.")
        return value

    @model_validator(mode="after")
    def _anchors(self) -> Rule:
        for limit in self.limits:
            for name in (limit.after, limit.unless_past):
                if name and not name.startswith(FILED) and name not in {each.value for each in Anchor}:
                    raise ValueError(f"There is no anchor {name}.")
        return self

    @property
    def tz(self) -> ZoneInfo:
        return ZoneInfo(self.zone)


@cache
def built_in_rules() -> tuple[Rule, ...]:
    """Return the rules that come with Conductor."""
    return tuple(Rule.model_validate(each) for each in json.loads(BUILT_IN.read_text())["rules"])


def rules_in_force() -> list[Rule]:
    """Return the built-in rules and the tenant's own active ones; an own one replaces the built-in of its key.

    One query; needs the tenant's scope.
    """
    own: dict[str, OwnRule] = {}
    for row in OwnRule.objects.order_by("version"):
        own[row.key] = row
    kept = [rule for rule in built_in_rules() if rule.key not in own]
    return [*kept, *(Rule.model_validate(row.content) for row in own.values() if row.is_active)]


def as_json(rule: Rule) -> dict[str, Any]:
    """Return the rule as it is stored with an obligation."""
    return rule.model_dump(mode="json")
