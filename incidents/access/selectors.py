"""What the incident page shows besides its timeline: stepper, roles, connections, runs, postmortems."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import JSONObject

from conductor.engine.models import Run
from conductor.engine.selectors import runs_about
from conductor.lib.clock import elapsed
from conductor.lib.errors import NotFound
from conductor.lib.refs import Ref, ref
from incidents.models.choices import STEPS, MilestoneKey, Role, Status, TaskState
from incidents.models.history import Milestone, Redaction, StatusTransition
from incidents.models.incident import Incident
from incidents.models.people import AccessGrant, RoleAssignment, RoleOffer, Task
from incidents.record.moves import find_move


@dataclass(frozen=True)
class StepperStep:
    """One of the four statuses that a response passes through, as the stepper shows it."""

    status: str
    label: str
    state: str
    """done, current, todo, or skipped: passed by without anybody saying so."""
    entered_at: datetime | None
    """The latest time that this status began; None if it never did."""
    lasted: timedelta | None
    """How long this status has lasted in all, over every visit; None if it never began, or nobody knows."""
    is_inferred: bool
    """Whether nobody said so: a later move implies it."""
    visits: int
    can_move: bool
    """Whether a move from the present status to this one exists."""
    needs_reason: bool
    """Whether that move goes backwards and needs a reason."""

    @property
    def verb(self) -> str:
        """What the button says that moves an incident here."""
        return {"MITIGATED": "Mitigate", "MONITORING": "Monitor", "RESOLVED": "Resolve"}.get(self.status, "Reopen")

    @property
    def tone(self) -> str:
        """The colour of the status (conductor.console.format.statuses has the glyphs)."""
        return {"OPEN": "red", "MITIGATED": "orange", "MONITORING": "accent"}.get(self.status, "green")


@dataclass(frozen=True)
class Moved:
    """A transition into a status."""

    to_status: str
    occurred_at: datetime
    inferred: bool


@dataclass(frozen=True)
class Moment:
    """When something of an incident happened."""

    key: str
    """The MilestoneKey by which people assert it; empty for what follows from what they did."""
    label: str
    at: datetime | None
    """None while nobody has said."""


@dataclass(frozen=True)
class Offer:
    """A handover that waits for an answer."""

    user_id: int
    user_name: str
    note: str
    offered_by_name: str
    offered_at: datetime


@dataclass(frozen=True)
class RoleSlot:
    """A role and who holds it."""

    role: str
    label: str
    user_id: int | None
    ref: Ref
    name: str
    """Empty while the role is vacant."""
    since: datetime | None
    is_accepted: bool = True
    """False while the holder was given the role and has not answered."""
    note: str = ""
    """What the one before wrote down for this holder."""
    offer: Offer | None = None
    """The handover that waits for an answer."""

    def asks(self, user_id: int | None) -> bool:
        """Whether an answer of this person is waited for."""
        if user_id is None:
            return False
        is_offered = self.offer is not None and self.offer.user_id == user_id
        return is_offered or (self.user_id == user_id and not self.is_accepted)


def incident_by_number(*, number: int) -> Incident:
    """Return the incident with its environment; raise NotFound."""
    incident = Incident.objects.select_related("environment").filter(number=number).first()
    if incident is None:
        raise NotFound(f"There is no incident INC-{number}.")
    return incident


def incident_for_page(*, number: int) -> Incident:
    """Return the incident as `incident_by_number`, with what else its page says at a glance. Raise NotFound.

    `identified_at` is when the cause was found, `redactions_waiting` the numbers of the entries whose redaction
    waits for a second person, `grants_open` how many people were let into it, `moved` its Moves by seq, `tasks_open`
    the numbers of the tasks that are to do and `tasks_blocking` those of them that hold it open. `tasks_total` is how
    many there ever were, None for none. One query.
    """
    newest = Milestone.objects.filter(incident=OuterRef("pk"), key=MilestoneKey.IDENTIFIED)
    waiting = Redaction.objects.filter(event__incident=OuterRef("pk"), state="WAITING").order_by("event__seq")
    grants = AccessGrant.objects.filter(incident=OuterRef("pk"), ended_at=None)
    moved = StatusTransition.objects.filter(incident=OuterRef("pk"))
    tasks = Task.objects.filter(incident=OuterRef("pk"))
    left = tasks.exclude(state__in=[TaskState.DONE, TaskState.CANCELED])
    found = (
        Incident.objects.select_related("environment", "duplicate_of")
        .annotate(
            identified_at=Subquery(newest.order_by("-recorded_at", "-id").values("at")[:1]),
            tasks_open=ArraySubquery(left.order_by("number").values("number")),
            tasks_blocking=ArraySubquery(left.filter(is_blocking=True).order_by("number").values("number")),
            tasks_total=Subquery(tasks.order_by().values("incident").annotate(n=Count("*")).values("n")),
            redactions_waiting=ArraySubquery(waiting.values("event__seq")),
            moved=ArraySubquery(moved.order_by("seq").values(move=JSONObject(**_names_of(Moved)))),
            grants_open=Subquery(grants.order_by().values("incident").annotate(n=Count("*")).values("n")),
        )
        .filter(number=number)
        .first()
    )
    if found is None:
        raise NotFound(f"There is no incident INC-{number}.")
    return found


def moments_of(incident: Incident) -> list[Moment]:
    """Return the moments of an incident in the order in which they belong. Needs `incident_for_page`'s; no query."""
    asserted = {
        MilestoneKey.IMPACT_STARTED: incident.impact_started_at,
        MilestoneKey.DETECTED: incident.detected_at,
        MilestoneKey.IDENTIFIED: incident.identified_at,  # type: ignore[attr-defined]
        MilestoneKey.IMPACT_ENDED: incident.impact_ended_at,
    }
    followed = [Moment("", "Declared", incident.declared_at), Moment("", "Acknowledged", incident.acknowledged_at)]
    began, detected, identified, ended = (Moment(key.value, str(key.label), at) for key, at in asserted.items())
    return [began, detected, *followed, identified, ended]


