"""Reads one sentence, `declare sev2 Checkout fails`, into a Command, or into a Suggestion of what was meant.

Slack, the console's palette and a command line say the same sentences. Nothing here knows Slack, except that its
texts arrive escaped (`escaped=True`): `<@U123|ben>` for a person, `&amp;` for an ampersand. No text makes it raise.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable

from chatops.arguments import (
    About,
    Accept,
    Args,
    Assign,
    Cancel,
    Classify,
    Command,
    Declare,
    Duplicate,
    HandOver,
    Help,
    Listing,
    Person,
    Suggestion,
    TaskDone,
    Todo,
)
from chatops.tokens import clean, mentioned_id, number_of, plain, pop, tokens_of
from chatops.vocabulary import BY_WORD, CLOSURES, DEFAULT_SEVERITY, FLAGS, LISTS, ROLES, SEVERITIES, VERBS, Verb

__all__ = [
    "About",
    "Accept",
    "Args",
    "Assign",
    "Cancel",
    "Classify",
    "Command",
    "Declare",
    "Duplicate",
    "HandOver",
    "Help",
    "Listing",
    "Person",
    "Suggestion",
    "TaskDone",
    "Todo",
    "parse",
]


class _Problem(Exception):
    def __init__(self, problem: str, *nearest: str) -> None:
        super().__init__(problem)
        self.nearest = nearest


class _Missing(_Problem):
    """Something is missing; `given` is what was said."""

    def __init__(self, problem: str, **given: str | int | None) -> None:
        super().__init__(problem)
        self.given = {name: str(value) for name, value in given.items() if value}


# Telephones and word processors turn two hyphens into a dash, and straight quotes into curly ones.
_FLAG = re.compile(
    r"(?<!\S)(--|\u2014|\u2013)(?P<name>\w[\w-]{0,30})"
    r"(?:(?:=|\s+)(?P<value>\"[^\"]{0,200}\"|\u201c[^\u201d]{0,200}\u201d|\S+))?"
)


def parse(text: str, *, escaped: bool = False) -> Command | Suggestion:
    """Return what `text` says, or a Suggestion. Nothing said at all is a call for help."""
    rest = clean(text)
    first, rest = pop(rest)
    if not first:
        return Command("help", Help())
    number = number_of(first)
    if number is not None:
        first, rest = pop(rest)
        if not first:
            return Command("status", About(number))
        rest = f"INC-{number} {rest}"
    word = first.lower().strip(":,.!/") or first
    if word in ROLES:
        word, rest = "assign", f"{word} {rest}"
    verb = BY_WORD.get(word) or BY_WORD.get(first.lower())
    if verb is None:
        return _unknown(word, rest, escaped=escaped)
    try:
        return Command(verb.name, _READERS[verb.name](rest, escaped))
    except _Missing as missing:
        return Suggestion(str(missing), (), verb.name, missing.given, is_unfinished=True)
    except _Problem as problem:
        return Suggestion(str(problem), problem.nearest, verb.name)


def _unknown(word: str, rest: str, *, escaped: bool) -> Suggestion:
    if word in SEVERITIES:
        said = _free(rest, escaped) or "what is broken"
        return Suggestion(f"“{word}” alone does not say what to do.", (f"declare {word} {said}", f"classify {word}"))
    known = [*BY_WORD, *ROLES]
    close = difflib.get_close_matches(word[:40], known, n=5, cutoff=0.6)
    names = dict.fromkeys("assign" if each in ROLES else BY_WORD[each].name for each in close)
    shown = word if len(word) <= 40 else f"{word[:39]}…"
    return Suggestion(f"There is no verb “{plain(shown) if escaped else shown}”.", tuple(names)[:3])


def _free(text: str, escaped: bool) -> str:
    return " ".join((plain(text) if escaped else text).split())


def _lines(text: str, escaped: bool) -> str:
    return "\n".join(_free(line, escaped) for line in text.splitlines()).strip()


def _about(text: str) -> tuple[int | None, str]:
    token, rest = pop(text)
    number = number_of(token)
    return (None, text) if number is None else (number, rest)


def _read_declare(rest: str, escaped: bool) -> Declare:
    said, rest = _flags(rest)
    tokens = tokens_of(rest)
    for at in (0, -1):
        if tokens and tokens[at].lower() in SEVERITIES and "severity" not in said:
            said["severity"] = tokens.pop(at)
    severity = said.pop("severity", "")
    title = _free(" ".join(tokens), escaped)
    if not title:
        known = {"severity": _severity(severity) if severity else "", **said}
        raise _Missing("Say what is broken: that becomes the incident's title.", **known)
    return Declare(
        title=title,
        severity=_severity(severity) if severity else DEFAULT_SEVERITY,
        severity_said=bool(severity),
        **{name: _free(value, escaped) for name, value in said.items()},
    )


def _flags(text: str) -> tuple[dict[str, str], str]:
    """Return the flags' values by argument, and the text without them. A dash before another word is text."""
    said: dict[str, str] = {}

    def take(flag: re.Match[str]) -> str:
        word = flag["name"].lower()
        if word not in FLAGS:
            close = difflib.get_close_matches(word, FLAGS, n=1, cutoff=0.7)
            if close:
                raise _Problem(f"There is no flag --{word}.", f"--{close[0]}")
            return flag[0]
        value = (flag["value"] or "").strip('"\u201c\u201d ')
        if not value or value.startswith("--"):
            raise _Problem(f"--{word} needs a value: --{word} name.")
        if FLAGS[word] in said:
            raise _Problem(f"--{word} is there twice.")
        said[FLAGS[word]] = value
        return ""

    return said, _FLAG.sub(take, text)


