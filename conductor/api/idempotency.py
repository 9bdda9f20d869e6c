"""Idempotency-Key: a repeated request gets the answer of the first one, and does nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse

from conductor.api.models import IdempotentResponse
from conductor.lib.canonical import sha256_hex
from conductor.lib.clock import now
from conductor.lib.problems import MEDIA_TYPE, problem

MAX_KEY_CHARACTERS = 200
View = Callable[..., HttpResponse]


def idempotent(view: View) -> View:
    """Answer a POST that carries an `Idempotency-Key` once.

    The row is inserted before the view runs and committed with its effects, so a second request with the same
    key waits for the first one. A refused request changed nothing and leaves its key free.
    """

    @wraps(view)
    def once(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        key = request.headers.get("Idempotency-Key", "")
        if request.method != "POST" or not key or request.tenant is None:  # type: ignore[attr-defined]
            return view(request, *args, **kwargs)
        if len(key) > MAX_KEY_CHARACTERS:
            return _refuse(request, "idempotency_key_too_long", f"Use at most {MAX_KEY_CHARACTERS} characters.")
        return _once(request, key, lambda: view(request, *args, **kwargs))

    return once


def _once(request: HttpRequest, key: str, call: Callable[[], HttpResponse]) -> HttpResponse:
    who = sha256_hex(request.headers.get("Authorization", "").encode())
    digest = sha256_hex(f"{request.method}\0{request.get_full_path()}\0".encode() + request.body)
    row = IdempotentResponse(
        tenant=request.tenant,  # type: ignore[attr-defined]
        actor=who,
        key=key,
        request_digest=digest,
        created_at=now(),
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        return _replay(request, IdempotentResponse.objects.get(actor=who, key=key), digest)
    response = call()
    if 200 <= response.status_code < 300:
        body = json.loads(response.content) if response.content else None
        IdempotentResponse.objects.filter(id=row.id).update(status=response.status_code, body=body)
    else:
        row.delete()
    return response


def _replay(request: HttpRequest, stored: IdempotentResponse, digest: str) -> HttpResponse:
    if stored.request_digest != digest:
        return _refuse(request, "idempotency_key_reused", "This Idempotency-Key was used for a different request.")
    response = JsonResponse(stored.body, status=stored.status, safe=False)
    response["Idempotency-Replayed"] = "true"
    return response


def _refuse(request: HttpRequest, code: str, detail: str) -> JsonResponse:
    body = problem(status=422, code=code, detail=detail, instance=request.path)
    return JsonResponse(body, status=422, content_type=MEDIA_TYPE)
