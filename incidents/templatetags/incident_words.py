"""`{% load incident_words %}`: timeline entries as sentences."""

from __future__ import annotations

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from conductor.templatetags.switchboard import coded
from incidents.models import EventKind, TimelineEvent
from incidents.wording import CHANNELS, sentence

register = template.Library()


@register.filter
def told(entry: TimelineEvent, tenant: str) -> SafeString:
    """`{{ entry|told:tenant }}`: what happened, with the name of who did it in bold and codes as links.

    Of an update only the name: what was posted stands below it.
    """
    who, said = entry.actor_name, sentence(entry)
    if entry.kind == EventKind.UPDATE_POSTED:
        return format_html("<b>{}</b>", who)
    if entry.kind == EventKind.DECISION_RECORDED:
        return format_html("<b>Decision</b>{}", said.removeprefix("Decision"))
    if who and said.startswith(who):
        return format_html("<b>{}</b>{}", who, coded(said[len(who) :], tenant))
    return coded(said, tenant)


@register.filter
def kind_word(entry: TimelineEvent) -> str:
    """`{{ entry|kind_word }}`: what kind of entry it is, in a word or two."""
    return str(EventKind(entry.kind).label)


@register.filter
def channel_word(entry: TimelineEvent) -> str:
    """`{{ entry|channel_word }}`: the channel that it came through, "in the console"."""
    return CHANNELS.get(entry.source, entry.source)
