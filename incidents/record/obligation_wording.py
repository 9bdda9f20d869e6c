"""What entries about reporting obligations say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from incidents.record.phrases import at_moment, for_want_of, name_list

Facts = Mapping[str, Any]


def reporting_moment(who: str, data: Facts) -> str:
    return f"{who} decided: {data['key'].replace('_', ' ')} was at {at_moment(data['at'])}"


def duty_decided(who: str, data: Facts) -> str:
    return f"{who} signed: {data['regime']}, {'reportable' if data['applies'] else 'not reportable'}"


def duty_reopened(who: str, data: Facts) -> str:
    facts = name_list([name.replace("_", " ") for name in data["changed"]])
    return f"“{data['title']}” is asked again: {facts} changed since the decision"


def due_soon(who: str, data: Facts) -> str:
    undecided = "" if data["is_decided"] else ", and nobody has decided whether it applies"
    used = f"{data['percent']}% of the time has passed{undecided}"
    notified = f"notified {data['told']}{for_want_of(data)}"
    return f"“{data['title']}” ({data['regime']}) is due {at_moment(data['due_at'])}: {used}; {notified}"


def missed_deadline(who: str, data: Facts) -> str:
    undecided = "" if data["is_decided"] else "; nobody has decided whether it applies"
    what = f"“{data['title']}” ({data['regime']}) was due {at_moment(data['due_at'])} and is not filed"
    return f"{what}{undecided}; notified {data['told']}{for_want_of(data)}"


def filed(who: str, data: Facts) -> str:
    late = ", late" if data.get("late") else ""
    return f"{who} filed “{data['title']}”{late}, number {data['reference']}"
