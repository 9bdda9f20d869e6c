"""Gives each request an id, binds it to the logs, and measures it."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponseBase

from conductor.lib.ids import uuid7
from conductor.observability.metrics import REQUEST_SECONDS
from conductor.observability.tracing import Span, name_request, request_span

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
"""Anybody may invent others, and each would stay in memory as a series of its own."""
UNTRACED = ("/static/", "/healthz", "/readyz", "/metrics")
"""What machines ask for every few seconds."""
log = structlog.get_logger("conductor.request")


class RequestContext:
    """Binds `request_id`, answers it as X-Request-Id, logs one line, and observes the latency by route."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.id = str(uuid7())  # type: ignore[attr-defined]
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request.id)  # type: ignore[attr-defined]
        method = request.method if request.method in METHODS else "other"
        if request.path.startswith(UNTRACED):
            return self._answer(request, method, None)
        with request_span(method, request.headers) as span:
            return self._answer(request, method, span)

    def _answer(self, request: HttpRequest, method: str, span: Span | None) -> HttpResponseBase:
        began = time.perf_counter()
        response = self.get_response(request)
        seconds = time.perf_counter() - began
        route = request.resolver_match.route if request.resolver_match else "unmatched"
        if span is not None:
            # The route, as addresses may hold secrets.
            name_request(span, method=method, route=route, status=response.status_code)
        REQUEST_SECONDS.labels(method, route, response.status_code // 100).observe(seconds)
        response["X-Request-Id"] = request.id  # type: ignore[attr-defined]
        if not route.startswith(("static", "healthz", "readyz", "metrics")):
            log.info(
                "request",
                action="http.request",
                method=method,
                route=route,
                status=response.status_code,
                ms=round(seconds * 1000, 1),
            )
        return response
