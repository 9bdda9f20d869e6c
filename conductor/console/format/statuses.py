"""Every status word of the product, its tone and its glyph: a jack that fills as work completes.

Severity is another scale, with shapes of its own. Neither ever speaks by colour alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from conductor.console.format.values import words_of


@dataclass(frozen=True)
class Status:
    """How one status is shown."""

    tone: str
    """red, orange, amber, green, accent, violet or none: a data-tone of components.css."""
    label: str
    shape: str
    """Trusted SVG markup inside viewBox 0 0 16 16, drawn in currentColor."""


def _stroke(path: str, *, css: str = "") -> str:
    return (
        f'<path d="{path}" fill="none" stroke="currentColor" stroke-width="1.75" '
        f'stroke-linecap="round" stroke-linejoin="round"{css}/>'
    )


_RING = '<circle cx="8" cy="8" r="6.25" fill="none" stroke="currentColor" stroke-width="1.75"/>'
_DISC = '<circle cx="8" cy="8" r="7.1" fill="currentColor"/>'
_CUT = ' class="cut"'

DASHED = _RING.replace("/>", ' stroke-dasharray="2.2 2.1"/>')
DOT = _RING + '<circle cx="8" cy="8" r="2.4" fill="currentColor"/>'
HALF = _RING + '<path d="M8 4.1a3.9 3.9 0 0 1 0 7.8z" fill="currentColor"/>'
MOST = _RING + '<path d="M8 4.1A3.9 3.9 0 1 1 4.1 8H8z" fill="currentColor"/>'
TICK = _DISC + _stroke("m5 8.2 2.1 2.1L11.1 6", css=_CUT)
CROSS = _DISC + _stroke("m5.6 5.6 4.8 4.8m0-4.8-4.8 4.8", css=_CUT)
BANG = _DISC + _stroke("M8 4.6v4.2M8 11.4v.1", css=_CUT)
ARC = _RING.replace("/>", ' opacity=".3"/>') + _stroke("M8 1.75A6.25 6.25 0 0 1 14.25 8")
PAUSE = _RING + _stroke("M6.3 5.8v4.4M9.7 5.8v4.4")
DASH = _RING + _stroke("M5.4 8h5.2")
SLASH = _RING + _stroke("m4 12 8-8")
AGAIN = _stroke("M2.2 8a5.8 5.8 0 1 0 1.9-4.3M2.2 1.8v3h3")

STATUSES: dict[str, Status] = {
    # incidents: the jack fills up
    "triage": Status("amber", "Triage", DASHED),
    "open": Status("red", "Open", DOT),
    "mitigated": Status("orange", "Mitigated", HALF),
    "monitoring": Status("accent", "Monitoring", MOST),
    "resolved": Status("green", "Resolved", TICK),
    "declined": Status("none", "Declined", SLASH),
    "canceled": Status("none", "Canceled", SLASH),
    "duplicate": Status("none", "Duplicate", DASH),
    # reporting obligations
    "assessing": Status("amber", "To be decided", DASHED),
    "applicable": Status("red", "Running", ARC),
    "not_applicable": Status("none", "Not reportable", DASH),
    "filed": Status("green", "Filed", TICK),
    # requests to redact
    "refused": Status("none", "Refused", DASH),
    "withdrawn": Status("none", "Withdrawn", SLASH),
    # runs, steps, tries
    "todo": Status("none", "Not yet", DASHED),
    "pending": Status("none", "Pending", DASHED),
    "queued": Status("none", "Queued", DASHED),
    "running": Status("accent", "Running", ARC),
    "waiting": Status("amber", "Waiting", PAUSE),
    "retrying": Status("amber", "Retrying", AGAIN),
    "retried": Status("amber", "Retried", AGAIN),
    "succeeded": Status("green", "Succeeded", TICK),
    "failed": Status("red", "Failed", CROSS),
    "lost": Status("red", "Worker lost", CROSS),
    "skipped": Status("none", "Skipped", DASH),
    "cancelled": Status("none", "Cancelled", SLASH),
    # evidence bundles, packs and what they conclude
    "draft": Status("none", "Draft", DASHED),
    "collecting": Status("accent", "Collecting", ARC),
    "sealed": Status("green", "Sealed", TICK),
    "superseded": Status("none", "Superseded", DASH),
    "abandoned": Status("none", "Abandoned", SLASH),
    "rendering": Status("accent", "Rendering", ARC),
    "ready": Status("green", "Ready", TICK),
    "no_exceptions": Status("green", "No exceptions found", TICK),
    "exceptions": Status("red", "Exceptions found", BANG),
    "inconclusive": Status("amber", "Inconclusive", HALF),
    # proof, deliveries, postmortems
    "verified": Status("green", "Verified", TICK),
    "mismatch": Status("red", "Hash mismatch", CROSS),
    "rejected": Status("red", "Rejected", CROSS),
    "sent": Status("green", "Sent", TICK),
    "received": Status("accent", "Received", DOT),
    "done": Status("green", "Done", TICK),
    "published": Status("green", "Published", TICK),
    "dropped": Status("none", "Dropped", SLASH),
    "approved": Status("green", "Approved", TICK),
    "changes": Status("amber", "Changes requested", AGAIN),
    "in_review": Status("accent", "In review", MOST),
    "active": Status("green", "Active", TICK),
    "retired": Status("none", "Retired", DASH),
    "doing": Status("accent", "Doing", ARC),
    "blocked": Status("red", "Blocked", PAUSE),
    # decisions of policy, and the gate of a simulation
    "allowed": Status("green", "Allowed", TICK),
    "denied": Status("red", "Denied", CROSS),
    "passed": Status("green", "Passed", TICK),
    "untried": Status("none", "Untried", DASHED),
    # controls
    "covered": Status("green", "Covered", TICK),
    "partly": Status("orange", "Partly covered", HALF),
    "uncovered": Status("none", "No workflow", DASHED),
    "stale": Status("amber", "Stale", PAUSE),
    "fresh": Status("green", "Fresh", TICK),
    "missed": Status("red", "Missed", CROSS),
    # tickets
    "requested": Status("amber", "Requested", DASHED),
    # an incident's channel, and what waits for a chat
    "opening": Status("accent", "Opening", ARC),
    "shared": Status("red", "Shared with outsiders", BANG),
    "archived": Status("none", "Archived", DASH),
    "dead": Status("red", "Given up", CROSS),
}


def status_of(value: object) -> Status:
    """Return how `value` is shown, in upper or lower case. An unknown word keeps its word and gets a neutral ring."""
    word = str(value or "").strip()
    return STATUSES.get(word.lower().replace("-", "_")) or Status("none", words_of(word) or "Unknown", _RING)


@dataclass(frozen=True)
class Severity:
    """How one severity is shown: its word and its outline in viewBox 0 0 16 16."""

    level: int
    label: str
    outline: str


SEVERITIES: dict[int, Severity] = {
    1: Severity(1, "SEV1", "M5 1h6l4 4v6l-4 4H5l-4-4V5z"),
    2: Severity(2, "SEV2", "M8 1.2 15.2 14.4H.8z"),
    3: Severity(3, "SEV3", "M8 .8 15.2 8 8 15.2.8 8z"),
    4: Severity(4, "SEV4", "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13z"),
}


def severity_of(value: object) -> Severity | None:
    """Return the severity for 1, "1" or "SEV1"; None while nobody has classified, or for any other word."""
    digit = str(value or "").strip().upper().removeprefix("SEV")
    return SEVERITIES.get(int(digit)) if digit.isascii() and digit.isdigit() else None
