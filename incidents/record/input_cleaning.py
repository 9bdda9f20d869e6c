"""Cleans what people typed, and collects every complaint about it before refusing."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from conductor.lib.errors import Invalid
from conductor.lib.moments import OUT_OF_RANGE, is_usable
from conductor.lib.text import readable

SKEW = timedelta(seconds=60)
TITLE_CHARACTERS = 200
TEXT_CHARACTERS = 10_000


class Complaints:
    """Gathers what is wrong with the input, so that one answer names all of it."""

    def __init__(self) -> None:
        self.fields: dict[str, list[str]] = {}

    def add(self, name: str, why: str) -> None:
        self.fields.setdefault(name, []).append(why)

    def line(self, name: str, value: str, *, most: int = TITLE_CHARACTERS, required: bool = False) -> str:
        """Return `value` as one line without surrounding space."""
        return self._checked(name, " ".join(readable(value).split()), most, required)

    def text(self, name: str, value: str, *, most: int = TEXT_CHARACTERS, required: bool = False) -> str:
        """Return `value` with its line breaks, without surrounding space."""
        lines = readable(value).replace("\r\n", "\n").replace("\r", "\n")
        return self._checked(name, lines.strip(), most, required)

    def choice(self, name: str, value: str, choices: Any) -> str:
        """Return `value` if it is one of the TextChoices `choices`."""
        if value not in choices.values:
            self.add(name, f"Choose one of {', '.join(choices.values)}.")
        return str(value)

    def refuse(self) -> None:
        """Raise Invalid if there was any complaint."""
        if self.fields:
            raise Invalid(" ".join(why for each in self.fields.values() for why in each), fields=self.fields)

    def _checked(self, name: str, value: str, most: int, required: bool) -> str:
        if required and not value:
            self.add(name, "This cannot be empty.")
        if len(value) > most:
            self.add(name, f"This has {len(value)} characters; use at most {most}.")
        return value


def check_moment(complaints: Complaints, name: str, moment: datetime | None, now: datetime) -> None:
    """Complain of a moment without its zone, or one that has not come: clocks differ by SKEW at most."""
    if moment is None:
        return
    if moment.tzinfo is None:
        complaints.add(name, "Name the time zone.")
    elif not is_usable(moment):
        complaints.add(name, OUT_OF_RANGE)
    elif moment > now + SKEW:
        complaints.add(name, "This has not happened yet.")


def check_day(complaints: Complaints, name: str, day: date | None) -> None:
    """Complain of a date that cannot be kept, such as the last one that there is, written for "never"."""
    if day is not None and not is_usable(day):
        complaints.add(name, OUT_OF_RANGE)
