"""Verbs that people work on a postmortem with: edit a section, ask for a review. Its answers stand in `approval`.

Content never changes in place. An edit is a new version that starts as a draft, so what was approved stays what was
approved: the approval names the digest of exactly what was read. Every verb raises TimelineBroken where the incident's
record is not what was written.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from conductor.lib.errors import Conflict, Invalid
from conductor.lib.refs import ref
from conductor.policy.decisions import Decision
from conductor.tenancy.actors import Actor, require
from incidents.integrity.checks import require_unbroken
from incidents.integrity.postmortem_digest import content_digest
from incidents.models.choices import EventKind
from incidents.models.incident import Incident
from incidents.models.postmortem import Postmortem
from incidents.postmortem.draft.passages import read_passages
from incidents.postmortem.draft.sections import COMPUTED, LIVE, Section, completed, draft_sections
from incidents.postmortem.record import read_story
from incidents.record.input_cleaning import Complaints
from incidents.record.writer import Entry, last_seq, lock, touch, write

SECTION_CHARACTERS = 20_000


class PostmortemChanged(Conflict):
    """Somebody else made a newer version while you were writing. Compare it with your text, then save again."""

    code = "postmortem_changed"

    def __init__(self, newest: Postmortem) -> None:
        self.newest = newest
        super().__init__(fields={"version": [f"Version {newest.version} is the newest now."]})


class SectionUnknown(Invalid):
    """The postmortem has no such section."""

    code = "section_unknown"


class NotFinal(Conflict):
    """The incident is not resolved yet, or was not when this was drafted. Draft it again once the incident is over."""

    code = "postmortem_not_final"


class SectionComputed(Invalid):
    """This section follows from the record and from the other sections. Correct those, or the milestones."""

    code = "section_computed"


def edit_section(*, postmortem: Postmortem, key: str, text: str, actor: Actor, now: datetime) -> Postmortem:
    """Write one section and return the new version; the same text changes nothing and returns `postmortem`.

    `postmortem` is the version that the writer saw: raise PostmortemChanged if there is a newer one. A paragraph may
    end in the entries it rests on, `[#3, #17]`; one that names none rests on the entry of this edit, as the writer's
    word. An approval does not carry over to the new version.
    """
    require(actor=actor, permission="respond")
    complaints = Complaints()
    text = complaints.text("text", text, most=SECTION_CHARACTERS, required=True)
    complaints.refuse()
    with transaction.atomic():
        incident = lock(postmortem.incident)
        newest = newest_postmortem(incident)
        if newest.id != postmortem.id:
            raise PostmortemChanged(newest)
        section = next((each for each in newest.sections if each["key"] == key), None)
        if section is None:
            raise SectionUnknown(fields={"section": [f"There is no section {key}."]})
        if key in COMPUTED:
            raise SectionComputed(fields={"section": [f"{section['title']} follows from the record."]})
        blocks = read_passages(text, before=section["blocks"], entry=last_seq(incident) + 1, writer=actor.name)
        if blocks == section["blocks"]:
            return newest
        require_unbroken(incident=incident)
        written = Section(key=key, title=section["title"], blocks=blocks, edited=True)
        if "columns" in section and any("cells" in each for each in blocks):
            written["columns"] = section["columns"]
        return _save(incident, newest, written, actor, now)


def ask_for_review(*, postmortem: Postmortem, actor: Actor, now: datetime) -> Postmortem:
    """Let the newest version, drafted from a resolved incident, be reviewed. In review already: nothing happens."""
    require(actor=actor, permission="respond")
    with transaction.atomic():
        incident = lock(postmortem.incident)
        newest = newest_postmortem(incident)
        if newest.id != postmortem.id:
            raise PostmortemChanged(newest)
        if not newest.is_final or incident.is_active:
            raise NotFinal
        require_unbroken(incident=incident)
        changes = {"status": Postmortem.Status.IN_REVIEW, "review_asked_at": now, "review_asked_by": actor.name}
        waiting = (Postmortem.Status.DRAFT, Postmortem.Status.CHANGES)
        if Postmortem.objects.filter(id=newest.id, status__in=waiting).update(**changes):
            record_review(
                incident=incident,
                postmortem=newest,
                action="postmortem.review_asked",
                kind=EventKind.POSTMORTEM_REVIEW_ASKED,
                actor=actor,
                now=now,
            )
    newest.refresh_from_db()
    return newest


def newest_postmortem(incident: Incident) -> Postmortem:
    """Return the newest version; raise DoesNotExist without any."""
    return Postmortem.objects.filter(incident=incident).order_by("-version")[:1].get()


def _save(incident: Incident, before: Postmortem, section: Section, actor: Actor, now: datetime) -> Postmortem:
    """Insert the version with the edited section. Needs the incident's row lock."""
    version = before.version + 1
    facts = {"version": version, "section": section["key"], "title": section["title"].lower()}
    invalidated = before.status in {Postmortem.Status.APPROVED, Postmortem.Status.PUBLISHED}
    if invalidated:
        facts["approved_version"] = before.version
    entry = Entry(EventKind.POSTMORTEM_EDITED, data=facts)
    write(incident=incident, action="postmortem.edited", entries=[entry], actor=actor, now=now, body=facts)
    sections = _with(before, section, incident)
    mine = {"ref": actor.ref, "name": actor.name}
    made = Postmortem.objects.create(
        tenant_id=incident.tenant_id,
        incident=incident,
        version=version,
        sections=sections,
        metrics=before.metrics,
        charts=before.charts,
        content_digest=content_digest(sections=sections, metrics=before.metrics, charts=before.charts),
        through_seq=before.through_seq,
        drafted_at=now,
        drafted_by=actor.name,
        authors=[*before.authors, *([] if mine in before.authors else [mine])],
        is_final=before.is_final,
    )
    touch(incident)
    return made


def _with(before: Postmortem, edited: Section, incident: Incident) -> list[Section]:
    """Return the sections with `edited` in its place, and those that follow the record brought up to date."""
    story = read_story(incident=incident, charts=before.charts)
    fresh = {each["key"]: each for each in draft_sections(story=story)}
    sections: list[Section] = []
    for section in before.sections:
        key = section["key"]
        follows = key in LIVE and not section.get("edited")
        sections.append(edited if key == edited["key"] else fresh[key] if follows else section)
    return completed(story=story, sections=sections)


def record_review(
    *,
    incident: Incident,
    postmortem: Postmortem,
    action: str,
    kind: EventKind,
    actor: Actor,
    now: datetime,
    body: str = "",
    facts: Mapping[str, Any] | None = None,
    decision: Decision | None = None,
) -> None:
    """Write the entry and the receipt of a step of the review, which name the content's digest, and the decision."""
    name = f"{incident.code}-postmortem-v{postmortem.version}.json"
    told: dict[str, Any] = {
        "version": postmortem.version,
        "content_digest": postmortem.content_digest,
        **(facts or {}),
    }
    cited = {"decision": decision.citation} if decision else {}
    links = [decision.record.ref] if decision and decision.record else []
    write(
        incident=incident,
        action=action,
        entries=[Entry(kind, body, told)],
        actor=actor,
        now=now,
        body={**told, **cited},
        links=[ref("incidents.postmortem", postmortem.id), *links],
        subjects=[{"name": name, "digest": postmortem.content_digest}],
    )
    touch(incident)
