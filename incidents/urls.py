"""Addresses of the incident pages."""

from __future__ import annotations

from django.urls import path

from incidents.views import action_items, entries, people, postmortems, reporting, response, rule_form, rules, tickets
from incidents.views import incidents as views

app_name = "incidents"
urlpatterns = [
    path("", views.incident_list, name="list"),
    path("declare/", views.declare, name="declare"),
    path("actions/", action_items.action_item_list, name="action_items"),
    path("actions/A-<int:number>/", action_items.action_item, name="action_item"),
    path("actions/A-<int:number>/tickets/", tickets.of_action_item, name="action_item_tickets"),
    path("actions/A-<int:number>/<slug:step>/", action_items.action_item_step, name="action_item_step"),
    path("INC-<int:number>/actions/new/", action_items.action_item_new, name="action_item_new"),
    path("services", views.services, name="services"),
    path("INC-<int:number>/", views.incident_detail, name="detail"),
    path("INC-<int:number>/events", views.events, name="events"),
    path("INC-<int:number>/acknowledgement/", views.acknowledgement, name="acknowledgement"),
    path("INC-<int:number>/transition/", views.transition, name="transition"),
    path("INC-<int:number>/classification/", views.classification, name="classification"),
    path("INC-<int:number>/role/", views.role, name="role"),
    path("INC-<int:number>/update/", views.update, name="update"),
    path("INC-<int:number>/runs/<int:run>/retry/", response.retry, name="retry"),
    path("INC-<int:number>/role/answer/", people.role_answer, name="role_answer"),
    path("INC-<int:number>/role/handover/", people.handover, name="handover"),
    path("INC-<int:number>/role/release/", people.release, name="release"),
    path("INC-<int:number>/entries/<int:seq>/", entries.entry, name="entry"),
    path("INC-<int:number>/milestones/<str:key>/", entries.milestone, name="milestone"),
    path("INC-<int:number>/access/", people.access, name="access"),
    path("INC-<int:number>/tasks/", response.tasks, name="tasks"),
    path("INC-<int:number>/tasks/<int:task>/", response.task, name="task"),
    path("export.csv", response.export, name="export"),
    path("rules/", rules.policy, name="rules"),
    path("rules/change/", rule_form.policy_form, name="rules_change"),
    path("rules/new/", rules.policy_new, name="rules_new"),
    path("rules/versions/<int:version>/", rules.policy_version, name="rules_version"),
    path("rules/versions/<int:version>.json", rules.policy_file, name="rules_file"),
    path("rules/reporting/", reporting.rules, name="rules_reporting"),
    path("rules/reporting/new/", reporting.rule_new, name="rules_reporting_new"),
    path("rules/reporting/<str:key>/", reporting.rule, name="rules_reporting_one"),
    path("deadlines/", reporting.deadlines, name="deadlines"),
    path("alerts/", response.alert_list, name="alerts"),
    path("alerts/<uuid:alert>/", response.alert, name="alert"),
    path("INC-<int:number>/duty/", response.duty, name="duty"),
    path("INC-<int:number>/moment/", response.moment, name="moment"),
    path("INC-<int:number>/filing/<uuid:duty>/", response.filing, name="filing"),
    path("INC-<int:number>/link/", response.link, name="link"),
    path("INC-<int:number>/links/<uuid:edge>/end/", response.link_end, name="link_end"),
    path("INC-<int:number>/tickets/", tickets.of_incident, name="tickets"),
    path("tickets/<uuid:ticket_id>/<slug:step>/", tickets.step, name="ticket_step"),
    path("INC-<int:number>/merge/", response.merge, name="merge"),
    path("INC-<int:number>/visibility/", response.visibility, name="visibility"),
    path("INC-<int:number>/answers/", response.answers, name="answers"),
    path("INC-<int:number>/postmortem/", postmortems.postmortem, name="postmortem"),
    path("INC-<int:number>/postmortem/<slug:part>/edit/", postmortems.section, name="postmortem_section"),
    path("INC-<int:number>/postmortem/<slug:step>/", postmortems.review, name="postmortem_review"),
    path("INC-<int:number>/postmortem.md", postmortems.postmortem_md, name="postmortem_md"),
    path("INC-<int:number>/postmortem.json", postmortems.postmortem_json, name="postmortem_json"),
    path("INC-<int:number>/postmortem.pdf", postmortems.postmortem_pdf, name="postmortem_pdf"),
]
