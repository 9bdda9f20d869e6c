"""What every form of the incident pages does: call one verb, and show itself again with each complaint."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from conductor.lib.errors import Conflict, Invalid


@dataclass(frozen=True)
class Outcome:
    """What came of a form."""

    errors: dict[str, list[str]] = field(default_factory=dict)
    """Complaints by field, the empty name for those about the whole."""
    status: int = 200
    """What the form is shown again with: 422 for input that is not valid, 409 where something stands against it."""

    @property
    def is_done(self) -> bool:
        """Whether the verb did its work."""
        return not self.errors


def attempt(act: Callable[[], Any]) -> Outcome:
    """Call the verb. A missing permission is not the form's to explain: that goes on to the door."""
    try:
        act()
    except (Invalid, Conflict) as refused:
        return Outcome(refused.fields or {"": [refused.detail]}, refused.status)
    return Outcome()


def utc_moment(text: str, name: str) -> datetime:
    """Read the value of a `datetime-local` input, which is meant in UTC. Raise Invalid naming the field `name`."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        raise Invalid(fields={name: ["Give a date and a time, in UTC."]}) from None


def local_value(moment: datetime | None) -> str:
    """Return the moment as a `datetime-local` input holds it, in UTC to the second; empty for None."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S") if moment else ""


def back_to(tenant: str, number: int, tab: str = "", fragment: str = "") -> HttpResponse:
    """Redirect to the incident's page, to a tab or to a place on it."""
    address = reverse("incidents:detail", args=[tenant, number])
    query = f"?tab={tab}" if tab else ""
    return redirect(f"{address}{query}{f'#{fragment}' if fragment else ''}")
