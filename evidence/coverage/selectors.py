"""Which controls have evidence, and how fresh it is. Figures always come with what they are out of.

A sealed bundle proves its own period for ever; "fresh" says only whether the newest one is young enough for today.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db.models import Count, Max
from django.db.models.functions import TruncMonth

from conductor.lib.errors import NotFound
from controls.models import Control, Framework, WorkflowBinding
from controls.selectors import Mapped, bindings_of, live_bindings, mapped_controls
from evidence.bundles.sealed import as_signed
from evidence.models import BundleControl, EvidenceBundle

MONTHS = 12
GAPS = 5
LEVELS = (1, 3, 6, 12, 24)
"""Bundles from which a month's cell takes the heat map's steps 1 to 5."""

FRESH, STALE, NEVER, UNBOUND = "fresh", "stale", "never", "unbound"


@dataclass(frozen=True)
class Coverage:
    """A framework's controls by how a tenant stands with them. Withdrawn controls are not counted."""

    framework: Framework
    controls: int
    """All: the n of the other numbers, which add up to it."""
    fresh: int
    """Bound, and the newest evidence is young enough."""
    stale: int
    """Bound, and the newest evidence is too old."""
    never: int
    """Bound, and there is no evidence yet."""
    unbound: int
    """No workflow."""

    @property
    def covered(self) -> int:
        return self.controls - self.unbound


@dataclass(frozen=True)
class ControlRow:
    """A control in the catalogue's table."""

    control: Control
    bindings: list[WorkflowBinding]
    """The live ones."""
    state: str
    """fresh, stale, never or unbound."""
    last_evidence_at: datetime | None
    """End of the period of the newest sealed bundle."""
    due_at: datetime | None
    """When that evidence turns stale; None where there is none, or no workflow."""
    bundles: int
    """Sealed bundles, of all time."""


@dataclass(frozen=True)
class HeatCell:
    month: date
    """Its first day."""
    bundles: int
    level: int
    """0 (none) to 5."""


@dataclass(frozen=True)
class HeatRow:
    """A family of controls, month by month, oldest first."""

    group: str
    label: str
    controls: int
    cells: list[HeatCell]


@dataclass(frozen=True)
class ControlDetail:
    """Everything that a control's page shows."""

    row: ControlRow
    bindings: list[WorkflowBinding]
    """Ended ones included, after the live ones."""
    mapped: list[Mapped]
    bundles: list[EvidenceBundle]
    """The twenty newest that are sealed, by the end of their period."""
    months: list[HeatCell]


@dataclass(frozen=True)
class Catalogue:
    """Everything that the catalogue's page shows of one framework."""

    framework: Framework
    coverage: list[Coverage]
    """Of every framework, this one included."""
    rows: list[ControlRow]
    """The framework's controls that match the search."""
    heat: list[HeatRow]
    gaps: list[ControlRow]

    @property
    def figures(self) -> Coverage:
        return next(each for each in self.coverage if each.framework == self.framework)


def control_rows(*, controls: Iterable[Control], now: datetime) -> list[ControlRow]:
    """Return the controls with their standing, in the order given. Two queries."""
    listed = list(controls)
    bindings: dict[UUID, list[WorkflowBinding]] = {}
    for binding in live_bindings():
        bindings.setdefault(binding.control_id, []).append(binding)
    evidence = {
        row["control"]: (row["last"], row["n"])
        for row in _sealed().values("control").annotate(last=Max("bundle__effective_to"), n=Count("bundle")).order_by()
    }
    return [_row(control, bindings.get(control.id, []), evidence.get(control.id), now) for control in listed]


def catalogue(*, framework: str, search: str, now: datetime) -> Catalogue:
    """Return the page of a framework (its key or alias); raise NotFound. Six queries."""
    controls = Control.objects.select_related("framework").order_by("framework_id", "position")
    rows = control_rows(controls=controls, now=now)
    covered = _coverage([row for row in rows if not row.control.is_withdrawn])
    chosen = next((each.framework for each in covered if framework in {each.framework.key, each.framework.alias}), None)
    if chosen is None:
        raise NotFound(f"There is no framework {framework}.")
    mine = [row for row in rows if row.control.framework_id == chosen.key]
    return Catalogue(
        framework=chosen,
        coverage=covered,
        rows=[row for row in mine if _matches(row.control, search)],
        heat=heat_map(framework=chosen, now=now),
        gaps=_gaps([row for row in mine if not row.control.is_withdrawn]),
    )


