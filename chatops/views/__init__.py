"""The web's doors to chatops: Slack's own, and the console's page of workspaces."""

from __future__ import annotations

from chatops.views.door import slack
from chatops.views.identities import identity_confirm
from chatops.views.sentences import say_sentence
from chatops.views.workspaces import disconnect, install, oauth_redirect, retry, workspaces

__all__ = [
    "disconnect",
    "identity_confirm",
    "install",
    "oauth_redirect",
    "retry",
    "say_sentence",
    "slack",
    "workspaces",
]
