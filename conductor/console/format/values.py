"""Numbers, times, names and digests as Switchboard and its documents write them. Plain functions, no Django.

The template tags of conductor/templatetags/switchboard.py put markup round them.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import ROUND_HALF_UP, Decimal

MINUS = "−"
ELLIPSIS = "…"
HUES = 6
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_CURRENCY_SIGNS = {"USD": "$", "EUR": "€", "GBP": "£"}
_BYTE_UNITS = ("kB", "MB", "GB", "TB", "PB")


# Times -------------------------------------------------------------------------------------------
def moment(at: datetime, *, now: datetime, zone: tzinfo = UTC) -> str:
    """Return "13:21 UTC" on the day of `now`, "20 Nov, 11:04 UTC" in its year, else with the year; all in `zone`."""
    at, now = _in(at, zone), _in(now, zone)
    clock = f"{at:%H:%M %Z}"
    if at.date() == now.date():
        return clock
    date = f"{at.day} {_MONTHS[at.month - 1]}" if at.year == now.year else day(at, zone=zone)
    return f"{date}, {clock}"


def exact_moment(at: datetime) -> str:
    """Return "20 Nov 2026, 11:04:02 UTC": how evidence and documents write every time."""
    return f"{day(at)}, {clock_time(at)} UTC"


def clock_time(at: datetime, *, zone: tzinfo = UTC) -> str:
    """Return "11:04:02", where day and zone stand beside it."""
    return f"{_in(at, zone):%H:%M:%S}"


def day(at: datetime, *, zone: tzinfo = UTC) -> str:
    """Return "20 Nov 2026", the day in `zone`."""
    at = _in(at, zone)
    return f"{at.day} {_MONTHS[at.month - 1]} {at.year}"


def ago(at: datetime, *, now: datetime) -> str:
    """Return "42 min ago", "in 4 min", "just now". console.js says the same words when it ticks."""
    seconds = int((_utc(now) - _utc(at)).total_seconds())
    size = abs(seconds)
    if size < 60:
        return "just now"
    for limit, unit, word in (
        (3600, 60, "min"),
        (86_400, 3600, "h"),
        (60 * 86_400, 86_400, "d"),
        (730 * 86_400, 30 * 86_400, "mo"),
    ):
        if size < limit:
            return _relative(size // unit, word, past=seconds > 0)
    return _relative(size // (365 * 86_400), "y", past=seconds > 0)


def duration(length: timedelta | float | int, *, coarse: bool = False) -> str:
    """Return "340ms", "12s", "2m 41s", "2h 17m" or "3d 4h".

    `coarse` drops the seconds from a minute on, and does not count below one.
    """
    seconds = length.total_seconds() if isinstance(length, timedelta) else float(length)
    sign, size = (MINUS if seconds < 0 else ""), abs(seconds)
    if 0 < size < 1 and coarse:
        return f"{sign}under 1s"
    if 0 < size < 1:
        return f"{sign}{max(1, int(size * 1000))}ms"
    whole = int(size)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{sign}{days}d {hours}h"
    if hours:
        return f"{sign}{hours}h {minutes:02d}m"
    if minutes:
        return f"{sign}{minutes}m" if coarse else f"{sign}{minutes}m {rest:02d}s"
    return f"{sign}{rest}s"


def hours_minutes(length: timedelta) -> str:
    """Return "0:42" or "26:05": hours and minutes, for columns that hold nothing else."""
    minutes = max(0, int(length.total_seconds())) // 60
    return f"{minutes // 60}:{minutes % 60:02d}"


# Numbers -----------------------------------------------------------------------------------------
def number(value: int | float | Decimal) -> str:
    """Return "1,204", with a true minus sign. Fractions keep the digits they come with."""
    text = f"{value:,}"
    return text.replace("-", MINUS)


def money(amount: Decimal | int | float, *, currency: str = "USD") -> str:
    """Return "$1,284" for whole amounts and from 1,000 on, "$41.20" below, "1,284 SEK" without a known sign."""
    exact = Decimal(str(amount))
    places = Decimal(1) if abs(exact) >= 1000 or exact == exact.to_integral_value() else Decimal("0.01")
    digits = f"{abs(exact).quantize(places, rounding=ROUND_HALF_UP):,}"
    sign = MINUS if exact < 0 else ""
    known = _CURRENCY_SIGNS.get(currency)
    return f"{sign}{known}{digits}" if known else f"{sign}{digits} {currency}"


def byte_size(size: int) -> str:
    """Return "512 B", "48 kB", "4.9 MB", "12 MB": powers of 1,000, one decimal below ten from MB on."""
    if size < 1000:
        return f"{size} B"
    value = float(size)
    for unit in _BYTE_UNITS:
        value /= 1000
        decimals = 1 if unit != "kB" and value < 9.95 else 0
        if round(value, decimals) < 1000:
            return f"{value:.{decimals}f} {unit}"
    return f"{value:,.0f} {_BYTE_UNITS[-1]}"


def n_of_m(have: int, of: int | None) -> str:
    """Return "6 of 8". A total that nobody knows is said so, never guessed."""
    return f"{number(have)} of {number(of)}" if of is not None else f"{number(have)}, total not known"


# Names and digests -------------------------------------------------------------------------------
def initials(name: str) -> str:
    """Return one or two capitals: "AO" for Amara Okafor, "C" for cora, "?" for nobody."""
    words: list[str] = re.findall(r"\w+", name)
    if not words:
        return "?"
    return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()


def short_name(name: str) -> str:
    """Return "Amara O." for Amara Okafor; names of one word stay."""
    words = name.split()
    return f"{words[0]} {words[-1][0].upper()}." if len(words) > 1 else name


def hue(key: object) -> int:
    """Return a number below HUES that is the same for the same person everywhere, in every process.

    Numbers and Refs that end in a number ("tenancy.user:17") take it modulo HUES, so both name one hue.
    """
    tail = str(key).rpartition(":")[2]
    return (int(tail) if tail.isascii() and tail.isdigit() else zlib.crc32(tail.encode())) % HUES


def is_machine(key: object) -> bool:
    """Whether an actor's Ref names Conductor or another program, not a person."""
    return str(key).startswith(("conductor.", "adapters."))


def short_digest(value: str, *, keep: int = 6) -> str:
    """Return the first and last `keep` characters joined by an ellipsis, or the whole if that is no shorter."""
    return value if len(value) <= keep * 2 + 1 else f"{value[:keep]}{ELLIPSIS}{value[-keep:]}"


def words_of(value: str) -> str:
    """Return "No exceptions" for "NO_EXCEPTIONS" and "no-exceptions": a code as a phrase."""
    return " ".join(re.split(r"[\s_\-]+", value.strip())).lower().capitalize()


@dataclass(frozen=True)
class Part:
    """A piece of a text: what it says, and whether it is what was searched for."""

    text: str
    found: bool


def split_at_matches(text: str, wanted: str) -> list[Part]:
    """Cut `text` at every case-insensitive occurrence of `wanted`; the parts joined are `text` again."""
    if not wanted:
        return [Part(text, False)]
    pieces = re.split(f"({re.escape(wanted)})", text, flags=re.IGNORECASE)
    return [Part(piece, index % 2 == 1) for index, piece in enumerate(pieces) if piece]


def _relative(count: int, word: str, *, past: bool) -> str:
    return f"{count} {word} ago" if past else f"in {count} {word}"


def _utc(at: datetime) -> datetime:
    return _in(at, UTC)


def _in(at: datetime, zone: tzinfo) -> datetime:
    if at.tzinfo is None:
        raise ValueError("a naive datetime names no moment")
    return at.astimezone(zone)
