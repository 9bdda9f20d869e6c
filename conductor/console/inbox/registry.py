"""What waits for a person, computed from the rows themselves: apps above register how theirs is found.

Nothing is stored here, so nothing can differ from what it is about: what was done is gone with the next look. All that
waits is found by one query, the union of every app's; what a page shows of it is then read kind by kind.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db.models import DateTimeField, F, QuerySet, TextField, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast

from conductor.lib.clock import now
from conductor.lib.refs import parse_ref
from conductor.tenancy.actors import Actor

MOST = 1000
"""How many are found at most, the most urgent first; whoever has more is told so."""
SOON = timedelta(days=7)
OVERDUE, TODAY, THIS_WEEK, LATER, UNDATED = "overdue", "today", "week", "later", "undated"
PARTS = (OVERDUE, TODAY, THIS_WEEK, LATER, UNDATED)
"""How urgent something is, in order."""


@dataclass(frozen=True)
class Asker:
    """Whose list it is, and when they ask. `slug` is the tenant's, for addresses."""

    actor: Actor
    slug: str
    now: datetime

    @property
    def user_id(self) -> int:
        """The person's id; 0, which nobody has, for a program."""
        kind, identifier = parse_ref(self.actor.ref)
        return int(identifier) if kind == "tenancy.user" else 0

    def may(self, permission: str) -> bool:
        """Whether they hold the permission that an act needs. What they cannot do does not wait for them."""
        return permission in self.actor.permissions


@dataclass(frozen=True)
class Act:
    """The control that ends the waiting: a link, or with `post` a form of these fields."""

    label: str
    href: str
    post: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Told:
    """What a row says, besides when."""

    title: str
    """What is to be done, as a sentence without its full stop."""
    why: str
    """Why this person, in sentences."""
    href: str
    """Where it stands."""
    act: Act
    subject: str = ""
    """Code of what it is about: INC-12, R-7."""
    is_day: bool = False
    """Whether only a day was named: it is due until that day is over."""


@dataclass(frozen=True)
class Kind:
    """A kind of thing that waits. `rows` reads those with these ids; one that is gone meanwhile is left out."""

    group: str
    """The heading that it is counted under."""
    icon: str
    rows: Callable[[Asker, Sequence[UUID]], Mapping[UUID, Told]]


@dataclass(frozen=True)
class Family:
    """An app's kinds by name, and how what waits is found: (kind, rows made by `keyed`), for every kind at once."""

    kinds: Mapping[str, Kind]
    find: Callable[[Asker], Iterable[tuple[str, QuerySet[Any]]]]
    order: int
    """Of its headings among those of other families."""


@dataclass(frozen=True)
class Key:
    """One thing that waits, before it is read."""

    kind: str
    id: UUID
    since: datetime
    due_at: datetime | None


@dataclass(frozen=True)
class Waiting:
    """One thing that waits, as a page and the API show it."""

    key: Key
    kind: Kind
    told: Told
    part: str
    """One of PARTS."""

    @property
    def last_day(self) -> datetime | None:
        """Of what is due until a day is over: a moment of that day."""
        return self.key.due_at - timedelta(microseconds=1) if self.key.due_at else None


_families: dict[str, Family] = {}
_order: list[Family] = []


def register_family(*, name: str, family: Family) -> None:
    """Let an app say what waits for people. Called in AppConfig.ready()."""
    _families[name] = family
    _order[:] = sorted(_families.values(), key=lambda each: each.order)


def keyed(found: QuerySet[Any], *, since: str, due: str | Combinable | None = None) -> QuerySet[Any]:
    """Return the rows as `Family.find` gives them: since when each waits, and until when (None: no date)."""
    until = F(due) if isinstance(due, str) else due
    undated = Cast(Value(None), DateTimeField())
    rows: QuerySet[Any] = found.order_by().annotate(
        waits_since=F(since), waits_until=undated if until is None else until
    )
    return rows


