"""Modals that were filled in: the same verbs, with what is wrong shown beside the field."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings

from chatops.commands.forms import FORMS, Form, command_of, field_at_fault
from chatops.commands.verbs import carry_out, reasons_of
from chatops.models.inbound_request import SlackReceipt
from chatops.slack.actions import message_capture
from chatops.slack.actions.unlinked import UNLINKED
from chatops.slack.lifecycle import Outcome
from chatops.slack.outbound.replies import origin_of, reply
from chatops.slack.render import modals
from chatops.slack.render.modals import INCIDENT_FIELD, ModalRefused, Opened
from chatops.slack.workspace.slack_user import Speaker, speaker_of
from conductor.console.format.values import duration
from conductor.lib.errors import Refused
from incidents.models.history import StatusTransition
from incidents.models.incident import Incident

FOREIGN = "This form is not one that Conductor gave out here, so nothing was done. Open it again."


def perform(receipt: SlackReceipt, now: datetime) -> Outcome:
    """Carry out what was filled in; an empty answer closes the modal, what is wrong stands beside its field."""
    view: dict[str, Any] = receipt.payload.get("view") or {}
    values = modals.values_of(view)
    try:
        opened = modals.opened_as(view, tenant_id=receipt.tenant_id)
    except ModalRefused:
        return _beside({"": FOREIGN}, view)
    speaker = speaker_of(receipt, command=settings.SLACK_COMMAND, now=now)
    if speaker.member is None:
        return _beside({"": UNLINKED}, view)
    if opened.verb == message_capture.VERB:
        return message_capture.submit(speaker, opened, values, view)
    return _submit(speaker, opened, values, view)


def _submit(speaker: Speaker, opened: Opened, values: dict[str, str], view: dict[str, Any]) -> Outcome:
    number = opened.incident or (int(values[INCIDENT_FIELD]) if values.get(INCIDENT_FIELD, "").isdigit() else None)
    origin = origin_of(opened.origin)
    where = speaker.elsewhere(origin.channel_id) if origin else speaker
    said = where.say(command_of(opened.verb, incident=number, values=values))
    if stale := moved_meanwhile(opened, now=speaker.now):
        return _beside({"": stale}, view)
    try:
        answer = carry_out(said)
    except Refused as refused:
        return _beside(beside_fields(refused, form=FORMS[opened.verb]), view)
    reply(origin if origin is not None else speaker.receipt, answer, now=speaker.now, name=f"view:{speaker.receipt.id}")
    return Outcome({})


def moved_meanwhile(opened: Opened, *, now: datetime) -> str:
    """Return who moved the incident's status while the modal was open, in one sentence; empty if nobody did."""
    if opened.incident is None or not opened.status:
        return ""
    incident = Incident.objects.filter(number=opened.incident).exclude(status=opened.status).first()
    if incident is None:
        return ""
    last = StatusTransition.objects.filter(incident=incident).order_by("-seq").first()
    who = f" by {last.actor_name} {duration(now - last.recorded_at, coarse=True)} ago" if last else ""
    return f"Its status changed to {incident.get_status_display().lower()}{who}. Close this and look again."


def beside_fields(refused: Refused, *, form: Form) -> dict[str, str]:
    """Return each complaint under the field that it belongs to; under the empty name what belongs to none."""
    placed: dict[str, list[str]] = {}
    for name, why in refused.fields.items():
        placed.setdefault(field_at_fault(form, name), []).extend(why)
    if not placed or "" in placed:
        placed[""] = reasons_of(refused)
    if refused.code != "invalid" and "" not in placed:
        name = next(iter(placed))
        placed[name] = reasons_of(refused)
    return {name: " ".join(dict.fromkeys(why)) for name, why in placed.items()}


def _beside(complaints: dict[str, str], view: dict[str, Any]) -> Outcome:
    """Return the complaints beside the modal's inputs; those without a field stand beside the last."""
    inputs = [block["block_id"] for block in view.get("blocks", []) if block.get("type") == "input"]
    if not inputs:
        return Outcome({"response_action": "update", "view": modals.notice(" ".join(complaints.values()))})
    errors: dict[str, str] = {}
    for name, why in complaints.items():
        block = name if name in inputs else inputs[-1]
        errors[block] = f"{errors.get(block, '')} {why}".strip()[:1000]
    return Outcome({"response_action": "errors", "errors": errors})
