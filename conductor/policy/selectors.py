"""Reading decisions, rules and simulations. Everything needs the tenant's scope."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Model, Q, QuerySet

from conductor.lib.errors import NotFound
from conductor.lib.refs import Ref
from conductor.policy.models import PolicyDecision, PolicySimulation, TenantPolicy

Row = TypeVar("Row", bound=Model)


def decisions_between(
    since: datetime | None, until: datetime | None, actions: Sequence[str] = ()
) -> QuerySet[PolicyDecision]:
    """Return the decisions from `since` on and before `until`, about any of `actions`; without them, about all."""
    found = PolicyDecision.objects.all()
    if since is not None:
        found = found.filter(decided_at__gte=since)
    if until is not None:
        found = found.filter(decided_at__lt=until)
    return found.filter(action__in=actions) if actions else found


def decisions(
    *, action: str = "", allow: bool | None = None, code: str = "", actor: str = "", subject: str = ""
) -> QuerySet[PolicyDecision]:
    """Return the decisions that match everything that is given, in no order."""
    found = decisions_between(None, None, [action] if action else [])
    if allow is not None:
        found = found.filter(allow=allow)
    if code:
        found = found.filter(reasons__contains=[{"code": code}])
    if actor:
        found = found.filter(actor=actor)
    return found.filter(subject=subject) if subject else found


def decision_by_id(decision_id: UUID) -> PolicyDecision:
    """Return the decision; raise NotFound."""
    return _found(PolicyDecision.objects.filter(id=decision_id).first())


def decisions_about(subject: Ref | QuerySet[Any, Any], *, most: int) -> list[PolicyDecision]:
    """Return the newest decisions about a subject, or about those that a query of one column names."""
    about = Q(subject=subject) if isinstance(subject, str) else Q(subject__in=subject)
    return list(PolicyDecision.objects.filter(about).order_by("-decided_at", "-id")[:most])


def policies() -> QuerySet[TenantPolicy]:
    """Return the tenant's own rules, each name's newest version first."""
    return TenantPolicy.objects.order_by("name", "-version")


def policy_by_id(policy_id: UUID) -> TenantPolicy:
    """Return one version of own rules; raise NotFound."""
    return _found(TenantPolicy.objects.filter(id=policy_id).first())


def simulation(number: int) -> PolicySimulation:
    """Return the simulation; raise NotFound."""
    return _found(PolicySimulation.objects.filter(number=number).first())


def _found(row: Row | None) -> Row:
    if row is None:
        raise NotFound
    return row
