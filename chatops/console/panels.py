"""What the command shows in the console's palette: the sentence that was typed, ready to be said."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from chatops.commands.arguments import Command, Help, Suggestion
from chatops.commands.phrases import BY_WORD, usage_of
from chatops.commands.sentence import parse
from conductor.lib.refs import Ref

READING = frozenset(
    {"status", "list", "help", "who", "tasks", "followups", "clock", "cost", "matrix", "find", "export", "tickets"}
)
"""Verbs that an auditor may say too."""


def palette_panel(request: HttpRequest, subject: Ref) -> dict[str, Any] | None:
    """Return what the text would do as a command, or how the verb it begins with goes on; None for other texts."""
    actor, tenant, text = getattr(request, "actor", None), getattr(request, "tenant", None), subject.strip()
    if actor is None or tenant is None or not text:
        return None
    understood = parse(text)
    if isinstance(understood, Suggestion):
        return _hints(understood, tenant.slug)
    if isinstance(understood.args, Help) or (understood.verb not in READING and "respond" not in actor.permissions):
        return None
    return {"title": "Commands", "options": [_option(understood, text, tenant.slug)]}


def _option(understood: Command, text: str, slug: str) -> dict[str, Any]:
    verb = BY_WORD[understood.verb]
    href = f"{reverse('command:say', args=[slug])}?{urlencode({'q': text})}"
    return {"href": href, "icon": "terminal", "label": f"{text}", "hint": verb.summary}


def _hints(unclear: Suggestion, slug: str) -> dict[str, Any] | None:
    words = [unclear.verb] if unclear.verb else [each for each in unclear.nearest if each in BY_WORD]
    options = [
        {
            "href": f"{reverse('command:say', args=[slug])}?{urlencode({'q': word})}",
            "icon": "terminal",
            "label": usage_of(BY_WORD[word], command="").strip(),
            "hint": unclear.problem,
        }
        for word in words
    ]
    return {"title": "Commands", "options": options} if options else None
