"""One address below /api/ whose view fails."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import path


def fail(request: HttpRequest) -> HttpResponse:
    raise ZeroDivisionError


urlpatterns = [path("api/v1/fails", fail)]
handler500 = "conductor.console.refusals.errors.server_error"