def coverage(*, now: datetime) -> list[Coverage]:
    """Return the tenant's coverage, framework by framework."""
    return _coverage(control_rows(controls=Control.objects.filter(is_withdrawn=False), now=now))


def _coverage(rows: list[ControlRow]) -> list[Coverage]:
    found = []
    for framework in Framework.objects.order_by("key"):
        states = [row.state for row in rows if row.control.framework_id == framework.key]
        tally = {state: states.count(state) for state in (FRESH, STALE, NEVER, UNBOUND)}
        found.append(Coverage(framework=framework, controls=len(states), **tally))
    return found


def gaps(*, framework: Framework, now: datetime, limit: int = GAPS) -> list[ControlRow]:
    """Return controls that need attention: stale evidence first, then none at all, then no workflow."""
    controls = framework.controls.filter(is_withdrawn=False).order_by("position")
    return _gaps(control_rows(controls=controls, now=now), limit)


def _gaps(rows: list[ControlRow], limit: int = GAPS) -> list[ControlRow]:
    order = {STALE: 0, NEVER: 1, UNBOUND: 2}
    open_ones = [row for row in rows if row.state in order]
    return sorted(open_ones, key=lambda row: (order[row.state], row.control.position))[:limit]


def heat_map(*, framework: Framework, now: datetime) -> list[HeatRow]:
    """Return how many sealed bundles each family has in each of the last twelve months, by the end of their period."""
    months = _months(now)
    counted: dict[tuple[str, date], int] = {}
    found = (
        _sealed(framework)
        .filter(bundle__effective_to__date__gte=months[0])
        .annotate(month=TruncMonth("bundle__effective_to"))
        .values("control__group", "month")
        .annotate(n=Count("bundle", distinct=True))
        .order_by()
    )
    for row in found:
        counted[row["control__group"], row["month"].date()] = row["n"]
    families = framework.controls.filter(is_withdrawn=False).values_list("group", "group_label", "position")
    sizes: dict[tuple[str, str], int] = {}
    for group, label, _position in families.order_by("position"):
        sizes[group, label] = sizes.get((group, label), 0) + 1
    return [
        HeatRow(group, label, size, [_cell(month, counted.get((group, month), 0)) for month in months])
        for (group, label), size in sizes.items()
    ]


def control_detail(*, control: Control, now: datetime) -> ControlDetail:
    """Return what the control's page shows."""
    months = _months(now)
    sealed = EvidenceBundle.objects.filter(covers__control=control, status=EvidenceBundle.Status.SEALED)
    counted = {
        row["month"].date(): row["n"]
        for row in sealed.filter(effective_to__date__gte=months[0])
        .annotate(month=TruncMonth("effective_to"))
        .values("month")
        .annotate(n=Count("id"))
        .order_by()
    }
    return ControlDetail(
        row=control_rows(controls=[control], now=now)[0],
        bindings=list(bindings_of(control=control)),
        mapped=mapped_controls(control=control),
        bundles=[
            as_signed(each) for each in sealed.select_related("environment", "run").order_by("-effective_to")[:20]
        ],
        months=[_cell(month, counted.get(month, 0)) for month in months],
    )


def _sealed(framework: Framework | None = None):  # type: ignore[no-untyped-def]
    found = BundleControl.objects.filter(bundle__status=EvidenceBundle.Status.SEALED)
    return found.filter(control__framework=framework) if framework else found


def _row(
    control: Control, bindings: list[WorkflowBinding], evidence: tuple[datetime, int] | None, now: datetime
) -> ControlRow:
    last, bundles = evidence or (None, 0)
    frequency = min((binding.frequency_days for binding in bindings), default=None)
    due = last + timedelta(days=frequency) if last and frequency else None
    if not bindings:
        state = UNBOUND
    elif due is None:
        state = NEVER
    else:
        state = FRESH if due >= now else STALE
    return ControlRow(control, bindings, state, last, due, bundles)


def _matches(control: Control, search: str) -> bool:
    wanted = search.casefold()
    return any(wanted in text.casefold() for text in (control.code, control.label, control.alias))


def _months(now: datetime) -> list[date]:
    """Return the first days of the last twelve months, oldest first, the present one included."""
    this = now.year * 12 + now.month - 1
    return [date(index // 12, index % 12 + 1, 1) for index in range(this - MONTHS + 1, this + 1)]


def _cell(month: date, bundles: int) -> HeatCell:
    return HeatCell(month, bundles, sum(bundles >= bound for bound in LEVELS))