def _severity(word: str) -> str:
    key = word.lower()
    key = key if key in SEVERITIES else f"sev{key}"
    if key not in SEVERITIES:
        raise _Problem("Say the severity: sev1, sev2, sev3 or sev4.")
    return SEVERITIES[key]


def _read_classify(rest: str, escaped: bool) -> Classify:
    number, rest = _about(rest)
    word, rest = pop(rest)
    if not word:
        raise _Missing("Say the severity: sev1, sev2, sev3 or sev4.", incident=number)
    severity = _severity(word)
    if number is None:
        number, rest = _about(rest)
    return Classify(severity, number, _free(rest, escaped))


def _read_assign(rest: str, escaped: bool) -> Assign:
    number, role, person = None, "", None
    for token in tokens_of(rest):
        found, user_id = number_of(token), mentioned_id(token) if escaped else ""
        if found is not None and number is None:
            number = found
        elif token.lower() in ROLES and not role:
            role = ROLES[token.lower()]
        elif person is None and (user_id or (token.startswith("@") and len(token) > 1)):
            person = Person(id=user_id) if user_id else Person(name=_free(token[1:], escaped))
        elif token.lower() != "me":
            words = difflib.get_close_matches(token.lower()[:40], ROLES, n=1)
            raise _Problem(f"“{_free(token[:60], escaped)}” is neither a role nor a person.", *words)
    if not role:
        named = {"person": person.id} if person else {}
        raise _Missing("Say which role: ic, deputy, comms, ops, scribe or privacy.", incident=number, **named)
    return Assign(role, person, number)


def _person_in(token: str, escaped: bool) -> Person | None:
    """Return whom the word names; None if it names nobody."""
    if user_id := mentioned_id(token) if escaped else "":
        return Person(id=user_id)
    return Person(name=_free(token[1:], escaped)) if token.startswith("@") and len(token) > 1 else None


def _read_accept(rest: str, escaped: bool) -> Accept:
    number, rest = _about(rest)
    word, more = pop(rest)
    if number is None and more:
        number, more = _about(more)
    if more or (word and word.lower() not in ROLES):
        close = difflib.get_close_matches(word.lower()[:40], ROLES, n=1)
        raise _Problem(f"“{_free(rest, escaped)[:60]}” is not a role.", *(f"accept {each}" for each in close))
    return Accept(ROLES[word.lower()] if word else "", number)


def _read_handover(rest: str, escaped: bool) -> HandOver:
    number, rest = _about(rest)
    role, rest = pop(rest)
    person, note = pop(rest)
    named = _person_in(person, escaped)
    known = {"role": ROLES.get(role.lower(), ""), "person": named.id if named else "", "incident": number}
    if role and role.lower() not in ROLES:
        raise _Problem(f"“{_free(role[:60], escaped)}” is not a role.")
    if not role or named is None or not note:
        raise _Missing("Say which role, to whom, and what they must know: ic @cora The rollback runs.", **known)
    return HandOver(ROLES[role.lower()], named, _lines(note, escaped), number)


