"""What waits for a second person's decision in the backbone: steps of runs, and rules that somebody uploaded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db.models import DateTimeField, Exists, OuterRef, Q, QuerySet
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast
from django.urls import reverse

from conductor.console.inbox.registry import Act, Asker, Family, Kind, Told, keyed
from conductor.engine.models import Run, Step
from conductor.engine.selectors import undecided_steps
from conductor.policy.models import TenantPolicy


def find(asker: Asker) -> Iterator[tuple[str, QuerySet[Any]]]:
    """What they may decide, as far as rows say; policy is asked when they do."""
    if asker.may("view_runs"):
        yield "run_decision", _decisions(asker)
    if asker.may("activate_policies"):
        yield "policy_activation", _drafts(asker)


def _decisions(asker: Asker) -> QuerySet[Any]:
    """Steps that wait for somebody with a permission that they hold; nobody approves as the second what they asked."""
    mine = Q(wait__requested_by=asker.actor.ref) | Q(run__started_by=asker.actor.ref)
    # By the run first: it has an index of those under way, and steps are many.
    under_way = undecided_steps().filter(run__status__in=[Run.Status.WAITING, Run.Status.RUNNING])
    found = under_way.filter(wait__permission__in=sorted(asker.actor.permissions)).exclude(mine, wait__four_eyes=True)
    asked = found.annotate(asked_at=Cast(KeyTextTransform("since", "wait"), DateTimeField()))
    return keyed(asked, since="asked_at")


def _drafts(asker: Asker) -> QuerySet[Any]:
    """The newest version of rules, where it is a draft that somebody else uploaded."""
    later = TenantPolicy.objects.filter(name=OuterRef("name"), version__gt=OuterRef("version"))
    found = TenantPolicy.objects.filter(~Exists(later), state=TenantPolicy.State.DRAFT)
    return keyed(found.exclude(uploaded_by=asker.actor.ref), since="uploaded_at")


def _told_decisions(asker: Asker, ids: Sequence[UUID]) -> Mapping[UUID, Told]:
    found = Step.objects.filter(id__in=ids).select_related("run")
    return {each.id: _decision(asker, each) for each in found if each.is_waiting_for_decision}


def _decision(asker: Asker, step: Step) -> Told:
    wait: dict[str, Any] = step.wait or {}
    page = f"{reverse('console:run', args=[asker.slug, step.run.number])}?step={step.place}"
    eyes = " A second person has to approve it, and you did not start it." if wait.get("four_eyes") else ""
    return Told(
        title=f"Decide step {step.place} of {step.run.code}",
        why=f"{step.run.title}: {wait['reason']}. You hold the permission that it asks for.{eyes}",
        href=page,
        act=Act("Review step", page),
        subject=step.run.code,
    )


def _told_drafts(asker: Asker, ids: Sequence[UUID]) -> Mapping[UUID, Told]:
    return {
        each.id: Told(
            title=f"Put the rules {each.code} in force, or give them up",
            why=f"{each.uploaded_by_name} uploaded them: {each.purpose.rstrip('.')}. A second person activates them.",
            href=(page := reverse("console:policy_version", args=[asker.slug, each.id])),
            act=Act("Read rules", page),
            subject=each.code,
        )
        for each in TenantPolicy.objects.filter(id__in=ids).defer("rego", "data")
    }


FAMILY = Family(
    {
        "run_decision": Kind("Approvals", "workflow", _told_decisions),
        "policy_activation": Kind("Approvals", "scale", _told_drafts),
    },
    find,
    order=2,
)
