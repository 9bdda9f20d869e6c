"""`{% load switchboard %}`: icons, severity, status, people, hashes, times and numbers as markup.

docs/reference/console-templates.md lists them with examples. What they print is escaped here; what the words
and numbers look like is decided in conductor.console.format.values and conductor.console.format.statuses.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any

from django import template
from django.forms import BoundField, CheckboxInput, CheckboxSelectMultiple, RadioSelect
from django.template.context import Context
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from conductor.console.format import icons, statuses, values
from conductor.console.shell import codes
from conductor.console.shell.context import zone_of
from conductor.lib import clock, markdown

register = template.Library()

_MOMENT_STYLES = {
    "exact": lambda at, now, zone: values.exact_moment(at),
    "clock": lambda at, now, zone: values.clock_time(at, zone=zone),
    "date": lambda at, now, zone: values.day(at),
    "short": lambda at, now, zone: values.moment(at, now=now, zone=zone),
}


# Refusals -------------------------------------------------------------------------------------------
@register.inclusion_tag("components/refused_here.html", takes_context=True)
def refused_here(context: Context, action: str) -> dict[str, Any]:
    """`{% refused_here url %}`: why the form that posts to `url` was refused just now; nothing where it was not."""
    refusal = getattr(context.get("request"), "refusal", None)
    return {"refusal": refusal if refusal is not None and refusal.action == action else None}


@register.simple_tag(takes_context=True)
def posted(context: Context, action: str, name: str, default: str = "") -> str:
    """`{% posted url "reason" %}`: what was typed into the form that was refused just now, else the default."""
    refusal = getattr(context.get("request"), "refusal", None)
    if refusal is None or refusal.action != action:
        return default
    return str(refusal.posted.get(name, default))


# Pictures ----------------------------------------------------------------------------------------
@register.simple_tag
def icon(name: str, css: str = "") -> SafeString:
    """`{% icon "siren" "icon-sm muted" %}`: decoration beside a word; it is hidden from screen readers."""
    return format_html(
        '<svg class="{}" viewBox="0 0 24 24" aria-hidden="true">{}</svg>',
        f"icon {css}".rstrip(),
        mark_safe(icons.shapes(name)),  # noqa: S308 - from icons.svg, which is ours
    )


@register.simple_tag
def icon_at(name: str, x: float, y: float, size: float = 12) -> SafeString:
    """`{% icon_at "server" 87 34 size=12 %}`: the icon inside another SVG, in that drawing's units."""
    return format_html(
        '<svg class="glyph" x="{}" y="{}" width="{}" height="{}" viewBox="0 0 24 24">{}</svg>',
        x,
        y,
        size,
        size,
        mark_safe(icons.shapes(name)),  # noqa: S308 - from icons.svg, which is ours
    )


@register.simple_tag
def sev(value: object) -> SafeString:
    """`{% sev incident.severity %}`: shape and word. Takes 1, "1" or "SEV1"; None prints "Unclassified"."""
    severity = statuses.severity_of(value)
    if severity is None:
        return mark_safe('<span class="tag">Unclassified</span>')
    return format_html(
        '<span class="sev" data-sev="{}"><svg viewBox="0 0 16 16" aria-hidden="true"><path d="{}"/></svg>{}</span>',
        severity.level,
        severity.outline,
        severity.label,
    )


@register.simple_tag
def sevglyph(value: object) -> SafeString:
    """`{% sevglyph incident.severity %}`: the shape alone, named for screen readers."""
    severity = statuses.severity_of(value)
    if severity is None:
        return glyph("todo", "Unclassified")
    return format_html(
        '<svg class="sev-glyph" data-sev="{}" viewBox="0 0 16 16" role="img" aria-label="{}"><path d="{}"/></svg>',
        severity.level,
        severity.label,
        severity.outline,
    )


@register.simple_tag
def glyph(value: object, label: str | None = None) -> SafeString:
    """`{% glyph step.status %}`: the status as a jack alone. `label=""` hides it where a word stands beside it."""
    shown = statuses.status_of(value)
    spoken = format_html('role="img" aria-label="{}"', shown.label if label is None else label)
    return format_html(
        '<svg data-tone="{}" viewBox="0 0 16 16" width="14" height="14" {}>{}</svg>',
        shown.tone,
        mark_safe('aria-hidden="true"') if label == "" else spoken,
        mark_safe(shown.shape),  # noqa: S308 - from conductor.console.format.statuses
    )


@register.simple_tag
def status(value: object, text: str = "", quiet: bool = False) -> SafeString:
    """`{% status run.status "Waiting for approval" quiet=True %}`: jack and word; `text` replaces the word."""
    shown = statuses.status_of(value)
    return format_html(
        '<span class="status" data-tone="{}"{}><svg viewBox="0 0 16 16" aria-hidden="true">{}</svg>{}</span>',
        shown.tone,
        mark_safe(" data-quiet") if quiet else "",
        mark_safe(shown.shape),  # noqa: S308 - from conductor.console.format.statuses
        text or shown.label,
    )


