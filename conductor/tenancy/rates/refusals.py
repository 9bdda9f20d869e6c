"""The refusal of a request beyond its limit, and the headers that say how limits stand."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.template.loader import render_to_string

from conductor.lib.errors import Refused
from conductor.lib.problems import MEDIA_TYPE, problem
from conductor.observability.metrics import RATE_LIMITED
from conductor.tenancy.rates.counters import Used

WHOSE = {
    "token": "This token has",
    "tenant": "The tokens of this organisation have together",
    "alerts": "This source of alerts has",
    "address": "Your network address, without a valid token or signature, has",
    "signin": "Your network address has",
}
"""By the limits' names: how the sentence begins."""


class RateLimited(Refused):
    """You have sent more requests than the limit allows. Wait, then send this one again."""

    code = "rate_limited"
    status = 429

    def __init__(self, used: Used, *, status: int = 429) -> None:
        quota = used.quota
        super().__init__(
            f"{WHOSE[used.limit]} sent {quota.requests:,} requests in {quota.seconds:,} seconds, which is the limit. "
            f"Send this one again in {used.reset_seconds:,} seconds."
        )
        self.status = status
        self.retry_after_seconds = used.reset_seconds
        self.used = used
        RATE_LIMITED.labels(used.limit).inc()


def answer(request: HttpRequest, refused: RateLimited) -> HttpResponse:
    """Return the refusal: a problem for programs, a page for people. Asks the database nothing."""
    response: HttpResponse
    if request.path.startswith(("/api/", "/hooks/")):
        body = problem(status=refused.status, code=refused.code, detail=refused.detail, instance=request.path)
        response = JsonResponse(body, status=refused.status, content_type=MEDIA_TYPE)
    else:
        response = HttpResponse(render_to_string("429.html", {"detail": refused.detail}), status=refused.status)
    say(response, [refused.used])
    response["Retry-After"] = str(refused.retry_after_seconds)
    return response


def say(response: HttpResponseBase, used: Sequence[Used]) -> None:
    """State the limits and how they stand (draft-ietf-httpapi-ratelimit-headers-10)."""
    if used:
        response["RateLimit-Policy"] = ", ".join(
            f'"{each.limit}";q={each.quota.requests};w={each.quota.seconds}' for each in used
        )
        response["RateLimit"] = ", ".join(f'"{each.limit}";r={each.remaining};t={each.reset_seconds}' for each in used)
