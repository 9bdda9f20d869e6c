"""The console's own pages below a tenant."""

from __future__ import annotations

from django.urls import path, re_path

from conductor.console import views

app_name = "console"
urlpatterns = [
    path("palette", views.palette, name="palette"),
    path("runs/", views.run_list, name="runs"),
    path("runs/R-<int:number>/", views.run_detail, name="run"),
    re_path(r"^runs/R-(?P<number>\d+)/(?P<action>cancellation|retry|decision)/$", views.run_action, name="run_action"),
]
