"""The manifest from which Slack makes the app: one command, and as few scopes as the response work needs."""

from __future__ import annotations

import json
import re
from typing import Any

from conductor.lib.errors import Invalid

SCOPES = {
    "commands": "the command itself",
    "chat:write": "headline messages and updates in incident channels",
    "channels:manage": "open an incident's public channel",
    "groups:write": "open an incident's private channel",
    "channels:read": "know the channel that a command comes from",
    "groups:read": "the same for private channels",
    "channels:history": "hear messages in incident channels, for the timeline",
    "groups:history": "the same for private channels",
    "reactions:read": "capture messages that somebody marks with an emoji",
    "pins:read": "capture messages that somebody pins",
    "usergroups:read": "call the people of a user group",
    "users:read": "names of people who act",
    "users:read.email": "match people to members by their address",
}
"""Scope to what it is for. docs/reference/slack-commands.md lists them."""

BUILT_IN = frozenset(
    {"/archive", "/call", "/collapse", "/dm", "/expand", "/feed", "/invite", "/leave", "/msg", "/remind", "/remove"}
    | {"/rename", "/search", "/shrug", "/status", "/topic"}
)
"""Commands of Slack's own, which an app's command would hide or be hidden by."""

CALLBACK = "capture_message"
"""The message shortcut, for messages in threads, where no command can be typed."""

BOT_EVENTS = (
    "app_home_opened",
    "app_uninstalled",
    "channel_archive",
    "channel_shared",
    "channel_unarchive",
    "channel_unshared",
    "group_archive",
    "group_unarchive",
    "message.channels",
    "message.groups",
    "pin_added",
    "pin_removed",
    "reaction_added",
    "reaction_removed",
    "tokens_revoked",
)
"""What Slack tells us of. Of messages only those in incidents' channels are kept."""

_COMMAND = re.compile(r"/[a-z0-9_-]{1,31}")


class CommandNameInvalid(Invalid):
    """A command is a slash and at most 31 lower-case letters, digits, hyphens, underscores, and none of Slack's own."""

    code = "command_name_invalid"


def manifest(
    *, base_url: str, command: str, name: str = "Maestro Conductor", socket_mode: bool = False
) -> dict[str, Any]:
    """Return the manifest as JSON values. Raise CommandNameInvalid.

    With `socket_mode` Slack sends everything over a connection that we open, and calls no address.
    """
    if not _COMMAND.fullmatch(command) or command in BUILT_IN:
        raise CommandNameInvalid(fields={"command": [f"{command} cannot be used."]})
    base = base_url.rstrip("/")
    return {
        "display_information": {
            "name": name[:35],
            "description": "Declare incidents, keep their timeline, and prove afterwards what was done.",
            "background_color": "#1e3a6e",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": True,
            },
            "bot_user": {"display_name": name[:80], "always_online": True},
            "slash_commands": [
                {
                    "command": command,
                    "url": f"{base}/slack/commands",
                    "description": "Declare and run incidents",
                    "usage_hint": "declare [sev1…sev4] title | ack | update text | mitigated | resolved | help",
                    # Without this, people and channels arrive as bare names and cannot be told from text.
                    "should_escape": True,
                }
            ],
            "shortcuts": [
                {
                    "name": "Add to an incident",
                    "type": "message",
                    "callback_id": CALLBACK,
                    "description": "Put this message on an incident's timeline",
                }
            ],
        },
        "oauth_config": {"scopes": {"bot": list(SCOPES)}, "redirect_urls": [f"{base}/slack/oauth_redirect"]},
        "settings": {
            "event_subscriptions": {"request_url": f"{base}/slack/events", "bot_events": list(BOT_EVENTS)},
            "interactivity": {"is_enabled": True, "request_url": f"{base}/slack/interactions"},
            "org_deploy_enabled": False,
            "socket_mode_enabled": socket_mode,
            "token_rotation_enabled": False,
        },
    }


def as_yaml(value: Any, *, depth: int = 0) -> str:
    """Return JSON values as block-style YAML. Strings stand in double quotes, as JSON writes them, which YAML reads."""
    pad = "  " * depth
    if isinstance(value, dict):
        return "".join(f"{pad}{key}:{_below(each, depth)}" for key, each in value.items())
    if isinstance(value, list):
        return "".join(f"{pad}-{_below(each, depth)}" for each in value)
    return f"{pad}{json.dumps(value, ensure_ascii=False)}\n"


def _below(value: Any, depth: int) -> str:
    nested = isinstance(value, dict | list) and value
    return f"\n{as_yaml(value, depth=depth + 1)}" if nested else f" {json.dumps(value, ensure_ascii=False)}\n"
