"""What is left to do once an incident is over: postmortems, action items, and requests to redact an entry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import DateTimeField, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet
from django.db.models.functions import Cast
from django.urls import reverse

from conductor.console.inbox.registry import Act, Asker, Told, keyed
from incidents.models.action_item import ActionItem
from incidents.models.choices import Role, Status
from incidents.models.history import Redaction
from incidents.models.incident import Incident
from incidents.models.people import RoleAssignment
from incidents.models.postmortem import Postmortem


def drafts(asker: Asker) -> QuerySet[Any]:
    """Final drafts that nobody has asked a review of, for the commander of the resolved incident."""
    found = _newest(Postmortem.Status.DRAFT).filter(
        Exists(_commands(asker)), is_final=True, incident__status=Status.RESOLVED
    )
    return keyed(found, since="drafted_at")


def sent_back(asker: Asker) -> QuerySet[Any]:
    """Versions that a reviewer sent back, for their authors and the commander of the incident."""
    authored = Q(authors__contains=[{"ref": asker.actor.ref}])
    found = _newest(Postmortem.Status.CHANGES).filter(authored | Q(Exists(_commands(asker))))
    return keyed(found, since="changes_asked_at")


def reviews(asker: Asker) -> QuerySet[Any]:
    """Versions in review that they may approve: none of the words is theirs."""
    found = _newest(Postmortem.Status.IN_REVIEW).exclude(authors__contains=[{"ref": asker.actor.ref}])
    return keyed(found, since="review_asked_at")


def unpublished(asker: Asker) -> QuerySet[Any]:
    """Approved versions that are not published."""
    return keyed(_newest(Postmortem.Status.APPROVED), since="approved_at")


def items(asker: Asker) -> QuerySet[Any]:
    """Open action items that they own. One that is due on a day is due until that day is over, in UTC."""
    found = ActionItem.objects.filter(
        owner_id=asker.user_id, status=ActionItem.Status.OPEN, incident__in=Incident.objects.all()
    )
    day = Cast(F("due_date"), DateTimeField())
    return keyed(
        found, since="created_at", due=ExpressionWrapper(day + timedelta(days=1), output_field=DateTimeField())
    )


def redactions(asker: Asker) -> QuerySet[Any]:
    """Requests to redact an entry that somebody else made."""
    found = Redaction.objects.filter(state=Redaction.State.WAITING, event__incident__in=Incident.objects.all()).exclude(
        requested_by=asker.actor.ref
    )
    return keyed(found, since="requested_at")


def told_drafts(asker: Asker, ids: Sequence[UUID]) -> Mapping[UUID, Told]:
    return {
        each.id: _postmortem(
            asker,
            each,
            "Finish the postmortem of",
            "You command the incident, and nobody has asked for a review.",
            "Open draft",
        )
        for each in _read(ids)
    }


def told_sent_back(asker: Asker, ids: Sequence[UUID]) -> Mapping[UUID, Told]:
    return {
        each.id: _postmortem(
            asker,
            each,
            "Change the postmortem of",
            f"{each.changes_asked_by} sent it back: “{shortened(each.changes_comment)}”",
            "Read and edit",
        )
        for each in _read(ids)
    }


def told_reviews(asker: Asker, ids: Sequence[UUID]) -> Mapping[UUID, Told]:
    return {
        each.id: _postmortem(
            asker,
            each,
            "Approve the postmortem of",
            f"{each.review_asked_by} asked for a review. You may approve it: none of the words is yours.",
            "Read and approve",
        )
        for each in _read(ids)
    }


def told_unpublished(asker: Asker, ids: Sequence[UUID]) -> Mapping[UUID, Told]:
    return {
        each.id: _postmortem(
            asker,
            each,
            "Publish the postmortem of",
            f"{each.approved_by_name} approved it. Anyone who may command can publish it.",
            "Read and publish",
        )
        for each in _read(ids)
    }


def told_items(asker: Asker, ids: Sequence[UUID]) -> Mapping[UUID, Told]:
    return {
        each.id: Told(
            title=f"{each.code} {each.title}",
            why=f"You own this action item of {each.incident.code}.",
            href=(page := reverse("incidents:action_item", args=[asker.slug, each.number])),
            act=Act("Open item", page),
            subject=each.code,
            is_day=True,
        )
        for each in ActionItem.objects.filter(id__in=ids).select_related("incident")
    }


def told_redactions(asker: Asker, ids: Sequence[UUID]) -> Mapping[UUID, Told]:
    found = Redaction.objects.filter(id__in=ids).select_related("event__incident")
    return {
        each.id: Told(
            title=f"Answer the request to redact entry {each.event.seq} of {each.event.incident.code}",
            why=f"{each.requested_by_name} asked: {each.legal_basis}. Another person answers, and you may.",
            href=(page := _entry(asker, each)),
            act=Act("Read and answer", page),
            subject=each.event.incident.code,
        )
        for each in found
    }


def shortened(text: str) -> str:
    """The first line of what somebody wrote, as far as a row has room for it."""
    line = text.strip().split("\n", 1)[0]
    return line if len(line) <= 200 else f"{line[:199]}…"


def _commands(asker: Asker) -> QuerySet[RoleAssignment]:
    return RoleAssignment.objects.filter(
        incident=OuterRef("incident"), role=Role.COMMANDER, user_id=asker.user_id, ended_at=None
    )


def _newest(status: Postmortem.Status) -> QuerySet[Postmortem]:
    later = Postmortem.objects.filter(incident=OuterRef("incident"), version__gt=OuterRef("version"))
    return Postmortem.objects.filter(~Exists(later), status=status, incident__in=Incident.objects.all())


def _read(ids: Sequence[UUID]) -> QuerySet[Postmortem]:
    return Postmortem.objects.filter(id__in=ids).select_related("incident").defer("sections", "metrics", "charts")


def _postmortem(asker: Asker, found: Postmortem, what: str, why: str, act: str) -> Told:
    page = reverse("incidents:postmortem", args=[asker.slug, found.incident.number])
    code = found.incident.code
    return Told(f"{what} {code}", f"{why} {found.incident.title}", page, Act(act, page), code)


def _entry(asker: Asker, redaction: Redaction) -> str:
    event = redaction.event
    return reverse("incidents:entry", args=[asker.slug, event.incident.number, event.seq])
