"""Buttons and what they carry: signed, so that a value made up elsewhere does nothing; rights are checked as ever."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from django.core import signing

from chatops.commands.answers import Block, plain_text

SALT = "chatops.button"
VALUE_LIMIT = 2000
DO, FORM = "do", "form"
"""What pressing means: carry the verb out, or open its modal."""


class ButtonRefused(Exception):
    """The value is not one that we gave to this organisation."""


@dataclass(frozen=True)
class Press:
    """What a button says when it is pressed."""

    verb: str
    incident: int | None = None
    given: Mapping[str, str] = field(default_factory=dict)
    """Values of the verb's form, by field, which its modal is filled in with."""


def button(*, tenant_id: UUID, label: str, press: Press, how: str = DO, style: str = "", place: str = "") -> Block:
    """Return a button. `style` is primary or danger; `place` tells apart two of the same verb in one row."""
    element: Block = {
        "type": "button",
        "action_id": ":".join(part for part in (how, press.verb, place) if part),
        "text": plain_text(label, 75),
        "value": pack(tenant_id=tenant_id, press=press),
    }
    return {**element, "style": style} if style else element


def link_button(*, label: str, url: str, place: str) -> Block:
    """Return a button that opens a page of ours."""
    return {"type": "button", "action_id": f"link:{place}", "text": plain_text(label, 75), "url": url[:3000]}


def pack(*, tenant_id: UUID, press: Press, limit: int = VALUE_LIMIT) -> str:
    """Return the press as a signed value of at most `limit` characters; the longest texts are cut for it."""
    given = {name: value for name, value in press.given.items() if value}
    while True:
        content = {"t": tenant_id.hex, "v": press.verb, "i": press.incident, "g": given}
        # Without a time in it: the same button is the same text, so that an unchanged headline is seen to be unchanged.
        value = signing.Signer(salt=SALT).sign_object(content, compress=True)
        if len(value) <= limit:
            return value
        longest = max(given, key=lambda name: len(given[name]))
        given[longest] = given[longest][: len(given[longest]) // 2]


def unpack(value: str, *, tenant_id: UUID) -> Press:
    """Return what was pressed; raise ButtonRefused for a value that is not ours or is another organisation's."""
    try:
        content = signing.Signer(salt=SALT).unsign_object(value)
    except signing.BadSignature as error:
        raise ButtonRefused from error
    if content["t"] != tenant_id.hex:
        raise ButtonRefused
    return Press(content["v"], content["i"], content["g"])
