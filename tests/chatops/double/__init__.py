"""A double of Slack's Web API, ours: it holds state, checks arguments by Slack's document, and refuses as Slack does.

It is not Slack. What it knows of Slack is the API document in ../shared/data/specs, Slack's Block Kit types there, and
the errors that Slack documents for each method. It listens on loopback only.
"""

from __future__ import annotations

from tests.chatops.double.server import SlackDouble, running_double
from tests.chatops.double.state import Channel, Message, Workspace

__all__ = ["Channel", "Message", "SlackDouble", "Workspace", "running_double"]
