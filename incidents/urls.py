"""Addresses of the incident pages."""

from __future__ import annotations

from django.urls import path

from incidents.views import incidents as views
from incidents.views import postmortems

app_name = "incidents"
urlpatterns = [
    path("", views.incident_list, name="list"),
    path("declare/", views.declare, name="declare"),
    path("INC-<int:number>/", views.incident_detail, name="detail"),
    path("INC-<int:number>/events", views.events, name="events"),
    path("INC-<int:number>/acknowledgement/", views.acknowledgement, name="acknowledgement"),
    path("INC-<int:number>/transition/", views.transition, name="transition"),
    path("INC-<int:number>/classification/", views.classification, name="classification"),
    path("INC-<int:number>/role/", views.role, name="role"),
    path("INC-<int:number>/update/", views.update, name="update"),
    path("INC-<int:number>/postmortem/", postmortems.postmortem, name="postmortem"),
    path("INC-<int:number>/postmortem.pdf", postmortems.postmortem_pdf, name="postmortem_pdf"),
]
