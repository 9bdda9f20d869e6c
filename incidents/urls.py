"""Addresses of the incident pages."""

from __future__ import annotations

from django.urls import path

from incidents.alerts import views as alerts_views
from incidents.followups import ticket_views
from incidents.followups import views as followups_views
from incidents.page import response_views, undo_views, views
from incidents.postmortem import views as postmortem_views
from incidents.reporting import views as reporting_views
from incidents.response import role_views
from incidents.rules import policy_form
from incidents.rules import views as rules_views
from incidents.timeline import views as timeline_views

app_name = "incidents"
urlpatterns = [
    path("", views.incident_list, name="list"),
    path("declare/", views.declare, name="declare"),
    path("postmortems/", postmortem_views.postmortem_list, name="postmortems"),
    path("actions/", followups_views.action_item_list, name="action_items"),
    path("actions/A-<int:number>/", followups_views.action_item, name="action_item"),
    path("actions/A-<int:number>/tickets/", ticket_views.of_action_item, name="action_item_tickets"),
    path("actions/A-<int:number>/<slug:step>/", followups_views.action_item_step, name="action_item_step"),
    path("INC-<int:number>/actions/new/", followups_views.action_item_new, name="action_item_new"),
    path("services", views.services, name="services"),
    path("INC-<int:number>/", views.incident_detail, name="detail"),
    path("INC-<int:number>/events", views.events, name="events"),
    path("INC-<int:number>/acknowledgement/", views.acknowledgement, name="acknowledgement"),
    path("INC-<int:number>/transition/", views.transition, name="transition"),
    path("INC-<int:number>/undo/<int:seq>/", undo_views.undo, name="undo"),
    path("INC-<int:number>/classification/", views.classification, name="classification"),
    path("INC-<int:number>/role/", views.role, name="role"),
    path("INC-<int:number>/update/", views.update, name="update"),
    path("INC-<int:number>/runs/<int:run>/retry/", response_views.retry, name="retry"),
    path("INC-<int:number>/role/answer/", role_views.role_answer, name="role_answer"),
    path("INC-<int:number>/role/handover/", role_views.handover, name="handover"),
    path("INC-<int:number>/role/release/", role_views.release, name="release"),
    path("INC-<int:number>/entries/<int:seq>/", timeline_views.entry, name="entry"),
    path("INC-<int:number>/milestones/<str:key>/", timeline_views.milestone, name="milestone"),
    path("INC-<int:number>/access/", role_views.access, name="access"),
    path("INC-<int:number>/tasks/", response_views.tasks, name="tasks"),
    path("INC-<int:number>/tasks/<int:task>/", response_views.task, name="task"),
    path("export.csv", response_views.export, name="export"),
    path("rules/", rules_views.policy, name="rules"),
    path("rules/change/", policy_form.policy_form, name="rules_change"),
    path("rules/new/", rules_views.policy_new, name="rules_new"),
    path("rules/versions/<int:version>/", rules_views.policy_version, name="rules_version"),
    path("rules/versions/<int:version>.json", rules_views.policy_file, name="rules_file"),
    path("rules/reporting/", reporting_views.rules, name="rules_reporting"),
    path("rules/reporting/new/", reporting_views.rule_new, name="rules_reporting_new"),
    path("rules/reporting/<str:key>/", reporting_views.rule, name="rules_reporting_one"),
    path("deadlines/", reporting_views.deadlines, name="deadlines"),
    path("alerts/", response_views.alert_list, name="alerts"),
    path("alerts/sources/", alerts_views.source_list, name="alert_sources"),
    path("alerts/sources/new/", alerts_views.source_new, name="alert_source_new"),
    path("alerts/sources/at/<slug:name>/", alerts_views.source, name="alert_source"),
    path("alerts/sources/at/<slug:name>/test/", alerts_views.source_test, name="alert_source_test"),
    path("alerts/sources/at/<slug:name>/severities/", alerts_views.source_severities, name="alert_source_severities"),
    path("alerts/sources/at/<slug:name>/rotate/", alerts_views.source_rotate, name="alert_source_rotate"),
    path("alerts/sources/at/<slug:name>/end/", alerts_views.source_end, name="alert_source_end"),
    path("alerts/<uuid:alert>/", response_views.alert, name="alert"),
    path("INC-<int:number>/duty/", response_views.duty, name="duty"),
    path("INC-<int:number>/moment/", response_views.moment, name="moment"),
    path("INC-<int:number>/filing/<uuid:duty>/", response_views.filing, name="filing"),
    path("INC-<int:number>/link/", response_views.link, name="link"),
    path("INC-<int:number>/links/<uuid:edge>/end/", response_views.link_end, name="link_end"),
    path("INC-<int:number>/tickets/", ticket_views.of_incident, name="tickets"),
    path("tickets/<uuid:ticket_id>/<slug:step>/", ticket_views.step, name="ticket_step"),
    path("INC-<int:number>/merge/", response_views.merge, name="merge"),
    path("INC-<int:number>/visibility/", response_views.visibility, name="visibility"),
    path("INC-<int:number>/answers/", response_views.answers, name="answers"),
    path("INC-<int:number>/postmortem/", postmortem_views.postmortem, name="postmortem"),
    path("INC-<int:number>/postmortem/<slug:part>/edit/", postmortem_views.section, name="postmortem_section"),
    path("INC-<int:number>/postmortem/<slug:step>/", postmortem_views.review, name="postmortem_review"),
    path("INC-<int:number>/postmortem.md", postmortem_views.postmortem_md, name="postmortem_md"),
    path("INC-<int:number>/postmortem.json", postmortem_views.postmortem_json, name="postmortem_json"),
    path("INC-<int:number>/postmortem.pdf", postmortem_views.postmortem_pdf, name="postmortem_pdf"),
]
