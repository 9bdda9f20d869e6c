"""The forms of the verbs as the console draws them: the same fields as in Slack, filled in with what was given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User

from chatops.commands import lookup
from chatops.commands.arguments import Command, Person
from chatops.commands.forms import FORMS, Field, command_of
from chatops.commands.menus import READ, Menus, Options, menus_of, only_one
from chatops.commands.vocabulary import ALSO_OVER, CLOSURES, ROLE_LABELS, SEVERITY_WORDS
from conductor.lib.numbers import whole_number
from incidents.access.people import responders
from incidents.models.incident import Incident

INCIDENT = "incident"


@dataclass(frozen=True)
class Shown:
    """One field as the page draws it."""

    name: str
    kind: str
    """line, text, or menu."""
    label: str
    value: str
    hint: str = ""
    optional: bool = False
    most: int = 0
    options: Options = ()
    error: str = ""
    empty: str = ""
    """What the menu says while nothing is chosen."""


def form_of(
    verb: str, *, given: Mapping[str, str], user: User, now: datetime, errors: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return title, submit and fields of the verb's form. It asks which incident where it is about one."""
    form, wrong = FORMS[verb], errors or {}
    which, meant = _which(verb, given, user, now, wrong.get(INCIDENT, "")) if form.is_about_one else (None, None)
    menus = menus_of(form, incident=meant)
    asked = [each for each in form.fields if each.kind not in READ or menus.get(each.kind)]
    shown = [which] if which else []
    shown += [
        _shown(each, given.get(each.name, "") or only_one(each, menus), menus, wrong.get(each.name, ""))
        for each in asked
    ]
    return {"verb": verb, "title": form.title, "submit": form.submit, "fields": shown, "error": wrong.get("", "")}


def said_in(posted: Mapping[str, str]) -> Command:
    """Return what a filled-in form says. Raise LookupError for a verb without a form."""
    verb = posted.get("verb", "")
    if verb not in FORMS:
        raise LookupError(verb)
    incident = whole_number(posted.get(INCIDENT, ""))
    values = {each.name: posted.get(each.name, "").strip()[: each.most] for each in FORMS[verb].fields}
    said = command_of(verb, incident=incident, values=values)
    # Here people are named as members; the id in a form is the chat's.
    named: dict[str, Any] = {
        each.name: Person(name=value.id)
        for each in fields(said.args)
        if isinstance(value := getattr(said.args, each.name), Person)
    }
    return Command(said.verb, replace(said.args, **named))


def _which(verb: str, given: Mapping[str, str], user: User, now: datetime, error: str) -> tuple[Shown, Incident | None]:
    """Return the menu of incidents, and the one that is meant, if that is clear."""
    chosen = given.get(INCIDENT, "")
    try:
        meant, candidates = lookup.meant_or_candidates(
            number=int(chosen) if chosen.isdigit() and len(chosen) < 10 else None,
            user=user,
            now=now,
            is_over=verb == "reopen",
            also_over=verb in ALSO_OVER,
            at=("", ""),
        )
    except lookup.IncidentNotNamed as unclear:
        return Shown(INCIDENT, "menu", "Which incident?", "", error=error or unclear.detail), None
    found = [meant] if meant is not None else candidates
    options = [(str(each.number), f"{each.code} {each.severity} {each.title}") for each in found]
    chosen = options[0][0] if meant else ""
    return Shown(INCIDENT, "menu", "Which incident?", chosen, options=options, error=error), meant


def _shown(field: Field, value: str, menus: Menus, error: str) -> Shown:
    kind = field.kind if field.kind in {"line", "text"} else "menu"
    options = _options(field, menus)
    return Shown(
        field.name, kind, field.label, value, field.hint, field.optional, field.most, options, error, field.empty
    )


def _options(field: Field, menus: Menus) -> Options:
    if field.kind == "person":
        return [(each.username, each.name) for each in responders()]
    found: dict[str, Options] = {
        "severity": [(key, f"{key} {words}") for key, words in SEVERITY_WORDS.items()],
        "role": list(ROLE_LABELS.items()),
        "closure": [(key, word.replace("-", " ").capitalize()) for word, key in CLOSURES.items()],
        "choice": [(value, label) for label, value in field.choices],
    }
    return found.get(field.kind) or menus.get(field.kind, ())
