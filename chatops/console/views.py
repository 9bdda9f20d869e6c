"""The page on which a sentence of the command is said: the palette leads here, and it works without scripts."""

from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from chatops.commands.answers import Answer, help_for, help_overview, refusal, suggestion
from chatops.commands.arguments import Command, Help, Suggestion
from chatops.commands.forms import FORMS, wants_form
from chatops.commands.phrases import BY_WORD, usage_of
from chatops.commands.sentence import parse
from chatops.commands.verbs import reasons_of
from chatops.console.forms import form_of, said_in
from chatops.console.run import say, say_form
from chatops.slack.actions.modal_submission import beside_fields
from chatops.slack.render.plain_text import lines_of
from conductor.console.doors import door
from conductor.lib.clock import now
from conductor.lib.errors import NotFound, Refused
from conductor.tenancy.requests import TenantRequest

LONGEST = 2000


@require_http_methods(["GET", "POST"])
@door(permission="view_incidents")
def say_sentence(request: TenantRequest, tenant: str) -> HttpResponse:
    """GET shows what the sentence would do, or the form of a verb that was said alone; POST says it.

    A posted form (`verb`) is refused beside its fields. Rights are those of who is signed in.
    """
    if request.method == "POST" and "verb" in request.POST:
        return _say_form(request)
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
        return render(request, "chatops/console/say.html", context, status=200 if spoken.was_done else 422)
    understood, shown = parse(text), _explained(text)
    if (asked := _asked_for(understood)) is not None:
        verb, known = asked
        try:
            form = form_of(verb, given=known, user=request.user, now=now())  # type: ignore[arg-type]
        except Refused as refused:
            lines = lines_of(_worded(refusal(reasons_of(refused))))
            return render(request, "chatops/console/say.html", {"text": text, "lines": lines}, status=422)
        return render(request, "chatops/console/say.html", {"text": text, "form": form})
    is_ready = not isinstance(understood, Suggestion | type(None)) and not isinstance(understood.args, Help)
    return render(request, "chatops/console/say.html", {"text": text, "lines": shown, "is_ready": is_ready})


def _asked_for(understood: Command | Suggestion) -> tuple[str, Mapping[str, str]] | None:
    """Return the verb whose form asks for what is missing, and what was said; None where nothing is."""
    if isinstance(understood, Suggestion):
        has_form = understood.is_unfinished and understood.verb in FORMS
        return (understood.verb, understood.given) if has_form else None
    if not wants_form(understood):
        return None
    number = getattr(understood.args, "incident", None)
    return understood.verb, {"incident": str(number)} if number else {}


def _say_form(request: TenantRequest) -> HttpResponse:
    posted, user = request.POST.dict(), request.user
    try:
        said = said_in(posted)
    except LookupError as unknown:
        raise NotFound from unknown
    spoken = say_form(said=said, tenant=request.tenant, user=user, actor=request.actor, now=now())  # type: ignore[arg-type]
    if spoken.refused is not None:
        errors = beside_fields(spoken.refused, form=FORMS[said.verb])
        form = form_of(said.verb, given=posted, user=user, now=now(), errors=errors)  # type: ignore[arg-type]
        return render(request, "chatops/console/say.html", {"text": said.verb, "form": form}, status=422)
    context = {"text": said.verb, "lines": lines_of(_worded(spoken.answer)), "is_said": True}
    status = 200 if spoken.was_done else 422
    return render(request, "chatops/console/say.html", {**context, "was_done": spoken.was_done}, status=status)


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
