"""Roles of the response: who holds them, giving, accepting, handing over, giving up."""

from __future__ import annotations

from typing import Any

from ninja import Router

from conductor.api.requests.answers import redrawn_by
from conductor.lib.clock import now
from conductor.tenancy.actors import require
from conductor.tenancy.requests import TenantRequest
from incidents.access import reading
from incidents.access.people import find_person
from incidents.access.selectors import roles_of
from incidents.models.incident import Incident
from incidents.record.schemas import HandoverIn, IncidentRole, RoleAnswerIn, RoleIn, RoleOut
from incidents.response import handovers, roles
from incidents.response.handovers import accept_role, decline_role

router = Router(tags=["incidents"])


@router.get("/{number}/roles", response=list[RoleOut], operation_id="list_roles")
def list_roles(request: TenantRequest, number: int) -> Any:
    """Every role and who holds it; vacant ones have no name."""
    return roles_of(incident=_incident(request, number))


@router.post("/{number}/roles", response=list[RoleOut], operation_id="assign_role")
@redrawn_by(lambda request, number, **_given: list_roles(request, number))
def assign_role(request: TenantRequest, number: int, payload: RoleIn) -> Any:
    """Give a role to a member, who is asked to accept it; the previous holder hands it over."""
    incident = _incident(request, number)
    require(actor=request.actor, permission="respond")
    user = find_person(name=payload.user)
    roles.assign_role(incident=incident, role=payload.role, user=user, actor=request.actor, now=now())
    return roles_of(incident=incident)


@router.post("/{number}/roles/{role}/answer", response=list[RoleOut], operation_id="answer_role")
@redrawn_by(lambda request, number, **_given: list_roles(request, number))
def answer_role(request: TenantRequest, number: int, role: IncidentRole, payload: RoleAnswerIn) -> Any:
    """Accept or decline a role that one was given or offered. Declining needs a reason."""
    incident = _incident(request, number)
    if payload.accept:
        accept_role(incident=incident, role=role, actor=request.actor, now=now())
    else:
        decline_role(incident=incident, role=role, reason=payload.reason, actor=request.actor, now=now())
    return roles_of(incident=incident)


@router.post("/{number}/roles/{role}/handover", response=list[RoleOut], operation_id="hand_over_role")
@redrawn_by(lambda request, number, **_given: list_roles(request, number))
def hand_over_role(request: TenantRequest, number: int, role: IncidentRole, payload: HandoverIn) -> Any:
    """Offer a held role to a member, with what they must know. The holder keeps it until they accept."""
    incident = _incident(request, number)
    require(actor=request.actor, permission="respond")
    to = find_person(name=payload.user)
    handovers.hand_over_role(incident=incident, role=role, to=to, note=payload.note, actor=request.actor, now=now())
    return roles_of(incident=incident)


@router.delete("/{number}/roles/{role}", response=list[RoleOut], operation_id="release_role")
def release_role(request: TenantRequest, number: int, role: IncidentRole) -> Any:
    """End the current holder's time in the role."""
    incident = _incident(request, number)
    roles.release_role(incident=incident, role=role, actor=request.actor, now=now())
    return roles_of(incident=incident)


def _incident(request: TenantRequest, number: int) -> Incident:
    require(actor=request.actor, permission="view_incidents")
    return reading.open_incident(number=number, actor=request.actor, now=now())
