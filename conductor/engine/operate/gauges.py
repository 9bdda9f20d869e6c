"""What is due and what is at work, per priority: read when /metrics is."""

from __future__ import annotations

from datetime import datetime

from prometheus_client import Gauge

from conductor.engine.operate.backlog import backlogs

DUE = Gauge("conductor_engine_due", "Runs and items that wait for a worker", ["priority"])
OLDEST_DUE = Gauge("conductor_engine_oldest_due_seconds", "Age of what has waited longest for a worker", ["priority"])
AT_WORK = Gauge("conductor_engine_at_work", "Runs and items that workers hold", ["priority"])


def read_backlog(now: datetime) -> None:
    """Set the three gauges for each priority, over all tenants."""
    for backlog in backlogs(now=now):
        priority = backlog.priority.label.lower()
        DUE.labels(priority).set(backlog.due)
        OLDEST_DUE.labels(priority).set(backlog.oldest_seconds)
        AT_WORK.labels(priority).set(backlog.at_work)
