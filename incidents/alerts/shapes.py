"""What the API's document says of notifications, which are read one alert at a time."""

from __future__ import annotations

from typing import Any

_TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
_TIME = {"type": "string", "format": "date-time"}
_ALERT = {
    "type": "object",
    "required": ["status", "labels"],
    "properties": {
        "status": {"type": "string", "enum": ["firing", "resolved"]},
        "labels": _TEXTS,
        "annotations": _TEXTS,
        "startsAt": _TIME,
        "endsAt": _TIME,
        "generatorURL": {"type": "string"},
        "fingerprint": {"type": "string"},
    },
}
NOTIFICATION = {
    "type": "object",
    "title": "AlertmanagerNotification",
    "required": ["alerts"],
    "properties": {
        "version": {"type": "string"},
        "groupKey": {"type": "string", "description": "Alerts of one group make one incident."},
        "truncatedAlerts": {"type": "integer", "minimum": 0},
        "alerts": {"type": "array", "items": _ALERT},
    },
}
EVENT = {
    "type": "object",
    "title": "PagerDutyEvent",
    "required": ["event_action"],
    "properties": {
        "routing_key": {"type": "string", "description": "Of an alert source: then no token is needed."},
        "event_action": {"type": "string", "enum": ["trigger", "acknowledge", "resolve"]},
        "dedup_key": {"type": "string", "maxLength": 255},
        "client_url": {"type": "string"},
        "payload": {
            "type": "object",
            "required": ["summary", "source", "severity"],
            "properties": {
                "summary": {"type": "string"},
                "source": {"type": "string"},
                "severity": {"type": "string", "description": "critical, error, warning or info, or the source's own."},
                "timestamp": _TIME,
                "component": {"type": "string"},
            },
        },
    },
}


def body(schema: dict[str, Any]) -> dict[str, Any]:
    """Return what is added to an operation whose body is read by hand."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
