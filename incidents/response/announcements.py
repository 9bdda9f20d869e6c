"""How the watches over an incident tell people: through the notification adapters, once for each key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from adapters.delivery.lifecycle import deliver
from adapters.ports.protocols import AdapterError
from conductor.engine.define.context import StepContext
from incidents.models.incident import Incident
from incidents.models.people import RoleAssignment
from incidents.record.notices import payload_of
from incidents.record.phrases import name_list, role_word, roles_in_words
from incidents.response.policy import EVERYBODY


@dataclass(frozen=True)
class Hearing:
    """Who is told of something, and which roles would have been."""

    who: str
    """In words, never nobody: "Cora Commander (commander)"."""
    vacant: list[str]
    """The roles that nobody holds, by their keys."""

    @property
    def fill(self) -> str:
        """What to do about the vacant roles, as a sentence; empty where none is."""
        them = "it" if len(self.vacant) == 1 else "them"
        return f"Give somebody {roles_in_words(self.vacant)}, or take {them}." if self.vacant else ""


def first_who_hears(incident: Incident, targets: Sequence[str]) -> Hearing:
    """Return the first of the targets whom there is; the vacant roles before it are passed over.

    Where all are vacant everybody hears: a warning that reaches nobody is none. Needs the tenant's scope.
    """
    vacant: list[str] = []
    for target in targets:
        if words := _in_words(incident, target):
            return Hearing(words, vacant)
        vacant.append(target)
    return Hearing(_in_words(incident, EVERYBODY), vacant)


def all_who_hear(incident: Incident, targets: Sequence[str]) -> Hearing:
    """Return everybody among the targets whom there is, as `first_who_hears` does the first."""
    found = {target: _in_words(incident, target) for target in targets}
    heard = [words for words in found.values() if words] or [_in_words(incident, EVERYBODY)]
    return Hearing(name_list(heard), [target for target, words in found.items() if not words])


def _in_words(incident: Incident, target: str) -> str:
    """Return who holds the role, or everybody; empty for a vacant role."""
    if target == EVERYBODY:
        return "everyone who is notified of incidents"
    holder = RoleAssignment.objects.filter(incident=incident, role=target, ended_at=None).first()
    return f"{holder.user_name} ({role_word(target)})" if holder else ""


def announce(ctx: StepContext, incident: Incident, event: str, title: str, facts: dict[str, str], key: str) -> None:
    """Tell the adapters. A failure here is logged and does not stop the watch: the timeline has it already."""
    payload = payload_of(incident=incident, tenant_slug=ctx.tenant_slug)
    payload = {**payload, "title": title, "facts": {**payload["facts"], **facts}}
    ctx.heartbeat()
    try:
        deliver(
            tenant_id=ctx.tenant_id,
            event=event,
            subject=incident.ref,
            payload=payload,
            key=key,
            now=ctx.now(),
            environment_id=incident.environment_id,
        )
    except AdapterError as error:
        ctx.log("could not be announced", level="error", error=error.message)
