"""Every address of the product. Apps are named as strings: this package imports none of them."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from conductor.api.v1 import api
from conductor.console import views
from conductor.console.people import accounts, invitations
from conductor.observability import health

urlpatterns = [
    path("", views.home, name="home"),
    path("preferences/", views.preferences, name="preferences"),
    path("signin/link/<str:token>/", views.signin_link, name="signin_link"),
    path("signin/break-glass/<str:token>/", accounts.break_glass, name="break_glass"),
    path("invitations/<str:secret>/", invitations.accept, name="invitation"),
    # Before allauth's own, which they close (docs/decisions/0070).
    path("accounts/email/", accounts.fixed_address, name="account_email"),
    path("accounts/3rdparty/signup/", accounts.address_taken, name="socialaccount_signup"),
    path("accounts/confirm/", accounts.confirm, name="account_confirm"),
    path("accounts/", include("allauth.urls")),
    path("t/<slug:tenant>/", views.tenant_home, name="tenant_home"),
    path("t/<slug:tenant>/", include("conductor.console.urls")),
    path("t/<slug:tenant>/incidents/", include("incidents.urls")),
    path("t/<slug:tenant>/controls/", include("evidence.control_urls")),
    path("t/<slug:tenant>/evidence/", include("evidence.urls")),
    path("t/<slug:tenant>/slack/", include("chatops.slack.workspace.urls")),
    path("t/<slug:tenant>/command/", include("chatops.console.urls")),
    path("api/v1/", api.wrapped_urls()),
    path("hooks/<slug:organisation>/", include("incidents.webhook_urls")),
    path("slack/", include("chatops.urls")),
    path("admin/", admin.site.urls),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", health.metrics),
]

handler400 = "conductor.console.refusals.errors.bad_request"
handler404 = "conductor.console.refusals.errors.not_found"
handler429 = "conductor.console.refusals.errors.too_many_requests"  # asked by allauth
handler500 = "conductor.console.refusals.errors.server_error"
