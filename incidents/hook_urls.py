"""The address of signed webhooks. It stands outside the tenant's pages: the signature is the sign-in."""

from __future__ import annotations

from django.urls import path

from incidents.views import hooks, tracker_calls

app_name = "hooks"
urlpatterns = [
    path("alerts/<slug:name>", hooks.receive_alerts, name="alerts"),
    path("v2/enqueue", hooks.enqueue, name="events"),
    path("trackers/<uuid:adapter_id>", tracker_calls.receive, name="trackers"),
]
