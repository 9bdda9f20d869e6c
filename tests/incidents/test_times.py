"""The incident page prints its times in the zone that the person chose, entries that arrive live among them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.test import Client

from incidents.models.history import TimelineEvent
from incidents.models.incident import Incident
from incidents.page.views import _fragment

pytestmark = pytest.mark.fault("console-small")


def test_the_timelines_clocks_and_days_follow_the_chosen_zone(
    incident: Incident, as_user: Callable[[User], Client], cora: User
) -> None:
    zone = ZoneInfo("Pacific/Kiritimati")
    declared = TimelineEvent.objects.filter(incident=incident).latest("occurred_at").occurred_at
    browser = as_user(cora)

    def shown(chosen: str) -> str:
        browser.cookies["conductor_zone"] = chosen
        return browser.get(f"/t/northwind/incidents/INC-{incident.number}/").content.decode()

    for chosen, at in (("UTC", declared.astimezone(UTC)), (zone.key, declared.astimezone(zone))):
        page = shown(chosen)
        assert f'class="feed-time">{at:%H:%M:%S}<' in page
        assert re.search(rf'class="feed-day">{at.day} {at:%b %Y}<', page)


def test_an_entry_that_arrives_live_is_in_the_zone_of_its_reader(incident: Incident) -> None:
    entry = TimelineEvent.objects.filter(incident=incident).latest("occurred_at")
    entry.occurred_at = datetime(2026, 7, 1, 22, 5, 6, tzinfo=UTC)
    assert ">22:05:06<" in _fragment(entry, incident.number, "northwind", UTC)
    assert ">00:05:06<" in _fragment(entry, incident.number, "northwind", ZoneInfo("Europe/Berlin"))
