"""Verbs that answer a review of a postmortem: approve it, ask for changes; and publish what was approved.

Approving and asking for changes pass the policy `incidents.review`. An approval names the digest of exactly what was
read, and each required section that is blank by its name, with a reason. Every verb raises TimelineBroken where the
incident's record is not what was written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from conductor.engine.lifecycle.starting import start_run
from conductor.lib.errors import Conflict, Invalid, NotAllowed
from conductor.lib.refs import ref
from conductor.policy.decisions import Decision
from conductor.policy.decisions import require as require_policy
from conductor.tenancy.actors import Actor, require
from incidents.integrity.checks import require_unbroken
from incidents.models.choices import EventKind
from incidents.models.incident import Incident
from incidents.models.postmortem import Postmortem
from incidents.postmortem.draft.written import TITLES, blank
from incidents.postmortem.review import PostmortemChanged, newest_postmortem, record_review
from incidents.record.input_cleaning import Complaints
from incidents.record.phrases import name_list
from incidents.record.writer import lock
from incidents.response.policy import policy_in_force

ACTION = "incidents.review"
RENDER_WORKFLOW = "incidents.postmortem_render"


class NotInReview(Conflict):
    """Only the newest version can be approved or sent back, and only while a review of it is asked for."""

    code = "postmortem_not_in_review"


class NotApproved(Conflict):
    """Only an approved version can be published."""

    code = "postmortem_not_approved"


class OwnWork(NotAllowed):
    """Your own words are in this postmortem, so somebody else has to review it."""

    code = "postmortem_own_work"


class SectionsBlank(Invalid):
    """Sections that the response policy asks for are blank. Ask for changes, or name each of them and say why not."""

    code = "postmortem_sections_blank"

    def __init__(self, missing: Sequence[str]) -> None:
        self.missing = list(missing)
        names = name_list([TITLES[key].lower() for key in missing])
        super().__init__(fields={"without": [f"Nobody has written {names}."]})


def blank_sections(*, postmortem: Postmortem) -> list[str]:
    """Return the sections that the response policy in force asks for and nobody has written. One query."""
    required = policy_in_force().content.sections_for(severity=postmortem.incident.severity)
    return blank(postmortem.sections, required=required)


def approve_postmortem(
    *, postmortem: Postmortem, actor: Actor, now: datetime, without: Iterable[str] = (), reason: str = ""
) -> Postmortem:
    """Approve exactly this content, and have it rendered. Return the version.

    `without` names each required section that is blank, and `reason` says why it may stay so: raise SectionsBlank where
    one is not named, Invalid where one named is not blank or the reason is missing. Raise OwnWork for its authors,
    NotInReview unless it is the newest, in review; PolicyDenied.
    """
    require(actor=actor, permission="command")
    complaints = Complaints()
    why = complaints.text("reason", reason)
    complaints.refuse()
    seen = _reviewable(postmortem, actor)
    missing, named = blank_sections(postmortem=seen), list(dict.fromkeys(without))
    _check_waiver(missing, named, why)
    decision = _ask(seen, actor, now, approve=True, missing=missing, named=named, explained=bool(why))
    with transaction.atomic():
        incident, newest = _locked(postmortem)
        changed = Postmortem.objects.filter(id=newest.id, status=Postmortem.Status.IN_REVIEW).update(
            status=Postmortem.Status.APPROVED,
            approved_at=now,
            approved_by=actor.ref,
            approved_by_name=actor.name,
            waived=missing,
            waiver_reason=why if missing else "",
            pdf_digest="",
            pdf_size_bytes=None,
        )
        if not changed:
            raise NotInReview
        _record(incident, newest, "approved", decision, actor, now, without=missing, reason=why if missing else "")
        _render(incident, newest, actor, now)
    newest.refresh_from_db()
    return newest


def request_changes(*, postmortem: Postmortem, comment: str, actor: Actor, now: datetime) -> Postmortem:
    """Send the version back to its authors with what is to be changed. Return it.

    Needs what approving it needs. Sent back already with this comment: nothing happens. Raise OwnWork for its authors,
    NotInReview unless it is the newest, in review; PolicyDenied.
    """
    require(actor=actor, permission="command")
    complaints = Complaints()
    said = complaints.text("comment", comment, required=True)
    complaints.refuse()
    if postmortem.status == Postmortem.Status.CHANGES and postmortem.changes_comment == said:
        return postmortem
    decision = _ask(_reviewable(postmortem, actor), actor, now, approve=False, missing=[], named=[], explained=True)
    with transaction.atomic():
        incident, newest = _locked(postmortem)
        changed = Postmortem.objects.filter(id=newest.id, status=Postmortem.Status.IN_REVIEW).update(
            status=Postmortem.Status.CHANGES,
            changes_asked_at=now,
            changes_asked_by=actor.name,
            changes_comment=said,
        )
        if not changed:
            raise NotInReview
        _record(incident, newest, "changes_requested", decision, actor, now, said=said)
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
        _record(incident, fresh, "published", None, actor, now)
    fresh.refresh_from_db()
    return fresh


def _reviewable(postmortem: Postmortem, actor: Actor) -> Postmortem:
    """Return the version as it is now: the newest, in review, without a word of the actor's. Else raise."""
    newest = newest_postmortem(postmortem.incident)
    if newest.id != postmortem.id:
        raise PostmortemChanged(newest)
    if actor.ref in {author["ref"] for author in newest.authors}:
        raise OwnWork
    if newest.status != Postmortem.Status.IN_REVIEW:
        raise NotInReview
    newest.incident = postmortem.incident
    return newest


