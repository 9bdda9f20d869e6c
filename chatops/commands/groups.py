"""User groups of a workspace: who is in one, by what Slack said lately (docs/decisions/0063)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from chatops.commands import lookup
from chatops.models.group import SlackGroup
from chatops.models.workspace import SlackInstallation
from conductor.lib.errors import Conflict

FRESH_FOR = timedelta(minutes=10)
"""So long is Slack's word taken without asking again: rotas hand over by the hour."""
PATIENCE = timedelta(seconds=20)
"""So long after a failure it is not asked again."""
NO_SUCH = "no_such_group"
_INSTEAD = "Name people instead: page @ben."


class MustAsk(Exception):
    """Slack has to be asked who is in a group, which is done outside of requests and transactions."""

    def __init__(self, *, team_id: str, said: str, shown: str) -> None:
        super().__init__(f"who is in {said}")
        self.team_id, self.said, self.shown = team_id, said, shown

    @property
    def waiting(self) -> str:
        """What is told meanwhile."""
        return f"Asking Slack who is in {self.shown}. You will see here who is paged."


class GroupUnknown(Conflict):
    """Nobody can say who is in this group. Name people instead: page @ben."""

    code = "group_unknown"


class ScopeMissing(Conflict):
    """Slack has not granted usergroups:read here. An admin connects it again; until then name people: page @ben."""

    code = "slack_scope_missing"


@dataclass(frozen=True)
class Group:
    """Who is in a user group."""

    team_id: str
    slack_user_ids: tuple[str, ...]
    stale_since: datetime | None = None
    """When Slack said so, where that is long ago and it does not answer now."""


def group_of(*, team_id: str, said: str, shown: str, now: datetime) -> Group:
    """Return who is in the group that was named by its id or `@handle`. Needs the tenant's scope; asks nobody.

    Raise MustAsk where Slack has to be asked first, ScopeMissing or GroupUnknown where it was and did not say.
    """
    team = team_id or getattr(lookup.home_workspace(), "team_id", "")
    if not team:
        raise GroupUnknown(f"No Slack workspace is connected that could say who is in {shown}. {_INSTEAD}")
    known = SlackGroup.objects.filter(team_id=team, said=said).first()
    if known is not None and known.asked_at is not None and now - known.asked_at <= FRESH_FOR:
        return Group(team, tuple(known.slack_user_ids))
    if known is None or known.failed_at is None or now - known.failed_at > PATIENCE:
        workspace = SlackInstallation.objects.filter(team_id=team).first()
        if workspace is None or not workspace.has_token:
            raise GroupUnknown(f"Conductor has no token with which to ask Slack who is in {shown}. {_INSTEAD}")
        raise MustAsk(team_id=team, said=said, shown=shown)
    if known.error == "missing_scope":
        raise ScopeMissing
    if known.asked_at is not None and known.error != NO_SUCH:
        return Group(team, tuple(known.slack_user_ids), stale_since=known.asked_at)
    raise GroupUnknown(_why(known, shown))


def _why(known: SlackGroup, shown: str) -> str:
    if known.error == NO_SUCH:
        meant = f"Did you mean {known.nearest}?" if known.nearest else _INSTEAD
        return f"Slack knows no group {shown}. {meant}"
    if known.error == "paid_teams_only":
        return f"This Slack workspace has no user groups: its plan is without them. {_INSTEAD}"
    if known.error in {"no_token", "token_revoked", "account_inactive", "invalid_auth", "token_expired"}:
        return f"Slack no longer lets Conductor ask who is in {shown}. {_INSTEAD}"
    return f"Slack does not say who is in {shown} ({known.error}). Try again in a minute. {_INSTEAD}"
