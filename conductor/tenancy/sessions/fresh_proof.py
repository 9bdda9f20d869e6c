"""What an intruder with a borrowed session wants asks for a fresh proof of who is there (docs/decisions/0071).

A session that proved something in the last five minutes passes: by signing in, or by doing so again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from allauth.account import app_settings
from allauth.account.authentication import get_authentication_records
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

SENSITIVE = frozenset(
    {
        "account_change_password",
        "account_set_password",
        "socialaccount_connections",
        "mfa_activate_totp",
        "mfa_deactivate_totp",
        "mfa_add_webauthn",
        "mfa_edit_webauthn",
        "mfa_remove_webauthn",
        "mfa_generate_recovery_codes",
        "mfa_view_recovery_codes",
        "mfa_download_recovery_codes",
        "console:member_token_issue",
        "slack:identity_confirm",
    }
)
"""Names of the addresses that ask, both for looking and for sending."""


def is_fresh(request: HttpRequest) -> bool:
    """Whether the session proved within the last minutes who is there."""
    records = get_authentication_records(request, request.user)
    newest = max((float(each.get("at", 0)) for each in records), default=0.0)
    return bool(time.time() - newest < app_settings.REAUTHENTICATION_TIMEOUT)


def stop_without(request: HttpRequest) -> HttpResponseBase | None:
    """Return the way to `account_confirm` where a sensitive address is asked for without a fresh proof, else None."""
    match = request.resolver_match
    if match is None or match.view_name not in SENSITIVE or not request.user.is_authenticated or is_fresh(request):
        return None
    return redirect(f"{reverse('account_confirm')}?next={quote(request.get_full_path())}")


class FreshProofMiddleware:
    """Asks on the account's own pages. Those of a tenant ask behind their door (conductor.console.doors)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponseBase | None:
        return None if "tenant" in kwargs else stop_without(request)
