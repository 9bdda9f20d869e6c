"""Alert sources as the API shows and takes them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from ninja import Field, Schema
from pydantic import StringConstraints

from conductor.api.inputs import Input
from incidents.alerts.selectors import path_of_source
from incidents.alerts.sources import NewSource
from incidents.models.alert import AlertSource

Words = dict[Annotated[str, StringConstraints(max_length=40)], Annotated[str, StringConstraints(max_length=4)]]


class SourceShape(StrEnum):
    """How the sender signs and words its notifications."""

    GENERIC = "GENERIC"
    ALERTMANAGER = "ALERTMANAGER"
    GRAFANA = "GRAFANA"
    PAGERDUTY = "PAGERDUTY"
    EVENTS = "EVENTS"


class MappingIn(Input):
    severity_words: Words = Field(description="The sender's word to SEV1, SEV2, SEV3, SEV4, or none for no incident.")


class SourceIn(Input):
    name: Annotated[str, StringConstraints(max_length=40)]
    shape: SourceShape
    severity_words: Words = Field(default_factory=dict)


class RotationIn(Input):
    secret: Annotated[str, StringConstraints(max_length=200)] = Field(
        "", description="A secret that the sender has made, as PagerDuty does; without it one is made here."
    )


class SourceOut(Schema):
    name: str
    shape: SourceShape
    path: str = Field(description="Where the sender posts to.")
    severity_words: dict[str, str]
    created_by_name: str
    created_at: datetime
    last_seen_at: datetime | None
    ended_at: datetime | None

    @staticmethod
    def resolve_path(source: AlertSource) -> str:
        return path_of_source(source)

    @staticmethod
    def resolve_ended_at(source: AlertSource) -> datetime | None:
        return source.disabled_at


class NewSourceOut(Schema):
    name: str
    path: str = Field(description="Where the sender posts to.")
    secret: str = Field(description="Shown this once.")

    @staticmethod
    def resolve_name(made: NewSource) -> str:
        return made.source.name

    @staticmethod
    def resolve_path(made: NewSource) -> str:
        return path_of_source(made.source)
