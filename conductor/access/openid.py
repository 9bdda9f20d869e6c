"""Our OpenID Connect provider: stricter than allauth's about who a token names and what it says of an address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from allauth.account.models import EmailAddress
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from django.http import HttpRequest

from conductor.lib.canonical import canonical_json, sha256_hex


class StrictOpenIDConnect(OpenIDConnectProvider):  # type: ignore[misc]
    """Accounts are keyed by issuer and subject: another provider's subject of the same name is somebody else."""

    def extract_uid(self, data: Mapping[str, Any]) -> str:
        """Return the key of the account. Refuse a response without an ID token, or of two different subjects."""
        token, userinfo = data.get("id_token") or {}, data.get("userinfo") or {}
        issuer, subject = token.get("iss"), token.get("sub")
        if not issuer or not subject or userinfo.get("sub", subject) != subject:
            raise get_adapter().validation_error("invalid_token")
        return account_key(str(issuer), str(subject))

    def extract_email_addresses(self, data: Mapping[str, Any]) -> list[EmailAddress]:
        """Return the address, verified only where the provider says exactly that: the text "false" is not true."""
        addresses = super().extract_email_addresses(data)
        for address in addresses:
            address.verified = address.verified is True or address.verified == "true"
        return list(addresses)

    def get_auth_params_from_request(self, request: HttpRequest, action: str) -> dict[str, str]:
        """Return what the provider is asked beside the usual: to sign in again where somebody is signed in here."""
        again = {"prompt": "login", "max_age": "0"} if request.user.is_authenticated else {}
        return {**self.get_auth_params(), **again}


def account_key(issuer: str, subject: str) -> str:
    """Return the digest that names one subject of one issuer."""
    return sha256_hex(canonical_json([issuer, subject]))
