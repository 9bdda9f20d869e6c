"""What the readers of sentences share: flags, incidents, people, free text, and how they say what is wrong."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping

from chatops.commands.arguments import Person
from chatops.commands.moments import says_moment, says_span
from chatops.commands.tokens import mentioned_id, number_of, plain, pop
from chatops.commands.vocabulary import SEVERITIES

# Telephones and word processors turn two hyphens into a dash, and straight quotes into curly ones.
_FLAG = re.compile(r"(?<!\S)(?:--|\u2014|\u2013)(?P<name>\w[\w-]{0,30})")
# As keyboards of several languages set them: opening mark to those that close it. Swedish uses one mark for both.
_QUOTES = {
    '"': '"',
    "\u201c": "\u201d",
    "\u201d": "\u201d",
    "\u201e": "\u201c\u201d",
    "\u00ab": "\u00bb",
    "\u00bb": "\u00ab\u00bb",
    "\u2039": "\u203a",
    "\u203a": "\u2039",
    "\u300c": "\u300d",
}
# These are apostrophes too: they close only before a space.
_SINGLE_QUOTES = {"'": "'", "\u2018": "\u2019", "\u2019": "\u2019", "\u201a": "\u2018\u2019"}
_QUOTED = [f"{opens}[^{closes}]{{0,200}}[{closes}]" for opens, closes in _QUOTES.items()]
_QUOTED += [f"{opens}(?:(?![{closes}](?!\\S)).){{1,200}}[{closes}](?!\\S)" for opens, closes in _SINGLE_QUOTES.items()]
_VALUE = re.compile(rf"(?:=|\s+)(?:(?P<quoted>{'|'.join(_QUOTED)})|(?P<value>\S+))", re.DOTALL)
_SEVERITY = r"(?:sev(?:erity)?[\s_-]?(?P<sev>\d{1,2})|p-?(?P<priority>[0-5]))"
_LEADING = re.compile(rf"[\[(]?{_SEVERITY}[\])]?(?:\s*[:;,.!]+|\s+[-\u2013\u2014](?=\s)|(?=\s)|\Z)", re.IGNORECASE)
_TRAILING = re.compile(r"(?:^|[\s(\[,:])sev(?:erity)?[\s_-]?(?P<sev>\d{1,2})[\])]?[.!]?\Z", re.IGNORECASE)
_PRIORITIES = {"0": "sev1", "5": "sev4"}
"""Priorities beyond the four severities."""


class Problem(Exception):
    """Something was said that makes no sense; `nearest` is what may have been meant."""

    def __init__(self, problem: str, *nearest: str) -> None:
        super().__init__(problem)
        self.nearest = nearest


class Missing(Problem):
    """Something is missing; `given` is what was said."""

    def __init__(self, problem: str, **given: str | int | None) -> None:
        super().__init__(problem)
        self.given = {name: str(value) for name, value in given.items() if value}


def free(text: str, escaped: bool) -> str:
    """Return the text on one line, as people read it."""
    return " ".join((plain(text) if escaped else text).split())


def lines(text: str, escaped: bool) -> str:
    """Return the text with its line breaks, as people read it."""
    return "\n".join(free(line, escaped) for line in text.splitlines()).strip()


def about(text: str) -> tuple[int | None, str]:
    """Return the incident that the text begins with, and the rest."""
    token, rest = pop(text)
    number = number_of(token)
    return (None, text) if number is None else (number, rest)


def person_in(token: str, escaped: bool) -> Person | None:
    """Return whom the word names; None if it names nobody."""
    if user_id := mentioned_id(token) if escaped else "":
        return Person(id=user_id)
    return Person(name=free(token[1:], escaped)) if token.startswith("@") and len(token) > 1 else None


def severity_of(word: str) -> str:
    """Return the severity that `sev1`, `SEV-1`, `sev 1`, `P1` or `1` names. Raise Problem for any other word."""
    found = _LEADING.fullmatch(word.strip())
    key = _key(found) if found else f"sev{word.strip().lower()}"
    if key not in SEVERITIES:
        raise Problem("Say the severity: sev1, sev2, sev3 or sev4.")
    return SEVERITIES[key]


def leading_severity(text: str) -> tuple[str, str]:
    """Return the severity that the text begins with, as `sev1: …`, `SEV-1 …`, `sev 1 …` or `P1 …`, and the rest.

    The severity is empty where it begins with none. Raise Problem for one that does not exist.
    """
    found = _LEADING.match(text)
    return (severity_of(_key(found)), text[found.end() :].strip()) if found else ("", text)


def trailing_severity(text: str) -> tuple[str, str]:
    """Return the severity that the text ends with, and what comes before it, as `leading_severity` does the first.

    A priority at the end is text: `Lost pod P1`.
    """
    found = _TRAILING.search(text)
    return (severity_of(f"sev{found['sev']}"), text[: found.start()].strip()) if found else ("", text)


def _key(found: re.Match[str]) -> str:
    if found["sev"]:
        return f"sev{found['sev']}"
    return _PRIORITIES.get(found["priority"], f"sev{found['priority']}")


def flags(text: str, known: Mapping[str, str], switches: Mapping[str, tuple[str, str]]) -> tuple[dict[str, str], str]:
    """Return the flags' values by argument, and the text without them. A dash before another word is text.

    `known` maps a flag that takes a value to its argument, `switches` one that takes none to argument and value.
    """
    said: dict[str, str] = {}
    kept, at = [], 0
    while found := _FLAG.search(text, at):
        word, end = found["name"].lower(), found.end()
        if word not in known and word not in switches:
            close = difflib.get_close_matches(word, [*known, *switches], n=1, cutoff=0.7)
            if close:
                raise Problem(f"There is no flag --{word}.", f"--{close[0]}")
            kept.append(text[at:end])
            at = end
            continue
        kept.append(text[at : found.start()])
        name, value, at = _taken(text, word, end, known, switches)
        if name in said:
            raise Problem(f"--{word} is there twice.")
        said[name] = value
    return said, "".join([*kept, text[at:]])


def _taken(
    text: str, word: str, end: int, known: Mapping[str, str], switches: Mapping[str, tuple[str, str]]
) -> tuple[str, str, int]:
    """Return the flag's argument, its value, and where the text goes on."""
    if word in switches:
        return (*switches[word], end)
    found = _VALUE.match(text, end)
    value = (found["quoted"][1:-1] if found["quoted"] else found["value"]).strip() if found else ""
    if found is None or not value.strip("".join(_QUOTES)) or value.startswith("--"):
        raise Problem(f"--{word} needs a value: --{word} name.")
    if not found["quoted"] and value[0] in _QUOTES:
        raise Problem(f'The quotation mark after --{word} is not closed: --{word} "two words".')
    return known[word], value, found.end()


def span_said(value: str, what: str) -> str:
    """Return the span of time as it was said; raise Problem for what is none."""
    if value and not says_span(value):
        raise Problem(f"“{value[:20]}” does not say {what}. Write 30m, 2h or 3d.")
    return value


def due_said(value: str) -> str:
    """Return the day or the span of time as it was said; raise Problem for what is neither."""
    if value and not (says_span(value) or says_moment(value)):
        raise Problem(f"“{value[:20]}” does not say until when. Write 2h, 3d or 2026-12-01.")
    return value


def moment_said(value: str) -> str:
    """Return the moment as it was said; raise Problem for what is none."""
    if value and not says_moment(value):
        raise Problem(f"“{value[:20]}” does not say when. Write 14:05 or 2026-12-01T14:05, in UTC.")
    return value
