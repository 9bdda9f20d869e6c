"""Addresses of the control pages. They show evidence, so they stand in this app (docs/decisions/0001)."""

from __future__ import annotations

from django.urls import path

from evidence import views

app_name = "controls"
urlpatterns = [
    path("", views.control_list, name="list"),
    path("restore-verification/", views.start_restore, name="start_restore"),
    path("<str:key>/", views.control_detail, name="detail"),
]
