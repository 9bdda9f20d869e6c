"""Reads what follows a verb that moves the response on: declaring, severity, roles, what was no incident."""

from __future__ import annotations

import difflib
from dataclasses import replace

from chatops.commands.arguments import (
    Accept,
    Affect,
    Assign,
    Cancel,
    Classify,
    Declare,
    Decline,
    Drop,
    Duplicate,
    HandOver,
    Page,
    Person,
    TaskDone,
)
from chatops.commands.reading import (
    Missing,
    Problem,
    about,
    flags,
    free,
    leading_severity,
    lines,
    person_in,
    severity_of,
    trailing_severity,
)
from chatops.commands.tokens import group_in, mentioned_id, number_of, plain, pop, tokens_of
from chatops.commands.vocabulary import CALLED, CLOSURES, DEFAULT_SEVERITY, FLAGS, IMPACTS, ROLES, SWITCHES, URGENCIES
from conductor.lib.numbers import whole_number


def read_declare(rest: str, escaped: bool) -> Declare:
    """Read what follows `declare`. Raise Problem."""
    said, rest = flags(rest, FLAGS, SWITCHES)
    stated = said.pop("severity", "")
    severity = severity_of(stated) if stated else ""
    for split in (leading_severity, trailing_severity):
        if not severity:
            severity, rest = split(rest.strip())
    title = free(rest, escaped)
    if not title:
        known = {**said, "severity": severity}
        raise Missing("Say what is broken: that becomes the incident's title.", **known)
    return Declare(
        title=title,
        severity=severity or DEFAULT_SEVERITY,
        severity_said=bool(severity),
        is_private=bool(said.pop("private", "")),
        is_drill=bool(said.pop("drill", "")),
        **{name: free(value, escaped) for name, value in said.items()},
    )


def read_classify(rest: str, escaped: bool) -> Classify:
    """Read what follows `classify`. Raise Problem."""
    number, rest = about(rest)
    severity, rest = leading_severity(rest)
    if not severity:
        word, rest = pop(rest)
        if not word:
            raise Missing("Say the severity: sev1, sev2, sev3 or sev4.", incident=number)
        severity = severity_of(word)
    if number is None:
        number, rest = about(rest)
    return Classify(severity, number, free(rest, escaped))


def read_assign(rest: str, escaped: bool) -> Assign:
    """Read what follows `assign`. Raise Problem."""
    number, role, person = None, "", None
    for token in tokens_of(rest):
        found, user_id = number_of(token), mentioned_id(token) if escaped else ""
        if found is not None and number is None:
            number = found
        elif token.lower() in ROLES and not role:
            role = ROLES[token.lower()]
        elif person is None and (user_id or (token.startswith("@") and len(token) > 1)):
            person = Person(id=user_id) if user_id else Person(name=free(token[1:], escaped))
        elif token.lower() != "me":
            words = difflib.get_close_matches(token.lower()[:40], ROLES, n=1)
            raise Problem(f"“{free(token[:60], escaped)}” is neither a role nor a person.", *words)
    if not role:
        named = {"person": person.id} if person else {}
        raise Missing("Say which role: ic, deputy, comms, ops, scribe or privacy.", incident=number, **named)
    return Assign(role, person, number)


def read_accept(rest: str, escaped: bool) -> Accept:
    """Read what follows `accept`. Raise Problem."""
    number, rest = about(rest)
    word, more = pop(rest)
    if number is None and more:
        number, more = about(more)
    if more or (word and word.lower() not in ROLES):
        close = difflib.get_close_matches(word.lower()[:40], ROLES, n=1)
        raise Problem(f"“{free(rest, escaped)[:60]}” is not a role.", *(f"accept {each}" for each in close))
    return Accept(ROLES[word.lower()] if word else "", number)


def read_handover(rest: str, escaped: bool) -> HandOver:
    """Read what follows `handover`. Raise Problem."""
    number, rest = about(rest)
    role, rest = pop(rest)
    person, note = pop(rest)
    named = person_in(person, escaped)
    known = {"role": ROLES.get(role.lower(), ""), "person": named.id if named else "", "incident": number}
    if role and role.lower() not in ROLES:
        raise Problem(f"“{free(role[:60], escaped)}” is not a role.")
    if not role or named is None or not note:
        raise Missing("Say which role, who gets it, and what they must know: ic @cora The rollback runs.", **known)
    return HandOver(ROLES[role.lower()], named, lines(note, escaped), number)


def read_done(rest: str, escaped: bool) -> TaskDone:
    """Read what follows `done`. Raise Problem."""
    number, rest = about(rest)
    token, more = pop(rest)
    word = token.lstrip("#")
    if not token:
        raise Missing("Say which task by its number: tasks lists them.", incident=number)
    task = whole_number(word)
    if more or task is None:
        raise Problem(f"“{free(rest, escaped)[:60]}” is not a task. Write its number, for example done 2.", "tasks")
    return TaskDone(task, number)


