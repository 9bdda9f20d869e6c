"""The workflows that incidents start, as names of steps."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from conductor.engine.define.registry import Retry, Workflow, register_step, register_workflow
from incidents.alerts import refiring_step
from incidents.alerts.refiring import STILL_FIRING_WORKFLOW
from incidents.followups import ticket_steps
from incidents.followups.ticket_sync import SYNC_WORKFLOW
from incidents.followups.tickets import OPEN_WORKFLOW
from incidents.postmortem import steps
from incidents.reporting import deadline_watch
from incidents.response import role_requests, watch


class IncidentInput(BaseModel):
    """What a workflow about an incident is started with. Unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")

    incident_id: UUID


class RenderInput(IncidentInput):
    postmortem_id: UUID


class AskingInput(IncidentInput):
    asking_id: UUID
    """The role assignment, or the offer of one."""


class PageInput(IncidentInput):
    entry: int
    """Number of the timeline entry that says who is called."""


class StillFiringInput(IncidentInput):
    entry: int
    """Number of the timeline entry that names the alert."""


class ActionItemInput(BaseModel):
    model_config = ConfigDict(extra="forbid")

    action_item_id: UUID


class TicketInput(BaseModel):
    model_config = ConfigDict(extra="forbid")

    ticket_id: UUID


DECLARED = Workflow(
    name="incidents.declared",
    version=1,
    title="Tell people that an incident was declared",
    input=IncidentInput,
    steps=("incidents.notify_declared",),
    priority="incident",
)
POSTMORTEM_DRAFT = Workflow(
    name="incidents.postmortem_draft",
    version=2,
    title="Draft and render the postmortem",
    input=IncidentInput,
    steps=("incidents.collect_measures", "incidents.draft_postmortem", "incidents.render_postmortem"),
    priority="incident",
)
POSTMORTEM_RENDER = Workflow(
    name="incidents.postmortem_render",
    version=1,
    title="Render the postmortem",
    input=RenderInput,
    steps=("incidents.render_postmortem",),
    priority="incident",
)
PAGE = Workflow(
    name="incidents.page",
    version=1,
    title="Call somebody into the incident",
    input=PageInput,
    steps=("incidents.page",),
    priority="incident",
)
STILL_FIRING = Workflow(
    name=STILL_FIRING_WORKFLOW,
    version=1,
    title="Tell the commander that an alert still fires",
    input=StillFiringInput,
    steps=("incidents.tell_still_firing",),
    priority="incident",
)
ACTION_ITEM = Workflow(
    name="incidents.action_item",
    version=1,
    title="Remind the owner of an action item",
    input=ActionItemInput,
    steps=("incidents.remind_owner",),
)
TICKET_OPEN = Workflow(
    name=OPEN_WORKFLOW,
    version=1,
    title="Open a ticket",
    input=TicketInput,
    steps=("incidents.open_ticket",),
)
TICKET_SYNC = Workflow(
    name=SYNC_WORKFLOW,
    version=1,
    title="Carry a state to its ticket",
    input=TicketInput,
    steps=("incidents.sync_ticket",),
)
WATCH = Workflow(
    name="incidents.watch",
    version=1,
    title="Watch that updates come and roles are accepted",
    input=IncidentInput,
    steps=("incidents.watch_response",),
    priority="incident",
)
ASKING = Workflow(
    name="incidents.role_asked",
    version=1,
    title="Ask somebody to take a role",
    input=AskingInput,
    steps=("incidents.ask_holder",),
    priority="incident",
)
DEADLINES = Workflow(
    name="incidents.deadlines",
    version=1,
    title="Watch the deadlines of reporting obligations",
    input=IncidentInput,
    steps=("incidents.watch_deadlines",),
    priority="incident",
)

URGENT = Retry(max_attempts=8, max_asked=timedelta(minutes=5))
"""For messages to several receivers: one that wants to be left alone must not keep the others waiting for long."""
TRACKER_RETRY = Retry(max_attempts=12, first_delay=timedelta(seconds=5))
"""A tracker may be away for half an hour before somebody has to press "retry"."""


def register() -> None:
    """Register the steps and workflows. Called in AppConfig.ready()."""
    register_step("incidents.notify_declared", steps.notify_declared, retry=URGENT)
    register_step("incidents.page", steps.page, retry=URGENT)
    register_step("incidents.tell_still_firing", refiring_step.tell_still_firing, retry=URGENT)
    register_step("incidents.watch_response", watch.watch_response, retry=Retry(max_attempts=20))
    register_step("incidents.ask_holder", role_requests.ask_holder, retry=Retry(max_attempts=8))
    register_step("incidents.watch_deadlines", deadline_watch.watch_deadlines, retry=Retry(max_attempts=20))
    register_step(
        "incidents.collect_measures", steps.collect_measures, retry=Retry(max_attempts=steps.MEASURE_TRIES + 1)
    )
    register_step("incidents.draft_postmortem", steps.draft_postmortem)
    register_step("incidents.render_postmortem", steps.render_postmortem, timeout=timedelta(minutes=2))
    register_step("incidents.remind_owner", steps.remind_owner, retry=Retry(max_attempts=8))
    register_step("incidents.open_ticket", ticket_steps.open_ticket, retry=TRACKER_RETRY)
    register_step("incidents.sync_ticket", ticket_steps.sync_ticket, retry=TRACKER_RETRY)
    own = (
        DECLARED,
        WATCH,
        PAGE,
        STILL_FIRING,
        ASKING,
        DEADLINES,
        POSTMORTEM_DRAFT,
        POSTMORTEM_RENDER,
        ACTION_ITEM,
        TICKET_OPEN,
        TICKET_SYNC,
    )
    for workflow in own:
        register_workflow(workflow)
