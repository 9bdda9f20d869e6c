"""Bot tokens: sealed for their workspace, or referred to. Nothing else in chatops sees how secrets are kept."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from uuid import UUID

from pydantic import SecretStr

from adapters.secrets import SecretUnavailable, resolve_reference, unseal_value
from adapters.secrets.data_keys import seal_text
from adapters.secrets.places import SealedPlace
from chatops.models.workspace import SlackInstallation
from conductor.lib.clock import now
from conductor.tenancy.actors import Actor

__all__ = ["SecretUnavailable", "bot_token", "seal_token", "token_places"]


def seal_token(*, tenant_id: UUID, team_id: str, token: str) -> str:
    """Return the token as it is stored: it opens for this tenant and workspace only. Needs the tenant's scope."""
    context = _context(tenant_id, team_id)
    # Only a tenant's first secret makes a key; Conductor does that by itself.
    return seal_text(tenant_id=tenant_id, value=SecretStr(token), context=context, actor=Actor.system(), now=now())


def bot_token(installation: SlackInstallation) -> str:
    """Return the workspace's token; raise SecretUnavailable where there is none or it does not open."""
    if installation.revoked_at is not None:
        raise SecretUnavailable("the workspace is disconnected")
    if installation.bot_token_sealed:
        context = _context(installation.tenant_id, installation.team_id)
        sealed = installation.bot_token_sealed
        return unseal_value(sealed, tenant_id=installation.tenant_id, context=context).get_secret_value()
    if installation.bot_token_reference:
        return resolve_reference(installation.bot_token_reference).get_secret_value()
    raise SecretUnavailable("the workspace has no bot token")


def token_places(tenant_id: UUID) -> Iterator[SealedPlace]:
    """Yield the sealed tokens of the tenant's workspaces, for its keys (adapters.secrets.places)."""
    for row in SlackInstallation.objects.filter(tenant_id=tenant_id).exclude(bot_token_sealed=""):
        context = _context(tenant_id, row.team_id)
        yield SealedPlace(f"Slack {row.team_name}: bot token", row.bot_token_sealed, context, partial(_put, row.id))


def _put(installation_id: UUID, sealed: str) -> None:
    SlackInstallation.objects.filter(id=installation_id).update(bot_token_sealed=sealed)


def _context(tenant_id: UUID, team_id: str) -> str:
    return f"{tenant_id}/slack/{team_id}/bot_token"
