"""Addresses of the incident pages."""

from __future__ import annotations

from django.urls import path

from incidents.views import incidents as views
from incidents.views import postmortems, response

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
    path("INC-<int:number>/runs/<int:run>/retry/", response.retry, name="retry"),
    path("INC-<int:number>/role/answer/", response.role_answer, name="role_answer"),
    path("INC-<int:number>/role/handover/", response.handover, name="handover"),
    path("INC-<int:number>/tasks/", response.tasks, name="tasks"),
    path("INC-<int:number>/tasks/<int:task>/", response.task, name="task"),
    path("INC-<int:number>/answers/", response.answers, name="answers"),
    path("INC-<int:number>/postmortem/", postmortems.postmortem, name="postmortem"),
    path("INC-<int:number>/postmortem.pdf", postmortems.postmortem_pdf, name="postmortem_pdf"),
]
