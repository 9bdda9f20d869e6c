"""Takes NUL characters out of addresses, queries and forms, before anything reads them. PostgreSQL cannot hold them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponseBase, QueryDict

NUL = "\x00"
_FORMS = {"application/x-www-form-urlencoded", "multipart/form-data"}
_ESCAPED = re.compile(r"(?:%00)+")


class CleanInput:
    """What was sent with NUL characters in it is read as if they had not been there.

    The API reads forms and JSON itself (conductor.api.requests.parsing): an upload is parsed once its size is known.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if NUL in request.path_info:
            request.path_info = request.path_info.replace(NUL, "")
            request.path = request.path.replace(NUL, "")
        request.META["QUERY_STRING"] = _ESCAPED.sub("", request.META.get("QUERY_STRING", "")).replace(NUL, "")
        # Looked at decoded too: a sender may name an encoding in which other bytes are a NUL.
        request.GET = _cleaned(request.GET)  # type: ignore[assignment]
        return self.get_response(request)

    def process_view(self, request: HttpRequest, _view: Any, _args: Any, _kwargs: Any) -> None:
        """Clean the form of a page. Its CSRF check has read it already."""
        if request.content_type in _FORMS and not request.path.startswith("/api/"):
            request.POST = _cleaned(request.POST)  # type: ignore[assignment]


def _cleaned(given: QueryDict) -> QueryDict:
    if not any(NUL in name or any(NUL in value for value in values) for name, values in given.lists()):
        return given
    cleaned = QueryDict(mutable=True, encoding=given.encoding)
    for name, values in given.lists():
        for value in values:
            cleaned.appendlist(name.replace(NUL, ""), value.replace(NUL, ""))
    cleaned._mutable = False
    return cleaned
