"""Closes the pages that are about passwords while passwords are switched off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponseBase

from conductor.access.passwords import PasswordSigninOff, is_open
from conductor.console.refusals.errors import refusal

ABOUT_PASSWORDS = (
    "account_reset_password", "account_change_password", "account_set_password", "account_reauthenticate",
    "admin:password_change", "admin:auth_user_password_change", "admin:auth_user_add",
)  # fmt: skip
"""How the names of the pages begin on which a password is set, changed, sent for or asked: allauth's, and Django's."""


class PasswordPages:
    """Refuses them with the reason. The page to sign in stays, with the other ways in, and takes no password."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponseBase | None:
        match = request.resolver_match
        name = match.view_name if match else ""
        takes = name.startswith(ABOUT_PASSWORDS) or (name == "account_login" and request.method == "POST")
        return refusal(request, PasswordSigninOff()) if takes and not is_open() else None