def asserted(*, incident: Incident, key: str) -> list[Milestone]:
    """Return what people said about a milestone, newest first: the first one counts. One query."""
    return list(Milestone.objects.filter(incident=incident, key=key).order_by("-recorded_at", "-id"))


def stepper(*, incident: Incident, now: datetime) -> list[StepperStep]:
    """Return the four steps in order. Needs `incident_for_page`'s; no query."""
    visits = _visits(incident, now)
    # What never was an incident stands before the first step, as does what waits in triage.
    position = STEPS.index(Status(incident.status)) if incident.status in STEPS else -1
    steps = []
    for index, status in enumerate(STEPS):
        mine = visits[status]
        move = find_move(before=incident.status, to=status)
        steps.append(
            StepperStep(
                status=status.value,
                label=str(status.label),
                state=_state(index, position, was_there=bool(mine)),
                entered_at=mine[-1][0].occurred_at if mine else None,
                lasted=None if status == Status.RESOLVED else _total(length for _, length in mine),
                is_inferred=bool(mine) and mine[-1][0].inferred,
                visits=len(mine),
                can_move=move is not None and not incident.is_history,
                needs_reason=move is not None and not move.is_plain,
            )
        )
    return steps


def roles_of(*, incident: Incident) -> list[RoleSlot]:
    """Return every role in order, vacant ones too, each with the handover that waits for an answer. One query."""
    offer = RoleOffer.objects.filter(incident=incident, role=OuterRef("role"), answered_at=None).values(
        offer=JSONObject(**_names_of(Offer))
    )
    found = RoleAssignment.objects.filter(incident=incident, ended_at=None).annotate(offer=Subquery(offer))
    held = {each.role: each for each in found}
    return [_slot(role, held.get(role)) for role in Role]


def runs_of(*, incident: Incident) -> QuerySet[Run]:
    """Return the workflow runs about the incident, newest first."""
    return runs_about(subject=incident.ref)


def _slot(role: Role, holder: Any) -> RoleSlot:
    """`holder` is the open RoleAssignment with its `offer` as JSON, or None for a vacant role."""
    if holder is None:
        return RoleSlot(role.value, str(role.label), None, "", "", None)
    said = holder.offer
    offer = Offer(**{**said, "offered_at": datetime.fromisoformat(said["offered_at"])}) if said else None
    return RoleSlot(
        role.value,
        str(role.label),
        holder.user_id,
        ref("tenancy.user", holder.user_id),
        holder.user_name,
        holder.assumed_at,
        is_accepted=holder.accepted_at is not None,
        note=holder.handover_note,
        offer=offer,
    )


def _visits(incident: Incident, now: datetime) -> dict[Status, list[tuple[Moved, timedelta | None]]]:
    """Return, per status, each move into it and how long the incident stayed."""
    said: list[dict[str, Any]] = incident.moved  # type: ignore[attr-defined]
    moves = [Moved(**{**each, "occurred_at": datetime.fromisoformat(each["occurred_at"])}) for each in said]
    # Imported history may not say when it ended: then its last visit has no length.
    until = None if incident.is_history else now
    ends = [*(each.occurred_at for each in moves[1:]), until]
    visits: dict[Status, list[tuple[Moved, timedelta | None]]] = {status: [] for status in Status}
    for move, end in zip(moves, ends, strict=True):
        length = max(elapsed(move.occurred_at, end), timedelta()) if end else None
        visits[Status(move.to_status)].append((move, length))
    return visits


def _total(lengths: Iterable[timedelta | None]) -> timedelta | None:
    """Return the sum; None when there is nothing to sum, or a part is not known."""
    known = list(lengths)
    return sum((length for length in known if length is not None), timedelta()) if known and None not in known else None


def _state(index: int, position: int, *, was_there: bool) -> str:
    if index == position:
        return "current"
    if index > position:
        return "todo"
    return "done" if was_there else "skipped"


def _names_of(shape: type[Any]) -> dict[str, str]:
    """Return what JSONObject wants, to make of each row the fields of this dataclass."""
    return {field.name: field.name for field in fields(shape)}
