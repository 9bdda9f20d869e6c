"""Verbs that people work on a postmortem with: edit a section, ask for a review, approve, publish.

Content never changes in place. An edit is a new version that starts as a draft, so what was approved stays what was
approved: the approval names the digest of exactly what was read. Every verb raises TimelineBroken where the incident's
record is not what was written.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from conductor.engine.lifecycle import start_run
from conductor.lib.errors import Conflict, Invalid, NotAllowed
from conductor.lib.refs import ref
from conductor.tenancy.actors import Actor, require
from incidents.integrity import require_unbroken
from incidents.lifecycle.words import Complaints
from incidents.lifecycle.writing import Entry, last_seq, lock, touch, write
from incidents.models import EventKind, Incident, Postmortem
from incidents.postmortem import LIVE, Section, content_digest, draft_sections
from incidents.postmortem.passages import read_passages
from incidents.story import read_story

RENDER_WORKFLOW = "incidents.postmortem_render"
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


class NotInReview(Conflict):
    """Only the newest version can be approved, and only while a review of it is asked for."""

    code = "postmortem_not_in_review"


class NotFinal(Conflict):
    """The incident is not resolved yet, or was not when this was drafted. Draft the postmortem anew once it is over."""

    code = "postmortem_not_final"


class NotApproved(Conflict):
    """Only an approved version can be published."""

    code = "postmortem_not_approved"


class OwnWork(NotAllowed):
    """Your own words are in this postmortem, so somebody else has to approve it."""

    code = "postmortem_own_work"


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
        newest = _newest(incident)
        if newest.id != postmortem.id:
            raise PostmortemChanged(newest)
        section = next((each for each in newest.sections if each["key"] == key), None)
        if section is None:
            raise SectionUnknown(fields={"section": [f"There is no section {key}."]})
        blocks = read_passages(text, before=section["blocks"], entry=last_seq(incident) + 1, writer=actor.name)
        if blocks == section["blocks"]:
            return newest
        require_unbroken(incident=incident)
        return _save(incident, newest, Section(key=key, title=section["title"], blocks=blocks, edited=True), actor, now)


def ask_for_review(*, postmortem: Postmortem, actor: Actor, now: datetime) -> Postmortem:
    """Let the newest version, drafted from a resolved incident, be reviewed. In review already: nothing happens."""
    require(actor=actor, permission="respond")
    with transaction.atomic():
        incident = lock(postmortem.incident)
        newest = _newest(incident)
        if newest.id != postmortem.id:
            raise PostmortemChanged(newest)
        if not newest.is_final or incident.is_active:
            raise NotFinal
        require_unbroken(incident=incident)
        changes = {"status": Postmortem.Status.IN_REVIEW, "review_asked_at": now, "review_asked_by": actor.name}
        if Postmortem.objects.filter(id=newest.id, status=Postmortem.Status.DRAFT).update(**changes):
            _record(incident, newest, "postmortem.review_asked", EventKind.POSTMORTEM_REVIEW_ASKED, actor, now)
    newest.refresh_from_db()
    return newest


def approve_postmortem(*, postmortem: Postmortem, actor: Actor, now: datetime) -> Postmortem:
    """Approve exactly this content. Raise OwnWork for its authors, NotInReview unless it is the newest, in review."""
    require(actor=actor, permission="command")
    with transaction.atomic():
        incident = lock(postmortem.incident)
        newest = _newest(incident)
        if newest.id != postmortem.id:
            raise PostmortemChanged(newest)
        if actor.ref in {author["ref"] for author in newest.authors}:
            raise OwnWork
        require_unbroken(incident=incident)
        changed = Postmortem.objects.filter(id=newest.id, status=Postmortem.Status.IN_REVIEW).update(
            status=Postmortem.Status.APPROVED,
            approved_at=now,
            approved_by=actor.ref,
            approved_by_name=actor.name,
            pdf_digest="",
            pdf_size_bytes=None,
        )
        if not changed:
            raise NotInReview
        _record(incident, newest, "postmortem.approved", EventKind.POSTMORTEM_APPROVED, actor, now)
        _render(incident, newest, "approved", actor, now)
    newest.refresh_from_db()
    return newest


def publish_postmortem(*, postmortem: Postmortem, actor: Actor, now: datetime) -> Postmortem:
    """Make the approved version the one to be read. Published already: nothing happens."""
    require(actor=actor, permission="command")
    with transaction.atomic():
        incident = lock(postmortem.incident)
        fresh = Postmortem.objects.get(id=postmortem.id)
        if fresh.status == Postmortem.Status.PUBLISHED:
            return fresh
        require_unbroken(incident=incident)
        changed = Postmortem.objects.filter(id=fresh.id, status=Postmortem.Status.APPROVED).update(
            status=Postmortem.Status.PUBLISHED, published_at=now, published_by=actor.name
        )
        if not changed:
            raise NotApproved
        _record(incident, fresh, "postmortem.published", EventKind.POSTMORTEM_PUBLISHED, actor, now)
    fresh.refresh_from_db()
    return fresh


def _newest(incident: Incident) -> Postmortem:
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
    fresh = {each["key"]: each for each in draft_sections(story=read_story(incident=incident, charts=before.charts))}
    sections: list[Section] = []
    for section in before.sections:
        key = section["key"]
        follows = key in LIVE and not section.get("edited")
        sections.append(edited if key == edited["key"] else fresh[key] if follows else section)
    return sections


def _record(
    incident: Incident, postmortem: Postmortem, action: str, kind: EventKind, actor: Actor, now: datetime
) -> None:
    name = f"{incident.code}-postmortem-v{postmortem.version}.json"
    facts: dict[str, Any] = {"version": postmortem.version, "content_digest": postmortem.content_digest}
    write(
        incident=incident,
        action=action,
        entries=[Entry(kind, data=facts)],
        actor=actor,
        now=now,
        body=facts,
        links=[ref("incidents.postmortem", postmortem.id)],
        subjects=[{"name": name, "digest": postmortem.content_digest}],
    )
    touch(incident)


def _render(incident: Incident, postmortem: Postmortem, why: str, actor: Actor, now: datetime) -> None:
    start_run(
        tenant_id=incident.tenant_id,
        workflow=RENDER_WORKFLOW,
        input={"incident_id": str(incident.id), "postmortem_id": str(postmortem.id)},
        actor=actor,
        now=now,
        subject=incident.ref,
        environment_id=incident.environment_id,
        dedup_key=f"{postmortem.id}:{why}",
    )
