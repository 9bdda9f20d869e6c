"""Holds requests of programs, and of who signs in, to their limits."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

import structlog
from allauth.account.adapter import get_adapter
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest, HttpResponseBase

from conductor.lib.canonical import sha256_hex
from conductor.tenancy.database.scope import current_tenant_id
from conductor.tenancy.rates import counters
from conductor.tenancy.rates.counters import Charge, Used
from conductor.tenancy.rates.refusals import RateLimited, answer, say
from conductor.tenancy.sessions.accounts import place_of
from conductor.tenancy.sessions.bearer import tenant_of, token_in

API, HOOKS, ACCOUNTS = "/api/", "/hooks/", "/accounts/"
STRANGERS = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND})
"""What the API answers who has no token, or one of another organisation."""
INTAKE = {"/alerts/alertmanager": 503, "/alerts/grafana": 0, "/alerts/pagerduty": 429}
"""By the end of the path, what makes a sender of alerts send again; 0 where nothing does: it is never refused."""
_log = structlog.get_logger(__name__)


class RateLimits:
    """Answers 429 for what is beyond its limit; other answers say how the limits stand.

    A request is counted after its answer, outside of its transaction, by what it has proven: a valid token, the
    signature of a source. So nobody can use up what is somebody else's, and a full limit, which each process
    remembers, costs no query. Up to as many requests as there are threads may pass beyond a limit. Where counting
    fails, requests go on.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not _is_limited(request):
            return self.get_response(request)
        if refused := _refused_at_once(request):
            return answer(request, refused)
        response = self.get_response(request)
        charges = counters.limited(*_charges(request, response))
        if not charges:
            return response
        if (used := counters.full(charges)) and charges[0].limit == "address":
            return answer(request, RateLimited(used))
        say(response, _counted(charges))
        return response


def admit(request: HttpRequest, *, limit: str, whose: str, status: int) -> None:
    """Count the request, in the end, against this limit alone; raise RateLimited with `status` if it is full.

    For views that find out themselves who sent what; 0 for `status` never refuses.
    """
    charges = counters.limited(Charge(limit, whose))
    request.rate_charges = charges  # type: ignore[attr-defined]
    if status and (used := counters.full(charges)):
        request.rate_charges = []  # type: ignore[attr-defined]
        raise RateLimited(used, status=status)


def _is_limited(request: HttpRequest) -> bool:
    if request.path.startswith(ACCOUNTS):
        return request.method == "POST" and not request.path.startswith(f"{ACCOUNTS}logout/")
    return request.path.startswith((API, HOOKS))


def _refused_at_once(request: HttpRequest) -> RateLimited | None:
    """Return why this request is not even looked at: its limit is known to be full."""
    status = 429
    if request.path.startswith(ACCOUNTS):
        charges = [_of_place(request, "signin")]
    elif request.path.startswith(HOOKS):
        return None
    elif tenant_of(token_in(request)) is None:
        charges = [_of_place(request, "address")]
    else:
        charges, status = _of_token(request)
    used = counters.full(counters.limited(*charges)) if status else None
    return RateLimited(used, status=status) if used else None


def _charges(request: HttpRequest, response: HttpResponseBase) -> list[Charge]:
    """Return what the request counts against, now that it is known who sent it."""
    if request.path.startswith(ACCOUNTS):
        return [_of_place(request, "signin")]
    if (own := getattr(request, "rate_charges", None)) is not None:
        return list(own)
    if getattr(request, "token_ref", ""):
        return _of_token(request)[0]
    return [_of_place(request, "address")] if response.status_code in STRANGERS else []


def _of_token(request: HttpRequest) -> tuple[list[Charge], int]:
    """Return the token's limits, and the status that refuses beyond them."""
    token = token_in(request)
    digest = sha256_hex(token.encode())
    for end, status in INTAKE.items():
        if request.path.endswith(end):
            return [Charge("alerts", digest)], status
    return [Charge("token", digest), Charge("tenant", str(tenant_of(token)))], 429


def _of_place(request: HttpRequest, limit: str) -> Charge:
    """Whom no address is known of, such as through a socket, counts as one place."""
    try:
        address = get_adapter(request).get_client_ip(request)
    except PermissionDenied:
        address = ""
    return Charge(limit, place_of(address))


def _counted(charges: list[Charge]) -> list[Used]:
    """Count the request and return how its limits stand; nothing where the database does not count."""
    # No scope shows the counters, and a broken transaction takes no statement: only tests have either open here.
    if current_tenant_id() is not None or connection.needs_rollback:
        return []
    try:
        return counters.count(charges)
    except (DatabaseError, InterfaceError) as problem:
        _log.warning("a request was not counted", action="rates.not_counted", problem=type(problem).__name__)
        return []
