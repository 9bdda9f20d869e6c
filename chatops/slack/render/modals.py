"""The forms as Slack's modals, and what comes back from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core import signing

from chatops.commands.answers import Block, cut, mrkdwn, plain_text, section
from chatops.commands.forms import FORMS, Field
from chatops.commands.menus import READ, Menus, only_one
from chatops.commands.vocabulary import CLOSURES, ROLE_LABELS, SEVERITY_WORDS
from incidents.models.incident import Incident

SALT = "chatops.modal"
INCIDENT_FIELD = "incident"
OPTIONS_LIMIT = 100
INPUT_LIMIT = 3000
VALUE = "value"
"""action_id of every input; its block's id is the field's name."""

View = dict[str, Any]


class ModalRefused(Exception):
    """What came back was not given out by us to this organisation."""


@dataclass(frozen=True)
class Opened:
    """What a modal remembers while it is open. It is signed; rights and versions are checked when it comes back."""

    verb: str
    tenant_id: UUID
    incident: int | None = None
    status: str = ""
    """The incident's status when the modal was opened."""
    origin: str = ""
    """Id of the request that opened it, whose channel hears the answer."""
    source: str = ""
    """Message that it is about, `C0…:ts`, for the message shortcut."""


def modal(
    *,
    opened: Opened,
    incident: Incident | None,
    candidates: Sequence[Incident],
    menus: Menus,
    given: Mapping[str, str],
) -> View:
    """Return the verb's modal, filled in with what was given. Without `incident` it asks for one of `candidates`.

    A menu out of `menus` that has nothing to choose from is left out.
    """
    form = FORMS[opened.verb]
    blocks: list[Block] = []
    if form.is_about_one and incident is not None:
        shown = (
            f"*{incident.code}*  {incident.severity}  {incident.get_status_display()}\n{mrkdwn(incident.title, 150)}"
        )
        blocks.append(section(shown))
    elif form.is_about_one:
        blocks.append(which_incident(candidates))
    asked = [each for each in form.fields if each.kind not in READ or menus.get(each.kind)]
    blocks += [_input(each, given.get(each.name, "") or only_one(each, menus), menus) for each in asked]
    return frame(form.title, form.submit, callback=f"verb:{opened.verb}", opened=opened, blocks=blocks)


def frame(title: str, submit: str, *, callback: str, opened: Opened, blocks: list[Block]) -> View:
    """Return a modal round these blocks, which remembers `opened`."""
    remembered = [
        opened.verb,
        opened.tenant_id.hex,
        opened.incident,
        opened.status,
        opened.origin,
        opened.source,
    ]
    return {
        "type": "modal",
        "callback_id": callback,
        "private_metadata": signing.Signer(salt=SALT).sign_object(remembered),
        "title": plain_text(title, 24),
        "submit": plain_text(submit, 24),
        "close": plain_text("Cancel", 24),
        "blocks": blocks,
    }


def notice(text: str) -> View:
    """Return a modal that only says something, in place of one that is open."""
    return {
        "type": "modal",
        "title": plain_text("Maestro Conductor", 24),
        "close": plain_text("Close", 24),
        "blocks": [section(mrkdwn(text))],
    }


def opened_as(view: Mapping[str, Any], *, tenant_id: UUID) -> Opened:
    """Return what the modal remembers; raise ModalRefused if it is not ours or another organisation's."""
    try:
        verb, owner, incident, status, origin, source = signing.Signer(salt=SALT).unsign_object(
            view.get("private_metadata", "")
        )
    except (signing.BadSignature, ValueError) as error:
        raise ModalRefused from error
    if owner != tenant_id.hex or (verb not in FORMS and verb != "capture"):
        raise ModalRefused
    return Opened(verb, tenant_id, incident, status, origin, source)


def values_of(view: Mapping[str, Any]) -> dict[str, str]:
    """Return what was filled in, by field; what was left empty is missing."""
    found = {}
    for name, block in view.get("state", {}).get("values", {}).items():
        value = _value(block.get(VALUE, {}))
        if value:
            found[name] = value
    return found


def _value(element: Mapping[str, Any]) -> str:
    if option := element.get("selected_option"):
        return str(option["value"])
    return str(element.get("selected_user") or element.get("value") or "").strip()


def which_incident(candidates: Sequence[Incident]) -> Block:
    """Return the menu that asks which incident is meant."""
    options = [
        option(f"{each.code} {each.severity} {each.title}", str(each.number)) for each in candidates[:OPTIONS_LIMIT]
    ]
    element = {"type": "static_select", "action_id": VALUE, "placeholder": plain_text("Choose one", 150)}
    return _block(INCIDENT_FIELD, "Which incident?", {**element, "options": options})


def option(label: str, value: str) -> Block:
    """Return a choice of a menu."""
    return {"text": plain_text(label, 75), "value": value}


def _input(field: Field, given: str, menus: Menus) -> Block:
    element = _ELEMENTS[field.kind](field, given, menus)
    return _block(field.name, field.label, element, optional=field.optional, hint=field.hint)


def _block(name: str, label: str, element: Block, *, optional: bool = False, hint: str = "") -> Block:
    block: Block = {
        "type": "input",
        "block_id": name,
        "label": plain_text(label, 2000),
        "element": element,
        "optional": optional,
    }
    return {**block, "hint": plain_text(hint, 2000)} if hint else block


def _writing(field: Field, given: str, menus: Menus) -> Block:
    element: Block = {"type": "plain_text_input", "action_id": VALUE, "max_length": min(field.most, INPUT_LIMIT)}
    if field.kind == "text":
        element["multiline"] = True
    if given:
        element["initial_value"] = cut(given, min(field.most, INPUT_LIMIT)) if field.kind == "line" else given[:1500]
    return element


def _menu(options: list[Block], given: str) -> Block:
    element: Block = {"type": "static_select", "action_id": VALUE, "placeholder": plain_text("Choose one", 150)}
    chosen = [each for each in options if each["value"] == given]
    return {**element, "options": options, **({"initial_option": chosen[0]} if chosen else {})}


def _severities(field: Field, given: str, menus: Menus) -> Block:
    return _menu([option(f"{key}  {words}", key) for key, words in SEVERITY_WORDS.items()], given)


def _roles(field: Field, given: str, menus: Menus) -> Block:
    return _menu([option(label, key) for key, label in ROLE_LABELS.items()], given)


def _closures(field: Field, given: str, menus: Menus) -> Block:
    return _menu([option(word.replace("-", " ").capitalize(), key) for word, key in CLOSURES.items()], given)


def _choices(field: Field, given: str, menus: Menus) -> Block:
    return _menu([option(label, key) for label, key in field.choices], given)


def _listed(field: Field, given: str, menus: Menus) -> Block:
    return _menu([option(label, value) for value, label in menus[field.kind][:OPTIONS_LIMIT]], given)


def _person(field: Field, given: str, menus: Menus) -> Block:
    element: Block = {"type": "users_select", "action_id": VALUE, "placeholder": plain_text("Choose somebody", 150)}
    return {**element, "initial_user": given} if given else element


_ELEMENTS: dict[str, Callable[[Field, str, Menus], Block]] = {
    "line": _writing,
    "text": _writing,
    "severity": _severities,
    "role": _roles,
    "closure": _closures,
    "person": _person,
    "choice": _choices,
    **dict.fromkeys(READ, _listed),
}
