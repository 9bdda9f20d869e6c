"""Reads what follows a verb that adds to the record: updates, notes, tasks, action items, links."""

from __future__ import annotations

import difflib

from chatops.commands.arguments import About, Export, FollowUp, Link, Note, OpenTicket, Person, Search, Todo, Update
from chatops.commands.reading import (
    Missing,
    Problem,
    about,
    due_said,
    flags,
    free,
    lines,
    moment_said,
    person_in,
    span_said,
)
from chatops.commands.tokens import item_number_of, number_of, plain, pop, tokens_of
from chatops.commands.vocabulary import (
    AUDIENCES,
    DEFAULT_FOLLOW_UP,
    FOLLOW_UPS,
    FORMATS,
    LINKS,
    NOTE_FLAGS,
    UPDATE_FLAGS,
)

_AUDIENCE_SWITCHES = {word: ("audience", key) for word, key in AUDIENCES.items()}


def read_update(rest: str, escaped: bool) -> Update:
    """Read what follows `update`. Raise Problem."""
    said, rest = flags(rest, UPDATE_FLAGS, _AUDIENCE_SWITCHES)
    number, rest = about(rest.strip())
    text = lines(rest, escaped)
    promised = span_said(said.get("next", ""), "in how long the next update comes")
    if not text:
        raise Missing("Say what is new.", incident=number, audience=said.get("audience"), next=promised)
    return Update(text, number, said.get("audience", ""), promised)


def read_note(rest: str, escaped: bool) -> Note:
    """Read what follows `note`. Raise Problem."""
    said, rest = flags(rest, NOTE_FLAGS, {})
    number, rest = about(rest.strip())
    text, at = lines(rest, escaped), moment_said(said.get("at", ""))
    if not text:
        raise Missing("Say what you observed.", incident=number, at=at)
    return Note(text, number, at)


def read_todo(rest: str, escaped: bool) -> Todo:
    """Read what follows `task`. Raise Problem."""
    number, rest = about(rest)
    tokens, person, due, _ = _tail(tokens_of(rest), escaped)
    text = free(" ".join(tokens), escaped)
    if not text:
        raise Missing("Say what is to be done.", incident=number, person=person.id if person else "", due=due)
    return Todo(text, person, number, due)


def read_follow_up(rest: str, escaped: bool) -> FollowUp:
    """Read what follows `followup`. Raise Problem."""
    number, rest = about(rest)
    tokens, person, due, kind = _tail(tokens_of(rest), escaped, has_type=True)
    text = free(" ".join(tokens), escaped)
    if not text:
        known = {"person": person.id if person else "", "due": due, "type": kind}
        raise Missing("Say what is to be done afterwards.", incident=number, **known)
    return FollowUp(text, person, number, due, kind or DEFAULT_FOLLOW_UP)


def _tail(tokens: list[str], escaped: bool, *, has_type: bool = False) -> tuple[list[str], Person | None, str, str]:
    """Return the words before `@person`, `due 2d` and the type, which stand last in any order, and those three."""
    person, due, kind = None, "", ""
    while tokens:
        if person is None and (named := person_in(tokens[-1], escaped)):
            person, tokens = named, tokens[:-1]
        elif not due and len(tokens) > 1 and tokens[-2].lower() == "due":
            due, tokens = due_said(tokens[-1]), tokens[:-2]
        elif has_type and not kind and tokens[-1].lower() in FOLLOW_UPS and len(tokens) > 1:
            kind, tokens = FOLLOW_UPS[tokens[-1].lower()], tokens[:-1]
        else:
            break
    return tokens, person, due, kind


def read_link(rest: str, escaped: bool) -> Link:
    """Read what follows `link`: one target, or the incident that it is about and then the target. Raise Problem."""
    tokens = tokens_of(rest)
    kind = LINKS.get(tokens[-1].lower().replace("-", "_"), "") if tokens else ""
    tokens = tokens[:-1] if kind else tokens
    number = number_of(tokens[0]) if len(tokens) > 1 else None
    targets = tokens[1:] if number is not None else tokens
    if not targets:
        raise Missing("Say to what: INC-9, an address, or service:checkout.", incident=number, kind=kind)
    target = (plain(targets[0]) if escaped else targets[0]).partition(" (")[0]
    if len(targets) > 1:
        # Two incidents and a word: the word is meant to say how.
        close = difflib.get_close_matches(targets[-1].lower()[:40], LINKS, n=1)
        raise Problem(f"“{free(targets[-1], escaped)[:60]}” does not say how. Write related or caused_by.", *close)
    code = number_of(target)
    if code is None and not target.startswith(("https://", "http://", "service:")):
        said = free(target, escaped)[:60]
        raise Problem(f"“{said}” is nothing to link to. Name INC-9, an address, or service:checkout.")
    return Link(f"INC-{code}" if code is not None else target, kind, number)


def read_export(rest: str, escaped: bool) -> Export:
    """Read what follows `export`. Raise Problem."""
    number, rest = about(rest)
    word, more = pop(rest)
    if number is None and more:
        number, more = about(more)
    if more or (word and word.lower() not in FORMATS):
        close = difflib.get_close_matches(word.lower()[:40], FORMATS, n=1)
        said = free(rest, escaped)[:60]
        raise Problem(f"“{said}” is not one of {', '.join(FORMATS)}.", *(f"export {each}" for each in close))
    return Export(word.lower(), number)


def read_ticket(rest: str, escaped: bool) -> OpenTicket:
    """Read what follows `ticket`: the incident or one of its action items, then the tracker. Raise Problem."""
    number, rest = about(rest)
    token, more = pop(rest)
    item = item_number_of(token)
    if item is not None:
        rest = more
        if number is None:
            number, rest = about(rest)
    tracker = free(rest, escaped)
    tracker = tracker[3:] if tracker.lower().startswith("in ") else tracker
    if number is None and item is None and not tracker:
        raise Missing("Say about what: INC-7, or one of its action items, A-3.")
    return OpenTicket(item, tracker[:80], number)


def read_find(rest: str, escaped: bool) -> Search:
    """Read what follows `find`. Raise Problem."""
    text = free(rest, escaped)
    if not text:
        raise Missing("Say which words to look for.")
    return Search(text[:200])


def read_nothing(rest: str, escaped: bool) -> About:
    """Read what follows a verb that takes nothing. Raise Problem."""
    if rest:
        raise Problem(f"“{free(rest, escaped)[:60]}” does not belong here.")
    return About()
