"""Every file with its number K1, K2, …, where it came from, and the record of an incident as it was written."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from conductor.console.format.values import byte_size, clock_time, day, number
from conductor.lib.clock import parse_rfc3339
from evidence.packs.document.material import POSTMORTEM, TIMELINE, Material
from evidence.packs.document.receipts import PRINTED

PLAIN_DIGESTS_FROM = 300
"""Files from which on digests are printed in one tone: each tone costs a box."""


def numbers(material: Material) -> dict[str, int]:
    """Return the place of each file in section K, by its path."""
    return {path: place for place, path in enumerate(sorted(_by_path(material)), start=1)}


def files(material: Material) -> dict[str, Any]:
    """Return section K: the files by path; one that is not what was recorded says so."""
    listed, damaged = _by_path(material), set(material.report.damaged)
    rows = [
        {
            "id": f"K{place}",
            "path": path,
            "role": str(listed[path]["role"]).capitalize(),
            "size": byte_size(listed[path]["size_bytes"]),
            "digest": listed[path]["digest"],
            "damaged": path in damaged,
        }
        for path, place in numbers(material).items()
    ]
    more = number(len(rows) - PRINTED) if len(rows) > PRINTED else ""
    return {"rows": rows[:PRINTED], "more": more, "plain": len(rows) > PLAIN_DIGESTS_FROM}


def sources(material: Material) -> list[dict[str, str]]:
    """Return section C: what was read from where, by whom and when, the files of one source together."""
    places = numbers(material)

    def source(each: dict[str, Any]) -> tuple[str, str]:
        return each["origin"] or "Not stated", each["collected_by"]["name"]

    rows = []
    for (origin, by), group in groupby(sorted(material.manifest["artifacts"], key=source), key=source):
        listed = list(group)
        times = sorted(parse_rfc3339(each["collected_at"]) for each in listed)
        begin, end = clock_time(times[0]), clock_time(times[-1])
        rows.append(
            {
                "origin": origin,
                "files": _ids([places[each["path"]] for each in listed]),
                "count": number(len(listed)),
                "by": by,
                "day": day(times[0]),
                "at": begin if begin == end else f"{begin} to {end}",
            }
        )
    return [{"id": f"C{place}", **row} for place, row in enumerate(rows, start=1)]


def record(material: Material) -> dict[str, Any]:
    """Return section F: the incident's timeline as it was sealed, and which file is its postmortem."""
    places = numbers(material)
    entries = material.files.get(TIMELINE, {}).get("entries", [])
    where = f"K{places[TIMELINE]}" if TIMELINE in places else ""
    return {
        "rows": [_entry(each) for each in entries[:PRINTED]],
        "total": number(len(entries)),
        "more": number(len(entries) - PRINTED) if len(entries) > PRINTED else "",
        "where": where,
        "unreadable": where if where and not entries else "",
        "postmortem": _postmortem(material, places),
    }


def _by_path(material: Material) -> dict[str, dict[str, Any]]:
    return {each["path"]: each for each in material.manifest["artifacts"]}


def _ids(places: list[int]) -> str:
    """Return "K1 to K4, K7"."""
    runs: list[list[int]] = []
    for place in sorted(places):
        if runs and place == runs[-1][-1] + 1:
            runs[-1].append(place)
        else:
            runs.append([place])
    return ", ".join(f"K{run[0]}" if len(run) == 1 else f"K{run[0]} to K{run[-1]}" for run in runs)


def _entry(entry: dict[str, Any]) -> dict[str, str]:
    at = parse_rfc3339(entry["occurred_at"])
    return {
        "seq": str(entry["seq"]),
        "day": day(at),
        "at": clock_time(at),
        "says": entry["says"],
        "text": entry["text"],
        "by": entry["actor"]["name"],
    }


def _postmortem(material: Material, places: dict[str, int]) -> str:
    content = material.files.get(POSTMORTEM)
    if content is None:
        return ""
    approved = f"approved by {content['approved_by']}" if content["approved_at"] else "approved by nobody"
    return f"The postmortem, version {content['version']}, {approved}, is K{places[POSTMORTEM]}."
