"""What every page of the console shows round its content: tenant, navigation, live incidents, theme."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django.http import HttpRequest
from django.urls import reverse

from conductor.console.inbox.registry import Waits, waits_of
from conductor.console.shell.panels import panels_at
from conductor.lib.clock import now
from conductor.tenancy.actors import Actor, display_name
from conductor.tenancy.directory import UserTenant
from conductor.tenancy.roles import PERMISSIONS
from conductor.tenancy.sessions.second_step import is_coming

THEME_COOKIE = "conductor_theme"
KEYS_COOKIE = "conductor_keys"
ZONE_COOKIE = "conductor_zone"


@dataclass(frozen=True)
class NavItem:
    label: str
    href: str
    icon: str
    current: bool
    count: int | None = None
    key: str = ""
    """The keys that lead there from every page."""


@dataclass(frozen=True)
class NavGroup:
    title: str
    items: list[NavItem]


@dataclass(frozen=True)
class ShellUser:
    name: str
    initials: str
    id: int
    role: str


@dataclass(frozen=True)
class Shell:
    """The template variable `shell` (docs/reference/console-templates.md)."""

    theme: str
    keys_off: bool
    now: datetime
    zone: tzinfo = UTC
    """The zone in which the console prints times; evidence and documents are in UTC whatever it is."""
    tenant: Any = None
    tenants: list[UserTenant] = field(default_factory=list)
    user: ShellUser | None = None
    nav: list[NavGroup] = field(default_factory=list)
    live: list[Any] = field(default_factory=list)
    can: Mapping[str, bool] = field(default_factory=dict)
    waits: Waits | None = None
    """What waits for the person; None outside of a tenant."""
    second_step_from: datetime | None = None
    """When this session will no longer be enough, because it has no second step; None: it is enough."""

    @property
    def zone_name(self) -> str:
        """The short name of the zone now: "UTC", "CET", or "+03" where it has none."""
        return f"{self.now.astimezone(self.zone):%Z}"


INBOX = "console:inbox"
_NAV = (
    (
        "Respond",
        (
            ("Waits for you", INBOX, "inbox", "view_incidents", "g w"),
            ("Incidents", "incidents:list", "siren", "view_incidents", "g i"),
            ("Postmortems", "incidents:postmortems", "notebook-pen", "view_incidents", "g p"),
            ("Action items", "incidents:action_items", "list-checks", "view_incidents", "g n"),
            ("Deadlines", "incidents:deadlines", "calendar-clock", "view_incidents", "g d"),
            ("Runs", "console:runs", "workflow", "view_runs", "g r"),
        ),
    ),
    (
        "Prove",
        (
            ("Evidence", "evidence:list", "folder-check", "view_evidence", "g e"),
            ("Controls", "controls:list", "table-2", "view_controls", "g o"),
            ("Receipts", "console:receipts", "receipt", "view_evidence", "g t"),
            ("Policy", "console:policy", "scale", "view_evidence", "g l"),
        ),
    ),
    (
        "Set up",
        (
            ("Members", "console:members", "users", "view_evidence", "g m"),
            ("Response rules", "incidents:rules", "sliders-horizontal", "view_incidents", "g u"),
            ("Adapters", "admin:adapters_adapterconfig_changelist", "plug", "manage_adapters", "g a"),
            ("Slack", "slack:workspaces", "message-square", "manage_adapters", "g s"),
            ("Help", "console:help", "info", "view_incidents", "g h"),
        ),
    ),
)
"""Group, then (label, URL name, icon, permission, keys). Names only: this package imports no app."""


def shell(request: HttpRequest) -> dict[str, Any]:
    """Context processor: `shell`, with the tenant's parts only inside a tenant and only for its members."""
    cookies = request.COOKIES
    theme = cookies.get(THEME_COOKIE, "")
    frame: dict[str, Any] = {
        "theme": theme if theme in {"light", "dark"} else "",
        "keys_off": cookies.get(KEYS_COOKIE) == "off",
        "now": now(),
        "zone": zone_of(request),
    }
    actor: Actor | None = getattr(request, "actor", None)
    if actor is None:
        return {"shell": Shell(**frame)}
    waits = waits_of(request)
    live = next((panel.context for panel in panels_at(place="shell.live", request=request, subject="")), {})
    return {
        "shell": Shell(
            **frame,
            tenant=request.tenant,  # type: ignore[attr-defined]
            tenants=request.tenants,  # type: ignore[attr-defined]
            user=_user(request, actor),
            nav=_navigation(request, actor, {"incidents:list": live.get("active"), INBOX: waits.count or None}),
            waits=waits,
            live=live.get("items", []),
            second_step_from=request.tenant.second_step_from  # type: ignore[attr-defined]
            if is_coming(tenant=request.tenant, proven=actor.authentication, now=frame["now"])  # type: ignore[attr-defined]
            else None,
            can={name: name in actor.permissions for name in PERMISSIONS},
        )
    }


def zone_of(request: HttpRequest) -> tzinfo:
    """Return the zone in which this browser's person reads times: UTC unless they chose their own."""
    name = request.COOKIES.get(ZONE_COOKIE, "")
    return ZoneInfo(name) if name != "UTC" and name in zones() else UTC


@cache
def zones() -> frozenset[str]:
    """Return the names of the zones that this machine knows: "Europe/Berlin"."""
    return frozenset(available_timezones())


def _user(request: HttpRequest, actor: Actor) -> ShellUser:
    name = display_name(request.user)  # type: ignore[arg-type]
    initials = "".join(part[0] for part in name.split()[:2]).upper()
    return ShellUser(name, initials, request.user.pk or 0, actor.roles[0].capitalize())


def destinations(request: HttpRequest) -> list[NavItem]:
    """Return the sidebar's entries that the person may open; none outside of a tenant."""
    actor: Actor | None = getattr(request, "actor", None)
    return [] if actor is None else [item for group in _navigation(request, actor, {}) for item in group.items]


def _navigation(request: HttpRequest, actor: Actor, counts: Mapping[str, int | None]) -> list[NavGroup]:
    match = request.resolver_match
    where = match.view_name if match else ""
    groups = []
    for title, entries in _NAV:
        items = [
            NavItem(label, _href(request, name), icon, _is_current(where, name), counts.get(name), key)
            for label, name, icon, permission, key in entries
            if permission in actor.permissions
        ]
        if items:
            groups.append(NavGroup(title, items))
    return groups


def _href(request: HttpRequest, name: str) -> str:
    # The admin pages name no tenant in their addresses: they are the active one's (conductor.tenancy.middleware).
    tenant = [] if name.startswith("admin:") else [request.tenant.slug]  # type: ignore[attr-defined]
    return reverse(name, args=tenant)


def _is_current(where: str, name: str) -> bool:
    """A page belongs to the entry that its name begins with, else to its app's list. The admin's go by their model."""
    if name.startswith("admin:"):
        return where.startswith(name.rpartition("_")[0])
    claimed = [each for _title, entries in _NAV for _, each, *_ in entries if where.startswith(each.removesuffix("s"))]
    if claimed:
        return name in claimed
    return name.endswith(":list") and where.startswith(name.removesuffix("list"))
