"""A response policy in words, and what one version changes about another: what people read before they agree."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from conductor.tenancy.roles import holders
from incidents.models.choices import Impact, Role, Severity, Urgency
from incidents.response.policy import EVERYBODY, Content, GuardRule

GUARD_WORDS = {
    "acknowledged": "somebody has acknowledged it",
    "commander_assigned": "somebody commands it",
    "update_posted": "an update was posted",
    "type_set": "it has a type",
    "service_named": "it names an affected resource",
    "monitored_for": "it was monitored long enough",
    "blocking_tasks_closed": "blocking tasks are closed",
    "questions_answered": "the four questions are answered",
    "required_roles_filled": "the required roles are filled",
    "reporting_decided": "every reporting obligation that its facts ask for is decided",
    "reopened_in_time": "it was resolved recently",
}
"""What must be true, for each of incidents.response.guards.GUARDS."""


@dataclass(frozen=True)
class MoveRow:
    """A move and what the policy asks of it."""

    before: str
    after: str
    who: str
    """The roles that may make it."""
    guards: list[str]


@dataclass(frozen=True)
class Change:
    """One place at which two documents differ."""

    path: str
    """Dotted."""
    before: str
    """Empty where it is new."""
    after: str
    """Empty where it is gone."""


def moves_in_words(content: Content) -> list[MoveRow]:
    """Return the moves that the policy names, in its order."""
    rows = []
    for name, rule in content.transitions.items():
        before, _, after = name.partition(">")
        guards = [guard_in_words(each) for each in rule.guards]
        rows.append(MoveRow(before, after, ", ".join(holders(rule.permission)), guards))
    return rows


def guard_in_words(rule: GuardRule) -> str:
    """Return the guard, for which severities it is asked, and whether it can be overridden."""
    said = GUARD_WORDS.get(rule.guard, rule.guard)
    if rule.minutes is not None:
        said += f" ({rule.minutes} minutes)"
    if rule.days is not None:
        said += f" (within {rule.days} day{'' if rule.days == 1 else 's'})"
    if set(rule.severities) != set(Severity):
        said += f", for {', '.join(rule.severities)}"
    return said if rule.overridable else f"{said}, without exception"


def matrix_rows(content: Content) -> list[tuple[str, list[str]]]:
    """Return the severity matrix: each impact's label with the severity for every urgency."""
    return [(str(impact.label), [content.severity_matrix[impact][urgency] for urgency in Urgency]) for impact in Impact]


def severity_rows(content: Content) -> list[tuple[str, int, str, bool]]:
    """Return, by severity: minutes between updates, the roles to fill, whether its alerts wait for a person."""
    rows = []
    for severity in Severity:
        roles = ", ".join(str(Role(each).label) for each in content.required_roles.get(severity, []))
        rows.append(
            (severity.value, content.cadence.every_minutes[severity], roles, severity in content.hold_alerts_of)
        )
    return rows


def escalation_in_words(content: Content) -> str:
    """Return who hears of the first missed update, the second, and so on."""
    people = [
        "everybody" if each == EVERYBODY else str(Role(each).label).lower() for each in content.cadence.escalate_to
    ]
    return ", then ".join(people)


def changes_between(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Return where two documents differ, by dotted path in the order of the newer one; what is gone comes last."""
    old, new = dict(_leaves(before)), dict(_leaves(after))
    paths = [*new, *(path for path in old if path not in new)]
    return [
        Change(path, old.get(path, ""), new.get(path, "")) for path in paths if old.get(path, "") != new.get(path, "")
    ]


def _leaves(document: Mapping[str, Any], place: str = "") -> list[tuple[str, str]]:
    """Lists count as one value: what is asked in which order belongs together."""
    found: list[tuple[str, str]] = []
    for name, value in document.items():
        path = f"{place}.{name}" if place else str(name)
        if isinstance(value, Mapping) and value:
            found += _leaves(value, path)
        else:
            found.append((path, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)))
    return found