# People ------------------------------------------------------------------------------------------
@register.simple_tag
def avatar(name: str, key: object = "", size: str = "") -> SafeString:
    """`{% avatar user_name user_id size="md" %}`. `key` (id or Ref) picks the hue; a machine's Ref draws a bot."""
    sized = format_html(' data-size="{}"', size) if size else ""
    if not name:
        return format_html('<span class="avatar" data-empty{} aria-hidden="true"></span>', sized)
    if values.is_machine(key):
        inside = icon("bot")
        return format_html(
            '<span class="avatar" data-bot{} title="{}" aria-hidden="true">{}</span>', sized, name, inside
        )
    return format_html(
        '<span class="avatar" data-hue="{}"{} title="{}" aria-hidden="true">{}</span>',
        values.hue(name if key in ("", None) else key),
        sized,
        name,
        values.initials(name),
    )


@register.simple_tag
def person(name: str, key: object = "", short: bool = False, nobody: str = "Nobody yet") -> SafeString:
    """`{% person actor_name actor %}`: avatar and name. `short` prints "Amara O."; an empty name prints `nobody`."""
    if not name:
        return format_html('<span class="person muted">{}{}</span>', avatar(""), nobody)
    shown = values.short_name(name) if short and not values.is_machine(key) else name
    return format_html('<span class="person">{}<span class="truncate">{}</span></span>', avatar(name, key), shown)


# Times -------------------------------------------------------------------------------------------
@register.simple_tag(takes_context=True)
def when(context: Context, at: datetime | None, style: str = "short", ago: bool = False, css: str = "") -> SafeString:
    """`{% when incident.opened_at ago=True %}`: "13:21 UTC, 42 min ago". None prints a dash.

    `style` is short, exact (evidence: always with seconds), clock ("11:04:02") or date. The day that short calls
    today is that of `shell.now`. Short and clock are in `shell.zone`, exact and date always in UTC. Relative words
    only ever stand beside the absolute ones; console.js ticks them.
    """
    if at is None:
        return mark_safe('<span class="muted">–</span>')
    now = _now(context)
    stamp = clock.rfc3339(at.replace(microsecond=0))
    absolute = format_html(
        '<time datetime="{}"{}{}>{}</time>',
        stamp,
        "" if style == "exact" else format_html(' title="{}"', values.exact_moment(at)),
        format_html(' class="{}"', css) if css else "",
        _MOMENT_STYLES[style](at, now, _zone(context)),
    )
    if not ago:
        return absolute
    return format_html('{}, <time datetime="{}" data-rel>{}</time>', absolute, stamp, values.ago(at, now=now))


@register.filter
def day_in(at: datetime, zone: tzinfo) -> str:
    """`{{ entry.occurred_at|day_in:shell.zone }}`: "20 Nov 2026", for headings over times that are in that zone."""
    return values.day(at, zone=zone)


@register.simple_tag
def duration(length: timedelta | float | None, coarse: bool = False) -> SafeString:
    """`{% duration step.took %}`: "2m 41s" from a timedelta or seconds; `coarse=True` gives "2m". None: a dash."""
    if length is None:
        return mark_safe('<span class="muted">–</span>')
    return format_html('<span class="num">{}</span>', values.duration(length, coarse=coarse))


@register.simple_tag(takes_context=True)
def elapsed(context: Context, since: datetime, until: datetime | None = None, short: bool = False) -> SafeString:
    """`{% elapsed incident.opened_at incident.resolved_at %}`: "2h 17m"; ticks while there is no end.

    `short` writes hours and minutes as "2:17", for narrow columns that hold nothing else.
    """
    length = (until or _now(context)) - since
    shown = values.hours_minutes(length) if short else values.duration(length, coarse=True)
    ticking = "" if until else format_html(' data-since="{}"', clock.rfc3339(since))
    return format_html(
        '<span class="num"{}{}>{}</span>', ticking, mark_safe(" data-short") if short and not until else "", shown
    )


# Numbers and digests -----------------------------------------------------------------------------
@register.simple_tag(name="hash")
def hash_(value: str, keep: int = 6, copy: bool = True) -> SafeString:
    """`{% hash artifact.digest %}`: first and last six, the whole on hover and in the copy button. Empty: a dash."""
    if not value:
        return mark_safe('<span class="muted">–</span>')
    short = values.short_digest(value, keep=keep)
    button = (
        format_html('<button type="button" data-copy="{}" aria-label="Copy {}">{}</button>', value, short, icon("copy"))
        if copy
        else ""
    )
    return format_html('<span class="hash"><span title="{}">{}</span>{}</span>', value, short, button)


@register.simple_tag
def bytesize(size: int | None) -> str:
    """`{% bytesize artifact.size_bytes %}`: "48 kB", "4.9 MB"."""
    return "–" if size is None else values.byte_size(size)


