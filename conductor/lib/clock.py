"""The clock, read at the doors only: every verb takes `now` as a parameter."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def now() -> datetime:
    """Return the present moment as an aware UTC datetime."""
    return datetime.now(UTC)


def elapsed(start: datetime, end: datetime) -> timedelta:
    """Return the whole seconds from `start` to `end`, as a reader works it out from the times that are printed.

    Times are printed to the second, rounded down; so both are rounded down first. Differences of consecutive moments
    then add up to the difference of the outer two, on every page and in every document.
    """
    return end.replace(microsecond=0) - start.replace(microsecond=0)


def rfc3339(moment: datetime) -> str:
    """Return `moment` as RFC 3339 in UTC with a `Z`; fractions only when there are any."""
    if moment.tzinfo is None:
        raise ValueError("a naive datetime has no place in a record")
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def parse_rfc3339(text: str) -> datetime:
    """Return the aware UTC datetime that `text` names; raise ValueError when it names no zone."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"no time zone in {text!r}")
    return moment.astimezone(UTC)
