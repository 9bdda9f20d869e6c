"""The address of signed webhooks. It stands outside the tenant's pages: the signature is the sign-in."""

from __future__ import annotations

from django.urls import path

from incidents.alerts import webhook_views
from incidents.followups import webhook_views as followups_webhook_views

app_name = "hooks"
urlpatterns = [
    path("alerts/<slug:name>", webhook_views.receive_alerts, name="alerts"),
    path("v2/enqueue", webhook_views.enqueue, name="events"),
    path("trackers/<uuid:adapter_id>", followups_webhook_views.receive, name="trackers"),
]
