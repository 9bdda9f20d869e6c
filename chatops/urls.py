"""Where Slack sends its requests, three addresses and one door; and where it sends people after an installation."""

from __future__ import annotations

from django.urls import path

from chatops import views

app_name = "chatops"
urlpatterns = [
    path("events", views.slack, name="events"),
    path("commands", views.slack, name="commands"),
    path("interactions", views.slack, name="interactions"),
    path("oauth_redirect", views.oauth_redirect, name="oauth_redirect"),
]
