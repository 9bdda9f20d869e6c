"""What the evidence of controls said around an incident: asked here, answered by the app that registers itself.

Incidents may not know evidence. What stands above registers a `FindingsOf` in its AppConfig.ready().
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import TypedDict

from incidents.models.incident import Incident


class FindingState(StrEnum):
    """What is known of some controls at the time of an incident."""

    PASSED = "passed"
    FAILED = "failed"
    """Evidence was sealed, and it has exceptions."""
    INCONCLUSIVE = "inconclusive"
    """Evidence was sealed, and not one check could be made."""
    UNSEALED = "unsealed"
    """Evidence is being collected."""
    AWAITED = "awaited"
    """It can only be collected later: it is the evidence of this very response."""
    STALE = "stale"
    """The newest evidence was too old to count."""
    MISSING = "missing"


UNKNOWN = frozenset({FindingState.INCONCLUSIVE, FindingState.UNSEALED, FindingState.AWAITED})


class Framework(TypedDict):
    """Controls of one framework, by its own codes."""

    name: str
    codes: list[str]


class ControlFinding(TypedDict):
    """What one bundle, or the lack of one, says of the controls that a workflow collects evidence for."""

    state: str
    """A value of FindingState."""
    about: str
    """What was tested, as people call it: the bundle's title, or the workflow's."""
    controls: list[Framework]
    bundle: str
    """EVB-0017; empty where there is none."""
    ref: str
    """The bundle's Ref; empty where there is none."""
    manifest_digest: str
    """What the sealed bundle is verified by; empty for every other one."""
    until: str
    """End of the period that it is evidence for, RFC 3339; empty where there is none."""
    counts_days: int
    """For how many days after that end it counts."""
    checks: int
    passed: int
    exceptions: list[str]
    """Each failed check with what it met."""


FindingsOf = Callable[[Incident, datetime], list[ControlFinding]]

_registered: list[FindingsOf] = []


def register_findings(source: FindingsOf) -> None:
    """Ask `source` from now on. Called in AppConfig.ready()."""
    _registered[:] = [source]


def findings_around(*, incident: Incident, now: datetime) -> list[ControlFinding]:
    """Return what evidence says of the controls that were bound at the time of the incident, in a stable order.

    Empty where no control was bound, and where no app that keeps evidence is installed.
    """
    return _registered[0](incident, now) if _registered else []


def count_of(finding: ControlFinding) -> int:
    """Return how many controls the finding is about."""
    return sum(len(each["codes"]) for each in finding["controls"])
