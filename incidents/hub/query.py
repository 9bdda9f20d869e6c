"""What an address narrows the list of incidents to, in which order, and the addresses that lead on from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from conductor.lib.numbers import whole_number
from incidents.hub.choices import ORDERS
from incidents.hub.selectors import RECENTLY, HubFilter
from incidents.models.choices import Kind, Severity, Status

KINDS = {"imported": str(Kind.IMPORTED), "all": ""}
"""Which kinds a view shows, where it is not the real ones alone: "all" leaves nothing out."""
VIEWS = ("active", "mine", *sorted(KINDS))
BOARD = "board"
NOBODY = "nobody"
"""In place of a commander's id: incidents that nobody commands."""


@dataclass(frozen=True)
class Chip:
    """A filter in force, and the address without it."""

    name: str
    op: str
    value: str
    href: str


@dataclass(frozen=True)
class Heading:
    """A column's heading: the address that sorts by it, and how it is sorted now (as `aria-sort` says it)."""

    label: str
    href: str
    sorted: str


COLUMNS = (
    ("severity", "Severity"),
    ("", "Status"),
    ("number", "Incident"),
    ("service", "Service"),
    ("commander", "Commander"),
    ("declared", "Declared"),
    ("elapsed", "Elapsed"),
)
NEWEST_FIRST = frozenset({"number", "declared", "elapsed"})
"""What is sorted downwards at the first press: the newest, the longest."""


@dataclass(frozen=True)
class HubQuery:
    """An address, read. What cannot be read narrows nothing, and is complained about."""

    view: str
    filters: HubFilter
    order: str
    """One of selectors.ORDERS, with "-" for downwards; empty for the view's own."""
    layout: str
    complaints: tuple[str, ...]
    person: str = ""
    """Name of the commander whom the filter names, where somebody has told it."""

    @cached_property
    def params(self) -> list[tuple[str, str]]:
        """What the address says, without the page."""
        found, filters = [("view", self.view)] if self.view != "active" else [], self.filters
        commander = NOBODY if filters.is_uncommanded else str(filters.commander_id or "")
        days = ((name, day.isoformat() if day else "") for name, day in _days(filters))
        single = [("q", filters.q), ("service", filters.service), ("commander", commander), *days]
        many = [("severity", each) for each in filters.severities] + [("status", each) for each in filters.statuses]
        rest = [("sort", self.order), ("layout", self.layout)]
        return [*found, *((name, value) for name, value in [*single, *many, *rest] if value)]

    @property
    def is_narrowed(self) -> bool:
        """Whether anything besides the view narrows the list."""
        return any(name not in {"view", "sort", "layout"} for name, _ in self.params)

    @property
    def kept(self) -> list[tuple[str, str]]:
        """What the search field's form keeps beside the words."""
        return [each for each in self.params if each[0] != "q"]

    @property
    def unfiltered(self) -> list[tuple[str, str]]:
        """What the filters' form keeps: what it has no field for."""
        return [each for each in self.params if each[0] in {"view", "q", "sort", "layout"}]

    @property
    def address(self) -> str:
        return _address(self.params)

    @property
    def cleared(self) -> str:
        """The address of this view without any filter."""
        return _address(each for each in self.params if each[0] in {"view", "sort", "layout"})

    def with_one(self, name: str, value: str) -> str:
        """Return the address with this value in place of any other of its name; empty: without."""
        others = [each for each in self.params if each[0] != name]
        return _address([*others, *([(name, value)] if value else [])])

    @property
    def as_list(self) -> str:
        return self.with_one("layout", "")

    @property
    def as_board(self) -> str:
        return self.with_one("layout", BOARD)

    @property
    def severities(self) -> list[tuple[str, bool, str]]:
        """Each severity, whether it is chosen, and the address that chooses it or lets it go."""
        chosen = self.filters.severities
        return [
            (each, each in chosen, self._toggled("severity", each, is_on=each in chosen)) for each in Severity.values
        ]

    @property
    def chips(self) -> list[Chip]:
        """The filters in force that have no button of their own."""
        filters = self.filters
        named = [(name, day.isoformat()) for name, day in _days(filters) if day]
        found = [
            Chip("Status", "is", Status(each).label, self._toggled("status", each, is_on=True))
            for each in filters.statuses
        ]
        if filters.service:
            found.append(Chip("Service", "is", filters.service, self.with_one("service", "")))
        if filters.is_uncommanded or filters.commander_id is not None:
            who = "nobody" if filters.is_uncommanded else self.person or "somebody else"
            found.append(Chip("Commander", "is", who, self.with_one("commander", "")))
        words = {"from": "from", "to": "until"}
        return found + [Chip("Declared", words[name], value, self.with_one(name, "")) for name, value in named]

    @property
    def headings(self) -> list[Heading]:
        """The columns, in order."""
        return [self._heading(key, label) for key, label in COLUMNS]

    def _heading(self, key: str, label: str) -> Heading:
        if not key:
            return Heading(label, "", "")
        down, up = f"-{key}", key
        first, second = (down, up) if key in NEWEST_FIRST else (up, down)
        now = {up: "ascending", down: "descending"}.get(self.order, "")
        return Heading(label, self.with_one("sort", second if self.order == first else first), now)

    def _toggled(self, name: str, value: str, *, is_on: bool) -> str:
        others = [each for each in self.params if each != (name, value)]
        return _address(others if is_on else [*others, (name, value)])


