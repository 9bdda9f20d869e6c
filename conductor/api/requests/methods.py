"""What every address of the API does with a method: HEAD where GET works, OPTIONS everywhere, 405 as a problem."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from conductor.api.problems import answer

View = Callable[..., HttpResponseBase]


def with_methods(view: View) -> View:
    """Answer HEAD like GET without the body (RFC 9110, 9.3.2), OPTIONS with `Allow`, and what is not allowed with 405.

    Redirects no path without a slash to one with it: that would turn a POST into a GET, which does nothing.
    """

    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        asked = request.method
        if asked == "HEAD":
            request.method = "GET"
        response = view(request, *args, **kwargs)
        request.method = asked
        if response.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            return _other_method(request, response["Allow"])
        return _head_of(response) if asked == "HEAD" else response

    answered.should_append_slash = False  # type: ignore[attr-defined]
    return answered


def only_get(view: View) -> View:
    """Answer GET alone, for the addresses that are no operations."""

    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method == "GET":
            return view(request, *args, **kwargs)
        return HttpResponse(status=HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": "GET"})

    return answered


def _other_method(request: HttpRequest, allowed: str) -> HttpResponse:
    methods = {each.strip() for each in allowed.split(",")} | {"OPTIONS"}
    if "GET" in methods:
        methods.add("HEAD")
    listed = ", ".join(sorted(methods))
    if request.method == "OPTIONS":
        return _bare(HTTPStatus.NO_CONTENT, {"Allow": listed})
    detail = f"{request.method} does not work here. These do: {listed}."
    response = answer(request, status=HTTPStatus.METHOD_NOT_ALLOWED, code="method_not_allowed", detail=detail)
    response["Allow"] = listed
    return response


def _head_of(response: HttpResponseBase) -> HttpResponse:
    """The same status and headers, the length of the body included, and no body."""
    head = _bare(response.status_code, dict(response.items()))
    if isinstance(response, HttpResponse):
        head["Content-Length"] = str(len(response.content))
    # What the body would be read from is closed at the end of the request, as it would be after sending it. To close
    # the response here would end the request itself, and the tenant's transaction under it.
    head._resource_closers.extend(response._resource_closers)  # type: ignore[attr-defined]
    return head


def _bare(status: int, headers: dict[str, str]) -> HttpResponse:
    """An answer of these headers alone: Django would add that its empty body is HTML."""
    response = HttpResponse(status=status)
    del response["Content-Type"]
    for name, value in headers.items():
        response[name] = value
    return response
