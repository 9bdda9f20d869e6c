"""Where an adapter's secrets go: the settings that decide it, as each kind's own model declares them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

DESTINATION: dict[str, Any] = {"destination": True}
"""`json_schema_extra` of a setting that decides who receives the secrets, or how they are protected on the way."""


def destination_fields(model: type[BaseModel]) -> list[str]:
    """Return the names of the settings that `model` declares to be part of the destination."""
    extras = {name: field.json_schema_extra for name, field in model.model_fields.items()}
    return [name for name, extra in extras.items() if isinstance(extra, Mapping) and extra.get("destination")]


def moved(model: type[BaseModel], *, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return which parts of the destination differ; a setting that was not stored had its default."""
    fields = model.model_fields
    return [name for name in destination_fields(model) if before.get(name, fields[name].default) != after.get(name)]
