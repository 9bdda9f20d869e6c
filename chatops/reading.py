"""What the readers of sentences share: flags, incidents, people, free text, and how they say what is wrong."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping

from chatops.arguments import Person
from chatops.moments import says_moment, says_span
from chatops.tokens import mentioned_id, number_of, plain, pop
from chatops.vocabulary import SEVERITIES

# Telephones and word processors turn two hyphens into a dash, and straight quotes into curly ones.
_FLAG = re.compile(r"(?<!\S)(?:--|\u2014|\u2013)(?P<name>\w[\w-]{0,30})")
_VALUE = re.compile(r"(?:=|\s+)(?P<value>\"[^\"]{0,200}\"|\u201c[^\u201d]{0,200}\u201d|\S+)")


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
    """Return the severity that `sev1`, `SEV1` or `1` names."""
    key = word.lower()
    key = key if key in SEVERITIES else f"sev{key}"
    if key not in SEVERITIES:
        raise Problem("Say the severity: sev1, sev2, sev3 or sev4.")
    return SEVERITIES[key]


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
    value = found["value"].strip('"\u201c\u201d ') if found else ""
    if found is None or not value or value.startswith("--"):
        raise Problem(f"--{word} needs a value: --{word} name.")
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
