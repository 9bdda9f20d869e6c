"""Idempotency-Key: a repeated request does nothing, and is answered as its sender may read the result now."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.http import HttpRequest, HttpResponse
from ninja import Status

from conductor.api.models import IdempotentResponse
from conductor.api.requests import answers
from conductor.api.requests.bodies import fingerprint
from conductor.lib.clock import now
from conductor.lib.errors import Invalid
from conductor.tenancy.actors import permissions_asked_for, require
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.directory import tenant_refs

MAX_KEY_CHARACTERS = 200
KEPT_FOR = timedelta(hours=24)
REPLAYED = "Idempotency-Replayed"
"""The header of an answer to a repeated request."""
View = Callable[..., Any]


class KeyTooLong(Invalid):
    """Use at most 200 characters for an Idempotency-Key."""

    code = "idempotency_key_too_long"


class KeyReused(Invalid):
    """This Idempotency-Key was used for a different request."""

    code = "idempotency_key_reused"


def idempotent(view: View) -> View:
    """Do once what a POST with an `Idempotency-Key` asks for. Wraps a view whose caller is authenticated.

    The row is inserted before the view runs and committed with its effects, so a second request with the same key
    waits for the first one. A refused request changed nothing and leaves its key free. The keys are the token's own.
    A repeat is refused like any request: by the token, its scopes and its member's role as they are then.
    """

    @wraps(view)
    def once(request: HttpRequest, *args: Any, **arguments: Any) -> Any:
        key = request.headers.get("Idempotency-Key", "")
        # What comes in by the key of an alert source has no token, and ids of its own against repeats.
        if request.method != "POST" or not key or not hasattr(request, "token_ref"):
            return view(request, *args, **arguments)
        if len(key) > MAX_KEY_CHARACTERS:
            raise KeyTooLong
        claimed, is_first = _claim(request, key.replace("\x00", ""))
        return _first(view, request, claimed, arguments) if is_first else _again(view, request, claimed, arguments)

    return once


def marked(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Mark the answer to a repeated request with its header."""

    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **arguments: Any) -> HttpResponse:
        response = view(request, *args, **arguments)
        if getattr(request, "is_replayed", False) and response.status_code < 300:
            response[REPLAYED] = "true"
        return response

    return answered


def purge_answers(*, tenant_id: Any, now: datetime) -> int:
    """Forget the keys that are older than a day. Return how many there were."""
    with tenant_scope(tenant_id):
        return IdempotentResponse.objects.filter(created_at__lt=now - KEPT_FOR).delete()[0]


def purge_all_answers(*, now: datetime) -> int:
    """Forget the old keys of every tenant. Return how many there were."""
    return sum(purge_answers(tenant_id=each.id, now=now) for each in tenant_refs())


def _claim(request: HttpRequest, key: str) -> tuple[IdempotentResponse, bool]:
    """Return the row of the key, and whether this request made it."""
    moment, whose = now(), request.token_ref  # type: ignore[attr-defined]
    mine = IdempotentResponse.objects.filter(actor=whose, key=key)
    mine.filter(created_at__lt=moment - KEPT_FOR).delete()
    row = IdempotentResponse(
        tenant=request.tenant,  # type: ignore[attr-defined]
        actor=whose,
        key=key,
        request_digest=fingerprint(request),
        created_at=moment,
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        there = mine.get()
        if there.request_digest != row.request_digest:
            raise KeyReused from None
        return there, False
    return row, True


def _first(view: View, request: HttpRequest, row: IdempotentResponse, arguments: dict[str, Any]) -> Any:
    try:
        with permissions_asked_for(request.actor) as asked:  # type: ignore[attr-defined]
            result = view(request, **arguments)
    except Exception:
        # A fault rolls the transaction back with the row in it; a refusal does not.
        if not connection.needs_rollback:
            row.delete()
        raise
    status, value = (result.status_code, result.value) if isinstance(result, Status) else (0, result)
    remembered = answers.remember(view, value)
    IdempotentResponse.objects.filter(id=row.id).update(status=status, answer=remembered, permissions=sorted(asked))
    return result


def _again(view: View, request: HttpRequest, row: IdempotentResponse, arguments: dict[str, Any]) -> Any:
    for permission in row.permissions:
        require(actor=request.actor, permission=permission)  # type: ignore[attr-defined]
    result = answers.redraw(view, row.answer, request, arguments)
    request.is_replayed = True  # type: ignore[attr-defined]
    if isinstance(result, HttpResponse):
        result.status_code = row.status or result.status_code
        return result
    return Status(row.status, result) if row.status else result
