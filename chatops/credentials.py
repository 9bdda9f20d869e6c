"""Bot tokens: sealed for their workspace, or referred to. Nothing else in chatops sees how secrets are kept."""

from __future__ import annotations

from uuid import UUID

from pydantic import SecretStr

from adapters.secrets import SecretUnavailable, resolve_reference, seal, unseal
from chatops.models import SlackInstallation

__all__ = ["SecretUnavailable", "bot_token", "seal_token"]


def seal_token(*, tenant_id: UUID, team_id: str, token: str) -> str:
    """Return the token as it is stored: it opens for this tenant and workspace only."""
    return seal(SecretStr(token), context=_context(tenant_id, team_id))


def bot_token(installation: SlackInstallation) -> str:
    """Return the workspace's token; raise SecretUnavailable where there is none or it does not open."""
    if installation.revoked_at is not None:
        raise SecretUnavailable("the workspace is disconnected")
    if installation.bot_token_sealed:
        context = _context(installation.tenant_id, installation.team_id)
        return unseal(installation.bot_token_sealed, context=context).get_secret_value()
    if installation.bot_token_reference:
        return resolve_reference(installation.bot_token_reference).get_secret_value()
    raise SecretUnavailable("the workspace has no bot token")


def _context(tenant_id: UUID, team_id: str) -> str:
    return f"{tenant_id}/slack/{team_id}/bot_token"