def _check_waiver(missing: Sequence[str], named: Sequence[str], why: str) -> None:
    complaints = Complaints()
    if wrong := [key for key in named if key not in missing]:
        complaints.add("without", f"{TITLES.get(wrong[0], wrong[0][:40])} is not blank, or not asked for.")
    complaints.refuse()
    if unnamed := [key for key in missing if key not in named]:
        raise SectionsBlank(unnamed)
    if missing and not why:
        complaints.add("reason", "Say why it is approved without them.")
    complaints.refuse()


def _locked(postmortem: Postmortem) -> tuple[Incident, Postmortem]:
    incident = lock(postmortem.incident)
    newest = newest_postmortem(incident)
    if newest.id != postmortem.id:
        raise PostmortemChanged(newest)
    require_unbroken(incident=incident)
    return incident, newest


def _ask(
    postmortem: Postmortem,
    actor: Actor,
    now: datetime,
    *,
    approve: bool,
    missing: Sequence[str],
    named: Sequence[str],
    explained: bool,
) -> Decision:
    """Ask policy before the verb's transaction, so that a refusal stays on record. It sees no word of the reason."""
    incident = postmortem.incident
    return require_policy(
        action=ACTION,
        actor=actor,
        resource={
            "ref": ref("incidents.postmortem", postmortem.id),
            "tenant": incident.tenant_id,
            "environment": incident.environment.slug if incident.environment else "",
            "severity": incident.severity,
            "visibility": incident.visibility,
            "owner": incident.declared_by,
            "status": postmortem.status,
            "approve": approve,
            "authors": [author["ref"] for author in postmortem.authors],
            "blank": list(missing),
            "waived": list(named),
            "explained": explained,
        },
        context={},
        tenant_id=incident.tenant_id,
        now=now,
    )


_KINDS = {
    "approved": EventKind.POSTMORTEM_APPROVED,
    "changes_requested": EventKind.POSTMORTEM_CHANGES_REQUESTED,
    "published": EventKind.POSTMORTEM_PUBLISHED,
}


def _record(
    incident: Incident,
    postmortem: Postmortem,
    what: str,
    decision: Decision | None,
    actor: Actor,
    now: datetime,
    *,
    said: str = "",
    without: Sequence[str] = (),
    reason: str = "",
) -> None:
    facts: dict[str, Any] = {"without": list(without)} if without else {}
    record_review(
        incident=incident,
        postmortem=postmortem,
        action=f"postmortem.{what}",
        kind=_KINDS[what],
        body=said or reason,
        facts=facts,
        decision=decision,
        actor=actor,
        now=now,
    )


def _render(incident: Incident, postmortem: Postmortem, actor: Actor, now: datetime) -> None:
    start_run(
        tenant_id=incident.tenant_id,
        workflow=RENDER_WORKFLOW,
        input={"incident_id": str(incident.id), "postmortem_id": str(postmortem.id)},
        actor=actor,
        now=now,
        subject=incident.ref,
        environment_id=incident.environment_id,
        dedup_key=f"{postmortem.id}:approved",
    )
