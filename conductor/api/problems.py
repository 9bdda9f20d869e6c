"""Turns everything that can go wrong in the API into problem+json."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.multipartparser import MultiPartParserError
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError

from conductor.lib.errors import Refused
from conductor.lib.problems import MEDIA_TYPE, problem, unreadable
from conductor.tenancy.actors import InsufficientScope


class Problem(Schema):
    """RFC 9457 problem details. Each `code` is explained in docs/reference/error-codes.md."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    instance: str
    fields: dict[str, list[str]] | None = None


def answer(request: HttpRequest, *, status: int, code: str, detail: str, fields: Any = None) -> HttpResponse:
    """Return the problem as a response."""
    body = problem(status=status, code=code, detail=detail, instance=request.path, fields=fields)
    response = JsonResponse(body, status=status, content_type=MEDIA_TYPE)
    if status == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = "Bearer"
    return response


def install(api: NinjaAPI) -> None:
    """Register the handlers."""
    api.add_exception_handler(Refused, _refused)
    api.add_exception_handler(ValidationError, _invalid)
    api.add_exception_handler(AuthenticationError, _unauthenticated)
    api.add_exception_handler(HttpError, _http_error)
    api.add_exception_handler(Http404, _not_found)
    for each in (SuspiciousOperation, MultiPartParserError):
        api.add_exception_handler(each, _unreadable)


def _unreadable(request: HttpRequest, error: Any) -> HttpResponse:
    status, code, detail = unreadable(error)
    return answer(request, status=status, code=code, detail=detail)


def _refused(request: HttpRequest, error: Any) -> HttpResponse:
    response = answer(request, status=error.status, code=error.code, detail=error.detail, fields=error.fields)
    if isinstance(error, InsufficientScope):
        response["WWW-Authenticate"] = f'Bearer error="insufficient_scope", scope="{" ".join(error.scopes)}"'
    if error.retry_after_seconds is not None:
        response["Retry-After"] = str(error.retry_after_seconds)
    return response


def _invalid(request: HttpRequest, error: Any) -> HttpResponse:
    fields: dict[str, list[str]] = {}
    for each in error.errors:
        where = [str(part) for part in each["loc"] if part not in {"body", "query", "path", "form", "payload"}]
        why = "There is no such field." if each["type"] == "extra_forbidden" else each["msg"]
        fields.setdefault(".".join(where) or "body", []).append(why)
    detail = "Some of the input is not valid: " + ", ".join(fields) + "."
    return answer(request, status=422, code="invalid", detail=detail, fields=fields)


def _unauthenticated(request: HttpRequest, error: Any) -> HttpResponse:
    detail = "Send a valid API token as `Authorization: Bearer mct_…`. It may have expired or been revoked."
    return answer(request, status=401, code="unauthenticated", detail=detail)


def _http_error(request: HttpRequest, error: Any) -> HttpResponse:
    code = "malformed_body" if error.status_code == HTTPStatus.BAD_REQUEST else "http_error"
    return answer(request, status=error.status_code, code=code, detail=str(error))


def _not_found(request: HttpRequest, error: Any) -> HttpResponse:
    return answer(request, status=404, code="not_found", detail="There is nothing here, or nothing that you may see.")
