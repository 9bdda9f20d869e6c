"""From milestones to durations. A moment that nobody recorded makes a metric missing, one that runs backwards makes it
invalid; neither is ever shown as zero or averaged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypedDict

from conductor.lib.clock import elapsed
from incidents.models.choices import OVER
from incidents.models.history import StatusTransition


class State(StrEnum):
    """Whether a metric can be read."""

    OK = "ok"
    MISSING = "missing"
    INVALID = "invalid"
    PENDING = "pending"
    EXCLUDED = "excluded"


class MetricJSON(TypedDict):
    """A metric as Postmortem.metrics stores it."""

    key: str
    label: str
    seconds: int | None
    state: str
    why: str


@dataclass(frozen=True)
class Definition:
    """A metric as the interval between two milestones."""

    key: str
    label: str
    start: str
    end: str


@dataclass(frozen=True)
class Metric:
    """A metric of one incident."""

    key: str
    label: str
    seconds: int | None
    """Whole seconds; None unless the state is ok."""
    state: State
    why: str = ""
    """Why it is missing or invalid, or on what inference it rests."""

    def as_json(self) -> MetricJSON:
        """Return the metric as Postmortem.metrics stores it."""
        return {
            "key": self.key,
            "label": self.label,
            "seconds": self.seconds,
            "state": self.state.value,
            "why": self.why,
        }


@dataclass(frozen=True)
class Milestones:
    """The moments of one incident; None means: did not happen, or nobody said when."""

    detected: datetime | None = None
    declared: datetime | None = None
    acknowledged: datetime | None = None
    commanded: datetime | None = None
    """When the first commander took over."""
    updated: datetime | None = None
    """The first update that was posted."""
    mitigated: datetime | None = None
    """The first time."""
    monitoring: datetime | None = None
    """The latest time."""
    resolved: datetime | None = None
    """The latest time, unless it was reopened since."""
    inferred: frozenset[str] = frozenset()
    """Names of the milestones that nobody stated: another fact implies them."""
    impact_started: datetime | None = None
    impact_ended: datetime | None = None
    is_over: bool = True
    """Whether nobody works on it any more: what has not happened until then is missing, before that pending."""
    excluded: str = ""
    """Why none of its durations count; empty where they do."""


WORDS = {
    "detected": "it was detected",
    "declared": "it was declared",
    "acknowledged": "somebody acknowledged it",
    "commanded": "somebody took command",
    "updated": "the first update was posted",
    "mitigated": "it was mitigated",
    "monitoring": "monitoring began",
    "impact_started": "the impact began",
    "impact_ended": "the impact ended",
    "resolved": "it was resolved",
}

TO_DETECT = Definition("time_to_detect", "Impact to detected", "impact_started", "detected")
IMPACT = Definition("time_of_impact", "Impact", "impact_started", "impact_ended")
TO_DECLARE = Definition("time_to_declare", "Detected to declared", "detected", "declared")
TO_ACKNOWLEDGE = Definition("time_to_acknowledge", "Declared to acknowledged", "declared", "acknowledged")
TO_COMMAND = Definition("time_to_command", "Declared to command", "declared", "commanded")
TO_FIRST_UPDATE = Definition("time_to_first_update", "Declared to first update", "declared", "updated")
TO_MITIGATE = Definition("time_to_mitigate", "Declared to mitigated", "declared", "mitigated")
MONITORING = Definition("time_monitoring", "Monitoring to resolved", "monitoring", "resolved")
TO_RESOLVE = Definition("time_to_resolve", "Declared to resolved", "declared", "resolved")

DEFINITIONS = (
    TO_DETECT, TO_DECLARE, TO_ACKNOWLEDGE, TO_COMMAND, TO_FIRST_UPDATE, TO_MITIGATE, MONITORING, TO_RESOLVE, IMPACT,
)  # fmt: skip

OPEN_KEY, OPEN_LABEL = "time_unresolved", "Unresolved"


def measure(definition: Definition, milestones: Milestones) -> Metric:
    """Return the metric with its state."""
    if milestones.excluded:
        return _unreadable(definition, State.EXCLUDED, milestones.excluded)
    start, end = getattr(milestones, definition.start), getattr(milestones, definition.end)
    absent = [WORDS[name] for name, at in ((definition.start, start), (definition.end, end)) if at is None]
    if start is not None and end is None and not milestones.is_over:
        return _unreadable(definition, State.PENDING, f"Not yet: nobody has recorded when {WORDS[definition.end]}.")
    if absent:
        return _unreadable(definition, State.MISSING, f"No entry says when {' or when '.join(absent)}.")
    seconds = int(elapsed(start, end).total_seconds())
    if seconds < 0:
        later, earlier = WORDS[definition.start], WORDS[definition.end]
        return _unreadable(definition, State.INVALID, f"The record says that {earlier} before {later}.")
    guessed = [WORDS[name] for name in (definition.start, definition.end) if name in milestones.inferred]
    why = f"Nobody stated when {guessed[0]}: it is inferred." if guessed else ""
    return Metric(definition.key, definition.label, seconds, State.OK, why)


def measure_all(*, milestones: Milestones, transitions: Sequence[StatusTransition]) -> list[Metric]:
    """Return every metric of an incident, in reading order; `transitions` are its own, by seq."""
    total = unresolved(transitions)
    if milestones.excluded:
        total = Metric(OPEN_KEY, OPEN_LABEL, None, State.EXCLUDED, milestones.excluded)
    elif not milestones.is_over and total.state == State.MISSING:
        total = Metric(OPEN_KEY, OPEN_LABEL, None, State.PENDING, "Not yet: it is not over.")
    return [*(measure(definition, milestones) for definition in DEFINITIONS), total]


def unresolved(transitions: Sequence[StatusTransition]) -> Metric:
    """Return the time that the incident was not resolved, over all of its openings. Reopening adds to it."""
    total, since = timedelta(), None
    for transition in transitions:
        if transition.to_status in OVER and since is not None:
            total, since = total + elapsed(since, transition.occurred_at), None
        elif transition.to_status not in OVER and since is None:
            since = transition.occurred_at
    if since is not None or not transitions:
        return Metric(OPEN_KEY, OPEN_LABEL, None, State.MISSING, "No entry says when it was resolved.")
    if total < timedelta():
        return Metric(OPEN_KEY, OPEN_LABEL, None, State.INVALID, "The record resolves it before it was declared.")
    return Metric(OPEN_KEY, OPEN_LABEL, int(total.total_seconds()), State.OK)


@dataclass(frozen=True)
class Summary:
    """Many incidents' metric. A number here is never shown without its n and its missing count."""

    n: int
    missing: int
    invalid: int
    pending: int
    excluded: int
    median_seconds: int | None
    p90_seconds: int | None


def _unreadable(definition: Definition, state: State, why: str) -> Metric:
    return Metric(definition.key, definition.label, None, state, why)
