"""The decorator of every console view: signed in, member of the tenant, refusals explained."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, resolve_url

from conductor.console.refusals.errors import refusal
from conductor.lib.errors import Refused
from conductor.tenancy.actors import require
from conductor.tenancy.sessions.fresh_proof import stop_without

View = Callable[..., HttpResponseBase]


def door(*, permission: str) -> Callable[[View], View]:
    """Let a member with `permission` through; send strangers to sign in; explain refusals; ask again where sensitive.

    A `Refused` becomes a page here, inside the request's transaction, so that what was recorded about the
    refusal (a policy decision) is kept while the verb's own savepoint is gone.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def through(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            actor = request.actor  # type: ignore[attr-defined]
            if actor is None:
                return redirect(f"{resolve_url(settings.LOGIN_URL)}?next={quote(request.get_full_path())}")
            try:
                require(actor=actor, permission=permission)
                return stop_without(request) or view(request, *args, **kwargs)
            except Refused as refused:
                return refusal(request, refused)

        return through

    return decorate
