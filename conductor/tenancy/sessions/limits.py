"""A session ends when nobody used it for a while, and at its greatest age (docs/decisions/0073)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponseBase

BEGAN, SEEN = "conductor_began_at", "conductor_seen_at"
"""Seconds since 1970, in the session."""
SEEN_EVERY_SECONDS = 60
"""The idle limit is no finer than this, so that reading does not mean writing."""


def begin(sender: object, request: HttpRequest, **kwargs: Any) -> None:
    """Receiver of Django's user_logged_in: start both clocks."""
    request.session[BEGAN] = request.session[SEEN] = time.time()


class SessionLimits:
    """Signs out a session that is over either limit; the request goes on as a stranger's."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.session.get("_auth_user_id"):
            self._check(request, time.time())
        return self.get_response(request)

    def _check(self, request: HttpRequest, moment: float) -> None:
        began, seen = request.session.get(BEGAN, moment), request.session.get(SEEN, moment)
        if moment - seen > settings.CONDUCTOR_SESSION_IDLE_SECONDS or moment - began > settings.SESSION_COOKIE_AGE:
            logout(request)
            return
        if BEGAN not in request.session:  # began before there was a limit
            request.session[BEGAN] = request.session[SEEN] = moment
        # A page that listens to its live stream is not somebody at work.
        listens = "text/event-stream" in request.headers.get("Accept", "")
        if moment - seen > SEEN_EVERY_SECONDS and not listens:
            request.session[SEEN] = moment
