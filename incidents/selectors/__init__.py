"""Every read of the incidents app: what pages, the API and chat show."""

from __future__ import annotations

from incidents.selectors.alerts import alert_by_id, alerts, alerts_waiting
from incidents.selectors.cost import cost_so_far
from incidents.selectors.deadlines import Deadline, Deadlines, deadlines
from incidents.selectors.detail import (
    Moment,
    RoleSlot,
    StepperStep,
    asserted,
    incident_by_number,
    incident_for_page,
    moments_of,
    roles_of,
    runs_of,
    stepper,
)
from incidents.selectors.export import export_csv
from incidents.selectors.feed import VIEWS, EntryFound, TimelinePage, timeline, timeline_entry, timeline_page
from incidents.selectors.figures import Figure, Figures, figures
from incidents.selectors.hub import (
    Hub,
    HubFilter,
    HubRow,
    LiveIncident,
    filtered,
    hidden_count,
    hub,
    live_incidents,
    rows_of,
    services,
    with_columns,
)
from incidents.selectors.learning import (
    ActionFigures,
    action_figures,
    action_item_by_number,
    action_items,
    latest_postmortem,
    newest_entry,
    postmortem_version,
    postmortems_of,
    rendered_postmortem,
)
from incidents.selectors.people import Person, Reader, find_person, members, readers, responders
from incidents.selectors.related import Suggestion, related_to
from incidents.selectors.rules import (
    PolicyVersion,
    RuleFound,
    content_before,
    policy_versions,
    reporting_rule,
    reporting_rules,
)
from incidents.selectors.saga import WorkflowStep, workflow_steps
from incidents.selectors.sources import Sources, sources_of
from incidents.selectors.surroundings import Surroundings, Tie, blast_of, surroundings

__all__ = [
    "VIEWS",
    "ActionFigures",
    "Deadline",
    "Deadlines",
    "EntryFound",
    "Figure",
    "Figures",
    "Hub",
    "HubFilter",
    "HubRow",
    "LiveIncident",
    "Moment",
    "Person",
    "PolicyVersion",
    "Reader",
    "RoleSlot",
    "RuleFound",
    "Sources",
    "StepperStep",
    "Suggestion",
    "Surroundings",
    "Tie",
    "TimelinePage",
    "WorkflowStep",
    "action_figures",
    "action_item_by_number",
    "action_items",
    "alert_by_id",
    "alerts",
    "alerts_waiting",
    "asserted",
    "blast_of",
    "content_before",
    "cost_so_far",
    "deadlines",
    "export_csv",
    "figures",
    "filtered",
    "find_person",
    "hidden_count",
    "hub",
    "incident_by_number",
    "incident_for_page",
    "latest_postmortem",
    "live_incidents",
    "members",
    "moments_of",
    "newest_entry",
    "policy_versions",
    "postmortem_version",
    "postmortems_of",
    "readers",
    "related_to",
    "rendered_postmortem",
    "reporting_rule",
    "reporting_rules",
    "responders",
    "roles_of",
    "rows_of",
    "runs_of",
    "services",
    "sources_of",
    "stepper",
    "surroundings",
    "timeline",
    "timeline_entry",
    "timeline_page",
    "with_columns",
    "workflow_steps",
]
