"""What the verbs on incidents refuse with. Each `code` is stable and part of the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from conductor.lib.errors import Conflict, Invalid, NotAllowed
from incidents.models.choices import Status
from incidents.models.incident import Incident
from incidents.record.moves import MOVES


class IncidentIsHistory(Conflict):
    """This incident was imported. History is read, not worked on."""

    code = "incident_is_history"


class IncidentMoved(Conflict):
    """Somebody else moved this incident while you were looking at it. Look at it again, then decide."""

    code = "incident_moved"

    def __init__(self, incident: Incident, seen: str) -> None:
        before, after = Status(seen).label, Status(incident.status).label
        super().__init__(
            f"{incident.code} was {before} when you looked and is {after} now. Look at it again, then decide.",
            fields={"to": [f"It is {after} now."]},
        )


class UndoTooLate(Conflict):
    """This move cannot be undone any more: it is over ten minutes old, or somebody has moved the incident since."""

    code = "undo_too_late"

    def __init__(self, incident: Incident) -> None:
        super().__init__(
            "It is too late to undo this move: it is over ten minutes old, or the incident has been moved since. "
            f"{incident.code} is {Status(incident.status).label} now. Move it yourself, with a reason."
        )


class IncidentChanged(Conflict):
    """Somebody else changed this incident's severity, visibility or environment while you decided."""

    code = "incident_changed"

    def __init__(self, incident: Incident) -> None:
        super().__init__(
            f"{incident.code} was reclassified while you decided: it is {incident.severity} now. "
            "Look at it again, then decide."
        )


class IncidentHidden(Conflict):
    """A private incident is live for this deduplication key. Ask its commander to let you in."""

    code = "incident_hidden"


class LinkWouldCircle(Conflict):
    """An incident cannot be part of itself, not even over others."""

    code = "link_would_circle"


class LinkFollows(Conflict):
    """This link follows from an act: a role, a run, a ticket, a merge. Undo that, and the link ends."""

    code = "link_follows"


class KeyInUse(Conflict):
    """Another unresolved incident has the same deduplication key. Work on that one, or resolve it first."""

    code = "incident_key_in_use"

    def __init__(self, incident: Incident, other: Incident) -> None:
        super().__init__(
            f"{other.code} is unresolved and has the same deduplication key as {incident.code}. "
            f"Work on {other.code}, or resolve it first.",
            fields={"to": [f"{other.code} is live for the same key."]},
        )


class TransitionNotAllowed(Conflict):
    """An incident cannot move between these two statuses."""

    code = "transition_not_allowed"

    def __init__(self, incident: Incident, to: str, why: str = "") -> None:
        self.before, self.to = incident.status, to
        self.allowed = [move.to.value for move in MOVES[Status(incident.status)]]
        where = " or ".join(Status(each).label for each in self.allowed)
        before, after = Status(self.before).label, Status(to).label
        reason = why or f"{incident.code} cannot move from {before} to {after}."
        super().__init__(
            f"{reason} From {before} it can move to {where}.",
            fields={"to": [f"Not allowed from {self.before}. Allowed: {', '.join(self.allowed)}."]},
        )


class GuardsNotMet(Conflict):
    """Something must be true of the incident before it can move there."""

    code = "guards_not_met"

    def __init__(self, incident: Incident, to: str, unmet: Sequence[Mapping[str, str]], *, overridable: bool) -> None:
        """`unmet` lists every reason at once: {"guard", "why", "how"}."""
        self.unmet, self.overridable = list(unmet), overridable
        after = Status(to).label
        reasons = " ".join(f"{each['why']} {each['how']}".strip() for each in unmet)
        way = " Anyone who may override guards can go on with a reason." if overridable else ""
        self.headline = f"{incident.code} cannot move to {after} yet.{way}"
        super().__init__(
            f"{incident.code} cannot move to {after} yet. {reasons}{way}",
            fields={each["guard"]: [f"{each['why']} {each['how']}".strip()] for each in unmet},
        )

    @property
    def reasons(self) -> list[str]:
        """Each reason and how to meet it, as a sentence of its own."""
        return [f"{each['why']} {each['how']}".strip() for each in self.unmet]


class OverrideNotAllowed(NotAllowed):
    """Overriding guards needs a permission that you do not hold."""

    code = "override_not_allowed"


class IncidentAlreadyResolved(TransitionNotAllowed):
    """The incident is over already."""

    code = "incident_already_resolved"

    def __init__(self, incident: Incident, to: str) -> None:
        super().__init__(
            incident, to, f"{incident.code} is {incident.get_status_display().lower()} already. Reopen it first."
        )


class ReasonTooShort(Invalid):
    """Say why, in at least ten characters."""

    code = "reason_required"


class NotAResponder(Invalid):
    """Roles are held by members who may respond to incidents."""

    code = "not_a_responder"


class RoleNotHeld(Conflict):
    """Nobody holds this role."""

    code = "role_not_held"