def waits_of(request: Any) -> Waits:
    """Return what waits for whoever asks in the tenant at hand; the same for the whole request."""
    found: Waits | None = getattr(request, "waits", None)
    if found is None:
        found = request.waits = Waits(Asker(request.actor, request.tenant.slug, now()))
    return found


def kind_of(name: str) -> Kind:
    """Return the registered kind."""
    return next(family.kinds[name] for family in _order if name in family.kinds)


def groups() -> list[str]:
    """Return the headings of all kinds, in the order in which apps registered them."""
    return list(dict.fromkeys(kind.group for family in _order for kind in family.kinds.values()))


@dataclass(frozen=True)
class Waits:
    """All that waits for one person. Nothing is asked of the database before it is needed, and then once."""

    asker: Asker

    @cached_property
    def _found(self) -> list[Key]:
        asked = [
            rows.annotate(waits_as=Value(name, output_field=TextField())).values_list(
                "waits_as", "id", "waits_since", "waits_until"
            )
            for family in _order
            for name, rows in family.find(self.asker)
        ]
        if not asked:
            return []
        union = asked[0].union(*asked[1:], all=True) if len(asked) > 1 else asked[0]
        urgent_first = union.order_by(F("waits_until").asc(nulls_last=True), "waits_since", "id")
        return [Key(*each) for each in urgent_first[: MOST + 1]]

    @property
    def keys(self) -> list[Key]:
        """The most urgent first, at most MOST; what has no date last."""
        return self._found[:MOST]

    @property
    def is_cut(self) -> bool:
        """Whether more waits than `keys` has."""
        return len(self._found) > MOST

    @property
    def count(self) -> int:
        return len(self.keys)

    @cached_property
    def by_part(self) -> dict[str, int]:
        """How many of each urgency, all of PARTS."""
        counted = Counter(self.part_of(each) for each in self.keys)
        return {part: counted[part] for part in PARTS}

    @property
    def overdue(self) -> int:
        return self.by_part[OVERDUE]

    @property
    def unhurried(self) -> int:
        """How many are due later than within a week, or have no date."""
        return self.by_part[LATER] + self.by_part[UNDATED]

    @property
    def next_due_at(self) -> datetime | None:
        """When the next thing that is not overdue is due; None where nothing has a date."""
        return next((each.due_at for each in self.keys if each.due_at and each.due_at > self.asker.now), None)

    @property
    def by_group(self) -> list[tuple[str, int]]:
        """How many under each heading, those without any left out."""
        counted = Counter(kind_of(each.kind).group for each in self.keys)
        return [(group, counted[group]) for group in groups() if counted[group]]

    def in_group(self, group: str) -> list[Key]:
        """Return the keys under that heading; all for an empty one."""
        return [each for each in self.keys if not group or kind_of(each.kind).group.lower() == group.lower()]

    def part_of(self, key: Key) -> str:
        """Return how urgent it is at the moment of asking."""
        asked_at = self.asker.now
        if key.due_at is None:
            return UNDATED
        if key.due_at <= asked_at:
            return OVERDUE
        # What is due until a day is over is due at the midnight after it.
        if (key.due_at - timedelta(microseconds=1)).astimezone(UTC).date() == asked_at.astimezone(UTC).date():
            return TODAY
        return THIS_WEEK if key.due_at <= asked_at + SOON else LATER

    def rows(self, keys: Sequence[Key]) -> list[Waiting]:
        """Read these, in their order: one query for each kind among them."""
        told: dict[tuple[str, UUID], Told] = {}
        for name in dict.fromkeys(key.kind for key in keys):
            found = kind_of(name).rows(self.asker, [key.id for key in keys if key.kind == name])
            told |= {(name, identifier): each for identifier, each in found.items()}
        return [
            Waiting(key, kind_of(key.kind), told[key.kind, key.id], self.part_of(key))
            for key in keys
            if (key.kind, key.id) in told
        ]
