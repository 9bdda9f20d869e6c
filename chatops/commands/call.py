"""One sentence, who says it and where: what every verb of the command is given."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User

from chatops.commands import lookup
from chatops.commands.vocabulary import ALSO_OVER
from conductor.tenancy.actors import Actor
from conductor.tenancy.models import Tenant
from incidents.models.incident import Incident


@dataclass(frozen=True)
class Said:
    """One command, and who says it."""

    verb: str
    args: Any
    """The dataclass of chatops.commands.sentence that belongs to the verb."""
    command: str
    """The command's name as typed, `/incident`."""
    tenant: Tenant
    team_id: str
    """The workspace it is said in; empty at other doors."""
    user: User
    actor: Actor
    now: datetime
    spooled_at: datetime | None = None
    """When it was said, if the database was away then: it is recorded late, and marked as reconstructed."""
    channel_id: str = ""
    """The chat's channel it is said in; its incident is meant when none is named."""

    def incident(self, *, is_over: bool = False) -> Incident:
        """Return the incident that is meant."""
        found = lookup.incident_meant(
            number=self.args.incident,
            user=self.user,
            now=self.now,
            is_over=is_over,
            also_over=self.verb in ALSO_OVER,
            at=(self.team_id, self.channel_id),
        )
        # Answers link to its page by the tenant's slug, which is at hand here.
        found.tenant = self.tenant
        return found
