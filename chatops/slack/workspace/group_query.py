"""Asks Slack who is in a user group. Not inside a transaction (docs/decisions/0063)."""

from __future__ import annotations

import difflib
from datetime import datetime
from uuid import UUID

from chatops.commands.groups import NO_SUCH
from chatops.models.workspace import SlackInstallation
from chatops.slack.outbound.client import SlackFailed, call
from chatops.slack.workspace.credentials import SecretUnavailable, bot_token
from chatops.slack.workspace.group_lifecycle import note_group, note_group_failed
from conductor.tenancy.database.scope import tenant_scope

TIMEOUT_SECONDS = 5


def ask_slack(*, tenant_id: UUID, team_id: str, said: str, now: datetime) -> None:
    """Ask Slack who is in the group and remember its word, or why it gave none. Not inside a transaction."""
    try:
        with tenant_scope(tenant_id):
            token = bot_token(SlackInstallation.objects.get(team_id=team_id))
        people = _people(token, _id_of(token, said))
    except _NoSuchGroup as unknown:
        _failed(tenant_id, team_id, said, NO_SUCH, now, nearest=unknown.nearest)
    except SlackFailed as failure:
        _failed(tenant_id, team_id, said, NO_SUCH if "no_such_subteam" in failure.error else failure.error, now)
    except (SecretUnavailable, SlackInstallation.DoesNotExist):
        _failed(tenant_id, team_id, said, "no_token", now)
    else:
        with tenant_scope(tenant_id):
            note_group(tenant_id=tenant_id, team_id=team_id, said=said, people=people, now=now)


class _NoSuchGroup(Exception):
    def __init__(self, nearest: str) -> None:
        super().__init__(nearest)
        self.nearest = nearest


def _id_of(token: str, said: str) -> str:
    """Return the id of the group with the handle; what does not begin with @ is an id."""
    if not said.startswith("@"):
        return said
    answer = call(token=token, method="usergroups.list", arguments={}, timeout_seconds=TIMEOUT_SECONDS)
    handles = {str(each.get("handle", "")).casefold(): str(each.get("id", "")) for each in answer.get("usergroups", [])}
    wanted = said[1:].casefold()
    if wanted not in handles:
        close = difflib.get_close_matches(wanted, handles, n=1, cutoff=0.6)
        raise _NoSuchGroup(f"@{close[0]}" if close else "")
    return handles[wanted]


def _people(token: str, group_id: str) -> list[str]:
    arguments = {"usergroup": group_id}
    answer = call(token=token, method="usergroups.users.list", arguments=arguments, timeout_seconds=TIMEOUT_SECONDS)
    return [str(each) for each in answer.get("users") or []]


def _failed(tenant_id: UUID, team_id: str, said: str, error: str, now: datetime, *, nearest: str = "") -> None:
    with tenant_scope(tenant_id):
        note_group_failed(tenant_id=tenant_id, team_id=team_id, said=said, error=error, now=now, nearest=nearest)
