"""Addresses of the console's page of Slack workspaces, below a tenant."""

from __future__ import annotations

from django.urls import path

from chatops import views

app_name = "slack"
urlpatterns = [
    path("", views.workspaces, name="workspaces"),
    path("installation/", views.install, name="install"),
    path("workspaces/<uuid:workspace_id>/end/", views.disconnect, name="disconnect"),
    path("you/<str:token>/", views.identity_confirm, name="identity_confirm"),
    path("outbox/<uuid:message_id>/retry/", views.retry, name="retry"),
]