def _read_todo(rest: str, escaped: bool) -> Todo:
    number, rest = _about(rest)
    tokens = tokens_of(rest)
    person = _person_in(tokens[-1], escaped) if tokens else None
    text = _free(" ".join(tokens[:-1] if person else tokens), escaped)
    if not text:
        raise _Missing("Say what is to be done.", incident=number, person=person.id if person else "")
    return Todo(text, person, number)


def _read_done(rest: str, escaped: bool) -> TaskDone:
    number, rest = _about(rest)
    token, more = pop(rest)
    word = token.lstrip("#")
    if not token:
        raise _Missing("Say which task by its number: tasks lists them.", incident=number)
    if more or not (word.isascii() and word.isdigit() and len(word) < 10):
        raise _Problem(f"“{_free(rest, escaped)[:60]}” is not a task. Write its number, for example done 2.", "tasks")
    return TaskDone(int(word), number)


def _read_cancel(rest: str, escaped: bool) -> Cancel:
    number, rest = _about(rest)
    word, reason = pop(rest)
    key = word.lower().replace("_", "-")
    if not word:
        raise _Missing(f"Say in one word why it was none: {', '.join(CLOSURES)}.", incident=number)
    if key not in CLOSURES:
        close = difflib.get_close_matches(key[:40], CLOSURES, n=1)
        said = f"“{_free(word[:60], escaped)}” is not one of {', '.join(CLOSURES)}."
        raise _Problem(said, *(f"cancel {each}" for each in close))
    return Cancel(CLOSURES[key], _lines(reason, escaped), number)


def _read_duplicate(rest: str, escaped: bool) -> Duplicate:
    tokens = [each for each in tokens_of(rest) if each.lower() != "of"]
    numbers = [number_of(each) for each in tokens]
    if not tokens:
        raise _Missing("Say of which incident: duplicate of INC-7.")
    if None in numbers or len(numbers) > 2:
        raise _Problem(f"“{_free(rest, escaped)[:60]}” does not name incidents. Write duplicate INC-8 of INC-7.")
    known = [number for number in numbers if number is not None]
    return Duplicate(known[-1], known[0] if len(known) == 2 else None)


def _read_about(rest: str, escaped: bool) -> About:
    number, rest = _about(rest)
    return About(number, _lines(rest, escaped))


def _with_text(complaint: str) -> Callable[[str, bool], About]:
    def read(rest: str, escaped: bool) -> About:
        args = _read_about(rest, escaped)
        if not args.text:
            raise _Missing(complaint, incident=args.incident)
        return args

    return read


def _read_one(rest: str, escaped: bool) -> About:
    """Read a verb that takes an incident and no text; there a bare number will do."""
    token, more = pop(rest)
    number = int(token) if token.isascii() and token.isdigit() and len(token) < 10 else number_of(token)
    if more or (token and number is None):
        raise _Problem(f"“{_free(rest, escaped)[:60]}” is not an incident. Write its code, for example INC-7.")
    return About(number)


def _read_list(rest: str, escaped: bool) -> Listing:
    word = rest.lower()
    if word and word not in LISTS:
        close = difflib.get_close_matches(word[:40], LISTS, n=1)
        raise _Problem(f"There is no list “{_free(rest, escaped)[:60]}”.", *(f"list {each}" for each in close))
    return Listing(word or "open")


def _read_help(rest: str, escaped: bool) -> Help:
    word = pop(rest)[0].lower()
    if not word:
        return Help()
    verb: Verb | None = BY_WORD.get("assign" if word in ROLES else word)
    if verb is None:
        raise _Problem(f"There is no verb “{_free(word, escaped)[:40]}”.", *_near_verbs(word))
    return Help(verb.name)


def _near_verbs(word: str) -> list[str]:
    return [f"help {each}" for each in difflib.get_close_matches(word[:40], [verb.name for verb in VERBS], n=1)]


_READERS: dict[str, Callable[[str, bool], Args]] = {
    "declare": _read_declare,
    "ack": _read_one,
    "classify": _read_classify,
    "assign": _read_assign,
    "update": _with_text("Say what is new."),
    "decide": _with_text("Say what was decided, and why."),
    "accept": _read_accept,
    "handover": _read_handover,
    "task": _read_todo,
    "tasks": _read_one,
    "done": _read_done,
    "cancel": _read_cancel,
    "duplicate": _read_duplicate,
    "mitigated": _read_about,
    "monitoring": _read_about,
    "resolved": _read_about,
    "reopen": _with_text("Say why it is open again."),
    "status": _read_one,
    "list": _read_list,
    "help": _read_help,
}
