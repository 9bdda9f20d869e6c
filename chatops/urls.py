"""Where Slack sends its requests: three addresses, as its settings ask for three, and one door."""

from __future__ import annotations

from django.urls import path

from chatops import views

app_name = "chatops"
urlpatterns = [
    path("events", views.slack, name="events"),
    path("commands", views.slack, name="commands"),
    path("interactions", views.slack, name="interactions"),
]
