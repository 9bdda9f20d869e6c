"""Reads one sentence, `declare sev2 Checkout fails`, into a Command, or into a Suggestion of what was meant.

Slack, the console's palette and a command line say the same sentences. Nothing here knows Slack, except that its
texts arrive escaped (`escaped=True`): `<@U123|ben>` for a person, `&amp;` for an ampersand. No text makes it raise.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable

from chatops.commands import readers, record_readers
from chatops.commands.arguments import About, Args, Command, Help, Listing, Suggestion
from chatops.commands.phrases import BY_WORD, VERBS, Verb
from chatops.commands.reading import Missing, Problem, about, free, lines
from chatops.commands.tokens import clean, number_of, plain, pop
from chatops.commands.vocabulary import CLOSURES, LISTS, ROLES, SEVERITIES
from conductor.lib.numbers import whole_number


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
    word, rest = _shorthand(first.lower().strip(":,.!/") or first, rest)
    verb = BY_WORD.get(word) or BY_WORD.get(first.lower())
    if verb is None:
        return _unknown(word, rest, escaped=escaped)
    try:
        return Command(verb.name, _READERS[verb.name](rest, escaped))
    except Missing as missing:
        return Suggestion(str(missing), (), verb.name, missing.given, is_unfinished=True)
    except Problem as problem:
        return Suggestion(str(problem), problem.nearest, verb.name)


def _shorthand(word: str, rest: str) -> tuple[str, str]:
    """Return verb and rest for what is said in short: a role's word, why it was none, and `sev matrix`."""
    closure = word.replace("_", "-")
    if word in ROLES:
        return "assign", f"{word} {rest}"
    if closure in CLOSURES and word not in BY_WORD:
        return "cancel", f"{closure} {rest}"
    verb = BY_WORD.get(word)
    if verb is not None and verb.name == "classify" and rest.lower() == "matrix":
        return "matrix", ""
    return word, rest


def _unknown(word: str, rest: str, *, escaped: bool) -> Suggestion:
    if word in SEVERITIES:
        said = free(rest, escaped) or "what is broken"
        return Suggestion(f"“{word}” alone does not say what to do.", (f"declare {word} {said}", f"classify {word}"))
    known = [*BY_WORD, *ROLES]
    close = difflib.get_close_matches(word[:40], known, n=5, cutoff=0.6)
    names = dict.fromkeys("assign" if each in ROLES else BY_WORD[each].name for each in close)
    shown = word if len(word) <= 40 else f"{word[:39]}…"
    return Suggestion(f"There is no verb “{plain(shown) if escaped else shown}”.", tuple(names)[:3])


def _read_about(rest: str, escaped: bool) -> About:
    number, rest = about(rest)
    return About(number, lines(rest, escaped))


def _with_text(complaint: str) -> Callable[[str, bool], About]:
    def read(rest: str, escaped: bool) -> About:
        args = _read_about(rest, escaped)
        if not args.text:
            raise Missing(complaint, incident=args.incident)
        return args

    return read


def _read_one(rest: str, escaped: bool) -> About:
    """Read a verb that takes an incident and no text; there a bare number will do."""
    token, more = pop(rest)
    number = bare if (bare := whole_number(token)) is not None else number_of(token)
    if more or (token and number is None):
        raise Problem(f"“{free(rest, escaped)[:60]}” is not an incident. Write its code, for example INC-7.")
    return About(number)


def _read_list(rest: str, escaped: bool) -> Listing:
    word = rest.lower()
    if word and word not in LISTS:
        close = difflib.get_close_matches(word[:40], LISTS, n=1)
        raise Problem(f"There is no list “{free(rest, escaped)[:60]}”.", *(f"list {each}" for each in close))
    return Listing(word or "open")


def _read_help(rest: str, escaped: bool) -> Help:
    word = pop(rest)[0].lower()
    if not word:
        return Help()
    verb: Verb | None = BY_WORD.get("assign" if word in ROLES else word)
    if verb is None:
        raise Problem(f"There is no verb “{free(word, escaped)[:40]}”.", *_near_verbs(word))
    return Help(verb.name)


def _near_verbs(word: str) -> list[str]:
    return [f"help {each}" for each in difflib.get_close_matches(word[:40], [verb.name for verb in VERBS], n=1)]


_READERS: dict[str, Callable[[str, bool], Args]] = {
    "declare": readers.read_declare,
    "ack": _read_one,
    "classify": readers.read_classify,
    "impact": readers.read_impact,
    "matrix": record_readers.read_nothing,
    "title": _with_text("Say what it is called now."),
    "summary": _with_text("Say what is known."),
    "type": _with_text("Say what kind of trouble it is, in a word."),
    "page": readers.read_page,
    "postmortem": _read_one,
    "export": record_readers.read_export,
    "assign": readers.read_assign,
    "update": record_readers.read_update,
    "note": record_readers.read_note,
    "decide": _with_text("Say what was decided, and why."),
    "accept": readers.read_accept,
    "decline": readers.read_decline,
    "handover": readers.read_handover,
    "drop": readers.read_drop,
    "who": _read_one,
    "task": record_readers.read_todo,
    "tasks": _read_one,
    "done": readers.read_done,
    "followup": record_readers.read_follow_up,
    "followups": _read_one,
    "link": record_readers.read_link,
    "ticket": record_readers.read_ticket,
    "tickets": _read_one,
    "cancel": readers.read_cancel,
    "duplicate": readers.read_duplicate,
    "mitigated": _read_about,
    "monitoring": _read_about,
    "resolved": _read_about,
    "reopen": _with_text("Say why it is open again."),
    "clock": _read_one,
    "cost": _read_one,
    "status": _read_one,
    "list": _read_list,
    "find": record_readers.read_find,
    "help": _read_help,
}
