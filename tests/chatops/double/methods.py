"""What each method does to a workspace's state, and the errors that Slack documents for it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tests.chatops.double.state import Channel, Message, SlackError, Workspace, new_ts

Arguments = dict[str, Any]
_NAME = re.compile(r"[a-z0-9_-]{1,80}")


def _writable(workspace: Workspace, given: Arguments) -> Channel:
    channel = workspace.channel(given["channel"])
    if channel.is_archived:
        raise SlackError("is_archived")
    if workspace.bot_user_id not in channel.members and channel.is_private:
        raise SlackError("not_in_channel")
    return channel


def auth_test(workspace: Workspace, given: Arguments) -> Arguments:
    return {"team_id": workspace.team_id, "user_id": workspace.bot_user_id, "bot_id": "B0BOT"}


def auth_revoke(workspace: Workspace, given: Arguments) -> Arguments:
    workspace.revoked = True
    return {"revoked": True}


def apps_uninstall(workspace: Workspace, given: Arguments) -> Arguments:
    workspace.revoked = True
    return {}


def chat_post_message(workspace: Workspace, given: Arguments) -> Arguments:
    if not given.get("text") and not given.get("blocks"):
        raise SlackError("no_text")
    channel = _writable(workspace, given)
    message = Message(
        new_ts(),
        workspace.bot_user_id,
        given.get("text", ""),
        given.get("blocks") or [],
        thread_ts=given.get("thread_ts", ""),
    )
    channel.messages[message.ts] = message
    return {"channel": channel.id, "ts": message.ts, "message": {"text": message.text, "ts": message.ts}}


def chat_update(workspace: Workspace, given: Arguments) -> Arguments:
    channel = _writable(workspace, given)
    message = channel.messages.get(given["ts"])
    if message is None:
        raise SlackError("message_not_found")
    if message.user != workspace.bot_user_id:
        raise SlackError("cant_update_message")
    message.text, message.blocks = given.get("text", message.text), given.get("blocks") or []
    message.edits += 1
    return {"channel": channel.id, "ts": message.ts, "text": message.text}


def chat_post_ephemeral(workspace: Workspace, given: Arguments) -> Arguments:
    channel = _writable(workspace, given)
    if given["user"] not in workspace.users:
        raise SlackError("user_not_in_channel")
    channel.ephemeral.append((given["user"], given))
    return {"message_ts": new_ts()}


def chat_get_permalink(workspace: Workspace, given: Arguments) -> Arguments:
    channel = workspace.channel(given["channel"])
    if given["message_ts"] not in channel.messages:
        raise SlackError("message_not_found")
    stamp = given["message_ts"].replace(".", "")
    return {"channel": channel.id, "permalink": f"https://northwind.slack.com/archives/{channel.id}/p{stamp}"}


def conversations_create(workspace: Workspace, given: Arguments) -> Arguments:
    name = given["name"]
    if not _NAME.fullmatch(name):
        raise SlackError("invalid_name_specials" if len(name) <= 80 else "invalid_name_maxlength")
    if any(channel.name == name for channel in workspace.channels.values()):
        raise SlackError("name_taken")
    channel = workspace.add_channel(name, is_private=str(given.get("is_private")).lower() == "true")
    return {"channel": _as_conversation(channel)}


def conversations_info(workspace: Workspace, given: Arguments) -> Arguments:
    return {"channel": _as_conversation(workspace.channel(given["channel"]))}


def conversations_history(workspace: Workspace, given: Arguments) -> Arguments:
    channel = workspace.channel(given["channel"])
    found = [each for each in channel.messages.values() if _between(each.ts, given)]
    newest = sorted(found, key=lambda each: each.ts, reverse=True)[: int(given.get("limit", 15))]
    return {"messages": [{"type": "message", "user": m.user, "text": m.text, "ts": m.ts} for m in newest]}


def _between(ts: str, given: Arguments) -> bool:
    oldest, latest = given.get("oldest") or "0", given.get("latest") or "9999999999.999999"
    inclusive = str(given.get("inclusive", "")).lower() in {"1", "true"}
    return oldest < ts < latest or (inclusive and ts in {oldest, latest})


def conversations_invite(workspace: Workspace, given: Arguments) -> Arguments:
    channel = _writable(workspace, given)
    for user in given["users"].split(","):
        if user not in workspace.users:
            raise SlackError("user_not_found")
        if user in channel.members:
            raise SlackError("already_in_channel")
        channel.members.add(user)
    return {"channel": _as_conversation(channel)}


def conversations_set_topic(workspace: Workspace, given: Arguments) -> Arguments:
    channel = _writable(workspace, given)
    if len(given["topic"]) > 250:
        raise SlackError("too_long")
    channel.topic = given["topic"]
    return {"channel": _as_conversation(channel)}


def conversations_archive(workspace: Workspace, given: Arguments) -> Arguments:
    _writable(workspace, given).is_archived = True
    return {}


def conversations_join(workspace: Workspace, given: Arguments) -> Arguments:
    channel = _writable(workspace, given)
    channel.members.add(workspace.bot_user_id)
    return {"channel": _as_conversation(channel)}


def pins_add(workspace: Workspace, given: Arguments) -> Arguments:
    message = _writable(workspace, given).messages.get(given.get("timestamp", ""))
    if message is None:
        raise SlackError("message_not_found")
    if message.pinned:
        raise SlackError("already_pinned")
    message.pinned = True
    return {}


def reactions_add(workspace: Workspace, given: Arguments) -> Arguments:
    message = _writable(workspace, given).messages.get(given.get("timestamp", ""))
    if message is None:
        raise SlackError("message_not_found")
    users = message.reactions.setdefault(given["name"], [])
    if workspace.bot_user_id in users:
        raise SlackError("already_reacted")
    users.append(workspace.bot_user_id)
    return {}


def usergroups_list(workspace: Workspace, given: Arguments) -> Arguments:
    return {"usergroups": [{"id": key, "handle": each[0], "name": each[0]} for key, each in workspace.groups.items()]}


def usergroups_users_list(workspace: Workspace, given: Arguments) -> Arguments:
    if given["usergroup"] not in workspace.groups:
        raise SlackError("no_such_subteam")
    return {"users": workspace.groups[given["usergroup"]][1]}


def users_info(workspace: Workspace, given: Arguments) -> Arguments:
    user = workspace.users.get(given.get("user", ""))
    if user is None:
        raise SlackError("user_not_found")
    return {"user": user}


def views_open(workspace: Workspace, given: Arguments) -> Arguments:
    user = workspace.spend(given["trigger_id"])
    view = {**given["view"], "id": f"V{len(workspace.modals) + 1}", "hash": new_ts(), "user": user}
    workspace.modals.append(view)
    return {"view": {**view, "team_id": workspace.team_id}}


def views_update(workspace: Workspace, given: Arguments) -> Arguments:
    for at, view in enumerate(workspace.modals):
        if view["id"] == given.get("view_id"):
            if given.get("hash") and given["hash"] != view["hash"]:
                raise SlackError("hash_conflict")
            workspace.modals[at] = {**view, **given["view"], "hash": new_ts()}
            return {"view": workspace.modals[at]}
    raise SlackError("not_found")


def views_publish(workspace: Workspace, given: Arguments) -> Arguments:
    if given["user_id"] not in workspace.users:
        raise SlackError("user_not_found")
    workspace.homes[given["user_id"]] = given["view"]
    return {"view": given["view"]}


def _as_conversation(channel: Channel) -> Arguments:
    return {
        "id": channel.id,
        "name": channel.name,
        "is_private": channel.is_private,
        "is_archived": channel.is_archived,
        "is_ext_shared": channel.is_ext_shared,
        "is_org_shared": channel.is_org_shared,
        "is_shared": channel.is_ext_shared or channel.is_org_shared,
        "topic": {"value": channel.topic, "creator": "", "last_set": 0},
    }


METHODS: dict[str, Callable[[Workspace, Arguments], Arguments]] = {
    "auth.test": auth_test,
    "auth.revoke": auth_revoke,
    "apps.uninstall": apps_uninstall,
    "chat.postMessage": chat_post_message,
    "chat.update": chat_update,
    "chat.postEphemeral": chat_post_ephemeral,
    "chat.getPermalink": chat_get_permalink,
    "conversations.create": conversations_create,
    "conversations.info": conversations_info,
    "conversations.history": conversations_history,
    "conversations.invite": conversations_invite,
    "conversations.setTopic": conversations_set_topic,
    "conversations.archive": conversations_archive,
    "conversations.join": conversations_join,
    "pins.add": pins_add,
    "reactions.add": reactions_add,
    "usergroups.list": usergroups_list,
    "usergroups.users.list": usergroups_users_list,
    "users.info": users_info,
    "views.open": views_open,
    "views.update": views_update,
    "views.publish": views_publish,
}
