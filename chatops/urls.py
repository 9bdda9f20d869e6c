"""Where Slack sends its requests, three addresses and one door; and where it sends people after an installation."""

from __future__ import annotations

from django.urls import path

from chatops.slack.inbound.views import slack
from chatops.slack.workspace.views import oauth_redirect

app_name = "chatops"
urlpatterns = [
    path("events", slack, name="events"),
    path("commands", slack, name="commands"),
    path("interactions", slack, name="interactions"),
    path("oauth_redirect", oauth_redirect, name="oauth_redirect"),
]
