"""The Celery application: queues, beat's rhythm, and settings that were measured (docs/decisions/0008)."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery.signals import beat_init, setup_logging, worker_init
from kombu.entity import Queue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "conductor.settings")

from django.conf import settings

from conductor.lib import pool
from conductor.tenancy.serving import serve_as

QUEUES = ("default", "incident", "compliance")

app = Celery("conductor")
app.conf.update(
    broker_url=settings.BROKER_URL,
    result_backend="django-db",
    task_queues=[Queue(name) for name in QUEUES],
    task_default_queue="default",
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    task_time_limit=1800,
    task_soft_time_limit=1740,
    broker_connection_retry_on_startup=True,
    worker_cancel_long_running_tasks_on_connection_loss=True,
    timezone="UTC",
    beat_scheduler="django_celery_beat.schedulers:DatabaseScheduler",
    beat_schedule={
        "sweep-runs": {"task": "conductor.sweep_runs", "schedule": 5.0, "options": {"expires": 10}},
        "sweep-ledgers": {"task": "conductor.sweep_ledgers", "schedule": 5.0, "options": {"expires": 10}},
        "anchor-checkpoints": {
            "task": "evidence.anchor_checkpoints",
            "schedule": float(settings.CONDUCTOR_ANCHOR_SECONDS),
            "options": {"expires": settings.CONDUCTOR_ANCHOR_SECONDS},
        },
        "sweep-incident-evidence": {"task": "evidence.sweep_incidents", "schedule": 60.0, "options": {"expires": 120}},
        "sweep-trackers": {
            "task": "incidents.sweep_trackers",
            "schedule": float(settings.CONDUCTOR_TRACKER_SECONDS),
            "options": {"expires": settings.CONDUCTOR_TRACKER_SECONDS},
        },
        "purge-answers": {"task": "conductor.purge_answers", "schedule": 3600.0, "options": {"expires": 3600}},
        "purge-rates": {"task": "conductor.purge_rates", "schedule": 600.0, "options": {"expires": 600}},
        "sweep-slack-outbox": {"task": "chatops.sweep_outbox", "schedule": 5.0, "options": {"expires": 10}},
        "sweep-slack-channels": {"task": "chatops.sweep_channels", "schedule": 30.0, "options": {"expires": 60}},
        "sweep-slack-words": {"task": "chatops.sweep_words", "schedule": 60.0, "options": {"expires": 120}},
        "sweep-slack-receipts": {"task": "chatops.sweep_slack_receipts", "schedule": 15.0, "options": {"expires": 30}},
    },
)
if settings.BROKER_URL.startswith(("redis", "rediss")):
    # The visibility timeout is longer than the time limit, or a long task would be delivered twice.
    app.conf.broker_transport_options = {
        "visibility_timeout": 2400,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        "socket_connect_timeout": 3,
    }
app.autodiscover_tasks(["conductor.engine", "conductor.api", "chatops", "evidence", "incidents"])


@setup_logging.connect
def keep_our_logging(**_options: Any) -> None:
    """Celery would replace the root logger's handlers; Django has configured them already."""


@worker_init.connect
def start_worker(**_options: Any) -> None:
    """Hold a worker, and the processes that it forks, to its limits; a process that only sends messages is none."""
    serve_as("worker")


@beat_init.connect
def start_beat(**_options: Any) -> None:
    """Beat has no limits: it opens no tenant's scope."""
    serve_as("beat")


@worker_init.connect
def announce_pool(sender: Any = None, **_options: Any) -> None:
    """Children inherit how many they are, so that no tenant takes them all."""
    pool.announce(int(getattr(sender, "concurrency", 0) or 0))
