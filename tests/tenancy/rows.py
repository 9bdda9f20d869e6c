"""One row of any tenant's table, made by looking at its fields. NEEDS has what a rule of a table asks beyond that."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from django.apps import apps
from django.contrib.auth.models import User
from django.db import models

from conductor.tenancy.models import Membership, Tenant, TenantModel
from tests.world import NOW

Row = models.Model
_counter = itertools.count(1)

NEEDS: Mapping[str, Callable[[], dict[str, Any]]] = {
    "adapters.Secret": lambda: {"reference": "env:WALLS", "sealed": ""},
    "adapters.DataKey": lambda: {"wrapped": "walls"},
    "adapters.NotaryPolicy": lambda: {"mode": "OFF", "needed": 0, "proposed_by": "tenancy.user:1", "approved_by": ""},
    "evidence.BundleControl": lambda: {"part": "PRIMARY"},
}
"""Values that a constraint asks for."""
WITH_KEY: Mapping[str, dict[str, Any]] = {
    "incidents.Incident.duplicate_of": {"status": "DUPLICATE"},
}
"""Values that a constraint asks for where this key is set."""


def tenant_models() -> list[type[Row]]:
    """Every table that belongs to tenants, Tenant itself left out."""
    return [model for model in apps.get_models() if issubclass(model, TenantModel)]


def make(model: type[Row], tenant: Tenant, **given: Any) -> Row:
    """Insert and return a row of the tenant, with rows for its keys. Needs the tenant's scope."""
    row = build(model, tenant, **given)
    row.save(force_insert=True)
    return row


def build(model: type[Row], tenant: Tenant, **given: Any) -> Row:
    """Return a row that could be inserted; the rows that its keys name are inserted already."""
    values = {**NEEDS.get(model._meta.label, dict)(), **given}
    for field in model._meta.concrete_fields:
        if field.name not in values and field.attname not in values and _is_wanted(field):
            values[field.name] = _value(field, tenant)
    return model(**values)


def keys_of(model: type[Row]) -> list[models.ForeignKey[Any, Any]]:
    """The model's foreign keys to rows that belong to a tenant, and to people."""
    return [
        field
        for field in model._meta.concrete_fields
        if isinstance(field, models.ForeignKey)
        and (issubclass(field.related_model, TenantModel) or field.related_model is User)
    ]


def person_of(tenant: Tenant) -> User:
    """The tenant's oldest member. Needs the tenant's scope."""
    return User.objects.get(pk=Membership.objects.filter(tenant=tenant).order_by("id")[0].user_id)


def _is_wanted(field: models.Field[Any, Any]) -> bool:
    if isinstance(field, models.ForeignKey):
        return field.related_model is not field.model
    may_be_empty = field.blank and isinstance(field, models.CharField | models.TextField)
    return not (field.has_default() or field.null or field.primary_key or may_be_empty)


def _value(field: models.Field[Any, Any], tenant: Tenant) -> Any:
    if isinstance(field, models.ForeignKey):
        return _related(field, tenant)
    if field.choices:
        return field.choices[0][0]
    for kind, value in _BY_KIND:
        if isinstance(field, kind):
            return value(field)
    raise AssertionError(f"tests/tenancy/rows.py cannot fill {field}: teach it")


def _related(field: models.ForeignKey[Any, Any], tenant: Tenant) -> Row:
    target = field.related_model
    if target is Tenant:
        return tenant
    if target is User:
        return _newcomer() if field.model is Membership else person_of(tenant)
    if issubclass(target, TenantModel):
        return make(target, tenant)
    found = target._default_manager.order_by("pk").first()
    assert found is not None, f"{target._meta.label} is shared and empty"
    return found


_PEOPLE: dict[str, User] = {}


def prepare_people() -> None:
    """Make the people that new memberships need. Outside of any scope, where people are made."""
    for name in ("walls-1", "walls-2", "walls-3", "walls-4"):
        _PEOPLE[name] = User.objects.create_user(name, f"{name}@example.test")


def _newcomer() -> User:
    return _PEOPLE.pop(next(iter(_PEOPLE)))


def _text(field: models.Field[Any, Any]) -> str:
    text = f"walls-{next(_counter)}"
    return text[-field.max_length :] if field.max_length else text


_BY_KIND: tuple[tuple[type[models.Field[Any, Any]], Callable[[models.Field[Any, Any]], Any]], ...] = (
    (models.DateTimeField, lambda field: NOW),
    (models.DateField, lambda field: date(2026, 11, 20)),
    (models.BooleanField, lambda field: True),
    (models.BinaryField, lambda field: b"walls"),
    (models.DecimalField, lambda field: Decimal(1)),
    (models.IntegerField, lambda field: next(_counter)),
    (models.JSONField, lambda field: {}),
    (models.CharField, _text),
    (models.TextField, _text),
)
