"""`{% load incident_words %}`: timeline entries as sentences."""

from __future__ import annotations

from django import template

from incidents.models import TimelineEvent
from incidents.wording import sentence

register = template.Library()


@register.filter
def told(entry: TimelineEvent) -> str:
    """`{{ entry|told }}`: what happened, naming who did it."""
    return sentence(entry)
