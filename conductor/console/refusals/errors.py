"""What a person sees when a request is refused or fails."""

from __future__ import annotations

import sys
from http import HTTPStatus
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.http import url_has_allowed_host_and_scheme

from conductor.console.refusals.pages import shown_again
from conductor.lib.errors import Refused
from conductor.lib.problems import MEDIA_TYPE, problem, unreadable
from conductor.tenancy.database.outages import refusal_of

RETRY_SECONDS = 5
"""When to ask again what the database refused for the moment."""
_PROGRAMS = ("/api/", "/hooks/", "/slack/")
"""Below these paths, programs ask."""
_API = "/api/"
"""Below this path, every answer that is no success is a problem."""
_TEMPLATES = {403: "403.html", 404: "404.html"}


def refusal(request: HttpRequest, refused: Refused) -> HttpResponse:
    """Return what explains the refusal, with its status.

    For htmx that is a sentence; for a form, the page that it was sent from, with the reason on it; else a page of
    its own.
    """
    htmx, back = getattr(request, "htmx", False), came_from(request)
    if request.method == "POST" and back and not htmx and not hasattr(request, "refusal"):
        again = shown_again(request, refused, page=back)
        if again is not None:
            return again
    title = HTTPStatus(refused.status).phrase
    template = "errors/_refusal.html" if htmx else _TEMPLATES.get(refused.status, "errors/refusal.html")
    context = {
        "refused": refused,
        "title": title,
        "status": refused.status,
        "detail": refused.detail,
        "back": back,
    }
    return render(request, template, context, status=refused.status)


def came_from(request: HttpRequest) -> str:
    """Return the path of the console's page that the request came from; empty for a stranger's, or none.

    What the browser says about it is only ever a link: another host, or this very page asked again, is no way back.
    """
    referer = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(referer, allowed_hosts={request.get_host()}):
        return ""
    parts = urlsplit(referer)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    if not path.startswith("/") or path.startswith("//"):
        return ""
    return "" if request.method == "GET" and path == request.get_full_path() else path


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Explain a failed CSRF check: the form is old, or cookies are off."""
    detail = "This form was open too long or cookies are off. Go back, reload the page and send it again."
    context = {"detail": detail, "title": "Form expired", "status": 403, "back": came_from(request)}
    return render(request, "403.html", context, status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404: nothing here, or nothing that this person may see. Programs get a problem instead of a page."""
    if request.path.startswith(_API):
        detail = "There is nothing here, or nothing that you may see."
        if request.path.endswith("/"):
            detail += " Paths of the API have no slash at their end."
        return _problem(request, status=404, code="not_found", detail=detail)
    return render(request, "404.html", status=404)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400, or 413: the request could not even be read. Programs get a problem instead of a page."""
    if request.path.startswith(_API):
        status, code, detail = unreadable(exception)
        return _problem(request, status=status, code=code, detail=detail)
    # Without the request: a host name that is not ours would fail again in what the page asks of it.
    return HttpResponse(render_to_string("400.html"), status=400)


def too_many_requests(request: HttpRequest) -> HttpResponse:
    """429 of allauth's own limits: none of them is longer than a minute."""
    response = HttpResponse(render_to_string("429.html", {"detail": "Try again in a minute."}), status=429)
    response["Retry-After"] = "60"
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    """500: says what still works, and the reference under which the logs have it.

    What the database refused for the moment is no fault: 409 or 503, with words, and the way to try again.
    """
    if refused := refusal_of(sys.exc_info()[1]):
        return _passing(request, refused)
    if request.path.startswith(_API):
        reference = getattr(request, "id", "")
        detail = f"This is a fault of ours. Nothing was changed, and the logs have it under {reference}."
        return _problem(request, status=500, code="internal_error", detail=detail)
    # Without the request, so that no context processor runs: what broke may be the database that they ask.
    return HttpResponse(render_to_string("500.html", {"reference": getattr(request, "id", "")}), status=500)


def _passing(request: HttpRequest, refused: Refused) -> HttpResponse:
    """Answer without a query: the session that this request had is gone, or should be."""
    if request.path.startswith(_PROGRAMS):
        response = _problem(request, status=refused.status, code=refused.code, detail=refused.detail)
    else:
        template = "errors/_refusal.html" if request.headers.get("HX-Request") else "errors/passing.html"
        context = {"refused": refused, "status": refused.status, "detail": refused.detail, "back": came_from(request)}
        response = HttpResponse(render_to_string(template, context), status=refused.status)
    response["Retry-After"] = str(RETRY_SECONDS)
    return response


def _problem(request: HttpRequest, *, status: int, code: str, detail: str) -> HttpResponse:
    body = problem(status=status, code=code, detail=detail, instance=request.path)
    return JsonResponse(body, status=status, content_type=MEDIA_TYPE)