@register.simple_tag
def n_of_m(have: int, of: int | None) -> SafeString:
    """`{% n_of_m 6 8 %}`: "6 of 8". A number of proof is never shown without its total."""
    return format_html('<span class="num">{}</span>', values.n_of_m(have, of))


CELL_CHARACTERS = 1500
"""What a cell of a PDF prints of a text; the file that the text is in is the evidence, the page its picture."""


@register.filter
def cell(text: str, where: str) -> str:
    """`{{ text|cell:"incident/timeline.json" }}`: the text as far as a cell prints it, then where the rest is."""
    rest = len(text) - CELL_CHARACTERS
    return f"{text[:CELL_CHARACTERS]} … {rest:,} more in {where}" if rest > 0 else text


@register.filter
def outside(address: str) -> str:
    """`{{ ticket.url|outside }}`: an address that another system gave; empty unless a browser opens it as a page."""
    return address if address.lower().startswith(("https://", "http://")) else ""


@register.filter
def number(value: int | float | Decimal | None) -> str:
    """`{{ count|number }}`: "1,204"."""
    return "–" if value is None else values.number(value)


@register.filter
def money(amount: Decimal | int | float | None, currency: str = "USD") -> str:
    """`{{ cost|money:"EUR" }}`: "€1,284"."""
    return "–" if amount is None else values.money(amount, currency=currency)


# Text and forms ----------------------------------------------------------------------------------
@register.filter
def marked(text: str, wanted: str) -> SafeString:
    """`{{ title|marked:q }}`: the escaped text with every occurrence of `q` in <mark>."""
    parts = values.split_at_matches(str(text), str(wanted or "").strip())
    return format_html_join(
        "", "{}", ((format_html("<mark>{}</mark>", part.text) if part.found else part.text,) for part in parts)
    )


@register.filter(name="markdown")
def markdown_(text: str) -> SafeString:
    """`<div class="written">{{ entry.body|markdown }}</div>`: a person's own words as blocks; not within a <p>."""
    return mark_safe(markdown.html(str(text)))  # noqa: S308 - escapes every character that it did not write


@register.filter
def markdown_line(text: str) -> SafeString:
    """`{{ block.text|markdown_line }}`: a person's own words within a paragraph, list item or cell."""
    return mark_safe(markdown.html_line(str(text)))  # noqa: S308 - escapes every character that it did not write


@register.filter
def plainly(value: Any) -> str:
    """`{{ input|plainly }}`: lists with commas, nothing as a dash, everything else as it is."""
    if value in (None, "", [], {}):
        return "–"
    return ", ".join(str(each) for each in value) if isinstance(value, list | tuple) else str(value)


@register.filter
def in_words(field: str) -> str:
    """`{{ "late_reason"|in_words }}`: a field's name as people read it, "Late reason"."""
    words = str(field).replace("_", " ")
    return words[:1].upper() + words[1:]


@register.filter
def coded(text: str, tenant: str) -> SafeString:
    """`{{ text|coded:tenant }}`: the escaped text with every INC-17, R-204 and EVB-0009 as a link to its page."""
    pieces = codes.split_at_codes(str(text), tenant=tenant)
    return format_html_join(
        "",
        "{}",
        ((format_html('<a class="link" href="{}">{}</a>', href, part) if href else part,) for part, href in pieces),
    )


@register.simple_tag
def href_of(code: str, tenant: str) -> str:
    """`{% href_of node.name tenant as href %}`: the path of the page that a code at the text's beginning names."""
    return codes.href_of(code, tenant=tenant)


@register.filter
def control(field: BoundField) -> SafeString:
    """`{{ form.title|control }}`: the field's input with the console's class on it.

    A placeholder that only says the label again is left out.
    """
    widget = field.field.widget
    if isinstance(widget, CheckboxSelectMultiple | RadioSelect):
        return field.as_widget()
    added = "check" if isinstance(widget, CheckboxInput) else "input"
    attrs: dict[str, Any] = {"class": f"{widget.attrs.get('class', '')} {added}".strip()}
    if str(widget.attrs.get("placeholder", "")).lower().startswith(str(field.label).lower()):
        attrs["placeholder"] = False
    return field.as_widget(attrs=attrs)


@register.filter
def is_checkbox(field: BoundField) -> bool:
    """`{% if field|is_checkbox %}`: whether the field is one box with its label behind it."""
    return isinstance(field.field.widget, CheckboxInput)


def _now(context: Context) -> datetime:
    now = _of_shell(context, "now")
    return now if isinstance(now, datetime) else clock.now()


def _zone(context: Context) -> tzinfo:
    """That of the request, which an include with `only` keeps though it drops `shell`; a fragment names its own."""
    if (request := getattr(context, "request", None)) is not None:
        return zone_of(request)
    zone = _of_shell(context, "zone")
    return zone if isinstance(zone, tzinfo) else UTC


def _of_shell(context: Context, name: str) -> object:
    shell = context.get("shell")
    return shell.get(name) if isinstance(shell, dict) else getattr(shell, name, None)
