"""The drawing of what an incident is connected to: where each node and line stands, in the units of the SVG.

Affected resources on the left with what depends on them, runs and people on the right, evidence at the far right.
"""

from __future__ import annotations

from dataclasses import dataclass

from conductor.graph.models import Node
from incidents.links.surroundings import Surroundings, Tie

CENTRE, MIDDLE, CORE, RADIUS = 172, 92, 14, 12
FAR_LEFT, LEFT, RIGHT, FAR_RIGHT = 36, 98, 246, 308
ROW = 52
COLUMN = 3
"""At most this many nodes above each other."""
LETTERS = {LEFT: 13, RIGHT: 13, FAR_LEFT: 10, FAR_RIGHT: 10}
ICONS = {
    "database": "database",
    "queue": "layers",
    "cache": "zap",
    "host": "cpu",
    "bucket": "archive",
    "run": "workflow",
    "bundle": "folder-check",
    "control": "table-2",
    "user": "user",
}
TONES = {"run": "ok", "bundle": "ok"}


@dataclass(frozen=True)
class DrawnNode:
    name: str
    icon: str
    x: int
    y: int
    tone: str
    """hot for what is affected, ok for runs and bundles, empty for others."""

    @property
    def below(self) -> int:
        """Where its name stands."""
        return self.y + 26

    @property
    def icon_x(self) -> int:
        return self.x - 6

    @property
    def icon_y(self) -> int:
        return self.y - 6


@dataclass(frozen=True)
class Line:
    path: str
    is_hot: bool = False


@dataclass(frozen=True)
class Drawing:
    nodes: list[DrawnNode]
    lines: list[Line]
    total: int
    """How many records are connected; the drawing may show fewer."""
    sentence: str


def draw(*, code: str, found: Surroundings) -> Drawing | None:
    """Lay out the surroundings; None when there are none."""
    if not found.total:
        return None
    sides = [
        _side(LEFT, FAR_LEFT, _column(found.affected, "hot"), found.dependents),
        _side(RIGHT, FAR_RIGHT, _right(found), found.controls),
    ]
    nodes = [node for side, _lines in sides for node in side]
    lines = [line for _nodes, side in sides for line in side]
    return Drawing(nodes, lines, found.total, _sentence(code, found))


@dataclass(frozen=True)
class _Slot:
    """A node before it has a place. `ids` are the records that it stands for."""

    ids: frozenset[object]
    name: str
    kind: str
    tone: str


def _right(found: Surroundings) -> list[_Slot]:
    people = found.people
    together = [_Slot(frozenset(), f"{len(people)} people", "user", "")] if len(people) > 1 else _column(people)
    rest = [*found.bundles, *found.runs[::-1], *found.others]
    return [*_column(rest, most=COLUMN - bool(people)), *together]


def _column(nodes: list[Node], tone: str = "", most: int = COLUMN) -> list[_Slot]:
    """One slot per node; where there are too many the last slot says how many more there are."""
    slots = [
        _Slot(frozenset({node.id}), _label(node), node.kind, tone or TONES.get(node.kind, "")) for node in nodes[:most]
    ]
    if len(nodes) > most:
        rest = nodes[most - 1 :]
        slots[-1] = _Slot(frozenset(node.id for node in rest), f"{len(rest)} more", rest[0].kind, tone)
    return slots


def _side(near: int, far: int, slots: list[_Slot], ties: list[Tie]) -> tuple[list[DrawnNode], list[Line]]:
    inner = _placed(slots, near)
    lines = [Line(_curve(CENTRE, MIDDLE, CORE, node.x, node.y), node.tone == "hot") for node in inner]
    first = list({tie.node.id: tie.node for tie in ties}.values())
    outer_slots = _column(first)
    outer = _placed(outer_slots, far)
    for slot, node in zip(outer_slots, outer, strict=True):
        through = {tie.through.id for tie in ties if tie.node.id in slot.ids}
        for inner_slot, anchor in zip(slots, inner, strict=True):
            if inner_slot.ids & through:
                lines.append(Line(_curve(anchor.x, anchor.y, RADIUS, node.x, node.y)))
    return [*inner, *outer], lines


def _placed(slots: list[_Slot], x: int) -> list[DrawnNode]:
    top = MIDDLE - ROW * (len(slots) - 1) // 2
    return [
        DrawnNode(_short(slot.name, LETTERS[x]), ICONS.get(slot.kind, "server"), x, top + n * ROW, slot.tone)
        for n, slot in enumerate(slots)
    ]


def _curve(x: int, y: int, radius: int, to_x: int, to_y: int) -> str:
    """A cord from one node's edge to another's, level at both ends."""
    way = 1 if to_x > x else -1
    begin, end = x + way * radius, to_x - way * RADIUS
    middle = (begin + end) // 2
    return f"M{begin} {y}C{middle} {y} {middle} {to_y} {end} {to_y}"


def _label(node: Node) -> str:
    """Runs, bundles and controls by their code; everything else by its name."""
    code = node.name.split(" ", 1)[0]
    if node.kind == "control":
        return code.rpartition("_")[2]
    return code if node.kind in {"run", "bundle", "incident"} else node.name


def _short(name: str, letters: int) -> str:
    return name if len(name) <= letters else f"{name[: letters - 1]}…"


def _sentence(code: str, found: Surroundings) -> str:
    names = ", ".join(node.name for node in found.affected) or "no resource"
    counts = [(len(found.dependents), "dependency", "dependencies"), (len(found.runs), "run", "runs")]
    counts += [(len(found.bundles), "bundle", "bundles"), (len(found.people), "person", "people")]
    told = ", ".join(f"{n} {one if n == 1 else many}" for n, one, many in counts if n)
    return f"{code} affects {names}." + (f" Connected are {told}." if told else "")