def read(*, query: Mapping[str, Any], member_id: int | None, now: datetime, people: Mapping[int, str]) -> HubQuery:
    """Read a query string: view, q, severity, status, service, commander, from, to, sort, layout.

    `people` are the commanders by id, for their names.
    """
    view = str(query.get("view", ""))
    view = view if view in VIEWS else "active"
    complaints: list[str] = []
    commander = str(query.get("commander", ""))
    commander_id = whole_number(commander)
    if commander and commander != NOBODY and commander_id is None:
        complaints.append("The commander is named by a number of the list.")
    first, last = (_day(str(query.get(name, "")), complaints) for name in ("from", "to"))
    if first and last and last < first:
        complaints.append("The last day lies before the first.")
    order = str(query.get("sort", ""))
    layout = BOARD if query.get("layout") == BOARD and view in {"active", "mine"} else ""
    filters = HubFilter(
        q=str(query.get("q", "")).strip()[:100],
        severities=_known(query, "severity", Severity.values),
        statuses=_known(query, "status", Status.values),
        service=str(query.get("service", "")).strip()[:200],
        member_id=member_id if view == "mine" else None,
        kind=KINDS.get(view, Kind.REAL),
        commander_id=commander_id,
        is_uncommanded=commander == NOBODY,
        declared_from=first,
        declared_to=last,
        since=None if view in KINDS else now - RECENTLY,
    )
    order = order if order.removeprefix("-") in ORDERS else ""
    return HubQuery(view, filters, order, layout, tuple(complaints), people.get(commander_id or 0, ""))


def _known(query: Mapping[str, Any], name: str, values: Iterable[str]) -> tuple[str, ...]:
    """Return the known ones among the values of this name, each once, in the order of `values`."""
    listed = query.getlist(name) if hasattr(query, "getlist") else [query.get(name, "")]
    given = {each.strip().upper() for every in listed for each in str(every).split(",")}
    return tuple(each for each in values if each in given)


def _day(text: str, complaints: list[str]) -> date | None:
    if not text.strip():
        return None
    try:
        found = date.fromisoformat(text.strip())
    except ValueError:
        found = None
    if found is None or not 1970 <= found.year <= 2199:
        complaints.append(f"“{text.strip()[:20]}” is no day. Write it as 2026-11-30.")
        return None
    return found


def _days(filters: HubFilter) -> list[tuple[str, date | None]]:
    return [("from", filters.declared_from), ("to", filters.declared_to)]


def _address(params: Iterable[tuple[str, str]]) -> str:
    return "?" + urlencode(list(params))