def read_cancel(rest: str, escaped: bool) -> Cancel:
    """Read what follows `cancel`. Raise Problem."""
    number, rest = about(rest)
    word, reason = pop(rest)
    key = word.lower().replace("_", "-")
    if not word:
        raise Missing(f"Say in one word why it was none: {', '.join(CLOSURES)}.", incident=number)
    if key not in CLOSURES:
        close = difflib.get_close_matches(key[:40], CLOSURES, n=1)
        said = f"“{free(word[:60], escaped)}” is not one of {', '.join(CLOSURES)}."
        raise Problem(said, *(f"cancel {each}" for each in close))
    if number is None:
        number, reason = about(reason)
    return Cancel(CLOSURES[key], lines(reason, escaped), number)


def read_duplicate(rest: str, escaped: bool) -> Duplicate:
    """Read what follows `duplicate`. Raise Problem."""
    tokens = [each for each in tokens_of(rest) if each.lower() != "of"]
    numbers = [number_of(each) for each in tokens]
    if not tokens:
        raise Missing("Say of which incident: duplicate of INC-7.")
    if None in numbers or len(numbers) > 2:
        raise Problem(f"“{free(rest, escaped)[:60]}” does not name incidents. Write duplicate INC-8 of INC-7.")
    known = [number for number in numbers if number is not None]
    return Duplicate(known[-1], known[0] if len(known) == 2 else None)


def read_decline(rest: str, escaped: bool) -> Decline:
    """Read what follows `decline`. Raise Problem."""
    number, role, reason = _role_and_rest(rest, escaped)
    if not role or not reason:
        raise Missing("Say which role you decline, and why: decline ic I am on a plane.", role=role, incident=number)
    return Decline(role, lines(reason, escaped), number)


def read_drop(rest: str, escaped: bool) -> Drop:
    """Read what follows `drop`. Raise Problem."""
    number, role, more = _role_and_rest(rest, escaped)
    if not role:
        raise Missing("Say which role you give back: drop scribe.", incident=number)
    if number is None and more:
        number, more = about(more)
    if more:
        raise Problem(f"“{free(more, escaped)[:60]}” is not an incident. Write its code, for example INC-7.")
    return Drop(role, number)


def _role_and_rest(rest: str, escaped: bool) -> tuple[int | None, str, str]:
    number, rest = about(rest)
    word, more = pop(rest)
    if word and word.lower() not in ROLES:
        close = difflib.get_close_matches(word.lower()[:40], ROLES, n=1)
        raise Problem(f"“{free(word, escaped)[:60]}” is not a role.", *close)
    return number, ROLES[word.lower()] if word else "", more


def read_impact(rest: str, escaped: bool) -> Affect:
    """Read what follows `impact`. Raise Problem."""
    number, rest = about(rest)
    word, rest = pop(rest)
    if not word:
        raise Missing(f"Say who is hit: {', '.join(IMPACTS)}.", incident=number)
    if word.lower() not in IMPACTS:
        close = difflib.get_close_matches(word.lower()[:40], IMPACTS, n=1)
        raise Problem(f"“{free(word, escaped)[:60]}” is not one of {', '.join(IMPACTS)}.", *close)
    next_word, more = pop(rest)
    urgency = URGENCIES.get(next_word.lower(), "")
    return Affect(IMPACTS[word.lower()], urgency, number, free(more if urgency else rest, escaped))


def read_page(rest: str, escaped: bool) -> Page:
    """Read what follows `page`. Raise Problem."""
    number, rest = about(rest)
    word, reason = pop(rest)
    if not word:
        raise Missing("Say who is called: @ben, @oncall, ic, or service:payments.", incident=number)
    meant = called_by(word, escaped)
    if meant is None:
        said = free(word, escaped)[:60]
        close = difflib.get_close_matches(word.lower()[:40], [*ROLES, *CALLED], n=1)
        nearest = [f"page {each}" for each in [*close, f"group:{said}"]]
        raise Problem(f"“{said}” names nobody. Write @ben, group:oncall, ic, or service:payments.", *nearest)
    return replace(meant, reason=lines(reason, escaped), incident=number)


def called_by(word: str, escaped: bool) -> Page | None:
    """Return whom the word calls: a person, a user group, a role, a service; None if it names nobody."""
    group, label = group_in(word) if escaped else ("", "")
    if group:
        return Page(team=plain(label), group=group)
    if person := person_in(word, escaped):
        return Page(person)
    role = ROLES.get(word.lower()) or CALLED.get(word.lower(), "")
    if role:
        return Page(role=role)
    kind, _, name = word.partition(":")
    name = free(name, escaped).lstrip("@")[:100]
    if name and kind.lower() == "group":
        return Page(team=f"@{name}", group=f"@{name.casefold()}")
    return Page(team=name) if name and kind.lower() in {"service", "team"} else None
