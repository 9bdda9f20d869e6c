"""A refused form is shown again on the page that it was sent from, with the reason and everything that was typed.

Every POST view of the console gains this from its decorator: the page is drawn by its own GET view, within the same
transaction, from a copy of the request that carries a `Refusal`. base.html prints it on top, and the form that was
sent shows the reason and what was typed (`refused_forms`). Where a form needs another place for them,
`{% refused_here url %}` prints the reason and `{% posted url "field" %}` the text.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import Resolver404, resolve

from conductor.console.refusals.forms import is_secret, refilled
from conductor.lib.errors import Refused

_HEADINGS = {403: "You may not do this", 409: "Not possible now", 422: "Please check what you entered"}
SHOWN_CHARACTERS = 10_000


@dataclass(frozen=True)
class Refusal:
    """What was refused, as a page shows it."""

    action: str
    """Path that the form posts to."""
    posted: QueryDict
    refused: Refused
    page: str
    """Path and query of the page that it is shown on."""

    @property
    def heading(self) -> str:
        status = self.refused.status
        return _HEADINGS.get(status, HTTPStatus(status).phrase)

    @property
    def detail(self) -> str:
        return str(getattr(self.refused, "headline", "") or self.refused.detail)

    @property
    def reasons(self) -> list[str]:
        return list(getattr(self.refused, "reasons", ()))

    @property
    def summary(self) -> str:
        """Why, in one line."""
        return " ".join(self.reasons) or self.detail

    @property
    def overridable(self) -> bool:
        """Whether a member who may override guards can go on with a reason."""
        return bool(getattr(self.refused, "overridable", False))

    @property
    def entered(self) -> list[tuple[str, str]]:
        """Return (field, text) of what was typed, so that nothing is lost on a page that has no such form."""
        return [
            (name, value[:SHOWN_CHARACTERS])
            for name, values in self.posted.lists()
            for value in map(str, values)
            if value.strip() and not is_secret(name)
        ]


def shown_again(request: HttpRequest, refused: Refused, *, page: str) -> HttpResponse | None:
    """Return `page` (path and query, of this console) as a GET shows it, with the refusal on it and its status.

    None where there is no such page for this person: then the refusal needs a page of its own.
    """
    parts = urlsplit(page)
    try:
        match = resolve(parts.path)
    except Resolver404:
        return None
    own = request.resolver_match
    if own is None or "tenant" not in match.kwargs or match.kwargs["tenant"] != own.kwargs.get("tenant"):
        return None
    again = copy.copy(request)
    again.method = "GET"
    again.path = again.path_info = parts.path
    again.META = {
        **request.META,
        "REQUEST_METHOD": "GET",
        "PATH_INFO": parts.path,
        "QUERY_STRING": parts.query,
        "CONTENT_LENGTH": "0",
    }
    again.GET = QueryDict(parts.query)
    again.POST = QueryDict()
    again.resolver_match = match
    again.refusal = Refusal(request.path, request.POST, refused, page)  # type: ignore[attr-defined]
    response = match.func(again, *match.args, **match.kwargs)
    if not isinstance(response, HttpResponse) or response.status_code != 200:
        return None
    if not response.get("Content-Type", "").startswith("text/html"):
        return None
    response.status_code = refused.status
    # The address is now the form's: links of the page that begin with a question mark would lead there.
    drawn = refilled(
        response.content.decode(),
        address=page,
        action=request.path,
        posted=request.POST,
        reason=again.refusal.summary,  # type: ignore[attr-defined]
        problems=refused.fields,
    )
    response.content = drawn.replace('="?', f'="{parts.path}?').encode()
    return response
