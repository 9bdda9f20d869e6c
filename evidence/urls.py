"""Addresses of the evidence pages."""

from __future__ import annotations

from django.urls import path

from evidence import views

app_name = "evidence"
urlpatterns = [
    path("", views.bundle_list, name="list"),
    path("EVB-<int:number>/", views.bundle_detail, name="bundle"),
    path("EVB-<int:number>/pack/", views.request_pack, name="pack"),
    path("EVB-<int:number>/artifacts/<uuid:artifact_id>/", views.artifact, name="artifact"),
    path("packs/<uuid:pack_id>.<str:ending>", views.pack_file, name="pack_file"),
]
