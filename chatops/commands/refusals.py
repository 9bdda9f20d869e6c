"""Refusals as Slack shows them: every reason at once, and buttons that do what would help."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import fields
from typing import Any
from uuid import UUID

from django.conf import settings

from chatops.commands import answers, replies
from chatops.commands.answers import Block
from chatops.commands.arguments import Declare, Duplicate, Page, Person
from chatops.commands.buttons import DO, FORM, Press, button, link_button
from chatops.commands.call import Said
from chatops.commands.forms import FORMS
from chatops.commands.lookup import IncidentNotNamed
from chatops.commands.page_recipients import RoleVacant
from chatops.commands.verbs import reasons_of
from chatops.commands.vocabulary import CALLED, ROLES, YES
from conductor.lib.errors import Refused
from conductor.policy.decisions import PolicyDenied
from incidents.models.choices import Role
from incidents.models.incident import Incident
from incidents.models.people import RoleAssignment
from incidents.record.refusals import GuardsNotMet, IncidentAlreadyResolved, TransitionNotAllowed

MOVE_VERBS = {
    "OPEN": ("reopen", "Open again"),
    "MITIGATED": ("mitigated", "Mitigated"),
    "MONITORING": ("monitoring", "Monitoring"),
    "RESOLVED": ("resolved", "Resolved"),
}
"""Status to the verb that leads there, and its button."""
INVITE = ("Invite people", "/t/{slug}/members/invitations/new/", "manage_members")
"""For who is no member yet. A member confirms their Slack account by the link that their own command brings."""
_ADAPTERS = "/admin/adapters/adapterconfig/"
_PAGES = {
    "permission_missing": ("Who may do this", "/t/{slug}/members/permissions/", "view_incidents"),
    "no_tracker": ("Connect a tracker", _ADAPTERS, "manage_adapters"),
    "nobody_can_be_paged": ("Connect a way to notify", _ADAPTERS, "manage_adapters"),
    "person_unknown": INVITE,
    "slack_scope_missing": ("Connect it again", "/t/{slug}/slack/", "manage_adapters"),
}
"""Code of a refusal to its button, the page that helps, and the permission that the page asks for."""
_ALSO_CORRECTED = frozenset({"person_unknown"})
"""Those that other words would help as well."""
_NEVER_CORRECTED = frozenset({"permission_missing", "no_tracker"})
"""Those that no other words would help: whoever may not open the page gets no button."""


def explain(refused: Refused, *, said: Said) -> answers.Answer:
    """Return the refusal with the buttons that fix it."""
    if isinstance(refused, IncidentNotNamed):
        return which_one(refused, said=said)
    return answers.refusal(reasons_of(refused), fixes=fixes(refused, said=said))


def which_one(unclear: IncidentNotNamed, *, said: Said) -> answers.Answer:
    """Return the question which incident was meant, each candidate with a button that says the same about it."""
    given = given_of(said.args)
    how = FORM if said.verb in FORMS and FORMS[said.verb].asks_when_bare and not given.get("text") else DO
    presses = [
        button(
            tenant_id=said.tenant.id, label=each.code, how=how, press=Press(said.verb, each.number, given), place="pick"
        )
        for each in unclear.candidates
    ]
    if not presses:
        return nothing_there(unclear, verb=said.verb, tenant_id=said.tenant.id)
    typed = f"{said.command} {said.verb}"
    return replies.which_one(unclear.detail, unclear.candidates, typed=typed, buttons=presses)


def nothing_there(unclear: IncidentNotNamed, *, verb: str, tenant_id: UUID) -> answers.Answer:
    """Return that there is no incident to act on: then there may be one to declare."""
    shown = answers.note(unclear.detail)
    if verb == "reopen":
        return shown
    declare = button(tenant_id=tenant_id, label="Declare an incident…", how=FORM, press=Press("declare"))
    return {**shown, "blocks": [*shown["blocks"], answers.actions(declare)]}


def fixes(refused: Refused, *, said: Said) -> list[Block]:
    """Return the buttons that would get the person further."""
    number, tenant_id = getattr(said.args, "incident", None), said.tenant.id
    if isinstance(refused, IncidentAlreadyResolved):
        press = Press("reopen", number or _meant(said))
        return [button(tenant_id=tenant_id, label="Reopen…", how=FORM, press=press)]
    if isinstance(refused, TransitionNotAllowed):
        verbs = [MOVE_VERBS[status] for status in refused.allowed if status in MOVE_VERBS]
        about = number or _meant(said)
        return [
            button(tenant_id=tenant_id, label=f"{label}…", how=FORM, press=Press(verb, about)) for verb, label in verbs
        ]
    if isinstance(refused, PolicyDenied | GuardsNotMet):
        return _policy_fixes(said)
    pages = page_that_helps(refused, slug=said.tenant.slug, permissions=said.actor.permissions)
    if isinstance(refused, RoleVacant):
        given = {"role": said.args.role}
        press = Press("assign", number or _meant(said), given)
        return [button(tenant_id=tenant_id, label="Assign it…", how=FORM, style="primary", press=press)]
    if refused.code in _NEVER_CORRECTED or (pages and refused.code not in _ALSO_CORRECTED):
        return pages
    if said.verb in FORMS:
        press = Press(said.verb, number or _meant(said), given_of(said.args))
        return [
            button(tenant_id=tenant_id, label="Correct it…", how=FORM, style="primary", press=press),
            *pages,
            *_lists(said),
        ]
    return pages


def _lists(said: Said) -> list[Block]:
    """Return the button that lists what a number may mean."""
    about = getattr(said.args, "incident", None) or _meant(said)
    press = Press("tasks", about)
    return [button(tenant_id=said.tenant.id, label="Tasks", press=press)] if said.verb == "done" else []


def page_that_helps(refused: Refused, *, slug: str, permissions: Collection[str]) -> list[Block]:
    """Return the button that leads to where the refusal is set right: a page of ours that the person may open."""
    if refused.code not in _PAGES:
        return []
    label, path, permission = _PAGES[refused.code]
    if permission not in permissions:
        return []
    url = f"{settings.CONDUCTOR_BASE_URL.rstrip('/')}{path.format(slug=slug)}"
    return [link_button(label=label, url=url, place=refused.code)]


def _policy_fixes(said: Said) -> list[Block]:
    """Return what may be missing for the rules: nobody has acknowledged it, or nobody commands it."""
    number, tenant_id = getattr(said.args, "incident", None) or _meant(said), said.tenant.id
    incident = Incident.objects.filter(number=number).first() if number else None
    if incident is None:
        return []
    found = []
    if incident.acknowledged_at is None:
        found.append(button(tenant_id=tenant_id, label="I am on it", style="primary", press=Press("ack", number)))
    if not RoleAssignment.objects.filter(incident=incident, role=Role.COMMANDER, ended_at=None).exists():
        press = Press("assign", number, {"role": Role.COMMANDER.value})
        found.append(button(tenant_id=tenant_id, label="Assign a commander…", how=FORM, press=press))
    return found


def given_of(args: Any) -> Mapping[str, str]:
    """Return the arguments as values of the verb's form."""
    if isinstance(args, Duplicate):
        return {"original": f"INC-{args.original}"}
    given = {field.name: getattr(args, field.name) for field in fields(args) if field.name != "incident"}
    if isinstance(args, Declare):
        given |= {"private": YES if args.is_private else "", "drill": YES if args.is_drill else ""}
    if isinstance(args, Page):
        words = {role: word for word, role in reversed([*ROLES.items(), *CALLED.items()])}
        given |= {"team": words.get(args.role) or args.team}
    shown = {name: value.id if isinstance(value, Person) else value for name, value in given.items()}
    return {name: str(value) for name, value in shown.items() if value and not isinstance(value, bool)}


def _meant(said: Said) -> int | None:
    """Return the number of the incident that was meant without being named, or None."""
    if not hasattr(said.args, "incident"):
        return None
    try:
        return said.incident(is_over=said.verb == "reopen").number
    except Refused:
        return None
