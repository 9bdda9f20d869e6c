"""`{% load incident_words %}`: timeline entries as sentences."""

from __future__ import annotations

from datetime import timedelta

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from conductor.templatetags.switchboard import coded
from incidents.access.people import Person
from incidents.models.choices import EventKind, Question
from incidents.models.history import TimelineEvent
from incidents.record.wording import CHANNELS, sentence
from incidents.reporting.due_dates import anchor_in_words, span_in_words
from incidents.reporting.rules import Limit, Rule

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


@register.filter
def minutes(count: int) -> timedelta:
    """`{{ 20|minutes }}`: that many minutes, for `duration`."""
    return timedelta(minutes=count)


@register.filter
def limit_words(limit: Limit) -> str:
    """`{{ limit|limit_words }}`: "72 hours after awareness"."""
    return f"{span_in_words(limit)} after {anchor_in_words(limit.after)}"


@register.filter
def armed_words(rule: Rule) -> str:
    """`{{ rule|armed_words }}`: what makes the obligation apply to an incident."""
    questions = [f"“{Question(each).label}” is yes, or not known yet" for each in rule.armed_by]
    severities = [f"the severity is {' or '.join(rule.armed_at_severity)}"] if rule.armed_at_severity else []
    said = "; or ".join([*questions, *severities])
    return said[:1].upper() + said[1:] if said else "Nothing: nobody is asked about it"


@register.filter
def named(who: str, people: list[Person]) -> str:
    """`{{ edge.asserted_by|named:people }}`: the name of the person with this Ref, or what kind of actor it was."""
    if not who.startswith("tenancy.user:"):
        return "Conductor"
    return next((person.name for person in people if person.ref == who), "A member")
