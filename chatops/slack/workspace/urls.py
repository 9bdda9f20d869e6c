"""Addresses of the console's page of Slack workspaces, below a tenant."""

from __future__ import annotations

from django.urls import path

from chatops.slack.workspace.identity_views import identity_confirm
from chatops.slack.workspace.views import disconnect, install, retry, workspaces

app_name = "slack"
urlpatterns = [
    path("", workspaces, name="workspaces"),
    path("installation/", install, name="install"),
    path("workspaces/<uuid:workspace_id>/end/", disconnect, name="disconnect"),
    path("you/<str:token>/", identity_confirm, name="identity_confirm"),
    path("outbox/<uuid:message_id>/retry/", retry, name="retry"),
]
