"""Verbs on what an incident leaves behind: its words, its postmortem, and links to what can be taken away."""

from __future__ import annotations

from django.conf import settings
from django.urls import reverse

from adapters.models.adapter import AdapterConfig
from adapters.ports.protocols import Port
from chatops.commands import answers, lookup, page_replies, replies
from chatops.commands.answers import Block, context, section
from chatops.commands.arguments import About, Export, Page
from chatops.commands.buttons import link_button
from chatops.commands.call import Said
from chatops.commands.page_recipients import whom
from chatops.commands.vocabulary import FORMATS
from conductor.tenancy.actors import require
from evidence.models import EvidenceBundle
from incidents.followups.selectors import latest_postmortem, rendered_postmortem
from incidents.incident.classification import classify_incident
from incidents.incident.description import describe_incident
from incidents.models.incident import Incident
from incidents.postmortem.lifecycle import request_postmortem
from incidents.response.pages import page_responder


def title(said: Said) -> answers.Answer:
    """Change the title."""
    args: About = said.args
    incident = said.incident()
    before = incident.title
    incident = describe_incident(incident=incident, title=args.text, actor=said.actor, now=said.now)
    same = "was called that already" if incident.title == before else f"is called now: {incident.title}"
    return replies.done(incident, f"{same}.")


def summary(said: Said) -> answers.Answer:
    """Change the summary."""
    args: About = said.args
    incident = describe_incident(incident=said.incident(), summary=args.text, actor=said.actor, now=said.now)
    return replies.done(incident, "has a new summary.", text=incident.summary)


def kind(said: Said) -> answers.Answer:
    """Say what kind of trouble it is."""
    args: About = said.args
    incident = classify_incident(incident=said.incident(), incident_type=args.text, actor=said.actor, now=said.now)
    return replies.done(incident, f"is of the type {incident.incident_type}.")


def page(said: Said) -> answers.Answer:
    """Call people in, and tell who was told, how, and who could not be."""
    require(actor=said.actor, permission="respond")
    args: Page = said.args
    incident = said.incident()
    found = whom(said, incident)
    linked = lookup.linked_in_home(users=found.people)
    page_responder(
        incident=incident,
        user=None if found.name else found.people[0],
        team=found.name,
        people=found.people if found.name else (),
        reason=args.reason,
        is_told=bool(linked),
        actor=said.actor,
        now=said.now,
    )
    ways = AdapterConfig.serving(port=Port.NOTIFICATION.value, environment_id=incident.environment_id)
    return page_replies.called(
        incident,
        found,
        ways=[each.name for each in ways],
        linked=linked,
        reason=args.reason,
        may_invite="manage_members" in said.actor.permissions,
    )


def postmortem(said: Said) -> answers.Answer:
    """Have the postmortem drafted from the timeline as it is now."""
    incident = said.incident()
    run = request_postmortem(incident=incident, actor=said.actor, now=said.now)
    newest = latest_postmortem(incident=incident)
    before = f" Version {newest.version} is {newest.get_status_display().lower()}." if newest else ""
    shown = replies.done(incident, f"has its postmortem drafted by {run.code}.{before}")
    return {**shown, "blocks": [*shown["blocks"], answers.actions(_link("Open it", _page(incident), "postmortem"))]}


def export(said: Said) -> answers.Answer:
    """Return links to what can be taken away. Each asks who opens it whether they may."""
    require(actor=said.actor, permission="view_incidents")
    args: Export = said.args
    incident = said.incident()
    wanted = [args.format] if args.format else list(FORMATS)
    links = {name: _address(incident, name) for name in wanted}
    found = [_link(FORMATS[name], url, name) for name, url in links.items() if url]
    absent = [FORMATS[name] for name, url in links.items() if not url]
    blocks: list[Block] = [section(f"*{replies.named(incident)}* to take away")]
    blocks += [answers.actions(*found)] if found else []
    blocks += [context(f"Not there yet: {', '.join(absent)}. It comes with the postmortem.")] if absent else []
    said_too = "; ".join(f"{FORMATS[name]} {url}" for name, url in links.items() if url)
    return answers.answer(f"{incident.code}: {said_too or 'nothing to take away yet'}", blocks)


def _address(incident: Incident, name: str) -> str:
    """Return the absolute address of what can be taken away; empty while there is none."""
    slug, number = incident.tenant.slug, incident.number
    if name == "package":
        bundle = EvidenceBundle.objects.filter(incident=incident).order_by("-number").first()
        return _absolute(reverse("evidence:bundle", args=[slug, bundle.number])) if bundle else ""
    if name == "pdf":
        is_there = rendered_postmortem(incident=incident) is not None
        return _absolute(reverse("incidents:postmortem_pdf", args=[slug, number])) if is_there else ""
    if latest_postmortem(incident=incident) is None:
        return ""
    return _absolute(reverse(f"incidents:postmortem_{name}", args=[slug, number]))


def _page(incident: Incident) -> str:
    return _absolute(reverse("incidents:postmortem", args=[incident.tenant.slug, incident.number]))


def _absolute(path: str) -> str:
    return f"{settings.CONDUCTOR_BASE_URL.rstrip('/')}{path}"


def _link(label: str, url: str, place: str) -> Block:
    return link_button(label=label, url=url, place=place)
