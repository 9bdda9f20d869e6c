"""Nothing that a caller sends is passed over: unknown parameters, unknown parts of a form, a body that nobody reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

from django.http import HttpRequest
from ninja.operation import Operation

from conductor.api.requests.bodies import MULTIPART
from conductor.lib.errors import Invalid, Refused

LENIENT = frozenset({"receive_alertmanager", "receive_grafana", "receive_pagerduty_event"})
"""Operations whose senders would not send again what was refused for its form."""
FORMS = frozenset({MULTIPART, "application/x-www-form-urlencoded"})
_EMPTY = (b"", b"{}", b"null")
"""Bodies that say nothing."""


class UnsupportedMediaType(Refused):
    """The body is of a media type that is not read here."""

    code = "unsupported_media_type"
    status = 415


def strict(view: Callable[..., Any]) -> Callable[..., Any]:
    """Refuse what the operation does not know, by name, before the view runs."""
    operation: Operation = view._ninja_operation  # type: ignore[attr-defined]
    if operation.operation_id in LENIENT:
        return view
    query, form = _names(operation, {"query"}), _names(operation, {"form", "file"})
    sources = {each.__ninja_param_source__ for each in operation.models}
    media_types = _media_types(operation, sources)

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **arguments: Any) -> Any:
        _refuse_unknown("parameter", request.GET, query)
        if request.method == "GET":
            return view(request, *args, **arguments)
        if media_types:
            _require_media_type(request, media_types)
        elif not _is_empty(request):
            raise Invalid(fields={"body": ["Nothing here reads a body. Send none."]})
        if form:
            _refuse_unknown("field", [*request.POST, *request.FILES], form)
        return view(request, *args, **arguments)

    return checked


def _is_empty(request: HttpRequest) -> bool:
    """Whether there is nothing in the body, whatever it calls itself: `curl -d ''` calls it a form."""
    return request.content_type != MULTIPART and request.body.strip() in _EMPTY


def _names(operation: Operation, sources: set[str]) -> frozenset[str]:
    found: set[str] = set()
    for model in operation.models:
        if model.__ninja_param_source__ in sources:
            mapped = getattr(model, "__ninja_flatten_map__", None) or model.model_fields
            found.update(mapped)
    return frozenset(found)


def _media_types(operation: Operation, sources: set[str | None]) -> frozenset[str]:
    if "file" in sources:
        return frozenset({MULTIPART})
    if "form" in sources:
        return FORMS
    if "body" in sources:
        return frozenset({"application/json"})
    return frozenset((operation.openapi_extra or {}).get("requestBody", {}).get("content", {}))


def _require_media_type(request: HttpRequest, media_types: frozenset[str]) -> None:
    given = request.content_type or ""
    charset = (request.content_params or {}).get("charset", "utf-8")
    if given in media_types and charset.lower() in {"utf-8", "utf8"}:
        return
    if given not in FORMS and not request.body:
        return
    wanted = " or ".join(sorted(media_types))
    raise UnsupportedMediaType(f"Send the body as {wanted}, in UTF-8, and say so in Content-Type.")


def _refuse_unknown(what: str, given: Iterable[str], known: frozenset[str]) -> None:
    if unknown := sorted(set(given) - known):
        there = f"There are {', '.join(sorted(known))}." if known else "There are none here."
        raise Invalid(
            f"There is no {what} {', '.join(unknown)}. {there}",
            fields={name: [f"There is no such {what}."] for name in unknown},
        )
