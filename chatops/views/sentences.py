"""The page on which a sentence of the command is said: the palette leads here, and it works without scripts."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from chatops.answers import Answer, help_for, help_overview, suggestion
from chatops.arguments import Help, Suggestion
from chatops.grammar import parse
from chatops.phrases import BY_WORD, usage_of
from chatops.plaintext import lines_of
from chatops.saying import say
from conductor.console.doors import door
from conductor.lib.clock import now
from conductor.tenancy.requests import TenantRequest

LONGEST = 2000


@require_http_methods(["GET", "POST"])
@door(permission="view_incidents")
def say_sentence(request: TenantRequest, tenant: str) -> HttpResponse:
    """GET shows what the sentence would do; POST says it, with the rights of who is signed in."""
    given = request.POST if request.method == "POST" else request.GET
    text = given.get("q", "").strip()[:LONGEST]
    if request.method == "POST":
        spoken = say(
            text=text,
            tenant=request.tenant,
            user=request.user,  # type: ignore[arg-type]
            actor=request.actor,
            now=now(),
        )
        lines = lines_of(_worded(spoken.answer))
        context = {"text": text, "lines": lines, "is_said": True, "was_done": spoken.was_done}
        return render(request, "chatops/say.html", context, status=200 if spoken.was_done else 422)
    understood, shown = parse(text), _explained(text)
    is_ready = not isinstance(understood, Suggestion | type(None)) and not isinstance(understood.args, Help)
    return render(request, "chatops/say.html", {"text": text, "lines": shown, "is_ready": is_ready})


def _explained(text: str) -> list[str]:
    understood = parse(text)
    if isinstance(understood, Suggestion):
        usage = usage_of(BY_WORD[understood.verb], command="").strip() if understood.verb else ""
        return lines_of(_worded(suggestion(understood.problem, understood.nearest, usage=usage, command="")))
    if isinstance(understood.args, Help):
        args = understood.args
        shown = help_for(BY_WORD[args.verb], command="") if args.verb else help_overview(command="")
        return lines_of(_worded(shown))
    return [BY_WORD[understood.verb].summary]


def _worded(answer: Answer) -> list[dict[str, object]]:
    """Return the answer's blocks without its buttons, which only Slack can press."""
    kept = [{key: value for key, value in block.items() if key != "accessory"} for block in answer["blocks"]]
    return [block for block in kept if block["type"] != "actions"]
